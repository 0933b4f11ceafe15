"""`rebuild index|catalogue`: what is derived, made again from what is not."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from archive.catalogue import NAME as CATALOGUE
from archive.catalogue import Catalogue
from archive.founding import index_database
from archive.keystore import LETTER, Registered
from archive.rebuilding import Rebuilding, Salvage, salvage
from archive.repairing import REBUILDING, SIDE_FILES, put_aside
from archive.textpart import index_entry
from poststelle.access.audit import BrokenLog, Entry, open_details
from poststelle.access.database import Database, open_database
from poststelle.access.identities import Identity, read_identity
from poststelle.access.keybook import AUDIT, COMPARTMENTS, RECORDS, index_scope
from poststelle.access.sealing import SealingPrivateKey
from poststelle.errors import ConfigurationError, Damaged, NotPermitted, PoststelleError
from poststelle.records import IndexEntry, Problem
from poststelle.verbs.finding import catch_up
from poststelle.wiring import Session, locked, only_purge

if TYPE_CHECKING:
    from search.index import CompartmentIndex

Progress = Callable[[int, int, str], None]
"""Letters done, letters in all, where."""
BATCH = 50
CATALOGUE_BUSY = (
    "Mail is being taken in. Stop `poststelle watch` first: nothing may be filed while the catalogue is made anew."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What was made again, and what could not be."""

    letters: int
    problems: tuple[Problem, ...]
    compartments: tuple[str, ...] = ()
    """Whose index was made again."""
    aside: Path | None = None
    """Where the damaged catalogue lies now; None if there was none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexPlan:
    """One index that is to be made anew."""

    compartment: str
    letters: int
    """From which it is filled."""
    is_sound: bool
    """A sound one is filled anew in place; else the file is replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CataloguePlan:
    """What the catalogue is to be made anew from."""

    letters: int
    """In the register of the key store."""
    lost: bool
    """Whether nothing of the old one is there."""
    unreadable: tuple[str, ...]
    """Tables of the old one that cannot be read whole."""


# Indexes ------------------------------------------------------------------------------------------------------


def plan_indexes(session: Session, compartments: Sequence[str]) -> tuple[IndexPlan, ...]:
    """Say which indexes would be made anew, and from how many letters; changes nothing.

    Raises:
        ConfigurationError, NotPermitted: as `rebuild_indexes`.
    """
    plans = []
    for compartment in _wanted(session, compartments):
        key = session.keyring.database_key(index_database(compartment), index_scope(compartment))
        old = _sound(session, session.layout.index(compartment), key)
        if old is not None:
            old.close()
        letters = len(session.reading.letters(compartment))
        plans.append(IndexPlan(compartment=compartment, letters=letters, is_sound=old is not None))
    return tuple(plans)


def rebuild_indexes(session: Session, compartments: Sequence[str], progress: Progress) -> Rebuilt:
    """Make indexes anew from the archive; searches go on meanwhile. Without names: all that the identity may open.

    Raises:
        ConfigurationError: no such compartment, or another rebuild is running.
        NotPermitted: the identity does not hold the key of one of them, or of any.
    """
    wanted = _wanted(session, compartments)
    problems: list[Problem] = []
    letters = {c: session.reading.letters(c) for c in wanted}
    total, done = sum(map(len, letters.values())), 0
    with _only_rebuild(session):
        for compartment in wanted:
            problems += _rebuild_index(session, compartment, partial(_tell, progress, done, total, compartment))
            done += len(letters[compartment])
    session.note("index-rebuilt", compartments=list(wanted), letters=total, problems=len(problems))
    return Rebuilt(letters=total, problems=tuple(problems), compartments=wanted)


def _wanted(session: Session, compartments: Sequence[str]) -> tuple[str, ...]:
    # The service holds the index keys of all shares, so that a purge reaches them; an auditor those of their own.
    shares = (share.name for share in session.book.shares.values() if index_scope(share.name) in session.book.epochs)
    held = tuple(
        dict.fromkeys([*session.reading.compartments(), *(s for s in shares if session.keyring.holds(index_scope(s)))])
    )
    if unknown := [c for c in compartments if c not in (*COMPARTMENTS, *held)]:
        raise ConfigurationError(
            f"There is no compartment {unknown[0]!r}, nor a share of that name that you can open. Compartments: "
            f"{', '.join(COMPARTMENTS)}; a share's index is made anew by its auditor, and by the service unless "
            "`intake: mode: blind`."
        )
    wanted = tuple(dict.fromkeys(compartments)) or held
    if not wanted or not set(wanted) <= set(held):
        raise NotPermitted(
            "An index can be made anew by whoever holds its key: somebody of that department (--identity), and the "
            "service unless `intake: mode: blind`."
        )
    return wanted


def _tell(progress: Progress, before: int, total: int, compartment: str, done: int) -> None:
    progress(before + done, total, compartment)


def _rebuild_index(session: Session, compartment: str, progress: Callable[[int], None]) -> list[Problem]:
    """Build beside the old file; then take its place.

    A sound old file gets the new content in one transaction, so that a watcher that has it open goes on with
    it. Only one that is damaged or missing is replaced by a rename.
    """
    from search.index import CompartmentIndex

    path, disk = session.layout.index(compartment), session.disk
    key = session.keyring.database_key(index_database(compartment), index_scope(compartment))
    temp = path.with_name(path.name + REBUILDING)
    _remove(session, temp)
    with contextlib.ExitStack() as stack:
        stack.callback(_remove, session, temp)
        old = _sound(session, path, key)
        if old is not None:
            stack.enter_context(old)
        with open_database(temp, disk, key=key, create=True) as new:
            index = CompartmentIndex.create(new, compartment)
            problems = _fill(session, compartment, index, CompartmentIndex(old) if old else None, progress)
            # What was filed or destroyed meanwhile: the less is left for after the change, the better.
            _catch_up(session, compartment, index)
            new.truncate_log()
            if old is not None:
                new.copy_to(old)
                old.truncate_log()
        if old is None:
            for end in SIDE_FILES:
                disk.unlink(path.with_name(path.name + end), missing_ok=True)
            disk.rename(temp, path)
    _catch_up(session, compartment, session.index(compartment))
    return problems


def _sound(session: Session, path: Path, key: bytes) -> Database | None:
    """The old index, if every page of it is as it was written."""
    from search.index import CompartmentIndex

    if not path.exists():
        return None
    try:
        database = open_database(path, session.disk, key=key)
    except PoststelleError:
        return None
    try:
        if not database.problems():
            CompartmentIndex(database)
            return database
    except PoststelleError:
        pass  # no index at all; it is replaced like a damaged one
    database.close()
    return None


def _fill(
    session: Session,
    compartment: str,
    index: "CompartmentIndex",
    old: "CompartmentIndex | None",
    progress: Callable[[int], None],
) -> list[Problem]:
    """Add every letter that can be read; for one that cannot, what the old index held of it."""
    letters = session.reading.letters(compartment)
    problems: list[Problem] = []
    for start in range(0, len(letters), BATCH):
        entries: list[IndexEntry] = []
        for registered in letters[start : start + BATCH]:
            entry, problem = _entry(session, registered, old)
            entries += [entry] if entry else []
            problems += [problem] if problem else []
        index.add_many(entries)
        progress(min(start + BATCH, len(letters)))
    return problems


def fill_index(session: Session, compartment: str, progress: Callable[[int], None]) -> list[Problem]:
    """Fill an index that is still empty; what cannot be read is told."""
    return _fill(session, compartment, session.index(compartment), None, progress)


def _entry(
    session: Session, registered: Registered, old: "CompartmentIndex | None"
) -> tuple[IndexEntry | None, Problem | None]:
    number = session.reading.accession(registered)
    try:
        return index_entry(session.reading.text(registered), number, registered.sequence), None
    except Damaged as err:
        entry = old.get(registered.document_id) if old else None
        kept = "It stays findable by what the old index held." if entry else "It cannot be found until it is restored."
        return entry, Problem(code=err.code, id=registered.document_id, message=f"{err} {kept}")


def _catch_up(session: Session, compartment: str, index: "CompartmentIndex") -> None:
    left = catch_up(session, compartment, index)
    while left and left > (left := catch_up(session, compartment, index)):
        pass


def _remove(session: Session, temp: Path) -> None:
    for end in ("", *SIDE_FILES):
        session.disk.unlink(temp.with_name(temp.name + end), missing_ok=True)


@contextlib.contextmanager
def _only_rebuild(session: Session) -> Iterator[None]:
    """One rebuild of indexes at a time; the folder itself carries the lock."""
    folder = session.layout.index(COMPARTMENTS[0]).parent
    session.disk.make_folder(folder)
    busy = "Another `poststelle rebuild index` is running; let it finish."
    with locked(folder, busy, os.O_RDONLY | os.O_DIRECTORY), only_purge(session):
        yield


# Catalogue ----------------------------------------------------------------------------------------------------


def plan_catalogue(session: Session) -> CataloguePlan:
    """Say what is left of the catalogue and what it would be made anew from; changes nothing.

    Raises:
        NotPermitted, ConfigurationError: as `rebuild_catalogue`.
    """
    _require_owner(session)
    with locked(session.layout.lock, CATALOGUE_BUSY):
        rescued = _rescue(session, session.keyring.database_key(CATALOGUE, RECORDS))
    return CataloguePlan(
        letters=sum(row.kind == LETTER for row in session.keys.all_registered()),
        lost=not session.layout.catalogue.exists(),
        unreadable=tuple(sorted(rescued.cut)),
    )


def rebuild_catalogue(session: Session, progress: Progress) -> Rebuilt:
    """Make the catalogue anew after it was lost or damaged; what is left of the old one is moved aside, never changed.

    Raises:
        NotPermitted: not an owner; nobody else can open all that it needs.
        ConfigurationError: the catalogue is sound, or an intake is running.
    """
    _require_owner(session)
    layout, disk = session.layout, session.disk
    key = session.keyring.database_key(CATALOGUE, RECORDS)
    with locked(layout.lock, CATALOGUE_BUSY):
        rescued = _rescue(session, key)
        entries, broken = _log(session)
        temp = layout.catalogue.with_name(layout.catalogue.name + REBUILDING)
        _remove(session, temp)
        with contextlib.ExitStack() as stack:
            stack.callback(_remove, session, temp)
            with open_database(temp, disk, key=key, create=True) as database:
                Catalogue.create(database)
                rebuilding = Rebuilding(
                    database=database,
                    reading=session.reading,
                    keys=session.mirrored_keys,
                    objects=session.objects,
                    book=session.book,
                    log=entries,
                    salvage=rescued,
                    duplicate_seed=_duplicate_seed(session),
                )
                letters = rebuilding.rebuild(lambda done, total: progress(done, total, ""))
                database.truncate_log()
            aside = put_aside(layout.catalogue, disk, session.now())
            disk.rename(temp, layout.catalogue)
        problems = [*broken, *rebuilding.problems]
        if rebuilding.duplicate_seed is None:
            message = (
                "The service identity was not found, so letters filed before are not recognised when they come again."
            )
            problems.append(Problem(code="A026", id="duplicates", message=message))
        if not broken:
            session.note(
                "catalogue-rebuilt", letters=letters, problems=len(problems), aside=aside.name if aside else None
            )
    return Rebuilt(letters=letters, problems=tuple(problems), aside=aside)


def _require_owner(session: Session) -> None:
    person = session.book.person(session.identity.person_id)
    if person is None or "owner" not in person.roles:
        raise NotPermitted("Only an owner can have the catalogue made anew: it takes the keys of all compartments.")


def _rescue(session: Session, key: bytes) -> Salvage:
    """What can still be read of the old catalogue.

    Raises:
        ConfigurationError: all of it: then there is nothing to make anew.
    """
    path = session.layout.catalogue
    if not path.exists():
        return salvage(None)
    try:
        with open_database(path, session.disk, key=key) as old:
            rescued = salvage(old)
            if not rescued.cut and not old.problems():
                raise ConfigurationError(
                    "The catalogue is sound; nothing was made anew. It holds what cannot be made again, such as plans."
                )
            return rescued
    except Damaged:
        return salvage(None)


def _log(session: Session) -> tuple[list[Entry], list[Problem]]:
    """Entries that came from the catalogue, as far as the log holds, and what is wrong with it."""
    entries: list[Entry] = []
    keys = session.keyring.held(AUDIT)
    try:
        for _, line in session.unchecked_audit.lines():
            if line["ob"] is not None:
                entries.append(_opened(line, session.book.vault_id, keys))
        session.unchecked_audit.require(session.seen_head())
    except BrokenLog as err:
        return entries, [Problem(code=err.code, id=session.layout.audit.name, message=str(err))]
    return entries, []


def _opened(line: dict[str, object], vault_id: str, keys: Sequence[SealingPrivateKey]) -> Entry:
    return Entry(
        kind=str(line["kind"]),
        by=str(line["by"]),
        at=datetime.fromisoformat(str(line["at"])),
        details=open_details(line, vault_id, *keys),
        outbox=int(str(line["ob"])),
    )


def _duplicate_seed(session: Session) -> bytes | None:
    try:
        file = read_identity(session.config.service_identity)
        service: Identity = file.open(lambda: "")
    except PoststelleError:
        return None
    return service.duplicate_seed if service.person_id == session.book.service.person_id else None
