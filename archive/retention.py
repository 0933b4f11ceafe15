"""Retention: on which day a record may be destroyed, and the sentence that says why. Pure; no clock, no I/O.

A line of the schedule names a period, the event it starts with, and how it is cut off (§ 147 (4) AO,
§ 257 (5) HGB: with the end of the calendar year). A law that changes a period leaves the earlier one as a
dated version; a record whose period had ended before the change stays due, one whose period was still
running gets the new period, but is not due before the change came into force. Holds are not considered here.
"""

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

DOCUMENT = "document-or-receipt"
"""The later of the letter's date and its receipt: a late scan never shortens, a misread year only lengthens."""
RECEIPT = "receipt"
KNOWN_AT_FILING = frozenset({DOCUMENT, RECEIPT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """How long; exactly one of the three is set."""

    years: int | None = None
    months: int | None = None
    days: int | None = None

    def after(self, start: date) -> date:
        """The same day that much later; the last day of the month where there is none."""
        if self.days is not None:
            return start + timedelta(days=self.days)
        months = self.months if self.months is not None else 12 * (self.years or 0)
        year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
        return date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1]))

    def __str__(self) -> str:
        for number, one, many in ((self.years, "year", "years"), (self.months, "month", "months")):
            if number is not None:
                return f"{number} {one if number == 1 else many}"
        return f"{self.days} {'day' if self.days == 1 else 'days'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierPeriod:
    """The period that was law until and including a day."""

    until: date
    period: Period


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleLine:
    """One line of the retention schedule."""

    code: str
    label: str
    period: Period
    start_event: str
    cutoff: str
    """"year-end" or "day"."""
    basis: str
    """The paragraphs."""
    tax_relevant: bool
    release: str
    """"signed" (a second person releases) or "standing" (disposed of unattended when due)."""
    earlier: tuple[EarlierPeriod, ...] = ()

    @classmethod
    def decode(cls, code: str, value: Mapping[str, Any]) -> "ScheduleLine":
        """From the key book's or the configuration's JSON value."""
        return cls(
            code=code,
            label=value["label"],
            period=_period(value),
            start_event=value["start_event"],
            cutoff=value["cutoff"],
            basis=value["basis"],
            tax_relevant=value["tax_relevant"],
            release=value["release"],
            earlier=tuple(
                EarlierPeriod(until=date.fromisoformat(e["until"]), period=_period(e)) for e in value.get("earlier", ())
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionDecision:
    """When a record may be destroyed, and why: the sentence a clerk can read out."""

    line: ScheduleLine
    due_on: date | None
    """First day on which disposition is allowed; None means not yet known, see `waiting_for`."""
    started_on: date | None
    """Day of the event the period starts with."""
    waiting_for: str | None
    """The event that must be told first, e.g. "contract-end"."""
    reason: str


EVENT_LABELS = {
    DOCUMENT: "the later of the letter's date and its receipt",
    RECEIPT: "the day of receipt",
    "contract-end": "the end of the contract",
    "rejection": "the day the rejection was delivered",
    "leaving": "the day the person left",
    "audit-end": "the end of the audit",
}


def decide_retention(line: ScheduleLine, events: Mapping[str, date]) -> RetentionDecision:
    """Say when a record may be destroyed; `events` are the days known so far, by event name.

    A period of years starts at the end of the event's year and ends with the last day of a year: a voucher of
    2018 with 8 years is due on 2027-01-01.
    """
    started_on = events.get(line.start_event)
    label = EVENT_LABELS.get(line.start_event, line.start_event)
    if started_on is None:
        reason = (
            f"{line.label}: kept {line.period} from {label} ({line.basis}). That day is not known yet; tell it with "
            f"`poststelle event set ID {line.start_event} DATE`. Until then it is kept."
        )
        return RetentionDecision(line=line, due_on=None, started_on=None, waiting_for=line.start_event, reason=reason)
    due_on = _due(line.cutoff, line.period, started_on)
    change, in_force = "", date.min
    for version in sorted(line.earlier, key=lambda version: version.until):
        due_then = max(_due(line.cutoff, version.period, started_on), in_force)
        in_force = version.until + timedelta(days=1)
        if due_then <= in_force:
            # It fell due while this version was law, or with its end: no later law begins a new period.
            due_on, change = due_then, f" The period was {version.period} until {version.until}."
            break
    else:
        if due_on < in_force:
            due_on, change = in_force, f" The longer period was law until {in_force - timedelta(days=1)}."
    begins = "the end of that year" if line.cutoff == "year-end" else "that day"
    reason = (
        f"{line.label}: kept {line.period} from {begins}, counted from {label}, {started_on} ({line.basis}). "
        f"It may be destroyed from {due_on} on.{change}"
    )
    return RetentionDecision(line=line, due_on=due_on, started_on=started_on, waiting_for=None, reason=reason)


def _due(cutoff: str, period: Period, started_on: date) -> date:
    start = date(started_on.year, 12, 31) if cutoff == "year-end" else started_on
    try:
        return period.after(start) + timedelta(days=1)
    except (ValueError, OverflowError):
        # A misread year beyond the calendar keeps its letter until a person corrects it, and stops no other.
        return date.max


def _period(value: Mapping[str, Any]) -> Period:
    return Period(years=value.get("years"), months=value.get("months"), days=value.get("days"))
