"""Stored vectors of every sealed thing: a program that cannot open them cannot open its customers' old vaults."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from poststelle.access import recover
from poststelle.access.audit import AuditLog, open_details
from poststelle.access.identities import read_identity, read_kit
from poststelle.access.keybook import encode_signing, read_keybook
from poststelle.access.keyring import database_purpose, document_purpose, epoch_purpose
from poststelle.access.sealing import DoesNotOpen, SealingPrivateKey, open_sealed, part_context
from poststelle.durable import Disk
from poststelle.records import Part

FOLDER = Path(__file__).resolve().parent.parent / "vectors"


def vector(name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return value


def raw(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def test_a_sealed_part_opens() -> None:
    """The letters themselves: magic, stream and what it is bound to."""
    v = vector("part")
    context = part_context(v["vault"], v["document"], Part(v["part"]), v["version"])

    assert context == raw(v["context"])
    assert raw(v["sealed"]).startswith(b"PSTPART1")
    opened = open_sealed(raw(v["key"]), context, [raw(v["sealed"])])
    assert hashlib.sha256(opened).hexdigest() == v["content_sha256"]
    with pytest.raises(DoesNotOpen):
        open_sealed(raw(v["key"]), context, [raw(v["sealed"])[:-1]])


def test_an_epoch_wrap_opens() -> None:
    """A person's key opens the key of their department, for the program and for recover.py alike."""
    v = vector("epoch-wrap")
    info = epoch_purpose(v["vault"], v["scope_id"], v["epoch"], v["recipient_id"])
    recipient = SealingPrivateKey(raw(v["recipient_seeds"]))

    assert info == raw(v["info"])
    assert recipient.public.encoded == raw(v["recipient_public"])
    assert recipient.unwrap(raw(v["wrap"]), info) == raw(v["secret"])
    fields = ("poststelle epoch v1", v["vault"], v["scope_id"], v["epoch"], v["recipient_id"])
    assert recover.PrivateKey(raw(v["recipient_seeds"])).unwrap(raw(v["wrap"]), *fields) == raw(v["secret"])


def test_document_wraps_open() -> None:
    """A department's key opens the keys of a letter: 64 bytes for its pages, 32 for its text."""
    v = vector("document-wraps")
    scope = SealingPrivateKey(raw(v["scope_seeds"]))
    for wrap in v["wraps"]:
        info = document_purpose(
            v["vault"], v["document"], wrap["part_set"], wrap["version"], v["scope_id"], v["epoch"]
        )  # fmt: skip
        assert info == raw(wrap["info"])
        assert scope.unwrap(raw(wrap["wrap"]), info) == raw(wrap["secret"])
    assert [len(raw(wrap["secret"])) for wrap in v["wraps"]] == [64, 32]


def test_a_database_wrap_opens() -> None:
    """The key of an index."""
    v = vector("database-wrap")
    info = database_purpose(v["vault"], v["database"], v["scope"], v["epoch"])

    assert info == raw(v["info"])
    assert SealingPrivateKey(raw(v["scope_seeds"])).unwrap(raw(v["wrap"]), info) == raw(v["secret"])


def test_an_identity_file_opens_with_its_passphrase(tmp_path: Path) -> None:
    """The file on somebody's stick since years: its cost, salt and binding are read from it."""
    v = vector("identity-file")
    path = tmp_path / "clerk.identity"
    path.write_text(json.dumps(v["file"]), encoding="utf-8")

    opened = read_identity(path).open(lambda: v["passphrase"])

    assert opened.secret() == raw(v["secret"])
    assert opened.person_id == v["person_id"] == v["file"]["person"]


def test_a_recovery_kit_is_read(tmp_path: Path) -> None:
    """The sheet in the safe, as it was printed then."""
    v = vector("recovery-kit")
    path = tmp_path / "kit.txt"
    path.write_text(v["text"], encoding="utf-8")
    assert read_kit(path).signing is None
    lines = v["text"].splitlines()
    secret = "".join("".join(line.split()) for line in lines if line.startswith("  "))

    assert base64.b32decode(secret + "=" * (-len(secret) % 8)) == raw(v["seeds"])
    public = recover.PrivateKey(raw(v["seeds"])).public
    assert hashlib.sha256(public).hexdigest()[:32] == v["kit_id"]


def test_a_recovery_kit_that_signs_is_read(tmp_path: Path) -> None:
    """The sheet in the safe since kits sign: the same secret for recover.py, and two keys beside it."""
    v = vector("recovery-kit-2")
    path = tmp_path / "kit.txt"
    path.write_text(v["text"], encoding="utf-8")
    secret = "".join("".join(line.split()) for line in v["text"].splitlines() if line.startswith("  "))

    kit = read_kit(path)

    assert base64.b32decode(secret + "=" * (-len(secret) % 8)) == kit.sealing.seeds == raw(v["seeds"])
    assert kit.signing is not None
    assert (kit.signing.seeds, encode_signing(kit.signing.public)) == (raw(v["signing_seeds"]), v["public"])
    assert kit.kit_id == v["kit_id"]


def test_a_key_book_that_the_kit_signed_in_replays(tmp_path: Path) -> None:
    """An owner whose identity was lost years ago is an owner still, and the one before is none."""
    v = vector("key-book-2")
    path = tmp_path / "keybook.jsonl"
    path.write_text("\n".join(v["lines"]) + "\n", encoding="utf-8")

    book = read_keybook(path, v["genesis_hash"], v["vault"])

    assert (book.head, book.statements) == (v["head"], 6)
    assert book.holds_right(v["successor_id"], "grant")
    assert book.person(v["owner_id"]) is None
    assert [(use.old, use.new) for use in book.kit_uses] == [(v["owner_id"], v["successor_id"])]


def test_a_key_book_replays(tmp_path: Path) -> None:
    """Both signatures of every statement hold, and the book says what it said."""
    v = vector("key-book")
    path = tmp_path / "keybook.jsonl"
    path.write_text("\n".join(v["lines"]) + "\n", encoding="utf-8")

    book = read_keybook(path, v["genesis_hash"], v["vault"])

    assert (book.head, book.statements) == (v["head"], 5)
    assert book.holds_right(v["owner_id"], "grant")
    assert book.may(v["clerk_id"], "find", "finance")
    assert not book.may(v["clerk_id"], "find", "hr")


def test_an_audit_log_holds_and_opens(tmp_path: Path) -> None:
    """The log of past years: the chain holds, and an auditor's key opens what was sealed in it."""
    v = vector("audit-log")
    path = tmp_path / "audit.jsonl"
    path.write_text("\n".join(v["lines"]) + "\n", encoding="utf-8")
    key = SealingPrivateKey(raw(v["seeds"]))
    log = AuditLog(path, Disk(), v["vault"], key.public)

    assert [open_details(line, v["vault"], key) for _, line in log.lines()] == v["details"]
    head = log.head()
    assert head is not None
    assert head.hash == v["head"]


def test_every_vector_is_opened_here() -> None:
    """A vector nobody opens promises nothing."""
    source = Path(__file__).read_text(encoding="utf-8")
    names = {path.stem for path in FOLDER.glob("*.json")}
    assert len(names) >= 8
    assert {name for name in names if f'vector("{name}")' not in source} == set()
