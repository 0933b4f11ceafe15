"""Who may what, in every state a person can be in: the whole matrix of the shipped office."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import get_args

import pytest
from simulators import Office, environment_of

from poststelle.access.identities import Identity
from poststelle.access.keybook import COMPARTMENTS, VERBS, Delegation, KeyBook, Person
from poststelle.access.rights import SHARE_VERBS, Share
from poststelle.config.schema import Right
from poststelle.wiring import open_service

NOW = datetime(2030, 3, 17, 8, 0, tzinfo=UTC)
UNTIL = NOW + timedelta(days=3)
SOMEBODY = Identity.generate("somebody")
ME = SOMEBODY.person_id
RIGHTS: tuple[str, ...] = get_args(Right)
ROLES = (
    "owner", "administrator", "mailroom", "accounting", "sales", "hr", "legal", "management", "records-manager", "dpo",
    "auditor",
)  # fmt: skip


@pytest.fixture(scope="module")
def book(empty_office: Office) -> KeyBook:
    """The shipped office and one person more, without a role."""
    with open_service(environment_of(empty_office)) as session:
        somebody = Person(person_id=ME, user="somebody", kind="person", public=SOMEBODY.public)
        return replace(session.book, people=session.book.people | {ME: somebody}, at=NOW)


def having(book: KeyBook, *roles: str, removed: bool = False) -> KeyBook:
    person = replace(book.people[ME], roles=roles, removed=removed)
    return replace(book, people=book.people | {ME: person})


def lent(book: KeyBook, role: str, *, ended: bool = False) -> KeyBook:
    owner = book.by_user("owner")
    assert owner is not None
    delegation = Delegation(
        number=9, role=role, person_id=ME, by=owner.person_id, since=NOW, until=UNTIL, reason="x", ended=ended
    )
    return replace(book, delegations={9: delegation})


def allowed(book: KeyBook) -> tuple[set[tuple[str, str]], set[str], set[str]]:
    """Everything that somebody may: verbs by compartment, rights, and the scopes whose keys they are entitled to."""
    verbs = {(verb, c) for verb, c in product(VERBS, COMPARTMENTS) if book.may(ME, verb, c)}
    return verbs, {r for r in RIGHTS if book.holds_right(ME, r)}, {s for s in book.epochs if ME in book.entitled(s)}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_allows_what_its_line_says_and_only_while_it_is_held(role: str, book: KeyBook) -> None:
    """One cell too many is somebody who reads, destroys or grants what they may not."""
    line = book.office["roles"][role]
    verbs = {(verb, c) for c, verbs in line["compartments"].items() for verb in verbs}
    rights, nothing = set(line["rights"]), (set(), set(), set())
    scopes = {f"index:{c}" for verb, c in verbs if verb == "find"}
    scopes |= {f"content:{c}" for verb, c in verbs if verb in ("read", "export")}
    scopes |= rights & {"records", "audit"}

    assert allowed(having(book, role)) == (verbs, rights, scopes)
    assert allowed(book) == nothing
    assert allowed(having(book, role, removed=True)) == nothing
    assert allowed(lent(book, role)) == (verbs, rights - {"grant"}, scopes), "what is lent cannot be granted on"
    assert allowed(lent(book, role, ended=True)) == nothing
    assert allowed(lent(book, role).as_of(UNTIL - timedelta(seconds=1)))[0] == verbs
    assert allowed(lent(book, role).as_of(UNTIL)) == nothing
    assert allowed(lent(having(book, removed=True), role)) == nothing


def test_the_roles_tried_are_those_that_are_shipped(book: KeyBook) -> None:
    """The control: a role that is added to the shipped office is tried too."""
    assert set(ROLES) == set(book.roles) - {"service"}


@pytest.mark.parametrize("giver", ROLES)
def test_only_who_may_grant_gives_and_only_what_they_hold(giver: str, book: KeyBook) -> None:
    """Every role tries to give every role."""
    mine = having(book, giver)
    for role in ROLES:
        assert mine.may_give(ME, book.roles[role].powers()) == (giver == "owner"), role
        assert not lent(book, giver).may_give(ME, book.roles[role].powers() | {("find", "hr")}), role


def test_a_share_allows_looking_and_nothing_else(book: KeyBook) -> None:
    """An auditor is a guest: find, read and export what was shared, until its end."""
    share = Share(
        number=9, person_id=ME, by=ME, since=NOW, until=UNTIL, reason="x", classes=("invoice",), years=(2026,)
    )
    shared = replace(book, shares={9: share})

    assert {verb for verb in VERBS if shared.may(ME, verb, "share-9")} == set(SHARE_VERBS)
    assert shared.compartments_for(ME, "find") == ("share-9",)
    assert shared.compartments_for(ME, "reclassify") == ()
    assert allowed(shared) == (set(), set(), set()), "no compartment, no right"
    assert ME in shared.entitled("index:share-9") and shared.kit_id not in shared.entitled("index:share-9")
    assert shared.as_of(UNTIL).compartments_for(ME, "find") == ()
    assert ME not in shared.as_of(UNTIL).entitled("index:share-9")
    assert not replace(shared, people=having(book, removed=True).people).shared_with(ME)
