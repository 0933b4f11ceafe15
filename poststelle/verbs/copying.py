"""`backup`: copies that can be restored, verified, and reached by an erasure."""

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from archive.backup import (
    SIDE_FILES,
    Backup,
    Made,
    remove_objects,
    verify_backup,
    write_tombstones,
)
from archive.catalogue import NAME as CATALOGUE
from archive.catalogue import TargetRow
from archive.certificates import listed_documents
from archive.disposition import Copy, Delivery
from archive.generation import KEYS, Generation, Target, chunks_of, last_days, read_generation, read_tombstones
from archive.keystore import KeyStore
from archive.layout import COPY_SUFFIX
from archive.reading import Reading
from poststelle.access.keybook import RECORDS, KeyBook
from poststelle.access.keyring import Keyring
from poststelle.errors import ConfigurationError, Damaged, PoststelleError, StorageError
from poststelle.records import Problem
from poststelle.verbs.locating import Desk
from poststelle.wiring import Session, only_purge, sweep_drills

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A backup that the vault knows of, and whether it can be read now."""

    target_id: str
    path: Path
    generation: int
    made_at: datetime
    readable_until: date
    reached: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """What was found of a destroyed letter in the backups."""

    target_id: str
    path: Path
    reached: bool
    objects: int = 0
    """Sealed parts of it."""
    listed: bool = False
    """Whether the list of destroyed letters there names it, so that no restore brings it back."""
    keys_until: date | None = None
    """Until when a generation may still hold its keys; None if none does. Of a backup that could not be reached,
    the last day on which what is known of it could be read."""
    overdue: bool = False
    """Whether keys are still there although their window is over."""
    opened: int = 0
    """Keys there that the asking person's own keys opened: who has this backup and this identity reads the letter."""


def backup(
    session: Session, folder: Path, *, reread: bool, progress: Progress, waiting: Callable[[], None] | None = None
) -> Made:
    """Make a generation in a folder; mail is taken in meanwhile, and people go on searching.

    With `waiting`, which is called once, a purge at work is waited for.

    Raises:
        ConfigurationError: the folder is not one for backups of this vault, or another backup or purge runs.
        StorageError: the target cannot be written; the generations it has stay as they are.
    """
    folder = folder.absolute()
    sweep_drills()
    with only_purge(session, waiting), _told(folder):
        target, registered = _target(session, folder)
        with session.alone():
            pass  # opens the store and brings its mirror up to date before anything is copied
        session.flush_outbox()
        keep = timedelta(days=session.config.value["backup"]["keep_days"])
        if not registered:
            _register(session, target, keep)
        made = Backup(
            target=target,
            layout=session.layout,
            keys=session.mirrored_keys,
            catalogue=session.catalogue,
            catalogue_key=session.keyring.database_key(CATALOGUE, RECORDS),
            objects=session.objects,
            book=session.book,
            service=session.identity,
            config=session.config.path.read_bytes(),
            keep=keep,
            disk=session.disk,
            now=session.now,
            head=session.state.head,
            reread=reread,
            progress=progress,
        ).make()
        details = {
            "target": made.target_id,
            "path": os.fspath(folder),
            "generation": made.generation,
            "manifest": made.manifest_id,
            "letters": made.letters,
            "new_bytes": made.new_bytes,
            "dropped": list(made.dropped),
            "new_target": not registered,
        }
        session.catalogue.add_target(
            TargetRow(
                target_id=made.target_id,
                path=folder,
                generation=made.generation,
                made_at=made.made_at,
                readable_until=made.readable_until,
            ),
            session.identity.person_id,
            details,
        )
        session.flush_outbox()
        return made


def verify(session: Session, folder: Path, *, progress: Progress) -> list[Problem]:
    """Read a whole backup back; changes nothing in it.

    Raises:
        ConfigurationError: there is no backup of this vault.
    """
    target = existing(session, folder.absolute())
    gone = frozenset(listed_documents(session.layout, session.book))
    with reading_from(folder):
        problems = list(verify_backup(target, session.book.genesis_hash, session.book.vault_id, gone, progress))
        finished = target.finished()
    if not finished:
        message = "There is no finished generation. Run `poststelle backup` again: it goes on where it stopped."
        problems.append(Problem(code="B013", id=str(target.root), message=message))
    session.note("backup-verified", path=os.fspath(target.root), problems=len(problems))
    return problems


def targets(session: Session) -> list[Reached]:
    """Every backup that the vault knows of."""
    return [
        Reached(
            target_id=row.target_id,
            path=row.path,
            generation=row.generation,
            made_at=row.made_at,
            readable_until=row.readable_until,
            reached=_reach(session, row) is not None,
        )
        for row in session.catalogue.targets()
    ]


def forget(desk: Desk, name: str, reason: str) -> Reached:
    """Strike a backup off the list, e.g. a disk that was lost or destroyed: purges no longer wait for it.

    Raises:
        NotPermitted: not somebody who may release.
        ConfigurationError: no such backup.
    """
    desk.require_right("release", "strike a backup off the list")
    found = [t for t in targets(desk.service) if name in (t.target_id, str(t.path)) or _begins(t.target_id, name)]
    if len(found) != 1:
        raise ConfigurationError(f"There is no backup {name} on the list. `poststelle backup --list` shows them.")
    (row,) = found
    content = {"target": row.target_id, "path": os.fspath(row.path), "reason": reason}
    desk.service.catalogue.forget_target(row.target_id, desk.sign("backup-forgotten", content))
    desk.service.flush_outbox()
    return row


def _register(session: Session, target: Target, keep: timedelta) -> None:
    """On the list before it holds anything: a stop must not leave a backup that no purge knows of."""
    now = session.now()
    row = TargetRow(
        target_id=target.identify()[0],
        path=target.root,
        generation=0,
        made_at=now,
        readable_until=(now + keep).date(),
    )
    session.catalogue.add_target(row, session.identity.person_id, None)


def _begins(target_id: str, name: str) -> bool:
    return len(name) >= 8 and target_id.startswith(name)


# What an erasure needs -------------------------------------------------------------------------------------------


def deliver(session: Session, documents: Sequence[str]) -> Delivery:
    """Put the list of destroyed letters onto every backup, and remove their sealed parts there."""
    missing, copies = [], []
    for row in session.catalogue.targets():
        target = _reach(session, row)
        if target is None:
            missing.append(str(row.path))
            continue
        try:
            _deliver(session, target, documents)
            copies.append(Copy(target_id=row.target_id, keys_until=_last_day(session, target, row)))
        except (OSError, PoststelleError):
            missing.append(str(row.path))
    return Delivery(unreached=tuple(missing), copies=tuple(copies))


def _deliver(session: Session, target: Target, documents: Sequence[str]) -> None:
    head, book = session.state.head(), session.book
    write_tombstones(target, session.layout, session.identity, book, session.now(), head, session.disk)
    remove_objects(target, documents, session.disk)


def _last_day(session: Session, target: Target, row: TargetRow) -> date:
    """The last day on which some generation there may still hold the keys of what is destroyed now."""
    sound = _sound(session, target)
    days = [generation.readable_until for generation in sound]
    return max(days if len(sound) == len(target.numbers()) > 0 else [*days, row.readable_until])


def look_for(session: Session, person: Session, document: str) -> list[Traces]:
    """What the backups still hold of a destroyed letter: parts, keys, and keys that this person's own keys open."""
    return [_traces(session, person, row, document) for row in session.catalogue.targets()]


def _traces(session: Session, person: Session, row: TargetRow, document: str) -> Traces:
    target = _reach(session, row)
    if target is not None:
        with contextlib.suppress(OSError):  # its disk went away meanwhile
            return _found_in(session, person, target, row, document)
    return Traces(target_id=row.target_id, path=row.path, reached=False, keys_until=row.readable_until)


def _found_in(session: Session, person: Session, target: Target, row: TargetRow, document: str) -> Traces:
    try:
        listed = document in read_tombstones(target.tombstones, session.book).documents
    except Damaged:
        listed = False
    generations = _sound(session, target)
    sound, ends = {generation.number: generation for generation in generations}, last_days(generations)
    until, opened, overdue, today = [], 0, False, session.now().date()
    with _scratch(session) as copy:
        # Unfinished and damaged ones too: they are dropped by the next backup, but their keys are keys.
        for number in target.numbers():
            book = sound[number].book if number in sound else session.book
            found, tried = _keys_in(session, person, target.folder(number) / KEYS, book, document, copy)
            last_day = ends.get(number, row.readable_until)
            opened += tried
            if found:
                until.append(last_day)
                overdue = overdue or last_day < today
    return Traces(
        target_id=row.target_id,
        path=row.path,
        reached=True,
        objects=len(target.objects_of(document)),
        listed=listed,
        keys_until=max(until, default=None),
        overdue=overdue,
        opened=opened,
    )


def _keys_in(
    session: Session, person: Session, keys: Path, book: KeyBook, document: str, copy: Path
) -> tuple[bool, int]:
    """(whether a copied key store holds keys of a letter, how many of them this person opens)."""
    if not keys.exists():
        return False, 0
    session.disk.write_new(copy, chunks_of(keys))
    try:
        store = KeyStore.open(copy, None, session.disk)
    except PoststelleError:
        return True, 0  # it cannot be read, so nobody can say that nothing is in it
    try:
        wraps = store.wraps_of(document)
        ring = Keyring(person.identity, book, store)
        reading, opened = Reading(objects=session.objects, keys=store, keyring=ring), 0
        for wrap in wraps:
            with contextlib.suppress(PoststelleError):
                reading.unwrap(wrap)
                opened += 1
        return bool(wraps), opened
    except PoststelleError:
        return True, 0
    finally:
        store.close()


@contextlib.contextmanager
def _scratch(session: Session) -> Iterator[Path]:
    """A name beside the vault's files for a copy of a key store; nothing is left of it."""
    copy = session.layout.vault / f"prove-{secrets.token_hex(4)}{COPY_SUFFIX}"
    try:
        yield copy
    finally:
        session.disk.unlink_all(copy.with_name(copy.name + end) for end in SIDE_FILES)


def _sound(session: Session, target: Target) -> list[Generation]:
    found = []
    for number in target.finished():
        with contextlib.suppress(Damaged):
            found.append(read_generation(target, number, session.book.genesis_hash, session.book.vault_id))
    return found


# Folders ----------------------------------------------------------------------------------------------------------


def _target(session: Session, folder: Path) -> tuple[Target, bool]:
    """The target in a folder, made if it is new, and whether the vault knew it."""
    target = Target(folder, session.disk)
    rows = session.catalogue.targets()
    _require_apart(session, folder)
    if not target.descriptor.exists():
        if any(row.path == folder for row in rows):
            raise ConfigurationError(
                f"The backup that was made in {folder} is not there. Mount its disk. If it is lost for good, strike it "
                "off the list first: `poststelle backup --forget`."
            )
        _require_usable(folder)
        if not folder.exists():
            session.disk.make_folder(folder)
        target.create(session.book.vault_id)
        return target, False
    target = existing(session, folder)
    return target, any(row.target_id == target.identify()[0] for row in rows)


def _require_usable(folder: Path) -> None:
    """A folder that is empty but for what a stop before the descriptor left, or that can be made."""
    if not folder.exists():
        if not folder.parent.is_dir():
            raise ConfigurationError(f"There is no folder {folder.parent}. Mount the disk, or name a folder on it.")
        return
    ours = {"objects", "log", "certificates", "generations", "lost+found"}
    if not folder.is_dir() or any(p.name not in ours and not p.name.endswith(".tmp") for p in folder.iterdir()):
        raise ConfigurationError(
            f"{folder} holds other files; it was not touched. Name an empty or new folder for the backup."
        )


def _require_apart(session: Session, folder: Path) -> None:
    place, layout = folder.resolve(), session.layout
    for other in (layout.vault.resolve(), layout.mirror.resolve(), session.config.inbox.resolve()):
        if place == other or place in other.parents or other in place.parents:
            raise ConfigurationError(
                f"{folder} and {other} lie in each other. Name a folder apart, best on another disk."
            )


def existing(session: Session, folder: Path) -> Target:
    """The backup of this vault in a folder.

    Raises:
        ConfigurationError: there is none.
    """
    target = Target(folder, session.disk)
    _, vault_id = target.identify()
    if vault_id != session.book.vault_id:
        raise ConfigurationError(f"{folder} holds backups of another vault. Name another folder; nothing was changed.")
    return target


def _reach(session: Session, row: TargetRow) -> Target | None:
    """The target of a row, if it is there now."""
    target = Target(row.path, session.disk)
    try:
        return target if target.identify() == (row.target_id, session.book.vault_id) else None
    except PoststelleError:
        return None


@contextlib.contextmanager
def _told(folder: Path) -> Iterator[None]:
    """What the disk of a backup does to us, told as such."""
    try:
        yield
    except OSError as err:
        raise StorageError(
            f"The backup to {folder} was not finished ({err.strerror}). Generations made before are whole. Make room "
            "or mount the disk, then run it again: it goes on where it stopped."
        ) from err


@contextlib.contextmanager
def reading_from(folder: Path) -> Iterator[None]:
    """What the disk of a backup does to us while we only read it."""
    try:
        yield
    except OSError as err:
        raise StorageError(
            f"The backup in {folder} could not be read to its end ({err.strerror}). Nothing was changed. Mount its "
            "disk or share again, then try once more."
        ) from err


__all__ = ["Reached", "Traces", "backup", "deliver", "forget", "look_for", "targets", "verify"]
