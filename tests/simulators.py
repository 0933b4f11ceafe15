"""Stand-ins for the world around the program: offices to run it in, and disks that fail or die where a drill says.

Run as a program, this file is the real command line on such a disk (see `Office.drill`), or many commands
in one process (see `Office.run_many`).
"""

import atexit
import base64
import contextlib
import errno
import hashlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from intake import Recognition
from poststelle.durable import Disk
from poststelle.errors import ConfigurationError, PoststelleError, UnreadableFile
from poststelle.verbs.taking_in import TakenIn, intake
from poststelle.wiring import Environment

PROGRAM = Path(sys.executable).with_name("poststelle")
PATIENCE_SECONDS = 120
MEMORY = Path("/dev/shm")


# Offices ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What one command did."""

    arguments: tuple[str, ...]
    status: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """Standard output as text."""
        return self.out.decode()

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Office:
    """One office in a folder of its own, with a home, a state and a cache folder that belong to nobody else."""

    root: Path

    @property
    def folder(self) -> Path:
        """Where config.yaml lies."""
        return self.root / "office"

    @property
    def config(self) -> Path:
        return self.folder / "config.yaml"

    @property
    def inbox(self) -> Path:
        return self.folder / "inbox"

    @property
    def vault(self) -> Path:
        return self.folder / "vault"

    @property
    def mirror(self) -> Path:
        return self.folder / "mirror"

    @property
    def kit(self) -> Path:
        return self.folder / "recovery-kit.txt"

    @property
    def temporary(self) -> Path:
        """TMPDIR of every command."""
        return self.root / "tmp"

    @property
    def state(self) -> Path:
        return self.root / "state"

    def identity(self, user: str) -> Path:
        """A person's identity file."""
        return self.folder / "identities" / f"{user}.identity"

    def make(self, *options: str, shipped: Path, workers: str = "1") -> "Office":
        """An empty office after the shipped configuration, with a vault.

        One recognition process, unless told otherwise: a second takes a CPU-second to start, and most tests drop one
        letter.
        """
        for folder in (self.folder, self.root / "home", self.temporary):
            folder.mkdir(parents=True)
        text = shipped.read_text(encoding="utf-8")
        quick = text.replace("settle_seconds: 2 ", "settle_seconds: 0.2 ")
        if quick == text:
            raise ValueError("the shipped configuration no longer says settle_seconds: 2")
        self.config.write_text(quick, encoding="utf-8")
        self.set_workers(workers)
        self.done("init", *(options or ("--no-passphrase",)))
        return self

    def set_workers(self, workers: str) -> "Office":
        """Have so many recognition processes from now on; "auto" as in the shipped configuration."""
        text, changes = re.subn(
            r"(?m)^  workers: \w+", f"  workers: {workers}", self.config.read_text(encoding="utf-8")
        )
        if changes != 1:
            raise ValueError("the configuration no longer says how many workers there are")
        self.config.write_text(text, encoding="utf-8")
        return self

    def copy_to(self, root: Path) -> "Office":
        """The same office elsewhere, to be damaged or filled further."""
        shutil.copytree(self.root, root, symlinks=True)
        return Office(root)

    def environment(self, **more: str) -> dict[str, str]:
        """What a command sees of its surroundings: nothing of the tester's."""
        return {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "LANG": "C.UTF-8",
            "HOME": str(self.root / "home"),
            "XDG_STATE_HOME": str(self.state),
            "XDG_CACHE_HOME": str(self.root / "cache"),
            "XDG_CONFIG_HOME": str(self.root / "configuration"),
            "TMPDIR": str(self.temporary),
            # A drill may run a copy of the program.
            **({"PYTHONPATH": os.environ["PYTHONPATH"]} if "PYTHONPATH" in os.environ else {}),
            **more,
        }

    def command(self, *arguments: str | Path, user: str | None = None, as_json: bool = True) -> list[str]:
        """Arguments with the options every command has."""
        options = ["--json"] if as_json else []
        options += ["--identity", str(self.identity(user))] if user is not None else []
        return [*options, *map(str, arguments)]

    def run(
        self, *arguments: str | Path, user: str | None = None, as_json: bool = True, env: dict[str, str] | None = None
    ) -> Ran:
        """Run one command as the real program in a process of its own."""
        command = self.command(*arguments, user=user, as_json=as_json)
        return self._ran([str(PROGRAM)], command, env or {})

    def done(self, *arguments: str | Path, user: str | None = None, as_json: bool = True) -> Ran:
        """Run one command that must succeed."""
        ran = self.run(*arguments, user=user, as_json=as_json)
        assert ran.status == 0, f"{ran.arguments}: exit status {ran.status}\n{ran.text}\n{ran.err}"
        return ran

    def drill(self, drill: str, *arguments: str | Path) -> Ran:
        """Run one command on a disk that dies or fails: "kill:ARROW[:2]", "die:7", "full:7" or "full:WORD"."""
        return self._ran([sys.executable, __file__, drill], self.command(*arguments), {})

    def start(self, *arguments: str | Path, out: Path, user: str | None = None) -> "subprocess.Popen[bytes]":
        """Start a command that runs until it is told to stop; both its outputs go into one file."""
        with out.open("wb") as stream:
            return subprocess.Popen(
                [str(PROGRAM), *self.command(*arguments, user=user)],
                cwd=self.folder, env=self.environment(), stdin=subprocess.DEVNULL, stdout=stream, stderr=stream,
            )  # fmt: skip

    def run_many(self, commands: Sequence[Sequence[str]]) -> list[Ran]:
        """Run many complete argument lists through the same command line, in one process to save its start."""
        answer = subprocess.run(
            [sys.executable, __file__, "many"], input=json.dumps([list(c) for c in commands]).encode(),
            cwd=self.folder, env=self.environment(), capture_output=True, timeout=PATIENCE_SECONDS, check=True,
        )  # fmt: skip
        return [
            Ran(arguments=tuple(command), status=status, out=base64.b64decode(out), err=err)
            for command, (status, out, err) in zip(commands, json.loads(answer.stdout), strict=True)
        ]

    def _ran(self, program: list[str], arguments: list[str], env: dict[str, str]) -> Ran:
        ran = subprocess.run(
            [*program, *arguments], cwd=self.folder, env=self.environment(**env), stdin=subprocess.DEVNULL,
            capture_output=True, timeout=PATIENCE_SECONDS, check=False,
        )  # fmt: skip
        err = ran.stderr.decode(errors="replace")
        return Ran(arguments=tuple(arguments), status=ran.returncode, out=ran.stdout, err=err)

    def in_memory(self) -> list[Path]:
        """Working folders that belong to this office: their names carry the hash of the vault's path."""
        mark = hashlib.sha256(os.fsencode(self.vault)).hexdigest()[:8]
        return [path for path in MEMORY.glob("poststelle-*") if f"-{mark}-" in path.name]

    def drop(self, *files: Path) -> None:
        """Put files into the inbox as a scanner does that closes what it has written."""
        for file in files:
            aside = self.inbox / f".{file.name}.part"
            shutil.copyfile(file, aside)
            aside.rename(self.inbox / file.name)

    def waiting(self) -> list[str]:
        """Everything below the inbox that is not an empty folder of ours."""
        while True:
            with contextlib.suppress(FileNotFoundError):  # a watch works on it meanwhile: look again
                return sorted(str(path.relative_to(self.inbox)) for path in self.inbox.rglob("*") if path.is_file())

    def objects(self, part: str) -> list[Path]:
        """Sealed files of one part."""
        return sorted((self.vault / "objects").rglob(f"*.{part}.*"))

    def restore_from(self, whole: "Office") -> None:
        """Undo damage: everything below the office becomes what it is in another copy of it."""
        for place in (self.folder, self.state):
            shutil.rmtree(place)
        shutil.copytree(whole.folder, self.folder, symlinks=True)
        shutil.copytree(whole.state, self.state, symlinks=True)


def recover(office: Office, *arguments: str | Path, program: Path | None = None) -> Ran:
    """Run the vault's recover.py as somebody without Poststelle would: an isolated Python, the kit, nothing else."""
    command = ["--kit", str(office.kit), *map(str, arguments)]
    ran = subprocess.run(
        [sys.executable, "-I", str(program or office.vault / "recover.py"), *command],
        cwd="/", env={"PATH": "/usr/bin:/bin"}, capture_output=True, timeout=PATIENCE_SECONDS, check=False,
    )  # fmt: skip
    return Ran(arguments=tuple(command), status=ran.returncode, out=ran.stdout, err=ran.stderr.decode())


# Disks --------------------------------------------------------------------------------------------------------


class KillingDisk(Disk):
    """Kills its own process, as a power cut would, when the story passes an arrow for the n-th time."""

    def __init__(self, arrow: str, passes: int = 1) -> None:
        self._arrow = arrow
        self._left = passes

    def reached(self, arrow: str) -> None:
        """Die here, if this is where."""
        if arrow == self._arrow:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class StepwiseDisk(Disk):
    """Numbers every change from 1 and does something before the one that is wanted."""

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.steps: list[tuple[str, str]] = []

    def step(self, action: str, target: str) -> None:
        """Count, and strike."""
        self.steps.append((action, target))
        if len(self.steps) == self.at:
            self.strike()

    def strike(self) -> None:
        """What happens at that step; nothing here, to count only."""


class CountingDisk(StepwiseDisk):
    """Says at the end of the program how many steps it took."""

    def __init__(self) -> None:
        super().__init__()
        atexit.register(lambda: print(f"steps {len(self.steps)}", file=sys.stderr))


class DyingDisk(StepwiseDisk):
    """Kills its own process right before one step."""

    def strike(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class FullDisk(StepwiseDisk):
    """Has no space left at one step; with `for_good` at every later one too."""

    def __init__(self, at: int, *, for_good: bool = False) -> None:
        super().__init__(at)
        self._for_good = for_good

    def step(self, action: str, target: str) -> None:
        super().step(action, target)
        if self._for_good and self.at is not None and len(self.steps) > self.at:
            self.strike()

    def strike(self) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class FullFor(Disk):
    """Has no space left for one kind of change: an action, or a target that contains the word."""

    def __init__(self, word: str) -> None:
        self._word = word

    def step(self, action: str, target: str) -> None:
        if self._word == action or self._word in target:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def disk_for(drill: str) -> Disk:
    """The disk that a drill's name asks for, see `Office.drill`."""
    if drill == "count":
        return CountingDisk()
    kind, where, *rest = drill.split(":")
    if kind == "kill":
        return KillingDisk(where, int(rest[0]) if rest else 1)
    if kind == "die":
        return DyingDisk(int(where))
    return FullDisk(int(where)) if where.isdigit() else FullFor(where)


# Recognition --------------------------------------------------------------------------------------------------


class RecordedPool:
    """Recognition whose answers are known beforehand, by the SHA-256 of the file: for drills of what follows it."""

    def __init__(self, answers: dict[str, Recognition | UnreadableFile]) -> None:
        self._answers = answers

    def recognise(
        self, snapshot: Any, on_page: Any = None, languages: Any = (), is_sealed: Any = None
    ) -> "Future[Recognition]":
        """The recorded answer, at once."""
        future: Future[Recognition] = Future()
        answer = self._answers[snapshot.sha256]
        if isinstance(answer, UnreadableFile):
            future.set_exception(answer)
        else:
            future.set_result(answer)
        return future

    def warm_up(self, *, every: bool = False) -> None:
        """Nothing is to be loaded."""

    def abort(self) -> None:
        """Nothing runs."""


def no_passphrase(user: str) -> str:
    """For in-process work with identities that need none."""
    raise ConfigurationError(f"nobody can be asked for the passphrase of {user}")


def environment_of(office: Office, disk: Disk | None = None, user: str | None = None) -> Environment:
    """The office as this process may use it; a minute later than it is, so that nothing waits for files to settle."""
    return Environment(
        cwd=office.folder,
        config_file=office.config,
        identity_file=None if user is None else office.identity(user),
        passphrase=no_passphrase,
        config_folders=(),
        cache=office.root / "cache" / "poststelle",
        state=office.state / "poststelle",
        disk=disk or Disk(),
        now=lambda: datetime.now(UTC) + timedelta(minutes=1),
    )


def drain(office: Office, disk: Disk, answers: dict[str, Recognition | UnreadableFile]) -> list[TakenIn]:
    """Take in what waits in the inbox in this process, with recorded recognition."""
    room = "poststelle.verbs.taking_in"
    with (
        patch(f"{room}.RecognitionPool", lambda settings, folder: RecordedPool(answers)),
        # Hardening cannot be undone and would reach the tests that follow.
        patch(f"{room}.harden_process", lambda: None),
        intake(
            environment_of(office, disk), [], move=False, received_on=None, on_progress=lambda progress: None
        ) as run,
    ):
        return list(run.outcomes)


def fails_at(step: int, office: Office, action: Callable[[Office, Disk], object]) -> bool:
    """Do it on a disk that is full once, at this step; False if there are fewer steps."""
    disk = FullDisk(step)
    with contextlib.suppress(PoststelleError, OSError):
        action(office, disk)
    return len(disk.steps) >= step


def dies_at(step: int, office: Office, action: Callable[[Office, Disk], object]) -> bool:
    """Do it in a child that dies right before this step; False if it finished because there are fewer steps."""
    child = os.fork()
    if child == 0:
        try:
            action(office, DyingDisk(step))
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    if os.waitstatus_to_exitcode(status) != 0:
        raise AssertionError(f"the child failed before it died at step {step}")
    return False


# Waiting ------------------------------------------------------------------------------------------------------


def eventually(fulfilled: Callable[[], bool], what: str) -> None:
    """Wait generously for something to become true."""
    for _ in range(1200):
        if fulfilled():
            return
        time.sleep(0.1)
    raise AssertionError(f"waited in vain until {what}")


# As a program -------------------------------------------------------------------------------------------------


def _many() -> None:
    """Argument lists as JSON on standard input; statuses and outputs as JSON on standard output."""
    from poststelle.cli import run

    answers = []
    for arguments in json.load(sys.stdin):
        out, err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            status = run(arguments)
        answers.append((int(status), base64.b64encode(out.buffer.getvalue()).decode(), err.getvalue()))  # type: ignore[attr-defined]
    print(json.dumps(answers))


def _main() -> None:
    from poststelle.cli import main

    drill, *arguments = sys.argv[1:]
    if drill == "many":
        _many()
    else:
        main(arguments, disk=disk_for(drill))


if __name__ == "__main__":
    _main()
