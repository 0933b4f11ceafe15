"""The key store and its mirror: the same keys in two places, whatever happens between the two."""

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.keystore import CONTENT, LETTER, TEXT, DocumentWrap, KeyStore
from poststelle.durable import Disk
from poststelle.errors import Damaged, StorageError
from poststelle.stages import Stage

ONE, TWO = "01" * 16, "02" * 16


def wraps(document_id: str, fill: bytes = b"\xa5") -> list[DocumentWrap]:
    return [
        DocumentWrap(document_id=document_id, part_set=part, version=1, scope_id=scope, epoch=1, wrap=fill * 1168)
        for part, scope in ((CONTENT, "c" * 16), (TEXT, "i" * 16))
    ]


class FailingCommits(Disk):
    """Fails the n-th commit from now on."""

    def __init__(self) -> None:
        self.left = 10**9

    def step(self, action: str, target: str) -> None:
        if action == "commit":
            self.left -= 1
            if self.left == 0:
                raise OSError("power cut")


@pytest.fixture
def disk() -> FailingCommits:
    return FailingCommits()


@pytest.fixture
def places(tmp_path: Path, disk: FailingCommits) -> tuple[Path, Path]:
    """(store, mirror) with one document."""
    main, mirror = tmp_path / "keys" / "keys.db", tmp_path / "mirror" / "keys.db"
    for path in (main, mirror):
        path.parent.mkdir()
    store = KeyStore.create(main, mirror, disk)
    store.replace_wraps(ONE, wraps(ONE))
    store.register(ONE, LETTER, "i" * 16, 2026, 1, 1, Stage.FILED)
    store.close()
    return main, mirror


@pytest.fixture
def store(places: tuple[Path, Path], disk: FailingCommits) -> Iterator[KeyStore]:
    opened = KeyStore.open(*places, disk)
    yield opened
    opened.close()


def test_the_standard_library_reads_the_store(places: tuple[Path, Path]) -> None:
    """recover.py must read the keys with nothing but Python, in ten years too."""
    for path in places:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as plain:
            rows = plain.execute("SELECT document, part_set, wrap FROM wraps ORDER BY part_set").fetchall()
        assert rows == [(ONE, CONTENT, b"\xa5" * 1168), (ONE, TEXT, b"\xa5" * 1168)]


def test_a_mirror_that_a_crash_left_behind_is_repaired(
    places: tuple[Path, Path], store: KeyStore, disk: FailingCommits
) -> None:
    """The power fails between the two commits: the next start must bring the mirror up, not refuse to work."""
    disk.left = 2
    with pytest.raises(OSError, match="power cut"):
        store.replace_wraps(TWO, wraps(TWO))
    store.close()
    disk.left = 10**9
    mirror_alone = KeyStore.open(places[1], None, disk)
    assert mirror_alone.wraps_of(TWO) == [], "the control: the mirror is behind"
    mirror_alone.close()

    repaired = KeyStore.open(*places, disk)

    assert repaired.problems() == []
    assert repaired.has_wraps(wraps(TWO))
    repaired.close()


def test_a_failed_first_commit_changes_neither(store: KeyStore, disk: FailingCommits) -> None:
    """A full disk while keys are written: both copies stay as they were, and the next try works."""
    disk.left = 1
    with pytest.raises(OSError, match="power cut"):
        store.replace_wraps(TWO, wraps(TWO))
    assert not store.has_wraps(wraps(TWO))
    assert store.problems() == []

    store.replace_wraps(TWO, wraps(TWO))
    assert store.has_wraps(wraps(TWO))


def test_a_store_older_than_its_mirror_is_refused(places: tuple[Path, Path], disk: FailingCommits) -> None:
    """Somebody puts yesterday's key store back: today's letters have no keys in it, and destroyed ones have again."""
    old = places[0].with_name("old.db")
    shutil.copyfile(places[0], old)
    store = KeyStore.open(*places, disk)
    store.replace_wraps(TWO, wraps(TWO))
    store.settle()
    store.close()
    shutil.copyfile(old, places[0])

    with pytest.raises(Damaged, match="older than its mirror"):
        KeyStore.open(*places, disk)


def test_a_missing_store_or_mirror_is_told_with_its_way_out(places: tuple[Path, Path], disk: FailingCommits) -> None:
    """An unmounted disk must not lead to an empty key store beside a full archive."""
    places[1].rename(places[1].with_name("away"))
    with pytest.raises(StorageError, match="mirror"):
        KeyStore.open(*places, disk)
    places[0].unlink()
    with pytest.raises(Damaged, match="Do not run init"):
        KeyStore.open(*places, disk)
    assert not places[0].exists()


def test_wraps_that_differ_are_found(places: tuple[Path, Path], disk: FailingCommits) -> None:
    """A wrap changed in one copy only: verify must see that the two no longer agree."""
    mirror = KeyStore.open(places[1], None, disk)
    mirror._main.run("UPDATE wraps SET wrap = ? WHERE part_set = ?", (b"\0" * 1168, TEXT))
    mirror.settle()
    mirror.close()

    store = KeyStore.open(*places, disk)

    assert store.problems() == ["store and mirror differ in the table wraps"]
    store.close()


def test_forgetting_leaves_no_wrap_in_any_byte(places: tuple[Path, Path], disk: FailingCommits) -> None:
    """To destroy a letter is to destroy its keys: they must be gone from both files and both logs."""
    store = KeyStore.open(*places, disk)
    trace = b"\xa5" * 64
    store.settle()
    assert all(trace in path.read_bytes() for path in places), "the control: it can be found"

    store.forget(ONE)
    assert store.settle()

    files = [file for path in places for file in path.parent.iterdir()]
    assert [file for file in files if trace in file.read_bytes()] == []
    assert (store.wraps_of(ONE), store.find(ONE)) == ([], None)
    store.close()


def test_repeating_a_step_changes_nothing(store: KeyStore) -> None:
    """After a crash every step is done again: the letter keeps one set of wraps and one row."""
    for _ in range(2):
        store.replace_wraps(TWO, wraps(TWO))
        store.register(TWO, LETTER, "i" * 16, 2026, 2, 1, Stage.FILED)

    assert len(store.wraps_of(TWO)) == 2
    assert [r.document_id for r in store.registered(["i" * 16])] == [ONE, TWO]
    assert store.find_number("i" * 16, LETTER, 2026, 2) == store.find(TWO)
    assert store.unregistered() == []


def test_a_reader_cannot_change_keys(places: tuple[Path, Path], disk: FailingCommits) -> None:
    """Without the mirror beside it a change would be lost with one disk."""
    reader = KeyStore.open(places[0], None, disk)
    with pytest.raises(ValueError, match="reading"):
        reader.forget(ONE)
    reader.close()
