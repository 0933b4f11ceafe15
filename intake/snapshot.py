"""The bytes of one file, read once: hash, sealing and recognition all see the same, whoever writes meanwhile."""

import fcntl
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from intake.reasons import unreadable
from poststelle.errors import StorageError

CHUNK_BYTES = 1 << 20
_SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL


class Snapshot:
    """Bytes in memory that nobody can change any more, not even a worker that was handed the descriptor."""

    def __init__(self, descriptor: int, size_bytes: int, sha256: str) -> None:
        self._descriptor = descriptor
        self.size_bytes = size_bytes
        self.sha256 = sha256

    @classmethod
    def read(cls, path: Path, max_bytes: int, work_folder: Path) -> Self:
        """Copy a file's bytes into memory (or, without memfd, into an unlinked file in `work_folder`).

        Raises:
            UnreadableFile: not a regular file, empty, too large, or not permitted.
            StorageError: there is no room for the copy.
        """
        try:
            # Non-blocking: opening a FIFO that somebody dropped must not hang the mail room.
            source = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as err:
            raise unreadable("not-a-file" if path.is_symlink() else "unreachable") from err
        try:
            size_bytes = _check_source(source, max_bytes)
            return cls._copy(_chunks_of(source, max_bytes), size_bytes, max_bytes, work_folder)
        finally:
            os.close(source)

    @classmethod
    def from_bytes(cls, data: bytes, work_folder: Path) -> Self:
        """A snapshot of bytes that are in memory already."""
        return cls._copy(iter([data]), len(data), len(data), work_folder)

    @classmethod
    def _copy(cls, chunks: Iterator[bytes], size_bytes: int, max_bytes: int, work_folder: Path) -> Self:
        target = _new_memory(work_folder)
        try:
            digest, total = hashlib.sha256(), 0
            for chunk in chunks:
                digest.update(chunk)
                total += len(chunk)
                if total > max_bytes:  # it grew while it was read
                    raise unreadable("too-large", max_bytes // 1_000_000)
                _write_all(target, chunk)
            if total == 0:
                raise unreadable("empty")
            return cls(_freeze(target), total, digest.hexdigest())
        except OSError as err:
            os.close(target)
            raise StorageError(
                f"There is no room in memory for a file of {size_bytes // 1_000_000} MB ({err.strerror}). It stays in "
                "the inbox; close other programs or scan in smaller stacks."
            ) from err
        except BaseException:
            os.close(target)
            raise

    def fileno(self) -> int:
        """Read-only descriptor; valid until `close`."""
        return self._descriptor

    def chunks(self, size: int = CHUNK_BYTES) -> Iterator[bytes]:
        """The bytes from the beginning; may be called by several threads at once."""
        for offset in range(0, self.size_bytes, size):
            yield os.pread(self._descriptor, size, offset)

    def close(self) -> None:
        """Give the memory back; harmless when repeated."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _check_source(source: int, max_bytes: int) -> int:
    status = os.fstat(source)
    if not stat.S_ISREG(status.st_mode):
        raise unreadable("not-a-file")
    if status.st_size == 0:
        raise unreadable("empty")
    if status.st_size > max_bytes:
        raise unreadable("too-large", max_bytes // 1_000_000)
    return status.st_size


def _chunks_of(source: int, max_bytes: int) -> Iterator[bytes]:
    offset = 0
    while offset <= max_bytes:
        try:
            chunk = os.pread(source, CHUNK_BYTES, offset)
        except OSError as err:
            raise unreadable("unreachable") from err
        if not chunk:
            return
        yield chunk
        offset += len(chunk)


def _new_memory(work_folder: Path) -> int:
    try:
        return os.memfd_create("letter", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    except OSError:
        path = work_folder / f"letter-{secrets.token_hex(8)}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        # Without a name at once: a crash leaves no plaintext behind.
        path.unlink()
        return descriptor


def _write_all(target: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(target, view) :]


def _freeze(target: int) -> int:
    """Refuse every later write, then trade the descriptor for a read-only one."""
    try:
        fcntl.fcntl(target, fcntl.F_ADD_SEALS, _SEALS)
    except OSError:
        # The fallback file knows no seals; the read-only descriptor below is what workers get.
        os.fchmod(target, 0o400)
    frozen = os.open(f"/proc/self/fd/{target}", os.O_RDONLY | os.O_CLOEXEC)
    os.close(target)
    return frozen
