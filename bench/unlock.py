"""What a cold search costs with a passphrase, through `poststelle unlock`, and without either.

One command: `python bench/unlock.py [--letters 1000] [--runs 5]`. Every figure is the median CPU time of fresh
processes that search all compartments as the owner. Exit status 0 if both limits are kept, 1 if one is missed.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

if not __package__:
    # Run as a file: this folder would offer bench/intake.py in place of the product's package `intake`.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bench.intake import Limit, fill_vault, make_office, poststelle, show_limits
from bench.measuring import Measured, measure

QUERY = "Überweisung OR Rechnung"
WITH_PASSPHRASE_S = 0.65
THROUGH_AGENT_S = 0.45


def cold_search(office: Path, owner: Path, runs: int, environment: dict[str, str]) -> float:
    """Median CPU seconds of a search in a fresh process."""
    find = poststelle("--identity", str(owner), "--json", "search", QUERY)
    done: list[Measured] = [measure(find, folder=office, environment=environment) for _ in range(runs)]
    if any(run.status for run in done) or json.loads(done[0].output)["total"] == 0:
        raise SystemExit("`poststelle search` found nothing where it must; it was not measured.")
    return sorted(run.cpu_s for run in done)[runs // 2]


def main(arguments: list[str]) -> int:
    """Fill a vault, search it in three ways, compare with the limits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--letters", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="poststelle-bench-") as name:
        folder = Path(name)
        for place in ("home", "run"):
            (folder / place).mkdir(mode=0o700)
        os.environ |= {"HOME": str(folder / "home"), "XDG_RUNTIME_DIR": str(folder / "run")}
        office = folder / "office"
        owner = make_office(office)
        fill_vault(office, chosen.letters)
        plain = cold_search(office, owner, chosen.runs, {})
        passphrase = folder / "passphrase"
        passphrase.write_text("four or five unrelated words", encoding="utf-8")
        _must(poststelle("--identity", str(owner), "identity", "passphrase", "--new-file", str(passphrase)), office)
        knowing = {"POSTSTELLE_PASSPHRASE_FILE": str(passphrase)}
        asked = cold_search(office, owner, chosen.runs, knowing)
        _must(poststelle("--identity", str(owner), "unlock", "--for", "10m"), office, knowing)
        try:
            unlocked = cold_search(office, owner, chosen.runs, {})
        finally:
            _must(poststelle("--identity", str(owner), "unlock", "--stop"), office)
    print(f"cold search in {chosen.letters} letters, all compartments, median CPU seconds of {chosen.runs} processes")
    print(f"{'without a passphrase (init --no-passphrase)':44}{plain:9.2f}")
    kept = show_limits(
        [
            Limit(name="with a passphrase", figure=asked, limit=WITH_PASSPHRASE_S),
            Limit(name="through unlock", figure=unlocked, limit=THROUGH_AGENT_S),
        ]
    )
    return 0 if kept else 1


def _must(command: list[str], office: Path, environment: dict[str, str] | None = None) -> None:
    if measure(command, folder=office, environment=environment).status:
        raise SystemExit(f"`{' '.join(command[-3:])}` failed; nothing was measured.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
