"""Letters that are filed without being recognised: for tests of what happens to them years later."""

import contextlib
import hashlib
import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

from simulators import Office, Ran, environment_of

from archive.textpart import LetterText, index_entry
from poststelle.records import (
    ClassifiedDocument,
    Fact,
    PageOrigin,
    RecognisedDocument,
    RecognisedPage,
    ScannedFile,
)
from poststelle.wiring import Environment, open_service


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A letter to be filed: its class says where it goes and how long it is kept."""

    record_class: str
    received_on: date
    word: str = "Musterwort"
    """Stands in its text, its subject, its sender, its file name and in the file itself."""
    dated: date | None = None
    """What its date was read as; None if none was read."""
    needs_review: bool = False

    @property
    def content(self) -> bytes:
        """The file as it was received."""
        return f"%PDF-1.7 {self.word} {self.record_class} {self.received_on}\n".encode() * 40

    @property
    def text(self) -> str:
        """What recognition read."""
        return f"{self.word} GmbH\n\nBetreff {self.word}\n\nSehr geehrte Damen und Herren, {self.word}.\n"


def file_letters(
    office: Office, samples: Sequence[Sample], environment: Environment | None = None, *, findable: bool = True
) -> list[str]:
    """File letters as the service does, without recognition; returns their ids."""
    with open_service(environment or environment_of(office)) as session:
        filing, ids = session.filing(), []
        for sample in samples:
            classified = classified_letter(sample, session.book.office["classes"][sample.record_class]["compartment"])
            archived = filing.file_letter(classified, Content(sample.content), sample.received_on)
            registered = session.mirrored_keys.find(archived.document_id)
            assert registered is not None
            if findable:
                text = LetterText(classified=classified, received_on=sample.received_on)
                entry = index_entry(text, archived.accession, registered.sequence)
                session.index(classified.compartment).add(entry)
            ids.append(archived.document_id)
        session.flush_outbox()
    return ids


def classified_letter(sample: Sample, compartment: str) -> ClassifiedDocument:
    """What is known of a letter when it is filed."""
    facts = [
        Fact(name="sender", value=f"{sample.word} GmbH", confidence=0.9, page=1),
        Fact(name="subject", value=f"Betreff {sample.word}", confidence=0.9, page=1),
    ]
    if sample.dated is not None:
        facts.append(Fact(name="date", value=sample.dated.isoformat(), confidence=0.9, page=1))
    page = RecognisedPage(
        number=1, width_px=0, height_px=0, dpi=200, origin=PageOrigin.TEXT_LAYER, text=sample.text, confidence=1.0
    )  # fmt: skip
    file = ScannedFile(
        document_id=secrets.token_hex(16),
        source_name=f"{sample.word}.pdf",
        size_bytes=len(sample.content),
        sha256=hashlib.sha256(sample.content).hexdigest(),
        received_at=datetime.combine(sample.received_on, time(8), tzinfo=UTC),
    )
    return ClassifiedDocument(
        document=RecognisedDocument(file=file, media_type="application/pdf", pages=(page,)),
        record_class=sample.record_class,
        confidence=0.6 if sample.needs_review else 0.97,
        compartment="unsorted" if sample.needs_review else compartment,
        needs_review=sample.needs_review,
        review_reasons=("The class is not sure.",) if sample.needs_review else (),
        facts=tuple(facts),
    )


@dataclass(frozen=True, slots=True)
class Content:
    """A file as filing reads it."""

    content: bytes

    def chunks(self) -> list[bytes]:
        """The bytes, in one piece."""
        return [self.content]


# What lies there ----------------------------------------------------------------------------------------------


def together(office: Office, *commands: tuple[str | None, Sequence[str | Path]]) -> list[Ran]:
    """Run commands as these users (None: the service) through the real command line, one after the other."""
    return office.run_many([office.command(*arguments, user=user) for user, arguments in commands])


def decrypted(office: Office) -> dict[str, bytes]:
    """Every page of the catalogue and of each index as the service opens it, freed ones included; by file name."""
    with open_service(environment_of(office)) as session:
        databases = {"catalogue.db": session.catalogue._db}
        databases |= {f"{c}.db": session.index(c)._database for c in session.book.office["compartments"]}
        return {name: b"".join(database.pages()) for name, database in databases.items()}


def stored_wraps(office: Office, document_id: str) -> dict[Path, list[tuple[str, str, int, bytes]]]:
    """(part set, scope, version, wrap) of a document in store and mirror, read without any code of ours."""
    found = {}
    for path in (office.vault / "keys" / "keys.db", office.mirror / "keys.db"):
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
            sql = "SELECT part_set, scope, version, wrap FROM wraps WHERE document = ? ORDER BY 1, 2, 3"
            found[path] = store.execute(sql, (document_id,)).fetchall()
    return found


def bytes_of(office: Office) -> dict[Path, bytes]:
    """Every file of the office and of its users' own folders: vault, mirror, logs, state, cache, temporary files."""
    return {path: path.read_bytes() for path in office.root.rglob("*") if path.is_file()}
