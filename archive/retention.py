"""Retention: on which day a record may be destroyed, and the sentence that says why. Pure; no clock, no I/O.

A line of the schedule names a period, the event it starts with, and how it is cut off (§ 147 (4) AO,
§ 257 (5) HGB: with the end of the calendar year). A law that changes a period leaves the earlier one as a
dated version; a record whose period had ended before the change stays due, one whose period was still
running gets the new period, but is not due before the change came into force. What extends a line (an audit, a
dispute) is a pair of events, `NAME-begin` and `NAME-end`: while it is open nothing is due, and with some not for whole
years after it ended. Holds are not considered here. What the law says is data; no country's law is in this file.
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
NO_LINE = "line-in-schedule"
"""What letters wait for whose line was taken out of the schedule."""


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
class Extension:
    """What keeps a period from ending while it is open."""

    name: str
    """Its events are `NAME-begin` and `NAME-end`."""
    label: str
    basis: str
    years_after: int | None = None
    """Whole years for which it goes on keeping, from the end of the year it ended in; None ends it with its day."""

    @property
    def begins(self) -> str:
        """The event that opens it."""
        return f"{self.name}-begin"

    @property
    def ends(self) -> str:
        """The event that closes it."""
        return f"{self.name}-end"

    def free_on(self, ended: date) -> date:
        """First day on which it keeps nothing any more."""
        if self.years_after is None:
            return _next_day(ended)
        return _due("year-end", Period(years=self.years_after), ended)

    def ended(self, on: date) -> str:
        """What it did until that day, as a sentence."""
        more = "" if self.years_after is None else f" and {Period(years=self.years_after)} from the end of that year"
        return f"{self.label} until {on}{more} kept it from ending ({self.basis})."


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
    extended_by: tuple[Extension, ...] = ()
    sign_off: str = ""
    """What the company must decide or check before it relies on this line."""

    @property
    def events(self) -> tuple[str, ...]:
        """Events that people tell for letters of this line."""
        start = () if self.start_event in KNOWN_AT_FILING else (self.start_event,)
        return (*start, *(event for e in self.extended_by for event in (e.begins, e.ends)))

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
            extended_by=tuple(
                Extension(name=e["name"], label=e["label"], basis=e["basis"], years_after=e.get("years_after"))
                for e in value.get("extended_by", ())
            ),
            sign_off=value.get("sign_off", ""),
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
    "audit-begin": "the day the audit was announced",
    "audit-end": "the end of the audit",
}


def event_label(event: str) -> str:
    """An event as a sentence names it."""
    return EVENT_LABELS.get(event, f"the day of the event {event!r}")


def document_day(received_on: date, dated_on: date | None) -> date:
    """The day a letter counts from: the later of its date and its receipt.

    A late scan never shortens a period, and a year that was misread may only lengthen it.
    """
    return received_on if dated_on is None else max(received_on, dated_on)


def no_line(code: str) -> ScheduleLine:
    """Stands for a line that the schedule does not have (any more): its letters are never due."""
    return ScheduleLine(
        code=code,
        label="No line of the schedule",
        period=Period(years=0),
        start_event=NO_LINE,
        cutoff="day",
        basis="the schedule has no line of this code",
        tax_relevant=True,
        release="signed",
    )


def decide_retention(line: ScheduleLine, events: Mapping[str, date]) -> RetentionDecision:
    """Say when a record may be destroyed; `events` are the days known so far, by event name.

    A period of years starts at the end of the event's year and ends with the last day of a year: a voucher of
    2018 with 8 years is due on 2027-01-01.
    """
    started_on = events.get(line.start_event)
    label = event_label(line.start_event)
    if started_on is None:
        if line.start_event == NO_LINE:
            reason = f"The schedule has no line {line.code!r} any more. The letter is kept until its class has one."
        else:
            reason = (
                f"{line.label}: kept {line.period} from {label} ({line.basis}). That day is not known yet; tell it "
                f"with `poststelle event set ID {line.start_event} DATE`. Until then it is kept."
            )
        return RetentionDecision(line=line, due_on=None, started_on=None, waiting_for=line.start_event, reason=reason)
    due_on, change = _due_by_law(line, started_on)
    begins = "the end of that year" if line.cutoff == "year-end" else "that day"
    kept = f"{line.label}: kept {line.period} from {begins}, counted from {label}, {started_on} ({line.basis})."
    for extension in line.extended_by:
        begun, ended = events.get(extension.begins), events.get(extension.ends)
        if begun is None:
            continue
        if ended is None or ended < begun:
            reason = (
                f"{kept}{change} {extension.label} since {begun} keeps the period from ending ({extension.basis}). "
                f"When it is over, tell it with `poststelle event set ID {extension.ends} DATE`."
            )
            return RetentionDecision(
                line=line, due_on=None, started_on=started_on, waiting_for=extension.ends, reason=reason
            )
        if due_on < extension.free_on(ended):
            due_on = extension.free_on(ended)
            change += f" {extension.ended(ended)}"
    reason = f"{kept} It may be destroyed from {due_on} on.{change}"
    return RetentionDecision(line=line, due_on=due_on, started_on=started_on, waiting_for=None, reason=reason)


def _due_by_law(line: ScheduleLine, started_on: date) -> tuple[date, str]:
    """(first day, what to say of an earlier law) under every law there was since the start."""
    due_on = _due(line.cutoff, line.period, started_on)
    in_force = date.min
    for version in sorted(line.earlier, key=lambda version: version.until):
        due_then = max(_due(line.cutoff, version.period, started_on), in_force)
        in_force = _next_day(version.until)
        if due_then <= in_force:
            # It fell due while this version was law, or with its end: no later law begins a new period.
            return due_then, f" The period was {version.period} until {version.until}."
    if due_on < in_force:
        return in_force, f" The longer period was law until {in_force - timedelta(days=1)}."
    return due_on, ""


def _next_day(day: date) -> date:
    return day if day == date.max else day + timedelta(days=1)


def _due(cutoff: str, period: Period, started_on: date) -> date:
    start = date(started_on.year, 12, 31) if cutoff == "year-end" else started_on
    try:
        return period.after(start) + timedelta(days=1)
    except (ValueError, OverflowError):
        # A misread year beyond the calendar keeps its letter until a person corrects it, and stops no other.
        return date.max


def _period(value: Mapping[str, Any]) -> Period:
    return Period(years=value.get("years"), months=value.get("months"), days=value.get("days"))
