"""`retention`, `event` and `hold`: how long a letter is kept, why, and what stops its destruction."""

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from archive.catalogue import LetterRow
from archive.disposition import Considered, consider, schedule_of
from archive.ledger import HoldRow, Ledger
from archive.retention import KNOWN_AT_FILING, ScheduleLine, event_label, no_line
from archive.selftest import Selftest, Vector, run_selftest
from poststelle.access.keybook import KeyBook
from poststelle.access.statements import InvalidStatement, Statement, check_statement
from poststelle.config import load
from poststelle.errors import ConfigurationError, NotListed, UnknownDocument
from poststelle.stages import Stage
from poststelle.verbs.locating import Desk
from poststelle.wiring import (
    Environment,
    Session,
    find_config,
    open_person_or_service,
    retention_vectors,
    shipped_config,
)

VAULT = "vault"
RESTRICTED = "restricted"
EARLIEST_YEAR = 1900
"""A day before it is a slip of the keyboard, and would make a letter due at once."""
UNDECIDED = "it was restricted before its class was decided: lift that, and decide it in review"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class TestedTable:
    """What the self-test found of one table."""

    table: str
    """"vault" for the law, else the name of the configuration file."""
    vectors: int
    result: Selftest

    @property
    def ok(self) -> bool:
        """Whether every day holds that the table has a line for, and there is one."""
        return not self.result.failures and self.result.held > 0


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What decides about letters besides themselves: schedule, told days, holds and restrictions, each checked."""

    book: KeyBook
    schedule: Mapping[str, ScheduleLine]
    events: Mapping[str, Mapping[str, date]]
    holds: Mapping[str, Sequence[str]]
    """Ids of holds in force, by letter."""
    restrictions: Mapping[str, Sequence["Restriction"]]

    @classmethod
    def of(cls, service: Session) -> "Known":
        """Read and checked once, for however many letters."""
        holds: dict[str, list[str]] = {}
        for hold in holds_in_force(service.ledger, service.book):
            for document in hold.documents:
                holds.setdefault(document, []).append(hold.hold_id)
        return cls(
            book=service.book,
            schedule=schedule_of(service.book.office),
            events=events_told(service.ledger, service.book),
            holds=holds,
            restrictions=restrictions_in_force(service.ledger, service.book),
        )

    def consider(self, row: LetterRow, on: date) -> Considered:
        """Whether a letter may be disposed of on a day, and what stands against it."""
        document = row.document_id
        restrictions = self.restrictions.get(document, ())
        grounds = [restriction.ground for restriction in restrictions]
        by_law = replace(row, retention=line_of(self.book, row))
        holds, events = self.holds.get(document, ()), self.events.get(document, {})
        considered = consider(by_law, self.schedule, events, holds, on, grounds)
        if row.stage is Stage.RESTRICTED and any(restriction.stage is Stage.REVIEW for restriction in restrictions):
            # Restricted before anybody decided what it is: its period may be another one.
            return replace(considered, blocked_by=(*considered.blocked_by, UNDECIDED))
        return considered


def consider_one(service: Session, row: LetterRow, on: date) -> Considered:
    """Retention, events, holds and restrictions of one letter on a day."""
    return Known.of(service).consider(row, on)


def line_of(book: KeyBook, row: LetterRow) -> str:
    """The line that a letter's class follows by law now; what its row says was law when it was filed."""
    rule = book.office["classes"].get(row.record_class)
    return row.retention if rule is None else str(rule["retention"])


def events_told(ledger: Ledger, book: KeyBook) -> dict[str, dict[str, date]]:
    """Days that people told, by letter and event: what was signed last counts, whatever the row says."""
    rows = ledger.all_events()
    latest: dict[tuple[str, str], tuple[datetime, bytes]] = {}
    for line in ledger.statement_lines("event-set") if rows else ():
        with contextlib.suppress(ValueError, KeyError, TypeError):
            body = json.loads(line)["body"]
            key, at = (body["document"], body["event"]), datetime.fromisoformat(body["at"])
            if key not in latest or latest[key][0] <= at:
                latest[key] = (at, line)
    told: dict[str, dict[str, date]] = {}
    for document, events in rows.items():
        for event in events:
            _, line = latest.get((document, event), (None, b""))
            with contextlib.suppress(InvalidStatement):
                statement = check_statement(line, book, "event-set", or_removed=True)
                told.setdefault(document, {})[event] = date.fromisoformat(statement.body["day"])
    return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """A restriction in force."""

    restriction_id: str
    document: str
    ground: str
    """"art18" or "retention"."""
    reason: str
    placed_by: str
    placed_at: str
    came_from: str
    """The compartment it lay in before, as its author says."""
    stage: Stage
    """What it was before, as its author says."""
    by_right: bool
    """Whether its author may restrict letters. It is obeyed in any case, but not believed."""


def restrictions_in_force(ledger: Ledger, book: KeyBook) -> dict[str, list[Restriction]]:
    """Restrictions that count, by letter; a lifting that is not genuine, or not by somebody who may, lifts nothing."""
    lifted: set[str] = set()
    for line in ledger.statement_lines("restrict-lift"):
        with contextlib.suppress(InvalidStatement):
            statement = check_statement(line, book, "restrict-lift", or_removed=True)
            if may_restrict(book, statement.person_id):
                lifted.update(statement.body["restrictions"])
    found: dict[str, list[Restriction]] = {}
    for line in ledger.statement_lines("restrict-place"):
        with contextlib.suppress(InvalidStatement):
            statement = check_statement(line, book, "restrict-place", or_removed=True)
            if statement.statement_id not in lifted:
                restriction = _restriction(book, statement)
                found.setdefault(restriction.document, []).append(restriction)
    return found


def _restriction(book: KeyBook, statement: Statement) -> Restriction:
    body = statement.body
    return Restriction(
        restriction_id=statement.statement_id,
        document=body["document"],
        ground=body["ground"],
        reason=body["reason"],
        placed_by=book.people[statement.person_id].user,
        placed_at=body["at"],
        came_from=body["from"],
        stage=Stage(body["stage"]),
        by_right=may_restrict(book, statement.person_id),
    )


def may_restrict(book: KeyBook, person_id: str) -> bool:
    """Whether a person may restrict letters and lift that; who has left is judged by the roles they had."""
    person = book.people.get(person_id)
    if person is not None and person.removed:
        return any(
            "reclassify" in book.roles[r].compartments.get(RESTRICTED, ()) for r in person.roles if r in book.roles
        )
    return book.may(person_id, "reclassify", RESTRICTED)


def held_right(book: KeyBook, person_id: str, right: str) -> bool:
    """Whether a person holds a right, or held it when they left."""
    person = book.people.get(person_id)
    if person is not None and person.removed:
        return any(right in book.roles[r].rights for r in person.roles if r in book.roles)
    return book.holds_right(person_id, right)


def schedule(book: KeyBook) -> list[ScheduleEntry]:
    """The retention schedule that is law in this vault."""
    lines = schedule_of(book.office)
    classes = book.office["classes"]
    return [
        ScheduleEntry(line=line, classes=tuple(c for c, v in classes.items() if v["retention"] == code))
        for code, line in lines.items()
    ]


def selftest(environment: Environment) -> list[TestedTable]:
    """Check pinned days against the table that is law in the vault, and the one in config.yaml where it differs.

    Without a vault: config.yaml; without an office: the configuration that came with the program.

    Raises:
        ConfigurationError: the office's file of pinned days cannot be read.
    """
    try:
        config = find_config(environment)
    except ConfigurationError:
        if environment.config_file is not None:
            raise
        config = load(shipped_config(), environment.cache)
    vectors = _read_vectors(retention_vectors(config))
    wish = config.law()
    tables = {config.path.name: wish}
    if environment.identity_file is not None or config.service_identity.is_file():
        with open_person_or_service(environment) as session:
            law = session.book.office
        tables = {VAULT: law} | ({config.path.name: wish} if law["retention"] != wish["retention"] else {})
    return [
        TestedTable(
            table=name,
            vectors=len(vectors),
            result=run_selftest(
                vectors, schedule_of(office), {code: rule["retention"] for code, rule in office["classes"].items()}
            ),
        )
        for name, office in tables.items()
    ]


def _read_vectors(path: Path) -> list[Vector]:
    try:
        values = json.loads(path.read_bytes())["vectors"]
        return [Vector.decode(number, value) for number, value in enumerate(values, 1)]
    except OSError as err:
        raise ConfigurationError(f"The pinned days in {path} cannot be read ({err.strerror}).") from err
    except (ValueError, KeyError, TypeError) as err:
        raise ConfigurationError(
            f"{path} is not a file of pinned days: {err!r}. The one that comes with the program shows the form."
        ) from err


def set_event(desk: Desk, name: str, event: str, day: date) -> Explained:
    """Tell the day something happened that a retention period starts with.

    Raises:
        ConfigurationError: the letter's retention line does not know this event.
    """
    # A purge at work finishes first: nobody is told that an audit keeps a letter that is just being destroyed.
    with desk.service.alone():
        return _set_event(desk, name, event, day)


def _set_event(desk: Desk, name: str, event: str, day: date) -> Explained:
    row = desk.locate(name)
    if row.stage in (Stage.DISPOSING, Stage.DISPOSED):
        raise ConfigurationError("This letter was destroyed already; no event was set. See purge prove.")
    code = line_of(desk.person.book, row)
    line = schedule_of(desk.person.book.office).get(code) or no_line(code)
    if event not in line.events:
        wanted = line.start_event
        hint = "which is known from the letter itself" if wanted in KNOWN_AT_FILING else f"so set the event {wanted!r}"
        others = ", ".join(name for name in line.events if name != wanted)
        raise ConfigurationError(
            f"The period of this letter ({line.code}) starts with {event_label(wanted)}, {hint}."
            + (f" What extends it is told as {others}." if others else "")
        )
    if day.year < EARLIEST_YEAR:
        raise ConfigurationError(f"{day} cannot be: nothing so old is kept here. Write the year with four digits.")
    if day > desk.person.now().astimezone().date() and event != line.start_event:
        raise ConfigurationError(f"{day} is in the future. Tell an audit or a dispute when it has begun, or ended.")
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
    with desk.service.alone():
        return _place_hold(desk, names, reason)


def _place_hold(desk: Desk, names: Sequence[str], reason: str) -> Hold:
    rows = [desk.locate(name) for name in names]
    if any(row.stage in (Stage.DISPOSING, Stage.DISPOSED) for row in rows):
        raise ConfigurationError("One of these letters was destroyed already; nothing was held. See purge prove.")
    documents = list(dict.fromkeys(row.document_id for row in rows))
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
        NotListed: no such hold in force.
    """
    desk.require_right("hold", "lift holds")
    found = [h for h in _theirs(desk) if h.hold_id.startswith(hold)]
    if len(found) != 1 or len(hold) < 8:
        raise NotListed("hold in force", "hold list")
    statement = desk.sign("hold-lift", {"hold": found[0].hold_id, "reason": reason})
    desk.service.ledger.lift_hold(found[0].hold_id, statement)
    desk.service.flush_outbox()
    return found[0]


def list_holds(desk: Desk) -> list[Hold]:
    """Holds in force, oldest first; for those who may place them or keep the records."""
    if not desk.person.book.holds_right(desk.person_id, "records"):
        desk.require_right("hold", "see holds")
    return _theirs(desk)


def _theirs(desk: Desk) -> list[Hold]:
    """Holds in force that a person may know of: who keeps the records all of them, a department those it placed itself,
    and those on nothing but its own letters."""
    book, found = desk.person.book, holds_in_force(desk.service.ledger, desk.service.book)
    if book.holds_right(desk.person_id, "records"):
        return found
    user = desk.person.identity.user
    return [h for h in found if (h.sound and h.placed_by == user) or all(_sees(desk, d) for d in h.documents)]


def _sees(desk: Desk, document: str) -> bool:
    try:
        desk.person.reading.resolve(document)
    except UnknownDocument:
        return False
    return True


def holds_in_force(ledger: Ledger, book: KeyBook) -> list[Hold]:
    """Holds that count: a lifting that is not genuine, or not by somebody who may, does not lift."""
    rows = {row.hold_id: row for row in ledger.holds()}
    for hold_id, document, lifting in ledger.lifted_holds():
        if not lifts(ledger, book, hold_id, lifting):
            documents = (*rows[hold_id].documents, document) if hold_id in rows else (document,)
            rows[hold_id] = HoldRow(hold_id=hold_id, documents=documents)
    return [_hold(ledger, book, row) for row in rows.values()]


def lifts(ledger: Ledger, book: KeyBook, hold_id: str, lifting: str) -> bool:
    """Whether the statement with the id `lifting` ends a hold: genuine, and by somebody who may, or might when they
    left."""
    try:
        statement = check_statement(ledger.statement_line(lifting) or b"", book, "hold-lift", or_removed=True)
    except InvalidStatement:
        return False
    return statement.body["hold"] == hold_id and held_right(book, statement.person_id, "hold")


def _hold(ledger: Ledger, book: KeyBook, row: HoldRow) -> Hold:
    try:
        statement = check_statement(ledger.statement_line(row.hold_id) or b"", book, "hold-place", or_removed=True)
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
