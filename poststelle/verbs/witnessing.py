"""What speaks against the catalogue, before a letter is destroyed because of it: the log, and the sealed letter itself.

Whoever holds the records key can write any row of the catalogue. The log counts what was decided, so that a hold or a
statement that was deleted is missed; the sealed text part says what a letter is and when it came, so that a class or
a day that was changed by hand is noticed.
"""

import json
from datetime import date

from archive.catalogue import LetterRow
from archive.retention import document_day
from poststelle.access.audit import survey
from poststelle.access.keybook import index_scope
from poststelle.errors import Damaged
from poststelle.verbs.keeping import Hold, holds_in_force
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
REBUILT = ("catalogue-rebuilt",)
"""After these, decisions may stand without their statement: the catalogue was lost. A restore is none of them: it
brings catalogue and log back as of one moment."""


class ChangedLedger(Damaged):
    """Decisions that the log counts are missing from the catalogue."""

    code = "D023"

    def __init__(self, what: str) -> None:
        super().__init__(
            f"The catalogue was changed past the program: {what}. Nothing was destroyed. Find out who did it; "
            "`poststelle restore` brings the catalogue back, and a decision that is missing can be made again."
        )


def require_whole_ledger(service: Session) -> None:
    """Compare what people decided with what the log counts.

    Raises:
        ChangedLedger: a hold, an event, a restriction, a plan, a release or the end of a request is missing.
    """
    service.flush_outbox()
    logged = survey(service.layout.audit, (*LOGGED, *REBUILT)).counts
    holds = holds_in_force(service.ledger, service.book)
    rebuilt = any(logged[kind] for kind in REBUILT)
    counted = [hold for hold in holds if hold.sound or rebuilt]
    in_force = logged["hold-placed"] - logged["hold-lifted"]
    if len(counted) < in_force:
        raise ChangedLedger(f"{in_force} holds must be in force, {len(counted)} are left")
    for hold in holds:
        if missing := _missing(service, hold):
            raise ChangedLedger(f"the hold {hold.hold_id[:12]} no longer names {missing} of its letters")
    if rebuilt:
        return
    kept = service.ledger.statement_counts()
    for kind, statement in LOGGED.items():
        if kept.get(statement, 0) < logged[kind]:
            raise ChangedLedger(
                f"{logged[kind]} entries {kind!r} are in the log, but only {kept.get(statement, 0)} statements are kept"
            )


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
