"""The leak drill: words that stand in letters, names, reasons and passphrases, looked for in every file of ours.

An office lives through a day: mail in every file type dropped while `watch` runs, names with umlauts, sub-folders,
searches that find and that do not, a review, corrections, a hold, an export, a discard, a purge, a passphrase changed;
the command line and environment of every child process are read while it runs; a worker is crashed with core dumps
allowed, and the watcher killed in the middle of a page. Then every file outside the inbox and outside what people
exported themselves is searched: as it is, inflated, as base64, in UTF-8, UTF-16 and Latin-1, and for signatures of
image files and random windows of the originals. The drill proves itself by planting all of these in turn.
"""

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from conftest import CANARIES, UNREADABLE, UNREADABLE_CONTENT, first_letter
from plaintext import Evidence, copy_living, leaks
from simulators import Office

from bench.letters import OFFICE_COMPANY, OFFICE_EMPLOYEE, Letter, make_letter, write_scan

NAME = "Kürbiskernöl"
"""In a file name, composed and decomposed."""
FOLDER = "Mistelzweig"
"""A sub-folder somebody made in the inbox."""
REASON = "Hagebuttentee"
"""In reasons: of a hold, a release, a discard."""
FACT = "Schlehdornhecke"
"""Somebody corrects a sender to this."""
QUERIES = (
    "Safranfadenzieher",
    '"Quarzsandfilter Safranfadenzieher"',
    "sender:Safranfadenzieher",
    "Safranfadenzieh~",
    "(Safranfadenzieher",
)
PASSPHRASE = "drei Eiszapfen hängen am Bahnhofsdach"
OLD = "Walnussknacker"
"""In a letter that is destroyed during the day."""
SIGNS = (*CANARIES.values(), NAME, FOLDER, REASON, FACT, "Safranfadenz", "Eiszapfen", OLD, "Weidenkorb")
KINDS = ("pdf", "tiff", "jpeg", "pdf-digital", "png")
CLASSES = ("invoice", "reminder", "payroll", "invoice", "credit-note")


def a_day(office: Office, folder: Path) -> tuple[list[Path], Evidence, list[str]]:
    """Live through the day; returns the copies to search, what to look for, and what went wrong on the way."""
    scans = _mail(folder)
    evidence = Evidence.of(
        [*SIGNS, *(unicodedata.normalize("NFD", sign) for sign in SIGNS if not sign.isascii())], scans
    )
    said: list[str] = []
    copies = folder / "living"
    old = write_scan(_old_letter(), folder, f"beleg-{OLD}", "pdf-digital", dpi=200, preset="clean")
    office.done("intake", "--received-on", "2014-06-30", old)
    scans.append(old)
    with _watching(office) as watch:
        (office.inbox / FOLDER).mkdir()
        for number, scan in enumerate(scans[:-1]):
            target = office.inbox / (FOLDER if number == 1 else ".") / scan.name
            if target.name.startswith("per-mail"):
                target = target.with_name(f"{unicodedata.normalize('NFD', NAME)} {number}.pdf")
            aside = target.with_name(f".{number}.part")
            shutil.copyfile(scan, aside)
            aside.rename(target)
        said += _processes(watch.pid, until=lambda: not _waits(office))
        said += _people(office, folder)
        for place in own_places(office):
            copy_living(place, copies / "running" / place.name)
    said += _crashes(office, scans[0])
    return [*own_places(office), copies], evidence, said


def _mail(folder: Path) -> list[Path]:
    names = [Path(name) for name in CANARIES]
    files = [
        write_scan(first_letter(record_class, CANARIES[name.name]), folder, name.stem, kind, dpi=200, preset="clean")
        for name, kind, record_class in zip(names, KINDS, CLASSES, strict=True)
    ]
    unreadable = folder / UNREADABLE
    unreadable.write_bytes(UNREADABLE_CONTENT)
    return [*files, unreadable]


def _old_letter() -> Letter:
    """A voucher of 2013: its period is long over."""
    return make_letter(
        7, record_class="invoice", pages=1, year=2013, canary=OLD, recipient=OFFICE_COMPANY, employee=OFFICE_EMPLOYEE
    )


def own_places(office: Office) -> list[Path]:
    """Everywhere our files may lie, the inbox and what people exported apart."""
    beside = [path for path in office.root.iterdir() if path not in (office.folder, office.root / "exported")]
    return [*beside, *(path for path in office.folder.iterdir() if path != office.inbox), *office.in_memory()]


@contextlib.contextmanager
def _watching(office: Office) -> Iterator["subprocess.Popen[bytes]"]:
    watch = office.start("watch", out=office.root / "watch.log")
    try:
        yield watch
        watch.send_signal(signal.SIGTERM)
        watch.wait(90)
    finally:
        watch.kill()
        watch.wait()


def _waits(office: Office) -> bool:
    return bool([name for name in office.waiting() if "lock" not in name])


def _processes(pid: int, until: Callable[[], bool], seconds: float = 240) -> list[str]:
    """Read what anybody on the machine can see of our processes, until it is done."""
    found, seen, deadline = set(), 0, time.monotonic() + seconds
    while not until():
        if time.monotonic() > deadline:
            return [*found, "the watcher did not take in the mail"]
        for process in (pid, *_children(pid)):
            for what in ("cmdline", "environ", "comm"):
                with contextlib.suppress(OSError):
                    text = Path(f"/proc/{process}/{what}").read_bytes().decode(errors="replace").lower()
                    seen += 1
                    found |= {f"{sign} in {what} of a process" for sign in SIGNS if sign.lower() in text}
        time.sleep(0.2)
    return [*found, *(["no process was looked at"] if seen < 6 else [])]


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(child) for task in Path(f"/proc/{pid}/task").iterdir()
                for child in (task / "children").read_text().split()]  # fmt: skip
    return []


def _people(office: Office, folder: Path) -> list[str]:
    """What people do in a day; every answer and every complaint goes to them, not into a file."""
    exported = office.root / "exported"
    exported.mkdir()
    said = []

    def must(status: int, *arguments: str | Path, user: str) -> dict[str, object]:
        ran = office.run(*arguments, user=user)
        if ran.status != status:
            said.append(f"{arguments[:2]} by {user} ended with {ran.status}: {ran.err[-200:]}")
        return ran.json if ran.out.strip().startswith(b"{") else {}

    for query in QUERIES:
        office.run("search", query, user="accounting")
    office.run("search", "Quarzsandfilter", user="accounting", as_json=False)
    hits = must(0, "search", "Quarzsandfilter OR Zwiebelturmuhr", user="accounting").get("hits") or [{}]
    known = [hit["id"] for hit in hits if "id" in hit]  # type: ignore[attr-defined]
    if not known:
        return [*said, "the mail is not found: nothing was tried"]
    must(0, "show", known[0], user="accounting")
    must(0, "export", known[0], "-o", exported / "brief", user="accounting")
    must(0, "export", known[0], "--rendition", "-o", exported / "rendition", user="accounting")
    must(0, "facts", "set", known[0], "sender", f"{FACT} KG", user="accounting")
    must(0, "hold", "place", known[0], "--reason", f"Prüfung {REASON}", user="records-manager")
    must(0, "reclassify", known[-1], "offer", user="owner")
    for waiting in must(0, "review", "list", user="owner").get("documents", [])[:1]:  # type: ignore[index]
        must(0, "review", "decide", waiting["id"], "invoice", user="owner")
    quarantined = must(0, "quarantine", "list", user="mailroom").get("documents") or []
    for item in quarantined:  # type: ignore[attr-defined]
        must(0, "quarantine", "discard", item["accession"], "--reason", REASON, "--yes", user="mailroom")
    plan = must(0, "purge", "plan", user="records-manager")
    must(0, "purge", "release", str(plan.get("plan_id")), "--reason", REASON, user="owner")
    ran = office.run("purge", "run")
    if ran.status != 0 or len(ran.json["disposed"]) != 1:
        said.append(f"the old letter was not destroyed: {ran.text} {ran.err}")
    new = folder / "new-passphrase"
    new.write_text(PASSPHRASE)
    must(0, "identity", "passphrase", "--new-file", new, user="sales")
    ran = office.run("search", QUERIES[0], user="sales", env={"POSTSTELLE_PASSPHRASE_FILE": str(new)})
    if ran.status != 0:
        said.append(f"the new passphrase does not open: {ran.err}")
    return said


def _crashes(office: Office, scan: Path) -> list[str]:
    """A worker crashes with core dumps allowed; then the watcher is killed in the middle of a page."""
    limit = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (limit[1], limit[1]))
    said = []
    try:
        for number, victim in enumerate(("worker", "watcher")):
            watch = office.start("watch", out=office.root / f"crash-{victim}.log")
            try:
                shutil.copyfile(scan, office.inbox / f"again-{number}.pdf")
                crashed = _crash(watch, victim)
                if not crashed:
                    said.append(f"no {victim} was crashed: nothing was tried")
            finally:
                watch.kill()
                watch.wait()
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, limit)
    said += _cores_would_be_seen(office)
    office.run("intake")
    said += [f"a core dump: {path.name}" for path in office.root.rglob("core*") if path.is_file()]
    if _waits(office):
        said.append(f"after the crashes there waits {office.waiting()}")
    return said


def _cores_would_be_seen(office: Office) -> list[str]:
    """The control: an ordinary program that crashes here does leave its memory, where the kernel writes plain files."""
    if Path("/proc/sys/kernel/core_pattern").read_text().startswith("|"):
        return []  # another program takes the dumps of this machine; whether ours make one was not seen
    place = office.root / "control"
    place.mkdir()
    limits = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)}
    crash = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    subprocess.run([sys.executable, "-c", crash], cwd=place, check=False, **limits)
    seen = list(place.iterdir())
    shutil.rmtree(place)
    return [] if seen else ["the control: this machine writes no core dumps at all"]


def _crash(watch: "subprocess.Popen[bytes]", victim: str, seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for child in _children(watch.pid):
            with contextlib.suppress(OSError, IndexError, ValueError):
                ticks = int(Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[11])
                if _is_reading(child) and ticks > 30:
                    os.kill(child if victim == "worker" else watch.pid, signal.SIGSEGV)
                    time.sleep(1)
                    return True
        time.sleep(0.02)
    return False


def _is_reading(pid: int) -> bool:
    """Whether the process runs now: a worker that waits for a page sleeps."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "R"


# The controls -------------------------------------------------------------------------------------------------


def planted(places: Sequence[Path], evidence: Evidence, office: Office) -> list[str]:
    """Plant each kind of evidence in each kind of place; says what was not found."""
    from zlib import compress

    plants = {
        "a word": lambda sign: b"\0\1" + sign.encode() + b"\2",
        "a word in UTF-16": lambda sign: b"\0\1" + sign.encode("utf-16-le") + b"\2",
        "a deflated word": lambda sign: os.urandom(99) + compress(f"ein {sign} und noch ein Wort".encode()),
        "a piece of an original": lambda sign: os.urandom(99) + evidence.pieces[len(sign)],
        "a signature": lambda sign: os.urandom(99) + b"%PDF-1.7",
    }
    missed = []
    for place in (
        office.vault / "objects" / "00",
        office.mirror,
        office.state,
        office.temporary,
        office.root / "cache",
    ):
        for name, make in plants.items():
            for sign in (SIGNS[0], SIGNS[-1]):
                place.mkdir(parents=True, exist_ok=True)
                file = place / "planted"
                file.write_bytes(make(sign))
                if not leaks([place], evidence):
                    missed.append(f"the control: {name} ({sign}) in {place.name} was not found")
                file.unlink()
    return missed


def drill(empty: Office, folder: Path) -> tuple[list[str], dict[str, int]]:
    """The whole drill: what leaked or went wrong, and figures."""
    office = empty.copy_to(folder / "leak")
    places, evidence, said = a_day(office, folder)
    found = leaks(places, evidence)
    files = sum(1 for place in places for path in place.rglob("*") if path.is_file())
    plants = planted(places, evidence, office)
    figures = {"files searched": files, "words": len(evidence.words), "windows of originals": len(evidence.pieces)}
    return [*said, *found, *plants], figures
