"""The soak: hours of office life in minutes. Several writers drop letters while people search, decide and destroy.

Letters are small PDFs with a text layer, so that the disk and the locks are the bottleneck and not recognition; two
scans come last. A second intake is tried. At the end the checker counts: each drop once, none lost. Reported: drops,
searches, how long a search took while mail came in, and how memory and open files of the watcher grew.
"""

import io
import multiprocessing
import random
import signal
import statistics
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pikepdf
from conftest import first_letter
from drills.checker import Place, digests, examine
from simulators import Office, environment_of

from bench.letters import write_scan
from poststelle.errors import PoststelleError

WRITERS = 3
PAUSE_SECONDS = 0.1
"""Between two searches."""
WORDS = ("Zwiebelturm", "Moorbirke", "Kupferkanne", "Heidelbeere", "Quarzsand", "Walnuss", "Eiszapfen", "Mistelzweig")
KINDS = (
    ("Rechnung Nr. {n}", "Bitte überweisen Sie den Rechnungsbetrag von {n},00 EUR bis zum 30.04.2026."),
    ("Mahnung zu Rechnung {n}", "Unsere Rechnung ist noch offen. Wir mahnen den Betrag von {n},00 EUR an."),
    ("Angebot {n}", "Gern bieten wir Ihnen an: {n} Stück. Das Angebot ist freibleibend."),
    ("Bewerbung als Tischler", "Anbei finden Sie meinen Lebenslauf und meine Zeugnisse. Nummer {n}."),
)
ACCEPTED_SLOPE = 1.0
"""Megabytes for each thousand letters in the second half: what the search remembers of new words, and the allocator."""


@dataclass(slots=True)
class Report:
    """What was done and measured."""

    drops: int = 0
    searches: int = 0
    decisions: int = 0
    purges: int = 0
    seconds: float = 0
    search_seconds: list[float] = field(default_factory=list)
    memory: list[tuple[int, float]] = field(default_factory=list)
    """(letters dropped so far, resident megabytes of the watcher)."""
    slope: float = 0
    """Megabytes by which the watcher grew for each thousand letters in the second half."""
    descriptors: list[int] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def small_pdf(number: int) -> bytes:
    """A letter with a text layer; the number makes it unlike any other."""
    subject, body = KINDS[number % len(KINDS)]
    word = WORDS[number % len(WORDS)]
    lines = [f"{word} GmbH", "", "Musterbetrieb GmbH", "01067 Dresden", "", "Erfurt, den 15.03.2026", "",
             subject.format(n=number), "", "Sehr geehrte Damen und Herren,", body.format(n=number),
             f"Kennwort {word}{number}", "", "Mit freundlichen Grüßen"]  # fmt: skip
    pdf, target = pikepdf.new(), io.BytesIO()
    page = pdf.add_blank_page(page_size=(595, 842))
    font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica,
                              Encoding=pikepdf.Name.WinAnsiEncoding)  # fmt: skip
    page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F=pdf.make_indirect(font)))
    shown = b"".join(b"(" + line.encode("cp1252") + b") Tj T*\n" for line in lines)
    page.Contents = pdf.make_stream(b"BT /F 11 Tf 14 TL 60 780 Td\n" + shown + b"ET")
    pdf.save(target, deterministic_id=True)
    return target.getvalue()


def _write(inbox: Path, first: int, count: int, pause: float) -> None:
    """One writer: slowly, in pieces, or under another name first, as scanners and copies do."""
    dice = random.Random(first)
    for number in range(first, first + count):
        content, target = small_pdf(number), inbox / f"scan {number}.pdf"
        if number % 3 == 0:
            with target.open("wb") as stream:
                stream.write(content[: len(content) // 2])
                stream.flush()
                time.sleep(pause)
                stream.write(content[len(content) // 2 :])
        else:
            aside = target.with_suffix(".part")
            aside.write_bytes(content)
            aside.rename(target)
        time.sleep(dice.random() * pause)


def drill(empty: Office, folder: Path, *, minutes: float) -> Report:
    """Run it; at least the time named, then until all mail is in."""
    office, report = empty.copy_to(folder / "soak"), Report()
    scans = [write_scan(first_letter("invoice", word), folder, word, "pdf", dpi=200, preset="clean")
             for word in WORDS[:2]]  # fmt: skip
    contents = [scan.read_bytes() for scan in scans]
    watch = office.start("watch", out=office.root / "watch.log")
    began, first = time.monotonic(), 0
    try:
        while time.monotonic() < began + minutes * 60:
            batch = 40
            writers = [
                multiprocessing.Process(target=_write, args=(office.inbox, first + n * batch, batch, 0.05))
                for n in range(WRITERS)
            ]
            for writer in writers:
                writer.start()
            while any(writer.is_alive() for writer in writers) or len(office.waiting()) > WRITERS * batch:
                _people(office, report)
                _measure(watch.pid, first, report)
                time.sleep(PAUSE_SECONDS)
            for writer in writers:
                writer.join()
            contents += [small_pdf(n) for n in range(first, first + WRITERS * batch)]
            first += WRITERS * batch
        for number, scan in enumerate(scans):
            (office.inbox / f"papier-{number}.pdf").write_bytes(scan.read_bytes())
        _drained(office, watch.pid, report)
        second = office.run("intake")
        if second.status != 2 or "Traceback" in second.err:
            report.failures.append(f"a second intake was not refused: {second.status} {second.err[-200:]}")
        watch.send_signal(signal.SIGTERM)
        if watch.wait(90) != 0:
            report.failures.append(f"the watcher's exit status is {watch.returncode}")
    finally:
        watch.kill()
        watch.wait()
    report.drops, report.seconds = len(contents), time.monotonic() - began
    report.failures += examine(Place.of(office.folder), digests(contents))
    if b"Traceback" in (office.root / "watch.log").read_bytes():
        report.failures.append("a traceback in the watcher's log")
    _judge(report)
    return report


def _people(office: Office, report: Report) -> None:
    """Somebody searches; now and then somebody decides, and the purge job runs."""
    from poststelle.verbs.deciding import decide
    from poststelle.verbs.disposing import run
    from poststelle.verbs.finding import search
    from poststelle.verbs.locating import desk
    from poststelle.wiring import open_person, open_service

    user, query = random.choice((("accounting", "Rechnung"), ("hr", "Bewerbung"), ("owner", f"{WORDS[0]} OR Mahnung")))
    before = time.monotonic()
    try:
        with open_person(environment_of(office, user=user)) as session:
            found = search(
                session, query, record_class=None, from_date=None, to_date=None, limit=10, sort="relevance",
                today=datetime.now(UTC).date(),
            )  # fmt: skip
        report.search_seconds.append(time.monotonic() - before)
        report.searches += 1
        if report.searches % 25 == 0 and found.result.hits:
            with desk(environment_of(office, user="owner")) as at_desk:
                decide(at_desk, found.result.hits[0].document_id, "offer", kind="reclassified")
            report.decisions += 1
        if report.searches % 60 == 0:
            with open_service(environment_of(office)) as service:
                run(service)
            report.purges += 1
    except PoststelleError as err:
        report.failures.append(f"somebody was told: {err}")


def _measure(pid: int, dropped: int, report: Report) -> None:
    status = Path(f"/proc/{pid}/status").read_text()
    resident = int(status.split("VmRSS:")[1].split()[0]) / 1024
    report.memory.append((dropped, resident))
    report.descriptors.append(len(list(Path(f"/proc/{pid}/fd").iterdir())))


def _drained(office: Office, pid: int, report: Report) -> None:
    deadline = time.monotonic() + 1800
    while [name for name in office.waiting() if "lock" not in name]:
        if time.monotonic() > deadline or not Path(f"/proc/{pid}").exists():
            report.failures.append(f"still waiting: {office.waiting()[:5]}")
            return
        time.sleep(0.2)


def _judge(report: Report) -> None:
    half = report.memory[len(report.memory) // 2 :]
    if len({x for x, _ in half}) > 2:
        report.slope = statistics.linear_regression([x / 1000 for x, _ in half], [y for _, y in half]).slope
        if report.slope > ACCEPTED_SLOPE:
            report.failures.append(f"the watcher grows by {report.slope:.1f} MB for each thousand letters")
    spread = report.descriptors[len(report.descriptors) // 2 :]
    if spread and max(spread) > min(spread) + 40:
        report.failures.append(f"open files of the watcher went from {min(spread)} to {max(spread)}")
