"""`purge plan|release|run|prove`: destroying what is due, released by a second person, with proof."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from archive.catalogue import LetterRow
from archive.disposition import Certificate, Considered, Executor, consider, schedule_of, wraps_remain
from archive.filing import accession
from archive.ledger import PlannedItem, PlanRow
from archive.retention import ScheduleLine
from poststelle.access.keybook import COMPARTMENTS, canonical, index_scope
from poststelle.access.statements import InvalidStatement, Statement, check_statement
from poststelle.errors import ConfigurationError, NotPermitted, PoststelleError, UnknownDocument
from poststelle.stages import Stage
from poststelle.verbs.keeping import consider_one, events_told, holds_in_force
from poststelle.verbs.locating import Desk
from poststelle.wiring import Session

STANDING = "standing"
CLOCK_TOLERANCE = timedelta(minutes=10)


class ClockSetBack(PoststelleError):
    """The machine's clock is behind what was logged before; no date can be trusted."""

    code = "D021"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A letter that stays, and why."""

    document_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What may be destroyed on a day, and what would be due but is kept."""

    plan_id: str
    as_of: date
    due: tuple[Considered, ...]
    kept: tuple[Kept, ...]
    practice: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """A plan that a second person released."""

    plan_id: str
    documents: tuple[str, ...]
    practice: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a run did."""

    disposed: tuple[str, ...]
    kept: tuple[Kept, ...]
    pending: tuple[str, ...]
    certificates: tuple[Certificate, ...]
    practice: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was looked for of a disposed letter, and whether it was found."""

    document_id: str
    number: str
    checks: tuple[tuple[str, bool], ...]
    """(what must hold, whether it does)."""
    certificate: dict[str, object]
    practice: bool

    @property
    def ok(self) -> bool:
        """Whether all of it holds."""
        return all(held for _, held in self.checks)


def plan(desk: Desk, as_of: date | None) -> Plan:
    """Draw up a plan of what is due, signed by this person; changes no letter.

    Raises:
        NotPermitted: the person may not release; planning and releasing need the same right, of two people.
        ConfigurationError: a future day outside a practice vault.
    """
    desk.require_right("release", "plan disposition")
    today = desk.person.now().astimezone().date()
    day = as_of or today
    if day > today and not desk.person.book.practice:
        raise ConfigurationError(
            f"{day} is in the future: a plan for it could be carried out too early. Only a vault made with "
            "`poststelle init --practice` allows that."
        )
    _require_clock(desk.service)
    considered = _consider_all(desk.service, day)
    due = tuple(c for c in considered if not c.blocked_by)
    items = [_item(c) for c in due]
    statement = desk.sign("purge-plan", {"as_of": day.isoformat(), "items": _items_hash(items), "letters": len(items)})
    desk.service.ledger.add_plan(statement, day, items)
    desk.service.flush_outbox()
    overdue = [c for c in considered if c.blocked_by and _would_be_due(c, day)]
    return Plan(
        plan_id=statement.statement_id,
        as_of=day,
        due=due,
        kept=tuple(Kept(document_id=c.letter.document_id, reason="; ".join(c.blocked_by)) for c in overdue),
        practice=desk.person.book.practice,
    )


def release(desk: Desk, plan_id: str, only: Sequence[str], reason: str) -> Released:
    """Release a plan, or some letters of it, as a second person.

    Raises:
        UnknownDocument: no such plan, or a letter that is not in it.
        NotPermitted: the person drew the plan up, or may not release.
    """
    desk.require_right("release", "release plans")
    found = desk.service.ledger.plan(plan_id)
    if found is None:
        raise UnknownDocument
    if found.made_by == desk.person_id:
        raise NotPermitted("You drew this plan up yourself. A second person must release it.")
    if found.released is not None:
        raise ConfigurationError("This plan was released already. `poststelle purge run` carries it out.")
    _checked_plan(desk.service, found)
    documents = [item.document_id for item in desk.service.ledger.planned(found.plan_id)]
    chosen = [desk.locate(name).document_id for name in only] if only else documents
    if not set(chosen) <= set(documents):
        raise UnknownDocument
    content = {"plan": found.plan_id, "only": sorted(chosen), "reason": reason}
    desk.service.ledger.release_plan(found.plan_id, desk.sign("purge-release", content))
    desk.service.flush_outbox()
    return Released(plan_id=found.plan_id, documents=tuple(chosen), practice=desk.person.book.practice)


def run(service: Session) -> Run:
    """Carry out released plans and standing releases, deciding every letter anew; resumable.

    Raises:
        InvalidStatement: a plan or release is not genuine; nothing of it is carried out.
        ClockSetBack: dates cannot be trusted.
    """
    _require_clock(service)
    with service.mirrored_keys.alone():
        return _run(service, service.now().astimezone().date())


def _run(service: Session, today: date) -> Run:
    kept: list[Kept] = []
    executor = _executor(service)
    # All are checked before the first is begun: one that is forged stops the run while nothing has changed.
    checked = [
        (row, _checked_plan(service, row), _checked_release(service, row)) for row in service.ledger.released_plans()
    ]
    for row, planned, released in checked:
        kept += _begin_plan(service, executor, row, planned, released, today)
    kept += _begin_standing(service, executor, today)
    disposal = executor.finish()
    service.flush_outbox()
    for row, _, _ in checked:
        if not disposal.pending:
            service.ledger.finish_plan(row.plan_id, service.now())
    return Run(
        disposed=disposal.disposed,
        kept=tuple(kept),
        pending=disposal.pending,
        certificates=disposal.certificates,
        practice=service.book.practice,
    )


def prove(desk: Desk, name: str) -> Proof:
    """Look for what must be gone of a disposed letter: keys, parts, register, index, duplicate mark.

    Raises:
        UnknownDocument: no such letter.
        ConfigurationError: it was not disposed of.
    """
    desk.require_right("records", "see proofs of destruction")
    row = desk.locate(name)
    disposal = desk.service.ledger.disposal(row.document_id)
    if disposal is None or row.stage is not Stage.DISPOSED:
        raise ConfigurationError(f"{desk.number_of(row)} was not disposed of. See `poststelle retention explain`.")
    service, document = desk.service, row.document_id
    certificate = _certificate(service, disposal.certificate or "")
    indexed = any(
        service.index(c).get(document) is not None for c in COMPARTMENTS if service.keyring.holds(index_scope(c))
    )
    checks = (
        ("no key of it is in the key store", not service.mirrored_keys.wraps_of(document)),
        (
            "no piece of its keys is left in store, mirror or their logs",
            not wraps_remain(service.mirrored_keys, [disposal]),
        ),
        ("it is not in the register", service.mirrored_keys.find(document) is None),
        ("no sealed part of it is left", not service.objects.names_of(document)),
        ("it is in no index", not indexed),
        ("its duplicate mark is gone", row.mark == b""),
        ("the certificate is genuine and names it", certificate is not None and _names(certificate, document)),
    )
    desk.person.note("purge-proved", document=document)
    return Proof(
        document_id=document,
        number=desk.number_of(row),
        checks=checks,
        certificate=certificate.body if certificate else {},
        practice=service.book.practice,
    )


def _consider_all(service: Session, day: date) -> list[Considered]:
    schedule = schedule_of(service.book.office)
    events = events_told(service.ledger, service.book)
    holds: dict[str, list[str]] = {}
    for hold in holds_in_force(service.ledger, service.book):
        for document in hold.documents:
            holds.setdefault(document, []).append(hold.hold_id)
    return [
        consider(row, schedule, events.get(row.document_id, {}), holds.get(row.document_id, ()), day)
        for row in service.catalogue.letters()
        if row.stage is not Stage.DISPOSED
    ]


def _would_be_due(considered: Considered, day: date) -> bool:
    due_on = considered.retention.due_on
    return due_on is not None and due_on <= day


def _item(considered: Considered) -> PlannedItem:
    assert considered.retention.due_on is not None
    return PlannedItem(
        document_id=considered.letter.document_id,
        due_on=considered.retention.due_on,
        fingerprint=considered.fingerprint,
    )


def _items_hash(items: Sequence[PlannedItem]) -> str:
    rows = sorted([item.document_id, item.due_on.isoformat(), item.fingerprint] for item in items)
    return hashlib.sha256(canonical(rows)).hexdigest()


def _checked_plan(service: Session, row: PlanRow) -> Statement:
    """The genuine plan behind a row, whose letters are those that were signed."""
    statement = check_statement(service.ledger.statement_line(row.plan_id) or b"", service.book, "purge-plan")
    if statement.statement_id != row.plan_id or statement.person_id != row.made_by:
        raise InvalidStatement("the plan's row names another statement")
    if not service.book.holds_right(statement.person_id, "release"):
        raise InvalidStatement("the plan's author may not plan")
    if statement.body["items"] != _items_hash(service.ledger.planned(row.plan_id)):
        raise InvalidStatement("the plan's letters were changed after it was signed")
    return statement


def _checked_release(service: Session, row: PlanRow) -> Statement:
    statement = check_statement(service.ledger.statement_line(row.released or "") or b"", service.book, "purge-release")
    if statement.body["plan"] != row.plan_id:
        raise InvalidStatement("the release is for another plan")
    if statement.person_id == row.made_by:
        raise InvalidStatement("plan and release are by the same person")
    if not service.book.holds_right(statement.person_id, "release"):
        raise InvalidStatement("the release is by somebody who may not release")
    return statement


def _begin_plan(
    service: Session, executor: Executor, row: PlanRow, planned: Statement, released: Statement, today: date
) -> list[Kept]:
    # Only a practice vault lives in a future day; its genesis says so, under the owner's signature.
    as_of = date.fromisoformat(planned.body["as_of"])
    day = as_of if service.book.practice and as_of > today else today
    chosen = set(released.body["only"])
    kept, ready = [], []
    for item in service.ledger.planned(row.plan_id):
        letter = service.catalogue.letter(item.document_id)
        assert letter is not None
        if letter.stage in (Stage.DISPOSING, Stage.DISPOSED):
            continue
        considered = consider_one(service, letter, day)
        if item.document_id not in chosen:
            kept.append(Kept(document_id=item.document_id, reason="it was not released"))
        elif considered.blocked_by:
            kept.append(Kept(document_id=item.document_id, reason="; ".join(considered.blocked_by)))
        elif considered.fingerprint != item.fingerprint:
            kept.append(Kept(document_id=item.document_id, reason="it changed after the plan; plan it again"))
        else:
            ready.append(item.document_id)
    if ready:
        executor.begin(row.plan_id, ready)
    return kept


def _begin_standing(service: Session, executor: Executor, today: date) -> list[Kept]:
    """Letters whose retention line is released once and for all, in the key book, by whoever signed it."""
    classes = service.book.office["classes"]
    ready = [
        c.letter.document_id
        for c in _consider_all(service, today)
        if not c.blocked_by and _may_be_unattended(c.retention.line, classes.get(c.letter.record_class, {}))
    ]
    if ready:
        executor.begin(STANDING, ready)
    return []


def _may_be_unattended(line: ScheduleLine, record_class: dict[str, object]) -> bool:
    return line.release == STANDING and not line.tax_relevant and not record_class.get("tax_relevant", True)


def _require_clock(service: Session) -> None:
    """Refuse to decide on dates while the clock is behind the log."""
    last = service.audit.last_time()
    if last is not None and service.now() < last - CLOCK_TOLERANCE:
        raise ClockSetBack(
            f"The clock says {service.now():%Y-%m-%d %H:%M}, but the log has entries of {last:%Y-%m-%d %H:%M}: it was "
            "set back. Nothing was destroyed. Set it right (`timedatectl set-ntp true`) and try again."
        )


def _executor(service: Session) -> Executor:
    def row(document: str) -> LetterRow:
        letter = service.catalogue.letter(document)
        assert letter is not None
        return letter

    def describe(document: str) -> dict[str, object]:
        letter = row(document)
        disposal = service.ledger.disposal(document)
        assert disposal is not None
        found = service.ledger.plan(disposal.plan_id) if disposal.plan_id != STANDING else None
        considered = consider_one(service, letter, date.max)
        return {
            "number": accession(service.book, letter.compartment, letter.year, letter.number),
            "class": letter.record_class,
            "retention": letter.retention,
            "basis": considered.retention.line.basis,
            "due_on": str(considered.retention.due_on),
            "plan": disposal.plan_id,
            "release": (found.released if found else None) or STANDING,
        }

    return Executor(
        layout=service.layout,
        keys=service.mirrored_keys,
        objects=service.objects,
        ledger=service.ledger,
        index=_Purge(service),
        service=service.identity,
        vault_id=service.book.vault_id,
        practice=service.book.practice,
        disk=service.disk,
        now=service.now,
        compartment_of=lambda document: row(document).compartment,
        describe=describe,
        head=service.state.head,
    )


@dataclass(frozen=True, slots=True)
class _Purge:
    """Index purging through the service's keys."""

    service: Session

    def purge(self, compartment: str, document_ids: Sequence[str]) -> bool:
        if self.service.keyring.holds(index_scope(compartment)):
            return self.service.index(compartment).purge(document_ids)
        return self.service.drop_index(compartment)


def _certificate(service: Session, certificate_id: str) -> Statement | None:
    path = service.layout.certificates / f"{certificate_id}.json"
    try:
        line = path.read_bytes().rstrip(b"\n")
        statement = check_statement(line, service.book, "certificate-of-destruction")
    except (OSError, InvalidStatement):
        return None
    by_service = service.book.people[statement.person_id].kind == "service"
    return statement if by_service and statement.statement_id == certificate_id else None


def _names(certificate: Statement, document: str) -> bool:
    return any(letter["id"] == document for letter in certificate.body["letters"])
