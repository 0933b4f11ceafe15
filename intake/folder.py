"""The drop folder: what lies in it, taking a file by renaming it, handing it back, and removing it at the end."""

import contextlib
import hashlib
import os
import re
import stat
import threading
import time
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from intake.watching import Notice, must_poll_at, watch_inbox
from intake.wholeness import Handover, Observer, Wholeness, WholenessState
from poststelle.durable import Disk
from poststelle.errors import StorageError

OWN_FOLDER = ".poststelle"
"""Ours, inside the inbox: a claim is a rename, and renames do not cross file systems."""
_DOCUMENT_ID = re.compile(r"[0-9a-f]{32}")
_UNFINISHED_SUFFIXES = (
    ".part", ".partial", ".tmp", ".temp", ".crdownload", ".download", ".filepart", ".swp", ".lock", "~",
)  # fmt: skip
_UNFINISHED_PREFIXES = (".", "~")
_SYSTEM_FILES = frozenset({"thumbs.db", "desktop.ini"})
_READ_BYTES = 1 << 20
_NAME_BYTES = 255
_LOOK_SECONDS = 0.2
_PATIENCE_SECONDS = 1.0


class SourceChanged(StorageError):
    """Somebody wrote to a claimed file while it was being taken in."""

    code: ClassVar[str] = "I011"

    def __init__(self, document_id: str) -> None:
        super().__init__(
            f"The source of {document_id} was changed while it was taken in; it was not removed. What was read first "
            "is in the archive. Check the program that writes into the inbox; the changed file is taken in as well."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A file that is ours now: nobody else will take it, and a crash leaves it where we find it again."""

    document_id: str
    """32 lower-case hex digits."""
    path: Path
    """Where it lies now: `.poststelle/claimed/<document id>/[sub-folders/]<name>` in the inbox."""
    source_name: str
    hint: str | None
    """Sub-folder of the inbox it was dropped into, or None."""
    received_at: datetime
    """UTC; when it was claimed."""


class Inbox:
    """One drop folder. `now` tells the time in UTC; all changes pass through `disk`."""

    def __init__(
        self,
        root: Path,
        disk: Disk,
        settle_seconds: float,
        give_up_seconds: float,
        *,
        now: Callable[[], datetime],
        elapsed: Callable[[], float] = time.monotonic,
        how_to_watch: str = "auto",
    ) -> None:
        self.root = root
        self._how_to_watch = how_to_watch
        self._disk = disk
        self._now = now
        self._settle_seconds = settle_seconds
        self._elapsed = elapsed
        self._claimed = root / OWN_FOLDER / "claimed"
        # A share that is polled stamps its files by a clock of its own.
        same_clock = not must_poll_at(root, how_to_watch)
        self._observer = Observer(settle_seconds, give_up_seconds, now, elapsed, same_clock=same_clock)
        self._was_mounted = False
        self._refused: dict[Path, bool] = {}

    def is_there(self) -> bool:
        """Whether the folder can be looked into; once it was a mounted share, an empty mount point does not count."""
        try:
            with os.scandir(self.root):
                mounted = os.path.ismount(self.root)
        except OSError:
            return False
        if self._was_mounted and not mounted:
            return False
        self._was_mounted = mounted
        return True

    def told(self, path: Path, handover: Handover | None) -> None:
        """Pass on what the kernel told of a file; any thread."""
        self._observer.told(path, handover)

    def leftovers(self, besides: Container[str] = ()) -> list[Claim]:
        """Claims that an earlier run left, oldest first, without those known; empty claim folders are removed."""
        claims: list[Claim] = []
        for folder in sorted(self._claimed.glob("*")):
            if folder.name in besides:
                continue
            if not _DOCUMENT_ID.fullmatch(folder.name) or folder.is_symlink() or not folder.is_dir():
                continue
            files = [path for path in sorted(folder.rglob("*")) if not path.is_dir() or path.is_symlink()]
            claims += [self._claim_at(folder, path) for path in files]
            if not files:
                self._remove_folders(folder)
        return sorted(claims, key=lambda claim: (claim.received_at, claim.document_id))

    def scan(self) -> list[Path]:
        """Files that wait in the inbox and its sub-folders, oldest first, whole or not."""
        found: list[tuple[int, Path]] = []
        for path in self._walk():
            try:
                status = path.lstat()
            except OSError:
                continue  # taken away between listing and looking
            if stat.S_ISREG(status.st_mode):
                found.append((status.st_mtime_ns, path))
            elif not stat.S_ISDIR(status.st_mode):
                self._refused.setdefault(path, False)
        paths = [path for _, path in sorted(found)]
        self._observer.keep_only(set(paths))
        return paths

    def folders(self) -> list[Path]:
        """The inbox and its sub-folders, ours left out."""
        found = [self.root]
        for place, names, _ in os.walk(self.root, followlinks=False):
            names[:] = [name for name in names if not name.startswith(".")]
            found += [Path(place) / name for name in names if not (Path(place) / name).is_symlink()]
        return found

    def refused(self) -> list[Path]:
        """Links, pipes, devices and what may not be moved: met, and not taken; each is told once."""
        news = [path for path, told in self._refused.items() if not told]
        self._refused.update(dict.fromkeys(news, True))
        return news

    def is_whole(self, path: Path) -> Wholeness:
        """Whether a file may be taken; ask again later while it answers NOT_YET."""
        return self._observer.look(path)

    def claim(self, path: Path, document_id: str) -> Claim | None:
        """Take a file: one rename, atomic and durable. None if it is gone.

        The sub-folder is kept below the claim, so that the hint survives a crash.
        """
        if not _DOCUMENT_ID.fullmatch(document_id):
            raise ValueError("a document id is 32 lower-case hex digits")
        folder = self._claimed / document_id
        target = folder / path.relative_to(self.root)
        if not os.path.lexists(path):
            return None  # nothing is made for it: the share may be gone, and its mount point is no inbox
        self._disk.make_folder(target.parent)
        try:
            self._disk.rename(path, target)
        except FileNotFoundError:
            self._remove_folders(folder)
            return None
        except PermissionError:
            self._remove_folders(folder)
            self._refused.setdefault(path, False)
            return None
        self._observer.forget(path)
        return self._claim_at(folder, target)

    def adopt(self, path: Path, document_id: str) -> Claim:
        """Claim a copy of a file from elsewhere; the file itself stays where it is.

        The copy is whole before it is a claim: a crash leaves a temporary file that `sweep` removes.

        Raises:
            StorageError: the file cannot be read, or the inbox is full.
        """
        try:
            with path.open("rb") as stream:
                return self._adopt(iter(lambda: stream.read(_READ_BYTES), b""), path.name, document_id)
        except OSError as err:
            raise StorageError(
                f"{path} could not be copied into the inbox ({err.strerror}). It is unchanged; check its permissions "
                "and the free space, then try again."
            ) from err

    def adopt_bytes(self, content: bytes, name: str, document_id: str, hint: str | None = None) -> Claim:
        """Claim bytes that come from the archive itself: a quarantined file that is tried again.

        The claim appears with its file in one rename, so that a watcher that looks in this moment sees all or nothing.
        """
        aside = self.root / OWN_FOLDER / "adopting" / document_id
        folder = self._claimed / document_id
        inner = aside / (hint or "")
        self._disk.make_folder(inner)
        self._disk.make_folder(folder.parent)
        # Under a short name first: its own may leave no room for a temporary ending.
        self._disk.write_new(inner / "content", [content])
        self._disk.rename(inner / "content", inner / name)
        self._disk.rename(aside, folder)
        return self._claim_at(folder, folder / (hint or "") / name)

    def is_claimed(self, document_id: str) -> bool:
        """Whether a claim of this id is being taken in, or waits for it."""
        return (self._claimed / document_id).is_dir()

    def ring(self) -> None:
        """Let a watcher look now instead of at its next round."""
        with contextlib.suppress(OSError):
            os.utime(self.root)

    def _adopt(self, chunks: Iterator[bytes], name: str, document_id: str) -> Claim:
        aside = self.root / OWN_FOLDER / "adopting" / document_id
        folder = self._claimed / document_id
        self._disk.make_folder(aside.parent)
        self._disk.write_new(aside, chunks)
        self._disk.make_folder(folder)
        self._disk.rename(aside, folder / name)
        return self._claim_at(folder, folder / name)

    def remove_adopted(self, path: Path, sha256: str) -> None:
        """Remove a file whose copy is safely filed, if it still is what was filed.

        Raises:
            StorageError: it was changed meanwhile, or cannot be removed; it stays.
        """
        try:
            if _sha256_of(path) != sha256:
                raise StorageError(f"{path} was changed while its copy was taken in; it was not removed.")
            self._disk.unlink(path)
        except OSError as err:
            raise StorageError(f"{path} was filed, but could not be removed ({err.strerror}).") from err

    def sweep(self) -> None:
        """Remove copies that a crash left unfinished; their originals are still where they were."""
        for path in (self.root / OWN_FOLDER / "adopting").glob("*"):
            if path.is_dir() and not path.is_symlink():
                for file in [inner for inner in path.rglob("*") if not inner.is_dir() or inner.is_symlink()]:
                    self._disk.unlink(file, missing_ok=True)
                self._remove_folders(path)
            else:
                self._disk.unlink(path, missing_ok=True)

    def whole_files(self, sleep: Callable[[float], object] = time.sleep) -> Iterator[Path]:
        """What can be taken now, oldest first; waits once for files to settle, not for unfinished ones."""
        until = self._elapsed() + self._settle_seconds + _PATIENCE_SECONDS
        while True:
            waiting = False
            for path in self.scan():
                look = self.is_whole(path)
                if look.state is not WholenessState.NOT_YET:
                    yield path
                waiting = waiting or look.reason in ("changing", "open")
            if not waiting or self._elapsed() >= until:
                return
            sleep(_LOOK_SECONDS)

    def hand_back(self, claim: Claim) -> Path:
        """Put a claimed file back under its old name; with a number if that name is taken. Returns where."""
        if not self.is_there():
            raise StorageError(
                "The inbox is not there any more. The file lies in it, claimed; the next intake goes on."
            )
        place = self.root / (claim.hint or "")
        self._disk.make_folder(place)
        target, number = place / claim.source_name, 1
        # Nothing is ever replaced: two scans of one name are two letters.
        while os.path.lexists(target):
            number += 1
            target = place / _numbered(claim.source_name, number)
        self._disk.rename(claim.path, target)
        self._remove_folders(self._claimed / claim.document_id)
        return target

    def remove(self, claim: Claim, sha256: str) -> None:
        """Remove a source whose letter is safely filed. A source that is gone already is fine.

        Raises:
            SourceChanged: it no longer has the hash that was sealed; it stays.
            StorageError: it cannot be read.
        """
        try:
            if _sha256_of(claim.path) != sha256:
                raise SourceChanged(claim.document_id)
            self._disk.unlink(claim.path)
        except FileNotFoundError:
            pass  # a crash came between this step and its record; the step is done
        except OSError as err:
            raise StorageError(
                f"The source of {claim.document_id} could not be removed ({err.strerror}); the letter itself is in the "
                "archive. Check the permissions of the inbox, then run `poststelle intake`."
            ) from err
        self._remove_folders(self._claimed / claim.document_id)

    def watch(
        self,
        stop: threading.Event,
        *,
        tell: Callable[[Notice], None] = lambda notice: None,
        on_look: Callable[[bool], None] = lambda waiting: None,
    ) -> Iterator[Path]:
        """Whole files (and given-up ones) as they come, until `stop` is set. See watching.py."""
        return watch_inbox(
            self, stop, settle_seconds=self._settle_seconds, elapsed=self._elapsed, how=self._how_to_watch, tell=tell,
            on_look=on_look,
        )  # fmt: skip

    def _claim_at(self, folder: Path, path: Path) -> Claim:
        hint = path.parent.relative_to(folder).as_posix()
        # The rename stamped the folder that holds the file: the day of receipt survives a crash.
        claimed_at = datetime.fromtimestamp(path.parent.lstat().st_mtime, UTC)
        return Claim(
            document_id=folder.name,
            path=path,
            source_name=path.name,
            hint=None if hint == "." else hint,
            received_at=min(claimed_at, self._now()),
        )

    def _walk(self) -> Iterator[Path]:
        for place, folders, names in os.walk(self.root, followlinks=False):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in names:
                if not is_passed_over(name):
                    yield Path(place) / name
            yield from (Path(place) / name for name in folders if (Path(place) / name).is_symlink())

    def _remove_folders(self, folder: Path) -> None:
        """Remove a claim's empty folders, deepest first; one that still holds something stays."""
        try:
            for inner in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
                self._disk.remove_folder(inner)
            self._disk.remove_folder(folder)
        except OSError as err:
            if folder.is_dir() and not any(path.is_file() for path in folder.rglob("*")):
                raise StorageError(
                    f"An empty claim folder could not be removed ({err.strerror}). Nothing is lost; check the "
                    "permissions of the inbox."
                ) from err


def is_passed_over(name: str) -> bool:
    """Whether a name says that it is not a finished scan: hidden, temporary, or the system's own."""
    lower = name.lower()
    return lower.startswith(_UNFINISHED_PREFIXES) or lower.endswith(_UNFINISHED_SUFFIXES) or lower in _SYSTEM_FILES


def _numbered(name: str, number: int) -> str:
    """A name with a number before its ending, as long as a file system allows."""
    stem, ending = os.path.splitext(name)  # noqa: PTH122  (a name, not a path)
    ending = f"-{number}{ending}"
    while len(os.fsencode(stem + ending)) > _NAME_BYTES:
        stem = stem[:-1]
    return stem + ending


def _sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        while chunk := stream.read(_READ_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
