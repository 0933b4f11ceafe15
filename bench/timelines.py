"""Random lives of letters against an oracle that counts days: python bench/timelines.py [--timelines 10000] [--seed 1]

Each life has a line of a schedule with up to two changes of law, a class that may be corrected, an event that may be
told late, told again or never, audits, holds and restrictions that begin and end. The program is asked on the days
around every change and on others; on each it must say exactly what the oracle says, so that nothing is destroyed a day
early and nothing is forgotten a day long. The oracle shares no code with the program: it walks from day to day, asks
which law is in force, and whether the period counted on a calendar has run out.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from archive.catalogue import LetterRow
from archive.disposition import consider
from archive.retention import DOCUMENT, RECEIPT, EarlierPeriod, Extension, Period, ScheduleLine
from poststelle.stages import Stage

FIRST, LAST = date(2019, 1, 1), date(2029, 12, 31)
AUDIT = Extension(name="audit", label="An audit", basis="§ 1")
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Law:
    """A period as it was law until a day; the last one has no end."""

    until: date | None
    unit: str
    length: int


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the schedule as the oracle knows it."""

    code: str
    laws: tuple[Law, ...]
    cutoff: str
    start_event: str
    audited: bool
    years_after: int | None
    """Whole years for which an audit goes on keeping, from the end of the year it ended in."""


@dataclass(slots=True)
class Life:
    """What happens to one letter; each list holds (day it becomes known, what)."""

    received: date
    dated: date | None
    lines: list[tuple[date, Line]]
    """From this day on the letter follows this line (its class was corrected)."""
    told: list[tuple[date, date]] = field(default_factory=list)
    """(told on, day of the event)."""
    audits: list[tuple[date, date | None]] = field(default_factory=list)
    """(from, until) of audits, one after the other."""
    holds: list[tuple[date, date | None]] = field(default_factory=list)
    restrictions: list[tuple[date, date | None, str]] = field(default_factory=list)


def make_life(chance: random.Random) -> Life:
    """A life that is short enough to end within the years that are walked through."""
    received = _day(chance, FIRST, date(2023, 12, 31))
    dated = None if chance.random() < 0.2 else received + timedelta(days=chance.randint(-400, 40))
    if chance.random() < 0.05:
        dated = received + timedelta(days=chance.choice([-36_524, 800]))  # misread by a century, or by two years
    lines = [(received, _line(chance, "A"))]
    if chance.random() < 0.3:
        lines.append((_day(chance, received, LAST), _line(chance, "B")))
    life = Life(received=received, dated=dated, lines=lines)
    for _ in range(chance.choice([0, 1, 1, 2])):
        known = _day(chance, received, LAST)
        life.told.append((known, known + timedelta(days=chance.randint(-900, 0))))
    life.told.sort()
    begun = received
    for _ in range(chance.choice([0, 0, 0, 1, 2])):
        begun = _day(chance, begun, LAST)
        ended = None if chance.random() < 0.2 else begun + timedelta(days=chance.randint(0, 900))
        life.audits.append((begun, ended))
        if ended is None:
            break
        begun = ended + ONE_DAY
        if begun > LAST:
            break
    for _ in range(chance.choice([0, 0, 1, 2])):
        life.holds.append(_span(chance, received))
    for _ in range(chance.choice([0, 0, 0, 1, 2])):
        life.restrictions.append((*_span(chance, received), chance.choice(["art18", "retention"])))
    return life


def _day(chance: random.Random, first: date, last: date) -> date:
    """Any day, but the ends of years and of February more often than others."""
    day = first + timedelta(days=chance.randint(0, (last - first).days))
    special = [date(day.year, 1, 1), date(day.year, 12, 31), date(day.year, 2, 28), date(day.year, 3, 1)]
    if day.year % 4 == 0:
        special.append(date(day.year, 2, 29))
    chosen = chance.choice(special) if chance.random() < 0.4 else day
    return min(max(chosen, first), last)


def _span(chance: random.Random, first: date) -> tuple[date, date | None]:
    begun = _day(chance, first, LAST)
    return begun, None if chance.random() < 0.3 else begun + timedelta(days=chance.randint(0, 1500))


def _line(chance: random.Random, code: str) -> Line:
    ends = sorted({_day(chance, FIRST, date(2027, 12, 31)) for _ in range(chance.choice([0, 0, 1, 2]))})
    laws = []
    for until in [*ends, None]:
        unit = chance.choice(["years", "years", "months", "days"])
        laws.append(Law(until, unit, chance.randint(0, {"years": 4, "months": 40, "days": 900}[unit])))
    start = chance.choice([DOCUMENT, DOCUMENT, RECEIPT, "contract-end"])
    audited, years_after = chance.random() < 0.6, chance.choice([None, None, 1, 2])
    return Line(code, tuple(laws), chance.choice(["year-end", "day"]), start, audited, years_after)


# The oracle: days, one after the other -----------------------------------------------------------------------------


def oracle(life: Life) -> Iterator[tuple[date, bool]]:
    """(day, whether the letter may be destroyed on it), day by day."""
    memory: dict[tuple[str, date], tuple[date, bool]] = {}
    day = life.received
    while day <= LAST:
        yield day, _free(life, day, memory)
        day += ONE_DAY


def _free(life: Life, day: date, memory: dict[tuple[str, date], tuple[date, bool]]) -> bool:
    line = [line for since, line in life.lines if since <= day][-1]
    start = _start(life, line, day)
    if start is None or not _has_run_out(line, start, day, memory):
        return False
    if line.audited:
        begun = [audit for audit in life.audits if audit[0] <= day]
        # An end counts when it has come; on that very day it is only just over.
        if begun and (begun[-1][1] is None or begun[-1][1] >= day):
            return False
        if begun and line.years_after is not None and day.year <= begun[-1][1].year + line.years_after:
            return False
    if any(since <= day and (until is None or day < until) for since, until in life.holds):
        return False
    return not any(
        ground == "art18" and since <= day and (until is None or day < until)
        for since, until, ground in life.restrictions
    )


def _start(life: Life, line: Line, day: date) -> date | None:
    if line.start_event == RECEIPT:
        return life.received
    if line.start_event == DOCUMENT:
        return life.received if life.dated is None or life.dated < life.received else life.dated
    told = [event for known, event in life.told if known <= day]
    return told[-1] if told else None


def _has_run_out(line: Line, start: date, today: date, memory: dict[tuple[str, date], tuple[date, bool]]) -> bool:
    """Whether on some day until today the period that was law had run out: once due, it stays due.

    A period that ran out with the end of yesterday is over, also if a longer one is law since this morning.
    """
    since, due = memory.get((line.code, start), (start, False))
    while not due and since <= today:
        due = any(_elapsed(_law(line, day), line.cutoff, start, since) for day in (since - ONE_DAY, since))
        since += ONE_DAY
    memory[line.code, start] = (since, due)
    return due


def _law(line: Line, day: date) -> Law:
    return next(law for law in line.laws if law.until is None or day <= law.until)


def _elapsed(law: Law, cutoff: str, start: date, day: date) -> bool:
    """Whether the whole period lies before a day, counted on a calendar."""
    if cutoff == "year-end":
        start = date(start.year, 12, 31)
    if law.unit == "days":
        return (day - start).days > law.length
    months = law.length * (12 if law.unit == "years" else 1)
    passed = (day.year - start.year) * 12 + day.month - start.month
    if passed != months:
        return passed > months
    # In the last month: its day of the same number must be over, or the month's last where it has none.
    return day.day > start.day


# The program -------------------------------------------------------------------------------------------------------


def ask(life: Life, day: date) -> bool:
    """What the program says on a day, from what is known on it."""
    line = [line for since, line in life.lines if since <= day][-1]
    events: dict[str, date] = {}
    if told := [event for known, event in life.told if known <= day]:
        events["contract-end"] = told[-1]
    if begun := [audit for audit in life.audits if audit[0] <= day]:
        events[AUDIT.begins] = begun[-1][0]
        ended = [until for _, until in life.audits if until is not None and until <= day]
        if ended:
            events[AUDIT.ends] = ended[-1]
    holds = [f"{n:064}" for n, (since, until) in enumerate(life.holds) if since <= day and (not until or day < until)]
    grounds = [ground for since, until, ground in life.restrictions if since <= day and (not until or day < until)]
    letter = LetterRow(
        document_id="0" * 32, receipt=1, compartment="general", year=2020, number=1, record_class="other",
        retention=line.code, stage=Stage.RESTRICTED if grounds else Stage.FILED, received_on=life.received,
        filed_at=datetime(2020, 1, 1, tzinfo=UTC), event_on=max(life.received, life.dated or life.received),
        text_version=1, mark=b"", duplicate_of=None, pages=1,
    )  # fmt: skip
    return not consider(letter, {line.code: _schedule_line(line)}, events, holds, day, grounds).blocked_by


def _schedule_line(line: Line) -> ScheduleLine:
    periods = [(law.until, Period(**{law.unit: law.length})) for law in line.laws]
    audits = (replace(AUDIT, years_after=line.years_after),) if line.audited else ()
    return ScheduleLine(
        code=line.code, label="", period=periods[-1][1], start_event=line.start_event, cutoff=line.cutoff, basis="",
        tax_relevant=False, release="signed", extended_by=audits,
        earlier=tuple(EarlierPeriod(until=until, period=period) for until, period in periods if until is not None),
    )  # fmt: skip


def days_of_interest(life: Life, chance: random.Random) -> set[date]:
    """Days around everything that happens, the ends of years, and some at random."""
    days = {life.received, *(since for since, _ in life.lines), *(known for known, _ in life.told)}
    for spans in (life.audits, life.holds, [r[:2] for r in life.restrictions]):
        days |= {day for span in spans for day in span if day is not None}
    days |= {law.until for _, line in life.lines for law in line.laws if law.until is not None}
    days |= {date(year, 12, 31) for year in range(life.received.year, LAST.year + 1)}
    days |= {life.received + timedelta(days=chance.randint(0, (LAST - life.received).days)) for _ in range(20)}
    return {near for day in days for near in (day - ONE_DAY, day, day + ONE_DAY) if life.received <= near <= LAST}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one life ended, and every day on which program and oracle disagree."""

    destroyed_on: date | None
    asked: int
    early: tuple[date, ...]
    """The program would destroy, the oracle would not."""
    forgotten: tuple[date, ...]


def live(life: Life, chance: random.Random) -> Outcome:
    """Walk through a life, asking the program on the days that matter and wherever the oracle changes its mind."""
    interesting = days_of_interest(life, chance)
    asked, destroyed_on = 0, None
    early: list[date] = []
    forgotten: list[date] = []
    before: bool | None = None
    for day, free in oracle(life):
        for at, expected in (
            ((day - ONE_DAY, before), (day, free))
            if before is not None and free != before
            else (((day, free),) if day in interesting else ())
        ):
            asked += 1
            assert expected is not None
            if (said := ask(life, at)) != expected:
                (early if said else forgotten).append(at)
        if free and destroyed_on is None:
            destroyed_on = day
        before = free
    return Outcome(destroyed_on, asked, tuple(early), tuple(forgotten))


def main() -> None:
    """Live them all and print what came out."""
    parser = argparse.ArgumentParser(description="Random lives of letters against an oracle that counts days.")
    parser.add_argument("--timelines", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    started = time.process_time()
    asked = early = forgotten = destroyed = 0
    for number in range(options.timelines):
        chance = random.Random(f"{options.seed} {number}")
        life = make_life(chance)
        outcome = live(life, chance)
        asked += outcome.asked
        early += bool(outcome.early)
        forgotten += bool(outcome.forgotten)
        destroyed += outcome.destroyed_on is not None
        if outcome.early or outcome.forgotten:
            print(f"{options.seed} {number}: early {outcome.early[:3]}, forgotten {outcome.forgotten[:3]}\n  {life}")
    print(f"{options.timelines:,} timelines, {asked:,} questions, {time.process_time() - started:,.0f} CPU-s")
    print(f"destroyed within the years walked through: {destroyed:,}")
    print(f"lives with an early disposition: {early}      (limit 0)")
    print(f"lives with a forgotten disposition: {forgotten}      (limit 0)")
    sys.exit(1 if early or forgotten else 0)


if __name__ == "__main__":
    main()
