"""The independent checker: what an office really holds, read from its files with the recovery kit alone.

Imports nothing of Poststelle. It follows docs/archive-format.md with `cryptography`, the standard library and, for
the encrypted databases, apsw; so a mistake that the program makes both in writing and in reading is still found.
It works on copies of the databases (a log beside a copy is replayed, like after a power cut) and changes nothing.

`examine` answers with sentences, one for each promise that is broken; an empty list is a pass.
"""

import base64
import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw
from cryptography.cobblestone import Cobblestone256Decryptor
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, Suite

SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
GONE = {"disposed", "discarded", "retried"}
WITHOUT_INDEX = {"disposing"}


def _bound(*fields: object) -> bytes:
    return b"\0".join(str(field).encode() for field in fields)


class _Key:
    """An X-Wing private key from its 96 bytes of seeds."""

    def __init__(self, seeds: bytes) -> None:
        ml_kem = MLKEM768PrivateKey.from_seed_bytes(seeds[:64])
        x25519 = X25519PrivateKey.from_private_bytes(seeds[64:])
        self.public = ml_kem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()
        self._key = MLKEM768X25519PrivateKey(ml_kem, x25519)

    def open(self, wrap: bytes, *fields: object) -> bytes:
        return SUITE.decrypt(wrap, self._key, info=_bound(*fields))


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the parts of one office lie."""

    inbox: Path
    vault: Path
    key_store: Path
    """keys.db."""
    mirror: Path
    """Its second copy."""
    kit: Path
    also: tuple[Path, ...] = ()
    """Further folders in which no temporary file may be left."""

    @classmethod
    def of(cls, folder: Path) -> "Place":
        """An office as the shipped configuration lays it out."""
        vault = folder / "vault"
        return cls(
            inbox=folder / "inbox", vault=vault, key_store=vault / "keys" / "keys.db",
            mirror=folder / "mirror" / "keys.db", kit=folder / "recovery-kit.txt",
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One document as its own files tell it."""

    document: str
    kind: str
    """"letter" or "quarantine"."""
    stage: str
    compartment: str
    number: str
    """Series, year and number."""
    sha256: str | None
    """Of the original as it opens; None if it does not, or must not, open."""
    text_version: int


@dataclass(slots=True)
class Findings:
    """What the office holds, and what is wrong with it."""

    documents: dict[str, Held] = field(default_factory=dict)
    inbox: Counter[str] = field(default_factory=Counter)
    """SHA-256 of the files that wait or are claimed."""
    problems: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    """What a fault may leave, and a clean run must have put right."""


class Kit:
    """Everything that the recovery kit opens."""

    def __init__(self, place: Place, scratch: Path) -> None:
        self.place = place
        lines = place.kit.read_text(encoding="utf-8").splitlines()
        fields = dict(line.split(": ", 1) for line in lines if ": " in line and not line.startswith(" "))
        secret = "".join("".join(line.split()) for line in lines if line.startswith("  "))
        self.key = _Key(base64.b32decode(secret + "=" * (-len(secret) % 8)))
        self.vault_id = fields["vault"]
        self.kit_id = hashlib.sha256(self.key.public).hexdigest()[:32]
        book = (place.vault / "keybook.jsonl").read_bytes().split(b"\n")
        if hashlib.sha256(book[0]).hexdigest() != fields["genesis"]:
            raise ValueError("the key book does not begin with the statement that the kit names")
        self.bodies = [json.loads(line)["body"] for line in book[:-1]]
        self.epochs: dict[tuple[str, int], dict[str, Any]] = {}
        for body in self.bodies:
            for entry in body.get("epochs", ()):
                self.epochs[entry["scope_id"], entry["number"]] = entry
        self.scope_names = {scope_id: entry["scope"] for (scope_id, _), entry in self.epochs.items()}
        self.keys = _plain_copy(place.key_store, scratch / "keys")
        self._opened: dict[tuple[str, int], _Key] = {}

    def scope(self, scope_id: str, epoch: int) -> _Key:
        """The private key of an epoch."""
        if (scope_id, epoch) not in self._opened:
            (wrap,) = self.keys.execute(
                "SELECT wrap FROM epochs WHERE scope = ? AND epoch = ? AND recipient = ?",
                (scope_id, epoch, self.kit_id),
            ).fetchone()
            seeds = self.key.open(wrap, "poststelle epoch v1", self.vault_id, scope_id, epoch, self.kit_id)
            self._opened[scope_id, epoch] = _Key(seeds)
        return self._opened[scope_id, epoch]

    def database(self, name: str, path: Path, scratch: Path) -> apsw.Connection:
        """An encrypted database, from a copy."""
        scope = name if name.startswith("index:") else "records"
        epoch, wrap = self.keys.execute("SELECT epoch, wrap FROM databases WHERE name = ?", (name,)).fetchone()
        scope_id = next(known for known, called in self.scope_names.items() if called == scope)
        key = self.scope(scope_id, epoch).open(wrap, "poststelle database v1", self.vault_id, name, scope, epoch)
        connection = apsw.Connection(
            str(_copied(path, scratch / name.replace(":", "-"))),
            flags=apsw.SQLITE_OPEN_READWRITE, vfs="multipleciphers-unix",
        )  # fmt: skip
        connection.pragma("cipher", "chacha20")
        connection.pragma("hexkey", ("raw:" + key.hex()).encode().hex())
        connection.pragma("temp_store", "MEMORY")
        return connection

    def part(self, document: str, part: str, version: int) -> bytes:
        """A sealed part, opened."""
        part_set = "text" if part == "text" else "content"
        question = "SELECT scope, epoch, version, wrap FROM wraps WHERE document = ? AND part_set = ?"
        rows = self.keys.execute(question, (document, part_set)).fetchall()
        rows = [row for row in rows if part_set == "content" or row[2] == version]
        if not rows:
            raise ValueError(f"no wrap for the {part} of {document}")
        scope, epoch, wrapped_version, wrap = rows[-1]
        keys = self.scope(scope, epoch).open(
            wrap, "poststelle document v1", self.vault_id, document, part_set, wrapped_version, scope, epoch
        )
        key = keys[32:] if part == "rendition" else keys[:32]
        sealed = object_path(self.place, document, part, version).read_bytes()
        context = _bound("poststelle part v1", self.vault_id, document, part, version)
        opened = Cobblestone256Decryptor(key, context=context)
        content = bytes(opened.update(sealed[8:])) + bytes(opened.finalize())
        return zlib.decompress(content) if part == "text" else content


def object_path(place: Place, document: str, part: str, version: int) -> Path:
    """Where a sealed part lies."""
    return place.vault / "objects" / document[:2] / f"{document}.{part}.{version}"


def examine(
    place: Place,
    drops: Mapping[str, int],
    *,
    settled: bool = True,
    destroyed: Mapping[str, str] | None = None,
    indexed: bool = True,
) -> list[str]:
    """Everything that is wrong, as sentences.

    Args:
        drops: how often each content (SHA-256 in hex) was ever dropped.
        settled: after a clean run, each drop is in exactly one place and nothing temporary is left; right after a
            fault (False), each is in at least one.
        destroyed: SHA-256 by id of letters whose destruction or discarding somebody asked for: they may be gone.
        indexed: whether the indexes must hold exactly the letters of their compartment.
    """
    with tempfile.TemporaryDirectory(prefix="checker-", dir=_memory()) as folder:
        found = read(place, Path(folder), indexed=settled and indexed)
    problems = list(found.problems)
    problems += _counted(found, drops, settled=settled, destroyed=destroyed or {})
    if settled:
        problems += [*found.unfinished, *left_behind(place)]
    return problems


def read(place: Place, scratch: Path, *, indexed: bool = True) -> Findings:
    """What the office holds."""
    found = Findings()
    for path in sorted(place.inbox.rglob("*")):
        if path.is_file() and "adopting" not in path.relative_to(place.inbox).parts:
            found.inbox[_sha256(path.read_bytes())] += 1
    try:
        kit = Kit(place, scratch)
        catalogue = kit.database("catalogue", place.vault / "catalogue.db", scratch)
    except Exception as err:  # whatever goes wrong here is the finding
        found.problems.append(f"the vault does not open with the kit: {err!r}")
        return found
    _documents(kit, catalogue, found)
    _series(catalogue, found)
    _key_store(kit, found, scratch)
    if indexed:
        _indexes(kit, found, scratch)
    return found


def left_behind(place: Place) -> list[str]:
    """Temporary files, claims and folders of unfinished work."""
    found = []
    for folder in (place.vault, place.mirror.parent, place.inbox, *place.also):
        found += [f"left behind: {path.name}" for path in folder.rglob("*") if path.suffix in (".tmp", ".part")]
    for folder in ("claimed", "adopting"):
        found += [f"left in {folder}: {path.name}" for path in (place.inbox / ".poststelle" / folder).glob("*")]
    return found


def _documents(kit: Kit, catalogue: apsw.Connection, found: Findings) -> None:
    """Rows, and behind each row the parts that must be there, whole and openable, or gone."""
    rows: list[tuple[Any, ...]] = list(
        catalogue.execute("SELECT document, 'letter', stage, compartment, year, number, text_version FROM documents")
    )
    rows += catalogue.execute("SELECT document, 'quarantine', stage, 'unsorted', year, number, 1 FROM quarantine")
    fixity: dict[str, list[tuple[str, int, str, int]]] = {}
    for document, part, version, digest, size in catalogue.execute("SELECT * FROM parts"):
        fixity.setdefault(document, []).append((part, version, digest, size))
    files = _object_files(kit.place)
    for document, kind, stage, compartment, year, number, text_version in rows:
        digest, named = None, files.pop(document, {})
        listed = {(part, version): (sha, size) for part, version, sha, size in fixity.get(document, ())}
        if stage in GONE:
            found.unfinished += [f"{document} is {stage} and has still the file {path.name}" for path in named.values()]
            count = kit.keys.execute("SELECT count(*) FROM wraps WHERE document = ?", (document,)).fetchone()[0]
            if count:
                found.unfinished.append(f"{document} is {stage} and has still {count} wraps")
        elif stage != "disposing":
            digest = _whole(kit, document, text_version, listed, named, found)
        found.documents[document] = Held(
            document=document, kind=kind, stage=stage, compartment=compartment, number=f"{compartment} {year} {number}",
            sha256=digest, text_version=text_version,
        )  # fmt: skip
    found.unfinished += [f"{path.name} belongs to no document" for named in files.values() for path in named.values()]


def _whole(
    kit: Kit,
    document: str,
    text_version: int,
    listed: Mapping[tuple[str, int], tuple[str, int]],
    named: Mapping[tuple[str, int], Path],
    found: Findings,
) -> str | None:
    """SHA-256 of the original of a living document; says whatever of it is missing, foreign or does not open."""
    wanted = {("original", 1), ("text", text_version)}
    if not wanted <= set(listed):
        found.problems.append(f"{document}: the catalogue lists {sorted(listed)} only")
        return None
    for key, path in named.items():
        if key not in listed:
            found.unfinished.append(f"{path.name} is no version that the catalogue knows")
    digest = None
    for (part, version), (sha, size) in listed.items():
        path = named.get((part, version))
        if path is None:
            found.problems.append(f"{document}: its {part} is missing")
            continue
        sealed = path.read_bytes()
        if (_sha256(sealed), len(sealed)) != (sha, size):
            found.problems.append(f"{document}: its {part} is not what was committed")
            continue
        try:
            content = kit.part(document, part, version)
        except Exception as err:  # whatever goes wrong here is the finding
            found.problems.append(f"{document}: its {part} does not open: {err!r}")
            continue
        if part == "original":
            digest = _sha256(content)
        elif part == "text":
            told = json.loads(content)["file"]
            if digest is not None and told["sha256"] != digest:
                found.problems.append(f"{document}: the original is not the file that was received")
    return digest


def _series(catalogue: apsw.Connection, found: Findings) -> None:
    """Numbers count 1, 2, 3 …: a moved letter keeps its old number as a note."""
    series: dict[tuple[str, int], list[int]] = {}
    for compartment, year, number in catalogue.execute(
        "SELECT compartment, year, number FROM documents UNION ALL SELECT compartment, year, number FROM moved"
    ):
        series.setdefault((compartment, year), []).append(number)
    for year, number in catalogue.execute("SELECT year, number FROM quarantine"):
        series.setdefault(("quarantine", year), []).append(number)
    for (receipt,) in catalogue.execute("SELECT receipt FROM documents"):
        series.setdefault(("receipts", 0), []).append(receipt)
    for (name, year), numbers in series.items():
        if sorted(numbers) != list(range(1, len(numbers) + 1)):
            found.problems.append(f"the series {name} {year} is {sorted(numbers)}")


def _key_store(kit: Kit, found: Findings, scratch: Path) -> None:
    """No wrap of nobody, the register says what the catalogue says, and the mirror is the same."""
    living = {d.document: d for d in found.documents.values() if d.stage not in GONE}
    for document, count in kit.keys.execute("SELECT document, count(*) FROM wraps GROUP BY document"):
        if document not in living:
            if document not in found.documents:
                found.unfinished.append(f"{count} wraps of {document}, which is no document")
        elif living[document].stage != "disposing" and count != 2:
            found.unfinished.append(f"{document} has {count} wraps")
    listed = dict(kit.keys.execute("SELECT document, text_version FROM register"))
    wanted = {d.document: d.text_version for d in living.values() if d.stage != "disposing"}
    if {name: listed.get(name) for name in wanted} != wanted or set(listed) - set(living):
        found.unfinished.append("the register is not the catalogue")
    mirror = _plain_copy(kit.place.mirror, scratch / "mirror")
    for table in ("meta", "wraps", "epochs", "databases", "register"):
        if _rows(kit.keys, table) != _rows(mirror, table):
            found.unfinished.append(f"the mirror's table {table} is another")


def _indexes(kit: Kit, found: Findings, scratch: Path) -> None:
    """Each index holds the letters of its compartment, in their current text, and no other."""
    compartments = {d.compartment for d in found.documents.values()}
    for compartment in sorted(compartments):
        path = kit.place.vault / "index" / f"{compartment}.db"
        wanted = sorted(
            d.document for d in found.documents.values()
            if d.compartment == compartment and d.kind == "letter" and d.stage not in GONE | WITHOUT_INDEX
        )  # fmt: skip
        if not path.exists():
            if wanted:
                found.unfinished.append(f"there is no index of {compartment}")
            continue
        index = kit.database(f"index:{compartment}", path, scratch)
        held = sorted(str(row[0]) for row in index.execute("SELECT document_id FROM letters"))
        if held != wanted:
            found.unfinished.append(
                f"the index of {compartment} holds {len(held)} letters and should hold {len(wanted)}"
            )
        terms = next(iter(index.execute("SELECT count(*) FROM contents")))[0]
        if terms != len(held):
            found.unfinished.append(f"the index of {compartment} has {terms} contents for {len(held)} letters")


def _counted(
    found: Findings, drops: Mapping[str, int], *, settled: bool, destroyed: Mapping[str, str]
) -> Iterator[str]:
    """Each drop in exactly one place; while something runs or just broke, in at least one."""
    held: Counter[str] = Counter(d.sha256 for d in found.documents.values() if d.sha256 is not None)
    for document, sha in destroyed.items():
        known = found.documents.get(document)
        if known is not None and known.stage in {"disposing", "disposed", "discarded"}:
            held[sha] += 1
    for sha, times in drops.items():
        there = held[sha] + found.inbox[sha]
        if there < times:
            yield f"LOST: content {sha[:12]} was dropped {times} times and is there {there} times"
        if settled and there > times:
            yield f"DOUBLED: content {sha[:12]} was dropped {times} times and is there {there} times"
    for sha in (held + found.inbox).keys() - set(drops):
        yield f"content {sha[:12]} was never dropped"
    for document in found.documents.values():
        if document.stage == "disposing" and settled:
            yield f"{document.document} is half destroyed"
        if document.stage in {"disposing", "disposed", "discarded"} and document.document not in destroyed:
            yield f"EARLY: {document.document} was destroyed and nobody asked for it"


def _object_files(place: Place) -> dict[str, dict[tuple[str, int], Path]]:
    files: dict[str, dict[tuple[str, int], Path]] = {}
    for path in (place.vault / "objects").rglob("*"):
        if path.is_file() and path.suffix != ".tmp":
            document, part, version = path.name.split(".")
            files.setdefault(document, {})[part, int(version)] = path
    return files


def _rows(connection: sqlite3.Connection, table: str) -> list[tuple[Any, ...]]:
    return sorted(connection.execute(f"SELECT * FROM {table}"), key=repr)


def _copied(path: Path, folder: Path) -> Path:
    """A copy of a database with its write-ahead log; the shared memory is made anew from it, as after a power cut."""
    folder.mkdir(parents=True)
    for name in (path, path.with_name(f"{path.name}-wal")):
        if name.exists():
            shutil.copyfile(name, folder / name.name)
    return folder / path.name


def _plain_copy(path: Path, folder: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(_copied(path, folder))
    problems = [row[0] for row in connection.execute("PRAGMA integrity_check")]
    if problems != ["ok"]:
        raise ValueError(f"{path.name}: {problems}")
    return connection


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def digests(contents: Iterable[bytes]) -> Counter[str]:
    """How often each content occurs, as `examine` wants to know it."""
    return Counter(map(_sha256, contents))


def _memory() -> str | None:
    """Opened copies belong into memory where there is a place for that."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
