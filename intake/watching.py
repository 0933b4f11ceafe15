"""Waits for files: events from the kernel with a slow rescan as safety net, or looking now and then on shares."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from intake.wholeness import Wholeness, WholenessState

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


def _mount_table() -> str:
    try:
        return _MOUNT_TABLE.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""


def watch_inbox(
    inbox: _Inbox, stop: threading.Event, *, settle_seconds: float, elapsed: Callable[[], float], how: str = "auto"
) -> Iterator[Path]:
    """Whole and given-up files, oldest first. The caller claims each before it asks for the next.

    `how` is "events", "polling", or "auto": polling on network shares, else events.
    """
    polling = how == "polling" or (how == "auto" and must_poll(inbox.root, _mount_table()))
    pause = _POLL_SECONDS if polling else _RESCAN_SECONDS
    news = threading.Event()
    offered: dict[Path, float] = {}
    with closing(_Silence() if polling else _Bell(news)) as bell:
        while not stop.is_set():
            news.clear()
            bell.listen_at(inbox.folders())
            paths = inbox.scan()
            offered = {path: since for path, since in offered.items() if path in set(paths)}
            unfinished = False
            for path in paths:
                if stop.is_set():
                    return
                if elapsed() - offered.get(path, float("-inf")) < _OFFER_AGAIN_SECONDS:
                    continue
                if inbox.is_whole(path).state is WholenessState.NOT_YET:
                    unfinished = True
                    continue
                offered[path] = elapsed()
                yield path
            _rest(news, stop, max(0.1, settle_seconds / 2) if unfinished else pause, elapsed)


def _rest(news: threading.Event, stop: threading.Event, seconds: float, elapsed: Callable[[], float]) -> None:
    """Wait for news, the time to look again, or the end."""
    until = elapsed() + seconds
    while not stop.is_set() and (left := until - elapsed()) > 0:
        if news.wait(min(left, _STOP_SECONDS)):
            # A scanner's writes come in bursts; one look per burst is enough.
            stop.wait(0.05)
            return


class _Silence:
    """Stands where the bell hangs when nothing would ring it."""

    def listen_at(self, folders: list[Path]) -> None:
        """Nothing to listen to; the next look finds what is new."""

    def close(self) -> None:
        """Nothing to close."""


class _Bell:
    """Rings when something changes in one of the folders: the kernel's events, or polling where it has none left.

    Each folder is watched by itself, so that our own folder inside the inbox does not wake us.
    """

    def __init__(self, news: threading.Event) -> None:
        from watchdog.events import FileSystemEventHandler
        from watchdog.observers import Observer

        class Handler(FileSystemEventHandler):
            def on_any_event(self, event: "FileSystemEvent") -> None:
                # Reading a file is no news; without this our own looks would wake us for ever.
                if event.event_type not in ("opened", "closed_no_write"):
                    news.set()

        self._handler = Handler()
        self._watches: dict[Path, ObservedWatch] = {}
        self._observer: BaseObserver = Observer()
        self._observer.start()

    def listen_at(self, folders: list[Path]) -> None:
        """Watch these folders and no others."""
        for path in self._watches.keys() - set(folders):
            with suppress(KeyError):  # it went away, and its watch with it
                self._observer.unschedule(self._watches[path])
            del self._watches[path]
        try:
            self._add(folders)
        except FileNotFoundError:
            return  # a folder went away while we looked; the next scan knows
        except OSError:
            self._fall_back_to_polling()
            self._add(folders)

    def _add(self, folders: list[Path]) -> None:
        for path in folders:
            if path not in self._watches:
                self._watches[path] = self._observer.schedule(self._handler, str(path), recursive=False)

    def _fall_back_to_polling(self) -> None:
        """The kernel's limit of watches is reached: look ourselves, now and then."""
        from watchdog.observers.polling import PollingObserver

        self.close()
        self._watches = {}
        self._observer = PollingObserver(timeout=_RESCAN_SECONDS)
        self._observer.start()

    def close(self) -> None:
        """Stop listening."""
        self._observer.stop()
        self._observer.join()
