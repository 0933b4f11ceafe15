"""Sealing: parts as Cobblestone-256 streams, keys as HPKE wraps. Two primitives, no options.

- A part is `PSTPART1` followed by a Cobblestone-256 stream (C2SP chunked-encryption: AES-256-GCM in
  chunks, a last chunk that authenticates the end) under a random 32-byte key of its own. The context binds
  vault, document, part and version, so that a part moved to another name does not open.
- A wrap is one HPKE message (RFC 9180, base mode) of the suite X-Wing (ML-KEM-768 with X25519) /
  HKDF-SHA256 / AES-256-GCM. `info` binds what the key is for. Suite number 1; a later suite gets the next
  number and old wraps stay readable.

Nothing here knows who may do what; see keybook.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from poststelle.errors import Damaged
from poststelle.records import Part

PART_MAGIC = b"PSTPART1"
KEY_BYTES = 32
SUITE_XWING = 1
ML_KEM_SEED_BYTES = 64
ML_KEM_PUBLIC_BYTES = 1184
X25519_BYTES = 32


class DamagedPart(Damaged):
    """A sealed part does not authenticate: it was changed, cut or swapped after it was written."""

    code = "A013"

    def __init__(self, document_id: str, part: Part) -> None:
        super().__init__(
            f"The {part} of letter {document_id} was changed, cut or swapped after it was sealed; nothing of it was "
            "shown. Other letters are not affected. `poststelle rebuild letters` brings it back from a backup."
        )


class DoesNotOpen(Exception):
    """A wrap was made for another key or another purpose, or was damaged: HPKE cannot tell which."""


@dataclass(frozen=True, slots=True)
class SealingPublicKey:
    """An X-Wing public key: 1184 bytes ML-KEM-768, then 32 bytes X25519."""

    encoded: bytes

    def __post_init__(self) -> None:
        if len(self.encoded) != ML_KEM_PUBLIC_BYTES + X25519_BYTES:
            raise ValueError("an X-Wing public key has 1216 bytes")

    def wrap(self, secret: bytes, info: bytes) -> bytes:
        """Encrypt `secret` so that only the holder of the private key, for the same purpose, gets it back."""
        return _suite().encrypt(secret, self._key(), info=info)

    def _key(self) -> MLKEM768X25519PublicKey:
        return MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(self.encoded[:ML_KEM_PUBLIC_BYTES]),
            X25519PublicKey.from_public_bytes(self.encoded[ML_KEM_PUBLIC_BYTES:]),
        )


class SealingPrivateKey:
    """An X-Wing private key, kept as its seeds: 64 bytes ML-KEM-768 (FIPS 203 d‖z), then 32 bytes X25519."""

    __slots__ = ("_key", "public", "seeds")

    def __init__(self, seeds: bytes) -> None:
        if len(seeds) != ML_KEM_SEED_BYTES + X25519_BYTES:
            raise ValueError("X-Wing seeds have 96 bytes")
        ml_kem = MLKEM768PrivateKey.from_seed_bytes(seeds[:ML_KEM_SEED_BYTES])
        x25519 = X25519PrivateKey.from_private_bytes(seeds[ML_KEM_SEED_BYTES:])
        self._key = MLKEM768X25519PrivateKey(ml_kem, x25519)
        self.seeds = seeds
        self.public = SealingPublicKey(ml_kem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw())

    @classmethod
    def generate(cls) -> "SealingPrivateKey":
        """A new random key pair."""
        return cls(secrets.token_bytes(ML_KEM_SEED_BYTES + X25519_BYTES))

    def unwrap(self, wrap: bytes, info: bytes) -> bytes:
        """The secret inside a wrap.

        Raises:
            DoesNotOpen: another key, another purpose, or damage.
        """
        try:
            return _suite().decrypt(wrap, self._key, info=info)
        except (InvalidTag, ValueError) as err:
            raise DoesNotOpen from err

    def __repr__(self) -> str:
        return "SealingPrivateKey(…)"


def _suite() -> Suite:
    return Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def purpose(kind: str, *names: str | int) -> bytes:
    """`info` of a wrap or context of a part: the kind and what it is bound to, unambiguous.

    Names are ids, codes and numbers of our own making; none contains the separator (a zero byte).
    """
    fields = [f"poststelle {kind}", *(str(name) for name in names)]
    if any("\0" in field for field in fields):
        raise ValueError("a bound name contains a zero byte")
    return "\0".join(fields).encode()


def part_context(vault_id: str, document_id: str, part: Part, version: int) -> bytes:
    """What a part's stream is bound to."""
    return purpose("part v1", vault_id, document_id, part.value, version)


def new_key() -> bytes:
    """A random 32-byte key: of a part or of a database."""
    return secrets.token_bytes(KEY_BYTES)


def seal(key: bytes, context: bytes, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes of a sealed part, magic first. One key seals one part, once."""
    encryptor = Cobblestone256Encryptor(key, context=context)
    yield PART_MAGIC
    for chunk in chunks:
        if sealed := encryptor.update(chunk):
            yield sealed
    yield encryptor.finalize()


def open_sealed(key: bytes, context: bytes, chunks: Iterable[bytes]) -> bytes:
    """The plaintext of a sealed part, all or nothing: held back until the last chunk has authenticated.

    Raises:
        DoesNotOpen: wrong key, wrong context, or any byte changed, cut or added.
    """
    decryptor = Cobblestone256Decryptor(key, context=context)
    opened: list[bytes] = []
    head = b""
    try:
        for chunk in chunks:
            if len(head) < len(PART_MAGIC):
                head += chunk
                if len(head) < len(PART_MAGIC):
                    continue
                if not head.startswith(PART_MAGIC):
                    raise DoesNotOpen
                chunk = head[len(PART_MAGIC) :]
            opened.append(decryptor.update(chunk))
        opened.append(decryptor.finalize())
    except (InvalidTag, ValueError) as err:
        raise DoesNotOpen from err
    return b"".join(opened)


def derive(seed: bytes, label: str) -> bytes:
    """A 32-byte key for one purpose from a random seed (HKDF-SHA256, RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose("derive v1", label)).derive(seed)


def duplicate_mark(seed: bytes, compartment: str, chunks: Iterable[bytes]) -> bytes:
    """HMAC-SHA256 of a content under a key of the compartment: equal content is seen there and nowhere else."""
    mac = hmac.new(derive(seed, f"duplicates {compartment}"), digestmod=hashlib.sha256)
    for chunk in chunks:
        mac.update(chunk)
    return mac.digest()
