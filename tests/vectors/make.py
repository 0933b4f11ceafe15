"""Makes the vectors: one sealed thing of every kind, from fixed keys and contents.

    python tests/vectors/make.py NEW-FOLDER

Sealing is randomised, so that each run gives other bytes: what counts is the stored output, made by the first
version that had the format. A vector is never made anew; a new format gets a vector of its own beside it.
"""

import base64
import hashlib
import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from poststelle.access.audit import AuditLog, Entry
from poststelle.access.identities import Identity, RecoveryKit, SigningPrivateKey, seal_identity
from poststelle.access.keybook import (
    REPLACE_OWNER,
    KeyBook,
    append_statement,
    encode_public,
    encode_signing,
    genesis_line,
    read_keybook,
)
from poststelle.access.keyring import database_purpose, document_purpose, epoch_purpose
from poststelle.access.sealing import SealingPrivateKey, part_context, seal
from poststelle.durable import Disk
from poststelle.records import Part

VAULT = "000102030405060708090a0b0c0d0e0f"
DOCUMENT = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
SCOPE_ID = "0011223344556677"
AT = datetime(2026, 3, 17, 8, 0, tzinfo=UTC)
PASSPHRASE = "sieben blaue Kähne am Kai"


def pattern(length: int, start: int) -> bytes:
    """Bytes that anybody can write down: counting from `start`, modulo 251."""
    return bytes((start + i) % 251 for i in range(length))


RECIPIENT = SealingPrivateKey(pattern(96, 1))
SCOPE = SealingPrivateKey(pattern(96, 100))
OWNER = Identity("owner", pattern(192, 7))
CLERK = Identity("clerk", pattern(192, 50))
SUCCESSOR = Identity("owner", pattern(192, 60))
KIT_SIGNING = SigningPrivateKey(pattern(64, 70))
CONTENT = pattern(40_000, 3)
"""Three chunks of the stream, the last one short."""


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def part() -> dict[str, Any]:
    context = part_context(VAULT, DOCUMENT, Part.ORIGINAL, 1)
    key = pattern(32, 9)
    return {
        "vault": VAULT, "document": DOCUMENT, "part": "original", "version": 1, "key": b64(key),
        "context": b64(context), "content_sha256": hashlib.sha256(CONTENT).hexdigest(),
        "sealed": b64(b"".join(seal(key, context, [CONTENT]))),
    }  # fmt: skip


def epoch_wrap() -> dict[str, Any]:
    recipient_id = hashlib.sha256(RECIPIENT.public.encoded).hexdigest()[:32]
    info = epoch_purpose(VAULT, SCOPE_ID, 1, recipient_id)
    return {
        "vault": VAULT, "scope_id": SCOPE_ID, "epoch": 1, "recipient_id": recipient_id,
        "recipient_seeds": b64(RECIPIENT.seeds), "recipient_public": b64(RECIPIENT.public.encoded), "info": b64(info),
        "secret": b64(SCOPE.seeds), "wrap": b64(RECIPIENT.public.wrap(SCOPE.seeds, info)),
    }  # fmt: skip


def document_wraps() -> dict[str, Any]:
    found = []
    for part_set, version, secret in (("content", 1, pattern(64, 20)), ("text", 2, pattern(32, 30))):
        info = document_purpose(VAULT, DOCUMENT, part_set, version, SCOPE_ID, 1)
        wrap = SCOPE.public.wrap(secret, info)
        found.append(
            {"part_set": part_set, "version": version, "info": b64(info), "secret": b64(secret), "wrap": b64(wrap)}
        )
    fixed = {"vault": VAULT, "document": DOCUMENT, "scope_id": SCOPE_ID, "epoch": 1, "scope_seeds": b64(SCOPE.seeds)}
    return fixed | {"wraps": found}


def database_wrap() -> dict[str, Any]:
    info, secret = database_purpose(VAULT, "index:finance", "index:finance", 1), pattern(32, 40)
    return {
        "vault": VAULT, "database": "index:finance", "scope": "index:finance", "epoch": 1,
        "scope_seeds": b64(SCOPE.seeds), "info": b64(info), "secret": b64(secret),
        "wrap": b64(SCOPE.public.wrap(secret, info)),
    }  # fmt: skip


def identity_file() -> dict[str, Any]:
    file = seal_identity(CLERK, vault_id=VAULT, genesis_hash="ab" * 32, passphrase=PASSPHRASE)
    return {
        "passphrase": PASSPHRASE, "secret": b64(CLERK.secret()), "person_id": CLERK.person_id,
        "file": json.loads(file.encode()),
    }  # fmt: skip


def kit() -> dict[str, Any]:
    made = RecoveryKit(vault_id=VAULT, genesis_hash="ab" * 32, sealing=RECIPIENT, signing=None)
    return {"seeds": b64(RECIPIENT.seeds), "kit_id": made.kit_id, "text": made.encode().decode()}


def signing_kit() -> dict[str, Any]:
    made = RecoveryKit(vault_id=VAULT, genesis_hash="ab" * 32, sealing=RECIPIENT, signing=KIT_SIGNING)
    return {
        "seeds": b64(RECIPIENT.seeds), "signing_seeds": b64(KIT_SIGNING.seeds), "kit_id": made.kit_id,
        "public": encode_signing(KIT_SIGNING.public), "text": made.encode().decode(),
    }  # fmt: skip


def key_book(signing: SigningPrivateKey | None = None) -> dict[str, Any]:
    office = {
        "roles": {
            "owner": {"label": "Inhaber", "compartments": {}, "rights": ["grant"]},
            "accounting": {"label": "Buchhaltung", "compartments": {"finance": ["find", "read"]}, "rights": []},
        }
    }
    kit = RecoveryKit(vault_id=VAULT, genesis_hash="ab" * 32, sealing=RECIPIENT, signing=signing)
    epoch = {
        "scope": "index:finance", "scope_id": SCOPE_ID, "number": 1, "public": b64(SCOPE.public.encoded),
        "wraps": {kit.kit_id: "ab" * 32},
    }  # fmt: skip
    person = {"user": "clerk", "kind": "person", "keys": encode_public(CLERK.public), "roles": ["accounting"]}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "keybook.jsonl"
        genesis = genesis_line(OWNER, VAULT, False, AT)
        path.write_bytes(genesis + b"\n")
        book: KeyBook = read_keybook(path, hashlib.sha256(genesis).hexdigest(), VAULT)
        for kind, content in (
            ("office", {"office": office}),
            ("kit", {"sealing": b64(RECIPIENT.public.encoded), **(encode_signing(signing.public) if signing else {})}),
            ("people", {"people": [person]}),
            ("epochs", {"epochs": [epoch], "databases": {"index:finance": "cd" * 32}}),
        ):
            book = append_statement(path, book, OWNER, kind, content, AT, Disk())
        if signing:
            rescue = {"person": OWNER.person_id, "keys": encode_public(SUCCESSOR.public), "wraps": []}
            book = append_statement(path, book, kit, REPLACE_OWNER, rescue, AT, Disk())
        lines = path.read_text(encoding="utf-8").splitlines()
    return {
        "vault": VAULT, "genesis_hash": book.genesis_hash, "head": book.head, "owner_id": OWNER.person_id,
        "clerk_id": CLERK.person_id, "lines": lines,
    }  # fmt: skip


def rescued_key_book() -> dict[str, Any]:
    """With a statement that the recovery kit signed: the owner's identity was lost."""
    return key_book(KIT_SIGNING) | {"successor_id": SUCCESSOR.person_id}


def audit_log() -> dict[str, Any]:
    entries = [
        Entry(kind="founded", by=OWNER.person_id, at=AT, details={"practice": False}),
        Entry(kind="filed", by=OWNER.person_id, at=AT, details={"document": DOCUMENT, "class": "invoice"}, outbox=1),
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.jsonl"
        head = AuditLog(path, Disk(), VAULT, SCOPE.public).append(entries)
        lines = path.read_text(encoding="utf-8").splitlines()
    assert head is not None
    return {
        "vault": VAULT, "seeds": b64(SCOPE.seeds), "lines": lines, "head": head.hash,
        "details": [entry.details for entry in entries],
    }  # fmt: skip


VECTORS = {
    "part": part,
    "epoch-wrap": epoch_wrap,
    "document-wraps": document_wraps,
    "database-wrap": database_wrap,
    "identity-file": identity_file,
    "recovery-kit": kit,
    "recovery-kit-2": signing_kit,
    "key-book": key_book,
    "key-book-2": rescued_key_book,
    "audit-log": audit_log,
}


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir()
    for name, make in VECTORS.items():
        (folder / f"{name}.json").write_text(json.dumps(make(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
