"""Requests of data subjects: registered, counted to their last day, confirmed by a second person, closed.

A request is a signed statement in the catalogue. Whom it is about, and why something was decided, is sealed in it to
those who hold the audit key: the catalogue keeps no names. Its letters stand there by their random ids.
"""

import base64
import calendar
import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from poststelle.access.keybook import AUDIT, canonical
from poststelle.access.sealing import DoesNotOpen, purpose
from poststelle.access.statements import Statement
from poststelle.errors import ConfigurationError, Damaged, NotListed, NotPermitted
from poststelle.verbs.keeping import Known
from poststelle.verbs.locating import Desk
from poststelle.verbs.planning import plan, plan_of_request, release, unchanged_letters
from poststelle.verbs.subject_statements import (
    ANSWERED,
    CLOSE,
    CLOSED,
    CONFIRM,
    EXTEND,
    REFUSED,
    REQUEST,
    RIGHT,
    WITHDRAWN,
    Standing,
    standing_requests,
)

ACCESS, RESTRICTION, ERASURE = "access", "restriction", "erasure"
MONTHS, MORE_MONTHS = 1, 2
"""Art. 12 (3) GDPR: one month from receipt; two more if it is complex and the person is told so within the first."""
OUTCOMES = (ANSWERED, REFUSED, WITHDRAWN)
_SHORTEST_ID = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whom a request is about."""

    name: str
    also: tuple[str, ...] = ()
    """Other names they bear or bore."""
    born_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What a second person said yes to."""

    by: str
    at: datetime
    plan_id: str | None
    """The plan of those letters that might be destroyed then; its release was signed with the confirmation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it stands."""

    request_id: str
    kind: str
    subject: Subject | None
    """None for whoever may not know: they see the number of the request and of its letters."""
    received_on: date
    due_on: date
    """The last day for the answer."""
    extended: bool
    made_by: str
    """User name."""
    maker_id: str
    documents: tuple[str, ...]
    """Ids of the letters it was registered for."""
    letters: tuple[str, ...] = ()
    """Those of them that whoever looks may know of: all for who keeps the records or releases, else what they find."""
    left_out: tuple[str, ...] = ()
    """Ids of letters that a person found to be about somebody else; they stay out of what follows."""
    confirmed: Confirmation | None = None
    outcome: str | None = None
    """None while it is open."""
    lapsed: bool = False
    """Whether who registered it may not do so any more: it has to be registered again before anything is done on it."""


def register(
    desk: Desk,
    kind: str,
    subject: Subject,
    received_on: date | None,
    documents: Sequence[str],
    left_out: Sequence[str] = (),
    follows: str | None = None,
) -> Request:
    """Sign a request into the catalogue; from here its clock can be seen by everybody of the desk.

    Raises:
        ConfigurationError: it was received in the future.
    """
    today = desk.person.now().astimezone().date()
    received = received_on or today
    if received > today:
        raise ConfigurationError(f"{received} is in the future. Name the day on which the request was received.")
    about = {
        "name": subject.name,
        "also": list(subject.also),
        "born_on": None if subject.born_on is None else subject.born_on.isoformat(),
    }
    content = {
        "request": kind,
        "received_on": received.isoformat(),
        "due_on": after_months(received, MONTHS).isoformat(),
        "documents": list(documents),
        "left_out": list(left_out),
        "follows": follows,
        "sealed": _seal(desk, about),
    }
    statement = desk.sign(REQUEST, content)
    _record(desk, statement, {"request": statement.statement_id, "of": kind, "letters": len(documents)})
    desk.person.note(f"subject-{kind}", request=statement.statement_id, documents=list(documents), **about)
    return find_request(desk, statement.statement_id)


def require_desk(desk: Desk) -> None:
    """Refuse whoever does not answer requests of data subjects, or could not read what they register.

    Raises:
        NotPermitted: says who does, or which key is missing.
    """
    desk.require_right(RIGHT, "answer requests of data subjects")
    if desk.person_id not in desk.person.book.current(AUDIT).wraps:
        raise NotPermitted(
            "Whom a request is about is sealed to the key of the right `audit`, and you do not hold it. Ask an owner "
            "for a role with both rights, `subject` and `audit`."
        )


def requests(desk: Desk, *, closed: bool) -> list[Request]:
    """Open requests, the most urgent first; with `closed` also those that are done."""
    if not desk.person.book.holds_right(desk.person_id, "release"):
        require_desk(desk)
    found = [request for request in _all(desk) if closed or request.outcome is None]
    return sorted(found, key=lambda request: (request.outcome is not None, request.due_on, request.request_id))


def find_request(desk: Desk, name: str) -> Request:
    """A request by its id, or the beginning of it.

    Raises:
        NotListed: there is none, or more than one.
    """
    found = [request for request in _all(desk) if request.request_id.startswith(name)]
    if len(found) != 1 or len(name) < _SHORTEST_ID:
        raise NotListed("request", "subject list")
    return found[0]


def is_request(desk: Desk, name: str) -> bool:
    """Whether a word names a request rather than a person.

    Raises:
        NotListed: it can only be the id of a request, and there is none of it.
    """
    plain = len(name) >= _SHORTEST_ID and all(sign in "0123456789abcdef" for sign in name)
    if plain and any(request.request_id.startswith(name) for request in _all(desk)):
        return True
    if plain and any(map(str.isdigit, name)):
        raise NotListed("request", "subject list")
    return False


def extend(desk: Desk, name: str, reason: str) -> Request:
    """Take two more months, once, before the first is over; the person has to be told, with the reason.

    Raises:
        ConfigurationError: it is closed, was extended before, or its day is over.
    """
    require_desk(desk)
    request = _open(desk, name)
    if request.extended:
        raise ConfigurationError(
            f"This request was extended already, to {request.due_on}. The law knows one extension."
        )
    if desk.person.now().astimezone().date() > request.due_on:
        raise ConfigurationError(f"Its month ended on {request.due_on}: it cannot be extended any more. Answer it now.")
    until = after_months(request.received_on, MONTHS + MORE_MONTHS)
    content = {"subject_request": request.request_id, "due_on": until.isoformat(), "sealed": _seal_reason(desk, reason)}
    _record(desk, desk.sign(EXTEND, content), {"request": request.request_id, "due_on": until.isoformat()})
    desk.person.note(EXTEND, request=request.request_id, reason=reason)
    return find_request(desk, request.request_id)


def confirm(desk: Desk, name: str, reason: str) -> Request:
    """Say, as a second person, that a request for erasure may be carried out; releases what may be destroyed today.

    Nothing is destroyed by it: `purge run` does, and decides each letter anew.

    Raises:
        NotPermitted: the person may not release, or registered the request.
        ConfigurationError: it is closed, confirmed already, or asks for no erasure.
    """
    desk.require_right("release", "confirm erasures")
    request = _open(desk, name)
    if request.kind != ERASURE:
        raise ConfigurationError("Only erasures are confirmed; this request asks for none.")
    if desk.person.book.is_same(request.maker_id, desk.person_id):
        raise NotPermitted("You registered this request yourself. A second person must confirm it.")
    if request.confirmed is not None:
        raise ConfigurationError(f"{request.confirmed.by} confirmed this request already.")
    planned = plan_of_request(desk.service, request.request_id)
    letters = [] if planned is None else _due(desk, unchanged_letters(desk, planned))
    content = {
        "subject_request": request.request_id,
        "documents": list(request.documents),
        "plan": planned,
        "sealed": _seal_reason(desk, reason),
    }
    _record(desk, desk.sign(CONFIRM, content), {"request": request.request_id, "plan": planned})
    if planned is not None and letters:
        release(desk, planned, letters, f"request {request.request_id[:12]}")
    desk.person.note(CONFIRM, request=request.request_id, reason=reason)
    return find_request(desk, request.request_id)


def plan_erasure(desk: Desk, request: Request) -> None:
    """Draw up the plan of what may be destroyed today of a request's letters; whoever confirms it releases that.

    Raises:
        ClockSetBack, ClockAhead: dates cannot be trusted.
    """
    if due := _due(desk, request.documents):
        plan(desk, None, only=due, request=request.request_id)


def close(desk: Desk, name: str, outcome: str, reason: str) -> Request:
    """Say how a request ended: "answered", "refused" or "withdrawn".

    Raises:
        ConfigurationError: it is closed already, or there is no such outcome.
    """
    require_desk(desk)
    if outcome not in OUTCOMES:
        raise ConfigurationError(f"There is no outcome {outcome!r}. Outcomes: {', '.join(OUTCOMES)}.")
    # A purge at work finishes first: what is withdrawn is not just being destroyed.
    with desk.service.alone():
        request = _open(desk, name, lapsed=True)
        content = {"subject_request": request.request_id, "outcome": outcome, "sealed": _seal_reason(desk, reason)}
        _record(desk, desk.sign(CLOSE, content), {"request": request.request_id, "outcome": outcome}, CLOSED)
    desk.person.note(CLOSE, request=request.request_id, outcome=outcome, reason=reason)
    return find_request(desk, request.request_id)


def after_months(day: date, months: int) -> date:
    """The same day so many months later, or the last of that month (Regulation 1182/71, Art. 3)."""
    year, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + year, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _open(desk: Desk, name: str, *, lapsed: bool = False) -> Request:
    request = find_request(desk, name)
    if request.outcome is not None:
        raise ConfigurationError(f"This request is closed ({request.outcome}). Register a new one.")
    if not lapsed:
        require_standing(request)
    return request


def require_standing(request: Request) -> None:
    """Refuse to act on a request whose author lost the right.

    Raises:
        ConfigurationError: it lapsed.
    """
    if request.lapsed:
        raise ConfigurationError(
            f"{request.made_by}, who registered this request, may not do so any more: nothing is carried out on it. "
            f"Register it again with the name and --received-on {request.received_on}, and close this one as withdrawn."
        )


def _due(desk: Desk, documents: Sequence[str]) -> list[str]:
    """Letters of these whose period is over and that nothing keeps."""
    known, today = Known.of(desk.service), desk.person.now().astimezone().date()
    rows = [row for document in documents if (row := desk.service.catalogue.letter(document)) is not None]
    return [row.document_id for row in rows if not known.consider(row, today).blocked_by]


def _record(desk: Desk, statement: Statement, details: Mapping[str, Any], entry: str | None = None) -> None:
    desk.service.ledger.record(statement, details, entry)
    desk.service.flush_outbox()


def _all(desk: Desk) -> list[Request]:
    """Every request whose statement is genuine, as the statements that follow it leave it."""
    return [_request(desk, standing) for standing in standing_requests(desk.service)]


def _request(desk: Desk, standing: Standing) -> Request:
    statement, people = standing.request, desk.service.book.people
    body, confirmed, closed = statement.body, standing.confirmed, standing.closed
    about = _unseal(desk, body["sealed"])
    return Request(
        request_id=statement.statement_id,
        kind=body["request"],
        subject=None
        if about is None
        else Subject(
            name=about["name"],
            also=tuple(about["also"]),
            born_on=None if about["born_on"] is None else date.fromisoformat(about["born_on"]),
        ),
        received_on=date.fromisoformat(body["received_on"]),
        due_on=date.fromisoformat((standing.extended or statement).body["due_on"]),
        extended=standing.extended is not None,
        made_by=people[statement.person_id].user,
        maker_id=statement.person_id,
        documents=standing.documents,
        letters=_known_to(desk, body["documents"]),
        left_out=tuple(body["left_out"]),
        confirmed=None
        if confirmed is None
        else Confirmation(by=people[confirmed.person_id].user, at=confirmed.made_at, plan_id=confirmed.body["plan"]),
        outcome=None if closed is None else closed.body["outcome"],
        lapsed=standing.lapsed,
    )


def places_searched(desk: Desk) -> tuple[str, ...]:
    """Compartments in which this person may find; not what was shared with them."""
    book = desk.person.book
    return tuple(c for c in book.compartments_for(desk.person_id, "find") if c in book.office["compartments"])


def _known_to(desk: Desk, documents: Sequence[str]) -> tuple[str, ...]:
    book = desk.person.book
    if any(book.holds_right(desk.person_id, right) for right in ("records", "release")):
        return tuple(documents)
    places, letter = places_searched(desk), desk.service.catalogue.letter
    return tuple(d for d in documents if (row := letter(d)) is not None and row.compartment in places)


def _seal_reason(desk: Desk, reason: str) -> str:
    return _seal(desk, {"reason": reason})


def _seal(desk: Desk, value: Mapping[str, Any]) -> str:
    book = desk.service.book
    sealed = book.current(AUDIT).public.wrap(canonical(dict(value)), purpose("subject request v1", book.vault_id))
    return base64.b64encode(sealed).decode()


def _unseal(desk: Desk, sealed: str) -> dict[str, Any] | None:
    """What was sealed, for whoever holds the audit key of that time; None for all others.

    Raises:
        Damaged: it was changed.
    """
    keys = desk.person.keyring.held(AUDIT)
    for key in keys:
        with contextlib.suppress(DoesNotOpen):
            opened = key.unwrap(base64.b64decode(sealed), purpose("subject request v1", desk.person.book.vault_id))
            return dict(json.loads(opened))
    if len(keys) == len(desk.person.book.epochs[AUDIT]):
        raise Damaged("Whom a request is about cannot be opened: its statement was changed. Run `poststelle verify`.")
    return None
