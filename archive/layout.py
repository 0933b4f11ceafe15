"""Where things lie in a vault."""

from dataclasses import dataclass
from pathlib import Path

FORMAT = "poststelle vault 1"
COPY_SUFFIX = ".backup.tmp"
"""Ends the name of a copy of a database that a backup (or a look into one) makes in the vault for a moment."""
ASIDE = ".damaged-"
"""Stands between a file's name and the time at which a repair put what was left of it aside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultLayout:
    """Paths of one vault; the key store and its mirror may lie elsewhere."""

    vault: Path
    key_store: Path
    """Folder of keys.db."""
    mirror: Path
    """Folder of the mirror's keys.db, best on another disk."""

    @property
    def descriptor(self) -> Path:
        """VAULT.json: format and vault id."""
        return self.vault / "VAULT.json"

    @property
    def keybook(self) -> Path:
        return self.vault / "keybook.jsonl"

    @property
    def objects(self) -> Path:
        return self.vault / "objects"

    @property
    def catalogue(self) -> Path:
        return self.vault / "catalogue.db"

    @property
    def audit(self) -> Path:
        return self.vault / "audit.jsonl"

    @property
    def recover(self) -> Path:
        return self.vault / "recover.py"

    @property
    def disposals(self) -> Path:
        """Signed lists of disposed ids; every backup must have the newest."""
        return self.vault / "disposals.jsonl"

    @property
    def restores(self) -> Path:
        """Owners' signed statements that this vault was brought back from a backup."""
        return self.vault / "restores.jsonl"

    @property
    def restoring(self) -> Path:
        """Lies here while the vault is brought back: what is beside it may be removed and written anew."""
        return self.vault / "restoring.json"

    @property
    def certificates(self) -> Path:
        """Folder of the certificates of destruction."""
        return self.vault / "certificates"

    @property
    def model(self) -> Path:
        """What was learned from confirmed letters, sealed."""
        return self.vault / "learned.model"

    @property
    def lock(self) -> Path:
        """Held by the one process that takes mail in."""
        return self.vault / "intake.lock"

    @property
    def purge_lock(self) -> Path:
        """Held by the one process that destroys."""
        return self.vault / "purge.lock"

    @property
    def keys(self) -> Path:
        return self.key_store / "keys.db"

    @property
    def mirror_keys(self) -> Path:
        return self.mirror / "keys.db"

    def index(self, compartment: str) -> Path:
        return self.vault / "index" / f"{compartment}.db"
