"""Filing: the write order of a letter, from sealed parts to the commit point and the read-back.

    parts → wraps (store and mirror) → catalogue (commit point) → register → read back

After each arrow `Disk.reached` is told, so that a drill can stop there. docs/archive-format.md says for
every arrow what a crash leaves and who repairs it. Repeating any step with the same document id is safe.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Protocol

from archive.catalogue import Catalogue, NewLetter, NewQuarantine, WrapFixity
from archive.keystore import CONTENT, LETTER, QUARANTINE, TEXT, DocumentWrap, KeyStore, wrap_keys
from archive.objects import ObjectStore, PartName, StoredPart, fixity
from archive.retention import document_day
from archive.settling import registered_row, settle_revisions
from archive.textpart import LetterText, QuarantineText, encode_letter, encode_quarantine
from poststelle.access.identities import Identity
from poststelle.access.keybook import KeyBook, content_scope, index_scope
from poststelle.access.sealing import (
    DoesNotOpen,
    duplicate_mark,
    new_key,
    open_sealed,
    part_context,
    seal,
)
from poststelle.durable import Disk
from poststelle.errors import StorageError
from poststelle.records import ArchivedDocument, ClassifiedDocument, Part, Quarantined, ScannedFile
from poststelle.stages import Stage

UNSORTED = "unsorted"


class Content(Protocol):
    """The bytes of a claimed file; every call of `chunks` yields the same."""

    def chunks(self) -> Iterator[bytes]:
        """The bytes in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Keys:
    """Keys of one document's parts while it is being filed."""

    original: bytes
    rendition: bytes
    text: bytes


class Filing:
    """Files letters and quarantined files as the service; needs public keys and the records key only."""

    def __init__(
        self,
        *,
        objects: ObjectStore,
        keys: KeyStore,
        catalogue: Catalogue,
        book: KeyBook,
        service: Identity,
        disk: Disk,
        now: Callable[[], datetime],
    ) -> None:
        self._objects = objects
        self._keys = keys
        self._catalogue = catalogue
        self._book = book
        self._service = service
        self._disk = disk
        self._now = now

    def file_letter(
        self, classified: ClassifiedDocument, content: Content, received_on: date, rendition: bytes | None = None
    ) -> ArchivedDocument:
        """Seal, commit and read back one letter, with its searchable PDF if one was made.

        When it returns the source may go.

        Raises:
            StorageError: a disk failed, or what was written does not read back; the source must stay.
        """
        document_id = classified.document.file.document_id
        compartment = classified.compartment
        mark = duplicate_mark(self._service.duplicate_seed, compartment, content.chunks())
        first = self._catalogue.first_with_mark(compartment, mark)
        text = encode_letter(LetterText(classified=classified, received_on=received_on, duplicate_of=first))
        keys, parts, wraps = self._seal(document_id, compartment, content, text, rendition)
        filed_at = self._now()
        dated = classified.fact("date")
        event_on = document_day(received_on, date.fromisoformat(dated.value) if dated else None)
        stage = Stage.REVIEW if classified.needs_review else Stage.FILED
        retried = self._catalogue.retry_of(document_id)
        numbers = self._catalogue.commit_letter(
            NewLetter(
                document_id=document_id,
                compartment=compartment,
                record_class=classified.record_class,
                retention=self._book.office["classes"][classified.record_class]["retention"],
                stage=stage,
                received_on=received_on,
                filed_at=filed_at,
                event_on=event_on,
                text_version=1,
                mark=mark,
                duplicate_of=first,
                pages=len(classified.document.pages),
                parts=parts,
                wraps=tuple(_fixity(wrap) for wrap in wraps),
                retry_of=retried,
            ),
            by=self._service.person_id,
        )
        self._disk.reached("committed")
        self._register(document_id, LETTER, compartment, numbers.year, numbers.number, stage)
        self._read_back(document_id, keys, parts, classified.document.file.sha256)
        self._disk.reached("read-back")
        self._destroy_retried(retried)
        return ArchivedDocument(
            document_id=document_id,
            accession=accession(self._book, compartment, numbers.year, numbers.number),
            receipt_number=numbers.receipt,
            classified=classified,
            received_on=received_on,
            filed_at=filed_at,
            duplicate_of=first,
        )

    def quarantine(self, file: ScannedFile, content: Content, reason_code: str, reason: str) -> Quarantined:
        """Seal and commit a file that could not be taken in, whole, to the mailroom's compartment."""
        mark = duplicate_mark(self._service.duplicate_seed, UNSORTED, content.chunks())
        text = encode_quarantine(QuarantineText(file=file, reason_code=reason_code, reason=reason))
        keys, parts, wraps = self._seal(file.document_id, UNSORTED, content, text)
        retried = self._catalogue.retry_of(file.document_id)
        numbers = self._catalogue.commit_quarantine(
            NewQuarantine(
                document_id=file.document_id,
                received_at=file.received_at,
                filed_at=self._now(),
                size_bytes=file.size_bytes,
                mark=mark,
                parts=parts,
                wraps=tuple(_fixity(wrap) for wrap in wraps),
                retry_of=retried,
            ),
            by=self._service.person_id,
        )
        self._disk.reached("committed")
        self._register(file.document_id, QUARANTINE, UNSORTED, numbers.year, numbers.number, Stage.QUARANTINED)
        self._read_back(file.document_id, keys, parts, file.sha256)
        self._disk.reached("read-back")
        self._destroy_retried(retried)
        return Quarantined(
            document_id=file.document_id,
            number=quarantine_number(numbers.year, numbers.number),
            source_name=file.source_name,
            reason_code=reason_code,
            reason=reason,
            size_bytes=file.size_bytes,
            received_at=file.received_at,
        )

    def _seal(
        self, document_id: str, compartment: str, content: Content, text: bytes, rendition: bytes | None = None
    ) -> tuple[_Keys, tuple[StoredPart, ...], tuple[DocumentWrap, ...]]:
        """Parts, then wraps; both durable and checked when it returns."""
        keys = _Keys(original=new_key(), rendition=new_key(), text=new_key())
        parts = [
            self._write(document_id, Part.ORIGINAL, keys.original, content.chunks()),
            self._write(document_id, Part.TEXT, keys.text, [text]),
        ]
        if rendition is not None:
            parts.append(self._write(document_id, Part.RENDITION, keys.rendition, [rendition]))
        else:
            # A crash may have left one of an earlier attempt, under a key that is gone.
            self._objects.remove(PartName(document_id=document_id, part=Part.RENDITION))
        self._disk.reached("parts")
        wraps = (
            wrap_keys(self._book, document_id, CONTENT, 1, content_scope(compartment), keys.original + keys.rendition),
            wrap_keys(self._book, document_id, TEXT, 1, index_scope(compartment), keys.text),
        )
        self._keys.replace_wraps(document_id, wraps)
        self._disk.reached("wraps")
        if not self._keys.has_wraps(wraps):
            # Two write-ahead logs do not commit together: the catalogue may only follow keys that are there.
            raise StorageError("The keys of a letter did not reach the key store and its mirror. The source stays.")
        return keys, tuple(parts), wraps

    def _write(self, document_id: str, part: Part, key: bytes, chunks: Iterator[bytes] | Sequence[bytes]) -> StoredPart:
        context = part_context(self._book.vault_id, document_id, part, 1)
        return self._objects.write(PartName(document_id=document_id, part=part), seal(key, context, chunks))

    def _register(
        self, document_id: str, kind: str, compartment: str, year: int, number: int, stage: Stage, text_version: int = 1
    ) -> None:
        scope_id = self._book.current(index_scope(compartment)).scope_id
        self._keys.register(document_id, kind, scope_id, year, number, text_version, stage)

    def _destroy_retried(self, document_id: str | None) -> None:
        """The quarantined copy goes once its content is filed anew; `repair` does it if a crash comes first."""
        if document_id is not None:
            self.destroy(document_id)

    def _read_back(self, document_id: str, keys: _Keys, parts: Sequence[StoredPart], source_sha256: str) -> None:
        """Open what was just written, with the keys still in memory, and compare with the source."""
        key_of = {Part.ORIGINAL: keys.original, Part.RENDITION: keys.rendition, Part.TEXT: keys.text}
        for part in parts:
            context = part_context(self._book.vault_id, document_id, part.name.part, part.name.version)
            try:
                opened = open_sealed(key_of[part.name.part], context, self._objects.read(part.name))
            except DoesNotOpen as err:
                raise _unreadable(document_id) from err
            if part.name.part is Part.ORIGINAL and hashlib.sha256(opened).hexdigest() != source_sha256:
                raise _unreadable(document_id)

    # After a crash ----------------------------------------------------------------------------------------

    def is_committed(self, document_id: str) -> bool:
        """Whether a claim's id is a document (or quarantined file) already."""
        return self._catalogue.letter(document_id) is not None or self._catalogue.quarantined(document_id) is not None

    def source_may_go(self, document_id: str, content: Content) -> bool:
        """Whether a claimed source is the committed document, checked without its keys.

        True: every part has the hash the catalogue committed, and the source has the content that was
        sealed. False: the source is something else now and must be taken in as a new file.

        Raises:
            StorageError: a part is not as committed; the source is the only good copy and stays.
        """
        self.require_parts(document_id)
        letter, quarantined = self._catalogue.letter(document_id), self._catalogue.quarantined(document_id)
        if letter is not None:
            compartment, mark = letter.compartment, letter.mark
        elif quarantined is not None:
            compartment, mark = UNSORTED, quarantined.mark
        else:
            return False
        return duplicate_mark(self._service.duplicate_seed, compartment, content.chunks()) == mark

    def require_parts(self, document_id: str) -> None:
        """Check by ciphertext hash that every part is as it was committed.

        Raises:
            StorageError: one is not; the source must stay.
        """
        for part in self._catalogue.parts(document_id):
            if fixity(self._objects, part.name) != part:
                raise _unreadable(document_id)

    def is_retry(self, claim_id: str) -> bool:
        """Whether a claim is the copy of a file that is in quarantine."""
        return self._catalogue.retry_of(claim_id) is not None

    def end_retry(self, claim_id: str) -> None:
        """After all letters of a stack are committed: the quarantined file that the stack was a copy of goes."""
        retried = self._catalogue.retry_of(claim_id)
        if retried is not None:
            self._catalogue.end_retry(retried)
            self._destroy_retried(retried)

    def repair(self, claimed: Sequence[str]) -> None:
        """Finish or take back what a crash left between the arrows; `claimed` are ids that will be taken in again."""
        with self._keys.alone():
            self._repair(claimed)

    def _repair(self, claimed: Sequence[str]) -> None:
        for document_id in self._keys.unregistered():
            letter, quarantined = self._catalogue.letter(document_id), self._catalogue.quarantined(document_id)
            if letter is not None and letter.stage in (Stage.DISPOSING, Stage.DISPOSED):
                self.destroy(document_id)
                continue
            if letter is not None:
                continue  # settled below
            if quarantined is not None and quarantined.stage is Stage.QUARANTINED:
                self._register(
                    document_id, QUARANTINE, UNSORTED, quarantined.year, quarantined.number, Stage.QUARANTINED
                )
            elif document_id not in claimed:
                self.destroy(document_id)
        settle_revisions(self._catalogue, self._keys, self._objects, self._book)
        self._settle_register()
        for document_id in self._catalogue.gone():
            if self._keys.find(document_id) is not None or self._objects.names_of(document_id):
                self.destroy(document_id)

    def _settle_register(self) -> None:
        """Make register rows say what the catalogue says, where they were changed or lost."""
        found = {row.document_id: row for row in self._keys.all_registered() if row.kind == LETTER}
        for letter in self._catalogue.letters():
            row = found.get(letter.document_id)
            if letter.stage in (Stage.DISPOSING, Stage.DISPOSED):
                continue
            wanted = registered_row(letter, self._book)
            if row is None or replace(row, sequence=0) != wanted:
                self._keys.keep_only(
                    letter.document_id,
                    [(w.part_set, w.version, w.scope_id) for w in self._catalogue.wraps_of(letter.document_id)],
                    wanted,
                )

    def destroy(self, document_id: str) -> None:
        """Delete a document's wraps, then its parts; the catalogue has decided already."""
        self._keys.forget(document_id)
        for part in (Part.ORIGINAL, Part.RENDITION, Part.TEXT):
            self._objects.remove(PartName(document_id=document_id, part=part))


def accession(book: KeyBook, compartment: str, year: int, number: int) -> str:
    """A letter's number as people read it, e.g. "FIN-2026-000017"."""
    return f"{book.office['compartments'][compartment]['series']}-{year}-{number:06}"


def quarantine_number(year: int, number: int) -> str:
    """A quarantined file's number, e.g. "Q-2026-000003"."""
    return f"Q-{year}-{number:06}"


def _fixity(wrap: DocumentWrap) -> WrapFixity:
    return WrapFixity(
        part_set=wrap.part_set, version=wrap.version, scope_id=wrap.scope_id, epoch=wrap.epoch, sha256=wrap.sha256
    )


def _unreadable(document_id: str) -> StorageError:
    return StorageError(
        f"What was written for {document_id} does not read back. The source was not removed. Check the disk, then "
        "run `poststelle verify` and take the file in again."
    )
