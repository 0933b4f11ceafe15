"""`rebuild keys` and `rebuild letters`: what is damaged, replaced by a copy that is whole.

Keys come from the mirror, or the mirror's from the key store. Sealed parts of letters come from a backup; the
catalogue holds the hash of each, so that no other bytes can take their place.
"""

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from archive.catalogue import NAME, Catalogue
from archive.certificates import listed_documents
from archive.generation import Target
from archive.keystore import KeyStore
from archive.objects import MissingPart, StoredPart, fixity
from archive.repairing import Copy, KeyPlan, carry_out, plan_repair
from archive.verification import KeyChecks, living_parts
from poststelle.access.database import open_database
from poststelle.access.keybook import RECORDS, law_lock
from poststelle.access.keyring import Keyring
from poststelle.errors import ConfigurationError, NotPermitted
from poststelle.records import Problem
from poststelle.verbs.copying import existing, reading_from
from poststelle.wiring import Session, locked, only_purge

Progress = Callable[[int, int], None]

BUSY = (
    "Something is at work on this vault (`poststelle watch`, `intake`, `backup`, `purge run`, a decision). Let it "
    "finish or stop it: nothing may be written while its keys are repaired."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairedKeys:
    """What a repair did."""

    replaced: str
    aside: Path | None
    """Where what was left of the damaged one lies now; None if there was nothing."""
    problems: tuple[Problem, ...]
    """What key store and mirror lack all the same, as `verify` would say."""


# Keys -------------------------------------------------------------------------------------------------------------


def plan_keys(session: Session) -> KeyPlan:
    """Look through key store and mirror and say what would be replaced by what; changes nothing.

    Raises:
        NotPermitted: neither the service nor an owner.
        ConfigurationError: something is at work on the vault.
        Damaged: nothing can be repaired from the other.
    """
    _require_right(session)
    with _nothing_else(session):
        return _plan(session)


def rebuild_keys(session: Session, agreed: KeyPlan) -> RepairedKeys:
    """Carry out what was planned, look through both, and write it into the log.

    Raises:
        ConfigurationError: things are not as they were when it was planned.
    """
    _require_right(session)
    with _nothing_else(session):
        plan = _plan(session)
        if plan.broken is None or (plan.broken.path, plan.source.path) != _paths(agreed):
            raise ConfigurationError("Key store or mirror changed since the plan was shown. Run the command again.")
        before = _digest(plan.broken)
        aside = carry_out(plan, session.disk, session.now())
        # An older copy may still hold keys of letters that were destroyed since.
        session.mirrored_keys.forget_all(sorted(listed_documents(session.layout, session.book)))
        session.mirrored_keys.settle()
        problems = _problems(session)
        session.note(
            "keys-rebuilt",
            replaced=plan.broken.name,
            source=plan.source.name,
            aside=None if aside is None else aside.name,
            sha256=before,
            problems=len(problems),
        )
    return RepairedKeys(replaced=plan.broken.name, aside=aside, problems=tuple(problems))


# Letters ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PartsPlan:
    """Sealed parts that are missing or damaged here."""

    folder: Path
    found: tuple[StoredPart, ...]
    """Whole in the backup."""
    lost: tuple[StoredPart, ...]
    """Not in the backup, or damaged there too."""


def plan_letters(session: Session, folder: Path, progress: Progress) -> PartsPlan:
    """Look through all parts, and in a backup for those that are damaged; changes nothing.

    Raises:
        NotPermitted: the identity does not hold the records key.
        ConfigurationError: there is no backup of this vault.
        StorageError: the backup's disk cannot be read.
    """
    target = existing(session, folder.absolute())
    parts = [part for part in living_parts(session.catalogue) if not _is_whole(session, part)]
    found: list[StoredPart] = []
    lost: list[StoredPart] = []
    with reading_from(folder):
        for done, part in enumerate(parts, 1):
            (found if _from_backup(target, part) is not None else lost).append(part)
            progress(done, len(parts))
    return PartsPlan(folder=target.root, found=tuple(found), lost=tuple(lost))


def rebuild_letters(session: Session, plan: PartsPlan) -> tuple[Problem, ...]:
    """Put the parts that were found in their place; returns what is still damaged or missing."""
    target, lost = existing(session, plan.folder), list(plan.lost)
    # Nobody revises a letter meanwhile: the text that a correction replaces must not come back behind it.
    with only_purge(session), session.alone(), reading_from(plan.folder):
        kept = set(living_parts(session.catalogue))
        # Destroyed or corrected since the plan was shown: nothing of it may come back.
        for part in [part for part in plan.found if part in kept]:
            content = _from_backup(target, part)
            if content is None:
                lost.append(part)
            else:
                session.objects.write(part.name, [content])
        session.note(
            "letters-rebuilt",
            path=os.fspath(plan.folder),
            documents=sorted({part.name.document_id for part in plan.found}),
            lost=len(lost),
        )
    return still_lost(lost)


def still_lost(lost: Sequence[StoredPart]) -> tuple[Problem, ...]:
    """What a backup does not repair, as `verify` would say it."""
    message = "is not whole in this backup either. Try another backup."
    return tuple(
        Problem(code="A014", id=part.name.document_id, message=f"The {part.name.part} {message}") for part in lost
    )


def _is_whole(session: Session, part: StoredPart) -> bool:
    try:
        return fixity(session.objects, part.name) == part
    except (MissingPart, OSError):
        return False


def _from_backup(target: Target, part: StoredPart) -> bytes | None:
    """A part as the catalogue describes it; None if the backup lacks it or holds other bytes."""
    try:
        content = target.object_path(part).read_bytes()
    except FileNotFoundError:
        return None
    return content if hashlib.sha256(content).hexdigest() == part.sha256 else None


# Keys, in detail --------------------------------------------------------------------------------------------------


def _require_right(session: Session) -> None:
    person = session.book.person(session.identity.person_id)
    if person is None or not (person.kind == "service" or "owner" in person.roles):
        raise NotPermitted("Key store and mirror are repaired by the service (without --identity) or by an owner.")


def _plan(session: Session) -> KeyPlan:
    return plan_repair(session.layout, session.book, session.disk, partial(_catalogue, session))


@contextlib.contextmanager
def _catalogue(session: Session, keys: KeyStore) -> Iterator[Catalogue | None]:
    ring = Keyring(session.identity, session.book, keys)
    if not ring.holds(RECORDS):
        yield None
        return
    key = ring.database_key(NAME, RECORDS)
    with open_database(session.layout.catalogue, session.disk, key=key) as database:
        yield Catalogue(database)


def _problems(session: Session) -> list[Problem]:
    """What key book and catalogue miss in both."""
    checks = KeyChecks(keys=session.mirrored_keys, book=session.book)
    found = list(checks.by_itself())
    if session.keyring.holds(RECORDS):
        found += checks.against(session.catalogue)
    return found


def _paths(plan: KeyPlan) -> tuple[Path | None, Path]:
    return (plan.broken.path if plan.broken else None, plan.source.path)


def _digest(copy: Copy) -> str | None:
    return hashlib.sha256(copy.path.read_bytes()).hexdigest() if copy.path.exists() else None


@contextlib.contextmanager
def _nothing_else(session: Session) -> Iterator[None]:
    """No intake, purge, backup, decision or change of the law meanwhile."""
    layout = session.layout
    with contextlib.ExitStack() as stack:
        stack.enter_context(locked(layout.lock, BUSY))
        stack.enter_context(locked(layout.purge_lock, BUSY))
        if layout.key_store.is_dir():
            stack.enter_context(locked(layout.key_store, BUSY, os.O_RDONLY | os.O_DIRECTORY))
        stack.enter_context(law_lock(layout.descriptor, exclusive=True))
        yield
