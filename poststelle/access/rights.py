"""Who may do what, and who holds which keys, at a moment: the state that a key book replays to.

Nothing here signs, reads files or knows the clock; `as_of` is told the time. What time alone changes (a
delegation ends, an epoch that was prepared for that moment begins) changes here, without a statement.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from poststelle.access.identities import PublicIdentity, SigningPublicKey
from poststelle.access.sealing import SealingPublicKey

COMPARTMENTS = ("general", "finance", "sales", "hr", "legal", "management", "unsorted", "restricted")
VERBS = ("find", "read", "export", "file", "reclassify", "hold", "release", "grant")
RECORDS = "records"
"""Scope of the catalogue."""
AUDIT = "audit"
"""Scope of the sealed fields of the log."""
MODEL_SHARES = frozenset(f"model:{compartment}" for compartment in COMPARTMENTS)
"""Names of the shares of the learned model's key; kept like database keys, from the first training on."""
GRANT = "grant"
OWNER = "owner"
KEYED = frozenset({"find", "read", "export", RECORDS, AUDIT})
"""Verbs and rights that are keys: nobody can give them who does not hold them, whatever their role."""
BEGINNING = datetime.min.replace(tzinfo=UTC)

SHARE = "share-"
SHARE_VERBS = ("find", "read", "export")
"""What somebody may with letters that were shared with them: look, never change."""

Power = tuple[str, str]
"""(verb, compartment), or (right, "")."""


def content_scope(compartment: str) -> str:
    """Scope of a compartment's originals and renditions."""
    return f"content:{compartment}"


def index_scope(compartment: str) -> str:
    """Scope of a compartment's recognised text, facts and index."""
    return f"index:{compartment}"


ALL_SCOPES = (*(s(c) for c in COMPARTMENTS for s in (content_scope, index_scope)), RECORDS, AUDIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What holders of a role may do."""

    code: str
    label: str
    compartments: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Verbs by compartment code."""
    rights: tuple[str, ...] = ()
    """Rights without a compartment: "records", "audit", "grant", "hold", "release", "subject"."""

    def scopes(self) -> set[str]:
        """The key scopes these rights need: finding needs the index key, reading the content key."""
        needed = {index_scope(c) for c, verbs in self.compartments.items() if "find" in verbs}
        needed |= {content_scope(c) for c, verbs in self.compartments.items() if {"read", "export"} & set(verbs)}
        return needed | ({RECORDS, AUDIT} & set(self.rights))

    def powers(self) -> set[Power]:
        """Everything the role allows, one by one."""
        return {(verb, c) for c, verbs in self.compartments.items() for verb in verbs} | {(r, "") for r in self.rights}


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
    since: dict[str, datetime] = field(default_factory=dict)
    """When each role was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """A role that a deputy holds until a moment that is known beforehand."""

    number: int
    """Number of the statement that made it."""
    role: str
    person_id: str
    by: str
    since: datetime
    until: datetime
    reason: str
    ended: bool = False
    """Ended by a statement, before its time."""

    def holds(self, at: datetime) -> bool:
        """Whether it is in force."""
        return not self.ended and at < self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Letters of some classes and years that an auditor may read until a moment, wrapped to keys of their own."""

    number: int
    """Number of the statement that made it."""
    person_id: str
    by: str
    since: datetime
    until: datetime
    reason: str
    classes: tuple[str, ...]
    years: tuple[int, ...]
    ended: bool = False

    @property
    def name(self) -> str:
        """What stands in the place of a compartment: in scopes, databases and file names."""
        return f"{SHARE}{self.number}"

    def holds(self, at: datetime) -> bool:
        """Whether it is in force."""
        return not self.ended and at < self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class KitUse:
    """An owner whose identity the recovery kit replaced."""

    number: int
    """Number of the statement."""
    user: str
    old: str
    """Person id; of the new one below."""
    new: str
    kit_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """One generation of a scope's key pair."""

    scope: str
    scope_id: str
    """16 random hex digits: what the key store calls the scope."""
    number: int
    public: SealingPublicKey
    wraps: dict[str, str]
    """SHA-256 of the wrap of the private key for each recipient id who may have it now."""
    valid_from: datetime = BEGINNING
    """Later than it was made: prepared for the end of a delegation."""
    known_to: frozenset[str] = frozenset()
    """Everybody who was ever given it; who left may have kept it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyBook:
    """The state after replaying every statement, at a moment."""

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
    kit_signing: SigningPublicKey | None = None
    """None if the kit that counts is one that opens and signs nothing."""
    epochs: dict[str, tuple[Epoch, ...]]
    """By scope, in the order of their numbers; those prepared for later included."""
    database_wraps: dict[str, str]
    """SHA-256 of the current wrap of each database's key, by database name."""
    earlier_database_wraps: dict[str, str] = field(default_factory=dict)
    """The ones before: what a change of keys that was cut short may have left."""
    database_makers: dict[str, str] = field(default_factory=dict)
    """Who stated each current one, the founder's apart: they made the key and know it."""
    delegations: dict[int, Delegation] = field(default_factory=dict)
    shares: dict[int, Share] = field(default_factory=dict)
    kits: tuple[str, ...] = ()
    """Id of every kit there was; the last one counts."""
    kit_uses: tuple[KitUse, ...] = ()
    at: datetime = BEGINNING
    _holders: dict[datetime, dict[str, set[str]]] = field(init=False, default_factory=dict, compare=False, repr=False)
    """What `entitled` has worked out; never handed on to another state."""

    # Keys -------------------------------------------------------------------------------------------------

    def current(self, scope: str) -> Epoch:
        """The epoch that new letters are sealed to."""
        begun = [e for e in self.epochs[scope] if e.valid_from <= self.at] or [self.epochs[scope][0]]
        return max(begun, key=lambda e: (e.valid_from, e.number))

    def scope_of(self, scope_id: str) -> str | None:
        """Name of a scope by its opaque id."""
        return next((e.scope for epochs in self.epochs.values() for e in epochs if e.scope_id == scope_id), None)

    def entitled(self, scope: str, at: datetime | None = None) -> set[str]:
        """Who may have the keys of a scope, now or at a later moment; the kit always."""
        moment = self.at if at is None else max(at, self.at)
        if (share := self.share_of(scope)) is not None:
            # Not the kit: the letters themselves open for it. The service, to purge the index of it.
            purger = scope.startswith("index:") and is_live(self.office)
            service = {p.person_id for p in self.people.values() if p.kind == "service" and not p.removed}
            auditor = {share.person_id} if share.holds(moment) and self.person(share.person_id) else set()
            return auditor | (service if purger else set())
        if moment not in self._holders:
            self._holders[moment] = self._holders_at(moment)
        return self._holders[moment].get(scope, set()) | ({self.kit_id} if self.kit_id else set())

    def _holders_at(self, moment: datetime) -> dict[str, set[str]]:
        """Who has a role, or stands in for one, that needs a scope; by scope."""
        scopes = {code: role.scopes() for code, role in self.roles.items()}
        roles = [(p.person_id, code) for p in self.people.values() if not p.removed for code in p.roles]
        roles += [(d.person_id, d.role) for d in self.delegations.values() if d.holds(moment)]
        found: dict[str, set[str]] = {}
        for person_id, code in roles:
            if not self.people[person_id].removed:
                for scope in scopes[code]:
                    found.setdefault(scope, set()).add(person_id)
        return found

    def recipients(self, scope: str, at: datetime | None = None) -> dict[str, SealingPublicKey]:
        """Public keys of those who are entitled."""
        keys = {p.person_id: p.public.sealing for p in self.people.values()}
        if self.kit is not None:
            keys[self.kit_id] = self.kit
        return {recipient: keys[recipient] for recipient in sorted(self.entitled(scope, at))}

    # Time -------------------------------------------------------------------------------------------------

    def as_of(self, at: datetime) -> "KeyBook":
        """The same book at a later moment: what a delegation gave, and only that, is gone after its end.

        Time only goes forward: a clock that was set back brings no deputy back.
        """
        moment = max(self.at, at)
        book = replace(self, at=moment)
        return book if self.next_change is None or moment < self.next_change else book.settled()

    def settled(self) -> "KeyBook":
        """Without the wraps of those who are not entitled to them (any more)."""
        epochs = {}
        for scope, row in self.epochs.items():
            allowed = {at: self.entitled(scope, at) for at in {e.valid_from for e in row}}
            epochs[scope] = tuple(
                e
                if e.wraps.keys() <= allowed[e.valid_from]
                else replace(e, wraps={r: h for r, h in e.wraps.items() if r in allowed[e.valid_from]})
                for e in row
            )
        over = {
            scope(share.name)
            for share in self.shares.values()
            for scope in (content_scope, index_scope)
            if not share.holds(self.at) or self.person(share.person_id) is None
        }
        return replace(
            self,
            epochs={scope: row for scope, row in epochs.items() if scope not in over},
            database_wraps={name: wrap for name, wrap in self.database_wraps.items() if name not in over},
        )

    @property
    def next_change(self) -> datetime | None:
        """The next moment at which time alone changes something."""
        moments = [d.until for d in self.delegations.values() if d.holds(self.at)]
        moments += [s.until for s in self.shares.values() if s.holds(self.at)]
        moments += [e.valid_from for row in self.epochs.values() for e in row if e.valid_from > self.at]
        return min(moments, default=None)

    def ends(self, scope: str) -> list[datetime]:
        """Moments to come at which a deputy loses the keys of a scope."""
        return sorted(
            {d.until for d in self.delegations.values() if d.holds(self.at) and scope in self.roles[d.role].scopes()}
        )

    def is_sound(self, scope: str, at: datetime | None = None) -> bool:
        """Whether the epoch that counts at a moment was never known to anybody who may not have it then."""
        if self.share_of(scope) is not None:
            return True  # nothing new is sealed to it
        epoch = (self if at is None else replace(self, at=max(at, self.at))).current(scope)
        return epoch.known_to <= self.entitled(scope, at)

    def is_database_sound(self, name: str, scope: str) -> bool:
        """Whether the key of a database was made by somebody who may have it still.

        The service counts as such: in blind mode it makes keys of empty indexes, and keeps none.
        """
        maker = self.people.get(self.database_makers.get(name, ""))
        return maker is None or maker.person_id in self.entitled(scope) or maker.person_id == self.service.person_id

    @property
    def kit_was_used(self) -> bool:
        """Whether the kit that counts has replaced somebody: it was in use on a machine, and is to be renewed."""
        return any(use.kit_id == self.kit_id for use in self.kit_uses)

    # People and rights ------------------------------------------------------------------------------------

    def person(self, person_id: str) -> Person | None:
        """The person with this id unless removed."""
        person = self.people.get(person_id)
        return None if person is None or person.removed else person

    def is_same(self, one: str, other: str) -> bool:
        """Whether two ids are one human being: a replaced identity makes nobody a second person."""
        people = (self.people.get(one), self.people.get(other))
        return one == other or (all(people) and len({p.user for p in people if p is not None}) == 1)

    def by_user(self, user: str) -> Person | None:
        """The person with this login."""
        return next((p for p in self.people.values() if p.user == user and not p.removed), None)

    @property
    def service(self) -> Person:
        """The service identity that intake runs as."""
        return next(p for p in self.people.values() if p.kind == "service" and not p.removed)

    def may(self, person_id: str, verb: str, compartment: str) -> bool:
        """Whether a person's roles allow a verb on a compartment."""
        if verb in SHARE_VERBS and any(compartment == share.name for share in self.shared_with(person_id)):
            return True
        return any(verb in role.compartments.get(compartment, ()) for role in self._roles(person_id, verb))

    def holds_right(self, person_id: str, right: str) -> bool:
        """Whether a person's roles hold a right that has no compartment."""
        return any(right in role.rights for role in self._roles(person_id, right))

    def compartments_for(self, person_id: str, verb: str) -> tuple[str, ...]:
        """Compartments on which a person may do a verb, in the fixed order; then what was shared with them."""
        shares = [share.name for share in self.shared_with(person_id)]
        return tuple(c for c in (*COMPARTMENTS, *shares) if self.may(person_id, verb, c))

    def scopes_for(self, roles: Iterable[str]) -> set[str]:
        """Scopes that holders of these roles need keys of."""
        return {scope for code in roles for scope in self.roles[code].scopes()}

    def deputy_for(self, person_id: str) -> list[Delegation]:
        """What was delegated to a person and is in force."""
        return [d for d in self.delegations.values() if d.person_id == person_id and d.holds(self.at)]

    def shared_with(self, person_id: str) -> list[Share]:
        """What was shared with a person and is in force."""
        if self.person(person_id) is None:
            return []
        return [s for s in self.shares.values() if s.person_id == person_id and s.holds(self.at)]

    def share_of(self, scope: str) -> Share | None:
        """The share that a scope belongs to, if it is none of a compartment."""
        _, _, name = scope.partition(":")
        return self.shares.get(int(name.removeprefix(SHARE))) if name.startswith(SHARE) else None

    def powers(self, person_id: str) -> set[Power]:
        """What a person may do by their own roles; what was delegated to them is not theirs to give."""
        person = self.person(person_id)
        return set() if person is None else {power for code in person.roles for power in self.roles[code].powers()}

    def may_give(self, person_id: str, powers: set[Power]) -> bool:
        """Whether somebody may give others all of this.

        Nobody gives what they do not hold; but an owner may give what needs no key.
        """
        person, own = self.person(person_id), self.powers(person_id)
        if person is None:
            return False
        missing = {power for power in powers - own if power[0] in KEYED or OWNER not in person.roles}
        return self.may_take(person_id, powers) and not missing

    def may_take(self, person_id: str, powers: set[Power]) -> bool:
        """Whether somebody may take all of this from others.

        It takes the right `grant`; or the verb `grant` on each compartment concerned, where nothing else is touched.
        """
        own = self.powers(person_id)
        return (GRANT, "") in own or (bool(powers) and all(c and (GRANT, c) in own for _, c in powers))

    def _roles(self, person_id: str, verb: str) -> list[Role]:
        person = self.person(person_id)
        if person is None:
            return []
        # A deputy acts, but makes no deputies: the right to grant cannot be delegated.
        lent = [] if verb == GRANT else [d.role for d in self.deputy_for(person_id)]
        return [self.roles[code] for code in (*person.roles, *lent)]


def is_live(office: dict[str, Any]) -> bool:
    """Whether the service may hold index keys."""
    return bool(office.get("mode") == "live")


def conflicts(book: KeyBook) -> list[str]:
    """Where the office's separation of duties is broken, as sentences; delegated roles count."""
    rules = book.office.get("separation", {})
    found = [
        f"the role {code} must hold no key, but {', '.join(sorted(book.roles[code].scopes()))} would be given to it"
        for code in rules.get("keyless", ())
        if code in book.roles and book.roles[code].scopes()
    ]
    for person in book.people.values():
        if person.removed:
            continue
        roles = {*person.roles, *(d.role for d in book.deputy_for(person.person_id))}
        names = roles | {name for code in roles for name, _ in book.roles[code].powers()}
        if book.scopes_for(roles) and roles & set(rules.get("keyless", ())):
            code = sorted(roles & set(rules["keyless"]))[0]
            found.append(f"{person.user} has the role {code}, whose holders must hold no key")
        found += [
            f"{person.user} would hold {first} and {second}, which must not be in one hand"
            for first, second in rules.get("apart", ())
            if {first, second} <= names
        ]
    return found
