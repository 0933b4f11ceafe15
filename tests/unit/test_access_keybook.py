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
    Seen,
    TamperedKeyBook,
    append_statement,
    canonical,
    encode_public,
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
}  # fmt: skip


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


def stated(path: Path, signer: Identity, kind: str, **content: Any) -> KeyBook:
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
