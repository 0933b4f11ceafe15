"""The key book: signed, chained statements of who is who, who may do what, and which keys are current.

One JSON line per statement: `{"body": {...}, "ed25519": "…", "ml_dsa_65": "…"}`. `body` holds `seq` (0, 1, …),
`prev` (SHA-256 of the line before, without its newline), `vault`, `kind`, `at`, `by` and the kind's own fields.
Signatures are over `purpose("statement v1", vault) + NUL + canonical body`. Rules on replay:

- Statement 0 is the genesis; its hash is pinned outside the vault, in every identity file and the kit.
- Every later statement is signed by a person whose role at that point holds the right `grant`; only a
  `databases` statement, which names a new wrap of a database key, may also be the service's.
- A person's keys never change under one id (the id is their hash); removal is final for that id.
- Epochs of a scope count 1, 2, 3 …; a wrap is valid only if its hash stands in the book.
- An unknown kind is refused: a newer program wrote it, and guessing would be worse than stopping.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from poststelle.access.identities import Identity, PublicIdentity, Signature
from poststelle.access.sealing import SealingPublicKey, purpose
from poststelle.durable import Disk
from poststelle.errors import Damaged, NotPermitted

COMPARTMENTS = ("general", "finance", "sales", "hr", "legal", "management", "unsorted", "restricted")
VERBS = ("find", "read", "export", "file", "reclassify", "hold", "release", "grant")
RECORDS = "records"
"""Scope of the catalogue."""
AUDIT = "audit"
"""Scope of the sealed fields of the log."""


def content_scope(compartment: str) -> str:
    """Scope of a compartment's originals and renditions."""
    return f"content:{compartment}"


def index_scope(compartment: str) -> str:
    """Scope of a compartment's recognised text, facts and index."""
    return f"index:{compartment}"


ALL_SCOPES = (*(s(c) for c in COMPARTMENTS for s in (content_scope, index_scope)), RECORDS, AUDIT)


class TamperedKeyBook(Damaged):
    """The key book's chain or a signature does not hold, or it is not the book that was pinned."""

    code = "K013"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What holders of a role may do."""

    code: str
    label: str
    compartments: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Verbs by compartment code."""
    rights: tuple[str, ...] = ()
    """Rights without a compartment: "records", "audit", "grant", "hold", "release"."""

    def scopes(self) -> set[str]:
        """The key scopes these rights need: finding needs the index key, reading the content key."""
        needed = {index_scope(c) for c, verbs in self.compartments.items() if "find" in verbs}
        needed |= {content_scope(c) for c, verbs in self.compartments.items() if {"read", "export"} & set(verbs)}
        return needed | ({RECORDS, AUDIT} & set(self.rights))


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody (or the service) who can be given keys."""

    person_id: str
    user: str
    kind: str
    """"person" or "service"."""
    public: PublicIdentity
    roles: tuple[str, ...] = ()
    removed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """One generation of a scope's key pair."""

    scope: str
    scope_id: str
    """16 random hex digits: what the key store calls the scope."""
    number: int
    public: SealingPublicKey
    wraps: dict[str, str]
    """SHA-256 of the wrap of the private key for each recipient id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyBook:
    """The state after replaying every statement."""

    vault_id: str
    genesis_hash: str
    head: str
    """SHA-256 of the last statement's line."""
    statements: int
    practice: bool
    office: dict[str, Any]
    """The configuration that is law: roles, classes, retention lines, mode (canonical JSON values)."""
    roles: dict[str, Role]
    people: dict[str, Person]
    kit_id: str
    kit: SealingPublicKey | None
    epochs: dict[str, tuple[Epoch, ...]]
    database_wraps: dict[str, str]
    """SHA-256 of the current wrap of each database's key, by database name."""

    def current(self, scope: str) -> Epoch:
        """The epoch that new letters are sealed to."""
        return self.epochs[scope][-1]

    def scope_of(self, scope_id: str) -> str | None:
        """Name of a scope by its opaque id."""
        return next((e.scope for epochs in self.epochs.values() for e in epochs if e.scope_id == scope_id), None)

    def person(self, person_id: str) -> Person | None:
        """The person with this id unless removed."""
        person = self.people.get(person_id)
        return None if person is None or person.removed else person

    def by_user(self, user: str) -> Person | None:
        """The person with this login."""
        return next((p for p in self.people.values() if p.user == user and not p.removed), None)

    @property
    def service(self) -> Person:
        """The service identity that intake runs as."""
        return next(p for p in self.people.values() if p.kind == "service" and not p.removed)

    def may(self, person_id: str, verb: str, compartment: str) -> bool:
        """Whether a person's roles allow a verb on a compartment."""
        return any(verb in role.compartments.get(compartment, ()) for role in self._roles(person_id))

    def holds_right(self, person_id: str, right: str) -> bool:
        """Whether a person's roles hold a right that has no compartment."""
        return any(right in role.rights for role in self._roles(person_id))

    def compartments_for(self, person_id: str, verb: str) -> tuple[str, ...]:
        """Compartments on which a person may do a verb, in the fixed order."""
        return tuple(c for c in COMPARTMENTS if self.may(person_id, verb, c))

    def scopes_for(self, roles: Iterable[str]) -> set[str]:
        """Scopes that holders of these roles need keys of."""
        return {scope for code in roles for scope in self.roles[code].scopes()}

    def _roles(self, person_id: str) -> list[Role]:
        person = self.person(person_id)
        return [] if person is None else [self.roles[code] for code in person.roles]


def read_keybook(path: Path, pinned_genesis: str, vault_id: str) -> KeyBook:
    """Replay the book and check every link, signature and rule.

    Raises:
        TamperedKeyBook: anything does not hold, or the genesis is not the pinned one.
    """
    try:
        content = path.read_bytes()
    except OSError as err:
        raise TamperedKeyBook(f"The key book {path.name} of the vault cannot be read ({err.strerror}).") from err
    if not content.endswith(b"\n"):
        raise TamperedKeyBook(_tampered("its last line is cut"))
    lines = content[:-1].split(b"\n")
    if hashlib.sha256(lines[0]).hexdigest() != pinned_genesis:
        raise TamperedKeyBook(_tampered("it does not begin with the statement this identity was made for"))
    book: KeyBook | None = None
    for line in lines:
        book = _replay(book, line, vault_id)
    assert book is not None
    return book


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
    path: Path, book: KeyBook, signer: Identity, kind: str, content: dict[str, Any], at: datetime, disk: Disk
) -> KeyBook:
    """Sign one more statement, check it as every reader will, and append it.

    Raises:
        NotPermitted: the signer may not write this kind.
    """
    body = {
        "seq": book.statements,
        "prev": book.head,
        "vault": book.vault_id,
        "kind": kind,
        "at": _timestamp(at),
        "by": signer.person_id,
        **content,
    }
    line = _signed(signer, book.vault_id, body)
    try:
        after = _replay(book, line, book.vault_id)
    except TamperedKeyBook as err:
        raise NotPermitted(f"This change of the key book is not permitted to {signer.user!r}: {err}") from err
    lines = path.read_bytes()
    disk.write_new(path, [lines, line, b"\n"])
    return after


def encode_public(public: PublicIdentity) -> dict[str, str]:
    """Public keys as base64 fields."""
    return {
        "sealing": _b64(public.sealing.encoded),
        "ed25519": _b64(public.ed25519),
        "ml_dsa_65": _b64(public.ml_dsa_65),
    }


def statement_message(vault_id: str, body: dict[str, Any]) -> bytes:
    """The bytes that are signed."""
    return purpose("statement v1", vault_id) + b"\0" + canonical(body)


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no blanks, UTF-8: one value, one byte string."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _signed(signer: Identity, vault_id: str, body: dict[str, Any]) -> bytes:
    signature = signer.sign(statement_message(vault_id, body))
    return canonical({"body": body, "ed25519": _b64(signature.ed25519), "ml_dsa_65": _b64(signature.ml_dsa_65)})


def _replay(book: KeyBook | None, line: bytes, vault_id: str) -> KeyBook:
    try:
        envelope = json.loads(line)
        body = envelope["body"]
        signature = Signature(base64.b64decode(envelope["ed25519"]), base64.b64decode(envelope["ml_dsa_65"]))
        if canonical(envelope) != line:
            raise TamperedKeyBook(_tampered("a statement is not in canonical form"))
        number = body["seq"]
        signer = _decode_public(body["owner"]) if book is None else _signer(book, body)
        if not signer.verify(statement_message(vault_id, body), signature) or body["vault"] != vault_id:
            raise TamperedKeyBook(_tampered(f"the signature of statement {number} does not hold"))
        digest = hashlib.sha256(line).hexdigest()
        if book is None:
            return _genesis(body, signer, digest)
        if number != book.statements or body["prev"] != book.head:
            raise TamperedKeyBook(_tampered(f"statement {number} does not follow the one before it"))
        return replace(_APPLY[body["kind"]](book, body), head=digest, statements=book.statements + 1)
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        raise TamperedKeyBook(_tampered("a statement is damaged or of a kind this program does not know")) from err


def _signer(book: KeyBook, body: dict[str, Any]) -> PublicIdentity:
    person = book.person(body["by"])
    if person is None:
        raise TamperedKeyBook(_tampered(f"statement {body['seq']} is signed by nobody in the book"))
    # Until the office statement names roles, only the genesis owner speaks.
    may_grant = book.holds_right(person.person_id, "grant") if book.roles else True
    # A purge in blind mode throws an index and its key away: the service may name the new key's wrap, no more.
    if not may_grant and not (person.kind == "service" and body["kind"] == "databases"):
        raise TamperedKeyBook(_tampered(f"statement {body['seq']} is signed by somebody without the right to"))
    return person.public


def _genesis(body: dict[str, Any], owner: PublicIdentity, digest: str) -> KeyBook:
    if body["kind"] != "genesis" or body["seq"] != 0 or body["by"] != owner.person_id:
        raise TamperedKeyBook(_tampered("it does not begin with a genesis"))
    person = Person(person_id=owner.person_id, user=body["user"], kind="person", public=owner, roles=("owner",))
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
    )


def _apply_office(book: KeyBook, body: dict[str, Any]) -> KeyBook:
    office = body["office"]
    roles = {code: decode_role(code, role) for code, role in office["roles"].items()}
    if "owner" not in roles:
        raise ValueError("an office without an owner role cannot be changed any more")
    return replace(book, office=office, roles=roles)


def _apply_people(book: KeyBook, body: dict[str, Any]) -> KeyBook:
    people = dict(book.people)
    for entry in body["people"]:
        public = _decode_public(entry["keys"])
        roles = tuple(entry["roles"])
        if public.person_id in people or any(p.user == entry["user"] and not p.removed for p in people.values()):
            raise ValueError("this person is in the book already")
        if not set(roles) <= set(book.roles):
            raise ValueError("unknown role")
        people[public.person_id] = Person(
            person_id=public.person_id, user=entry["user"], kind=entry["kind"], public=public, roles=roles
        )
    return replace(book, people=people)


def _apply_kit(book: KeyBook, body: dict[str, Any]) -> KeyBook:
    public = SealingPublicKey(base64.b64decode(body["sealing"]))
    return replace(book, kit=public, kit_id=hashlib.sha256(public.encoded).hexdigest()[:32])


def _apply_epochs(book: KeyBook, body: dict[str, Any]) -> KeyBook:
    epochs = dict(book.epochs)
    for entry in body["epochs"]:
        epoch = Epoch(
            scope=entry["scope"],
            scope_id=entry["scope_id"],
            number=entry["number"],
            public=SealingPublicKey(base64.b64decode(entry["public"])),
            wraps=dict(entry["wraps"]),
        )
        earlier = epochs.get(epoch.scope, ())
        if epoch.number != len(earlier) + 1 or (earlier and earlier[-1].scope_id != epoch.scope_id):
            raise ValueError("epochs count up and keep their scope id")
        if book.kit_id not in epoch.wraps:
            raise ValueError("no epoch becomes active before the recovery kit can open it")
        epochs[epoch.scope] = (*earlier, epoch)
    return replace(book, epochs=epochs, database_wraps=book.database_wraps | body["databases"])


def _apply_databases(book: KeyBook, body: dict[str, Any]) -> KeyBook:
    if not set(body["databases"]) <= set(book.database_wraps):
        raise ValueError("unknown database")
    return replace(book, database_wraps=book.database_wraps | body["databases"])


_APPLY: dict[str, Callable[[KeyBook, dict[str, Any]], KeyBook]] = {
    "office": _apply_office,
    "people": _apply_people,
    "kit": _apply_kit,
    "epochs": _apply_epochs,
    "databases": _apply_databases,
}


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
    return PublicIdentity(
        sealing=SealingPublicKey(base64.b64decode(value["sealing"])),
        ed25519=base64.b64decode(value["ed25519"]),
        ml_dsa_65=base64.b64decode(value["ml_dsa_65"]),
    )


def _timestamp(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _tampered(what: str) -> str:
    return (
        f"The key book of the vault was changed by somebody who may not: {what}. Nothing was opened. "
        "Bring the key book back from a backup, or ask an owner."
    )


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
