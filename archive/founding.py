"""Founding a vault: key book, kit, people, epochs, key store, catalogue, recover.py.

`VAULT.json` is written last: a vault without it was never finished and `init` says so.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from archive.catalogue import NAME as CATALOGUE
from archive.catalogue import Catalogue
from archive.keystore import Change, KeyStore, insert_database_wrap, insert_epoch_wrap
from archive.layout import FORMAT, VaultLayout
from poststelle.access import recover
from poststelle.access.database import open_database
from poststelle.access.identities import Identity, RecoveryKit
from poststelle.access.keybook import (
    ALL_SCOPES,
    BEGINNING,
    COMPARTMENTS,
    RECORDS,
    Epoch,
    KeyBook,
    append_statement,
    canonical,
    encode_public,
    encode_signing,
    genesis_line,
    index_scope,
    read_keybook,
)
from poststelle.access.keyring import NewEpoch, make_database_key, make_epoch
from poststelle.durable import Disk
from poststelle.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundedVault:
    """A new vault and what must be handed out."""

    vault_id: str
    book: KeyBook
    kit: RecoveryKit
    index_keys: dict[str, bytes]
    """Raw key of each compartment's index database, for making the empty indexes."""


def index_database(compartment: str) -> str:
    """Name of a compartment's index database in the key store and the key book."""
    return f"index:{compartment}"


def found_vault(
    layout: VaultLayout,
    *,
    office: dict[str, Any],
    owner: Identity,
    service: Identity,
    people: Sequence[Identity],
    roles: Mapping[str, Sequence[str]],
    practice: bool,
    disk: Disk,
    at: datetime,
) -> FoundedVault:
    """Make a vault. `people` include everyone but owner and service; `roles` by user, the service's included.

    Raises:
        ConfigurationError: there is a vault (or the rest of one) already.
    """
    require_empty(layout)
    for folder in (layout.vault, layout.objects, layout.index(COMPARTMENTS[0]).parent, layout.key_store, layout.mirror):
        disk.make_folder(folder)
    vault_id = secrets.token_hex(16)
    genesis = genesis_line(owner, vault_id, practice, at)
    disk.write_new(layout.keybook, [genesis, b"\n"])
    book = read_keybook(layout.keybook, _hash(genesis), vault_id)
    kit = RecoveryKit.generate(vault_id, book.genesis_hash)

    def state(kind: str, content: dict[str, Any]) -> None:
        nonlocal book
        book = append_statement(layout.keybook, book, owner, kind, content, at, disk)

    state("office", {"office": office})
    state("kit", kit_entry(kit))
    state("people", {"people": [_entry(p, roles, service) for p in (*people, service)]})
    epochs = [
        make_epoch(vault_id, scope, secrets.token_hex(8), 1, book.recipients(scope).items()) for scope in ALL_SCOPES
    ]
    current = {new.epoch.scope: new.epoch for new in epochs}
    databases = {
        index_database(c): make_database_key(vault_id, index_database(c), current[index_scope(c)]) for c in COMPARTMENTS
    }
    databases[CATALOGUE] = make_database_key(vault_id, CATALOGUE, current[RECORDS])
    state("epochs", epochs_statement(epochs, {name: wrap for name, (_, wrap) in databases.items()}))

    keys = KeyStore.create(layout.keys, layout.mirror_keys, disk)
    keys.apply(_key_changes(epochs, {name: wrap for name, (_, wrap) in databases.items()}))
    keys.close()
    Catalogue.create(open_database(layout.catalogue, disk, key=databases[CATALOGUE][0], create=True)).close()
    disk.write_new(layout.recover, [Path(recover.__file__).read_bytes()], mode=0o644)
    return FoundedVault(
        vault_id=vault_id,
        book=book,
        kit=kit,
        index_keys={c: databases[index_database(c)][0] for c in COMPARTMENTS},
    )


def finish_founding(layout: VaultLayout, founded: FoundedVault, disk: Disk) -> None:
    """Write VAULT.json: from now on the vault exists."""
    disk.write_new(layout.descriptor, [descriptor(founded.vault_id)])


def descriptor(vault_id: str) -> bytes:
    """The bytes of VAULT.json."""
    return canonical({"format": FORMAT, "vault": vault_id}) + b"\n"


def read_vault_id(layout: VaultLayout) -> str:
    """The vault's id.

    Raises:
        ConfigurationError: no vault here, an unfinished one, or one of a newer format.
    """
    try:
        content = json.loads(layout.descriptor.read_bytes())
        if content["format"] != FORMAT:
            raise ConfigurationError(
                f"The vault {layout.vault} has the format {content['format']!r}; this program reads {FORMAT!r}. "
                "Install the Poststelle that belongs to it."
            )
        return str(content["vault"])
    except FileNotFoundError as err:
        raise ConfigurationError(
            f"There is no vault at {layout.vault}. `poststelle init` makes one; or name the right config with --config."
        ) from err
    except (ValueError, KeyError, TypeError) as err:
        raise ConfigurationError(
            f"{layout.descriptor} is damaged. It holds only the vault's id, which stands in every identity file too: "
            "bring it back from a backup."
        ) from err


def kit_entry(kit: RecoveryKit) -> dict[str, str]:
    """The public keys of a kit, as its statement names them."""
    signing = {} if kit.public_signing is None else encode_signing(kit.public_signing)
    return {"sealing": _b64(kit.sealing.public.encoded), **signing}


def epochs_statement(epochs: Sequence[NewEpoch], databases: Mapping[str, bytes]) -> dict[str, Any]:
    """The content of an `epochs` statement."""
    return {
        "epochs": [epoch_entry(new.epoch) for new in epochs],
        "databases": {name: _hash(wrap) for name, wrap in databases.items()},
    }


def epoch_entry(epoch: Epoch) -> dict[str, Any]:
    """The entry of a statement that makes an epoch known."""
    entry = {
        "scope": epoch.scope,
        "scope_id": epoch.scope_id,
        "number": epoch.number,
        "public": _b64(epoch.public.encoded),
        "wraps": epoch.wraps,
    }
    return entry if epoch.valid_from == BEGINNING else entry | {"valid_from": epoch.valid_from.isoformat()}


def _key_changes(epochs: Sequence[NewEpoch], databases: Mapping[str, bytes]) -> list[Change]:
    changes = [
        insert_epoch_wrap(new.epoch.scope_id, new.epoch.number, recipient_id, wrap)
        for new in epochs
        for recipient_id, wrap in new.wraps.items()
    ]
    return changes + [insert_database_wrap(name, 1, wrap) for name, wrap in databases.items()]


def _entry(identity: Identity, roles: Mapping[str, Sequence[str]], service: Identity) -> dict[str, Any]:
    return {
        "user": identity.user,
        "kind": "service" if identity is service else "person",
        "keys": encode_public(identity.public),
        "roles": list(roles[identity.user]),
    }


def require_empty(layout: VaultLayout) -> None:
    """Refuse a place that holds a vault, or the rest of one.

    Raises:
        ConfigurationError: says what lies there.
    """
    if layout.descriptor.exists():
        raise ConfigurationError(
            f"There is a vault at {layout.vault} already; it was not touched. To start another one, name another "
            "folder under `paths:` in config.yaml."
        )
    for path in (layout.keybook, layout.keys, layout.mirror_keys, layout.catalogue):
        if path.exists():
            raise ConfigurationError(
                f"{path} is left from another vault or from an `init` that did not finish; it was not touched. Move it "
                "away (look first: it may hold keys), then run init again."
            )


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
