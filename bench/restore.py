"""Backup and restore, in a vault of many: python bench/restore.py [--letters 1000] [--part-kilobytes 4]

Data: the letters of bench/purge.py (invented, at least 250 words each, filed as they are, without recognition, over
six compartments). Every command is the real program in a process of its own. Measured: the first backup, one with
nothing new, reading everything back, a restore to an empty place with an owner's identity, and that restore's own
steps. `verify` is measured beside. At the end every letter is opened by an owner and its bytes compared.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

if not __package__:
    # Run as a file: this folder would offer bench/search.py in place of the product's package `search`.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bench import purge
from bench.measuring import Measured
from poststelle.wiring import Environment, open_person


def main() -> None:
    """Make the vault, measure, print."""
    parser = argparse.ArgumentParser(description="Measure backup and restore.")
    parser.add_argument("--letters", type=int, default=1_000)
    parser.add_argument("--part-kilobytes", type=int, default=4, help="size of each original")
    options = parser.parse_args()
    purge.ORIGINAL_BYTES = options.part_kilobytes * 1024
    with tempfile.TemporaryDirectory(prefix="poststelle-bench-") as folder:
        office = purge.Office(Path(folder) / "office")
        office.folder.mkdir()
        init = office.command("init", "--no-passphrase")
        subprocess.run(
            init, cwd=office.folder, env=os.environ | office.environment, check=True, stdout=subprocess.DEVNULL
        )
        purge.make_vault(office, options.letters, options.letters // 10)
        size = sum(path.stat().st_size for path in (office.folder / "vault").rglob("*") if path.is_file())
        print(f"The vault has {size / 1e6:,.0f} MB.\n")
        measure(office, options.letters, Path(folder) / "backup")


def measure(office: purge.Office, letters: int, target: Path) -> None:
    """The whole path; the figure for 1,000 letters is the restore's, divided."""
    print(f"{'':52}{'wall s':>9}{'CPU s':>9}")
    cost, made = office.run("backup", str(target))
    row(f"first backup: {made['letters']:,} letters, {made['new_parts']:,} parts", cost)
    assert made["letters"] == letters
    cost, made = office.run("backup", str(target))
    row("backup with nothing new", cost)
    assert made["new_parts"] == 0
    cost, read = office.run("backup", str(target), "--verify")
    row("reading everything back", cost)
    assert read["ok"]
    cost, _ = office.run("restore", str(target), "--drill", user="owner")
    row("restore as a drill", cost)
    for name in ("vault", "mirror"):
        shutil.rmtree(office.folder / name)
    (office.folder / "service.identity").unlink()
    cost, done = office.run("restore", str(target), user="owner")
    row("restore to an empty place", cost)
    per_thousand = cost.cpu_s * 1000 / letters
    print(f"{'… for 1,000 letters':52}{cost.wall_s * 1000 / letters:9.2f}{per_thousand:9.2f}")
    for step, seconds in done["seconds"].items():
        print(f"    {step:48}{seconds:9.2f}")
    cost, verified = office.run("verify")
    row("beside: verify", cost)
    assert verified["ok"]
    print(f"\n{opened(office, letters):,} of {letters:,} originals open and are as they were filed.")


def opened(office: purge.Office, letters: int) -> int:
    """How many letters an owner opens, whole."""
    environment = Environment(
        cwd=office.folder,
        config_file=None,
        identity_file=office.folder / "identities" / "owner.identity",
        passphrase=lambda user: "",
        config_folders=(),
        cache=Path(office.environment["XDG_CACHE_HOME"]) / "poststelle",
        state=Path(office.environment["XDG_STATE_HOME"]) / "poststelle",
    )
    whole = 0
    with open_person(environment) as session:
        for number in range(letters):
            name = hashlib.sha256(f"letter {number}".encode()).hexdigest()[:32]
            registered, _ = session.reading.resolve(name)
            content = (hashlib.sha256(str(number).encode()).hexdigest() * (purge.ORIGINAL_BYTES // 64)).encode()
            whole += session.reading.original(registered) == content
    return whole


def row(name: str, cost: Measured) -> None:
    """One line of the table."""
    print(f"{name:52}{cost.wall_s:9.2f}{cost.cpu_s:9.2f}", flush=True)


if __name__ == "__main__":
    main()
