"""The agent: a small process that keeps one identity's secret in memory, so that one passphrase serves many searches.

- It is a fresh interpreter in a session of its own, not dumpable, with no environment and no descriptor but
  two pipes: over one it is given the secret, over the other it says that it listens. The secret lies in one
  page of memory that is locked, left out of dumps, and overwritten at the end. No part of it is ever in an
  argument, an environment variable or a file.
- It listens on a Unix socket named after vault and person, in a folder that only this user account may enter,
  and answers processes of the same user account only (SO_PEERCRED). Callers check folder and agent likewise.
- It ends at the time that was agreed, by a clock that goes on while the machine sleeps or by the wall
  clock, whichever comes first; when the identity file is no longer the one it was unlocked from; when it
  is told to; and on SIGTERM. Ending removes its socket.

One request a connection, one line: `secret`, `until` or `stop`. The answer is the secret, the end as an ISO
time, or `stopped`; a request that is not understood gets none. Needs the standard library alone.
"""

import contextlib
import ctypes
import hashlib
import json
import mmap
import os
import selectors
import signal
import socket
import stat
import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from poststelle.access.hardening import harden_process
from poststelle.errors import ConfigurationError, StorageError

LOOK_SECONDS = 5.0
"""How often an idle agent looks at the wall clock and at the identity file."""
ANSWER_SECONDS = 2.0
START_SECONDS = 20.0
MOST_SECRET_BYTES = 4096
READY = b"ready\n"
_BOOTSTRAP = "import sys; sys.path.append(sys.argv.pop(1)); from poststelle.access.agent import main; main()"
_PEER = struct.Struct("3i")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the agent of one person and one vault listens."""

    folder: Path
    """Private to the user account; best in memory."""
    vault_id: str
    person_id: str

    @property
    def name(self) -> str:
        """Name of the socket in the folder."""
        return f"{self.vault_id}-{self.person_id}"

    @property
    def socket(self) -> Path:
        """Path of the socket."""
        return self.folder / self.name


def ask_secret(place: Place) -> bytes | None:
    """The secret that an agent holds, or None if there is none that answers."""
    return _ask(place, b"secret") or None


def ask_until(place: Place) -> datetime | None:
    """When the agent will end, or None if there is none."""
    answer = _ask(place, b"until")
    return datetime.fromisoformat(answer.decode()) if answer else None


def stop(place: Place) -> bool:
    """End the agent; False if there was none. When it returns, the socket is gone."""
    return _ask(place, b"stop") == b"stopped"


def start(place: Place, *, secret: bytes, identity_file: Path, identity_sha256: str, until: datetime) -> None:
    """Start an agent in place of the one that listens there, if any. It listens when this returns.

    Raises:
        ConfigurationError: the folder is not private.
        StorageError: the agent did not start.
    """
    with contextlib.suppress(FileExistsError):
        place.folder.mkdir(mode=0o700, parents=True)
    os.close(_open_folder(place.folder))
    stop(place)
    order = {
        "folder": os.fspath(place.folder),
        "name": place.name,
        "file": os.fspath(identity_file.absolute()),
        "sha256": identity_sha256,
        "until": until.isoformat(),
    }
    program = [sys.executable, "-I", "-S", "-c", _BOOTSTRAP, str(Path(__file__).parents[2])]
    process = subprocess.Popen(
        program,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"LANG": "C.UTF-8"},
        cwd="/",
        start_new_session=True,
    )
    assert process.stdin is not None and process.stdout is not None
    answer = b""
    with process.stdout, contextlib.suppress(BrokenPipeError):
        with process.stdin:
            process.stdin.write(json.dumps(order).encode() + b"\n" + secret)
        answer = _read_ready(process.stdout.fileno())
    # What was started forks once and leaves; the agent itself is nobody's child and leaves no zombie here.
    process.wait(START_SECONDS)
    if answer != READY:
        raise StorageError(
            "The process that would keep your key did not start, so nothing stays unlocked. Every command still works "
            "with the passphrase; `poststelle doctor` may say what is wrong with this machine."
        )


def _read_ready(descriptor: int) -> bytes:
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        return os.read(descriptor, len(READY)) if selector.select(START_SECONDS) else b""


def _ask(place: Place, question: bytes) -> bytes:
    """An agent's answer; empty if there is no agent, or it is not ours."""
    try:
        folder = _open_folder(place.folder)
    except (OSError, ConfigurationError):
        return b""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(ANSWER_SECONDS)
            # Through the open folder: what was checked is what is used, and a long path does no harm.
            connection.connect(f"/proc/self/fd/{folder}/{place.name}")
            if _peer(connection) != os.getuid():
                return b""
            connection.sendall(question + b"\n")
            answer = b""
            while len(answer) <= MOST_SECRET_BYTES and (piece := connection.recv(MOST_SECRET_BYTES)):
                answer += piece
            return answer
    except OSError:
        return b""
    finally:
        os.close(folder)


def _open_folder(folder: Path) -> int:
    """A descriptor of the folder, which must be ours alone: others could have made it first.

    Raises:
        ConfigurationError: it belongs to somebody else, or others may enter it.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    status = os.fstat(descriptor)
    if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077:
        os.close(descriptor)
        raise ConfigurationError(
            f"The folder {folder} is not private to this user account, so no key is handed out there. Remove it, or "
            f"run `chmod 700 {folder}` if it is yours."
        )
    return descriptor


def _peer(connection: socket.socket) -> int:
    """User id of the process at the other end, as the kernel knows it."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    return int(_PEER.unpack(credentials)[1])


# The process itself -------------------------------------------------------------------------------------------


def main() -> None:
    """Run as the agent: the order and the secret come from standard input."""
    harden_process()
    if os.fork():
        os._exit(0)
    os.umask(0o077)
    order, secret = _receive(sys.stdin.fileno())
    folder = _open_folder(Path(order["folder"]))
    end = _End(until=datetime.fromisoformat(order["until"]), file=Path(order["file"]), sha256=order["sha256"])
    with secret, _Doorway(folder, order["name"]) as door:
        signal.signal(signal.SIGTERM, lambda *_: end.come())
        _let_go_of_pipes(READY)
        last = _serve(door, secret, end)
    if last is not None:
        # Only now: who is told that it stopped finds neither socket nor secret.
        with last, contextlib.suppress(OSError):
            last.sendall(b"stopped")


def _receive(descriptor: int) -> tuple[dict[str, str], "_Secret"]:
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(descriptor, 1)
        if not byte:
            raise SystemExit(1)
        line += byte
    return json.loads(line), _Secret(descriptor)


class _Secret:
    """The secret in one locked page of memory, which no copy leaves but through a socket."""

    def __init__(self, descriptor: int) -> None:
        self._page = mmap.mmap(-1, mmap.PAGESIZE)
        with contextlib.suppress(OSError, ValueError, AttributeError):
            self._page.madvise(mmap.MADV_DONTDUMP)
        self._lock()
        self._size = 0
        with memoryview(self._page) as view:
            while count := os.readv(descriptor, [view[self._size : MOST_SECRET_BYTES]]):
                self._size += count

    def _lock(self) -> None:
        """Keep it out of swap, where the system allows that."""
        with contextlib.suppress(OSError, AttributeError):
            start = ctypes.c_char.from_buffer(self._page)
            ctypes.CDLL(None).mlock(ctypes.c_void_p(ctypes.addressof(start)), ctypes.c_size_t(mmap.PAGESIZE))
            del start

    def send(self, connection: socket.socket) -> None:
        """Send it without a copy of our own."""
        with memoryview(self._page) as view, view[: self._size] as part:
            connection.sendall(part)

    def __enter__(self) -> "_Secret":
        return self

    def __exit__(self, *_: object) -> None:
        self._page[:] = bytes(mmap.PAGESIZE)
        self._page.close()


class _End:
    """When the agent has to end, by three looks at the world."""

    def __init__(self, *, until: datetime, file: Path, sha256: str) -> None:
        self.until = until
        self._file = file
        self._sha256 = sha256
        self._wall = until.timestamp()
        # Counts on while the machine sleeps; nobody can set it back.
        self._elapsed = time.clock_gettime(time.CLOCK_BOOTTIME) + self._wall - time.time()
        self._told = False

    def come(self) -> None:
        """End at the next look."""
        self._told = True

    def has_come(self) -> bool:
        """Whether it is over: told to, too late by either clock, or the identity file is another one."""
        return self._told or self.seconds_left() <= 0 or not self._is_same_file()

    def seconds_left(self) -> float:
        """Until the earlier of both clocks."""
        return min(self._wall - time.time(), self._elapsed - time.clock_gettime(time.CLOCK_BOOTTIME))

    def _is_same_file(self) -> bool:
        try:
            return hashlib.sha256(self._file.read_bytes()).hexdigest() == self._sha256
        except OSError:
            return False  # a stick that was pulled out locks what it unlocked


class _Doorway:
    """A listening socket under its name in the folder, for as long as it is open."""

    def __init__(self, folder: int, name: str) -> None:
        self._folder = folder
        self._name = name
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        aside = f"/proc/self/fd/{folder}/.{name[-8:]}.{os.getpid()}"
        self.listener.bind(aside)
        self.listener.listen(16)
        # One step: whoever asks finds the agent before or this one, and a dead one's name is taken over.
        Path(aside).rename(f"/proc/self/fd/{folder}/{name}")
        self._number = os.stat(name, dir_fd=folder).st_ino

    def is_ours(self) -> bool:
        """Whether the name still leads here: if not, another agent took over, or somebody cleared the folder."""
        try:
            return os.stat(self._name, dir_fd=self._folder).st_ino == self._number
        except OSError:
            return False

    def __enter__(self) -> "_Doorway":
        return self

    def __exit__(self, *_: object) -> None:
        if self.is_ours():
            with contextlib.suppress(OSError):
                os.unlink(self._name, dir_fd=self._folder)
        self.listener.close()


def _let_go_of_pipes(word: bytes) -> None:
    """Close what leads to whoever started us, who may wait for the end of it; with a last word."""
    told, nothing = os.dup(1), os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)
    os.write(told, word)
    os.close(told)


def _serve(door: _Doorway, secret: _Secret, end: _End) -> socket.socket | None:
    """Answer until the end; the connection that asked for it, if one did."""
    # A signal writes into this pipe, so that one that comes right before the wait still ends it.
    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker)
    with selectors.DefaultSelector() as selector:
        selector.register(door.listener, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        while not end.has_come() and door.is_ours():
            ready = selector.select(max(0.0, min(LOOK_SECONDS, end.seconds_left())))
            if not any(key.fileobj is door.listener for key, _ in ready):
                continue
            connection, _ = door.listener.accept()
            with contextlib.suppress(OSError):
                if _wants_the_end(connection, secret, end):
                    return connection
            connection.close()
    return None


def _wants_the_end(connection: socket.socket, secret: _Secret, end: _End) -> bool:
    """Answer one request, or leave the last one's answer to the caller."""
    connection.settimeout(ANSWER_SECONDS)
    if _peer(connection) != os.getuid() or end.has_come():
        return False
    question = connection.recv(16)
    if question == b"secret\n":
        secret.send(connection)
    elif question == b"until\n":
        connection.sendall(end.until.isoformat().encode())
    return question == b"stop\n"
