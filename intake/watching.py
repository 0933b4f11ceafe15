"""Waits for files: events from the kernel with a slow rescan as safety net, or looking now and then on shares."""

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from intake.wholeness import Handover, Wholeness, WholenessState

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver, ObservedWatch

_RESCAN_SECONDS = 10.0
_POLL_SECONDS = 2.0
"""How often we look where nobody tells us."""
_MOUNT_TABLE = Path("/proc/self/mountinfo")
_STOP_SECONDS = 0.5
"""How soon a stop is noticed."""
_OFFER_AGAIN_SECONDS = 30.0
"""A file that was offered and not claimed (the disk was full, say) is offered again after this long."""

_LEAST_PAUSE_SECONDS = 0.1
_HANDOVERS = {"closed": Handover.CLOSED, "created": None, "modified": None}
"""What an event says about its file; a new or changed one is not handed over yet."""


class Notice(StrEnum):
    """What a person should know about the watch."""

    GONE = "gone"
    """The inbox is not there: its share is not mounted, or its folder was moved away."""
    BACK = "back"
    """It is there again."""
    POLLING = "polling"
    """The kernel watches no more folders for us: we look every few seconds instead."""
    FULL = "full"
    """There is too little room for what would be filed: files stay in the inbox."""
    ROOM = "room"
    """There is enough again."""


_NETWORK_FILE_SYSTEMS = frozenset(
    ("cifs", "smb3", "nfs", "nfs4", "9p", "afs", "ceph", "davfs", "virtiofs", "vboxsf", "vmhgfs",
     "fuse.sshfs", "fuse.rclone", "fuse.davfs", "fuse.glusterfs", "fuse.vmhgfs-fuse")
)  # fmt: skip
"""Here the kernel tells what this machine does, not what the scanner at the other end does."""


class _Inbox(Protocol):
    root: Path

    def folders(self) -> list[Path]: ...

    def scan(self) -> list[Path]: ...

    def is_whole(self, path: Path) -> Wholeness: ...

    def is_there(self) -> bool: ...

    def told(self, path: Path, handover: Handover | None) -> None: ...


def must_poll(root: Path, mount_table: str) -> bool:
    """Whether a folder lies on a network share, by the text of /proc/self/mountinfo."""
    mounts: dict[str, str] = {}
    for line in mount_table.splitlines():
        place, _, source = line.partition(" - ")
        fields, kind = place.split(), source.split()
        if len(fields) > 4 and kind:
            # Blanks in names stand there as octal numbers; a later mount hides an earlier one.
            mounts[re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), fields[4])] = kind[0]
    folder = root.resolve()
    return next((mounts[str(p)] for p in (folder, *folder.parents) if str(p) in mounts), "") in _NETWORK_FILE_SYSTEMS


def must_poll_at(root: Path, how: str) -> bool:
    """Whether nobody tells us what happens in this folder: it is set so, or lies on a network share."""
    return how == "polling" or (how == "auto" and must_poll(root, _mount_table()))


def _mount_table() -> str:
    try:
        return _MOUNT_TABLE.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""


def watch_inbox(
    inbox: _Inbox,
    stop: threading.Event,
    *,
    settle_seconds: float,
    elapsed: Callable[[], float],
    how: str = "auto",
    tell: Callable[[Notice], None] = lambda notice: None,
    on_look: Callable[[bool], None] = lambda waiting: None,
) -> Iterator[Path]:
    """Whole and given-up files, oldest first. The caller claims each before it asks for the next.

    `how` is "events", "polling", or "auto": polling on network shares, else events. `tell` hears of what a person
    should know; `on_look` is called at each look, with whether anything waits. An inbox that is not there (a share that
    is not mounted) is waited for.
    """
    news = threading.Event()
    offered: dict[Path, float] = {}
    is_told = False
    with closing(_Listener(inbox, how, news, tell)) as listener:
        while not stop.is_set():
            news.clear()
            if not inbox.is_there():
                if not is_told:
                    tell(Notice.GONE)
                    is_told = True
                    listener.close()
                stop.wait(min(_POLL_SECONDS, max(0.1, settle_seconds)))
                continue
            if is_told:
                tell(Notice.BACK)
                is_told = False
            pause = listener.listen()
            paths = inbox.scan()
            known = set(paths)
            offered = {path: since for path, since in offered.items() if path in known}
            on_look(any(path not in offered for path in paths))
            for path in paths:
                if stop.is_set():
                    return
                if elapsed() - offered.get(path, float("-inf")) < _OFFER_AGAIN_SECONDS:
                    continue
                look = inbox.is_whole(path)
                if look.state is WholenessState.NOT_YET:
                    again = settle_seconds / 2 if look.again_seconds is None else look.again_seconds
                    pause = min(pause, max(_LEAST_PAUSE_SECONDS, again))
                    continue
                offered[path] = elapsed()
                yield path
            _rest(inbox, news, stop, pause, elapsed)


def _rest(
    inbox: _Inbox, news: threading.Event, stop: threading.Event, seconds: float, elapsed: Callable[[], float]
) -> None:
    """Wait for news, the time to look again, or the end. No bell rings when the inbox itself goes away."""
    until = elapsed() + seconds
    while not stop.is_set() and (left := until - elapsed()) > 0 and inbox.is_there():
        if news.wait(min(left, _STOP_SECONDS)):
            # A scanner's writes come in bursts; one look per burst is enough.
            stop.wait(0.05)
            return


class _Listener:
    """Keeps the bell that fits the place: a share may be mounted, or mounted anew, while we watch."""

    def __init__(self, inbox: _Inbox, how: str, news: threading.Event, tell: Callable[[Notice], None]) -> None:
        self._inbox = inbox
        self._how = how
        self._news = news
        self._tell = tell
        self._bell: _Bell | None = None
        self._place: tuple[int, int] | None = None
        self._polling = False

    def listen(self) -> float:
        """Listen at the inbox as it is now; returns how long to wait where no bell rings."""
        try:
            status = self._inbox.root.stat()
        except OSError:
            return _LEAST_PAUSE_SECONDS  # gone in this very moment; the next look tells
        if self._place != (status.st_dev, status.st_ino):
            self.close()
            self._place = (status.st_dev, status.st_ino)
            self._polling = must_poll_at(self._inbox.root, self._how)
            if not self._polling:
                self._bell = _Bell(self._news, self._inbox.told)
        if self._bell is not None:
            try:
                self._bell.listen_at(self._inbox.folders())
            except OSError:
                # The kernel's limit of watches is reached.
                self._bell.close()
                self._bell, self._polling = None, True
                self._tell(Notice.POLLING)
        return _POLL_SECONDS if self._polling else _RESCAN_SECONDS

    def close(self) -> None:
        """Stop listening; `listen` begins anew."""
        if self._bell is not None:
            self._bell.close()
        self._bell, self._place, self._polling = None, None, False


class _Bell:
    """Rings when the kernel tells that something changes in one of the folders, and passes on what it tells of a file.

    Each folder is watched by itself, so that our own folder inside the inbox does not wake us.
    """

    def __init__(self, news: threading.Event, told: Callable[[Path, Handover | None], None]) -> None:
        from watchdog.events import FileSystemEventHandler
        from watchdog.observers import Observer

        class Handler(FileSystemEventHandler):
            def on_any_event(self, event: "FileSystemEvent") -> None:
                # Reading a file is no news; without this our own looks would wake us for ever.
                if event.event_type in ("opened", "closed_no_write"):
                    return
                if event.event_type == "moved":
                    told(Path(os.fsdecode(event.dest_path)), Handover.MOVED_IN)
                elif event.event_type in _HANDOVERS:
                    told(Path(os.fsdecode(event.src_path)), _HANDOVERS[event.event_type])
                news.set()

        self._handler = Handler()
        self._watches: dict[Path, ObservedWatch] = {}
        self._observer: BaseObserver = Observer()
        self._observer.start()

    def listen_at(self, folders: list[Path]) -> None:
        """Watch these folders and no others.

        Raises:
            OSError: the kernel watches no more for us.
        """
        for path in self._watches.keys() - set(folders):
            with suppress(KeyError):  # it went away, and its watch with it
                self._observer.unschedule(self._watches[path])
            del self._watches[path]
        for path in folders:
            if path not in self._watches:
                with suppress(FileNotFoundError):  # it went away while we looked; the next scan knows
                    self._watches[path] = self._observer.schedule(self._handler, str(path), recursive=False)

    def close(self) -> None:
        """Stop listening."""
        self._observer.stop()
        self._observer.join()
