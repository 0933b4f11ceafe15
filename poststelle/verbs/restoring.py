"""`restore`: a vault on an empty machine, from a backup, with an owner's identity or the recovery kit."""

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

from archive.founding import index_database
from archive.generation import (
    CONFIG,
    DISPOSALS,
    DamagedBackup,
    Generation,
    Target,
    Tombstones,
    lists_of,
    newest_book,
    read_generation,
    read_tombstones,
)
from archive.restoring import BroughtBack, Gap, Holder, Restoring, newest_tombstones
from poststelle.access.database import open_database
from poststelle.access.identities import Identity, read_identity, read_kit, seal_identity, write_identity
from poststelle.access.keybook import COMPARTMENTS, KeyBook, Seen, index_scope, read_keybook
from poststelle.access.keyring import Keyring
from poststelle.access.statements import Statement, check_statement, make_statement
from poststelle.config import Config
from poststelle.errors import ConfigurationError, NotPermitted, PoststelleError, StorageError
from poststelle.records import Problem
from poststelle.verbs.rebuilding import fill_index
from poststelle.verbs.verifying import HARMLESS
from poststelle.verbs.verifying import verify as verify_vault
from poststelle.wiring import (
    CONFIG_NAME,
    RESTORED,
    Environment,
    Session,
    StateFolder,
    drill_folder,
    find_config,
    layout_of,
    open_service,
)

Progress = Callable[[int, int, str], None]
FRESH = timedelta(days=1)
"""A list of destroyed letters that is no older needs nobody's word that it is the newest."""
CLOCK_TOLERANCE = timedelta(minutes=10)
DEFAULT_SKIP = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was asked for."""

    folder: Path
    generation: int | None = None
    kit: Path | None = None
    tombstones: tuple[Path, ...] = ()
    """Lists of destroyed letters from elsewhere: another backup's, or disposals.jsonl of the lost vault."""
    accept_as_of: date | None = None
    skip: int = DEFAULT_SKIP
    drill: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore did, and how long each step took."""

    vault: Path
    generation: int
    made_at: datetime
    tombstones_as_of: datetime
    letters: int
    parts: int
    destroyed: tuple[str, ...]
    gaps: tuple[Gap, ...]
    signed_by_owner: bool
    service_restored: bool
    problems: tuple[Problem, ...]
    seconds: tuple[tuple[str, float], ...]
    """(step, wall time)."""
    drill: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a restore is about to do."""

    place: Path
    generation: int
    made_at: datetime
    letters: int
    destroyed: int
    """Letters on the list of destroyed ones: they stay out."""


def unannounced(plan: Plan) -> None:
    """Nobody is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hands:
    """Who restores: the keys that open, and who signs."""

    holder: Holder
    vault_id: str
    genesis: str
    owner: Identity | None


class _Clock:
    """Wall time of each step."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, float]] = []

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.steps.append((name, round(time.monotonic() - began, 3)))


def restore(
    environment: Environment, wish: Wish, progress: Progress, announce: Callable[[Plan], None] = unannounced
) -> Restored:
    """Bring a vault back and put it into use; with `drill`, into a place that is thrown away, and only say how it went.

    `announce` is called before anything is written.

    Raises:
        ConfigurationError: no identity or kit, no backup, a place that is not empty, or a list of destroyed letters
            that may not be the newest and was not accepted.
        DamagedBackup: the generation does not hold.
        NotPermitted: the identity is not an owner's.
        StorageError: the backup's disk or the vault's failed.
    """
    try:
        return _restore(environment, wish, progress, announce)
    except OSError as err:
        raise StorageError(
            f"The restore from {wish.folder} was not finished ({err.strerror}: {err.filename}). The backup was not "
            "changed. Mount its disk or share again, or make room, then run the restore again: it begins anew and "
            "keeps the letters that arrived."
        ) from err


def _restore(environment: Environment, wish: Wish, progress: Progress, announce: Callable[[Plan], None]) -> Restored:
    clock = _Clock()
    with clock.step("check the backup"):
        hands = _hands(environment, wish)
        target = Target(wish.folder.absolute(), environment.disk)
        _, vault_id = target.identify()
        if vault_id != hands.vault_id:
            raise ConfigurationError(f"{wish.folder} holds backups of another vault than your identity or kit is for.")
        generation = _generation(target, wish, hands)
        _require_owner(generation, hands)
        tombstones, has_list = _tombstones(target, generation, wish)
        accepted = _require_newest(tombstones, has_list, wish, environment.now())
        service = _service(generation, hands)
    with _place(environment, generation, wish) as (here, config):
        signer = hands.owner or service
        if signer is None:
            raise ConfigurationError(
                "The kit opens the letters, but this backup does not give it the service's identity, and nobody could "
                "sign. Name an owner's identity with --identity as well."
            )
        announce(
            Plan(
                place=config.file("vault"),
                generation=generation.number,
                made_at=generation.made_at,
                letters=int(generation.manifest.body["letters"]),
                destroyed=len(tombstones.documents),
            )
        )
        restoring = Restoring(
            generation=generation,
            tombstones=tombstones,
            accepted=accepted,
            layout=layout_of(config),
            holder=hands.holder,
            signer=signer,
            skip=wish.skip,
            disk=environment.disk,
            now=environment.now,
            progress=progress,
        )
        with clock.step("bring back"):
            back = restoring.restore()
            _empty_indexes(config, restoring, environment)
        known = _put_service(environment, config, generation, service, wish)
        restoring.finish()
        problems = list(back.problems)
        with _session(here, config, signer) as session:
            _remember(session, service)
            with clock.step("make the indexes anew"):
                problems += _index(session, progress)
            with clock.step("verify"):
                problems += _verified(session, back.statement, progress)
    if wish.drill:
        _log_drill(environment, hands, generation, problems, clock)
    return _restored(wish, config, generation, tombstones, back, hands, known, problems, clock)


def _restored(
    wish: Wish,
    config: Config,
    generation: Generation,
    tombstones: Tombstones,
    back: BroughtBack,
    hands: _Hands,
    known: bool,
    problems: Sequence[Problem],
    clock: _Clock,
) -> Restored:
    return Restored(
        vault=config.file("vault"),
        generation=generation.number,
        made_at=generation.made_at,
        tombstones_as_of=tombstones.as_of,
        letters=back.letters,
        parts=back.parts,
        destroyed=back.destroyed,
        gaps=back.gaps,
        signed_by_owner=hands.owner is not None,
        service_restored=known,
        problems=tuple(problems),
        seconds=tuple(clock.steps),
        drill=wish.drill,
    )


# Who, and from what ----------------------------------------------------------------------------------------------


def _hands(environment: Environment, wish: Wish) -> _Hands:
    if environment.identity_file is not None:
        file = read_identity(environment.identity_file)
        identity = file.open(lambda: environment.passphrase(file.user))
        holder = Holder(recipient_id=identity.person_id, key=identity.sealing)
        return _Hands(holder=holder, vault_id=file.vault_id, genesis=file.genesis_hash, owner=identity)
    if wish.kit is None:
        raise ConfigurationError(
            "A restore needs an owner's identity (--identity FILE) or the recovery kit (--kit FILE): without one "
            "nobody can tell a genuine backup from a forged one, nor open it."
        )
    kit = read_kit(wish.kit)
    holder = Holder(recipient_id=kit.kit_id, key=kit.sealing)
    return _Hands(holder=holder, vault_id=kit.vault_id, genesis=kit.genesis_hash, owner=None)


def _generation(target: Target, wish: Wish, hands: _Hands) -> Generation:
    finished = target.finished()
    if not finished:
        raise ConfigurationError(f"There is no finished generation in {target.root}. Try another backup.")
    number = finished[-1] if wish.generation is None else wish.generation
    if number not in finished:
        names = ", ".join(map(str, finished))
        raise ConfigurationError(f"There is no generation {number} in {target.root}; there are {names}.")
    return read_generation(target, number, hands.genesis, hands.vault_id)


def _require_owner(generation: Generation, hands: _Hands) -> None:
    if hands.owner is None:
        return
    person = generation.book.person(hands.owner.person_id)
    if person is None or "owner" not in person.roles:
        raise NotPermitted("Only an owner brings a vault back: it is signed, and takes the keys of all compartments.")


def _tombstones(target: Target, generation: Generation, wish: Wish) -> tuple[Tombstones, bool]:
    """All that can be found out about destroyed letters, here and in what was named; whether it says as of when.

    A list that was cut or forged stops the restore.
    """
    own = lists_of(generation.path(DISPOSALS), generation.book)
    found, has_list = [replace(own, as_of=generation.made_at)], False
    if target.tombstones.exists():
        has_list = True
        found.append(read_tombstones(target.tombstones, _newest_book(target, generation)))
    for path in wish.tombstones:
        elsewhere = path / target.tombstones.name if path.is_dir() else path
        book = _newest_book(target, generation)
        try:
            found.append(read_tombstones(elsewhere, book))
            has_list = True
        except DamagedBackup:
            # The vault's own lists carry no head: they count, but do not say as of when.
            found.append(lists_of(elsewhere, book))
    return newest_tombstones(found), has_list


def _newest_book(target: Target, generation: Generation) -> KeyBook:
    """The list may be by a service that is younger than the generation that is asked for, or than all of them."""
    return newest_book(target, generation.book.genesis_hash, generation.book.vault_id) or generation.book


def _require_newest(tombstones: Tombstones, has_list: bool, wish: Wish, now: datetime) -> bool:
    """Whether the owner had to accept the list.

    Raises:
        ConfigurationError: nobody can know that it is the newest, and it was not accepted.
    """
    day = tombstones.as_of.astimezone().date()
    if wish.drill or (has_list and -CLOCK_TOLERANCE <= now - tombstones.as_of <= FRESH):
        return False
    if wish.accept_as_of is None:
        raise ConfigurationError(
            f"The newest list of destroyed letters that was found is of {day}. Letters destroyed after that day would "
            "rise again. If there is a newer list (tombstones.jsonl of another backup, disposals.jsonl of the old "
            f"vault), name it with --tombstones FILE. If there is none, accept: --accept-tombstones-as-of {day}. It is "
            "signed."
        )
    if wish.accept_as_of != day:
        raise ConfigurationError(
            f"You accept a list of {wish.accept_as_of}, but the newest that was found is of {day}. Look again."
        )
    return True


def _service(generation: Generation, hands: _Hands) -> Identity | None:
    """The service's identity out of the backup, if it is still the service."""
    service = generation.service(hands.holder.recipient_id, hands.holder.key)
    return service if service is not None and service.person_id == generation.book.service.person_id else None


# The place --------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _place(environment: Environment, generation: Generation, wish: Wish) -> Iterator[tuple[Environment, Config]]:
    """Where the vault goes: as configured, or for a drill a folder that is thrown away."""
    if not wish.drill:
        yield environment, _config(environment, generation)
        return
    with drill_folder() as root:
        config_file = root / CONFIG_NAME
        shutil.copyfile(generation.path(CONFIG), config_file)
        here = replace(environment, cwd=root, config_file=config_file, state=root / "state", cache=root / "cache")
        config = find_config(here)
        paths = dict.fromkeys(("inbox", "identities", "service"), "elsewhere")
        paths |= {"vault": "vault", "key_store": "vault/keys", "mirror": "mirror"}
        yield here, replace(config, value=config.value | {"paths": config.value["paths"] | paths})


def _config(environment: Environment, generation: Generation) -> Config:
    """The configuration; where there is none, the one that was backed up is put here first."""
    try:
        return find_config(environment)
    except ConfigurationError:
        wanted = environment.config_file or environment.cwd / CONFIG_NAME
        if wanted.exists():
            raise
    environment.disk.make_folder(wanted.absolute().parent, mode=0o755)
    environment.disk.write_new(wanted, [generation.path(CONFIG).read_bytes()], mode=0o644)
    return find_config(replace(environment, config_file=wanted))


def _empty_indexes(config: Config, restoring: Restoring, environment: Environment) -> None:
    from search.index import CompartmentIndex

    layout = layout_of(config)
    for compartment in (*COMPARTMENTS, *_shares(restoring.generation.book)):
        try:
            key = restoring.database_key(index_database(compartment), index_scope(compartment))
        except ConfigurationError:
            if compartment in COMPARTMENTS:
                raise
            continue  # shared for a time with somebody else; whoever shared it does so again
        with open_database(layout.index(compartment), environment.disk, key=key, create=True) as database:
            CompartmentIndex.create(database, compartment)


def _shares(book: KeyBook) -> list[str]:
    """Temporary compartments that were shared with an auditor."""
    return [share.name for share in book.shares.values() if index_scope(share.name) in book.epochs]


def _put_service(
    environment: Environment, config: Config, generation: Generation, service: Identity | None, wish: Wish
) -> bool:
    """Write the service's identity where intake looks for it, unless it is there; whether intake can run."""
    if wish.drill:
        return service is not None  # a drill leaves no key behind
    path = config.service_identity
    if path.exists():
        return read_identity(path).person_id == generation.book.service.person_id
    if service is None:
        return False
    book = generation.book
    file = seal_identity(service, vault_id=book.vault_id, genesis_hash=book.genesis_hash, passphrase=None)
    write_identity(path, file, environment.disk)
    if not config.inbox.exists():
        environment.disk.make_folder(config.inbox, mode=0o770)
    return True


# Afterwards -------------------------------------------------------------------------------------------------------


def _session(environment: Environment, config: Config, signer: Identity) -> Session:
    layout = layout_of(config)
    file = layout.keybook
    vault_id, genesis = _pinned(file)
    book = read_keybook(file, genesis, vault_id, environment.now())
    return Session(environment, config, signer, book)


def _remember(session: Session, service: Identity | None) -> None:
    """Whoever restores knows that log and key book went back; so does the service of this machine."""
    head, vault_id = session.unchecked_audit.head(), session.book.vault_id
    for person_id in {session.identity.person_id, *([service.person_id] if service else [])}:
        state = StateFolder(session.environment.state, vault_id, person_id)
        state.remember(head)
        state.remember_law(Seen.of(session.book), {statement.statement_id for statement in session.restores()})


def confirm(session: Session) -> str:
    """As an owner, sign the last restore that was made with the kit alone; returns the statement's id.

    Raises:
        ConfigurationError: there is none.
        NotPermitted: not an owner.
    """
    person = session.book.person(session.identity.person_id)
    if person is None or "owner" not in person.roles:
        raise NotPermitted("Only an owner signs a restore.")
    path = session.layout.restores
    lines = path.read_bytes().splitlines() if path.exists() else []
    signed = {statement.body["manifest"] for statement in session.restores()}
    # Only what the service of this vault wrote, which the kit had opened: an owner must not sign somebody's invention.
    made = [check_statement(line, session.book, RESTORED, or_removed=True) for line in lines]
    by_service = [s.body for s in made if session.book.people[s.person_id].kind == "service"]
    waiting = [body for body in by_service if body["manifest"] not in signed]
    if not waiting:
        raise ConfigurationError("There is no restore that waits for an owner's signature.")
    given = {"vault", "kind", "at", "by", "log"}
    content = {name: value for name, value in waiting[-1].items() if name not in given}
    statement = make_statement(
        session.identity, session.book.vault_id, RESTORED, content, at=session.now(), head=session.state.head()
    )
    session.disk.write_new(path, [path.read_bytes(), statement.line, b"\n"])
    session.note("restore-confirmed", statement=statement.statement_id)
    return statement.statement_id


def _pinned(keybook: Path) -> tuple[str, str]:
    """Vault id and genesis hash of the book that was just written; both were checked before it was."""
    line = keybook.read_bytes().split(b"\n")[0]
    return str(json.loads(line)["body"]["vault"]), hashlib.sha256(line).hexdigest()


def _index(session: Session, progress: Progress) -> list[Problem]:
    """All indexes that the signer opens; in blind mode the others fill when their people search."""
    ring = Keyring(session.identity, session.book, session.keys)
    held = [c for c in (*COMPARTMENTS, *_shares(session.book)) if ring.holds(index_scope(c))]
    if not held:
        return []
    found: list[Problem] = []
    for compartment in held:
        found += fill_index(session, compartment, lambda done, where=compartment: progress(done, 0, where))  # type: ignore[misc]
    return found


def _verified(session: Session, statement: Statement, progress: Progress) -> list[Problem]:
    def told(done: int, total: int) -> None:
        progress(done, total, "verifying")

    found = verify_vault(session, with_data=False, progress=told, just_restored=(statement,))
    return [problem for problem in found.problems if problem.code not in HARMLESS]


def _log_drill(
    environment: Environment, hands: _Hands, generation: Generation, problems: Sequence[Problem], clock: _Clock
) -> None:
    """In the living vault, if there is one here: that a restore was tried, and how it went."""
    with contextlib.suppress(PoststelleError), open_service(environment) as session:
        if session.book.genesis_hash == hands.genesis:
            session.note(
                "restore-drill",
                target=generation.manifest.body["target"],
                generation=generation.number,
                path=os.fspath(generation.target.root),
                problems=len(problems),
                seconds=dict(clock.steps),
            )
