"""`deadlines`: what falls due when, in the letters that an identity may see; also as a calendar."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from poststelle.records import IndexEntry
from poststelle.verbs.finding import catch_up, searchable
from poststelle.wiring import Session

DUE = "due_date"
OTHERS = "deadline_"
OTHER = "other"
LABELS = {
    "payment": "Zahlung", "objection": "Rechtsbehelf", "termination": "Vertragsende", "reply": "Antwort",
    "appointment": "Termin", OTHER: "Frist",
}  # fmt: skip
"""What a deadline is for, as calendars show it."""
_FOLD_BYTES = 73


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """One day that a letter sets."""

    due_on: date
    name: str
    """The fact: "due_date" for payment and answers, "deadline_1" … for others."""
    document_id: str
    accession: str
    record_class: str
    sender: str
    title: str
    confidence: float
    source: str
    """The sentence that sets it, empty if it was stated otherwise."""
    kind: str = OTHER
    """What it is for: a key of `LABELS`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """What was found, and what may be missing."""

    deadlines: tuple[Deadline, ...]
    """The earliest first."""
    not_yet_findable: int
    """Letters that were filed but are not in the index yet."""


def deadlines(session: Session, from_date: date, to_date: date | None) -> Deadlines:
    """Deadlines from one day to another, both included, in every compartment that the identity may search.

    Raises:
        NotPermitted: the identity may search nothing.
    """
    compartments = searchable(session)
    session.note("deadlines")
    found: list[Deadline] = []
    missing = 0
    for compartment in compartments:
        index = session.index(compartment)
        missing += catch_up(session, compartment, index)
        chosen: dict[str, IndexEntry] = {}
        for document_id in index.sequences():
            entry = index.get(document_id)
            if entry is not None and any(_within(value, from_date, to_date) for _, value in _dated(entry)):
                chosen[document_id] = entry
        if chosen:
            # The sentence and how sure it is stand with the letter, not in the index.
            for registered in session.reading.letters(compartment):
                if (entry := chosen.get(registered.document_id)) is not None:
                    facts = {fact.name: fact for fact in session.reading.text(registered).classified.facts}
                    for name, value in _dated(entry):
                        if _within(value, from_date, to_date):
                            fact = facts.get(name)
                            found.append(
                                Deadline(
                                    due_on=date.fromisoformat(value),
                                    name=name,
                                    document_id=entry.document_id,
                                    accession=entry.accession,
                                    record_class=entry.record_class,
                                    sender=entry.sender,
                                    title=entry.title,
                                    confidence=fact.confidence if fact else 0.0,
                                    source=fact.source if fact else "",
                                    # A day that a person set, or that was read before kinds were, tells none.
                                    kind=fact.kind if fact and fact.kind in LABELS else OTHER,
                                )
                            )
    ordered = sorted(found, key=lambda item: (item.due_on, item.accession, item.name))
    return Deadlines(deadlines=tuple(ordered), not_yet_findable=missing)


def calendar(found: Sequence[Deadline], made_at: datetime) -> str:
    """An iCalendar file (RFC 5545) with one entry for the whole of each day."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Poststelle//Deadlines//EN"]
    stamp = made_at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    for item in found:
        about = [item.accession, item.source]
        lines += [
            "BEGIN:VEVENT",
            f"UID:{item.document_id}-{item.name}@poststelle",
            f"DTSTAMP:{stamp}",
            f"DTSTART;VALUE=DATE:{item.due_on:%Y%m%d}",
            f"DTEND;VALUE=DATE:{item.due_on + timedelta(days=1):%Y%m%d}",
            f"SUMMARY:{_escaped(' – '.join(part for part in (LABELS[item.kind], item.sender, item.title) if part))}",
            f"CATEGORIES:{LABELS[item.kind]}",
            f"DESCRIPTION:{_escaped(': '.join(part for part in about if part))}",
            "TRANSP:TRANSPARENT",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return "".join(f"{folded}\r\n" for line in lines for folded in _folded(line))


def _dated(entry: IndexEntry) -> list[tuple[str, str]]:
    return [(name, value) for name, value in entry.facts.items() if name == DUE or name.startswith(OTHERS)]


def _within(value: str, first: date, last: date | None) -> bool:
    return first.isoformat() <= value and (last is None or value <= last.isoformat())


def _escaped(text: str) -> str:
    """A text value; whatever breaks a line in a letter must not begin a line of the calendar."""
    shown = "".join(char if char.isprintable() else " " for char in text)
    return shown.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")


def _folded(line: str) -> Iterator[str]:
    """Lines of at most 75 bytes; what goes on begins with a blank, and no letter is cut apart."""
    rest, start = line, ""
    while len(rest.encode()) > _FOLD_BYTES:
        cut = len(rest.encode()[:_FOLD_BYTES].decode(errors="ignore"))
        yield start + rest[:cut]
        rest, start = rest[cut:], " "
    yield start + rest
