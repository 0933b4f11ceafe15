"""What the catalogue says of requests of data subjects, without whom they are about: for the desk, and for plans."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from poststelle.access.statements import InvalidStatement, Statement, check_statement
from poststelle.verbs.keeping import held_right
from poststelle.wiring import Session

REQUEST, EXTEND, CONFIRM, CLOSE = "subject-request", "subject-extend", "subject-confirm", "subject-close"
CLOSED = "subject-closed"
"""Kind of the entry in the log that counts the statements of a closing; of its reason there is one of their kind."""
RIGHT = "subject"
ANSWERED, REFUSED, WITHDRAWN = "answered", "refused", "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A genuine request, and the genuine statements that followed it."""

    request: Statement
    extended: Statement | None
    confirmed: Statement | None
    """By a second person who may release, for the same letters."""
    closed: Statement | None
    """As refused or withdrawn, if anybody ever said so; else what was said last."""
    lapsed: bool
    """Whether its author does not hold the right any more: its month still runs, but nothing is carried out on it."""

    @property
    def documents(self) -> tuple[str, ...]:
        """Ids of the letters it was registered for."""
        return tuple(self.request.body["documents"])


def standing_requests(service: Session) -> Iterator[Standing]:
    """Every request whose statement is genuine; lapsed ones too, since the person still waits for an answer."""
    for statement in _genuine(service, REQUEST, None):
        yield _followed(service, statement)


def standing_request(service: Session, request_id: str) -> Standing | None:
    """One request by its whole id; None if there is no genuine one, or if it lapsed."""
    line = service.ledger.statement_line(request_id)
    for statement in () if line is None else _checked(service, [line], REQUEST, RIGHT):
        if statement.statement_id == request_id:
            return _followed(service, statement)
    return None


def _followed(service: Session, request: Statement) -> Standing:
    def following(kind: str, right: str | None) -> list[Statement]:
        found = _genuine(service, kind, right, request.statement_id)
        return [s for s in found if s.body["subject_request"] == request.statement_id]

    confirmations = [
        statement
        for statement in following(CONFIRM, "release")
        if not service.book.is_same(statement.person_id, request.person_id)
        and statement.body["documents"] == request.body["documents"]
    ]
    extensions = following(EXTEND, RIGHT)
    # Whoever said it may have another role by now: what was stopped stays so, and what was answered.
    closings = following(CLOSE, None)
    counted = [statement for statement in closings if statement.body["outcome"] != ANSWERED] or closings
    return Standing(
        request=request,
        extended=extensions[-1] if extensions else None,
        confirmed=confirmations[0] if confirmations else None,
        closed=counted[-1] if counted else None,
        lapsed=not held_right(service.book, request.person_id, RIGHT),
    )


def _genuine(service: Session, kind: str, right: str | None, request: str | None = None) -> Iterator[Statement]:
    ledger = service.ledger
    lines = ledger.statement_lines(kind) if request is None else ledger.lines_of(kind, request)
    return _checked(service, lines, kind, right)


def _checked(service: Session, lines: list[bytes], kind: str, right: str | None) -> Iterator[Statement]:
    for line in lines:
        with contextlib.suppress(InvalidStatement):
            statement = check_statement(line, service.book, kind, or_removed=True)
            if right is None or held_right(service.book, statement.person_id, right):
                yield statement
