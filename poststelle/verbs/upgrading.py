"""`upgrade`: a vault of an earlier version gets what this program needs; no letter and no key is changed.

    key store's mirror → key store → catalogue → recover.py → log

Each step adds only what is missing, so that a stop anywhere is repeated. Until the key store has it all, every other
command refuses the vault and names this one.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from archive.catalogue import NAME, Catalogue
from archive.founding import read_vault_id
from archive.keystore import KeyStore
from archive.layout import FORMAT, VaultLayout
from poststelle.access import recover
from poststelle.access.database import open_database
from poststelle.access.keybook import RECORDS
from poststelle.wiring import Environment, Session, find_config, layout_of, locked, open_service

BUSY = (
    "`poststelle watch`, `intake`, `backup` or `purge run` is at work on this vault. Let it finish or stop it, then "
    "upgrade again."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgraded:
    """What was added; nothing, if the vault was up to date."""

    vault: Path
    vault_format: str
    added: tuple[str, ...]


def upgrade(environment: Environment) -> Upgraded:
    """Add what a vault of an earlier version lacks, as the service; repeating it changes nothing.

    Raises:
        ConfigurationError: no vault, one of a newer format, or something is at work on it.
        StorageError: the mirror of the key store is not there.
    """
    layout = layout_of(find_config(environment))
    read_vault_id(layout)
    with _nothing_else(layout):
        added = [f"keys.db: {name}" for name in KeyStore.upgrade(layout.keys, layout.mirror_keys, environment.disk)]
        with open_service(environment, as_it_is=True) as session, session.alone():
            added += [f"catalogue.db: {name}" for name in _catalogue(session)]
            if _recover(session):
                added.append("recover.py")
            if added:
                session.note("upgraded", added=added)
    return Upgraded(vault=layout.vault, vault_format=FORMAT, added=tuple(added))


@contextlib.contextmanager
def _nothing_else(layout: VaultLayout) -> Iterator[None]:
    with locked(layout.lock, BUSY), locked(layout.purge_lock, BUSY):
        yield


def _catalogue(session: Session) -> list[str]:
    key = session.keyring.database_key(NAME, RECORDS)
    with open_database(session.layout.catalogue, session.disk, key=key) as database:
        return Catalogue.upgrade(database)


def _recover(session: Session) -> bool:
    """Put this version's recover.py in place of another one; whether it was another."""
    path, content = session.layout.recover, Path(recover.__file__).read_bytes()
    if path.exists() and path.read_bytes() == content:
        return False
    session.disk.write_new(path, [content], mode=0o644)
    return True
