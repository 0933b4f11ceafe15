"""The retention self-test: pinned days, computed by hand, against a schedule. Pure.

A vector says what is known of a letter and on which day it must become due. It fails if the program, or a table that
was changed, says another day; if the letter could go a day earlier; or if it could not go on the day itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from archive.catalogue import LetterRow
from archive.disposition import Considered, consider
from archive.retention import ScheduleLine, document_day
from poststelle.stages import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """A letter, what is known of it, and the day that was computed by hand."""

    number: int
    why: str
    """The paragraph, and what is tried."""
    line: str
    """Line of the schedule; empty if the class names it."""
    record_class: str
    received_on: date
    dated_on: date | None
    events: Mapping[str, date]
    holds: int
    grounds: tuple[str, ...]
    stage: Stage
    due_on: date | None
    waiting_for: str | None
    on: date | None
    """Ask on this day, and expect `blocked`; None asks on the due day and on the day before."""
    blocked: bool

    @classmethod
    def decode(cls, number: int, value: Mapping[str, Any]) -> "Vector":
        """From the JSON of a vector file.

        Raises:
            ValueError, KeyError, TypeError: it is not a vector.
        """
        return cls(
            number=number,
            why=value["why"],
            line=value.get("line") or "",
            record_class=value.get("class") or "",
            received_on=date.fromisoformat(value["received"]),
            dated_on=_day(value.get("dated")),
            events={event: date.fromisoformat(day) for event, day in value.get("events", {}).items()},
            holds=value.get("holds", 0),
            grounds=tuple(value.get("grounds", ())),
            stage=Stage(value.get("stage", Stage.FILED.value)),
            due_on=_day(value["due_on"]),
            waiting_for=value.get("waiting_for"),
            on=_day(value.get("on")),
            blocked=value.get("blocked", False),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A vector that does not hold."""

    vector: Vector
    line: str
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Selftest:
    """What came out for one schedule."""

    held: int
    failures: tuple[Failure, ...]
    skipped: tuple[Vector, ...]
    """Of lines and classes that this schedule does not have."""


def run_selftest(vectors: Sequence[Vector], schedule: Mapping[str, ScheduleLine], lines: Mapping[str, str]) -> Selftest:
    """Check every vector; `lines` names the line of each class."""
    held, failures, skipped = 0, [], []
    for vector in vectors:
        code = vector.line or lines.get(vector.record_class, "")
        if code not in schedule:
            skipped.append(vector)
            continue
        found = _disagrees(vector, code, schedule)
        if found is None:
            held += 1
        else:
            failures.append(Failure(vector=vector, line=code, found=found))
    return Selftest(held=held, failures=tuple(failures), skipped=tuple(skipped))


def _disagrees(vector: Vector, code: str, schedule: Mapping[str, ScheduleLine]) -> str | None:
    """What the program says instead; None if it agrees."""
    first = _asked(vector, code, schedule, vector.on or vector.due_on or date.max)
    if first.retention.due_on != vector.due_on:
        return f"due on {first.retention.due_on or 'no known day'}"
    if vector.due_on is None and first.retention.waiting_for != vector.waiting_for:
        return f"waits for {first.retention.waiting_for}"
    if bool(first.blocked_by) != (vector.blocked if vector.on else vector.due_on is None):
        return f"on {vector.on or vector.due_on}: {'; '.join(first.blocked_by) or 'it may be destroyed'}"
    if vector.on is None and vector.due_on is not None:
        before = vector.due_on - timedelta(days=1)
        if not _asked(vector, code, schedule, before).blocked_by:
            return f"it may be destroyed on {before} already"
    return None


def _asked(vector: Vector, code: str, schedule: Mapping[str, ScheduleLine], on: date) -> Considered:
    holds = [f"{number:064x}" for number in range(vector.holds)]
    return consider(_letter(vector, code), schedule, vector.events, holds, on, vector.grounds)


def _letter(vector: Vector, code: str) -> LetterRow:
    return LetterRow(
        document_id="0" * 32,
        receipt=1,
        compartment="general",
        year=vector.received_on.year,
        number=1,
        record_class=vector.record_class,
        retention=code,
        stage=vector.stage,
        received_on=vector.received_on,
        filed_at=datetime.combine(vector.received_on, datetime.min.time(), tzinfo=UTC),
        event_on=document_day(vector.received_on, vector.dated_on),
        text_version=1,
        mark=b"",
        duplicate_of=None,
        pages=1,
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
