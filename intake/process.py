"""One worker process as the pool sees it: started bare, asked job by job, killed when it goes wrong."""

import json
import os
import select
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from intake.protocol import Disconnected, Message, receive, send
from intake.settings import IntakeSettings
from poststelle.errors import ConfigurationError

BOOTSTRAP = "import sys; sys.path.append(sys.argv.pop(1)); from intake.worker import main; main()"
_QUIT_SECONDS = 5.0
_LOOK_SECONDS = 2.0
STALLED_SECONDS = 15.0
"""A worker that neither computes nor waits for processor or disk for so long waits for what never comes."""


class NotStarted(Exception):
    """A worker ended while it loaded its libraries."""


class WorkerProcess:
    """A child that inherits nothing: a fresh program, no descriptors but its socket, an environment of our making."""

    def __init__(self, settings: IntakeSettings, work_folder: Path) -> None:
        self._settings = settings
        self._sending = threading.Lock()
        self._letters: set[int] = set()
        self.has_worked = False
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        ours.settimeout(settings.page_wall_seconds)
        self._connection = ours
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", BOOTSTRAP, str(Path(__file__).parent.parent), _limits(settings)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                # Libraries complain about what they read; none of it may reach a log.
                stderr=subprocess.DEVNULL,
                env=_environment(work_folder),
                cwd="/",
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def ask(self, job: Message, letter: int, descriptor: int, max_attached_bytes: int = 0) -> Message:
        """The worker's answer to one job; hands the letter's bytes over first if it has not seen them.

        `max_attached_bytes` is how much may come with the answer.

        Raises:
            Disconnected: it died, hung or talked nonsense; it has to be replaced.
            NotStarted: it did so before it saw anything of the letter.
            ConfigurationError: what it needs is not installed.
        """
        self.prepare()
        with self._sending:
            if letter not in self._letters:
                send(self._connection, {"kind": "open", "letter": letter}, descriptor)
                self._letters.add(letter)
            send(self._connection, job | {"letter": letter})
        self._wait_for_answer()
        return receive(self._connection, max_attached_bytes)

    def _wait_for_answer(self) -> None:
        """Until something comes. Computing time is limited in the worker itself; here ends one that waits for ever.

        Raises:
            Disconnected: it took too long by the clock, or did nothing at all for a while.
        """
        answer = select.poll()
        answer.register(self._connection, select.POLLIN)
        until = time.monotonic() + self._settings.page_wall_seconds
        quiet_since, seen = time.monotonic(), -1
        while not answer.poll(_LOOK_SECONDS * 1000):
            used = _computing(self._process.pid)
            if used is None or used != seen:
                quiet_since, seen = time.monotonic(), -1 if used is None else used
            if time.monotonic() > min(until, quiet_since + STALLED_SECONDS):
                raise Disconnected

    def prepare(self) -> None:
        """Let it load its libraries and models, before a letter can be blamed for what goes wrong; once.

        Raises:
            NotStarted, ConfigurationError: as `ask`.
        """
        if self.has_worked:
            return
        try:
            with self._sending:
                send(self._connection, {"kind": "prepare", "letter": 0})
            answer = receive(self._connection)
        except Disconnected as err:
            raise NotStarted from err
        if isinstance(message := answer.get("misconfigured"), str):
            raise ConfigurationError(message)
        self.has_worked = True

    def forget(self, letter: int) -> None:
        """Let the worker free a letter; may be called while another thread asks."""
        with self._sending:
            if letter in self._letters:
                self._letters.discard(letter)
                try:
                    send(self._connection, {"kind": "forget", "letter": letter})
                except Disconnected:
                    pass  # it is gone, and the letter with it

    def stop(self) -> None:
        """Hang up and wait; a worker that does not leave by itself is killed."""
        self._connection.close()
        try:
            self._process.wait(_QUIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it now, with whatever it has started."""
        try:
            # It leads its own session, so this reaches a tesseract it may have started too.
            os.killpg(self._process.pid, 9)
        except ProcessLookupError:
            pass  # already gone
        self._process.wait()
        self._connection.close()


def _computing(pid: int) -> int | None:
    """Computing time of a process and what it started, in clock ticks; None while one of them runs, waits for a
    processor or for a disk."""
    total, waiting = 0, [pid]
    while waiting:
        process = waiting.pop()
        try:
            state, *rest = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        except OSError:
            return None  # it just ended; whoever asks will see that
        if state in ("R", "D"):
            return None
        total += int(rest[10]) + int(rest[11])
        waiting += map(int, children)
    return total


def _limits(settings: IntakeSettings) -> str:
    return json.dumps(
        {
            "cpu_seconds": settings.page_cpu_seconds,
            "memory_bytes": settings.page_memory_bytes,
            "max_bytes": settings.max_bytes,
            "max_pages": settings.max_pages,
            "max_pixels": settings.max_pixels_per_page,
            "languages": settings.languages,
            "more_languages": settings.more_languages,
            "engine": settings.engine,
        }
    )


def _environment(work_folder: Path) -> dict[str, str]:
    """Nothing of the caller's environment: it may hold passphrases and paths."""
    return {
        # One thread a worker, one worker a core: more threads only wait for each other.
        "OMP_THREAD_LIMIT": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TMPDIR": str(work_folder),
    }
