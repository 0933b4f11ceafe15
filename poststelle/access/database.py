"""The one module that opens databases: key, pragmas, write-ahead log, commits through the write seam.

Encrypted databases use SQLite3MultipleCiphers with ChaCha20-Poly1305 on every page and a raw random
32-byte key (no passphrase derivation: 0.3 ms an open). Deleted content is overwritten (`secure_delete`),
temporary tables stay in memory, and a commit is on disk when it returns (`synchronous=FULL`).

Plain databases (the key store, which the standard library must be able to read) carry SQLite's own
checksum of each page in eight reserved bytes (the cksumvfs extension), so that a flipped bit is found even
in unused space; other readers ignore those bytes.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from operator import attrgetter
from pathlib import Path
from struct import unpack_from
from types import TracebackType
from typing import Any, NamedTuple, Self

import apsw

from poststelle.durable import Disk
from poststelle.errors import Damaged, KeysRenewed, StorageError

Row = tuple[Any, ...]
Bindings = Sequence[Any] | dict[str, Any]

BUSY_TIMEOUT_MS = 10_000
SQL_PAGE_BYTES = 4096
PIECE_BYTES = 256 * SQL_PAGE_BYTES
"""What is read at once of a database that is scanned."""
NEIGHBOURS = 8
"""Pages on either side of a removed row's own that are looked through; SQLite balances three at a time."""
LOCK_PAGE = 2**30 // SQL_PAGE_BYTES
"""The page, from 0, that SQLite keeps for its locks alone: nothing is ever written there, so nothing authenticates."""
MOST_ROWS = 2**63 - 1
FILE_HEADER_BYTES, INNER_TABLE_PAGE = 100, 5
"""Of SQLite's file format: what stands before the first page; how a page begins that only leads to others."""
ENCRYPTED_VFS = "multipleciphers-unix"
CHECKSUM_VFS = "cksmvfs"
CHECKSUM_BYTES = 8
_CREATES = re.compile(r"CREATE (?:UNIQUE )?(?:TABLE|INDEX) (\w+)")
CACHED_KIB = 32 * 1024
"""Of decrypted pages that a connection keeps which answers questions; others keep two megabytes."""
ALL_CACHED_BYTES = 48 * 1024 * 1024
"""Of everything SQLite keeps in a process; near it, connections use their own pages again instead of new ones."""
PRAGMAS = (
    ("secure_delete", "ON"),
    ("temp_store", "MEMORY"),
    ("journal_mode", "WAL"),
    ("synchronous", "FULL"),
    ("foreign_keys", "ON"),
    ("trusted_schema", "OFF"),
)


class Database:
    """One open database. Not shared between threads."""

    def __init__(self, connection: apsw.Connection, path: Path, disk: Disk) -> None:
        self._connection = connection
        self._disk = disk
        self.path = path
        self.keys_changed: Callable[[], bool] = lambda: False
        """Asked when a page does not authenticate: whether the key book names another key by now."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            with _translated(self.path):
                yield
        except Damaged as err:
            if self.keys_changed():
                raise KeysRenewed from err
            raise

    def close(self) -> None:
        """Close; an unfinished transaction is rolled back."""
        self._connection.close()

    def rows(self, sql: str, bindings: Bindings = ()) -> Iterator[Row]:
        """Run one statement and yield its rows.

        Raises:
            Damaged: a page does not authenticate or the file is malformed.
            StorageError: the disk is full or does not answer.
        """
        with self._translated():
            yield from self._connection.execute(sql, bindings)

    def row(self, sql: str, bindings: Bindings = ()) -> Row | None:
        """The first row, or None."""
        return next(iter(list(self.rows(sql, bindings))), None)

    def value(self, sql: str, bindings: Bindings = ()) -> Any:
        """The first column of the first row, or None."""
        row = self.row(sql, bindings)
        return None if row is None else row[0]

    def run(self, sql: str, bindings: Bindings = ()) -> int:
        """Run one changing statement; returns how many rows it changed."""
        with self._translated():
            list(self._connection.execute(sql, bindings))
            return self._connection.changes()

    def run_many(self, sql: str, rows: Sequence[Bindings]) -> None:
        """Run one changing statement once for each row of bindings."""
        with self._translated():
            self._connection.executemany(sql, rows)

    def run_script(self, sql: str) -> None:
        """Run several statements, e.g. a schema; no bindings."""
        with self._translated():
            for _ in self._connection.execute(sql):
                pass

    def lacks(self, names: Collection[str]) -> list[str]:
        """Which of these tables and indexes are not there: an earlier program made the database without them."""
        there = {row[0] for row in self.rows("SELECT name FROM sqlite_master")}
        return [name for name in names if name not in there]

    def add_missing(self, schema: str, names: Collection[str]) -> list[str]:
        """Make those of these tables and indexes of a schema that are not there, empty; returns their names."""
        made = {found[1]: sql for sql in schema.split(";") if (found := _CREATES.match(sql.strip()))}
        with self.transaction():
            missing = self.lacks(names)
            for name in missing:
                self.run(made[name])
        return missing

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write transaction: takes the write lock at once, commits at the end, rolls back on any error."""
        with self._translated():
            list(self._connection.execute("BEGIN IMMEDIATE"))
        try:
            yield
            self._disk.step("commit", self.path.name)
            with self._translated():
                self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def keep_pages(self) -> None:
        """Keep many decrypted pages from now on: what several statements of one question read is decrypted once."""
        with self._translated():
            self._connection.pragma("cache_size", -CACHED_KIB)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read transaction: every statement inside sees the same state."""
        with self._translated():
            self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._connection.execute("ROLLBACK")

    def state(self) -> tuple[int, int]:
        """What is another one as soon as this or any other connection has changed the database."""
        return self.value("PRAGMA data_version"), self._connection.total_changes()

    @property
    def last_insert_id(self) -> int:
        """Row id of the last INSERT."""
        return self._connection.last_insert_rowid()

    def add_function(self, name: str, function: Any, arguments: int) -> None:
        """Make a deterministic Python function callable from SQL."""
        self._connection.create_scalar_function(name, function, arguments, deterministic=True)

    def truncate_log(self) -> bool:
        """Move the write-ahead log into the database and empty it; False while another reader keeps it."""
        self._disk.step("checkpoint", self.path.name)
        with self._translated():
            busy, _, _ = next(iter(self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")))
        return bool(busy == 0)

    def rewrite(self) -> None:
        """Write every row into fresh pages; room for a copy is needed meanwhile."""
        self._disk.step("rewrite", self.path.name)
        with self._translated():
            list(self._connection.execute("VACUUM"))

    def change_key(self, key: bytes) -> None:
        """Re-encrypt every page under a new raw key; open readers must reopen."""
        self._disk.step("rekey", self.path.name)
        with self._translated():
            self._connection.pragma("hexrekey", _raw_key(key))

    def problems(self) -> list[str]:
        """What SQLite's own integrity check says, every page read and authenticated; empty if all is well."""
        try:
            found = [str(row[0]) for row in self.rows("PRAGMA integrity_check(20)")]
            page_bytes, pages = self.value("PRAGMA page_size"), self.value("PRAGMA page_count")
        except Damaged:
            return ["not every page of it is as it was written"]
        size = self.path.stat().st_size
        # SQLite passes over what is not a whole page; the write-ahead log may hold pages that are not here yet.
        if size % page_bytes or size > pages * page_bytes:
            found.append("its length is not that of its pages")
        return [problem for problem in found if problem != "ok"]

    def pages(self) -> Iterator[bytes]:
        """Every decrypted page, freed ones included, write-ahead log applied, in pieces of whole pages."""
        with self.snapshot():
            # The snapshot begins with its first read; from then on nobody may move the log into the file.
            self.value("SELECT count(*) FROM sqlite_master")
            yield from self._pieces()

    def pages_of_removed(self, table: str, rows: Sequence[int]) -> Iterator[tuple[bytes, bytes]]:
        """As (pages of a table where these rows may have been, pages of everything else): what an erasure proof scans.

        A table keeps its rows in order of their numbers and moves them to neighbouring pages only, so its pages far
        away are left out. Pages that were given back count as everything else.
        """
        with self.snapshot():
            self.value("SELECT count(*) FROM sqlite_master")
            if self._log_bytes():
                # What the file says of pages may be old: then every page counts as both.
                yield from ((piece, piece) for piece in self._pieces())
                return
            leaves = self._leaves(table)
            near = {page for row in rows for page in leaves.around(row)}
            yield b"".join(self._read(page, 1) for page in sorted(near)), b""
            for piece in self._pieces_between(leaves.pages):
                yield b"", piece

    def _pieces_between(self, left_out: Collection[int]) -> Iterator[bytes]:
        """Decrypted pages of the file but these, as far as they lie together; every one is checked."""
        with self._translated():
            for first, count in self._stretches_between(left_out, PIECE_BYTES // SQL_PAGE_BYTES):
                yield self._connection.read("main", 0, first * SQL_PAGE_BYTES, count * SQL_PAGE_BYTES)[1]
        self._demand_sound_pages()

    def _stretches_between(self, left_out: Collection[int], most: int) -> Iterator[tuple[int, int]]:
        """(first page, how many, at most so many) of what lies between these pages, in order."""
        pages = self.path.stat().st_size // SQL_PAGE_BYTES
        edges = sorted({page for page in (*left_out, LOCK_PAGE) if page < pages})
        for before, after in pairwise((-1, *edges, pages)):
            for first in range(before + 1, after, most):
                yield first, min(after - first, most)

    def _demand_sound_pages(self) -> None:
        # Of several pages read at once only the last one's error is told; the others' meets whoever asks next.
        self.value("SELECT count(*) FROM sqlite_master")

    def _read(self, first: int, count: int) -> bytes:
        """Decrypted pages of the file, the first one being 0; every one is checked."""
        with self._translated():
            return self._connection.read("main", 0, first * SQL_PAGE_BYTES, count * SQL_PAGE_BYTES)[1]

    def _pieces(self) -> Iterator[bytes]:
        if self._log_bytes():
            with self._translated():
                image = memoryview(self._connection.serialize("main"))
            for start in range(0, len(image), PIECE_BYTES):
                yield bytes(image[start : start + PIECE_BYTES])
            self._demand_sound_pages()
            return
        # With an empty log the file is everything; read through SQLite's own layer, which decrypts and checks.
        yield from self._pieces_between([])

    def _log_bytes(self) -> int:
        log = self.path.with_name(f"{self.path.name}-wal")
        return log.stat().st_size if log.exists() else 0

    def _leaves(self, table: str) -> "_Leaves":
        root = int(self.value("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,))) - 1
        if not self._is_inner(root):
            return _Leaves([root], [])
        level = [self._inner(root, MOST_ROWS)]
        # All rows of a table lie equally deep.
        while self._is_inner(level[0].below[0]):
            level = [
                self._inner(*below) for inner in level for below in zip(inner.below, inner.last_rows(), strict=True)
            ]
        return _Leaves([page for inner in level for page in inner.below], level)

    def _is_inner(self, page: int) -> bool:
        return self._read(page, 1)[FILE_HEADER_BYTES if page == 0 else 0] == INNER_TABLE_PAGE

    def _inner(self, page: int, last_row: int) -> "_Inner":
        content = self._read(page, 1)
        header = FILE_HEADER_BYTES if page == 0 else 0
        (cells,) = unpack_from(">H", content, header + 3)
        places = unpack_from(f">{cells}H", content, header + 12)
        below = [unpack_from(">I", content, at)[0] - 1 for at in (*places, header + 8)]
        return _Inner(content, places, below, last_row)

    def stored_bytes(self) -> Iterator[bytes]:
        """The file, then its write-ahead log, as they lie on the disk: what a proof of deletion looks through.

        Read through SQLite's own descriptors. Opening the file once more and closing it would drop the locks of this
        process (POSIX ties them to the file), and the next program to close the database would take the log away.
        """
        for which, name in ((0, self.path), (1, self.path.with_name(f"{self.path.name}-wal"))):
            size = name.stat().st_size if name.exists() else 0
            with self._translated():
                # The checksum extension takes whatever is read whose size is a power of two for one page.
                stretches = ((0, 1), (1, size - 1)) if size else ()
                yield b"".join(self._connection.read("main", which, *stretch)[1] for stretch in stretches)

    def copy_to(self, target: "Database") -> None:
        """Replace the whole content of `target` by this database's (same key or both plain)."""
        target._disk.step("commit", target.path.name)
        with _translated(target.path), target._connection.backup("main", self._connection, "main") as backup:
            while not backup.done:
                backup.step(256)


class _Inner(NamedTuple):
    """A page of a table that leads to others."""

    content: bytes
    places: tuple[int, ...]
    """Where in it what leads to each page below stands, but to the last."""
    below: list[int]
    """Pages, the first of the file being 0, in the order of their rows."""
    last_row: int
    """The highest row number that any of them may hold."""

    def last_rows(self) -> list[int]:
        """The highest row number that each page below may hold."""
        return [*(_number(self.content[at + 4 : at + 13]) for at in self.places), self.last_row]


class _Leaves(NamedTuple):
    """The pages with the rows of a table, in their order."""

    pages: list[int]
    above: list[_Inner]
    """The pages that lead to them; none where there is but one."""

    def around(self, row: int) -> list[int]:
        """The pages where a row has its place, or had it before its neighbours were removed."""
        before = bisect_left(self.above, row, key=attrgetter("last_row"))
        at = sum(len(inner.below) for inner in self.above[:before])
        if before < len(self.above):
            at += bisect_left(self.above[before].last_rows(), row)
        return self.pages[max(at - NEIGHBOURS, 0) : at + NEIGHBOURS + 1]


def _number(written: bytes) -> int:
    """A number as SQLite writes row numbers: seven bits a byte, the eighth says that more follows."""
    value = 0
    for byte in written[:8]:
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value
    return value << 8 | written[8]


def open_database(path: Path, disk: Disk, *, key: bytes | None, create: bool = False) -> Database:
    """Open an encrypted database (or a plain one with `key=None`), in WAL mode.

    Raises:
        Damaged: wrong key, or not a database, or a damaged first page.
        StorageError: the file is missing (unless `create`) or cannot be opened.
    """
    if create and not path.exists():
        disk.make_folder(path.parent)
        disk.step("write", path.name)
    if not create and path.exists() and path.stat().st_size < SQL_PAGE_BYTES:
        # SQLite would take what is shorter than a page for a new database without tables.
        raise _damaged(path)
    flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if create else 0)
    apsw.soft_heap_limit(ALL_CACHED_BYTES)
    with _translated(path):
        connection = apsw.Connection(str(path), flags=flags, vfs=ENCRYPTED_VFS if key is not None else _checksum_vfs())
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        try:
            if key is not None:
                connection.pragma("cipher", "chacha20")
                connection.pragma("hexkey", _raw_key(key))
            elif create:
                connection.reserve_bytes("main", CHECKSUM_BYTES)
            for pragma in PRAGMAS:
                connection.pragma(*pragma)
            list(connection.execute("SELECT count(*) FROM sqlite_master"))
        except BaseException:
            connection.close()
            raise
    if create:
        path.chmod(0o600)
        disk.sync_folder(path.parent)
    return Database(connection, path, disk)


def _checksum_vfs() -> str:
    """Load the checksum extension once into this process; SQLite keeps it, so this is not undone."""
    if CHECKSUM_VFS not in apsw.vfs_names():
        from apsw import sqlite_extra

        loader = apsw.Connection(":memory:")
        try:
            sqlite_extra.load(loader, "cksumvfs")
        finally:
            loader.close()
    return CHECKSUM_VFS


def _raw_key(key: bytes) -> str:
    if len(key) != 32:
        raise ValueError("a database key is 32 bytes")
    return ("raw:" + key.hex()).encode().hex()


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours; a programmer's mistake (SQLError) stays a traceback."""
    try:
        yield
    except (apsw.CorruptError, apsw.NotADBError) as err:
        raise _damaged(path) from err
    except apsw.IOError as err:
        if getattr(err, "extendedresult", 0) == apsw.SQLITE_IOERR_DATA:
            raise _damaged(path) from err
        raise _unusable(path, err) from err
    except (apsw.FullError, apsw.CantOpenError, apsw.ReadOnlyError, apsw.BusyError, apsw.LockedError) as err:
        raise _unusable(path, err) from err


def _damaged(path: Path) -> Damaged:
    return Damaged(
        f"The database {path.parent.name}/{path.name} was changed, cut or opened with another key; nothing of it was "
        f"used. {_repair(path)}"
    )


def _unusable(path: Path, err: apsw.Error) -> StorageError:
    if not path.exists():
        return StorageError(
            f"The database {path.parent.name}/{path.name} is not there. If its disk is only not mounted, mount it. "
            f"{_repair(path)}"
        )
    return StorageError(
        f"The database {path.name} cannot be read or written ({err}). Nothing was lost; check free space, "
        "permissions and whether another program holds it, then try again."
    )


def _repair(path: Path) -> str:
    """What helps when a database is damaged or lost: keys, catalogue and indexes each have their command."""
    if path.name == "keys.db":
        return "`poststelle rebuild keys --dry-run` says what can be repaired."
    if path.name == "catalogue.db":
        return "`poststelle rebuild catalogue --dry-run` says what it would be made anew from."
    if path.parent.name == "index" and not path.stem.startswith("share-"):
        return f"`poststelle rebuild index {path.stem}` makes it anew."
    return "`poststelle verify` tells what is affected."
