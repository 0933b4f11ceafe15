"""`retention`, `event` and `hold`: how long a letter is kept, why, and what stops its destruction."""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from archive.catalogue import LetterRow
from archive.disposition import Considered, consider, schedule_of
from archive.ledger import HoldRow, Ledger
from archive.retention import EVENT_LABELS, KNOWN_AT_FILING, ScheduleLine
from poststelle.access.keybook import KeyBook
from poststelle.access.statements import InvalidStatement, check_statement
from poststelle.errors import ConfigurationError, UnknownDocument
from poststelle.stages import Stage
from poststelle.verbs.locating import Desk
from poststelle.wiring import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """When a letter may be destroyed, and why."""

    number: str
    class_label: str
    considered: Considered
    on: date
    practice: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleEntry:
    """A line of the retention schedule and the classes that follow it."""

    line: ScheduleLine
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A legal hold in force."""

    hold_id: str
    documents: tuple[str, ...]
    reason: str
    placed_by: str
    """User name; empty if the statement does not hold."""
    placed_at: str
    sound: bool
    """Whether the statement that placed it is genuine; it is obeyed in any case."""


def explain(desk: Desk, name: str, on: date) -> Explained:
    """Class, start event, period, paragraph, holds and due date of one letter."""
    row = desk.locate(name)
    considered = consider_one(desk.service, row, on)
    desk.person.note("retention-explained", document=row.document_id)
    return Explained(
        number=desk.number_of(row),
        class_label=desk.person.book.office["classes"].get(row.record_class, {}).get("label", row.record_class),
        considered=considered,
        on=on,
        practice=desk.person.book.practice,
    )


def consider_one(service: Session, row: LetterRow, on: date) -> Considered:
    """Retention, events and holds of one letter on a day."""
    holds = [h.hold_id for h in holds_in_force(service.ledger, service.book) if row.document_id in h.documents]
    events: dict[str, date] = {}
    if service.ledger.events_of(row.document_id):
        events = events_told(service.ledger, service.book).get(row.document_id, {})
    return consider(row, schedule_of(service.book.office), events, holds, on)


def events_told(ledger: Ledger, book: KeyBook) -> dict[str, dict[str, date]]:
    """Days that people told, by letter and event; a day that no genuine statement tells does not count."""
    signed: dict[tuple[str, str, str], bytes] = {}
    rows = ledger.all_events()
    for line in ledger.statement_lines("event-set") if rows else ():
        with contextlib.suppress(ValueError, KeyError, TypeError):
            body = json.loads(line)["body"]
            signed[body["document"], body["event"], body["day"]] = line
    told: dict[str, dict[str, date]] = {}
    for document, events in rows.items():
        for event, day in events.items():
            with contextlib.suppress(InvalidStatement):
                check_statement(signed.get((document, event, day.isoformat()), b""), book, "event-set")
                told.setdefault(document, {})[event] = day
    return told


def schedule(book: KeyBook) -> list[ScheduleEntry]:
    """The retention schedule that is law in this vault."""
    lines = schedule_of(book.office)
    classes = book.office["classes"]
    return [
        ScheduleEntry(line=line, classes=tuple(c for c, v in classes.items() if v["retention"] == code))
        for code, line in lines.items()
    ]


def set_event(desk: Desk, name: str, event: str, day: date) -> Explained:
    """Tell the day something happened that a retention period starts with.

    Raises:
        ConfigurationError: the letter's retention line does not know this event.
    """
    row = desk.locate(name)
    line = schedule_of(desk.person.book.office)[row.retention]
    if event != line.start_event or event in KNOWN_AT_FILING:
        wanted = line.start_event
        label = EVENT_LABELS.get(wanted, wanted)
        hint = "which is known from the letter itself" if wanted in KNOWN_AT_FILING else f"so set the event {wanted!r}"
        raise ConfigurationError(f"The period of this letter ({line.code}) starts with {label}, {hint}.")
    if not desk.person.book.may(desk.person_id, "file", row.compartment):
        desk.require_right("release", "set events of this letter")
    statement = desk.sign("event-set", {"document": row.document_id, "event": event, "day": day.isoformat()})
    desk.service.ledger.set_event(row.document_id, event, day, statement)
    desk.service.flush_outbox()
    return explain(desk, row.document_id, desk.person.now().astimezone().date())


def place_hold(desk: Desk, names: Sequence[str], reason: str) -> Hold:
    """Stop the disposition of letters until the hold is lifted.

    Raises:
        UnknownDocument: one of them is not known; then none is held.
    """
    desk.require_right("hold", "place holds")
    # A purge at work finishes first: a hold is never placed on a letter that is just being destroyed.
    with desk.service.mirrored_keys.alone():
        return _place_hold(desk, names, reason)


def _place_hold(desk: Desk, names: Sequence[str], reason: str) -> Hold:
    rows = [desk.locate(name) for name in names]
    if any(row.stage in (Stage.DISPOSING, Stage.DISPOSED) for row in rows):
        raise ConfigurationError("One of these letters was destroyed already; nothing was held. See purge prove.")
    documents = [row.document_id for row in rows]
    statement = desk.sign("hold-place", {"documents": documents, "reason": reason})
    desk.service.ledger.place_hold(statement, documents)
    desk.service.flush_outbox()
    return _hold(
        desk.service.ledger,
        desk.service.book,
        HoldRow(hold_id=statement.statement_id, documents=tuple(documents)),
    )


def lift_hold(desk: Desk, hold: str, reason: str) -> Hold:
    """End a hold, named by its id or the beginning of it.

    Raises:
        UnknownDocument: no such hold in force.
    """
    desk.require_right("hold", "lift holds")
    found = [h for h in holds_in_force(desk.service.ledger, desk.service.book) if h.hold_id.startswith(hold)]
    if len(found) != 1 or len(hold) < 8:
        raise UnknownDocument
    statement = desk.sign("hold-lift", {"hold": found[0].hold_id, "reason": reason})
    desk.service.ledger.lift_hold(found[0].hold_id, statement)
    desk.service.flush_outbox()
    return found[0]


def list_holds(desk: Desk) -> list[Hold]:
    """Holds in force, oldest first; for those who may place them or keep the records."""
    if not desk.person.book.holds_right(desk.person_id, "records"):
        desk.require_right("hold", "see holds")
    return holds_in_force(desk.service.ledger, desk.service.book)


def holds_in_force(ledger: Ledger, book: KeyBook) -> list[Hold]:
    """Holds that count: a lifting that is not genuine, or not by somebody who may, does not lift."""
    rows = {row.hold_id: row for row in ledger.holds()}
    for hold_id, document, lifting in ledger.lifted_holds():
        if not _lifts(ledger, book, hold_id, lifting):
            documents = (*rows[hold_id].documents, document) if hold_id in rows else (document,)
            rows[hold_id] = HoldRow(hold_id=hold_id, documents=documents)
    return [_hold(ledger, book, row) for row in rows.values()]


def _lifts(ledger: Ledger, book: KeyBook, hold_id: str, lifting: str) -> bool:
    try:
        statement = check_statement(ledger.statement_line(lifting) or b"", book, "hold-lift")
    except InvalidStatement:
        return False
    return statement.body["hold"] == hold_id and book.holds_right(statement.person_id, "hold")


def _hold(ledger: Ledger, book: KeyBook, row: HoldRow) -> Hold:
    try:
        statement = check_statement(ledger.statement_line(row.hold_id) or b"", book, "hold-place")
    except InvalidStatement:
        return Hold(hold_id=row.hold_id, documents=row.documents, reason="", placed_by="", placed_at="", sound=False)
    person = book.people[statement.person_id]
    return Hold(
        hold_id=row.hold_id,
        documents=row.documents,
        reason=statement.body["reason"],
        placed_by=person.user,
        placed_at=statement.body["at"],
        sound=True,
    )
