"""A backup at rest: one folder of sealed parts, and generations of everything else that rotate apart from them.

    BACKUP.json                 names format, vault and target
    tombstones.jsonl            a signed head, then the signed lists of destroyed ids; replaced as a whole
    keybook.jsonl               the key book that the head of the list is to be checked by
    objects/AB/PART.HASH        sealed parts; HASH are the first 16 digits of their SHA-256
    log/HASH  certificates/HASH.json
    generations/NNNNNN/         catalogue.db, keys.db, keybook.jsonl, … and manifest.json, written last

A generation exists once its manifest does. docs/backup-format.md has the rules; whatever does not hold is refused.
"""

import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from archive.objects import PartName, StoredPart
from poststelle.access.identities import Identity
from poststelle.access.keybook import KeyBook, TamperedKeyBook, canonical, read_keybook
from poststelle.access.sealing import DoesNotOpen, SealingPrivateKey, purpose
from poststelle.access.statements import InvalidStatement, Statement, check_statement
from poststelle.durable import TEMP_SUFFIX, Disk
from poststelle.errors import ConfigurationError, Damaged
from poststelle.records import Part

FORMAT = "poststelle backup 1"
MANIFEST, TOMBSTONES, DISPOSAL_LIST = "backup-manifest", "tombstones", "disposal-list"
"""Kinds of the statements."""
CATALOGUE, KEYS, KEYBOOK, OBJECTS = "catalogue.db", "keys.db", "keybook.jsonl", "objects.txt"
DISPOSALS, RESTORES, SERVICE, CONFIG = "disposals.jsonl", "restores.jsonl", "service.json", "config.yaml"
FILES = (CATALOGUE, KEYS, KEYBOOK, OBJECTS, DISPOSALS, RESTORES, SERVICE, CONFIG)
"""What every generation holds beside its manifest."""
CHUNK_BYTES = 1 << 20
HASH_DIGITS = 16


class DamagedBackup(Damaged):
    """A backup was changed, cut or forged after it was written."""

    code = "B013"

    def __init__(self, what: str) -> None:
        super().__init__(
            f"The backup does not hold: {what}. Nothing of it was used. Try an earlier generation (`--generation`) or "
            "another backup; if the vault is alive, make a new backup."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """Fixity of one file of a backup."""

    sha256: str
    size_bytes: int


class Target:
    """The folder that a backup lies in."""

    def __init__(self, root: Path, disk: Disk) -> None:
        self.root = root
        self.disk = disk
        self.descriptor = root / "BACKUP.json"
        self.tombstones = root / "tombstones.jsonl"
        self.keybook = root / KEYBOOK
        self.objects = root / "objects"
        self.log = root / "log"
        self.certificates = root / "certificates"
        self.generations = root / "generations"

    def create(self, vault_id: str) -> str:
        """Make the folders and the descriptor of a new target; returns its id."""
        target_id = secrets.token_hex(16)
        for folder in (self.objects, self.log, self.certificates, self.generations):
            self.disk.make_folder(folder)
        content = canonical({"format": FORMAT, "target": target_id, "vault": vault_id}) + b"\n"
        self.disk.write_new(self.descriptor, [content])
        return target_id

    def identify(self) -> tuple[str, str]:
        """(target id, vault id).

        Raises:
            ConfigurationError: no backup here, or one of a format that this program does not know.
        """
        try:
            content = json.loads(self.descriptor.read_bytes())
            if content["format"] != FORMAT:
                raise ConfigurationError(
                    f"{self.root} holds a backup of the format {content['format']!r}; this program knows {FORMAT!r}. "
                    "Install the Poststelle that belongs to it."
                )
            return str(content["target"]), str(content["vault"])
        except (ValueError, KeyError, TypeError) as err:
            raise DamagedBackup(f"{self.descriptor.name} cannot be read") from err
        except OSError as err:
            raise ConfigurationError(
                f"There is no backup in {self.root} ({err.strerror}). Mount its disk, or name the right folder."
            ) from err

    def folder(self, number: int) -> Path:
        """Where a generation lies."""
        return self.generations / f"{number:06}"

    def numbers(self) -> list[int]:
        """Numbers of everything that was ever begun and not cleared away."""
        names = [path.name for path in self.generations.iterdir()] if self.generations.is_dir() else []
        return sorted(int(name) for name in names if name.isdigit())

    def finished(self) -> list[int]:
        """Numbers of the generations that have a manifest, oldest first."""
        return [number for number in self.numbers() if (self.folder(number) / "manifest.json").exists()]

    def object_path(self, part: StoredPart) -> Path:
        """Where a sealed part lies; named by its content too, so that two lives of one vault never collide."""
        return self.objects / part.name.document_id[:2] / f"{part.name}.{part.sha256[:HASH_DIGITS]}"

    def objects_of(self, document_id: str) -> list[Path]:
        """Everything of one document."""
        return sorted((self.objects / document_id[:2]).glob(f"{document_id}.*"))

    def drop(self, number: int) -> None:
        """Clear a generation away, its manifest first: what is left by a crash does not count as one."""
        folder = self.folder(number)
        self.disk.unlink(folder / "manifest.json", missing_ok=True)
        self.disk.unlink_all(sorted(path for path in folder.iterdir() if path.is_file()))
        self.disk.remove_folder(folder)

    def sweep(self) -> None:
        """Clear away what a crash left: temporary files, and generations without a manifest."""
        for number in sorted(set(self.numbers()) - set(self.finished())):
            self.drop(number)
        for folder in (self.root, self.log, self.certificates, self.objects):
            deep = folder.rglob(f"*{TEMP_SUFFIX}") if folder != self.root else folder.glob(f"*{TEMP_SUFFIX}")
            self.disk.unlink_all(sorted(deep))


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """A finished generation whose manifest is genuine. Its files are checked by `require_files`."""

    target: Target
    number: int
    manifest: Statement
    book: KeyBook

    @property
    def folder(self) -> Path:
        return self.target.folder(self.number)

    @property
    def made_at(self) -> datetime:
        return self.manifest.made_at

    @property
    def readable_until(self) -> date:
        """The last day on which its keys are kept, if newer generations are made."""
        return date.fromisoformat(self.manifest.body["readable_until"])

    @property
    def files(self) -> dict[str, File]:
        """Fixity by name."""
        return {name: File(sha256=f["sha256"], size_bytes=f["size"]) for name, f in self.manifest.body["files"].items()}

    @property
    def log_pieces(self) -> list[File]:
        """The log in pieces, oldest first."""
        return [File(sha256=piece[0], size_bytes=piece[1]) for piece in self.manifest.body["audit"]["pieces"]]

    @property
    def certificates(self) -> list[str]:
        """Names of the certificates of destruction; each is the hash of its content."""
        return list(self.manifest.body["certificates"])

    def path(self, name: str) -> Path:
        """One of FILES."""
        return self.folder / name

    def parts(self) -> Iterator[StoredPart]:
        """The sealed parts that this generation's catalogue names."""
        for line in self.path(OBJECTS).read_text(encoding="ascii").splitlines():
            yield decode_object(line)

    def log(self) -> bytes:
        """The log as it was.

        Raises:
            DamagedBackup: a piece is missing or was changed.
        """
        pieces = []
        for piece in self.log_pieces:
            path = self.target.log / piece.sha256
            require_file(path, piece)
            pieces.append(path.read_bytes())
        return b"".join(pieces)

    def require_files(self) -> None:
        """Read everything but the sealed parts back.

        Raises:
            DamagedBackup: something is missing or was changed.
        """
        for name, file in self.files.items():
            require_file(self.path(name), file)
        for piece in self.log_pieces:
            require_file(self.target.log / piece.sha256, piece)
        for name in self.certificates:
            line = _content(self.target.certificates / name).rstrip(b"\n")
            if f"{hashlib.sha256(line).hexdigest()}.json" != name:
                raise DamagedBackup(f"the certificate {name} was changed")

    def service(self, recipient_id: str, key: SealingPrivateKey) -> Identity | None:
        """The identity that intake runs as, for an owner or the recovery kit; None for everybody else."""
        wraps = json.loads(self.path(SERVICE).read_bytes())
        if recipient_id not in wraps["wraps"]:
            return None
        wrap, info = wraps["wraps"][recipient_id], service_purpose(self.book.vault_id, wraps["person"], recipient_id)
        try:
            return Identity("service", key.unwrap(bytes.fromhex(wrap), info))
        except (DoesNotOpen, ValueError):
            return None


def read_generation(target: Target, number: int, genesis: str, vault_id: str) -> Generation:
    """A finished generation, its key book replayed from the pinned start and its manifest checked.

    Raises:
        DamagedBackup: either does not hold, or the manifest is another generation's.
    """
    target_id, _ = target.identify()
    folder = target.folder(number)
    try:
        book = read_keybook(folder / KEYBOOK, genesis, vault_id)
        manifest = check_statement(_content(folder / "manifest.json").rstrip(b"\n"), book, MANIFEST)
    except (TamperedKeyBook, InvalidStatement) as err:
        raise DamagedBackup(f"generation {number} is not genuine ({err})") from err
    body = manifest.body
    if book.people[manifest.person_id].kind != "service" or body["format"] != FORMAT:
        raise DamagedBackup(f"the manifest of generation {number} is not by the service of this vault")
    if (body["target"], body["generation"], body["book"]) != (target_id, number, book.head):
        raise DamagedBackup(f"the manifest of generation {number} belongs to something else")
    if set(body["files"]) != set(FILES):
        raise DamagedBackup(f"the manifest of generation {number} does not name the files it must")
    return Generation(target=target, number=number, manifest=manifest, book=book)


def last_days(generations: Sequence[Generation]) -> dict[int, date]:
    """By number, the last day on which each generation's keys are kept; `generations` are oldest first.

    None outlives a later one: if it says so, it was made while the clock was ahead, or keys were to be kept longer.
    """
    ends: dict[int, date] = {}
    end = date.max
    for generation in reversed(generations):
        end = min(end, generation.readable_until)
        ends[generation.number] = end
    return ends


def newest_book(target: Target, genesis: str, vault_id: str) -> KeyBook | None:
    """The longest key book there that holds: a list of destroyed letters may be by a service that is younger than every
    generation. None if none holds."""
    books = []
    for number in reversed(target.finished()):
        with contextlib.suppress(DamagedBackup):
            books.append(read_generation(target, number, genesis, vault_id).book)
            break
    with contextlib.suppress(TamperedKeyBook):
        books.append(read_keybook(target.keybook, genesis, vault_id))
    return max(books, key=lambda book: book.statements, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstones:
    """Which documents were destroyed, as of when."""

    documents: frozenset[str]
    as_of: datetime
    lists: tuple[bytes, ...]
    """The signed lists, one line each."""


def read_tombstones(path: Path, book: KeyBook) -> Tombstones:
    """The list of a target.

    Raises:
        DamagedBackup: it is missing, cut, shortened or not genuine.
    """
    lines = _content(path).splitlines()
    try:
        head = check_statement(lines[0] if lines else b"", book, TOMBSTONES)
    except InvalidStatement as err:
        raise DamagedBackup(f"the list of destroyed letters is not genuine ({err})") from err
    lists = lines[1:]
    if head.body["lists"] != len(lists) or head.body["sha256"] != hash_lists(lists):
        raise DamagedBackup("the list of destroyed letters was cut or changed")
    if book.people[head.person_id].kind != "service":
        raise DamagedBackup("the list of destroyed letters is not by the service of this vault")
    return replace(_lists(lists, book), as_of=head.made_at)


def lists_of(path: Path, book: KeyBook) -> Tombstones:
    """The lists as the vault itself keeps them, without a head: as of the newest of them.

    Raises:
        DamagedBackup: one of them is not genuine.
    """
    return _lists(_content(path).splitlines(), book)


def _lists(lines: list[bytes], book: KeyBook) -> Tombstones:
    try:
        # A service that was replaced since signed truly while it was the service.
        found = [check_statement(line, book, DISPOSAL_LIST, or_removed=True) for line in lines]
    except InvalidStatement as err:
        raise DamagedBackup(f"the list of destroyed letters is not genuine ({err})") from err
    if any(book.people[statement.person_id].kind != "service" for statement in found):
        raise DamagedBackup("the list of destroyed letters is not by the service of this vault")
    documents = frozenset(document for statement in found for document in statement.body["documents"])
    as_of = max((statement.made_at for statement in found), default=datetime.min.replace(tzinfo=UTC))
    return Tombstones(documents=documents, as_of=as_of, lists=tuple(lines))


def hash_lists(lists: list[bytes]) -> str:
    """What the head of a list of destroyed letters is signed over."""
    return hashlib.sha256(b"".join(line + b"\n" for line in lists)).hexdigest()


def encode_object(part: StoredPart) -> str:
    """One line of objects.txt."""
    return f"{part.name} {part.sha256} {part.size_bytes}"


def decode_object(line: str) -> StoredPart:
    """The inverse of encode_object."""
    try:
        name, sha256, size = line.split(" ")
        document, part, version = name.split(".")
        if not (len(document) == 32 and set(document) <= set("0123456789abcdef") and len(sha256) == 64):
            raise ValueError(name)
        named = PartName(document_id=document, part=Part(part), version=int(version))
        return StoredPart(name=named, sha256=sha256, size_bytes=int(size))
    except ValueError as err:
        raise DamagedBackup("its list of objects cannot be read") from err


def service_purpose(vault_id: str, person_id: str, recipient_id: str) -> bytes:
    """What the wrap of the service's identity is bound to."""
    return purpose("service identity v1", vault_id, person_id, recipient_id)


def require_file(path: Path, file: File) -> None:
    """Read a file through and compare.

    Raises:
        DamagedBackup: missing, unreadable or changed.
    """
    found = read_fixity(path)
    if found is None:
        raise DamagedBackup(f"{path.name} is missing or cannot be read")
    if found != file:
        raise DamagedBackup(f"{path.name} was changed or cut")


def read_fixity(path: Path) -> File | None:
    """Hash and size as the disk gives them, past the page cache where the system allows; None if it gives none."""
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as stream:
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            while chunk := stream.read(CHUNK_BYTES):
                digest.update(chunk)
                size += len(chunk)
    except OSError:
        return None
    return File(sha256=digest.hexdigest(), size_bytes=size)


def chunks_of(path: Path) -> Iterator[bytes]:
    """A file in pieces."""
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as err:
        raise DamagedBackup(f"{path.name} is missing or cannot be read") from err
