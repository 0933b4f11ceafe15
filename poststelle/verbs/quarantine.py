"""`quarantine list|show|retry|discard`: files that could not be taken in, kept whole and sealed."""

import base64
import contextlib
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from archive.filing import UNSORTED, quarantine_number
from archive.keystore import Registered
from intake import Claim, Inbox, Notice
from poststelle.access.keybook import content_scope, index_scope, statement_message
from poststelle.errors import NotPermitted, PoststelleError, UnknownDocument
from poststelle.pipeline import Outcome, Progress
from poststelle.records import Part
from poststelle.stages import Stage
from poststelle.verbs.status import is_taking_in
from poststelle.verbs.taking_in import NOTICES, Intake, TakenIn, inbox_of, opened_intake, seen, what_holds_up
from poststelle.wiring import (
    Environment,
    Session,
    find_config,
    layout_of,
    open_person_or_service,
    open_service,
)

_ASK_AGAIN_SECONDS = 0.2
HANDED_BACK = (
    "The copy that was to be taken in again was handed back into the inbox, or taken away: it was changed there, or "
    "could not be read. The file itself is in quarantine as before. Check who may write into the inbox, and what lies "
    "there under its name."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinedItem:
    """A file in quarantine, as the mailroom sees it."""

    document_id: str
    number: str
    source_name: str
    reason_code: str
    reason: str
    size_bytes: int
    received_at: datetime


def listed(session: Session) -> list[QuarantinedItem]:
    """Everything in quarantine, oldest first.

    Raises:
        NotPermitted: the identity does not look after unsorted mail.
    """
    _require_mailroom(session)
    session.note("quarantine-list")
    return [_item(session, registered, number) for registered, number in session.reading.quarantined()]


def shown(session: Session, name: str) -> QuarantinedItem:
    """One file in quarantine, by number or id.

    Raises:
        UnknownDocument: there is none.
    """
    _require_mailroom(session)
    wanted = session.reading.resolve_quarantined(name)
    session.note("quarantine-show", document=wanted.document_id)
    return next(_item(session, r, number) for r, number in session.reading.quarantined() if r == wanted)


@contextlib.contextmanager
def retry(environment: Environment, names: Sequence[str], on_progress: Callable[[Progress], None]) -> Iterator[Intake]:
    """Take quarantined files in again, after what stood in the way was changed.

    The identity must hold the content key of unsorted mail; the service, which does the intake, does not. Where an
    intake runs already, it is handed a claimed copy and does the work.

    Raises:
        UnknownDocument: one of them is not in quarantine; then nothing was done.
        NotPermitted: the identity may not file unsorted mail.
    """
    if is_taking_in(layout_of(find_config(environment)).lock):
        with open_service(environment) as service, open_person_or_service(environment) as viewer:
            _require_right(viewer, "file")
            wanted = [viewer.reading.resolve_quarantined(name) for name in names]
            yield Intake(total=len(wanted), outcomes=_hand_over(service, viewer, wanted))
        return
    with opened_intake(environment, None, on_progress) as (service, viewer, pipeline):
        _require_right(viewer, "file")
        wanted = [viewer.reading.resolve_quarantined(name) for name in names]

        def outcomes() -> Iterator[Outcome]:
            yield from pipeline.resume()
            for registered in wanted:
                if _is_in_quarantine(service, registered):  # if not, a claim of an earlier retry was finished just now
                    yield from pipeline.take_in([_claim(service, viewer, pipeline.inbox, registered)])
            pipeline.filing.repair([])

        yield Intake(total=len(wanted), outcomes=(seen(outcome, viewer) for outcome in outcomes()))


def _claim(service: Session, viewer: Session, inbox: Inbox, registered: Registered) -> Claim:
    """Put a copy of a quarantined file into the inbox, claimed. The catalogue knows first whose copy it is: whoever
    files it takes the quarantined one out in the same transaction."""
    file = viewer.reading.quarantine_text(registered).file
    content = viewer.reading.original(registered)
    claim_id = secrets.token_hex(16)
    service.catalogue.begin_retry(registered.document_id, claim_id)
    claim = inbox.adopt_bytes(content, file.source_name, claim_id, file.hint)
    viewer.note("quarantine-retry", document=registered.document_id)
    return claim


def _hand_over(service: Session, viewer: Session, wanted: Sequence[Registered]) -> Iterator[TakenIn]:
    """Let the watch that runs take files in again: it finds their claims. Waits for what becomes of each.

    Whoever interrupts this loses the answer only; the claims stay, and the next intake finds them too.

    Raises:
        PoststelleError: the watch ended first, or takes nothing in now.
    """
    inbox = inbox_of(service)
    if (obstacle := _obstacle(service, inbox)) is not None:
        raise PoststelleError(f"{obstacle} Nothing was handed over: the files are in quarantine. Try again then.")
    waiting: dict[str, Registered] = {}
    for registered in wanted:
        # One at a time: two retries of one file would become two letters.
        with service.alone():
            row = service.catalogue.quarantined(registered.document_id)
            if row is None or row.stage is not Stage.QUARANTINED:
                raise UnknownDocument
            under_way = row.claim is not None and inbox.is_claimed(row.claim)
            claim_id = row.claim if under_way else None
            if claim_id is None:
                claim_id = _claim(service, viewer, inbox, registered).document_id
        waiting[claim_id] = registered
    inbox.ring()
    while waiting:
        for claim_id, registered in list(waiting.items()):
            # The claim goes last: without it, what the catalogue says now is what became of the file.
            if inbox.is_claimed(claim_id):
                continue
            is_unchanged = _is_in_quarantine(service, registered)
            if is_unchanged and not inbox.is_there():
                continue
            del waiting[claim_id]
            if is_unchanged:
                yield _quarantined(viewer, registered.document_id, HANDED_BACK)
            else:
                yield from _became(service, viewer, claim_id)
        if waiting and (obstacle := _obstacle(service, inbox)) is not None:
            raise PoststelleError(
                f"{obstacle} Nothing is lost: the files are in quarantine, and what was handed over is taken in then."
            )
        time.sleep(_ASK_AGAIN_SECONDS if waiting else 0)


def _obstacle(service: Session, inbox: Inbox) -> str | None:
    """Why nothing that was handed over is taken in now, as a sentence; None if it is."""
    if not is_taking_in(service.layout.lock):
        return "The intake that was to take this in again has ended; the next `poststelle intake` or `watch` goes on."
    return NOTICES[Notice.GONE] if not inbox.is_there() else what_holds_up(service.layout.lock)


def _is_in_quarantine(service: Session, registered: Registered) -> bool:
    row = service.catalogue.quarantined(registered.document_id)
    return row is not None and row.stage is Stage.QUARANTINED


def _became(service: Session, viewer: Session, claim_id: str) -> Iterator[TakenIn]:
    """What another process filed under a claim, as far as the viewer may know: one letter, one for each of a stack,
    or the file in quarantine once more."""
    if service.catalogue.quarantined(claim_id) is not None:
        yield _quarantined(viewer, claim_id)
        return
    note = service.transfers().note_of(claim_id)
    for document_id in [claim_id] if note is None else [letter.document_id for letter in note.letters]:
        letter = service.catalogue.letter(document_id)
        if letter is None:
            continue  # its source was changed meanwhile, and is a new drop
        status = "review" if letter.stage is Stage.REVIEW else "filed"
        if not viewer.keyring.holds(index_scope(letter.compartment)):
            yield TakenIn(document_id=document_id, status=status, pages=letter.pages, visible=False)
            continue
        registered, compartment = viewer.reading.resolve(document_id)
        classified = viewer.reading.text(registered).classified
        yield TakenIn(
            document_id=document_id,
            status="duplicate" if letter.duplicate_of is not None else status,
            pages=letter.pages,
            visible=True,
            confidence=classified.confidence,
            accession=viewer.reading.accession(registered),
            source=classified.document.file.source_name,
            record_class=classified.record_class,
            compartment=compartment,
            reasons=(*classified.reasons, *classified.review_reasons),
            facts=classified.facts,
        )


def _quarantined(viewer: Session, document_id: str, reason: str | None = None) -> TakenIn:
    """A file that is in quarantine; with the reason it has there if no other is given."""
    registered = viewer.reading.resolve_quarantined(document_id)
    text = viewer.reading.quarantine_text(registered)
    return TakenIn(
        document_id=document_id,
        status="quarantined",
        pages=0,
        visible=True,
        accession=quarantine_number(registered.year, registered.number),
        source=text.file.source_name,
        reasons=(reason or text.reason,),
    )


def discard(session: Session, names: Sequence[str], reason: str) -> list[str]:
    """Destroy quarantined files: a signed statement, then their keys, then their parts. Returns their ids.

    Raises:
        UnknownDocument: one of them is not in quarantine; then nothing was done.
        NotPermitted: the identity may not file unsorted mail.
    """
    _require_right(session, "file")
    wanted = list(dict.fromkeys(session.reading.resolve_quarantined(name) for name in names))
    filing = session.filing()
    for registered in wanted:
        statement = {"kind": "discard", "document": registered.document_id, "reason": reason}
        signature = session.identity.sign(statement_message(session.book.vault_id, statement))
        session.catalogue.discard(
            registered.document_id,
            session.identity.person_id,
            session.now(),
            statement | {"ed25519": _b64(signature.ed25519), "ml_dsa_65": _b64(signature.ml_dsa_65)},
        )
        filing.destroy(registered.document_id)
    session.flush_outbox()
    return [registered.document_id for registered in wanted]


def _item(session: Session, registered: Registered, number: str) -> QuarantinedItem:
    text = session.reading.quarantine_text(registered)
    return QuarantinedItem(
        document_id=registered.document_id,
        number=number,
        source_name=text.file.source_name,
        reason_code=text.reason_code,
        reason=text.reason,
        size_bytes=text.file.size_bytes,
        received_at=text.file.received_at,
    )


def _require_mailroom(session: Session) -> None:
    if not session.keyring.holds(index_scope(UNSORTED)):
        raise NotPermitted("Quarantine is looked after by the mailroom; your role does not include it.")


def _require_right(session: Session, verb: str) -> None:
    may = session.book.may(session.identity.person_id, verb, UNSORTED)
    if not may or not session.keyring.holds(content_scope(UNSORTED)):
        raise NotPermitted(
            f"Only somebody of the mailroom may do this: it needs the key of the sealed {Part.ORIGINAL}. Name your "
            "identity with --identity."
        )


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
