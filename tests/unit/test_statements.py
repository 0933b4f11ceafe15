"""Signed statements: what a person said counts only as they said it, in this vault, while they are in the key book."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poststelle.access.audit import Head
from poststelle.access.identities import Identity
from poststelle.access.keybook import KeyBook, Person, canonical, statement_message
from poststelle.access.statements import InvalidStatement, Statement, check_statement, make_statement
from poststelle.errors import ExitStatus

VAULT = "5" * 32
NOON = datetime(2026, 4, 1, 12, tzinfo=UTC)
OWNER, STRANGER = Identity.generate("owner"), Identity.generate("stranger")


def book_of(*people: Identity, vault_id: str = VAULT) -> KeyBook:
    """A key book that knows these people and nothing else."""
    return KeyBook(
        vault_id=vault_id, genesis_hash="", head="", statements=1, practice=False, office={}, roles={},
        people={
            p.person_id: Person(person_id=p.person_id, user=p.user, kind="person", public=p.public) for p in people
        },
        kit_id="", kit=None, epochs={}, database_wraps={},
    )  # fmt: skip


BOOK = book_of(OWNER)


def said(content: dict[str, Any] | None = None, *, by: Identity = OWNER, vault_id: str = VAULT) -> Statement:
    """A release, as somebody signs it."""
    content = content or {"plan": "a" * 64, "only": ["1" * 32], "reason": "Jahresaussonderung"}
    return make_statement(by, vault_id, "purge-release", content, at=NOON, head=None)


def changed(line: bytes, **fields: Any) -> bytes:
    """The line with other fields in its body, written canonically, under the old signatures."""
    envelope = json.loads(line)
    envelope["body"] |= fields
    return canonical(envelope)


def test_a_statement_says_who_when_where_and_after_what() -> None:
    """Years later an auditor must see what the person had seen when they signed."""
    statement = make_statement(
        OWNER, VAULT, "hold-place", {"documents": ["1" * 32], "reason": "Klage"}, at=NOON,
        head=Head(number=7, hash="c" * 64, offset_bytes=99),
    )  # fmt: skip

    checked = check_statement(statement.line, BOOK, "hold-place")

    assert checked == statement
    assert (checked.person_id, checked.made_at, checked.kind) == (OWNER.person_id, NOON, "hold-place")
    assert checked.body["log"] == {"n": 7, "hash": "c" * 64}
    assert (checked.body["vault"], checked.body["documents"], checked.body["reason"]) == (VAULT, ["1" * 32], "Klage")


@given(
    st.dictionaries(
        st.text(min_size=1).map(lambda name: f"x{name}"),
        st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)),
        max_size=4,
    )
)
def test_whatever_was_said_is_read_as_it_was_said(content: dict[str, Any]) -> None:
    """A reason with umlauts, quotes or an odd character must not make a hold invalid."""
    try:
        statement = make_statement(OWNER, VAULT, "note", content, at=NOON, head=None)
    except UnicodeEncodeError:
        return  # half a character cannot be written down, so it cannot be signed

    assert check_statement(statement.line, BOOK, "note") == statement


FORGERIES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "unsigned or damaged"),
    "no JSON": (b"released by the boss", "unsigned or damaged"),
    "no envelope": (b"[]", "unsigned or damaged"),
    "no text": (b"\xff\xfe", "unsigned or damaged"),
    "unsigned": (canonical({"body": said().body}), "unsigned or damaged"),
    "empty signatures": (canonical({"body": said().body, "ed25519": "", "ml_dsa_65": ""}), "does not hold"),
    "other letters": (changed(said().line, only=["2" * 32]), "does not hold"),
    "another plan": (changed(said().line, plan="b" * 64), "does not hold"),
    "another day": (changed(said().line, at="2020-01-01T00:00:00+00:00"), "does not hold"),
    "another author": (changed(said().line, by=STRANGER.person_id), "not in the key book"),
    "an author who is a list": (changed(said().line, by=[OWNER.person_id]), "unsigned or damaged"),
    "no day": (changed(said().line, at="yesterday"), "unsigned or damaged"),
    "somebody unknown": (said(by=STRANGER).line, "not in the key book"),
    "another vault": (said(vault_id="6" * 32).line, "another vault"),
    "another vault, relabelled": (changed(said(vault_id="6" * 32).line, vault=VAULT), "does not hold"),
    "another kind, relabelled": (
        changed(make_statement(OWNER, VAULT, "note", {}, at=NOON, head=None).line, kind="purge-release"),
        "does not hold",
    ),
    "another kind": (make_statement(OWNER, VAULT, "note", {}, at=NOON, head=None).line, "purge-release"),
    "blanks": (said().line.replace(b'":', b'": '), "canonical"),
    "cut": (said().line[:-20], "unsigned or damaged"),
    "something after it": (said().line + b" {}", "unsigned or damaged"),
    "a line end": (said().line + b"\n", "canonical"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_statement_is_refused_with_what_is_wrong(forgery: str) -> None:
    """Whoever can write into the catalogue must not be able to release a plan, or lift a hold, in another's name."""
    line, what = FORGERIES[forgery]

    with pytest.raises(InvalidStatement, match=what) as refused:
        check_statement(line, BOOK, "purge-release")

    assert (refused.value.code, refused.value.exit_status) == ("S013", ExitStatus.DAMAGED)
    assert check_statement(said().line, BOOK, "purge-release").person_id == OWNER.person_id, "the control"


@pytest.mark.parametrize("field", ["ed25519", "ml_dsa_65"])
@pytest.mark.parametrize("damage", ["flipped", "cut", "of somebody else"])
def test_both_signatures_count(field: str, damage: str) -> None:
    """The day one of the two algorithms falls, the other must still keep a forger out."""
    envelope, foreign = json.loads(said().line), json.loads(said(by=STRANGER).line)
    signature = bytearray(base64.b64decode(envelope[field]))
    signature[5] ^= 1
    envelope[field] = {
        "flipped": base64.b64encode(signature).decode(),
        "cut": base64.b64encode(signature[:-3]).decode(),
        "of somebody else": foreign[field],
    }[damage]

    with pytest.raises(InvalidStatement, match="does not hold"):
        check_statement(canonical(envelope), BOOK, "purge-release")


@pytest.mark.parametrize("where", ["beside", "inside the signature", "in its last bits"])
def test_nothing_unsigned_rides_along(where: str) -> None:
    """A statement's id is the hash of its line: two lines for one signature would be two statements nobody made."""
    envelope = json.loads(said().line)
    if where == "beside":
        envelope["note"] = "also released: everything else"
    elif where == "inside the signature":
        envelope["ed25519"] = envelope["ed25519"][:8] + "\n!" + envelope["ed25519"][8:]
    else:
        # 64 bytes leave four bits of the last base64 digit without meaning.
        body, digits = (
            envelope["ed25519"].rstrip("="),
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        )
        envelope["ed25519"] = body[:-1] + digits[digits.index(body[-1]) ^ 1] + "=="
        assert base64.b64decode(envelope["ed25519"]) == base64.b64decode(json.loads(said().line)["ed25519"])

    with pytest.raises(InvalidStatement, match="canonical"):
        check_statement(canonical(envelope), BOOK, "purge-release")


def test_whoever_was_removed_says_nothing_any_more() -> None:
    """Somebody who left with a copy of their identity must not release a plan from home."""
    gone = replace(BOOK, people={key: replace(person, removed=True) for key, person in BOOK.people.items()})

    with pytest.raises(InvalidStatement, match="not in the key book"):
        check_statement(said().line, gone, "purge-release")


def test_a_stranger_with_the_same_id_is_not_believed() -> None:
    """The id is the hash of the keys; a book that maps it to other keys must not make their signature count."""
    person = Person(person_id=STRANGER.person_id, user="owner", kind="person", public=OWNER.public)
    mixed = replace(BOOK, people={STRANGER.person_id: person})

    with pytest.raises(InvalidStatement, match="does not hold"):
        check_statement(said(by=STRANGER).line, mixed, "purge-release")


def test_the_signature_is_bound_to_statements_of_this_vault() -> None:
    """Bytes that somebody signed for another purpose must not be turned into a statement."""
    body = said().body

    assert statement_message(VAULT, body) != statement_message("6" * 32, body)
    assert statement_message(VAULT, body).endswith(canonical(body))
    assert not statement_message(VAULT, body).startswith(canonical(body)[:1])
