"""`identity passphrase`: a person chooses the passphrase of their own identity file."""

from pathlib import Path

from poststelle.access.identities import read_identity, seal_identity, write_identity
from poststelle.durable import Disk
from poststelle.errors import ConfigurationError

SHORTEST_PASSPHRASE = 12


def change_passphrase(path: Path, old: str | None, new: str, disk: Disk) -> str:
    """Seal an identity file under a new passphrase; returns whose it is. `old` is None if it had none.

    Raises:
        WrongPassphrase: the old one does not open it; nothing was changed.
        ConfigurationError: the new one is too short.
    """
    if len(new) < SHORTEST_PASSPHRASE:
        raise ConfigurationError(
            f"A passphrase needs at least {SHORTEST_PASSPHRASE} characters: four or five unrelated words "
            "are easy to remember."
        )
    file = read_identity(path)
    identity = file.open(lambda: old or "")
    sealed = seal_identity(identity, vault_id=file.vault_id, genesis_hash=file.genesis_hash, passphrase=new)
    write_identity(path, sealed, disk)
    return identity.user
