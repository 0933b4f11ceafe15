"""`restrict place|lift|list`: a letter leaves the work of the office, but not the archive.

Restriction is a move to the compartment `restricted` and a signed statement that says why. On the ground `art18`
(somebody asked for it) nothing of it is destroyed until it is lifted; on the ground `retention` (it should be erased,
but a period still runs) it is destroyed on its day. The statement is written first: from then on disposition obeys it,
and a move that a crash cut off is finished by saying it again. Lifting moves back first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from archive.disposition import ART18, RETENTION
from archive.textpart import Change
from poststelle.errors import ConfigurationError, NotPermitted, UnknownDocument
from poststelle.stages import Stage
from poststelle.verbs.keeping import RESTRICTED, Restriction, may_restrict, restrictions_in_force
from poststelle.verbs.locating import Desk
from poststelle.verbs.revising import alone, write_revision

GROUNDS = (ART18, RETENTION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restricted:
    """A letter after a restriction was placed or lifted."""

    document_id: str
    number: str
    """Its number now; the one it had is marked as moved in its series."""
    compartment: str
    restrictions: tuple[Restriction, ...]
    """What is still in force."""
    purged: bool
    """Whether the index it was in is proven to hold nothing of it; if not, the next run of `restrict` or a search
    that catches up removes it."""


def restrict(desk: Desk, name: str, ground: str, reason: str) -> Restricted:
    """Take a letter out of normal work, on the ground "art18" or "retention".

    Raises:
        UnknownDocument: no such letter, or not one of this person's.
        NotPermitted: the person may not restrict letters.
        ConfigurationError: no such ground, it is restricted on this ground already, or it was destroyed.
    """
    _require(desk)
    if ground not in GROUNDS:
        raise ConfigurationError(f"There is no ground {ground!r}. Grounds: {', '.join(GROUNDS)}.")
    with alone(desk):
        return _restrict(desk, name, ground, reason)


def _restrict(desk: Desk, name: str, ground: str, reason: str) -> Restricted:
    service = desk.service
    registered, compartment = desk.person.reading.resolve(name)
    document = registered.document_id
    if registered.stage in (Stage.DISPOSING, Stage.DISPOSED):
        raise UnknownDocument
    in_force = restrictions_in_force(service.ledger, service.book).get(document, [])
    there = registered.stage is Stage.RESTRICTED
    if there and any(restriction.ground == ground for restriction in in_force):
        raise ConfigurationError(f"This letter is restricted on the ground {ground} already; nothing was changed.")
    first = in_force[0] if in_force else None
    content = {
        "document": document,
        "ground": ground,
        "reason": reason,
        "from": first.came_from if there and first else compartment,
        "stage": (first.stage if there and first else registered.stage).value,
    }
    statement = desk.sign("restrict-place", content)
    service.ledger.add_restriction(statement)
    text = desk.person.reading.text(registered)
    change = Change(at=desk.person.now(), by=desk.person_id, name="restriction", old=None, new=ground)
    classified = replace(text.classified, compartment=RESTRICTED)
    revised = replace(text, classified=classified, history=(*text.history, change))
    written = write_revision(desk, registered, revised, statement, Stage.RESTRICTED)
    return _answer(desk, document, written.number, RESTRICTED, written.purged)


def lift(desk: Desk, name: str, ground: str | None, reason: str) -> Restricted:
    """End the restrictions of a letter, or those on one ground; without any left it goes back to where it was.

    Raises:
        UnknownDocument: no such letter, or not one of this person's, or not restricted (on that ground).
        NotPermitted: the person may not lift restrictions.
    """
    _require(desk)
    with alone(desk):
        return _lift(desk, name, ground, reason)


def _lift(desk: Desk, name: str, ground: str | None, reason: str) -> Restricted:
    service = desk.service
    registered, compartment = desk.person.reading.resolve(name)
    document = registered.document_id
    in_force = restrictions_in_force(service.ledger, service.book).get(document, [])
    lifted = [restriction for restriction in in_force if ground in (None, restriction.ground)]
    if not lifted and (in_force or registered.stage is not Stage.RESTRICTED):
        raise UnknownDocument
    content = {
        "document": document,
        "restrictions": [restriction.restriction_id for restriction in lifted],
        "reason": reason,
    }
    statement = desk.sign("restrict-lift", content)
    text = desk.person.reading.text(registered)
    left = len(lifted) < len(in_force)
    place, stage = (RESTRICTED, Stage.RESTRICTED) if left else _back(desk, lifted, text.classified.record_class)
    change = Change(at=desk.person.now(), by=desk.person_id, name="restriction", old=ground or "all", new="lifted")
    classified = replace(text.classified, compartment=place)
    revised = replace(text, classified=classified, history=(*text.history, change))
    # Moved back first: a crash in between leaves it restricted by its statement, and lifting it again finishes.
    written = write_revision(desk, registered, revised, statement, stage)
    service.ledger.add_restriction(statement)
    return _answer(desk, document, written.number, place, written.purged or compartment == place)


def _back(desk: Desk, lifted: Sequence[Restriction], record_class: str) -> tuple[str, Stage]:
    if lifted:
        return lifted[0].came_from, lifted[0].stage
    # Its statement was lost with the catalogue: it goes where its class goes.
    return str(desk.service.book.office["classes"][record_class]["compartment"]), Stage.FILED


def list_restrictions(desk: Desk) -> list[Restriction]:
    """Restrictions in force; for those who may place them or keep the records."""
    if not desk.person.book.holds_right(desk.person_id, "records"):
        _require(desk)
    found = restrictions_in_force(desk.service.ledger, desk.service.book)
    return [restriction for restrictions in found.values() for restriction in restrictions]


def _require(desk: Desk) -> None:
    if not may_restrict(desk.person.book, desk.person_id):
        roles = [r.label for r in desk.person.book.roles.values() if "reclassify" in r.compartments.get(RESTRICTED, ())]
        raise NotPermitted(f"Your role may not restrict letters. Who may: {', '.join(roles) or 'nobody'}.")


def _answer(desk: Desk, document: str, number: str, compartment: str, purged: bool) -> Restricted:
    left = restrictions_in_force(desk.service.ledger, desk.service.book).get(document, [])
    return Restricted(
        document_id=document, number=number, compartment=compartment, restrictions=tuple(left), purged=purged
    )
