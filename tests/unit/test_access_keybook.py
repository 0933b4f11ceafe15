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
from hypothesis import given
from hypothesis import strategies as st

from poststelle.access import keybook
from poststelle.access.identities import Identity, RecoveryKit
from poststelle.access.keybook import (
    REPLACE_OWNER,
    KeyBook,
    Seen,
    Signer,
    TamperedKeyBook,
    append_statement,
    canonical,
    encode_public,
    encode_signing,
    genesis_line,
    read_keybook,
    require_seen,
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
        "hr": {"label": "Personal", "compartments": {"hr": ["find", "read"]}, "rights": []},
        "accounting": {"label": "Buchhaltung", "compartments": {"finance": ["find", "read"]}, "rights": []},
        "service": {"label": "service", "compartments": {}, "rights": ["records"]},
    },
    "classes": {"invoice": {"compartment": "finance"}},
}
LATER = "2026-03-20T00:00:00+00:00"
DELEGATION = {"kind": "delegate", "role": "accounting", "until": LATER, "reason": "x"}
OWNER, CLERK, STRANGER, SERVICE = (Identity.generate(name) for name in ("owner", "clerk", "stranger", "service"))
KIT, OTHER_KIT = RecoveryKit.generate(VAULT, ""), RecoveryKit.generate(VAULT, "")
KIT_ID = KIT.kit_id
SUCCESSOR = Identity.generate("owner")
"""Who takes the owner's place by the kit."""
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


def stated_kit(kit: RecoveryKit) -> dict[str, str]:
    assert kit.signing is not None
    return {"sealing": b64(kit.sealing.public.encoded), **encode_signing(kit.signing.public)}


def rescue(person_id: str = OWNER.person_id, **more: Any) -> dict[str, Any]:
    """What the kit states when an owner's identity was lost."""
    wrap = {"scope": "index:finance", "number": 1, "recipients": {SUCCESSOR.person_id: "4" * 64}}
    return {"person": person_id, "keys": encode_public(SUCCESSOR.public), "wraps": [wrap]} | more


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A key book with an office, a kit, a clerk without the right to grant, the service, and one epoch."""
    book_file = tmp_path / "keybook.jsonl"
    book_file.write_bytes(genesis_line(OWNER, VAULT, False, AT) + b"\n")
    book = read(book_file)
    for kind, content in (
        ("office", {"office": OFFICE}),
        ("kit", stated_kit(KIT)),
        ("people", {"people": [person(CLERK, "accounting"), person(SERVICE, "service", kind="service")]}),
        ("epochs", {"epochs": [epoch()], "databases": {"index:finance": "0" * 64}}),
    ):
        book = append_statement(book_file, book, OWNER, kind, content, AT, Disk())
    return book_file


def read(path: Path) -> KeyBook:
    first = path.read_bytes().split(b"\n")[0]
    return read_keybook(path, hashlib.sha256(first).hexdigest(), VAULT)


def signed(signer: Signer, body: dict[str, Any], vault: str = VAULT) -> bytes:
    signature = signer.sign(statement_message(vault, body))
    return canonical({"body": body, "ed25519": b64(signature.ed25519), "ml_dsa_65": b64(signature.ml_dsa_65)})


def following(book: KeyBook, signer: Signer, kind: str, **content: Any) -> dict[str, Any]:
    return {
        "seq": book.statements, "prev": book.head, "vault": VAULT, "kind": kind, "at": AT.isoformat(),
        "by": signer.signer_id, **content,
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


def all_keys_for(kit: RecoveryKit) -> dict[str, Any]:
    return {"scope": "index:finance", "number": 1, "recipients": {kit.kit_id: "6" * 64}}


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
    "a role given by a clerk": lambda b: signed(
        CLERK, following(b, CLERK, "roles", person=CLERK.person_id, roles=["owner"])
    ),
    "a person added by a clerk": lambda b: signed(
        CLERK, following(b, CLERK, "people", people=[person(STRANGER, "accounting")])
    ),
    "a person without a role added by a clerk": lambda b: signed(
        CLERK, following(b, CLERK, "people", people=[person(STRANGER)])
    ),
    "a person removed by a clerk": lambda b: signed(CLERK, following(b, CLERK, "remove", person=OWNER.person_id)),
    "a person removed who is not there": lambda b: signed(OWNER, following(b, OWNER, "remove", person="0" * 32)),
    "the service removed": lambda b: signed(OWNER, following(b, OWNER, "remove", person=SERVICE.person_id)),
    "the last owner gone": lambda b: signed(OWNER, following(b, OWNER, "roles", person=OWNER.person_id, roles=[])),
    "oneself removed": lambda b: signed(OWNER, following(b, OWNER, "remove", person=OWNER.person_id)),
    "keys replaced by a clerk": lambda b: signed(
        CLERK, following(b, CLERK, "replace", person=OWNER.person_id, keys=encode_public(STRANGER.public))
    ),
    "a role given whose keys the owner does not hold": lambda b: signed(
        OWNER, following(b, OWNER, "roles", person=CLERK.person_id, roles=["accounting", "hr"])
    ),
    "a role given to oneself by way of the office": lambda b: signed(
        OWNER,
        following(
            b, OWNER, "office",
            office={"roles": OFFICE["roles"] | {"owner": OFFICE["roles"]["hr"] | {"rights": ["grant", "records"]}}},
        ),
    ),
    "an office that takes a role away that somebody has": lambda b: signed(
        OWNER, following(b, OWNER, "office", office={"roles": {k: OFFICE["roles"][k] for k in ("owner", "service")}})
    ),
    "an office that its own people break": lambda b: signed(
        OWNER, following(b, OWNER, "office", office=OFFICE | {"separation": {"apart": [["owner", "grant"]]}})
    ),
    "a delegation by a clerk": lambda b: signed(CLERK, following(b, CLERK, **DELEGATION, to=OWNER.person_id)),
    "a delegation of the office itself": lambda b: signed(
        OWNER, following(b, OWNER, **DELEGATION | {"role": "owner"}, to=CLERK.person_id)
    ),
    "a delegation that ended before it began": lambda b: signed(
        OWNER, following(b, OWNER, **DELEGATION | {"until": "2026-03-16T00:00:00+00:00"}, to=CLERK.person_id)
    ),
    "a share by a clerk": lambda b: signed(
        CLERK,
        following(
            b, CLERK, "share", to=OWNER.person_id, classes=["invoice"], years=[2026], until=LATER, reason="x",
            share_epochs=[], database="0" * 64,
        ),
    ),
    "a kit that opens no key": lambda b: signed(
        OWNER, following(b, OWNER, "kit", sealing=b64(SCOPE.encoded), wraps=[])
    ),
    "a key for somebody whose role does not need it": lambda b: signed(
        OWNER,
        following(
            b, OWNER, "epochs", epochs=[epoch(2, wraps={KIT_ID: "0" * 64, SERVICE.person_id: "0" * 64})], databases={}
        ),
    ),
    "a key handed on by somebody who does not hold it": lambda b: signed(
        CLERK,
        following(
            b, CLERK, "epochs", epochs=[], databases={},
            wraps=[{"scope": "index:finance", "number": 1, "recipients": {CLERK.person_id: "0" * 64}}],
        ),
    ),
    "a new key by somebody who does not hold the old one": lambda b: signed(
        CLERK, following(b, CLERK, "epochs", epochs=[epoch(2)], databases={})
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
    "a member of a kind that no list shows": lambda b: signed(
        OWNER, following(b, OWNER, "people", people=[person(STRANGER, "accounting", kind="ghost")])
    ),
    "the service's role for a person": lambda b: signed(
        OWNER, following(b, OWNER, "people", people=[person(STRANGER, "service")])
    ),
    "a service that is called like a person": lambda b: signed(
        OWNER, following(b, OWNER, "people", people=[person(STRANGER, "service", kind="service")])
    ),
    "a login that overwrites the line above it on a screen": lambda b: signed(
        OWNER, following(b, OWNER, "people", people=[person(STRANGER, "accounting") | {"user": "x\x1b[1A"}])
    ),
    "a delegation of the service's role": lambda b: signed(
        OWNER, following(b, OWNER, **DELEGATION | {"role": "service"}, to=CLERK.person_id)
    ),
    "nothing, to move the clock of the book": lambda b: signed(
        CLERK, following(b, CLERK, "epochs", epochs=[], databases={}) | {"at": "9999-01-01T00:00:00+00:00"}
    ),
    "nothing about databases": lambda b: signed(CLERK, following(b, CLERK, "databases", databases={})),
    "something unsigned beside what is signed": lambda b: canonical(
        json.loads(signed(OWNER, following(b, OWNER, "office", office=OFFICE))) | {"note": "x"}
    ),
    "a signature written in another way": lambda b: signed(OWNER, following(b, OWNER, "office", office=OFFICE)).replace(
        b'"ed25519":"', b'"ed25519":"*'
    ),
    "nested deeper than a reader can follow": lambda b: b"[" * 200_000,
    "an owner replaced by an owner, past the rules for that": lambda b: signed(
        OWNER, following(b, OWNER, REPLACE_OWNER, **rescue())
    ),
    "an owner replaced by a clerk in the kit's name": lambda b: signed(
        CLERK, following(b, KIT, REPLACE_OWNER, **rescue())
    ),
    "an owner replaced by a kit that never counted": lambda b: signed(
        OTHER_KIT, following(b, OTHER_KIT, REPLACE_OWNER, **rescue())
    ),
    "a clerk replaced by the kit": lambda b: signed(
        KIT, following(b, KIT, REPLACE_OWNER, **rescue(CLERK.person_id, wraps=[]))
    ),
    "the service replaced by the kit": lambda b: signed(
        KIT, following(b, KIT, REPLACE_OWNER, **rescue(SERVICE.person_id, wraps=[]))
    ),
    "a second owner by the kit, in nobody's place": lambda b: signed(
        KIT, following(b, KIT, REPLACE_OWNER, **rescue("0" * 32))
    ),
    "an owner replaced by somebody who is in the book already": lambda b: signed(
        KIT, following(b, KIT, REPLACE_OWNER, **rescue(keys=encode_public(CLERK.public), wraps=[]))
    ),
    "an owner replaced by themselves": lambda b: signed(
        KIT, following(b, KIT, REPLACE_OWNER, **rescue(keys=encode_public(OWNER.public), wraps=[]))
    ),
    "keys for a clerk beside those of the new owner": lambda b: signed(
        KIT,
        following(
            b, KIT, REPLACE_OWNER,
            **rescue(wraps=[{"scope": "index:finance", "number": 1, "recipients": {CLERK.person_id: "5" * 64}}]),
        ),
    ),
    "a second owner by a kit's signature": lambda b: signed(
        KIT, following(b, KIT, "people", people=[person(STRANGER, "owner")])
    ),
    "a role given by the kit": lambda b: signed(
        KIT, following(b, KIT, "roles", person=CLERK.person_id, roles=["owner"])
    ),
    "another kit by the kit": lambda b: signed(
        KIT, following(b, KIT, "kit", **stated_kit(OTHER_KIT), wraps=[all_keys_for(OTHER_KIT)])
    ),
}  # fmt: skip


ONLY_KIT, ONLY_OWNERS = "only the recovery kit signs this", "replaces an owner, and nobody else"
NOT_HELD, GRANT = "do not hold", "it takes the right to grant"
REASONS = {
    "a role given by a clerk": NOT_HELD,
    "a person added by a clerk": NOT_HELD,
    "a person without a role added by a clerk": NOT_HELD,
    "a person removed by a clerk": GRANT,
    "a person removed who is not there": "no such person",
    "the service removed": "no such person",
    "the last owner gone": "the last owner must stay",
    "oneself removed": "nobody removes themselves",
    "keys replaced by a clerk": NOT_HELD,
    "a role given whose keys the owner does not hold": NOT_HELD,
    "a role given to oneself by way of the office": NOT_HELD,
    "an office that takes a role away that somebody has": "somebody still has the role accounting",
    "an office that its own people break": "owner and grant, which must not be in one hand",
    "a delegation by a clerk": NOT_HELD,
    "a delegation of the office itself": "cannot be delegated",
    "a delegation that ended before it began": "ends later than it begins",
    "a share by a clerk": NOT_HELD,
    "a kit that opens no key": "must open every key",
    "a key for somebody whose role does not need it": "whose role does not need it",
    "a key handed on by somebody who does not hold it": "only who holds a key may hand it on",
    "a new key by somebody who does not hold the old one": "only who holds a key may renew it",
    "a member of a kind that no list shows": "people and the service",
    "the service's role for a person": "no such role",
    "a service that is called like a person": "the service is called service",
    "a login that overwrites the line above it on a screen": "cannot be a user name",
    "a delegation of the service's role": "cannot be delegated",
    "nothing, to move the clock of the book": "it says nothing",
    "nothing about databases": "it says nothing",
    "something unsigned beside what is signed": "canonical",
    "a signature written in another way": "canonical",
    "an owner replaced by an owner, past the rules for that": ONLY_KIT,
    "an owner replaced by a clerk in the kit's name": "signature",
    "an owner replaced by a kit that never counted": ONLY_KIT,
    "a clerk replaced by the kit": ONLY_OWNERS,
    "the service replaced by the kit": ONLY_OWNERS,
    "a second owner by the kit, in nobody's place": ONLY_OWNERS,
    "an owner replaced by somebody who is in the book already": "in the book already",
    "an owner replaced by themselves": "in the book already",
    "keys for a clerk beside those of the new owner": "and to nobody else",
    "a second owner by a kit's signature": "signed by nobody in the book",
    "a role given by the kit": "signed by nobody in the book",
    "another kit by the kit": "signed by nobody in the book",
}
"""What each rule says, where a forgery could be refused for several."""


@pytest.mark.parametrize("forgery", FORGED)
def test_a_forged_statement_is_refused(forgery: str, path: Path) -> None:
    """Whoever can write to the vault's disk must not be able to make themselves a reader, or lock the kit out."""
    append_line(path, FORGED[forgery](read(path)))

    with pytest.raises(TamperedKeyBook) as refused:
        read(path)
    assert refused.value.code == "K013"
    assert "Nothing was opened" in str(refused.value)
    assert REASONS.get(forgery, "") in str(refused.value), "for another reason it would prove nothing"


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
    """What replay alone cannot see, so that nobody relies on it: a rollback needs the memory of who saw the book."""
    seen, lines = Seen.of(read(path)), path.read_bytes().splitlines(keepends=True)
    require_seen(path, seen)
    stated(path, OWNER, "people", people=[person(STRANGER)])
    require_seen(path, seen)  # the control: a longer one is the same book

    path.write_bytes(b"".join(lines[:3]))
    assert read(path).statements == 3
    with pytest.raises(TamperedKeyBook, match="seen here before"):
        require_seen(path, seen)

    append_line(path, signed(OWNER, following(read(path), OWNER, "people", people=[person(STRANGER)])))
    append_line(path, signed(OWNER, following(read(path), OWNER, "remove", person=STRANGER.person_id)))
    assert read(path).statements == seen.statements, "as long as the other, and genuine line by line"
    with pytest.raises(TamperedKeyBook, match="seen here before"):
        require_seen(path, seen)


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


def stated(path: Path, signer: Signer, kind: str, **content: Any) -> KeyBook:
    append_line(path, signed(signer, following(read(path), signer, kind, **content)))
    return read(path)


def test_each_kind_counts_when_its_rules_hold(path: Path) -> None:
    """The control of the forgeries above: the same statements by whoever may make them."""
    finance = {"scope": "index:finance", "number": 1, "recipients": {CLERK.person_id: "2" * 64}}
    book = stated(path, OWNER, "epochs", epochs=[], wraps=[finance], databases={})
    assert book.current("index:finance").wraps[CLERK.person_id] == "2" * 64
    book = stated(path, CLERK, "epochs", epochs=[epoch(2)], databases={"index:finance": "3" * 64})
    assert book.current("index:finance").number == 2, "who holds a key may renew it"

    new = Identity.generate("clerk")
    book = stated(path, OWNER, "replace", person=CLERK.person_id, keys=encode_public(new.public))
    assert (book.person(CLERK.person_id), book.by_user("clerk") is not None) == (None, True)
    assert CLERK.person_id not in book.epochs["index:finance"][0].wraps, "keys follow rights"
    assert book.is_same(CLERK.person_id, new.person_id) and not book.is_same(CLERK.person_id, OWNER.person_id)
    book = stated(path, OWNER, "roles", person=new.person_id, roles=[])
    assert not book.may(new.person_id, "find", "finance")
    book = stated(path, OWNER, "remove", person=new.person_id)
    assert book.person(new.person_id) is None


def test_the_verb_grant_gives_on_its_compartments_and_no_further(path: Path) -> None:
    """The head of accounting takes on a clerk; nobody of another department, and nobody without a department."""
    head = {"label": "x", "compartments": {"finance": ["find", "read", "grant"]}, "rights": []}
    stated(path, OWNER, "office", office=OFFICE | {"roles": OFFICE["roles"] | {"head": head}})
    book = stated(path, OWNER, "roles", person=CLERK.person_id, roles=["head"])

    assert book.may_give(CLERK.person_id, book.roles["accounting"].powers())
    for powers in (book.roles["hr"].powers(), book.roles["owner"].powers(), {("hold", "")}, set()):
        assert not book.may_give(CLERK.person_id, powers)
        assert not book.may_take(CLERK.person_id, powers)
    book = stated(path, CLERK, "people", people=[person(STRANGER, "accounting")])
    assert stated(path, CLERK, "remove", person=STRANGER.person_id).person(STRANGER.person_id) is None


def test_a_delegation_is_over_at_its_moment_and_signs_for_no_rights(path: Path) -> None:
    """The deputy of a manager is no manager: they act until the end, and make nobody else a deputy."""
    stated(path, OWNER, "people", people=[person(STRANGER)])
    book = stated(path, OWNER, **DELEGATION, to=STRANGER.person_id)
    until = datetime.fromisoformat(LATER)
    assert book.may(STRANGER.person_id, "find", "finance"), "the control"
    assert not book.may_give(STRANGER.person_id, book.roles["accounting"].powers())
    assert STRANGER.person_id in book.entitled("index:finance")
    assert STRANGER.person_id not in book.entitled("index:finance", until)

    over = book.as_of(until)

    assert not over.may(STRANGER.person_id, "find", "finance")
    assert over.as_of(AT).at == until, "time does not go back"
    assert stated(path, STRANGER, "undelegate", delegation=6).deputy_for(STRANGER.person_id) == []


def test_a_deputy_prepares_no_key_for_the_time_after(path: Path) -> None:
    """They would have made it, and know it, whoever it is wrapped to: what arrives after the end would be theirs."""
    stated(path, OWNER, "people", people=[person(STRANGER)])
    stated(path, OWNER, **DELEGATION, to=STRANGER.person_id)
    finance = {"scope": "index:finance", "number": 1, "recipients": {STRANGER.person_id: "2" * 64}}
    book = stated(path, OWNER, "epochs", epochs=[], wraps=[finance], databases={})
    afterwards = {"epochs": [epoch(2) | {"valid_from": LATER}], "databases": {}}

    with pytest.raises(NotPermitted, match="a time at which they may not have it"):
        append_statement(path, book, STRANGER, "epochs", afterwards, AT, Disk())

    # The controls: who stays may prepare it, and a deputy may renew what counts while they stand in.
    prepared = append_statement(path, book, OWNER, "epochs", afterwards, AT, Disk())
    assert prepared.as_of(datetime.fromisoformat(LATER)).current("index:finance").number == 2
    now = append_statement(path, prepared, STRANGER, "epochs", {"epochs": [epoch(3)], "databases": {}}, AT, Disk())
    assert now.current("index:finance").number == 3
    assert now.is_sound("index:finance")
    assert STRANGER.person_id in now.current("index:finance").known_to, "they made it, and are in none of its wraps"


def test_who_made_a_key_is_remembered_to_know_it(path: Path) -> None:
    """A clerk who is about to leave changes the lock, keeps the key, and hands out none to themselves."""
    finance = {"scope": "index:finance", "number": 1, "recipients": {CLERK.person_id: "2" * 64}}
    stated(path, OWNER, "epochs", epochs=[], wraps=[finance], databases={})
    book = stated(path, CLERK, "epochs", epochs=[epoch(2)], databases={"index:finance": "3" * 64})
    assert book.is_sound("index:finance") and book.is_database_sound("index:finance", "index:finance"), "the control"

    book = stated(path, OWNER, "remove", person=CLERK.person_id)

    assert CLERK.person_id not in {r for e in book.epochs["index:finance"] for r in e.wraps}
    assert not book.is_sound("index:finance"), "so it is followed by one that they do not know"
    assert not book.is_database_sound("index:finance", "index:finance")


# The recovery kit signs one thing --------------------------------------------------------------------------------


def test_the_kit_puts_a_new_identity_in_an_owners_place(path: Path) -> None:
    """The only owner's stick broke: the same user, the same roles, the keys of these roles, and the old id is over."""
    old, before = read(path).people[OWNER.person_id], read(path)

    book = stated(path, KIT, REPLACE_OWNER, **rescue())

    new = book.person(SUCCESSOR.person_id)
    assert new is not None and (new.user, new.roles, new.since) == (old.user, old.roles, old.since)
    assert (book.person(OWNER.person_id), book.is_same(OWNER.person_id, new.person_id)) == (None, True)
    assert set(book.current("index:finance").wraps) == {KIT_ID, new.person_id}, "keys follow rights"
    assert not book.is_sound("index:finance"), "so what arrives from now on gets a key that the old file never had"
    [use] = book.kit_uses
    assert (use.user, use.old, use.new, use.kit_id) == ("owner", OWNER.person_id, new.person_id, KIT_ID)
    assert (before.kit_was_used, book.kit_was_used) == (False, True)
    stated(path, SUCCESSOR, "people", people=[person(STRANGER, "accounting")])  # the office goes on
    with pytest.raises(NotPermitted, match="signed by nobody in the book"):
        append_statement(path, read(path), OWNER, "office", {"office": OFFICE}, AT, Disk())


def test_one_of_two_owners_is_replaced_and_the_other_stays(path: Path) -> None:
    """A fire in the safe of one of them: the kit must not be a way to push the other out."""
    second = Identity.generate("second")
    stated(path, OWNER, "people", people=[person(second, "owner", "accounting")])

    book = stated(path, KIT, REPLACE_OWNER, **rescue(second.person_id, keys=encode_public(SUCCESSOR.public)))

    assert book.people[SUCCESSOR.person_id].roles == ("owner", "accounting")
    assert [p.user for p in book.people.values() if "owner" in p.roles and not p.removed] == ["owner", "second"]
    assert book.person(OWNER.person_id) is not None


def test_a_kit_signs_nothing_once_another_took_its_place(path: Path) -> None:
    """The kit was photographed years ago, and renewed since: the photograph must not make an owner."""
    renewed = {**stated_kit(OTHER_KIT), "wraps": [all_keys_for(OTHER_KIT)]}
    stated(path, KIT, REPLACE_OWNER, **rescue())
    book = stated(path, SUCCESSOR, "kit", **renewed)
    assert (book.kit_was_used, len(book.kit_uses), book.kits) == (False, 1, (KIT_ID, OTHER_KIT.kit_id))
    third = Identity.generate("owner")
    content = {"person": SUCCESSOR.person_id, "keys": encode_public(third.public), "wraps": []}

    with pytest.raises(NotPermitted, match="the one that counts"):
        append_statement(path, book, KIT, REPLACE_OWNER, content, AT, Disk())

    append_line(path, signed(KIT, following(book, KIT, REPLACE_OWNER, **content)))
    with pytest.raises(TamperedKeyBook, match="the one that counts"):
        read(path)
    keybook._replay(book, signed(OTHER_KIT, following(book, OTHER_KIT, REPLACE_OWNER, **content)), VAULT)  # the control


def test_a_kit_of_the_first_form_opens_and_signs_nothing(path: Path) -> None:
    """Vaults that are older than kits that sign: their sheet in the safe goes on opening, and makes no owner."""
    old_form = {"sealing": b64(OTHER_KIT.sealing.public.encoded), "wraps": [all_keys_for(OTHER_KIT)]}
    book = stated(path, OWNER, "kit", **old_form)
    assert (book.kit_id, book.kit_signing) == (OTHER_KIT.kit_id, None)

    with pytest.raises(NotPermitted, match="signs nothing"):
        append_statement(path, book, OTHER_KIT, REPLACE_OWNER, rescue(), AT, Disk())


def test_only_who_may_make_an_owner_states_a_kit_that_can(path: Path) -> None:
    """Somebody with the right to grant, and without what an owner holds, would else be an owner by way of a kit."""
    granting = OFFICE["roles"]["accounting"] | {"rights": ["grant"]}
    stated(path, OWNER, "office", office=OFFICE | {"roles": OFFICE["roles"] | {"accounting": granting}})
    wrap = {"scope": "index:finance", "number": 1, "recipients": {CLERK.person_id: "2" * 64}}
    book = stated(path, OWNER, "epochs", epochs=[], wraps=[wrap], databases={})
    renewed = {**stated_kit(OTHER_KIT), "wraps": [all_keys_for(OTHER_KIT)]}

    with pytest.raises(NotPermitted, match="do not hold"):
        append_statement(path, book, CLERK, "kit", renewed, AT, Disk())

    reading = {name: value for name, value in renewed.items() if name in ("sealing", "wraps")}
    append_statement(path, book, CLERK, "kit", reading, AT, Disk())  # the control: one that only opens


def share(number: int) -> dict[str, Any]:
    """What shares vouchers with the clerk, as the statement of this number."""
    epochs = [
        epoch(1, wraps={CLERK.person_id: "0" * 64}) | {"scope": f"{what}:share-{number}"}
        for what in ("content", "index")
    ]
    return {
        "to": CLERK.person_id, "classes": ["invoice"], "years": [2026], "until": LATER, "reason": "x",
        "database": "0" * 64, "share_epochs": epochs,
    }  # fmt: skip


EXPORTING = OFFICE["roles"]["owner"] | {"compartments": {"finance": ["find", "read", "export"]}}
SHARING = OFFICE | {"roles": OFFICE["roles"] | {"owner": EXPORTING}}
"""The office with an owner who holds all that a share gives."""
DEPUTY = Identity.generate("deputy")
DELEGATED = {name: value for name, value in DELEGATION.items() if name != "kind"} | {"to": DEPUTY.person_id}
HONEST: dict[str, dict[str, Any]] = {
    "office": {"office": SHARING},
    "kit": {**stated_kit(OTHER_KIT), "wraps": [all_keys_for(OTHER_KIT)]},
    "people": {"people": [person(STRANGER, "accounting")]},
    "roles": {"person": CLERK.person_id, "roles": []},
    "remove": {"person": CLERK.person_id},
    "replace": {"person": CLERK.person_id, "keys": encode_public(Identity.generate("clerk").public)},
    "delegate": DELEGATED,
    "undelegate": {"delegation": 6},
    "share": share(8),
    "unshare": {"share": 7},
    "epochs": {"epochs": [epoch(2)], "databases": {}},
    "databases": {"databases": {"index:finance": "7" * 64}},
}
"""One statement of every kind, but for the kit's own, that the owner may make next in `peopled`."""


@pytest.fixture(scope="module")
def peopled() -> KeyBook:
    """The office with a deputy and a share more, so that each kind has something to be about."""
    genesis = genesis_line(OWNER, VAULT, False, AT)
    book = keybook._replay(None, genesis, VAULT)
    for kind, content in (
        ("office", {"office": SHARING}),
        ("kit", stated_kit(KIT)),
        ("people", {"people": [person(CLERK, "accounting"), person(SERVICE, "service", kind="service")]}),
        ("epochs", {"epochs": [epoch()], "databases": {"index:finance": "0" * 64}}),
        ("people", {"people": [person(DEPUTY)]}),
        ("delegate", DELEGATED),
        ("share", share(7)),
    ):
        book = keybook._replay(book, signed(OWNER, following(book, OWNER, kind, **content)), VAULT)
    return book


def test_every_kind_there_is_was_tried_with_the_kit() -> None:
    """The control of what follows: a kind that is added is tried too."""
    assert set(HONEST) | {REPLACE_OWNER} == set(keybook._APPLY)


@pytest.mark.parametrize("kind", HONEST)
def test_what_an_owner_may_state_the_kit_may_not(kind: str, peopled: KeyBook) -> None:
    """A thief of the kit must not be able to give a role, take one, or open a door for somebody else."""
    content = HONEST[kind]
    keybook._replay(peopled, signed(OWNER, following(peopled, OWNER, kind, **content)), VAULT)  # the control

    with pytest.raises(TamperedKeyBook, match="signed by nobody in the book"):
        keybook._replay(peopled, signed(KIT, following(peopled, KIT, kind, **content)), VAULT)
    with pytest.raises(TamperedKeyBook, match="does not hold"):
        keybook._replay(peopled, signed(KIT, following(peopled, OWNER, kind, **content)), VAULT)


BODIES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(
        [OWNER.person_id, CLERK.person_id, SERVICE.person_id, SUCCESSOR.person_id, KIT_ID, "index:finance", "owner", ""]
    ),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(
        st.sampled_from(["scope", "number", "recipients", OWNER.person_id, CLERK.person_id, SUCCESSOR.person_id, "x"]),
        inner, max_size=3,
    ),
    max_leaves=6,
)  # fmt: skip


@given(
    kind=st.sampled_from([*HONEST, REPLACE_OWNER, "genesis", "amnesty"]),
    by=st.sampled_from([KIT_ID, OTHER_KIT.kit_id, OWNER.person_id, CLERK.person_id]),
    target=st.sampled_from([OWNER, CLERK, SERVICE, STRANGER]),
    keys=st.sampled_from([SUCCESSOR, CLERK, OWNER, STRANGER]),
    more=st.dictionaries(st.sampled_from(["wraps", "roles", "people", "user", "epochs", "databases"]), BODIES),
)
def test_nothing_that_a_kit_signs_does_more_than_replace_an_owner(
    peopled: KeyBook, kind: str, by: str, target: Identity, keys: Identity, more: dict[str, Any]
) -> None:
    """Whatever is put into a statement of the kit: refused, or one owner's id is another and all else is as it was."""
    book = peopled
    content = {"person": target.person_id, "keys": encode_public(keys.public), "wraps": []} | more
    line = signed(KIT, following(book, KIT, kind, **content) | {"by": by})

    try:
        after = keybook._replay(book, line, VAULT)
    except TamperedKeyBook:
        return

    assert (kind, by, target) == (REPLACE_OWNER, KIT_ID, OWNER)
    stay = {i: p for i, p in book.people.items() if i != OWNER.person_id}
    assert {i: p for i, p in after.people.items() if i not in (OWNER.person_id, keys.person_id)} == stay
    old, new = book.people[OWNER.person_id], after.people[keys.person_id]
    assert after.people[OWNER.person_id] == replace(old, removed=True)
    assert new == replace(old, person_id=keys.person_id, public=keys.public)
    assert (after.office, after.roles, after.kit_id, after.delegations, after.shares.keys()) == (
        book.office, book.roles, book.kit_id, book.delegations, book.shares.keys()
    )  # fmt: skip
    for scope, row in after.epochs.items():
        for was, now in zip(book.epochs[scope], row, strict=True):
            assert set(now.wraps) <= set(was.wraps) - {OWNER.person_id} | {keys.person_id}


def test_the_property_above_meets_statements_that_count(peopled: KeyBook) -> None:
    """Its control: what the strategy begins with is accepted."""
    after = keybook._replay(peopled, signed(KIT, following(peopled, KIT, REPLACE_OWNER, **rescue())), VAULT)
    assert after.person(SUCCESSOR.person_id) is not None
