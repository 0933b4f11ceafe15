"""The power-cut drill: what was written and never fsynced is gone, or arrives in another order.

A kill leaves everything that the program wrote in the kernel's hands. A power cut does not. Here an operation is
recorded: each file that is made, renamed, removed or fsynced, each folder that is fsynced, seen through Python's
audit events and a wrapped `os.fsync`, not through the program's own write seam. For each moment of it the tree is
then laid out as a power cut at that moment may leave it, the next start runs on it, and the checker looks.

What may survive, per moment:
- `nothing`: only what was fsynced: names by the fsync of their folder, contents by that of their file;
- `names`: every name, but files that were not fsynced are empty, and what was appended since is missing;
- `some N`: of the changes of names since the last fsync a random half, of each unsynced content a random part.

A rename is one change: journaling file systems write both its ends together. SQLite's own files are taken as they
are at that moment: their writes are not visible from here, and SQLite fsyncs each commit (`synchronous=FULL`).
"""

import json
import os
import random
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from drills.crash import broken, fast, in_child, judged
from drills.operations import Operation, Prepared
from simulators import Office

from poststelle.durable import Disk

SOME = 3
"""Random survivals tried for each moment."""
DATABASE_ENDINGS = (".db", ".db-wal", ".db.tmp", ".rebuilding.tmp", ".rebuilding.tmp-wal")


@dataclass(frozen=True, slots=True)
class Change:
    """One change of names: `gone` disappears, `new` appears and holds the file (or folder) with that inode."""

    gone: Path | None
    new: Path | None
    inode: int
    is_folder: bool = False


@dataclass(frozen=True, slots=True)
class Moment:
    """What a power cut right now would find."""

    pending: tuple[Change, ...]
    """Changes of names that no fsync has made durable, in order."""
    durable_names: dict[Path, tuple[int, bool]]
    """(inode, whether it is a folder) by path."""
    durable: dict[int, bytes]
    """Contents by inode as of their last fsync."""
    volatile: dict[int, bytes]
    """Contents by inode as they are."""
    databases: dict[Path, bytes]


@dataclass(slots=True)
class Recorder:
    """Watches one tree. Lives in a forked child: an audit hook cannot be taken away again."""

    root: Path
    moments: list[Moment] = field(default_factory=list)
    _pending: list[Change] = field(default_factory=list)
    _names: dict[Path, tuple[int, bool]] = field(default_factory=dict)
    _durable: dict[int, bytes] = field(default_factory=dict)
    _read: dict[int, tuple[int, int, bytes]] = field(default_factory=dict)
    _busy: bool = False

    def begin(self) -> None:
        """What is there now is durable."""
        for path in self._below():
            stat = path.lstat()
            self._names[path] = (stat.st_ino, path.is_dir())
            if not path.is_dir():
                self._durable[stat.st_ino] = self._content(path)

    def hook(self, event: str, arguments: tuple[object, ...]) -> None:
        """Python's audit hook; called before the change happens."""
        if self._busy or event not in {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir"}:
            return
        self._busy = True
        try:
            change = self._change(event, arguments)
            if change is not None:
                self.moments.append(self._moment())
                self._pending.append(change())
        finally:
            self._busy = False

    def synced(self, descriptor: int) -> None:
        """A file or folder was fsynced."""
        self._busy = True
        try:
            path = Path(f"/proc/self/fd/{descriptor}").readlink()
            if not path.is_relative_to(self.root):
                return
            self.moments.append(self._moment())
            if path.is_dir():
                self._folder_synced(path)
            else:
                self._durable[path.lstat().st_ino] = self._content(path)
        finally:
            self._busy = False

    def end(self) -> None:
        """The moment after everything."""
        self._busy = True
        self.moments.append(self._moment())

    def _folder_synced(self, folder: Path) -> None:
        kept = []
        for change in self._pending:
            if folder in {p.parent for p in (change.gone, change.new) if p is not None}:
                _apply(change, self._names)
            else:
                kept.append(change)
        self._pending = kept

    def _change(self, event: str, arguments: tuple[object, ...]) -> Callable[[], Change] | None:
        """How the change will be told, once it has happened; None if it is none of ours."""
        if not isinstance(arguments[0], str | os.PathLike):
            return None
        first = Path(os.fsdecode(arguments[0]))
        first = first if first.is_absolute() else Path.cwd() / first
        if not first.is_relative_to(self.root) or first.name.endswith((*DATABASE_ENDINGS, "-shm")):
            return None
        if event == "open":
            flags = arguments[2]
            if not isinstance(flags, int) or not flags & os.O_CREAT or first.exists():
                return None
            return lambda: Change(None, first, -1)  # its inode is known when somebody looks at it
        if event == "os.mkdir":
            return None if first.exists() else lambda: Change(None, first, -1, is_folder=True)
        if not os.path.lexists(first):
            return None
        inode, is_folder = first.lstat().st_ino, first.is_dir()
        if event == "os.rename":
            target = Path(os.fsdecode(arguments[1]))  # type: ignore[arg-type]
            return lambda: Change(first, target, inode, is_folder)
        return lambda: Change(first, None, inode, is_folder)

    def _moment(self) -> Moment:
        """What is there right now."""
        self._pending = [
            Change(c.gone, c.new, c.new.lstat().st_ino, c.is_folder)
            if c.inode == -1 and c.new is not None and os.path.lexists(c.new)
            else c
            for c in self._pending
        ]
        volatile, databases = {}, {}
        for path in self._below():
            if path.is_dir() or path.name.endswith("-shm"):
                continue
            content = self._content(path)
            volatile[path.lstat().st_ino] = content
            if path.name.endswith(DATABASE_ENDINGS):
                databases[path] = content
        return Moment(tuple(self._pending), dict(self._names), dict(self._durable), volatile, databases)

    def _content(self, path: Path) -> bytes:
        stat = path.lstat()
        known = self._read.get(stat.st_ino)
        if known is None or known[:2] != (stat.st_size, stat.st_mtime_ns):
            known = self._read[stat.st_ino] = (stat.st_size, stat.st_mtime_ns, path.read_bytes())
        return known[2]

    def _below(self) -> Iterator[Path]:
        for path in sorted(self.root.rglob("*")):
            if not path.is_symlink() and (path.is_dir() or path.is_file()):
                yield path


def _apply(change: Change, names: dict[Path, tuple[int, bool]]) -> None:
    if change.gone is not None:
        moved = {p: what for p, what in names.items() if p == change.gone or p.is_relative_to(change.gone)}
        for path in moved:
            del names[path]
        if change.new is not None:
            for path, what in moved.items():
                if path != change.gone:
                    names[change.new / path.relative_to(change.gone)] = what
    if change.new is not None:
        names[change.new] = (change.inode, change.is_folder)


@contextmanager
def recording(root: Path) -> Iterator[Recorder]:
    """Record what happens below a folder. Only in a child that ends soon."""
    recorder, real = Recorder(root), os.fsync
    recorder.begin()

    def fsync(descriptor: int) -> None:
        real(descriptor)
        recorder.synced(descriptor)

    os.fsync = fsync
    sys.addaudithook(recorder.hook)
    yield recorder
    recorder.end()
    os.fsync = real


def survivals() -> Iterator[str]:
    """Names of what may survive."""
    yield from ("nothing", "names", *(f"some {n}" for n in range(1, SOME + 1)))


def lay_out(moment: Moment, survival: str, root: Path, old: Path, seed: int) -> None:
    """Make the tree as a power cut leaves it, below `root`; the recorded one lay below `old`."""
    dice = random.Random(f"{survival} {seed}")
    names = dict(moment.durable_names)
    for change in moment.pending:
        if survival == "names" or (survival.startswith("some") and dice.random() < 0.5):
            _apply(change, names)
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    for path, (inode, is_folder) in sorted(names.items()):
        place = root / path.relative_to(old)
        if path.name.endswith((*DATABASE_ENDINGS, "-shm")):
            continue
        if is_folder:
            place.mkdir(parents=True, exist_ok=True)
        elif place.parent.is_dir():
            place.write_bytes(_content(moment, inode, survival, dice))
    for path, content in moment.databases.items():
        place = root / path.relative_to(old)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def _content(moment: Moment, inode: int, survival: str, dice: random.Random) -> bytes:
    durable, volatile = moment.durable.get(inode, b""), moment.volatile.get(inode)
    if volatile is None or not survival.startswith("some"):
        return durable
    if len(volatile) > len(durable) and volatile.startswith(durable):
        return volatile[: dice.randint(len(durable), len(volatile))]
    return dice.choice((durable, volatile))


def cut_power(operation: Operation, empty: Office, folder: Path, *, every: int = 1) -> tuple[int, int, list[str]]:
    """Try every moment of one operation: (moments, states tried, what broke)."""
    prepared = operation.prepare(empty.copy_to(folder / "template"))
    recorded = prepared.office.copy_to(folder / "recorded")
    with recording(recorded.root) as recorder:
        operation.act(recorded, Disk(), prepared)
    failures, tried = [], 0
    for number, moment in enumerate(recorder.moments):
        if number % every:
            continue
        for survival in survivals():
            office = prepared.office.copy_to(folder / "try")
            lay_out(moment, survival, office.root, recorded.root, number)
            tried += 1
            failures += [
                f"{operation.name}, power cut at moment {number}, {survival} survives: {what}"
                for what in _after(operation, office, prepared)
            ]
            shutil.rmtree(office.root)
    return len(recorder.moments), tried, failures


def in_turn(
    operations: Sequence[Operation], empty: Office, *, every: int = 1
) -> Iterator[tuple[Operation, int, int, list[str]]]:
    """Each operation in a child of its own, because the recorder stays in its process for good."""
    for operation in operations:
        with tempfile.TemporaryDirectory(prefix="power-", dir=fast()) as folder:
            reader, writer = os.pipe()
            if os.fork() == 0:
                os.close(reader)
                try:
                    answer = cut_power(operation, empty, Path(folder), every=every)
                except BaseException:
                    answer = (0, 0, [f"{operation.name}: {traceback.format_exc()}"])
                with os.fdopen(writer, "w") as stream:
                    json.dump(answer, stream)
                os._exit(0)
            os.close(writer)
            with os.fdopen(reader) as stream:
                moments, tried, failures = json.load(stream)
            os.wait()
        yield operation, moments, tried, failures


def _after(operation: Operation, office: Office, prepared: Prepared) -> list[str]:
    said = []
    if not in_child(lambda: operation.repair(office, prepared)):
        said.append("the repair failed")
    return [*said, *broken(office, prepared, settled=True), *judged(operation, office, prepared)]
