"""Whether a file in the inbox is whole: closed by its writer, unchanged for a while, complete in its structure."""

import fcntl
import mmap
import os
import signal
import stat
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from intake.snapshot import Snapshot
from intake.structure import is_complete


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """How a file looked when it last changed, and when we first saw it so."""

    inode: int
    size_bytes: int
    modified_ns: int
    changed_ns: int
    since: float


class Observer:
    """Remembers how files looked. Time is told, never read: `now` is UTC, `elapsed` counts seconds."""

    def __init__(
        self, settle_seconds: float, give_up_seconds: float, now: Callable[[], datetime], elapsed: Callable[[], float]
    ) -> None:
        self._settle_seconds = settle_seconds
        self._give_up_seconds = give_up_seconds
        self._now = now
        self._elapsed = elapsed
        self._looks: dict[Path, _Look] = {}

    def look(self, path: Path) -> Wholeness:
        """Judge one file. Call it again later for a file that was NOT_YET."""
        try:
            status = path.lstat()
        except OSError:
            self.forget(path)
            return Wholeness(state=WholenessState.NOT_YET, reason="gone")
        quiet_seconds = self._quiet_seconds(path, status)
        if quiet_seconds < self._settle_seconds:
            return Wholeness(state=WholenessState.NOT_YET, reason="changing")
        try:
            # Non-blocking, so that a name that became a FIFO meanwhile does not hang the watcher.
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return self._unless_patience_ends(quiet_seconds, "open", "unreachable")
        try:
            if is_open_for_writing(descriptor):
                return Wholeness(state=WholenessState.NOT_YET, reason="open")
            if not _structure_is_complete(descriptor, status.st_size):
                return self._unless_patience_ends(quiet_seconds, "incomplete", "unfinished")
        finally:
            os.close(descriptor)
        return Wholeness(state=WholenessState.WHOLE)

    def forget(self, path: Path) -> None:
        """Drop what is remembered about a file that was taken or is gone."""
        self._looks.pop(path, None)

    def keep_only(self, paths: set[Path]) -> None:
        """Drop what is remembered about all other files."""
        self._looks = {path: look for path, look in self._looks.items() if path in paths}

    def _quiet_seconds(self, path: Path, status: os.stat_result) -> float:
        """How long the file has been as it is: by our own looks, or by the change time, which nobody can fake.

        The change time lets a file that has lain there for long be taken at the first look.
        """
        seen = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        last = self._looks.get(path)
        if last is None or (last.inode, last.size_bytes, last.modified_ns, last.changed_ns) != seen:
            last = _Look(
                inode=seen[0], size_bytes=seen[1], modified_ns=seen[2], changed_ns=seen[3], since=self._elapsed()
            )
            self._looks[path] = last
        return max(self._elapsed() - last.since, self._now().timestamp() - status.st_ctime)

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
        with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as data:
            return is_complete(data)
    except (OSError, ValueError):
        return False
