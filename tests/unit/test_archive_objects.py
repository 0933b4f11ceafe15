"""Sealed parts at rest: whole under their name or not there, and every stray file accounted for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.objects import FileObjects, MissingPart, PartName, fixity
from poststelle.durable import Disk
from poststelle.records import Part

NAME = PartName(document_id="ab" * 16, part=Part.ORIGINAL)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "objects"


@pytest.fixture
def objects(root: Path) -> FileObjects:
    return FileObjects(root, Disk())


def test_a_part_is_what_was_written(objects: FileObjects, root: Path) -> None:
    """Hash and size go into the catalogue: they must be those of the file."""
    stored = objects.write(NAME, [b"one", b"two"])

    assert b"".join(objects.read(NAME)) == b"onetwo"
    assert fixity(objects, NAME) == stored
    assert stored.size_bytes == 6
    assert list(objects.names()) == [f"{'ab' * 16}.original.1"]
    assert (root / "ab" / str(NAME)).stat().st_mode & 0o777 == 0o600


def test_a_write_that_breaks_off_leaves_nothing_under_the_name(objects: FileObjects, root: Path) -> None:
    """Half a part must never be mistaken for a whole one."""

    def chunks() -> Iterator[bytes]:
        yield b"half"
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        objects.write(NAME, chunks())
    with pytest.raises(MissingPart):
        list(objects.read(NAME))
    assert [path for path in root.rglob("*") if path.is_file()] == []

    objects.write(NAME, [b"first"])
    with pytest.raises(OSError, match="disk full"):
        objects.write(NAME, chunks())
    assert b"".join(objects.read(NAME)) == b"first", "a failed rewrite keeps what was there"


def test_leftovers_of_a_crash_are_swept_and_parts_are_not(objects: FileObjects, root: Path) -> None:
    """A kill in the middle of a write leaves a temporary file: it goes at the next start, letters stay."""
    objects.write(NAME, [b"content"])
    (root / "ab" / f"{NAME}.0123abcd.tmp").write_bytes(b"half")

    objects.sweep()

    assert list(objects.names()) == [str(NAME)]


def test_strangers_are_named_where_they_lie(objects: FileObjects, root: Path) -> None:
    """A part in the wrong folder is no part: verify must be able to say where it is."""
    objects.write(NAME, [b"content"])
    (root / "cd").mkdir()
    (root / "cd" / str(NAME)).write_bytes(b"x")

    assert set(objects.names()) == {str(NAME), f"cd/{NAME}"}


def test_removing_twice_is_fine(objects: FileObjects) -> None:
    """Disposition may be repeated after a crash."""
    objects.write(NAME, [b"content"])
    objects.remove(NAME)
    objects.remove(NAME)
    with pytest.raises(MissingPart) as missing:
        list(objects.read(NAME))
    assert missing.value.code == "A014"
