"""The key store: wraps of document, scope and database keys, in plain SQLite, mirrored synchronously.

Plain, so that `recover.py` needs only the standard library; everything in it is an opaque id, a number or
a ciphertext. Destroying a letter means destroying its wraps here. Every change is applied to the store and
to its mirror inside one pair of transactions; both carry a generation number, and a store that is older
than its mirror is refused.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, Self

from poststelle.access.database import Database, open_database
from poststelle.access.keybook import KeyBook
from poststelle.access.keyring import document_purpose
from poststelle.access.sealing import SUITE_XWING
from poststelle.durable import Disk
from poststelle.errors import Damaged, OutdatedVault, StorageError
from poststelle.stages import Stage

SCHEMA = """
CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('format', 1), ('generation', 0), ('sequence', 0);
CREATE TABLE wraps(
    id INTEGER PRIMARY KEY, document TEXT NOT NULL, part_set TEXT NOT NULL, version INTEGER NOT NULL,
    scope TEXT NOT NULL, epoch INTEGER NOT NULL, suite INTEGER NOT NULL, wrap BLOB NOT NULL);
CREATE UNIQUE INDEX wraps_of_document ON wraps(document, part_set, scope, version);
CREATE TABLE epochs(
    id INTEGER PRIMARY KEY, scope TEXT NOT NULL, epoch INTEGER NOT NULL, recipient TEXT NOT NULL,
    suite INTEGER NOT NULL, wrap BLOB NOT NULL, UNIQUE(scope, epoch, recipient));
CREATE TABLE shares(
    id INTEGER PRIMARY KEY, document TEXT NOT NULL, part_set TEXT NOT NULL, version INTEGER NOT NULL,
    scope TEXT NOT NULL, epoch INTEGER NOT NULL, suite INTEGER NOT NULL, wrap BLOB NOT NULL,
    UNIQUE(document, part_set, scope));
CREATE INDEX shares_by_scope ON shares(scope, part_set);
CREATE TABLE databases(
    name TEXT PRIMARY KEY, epoch INTEGER NOT NULL, suite INTEGER NOT NULL, wrap BLOB NOT NULL);
CREATE TABLE register(
    sequence INTEGER PRIMARY KEY, document TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, scope TEXT NOT NULL,
    year INTEGER NOT NULL, number INTEGER NOT NULL, text_version INTEGER NOT NULL, stage TEXT NOT NULL);
CREATE INDEX register_by_scope ON register(scope, kind, sequence);
CREATE INDEX register_by_number ON register(scope, year, number);
"""
COMPARED = {
    "meta": "name, value",
    "wraps": "document, part_set, scope, version, epoch, suite, wrap",
    "epochs": "scope, epoch, recipient, suite, wrap",
    "shares": "document, part_set, scope, version, epoch, suite, wrap",
    "databases": "name, epoch, suite, wrap",
    "register": "sequence, document, kind, scope, year, number, text_version, stage",
}
"""What store and mirror must agree on, row ids aside."""
ADDED = ("shares", "shares_by_scope")
"""What stores of the first version lack; `upgrade` makes it."""
GENERATION = "SELECT value FROM meta WHERE name = 'generation'"
CONTENT = "content"
TEXT = "text"
LETTER = "letter"
QUARANTINE = "quarantine"

Change = tuple[str, Sequence[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentWrap:
    """The wrap of a document's keys to one scope's epoch."""

    document_id: str
    part_set: str
    """CONTENT (64 bytes: keys of original and rendition) or TEXT (32 bytes)."""
    version: int
    scope_id: str
    epoch: int
    wrap: bytes

    @property
    def sha256(self) -> str:
        """What the catalogue remembers of it."""
        return hashlib.sha256(self.wrap).hexdigest()


def wrap_keys(book: KeyBook, document_id: str, part_set: str, version: int, scope: str, secret: bytes) -> DocumentWrap:
    """A document's keys wrapped to the current epoch of a scope; the one place that says what they are bound to."""
    epoch = book.current(scope)
    info = document_purpose(book.vault_id, document_id, part_set, version, epoch.scope_id, epoch.number)
    return DocumentWrap(
        document_id=document_id,
        part_set=part_set,
        version=version,
        scope_id=epoch.scope_id,
        epoch=epoch.number,
        wrap=epoch.public.wrap(secret, info),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A committed document as every holder of its index key may see it."""

    sequence: int
    document_id: str
    kind: str
    scope_id: str
    year: int
    number: int
    text_version: int
    stage: Stage


class KeyStore:
    """Read access for everybody, changes through `apply`. `mirror` is None for readers."""

    def __init__(self, main: Database, mirror: Database | None) -> None:
        self._main = main
        self._mirror = mirror

    @classmethod
    def create(cls, main: Path, mirror: Path, disk: Disk) -> Self:
        """Make an empty store and its mirror."""
        stores = [open_database(path, disk, key=None, create=True) for path in (main, mirror)]
        for store in stores:
            with store.transaction():
                store.run_script(SCHEMA)
        return cls(*stores)

    @classmethod
    def open(cls, main: Path, mirror: Path | None, disk: Disk) -> Self:
        """Open; brings a mirror that a crash left behind up to date first.

        Raises:
            StorageError: the mirror is not there (an unmounted disk): nothing may be taken in then.
            Damaged: the store is older than its mirror, so it was rolled back.
            OutdatedVault: an earlier version of the program made it.
        """
        if not main.exists():
            raise Damaged(
                f"The key store {main} is missing. Do not run init. Its mirror holds the same keys: "
                "`poststelle rebuild keys` says what it would do, and puts a copy there."
            )
        store = open_database(main, disk, key=None)
        if store.lacks(ADDED):
            store.close()
            raise OutdatedVault
        if mirror is None:
            return cls(store, None)
        if not mirror.exists():
            store.close()
            raise StorageError(
                f"The mirror of the key store is not at {mirror}. Nothing is taken in until it is back: mount its "
                "disk; if it is lost, `poststelle rebuild keys` makes a new one."
            )
        copy = open_database(mirror, disk, key=None)
        keys = cls(store, copy)
        if not keys._mirror_is_current(copy):
            # Another process may be between its two commits: once it lets the mirror go, the matter is settled.
            with copy.transaction():
                pass
            if not keys._mirror_is_current(copy):
                store.copy_to(copy)
        return keys

    @staticmethod
    def upgrade(main: Path, mirror: Path, disk: Disk) -> list[str]:
        """Add what a store of an earlier version lacks, to the mirror first; returns what was added.

        Raises:
            StorageError: store or mirror is not there.
        """
        added: list[str] = []
        for path in (mirror, main):
            with open_database(path, disk, key=None) as store:
                added += store.add_missing(SCHEMA, ADDED)
        return sorted(set(added))

    def _mirror_is_current(self, mirror: Database) -> bool:
        """Whether store and mirror are of one generation.

        The mirror is read first: it never gets ahead of the store, whatever another process does meanwhile.

        Raises:
            Damaged: it is ahead all the same.
        """
        behind, ahead = int(mirror.value(GENERATION)), self.generation
        if ahead < behind:
            raise Damaged(
                "The key store is older than its mirror: it was rolled back. Nothing was changed. `poststelle rebuild "
                "keys` says which of the two is what key book and catalogue say, and repairs the other."
            )
        return ahead == behind and not mirror.lacks(ADDED)

    def close(self) -> None:
        """Close both."""
        self._main.close()
        if self._mirror is not None:
            self._mirror.close()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until no other process revises, repairs or destroys letters, and keep them waiting. Not to be nested.

        What one of them has half done looks to another like what a crash left, and would be taken back. The folder
        itself carries the lock: a second descriptor of keys.db would cost this process its locks when it closes.
        """
        descriptor = os.open(self._main.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def apply(self, changes: Sequence[Change]) -> None:
        """Apply the same changes to store and mirror; both are durable when it returns.

        The store commits first: a crash between the two leaves the mirror one generation behind, which
        `open` repairs. Changes must not depend on row ids that SQLite would choose.
        """
        if self._mirror is None:
            raise ValueError("this key store was opened for reading")
        bump = ("UPDATE meta SET value = value + 1 WHERE name = 'generation'", ())
        with self._mirror.transaction():
            with self._main.transaction():
                for sql, bindings in (*changes, bump):
                    self._main.run(sql, bindings)
            for sql, bindings in (*changes, bump):
                self._mirror.run(sql, bindings)

    # Scope and database keys ------------------------------------------------------------------------------

    def epoch_wrap(self, scope_id: str, epoch: int, recipient_id: str) -> bytes | None:
        """The wrap of a scope's private key for one recipient."""
        found: bytes | None = self._main.value(
            "SELECT wrap FROM epochs WHERE scope = ? AND epoch = ? AND recipient = ?", (scope_id, epoch, recipient_id)
        )
        return found

    def database_wrap(self, database: str) -> tuple[int, bytes] | None:
        """(epoch, wrap) of a database's key."""
        row = self._main.row("SELECT epoch, wrap FROM databases WHERE name = ?", (database,))
        return None if row is None else (row[0], row[1])

    def epoch_wraps(self) -> Iterator[tuple[str, int, str, bytes]]:
        """Every (scope id, epoch, recipient id, wrap)."""
        for row in self._main.rows("SELECT scope, epoch, recipient, wrap FROM epochs"):
            yield row[0], row[1], row[2], row[3]

    def epoch_recipients(self) -> set[tuple[str, int, str]]:
        """Every (scope id, epoch, recipient id) there is a wrap for."""
        return {(row[0], row[1], row[2]) for row in self._main.rows("SELECT scope, epoch, recipient FROM epochs")}

    def databases(self) -> dict[str, bytes]:
        """Wrap of each database's key."""
        return {row[0]: row[1] for row in self._main.rows("SELECT name, wrap FROM databases")}

    # Documents --------------------------------------------------------------------------------------------

    def wraps_of(self, document_id: str) -> list[DocumentWrap]:
        """All wraps of a document."""
        sql = "SELECT document, part_set, version, scope, epoch, wrap FROM wraps WHERE document = ?"
        return [_wrap(row) for row in self._main.rows(sql, (document_id,))]

    def all_wraps(self) -> Iterator[DocumentWrap]:
        """Every document wrap, by document."""
        for row in self._main.rows(
            "SELECT document, part_set, version, scope, epoch, wrap FROM wraps ORDER BY document, part_set"
        ):
            yield _wrap(row)

    def has_wraps(self, expected: Sequence[DocumentWrap]) -> bool:
        """Whether store and mirror both hold exactly these wraps."""
        stores = [self._main] + ([self._mirror] if self._mirror is not None else [])
        sql = "SELECT wrap FROM wraps WHERE document = ? AND part_set = ? AND scope = ? AND version = ?"
        return all(
            store.value(sql, (wrap.document_id, wrap.part_set, wrap.scope_id, wrap.version)) == wrap.wrap
            for store in stores
            for wrap in expected
        )

    def registered(self, scope_ids: Sequence[str], kind: str = LETTER) -> list[Registered]:
        """Committed documents of these scopes, in order of sequence."""
        marks = ",".join("?" * len(scope_ids))
        sql = f"{_REGISTER} WHERE scope IN ({marks}) AND kind = ? ORDER BY sequence"
        return [_registered(row) for row in self._main.rows(sql, (*scope_ids, kind))]

    def position(self, scope_id: str) -> tuple[int, int]:
        """(number of letters, highest sequence) of a scope: tells in one look whether an index lags."""
        sql = "SELECT count(*), coalesce(max(sequence), 0) FROM register WHERE scope = ? AND kind = ?"
        count, highest = self._main.row(sql, (scope_id, LETTER)) or (0, 0)
        return int(count), int(highest)

    def find(self, document_id: str) -> Registered | None:
        """The committed document of this id."""
        row = self._main.row(f"{_REGISTER} WHERE document = ?", (document_id,))
        return None if row is None else _registered(row)

    def find_number(self, scope_id: str, kind: str, year: int, number: int) -> Registered | None:
        """The committed document with this number in a scope's series."""
        sql = f"{_REGISTER} WHERE scope = ? AND kind = ? AND year = ? AND number = ?"
        row = self._main.row(sql, (scope_id, kind, year, number))
        return None if row is None else _registered(row)

    def all_registered(self) -> Iterator[Registered]:
        """Every committed document."""
        for row in self._main.rows(f"{_REGISTER} ORDER BY sequence"):
            yield _registered(row)

    def unregistered(self) -> list[str]:
        """Documents that have wraps but were never registered: what a crash before the commit leaves."""
        sql = "SELECT DISTINCT document FROM wraps WHERE document NOT IN (SELECT document FROM register)"
        return [row[0] for row in self._main.rows(sql)]

    def replace_wraps(self, document_id: str, wraps: Sequence[DocumentWrap]) -> None:
        """Make these the only wraps of a document; repeating it changes nothing."""
        forget: Change = ("DELETE FROM wraps WHERE document = ?", (document_id,))
        self.apply([forget, *(insert_wrap(wrap) for wrap in wraps)])

    def add_wraps(self, wraps: Sequence[DocumentWrap]) -> None:
        """Add wraps beside those a document has; the same part set, version and scope is replaced."""
        sql = "DELETE FROM wraps WHERE document = ? AND part_set = ? AND version = ? AND scope = ?"
        forget = [(sql, (w.document_id, w.part_set, w.version, w.scope_id)) for w in wraps]
        self.apply([*forget, *(insert_wrap(wrap) for wrap in wraps)])

    def register(
        self, document_id: str, kind: str, scope_id: str, year: int, number: int, text_version: int, stage: Stage
    ) -> None:
        """Let holders of the scope's index key see the document; again with the same values is harmless."""
        self.apply(
            _register_changes(
                Registered(
                    sequence=0,
                    document_id=document_id,
                    kind=kind,
                    scope_id=scope_id,
                    year=year,
                    number=number,
                    text_version=text_version,
                    stage=stage,
                )
            )
        )

    def forget(self, document_id: str) -> None:
        """Delete a document's wraps and its register row."""
        self.apply(
            [
                ("DELETE FROM wraps WHERE document = ?", (document_id,)),
                ("DELETE FROM shares WHERE document = ?", (document_id,)),
                ("DELETE FROM register WHERE document = ?", (document_id,)),
            ]
        )

    def forget_all(self, document_ids: Sequence[str]) -> None:
        """Delete the wraps and register rows of many documents at once; repeating it changes nothing."""
        known = [d for d in document_ids if self.find(d) is not None or self.wraps_of(d)]
        if known:
            self.apply(
                [
                    change
                    for document_id in known
                    for change in (
                        ("DELETE FROM wraps WHERE document = ?", (document_id,)),
                        ("DELETE FROM shares WHERE document = ?", (document_id,)),
                        ("DELETE FROM register WHERE document = ?", (document_id,)),
                    )
                ]
            )

    def crowded(self) -> list[str]:
        """Documents with more wraps than a settled one has: a revision or move was interrupted."""
        return [r[0] for r in self._main.rows("SELECT document FROM wraps GROUP BY document HAVING count(*) > 2")]

    def put(self, row: Registered) -> None:
        """Set a document's register row: who sees it, under which number, and which version of its text."""
        self.apply(_register_changes(row))

    def keep_only(self, document_id: str, wraps: Sequence[tuple[str, int, str]], row: Registered | None = None) -> None:
        """Delete all wraps but these (part set, version, scope id) and perhaps set the register row, in one step."""
        kept = set(wraps)
        stale = [w for w in self.wraps_of(document_id) if (w.part_set, w.version, w.scope_id) not in kept]
        sql = "DELETE FROM wraps WHERE document = ? AND part_set = ? AND version = ? AND scope = ?"
        self.apply(
            [
                *((sql, (document_id, w.part_set, w.version, w.scope_id)) for w in stale),
                *(_register_changes(row) if row is not None else ()),
            ]
        )

    # Shares -----------------------------------------------------------------------------------------------

    def share(self, wraps: Sequence[DocumentWrap]) -> None:
        """Wrap documents to the keys of a share, beside their own; the same part set and scope is replaced."""
        columns = "document, part_set, version, scope, epoch, suite, wrap"
        sql = f"INSERT OR REPLACE INTO shares({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)"
        self.apply(
            [(sql, (w.document_id, w.part_set, w.version, w.scope_id, w.epoch, SUITE_XWING, w.wrap)) for w in wraps]
        )

    def shares_of(self, document_id: str) -> list[DocumentWrap]:
        """A document's wraps to shares."""
        sql = "SELECT document, part_set, version, scope, epoch, wrap FROM shares WHERE document = ?"
        return [_wrap(row) for row in self._main.rows(sql, (document_id,))]

    def shared(self, scope_id: str, document_id: str | None = None) -> list[Registered]:
        """Letters (or one of them) in a share, as if it were their compartment; without those revised since."""
        sql = (
            "SELECT r.sequence, document, kind, s.scope, year, number, text_version, stage FROM shares s"
            " JOIN register r USING (document) WHERE s.scope = ? AND part_set = 'text' AND version = text_version"
        )
        more, values = (" AND document = ?", (scope_id, document_id)) if document_id else ("", (scope_id,))
        return [_registered(row) for row in self._main.rows(f"{sql}{more} ORDER BY r.sequence", values)]

    def share_scopes(self) -> set[str]:
        """Scope ids that there are wraps of shares for."""
        return {row[0] for row in self._main.rows("SELECT DISTINCT scope FROM shares")}

    # Fixity -----------------------------------------------------------------------------------------------

    def problems(self) -> list[str]:
        """What the integrity check of store and mirror finds, and whether their contents differ."""
        stores = [self._main] + ([self._mirror] if self._mirror is not None else [])
        names = ("store", "mirror")
        found = [f"{name}: {p}" for name, store in zip(names, stores, strict=False) for p in store.problems()]
        if not found and self._mirror is not None:
            found += [f"store and mirror differ in the table {table}" for table in _differing(self._main, self._mirror)]
        return found

    def holds_what(self, other: "KeyStore") -> bool:
        """Whether another store has the same rows."""
        return not _differing(self._main, other._main)

    @property
    def generation(self) -> int:
        """How many changes were applied."""
        return int(self._main.value(GENERATION))

    def stored_bytes(self) -> Iterator[bytes]:
        """Store, mirror and their logs as they lie on the disk."""
        for store in (self._main, self._mirror):
            if store is not None:
                yield from store.stored_bytes()

    def copy_to(self, path: Path, disk: Disk) -> None:
        """Write a consistent copy of the store, as one new file; others go on reading and writing meanwhile."""
        with open_database(path, disk, key=None, create=True) as copy:
            self._main.copy_to(copy)
            copy.truncate_log()

    def settle(self) -> bool:
        """Empty the write-ahead logs; False while another reader keeps one."""
        stores = [self._main] + ([self._mirror] if self._mirror is not None else [])
        return [store.truncate_log() for store in stores].count(False) == 0


def _differing(one: Database, other: Database) -> list[str]:
    """Tables in which two stores do not have the same rows."""
    found = []
    for table, columns in COMPARED.items():
        sql = f"SELECT {columns} FROM {table} ORDER BY {columns}"
        # Row by row: of a large vault they are hundreds of megabytes.
        if any(mine != theirs for mine, theirs in zip_longest(one.rows(sql), other.rows(sql))):
            found.append(table)
    return found


_REGISTER = "SELECT sequence, document, kind, scope, year, number, text_version, stage FROM register"


def _register_changes(row: Registered) -> list[Change]:
    """Set a register row under a new sequence number, by which the index notices the change."""
    values = (row.document_id, row.kind, row.scope_id, row.year, row.number, row.text_version, row.stage.value)
    return [
        ("DELETE FROM register WHERE document = ?", (row.document_id,)),
        ("UPDATE meta SET value = value + 1 WHERE name = 'sequence'", ()),
        ("INSERT INTO register SELECT value, ?, ?, ?, ?, ?, ?, ? FROM meta WHERE name = 'sequence'", values),
    ]


def insert_wrap(wrap: DocumentWrap) -> Change:
    """The change that adds a document wrap."""
    return (
        "INSERT INTO wraps(document, part_set, version, scope, epoch, suite, wrap) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (wrap.document_id, wrap.part_set, wrap.version, wrap.scope_id, wrap.epoch, SUITE_XWING, wrap.wrap),
    )


def insert_epoch_wrap(scope_id: str, epoch: int, recipient_id: str, wrap: bytes) -> Change:
    """The change that adds the wrap of a scope key for one recipient."""
    return (
        "INSERT INTO epochs(scope, epoch, recipient, suite, wrap) VALUES (?, ?, ?, ?, ?)",
        (scope_id, epoch, recipient_id, SUITE_XWING, wrap),
    )


def delete_epoch_wrap(scope_id: str, epoch: int, recipient_id: str) -> Change:
    """The change that takes a scope key away from one recipient."""
    return (
        "DELETE FROM epochs WHERE scope = ? AND epoch = ? AND recipient = ?",
        (scope_id, epoch, recipient_id),
    )


def delete_share_of(scope_id: str, document_id: str) -> Change:
    """The change that takes one document out of a share."""
    return ("DELETE FROM shares WHERE scope = ? AND document = ?", (scope_id, document_id))


def delete_share(scope_id: str) -> Change:
    """The change that takes every document out of a share."""
    return ("DELETE FROM shares WHERE scope = ?", (scope_id,))


def delete_database_wrap(database: str) -> Change:
    """The change that removes the wrap of a database's key."""
    return ("DELETE FROM databases WHERE name = ?", (database,))


def insert_database_wrap(database: str, epoch: int, wrap: bytes) -> Change:
    """The change that sets the wrap of a database's key."""
    return ("INSERT OR REPLACE INTO databases VALUES (?, ?, ?, ?)", (database, epoch, SUITE_XWING, wrap))


def _wrap(row: tuple[Any, ...]) -> DocumentWrap:
    return DocumentWrap(document_id=row[0], part_set=row[1], version=row[2], scope_id=row[3], epoch=row[4], wrap=row[5])


def _registered(row: tuple[Any, ...]) -> Registered:
    return Registered(
        sequence=row[0],
        document_id=row[1],
        kind=row[2],
        scope_id=row[3],
        year=row[4],
        number=row[5],
        text_version=row[6],
        stage=Stage(row[7]),
    )
