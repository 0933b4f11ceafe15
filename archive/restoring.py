"""Bringing a vault back from a generation of a backup, without what was destroyed since.

    marker → parts → key store, destroyed letters taken out and looked for → catalogue: destroyed letters, numbers left
    out → the rest → log with the signed statement → (indexes, service identity: the caller) → VAULT.json → marker gone

`VAULT.json` is written last, as in founding: before it there is no vault. A stop at any arrow is repeated from the
start; parts that arrived are not copied again.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from archive.catalogue import NAME as CATALOGUE_NAME
from archive.catalogue import QUARANTINE_SERIES, RECEIPTS, Catalogue
from archive.disposition import windows_of, wraps_remain
from archive.filing import Filing
from archive.founding import descriptor
from archive.generation import (
    CATALOGUE,
    KEYS,
    RESTORES,
    DamagedBackup,
    Generation,
    Tombstones,
    chunks_of,
    read_fixity,
)
from archive.keystore import KeyStore
from archive.layout import VaultLayout
from archive.ledger import DisposalRow, Ledger
from archive.objects import FileObjects, StoredPart
from poststelle.access import recover
from poststelle.access.audit import AuditLog, Head
from poststelle.access.database import Database, open_database
from poststelle.access.identities import Identity
from poststelle.access.keybook import AUDIT, COMPARTMENTS, RECORDS, canonical
from poststelle.access.keyring import database_purpose, open_epoch
from poststelle.access.sealing import SealingPrivateKey
from poststelle.access.statements import InvalidStatement, Statement, check_statement, make_statement
from poststelle.durable import TEMP_SUFFIX, Disk
from poststelle.errors import ConfigurationError, StorageError
from poststelle.records import Problem
from poststelle.stages import Stage

KIND = "restored"
SIDE_FILES = ("-wal", "-shm")

Progress = Callable[[int, int, str], None]
"""Done, in all, what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Whose keys open the backup: an owner's or the recovery kit's."""

    recipient_id: str
    key: SealingPrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Numbers of a series that are left out, because letters that were lost may have had them."""

    series: str
    year: int
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BroughtBack:
    """What a restore did."""

    letters: int
    parts: int
    destroyed: tuple[str, ...]
    """Letters that were in the generation and had been destroyed since: they stay so."""
    gaps: tuple[Gap, ...]
    statement: Statement
    problems: tuple[Problem, ...]


@dataclass(slots=True, kw_only=True)
class Restoring:
    """One restore."""

    generation: Generation
    tombstones: Tombstones
    accepted: bool
    """Whether the owner accepted that the list of destroyed letters may be older than the newest."""
    layout: VaultLayout
    holder: Holder
    signer: Identity
    """An owner; with the kit alone the service, whose statement explains no roll-back to anybody."""
    skip: int
    """How many numbers are left out in each series."""
    disk: Disk
    now: Callable[[], datetime]
    progress: Progress = lambda done, total, what: None
    problems: list[Problem] = field(default_factory=list)

    def restore(self) -> BroughtBack:
        """Everything but indexes, service identity and VAULT.json.

        Raises:
            ConfigurationError: something is in the way.
            DamagedBackup: the generation does not hold.
        """
        self.generation.require_files()
        self._clear_place()
        parts = self._bring_parts()
        self.disk.reached("parts-restored")
        keys = self._bring_keys()
        try:
            self._bring_small_files()
            statement, gaps, destroyed, letters = self._bring_catalogue(keys)
        finally:
            keys.close()
        self.disk.reached("restored")
        return BroughtBack(
            letters=letters,
            parts=parts,
            destroyed=destroyed,
            gaps=gaps,
            statement=statement,
            problems=tuple(self.problems),
        )

    def finish(self) -> None:
        """From now on the vault exists."""
        self.disk.write_new(self.layout.descriptor, [descriptor(self.generation.book.vault_id)])
        self.disk.unlink(self.layout.restoring, missing_ok=True)

    def database_key(self, name: str, scope: str) -> bytes:
        """The raw key of a database, as the holder opens it."""
        store = KeyStore.open(self.layout.keys, None, self.disk)
        try:
            return self._database_key(store, name, scope)
        finally:
            store.close()

    def _database_key(self, store: KeyStore, name: str, scope: str) -> bytes:
        book, found = self.generation.book, store.database_wrap(name)
        if found is None or hashlib.sha256(found[1]).hexdigest() != book.database_wraps.get(name):
            raise DamagedBackup(f"the key of the database {name} is missing or was changed")
        number, wrap = found
        epoch = book.epochs[scope][number - 1]
        if self.holder.recipient_id not in epoch.wraps:
            raise ConfigurationError(
                "Your identity does not open all that a restore needs. An owner's does, or the recovery kit (--kit)."
            )
        private = open_epoch(book.vault_id, epoch, store, self.holder.recipient_id, self.holder.key)
        return private.unwrap(wrap, database_purpose(book.vault_id, name, scope, number))

    # The place --------------------------------------------------------------------------------------------------

    def _clear_place(self) -> None:
        """An empty place, or one that an earlier restore of the same vault did not finish."""
        layout, marker = self.layout, self.layout.restoring
        own = canonical({"vault": self.generation.book.vault_id}) + b"\n"
        if layout.descriptor.exists() and not marker.exists():
            raise ConfigurationError(
                f"There is a vault at {layout.vault}; it was not touched. A restore needs an empty place: move the old "
                "vault, key store and mirror away (keep them), or name other `paths:` in config.yaml."
            )
        unfinished = marker.exists() and marker.read_bytes() == own
        stores = [layout.keys, layout.mirror_keys]
        if not unfinished:
            # A kill may have left the marker half written, before anything else was made.
            for path in layout.vault.glob(f"{marker.name}.*{TEMP_SUFFIX}"):
                self.disk.unlink(path)
            for path in (*stores, *(layout.vault.iterdir() if layout.vault.is_dir() else ())):
                if path.exists() and path != layout.key_store:
                    raise ConfigurationError(
                        f"{path} is in the way; it was not touched. Move it away (look first: it may hold keys), or "
                        "name other `paths:` in config.yaml."
                    )
            self.disk.make_folder(layout.vault)
            self.disk.write_new(marker, [own])
        for folder in (layout.objects, layout.index(COMPARTMENTS[0]).parent, layout.key_store, layout.mirror):
            self.disk.make_folder(folder)
        stale = [p.with_name(p.name + end) for p in (layout.catalogue, *stores) for end in ("", *SIDE_FILES)]
        stale += sorted(layout.index(COMPARTMENTS[0]).parent.glob("*"))
        stale += [layout.audit, layout.keybook, layout.recover, layout.disposals, layout.restores, layout.descriptor]
        stale += [p for f in (layout.vault, layout.key_store, layout.mirror) for p in f.rglob(f"*{TEMP_SUFFIX}")]
        self.disk.unlink_all(path for path in dict.fromkeys(stale) if path.exists())
        FileObjects(layout.objects, self.disk).sweep()

    # Parts ------------------------------------------------------------------------------------------------------

    def _bring_parts(self) -> int:
        wanted = [p for p in self.generation.parts() if p.name.document_id not in self.tombstones.documents]
        damaged: list[Problem] = []

        def lacking() -> Iterator[tuple[Path, list[bytes]]]:
            for done, part in enumerate(wanted, 1):
                path = self.layout.objects / part.name.document_id[:2] / str(part.name)
                found = read_fixity(path)
                if found is None or (found.sha256, found.size_bytes) != (part.sha256, part.size_bytes):
                    try:
                        content = self._checked(part)
                    except DamagedBackup as err:
                        damaged.append(Problem(code=err.code, id=part.name.document_id, message=str(err)))
                    else:
                        self.disk.make_folder(path.parent)
                        yield path, [content]
                self.progress(done, len(wanted), "bringing letters back")

        self.disk.write_many(lacking())
        self.problems += damaged
        return len(wanted) - len(damaged)

    def _checked(self, part: StoredPart) -> bytes:
        try:
            content = self.generation.target.object_path(part).read_bytes()
        except OSError as err:
            raise DamagedBackup(f"the {part.name.part} of {part.name.document_id} is missing") from err
        if hashlib.sha256(content).hexdigest() != part.sha256:
            raise DamagedBackup(f"the {part.name.part} of {part.name.document_id} was changed")
        return content

    # Keys -------------------------------------------------------------------------------------------------------

    def _bring_keys(self) -> KeyStore:
        """The key store and its mirror, with no key of a destroyed letter left in them."""
        for path in (self.layout.keys, self.layout.mirror_keys):
            self.disk.write_new(path, chunks_of(self.generation.path(KEYS)))
        keys = KeyStore.open(self.layout.keys, self.layout.mirror_keys, self.disk)
        gone = sorted({w.document_id for w in keys.all_wraps()} & self.tombstones.documents)
        gone += sorted({r.document_id for r in keys.all_registered()} & self.tombstones.documents - set(gone))
        rows = [_row(document, windows_of([*keys.wraps_of(document), *keys.shares_of(document)])) for document in gone]
        keys.forget_all(gone)
        self.disk.reached("keys-restored")
        if not keys.settle() or wraps_remain(keys, rows):
            keys.close()
            raise StorageError(
                "Keys of destroyed letters could not be taken out of the restored key store, so the vault was not put "
                "into use. Close every other program that reads it, then run the restore again."
            )
        return keys

    # Catalogue --------------------------------------------------------------------------------------------------

    def _bring_catalogue(self, keys: KeyStore) -> tuple[Statement, tuple[Gap, ...], tuple[str, ...], int]:
        log = self._log()
        head = _log_end(log)
        self.disk.write_new(self.layout.catalogue, chunks_of(self.generation.path(CATALOGUE)))
        key = self._database_key(keys, CATALOGUE_NAME, RECORDS)
        with open_database(self.layout.catalogue, self.disk, key=key) as database:
            catalogue = Catalogue(database)
            gaps = self._gaps(database)
            statement = self._statement(head, gaps)
            self.disk.write_new(
                self.layout.restores, [self.generation.path(RESTORES).read_bytes(), statement.line, b"\n"]
            )
            certified = self._certificates()
            with database.transaction():
                destroyed = self._bury(database, certified)
                self._leave_out(database, gaps, statement)
                self._know_target(database)
                self._post(database, statement, gaps, destroyed)
            self._repair(catalogue, keys)
            self.disk.write_new(self.layout.audit, [log])
            audit = AuditLog(
                self.layout.audit, self.disk, self.generation.book.vault_id, self.generation.book.current(AUDIT).public
            )
            entries = catalogue.outbox()
            audit.append(entries)
            catalogue.clear_outbox(entries[-1].outbox or 0)
            catalogue.settle()
            gone = (Stage.DISPOSED, Stage.DISPOSING)
            return statement, gaps, destroyed, sum(row.stage not in gone for row in catalogue.letters())

    def _log(self) -> bytes:
        """The log as it was, checked against the manifest; its links are checked by verify."""
        log, audit = self.generation.log(), self.generation.manifest.body["audit"]
        if hashlib.sha256(log).hexdigest() != audit["sha256"]:
            raise DamagedBackup("the pieces of the log do not make the log")
        return log

    def _statement(self, head: Head, gaps: Sequence[Gap]) -> Statement:
        content: dict[str, Any] = {
            "target": self.generation.manifest.body["target"],
            "generation": self.generation.number,
            "manifest": self.generation.manifest.statement_id,
            "made_at": self.generation.made_at.isoformat(),
            "audit": {"number": head.number, "hash": head.hash, "offset_bytes": head.offset_bytes},
            "keybook": {"statements": self.generation.book.statements, "head": self.generation.book.head},
            "tombstones_as_of": self.tombstones.as_of.isoformat(),
            "tombstones_accepted": self.accepted,
            "gaps": [[g.series, g.year, g.first, g.last] for g in gaps],
        }
        return make_statement(
            self.signer, self.generation.book.vault_id, KIND, content, at=self.now(), head=head
        )  # fmt: skip

    def _bury(self, database: Database, certified: dict[str, str]) -> tuple[str, ...]:
        """Take destroyed letters out. One without its certificate is left for the next purge, which writes one."""
        found = []
        for document, stage in list(database.rows("SELECT document, stage FROM documents")):
            if document not in self.tombstones.documents or stage == Stage.DISPOSED.value:
                continue
            found.append(document)
            certificate = certified.get(document)
            done = certificate is not None
            database.run(
                "UPDATE documents SET stage = ?, mark = x'', duplicate_of = NULL WHERE document = ?",
                ((Stage.DISPOSED if done else Stage.DISPOSING).value, document),
            )
            at = self.now().isoformat() if done else None
            database.run(
                "INSERT OR REPLACE INTO disposals VALUES (?, ?, ?, ?, ?)", (document, KIND, b"", at, certificate)
            )
        for document, stage in list(database.rows("SELECT document, stage FROM quarantine")):
            if document in self.tombstones.documents and stage == Stage.QUARANTINED.value:
                found.append(document)
                database.run("UPDATE quarantine SET stage = ? WHERE document = ?", (Stage.DISCARDED.value, document))
        for document in found:
            for table in ("parts", "wraps", "events"):
                database.run(f"DELETE FROM {table} WHERE document = ?", (document,))
        return tuple(sorted(found))

    def _certificates(self) -> dict[str, str]:
        """Every genuine certificate on the target, brought back; which one names which letter."""
        found: dict[str, str] = {}
        for path in sorted(self.generation.target.certificates.glob("*.json")):
            line = path.read_bytes().rstrip(b"\n")
            try:
                statement = check_statement(line, self.generation.book, "certificate-of-destruction", or_removed=True)
                if self.generation.book.people[statement.person_id].kind != "service":
                    raise InvalidStatement("a certificate is by somebody who is not the service")
            except InvalidStatement as err:
                self.problems.append(Problem(code=err.code, id=path.name, message=str(err)))
                continue
            self.disk.make_folder(self.layout.certificates)
            self.disk.write_new(self.layout.certificates / f"{statement.statement_id}.json", [line, b"\n"])
            found |= {letter["id"]: statement.statement_id for letter in statement.body["letters"]}
        return found

    # Numbers ----------------------------------------------------------------------------------------------------

    def _gaps(self, database: Database) -> tuple[Gap, ...]:
        """What is left out in each series: letters filed after the backup are lost, their numbers are not free."""
        if self.skip == 0:
            return ()
        last = {(name, year): int(n) for name, year, n in database.rows("SELECT name, year, last FROM series")}
        years = range(self.generation.made_at.year, max(self.now().year, self.generation.made_at.year) + 1)
        series = {(c, year) for c in (*COMPARTMENTS, QUARANTINE_SERIES) for year in years} | {(RECEIPTS, 0)}
        return tuple(
            Gap(series=name, year=year, first=last.get((name, year), 0) + 1, last=last.get((name, year), 0) + self.skip)
            for name, year in sorted(series | last.keys())
        )

    def _leave_out(self, database: Database, gaps: Sequence[Gap], statement: Statement) -> None:
        for gap in gaps:
            values = (gap.series, gap.year, gap.first, gap.last, statement.statement_id)
            database.run("INSERT INTO gaps VALUES (?, ?, ?, ?, ?)", values)
            database.run("INSERT OR REPLACE INTO series VALUES (?, ?, ?)", (gap.series, gap.year, gap.last))

    def _know_target(self, database: Database) -> None:
        """The backup itself, where it is now: the copy of the catalogue is older than the generation it lies in."""
        generation = self.generation
        database.run(
            "INSERT OR REPLACE INTO targets VALUES (?, ?, ?, ?, ?)",
            (
                generation.manifest.body["target"],
                str(generation.target.root),
                generation.target.finished()[-1],
                generation.made_at.isoformat(),
                generation.readable_until.isoformat(),
            ),
        )

    def _post(self, database: Database, statement: Statement, gaps: Sequence[Gap], destroyed: Sequence[str]) -> None:
        Ledger(database).add_statement(statement)
        body = statement.body
        details = {
            "statement": statement.statement_id,
            "generation": body["generation"],
            "target": body["target"],
            "made_at": body["made_at"],
            "tombstones_as_of": body["tombstones_as_of"],
            "gaps": body["gaps"],
            "destroyed": list(destroyed),
            "problems": len(self.problems),
        }
        Ledger(database).post(KIND, statement.person_id, statement.made_at, details, statement.statement_id)

    def _repair(self, catalogue: Catalogue, keys: KeyStore) -> None:
        """What intake had half done when the backup was made is taken back; its claim is not part of a backup."""
        filing = Filing(
            objects=FileObjects(self.layout.objects, self.disk),
            keys=keys,
            catalogue=catalogue,
            book=self.generation.book,
            service=self.signer,
            disk=self.disk,
            now=self.now,
        )
        filing.repair([])

    # The rest ---------------------------------------------------------------------------------------------------

    def _bring_small_files(self) -> None:
        layout = self.layout
        self.disk.write_new(layout.keybook, chunks_of(self.generation.path(layout.keybook.name)))
        self.disk.write_new(layout.recover, [Path(recover.__file__).read_bytes()], mode=0o644)
        if self.tombstones.lists:
            self.disk.write_new(layout.disposals, [line + b"\n" for line in self.tombstones.lists])


def _row(document_id: str, windows: bytes) -> DisposalRow:
    return DisposalRow(document_id=document_id, plan_id=KIND, windows=windows, disposed_at=None, certificate=None)


def _log_end(log: bytes) -> Head:
    """The last entry of a log whose bytes the manifest vouches for."""
    if not log.endswith(b"\n"):
        raise DamagedBackup("its log is cut")
    lines = log.splitlines()
    last = json.loads(lines[-1])
    return Head(number=last["n"], hash=last["hash"], offset_bytes=len(log) - len(lines[-1]) - 1)


def newest_tombstones(found: Sequence[Tombstones]) -> Tombstones:
    """All that several lists name, as of the newest of them."""
    newest = max(found, key=lambda tombstones: tombstones.as_of)
    lines = {line: None for tombstones in sorted(found, key=lambda t: t.as_of) for line in tombstones.lists}
    documents = frozenset(document for tombstones in found for document in tombstones.documents)
    return Tombstones(documents=documents, as_of=newest.as_of, lists=tuple(lines))


__all__ = [
    "BroughtBack",
    "Gap",
    "Holder",
    "Restoring",
    "newest_tombstones",
]
