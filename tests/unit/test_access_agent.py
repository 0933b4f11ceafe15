"""The agent holds a person's keys while they are unlocked: it must serve them alone, and end when it was agreed."""

import base64
import hashlib
import os
import resource
import secrets
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from poststelle.access import agent
from poststelle.access.agent import Place
from poststelle.errors import ConfigurationError
from poststelle.verbs.unlocking import parse_duration

PATIENCE_SECONDS = 30.0
NOBODY = 65534


@dataclass(frozen=True)
class Unlocked:
    """An agent's place, what it holds, and the identity file it was started from."""

    place: Place
    secret: bytes
    file: Path

    def start(self, lasting: timedelta = timedelta(hours=1)) -> None:
        """Start the agent, in place of an earlier one."""
        digest = hashlib.sha256(self.file.read_bytes()).hexdigest()
        until = datetime.now(UTC) + lasting
        agent.start(self.place, secret=self.secret, identity_file=self.file, identity_sha256=digest, until=until)

    def process(self) -> int:
        """The agent's process id, as the kernel tells it to whoever connects."""
        with connected(self.place) as connection:
            return struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]


def connected(place: Place) -> socket.socket:
    """A bare connection to the agent, without the checks of our own caller."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    folder = os.open(place.folder, os.O_RDONLY)
    try:
        connection.connect(f"/proc/self/fd/{folder}/{place.name}")
    finally:
        os.close(folder)
    return connection


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether something comes true before patience ends."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not (held := holds()) and time.monotonic() < until:
        time.sleep(0.02)
    return held


def is_gone(process: int) -> bool:
    """Whether a process has ended; one that nobody waited for yet counts as ended."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state in "ZX"


@pytest.fixture
def unlocked(tmp_path: Path) -> Iterator[Unlocked]:
    """Ready to be started; ended after the test, whatever happened."""
    file = tmp_path / "me.identity"
    file.write_text("an identity file")
    place = Place(folder=tmp_path / "run", vault_id=secrets.token_hex(16), person_id=secrets.token_hex(16))
    yield Unlocked(place=place, secret=secrets.token_bytes(192), file=file)
    if place.folder.exists():
        place.folder.chmod(0o700)
    agent.stop(place)


def test_an_agent_hands_out_what_it_was_given_until_it_is_stopped(unlocked: Unlocked) -> None:
    """A clerk unlocks once in the morning; every search must find the key, and none after they locked again."""
    assert agent.ask_secret(unlocked.place) is None

    unlocked.start()
    process = unlocked.process()

    assert [agent.ask_secret(unlocked.place) for _ in range(3)] == [unlocked.secret] * 3
    until = agent.ask_until(unlocked.place)
    assert until is not None and until > datetime.now(UTC)

    assert agent.stop(unlocked.place)

    assert list(unlocked.place.folder.iterdir()) == [], "whoever was told that it stopped must find no socket"
    assert eventually(lambda: is_gone(process))
    assert agent.ask_secret(unlocked.place) is None
    assert not agent.stop(unlocked.place)


def test_the_secret_stands_in_no_argument_no_environment_and_no_file(unlocked: Unlocked) -> None:
    """Arguments are readable by every user of the machine, files by every backup."""
    unlocked.start()
    process = Path(f"/proc/{unlocked.process()}")
    spelled = (unlocked.secret, unlocked.secret.hex().encode(), base64.b64encode(unlocked.secret))

    told = (process / "cmdline").read_bytes()
    assert b"agent" in told, "the control: this is the agent's command line"
    assert not any(way in told for way in spelled)
    if os.getuid() == 0:
        assert (process / "environ").read_bytes() == b"LANG=C.UTF-8\0"
    assert [path for path in unlocked.place.folder.parent.rglob("*") if path.is_file()] == [unlocked.file]


def test_the_agent_leaves_its_callers_session_and_keeps_no_pipe(unlocked: Unlocked) -> None:
    """Closing the terminal must not lock, and a script that waits for the end of output must not hang for hours."""
    unlocked.start()
    process = unlocked.process()

    assert os.getsid(process) not in (os.getsid(0), process)
    assert Path(f"/proc/{process}/cwd").resolve() == Path("/")
    standard = {Path(f"/proc/{process}/fd/{number}").resolve() for number in (0, 1, 2)}
    assert standard == {Path(os.devnull)}


def test_a_process_that_holds_keys_dumps_no_core() -> None:
    """A crash must not write somebody's keys to disk, nor may another program of theirs read them out of memory."""
    ask = "import ctypes, resource; from poststelle.access.hardening import harden_process; {}; " + (
        "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE)[0])"
    )

    def told(first: str) -> list[str]:
        command = [sys.executable, "-c", ask.format(first)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    assert told("pass")[0] == "1", "the control: an ordinary process can be dumped"
    assert told("harden_process()") == ["0", "0"]


def test_the_agent_itself_is_hardened(unlocked: Unlocked) -> None:
    """That the function works is no use if the process that holds the secret does not call it."""
    unlocked.start()

    limits = Path(f"/proc/{unlocked.process()}/limits").read_text().splitlines()
    core = next(line for line in limits if line.startswith("Max core file size")).split()

    assert core[4:6] == ["0", "0"]
    assert resource.getrlimit(resource.RLIMIT_CORE)[1] != 0, "the control: here it is not zero anyway"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can ask as somebody else")
def test_another_user_gets_nothing_even_if_the_folder_lets_them_in(unlocked: Unlocked) -> None:
    """Folder modes are one wrong chmod away from open; the agent asks the kernel who is calling."""
    unlocked.start()
    unlocked.place.folder.chmod(0o755)
    unlocked.place.socket.chmod(0o777)
    question = (
        "import os, socket, sys; f = os.open(sys.argv[2], os.O_RDONLY); os.setuid(int(sys.argv[1])); os.fchdir(f); "
        "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[3]); s.sendall(b'secret\\n'); "
        "data = b''.join(iter(lambda: s.recv(999), b'')); sys.stdout.buffer.write(data)"
    )

    def answer(user: int) -> bytes:
        folder, name = str(unlocked.place.folder), unlocked.place.name
        command = [sys.executable, "-c", question, str(user), folder, name]
        return subprocess.run(command, capture_output=True, check=False, cwd="/").stdout

    assert answer(0) == unlocked.secret, "the control: the same question by the owner is answered"
    assert answer(NOBODY) == b""
    assert answer(0) == unlocked.secret, "and it still serves its owner"


def test_a_folder_that_others_may_enter_is_refused(unlocked: Unlocked) -> None:
    """In /dev/shm anybody can make our folder first: then their agent would answer, or they would see our socket."""
    unlocked.start()
    assert agent.ask_secret(unlocked.place) == unlocked.secret
    unlocked.place.folder.chmod(0o755)

    assert agent.ask_secret(unlocked.place) is None
    with pytest.raises(ConfigurationError, match="not private"):
        unlocked.start()


def test_a_folder_behind_a_link_is_not_followed(unlocked: Unlocked, tmp_path: Path) -> None:
    """A link could lead the caller to a folder of its maker's choice."""
    unlocked.start()
    link = tmp_path / "link"
    link.symlink_to(unlocked.place.folder)
    through = Place(folder=link, vault_id=unlocked.place.vault_id, person_id=unlocked.place.person_id)

    assert agent.ask_secret(unlocked.place) == unlocked.secret
    assert agent.ask_secret(through) is None


def test_the_agent_ends_at_its_time(unlocked: Unlocked) -> None:
    """Who goes home without locking must find it locked."""
    unlocked.start(timedelta(seconds=2))
    process = unlocked.process()
    assert agent.ask_secret(unlocked.place) == unlocked.secret

    assert eventually(lambda: is_gone(process))
    assert list(unlocked.place.folder.iterdir()) == []


@pytest.mark.parametrize("change", ["written", "removed"])
def test_a_changed_or_missing_identity_file_locks_at_once(unlocked: Unlocked, change: str) -> None:
    """A new passphrase, a replaced identity or a stick that was pulled out must not leave the old keys open."""
    unlocked.start()
    process = unlocked.process()
    assert agent.ask_secret(unlocked.place) == unlocked.secret

    if change == "written":
        unlocked.file.write_text("another passphrase")
    else:
        unlocked.file.unlink()

    assert agent.ask_secret(unlocked.place) is None
    assert eventually(lambda: is_gone(process))
    assert list(unlocked.place.folder.iterdir()) == []


def test_sigterm_ends_it_and_removes_its_socket(unlocked: Unlocked) -> None:
    """A machine that shuts down leaves nothing behind that looks unlocked."""
    unlocked.start()
    process = unlocked.process()

    os.kill(process, signal.SIGTERM)

    assert eventually(lambda: is_gone(process))
    assert list(unlocked.place.folder.iterdir()) == []


def test_the_socket_of_a_killed_agent_is_in_nobodys_way(unlocked: Unlocked) -> None:
    """After a kill -9 the name is still there: searches must ask for the passphrase, not hang, and unlock must work."""
    unlocked.start()
    process = unlocked.process()
    os.kill(process, signal.SIGKILL)
    assert eventually(lambda: is_gone(process))
    assert unlocked.place.socket.exists(), "the control: the dead socket lies there"

    assert agent.ask_secret(unlocked.place) is None
    unlocked.start()

    assert agent.ask_secret(unlocked.place) == unlocked.secret


def test_unlocking_again_ends_the_earlier_agent(unlocked: Unlocked) -> None:
    """Two agents would mean one that nobody can lock any more."""
    unlocked.start()
    first = unlocked.process()
    again = Unlocked(place=unlocked.place, secret=secrets.token_bytes(192), file=unlocked.file)
    again.start()

    assert agent.ask_secret(unlocked.place) == again.secret
    assert eventually(lambda: is_gone(first))


def test_an_agent_that_cannot_be_reached_any_more_ends(unlocked: Unlocked) -> None:
    """Whoever clears the folder cannot lock it afterwards: it has to notice by itself."""
    unlocked.start()
    process = unlocked.process()

    unlocked.place.socket.unlink()

    assert eventually(lambda: is_gone(process))


def test_nonsense_and_silence_neither_answer_nor_block(unlocked: Unlocked) -> None:
    """A caller that hangs must not keep everybody else from searching."""
    unlocked.start()
    silent = connected(unlocked.place)
    with connected(unlocked.place) as talking:
        talking.settimeout(PATIENCE_SECONDS)
        talking.sendall(b"open sesame\n")
        assert talking.recv(99) == b""

    silent.close()
    assert agent.ask_secret(unlocked.place) == unlocked.secret


@pytest.mark.parametrize(
    ("text", "minutes"), [("30m", 30), ("8h", 480), ("1h30m", 90), ("24h", 1440), ("90m", 90), (" 2H ", 120)]
)
def test_times_are_read_as_people_write_them(text: str, minutes: int) -> None:
    """What --for means must not be a guess."""
    assert parse_duration(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize("text", ["", "0m", "0h0m", "8", "1d", "-1h", "24h1m", "25h", "1440h", "30m1h", "1.5h", "8 h"])
def test_times_that_are_none_or_longer_than_a_day_are_refused(text: str) -> None:
    """Unlocked for a week is not unlocked for a working day: it is a key left in the door."""
    with pytest.raises(ConfigurationError, match="at most 24h"):
        parse_duration(text)
