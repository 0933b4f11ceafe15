"""The one seam for writing: every write, fsync, rename, unlink and database commit passes here.

`Disk` does what it says and calls `step` before each change, so that a drill can number the steps, fail
the n-th one or kill the process there. Production uses `Disk` as it is; tests use a subclass. A file that
`write_new` has returned from is whole and durable: temp name, write, fsync, rename, fsync of the folder.
"""

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

TOGETHER = 200
"""Files that are written before any is waited for."""
TEMP_SUFFIX = ".tmp"
"""Ends every temporary name; a start-up sweep may remove what carries it."""


class Disk:
    """Durable changes to files. One instance is made by the wiring and handed down."""

    def step(self, action: str, target: str) -> None:
        """Called before each change; `action` is mkdir, write, append, truncate, fsync, rename, …, commit."""

    def reached(self, arrow: str) -> None:
        """Called when the pipeline passes a named arrow of the write order (docs/archive-format.md)."""

    def make_folder(self, path: Path, mode: int = 0o700) -> None:
        """Make a folder and its parents, durably; an existing one is fine."""
        if path.is_dir():
            return
        self.make_folder(path.parent, mode)
        self.step("mkdir", path.name)
        path.mkdir(mode=mode, exist_ok=True)
        self.sync_folder(path.parent)

    def write_new(self, path: Path, chunks: Iterable[bytes], mode: int = 0o600) -> None:
        """Write a file that is either whole or not there at all under its name."""
        temp = path.with_name(f"{path.name}.{secrets.token_hex(4)}{TEMP_SUFFIX}")
        self.step("write", path.name)
        descriptor = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                for chunk in chunks:
                    stream.write(chunk)
                stream.flush()
                self.step("fsync", path.name)
                os.fsync(stream.fileno())
            self.step("rename", path.name)
            temp.replace(path)
        except BaseException:
            temp.unlink(missing_ok=True)
            raise
        self.sync_folder(path.parent)

    def write_many(self, files: Iterable[tuple[Path, Iterable[bytes]]]) -> None:
        """Write many files, each whole or not there under its name; all durable when it returns.

        They are written first and waited for together, which costs a disk a tenth of waiting for each by itself.
        """
        waiting: list[tuple[Path, Path]] = []
        folders: set[Path] = set()
        try:
            for path, chunks in files:
                temp = path.with_name(f"{path.name}.{secrets.token_hex(4)}{TEMP_SUFFIX}")
                waiting.append((temp, path))
                self.step("write", path.name)
                descriptor = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
                with os.fdopen(descriptor, "wb") as stream:
                    for chunk in chunks:
                        stream.write(chunk)
                if len(waiting) == TOGETHER:
                    folders |= self._settle(waiting)
            folders |= self._settle(waiting)
        except BaseException:
            for temp, _ in waiting:
                temp.unlink(missing_ok=True)
            raise
        finally:
            for folder in sorted(folders):
                self.sync_folder(folder)

    def _settle(self, waiting: list[tuple[Path, Path]]) -> set[Path]:
        """Wait for written files, then give them their names; returns the folders."""
        for temp, path in waiting:
            self.step("fsync", path.name)
            descriptor = os.open(temp, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        folders = set()
        while waiting:
            temp, path = waiting[-1]
            self.step("rename", path.name)
            temp.replace(path)
            waiting.pop()
            folders.add(path.parent)
        return folders

    def rename(self, source: Path, target: Path) -> None:
        """Rename within one file system; durable in both folders when it returns."""
        self.step("rename", target.name)
        source.rename(target)
        self.sync_folder(target.parent)
        if source.parent != target.parent:
            self.sync_folder(source.parent)

    def unlink(self, path: Path, missing_ok: bool = False) -> None:
        """Remove a file, durably."""
        self.step("unlink", path.name)
        path.unlink(missing_ok=missing_ok)
        self.sync_folder(path.parent)

    def unlink_all(self, paths: Iterable[Path]) -> None:
        """Remove files that may be there; durable when it returns. Each folder is waited for once."""
        folders = set()
        for path in paths:
            self.step("unlink", path.name)
            path.unlink(missing_ok=True)
            folders.add(path.parent)
        for folder in sorted(folders):
            self.sync_folder(folder)

    def remove_folder(self, path: Path) -> None:
        """Remove an empty folder, durably."""
        self.step("rmdir", path.name)
        path.rmdir()
        self.sync_folder(path.parent)

    def append(self, descriptor: int, name: str, data: bytes) -> int:
        """Append to an open file whose lock the caller holds, and fsync; returns the offset where it begins."""
        offset = os.lseek(descriptor, 0, os.SEEK_END)
        self.step("append", name)
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        self.step("fsync", name)
        os.fsync(descriptor)
        return offset

    def overwrite(self, descriptor: int, name: str, pieces: Iterable[tuple[int, bytes]]) -> None:
        """Write over places of an open file whose lock the caller holds, and fsync."""
        self.step("overwrite", name)
        for offset, data in pieces:
            view = memoryview(data)
            while view:
                written = os.pwrite(descriptor, view, offset)
                view, offset = view[written:], offset + written
        self.step("fsync", name)
        os.fsync(descriptor)

    def truncate(self, descriptor: int, name: str, size_bytes: int) -> None:
        """Cut an open file whose lock the caller holds, and fsync."""
        self.step("truncate", name)
        os.ftruncate(descriptor, size_bytes)
        os.fsync(descriptor)

    def sync_folder(self, path: Path) -> None:
        """Make the names in a folder durable."""
        self.step("fsync", path.name)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
