"""Making a backup: parts first, then catalogue and keys as of one moment, the rest, and the signed manifest last.

    new parts → (nobody revises) catalogue → keys → parts that came meanwhile → log and small files → read back
    → manifest = the generation exists → older generations that are past their window dropped → unused parts removed

Readers and intake go on; only what destroys waits. A stop at any arrow leaves the generations that were there, and
parts that the next run finds and need not copy again. Nothing is opened on the target: databases are copied beside
the live ones and go there as plain files, so that any mounted store will do.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from archive.catalogue import Catalogue
from archive.certificates import disposal_lists, listed_documents
from archive.disposition import append_list
from archive.generation import (
    CATALOGUE,
    CONFIG,
    DISPOSAL_LIST,
    DISPOSALS,
    FORMAT,
    KEYBOOK,
    KEYS,
    MANIFEST,
    OBJECTS,
    RESTORES,
    SERVICE,
    TOMBSTONES,
    DamagedBackup,
    File,
    Generation,
    Target,
    chunks_of,
    encode_object,
    hash_lists,
    last_days,
    newest_book,
    read_fixity,
    read_generation,
    read_tombstones,
    service_purpose,
)
from archive.keystore import KeyStore
from archive.layout import COPY_SUFFIX, VaultLayout
from archive.objects import MissingPart, ObjectStore, PartName, StoredPart
from poststelle.access.audit import Head
from poststelle.access.database import open_database
from poststelle.access.identities import Identity
from poststelle.access.keybook import KeyBook, canonical, read_keybook
from poststelle.access.statements import Statement, make_statement
from poststelle.durable import Disk
from poststelle.errors import Damaged, StorageError
from poststelle.records import Problem
from poststelle.stages import Stage

ATTEMPTS = 5
SIDE_FILES = ("", "-wal", "-shm")

Progress = Callable[[int, int, str], None]
"""Parts done, parts in all, what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A generation that was made."""

    target_id: str
    generation: int
    manifest_id: str
    made_at: datetime
    readable_until: date
    letters: int
    parts: int
    new_parts: int
    new_bytes: int
    dropped: tuple[int, ...]
    """Older generations that were past their window."""
    removed_parts: int
    """Sealed parts that no generation needs any more."""
    damaged: tuple[int, ...] = ()
    """Older generations that did not hold; nobody could have restored them, so they were dropped too."""


class _Moved(Exception):
    """A part left the vault while it was being copied: the moment has to be taken anew."""


@dataclass(slots=True, kw_only=True)
class Backup:
    """One backup to one target, made as the service under the purge lock."""

    target: Target
    layout: VaultLayout
    keys: KeyStore
    catalogue: Catalogue
    catalogue_key: bytes
    objects: ObjectStore
    book: KeyBook
    service: Identity
    config: bytes
    """config.yaml, as it lies there."""
    keep: timedelta
    disk: Disk
    now: Callable[[], datetime]
    head: Callable[[], Head | None]
    reread: bool = False
    """Read every part on the target through, also those that an earlier generation vouches for."""
    progress: Progress = lambda done, total, what: None

    def make(self) -> Made:
        """Make a generation, read it back, then drop what is past its window.

        Raises:
            StorageError: the target did not take what was written, or the vault does not stand still.
            Damaged: a part in the vault is not what was sealed; run verify.
        """
        target_id, _ = self.target.identify()
        self.target.sweep()
        earlier, damaged = self._earlier()
        trusted = [] if self.reread else earlier[-1:]
        known = {encode_object(part) for generation in trusted for part in generation.parts()}
        number = max(self.target.numbers(), default=0) + 1
        self._list_discarded()
        try:
            new = self._copy_parts(list(self.catalogue.parts()), known, strict=False)
        except _Moved:
            new = (0, 0)
        self.disk.reached("parts-copied")
        with self._copies() as (catalogue, keys):
            parts, late, book = self._take_moment(catalogue, keys, known)
            letters, last_outbox = self._require_complete(catalogue, keys)
            new = (new[0] + late[0], new[1] + late[1])
            self.disk.make_folder(self.target.folder(number))
            files = self._write_files(number, catalogue, keys, parts, book)
        audit = self._write_log(earlier[-1] if earlier else None, last_outbox)
        certificates = self._write_certificates()
        self.disk.reached("files-written")
        made_at = self.now()
        content = {
            "format": FORMAT,
            "target": target_id,
            "generation": number,
            "genesis": self.book.genesis_hash,
            "book": hashlib.sha256(book.rstrip(b"\n").split(b"\n")[-1]).hexdigest(),
            "readable_until": (made_at + self.keep).date().isoformat(),
            "letters": letters,
            "parts": len(parts),
            "files": {name: {"sha256": file.sha256, "size": file.size_bytes} for name, file in files.items()},
            "audit": audit,
            "certificates": certificates,
        }
        manifest = self._sign(MANIFEST, content, made_at)
        # What was written is read back before anything says that it is there.
        for name, file in files.items():
            self._require_written(self.target.folder(number) / name, file)
        self.disk.write_new(self.target.folder(number) / "manifest.json", [manifest.line, b"\n"])
        self.disk.reached("manifest")
        generation = read_generation(self.target, number, self.book.genesis_hash, self.book.vault_id)
        write_tombstones(self.target, self.layout, self.service, self.book, made_at, self.head(), self.disk)
        dropped = self._drop_old([*earlier, generation], damaged)
        kept = [g for g in (*earlier, generation) if g.number not in dropped]
        removed = self._collect(kept)
        return Made(
            target_id=target_id,
            generation=number,
            manifest_id=manifest.statement_id,
            made_at=made_at,
            readable_until=generation.readable_until,
            letters=letters,
            parts=len(parts),
            new_parts=new[0],
            new_bytes=new[1],
            dropped=dropped,
            removed_parts=removed,
            damaged=tuple(damaged),
        )

    def _sign(self, kind: str, content: dict[str, object], at: datetime) -> Statement:
        return make_statement(self.service, self.book.vault_id, kind, content, at=at, head=self.head())

    def _earlier(self) -> tuple[list[Generation], list[int]]:
        """Generations that hold, oldest first, and the numbers of those that do not."""
        sound, damaged = [], []
        for number in self.target.finished():
            try:
                sound.append(read_generation(self.target, number, self.book.genesis_hash, self.book.vault_id))
            except DamagedBackup:
                damaged.append(number)
        return sound, damaged

    def _list_discarded(self) -> None:
        """Quarantined files that were discarded stay so: a restore of an older generation must not bring them back."""
        discarded = {row.document_id for row in self.catalogue.all_quarantine() if row.stage is Stage.DISCARDED}
        new = sorted(discarded - listed_documents(self.layout, self.book))
        if new:
            append_list(self.layout, self._sign(DISPOSAL_LIST, {"documents": new}, self.now()), self.disk)

    # Parts ------------------------------------------------------------------------------------------------------

    def _copy_parts(self, parts: Sequence[StoredPart], known: set[str], *, strict: bool) -> tuple[int, int]:
        """Copy what the target lacks; (parts, bytes) that were copied."""
        copied: list[StoredPart] = []

        def lacking() -> Iterator[tuple[Path, Iterator[bytes]]]:
            for done, part in enumerate(parts, 1):
                path = self.target.object_path(part)
                if not self._has(path, part, trusted=encode_object(part) in known):
                    if self._is_there(part.name):
                        self.disk.make_folder(path.parent)
                        copied.append(part)
                        yield path, self._checked(part)
                    elif strict:
                        raise _Moved
                self.progress(done, len(parts), "copying letters")

        try:
            self.disk.write_many(lacking())
        except MissingPart as err:
            # It left between the look and the copy.
            raise _Moved from err
        for part in copied:
            self._require_written(self.target.object_path(part), File(sha256=part.sha256, size_bytes=part.size_bytes))
        return len(copied), sum(part.size_bytes for part in copied)

    def _has(self, path: Path, part: StoredPart, *, trusted: bool) -> bool:
        """Whether the target holds a part: by its size if an earlier generation names it, else read through."""
        try:
            size = path.stat().st_size
        except OSError:
            return False
        if trusted or size != part.size_bytes:
            return size == part.size_bytes
        return read_fixity(path) == File(sha256=part.sha256, size_bytes=part.size_bytes)

    def _checked(self, part: StoredPart) -> Iterator[bytes]:
        digest = hashlib.sha256()
        for chunk in self.objects.read(part.name):
            digest.update(chunk)
            yield chunk
        if digest.hexdigest() != part.sha256:
            raise Damaged(
                f"The {part.name.part} of {part.name.document_id} in the vault is not what was sealed; the backup was "
                "not finished. Earlier generations stay as they are. Run `poststelle verify`."
            )

    def _require_written(self, path: Path, file: File) -> None:
        if read_fixity(path) != file:
            raise StorageError(
                f"What was written to {path} does not read back: the disk of the backup is not to be trusted. "
                "Generations made before are not affected. Use another disk."
            )

    # The moment -------------------------------------------------------------------------------------------------

    @contextmanager
    def _copies(self) -> Iterator[tuple[Path, Path]]:
        """Names for copies of catalogue and key store beside the live ones; nothing is left of them."""
        catalogue = self.layout.vault / f"{CATALOGUE}{COPY_SUFFIX}"
        keys = self.layout.vault / f"{KEYS}{COPY_SUFFIX}"
        self._remove(catalogue, keys)
        try:
            yield catalogue, keys
        finally:
            self._remove(catalogue, keys)

    def _remove(self, *copies: Path) -> None:
        paths = [path.with_name(path.name + end) for path in copies for end in SIDE_FILES]
        if any(path.exists() for path in paths):
            self.disk.unlink_all(path for path in paths if path.exists())

    def _take_moment(
        self, catalogue: Path, keys: Path, known: set[str]
    ) -> tuple[list[StoredPart], tuple[int, int], bytes]:
        """Copies of catalogue and keys that belong together, the book that names them, and every part on the target."""
        for attempt in range(1, ATTEMPTS + 1):
            self._remove(catalogue, keys)
            # Nobody moves or corrects a letter between the two; intake only adds, and adds keys before rows.
            with self.keys.alone():
                self.catalogue.copy_to(catalogue, self.disk, self.catalogue_key)
                self.keys.copy_to(keys, self.disk)
                book = self.layout.keybook.read_bytes()
                with self._opened(catalogue, keys) as (copy, store):
                    parts = list(copy.parts())
                    going = {row.document_id for row in copy.letters() if row.stage is Stage.DISPOSING}
                    # A quarantined file that is filed anew between the two takes its keys with it.
                    belongs = self._belongs(store) and (attempt == ATTEMPTS or not missing_wraps(copy, store))
                parts = [part for part in parts if part.name.document_id not in going]
                try:
                    copied = self._copy_parts(parts, known, strict=True)
                except _Moved:
                    missing = [part for part in parts if not self._is_there(part.name)]
                    if missing and all(self._is_there_for(part) for part in missing):
                        raise MissingPart(missing[0].name) from None
                else:
                    if belongs:
                        return parts, copied, book
        raise StorageError(
            "The vault changed faster than it could be copied. Nothing was lost; try again when less goes on."
        )

    def _belongs(self, store: KeyStore) -> bool:
        """Whether the copied keys are those that the book names now; while keys are renewed they are not."""
        book = read_keybook(self.layout.keybook, self.book.genesis_hash, self.book.vault_id)
        found = {(s, e, r): hashlib.sha256(w).hexdigest() for s, e, r, w in store.epoch_wraps()}
        named = {
            (epoch.scope_id, epoch.number, recipient): digest
            for epochs in book.epochs.values()
            for epoch in epochs
            for recipient, digest in epoch.wraps.items()
        }
        databases = {name: hashlib.sha256(wrap).hexdigest() for name, wrap in store.databases().items()}
        return named.items() <= found.items() and book.database_wraps.items() <= databases.items()

    def _is_there(self, name: PartName) -> bool:
        return str(name) in self.objects.names_of(name.document_id)

    def _is_there_for(self, part: StoredPart) -> bool:
        """Whether the live catalogue still names a part: then it is missing, and did not merely leave."""
        return part in list(self.catalogue.parts(part.name.document_id))

    @contextmanager
    def _opened(self, catalogue: Path, keys: Path) -> Iterator[tuple[Catalogue, KeyStore]]:
        with open_database(catalogue, self.disk, key=self.catalogue_key) as database:
            store = KeyStore.open(keys, None, self.disk)
            try:
                yield Catalogue(database), store
            finally:
                store.close()

    def _require_complete(self, catalogue: Path, keys: Path) -> tuple[int, int]:
        """Both copies are sound, and there is a wrap for every part that was not disposed of.

        How many letters there are, and the number of the last log entry that this catalogue knows.
        """
        with self._opened(catalogue, keys) as (copy, store):
            problems = [*copy.problems(), *store.problems()]
            letters, last_outbox = list(copy.letters()), copy.last_outbox()
            missing = missing_wraps(copy, store)
        if problems or missing:
            what = problems[0] if problems else f"a key of {missing[0]} is missing or was changed"
            raise Damaged(
                f"The vault is damaged ({what}); the backup was not finished, and no earlier generation was dropped. "
                "Run `poststelle verify`."
            )
        return sum(letter.stage not in (Stage.DISPOSED, Stage.DISPOSING) for letter in letters), last_outbox

    # Everything else --------------------------------------------------------------------------------------------

    def _write_files(
        self, number: int, catalogue: Path, keys: Path, parts: Sequence[StoredPart], book: bytes
    ) -> dict[str, File]:
        objects = "".join(f"{encode_object(part)}\n" for part in parts).encode()
        contents: dict[str, Path | bytes] = {
            CATALOGUE: catalogue,
            KEYS: keys,
            KEYBOOK: book,
            OBJECTS: objects,
            DISPOSALS: _bytes_of(self.layout.disposals),
            RESTORES: _bytes_of(self.layout.restores),
            SERVICE: self._wrapped_service(),
            CONFIG: self.config,
        }
        files = {}
        for done, (name, content) in enumerate(contents.items(), 1):
            files[name] = self._write(self.target.folder(number) / name, content)
            self.progress(done, len(contents), f"writing {name}")
        return files

    def _write(self, path: Path, content: Path | bytes) -> File:
        digest, size = hashlib.sha256(), 0

        def measured() -> Iterator[bytes]:
            nonlocal size
            for chunk in chunks_of(content) if isinstance(content, Path) else [content]:
                digest.update(chunk)
                size += len(chunk)
                yield chunk

        self.disk.write_new(path, measured())
        return File(sha256=digest.hexdigest(), size_bytes=size)

    def _wrapped_service(self) -> bytes:
        """The service's identity, which nothing else holds a copy of, for the owners and the kit."""
        owners = [p for p in self.book.people.values() if not p.removed and "owner" in p.roles]
        recipients = [(owner.person_id, owner.public.sealing) for owner in owners]
        if self.book.kit is not None:
            recipients.append((self.book.kit_id, self.book.kit))
        person, secret = self.service.person_id, self.service.secret()
        wraps = {
            recipient: public.wrap(secret, service_purpose(self.book.vault_id, person, recipient)).hex()
            for recipient, public in recipients
        }
        return canonical({"person": person, "wraps": wraps}) + b"\n"

    def _write_log(self, last: Generation | None, last_outbox: int) -> dict[str, object]:
        """What the log has more than in the last generation, as one piece; all of it where it is another log."""
        log = log_until(self.layout.audit.read_bytes(), last_outbox)
        pieces: list[File] = []
        if last is not None:
            before = last.manifest.body["audit"]
            if hashlib.sha256(log[: before["size"]]).hexdigest() == before["sha256"]:
                pieces = last.log_pieces
        begin = sum(piece.size_bytes for piece in pieces)
        if begin < len(log):
            content = log[begin:]
            piece = File(sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))
            path = self.target.log / piece.sha256
            if read_fixity(path) != piece:
                self.disk.write_new(path, [content])
                self._require_written(path, piece)
            pieces.append(piece)
        end = json.loads(log.splitlines()[-1])
        return {
            "pieces": [[piece.sha256, piece.size_bytes] for piece in pieces],
            "sha256": hashlib.sha256(log).hexdigest(),
            "size": len(log),
            "head": {"n": end["n"], "hash": end["hash"]},
        }

    def _write_certificates(self) -> list[str]:
        folder = self.layout.certificates
        names = sorted(path.name for path in folder.glob("*.json")) if folder.is_dir() else []
        for name in names:
            path = self.target.certificates / name
            if not path.exists():
                self.disk.write_new(path, [(folder / name).read_bytes()])
        return names

    # Rotation ---------------------------------------------------------------------------------------------------

    def _drop_old(self, generations: Sequence[Generation], damaged: Sequence[int]) -> tuple[int, ...]:
        """Drop what is past its window. Only now: the newest was read back and holds a key for every living part."""
        today = self.now().date()
        ends = last_days(generations)
        old = [g.number for g in generations[:-1] if ends[g.number] < today]
        for number in (*old, *damaged):
            self.target.drop(number)
        return tuple(old)

    def _collect(self, kept: Sequence[Generation]) -> int:
        """Remove parts, pieces of the log and certificates that no generation names, and all of destroyed letters."""
        gone = listed_documents(self.layout, self.book)
        wanted = {
            self.target.object_path(part).name
            for generation in kept
            for part in generation.parts()
            if part.name.document_id not in gone
        }
        unused = [path for path in self.target.objects.rglob("*") if path.is_file() and path.name not in wanted]
        pieces = {piece.sha256 for generation in kept for piece in generation.log_pieces}
        papers = {name for generation in kept for name in generation.certificates}
        others = [path for path in self.target.log.glob("*") if path.name not in pieces]
        others += [path for path in self.target.certificates.glob("*") if path.name not in papers]
        self.disk.unlink_all([*unused, *others])
        return len(unused)


# Destroyed letters ------------------------------------------------------------------------------------------------


def write_tombstones(
    target: Target, layout: VaultLayout, service: Identity, book: KeyBook, at: datetime, head: Head | None, disk: Disk
) -> None:
    """Put the newest list of destroyed ids onto a target, whole or not at all.

    The key book goes first: a service that is younger than every generation there may have signed the list.

    Raises:
        Damaged: a line of the vault's own list is not genuine. With it no restore would believe the list.
    """
    disk.write_new(target.keybook, chunks_of(layout.keybook))
    lists = _bytes_of(layout.disposals).splitlines()
    if sum(listed.statement is not None for listed in disposal_lists(layout, book)) < len(lists):
        raise Damaged(
            f"A line of {layout.disposals.name} was cut or is not genuine; `poststelle verify` names it. The backup "
            "keeps the list that it has. Bring the file back from a backup, then run the command again."
        )
    target_id, _ = target.identify()
    content = {"target": target_id, "lists": len(lists), "sha256": hash_lists(lists)}
    signed = make_statement(service, book.vault_id, TOMBSTONES, content, at=at, head=head)
    disk.write_new(target.tombstones, [signed.line, b"\n", *(line + b"\n" for line in lists)])


def remove_objects(target: Target, documents: Sequence[str], disk: Disk) -> None:
    """Remove the sealed parts of destroyed letters from a target; repeating it changes nothing."""
    disk.unlink_all(path for document in documents for path in target.objects_of(document))


# Reading back -----------------------------------------------------------------------------------------------------


def missing_wraps(catalogue: Catalogue, keys: KeyStore) -> list[str]:
    """Documents that are alive and whose keys are not what the catalogue says."""
    going = {row.document_id for row in catalogue.letters() if row.stage in (Stage.DISPOSING, Stage.DISPOSED)}
    found = {(w.document_id, w.part_set, w.version, w.scope_id, w.epoch): w.sha256 for w in keys.all_wraps()}
    promised = [(document, w) for document, w in catalogue.wraps() if document not in going]
    missing = {
        document
        for document, w in promised
        if found.get((document, w.part_set, w.version, w.scope_id, w.epoch)) != w.sha256
    }
    wrapped = {document for document, _ in promised}
    return sorted(missing | {p.name.document_id for p in catalogue.parts()} - wrapped - going)


def verify_backup(
    target: Target, genesis: str, vault_id: str, gone: frozenset[str], progress: Progress
) -> Iterator[Problem]:
    """Read everything back: every generation, every piece of the log, the list of destroyed letters (`gone` are those
    that the vault knows of), every sealed part."""
    wanted: dict[Path, StoredPart] = {}
    for number in target.finished():
        try:
            generation = read_generation(target, number, genesis, vault_id)
            generation.require_files()
            wanted |= {
                target.object_path(part): part for part in generation.parts() if part.name.document_id not in gone
            }
        except DamagedBackup as err:
            yield Problem(code=err.code, id=f"generation {number}", message=str(err))
    if target.finished() and not _is_listed(target, genesis, vault_id, gone):
        message = "The list of destroyed letters is missing, old or was changed. `backup` writes it anew."
        yield Problem(code="B013", id=target.tombstones.name, message=message)
    for done, (path, part) in enumerate(sorted(wanted.items()), 1):
        if read_fixity(path) != File(sha256=part.sha256, size_bytes=part.size_bytes):
            message = f"The {part.name.part} is missing or was changed there. `backup --reread` copies it anew."
            yield Problem(code="B014", id=part.name.document_id, message=message)
        progress(done, len(wanted), "reading back")


def _is_listed(target: Target, genesis: str, vault_id: str, gone: frozenset[str]) -> bool:
    """Whether the list of destroyed letters there is genuine and names all of them."""
    book = newest_book(target, genesis, vault_id)
    try:
        return book is not None and gone <= read_tombstones(target.tombstones, book).documents
    except DamagedBackup:
        return False


def log_until(log: bytes, last_outbox: int) -> bytes:
    """The log up to what the copied catalogue knows: a restored vault must not hold entries of what it does not."""
    log = log[: log.rfind(b"\n") + 1]
    lines, end = log.splitlines(keepends=True), len(log)
    cut = end
    for line in reversed(lines):
        end -= len(line)
        number = json.loads(line)["ob"]
        if number is not None and number <= last_outbox:
            break
        if number is not None:
            cut = end
    return log[:cut]


def _bytes_of(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""
