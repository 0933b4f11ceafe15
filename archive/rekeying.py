"""Renewing keys: keys follow rights. After every change of the key book, and when a delegation ends by itself.

    wraps of those who left deleted → new wraps beside what is there (store and mirror) → one signed statement:
    from here on the new keys count → each database encrypted anew → its new wrap in the place of the old one

`renew` does as much of it as one identity's keys allow and may be repeated at any point: what a crash left is
finished or taken back by the next one, of whoever holds the keys. The caller holds the law lock, alone.
"""

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from archive.catalogue import NAME as CATALOGUE
from archive.founding import epoch_entry
from archive.keystore import (
    Change,
    KeyStore,
    delete_database_wrap,
    delete_epoch_wrap,
    delete_share,
    insert_database_wrap,
    insert_epoch_wrap,
)
from archive.layout import VaultLayout
from poststelle.access.database import open_database
from poststelle.access.identities import Identity, PublicIdentity, RecoveryKit
from poststelle.access.keybook import (
    COMPARTMENTS,
    RECORDS,
    SHARE,
    Epoch,
    KeyBook,
    Person,
    append_statement,
    index_scope,
)
from poststelle.access.keyring import Keyring, NewEpoch, make_database_key, make_epoch, open_epoch, wrap_epoch
from poststelle.durable import Disk
from poststelle.errors import Damaged

NEXT = ".next"
"""Ends the name under which a database's new wrap waits until the database is encrypted under it."""
DATABASES = {CATALOGUE: RECORDS} | {index_scope(c): index_scope(c) for c in COMPARTMENTS}
"""Scope of each encrypted database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What does not follow the key book yet."""

    unsound: tuple[str, ...]
    """Scopes whose current or next key is known to somebody who has no right to it."""
    missing: tuple[tuple[str, int, str], ...]
    """(scope, epoch, recipient) of wraps that somebody is still to get."""
    databases: tuple[str, ...]
    """Encrypted under an earlier key of their scope."""
    stale_wraps: int
    """Wraps in the key store that the key book no longer names."""

    def for_holder(self, book: KeyBook, person_id: str) -> bool:
        """Whether somebody's keys can do any of it."""
        held = {scope for scope in book.epochs if person_id in book.current(scope).wraps}
        return bool(
            self.stale_wraps
            or any(
                may_prepare(book, scope, at, person_id)
                for scope in held & set(self.unsound)
                for at in (None, *book.ends(scope))
            )
            or any(
                person_id in book.epochs[scope][number - 1].wraps for scope, number, _ in self.missing if scope in held
            )
            or any(DATABASES[name] in held for name in self.databases)
        )

    def __bool__(self) -> bool:
        return bool(self.unsound or self.missing or self.databases or self.stale_wraps)


def pending(book: KeyBook, keys: KeyStore) -> Pending:
    """Look, without any key, for what is still to be renewed."""
    named = {(e.scope_id, e.number, r) for row in book.epochs.values() for e in row for r in e.wraps}
    stored = keys.epoch_recipients()
    databases = []
    for name in DATABASES:
        found = keys.database_wrap(name)
        if found is None or keys.database_wrap(name + NEXT) or not _is_current(book, name, found[0]):
            databases.append(name)
    return Pending(
        unsound=tuple(s for s in book.epochs if not all(book.is_sound(s, at) for at in (None, *book.ends(s)))),
        missing=tuple(
            (e.scope, e.number, recipient)
            for row in book.epochs.values()
            for e in row
            for recipient in sorted(book.entitled(e.scope, e.valid_from) - e.wraps.keys())
        ),
        databases=tuple(databases),
        stale_wraps=len(stored - named),
    )


def may_prepare(book: KeyBook, scope: str, at: datetime | None, person_id: str) -> bool:
    """Whether a new key has to be made for a moment, and by this person: not by a deputy for the time after."""
    return not book.is_sound(scope, at) and person_id in book.entitled(scope, at)


def _is_current(book: KeyBook, name: str, epoch: int) -> bool:
    """Whether a database that is encrypted under an epoch's key may stay so."""
    scope = DATABASES[name]
    return epoch == book.current(scope).number and book.is_database_sound(name, scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """Renews keys as one identity."""

    layout: VaultLayout
    keys: KeyStore
    identity: Identity
    disk: Disk
    now: datetime

    def renew(self, book: KeyBook) -> KeyBook:
        """Make keys follow the key book as far as this identity can; returns the book afterwards.

        Raises:
            StorageError: a database is in use or a disk failed; repeating goes on where it stopped.
        """
        book = book.as_of(self.now)  # or a key that is valid from now would not count yet, below
        self._prune(book)
        self._finish_databases(book)
        epochs, wraps, after = self._new_keys(book)
        databases = self._new_database_keys(after)
        if not (epochs or wraps or databases):
            return book
        self.keys.apply(
            [
                *(_insert(new.epoch, recipient, wrap) for new in epochs for recipient, wrap in new.wraps.items()),
                *(_insert(epoch, recipient, wrap) for epoch, added in wraps for recipient, wrap in added.items()),
                *(insert_database_wrap(name + NEXT, number, wrap) for name, (number, wrap) in databases.items()),
            ]
        )
        self.disk.reached("keys-wrapped")
        content = {
            "epochs": [epoch_entry(new.epoch) for new in epochs],
            "wraps": [wraps_entry(epoch, added) for epoch, added in wraps],
            "databases": {name: _hash(wrap) for name, (_, wrap) in databases.items()},
        }
        book = append_statement(self.layout.keybook, book, self.identity, "epochs", content, self.now, self.disk)
        self.disk.reached("keys-stated")
        self._finish_databases(book)
        self.keys.settle()
        return book

    def _prune(self, book: KeyBook) -> None:
        """Delete what the book does not name: wraps of who left, and what was prepared and never stated."""
        named = {(e.scope_id, e.number, r): h for row in book.epochs.values() for e in row for r, h in e.wraps.items()}
        stale = [(s, n, r) for s, n, r, wrap in self.keys.epoch_wraps() if named.get((s, n, r)) != _hash(wrap)]
        unstated = [
            name + NEXT
            for name in DATABASES
            if (found := self.keys.database_wrap(name + NEXT)) and _hash(found[1]) != book.database_wraps[name]
        ]
        over = [n for n in self.keys.databases() if n.startswith(index_scope(SHARE)) and n not in book.database_wraps]
        gone = self.keys.share_scopes() - {row[0].scope_id for row in book.epochs.values()}
        if stale or unstated or over or gone:
            self.keys.apply(
                [
                    *(delete_epoch_wrap(*key) for key in stale),
                    *map(delete_database_wrap, [*unstated, *over]),
                    *map(delete_share, sorted(gone)),
                ]
            )
            self.keys.settle()
        folder = self.layout.index(COMPARTMENTS[0]).parent
        for path in folder.glob(f"{SHARE}*.db*"):
            if index_scope(path.name.partition(".")[0]) not in book.database_wraps:
                self.disk.unlink(path, missing_ok=True)
        self.disk.reached("keys-pruned")

    # New keys -----------------------------------------------------------------------------------------------

    def _new_keys(self, book: KeyBook) -> tuple[list[NewEpoch], list[tuple[Epoch, dict[str, bytes]]], KeyBook]:
        """(new epochs, wraps to add to old ones, the book as it would be with them)."""
        ring = Keyring(self.identity, book, self.keys)
        epochs: list[NewEpoch] = []
        wraps = [
            (epoch, self._wraps_for(book, ring, epoch, missing))
            for row in book.epochs.values()
            for epoch in row
            if ring.person_id in epoch.wraps
            and (missing := book.entitled(epoch.scope, epoch.valid_from) - epoch.wraps.keys())
        ]
        # Who is given a key now may have to be without its successor: a deputy, at the end of the delegation.
        told = {(e.scope, e.number): replace(e, known_to=e.known_to | added.keys()) for e, added in wraps}
        rows = {s: tuple(told.get((s, e.number), e) for e in row) for s, row in book.epochs.items()}
        book = replace(book, epochs=rows)
        for scope in book.epochs:
            if not ring.holds(scope):
                continue
            for at in (None, *book.ends(scope)):
                if may_prepare(book, scope, at, ring.person_id):
                    new = self._epoch(book, scope, at)
                    epochs.append(new)
                    book = replace(book, epochs=book.epochs | {scope: (*book.epochs[scope], new.epoch)})
        return epochs, wraps, book

    def _wraps_for(self, book: KeyBook, ring: Keyring, epoch: Epoch, missing: set[str]) -> dict[str, bytes]:
        keys, private = book.recipients(epoch.scope, epoch.valid_from), ring.key(epoch.scope, epoch.number)
        return {
            recipient: wrap_epoch(book.vault_id, epoch.scope_id, epoch.number, private, recipient, keys[recipient])
            for recipient in sorted(missing)
        }

    def _epoch(self, book: KeyBook, scope: str, at: datetime | None) -> NewEpoch:
        """A key for now, or one that is prepared for the end of a delegation: without the deputy."""
        row = book.epochs[scope]
        valid_from = max(self.now, book.at).replace(microsecond=0) if at is None else at
        recipients = book.recipients(scope, at).items()
        new = make_epoch(book.vault_id, scope, row[0].scope_id, len(row) + 1, recipients, valid_from)
        known_to = frozenset({*new.wraps, self.identity.person_id})
        return replace(new, epoch=replace(new.epoch, known_to=known_to))

    # Databases ------------------------------------------------------------------------------------------------

    def _new_database_keys(self, book: KeyBook) -> dict[str, tuple[int, bytes]]:
        """(epoch, wrap) of a new key for each database that is still encrypted under an earlier epoch."""
        found = {}
        for name, scope in DATABASES.items():
            epoch, stored = book.current(scope), self.keys.database_wrap(name)
            if self.identity.person_id in epoch.wraps and (stored is None or not _is_current(book, name, stored[0])):
                found[name] = (epoch.number, make_database_key(book.vault_id, name, epoch)[1])
        return found

    def _finish_databases(self, book: KeyBook) -> None:
        """Encrypt databases under the keys that the book names for them."""
        ring = Keyring(self.identity, book, self.keys)
        for name, scope in DATABASES.items():
            found = self.keys.database_wrap(name + NEXT)
            if found is None or not ring.holds(scope):
                continue
            self._change_key(book, ring, name, found)
            self.keys.apply([insert_database_wrap(name, *found), delete_database_wrap(name + NEXT)])
            self.disk.reached("database-renewed")

    def _change_key(self, book: KeyBook, ring: Keyring, name: str, new: tuple[int, bytes]) -> None:
        path, scope = self._path(name), DATABASES[name]
        key, old = ring.open_database_key(name, scope, new), self.keys.database_wrap(name)
        if not path.exists() or self._opens(path, key) or old is None:
            return
        if _hash(old[1]) != book.earlier_database_wraps.get(name):
            raise Damaged(f"The key of the database {name} was changed. Run `poststelle verify`.")
        try:
            with open_database(path, self.disk, key=ring.open_database_key(name, scope, old)) as database:
                database.change_key(key)
                database.truncate_log()
        except Damaged:
            if name == CATALOGUE:
                raise
            # An index is derived: one that is damaged is made anew under the new key by `rebuild index`.

    def _opens(self, path: Path, key: bytes) -> bool:
        try:
            open_database(path, self.disk, key=key).close()
        except Damaged:
            return False
        return True

    def _path(self, name: str) -> Path:
        return self.layout.catalogue if name == CATALOGUE else self.layout.index(name.removeprefix("index:"))


def successor_wraps(
    book: KeyBook, keys: KeyStore, kit: RecoveryKit, old: Person, new: PublicIdentity
) -> Iterator[tuple[Epoch, bytes]]:
    """Every key that the roles of one person need, opened with the kit and wrapped to whoever takes their place.

    One that does not open is left out: it must not keep an office without an owner, another holder hands it on later.
    """
    needed = book.scopes_for(old.roles)
    for epoch in (epoch for scope in sorted(needed & book.epochs.keys()) for epoch in book.epochs[scope]):
        with contextlib.suppress(Damaged):
            private = open_epoch(book.vault_id, epoch, keys, kit.kit_id, kit.sealing)
            wrap = wrap_epoch(book.vault_id, epoch.scope_id, epoch.number, private, new.person_id, new.sealing)
            yield epoch, wrap


def kit_wraps(book: KeyBook, ring: Keyring, kit_id: str, wrap_to: Any) -> Iterator[tuple[Epoch, bytes]]:
    """Every key there is, wrapped to a new recovery kit.

    Raises:
        NotPermitted: the identity does not hold every one of them.
    """
    for scope, row in book.epochs.items():
        for epoch in row if book.share_of(scope) is None else ():
            private = ring.key(epoch.scope, epoch.number)
            yield epoch, wrap_epoch(book.vault_id, epoch.scope_id, epoch.number, private, kit_id, wrap_to)


def wraps_entry(epoch: Epoch, added: dict[str, bytes]) -> dict[str, Any]:
    """The entry of a statement that names wraps added to an epoch."""
    return {
        "scope": epoch.scope,
        "number": epoch.number,
        "recipients": {recipient: _hash(wrap) for recipient, wrap in added.items()},
    }


def _insert(epoch: Epoch, recipient: str, wrap: bytes) -> Change:
    return insert_epoch_wrap(epoch.scope_id, epoch.number, recipient, wrap)


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
