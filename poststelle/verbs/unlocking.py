"""`unlock`: one passphrase, many searches; the key stays in an agent's memory until an end that is known beforehand."""

import contextlib
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from poststelle.access import agent
from poststelle.access.identities import IdentityFile, read_identity
from poststelle.errors import ConfigurationError, Damaged
from poststelle.verbs.finding import RESTRICTED, catch_up
from poststelle.wiring import (
    Environment,
    Session,
    agent_place,
    find_config,
    harden_process,
    named_identity,
    open_person,
)

LONGEST = timedelta(hours=24)
CATCH_UP_LETTERS = 3_000
"""Letters that unlocking adds to lagging indexes before it returns: about half a minute."""
_DURATION = re.compile(r"(?:(\d{1,4})h)?(?:(\d{1,4})m)?")

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlocked:
    """An identity that is unlocked, or was."""

    user: str
    until: datetime | None
    """UTC; None: it is locked now."""
    socket: Path
    was_unlocked: bool
    """Whether an agent held the identity before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaughtUp:
    """How far the person's indexes are."""

    missing: int
    """Letters that are still missing: searching adds more."""
    damaged: tuple[str, ...]
    """Compartments whose index cannot be used."""


def parse_duration(text: str) -> timedelta:
    """How long "30m", "8h" or "1h30m" is.

    Raises:
        ConfigurationError: not written like that, nothing, or more than a day.
    """
    match = _DURATION.fullmatch(text.strip().lower())
    duration = timedelta(hours=int(match[1] or 0), minutes=int(match[2] or 0)) if match else timedelta()
    if not timedelta() < duration <= LONGEST:
        raise ConfigurationError(
            f"{text!r} is not a time that can be unlocked for. Write 30m, 8h or 1h30m; at most 24h."
        )
    return duration


@contextlib.contextmanager
def unlock(environment: Environment, duration: timedelta) -> Iterator[tuple[Session, Unlocked]]:
    """Ask for the passphrase and start the agent; the session goes on, to let the indexes catch up.

    Raises:
        ConfigurationError: the identity has no passphrase, still its one-time code, or there is no place for it.
    """
    config = find_config(environment)
    path = named_identity(environment, config)
    # The agent ends when the file is no longer this one; read before it is opened, so that no change is missed.
    digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    file = read_identity(path)
    place = _place(environment, file)
    if not file.needs_passphrase:
        raise ConfigurationError(
            f"The identity of {file.user!r} has no passphrase: every command opens it without asking already."
        )
    if file.is_one_time:
        raise ConfigurationError(
            f"The identity of {file.user!r} still opens with the code that was handed out. Choose a passphrase of your "
            "own first: `poststelle identity passphrase`."
        )
    harden_process()
    with open_person(environment, ask_anew=True) as session:
        until = (session.now() + duration).replace(microsecond=0)
        was_unlocked = agent.ask_until(place) is not None
        session.note("unlock", until=until.isoformat())
        agent.start(place, secret=session.identity.secret(), identity_file=path, identity_sha256=digest, until=until)
        yield session, Unlocked(user=file.user, until=until, socket=place.socket, was_unlocked=was_unlocked)


def lock(environment: Environment) -> Unlocked:
    """End the agent of the person, if there is one; no passphrase is needed for that."""
    config = find_config(environment)
    file = read_identity(named_identity(environment, config))
    place = _place(environment, file)
    return Unlocked(user=file.user, until=None, socket=place.socket, was_unlocked=agent.stop(place))


def _place(environment: Environment, file: IdentityFile) -> agent.Place:
    if environment.runtime is None:
        raise ConfigurationError(
            "There is no folder in memory (XDG_RUNTIME_DIR or /dev/shm) for the socket, so nothing can be unlocked. "
            "Every command works with the passphrase."
        )
    return agent_place(environment.runtime, file)


def catch_up_all(session: Session, progress: Progress) -> CaughtUp:
    """Bring the person's indexes up to the archive, as far as is bearable: in blind mode nobody else can."""
    missing, added = 0, 0
    damaged: list[str] = []
    for compartment in session.book.compartments_for(session.identity.person_id, "find"):
        if compartment == RESTRICTED:
            continue
        try:
            index = session.index(compartment)
            left = catch_up(session, compartment, index)
            while left and added < CATCH_UP_LETTERS:
                before, left = left, catch_up(session, compartment, index)
                if left >= before:
                    break  # what is left cannot be read; verify says why
                added += before - left
                progress(added, added + left)
            missing += left
        except Damaged:
            damaged.append(compartment)
    return CaughtUp(missing=missing, damaged=tuple(damaged))
