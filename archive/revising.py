"""Revising: a decision, a correction or a move makes a new text part; the original is never rewritten.

    new wraps beside the old → new text part → catalogue (commit point) → register set → old text part unlinked
    → old wraps deleted → index of the old place purged, new place indexed (by the caller)

The person holds the keys and signs; the service holds the records key and writes the catalogue. A crash
before the commit leaves wraps and a part that `settling` removes; after it, old ones that it
removes just the same.
"""

from dataclasses import dataclass, replace
from datetime import date

from archive.catalogue import Catalogue, LetterRow, Numbers, Revision, WrapFixity
from archive.keystore import CONTENT, TEXT, DocumentWrap, KeyStore, Registered, wrap_keys
from archive.objects import ObjectStore, PartName
from archive.reading import Reading
from archive.retention import document_day
from archive.settling import settle_revision
from archive.textpart import LetterText, encode_letter
from poststelle.access.identities import Identity
from poststelle.access.keybook import KeyBook, content_scope, index_scope
from poststelle.access.sealing import duplicate_mark, new_key, part_context, seal
from poststelle.access.statements import Statement
from poststelle.errors import StorageError, UnknownDocument
from poststelle.records import Part
from poststelle.stages import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Revised:
    """A letter after the revision."""

    document_id: str
    old_compartment: str
    compartment: str
    numbers: Numbers
    text: LetterText


@dataclass(frozen=True, slots=True, kw_only=True)
class Revising:
    """Writes revisions. `reading` is the person's; `keys`, `catalogue` and `service` are the service's."""

    reading: Reading
    keys: KeyStore
    catalogue: Catalogue
    objects: ObjectStore
    book: KeyBook
    service: Identity

    def revise(self, registered: Registered, text: LetterText, stage: Stage, statement: Statement) -> Revised:
        """Write a new version of a letter; `text.classified.compartment` says where it belongs from now on.

        Raises:
            NotPermitted: the person does not hold the keys a move needs.
            UnknownDocument: its disposition has begun.
        """
        letter = self.catalogue.letter(registered.document_id)
        assert letter is not None
        if letter.stage in (Stage.DISPOSING, Stage.DISPOSED):
            raise UnknownDocument
        target = text.classified.compartment
        mark, duplicate_of = letter.mark, letter.duplicate_of
        if target != letter.compartment:
            original = self.reading.original(registered)
            mark = duplicate_mark(self.service.duplicate_seed, target, [original])
            duplicate_of = self.catalogue.first_with_mark(target, mark)
        text = replace(text, duplicate_of=duplicate_of)
        version = registered.text_version + 1
        key = new_key()
        context = part_context(self.book.vault_id, letter.document_id, Part.TEXT, version)
        name = PartName(document_id=letter.document_id, part=Part.TEXT, version=version)
        wraps = (
            wrap_keys(self.book, letter.document_id, TEXT, version, index_scope(target), key),
            self._content_wrap(letter, target),
        )
        # A revision that a crash cut off may have left wraps of this very version: they are replaced. Before the part:
        # by too many wraps `settling` finds what a crash left.
        self.keys.add_wraps(wraps)
        part = self.objects.write(name, seal(key, context, [encode_letter(text)]))
        if not self.keys.has_wraps(wraps):
            raise StorageError("The new keys of a letter did not reach key store and mirror. It stays as it was.")
        dated = text.classified.fact("date")
        revision = Revision(
            document_id=letter.document_id,
            compartment=target,
            record_class=text.classified.record_class,
            retention=self.book.office["classes"][text.classified.record_class]["retention"],
            stage=stage,
            event_on=document_day(text.received_on, date.fromisoformat(dated.value) if dated else None),
            text=part,
            wraps=tuple(
                WrapFixity(part_set=w.part_set, version=w.version, scope_id=w.scope_id, epoch=w.epoch, sha256=w.sha256)
                for w in wraps
            ),
            mark=mark,
            duplicate_of=duplicate_of,
            details={"statement": statement.line.decode()},
        )
        numbers = self.catalogue.commit_revision(
            revision, statement.person_id, statement.made_at, statement.kind, statement.statement_id
        )
        settle_revision(self.catalogue, self.keys, self.objects, self.book, letter.document_id)
        return Revised(
            document_id=letter.document_id,
            old_compartment=letter.compartment,
            compartment=target,
            numbers=numbers,
            text=text,
        )

    def _content_wrap(self, letter: LetterRow, target: str) -> DocumentWrap:
        scope_id = self.book.current(content_scope(letter.compartment)).scope_id
        wraps = self.keys.wraps_of(letter.document_id)
        wrap = next(w for w in wraps if (w.part_set, w.scope_id) == (CONTENT, scope_id))
        if target == letter.compartment:
            return wrap
        return wrap_keys(self.book, letter.document_id, CONTENT, 1, content_scope(target), self.reading.unwrap(wrap))


def stage_after(decided: bool, old: Stage) -> Stage:
    """A person's decision settles a review; a correction leaves the stage as it was."""
    return Stage.FILED if decided and old is Stage.REVIEW else old
