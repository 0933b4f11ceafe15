"""`restrict place|lift|list`: a letter leaves the work of the office, but not the archive.

Restriction is a move to the compartment `restricted` and a signed statement that says why. On the ground `art18`
(somebody asked for it) nothing of it is destroyed until it is lifted; on the ground `retention` (it should be erased,
but a period still runs) it is destroyed on its day. The statement is written first: from then on disposition obeys it,
and a move that a crash cut off is finished by saying it again. Lifting moves back first.

Whoever holds the records key can write statements into the catalogue. So where a letter came from is kept in its
sealed text too, and it goes back only where both say. In doubt it stays where fewest people read, for review.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from archive.disposition import ART18, RETENTION
from archive.textpart import Change, LetterText
from poststelle.errors import ConfigurationError, NotPermitted, UnknownDocument
from poststelle.records import ClassifiedDocument
from poststelle.stages import Stage
from poststelle.verbs.keeping import RESTRICTED, Restriction, may_restrict, restrictions_in_force
from poststelle.verbs.learning import RESTRICTION
from poststelle.verbs.locating import Desk
from poststelle.verbs.revising import alone, write_revision

GROUNDS = (ART18, RETENTION)
IN_DOUBT = "It was restricted, and nothing confirms where it lay before."
_LIFTED = "lifted"


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
    require_restricting(desk)
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
    text = desk.person.reading.text(registered)
    place = _place_before(text) if there else compartment
    content = {
        "document": document,
        "ground": ground,
        "reason": reason,
        "from": place or (in_force[0].came_from if in_force else RESTRICTED),
        "stage": (_stage_before(text) if there else registered.stage).value,
    }
    statement = desk.sign("restrict-place", content)
    service.ledger.add_restriction(statement)
    change = Change(at=desk.person.now(), by=desk.person_id, name=RESTRICTION, old=place, new=ground)
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
    require_restricting(desk)
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
    if len(lifted) < len(in_force):
        classified, stage = replace(text.classified, compartment=RESTRICTED), Stage.RESTRICTED
    elif registered.stage is not Stage.RESTRICTED:
        classified, stage = text.classified, registered.stage  # it never moved
    else:
        classified, stage = _back(desk, lifted, text)
    change = Change(at=desk.person.now(), by=desk.person_id, name=RESTRICTION, old=ground or "all", new=_LIFTED)
    revised = replace(text, classified=classified, history=(*text.history, change))
    # Moved back first: a crash in between leaves it restricted by its statement, and lifting it again finishes.
    written = write_revision(desk, registered, revised, statement, stage)
    service.ledger.add_restriction(statement)
    place = classified.compartment
    return _answer(desk, document, written.number, place, written.purged or compartment == place)


def _back(desk: Desk, lifted: Sequence[Restriction], text: LetterText) -> tuple[ClassifiedDocument, Stage]:
    """The letter as it was before it was restricted; if that is in doubt, in the narrowest place, for review."""
    classified, place = text.classified, _place_before(text)
    if place is not None:
        # Its text says it, under its own key. A statement, if there is one left, must say the same.
        sure = not lifted or any(restriction.came_from == place for restriction in lifted)
    else:
        # Restricted by an earlier version, which kept the place in the statement only.
        place = str(desk.service.book.office["classes"][classified.record_class]["compartment"])
        told = not lifted or any(r.by_right and r.came_from == place for r in lifted)
        sure = told and not classified.needs_review
    if sure:
        return replace(classified, compartment=place), _stage_before(text)
    doubtful = replace(
        classified,
        compartment=RESTRICTED,
        needs_review=True,
        review_reasons=(*classified.review_reasons, IN_DOUBT),
    )
    return doubtful, Stage.REVIEW


def _place_before(text: LetterText) -> str | None:
    """The compartment that a restricted letter lay in before, by its sealed text; None if that does not say."""
    placed = [change.old for change in text.history if change.name == RESTRICTION and change.new != _LIFTED]
    return placed[-1] if placed else None


def _stage_before(text: LetterText) -> Stage:
    return Stage.REVIEW if text.classified.needs_review else Stage.FILED


def list_restrictions(desk: Desk) -> list[Restriction]:
    """Restrictions in force; for those who may place them or keep the records."""
    if not desk.person.book.holds_right(desk.person_id, "records"):
        require_restricting(desk)
    found = restrictions_in_force(desk.service.ledger, desk.service.book)
    return [restriction for restrictions in found.values() for restriction in restrictions]


def require_restricting(desk: Desk) -> None:
    """Refuse whoever may not restrict letters.

    Raises:
        NotPermitted: says who may.
    """
    if not may_restrict(desk.person.book, desk.person_id):
        roles = [r.label for r in desk.person.book.roles.values() if "reclassify" in r.compartments.get(RESTRICTED, ())]
        raise NotPermitted(f"Your role may not restrict letters. Who may: {', '.join(roles) or 'nobody'}.")


def _answer(desk: Desk, document: str, number: str, compartment: str, purged: bool) -> Restricted:
    left = restrictions_in_force(desk.service.ledger, desk.service.book).get(document, [])
    return Restricted(
        document_id=document, number=number, compartment=compartment, restrictions=tuple(left), purged=purged
    )
