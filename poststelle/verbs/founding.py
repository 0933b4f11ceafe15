"""`init`: a vault, a key book, a recovery kit that was tried, and an identity for everyone in the configuration."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from archive.founding import FoundedVault, finish_founding, found_vault, kit_entry, require_empty
from archive.keystore import insert_epoch_wrap
from archive.layout import VaultLayout
from archive.rekeying import kit_wraps, wraps_entry
from poststelle.access.audit import AuditLog, Entry
from poststelle.access.database import open_database
from poststelle.access.identities import (
    Identity,
    RecoveryKit,
    SigningPublicKey,
    new_one_time_code,
    read_kit,
    seal_identity,
    write_identity,
)
from poststelle.access.keybook import AUDIT, GRANT, OWNER
from poststelle.config import Config
from poststelle.errors import ConfigurationError, NotPermitted
from poststelle.wiring import CONFIG_NAME, Environment, Session, StateFolder, find_config, layout_of, shipped_config

KIT_NAME = "recovery-kit.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewIdentity:
    """An identity file that was made."""

    user: str
    roles: tuple[str, ...]
    file: Path
    one_time_code: str | None
    """Opens the file until its owner chooses a passphrase; None if it needs none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Founded:
    """What `init` made."""

    vault_id: str
    vault: Path
    config: Path
    identities: tuple[NewIdentity, ...]
    recovery_kit: Path
    kit_check_code: str
    kit_proof: str
    """What recover.py said when it tried the kit."""


def found(environment: Environment, *, no_passphrase: bool, practice: bool, kit_file: Path | None) -> Founded:
    """Make the office that the configuration describes.

    Raises:
        ConfigurationError: there is a vault already, or a file is in the way.
    """
    wanted = environment.config_file or environment.cwd / CONFIG_NAME
    copied = not wanted.exists()
    try:
        config, layout, kit_path, files = _prepared(environment, wanted, kit_file)
    except ConfigurationError:
        # Nothing was made, so nothing stays that looks like an office.
        if copied:
            wanted.unlink(missing_ok=True)
        raise
    disk = environment.disk
    users: dict[str, list[str]] = config.value["users"]
    people = {user: Identity.generate(user) for user in users}
    owner = next(people[user] for user, roles in users.items() if "owner" in roles)
    service = Identity.generate("service")
    founded = found_vault(
        layout,
        office=config.law(),
        owner=owner,
        service=service,
        people=[p for p in people.values() if p is not owner],
        roles=users | {"service": ["service"]},
        practice=practice,
        disk=disk,
        at=environment.now(),
    )
    _make_indexes(layout, founded, environment)
    codes = {user: None if no_passphrase else new_one_time_code() for user in users}
    for user, identity in people.items():
        file = seal_identity(
            identity,
            vault_id=founded.vault_id,
            genesis_hash=founded.book.genesis_hash,
            passphrase=codes[user],
            one_time=True,
        )
        write_identity(files[user], file, disk)
    file = seal_identity(service, vault_id=founded.vault_id, genesis_hash=founded.book.genesis_hash, passphrase=None)
    write_identity(config.service_identity, file, disk)
    disk.make_folder(kit_path.parent)
    disk.write_new(kit_path, [founded.kit.encode()])
    proof = prove_kit(layout, kit_path)
    _require_signs(kit_path, founded.book.kit_signing)
    disk.make_folder(config.inbox, mode=0o770)
    finish_founding(layout, founded, disk)
    _first_entry(environment, layout, founded, owner)
    return Founded(
        vault_id=founded.vault_id,
        vault=layout.vault,
        config=config.path,
        identities=tuple(
            NewIdentity(user=user, roles=tuple(roles), file=files[user], one_time_code=codes[user])
            for user, roles in users.items()
        ),
        recovery_kit=kit_path,
        kit_check_code=founded.kit.check_code,
        kit_proof=proof,
    )


def prove_kit(layout: VaultLayout, kit_path: Path) -> str:
    """Let recover.py open every key with the written kit, in a fresh process; returns what it said.

    Raises:
        ConfigurationError: it did not work; then it must not count.
    """
    command = [sys.executable, "-I", str(layout.recover), "--kit", str(kit_path), "--keys", str(layout.keys), "check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if result.returncode != 0 or not result.stdout.startswith("OK"):
        raise ConfigurationError(
            "The recovery kit does not open every key. "
            f"recover.py said: {(result.stderr or result.stdout).strip()[-300:]}"
        )
    return result.stdout.strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewedKit:
    """A recovery kit that took the place of another."""

    file: Path
    check_code: str
    proof: str
    """What recover.py said when it tried the kit."""


def renew_kit(session: Session, kit_file: Path | None) -> RenewedKit:
    """A new recovery kit that opens every key there is; the old one opens nothing that arrives from now on.

    It is tried by recover.py before it takes the old one's place, and again with the new keys.

    Raises:
        NotPermitted: the signer may not grant, or does not hold every key.
        ConfigurationError: a file is in the way, or the kit did not open a key; then the old one still counts.
    """
    book, layout = session.book, session.layout
    by = session.identity.person_id
    # A kit can make an owner, so it takes somebody who can.
    if not (book.holds_right(by, GRANT) and book.may_give(by, book.roles[OWNER].powers())):
        raise NotPermitted("Your role may not renew the recovery kit. An owner may.")
    path = (kit_file or session.config.path.parent / KIT_NAME).absolute()
    _require_free([path])
    kit = RecoveryKit.generate(book.vault_id, book.genesis_hash)
    session.disk.make_folder(path.parent)
    session.disk.write_new(path, [kit.encode()])
    try:
        with session.changing_law():
            wraps = list(kit_wraps(session.book, session.keyring, kit.kit_id, kit.sealing.public))
            session.mirrored_keys.apply(
                [insert_epoch_wrap(epoch.scope_id, epoch.number, kit.kit_id, wrap) for epoch, wrap in wraps]
            )
            prove_kit(layout, path)
            _require_signs(path, kit.public_signing)
            entries = [wraps_entry(epoch, {kit.kit_id: wrap}) for epoch, wrap in wraps]
            session.change_law("kit", kit_entry(kit) | {"wraps": entries})
    except BaseException:
        if session.book.kit_id != kit.kit_id:
            session.disk.unlink(path, missing_ok=True)
        raise
    proof = prove_kit(layout, path)
    session.note("kit-renewed", kit=kit.kit_id)
    return RenewedKit(file=path, check_code=kit.check_code, proof=proof)


def check_kit(session: Session, kit_file: Path) -> str:
    """Let recover.py try a kit on every key there is, those made since it was printed included; what it said.

    Raises:
        ConfigurationError: it does not open them all, or is not the kit that counts.
    """
    proof = prove_kit(session.layout, kit_file.absolute())
    if session.book.kit_signing is not None:
        _require_signs(kit_file, session.book.kit_signing)
    session.note("kit-proved", kit=session.book.kit_id)
    return proof


def _require_signs(kit_file: Path, wanted: SigningPublicKey | None) -> None:
    """A written kit must sign as the key book says, or will say; recover.py tries only what opens."""
    if read_kit(kit_file).public_signing != wanted:
        raise ConfigurationError(
            f"The recovery kit {kit_file} opens every key, but its signing keys are not those of the key book. It "
            "could replace nobody. Make another: `poststelle kit renew`."
        )


def _prepared(
    environment: Environment, wanted: Path, kit_file: Path | None
) -> tuple[Config, VaultLayout, Path, dict[str, Path]]:
    """Configuration, layout, and where kit and identities go; nothing but the configuration is written.

    Raises:
        ConfigurationError: there is a vault already, or a file is in the way.
    """
    config = _own_config(environment, wanted)
    layout = layout_of(config)
    require_empty(layout)
    kit_path = (kit_file or config.path.parent / KIT_NAME).absolute()
    files = {user: config.identities / f"{user}.identity" for user in config.value["users"]}
    _require_free([kit_path, config.service_identity, *files.values()])
    return config, layout, kit_path, files


def _own_config(environment: Environment, wanted: Path) -> Config:
    """The configuration; the shipped office is copied first where there is none."""
    if not wanted.exists():
        shipped = shipped_config()
        if not shipped.is_file():
            raise ConfigurationError(f"There is no {wanted}, and the installation holds no office to copy. Write one.")
        environment.disk.make_folder(wanted.absolute().parent, mode=0o755)
        shutil.copyfile(shipped, wanted)
    return find_config(environment)


def _require_free(paths: list[Path]) -> None:
    for path in paths:
        if path.exists():
            raise ConfigurationError(
                f"{path} exists already and was not touched: it may hold keys. Move it away and try again."
            )


def _make_indexes(layout: VaultLayout, founded: FoundedVault, environment: Environment) -> None:
    from search.index import CompartmentIndex

    for compartment, key in founded.index_keys.items():
        with open_database(layout.index(compartment), environment.disk, key=key, create=True) as database:
            CompartmentIndex.create(database, compartment)


def _first_entry(environment: Environment, layout: VaultLayout, founded: FoundedVault, owner: Identity) -> None:
    log = AuditLog(layout.audit, environment.disk, founded.vault_id, founded.book.current(AUDIT).public)
    details = {"genesis": founded.book.genesis_hash, "practice": founded.book.practice}
    head = log.append([Entry(kind="founded", by=owner.person_id, at=environment.now(), details=details)])
    StateFolder(environment.state, founded.vault_id, owner.person_id).remember(head)
    StateFolder(environment.state, founded.vault_id, founded.book.service.person_id).remember(head)
