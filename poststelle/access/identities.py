"""Identities: a person's keys, the file they are kept in, and signatures.

An identity is an X-Wing key pair (to be given keys) and two signing pairs, Ed25519 and ML-DSA-65, which
both must verify. The file is JSON; its secret is a Cobblestone-256 stream under an Argon2id key (RFC 9106)
whose cost is written in the file, bound as context and capped when read, or plain where the person wanted
no passphrase. The recovery kit is the same pairs as text for paper.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from poststelle.access.sealing import (
    DoesNotOpen,
    SealingPrivateKey,
    SealingPublicKey,
    open_sealed,
    purpose,
    seal,
)
from poststelle.durable import Disk
from poststelle.errors import ConfigurationError, WrongPassphrase

FORMAT = "poststelle identity 1"
SIGNING_SEED_BYTES = 32
SEALING_SEED_BYTES = 96
MEMORY_KIB = 64 * 1024
ITERATIONS = 3
LANES = 1
MAX_MEMORY_KIB = 1024 * 1024
MAX_ITERATIONS = 12


@dataclass(frozen=True, slots=True)
class Signature:
    """Two signatures over the same message; both count."""

    ed25519: bytes
    ml_dsa_65: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningPublicKey:
    """The public halves of two signing pairs."""

    ed25519: bytes
    ml_dsa_65: bytes

    def verify(self, message: bytes, signature: Signature) -> bool:
        """Whether both signatures hold."""
        try:
            Ed25519PublicKey.from_public_bytes(self.ed25519).verify(signature.ed25519, message)
            MLDSA65PublicKey.from_public_bytes(self.ml_dsa_65).verify(signature.ml_dsa_65, message)
        except InvalidSignature:
            return False
        return True


class SigningPrivateKey:
    """Two signing pairs, of a person or of the recovery kit; both sign."""

    __slots__ = ("_ed25519", "_ml_dsa_65", "public", "seeds")

    def __init__(self, seeds: bytes) -> None:
        """`seeds`: 32 bytes Ed25519, 32 ML-DSA-65."""
        if len(seeds) != 2 * SIGNING_SEED_BYTES:
            raise ValueError("two signing pairs have 64 bytes of seeds")
        self.seeds = seeds
        self._ed25519 = Ed25519PrivateKey.from_private_bytes(seeds[:SIGNING_SEED_BYTES])
        self._ml_dsa_65 = MLDSA65PrivateKey.from_seed_bytes(seeds[SIGNING_SEED_BYTES:])
        self.public = SigningPublicKey(
            ed25519=self._ed25519.public_key().public_bytes_raw(),
            ml_dsa_65=self._ml_dsa_65.public_key().public_bytes_raw(),
        )

    @classmethod
    def generate(cls) -> "SigningPrivateKey":
        """New random keys."""
        return cls(secrets.token_bytes(2 * SIGNING_SEED_BYTES))

    def sign(self, message: bytes) -> Signature:
        """Sign with both keys."""
        return Signature(self._ed25519.sign(message), self._ml_dsa_65.sign(message))

    def __repr__(self) -> str:
        return "SigningPrivateKey(…)"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicIdentity(SigningPublicKey):
    """What everybody may know of a person's keys."""

    sealing: SealingPublicKey

    @property
    def person_id(self) -> str:
        """32 hex digits, the first half of the SHA-256 of the public keys: an id that certifies itself."""
        return hashlib.sha256(self.sealing.encoded + self.ed25519 + self.ml_dsa_65).hexdigest()[:32]


class Identity:
    """A person's (or the service's) private keys, in memory."""

    __slots__ = ("_signing", "duplicate_seed", "public", "sealing", "user")

    def __init__(self, user: str, secret: bytes) -> None:
        """`secret`: 96 bytes sealing seeds, 32 Ed25519, 32 ML-DSA-65, 32 seed of the duplicate marks."""
        if len(secret) != SEALING_SEED_BYTES + 3 * SIGNING_SEED_BYTES:
            raise ValueError("an identity's secret has 192 bytes")
        self.user = user
        self.sealing = SealingPrivateKey(secret[:96])
        self._signing = SigningPrivateKey(secret[96:160])
        self.duplicate_seed = secret[160:]
        """Used by the service identity only."""
        self.public = PublicIdentity(
            sealing=self.sealing.public,
            ed25519=self._signing.public.ed25519,
            ml_dsa_65=self._signing.public.ml_dsa_65,
        )

    @classmethod
    def generate(cls, user: str) -> "Identity":
        """New random keys."""
        return cls(user, secrets.token_bytes(SEALING_SEED_BYTES + 3 * SIGNING_SEED_BYTES))

    @property
    def person_id(self) -> str:
        """See PublicIdentity.person_id."""
        return self.public.person_id

    @property
    def signer_id(self) -> str:
        """What stands in `by` of a statement."""
        return self.person_id

    def sign(self, message: bytes) -> Signature:
        """Sign with both keys."""
        return self._signing.sign(message)

    def secret(self) -> bytes:
        """What the identity file seals."""
        return self.sealing.seeds + self._signing.seeds + self.duplicate_seed

    def __repr__(self) -> str:
        return f"Identity({self.user!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityFile:
    """An identity at rest: readable header, sealed secret."""

    header: dict[str, Any]
    sealed: bytes

    @property
    def user(self) -> str:
        return str(self.header["user"])

    @property
    def vault_id(self) -> str:
        return str(self.header["vault"])

    @property
    def person_id(self) -> str:
        return str(self.header["person"])

    @property
    def genesis_hash(self) -> str:
        """SHA-256 of the key book's first statement: pinned here, outside the vault."""
        return str(self.header["genesis"])

    @property
    def needs_passphrase(self) -> bool:
        return bool(self.header["protection"]["kind"] == "argon2id")

    @property
    def is_one_time(self) -> bool:
        """Sealed under a code that was handed out, to be changed at first use."""
        return bool(self.header["protection"].get("one_time", False))

    def open(self, passphrase: Callable[[], str]) -> Identity:
        """The keys; asks for the passphrase only if one is needed.

        Raises:
            WrongPassphrase: wrong, or the file was changed.
        """
        protection = self.header["protection"]
        if protection["kind"] == "none":
            return Identity(self.user, self.sealed)
        key = _stretch(passphrase(), protection)
        try:
            return Identity(self.user, open_sealed(key, _context(self.header), [self.sealed]))
        except DoesNotOpen as err:
            raise WrongPassphrase(
                f"The identity of {self.user!r} does not open with this passphrase (or its file was changed). "
                "Try again; if the passphrase is lost, an owner gives you a new identity, and the recovery kit does so "
                "for an owner: `poststelle identity replace`."
            ) from err

    def encode(self) -> bytes:
        """The file's bytes."""
        return (json.dumps(self.header | {"sealed": _b64(self.sealed)}, indent=1) + "\n").encode()


def seal_identity(
    identity: Identity, *, vault_id: str, genesis_hash: str, passphrase: str | None, one_time: bool = False
) -> IdentityFile:
    """Make the file of an identity; without a passphrase it is readable by whoever has the file."""
    header: dict[str, Any] = {
        "format": FORMAT,
        "user": identity.user,
        "person": identity.person_id,
        "vault": vault_id,
        "genesis": genesis_hash,
    }
    if passphrase is None:
        return IdentityFile(header=header | {"protection": {"kind": "none"}}, sealed=identity.secret())
    header["protection"] = {
        "kind": "argon2id",
        "memory_kib": MEMORY_KIB,
        "iterations": ITERATIONS,
        "lanes": LANES,
        "salt": _b64(secrets.token_bytes(16)),
        "one_time": one_time,
    }
    key = _stretch(passphrase, header["protection"])
    return IdentityFile(header=header, sealed=b"".join(seal(key, _context(header), [identity.secret()])))


def write_identity(path: Path, file: IdentityFile, disk: Disk) -> None:
    """Write an identity file, 0600, whole or not at all."""
    disk.make_folder(path.parent)
    disk.write_new(path, [file.encode()])


def read_identity(path: Path) -> IdentityFile:
    """Read an identity file's header; opening it is another step.

    Raises:
        ConfigurationError: missing, or not an identity file.
    """
    try:
        content = json.loads(path.read_bytes())
        sealed = base64.b64decode(content.pop("sealed"), validate=True)
        if content["format"] != FORMAT or not isinstance(content["protection"], dict):
            raise ValueError("format")
        return IdentityFile(header=content, sealed=sealed)
    except FileNotFoundError as err:
        raise ConfigurationError(
            f"There is no identity file {path}. Name yours with --identity FILE or POSTSTELLE_IDENTITY."
        ) from err
    except PermissionError as err:
        raise ConfigurationError(f"The identity file {path} may not be read by this user account.") from err
    except (ValueError, KeyError, TypeError, IsADirectoryError) as err:
        raise ConfigurationError(f"{path} is not an identity file of this program (or was damaged).") from err


def _context(header: dict[str, Any]) -> bytes:
    return purpose("identity v1", json.dumps(header, sort_keys=True, separators=(",", ":")))


def _stretch(passphrase: str, protection: dict[str, Any]) -> bytes:
    memory, iterations, lanes = (int(protection[name]) for name in ("memory_kib", "iterations", "lanes"))
    if not (8 * 1024 <= memory <= MAX_MEMORY_KIB and 1 <= iterations <= MAX_ITERATIONS and 1 <= lanes <= 4):
        # A file that names an absurd cost would otherwise stop the machine before it is found to be forged.
        raise ConfigurationError(
            "The identity file asks for a passphrase cost outside the allowed range; it was changed."
        )
    salt = base64.b64decode(protection["salt"])
    kdf = Argon2id(salt=salt, length=32, iterations=iterations, lanes=lanes, memory_cost=memory)
    return kdf.derive(passphrase.encode())


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def new_one_time_code() -> str:
    """A code to hand out: 16 letters and digits in groups of four, 79 bits, nothing that looks alike."""
    return _grouped("".join(secrets.choice(CODE_ALPHABET) for _ in range(16)), 4, "-")


CODE_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
KIT_TITLE = "POSTSTELLE RECOVERY KIT"
"""Begins the first line of every kit; its number follows."""
READING_KIT, SIGNING_KIT = f"{KIT_TITLE} 1", f"{KIT_TITLE} 2"
KIT_USER = "recovery kit"
"""What stands where a user name would, for what a kit signed; no user can be called so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryKit:
    """Keys on paper or a stick: they open every letter, and replace an owner's identity that is lost."""

    vault_id: str
    genesis_hash: str
    sealing: SealingPrivateKey
    signing: SigningPrivateKey | None
    """None in kits of the first form, which open and sign nothing."""

    @classmethod
    def generate(cls, vault_id: str, genesis_hash: str) -> "RecoveryKit":
        """New random keys."""
        return cls(
            vault_id=vault_id,
            genesis_hash=genesis_hash,
            sealing=SealingPrivateKey.generate(),
            signing=SigningPrivateKey.generate(),
        )

    @property
    def kit_id(self) -> str:
        """32 hex digits naming the kit, as a recipient and as a signer."""
        return hashlib.sha256(self.sealing.public.encoded).hexdigest()[:32]

    @property
    def public_signing(self) -> SigningPublicKey | None:
        """What the key book names; None if it signs nothing."""
        return None if self.signing is None else self.signing.public

    @property
    def user(self) -> str:
        """As people call it, where a user name would stand."""
        return KIT_USER

    @property
    def signer_id(self) -> str:
        """What stands in `by` of a statement."""
        return self.kit_id

    def sign(self, message: bytes) -> Signature:
        """Sign with both keys; which statements count is for the key book to say."""
        if self.signing is None:
            raise ValueError("a kit of the first form signs nothing")
        return self.signing.sign(message)

    @property
    def check_code(self) -> str:
        """Six characters that show the kit was copied or typed right."""
        seeds = self.sealing.seeds + (b"" if self.signing is None else self.signing.seeds)
        return base64.b32encode(hashlib.sha256(seeds).digest()).decode()[:6]

    def encode(self) -> bytes:
        """The kit as text that prints well."""
        secret = _paper(self.sealing.seeds)
        lines = [secret[i : i + 48].rstrip() for i in range(0, len(secret), 48)]
        may = "" if self.signing is None else ", and make themselves an owner"
        text = [
            READING_KIT if self.signing is None else SIGNING_KIT,
            f"vault: {self.vault_id}",
            f"genesis: {self.genesis_hash}",
            f"check: {self.check_code}",
            "secret:",
            *(f"  {line}" for line in lines),
            *(() if self.signing is None else _signing_lines(self.signing.seeds)),
            "",
            f"Whoever holds this sheet can read every letter{may}.",
            "Keep it where the company keeps its seal, never on the machine that holds the vault.",
            "To read a letter without Poststelle:",
            "$ pip install cryptography",
            "$ python3 recover.py --kit THIS-FILE list",
            "recover.py lies in the vault.",
        ]
        if self.signing is not None:
            text += [
                "To replace the lost identity of an owner:",
                "$ poststelle identity replace USER --kit THIS-FILE",
            ]
        return ("\n".join(text) + "\n").encode()


def _signing_lines(seeds: bytes) -> list[str]:
    # In lines of their own, not below `secret:`: every recover.py there ever was joins what is indented, and takes it
    # for the 96 bytes that open.
    halves = seeds[:SIGNING_SEED_BYTES], seeds[SIGNING_SEED_BYTES:]
    return [f"{name}: {_paper(half)}" for name, half in zip(_SIGNING_FIELDS, halves, strict=True)]


_SIGNING_FIELDS = ("ed25519", "ml-dsa-65")


def read_kit(path: Path) -> RecoveryKit:
    """Read a recovery kit, as written or typed from paper.

    Raises:
        ConfigurationError: missing, not a kit, or mistyped.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        fields = dict(line.split(": ", 1) for line in lines if ": " in line and not line.startswith(" "))
        signs = {READING_KIT: False, SIGNING_KIT: True}[lines[0].rstrip()]
        kit = RecoveryKit(
            vault_id=fields["vault"],
            genesis_hash=fields["genesis"],
            sealing=SealingPrivateKey(_typed("".join(line for line in lines if line.startswith("  ")))),
            signing=SigningPrivateKey(b"".join(_typed(fields[name]) for name in _SIGNING_FIELDS)) if signs else None,
        )
        if kit.check_code != fields["check"].strip():
            raise ConfigurationError(f"{path} is mistyped: its check code would be {kit.check_code}. Compare it again.")
        return kit
    except OSError as err:
        raise ConfigurationError(f"The recovery kit {path} cannot be read ({err.strerror}).") from err
    except (ValueError, KeyError, IndexError) as err:
        raise ConfigurationError(f"{path} is not a recovery kit, or was mistyped. Compare it with the paper.") from err


def _paper(seeds: bytes) -> str:
    return _grouped(base64.b32encode(seeds).decode().rstrip("="), 5, " ")


def _typed(text: str) -> bytes:
    letters = "".join(text.split())
    return base64.b32decode(letters + "=" * (-len(letters) % 8))


def _grouped(text: str, size: int, separator: str) -> str:
    return separator.join(text[i : i + size] for i in range(0, len(text), size))


__all__ = [
    "KIT_USER",
    "Identity",
    "IdentityFile",
    "PublicIdentity",
    "RecoveryKit",
    "Signature",
    "SigningPrivateKey",
    "SigningPublicKey",
    "new_one_time_code",
    "read_identity",
    "read_kit",
    "seal_identity",
    "write_identity",
]
