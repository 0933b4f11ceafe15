"""`user` and `role`: who is in the key book, what they may do, and since when.

Every change is a signed statement; keys follow it at once, as far as the signer holds them, and are otherwise
pending for the next who does (`Session.keep_up`).
"""

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from archive.rekeying import pending
from poststelle.access.identities import Identity, new_one_time_code, seal_identity, write_identity
from poststelle.access.keybook import COMPARTMENTS, GRANT, OWNER, SERVICE, KeyBook, Person, encode_public
from poststelle.errors import ConfigurationError, NotPermitted, StorageError
from poststelle.wiring import Session

USER = re.compile(r"[a-z][a-z0-9-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """An identity that was made for somebody."""

    user: str
    roles: tuple[str, ...]
    file: Path
    one_time_code: str | None
    """Opens the file until its owner chooses a passphrase; None if it needs none."""
    still_pending: tuple[str, ...]
    """Scopes whose keys somebody else has to renew or hand on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What somebody's roles are after a change."""

    user: str
    roles: tuple[str, ...]
    still_pending: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody in the key book."""

    user: str
    person_id: str
    roles: tuple[tuple[str, datetime | None], ...]
    """(role, since when)."""
    deputy: tuple[tuple[str, datetime], ...]
    """(role, until when)."""
    removed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleEntry:
    """A line of the rights matrix."""

    code: str
    label: str
    compartments: dict[str, tuple[str, ...]]
    rights: tuple[str, ...]
    holders: tuple[tuple[str, datetime | None], ...]
    """(user, since when)."""
    deputies: tuple[tuple[str, datetime], ...]
    """(user, until when)."""


def add_user(
    session: Session, user: str, roles: tuple[str, ...], *, identity_out: Path | None, no_passphrase: bool
) -> Issued:
    """Add somebody, with an identity file that opens with a one-time code until they choose a passphrase.

    Raises:
        NotPermitted: the signer does not hold what these roles hold, or may not give it.
        ConfigurationError: the name or a role cannot be, or a file is in the way.
    """
    require_granter(session)
    if not USER.fullmatch(user) or user == SERVICE:
        raise ConfigurationError(f"{user!r} cannot be a user name: small letters, digits and hyphens, a letter first.")
    _require_roles(session.book, roles)
    if session.book.by_user(user) is not None:
        raise ConfigurationError(f"There is a user {user!r} already. To give them a role: `poststelle role grant`.")
    file = (identity_out or session.config.identities / f"{user}.identity").absolute()
    identity = Identity.generate(user)
    code = issue_identity(session, identity, file, no_passphrase=no_passphrase)
    entry = {"user": user, "kind": "person", "keys": encode_public(identity.public), "roles": list(roles)}
    try:
        with session.changing_law():
            session.change_law("people", {"people": [entry]})
    except BaseException:
        # A crash here leaves a file that opens nothing; an error does not even leave that.
        if session.book.by_user(user) is None:
            session.disk.unlink(file, missing_ok=True)
        raise
    session.note("user-added", user=user, person=identity.person_id, roles=list(roles))
    return Issued(user=user, roles=roles, file=file, one_time_code=code, still_pending=keys_pending(session))


def remove_user(session: Session, user: str) -> Changed:
    """Take somebody's keys away at once; the next letters are sealed to keys they never had.

    Raises:
        NotPermitted: the signer may not take these roles away, it is themselves, or the last owner.
    """
    require_granter(session)
    person = find_person(session.book, user)
    with session.changing_law():
        session.change_law("remove", {"person": person.person_id})
    session.note("user-removed", user=user, person=person.person_id)
    return Changed(user=user, roles=(), still_pending=keys_pending(session))


def replace_identity(session: Session, user: str, *, identity_out: Path | None, no_passphrase: bool) -> Issued:
    """New keys for somebody whose identity was lost or stolen; the old one is worth nothing from now on.

    Raises:
        NotPermitted: the signer may not give what this person holds, or it is themselves.
    """
    require_granter(session)
    person = session.book.service if user == SERVICE else find_person(session.book, user)
    if person.person_id == session.identity.person_id:
        raise NotPermitted(
            "Nobody replaces their own identity: another owner does it, or the recovery kit (--kit FILE). Or add an "
            "owner first (`poststelle user add NAME --role owner`) and let them."
        )
    default = session.config.service_identity if user == SERVICE else session.config.identities / f"{user}.identity"
    file = (identity_out or default).absolute()
    identity = Identity.generate(user)
    fresh = file.with_name(f"{file.name}.new")
    code = issue_identity(session, identity, fresh, no_passphrase=no_passphrase or user == SERVICE)
    with taking_the_place(session, identity, fresh, file):
        session.enact("replace", {"person": person.person_id, "keys": encode_public(identity.public)})
    session.note("identity-replaced", user=user, old=person.person_id, new=identity.person_id)
    return Issued(user=user, roles=person.roles, file=file, one_time_code=code, still_pending=keys_pending(session))


@contextlib.contextmanager
def taking_the_place(session: Session, identity: Identity, fresh: Path, file: Path) -> Iterator[None]:
    """Change the law so that a new identity counts; its file then takes the old one's place, and keys are renewed.

    Where the law did not change, the fresh file goes: it would open nothing.
    """
    try:
        with session.changing_law():
            yield
            session.disk.rename(fresh, file)
            with contextlib.suppress(StorageError):
                session.renew()
    except BaseException:
        if session.book.person(identity.person_id) is None:
            session.disk.unlink(fresh, missing_ok=True)
        raise


def grant_role(session: Session, user: str, role: str) -> Changed:
    """Give somebody a role for good, with its keys, old letters included.

    Raises:
        NotPermitted: see add_user; or the separation of duties forbids it.
    """
    require_granter(session)
    _require_roles(session.book, (role,))
    person = find_person(session.book, user)
    if role in person.roles:
        raise ConfigurationError(f"{user} has the role {role} already.")
    return _set_roles(session, person, (*person.roles, role), "role-granted", role)


def revoke_role(session: Session, user: str, role: str) -> Changed:
    """Take a role away; what it opened is closed at once, and new letters get new keys."""
    require_granter(session)
    person = find_person(session.book, user)
    if role not in person.roles:
        raise ConfigurationError(f"{user} does not have the role {role}.")
    return _set_roles(session, person, tuple(r for r in person.roles if r != role), "role-revoked", role)


def list_users(session: Session) -> list[Member]:
    """Everybody in the key book, those who left last."""
    book = session.book
    members = [
        Member(
            user=person.user,
            person_id=person.person_id,
            roles=tuple((role, person.since.get(role)) for role in person.roles),
            deputy=tuple((d.role, d.until) for d in book.deputy_for(person.person_id)),
            removed=person.removed,
        )
        for person in book.people.values()
        if person.kind == "person"
    ]
    return sorted(members, key=lambda member: (member.removed, member.user))


def list_roles(session: Session) -> list[RoleEntry]:
    """The rights matrix: what each role may, and who holds it since when."""
    book, people = session.book, [p for p in session.book.people.values() if not p.removed]
    return [
        RoleEntry(
            code=code,
            label=role.label,
            compartments={c: role.compartments[c] for c in COMPARTMENTS if c in role.compartments},
            rights=role.rights,
            holders=tuple((p.user, p.since.get(code)) for p in people if code in p.roles),
            deputies=tuple(
                (book.people[d.person_id].user, d.until)
                for d in book.delegations.values()
                if d.role == code and d.holds(book.at) and book.person(d.person_id) is not None
            ),
        )
        for code, role in book.roles.items()
        if code != SERVICE
    ]


def owners_of(book: KeyBook) -> list[str]:
    """Users who are owners now."""
    return [person.user for person in book.people.values() if OWNER in person.roles and not person.removed]


def lone_owner(owners: Sequence[str], *, kit_signs: bool) -> str | None:
    """What a house with a single owner has to know; None if there are more."""
    if len(owners) > 1:
        return None
    second = "`poststelle user add NAME --role owner`"
    if kit_signs:
        return (
            f"{owners[0]} is the only owner. If that identity is lost, the recovery kit replaces it and nothing else "
            f"can: `poststelle identity replace {owners[0]} --kit FILE`. Try the kit now and then (`poststelle kit "
            f"check FILE`), or add a second owner, who can do it as well: {second}"
        )
    return (
        f"{owners[0]} is the only owner. This recovery kit opens every letter, but it was made before kits could sign: "
        "if that identity is lost, nobody can replace it, and nobody can change rights any more. `poststelle kit "
        f"renew` makes one that can; or add a second owner: {second}"
    )


def require_granter(session: Session) -> None:
    """Refuse whoever may change nobody's rights, before anything is looked at; what exactly, the key book says.

    Raises:
        NotPermitted: says who may.
    """
    book = session.book
    if not any(verb == GRANT for verb, _ in book.powers(session.identity.person_id)):
        roles = [role.label for role in book.roles.values() if any(verb == GRANT for verb, _ in role.powers())]
        raise NotPermitted(f"Your role may not change who may what. Who may: {', '.join(roles) or 'nobody'}.")


def find_person(book: KeyBook, user: str) -> Person:
    """Somebody by name.

    Raises:
        ConfigurationError: nobody is called so.
    """
    person = book.by_user(user)
    if person is None or person.kind != "person":
        names = ", ".join(sorted(p.user for p in book.people.values() if p.kind == "person" and not p.removed))
        raise ConfigurationError(f"There is no user {user!r}. Users: {names}.")
    return person


def _set_roles(session: Session, person: Person, roles: tuple[str, ...], kind: str, role: str) -> Changed:
    with session.changing_law():
        session.change_law("roles", {"person": person.person_id, "roles": list(roles)})
    session.note(kind, user=person.user, person=person.person_id, role=role)
    return Changed(user=person.user, roles=roles, still_pending=keys_pending(session))


def issue_identity(session: Session, identity: Identity, file: Path, *, no_passphrase: bool) -> str | None:
    """Write an identity file for somebody; the one-time code that opens it, or None if it needs none.

    Raises:
        ConfigurationError: there is a file of this name.
    """
    if file.exists():
        raise ConfigurationError(f"{file} exists already and was not touched. Move it away, or name another file.")
    code = None if no_passphrase else new_one_time_code()
    book = session.book
    sealed = seal_identity(
        identity, vault_id=book.vault_id, genesis_hash=book.genesis_hash, passphrase=code, one_time=True
    )
    write_identity(file, sealed, session.disk)
    return code


def _require_roles(book: KeyBook, roles: tuple[str, ...]) -> None:
    known = [code for code in book.roles if code != SERVICE]
    if unknown := [role for role in roles if role not in known]:
        raise ConfigurationError(f"There is no role {unknown[0]!r}. Roles: {', '.join(known)}.")


def keys_pending(session: Session) -> tuple[str, ...]:
    """Scopes whose keys still have to follow, by whoever holds them."""
    with contextlib.suppress(KeyError):
        found = pending(session.book, session.keys)
        return tuple(sorted({*found.unsound, *(scope for scope, _, _ in found.missing)}))
    return ()
