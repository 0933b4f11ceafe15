"""The key book: signed, chained statements of who is who, who may do what, and which keys are current.

One JSON line per statement: `{"body": {...}, "ed25519": "…", "ml_dsa_65": "…"}`. `body` holds `seq` (0, 1, …),
`prev` (SHA-256 of the line before, without its newline), `vault`, `kind`, `at`, `by` and the kind's own fields.
Signatures are over `purpose("statement v1", vault) + NUL + canonical body`. Rules on replay:

- Statement 0 is the genesis; its hash is pinned outside the vault, in every identity file and the kit.
- Office and kit are for holders of the right `grant`. Who gives a role must hold what the role holds, by roles of
  their own: nothing that was delegated counts (`KeyBook.may_give`, `KeyBook.may_take`).
- Keys follow rights: a wrap is valid only while its recipient's roles need it. Who loses a right loses the wraps
  with the same statement; the scope then needs a new epoch, which whoever holds its key may state.
- A person's keys never change under one id (the id is their hash); removal is final for that id.
- The kit signs one kind, `replace-owner`, and nobody else signs that: an owner of the book gets new keys under the
  same user name and roles. Whatever else is signed by a kit, or by a kit that was renewed since, is refused.
- Epochs of a scope count 1, 2, 3 …; a wrap is valid only if its hash stands in the book; none is without the kit's.
- Who states an epoch made its key and knows it, wrapped to them or not: they must be entitled to it when it counts
  (a deputy prepares no key for the time after), and when they lose that right it is followed by another.
- Who states a database's key knows that too: it is renewed when they may not have it any more.
- A statement that says nothing is refused: anybody in the book could sign it, and time only goes forward.
- After every statement the separation of duties that the office demands must hold.
- An unknown kind is refused: a newer program wrote it, and guessing would be worse than stopping.
"""

import base64
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from poststelle.access.identities import Identity, PublicIdentity, Signature, SigningPublicKey
from poststelle.access.rights import (
    ALL_SCOPES,
    AUDIT,
    BEGINNING,
    COMPARTMENTS,
    GRANT,
    MODEL_SHARES,
    OWNER,
    RECORDS,
    SHARE,
    SHARE_VERBS,
    VERBS,
    Delegation,
    Epoch,
    KeyBook,
    KitUse,
    Person,
    Role,
    Share,
    conflicts,
    content_scope,
    index_scope,
)
from poststelle.access.sealing import SealingPublicKey, purpose
from poststelle.durable import Disk
from poststelle.errors import Damaged, KeysRenewed, NotPermitted

SERVICE = "service"
"""The user, kind and role of the identity that intake runs as; nobody else has any of the three."""
REPLACE_OWNER = "replace-owner"
"""The one kind of statement that the recovery kit signs."""
_USER = re.compile(r"[a-z][a-z0-9-]*")


class Signer(Protocol):
    """Whoever signs statements: a person, or the recovery kit."""

    @property
    def user(self) -> str:
        """As people call them."""

    @property
    def signer_id(self) -> str:
        """What stands in `by`."""

    def sign(self, message: bytes) -> Signature:
        """Both signatures over a message."""


class TamperedKeyBook(Damaged):
    """The key book's chain or a signature does not hold, or it is not the book that was pinned."""

    code = "K013"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The key book of the vault was changed by somebody who may not: {reason}. Nothing was opened. "
            "Bring the key book back from a backup, or ask an owner."
        )
        self.reason = reason


def read_keybook(path: Path, pinned_genesis: str, vault_id: str, at: datetime | None = None) -> KeyBook:
    """Replay the book and check every link, signature and rule; `at` is now, without it the last statement's time.

    Raises:
        TamperedKeyBook: anything does not hold, or the genesis is not the pinned one.
    """
    try:
        content = path.read_bytes()
    except OSError as err:
        raise TamperedKeyBook(f"it cannot be read ({err.strerror})") from err
    if not content.endswith(b"\n"):
        raise TamperedKeyBook("its last line is cut")
    lines = content[:-1].split(b"\n")
    if hashlib.sha256(lines[0]).hexdigest() != pinned_genesis:
        raise TamperedKeyBook("it does not begin with the statement this identity was made for")
    book: KeyBook | None = None
    for line in lines:
        book = _replay(book, line, vault_id)
    assert book is not None
    return book if at is None else book.as_of(at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How long a book was when somebody saw it last, and its last statement."""

    statements: int
    head: str

    @classmethod
    def of(cls, book: KeyBook) -> "Seen":
        """What there is to remember of a book."""
        return cls(statements=book.statements, head=book.head)

    def is_in(self, path: Path) -> bool:
        """Whether a book that holds still contains it: a chain that does is the same book, or a longer one."""
        lines = path.read_bytes().split(b"\n")
        return len(lines) > self.statements > 0 and hashlib.sha256(lines[self.statements - 1]).hexdigest() == self.head


def require_seen(path: Path, seen: Seen) -> None:
    """Refuse a book that was cut, or replaced by an earlier one: each of its lines would hold.

    Raises:
        TamperedKeyBook: it lost what was seen before.
    """
    if not seen.is_in(path):
        raise TamperedKeyBook(
            f"it no longer contains statement {seen.statements - 1}, which was seen here before, so people who left "
            "would be back. If the vault was restored from a backup, an owner signs that: `poststelle restore "
            "--confirm`"
        )


@contextmanager
def law_lock(path: Path, *, exclusive: bool) -> Iterator[None]:
    """Keep the law as it is while letters are sealed under it (shared), or keep all others out to change it.

    `path` is VAULT.json, which is never replaced. Not to be nested.
    """
    with _locked(path, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH):
        yield


@contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def genesis_line(owner: Identity, vault_id: str, practice: bool, at: datetime) -> bytes:
    """The first statement: the vault, its owner's keys, and whether it is for practice."""
    body = {
        "seq": 0,
        "prev": "",
        "vault": vault_id,
        "kind": "genesis",
        "at": _timestamp(at),
        "by": owner.person_id,
        "user": owner.user,
        "owner": encode_public(owner.public),
        "practice": practice,
    }
    return _signed(owner, vault_id, body)


def append_statement(
    path: Path, book: KeyBook, signer: Signer, kind: str, content: dict[str, Any], at: datetime, disk: Disk
) -> KeyBook:
    """Sign one more statement, check it as every reader will, and append it. The caller holds the law lock.

    Raises:
        NotPermitted: the signer may not write this kind.
        KeysRenewed: somebody else wrote into the book meanwhile; nothing was changed.
    """
    body = {
        "seq": book.statements,
        "prev": book.head,
        "vault": book.vault_id,
        "kind": kind,
        "at": _timestamp(max(at, book.at)),
        "by": signer.signer_id,
        **content,
    }
    line = _signed(signer, book.vault_id, body)
    try:
        after = _replay(book, line, book.vault_id)
    except TamperedKeyBook as err:
        raise NotPermitted(f"This change of the key book is not permitted to {signer.user!r}: {err.reason}.") from err
    with _locked(path.parent, fcntl.LOCK_EX):
        lines = path.read_bytes()
        if hashlib.sha256(lines[:-1].rpartition(b"\n")[2]).hexdigest() != book.head:
            raise KeysRenewed
        disk.write_new(path, [lines, line, b"\n"])
    return after


def encode_public(public: PublicIdentity) -> dict[str, str]:
    """Public keys as base64 fields."""
    return {"sealing": _b64(public.sealing.encoded), **encode_signing(public)}


def encode_signing(public: SigningPublicKey) -> dict[str, str]:
    """Public signing keys as base64 fields."""
    return {"ed25519": _b64(public.ed25519), "ml_dsa_65": _b64(public.ml_dsa_65)}


def statement_message(vault_id: str, body: dict[str, Any]) -> bytes:
    """The bytes that are signed."""
    return purpose("statement v1", vault_id) + b"\0" + canonical(body)


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no blanks, UTF-8: one value, one byte string."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _signed(signer: Signer, vault_id: str, body: dict[str, Any]) -> bytes:
    return _line(body, signer.sign(statement_message(vault_id, body)))


def _line(body: dict[str, Any], signature: Signature) -> bytes:
    return canonical({"body": body, "ed25519": _b64(signature.ed25519), "ml_dsa_65": _b64(signature.ml_dsa_65)})


def _replay(book: KeyBook | None, line: bytes, vault_id: str) -> KeyBook:
    try:
        envelope = json.loads(line)
        body = envelope["body"]
        signature = Signature(base64.b64decode(envelope["ed25519"]), base64.b64decode(envelope["ml_dsa_65"]))
        # Written anew and compared: nothing unsigned rides along, and one statement has one hash.
        if _line(body, signature) != line:
            raise TamperedKeyBook("a statement is not in canonical form")
        number, digest = body["seq"], hashlib.sha256(line).hexdigest()
        if book is None:
            owner = _decode_public(body["owner"])
            _require_signature(owner, vault_id, body, signature)
            return _genesis(body, owner, digest)
        book = book.as_of(datetime.fromisoformat(body["at"]))
        _require_signature(_signer(book, body), vault_id, body, signature)
        if number != book.statements or body["prev"] != book.head:
            raise TamperedKeyBook(f"statement {number} does not follow the one before it")
        after = replace(_APPLY[body["kind"]](book, body), head=digest, statements=book.statements + 1)
        return after if body["kind"] in _GIVING else after.settled()
    except _Refused as err:
        raise TamperedKeyBook(str(err)) from err
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as err:
        raise TamperedKeyBook("a statement is damaged or of a kind this program does not know") from err


class _Refused(Exception):
    """A statement that is genuine but breaks a rule; the text says which."""


def _require(holds: bool, rule: str) -> None:
    if not holds:
        raise _Refused(rule)


def _require_signature(signer: SigningPublicKey, vault_id: str, body: dict[str, Any], signature: Signature) -> None:
    if not signer.verify(statement_message(vault_id, body), signature) or body["vault"] != vault_id:
        raise TamperedKeyBook(f"the signature of statement {body['seq']} does not hold")


def _signer(book: KeyBook, body: dict[str, Any]) -> SigningPublicKey:
    if body["kind"] == REPLACE_OWNER:
        _require(body["by"] == book.kit_id, "only the recovery kit signs this, the one that counts")
        if book.kit_signing is None:
            raise _Refused("this recovery kit signs nothing")
        return book.kit_signing
    person = book.person(body["by"])
    if person is None:
        raise TamperedKeyBook(f"statement {body['seq']} is signed by nobody in the book")
    return person.public


def _genesis(body: dict[str, Any], owner: PublicIdentity, digest: str) -> KeyBook:
    if body["kind"] != "genesis" or body["seq"] != 0 or body["by"] != owner.person_id:
        raise TamperedKeyBook("it does not begin with a genesis")
    at = datetime.fromisoformat(body["at"])
    person = Person(
        person_id=owner.person_id, user=body["user"], kind="person", public=owner, roles=(OWNER,), since={OWNER: at}
    )
    return KeyBook(
        vault_id=body["vault"],
        genesis_hash=digest,
        head=digest,
        statements=1,
        practice=bool(body["practice"]),
        office={},
        roles={},
        people={person.person_id: person},
        kit_id="",
        kit=None,
        epochs={},
        database_wraps={},
        at=at,
    )


# What each kind does, and who may state it ----------------------------------------------------------------------


def _apply_office(book: KeyBook, body: dict[str, Any]) -> KeyBook:
    office = body["office"]
    roles = {code: decode_role(code, role) for code, role in office["roles"].items()}
    _require(OWNER in roles, "an office without an owner role could not be changed any more")
    given = {role for person in book.people.values() if not person.removed for role in person.roles}
    given |= {d.role for d in book.delegations.values() if d.holds(book.at)}
    _require(given <= set(roles) or not book.roles, f"somebody still has the role {', '.join(given - set(roles))}")
    if book.epochs:
        _require(book.holds_right(body["by"], GRANT), "it takes the right to grant")
        gained = {
            power
            for code, role in roles.items()
            for power in role.powers() - (book.roles[code].powers() if code in book.roles else set())
        }
        # The service's role is the program's own; only its keys are somebody's to give.
        program = {power for power in roles["service"].powers() if power[0] == "file"} if "service" in roles else set()
        _require(book.may_give(body["by"], gained - program), "nobody gives a right that they do not hold")
    return _separated(replace(book, office=office, roles=roles))


def _apply_people(book: KeyBook, body: dict[str, Any]) -> KeyBook:
    people, at = dict(book.people), datetime.fromisoformat(body["at"])
    for entry in body["people"]:
        public = _decode_public(entry["keys"])
        roles = tuple(entry["roles"])
        _require_new(people, public, entry["user"])
        _require(entry["kind"] in ("person", SERVICE), "there are people and the service, nothing else")
        # One that no list shows as what it is could not be found, nor removed.
        _require((entry["user"] == SERVICE) == (entry["kind"] == SERVICE), "the service is called service, alone")
        _require(_USER.fullmatch(entry["user"]) is not None, "this cannot be a user name")
        _require(_are_roles(book, roles, entry["kind"]), "there is no such role")
        _require_may_give(book, body["by"], roles)
        if entry["kind"] == SERVICE:
            _require(not any(p.kind == SERVICE and not p.removed for p in people.values()), "there is a service")
        people[public.person_id] = Person(
            person_id=public.person_id,
            user=entry["user"],
            kind=entry["kind"],
            public=public,
            roles=roles,
            since=dict.fromkeys(roles, at),
        )
    return _separated(replace(book, people=people))


def _apply_roles(book: KeyBook, body: dict[str, Any]) -> KeyBook:
    person = book.person(body["person"])
    if person is None or person.kind != "person":
        raise _Refused("there is no such person")
    roles = tuple(body["roles"])
    _require(_are_roles(book, roles, person.kind), "there is no such role")
    given, taken = tuple(set(roles) - set(person.roles)), tuple(set(person.roles) - set(roles))
    _require(bool(given or taken), "it would change nothing")
    if given:
        _require_may_give(book, body["by"], given)
    if taken:
        _require_may_take(book, body["by"], taken)
    at = datetime.fromisoformat(body["at"])
    since = {role: person.since.get(role, at) for role in roles}
    return _separated(
        _owned(replace(book, people=book.people | {person.person_id: replace(person, roles=roles, since=since)}))
    )


def _apply_remove(book: KeyBook, body: dict[str, Any]) -> KeyBook:
    person = book.person(body["person"])
    if person is None or person.kind != "person":
        raise _Refused("there is no such person")
    _require(person.person_id != body["by"], "nobody removes themselves")
    _require_may_take(book, body["by"], person.roles)
    return _owned(replace(book, people=book.people | {person.person_id: replace(person, removed=True)}))


def _apply_replace(book: KeyBook, body: dict[str, Any]) -> KeyBook:
    """New keys for somebody whose identity is lost: the same user and roles under a new id, the old id is gone."""
    person, public = book.person(body["person"]), _decode_public(body["keys"])
    if person is None:
        raise _Refused("there is no such person")
    _require(person.person_id != body["by"], "nobody replaces their own identity")
    if person.kind == "person":
        _require_may_give(book, body["by"], person.roles)
    else:
        _require(book.holds_right(body["by"], GRANT), "it takes the right to grant")
    return _with_new_keys(book, person, public)


def _with_new_keys(book: KeyBook, person: Person, public: PublicIdentity) -> KeyBook:
    gone = {person.person_id: replace(person, removed=True)}
    _require_new(book.people | gone, public, person.user)
    fresh = replace(person, person_id=public.person_id, public=public)
    return replace(book, people=book.people | gone | {fresh.person_id: fresh})


def _apply_replace_owner(book: KeyBook, body: dict[str, Any]) -> KeyBook:
    """New keys for an owner, by the recovery kit: the same user and roles, and the keys of these roles."""
    person, public = book.person(body["person"]), _decode_public(body["keys"])
    if person is None or person.kind != "person" or OWNER not in person.roles:
        raise _Refused("the recovery kit replaces an owner, and nobody else")
    others = {recipient for entry in body["wraps"] for recipient in entry["recipients"]} - {public.person_id}
    _require(not others, "the recovery kit gives keys to the owner it replaces, and to nobody else")
    use = KitUse(
        number=body["seq"],
        user=person.user,
        old=person.person_id,
        new=public.person_id,
        kit_id=body["by"],
        at=datetime.fromisoformat(body["at"]),
    )
    after = replace(_with_new_keys(book, person, public), kit_uses=(*book.kit_uses, use))
    return _with_wraps(after, body["wraps"], body["by"])


def _apply_delegate(book: KeyBook, body: dict[str, Any]) -> KeyBook:
    deputy, role = book.person(body["to"]), body["role"]
    at, until = datetime.fromisoformat(body["at"]), datetime.fromisoformat(body["until"])
    if deputy is None or deputy.kind != "person":
        raise _Refused("there is no such person")
    _require(role in book.roles and role not in (OWNER, SERVICE), "there is no such role, or it cannot be delegated")
    _require(deputy.person_id != body["by"], "nobody is their own deputy")
    _require_may_give(book, body["by"], (role,))
    _require(until > max(at, book.at), "a delegation ends later than it begins")
    delegation = Delegation(
        number=body["seq"],
        role=role,
        person_id=deputy.person_id,
        by=body["by"],
        since=at,
        until=until,
        reason=str(body["reason"]),
    )
    return _separated(replace(book, delegations=book.delegations | {body["seq"]: delegation}))


def _apply_undelegate(book: KeyBook, body: dict[str, Any]) -> KeyBook:
    delegation = book.delegations.get(body["delegation"])
    if delegation is None or not delegation.holds(book.at):
        raise _Refused("there is no such delegation in force")
    if body["by"] != delegation.person_id:  # a deputy may lay it down
        _require_may_take(book, body["by"], (delegation.role,))
    return replace(book, delegations=book.delegations | {delegation.number: replace(delegation, ended=True)})


def _apply_share(book: KeyBook, body: dict[str, Any]) -> KeyBook:
    auditor = book.person(body["to"])
    at, until = datetime.fromisoformat(body["at"]), datetime.fromisoformat(body["until"])
    if auditor is None or auditor.kind != "person":
        raise _Refused("there is no such person")
    compartments = {book.office["classes"][code]["compartment"] for code in body["classes"]}
    powers = {(verb, compartment) for verb in SHARE_VERBS for compartment in compartments}
    _require(bool(powers) and book.may_give(body["by"], powers), "nobody shares what they do not hold")
    _require(auditor.person_id != body["by"] and until > max(at, book.at), "a share ends later than it begins")
    share = Share(
        number=body["seq"],
        person_id=auditor.person_id,
        by=body["by"],
        since=at,
        until=until,
        reason=str(body["reason"]),
        classes=tuple(body["classes"]),
        years=tuple(body["years"]),
    )
    after, epochs = replace(book, shares=book.shares | {share.number: share}), {}
    for entry in body["share_epochs"]:
        allowed = after.entitled(entry["scope"])
        _require(set(entry["wraps"]) <= allowed, "a key would go to somebody whose role does not need it")
        epochs[entry["scope"]] = (_epoch(entry, BEGINNING),)
    if set(epochs) != {content_scope(share.name), index_scope(share.name)}:
        raise ValueError("a share has two scopes of its own")
    return replace(
        after,
        epochs=after.epochs | epochs,
        database_wraps=after.database_wraps | {index_scope(share.name): str(body["database"])},
    )


def _apply_unshare(book: KeyBook, body: dict[str, Any]) -> KeyBook:
    share = book.shares.get(body["share"])
    if share is None or not share.holds(book.at):
        raise _Refused("there is no such share in force")
    powers = {(verb, book.office["classes"][code]["compartment"]) for verb in SHARE_VERBS for code in share.classes}
    _require(book.may_take(body["by"], powers), "it takes the right to grant")
    return replace(book, shares=book.shares | {share.number: replace(share, ended=True)})


def _apply_kit(book: KeyBook, body: dict[str, Any]) -> KeyBook:
    public = SealingPublicKey(base64.b64decode(body["sealing"]))
    kit_id = hashlib.sha256(public.encoded).hexdigest()[:32]
    _require(not book.epochs or book.holds_right(body["by"], GRANT), "it takes the right to grant")
    signing = _decode_signing(body) if {"ed25519", "ml_dsa_65"} & body.keys() else None
    if signing is not None:
        # It can make an owner: whoever may not give that role would get it this way.
        _require_may_give(book, body["by"], (OWNER,))
    renewed = replace(book, kit=public, kit_id=kit_id, kit_signing=signing, kits=(*book.kits, kit_id))
    after = _with_wraps(renewed, body.get("wraps", ()), body["by"])
    opened = all(kit_id in e.wraps for scope, row in after.epochs.items() for e in row if not book.share_of(scope))
    _require(opened, "a new recovery kit must open every key there is")
    return after


def _apply_epochs(book: KeyBook, body: dict[str, Any]) -> KeyBook:
    """New epochs, wraps of existing ones for people who came later, and keys of databases."""
    epochs, founding, by = dict(book.epochs), not book.epochs, body["by"]
    _require(bool(body["epochs"] or body.get("wraps") or body["databases"]), "it says nothing")
    for entry in body["epochs"]:
        valid_from = datetime.fromisoformat(entry["valid_from"]) if "valid_from" in entry else BEGINNING
        earlier = epochs.get(entry["scope"], ())
        if earlier and valid_from == BEGINNING:
            valid_from = datetime.fromisoformat(body["at"])
        epoch = _epoch(entry, valid_from)
        _require(founding or bool(earlier), "there is no such scope")
        if epoch.number != len(earlier) + 1 or (earlier and earlier[-1].scope_id != epoch.scope_id):
            raise ValueError("epochs count up and keep their scope id")
        _require(book.kit_id in epoch.wraps, "no epoch becomes active before the recovery kit can open it")
        allowed = book.entitled(epoch.scope, valid_from)
        _require(set(epoch.wraps) <= allowed, "a key would go to somebody whose role does not need it")
        if not founding:
            _require(_holds(book, by, epoch.scope), "only who holds a key may renew it")
            _require(by in allowed, "nobody makes a key for a time at which they may not have it")
            epoch = replace(epoch, known_to=epoch.known_to | {by})
        epochs[epoch.scope] = (*earlier, epoch)
    after = _with_wraps(replace(book, epochs=epochs), body.get("wraps", ()), by)
    return _with_databases(after, book, body)


def _epoch(entry: dict[str, Any], valid_from: datetime) -> Epoch:
    return Epoch(
        scope=entry["scope"],
        scope_id=entry["scope_id"],
        number=entry["number"],
        public=SealingPublicKey(base64.b64decode(entry["public"])),
        wraps=dict(entry["wraps"]),
        valid_from=valid_from,
        known_to=frozenset(entry["wraps"]),
    )


def _apply_databases(book: KeyBook, body: dict[str, Any]) -> KeyBook:
    _require(bool(body["databases"]), "it says nothing")
    return _with_databases(book, book, body)


def _with_wraps(book: KeyBook, wraps: Sequence[dict[str, Any]], by: str) -> KeyBook:
    """Wraps that were added to existing epochs. Only holders of an epoch's key can have made them."""
    epochs = dict(book.epochs)
    for entry in wraps:
        row, number = epochs[entry["scope"]], entry["number"]
        if not 1 <= number <= len(row):
            raise ValueError("there is no such epoch")
        epoch, new = row[number - 1], dict(entry["recipients"])
        _require(by in epoch.wraps, "only who holds a key may hand it on")
        allowed = book.entitled(epoch.scope, epoch.valid_from)
        _require(set(new) <= allowed, "a key would go to somebody whose role does not need it")
        changed = replace(epoch, wraps=epoch.wraps | new, known_to=epoch.known_to | set(new))
        epochs[entry["scope"]] = (*row[: number - 1], changed, *row[number:])
    return replace(book, epochs=epochs)


def _with_databases(after: KeyBook, before: KeyBook, body: dict[str, Any]) -> KeyBook:
    new = body["databases"]
    for name in new:
        known = name in before.database_wraps or name in MODEL_SHARES
        _require(not before.database_wraps or known, "there is no such database")
        if before.database_wraps:
            scope = RECORDS if name == "catalogue" else name.replace("model:", "index:")
            # A purge in blind mode throws an index and its key away: the service may name the new key's wrap, no more.
            service = body["kind"] == "databases" and before.people[body["by"]].kind == SERVICE
            _require(service or _holds(before, body["by"], scope), "only who holds a key may renew it")
    earlier = {name: before.database_wraps[name] for name in new if name in before.database_wraps}
    return replace(
        after,
        database_wraps=before.database_wraps | new,
        earlier_database_wraps=before.earlier_database_wraps | earlier,
        database_makers=before.database_makers | (dict.fromkeys(new, body["by"]) if before.database_wraps else {}),
    )


_APPLY: dict[str, Callable[[KeyBook, dict[str, Any]], KeyBook]] = {
    "office": _apply_office,
    "people": _apply_people,
    "roles": _apply_roles,
    "remove": _apply_remove,
    "replace": _apply_replace,
    REPLACE_OWNER: _apply_replace_owner,
    "delegate": _apply_delegate,
    "undelegate": _apply_undelegate,
    "share": _apply_share,
    "unshare": _apply_unshare,
    "kit": _apply_kit,
    "epochs": _apply_epochs,
    "databases": _apply_databases,
}


_GIVING = frozenset({"people", "delegate", "share", "epochs", "databases"})
"""Kinds after which nobody is entitled to less than before."""


def _holds(book: KeyBook, person_id: str, scope: str) -> bool:
    return scope in book.epochs and person_id in book.current(scope).wraps


def _require_may_give(book: KeyBook, by: str, roles: Sequence[str]) -> None:
    powers = {power for code in roles for power in book.roles[code].powers()}
    if book.epochs:  # before there are keys, the founder speaks
        _require(book.may_give(by, powers), "nobody gives a role that they do not hold the rights of")


def _require_may_take(book: KeyBook, by: str, roles: Sequence[str]) -> None:
    powers = {power for code in roles for power in book.roles[code].powers()}
    _require(book.may_take(by, powers), "it takes the right to grant")


def _are_roles(book: KeyBook, roles: tuple[str, ...], kind: str) -> bool:
    known = set(book.roles) - (set() if kind == SERVICE else {SERVICE})
    return set(roles) <= known and len(set(roles)) == len(roles)


def _require_new(people: dict[str, Person], public: PublicIdentity, user: str) -> None:
    known = public.person_id in people or any(p.user == user and not p.removed for p in people.values())
    _require(not known, "this person is in the book already")


def _owned(book: KeyBook) -> KeyBook:
    """Somebody must be left who can change the office."""
    _require(any(OWNER in p.roles and not p.removed for p in book.people.values()), "the last owner must stay")
    return book


def _separated(book: KeyBook) -> KeyBook:
    broken = conflicts(book)
    _require(not broken, f"separation of duties: {'; '.join(broken)}")
    return book


def decode_role(code: str, value: dict[str, Any]) -> Role:
    """A role from its JSON value.

    Raises:
        ValueError: unknown compartment or verb.
    """
    compartments = {c: tuple(verbs) for c, verbs in value["compartments"].items()}
    if not set(compartments) <= set(COMPARTMENTS) or any(not set(v) <= set(VERBS) for v in compartments.values()):
        raise ValueError(f"role {code}: unknown compartment or verb")
    return Role(code=code, label=value["label"], compartments=compartments, rights=tuple(value["rights"]))


def _decode_public(value: dict[str, str]) -> PublicIdentity:
    signing = _decode_signing(value)
    return PublicIdentity(
        sealing=SealingPublicKey(base64.b64decode(value["sealing"])),
        ed25519=signing.ed25519,
        ml_dsa_65=signing.ml_dsa_65,
    )


def _decode_signing(value: dict[str, str]) -> SigningPublicKey:
    return SigningPublicKey(ed25519=base64.b64decode(value["ed25519"]), ml_dsa_65=base64.b64decode(value["ml_dsa_65"]))


def _timestamp(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


__all__ = [
    "ALL_SCOPES",
    "AUDIT",
    "BEGINNING",
    "COMPARTMENTS",
    "GRANT",
    "OWNER",
    "RECORDS",
    "REPLACE_OWNER",
    "SERVICE",
    "SHARE",
    "VERBS",
    "Delegation",
    "Epoch",
    "KeyBook",
    "KitUse",
    "Person",
    "Role",
    "Seen",
    "Share",
    "Signer",
    "TamperedKeyBook",
    "append_statement",
    "canonical",
    "conflicts",
    "content_scope",
    "decode_role",
    "encode_public",
    "encode_signing",
    "genesis_line",
    "index_scope",
    "law_lock",
    "read_keybook",
    "require_seen",
    "statement_message",
]
