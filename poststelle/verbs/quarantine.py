"""`quarantine list|show|retry|discard`: files that could not be taken in, kept whole and sealed."""

import base64
import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from archive.filing import UNSORTED
from archive.keystore import Registered
from poststelle.access.keybook import content_scope, index_scope, statement_message
from poststelle.errors import NotPermitted
from poststelle.pipeline import Outcome, Progress
from poststelle.records import Part
from poststelle.verbs.taking_in import Intake, opened_intake, seen
from poststelle.wiring import Environment, Session


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
    return [_item(session, registered, number) for registered, number in session.reading.quarantined()]


def shown(session: Session, name: str) -> QuarantinedItem:
    """One file in quarantine, by number or id.

    Raises:
        UnknownDocument: there is none.
    """
    _require_mailroom(session)
    wanted = session.reading.resolve_quarantined(name)
    return next(_item(session, r, number) for r, number in session.reading.quarantined() if r == wanted)


@contextlib.contextmanager
def retry(environment: Environment, names: Sequence[str], on_progress: Callable[[Progress], None]) -> Iterator[Intake]:
    """Take quarantined files in again, after what stood in the way was changed.

    The identity must hold the content key of unsorted mail; the service, which does the intake, does not.

    Raises:
        UnknownDocument: one of them is not in quarantine; then nothing was done.
        NotPermitted: the identity may not file unsorted mail.
    """
    with opened_intake(environment, None, on_progress) as (service, viewer, pipeline):
        _require_right(viewer, "file")
        wanted = [viewer.reading.resolve_quarantined(name) for name in names]

        def outcomes() -> Iterator[Outcome]:
            yield from pipeline.resume()
            for registered in wanted:
                claim_id = pipeline.new_id()
                name = viewer.reading.quarantine_text(registered).file.source_name
                content = viewer.reading.original(registered)
                service.catalogue.begin_retry(registered.document_id, claim_id)
                claim = pipeline.inbox.adopt_bytes(content, name, claim_id)
                viewer.note("quarantine-retry", document=registered.document_id)
                yield from pipeline.take_in([claim])
            pipeline.filing.repair([])

        yield Intake(total=len(wanted), outcomes=(seen(outcome, viewer) for outcome in outcomes()))


def discard(session: Session, names: Sequence[str], reason: str) -> list[str]:
    """Destroy quarantined files: a signed statement, then their keys, then their parts. Returns their ids.

    Raises:
        UnknownDocument: one of them is not in quarantine; then nothing was done.
        NotPermitted: the identity may not file unsorted mail.
    """
    _require_right(session, "file")
    wanted = [session.reading.resolve_quarantined(name) for name in names]
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
