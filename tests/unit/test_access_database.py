"""What a proof of erasure reads: every page of a database, however large, and never one that was changed."""

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from poststelle.access.database import ENCRYPTED_VFS, LOCK_PAGE, SQL_PAGE_BYTES, Database, open_database
from poststelle.durable import Disk
from poststelle.errors import Damaged

KEY = bytes(range(32))
BEYOND_LOCKS = 2**30 + 2**24


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A database of more than a gibibyte, written without waiting for the disk."""
    path = tmp_path_factory.mktemp("large") / "large.db"
    connection = apsw.Connection(str(path), vfs=ENCRYPTED_VFS)
    pragmas = {"cipher": "chacha20", "hexkey": ("raw:" + KEY.hex()).encode().hex(), "journal_mode": "OFF"}
    for name, value in {**pragmas, "synchronous": "OFF"}.items():
        connection.pragma(name, value)
    connection.execute("CREATE TABLE contents(number INTEGER PRIMARY KEY, letter BLOB NOT NULL)")
    connection.execute("CREATE TABLE words(word TEXT)")
    with connection:
        for number in range(BEYOND_LOCKS >> 24):
            connection.execute("INSERT INTO contents VALUES(?, zeroblob(1 << 24))", (number,))
        connection.execute("INSERT INTO words VALUES('hinterdemgigabyte')")
    connection.close()
    yield path
    path.unlink()


def test_a_database_larger_than_a_gibibyte_is_read_through(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At that size SQLite leaves out one page, which no key opens; a purge of a million letters ended there."""
    # So many pages at once that the one left out is the last of a piece: only then its error is told at once.
    monkeypatch.setattr("poststelle.access.database.PIECE_BYTES", 13 * 37 * SQL_PAGE_BYTES)
    assert (LOCK_PAGE + 1) % (13 * 37) == 0
    with open_database(large, Disk(), key=KEY) as database:
        assert large.stat().st_size > BEYOND_LOCKS
        others = sum(piece.count(b"hinterdemgigabyte") for _, piece in database.pages_of_removed("contents", [3]))

        assert others == 1
        assert database.value("SELECT count(*) FROM words") == 1, "and it can still be used"


def test_a_log_before_a_large_database_is_read_through(large: Path) -> None:
    """With a reader in the way a purge looks at the pages as they will be."""
    with open_database(large, Disk(), key=KEY) as database:
        database.run("INSERT INTO words VALUES('indemprotokoll')")

        assert sum(piece.count(b"indemprotokoll") for piece in database.pages()) == 1
        assert database.value("SELECT count(*) FROM words") == 2
        assert database.truncate_log()


@pytest.mark.parametrize("which", ["first of a piece", "amid a piece", "last"])
def test_a_changed_page_is_never_passed_over(tmp_path: Path, which: str) -> None:
    """Pages are read many at once; a proof that looked at what a wrong page decrypts to would prove nothing."""
    path = tmp_path / "small.db"
    with open_database(path, Disk(), key=KEY, create=True) as database:
        database.run("CREATE TABLE contents(number INTEGER PRIMARY KEY, letter BLOB NOT NULL)")
        database.run("INSERT INTO contents VALUES(1, zeroblob(1 << 21))")
        database.truncate_log()
        pages = path.stat().st_size // SQL_PAGE_BYTES
        at = {"first of a piece": 256, "amid a piece": 300, "last": pages - 1}[which] * SQL_PAGE_BYTES + 70
        with path.open("r+b") as file:
            file.seek(at)
            byte = file.read(1)
            file.seek(at)
            file.write(bytes([byte[0] ^ 1]))

        with pytest.raises(Damaged):
            _read_all(database)


def test_a_store_of_any_size_is_read_as_it_lies_on_the_disk(tmp_path: Path) -> None:
    """A key store of exactly 524,288 bytes was called damaged by the proof of a purge, and by nothing else."""
    path = tmp_path / "keys.db"
    with open_database(path, Disk(), key=None, create=True) as database:
        database.run("CREATE TABLE wraps(wrap BLOB NOT NULL)")
        sizes = set()
        while max(sizes, default=0) < 1 << 19:
            database.run("INSERT INTO wraps VALUES(randomblob(3900))")
            assert database.truncate_log()
            sizes.add(path.stat().st_size)
            assert list(database.stored_bytes()) == [path.read_bytes(), b""]
        assert {1 << bits for bits in (14, 15, 16, 17, 18, 19)} <= sizes


def _read_all(database: Database) -> None:
    for _ in database.pages():
        pass
