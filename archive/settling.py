"""Settling: after a revision, or a crash in one, key store and objects say what the catalogue committed."""

from archive.catalogue import Catalogue, LetterRow
from archive.keystore import LETTER, KeyStore, Registered
from archive.objects import ObjectStore, PartName
from poststelle.access.keybook import KeyBook, index_scope
from poststelle.records import Part
from poststelle.stages import Stage


def settle_revision(
    catalogue: Catalogue, keys: KeyStore, objects: ObjectStore, book: KeyBook, document_id: str
) -> None:
    """Make key store and objects say what the catalogue committed; safe to repeat."""
    letter = catalogue.letter(document_id)
    if letter is None or letter.stage in (Stage.DISPOSING, Stage.DISPOSED):
        return
    # Readers turn to the committed version first. The old wraps go last: as long as they are there, `crowded` finds
    # the document, and a crash in here is settled by the next run.
    keys.put(registered_row(letter, book))
    for name in objects.names_of(document_id):
        _, part, version = name.split(".")
        if part == Part.TEXT.value and int(version) != letter.text_version:
            objects.remove(PartName(document_id=document_id, part=Part.TEXT, version=int(version)))
    keys.keep_only(document_id, [(w.part_set, w.version, w.scope_id) for w in catalogue.wraps_of(document_id)])


def settle_revisions(catalogue: Catalogue, keys: KeyStore, objects: ObjectStore, book: KeyBook) -> None:
    """After a crash: settle every document that still has the wraps of two versions or places."""
    for document_id in keys.crowded():
        settle_revision(catalogue, keys, objects, book, document_id)


def registered_row(letter: LetterRow, book: KeyBook) -> Registered:
    """The register row that a catalogue row asks for."""
    return Registered(
        sequence=0,
        document_id=letter.document_id,
        kind=LETTER,
        scope_id=book.current(index_scope(letter.compartment)).scope_id,
        year=letter.year,
        number=letter.number,
        text_version=letter.text_version,
        stage=letter.stage,
    )
