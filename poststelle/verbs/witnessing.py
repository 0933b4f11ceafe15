"""What speaks against the catalogue, before a letter is destroyed because of it: the log, and the sealed letter itself.

Whoever holds the records key can write any row of the catalogue. The log names what was decided, so that a hold or a
statement that was deleted is missed, whatever was put in its place; the sealed text part says what a letter is and
when it came, so that a class or a day that was changed by hand is noticed.
"""

import contextlib
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime

from archive.catalogue import LetterRow
from archive.retention import document_day
from poststelle.access.audit import Mention, survey
from poststelle.access.keybook import index_scope
from poststelle.access.statements import InvalidStatement, check_statement
from poststelle.errors import Damaged
from poststelle.verbs.keeping import Hold, holds_in_force, lifts
from poststelle.verbs.subject_statements import CLOSE, CLOSED
from poststelle.wiring import Session

LOGGED = {
    "event-set": "event-set",
    "restrict-place": "restrict-place",
    "hold-placed": "hold-place",
    "hold-lifted": "hold-lift",
    "purge-planned": "purge-plan",
    "purge-released": "purge-release",
    "purge-withdrawn": "purge-withdraw",
    CLOSED: CLOSE,
}
"""Kind of the log entry, and of the signed statement that must be kept for each."""
REBUILT = "catalogue-rebuilt"
"""Decisions of before that may stand without their statement: the catalogue was lost. A restore is none of them: it
brings catalogue and log back as of one moment."""


class ChangedLedger(Damaged):
    """Decisions that the log names are missing from the catalogue."""

    code = "D023"

    def __init__(self, what: str) -> None:
        super().__init__(
            f"The catalogue was changed past the program: {what}. Nothing was destroyed. Find out who did it; "
            "`poststelle restore` brings the catalogue back, and a decision that is missing can be made again."
        )


def require_whole_ledger(service: Session) -> None:
    """Compare what people decided with what the log names.

    Raises:
        ChangedLedger: a hold, an event, a restriction, a plan, a release or the end of a request is missing.
    """
    service.flush_outbox()
    mentions = survey(service.layout.audit, (*LOGGED, REBUILT)).mentions
    rebuilt = max((mention.number for mention in mentions if mention.kind == REBUILT), default=-1)
    holds = holds_in_force(service.ledger, service.book)
    if rebuilt >= 0:
        _require_as_many(holds, mentions)
    for hold in holds:
        if missing := _missing(service, hold):
            raise ChangedLedger(f"the hold {hold.hold_id[:12]} no longer names {missing} of its letters")
    kept, lost = _compare(service, [m for m in mentions if m.kind in LOGGED and m.number > rebuilt])
    if lost:
        more = f", and of {len(lost) - 1} more" if len(lost) > 1 else ""
        raise ChangedLedger(
            f"the signed statement of entry {lost[0].number} ({lost[0].kind}) of the log is not kept as it was{more}"
        )
    in_force = {hold.hold_id for hold in holds if hold.sound}
    for hold_id in kept["hold-place"] - in_force:
        if not any(lifts(service.ledger, service.book, hold_id, lifting) for lifting in kept["hold-lift"]):
            raise ChangedLedger(f"the hold {hold_id[:12]} was placed and never lifted, and is not in force")


def _require_as_many(holds: Sequence[Hold], mentions: Sequence[Mention]) -> None:
    """After a rebuilt catalogue, holds of before stand without statement: they can only be counted."""
    counts = Counter(mention.kind for mention in mentions)
    must = counts["hold-placed"] - counts["hold-lifted"]
    if len(holds) < must:
        raise ChangedLedger(f"{must} holds must be in force, {len(holds)} are left")


def _compare(service: Session, mentions: Sequence[Mention]) -> tuple[dict[str, set[str]], list[Mention]]:
    """Ids of the statements that these entries follow from, by kind, and the entries whose statement is not kept.

    Newer entries name it by its hash; of those of earlier versions person and second must be those of a genuine one.
    """
    kept: dict[str, set[str]] = {kind: set() for kind in LOGGED.values()}
    named = {(LOGGED[mention.kind], mention.of): mention for mention in mentions if mention.of is not None}
    unnamed: dict[tuple[str, str, datetime], list[Mention]] = {}
    for mention in mentions:
        if mention.of is None:
            unnamed.setdefault((LOGGED[mention.kind], mention.by, mention.at), []).append(mention)
    for statement_id, kind, line in service.ledger.statements_of(kept):
        if hashlib.sha256(line).hexdigest() != statement_id:
            continue  # another line lies under its name
        if named.pop((kind, statement_id), None) is not None:
            kept[kind].add(statement_id)
        elif unnamed:
            with contextlib.suppress(InvalidStatement):
                statement = check_statement(line, service.book, kind, or_removed=True)
                if found := unnamed.get((kind, statement.person_id, statement.made_at.replace(microsecond=0))):
                    found.pop()
                    kept[kind].add(statement_id)
    lost = [*named.values(), *(mention for left in unnamed.values() for mention in left)]
    return kept, sorted(lost, key=lambda mention: mention.number)


def _missing(service: Session, hold: Hold) -> int:
    if not hold.sound:
        return 0
    signed = json.loads(service.ledger.statement_line(hold.hold_id) or b"{}")["body"]["documents"]
    return len(set(signed) - set(hold.documents))


def contradiction(service: Session, row: LetterRow, *, strict: bool) -> str | None:
    """Why the sealed letter contradicts its row in the catalogue; None if it does not, or cannot be asked.

    It cannot be asked where the service holds no index key (blind mode), or where its text part is damaged; with
    `strict` a damaged one counts as a contradiction.
    """
    if not service.keyring.holds(index_scope(row.compartment)):
        return None
    registered = service.mirrored_keys.find(row.document_id)
    if registered is None:
        return "the register of the key store does not know it"
    try:
        text = service.reading.text(registered)
    except Damaged:
        return "its sealed text does not open, so nothing confirms what it is" if strict else None
    dated = text.classified.fact("date")
    day = document_day(text.received_on, date.fromisoformat(dated.value) if dated else None)
    sealed = {
        "class": text.classified.record_class,
        "compartment": text.classified.compartment,
        "day of receipt": text.received_on,
        "day it counts from": day,
    }
    said = {
        "class": row.record_class,
        "compartment": row.compartment,
        "day of receipt": row.received_on,
        "day it counts from": row.event_on,
    }
    wrong = [f"{name} {said[name]}, sealed {sealed[name]}" for name in sealed if said[name] != sealed[name]]
    return f"its row in the catalogue was changed past the program ({'; '.join(wrong)})" if wrong else None
