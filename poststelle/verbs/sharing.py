"""An auditor with limits: letters of some classes and years, to read until a day, and nothing else.

The letters are wrapped to keys of the share's own, with an index of its own. It ends by itself: after its day the
key book names none of its keys any more, and the next command deletes wraps and index.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from archive.catalogue import LetterRow
from archive.founding import epoch_entry
from archive.keystore import DocumentWrap, delete_share_of, insert_database_wrap, insert_epoch_wrap
from archive.sharing import shared_wraps
from poststelle.access.keybook import SHARE, Share, content_scope, index_scope
from poststelle.access.keyring import make_database_key, make_epoch
from poststelle.errors import ConfigurationError, NotPermitted
from poststelle.stages import Stage
from poststelle.verbs.delegating import end_of
from poststelle.verbs.finding import catch_up, class_code
from poststelle.verbs.locating import Desk
from poststelle.verbs.people import find_person, require_granter
from poststelle.wiring import Session

BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """A share as people read it."""

    number: int
    to: str
    by: str
    classes: tuple[str, ...]
    years: tuple[int, ...]
    until: datetime
    reason: str
    in_force: bool
    letters: int


def share(desk: Desk, user: str, classes: Sequence[str], years: Sequence[int], until: date, reason: str) -> Shared:
    """Let an auditor read the letters of these classes that were received in these years, to the end of a day.

    Letters that arrive later are not among them: share again.

    Raises:
        NotPermitted: the signer may not grant, or does not hold the keys of these classes.
        ConfigurationError: no such class, no letters, or a day that cannot be.
    """
    desk.require_right("grant", "share letters")
    session, now = desk.person, desk.person.now()
    auditor = find_person(session.book, user)
    classes = [class_code(session, name) for name in classes]
    moment = end_of(until, now)
    if moment is None:
        raise ConfigurationError(f"A share ends today or within a year, not on {until}.")
    letters = [row for row in desk.service.catalogue.letters() if _is_meant(session.book.office, row, classes, years)]
    if not letters:
        raise ConfigurationError("There are no letters of these classes and years; nothing was shared.")
    with session.changing_law():
        made = _state(desk, auditor.person_id, tuple(classes), tuple(years), moment, reason)
        _fill(desk, made, letters)
    session.note("shared", share=made.number, to=made.person_id, classes=list(classes), years=list(years))
    return _shared(session, made)


def end_share(desk: Desk, number: int) -> Shared:
    """End a share before its day."""
    session = desk.person
    require_granter(session)
    found = session.book.shares.get(number)
    if found is None or not found.holds(session.book.at):
        raise ConfigurationError(f"There is no share {number} in force. See `poststelle role list`.")
    with session.changing_law():
        session.change_law("unshare", {"share": number})
    session.note("share-ended", share=number)
    return _shared(session, session.book.shares[number])


def follow_revision(desk: Desk, row: LetterRow) -> None:
    """A letter was corrected or moved: shares get its new text key, or lose the letter if it is not theirs any more."""
    service, book = desk.service, desk.service.book
    names = {
        s.name for w in service.keys.shares_of(row.document_id) if (s := book.share_of(book.scope_of(w.scope_id) or ""))
    }
    for name in names:
        made = book.shares[int(name.removeprefix(SHARE))]
        try:
            if not _is_meant(book.office, row, made.classes, made.years):
                raise NotPermitted
            wraps = shared_wraps(book, desk.person.reading, service.keys, row.document_id, name, row.text_version)
            service.mirrored_keys.share(list(wraps))
        except NotPermitted:
            scopes = [book.current(scope(name)).scope_id for scope in (content_scope, index_scope)]
            service.mirrored_keys.apply([delete_share_of(scope, row.document_id) for scope in scopes])
            if service.keyring.holds(index_scope(name)):
                service.index(name).purge([row.document_id])
            else:
                service.drop_index(name)


def _is_meant(
    office: dict[str, dict[str, dict[str, str]]], row: LetterRow, classes: Sequence[str], years: Sequence[int]
) -> bool:
    """Whether a letter is of a share: in its class's own place, so neither restricted nor waiting for a decision."""
    return (
        row.record_class in classes
        and row.received_on.year in years
        and row.stage is Stage.FILED
        and row.compartment == office["classes"][row.record_class]["compartment"]
    )


def _state(
    desk: Desk, to: str, classes: tuple[str, ...], years: tuple[int, ...], until: datetime, reason: str
) -> Share:
    """Sign the share with its keys into the key book, and make its empty index."""
    from poststelle.access.database import open_database
    from search.index import CompartmentIndex

    session, book = desk.person, desk.person.book
    name = f"{SHARE}{book.statements}"
    recipients = {to: book.people[to].public.sealing}
    # So that a purge reaches the share's index too; in blind mode it throws the index away instead.
    live = book.office["mode"] == "live"
    service = {book.service.person_id: book.service.public.sealing} if live else {}
    new = [
        make_epoch(book.vault_id, scope, secrets.token_hex(8), 1, keys.items())
        for scope, keys in ((content_scope(name), recipients), (index_scope(name), recipients | service))
    ]
    key, wrap = make_database_key(book.vault_id, index_scope(name), new[1].epoch)
    session.mirrored_keys.apply(
        [
            *(insert_epoch_wrap(n.epoch.scope_id, 1, r, w) for n in new for r, w in n.wraps.items()),
            insert_database_wrap(index_scope(name), 1, wrap),
        ]
    )
    path = session.layout.index(name)
    with open_database(path, session.disk, key=key, create=True) as database:
        CompartmentIndex.create(database, name)
    content = {
        "to": to,
        "classes": list(classes),
        "years": list(years),
        "until": until.isoformat(),
        "reason": reason,
        "share_epochs": [epoch_entry(n.epoch) for n in new],
        "database": _hash(wrap),
    }
    session.enact("share", content)
    return session.book.shares[int(name.removeprefix(SHARE))]


def _fill(desk: Desk, made: Share, letters: Sequence[LetterRow]) -> None:
    """Wrap the letters to the share; its index fills as any index that lags."""
    session, wraps = desk.person, list[DocumentWrap]()
    for row in letters:
        wraps += shared_wraps(session.book, session.reading, session.keys, row.document_id, made.name, row.text_version)
        if len(wraps) >= BATCH:
            session.mirrored_keys.share(wraps)
            wraps = []
    session.mirrored_keys.share(wraps)
    desk.service.refresh()
    if desk.service.keyring.holds(index_scope(made.name)):
        index = desk.service.index(made.name)
        left = catch_up(desk.service, made.name, index)
        while left and left > (left := catch_up(desk.service, made.name, index)):
            pass


def _shared(session: Session, made: Share) -> Shared:
    book = session.book
    scope = index_scope(made.name)
    letters = len(session.keys.shared(book.current(scope).scope_id)) if scope in book.epochs else 0
    return Shared(
        number=made.number,
        to=book.people[made.person_id].user,
        by=book.people[made.by].user,
        classes=made.classes,
        years=made.years,
        until=made.until,
        reason=made.reason,
        in_force=made.holds(book.at) and scope in book.epochs,
        letters=letters,
    )


def shares(session: Session) -> list[Shared]:
    """Every share there ever was, those in force first."""
    found = [_shared(session, made) for made in session.book.shares.values()]
    return sorted(found, key=lambda one: (not one.in_force, one.number))


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
