"""Whether a file in the inbox is whole: closed by its writer, unchanged for a while, complete in its structure."""

import fcntl
import os
import signal
import stat
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import overload

from intake.snapshot import Snapshot
from intake.structure import is_complete

CLOSED_SETTLE_SECONDS = 0.3
"""How long a file must be quiet after its writer closed it, if it has an end that shows. The longer time of the
configuration is for writers of whom nobody tells, and for kinds that look whole after every page."""
CLOCK_SET_SECONDS = 5.0
"""By more than this against the seconds that passed, the wall clock was set."""
_WINDOW_BYTES = 1 << 16
_END_SHOWS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"%PDF-")


class WholenessState(StrEnum):
    """What to do with a file now."""

    WHOLE = "whole"
    """Take it."""
    NOT_YET = "not-yet"
    """Somebody may still be writing: look again later."""
    GIVEN_UP = "given-up"
    """Half a file that nobody continues: take it, it goes to quarantine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wholeness:
    """The state of a file, and why."""

    state: WholenessState
    reason: str = ""
    """For NOT_YET: "open", "changing", "incomplete" or "gone"; for GIVEN_UP: a reason code of quarantine."""
    again_seconds: float | None = None
    """When to look again, for NOT_YET; None where it is for the caller to choose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """How a file looked when it last changed, and when we first saw it so."""

    inode: int
    size_bytes: int
    modified_ns: int
    changed_ns: int
    since: float


class Handover(StrEnum):
    """What the kernel told of a file last: why it may be taken sooner than after the whole settling time."""

    CLOSED = "closed"
    """Its writer closed it."""
    MOVED_IN = "moved-in"
    """It got its name by a rename: whoever does that has finished writing."""


class Observer:
    """Remembers how files looked. Time is told, never read: `now` is UTC, `elapsed` counts seconds.

    With `same_clock` the file system stamps files by this machine's clock, and a file that has lain there for long
    is taken at the first look. A share stamps by a clock of its own, which may be hours off: there only what we
    saw ourselves counts. So it is with files from before the clock was set: a leap forward makes nothing older.
    """

    def __init__(
        self,
        settle_seconds: float,
        give_up_seconds: float,
        now: Callable[[], datetime],
        elapsed: Callable[[], float],
        *,
        same_clock: bool = True,
    ) -> None:
        self._settle_seconds = settle_seconds
        self._give_up_seconds = give_up_seconds
        self._now = now
        self._elapsed = elapsed
        self._same_clock = same_clock
        self._looks: dict[Path, _Look] = {}
        self._handovers: dict[Path, Handover] = {}
        self._busy: dict[Path, float] = {}
        """When a file was last seen open in somebody else's hands."""
        self._ahead: float | None = None
        """By how much `now` was ahead of `elapsed` at the last look."""
        self._clock_set_at = float("-inf")
        """When the clock was last found set, by `elapsed`."""

    def told(self, path: Path, handover: Handover | None) -> None:
        """An event of the kernel: the file was handed over, or (None) written to. May be called by any thread."""
        if handover is None:
            self._handovers.pop(path, None)
        else:
            self._handovers[path] = handover

    def look(self, path: Path) -> Wholeness:
        """Judge one file. Call it again later for a file that was NOT_YET."""
        try:
            status = path.lstat()
        except OSError:
            self.forget(path)
            return Wholeness(state=WholenessState.NOT_YET, reason="gone")
        quiet_seconds = self._quiet_seconds(path, status)
        handover = self._handovers.get(path)
        missing = self._settling_seconds(handover) - quiet_seconds
        if missing > 0:
            return Wholeness(state=WholenessState.NOT_YET, reason="changing", again_seconds=missing)
        try:
            # Non-blocking, so that a name that became a FIFO meanwhile does not hang the watcher.
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return self._unless_patience_ends(quiet_seconds, "open", "unreachable")
        try:
            if is_open_for_writing(descriptor) or _is_locked(descriptor):
                self._busy[path] = self._elapsed()
                return Wholeness(state=WholenessState.NOT_YET, reason="open")
            missing = self._settle_seconds - quiet_seconds
            if missing > 0 and handover is Handover.CLOSED and _may_grow(descriptor):
                return Wholeness(state=WholenessState.NOT_YET, reason="changing", again_seconds=missing)
            if not _structure_is_complete(descriptor, status.st_size):
                # A writer that paused for an hour and closed it now may open it again: patience begins anew.
                alone_seconds = self._elapsed() - self._busy.get(path, float("-inf"))
                return self._unless_patience_ends(min(quiet_seconds, alone_seconds), "incomplete", "unfinished")
        finally:
            os.close(descriptor)
        return Wholeness(state=WholenessState.WHOLE)

    def forget(self, path: Path) -> None:
        """Drop what is remembered about a file that was taken or is gone."""
        self._looks.pop(path, None)
        self._handovers.pop(path, None)
        self._busy.pop(path, None)

    def keep_only(self, paths: set[Path]) -> None:
        """Drop what is remembered about all other files."""
        self._looks = {path: look for path, look in self._looks.items() if path in paths}
        self._busy = {path: seen for path, seen in self._busy.items() if path in paths}
        # Copied first: an event may come in this moment.
        for path in list(self._handovers):
            if path not in paths and not os.path.lexists(path):
                self._handovers.pop(path, None)

    def _settling_seconds(self, handover: Handover | None) -> float:
        if handover is Handover.MOVED_IN:
            return 0.0
        return min(self._settle_seconds, CLOSED_SETTLE_SECONDS) if handover is Handover.CLOSED else self._settle_seconds

    def _quiet_seconds(self, path: Path, status: os.stat_result) -> float:
        """How long the file has been as it is: by our own looks, or by the change time, which nobody can fake."""
        seen = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        last = self._looks.get(path)
        if last is None or (last.inode, last.size_bytes, last.modified_ns, last.changed_ns) != seen:
            last = _Look(
                inode=seen[0], size_bytes=seen[1], modified_ns=seen[2], changed_ns=seen[3], since=self._elapsed()
            )
            self._looks[path] = last
        watched = self._elapsed() - last.since
        return max(watched, self._seconds_since(status.st_ctime)) if self._same_clock else watched

    def _seconds_since(self, changed: float) -> float:
        """How long ago that was by the wall clock; no longer than since that was set."""
        now, elapsed = self._now().timestamp(), self._elapsed()
        if self._ahead is not None and abs(now - elapsed - self._ahead) > CLOCK_SET_SECONDS:
            self._clock_set_at = elapsed
        self._ahead = now - elapsed
        return min(now - changed, elapsed - self._clock_set_at)

    def _unless_patience_ends(self, quiet_seconds: float, reason: str, code: str) -> Wholeness:
        if quiet_seconds >= self._give_up_seconds:
            return Wholeness(state=WholenessState.GIVEN_UP, reason=code)
        return Wholeness(state=WholenessState.NOT_YET, reason=reason)


def is_open_for_writing(descriptor: int) -> bool:
    """Whether any process on this machine has the file open for writing, as far as we may know.

    The kernel grants a read lease only if nobody has. Where it grants none to us (another owner's file, a
    network share), we look at the processes whose open files we may see; the other checks remain.
    """
    try:
        # A writer that comes while we hold the lease sends this signal; the default one would end us.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        return True
    except OSError:
        return _a_process_writes(os.fstat(descriptor))
    fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


def _is_locked(descriptor: int) -> bool:
    """Whether somebody keeps others away by a lock on the whole file."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # this file system knows no such locks
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return False


def _may_grow(descriptor: int) -> bool:
    """Whether the kind of file is whole after each page that is added (TIFF), or its end does not show."""
    try:
        return not os.pread(descriptor, 16, 0).startswith(_END_SHOWS)
    except OSError:
        return True


def _a_process_writes(wanted: os.stat_result) -> bool:
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            status = link.stat()
            if not stat.S_ISREG(status.st_mode) or (status.st_dev, status.st_ino) != (wanted.st_dev, wanted.st_ino):
                continue
            # The owner's write bit of the link itself tells how the file was opened.
            if link.lstat().st_mode & stat.S_IWUSR:
                return True
        except OSError:
            continue  # the process ended, or is not ours to look at
    return False


def is_whole(snapshot: Snapshot) -> bool:
    """Whether the bytes of a claimed file are structurally whole; files of unknown kinds count as whole."""
    return _structure_is_complete(snapshot.fileno(), snapshot.size_bytes)


def _structure_is_complete(descriptor: int, size_bytes: int) -> bool:
    if size_bytes == 0:
        return False
    try:
        return is_complete(_FileBytes(descriptor, size_bytes))
    except (OSError, ValueError, IndexError):
        return False


class _FileBytes:
    """The bytes of an open file, read where they are asked for.

    Never mapped into memory: whoever cuts a mapped file ends the process that looks at it.
    """

    def __init__(self, descriptor: int, size_bytes: int) -> None:
        self._descriptor = descriptor
        self._size_bytes = size_bytes
        self._window, self._start = b"", 0

    def __len__(self) -> int:
        return self._size_bytes

    @overload
    def __getitem__(self, place: int) -> int: ...

    @overload
    def __getitem__(self, place: slice) -> bytes: ...

    def __getitem__(self, place: int | slice) -> int | bytes:
        if isinstance(place, int):
            return self._bytes(place, place + 1)[0]
        start, stop, _ = place.indices(self._size_bytes)
        return self._bytes(start, stop)

    def find(self, wanted: bytes, start: int) -> int:
        """Where the bytes stand at or behind `start`; -1 if nowhere."""
        while start < self._size_bytes:
            window = self._bytes(start, min(start + _WINDOW_BYTES, self._size_bytes))
            if not window:
                break  # it was cut while we look
            if (place := window.find(wanted)) >= 0:
                return start + place
            start += max(1, len(window) - len(wanted) + 1)
        return -1

    def _bytes(self, start: int, stop: int) -> bytes:
        if not self._start <= start <= stop <= self._start + len(self._window):
            self._window = os.pread(self._descriptor, max(stop - start, _WINDOW_BYTES), start)
            self._start = start
        return self._window[start - self._start : stop - self._start]
