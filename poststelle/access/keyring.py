"""The keyring of one identity: the scope keys the key book grants it, opened when first needed."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from poststelle.access.identities import Identity
from poststelle.access.keybook import BEGINNING, Epoch, KeyBook
from poststelle.access.sealing import (
    DoesNotOpen,
    SealingPrivateKey,
    SealingPublicKey,
    new_key,
    purpose,
)
from poststelle.errors import Damaged, NotPermitted


class EpochWraps(Protocol):
    """Where the wraps of scope and database keys are kept."""

    def epoch_wrap(self, scope_id: str, epoch: int, recipient_id: str) -> bytes | None:
        """The wrap of a scope's private key for one recipient."""

    def database_wrap(self, database: str) -> tuple[int, bytes] | None:
        """(epoch, wrap) of a database's key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEpoch:
    """A fresh epoch: the statement's entry and the wraps that belong to it."""

    epoch: Epoch
    private: SealingPrivateKey
    wraps: dict[str, bytes]


class Keyring:
    """Scope keys of one identity. Checks each opened key against the public key in the book."""

    def __init__(self, identity: Identity, book: KeyBook, wraps: EpochWraps) -> None:
        self.identity = identity
        self.book = book
        self._wraps = wraps
        self._opened: dict[tuple[str, int], SealingPrivateKey] = {}

    @property
    def person_id(self) -> str:
        """The identity's id."""
        return self.identity.person_id

    def holds(self, scope: str) -> bool:
        """Whether the book says this identity can open the current epoch of a scope."""
        return scope in self.book.epochs and self.person_id in self.book.current(scope).wraps

    def held(self, scope: str) -> list[SealingPrivateKey]:
        """Every key of a scope that this identity may have, the newest first."""
        held = [e.number for e in self.book.epochs.get(scope, ()) if self.person_id in e.wraps]
        return [self.key(scope, number) for number in reversed(held)]

    def key(self, scope: str, epoch: int) -> SealingPrivateKey:
        """The private key of a scope's epoch.

        Raises:
            NotPermitted: the book names no wrap for this identity.
            Damaged: the wrap is missing, was changed, or holds another key than the book says.
        """
        if (scope, epoch) not in self._opened:
            self._opened[scope, epoch] = self._open(scope, epoch)
        return self._opened[scope, epoch]

    def _open(self, scope: str, number: int) -> SealingPrivateKey:
        epochs = self.book.epochs.get(scope, ())
        if not 1 <= number <= len(epochs) or self.person_id not in epochs[number - 1].wraps:
            raise NotPermitted("Your identity does not hold the key for this. Ask an owner for the role you need.")
        epoch = epochs[number - 1]
        return open_epoch(self.book.vault_id, epoch, self._wraps, self.person_id, self.identity.sealing)

    def database_key(self, database: str, scope: str) -> bytes:
        """The raw key of a database, through the scope that protects it."""
        wrap = self._wraps.database_wrap(database)
        if wrap is None or hashlib.sha256(wrap[1]).hexdigest() != self.book.database_wraps.get(database):
            raise _key_missing(database)
        return self.open_database_key(database, scope, wrap)

    def open_database_key(self, database: str, scope: str, wrap: tuple[int, bytes]) -> bytes:
        """The raw key inside one (epoch, wrap) of a database; that it is the current one was checked by the caller."""
        info = database_purpose(self.book.vault_id, database, scope, wrap[0])
        try:
            return self.key(scope, wrap[0]).unwrap(wrap[1], info)
        except DoesNotOpen as err:
            raise _key_missing(database) from err


def _key_missing(database: str) -> Damaged:
    return Damaged(f"The key of the database {database} is missing or was changed. Run `poststelle verify`.")


def open_epoch(
    vault_id: str, epoch: Epoch, wraps: EpochWraps, recipient_id: str, recipient: SealingPrivateKey
) -> SealingPrivateKey:
    """Open one epoch's private key as one recipient; the wrap's hash and the key must be the book's."""
    wrap = wraps.epoch_wrap(epoch.scope_id, epoch.number, recipient_id)
    if wrap is None or hashlib.sha256(wrap).hexdigest() != epoch.wraps[recipient_id]:
        raise Damaged(
            "A key that the key book names is missing from the key store or was changed. Run `poststelle verify`."
        )
    try:
        private = SealingPrivateKey(
            recipient.unwrap(wrap, epoch_purpose(vault_id, epoch.scope_id, epoch.number, recipient_id))
        )
    except DoesNotOpen as err:
        raise Damaged("A key in the key store does not open. Run `poststelle verify`.") from err
    if private.public != epoch.public:
        raise Damaged("A key in the key store is not the one the key book names. Run `poststelle verify`.")
    return private


def epoch_purpose(vault_id: str, scope_id: str, epoch: int, recipient_id: str) -> bytes:
    """What the wrap of a scope's private key is bound to."""
    return purpose("epoch v1", vault_id, scope_id, epoch, recipient_id)


def database_purpose(vault_id: str, database: str, scope: str, epoch: int) -> bytes:
    """What the wrap of a database key is bound to."""
    return purpose("database v1", vault_id, database, scope, epoch)


def document_purpose(vault_id: str, document_id: str, part_set: str, version: int, scope_id: str, epoch: int) -> bytes:
    """What a document's wrap is bound to; `part_set` is "content" or "text"."""
    return purpose("document v1", vault_id, document_id, part_set, version, scope_id, epoch)


def make_epoch(
    vault_id: str,
    scope: str,
    scope_id: str,
    number: int,
    recipients: Iterable[tuple[str, SealingPublicKey]],
    valid_from: datetime = BEGINNING,
) -> NewEpoch:
    """A new key pair for a scope, its private key wrapped to each recipient (id, public key)."""
    private = SealingPrivateKey.generate()
    wraps = {
        recipient_id: wrap_epoch(vault_id, scope_id, number, private, recipient_id, public)
        for recipient_id, public in recipients
    }
    hashes = {recipient_id: hashlib.sha256(wrap).hexdigest() for recipient_id, wrap in wraps.items()}
    epoch = Epoch(
        scope=scope, scope_id=scope_id, number=number, public=private.public, wraps=hashes, valid_from=valid_from
    )
    return NewEpoch(epoch=epoch, private=private, wraps=wraps)


def wrap_epoch(
    vault_id: str, scope_id: str, number: int, private: SealingPrivateKey, recipient_id: str, public: SealingPublicKey
) -> bytes:
    """An epoch's private key for one recipient."""
    return public.wrap(private.seeds, epoch_purpose(vault_id, scope_id, number, recipient_id))


def make_database_key(vault_id: str, database: str, epoch: Epoch) -> tuple[bytes, bytes]:
    """(raw key, wrap) of a new database under a scope's epoch."""
    key = new_key()
    return key, epoch.public.wrap(key, database_purpose(vault_id, database, epoch.scope, epoch.number))
