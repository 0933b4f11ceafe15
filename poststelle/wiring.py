"""The wiring: the one place that knows the real paths, clock, environment and identities, and joins the rooms."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import archive
from archive.catalogue import NAME as CATALOGUE
from archive.catalogue import Catalogue
from archive.filing import Filing
from archive.founding import index_database, read_vault_id
from archive.keystore import KeyStore, insert_database_wrap
from archive.layout import VaultLayout
from archive.ledger import Ledger
from archive.objects import FileObjects
from archive.reading import Reading
from archive.rekeying import Renewal, pending
from archive.transfer import Transfers
from poststelle.access.audit import AuditLog, Entry, Head
from poststelle.access.checkpoints import CHECKPOINTED, make_checkpoint
from poststelle.access.database import Database, open_database
from poststelle.access.hardening import harden_process as harden_process
from poststelle.access.identities import Identity, IdentityFile, RecoveryKit, read_identity
from poststelle.access.keybook import (
    AUDIT,
    RECORDS,
    KeyBook,
    KitUse,
    Seen,
    Signer,
    append_statement,
    index_scope,
    law_lock,
    read_keybook,
    require_seen,
)
from poststelle.access.keyring import Keyring, make_database_key
from poststelle.access.statements import InvalidStatement, Statement, check_statement
from poststelle.config import Config, load
from poststelle.durable import TEMP_SUFFIX, Disk
from poststelle.errors import ConfigurationError, NotPermitted, OutdatedVault, StorageError

if TYPE_CHECKING:
    from classifiers.classifier import Classifier
    from classifiers.hints import Folders
    from classifiers.learned import LearnedModel
    from intake.settings import IntakeSettings
    from poststelle.access.agent import Place
    from search.index import CompartmentIndex

CONFIG_NAME = "config.yaml"
RESTORED = "restored"
"""Kind of the statement, and of the log entry, that declares a restore."""
TMPFS_CANDIDATES = ("/dev/shm", "/run")
LOCK_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What the process knows of its surroundings; tests make their own."""

    cwd: Path
    config_file: Path | None
    identity_file: Path | None
    passphrase: Callable[[str], str]
    """Asks for the passphrase of a user; raises ConfigurationError where nobody can be asked."""
    config_folders: tuple[Path, ...]
    cache: Path
    state: Path
    runtime: Path | None = None
    """Folder for the sockets of unlocked identities, private to the user account; None where there is no place."""
    disk: Disk = field(default_factory=Disk)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    on_practice: Callable[[], None] = lambda: None
    """Told when a vault for practice is opened: every output has to say so."""
    on_notice: Callable[[str], None] = lambda text: None
    """Told what somebody has to know once, whatever they came for."""

    @classmethod
    def from_process(
        cls,
        *,
        config_file: Path | None,
        identity_file: Path | None,
        passphrase: Callable[[str], str],
        disk: Disk | None,
        on_practice: Callable[[], None] = lambda: None,
        on_notice: Callable[[str], None] = lambda text: None,
    ) -> "Environment":
        """From the real process: current directory and the XDG folders."""
        home = Path(os.environ.get("HOME", "/"))
        config_home = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
        return cls(
            cwd=Path.cwd(),
            config_file=config_file,
            identity_file=identity_file,
            passphrase=passphrase,
            config_folders=(config_home / "poststelle", Path("/etc/poststelle")),
            cache=Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "poststelle",
            state=Path(os.environ.get("XDG_STATE_HOME") or home / ".local" / "state") / "poststelle",
            runtime=_runtime_folder(),
            disk=disk or Disk(),
            on_practice=on_practice,
            on_notice=on_notice,
        )


def _runtime_folder() -> Path | None:
    """In the session's own folder, or else in memory; it is made when something is unlocked."""
    session = os.environ.get("XDG_RUNTIME_DIR")
    if session and Path(session).is_dir():
        return Path(session) / "poststelle"
    memory = Path(TMPFS_CANDIDATES[0])
    return memory / f"poststelle-{os.getuid()}" if memory.is_dir() else None


def find_config(environment: Environment) -> Config:
    """The configuration that --config names, or the first found.

    Raises:
        ConfigurationError: none found, or invalid.
    """
    if environment.config_file is not None:
        return load(environment.config_file, environment.cache)
    folders = (environment.cwd, *environment.config_folders)
    for folder in folders:
        if (folder / CONFIG_NAME).is_file():
            return load(folder / CONFIG_NAME, environment.cache)
    places = ", ".join(str(folder) for folder in folders)
    raise ConfigurationError(
        f"There is no {CONFIG_NAME} in {places}. Run `poststelle init` in the folder of your office, or name the file "
        "with --config FILE."
    )


def shipped_config() -> Path:
    """The config.yaml that came with the installation."""
    here = Path(__file__).resolve().parent.parent / CONFIG_NAME
    installed = Path(sys.prefix) / "share" / "poststelle" / CONFIG_NAME
    return here if here.is_file() else installed


def retention_vectors(config: Config) -> Path:
    """The pinned days that the office's retention table is checked against."""
    own = config.value["retention_vectors"]
    return config.path.parent / own if own else Path(archive.__file__).with_name("retention-vectors.json")


def layout_of(config: Config) -> VaultLayout:
    """Where the configured vault's things lie."""
    return VaultLayout(vault=config.file("vault"), key_store=config.file("key_store"), mirror=config.file("mirror"))


class StateFolder:
    """What one person's computer remembers of a vault: the last audit head it saw, and the last key book."""

    def __init__(self, root: Path, vault_id: str, person_id: str) -> None:
        self._file = root / vault_id / f"{person_id}.head"
        self._restores = self._file.with_suffix(".restores")
        self._checkpointed = self._file.with_suffix(".checkpoint")
        self._law = self._file.with_suffix(".law")

    def head(self) -> Head | None:
        """The head seen last, or None if this is the first time here."""
        try:
            return Head.decode(self._file.read_bytes())
        except (OSError, ValueError, TypeError):
            return None

    def remember(self, head: Head | None) -> None:
        """Best effort: a person without a writable home loses the warning, not the work."""
        if head is not None:
            self._write(self._file, head.encode())

    def restores(self) -> set[str]:
        """Ids of the restores that this person's commands have seen: none of them explains a further roll-back."""
        try:
            return set(self._restores.read_text(encoding="ascii").split())
        except (OSError, ValueError):
            return set()

    def remember_restores(self, ids: set[str]) -> None:
        """Best effort, as above."""
        if not ids <= self.restores():
            self._write(self._restores, "\n".join(sorted(ids | self.restores())).encode())

    def law(self) -> tuple[Seen | None, set[str]]:
        """How far this person has seen the key book, and the restores known by then."""
        try:
            known = json.loads(self._law.read_bytes())
            return Seen(statements=int(known["statements"]), head=str(known["head"])), set(known["restores"])
        except (OSError, ValueError, KeyError, TypeError):
            return None, set()

    def remember_law(self, seen: Seen, restores: set[str]) -> None:
        """Best effort, as above."""
        value = {"statements": seen.statements, "head": seen.head, "restores": sorted(restores)}
        self._write(self._law, f"{json.dumps(value)}\n".encode())

    def inherit(self, other: "StateFolder") -> None:
        """Begin with what somebody else has seen on this machine."""
        self.remember(other.head())
        self.remember_restores(other.restores())
        seen, restores = other.law()
        if seen is not None:
            self.remember_law(seen, restores)

    def checkpoint_day(self) -> str | None:
        """The day on which this identity last signed a checkpoint of the log; None if it never looked."""
        try:
            return self._checkpointed.read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            return None

    def remember_checkpoint(self, day: str) -> None:
        """Best effort, as above."""
        self._write(self._checkpointed, f"{day}\n".encode())

    def _write(self, path: Path, content: bytes) -> None:
        temp = path.with_suffix(f"{path.suffix}.{os.getpid()}.tmp")
        with contextlib.suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            temp.write_bytes(content)
            temp.replace(path)


class Session:
    """One vault, opened as one identity. Databases open when first used and close with the session."""

    def __init__(
        self, environment: Environment, config: Config, identity: Identity, book: KeyBook, stamp: object = None
    ) -> None:
        self.environment = environment
        self.config = config
        self.identity = identity
        self.book = book
        self.layout = layout_of(config)
        self.disk = environment.disk
        self.now = environment.now
        self.state = StateFolder(environment.state, book.vault_id, identity.person_id)
        self._closing = contextlib.ExitStack()
        self._stamp = stamp
        self._kept_up = False
        self._checkpoint_day: str | None = None
        self.is_awaited = False
        """Whether the identity is in no key book yet, and the recovery kit is about to put it there."""

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every database that was opened."""
        self._closing.close()

    @cached_property
    def keys(self) -> KeyStore:
        """The key store for reading."""
        store = KeyStore.open(self.layout.keys, None, self.disk)
        self._closing.callback(store.close)
        return store

    @cached_property
    def mirrored_keys(self) -> KeyStore:
        """The key store with its mirror, for changing it."""
        store = KeyStore.open(self.layout.keys, self.layout.mirror_keys, self.disk)
        self._closing.callback(store.close)
        return store

    @cached_property
    def keyring(self) -> Keyring:
        """The scope keys this identity holds."""
        return Keyring(self.identity, self.book, self.keys)

    @cached_property
    def objects(self) -> FileObjects:
        """The sealed parts."""
        return FileObjects(self.layout.objects, self.disk)

    @cached_property
    def reading(self) -> Reading:
        """The archive as this identity may read it."""
        return Reading(objects=self.objects, keys=self.keys, keyring=self.keyring)

    @cached_property
    def catalogue(self) -> Catalogue:
        """The catalogue, for holders of the records key."""
        if not self.keyring.holds(RECORDS):
            raise NotPermitted("Your role does not include the intake book. Ask the mailroom or the records manager.")
        found = Catalogue(self._records)
        if found.is_outdated():
            raise OutdatedVault
        return found

    @cached_property
    def ledger(self) -> Ledger:
        """What people decided: events, holds, plans, disposals; for holders of the records key."""
        self.catalogue  # noqa: B018  (the same permission, the same database)
        return Ledger(self._records)

    @cached_property
    def _records(self) -> Database:
        key = self.keyring.database_key(CATALOGUE, RECORDS)
        database = open_database(self.layout.catalogue, self.disk, key=key)
        database.keys_changed = self.is_outdated
        self._closing.callback(database.close)
        return database

    @cached_property
    def audit(self) -> AuditLog:
        """The log; refuses to be used if it lost what this person saw before."""
        log, before = self.unchecked_audit, self.state.head()
        seen = self.seen_head()
        log.require(seen)
        if seen is None and before is not None:
            self.state.remember(log.head())
        self.state.remember_restores({statement.statement_id for statement in self.restores()})
        return log

    def seen_head(self) -> Head | None:
        """The log entry this person saw last; None also where an owner signed that the vault went back behind it."""
        head = self.state.head()
        if head is None or self.unchecked_audit.contains(head):
            return head
        # A restore explains a roll-back once: whoever has seen it was told of the log that followed.
        new = [s for s in self.restores() if s.statement_id not in self.state.restores()]
        explained = any(
            restored.body["audit"]["number"] < head.number
            and self.unchecked_audit.contains(Head(**restored.body["audit"]))
            for restored in new
        )
        return None if explained else head

    def restores(self) -> list[Statement]:
        """Genuine statements of owners that this vault was brought back from a backup, oldest first."""
        path = self.layout.restores
        found = []
        for line in path.read_bytes().splitlines() if path.exists() else []:
            with contextlib.suppress(InvalidStatement):  # it explains nothing
                statement = check_statement(line, self.book, RESTORED, or_removed=True)
                if "owner" in self.book.people[statement.person_id].roles:
                    found.append(statement)
        return found

    @cached_property
    def unchecked_audit(self) -> AuditLog:
        """The log without that check, for `verify`, which reports it instead."""
        return AuditLog(self.layout.audit, self.disk, self.book.vault_id, self.book.current(AUDIT).public)

    # The law changes while a session lives --------------------------------------------------------------------

    def is_outdated(self) -> bool:
        """Whether rights or keys have changed since the key book was read, by a statement or by time; one stat."""
        change = self.book.next_change
        return _stamp(self.layout) != self._stamp or (change is not None and self.now() >= change)

    def require_law(self) -> None:
        """Refuse a key book that lost what this person saw of it, and remember this one.

        Each line of an earlier key book holds: whoever puts it back brings people back who left, and lets new letters
        be sealed to keys that they kept. A restore explains that once, if an owner signed it.

        Raises:
            TamperedKeyBook: it went back, and nothing explains it.
        """
        (seen, known), now = self.state.law(), Seen.of(self.book)
        if seen == now:
            return
        restores = self.restores()
        first_new = now.statements if seen is None else seen.statements
        if seen is not None and not seen.is_in(self.layout.keybook):
            first_new = 0  # what came since the restore has numbers that were seen before
            new = [Seen(**s.body["keybook"]) for s in restores if s.statement_id not in known and "keybook" in s.body]
            if not any(restored.is_in(self.layout.keybook) for restored in new):
                require_seen(self.layout.keybook, seen)
        self.state.remember_law(now, {restored.statement_id for restored in restores})
        for use in self.book.kit_uses:
            # Once to everybody: who makes themselves an owner with a kit that they found must not go unnoticed.
            if use.number >= first_new and use.new != self.identity.person_id:
                self.environment.on_notice(told_of(use))

    def refresh(self) -> bool:
        """Read the key book anew if it is outdated, and let go of what was opened by the old one.

        Raises:
            NotPermitted: this identity is no longer in it.
        """
        if not self.is_outdated():
            return False
        self._stamp = _stamp(self.layout)
        book = self.book
        self._take(read_keybook(self.layout.keybook, book.genesis_hash, book.vault_id, self.now()))
        self.require_law()
        if not self.is_awaited:
            _require_known(self.book, self.identity)
        self._kept_up = False
        return True

    def _take(self, book: KeyBook) -> None:
        self.book = book
        if "_records" in self.__dict__:
            self._records.close()
        for database in self.__dict__.pop("_index_databases", []):
            database.close()
        for name in ("keyring", "reading", "catalogue", "ledger", "_records", "audit", "unchecked_audit", "_indexes"):
            self.__dict__.pop(name, None)

    def keep_up(self) -> None:
        """Renew keys that do not follow the key book yet, as far as this identity holds them; quick if all do.

        What cannot be done now (a mirror that is not there, a database in use) stays pending, and `doctor` says so.
        """
        if self._kept_up:
            return
        self._kept_up = True
        if pending(self.book, self.keys).for_holder(self.book, self.identity.person_id):
            with contextlib.suppress(StorageError), self.changing_law():
                self.renew()

    @contextlib.contextmanager
    def sealing(self) -> Iterator[bool]:
        """While letters are sealed the law stays as it is; yields whether it had changed before."""
        changed = self.refresh()
        self.keep_up()
        with law_lock(self.layout.descriptor, exclusive=False):
            yield self.refresh() or changed

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """No other process revises, repairs, destroys or changes the law meanwhile; with the keys of now."""
        with self.mirrored_keys.alone():
            self.refresh()
            self._sweep()
            yield

    def _sweep(self) -> None:
        """Remove what a crash left of a statement that was never written; who writes one is alone."""
        for left in self.layout.vault.glob(f"{self.layout.keybook.name}.*{TEMP_SUFFIX}"):
            self.disk.unlink(left, missing_ok=True)

    @contextlib.contextmanager
    def changing_law(self) -> Iterator[None]:
        """Nobody else seals, revises, destroys or changes the law meanwhile; what a crash left is renewed first."""
        with self.alone(), law_lock(self.layout.descriptor, exclusive=True):
            yield

    def enact(self, kind: str, content: dict[str, Any], signer: Signer | None = None) -> None:
        """Sign a statement into the key book and live by it; inside `changing_law`. `signer` is somebody else.

        Raises:
            BrokenLog: the log lost what this person saw of it; nothing was changed, for it could not be written down.
        """
        if signer is None:  # the recovery kit is the last resort, and saw no log
            self.audit  # noqa: B018  (asked before, not after)
        by = self.identity if signer is None else signer
        after = append_statement(self.layout.keybook, self.book, by, kind, content, self.now(), self.disk)
        self._stamp = _stamp(self.layout)
        self._take(after.as_of(self.now()))
        self.require_law()

    def change_law(self, kind: str, content: dict[str, Any]) -> None:
        """State something and let the keys follow; what cannot follow now is pending, the law counts all the same."""
        self.enact(kind, content)
        with contextlib.suppress(StorageError):
            self.renew()

    def renew(self) -> None:
        """Let keys follow the law as far as this identity holds them; inside `changing_law`."""
        before = self.book.head
        renewal = Renewal(
            layout=self.layout, keys=self.mirrored_keys, identity=self.identity, disk=self.disk, now=self.now()
        )
        after = renewal.renew(self.book)
        self._stamp = _stamp(self.layout)
        self._take(after.as_of(self.now()))
        self.require_law()
        if after.head != before:
            self.note("keys-renewed", statement=after.head)

    def note(self, kind: str, **details: object) -> None:
        """Write one entry to the log, before the result is shown."""
        entry = Entry(kind=kind, by=self.identity.person_id, at=self.now(), details=details)
        self.state.remember(self.audit.append([entry]))
        self._checkpoint_daily()

    def note_signed(self, kind: str, statement: Statement, **details: object) -> None:
        """Write an entry that carries a signed statement in the clear, for whoever checks the log without its key."""
        entry = Entry(kind=kind, by=self.identity.person_id, at=self.now(), details=details, statement=statement.line)
        self.state.remember(self.audit.append([entry]))

    def checkpoint(self) -> Statement:
        """Sign how many entries the log has and the hash of the last, and write that down as an entry."""
        head = self.audit.append([])
        if head is None:
            raise StorageError("The log has no entries yet, so there is nothing to make a checkpoint of.")
        statement = make_checkpoint(self.identity, self.book.vault_id, head, self.now())
        self.note_signed(CHECKPOINTED, statement)
        return statement

    def _checkpoint_daily(self) -> None:
        """The service signs a checkpoint with its first entry of each day; one look at a small file otherwise."""
        if self.identity.person_id != self.book.service.person_id:
            return
        day, known = self.now().date().isoformat(), self._checkpoint_day or self.state.checkpoint_day()
        self._checkpoint_day = day
        if known != day:
            self.state.remember_checkpoint(day)
            # On the first day of all there is nothing yet that a checkpoint could protect.
            if known is not None:
                self.checkpoint()

    def flush_outbox(self) -> None:
        """Move the catalogue's committed entries into the log; safe to repeat."""
        entries = self.catalogue.outbox()
        if entries:
            self.state.remember(self.audit.append(entries))
            self.catalogue.clear_outbox(entries[-1].outbox or 0)
            self._checkpoint_daily()

    def filing(self) -> Filing:
        """The write path, as the service; it follows the law."""
        return cast(Filing, _Following(self, self._filing))

    def _filing(self) -> Filing:
        return Filing(
            objects=self.objects,
            keys=self.mirrored_keys,
            catalogue=self.catalogue,
            book=self.book,
            service=self.identity,
            disk=self.disk,
            now=self.now,
        )

    def transfers(self) -> Transfers:
        """The notes of stacks that were cut into letters, as the service; it follows the law."""
        return cast(Transfers, _Following(self, self._transfers))

    def _transfers(self) -> Transfers:
        return Transfers(ledger=self.ledger, book=self.book, service=self.identity, head=self.state.head, now=self.now)

    def drop_index(self, compartment: str) -> bool:
        """Throw a compartment's index and its key away, and begin an empty one: how a purge reaches an index whose
        key the service does not hold. The next holder's search fills it again from the living letters."""
        from search.index import CompartmentIndex

        path, name = self.layout.index(compartment), index_database(compartment)
        for file in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
            self.disk.unlink(file, missing_ok=True)
        epoch = self.book.current(index_scope(compartment))
        key, wrap = make_database_key(self.book.vault_id, name, epoch)
        content = {"databases": {name: hashlib.sha256(wrap).hexdigest()}}
        self.book = append_statement(
            self.layout.keybook, self.book, self.identity, "databases", content, self.now(), self.disk
        )
        self._stamp = _stamp(self.layout)
        self.require_law()
        self.__dict__.pop("keyring", None)
        self.mirrored_keys.apply([insert_database_wrap(name, epoch.number, wrap)])
        with open_database(path, self.disk, key=key, create=True) as database:
            CompartmentIndex.create(database, compartment)
        return True

    def index(self, compartment: str) -> "CompartmentIndex":
        """A compartment's index; the caller must hold its key. One per session and compartment."""
        from search.index import CompartmentIndex

        opened: dict[str, CompartmentIndex] = self.__dict__.setdefault("_indexes", {})
        if compartment not in opened:
            key = self.keyring.database_key(index_database(compartment), index_scope(compartment))
            database = open_database(self.layout.index(compartment), self.disk, key=key)
            database.keys_changed = self.is_outdated
            self._closing.callback(database.close)
            self.__dict__.setdefault("_index_databases", []).append(database)
            opened[compartment] = CompartmentIndex(database)
        return opened[compartment]


class _Following:
    """Stands for something a session made, and is it anew whenever the session has read another key book."""

    def __init__(self, session: Session, make: Callable[[], object]) -> None:
        self._session = session
        self._make = make
        self._book = session.book
        self._made = make()

    def __getattr__(self, name: str) -> Any:
        if self._book is not self._session.book:
            self._book, self._made = self._session.book, self._make()
        return getattr(self._made, name)


def open_person(
    environment: Environment, *, ask_anew: bool = False, as_it_is: bool = False, as_restored: bool = False
) -> Session:
    """Open the vault as the person whose identity was named; with `ask_anew`, whether it is unlocked or not.

    `as_it_is` renews no keys. `as_restored` is for an owner who signs a restore: the key book may have gone back with
    it.

    Raises:
        ConfigurationError: no identity named, or it belongs to another vault.
    """
    config = find_config(environment)
    identity = named_identity(environment, config)
    return _open(environment, config, identity, ask_anew=ask_anew, as_it_is=as_it_is, as_restored=as_restored)


def named_identity(environment: Environment, config: Config) -> Path:
    """The identity file that --identity names.

    Raises:
        ConfigurationError: none was named.
    """
    if environment.identity_file is None:
        raise ConfigurationError(
            "Who are you? Name your identity file with --identity FILE or POSTSTELLE_IDENTITY "
            f"(the office's identities are made in {config.identities})."
        )
    return environment.identity_file


def open_service(environment: Environment, *, as_it_is: bool = False) -> Session:
    """Open the vault as the service identity, for work that runs unattended; `as_it_is` renews no keys."""
    config = find_config(environment)
    session = _open(environment, config, config.service_identity, as_it_is=as_it_is)
    if session.layout.restoring.exists():
        # Left when a restore was stopped at its very end. What is in use must not look like a restore to be repeated.
        session.disk.unlink(session.layout.restoring, missing_ok=True)
    return session


def open_person_or_service(environment: Environment, *, as_it_is: bool = False) -> Session:
    """As the person if one was named, else as the service; `as_it_is` renews no keys."""
    opened = open_service if environment.identity_file is None else open_person
    return opened(environment, as_it_is=as_it_is)


def _open(
    environment: Environment,
    config: Config,
    identity_path: Path,
    *,
    ask_anew: bool = False,
    as_it_is: bool = False,
    as_restored: bool = False,
) -> Session:
    harden_process()
    file: IdentityFile = read_identity(identity_path)
    layout = layout_of(config)
    vault_id = read_vault_id(layout)
    if file.vault_id != vault_id:
        raise ConfigurationError(
            f"The identity {identity_path.name} was made for another vault than {layout.vault}. Name the config of its "
            "office with --config, or the right identity with --identity."
        )
    stamp = _stamp(layout)
    book = read_keybook(layout.keybook, file.genesis_hash, vault_id, environment.now())
    identity = None if ask_anew else _unlocked(environment, file)
    if identity is None:
        identity = file.open(lambda: environment.passphrase(file.user))
    _require_known(book, identity)
    if book.practice:
        environment.on_practice()
    session = Session(environment, config, identity, book, stamp)
    if not as_restored:
        session.require_law()
        if not as_it_is:
            session.keep_up()
    return session


def open_with_kit(environment: Environment, kit: RecoveryKit, successor: Identity) -> Session:
    """Open the vault for somebody whom the recovery kit is about to make an owner; until then they may nothing.

    Raises:
        ConfigurationError: the kit was made for another vault.
    """
    harden_process()
    config = find_config(environment)
    layout = layout_of(config)
    vault_id = read_vault_id(layout)
    if kit.vault_id != vault_id:
        raise ConfigurationError(
            f"This recovery kit was made for another vault than {layout.vault}. Name the config of its office with "
            "--config, or the right kit with --kit."
        )
    stamp = _stamp(layout)
    book = read_keybook(layout.keybook, kit.genesis_hash, vault_id, environment.now())
    if book.practice:
        environment.on_practice()
    session = Session(environment, config, successor, book, stamp)
    session.is_awaited = True
    # The kit pins how the book begins, and has not seen how it went on; the service of this machine has.
    session.state.inherit(StateFolder(environment.state, vault_id, book.service.person_id))
    session.require_law()
    return session


def told_of(use: KitUse) -> str:
    """What everybody has to know of an owner whom the recovery kit replaced."""
    return (
        f"On {use.at.astimezone():%Y-%m-%d %H:%M} somebody with the recovery kit replaced the identity of the owner "
        f"{use.user}. Ask {use.user} in person whether that is so. If not, whoever has the kit is an owner now: "
        f"another owner runs `poststelle user remove {use.user}` and `poststelle kit renew`; without another owner, "
        f"{use.user} restores a backup from before with the old identity, and then renews the kit"
    )


def _require_known(book: KeyBook, identity: Identity) -> None:
    if (use := next((use for use in book.kit_uses if use.old == identity.person_id), None)) is not None:
        raise NotPermitted(f"This identity is no longer in the key book. {told_of(use)}.")
    if book.person(identity.person_id) is None:
        raise NotPermitted("This identity is no longer (or not yet) in the key book. Ask an owner for a new one.")


def _stamp(layout: VaultLayout) -> object:
    """Changes with every statement: the key book is replaced whole."""
    try:
        found = layout.keybook.stat()
    except OSError:
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def _unlocked(environment: Environment, file: IdentityFile) -> Identity | None:
    """The identity as its agent holds it, or None: then its passphrase is asked for."""
    if not file.needs_passphrase or environment.runtime is None or not environment.runtime.is_dir():
        return None
    from poststelle.access import agent

    secret = agent.ask_secret(agent_place(environment.runtime, file))
    try:
        identity = None if secret is None else Identity(file.user, secret)
    except ValueError:
        return None
    return identity if identity is not None and identity.person_id == file.person_id else None


def agent_place(runtime: Path, file: IdentityFile) -> "Place":
    """Where the agent of an identity listens."""
    from poststelle.access.agent import Place

    return Place(folder=runtime, vault_id=file.vault_id, person_id=file.person_id)


def intake_settings(config: Config) -> "IntakeSettings":
    """What intake may do, from the configuration and this machine."""
    from intake.settings import IntakeSettings

    wish = config.value["intake"]
    office = tuple(wish["languages"])
    others = {tuple(folder["languages"]) for folder in wish["folders"].values()} - {(), office}
    return IntakeSettings(
        max_bytes=wish["max_megabytes"] * 1_000_000,
        max_pages=wish["max_pages"],
        max_pixels_per_page=wish["max_megapixels"] * 1_000_000,
        page_cpu_seconds=wish["page_seconds"],
        page_memory_bytes=wish["page_megabytes"] * 1024 * 1024,
        languages=office,
        more_languages=tuple(sorted(others)),
        engine=wish["engine"],
        watch=wish["watch"],
        workers=len(os.sched_getaffinity(0)) if wish["workers"] == "auto" else wish["workers"],
        settle_seconds=wish["settle_seconds"],
        give_up_seconds=wish["give_up_minutes"] * 60,
    )


def tmpfs() -> Path | None:
    """A file system in memory that we may write to, or None."""
    for candidate in TMPFS_CANDIDATES:
        path = Path(candidate)
        if path.is_dir() and os.access(path, os.W_OK) and _is_tmpfs(path):
            return path
    return None


def _is_tmpfs(path: Path) -> bool:
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    types = {Path(f[1]): f[2] for f in (line.split() for line in mounts) if len(f) > 2}
    path = path.resolve()
    mount = next((folder for folder in (path, *path.parents) if folder in types), Path("/"))
    return types.get(mount) in ("tmpfs", "ramfs")


@contextlib.contextmanager
def work_folder(config: Config) -> Iterator[Path]:
    """A private folder in memory for working plaintext; what an earlier crash left there is swept first.

    Raises:
        StorageError: there is no file system in memory and none was configured.
    """
    wish = config.value["paths"]["work"]
    root = tmpfs() if wish == "auto" else config.file("work")
    if root is not None and not _is_tmpfs(root):
        raise ConfigurationError(
            f"`paths: work:` names {root}, which is not a file system in memory: working plaintext would rest on a "
            "disk. Name a tmpfs, or write auto."
        )
    if root is None:
        raise StorageError(
            "There is no file system in memory (/dev/shm) for working plaintext, so nothing is taken in. Mount a tmpfs "
            "and name it as `paths: work:` in config.yaml."
        )
    office = hashlib.sha256(os.fsencode(config.file("vault"))).hexdigest()[:8]
    with _private_folder(root, f"poststelle-{os.getuid()}-{office}-") as folder:
        yield folder


@contextlib.contextmanager
def drill_folder() -> Iterator[Path]:
    """A private folder on disk, below TMPDIR, for a vault that is brought back only to see whether it can be."""
    with _private_folder(Path(tempfile.gettempdir()), _drill_prefix()) as folder:
        yield folder


def sweep_drills() -> None:
    """Remove the sealed copies that restore drills left when they were killed."""
    _sweep(Path(tempfile.gettempdir()), _drill_prefix())


def _drill_prefix() -> str:
    return f"poststelle-drill-{os.getuid()}-"


@contextlib.contextmanager
def _private_folder(root: Path, prefix: str) -> Iterator[Path]:
    """A folder of this process alone, gone at its end; what processes that died left is swept first."""
    _sweep(root, prefix)
    folder = Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-", dir=root))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(root: Path, prefix: str) -> None:
    for stale in root.glob(f"{prefix}*"):
        if not _is_alive(stale.name.removeprefix(prefix).split("-")[0]):
            shutil.rmtree(stale, ignore_errors=True)


def _is_alive(pid: str) -> bool:
    if not pid.isdigit():
        return False
    try:
        # Asked of the kernel, not of /proc: that may be mounted so that processes which hold keys do not show there.
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def is_configured_law(config: Config, book: KeyBook) -> bool:
    """Whether config.yaml says what the key book says; if not, `config apply` is pending."""
    return bool(json.loads(json.dumps(config.law())) == book.office)


def classifier(
    config: Config, law: dict[str, Any] | None = None, learned: "LearnedModel | None" = None
) -> "Classifier":
    """The classifier: evidence from the configuration, but classes and where they are filed from the law.

    `law` is the key book's office. Without it the configuration's own wish counts: for trying evidence out,
    never for taking mail in, or whoever may edit config.yaml could send a class to other readers.
    """
    from classifiers.classifier import Classifier
    from classifiers.settings import ClassifierSettings, ClassRule, Phrase, StructureWeight

    wish, evidence = config.value["classification"], config.value["classes"]
    rules = tuple(
        ClassRule(
            code=code,
            label=line["label"],
            compartment=line["compartment"],
            retention=line["retention"],
            phrases=tuple(Phrase(**phrase) for phrase in evidence.get(code, {}).get("phrases", ())),
            structure=tuple(StructureWeight(**weight) for weight in evidence.get(code, {}).get("structure", ())),
            tax_relevant=line["tax_relevant"],
            prior=evidence.get(code, {}).get("prior", 0.0),
        )
        for code, line in (config.law() if law is None else law)["classes"].items()
    )
    office = config.value["office"]
    return Classifier(
        ClassifierSettings(
            rules=rules,
            accept_at=wish["accept_at"],
            accept_in=tuple(wish["accept_in"].items()),
            confidential=frozenset(wish["confidential"]),
            narrowest_first=tuple(wish["confidential"]),
            confidential_floor=wish["confidential_floor"],
            page_confidence_floor=wish["page_confidence_floor"],
            archive_number_prefix=config.value["intake"]["archive_number_prefix"],
            temperature=wish["temperature"],
            sealed_lane=tuple(config.value.get("sealed_lane", {}).items()),
            office_names=(office["name"], *office["also_known_as"]),
        ),
        learned,
    )


def folders(config: Config, law: dict[str, Any]) -> "Folders":
    """What the sub-folders of the inbox stand for: those that the configuration names, and those called like a
    compartment of the law, by code or label."""
    from classifiers.hints import Folder, Folders

    places = law["compartments"]
    names = {name: Folder(compartment=code) for code, line in places.items() for name in (line["label"], code)}
    for name, wish in config.value["intake"]["folders"].items():
        # A folder that is named for its languages only keeps what it, or the one above it, is called like.
        compartment = wish["compartment"] or Folders(names).find(name).compartment
        names[name] = Folder(compartment=compartment, languages=tuple(wish["languages"]))
    readers = {
        code: frozenset(name for name, role in law["roles"].items() if "find" in role["compartments"].get(code, ()))
        - {"service"}
        for code in places
    }
    return Folders(names, narrowest_first=config.value["classification"]["confidential"], readers=readers)


@contextlib.contextmanager
def only_intake(session: Session) -> Iterator[None]:
    """One process takes mail in; a second one is refused instead of doing the work twice.

    Raises:
        ConfigurationError: another intake or watch runs on this vault.
    """
    message = (
        "Another `poststelle intake` or `watch` is taking mail in for this vault. Let it do so: drop your files into "
        "the inbox, or stop it first."
    )
    with locked(session.layout.lock, message):
        yield


_PURGE_BUSY = (
    "Another `poststelle purge run`, `backup` or `rebuild index` is at work on this vault. Let it finish, then try "
    "again."
)


@contextlib.contextmanager
def only_purge(session: Session, waiting: Callable[[], None] | None = None, seconds: float = 600) -> Iterator[None]:
    """One process destroys or copies; mail may be taken in meanwhile.

    With `waiting`, which is called once, another one is waited for, but not for ever.

    Raises:
        ConfigurationError: another one does, or still does.
    """
    with locked(session.layout.purge_lock, _PURGE_BUSY, waiting=waiting, seconds=seconds):
        yield


@contextlib.contextmanager
def locked(
    path: Path,
    message: str,
    flags: int = os.O_RDWR | os.O_CREAT,
    *,
    waiting: Callable[[], None] | None = None,
    seconds: float = 0,
) -> Iterator[None]:
    """Hold a file's or folder's lock for oneself; with `waiting`, once somebody else let it go, within some seconds.

    Raises:
        ConfigurationError: with this message, while somebody else holds it.
    """
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        if not _takes(descriptor) and (waiting is None or not _waits(descriptor, waiting, seconds)):
            raise ConfigurationError(message)
        yield
    finally:
        os.close(descriptor)


def _takes(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _waits(descriptor: int, waiting: Callable[[], None], seconds: float) -> bool:
    waiting()
    until = time.monotonic() + seconds
    while not (taken := _takes(descriptor)) and time.monotonic() < until:
        time.sleep(LOCK_POLL_SECONDS)
    return taken
