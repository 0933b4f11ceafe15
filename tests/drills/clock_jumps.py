"""The watcher while its clock is set: back, forward, over a new year and both changes of daylight saving.

Letters come in all the time. Before each leap forward somebody leaves half a letter, closed, and writes the rest
afterwards: it must not be taken for given up. The purge job runs after each setting and must refuse a date that cannot
be trusted. At the end the checker counts, and each letter must have been received on the day that it was.
"""

import hashlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from drills import set_clock
from drills.checker import Kit, Place, digests, examine, read
from drills.set_clock import Clock
from drills.soak import small_pdf
from simulators import Office, eventually

BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"
"""Europe/Berlin as a rule: no time zone files are needed."""
LIVED_SECONDS, BEFORE = 5.0, timedelta(seconds=3)
"""How long mail comes in after each setting; how shortly before a change the clock is set."""
LONGEST_GAP = timedelta(days=60)
"""After a longer leap the purge job wants to be told that the date is right."""
NEW_YEAR = "a new year"
SET_BACK, LEAPT = "it was set back", "may have been set forward"
WRITTEN_FIRST_BYTES = 300
PAUSE_SECONDS = 0.15
MOST_WAITING = 8


@dataclass(slots=True)
class Report:
    """What was lived through."""

    letters: int = 0
    settings: list[str] = field(default_factory=list)
    refusals: int = 0
    """Runs of the purge job that did not believe the date, as they must."""
    years: dict[int, int] = field(default_factory=dict)
    """Letters received in each year."""
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Drop:
    """A letter, and the number of settings of the clock before it."""

    content: bytes
    span: int


def summer_time(year: int) -> tuple[datetime, datetime]:
    """When it begins and ends: the last Sundays of March and October, 01:00 UTC."""
    last_days = (datetime(year, 3, 31, 1, tzinfo=UTC), datetime(year, 10, 31, 1, tzinfo=UTC))
    begins, ends = (day - timedelta(days=(day.weekday() + 1) % 7) for day in last_days)
    return begins, ends


def day_in_berlin(at: datetime) -> date:
    """The calendar day there, reckoned here and not by the program."""
    begins, ends = summer_time(at.year)
    return (at + timedelta(hours=2 if begins <= at < ends else 1)).date()


def changes_after(at: datetime) -> list[tuple[datetime, str]]:
    """The next new year and the next two changes of daylight saving, in their order."""
    found = []
    for year in (at.year, at.year + 1):
        begins, ends = summer_time(year)
        found += [(begins, "summer time begins"), (ends, "summer time ends")]
        found.append((datetime(year, 12, 31, 23, tzinfo=UTC), NEW_YEAR))
    return sorted(change for change in found if change[0] > at)[:3]


class _Mailroom:
    """One office under one clock; letters come in until `close`."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.clock = Clock(office.root / "clock")
        self.drops: list[_Drop] = []
        self.days: list[set[date]] = [{day_in_berlin(self.clock.now())}]
        """After each number of settings."""
        self._closing = threading.Event()
        self._scanner = threading.Thread(target=self._scan)

    def command(self, *arguments: str, user: str | None = None) -> list[str]:
        """A command line under the clock."""
        program = [sys.executable, set_clock.__file__, str(self.office.root / "clock")]
        return [*program, *self.office.command(*arguments, user=user)]

    def run(self, *arguments: str, user: str | None = None) -> tuple[int, str]:
        """Run one command to its end: status and messages."""
        ran = subprocess.run(
            self.command(*arguments, user=user), cwd=self.office.folder, env=self.office.environment(TZ=BERLIN),
            stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False,
        )  # fmt: skip
        return ran.returncode, ran.stderr.decode()

    def watch(self, log: Path) -> "subprocess.Popen[bytes]":
        """Start the watcher, and the scanner when it watches."""
        with log.open("wb") as stream:
            watch = subprocess.Popen(
                self.command("watch"), cwd=self.office.folder, env=self.office.environment(TZ=BERLIN),
                stdin=subprocess.DEVNULL, stdout=stream, stderr=stream,
            )  # fmt: skip
        eventually(lambda: "Watching" in log.read_text(encoding="utf-8"), "it watches")
        self._scanner.start()
        return watch

    def set_to(self, at: datetime) -> None:
        """Set the clock while letters are on their way, one of them written by half and closed."""
        target = self.office.inbox / f"halb {len(self.days)}.pdf"
        content = small_pdf(1_000_000 + len(self.days))
        target.write_bytes(content[:WRITTEN_FIRST_BYTES])
        time.sleep(1)
        self.days[-1].add(day_in_berlin(self.clock.now()))
        self.clock.set_to(at)
        self.days.append({day_in_berlin(at)})
        time.sleep(LIVED_SECONDS / 2)
        with target.open("ab") as stream:
            stream.write(content[WRITTEN_FIRST_BYTES:])
        self.drops.append(_Drop(content, len(self.days) - 1))

    def end(self) -> None:
        """No more letters."""
        self._closing.set()
        self._scanner.join()

    def close(self) -> None:
        """No more letters; returns when all are taken in."""
        self.end()
        self.days[-1].add(day_in_berlin(self.clock.now()))
        eventually(lambda: not [name for name in self.office.waiting() if "lock" not in name], "all are taken in")

    def _scan(self) -> None:
        """Drop letters as scanners do: in pieces, or under another name first; never many at once, so that each is
        taken in soon."""
        for number in range(1_000_000):
            if self._closing.is_set():
                return
            content, target = small_pdf(number), self.office.inbox / f"scan {number}.pdf"
            span = len(self.days) - 1
            if number % 3 == 0:
                with target.open("wb") as stream:
                    stream.write(content[:WRITTEN_FIRST_BYTES])
                    stream.flush()
                    time.sleep(PAUSE_SECONDS)
                    stream.write(content[WRITTEN_FIRST_BYTES:])
            else:
                aside = target.with_suffix(".part")
                aside.write_bytes(content)
                aside.rename(target)
            self.drops.append(_Drop(content, span))
            time.sleep(PAUSE_SECONDS)
            while len(self.office.waiting()) > MOST_WAITING and not self._closing.is_set():
                time.sleep(PAUSE_SECONDS)


def drill(empty: Office, folder: Path) -> Report:
    """Live through all of it."""
    office, report = empty.copy_to(folder / "clock"), Report()
    room, log = _Mailroom(office), office.root / "watch.log"
    watch = room.watch(log)
    try:
        _live(room, report)
        room.close()
        watch.send_signal(signal.SIGTERM)
        if watch.wait(90) != 0:
            report.failures.append(f"the watcher's exit status is {watch.returncode}")
    finally:
        watch.kill()
        watch.wait()
        room.end()
    if "Traceback" in log.read_text(encoding="utf-8"):
        report.failures.append("a traceback in the watcher's log")
    for check in (("verify",), ("audit", "verify")):
        status, said = room.run(*check, user="owner")
        if status:
            report.failures.append(f"{' '.join(check)} said: {said[-300:]}")
    report.letters = len(room.drops)
    report.failures += examine(Place.of(office.folder), digests(drop.content for drop in room.drops))
    _judge_days(room, report)
    return report


def _live(room: _Mailroom, report: Report) -> None:
    """Every setting, and after each what the purge job must say."""

    def set_to(at: datetime, what: str, refused: str | None = None) -> None:
        room.set_to(at)
        report.settings.append(what)
        _purge(room, report, what, refused)
        time.sleep(LIVED_SECONDS / 2)

    for ahead, what, refused in (
        (timedelta(hours=-3), "3 hours back", SET_BACK),
        (timedelta(hours=3), "3 hours forward", None),
        (timedelta(days=2), "2 days forward", None),
        (timedelta(days=-2), "2 days back", SET_BACK),
        (timedelta(days=2), "2 days forward", None),
    ):
        set_to(room.clock.now() + ahead, what, refused)
    for change, what in changes_after(room.clock.now() + BEFORE):
        leap = change - room.clock.now() > LONGEST_GAP
        set_to(change - BEFORE, what, LEAPT if leap else None)
        if what == NEW_YEAR:
            set_to(change - BEFORE, "back over the new year")


def _purge(room: _Mailroom, report: Report, what: str, refused: str | None) -> None:
    """Run the purge job: it must refuse, or be done; after a leap it is done once somebody says that the date is
    right."""
    status, said = room.run("purge", "run")
    if (refused is None and status != 0) or (refused is not None and (status == 0 or refused not in said)):
        report.failures.append(f"{what}: the purge job answered {status}: {said[-300:]}")
    if refused is not None:
        report.refusals += 1
    if refused == LEAPT:
        day = room.clock.now().date().isoformat()
        status, said = room.run("purge", "confirm-date", day, "--reason", "Kalender", user="owner")
        if status == 0:
            status, said = room.run("purge", "run")
        if status:
            report.failures.append(f"{what}, confirmed: the purge job answered {status}: {said[-300:]}")


def _judge_days(room: _Mailroom, report: Report) -> None:
    """Each letter was received on a day between the settings around it, or after the next: it was on its way."""
    spans = {hashlib.sha256(drop.content).hexdigest(): drop.span for drop in room.drops}
    with tempfile.TemporaryDirectory(prefix="clock-") as folder:
        scratch = Path(folder)
        place = Place.of(room.office.folder)
        held = {document.document: document.sha256 for document in read(place, scratch / "read").documents.values()}
        catalogue = Kit(place, scratch / "kit").database("catalogue", place.vault / "catalogue.db", scratch)
        rows = list(catalogue.execute("SELECT document, received_on, year FROM documents"))
    for document, received_on, year in rows:
        day = date.fromisoformat(received_on)
        report.years[year] = report.years.get(year, 0) + 1
        span = spans.get(held[document] or "", 0)
        days = set().union(*room.days[span : span + 2])
        if day not in days or day.year != year:
            report.failures.append(f"{document} is of {year}, received on {day}, and came in on {sorted(days)}")
