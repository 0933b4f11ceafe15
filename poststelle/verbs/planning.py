"""`purge plan|release|withdraw|list`: what may be destroyed, drawn up by one person and released by another."""

import contextlib
import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from archive.disposition import Considered
from archive.ledger import PlannedItem, PlanRow
from poststelle.access.keybook import canonical
from poststelle.access.statements import InvalidStatement, Statement, check_statement
from poststelle.errors import ConfigurationError, NotListed, NotPermitted, UnknownDocument
from poststelle.stages import Stage
from poststelle.verbs.clock import require_clock
from poststelle.verbs.keeping import Known
from poststelle.verbs.locating import Desk
from poststelle.verbs.subject_statements import ANSWERED, RIGHT, standing_request
from poststelle.wiring import Session

REQUEST_FIELD = "subject_request"
"""What the statement of a plan calls the request for erasure that it is for."""
GONE = (Stage.DISPOSING, Stage.DISPOSED)


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
    """A plan, or some letters of it, that a second person released."""

    plan_id: str
    documents: tuple[str, ...]
    left: tuple[str, ...]
    """Letters of the plan that stay planned: they may be released later, or withdrawn."""
    practice: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """A plan of which nothing more is carried out."""

    plan_id: str
    documents: tuple[str, ...]
    """Letters that were still to be destroyed under it."""
    practice: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPlan:
    """A plan that is not finished."""

    row: PlanRow
    author: str
    released: tuple[str, ...]
    left: tuple[str, ...]
    """Letters that nobody released yet."""
    void: str | None
    """Why it is not carried out although it is genuine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyPlan:
    """A genuine plan and the letters that were genuinely released."""

    row: PlanRow
    statement: Statement
    chosen: frozenset[str]
    void: str | None
    """Why it is not carried out: its author, or whoever released it, may no longer."""


def plan(desk: Desk, as_of: date | None, only: Collection[str] | None = None, request: str | None = None) -> Plan:
    """Draw up a plan of what is due, signed by this person; changes no letter. `only`: of these letters, by id.

    For a `request` for erasure whoever registered it draws the plan up. It counts for letters of that request alone,
    and once a second person has confirmed it.

    Raises:
        NotPermitted: the person may not release; planning and releasing need the same right, of two people.
        ConfigurationError: a future day outside a practice vault.
        ClockSetBack, ClockAhead: dates cannot be trusted.
    """
    desk.require_right("release" if request is None else RIGHT, "plan disposition")
    today = desk.person.now().astimezone().date()
    day = as_of or today
    if day > today and not desk.person.book.practice:
        raise ConfigurationError(
            f"{day} is in the future: a plan for it could be carried out too early. Only a vault made with "
            "`poststelle init --practice` allows that."
        )
    require_clock(desk.service)
    considered = [c for c in consider_all(desk.service, day) if only is None or c.letter.document_id in only]
    due = tuple(c for c in considered if not c.blocked_by)
    items = [_item(c) for c in due]
    content = {"as_of": day.isoformat(), "items": _items_hash(items), "letters": len(items)}
    statement = desk.sign("purge-plan", content if request is None else content | {REQUEST_FIELD: request})
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
    """Release a plan, or some letters of it, as a second person; the others stay planned.

    Raises:
        UnknownDocument: no such plan, or a letter that is not in it.
        NotPermitted: the person drew the plan up, or may not release.
        ConfigurationError: released before, withdrawn, or letters of it changed since it was drawn up.
    """
    desk.require_right("release", "release plans")
    service = desk.service
    found = _found(service, plan_id)
    if desk.person.book.is_same(found.made_by, desk.person_id):
        raise NotPermitted("You drew this plan up yourself. A second person must release it.")
    planned, void = _checked_plan(service, found)
    if void is not None:
        instead = "Draw up a new plan with `poststelle purge plan`." if REQUEST_FIELD not in planned.body else ""
        raise ConfigurationError(f"{void} {instead}".strip())
    _require_open(service, found)
    items = {item.document_id: item for item in service.ledger.planned(found.plan_id)}
    before = released_letters(service, found) if found.released is not None else frozenset()
    left = [d for d in items if d not in before and _stage(service, d) not in GONE]
    if not left:
        raise ConfigurationError("This plan was released already. `poststelle purge run` carries it out.")
    chosen = [desk.locate(name).document_id for name in only] if only else left
    if not set(chosen) <= set(items):
        raise UnknownDocument
    if not set(chosen) <= set(left):
        raise ConfigurationError("One of these letters was released already; nothing was signed. Leave it out.")
    _require_unchanged(desk, [items[document] for document in chosen], date.fromisoformat(planned.body["as_of"]))
    content = {"plan": found.plan_id, "only": sorted(chosen), "reason": reason}
    service.ledger.release_plan(found.plan_id, desk.sign("purge-release", content))
    service.flush_outbox()
    return Released(
        plan_id=found.plan_id,
        documents=tuple(chosen),
        left=tuple(document for document in left if document not in chosen),
        practice=desk.person.book.practice,
    )


def unchanged_letters(desk: Desk, plan_id: str) -> list[str]:
    """Letters of a plan that are still as they were planned."""
    found = _found(desk.service, plan_id)
    planned, _ = _checked_plan(desk.service, found)
    items = desk.service.ledger.planned(found.plan_id)
    changed = _changed(desk, items, date.fromisoformat(planned.body["as_of"]))
    return [item.document_id for item in items if item not in changed]


def withdraw(desk: Desk, plan_id: str, reason: str) -> Withdrawn:
    """Say that nothing more of a plan is to be carried out, released or not. Whoever may release may withdraw.

    Raises:
        UnknownDocument: no such plan.
        NotPermitted: the person may not release.
        ConfigurationError: it was carried out, or withdrawn before.
    """
    desk.require_right("release", "withdraw plans")
    service = desk.service
    # A run at work finishes first: what is withdrawn is not just being destroyed.
    with service.alone():
        found = _found(service, plan_id)
        _require_open(service, found)
        documents = sorted(
            item.document_id
            for item in service.ledger.planned(found.plan_id)
            if _stage(service, item.document_id) not in GONE
        )
        content = {"plan": found.plan_id, "documents": documents, "reason": reason}
        service.ledger.withdraw_plan(found.plan_id, desk.sign("purge-withdraw", content))
        service.flush_outbox()
    return Withdrawn(plan_id=found.plan_id, documents=tuple(documents), practice=service.book.practice)


def open_plans(desk: Desk) -> list[OpenPlan]:
    """Plans of which something is left to do, or that do not count; for those who may release or keep the records."""
    if not desk.person.book.holds_right(desk.person_id, "records"):
        desk.require_right("release", "see plans")
    service, found = desk.service, []
    for row in service.ledger.open_plans():
        items = [i.document_id for i in service.ledger.planned(row.plan_id)]
        living = [document for document in items if _stage(service, document) not in GONE]
        author = service.book.people.get(row.made_by)
        try:
            _, void = _checked_plan(service, row)
            released = released_letters(service, row) if row.released is not None else frozenset()
        except InvalidStatement as err:
            void, released = str(err), frozenset()
        if living or void is not None:
            found.append(
                OpenPlan(
                    row=row,
                    author="" if author is None else author.user,
                    released=tuple(document for document in living if document in released),
                    left=tuple(document for document in living if document not in released),
                    void=void,
                )
            )
    return found


# What the run asks ----------------------------------------------------------------------------------------------


def ready_plans(service: Session) -> list[ReadyPlan]:
    """Released plans, each checked; one whose author or releaser may no longer is there, but void.

    Raises:
        InvalidStatement: a plan or release is forged, or was changed after it was signed.
    """
    ready = []
    for row in service.ledger.released_plans():
        statement, void = _checked_plan(service, row)
        chosen = released_letters(service, row)
        if void is None and not chosen:
            void = "Whoever released it may no longer release."
        if void is None and _withdrawal(service, row) is not None:
            void = "It was withdrawn."
        ready.append(ReadyPlan(row=row, statement=statement, chosen=chosen, void=void))
    return ready


def released_letters(service: Session, row: PlanRow) -> frozenset[str]:
    """Letters of a plan that people released who still may.

    Raises:
        InvalidStatement: the release that the plan's row names is forged, for another plan, or the planner's own.
    """
    chosen: set[str] = set()
    named = _release(service, row, service.ledger.statement_line(row.released or "") or b"")
    if named.statement_id != row.released:
        raise InvalidStatement("the release's row names another statement")
    others = [line for line in service.ledger.lines_of("purge-release", row.plan_id) if line != named.line]
    statements = [named]
    for line in others:
        with contextlib.suppress(InvalidStatement):
            statements.append(_release(service, row, line))
    for statement in statements:
        if service.book.holds_right(statement.person_id, "release"):
            chosen.update(statement.body["only"])
    return frozenset(chosen)


def plan_of_request(service: Session, request: str) -> str | None:
    """Id of the open plan that was drawn up for a request by whoever registered it.

    None if nothing was due, or if they may no longer plan it.
    """
    standing = standing_request(service, request)
    for line in service.ledger.lines_of("purge-plan", request):
        with contextlib.suppress(InvalidStatement):
            statement = check_statement(line, service.book, "purge-plan", or_removed=True)
            row = service.ledger.plan(statement.statement_id)
            by = None if standing is None else standing.request.person_id
            theirs = statement.body.get(REQUEST_FIELD) == request and statement.person_id == by
            theirs = theirs and service.book.holds_right(statement.person_id, RIGHT)
            if theirs and row is not None and not row.finished and _withdrawal(service, row) is None:
                return row.plan_id
    return None


def going(service: Session, plan_id: str) -> frozenset[str]:
    """Letters of a plan that `purge run` destroys, if nothing stands against it by then; none of one that is void."""
    row = service.ledger.plan(plan_id)
    if row is None or row.released is None or _withdrawal(service, row) is not None:
        return frozenset()
    try:
        _, void = _checked_plan(service, row)
        return released_letters(service, row) if void is None else frozenset()
    except InvalidStatement:
        return frozenset()


def consider_all(service: Session, day: date) -> list[Considered]:
    """Every living letter on a day."""
    known = Known.of(service)
    return [known.consider(row, day) for row in service.catalogue.letters() if row.stage is not Stage.DISPOSED]


def _found(service: Session, plan_id: str) -> PlanRow:
    found = service.ledger.plan(plan_id)
    if found is None:
        raise NotListed("plan", "purge list")
    return found


def _require_open(service: Session, row: PlanRow) -> None:
    if _withdrawal(service, row) is not None:
        raise ConfigurationError("This plan was withdrawn. Draw up a new one with `poststelle purge plan`.")
    if row.finished:
        raise ConfigurationError("This plan was released already and carried out. Draw up a new one.")


def _stage(service: Session, document: str) -> Stage:
    letter = service.catalogue.letter(document)
    return Stage.DISPOSED if letter is None else letter.stage


def _require_unchanged(desk: Desk, items: Sequence[PlannedItem], as_of: date) -> None:
    """Refuse to release what is no longer what was planned."""
    letters = [(item, desk.service.catalogue.letter(item.document_id)) for item in _changed(desk, items, as_of)]
    changed = [item.document_id if letter is None else desk.number_of(letter) for item, letter in letters]
    if changed:
        more = f" and {len(changed) - 5} more" if len(changed) > 5 else ""
        raise ConfigurationError(
            f"The plan no longer matches the letters: {', '.join(changed[:5])}{more} changed since it was drawn up. "
            "Nothing was released. Draw up a new plan, or release the others with --only."
        )


def _changed(desk: Desk, items: Sequence[PlannedItem], as_of: date) -> list[PlannedItem]:
    """Those that are no longer what was planned."""
    known, changed = Known.of(desk.service), []
    for item in items:
        letter = desk.service.catalogue.letter(item.document_id)
        if letter is None or known.consider(letter, as_of).fingerprint != item.fingerprint:
            changed.append(item)
    return changed


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


def _checked_plan(service: Session, row: PlanRow) -> tuple[Statement, str | None]:
    """The genuine plan behind a row, whose letters are those that were signed; and why it is void, if it is."""
    line = service.ledger.statement_line(row.plan_id) or b""
    statement = check_statement(line, service.book, "purge-plan", or_removed=True)
    if statement.statement_id != row.plan_id or statement.person_id != row.made_by:
        raise InvalidStatement("the plan's row names another statement")
    if statement.body["items"] != _items_hash(service.ledger.planned(row.plan_id)):
        raise InvalidStatement("the plan's letters were changed after it was signed")
    request = statement.body.get(REQUEST_FIELD)
    may = service.book.holds_right(statement.person_id, "release" if request is None else RIGHT)
    author = service.book.people[statement.person_id].user
    void = None if may else f"It was drawn up by {author!r}, who may no longer (or never might) plan."
    return statement, void or (None if request is None else _void_request(service, statement, request))


def _void_request(service: Session, plan: Statement, request: str) -> str | None:
    """Why the request that a plan is for does not allow it; None if it does."""
    standing = standing_request(service, request)
    planned = {item.document_id for item in service.ledger.planned(plan.statement_id)}
    if standing is None or standing.request.person_id != plan.person_id or not planned <= set(standing.documents):
        return "It is for a request for erasure that its author did not register for these letters."
    if standing.closed is not None and standing.closed.body["outcome"] != ANSWERED:
        return f"The request for erasure that it is for was closed ({standing.closed.body['outcome']})."
    if standing.confirmed is None:
        return "The request for erasure that it is for waits for a second person: `poststelle subject confirm`."
    return None


def _release(service: Session, row: PlanRow, line: bytes) -> Statement:
    statement = check_statement(line, service.book, "purge-release", or_removed=True)
    if statement.body["plan"] != row.plan_id:
        raise InvalidStatement("the release is for another plan")
    if service.book.is_same(statement.person_id, row.made_by):
        raise InvalidStatement("plan and release are by the same person")
    return statement


def _withdrawal(service: Session, row: PlanRow) -> Statement | None:
    for line in service.ledger.lines_of("purge-withdraw", row.plan_id):
        with contextlib.suppress(InvalidStatement):
            statement = check_statement(line, service.book, "purge-withdraw", or_removed=True)
            if statement.body["plan"] == row.plan_id:
                return statement
    return None
