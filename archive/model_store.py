"""The learned model at rest: one sealed file, whose key takes every compartment's index key to put together.

A linear model answers a guess: whoever holds it can try a word and see whether letters of a class said it. So it opens
only for those who may read every letter that could have taught it: its key is derived from one random share for each
compartment, and each share is wrapped to that compartment's index key (as a database key is, under the name
`model:COMPARTMENT`). Each generation has new shares; the old ones are overwritten in the key store, so that nobody
opens an older generation again, wherever a copy of its file may lie.

    old file unlinked → key book names the new shares → shares in the key store → new file

A crash in between leaves no model, never a wrong one: rules alone decide until the next training.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from archive.keystore import KeyStore, insert_database_wrap
from archive.layout import VaultLayout
from poststelle.access.identities import Identity
from poststelle.access.keybook import COMPARTMENTS, KeyBook, append_statement, index_scope
from poststelle.access.keyring import Keyring, make_database_key
from poststelle.access.rights import MODEL_SHARES
from poststelle.access.sealing import DoesNotOpen, derive, open_sealed, purpose, seal
from poststelle.durable import Disk
from poststelle.errors import Damaged


class DamagedModel(Damaged):
    """The learned model does not open, although its keys are at hand."""

    code = "A013"

    def __init__(self) -> None:
        super().__init__(
            "The learned model was changed, cut or swapped after it was sealed; it is not used: the rules decide. "
            "No letter is affected. `poststelle classifier train` makes it anew."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStore:
    """The one place of the learned model, through one identity's keyring."""

    layout: VaultLayout
    keys: KeyStore
    book: KeyBook
    keyring: Keyring
    disk: Disk

    @property
    def may_open(self) -> bool:
        """Whether this identity may read every letter, and with it the model."""
        return all(self.keyring.holds(index_scope(compartment)) for compartment in COMPARTMENTS)

    @property
    def exists(self) -> bool:
        """Whether there is a model."""
        return self.layout.model.exists()

    @property
    def needs_mending(self) -> bool:
        """Whether a crash left shares that are not those of the key book."""
        found = {name: hashlib.sha256(wrap).hexdigest() for name, wrap in self.keys.databases().items()}
        return any(found.get(name) != self.book.database_wraps.get(name) for name in MODEL_SHARES)

    def read(self) -> bytes | None:
        """The current generation, or None if there is none.

        Raises:
            DamagedModel: it does not open.
            NotPermitted: the identity may not read every letter.
        """
        try:
            sealed = self.layout.model.read_bytes()
        except FileNotFoundError:
            return None
        shares = [self.keyring.database_key(_share(c), index_scope(c)) for c in COMPARTMENTS]
        try:
            return open_sealed(_key(shares), self._context, [sealed])
        except DoesNotOpen as err:
            raise DamagedModel from err

    def replace(self, content: bytes | None, service: Identity, now: Callable[[], datetime]) -> KeyBook:
        """Make this the current generation (with None: leave none), and destroy the keys of the one before.

        Returns the key book as it is afterwards. The caller holds the key store's lock.
        """
        self.disk.unlink(self.layout.model, missing_ok=True)
        made = {
            _share(c): make_database_key(self.book.vault_id, _share(c), self.book.current(index_scope(c)))
            for c in COMPARTMENTS
        }
        hashes = {name: hashlib.sha256(wrap).hexdigest() for name, (_, wrap) in made.items()}
        book = append_statement(
            self.layout.keybook, self.book, service, "databases", {"databases": hashes}, now(), self.disk
        )
        self.disk.reached("model-named")
        numbers = {_share(c): self.book.current(index_scope(c)).number for c in COMPARTMENTS}
        self.keys.apply([insert_database_wrap(name, numbers[name], wrap) for name, (_, wrap) in made.items()])
        self.keys.settle()
        self.disk.reached("model-keys")
        if content is not None:
            key = _key([made[_share(c)][0] for c in COMPARTMENTS])
            self.disk.write_new(self.layout.model, seal(key, self._context, [content]))
        return book

    @property
    def _context(self) -> bytes:
        return purpose("learned model v1", self.book.vault_id)


def _share(compartment: str) -> str:
    return f"model:{compartment}"


def _key(shares: list[bytes]) -> bytes:
    """The model's key: nobody who lacks a single share learns anything of it."""
    return derive(b"".join(shares), "learned model")
