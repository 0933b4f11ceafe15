"""Requests of data subjects: registered, counted to their last day, confirmed by a second person, closed.

A request is a signed statement in the catalogue. Whom it is about, and why something was decided, is sealed in it to
those who hold the audit key: the catalogue keeps no names. Its letters stand there by their random ids.
"""

import base64
import calendar
import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from poststelle.access.keybook import AUDIT, canonical
from poststelle.access.sealing import DoesNotOpen, purpose
from poststelle.access.statements import InvalidStatement, Statement, check_statement
from poststelle.errors import ConfigurationError, Damaged, NotPermitted, UnknownDocument
from poststelle.verbs.keeping import Known, held_right
from poststelle.verbs.locating import Desk
from poststelle.verbs.planning import plan

ACCESS, RESTRICTION, ERASURE = "access", "restriction", "erasure"
REQUEST, EXTEND, CONFIRM, CLOSE = "subject-request", "subject-extend", "subject-confirm", "subject-close"
RIGHT = "subject"
MONTHS, MORE_MONTHS = 1, 2
"""Art. 12 (3) GDPR: one month from receipt; two more if it is complex and the person is told so within the first."""
OUTCOMES = ("answered", "refused", "withdrawn")
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
    """The plan of those letters that may be destroyed now; a second person with that right releases it."""


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
    left_out: tuple[str, ...] = ()
    """Ids of letters that a person found to be about somebody else; they stay out of what follows."""
    confirmed: Confirmation | None = None
    outcome: str | None = None
    """None while it is open."""


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
    """Refuse whoever does not answer requests of data subjects.

    Raises:
        NotPermitted: says who does.
    """
    desk.require_right(RIGHT, "answer requests of data subjects")


def requests(desk: Desk, *, closed: bool) -> list[Request]:
    """Open requests, the most urgent first; with `closed` also those that are done."""
    if not desk.person.book.holds_right(desk.person_id, "release"):
        require_desk(desk)
    found = [request for request in _all(desk) if closed or request.outcome is None]
    return sorted(found, key=lambda request: (request.outcome is not None, request.due_on, request.request_id))


def find_request(desk: Desk, name: str) -> Request:
    """A request by its id, or the beginning of it.

    Raises:
        UnknownDocument: there is none, or more than one.
    """
    found = [request for request in _all(desk) if request.request_id.startswith(name)]
    if len(found) != 1 or len(name) < _SHORTEST_ID:
        raise UnknownDocument
    return found[0]


def is_request(desk: Desk, name: str) -> bool:
    """Whether a word names a request rather than a person."""
    plain = len(name) >= _SHORTEST_ID and all(sign in "0123456789abcdef" for sign in name)
    return plain and any(request.request_id.startswith(name) for request in _all(desk))


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
    """Say, as a second person, that a request for erasure may be carried out; plans what may be destroyed today.

    Nothing is destroyed by it: the plan is released like every other, by somebody else than who confirms.

    Raises:
        NotPermitted: the person may not release, or registered the request.
        ConfigurationError: it is closed, confirmed already, or asks for no erasure.
        ClockSetBack, ClockAhead: dates cannot be trusted.
    """
    desk.require_right("release", "confirm erasures")
    request = _open(desk, name)
    if request.kind != ERASURE:
        raise ConfigurationError("Only erasures are confirmed; this request asks for none.")
    if desk.person.book.is_same(request.maker_id, desk.person_id):
        raise NotPermitted("You registered this request yourself. A second person must confirm it.")
    if request.confirmed is not None:
        raise ConfigurationError(f"{request.confirmed.by} confirmed this request already.")
    due = _due(desk, request.documents)
    content = {
        "subject_request": request.request_id,
        "documents": list(request.documents),
        "plan": plan(desk, None, only=due).plan_id if due else None,
        "sealed": _seal_reason(desk, reason),
    }
    _record(desk, desk.sign(CONFIRM, content), {"request": request.request_id, "plan": content["plan"]})
    desk.person.note(CONFIRM, request=request.request_id, reason=reason)
    return find_request(desk, request.request_id)


def close(desk: Desk, name: str, outcome: str, reason: str) -> Request:
    """Say how a request ended: "answered", "refused" or "withdrawn".

    Raises:
        ConfigurationError: it is closed already, or there is no such outcome.
    """
    require_desk(desk)
    if outcome not in OUTCOMES:
        raise ConfigurationError(f"There is no outcome {outcome!r}. Outcomes: {', '.join(OUTCOMES)}.")
    request = _open(desk, name)
    content = {"subject_request": request.request_id, "outcome": outcome, "sealed": _seal_reason(desk, reason)}
    _record(desk, desk.sign(CLOSE, content), {"request": request.request_id, "outcome": outcome})
    desk.person.note(CLOSE, request=request.request_id, outcome=outcome, reason=reason)
    return find_request(desk, request.request_id)


def after_months(day: date, months: int) -> date:
    """The same day so many months later, or the last of that month (Regulation 1182/71, Art. 3)."""
    year, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + year, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _open(desk: Desk, name: str) -> Request:
    request = find_request(desk, name)
    if request.outcome is not None:
        raise ConfigurationError(f"This request is closed ({request.outcome}). Register a new one.")
    return request


def _due(desk: Desk, documents: Sequence[str]) -> list[str]:
    """Letters of these whose period is over and that nothing keeps."""
    known, today = Known.of(desk.service), desk.person.now().astimezone().date()
    rows = [row for document in documents if (row := desk.service.catalogue.letter(document)) is not None]
    return [row.document_id for row in rows if not known.consider(row, today).blocked_by]


def _record(desk: Desk, statement: Statement, details: Mapping[str, Any]) -> None:
    desk.service.ledger.record(statement, details)
    desk.service.flush_outbox()


def _all(desk: Desk) -> list[Request]:
    """Every request whose statement is genuine, as the statements that follow it leave it."""
    found = {s.statement_id: _request(desk, s) for s in _statements(desk, REQUEST, RIGHT)}
    return [_follow(desk, request) for request in found.values()]


def _follow(desk: Desk, request: Request) -> Request:
    for statement in _statements(desk, EXTEND, RIGHT, request.request_id):
        request = replace(request, due_on=date.fromisoformat(statement.body["due_on"]), extended=True)
    for statement in _statements(desk, CONFIRM, "release", request.request_id):
        same = desk.person.book.is_same(statement.person_id, request.maker_id)
        if not same and statement.body["documents"] == list(request.documents) and request.confirmed is None:
            by = desk.person.book.people[statement.person_id].user
            confirmed = Confirmation(by=by, at=statement.made_at, plan_id=statement.body["plan"])
            request = replace(request, confirmed=confirmed)
    for statement in _statements(desk, CLOSE, RIGHT, request.request_id):
        request = replace(request, outcome=statement.body["outcome"])
    return request


def _statements(desk: Desk, kind: str, right: str, request: str | None = None) -> list[Statement]:
    ledger, book = desk.service.ledger, desk.service.book
    found = []
    for line in ledger.statement_lines(kind) if request is None else ledger.lines_of(kind, request):
        with contextlib.suppress(InvalidStatement):
            statement = check_statement(line, book, kind, or_removed=True)
            about = request is None or statement.body["subject_request"] == request
            if about and held_right(book, statement.person_id, right):
                found.append(statement)
    return found


def _request(desk: Desk, statement: Statement) -> Request:
    body = statement.body
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
        due_on=date.fromisoformat(body["due_on"]),
        extended=False,
        made_by=desk.service.book.people[statement.person_id].user,
        maker_id=statement.person_id,
        documents=tuple(body["documents"]),
        left_out=tuple(body["left_out"]),
    )


def _seal_reason(desk: Desk, reason: str) -> str:
    return _seal(desk, {"reason": reason})


def _seal(desk: Desk, value: Mapping[str, Any]) -> str:
    book = desk.service.book
    sealed = book.current(AUDIT).public.wrap(canonical(dict(value)), purpose("subject request v1", book.vault_id))
    return base64.b64encode(sealed).decode()


def _unseal(desk: Desk, sealed: str) -> dict[str, Any] | None:
    """What was sealed, for whoever holds the audit key; None for all others.

    Raises:
        Damaged: it was changed.
    """
    keys = desk.person.keyring.held(AUDIT)
    for key in keys:
        with contextlib.suppress(DoesNotOpen):
            opened = key.unwrap(base64.b64decode(sealed), purpose("subject request v1", desk.person.book.vault_id))
            return dict(json.loads(opened))
    if keys:
        raise Damaged("Whom a request is about cannot be opened: its statement was changed. Run `poststelle verify`.")
    return None
