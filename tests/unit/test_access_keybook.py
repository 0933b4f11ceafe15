"""The key book: who is who and who may do what, signed; every rule of its replay, broken once."""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from poststelle.access.identities import Identity
from poststelle.access.keybook import (
    KeyBook,
    TamperedKeyBook,
    append_statement,
    canonical,
    encode_public,
    genesis_line,
    read_keybook,
    statement_message,
)
from poststelle.access.sealing import SealingPrivateKey
from poststelle.durable import Disk
from poststelle.errors import NotPermitted

VAULT = "ab" * 16
AT = datetime(2026, 3, 17, 8, 0, tzinfo=UTC)
OFFICE = {
    "roles": {
        "owner": {"label": "Inhaber", "compartments": {"finance": ["find", "read"]}, "rights": ["grant", "records"]},
        "accounting": {"label": "Buchhaltung", "compartments": {"finance": ["find", "read"]}, "rights": []},
        "service": {"label": "service", "compartments": {}, "rights": ["records"]},
    }
}
OWNER, CLERK, STRANGER, SERVICE = (Identity.generate(name) for name in ("owner", "clerk", "stranger", "service"))
KIT = SealingPrivateKey.generate().public
KIT_ID = hashlib.sha256(KIT.encoded).hexdigest()[:32]
SCOPE = SealingPrivateKey.generate().public


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def person(identity: Identity, *roles: str, kind: str = "person") -> dict[str, Any]:
    return {"user": identity.user, "kind": kind, "keys": encode_public(identity.public), "roles": list(roles)}


def epoch(number: int = 1, scope_id: str = "s" * 16, wraps: dict[str, str] | None = None) -> dict[str, Any]:
    wraps = {KIT_ID: "0" * 64, OWNER.person_id: "0" * 64} if wraps is None else wraps
    return {
        "scope": "index:finance", "scope_id": scope_id, "number": number, "public": b64(SCOPE.encoded), "wraps": wraps,
    }  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A key book with an office, a kit, a clerk without the right to grant, the service, and one epoch."""
    book_file = tmp_path / "keybook.jsonl"
    book_file.write_bytes(genesis_line(OWNER, VAULT, False, AT) + b"\n")
    book = read(book_file)
    for kind, content in (
        ("office", {"office": OFFICE}),
        ("kit", {"sealing": b64(KIT.encoded)}),
        ("people", {"people": [person(CLERK, "accounting"), person(SERVICE, "service", kind="service")]}),
        ("epochs", {"epochs": [epoch()], "databases": {"index:finance": "0" * 64}}),
    ):
        book = append_statement(book_file, book, OWNER, kind, content, AT, Disk())
    return book_file


def read(path: Path) -> KeyBook:
    first = path.read_bytes().split(b"\n")[0]
    return read_keybook(path, hashlib.sha256(first).hexdigest(), VAULT)


def signed(signer: Identity, body: dict[str, Any], vault: str = VAULT) -> bytes:
    signature = signer.sign(statement_message(vault, body))
    return canonical({"body": body, "ed25519": b64(signature.ed25519), "ml_dsa_65": b64(signature.ml_dsa_65)})


def following(book: KeyBook, signer: Identity, kind: str, **content: Any) -> dict[str, Any]:
    return {
        "seq": book.statements, "prev": book.head, "vault": VAULT, "kind": kind, "at": AT.isoformat(),
        "by": signer.person_id, **content,
    }  # fmt: skip


def test_a_book_replays_to_what_was_stated(path: Path) -> None:
    """The control of everything below: an honest book is accepted, and says who may what."""
    book = read(path)

    assert (book.statements, book.practice, book.kit_id) == (5, False, KIT_ID)
    assert book.may(CLERK.person_id, "find", "finance")
    assert not book.may(CLERK.person_id, "find", "hr")
    assert not book.holds_right(CLERK.person_id, "grant")
    assert book.service.person_id == SERVICE.person_id
    assert book.current("index:finance").scope_id == "s" * 16


def append_line(path: Path, line: bytes) -> None:
    path.write_bytes(path.read_bytes() + line + b"\n")


RIGHT_OF_ALL = {"roles": {**OFFICE["roles"], "accounting": {"label": "x", "compartments": {}, "rights": ["grant"]}}}

FORGED: dict[str, Callable[[KeyBook], bytes]] = {
    "signed by a stranger": lambda b: signed(STRANGER, following(b, STRANGER, "office", office=OFFICE)),
    "signed by a stranger in the owner's name": lambda b: signed(
        STRANGER, following(b, OWNER, "office", office=RIGHT_OF_ALL)
    ),
    "signed by a clerk who gives themselves a right": lambda b: signed(
        CLERK, following(b, CLERK, "office", office=RIGHT_OF_ALL)
    ),
    "signed by the service": lambda b: signed(SERVICE, following(b, SERVICE, "office", office=RIGHT_OF_ALL)),
    "made for another vault": lambda b: signed(OWNER, following(b, OWNER, "office", office=OFFICE) | {"vault": "c"}),
    "signed for another vault": lambda b: signed(OWNER, following(b, OWNER, "office", office=OFFICE), "cd" * 16),
    "out of order": lambda b: signed(OWNER, following(b, OWNER, "office", office=OFFICE) | {"seq": 7}),
    "following another statement": lambda b: signed(
        OWNER, following(b, OWNER, "office", office=OFFICE) | {"prev": "0" * 64}
    ),
    "a second genesis": lambda b: signed(OWNER, following(b, OWNER, "genesis", owner={}, user="o", practice=False)),
    "of a kind nobody knows": lambda b: signed(OWNER, following(b, OWNER, "amnesty")),
    "not canonical": lambda b: signed(OWNER, following(b, OWNER, "office", office=OFFICE)).replace(b":", b": ", 1),
    "no JSON": lambda b: b"{",
    "an office without an owner": lambda b: signed(OWNER, following(b, OWNER, "office", office={"roles": {}})),
    "an office with an unknown verb": lambda b: signed(
        OWNER,
        following(
            b, OWNER, "office",
            office={"roles": OFFICE["roles"] | {"x": {"label": "x", "compartments": {"hr": ["steal"]}, "rights": []}}},
        ),
    ),
    "a person twice": lambda b: signed(OWNER, following(b, OWNER, "people", people=[person(CLERK, "accounting")])),
    "a second person of one login": lambda b: signed(
        OWNER, following(b, OWNER, "people", people=[person(Identity.generate("clerk"), "accounting")])
    ),
    "a role that is not": lambda b: signed(OWNER, following(b, OWNER, "people", people=[person(STRANGER, "emperor")])),
    "an epoch the kit cannot open": lambda b: signed(
        OWNER,
        following(b, OWNER, "epochs", epochs=[epoch(2, wraps={OWNER.person_id: "0" * 64})], databases={}),
    ),
    "an epoch again": lambda b: signed(OWNER, following(b, OWNER, "epochs", epochs=[epoch(1)], databases={})),
    "an epoch left out": lambda b: signed(OWNER, following(b, OWNER, "epochs", epochs=[epoch(3)], databases={})),
    "an epoch of another scope id": lambda b: signed(
        OWNER, following(b, OWNER, "epochs", epochs=[epoch(2, scope_id="t" * 16)], databases={})
    ),
    "a key of a wrong length": lambda b: signed(
        OWNER, following(b, OWNER, "epochs", epochs=[epoch(2) | {"public": b64(b"short")}], databases={})
    ),
}  # fmt: skip


@pytest.mark.parametrize("forgery", FORGED)
def test_a_forged_statement_is_refused(forgery: str, path: Path) -> None:
    """Whoever can write to the vault's disk must not be able to make themselves a reader, or lock the kit out."""
    append_line(path, FORGED[forgery](read(path)))

    with pytest.raises(TamperedKeyBook) as refused:
        read(path)
    assert refused.value.code == "K013"
    assert "Nothing was opened" in str(refused.value)


def test_an_honest_statement_is_accepted(path: Path) -> None:
    """The control: the same shapes, signed by the owner and in order, do count."""
    append_line(path, signed(OWNER, following(read(path), OWNER, "epochs", epochs=[epoch(2)], databases={})))
    assert read(path).current("index:finance").number == 2
    append_line(path, signed(OWNER, following(read(path), OWNER, "people", people=[person(STRANGER, "accounting")])))
    assert read(path).may(STRANGER.person_id, "find", "finance")
    append_line(path, signed(OWNER, following(read(path), OWNER, "office", office=RIGHT_OF_ALL)))
    assert read(path).holds_right(CLERK.person_id, "grant")


def test_a_removed_person_signs_nothing_more(path: Path) -> None:
    """Somebody who left keeps their file at home; it must be worth nothing."""
    book = read(path)
    granted = replace(book, roles=book.roles | {"accounting": replace(book.roles["accounting"], rights=("grant",))})
    gone = replace(book.people[CLERK.person_id], removed=True)
    left = replace(granted, people=granted.people | {CLERK.person_id: gone})
    content = {"office": OFFICE}
    append_statement(path, granted, CLERK, "office", content, AT, Disk())  # the control: with the right they may

    with pytest.raises(NotPermitted):
        append_statement(path, left, CLERK, "office", content, AT, Disk())
    assert left.person(CLERK.person_id) is None
    assert not left.may(CLERK.person_id, "find", "finance")


def test_who_may_not_is_refused_before_anything_is_written(path: Path) -> None:
    """A clerk who tries is told so; the book must not be broken by the attempt."""
    before = path.read_bytes()
    with pytest.raises(NotPermitted):
        append_statement(path, read(path), CLERK, "office", {"office": RIGHT_OF_ALL}, AT, Disk())
    assert path.read_bytes() == before


DAMAGED: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "two statements swapped": lambda lines: [*lines[:2], lines[3], lines[2], *lines[4:]],
    "one left out": lambda lines: [*lines[:2], *lines[3:]],
    "one repeated": lambda lines: [*lines[:3], lines[2], *lines[3:]],
    "an old one replayed at the end": lambda lines: [*lines, lines[1]],
    "the genesis left out": lambda lines: lines[1:],
    "another genesis": lambda lines: [genesis_line(STRANGER, VAULT, False, AT), *lines[1:]],
    "a role changed": lambda lines: [
        line.replace(b'"roles":["accounting"]', b'"roles":["owner"]') for line in lines
    ],
    "a signature of another statement": lambda lines: [
        *lines[:2], canonical(json.loads(lines[2]) | {k: json.loads(lines[1])[k] for k in ("ed25519", "ml_dsa_65")}),
        *lines[3:],
    ],
    "the classical signature only": lambda lines: [
        *lines[:2], canonical(json.loads(lines[2]) | {"ml_dsa_65": json.loads(lines[1])["ml_dsa_65"]}), *lines[3:],
    ],
    "the quantum-safe signature only": lambda lines: [
        *lines[:2], canonical(json.loads(lines[2]) | {"ed25519": json.loads(lines[1])["ed25519"]}), *lines[3:],
    ],
    "an empty line": lambda lines: [*lines[:2], b"", *lines[2:]],
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_rearranged_book_is_refused(damage: str, path: Path) -> None:
    """Statements are true in their order only: an old right must not come back by a copy of its line."""
    genesis = hashlib.sha256(path.read_bytes().split(b"\n")[0]).hexdigest()
    lines = path.read_bytes().splitlines()
    changed = DAMAGED[damage](lines)
    assert changed != lines, "the control: something was changed"
    path.write_bytes(b"\n".join(changed) + b"\n")

    with pytest.raises(TamperedKeyBook):
        read_keybook(path, genesis, VAULT)


def test_a_cut_or_missing_book_is_refused(path: Path) -> None:
    """A crash of somebody's editor must not silently take rights away or give them back."""
    genesis = hashlib.sha256(path.read_bytes().split(b"\n")[0]).hexdigest()
    content = path.read_bytes()
    for cut in (content[:-1], content[:-400], b""):
        path.write_bytes(cut)
        with pytest.raises(TamperedKeyBook):
            read_keybook(path, genesis, VAULT)
    path.unlink()
    with pytest.raises(TamperedKeyBook):
        read_keybook(path, genesis, VAULT)


def test_a_shortened_book_at_a_line_end_is_the_book_of_that_day(path: Path) -> None:
    """What replay alone cannot see, so that nobody relies on it: a rollback needs the audit log's memory."""
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]))
    assert read(path).statements == 3


def test_the_service_may_name_a_new_database_key_and_nothing_else(path: Path) -> None:
    """A purge in blind mode throws an index away unattended; that must not become a way to grant rights."""
    new = {"index:finance": "1" * 64}
    append_line(path, signed(SERVICE, following(read(path), SERVICE, "databases", databases=new)))
    assert read(path).database_wraps == new

    append_line(path, signed(SERVICE, following(read(path), SERVICE, "databases", databases={"other": "1" * 64})))
    with pytest.raises(TamperedKeyBook):
        read(path)


def test_a_clerk_may_not_name_database_keys(path: Path) -> None:
    """Only the service and owners: a wrong wrap would lock a department out of its index."""
    append_line(path, signed(CLERK, following(read(path), CLERK, "databases", databases={"index:finance": "1" * 64})))
    with pytest.raises(TamperedKeyBook):
        read(path)
