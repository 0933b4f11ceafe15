"""Sealed parts as immutable files: written once, whole, under opaque names.

`objects/<first two digits of the id>/<id>.<part>.<version>`. A part names no compartment, so that moving a
letter rewrites nothing.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from poststelle.durable import TEMP_SUFFIX, Disk
from poststelle.errors import Damaged
from poststelle.records import Part

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PartName:
    """Which part of which document."""

    document_id: str
    part: Part
    version: int = 1

    def __str__(self) -> str:
        return f"{self.document_id}.{self.part.value}.{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPart:
    """A part at rest: its name and the fixity of its ciphertext."""

    name: PartName
    sha256: str
    size_bytes: int


class ObjectStore(Protocol):
    """What the archive needs of a place for sealed parts; a bucket could do it too."""

    def write(self, name: PartName, sealed: Iterable[bytes]) -> StoredPart:
        """Store a part, whole and durable when it returns; the same name again replaces it."""

    def read(self, name: PartName) -> Iterator[bytes]:
        """The sealed bytes.

        Raises:
            MissingPart: there is none of that name.
        """

    def remove(self, name: PartName) -> None:
        """Remove a part if it is there."""

    def remove_all(self, names: Iterable[PartName]) -> None:
        """Remove many parts, those that are there."""

    def names(self) -> Iterator[str]:
        """Names of everything stored, foreign files included."""

    def names_of(self, document_id: str) -> list[str]:
        """Names of the parts of one document."""


class MissingPart(Damaged):
    """A part that the catalogue lists is not in the object store."""

    code = "A014"

    def __init__(self, name: PartName) -> None:
        super().__init__(
            f"The {name.part} of letter {name.document_id} is missing from the vault. Other letters are not affected. "
            "`poststelle rebuild letters` brings it back from a backup."
        )


class FileObjects:
    """The embedded object store: a folder."""

    def __init__(self, root: Path, disk: Disk) -> None:
        self._root = root
        self._disk = disk

    def write(self, name: PartName, sealed: Iterable[bytes]) -> StoredPart:
        """See ObjectStore."""
        digest, size = hashlib.sha256(), 0

        def measured() -> Iterator[bytes]:
            nonlocal size
            for chunk in sealed:
                digest.update(chunk)
                size += len(chunk)
                yield chunk

        path = self._path(name)
        self._disk.make_folder(path.parent)
        self._disk.write_new(path, measured())
        return StoredPart(name=name, sha256=digest.hexdigest(), size_bytes=size)

    def read(self, name: PartName) -> Iterator[bytes]:
        """See ObjectStore."""
        try:
            with self._path(name).open("rb") as stream:
                while chunk := stream.read(CHUNK_BYTES):
                    yield chunk
        except FileNotFoundError as err:
            raise MissingPart(name) from err

    def remove(self, name: PartName) -> None:
        """See ObjectStore."""
        path = self._path(name)
        if path.exists():
            self._disk.unlink(path)

    def remove_all(self, names: Iterable[PartName]) -> None:
        """See ObjectStore."""
        self._disk.unlink_all(path for path in map(self._path, names) if path.exists())

    def names(self) -> Iterator[str]:
        """See ObjectStore."""
        for path in sorted(self._root.rglob("*")):
            if path.is_file():
                expected = self._root / path.name[:2] / path.name
                yield path.name if path == expected else str(path.relative_to(self._root))

    def names_of(self, document_id: str) -> list[str]:
        """See ObjectStore."""
        folder = self._root / document_id[:2]
        return sorted(p.name for p in folder.glob(f"{document_id}.*") if not p.name.endswith(TEMP_SUFFIX))

    def sweep(self) -> None:
        """Remove temporary files of writes that a crash cut short."""
        for path in self._root.rglob(f"*{TEMP_SUFFIX}"):
            self._disk.unlink(path)

    def _path(self, name: PartName) -> Path:
        return self._root / name.document_id[:2] / str(name)


def fixity(store: ObjectStore, name: PartName) -> StoredPart:
    """Read a part through and say its hash and size."""
    digest, size = hashlib.sha256(), 0
    for chunk in store.read(name):
        digest.update(chunk)
        size += len(chunk)
    return StoredPart(name=name, sha256=digest.hexdigest(), size_bytes=size)
