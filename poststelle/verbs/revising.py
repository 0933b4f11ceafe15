"""Writing a revision that a person signed, and bringing both indexes up to it: shared by decisions and restrictions."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from archive.keystore import Registered
from archive.revising import Revised, Revising
from archive.settling import settle_revisions
from archive.textpart import LetterText, index_entry
from poststelle.access.keybook import index_scope
from poststelle.access.statements import Statement
from poststelle.stages import Stage
from poststelle.verbs.locating import Desk
from poststelle.verbs.sharing import follow_revision


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A letter after its revision."""

    revised: Revised
    number: str
    purged: bool
    """Whether the index of the old place is proven to hold nothing of it; False while somebody reads that index."""


@contextlib.contextmanager
def alone(desk: Desk) -> Iterator[None]:
    """No other revision, repair or purge meanwhile; what a crash left of an earlier one is settled first."""
    service = desk.service
    with service.alone():
        desk.person.refresh()
        settle_revisions(service.catalogue, service.mirrored_keys, service.objects, service.book)
        yield


def write_revision(desk: Desk, registered: Registered, text: LetterText, statement: Statement, stage: Stage) -> Written:
    """Write the revision, and bring both indexes up to it as far as the keys at hand allow."""
    service = desk.service
    revising = Revising(
        reading=desk.person.reading,
        keys=service.mirrored_keys,
        catalogue=service.catalogue,
        objects=service.objects,
        book=service.book,
        service=service.identity,
    )
    revised = revising.revise(registered, text, stage, statement)
    row = service.catalogue.letter(revised.document_id)
    entry_registered = service.mirrored_keys.find(revised.document_id)
    assert row is not None
    assert entry_registered is not None
    number, purged = desk.number_of(row), True
    for compartment in {revised.old_compartment, revised.compartment}:
        session = next((s for s in (service, desk.person) if s.keyring.holds(index_scope(compartment))), None)
        if session is None:
            continue  # the next holder's search catches up
        index = session.index(compartment)
        if compartment == revised.compartment:
            index.add(index_entry(revised.text, number, entry_registered.sequence))
        else:
            purged = index.purge([revised.document_id])
    follow_revision(desk, row)
    service.flush_outbox()
    return Written(revised=revised, number=number, purged=purged)
