"""Waits for files: events from the kernel, a slow rescan as safety net, and never a busy loop."""

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
_STOP_SECONDS = 0.5
"""How soon a stop is noticed."""
_OFFER_AGAIN_SECONDS = 30.0
"""A file that was offered and not claimed (the disk was full, say) is offered again after this long."""


class _Inbox(Protocol):
    def folders(self) -> list[Path]: ...

    def scan(self) -> list[Path]: ...

    def is_whole(self, path: Path) -> Wholeness: ...


def watch_inbox(
    inbox: _Inbox, stop: threading.Event, *, settle_seconds: float, elapsed: Callable[[], float]
) -> Iterator[Path]:
    """Whole and given-up files, oldest first. The caller claims each before it asks for the next."""
    news = threading.Event()
    offered: dict[Path, float] = {}
    with closing(_Bell(news)) as bell:
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
            _rest(news, stop, max(0.1, settle_seconds / 2) if unfinished else _RESCAN_SECONDS, elapsed)


def _rest(news: threading.Event, stop: threading.Event, seconds: float, elapsed: Callable[[], float]) -> None:
    """Wait for news, the time to look again, or the end."""
    until = elapsed() + seconds
    while not stop.is_set() and (left := until - elapsed()) > 0:
        if news.wait(min(left, _STOP_SECONDS)):
            # A scanner's writes come in bursts; one look per burst is enough.
            stop.wait(0.05)
            return


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
