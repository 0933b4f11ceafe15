"""The catalogue (accession register): which documents exist, their numbers, stages and fixity.

Encrypted under the records key. It holds no facts, subjects, names or file names. The transaction in
`commit_letter` is the commit point of intake: before it a letter is a claimed file, after it a document.
Entries for the audit log are written in the same transaction (outbox) and moved to the log afterwards.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from archive.ledger import Ledger
from archive.objects import PartName, StoredPart
from poststelle.access.audit import Entry
from poststelle.access.database import Database, open_database
from poststelle.access.statements import Statement
from poststelle.durable import Disk
from poststelle.records import Part
from poststelle.stages import Stage, require_step

NAME = "catalogue"
FORMAT = 1
SCHEMA = f"""
CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
INSERT INTO meta VALUES ('format', {FORMAT});
CREATE TABLE documents(
    document TEXT PRIMARY KEY, receipt INTEGER NOT NULL UNIQUE, compartment TEXT NOT NULL,
    year INTEGER NOT NULL, number INTEGER NOT NULL, class TEXT NOT NULL, retention TEXT NOT NULL,
    stage TEXT NOT NULL, received_on TEXT NOT NULL, filed_at TEXT NOT NULL, event_on TEXT NOT NULL,
    due_on TEXT, text_version INTEGER NOT NULL, mark BLOB NOT NULL, duplicate_of TEXT, pages INTEGER NOT NULL,
    UNIQUE(compartment, year, number));
CREATE INDEX documents_by_mark ON documents(compartment, mark);
CREATE TABLE parts(
    document TEXT NOT NULL, part TEXT NOT NULL, version INTEGER NOT NULL, sha256 TEXT NOT NULL,
    size_bytes INTEGER NOT NULL, PRIMARY KEY(document, part, version));
CREATE TABLE wraps(
    document TEXT NOT NULL, part_set TEXT NOT NULL, version INTEGER NOT NULL, scope TEXT NOT NULL,
    epoch INTEGER NOT NULL, sha256 TEXT NOT NULL, PRIMARY KEY(document, part_set, version, scope));
CREATE TABLE series(name TEXT NOT NULL, year INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY(name, year));
CREATE TABLE quarantine(
    document TEXT PRIMARY KEY, year INTEGER NOT NULL, number INTEGER NOT NULL, stage TEXT NOT NULL,
    received_at TEXT NOT NULL, filed_at TEXT NOT NULL, size_bytes INTEGER NOT NULL, mark BLOB NOT NULL,
    claim TEXT, UNIQUE(year, number));
CREATE TABLE moved(
    compartment TEXT NOT NULL, year INTEGER NOT NULL, number INTEGER NOT NULL, document TEXT NOT NULL,
    moved_at TEXT NOT NULL, PRIMARY KEY(compartment, year, number));
CREATE TABLE events(document TEXT NOT NULL, event TEXT NOT NULL, day TEXT NOT NULL, PRIMARY KEY(document, event));
CREATE TABLE statements(
    statement TEXT PRIMARY KEY, kind TEXT NOT NULL, person TEXT NOT NULL, made_at TEXT NOT NULL, line BLOB NOT NULL);
CREATE TABLE holds(
    hold TEXT NOT NULL, document TEXT NOT NULL, lifted TEXT, PRIMARY KEY(hold, document));
CREATE TABLE plans(plan TEXT PRIMARY KEY, as_of TEXT NOT NULL, made_at TEXT NOT NULL, made_by TEXT NOT NULL,
    released TEXT, finished_at TEXT);
CREATE TABLE planned(
    plan TEXT NOT NULL, document TEXT NOT NULL, due_on TEXT NOT NULL, fingerprint TEXT NOT NULL,
    PRIMARY KEY(plan, document));
CREATE TABLE disposals(
    document TEXT PRIMARY KEY, plan TEXT NOT NULL, windows BLOB NOT NULL, disposed_at TEXT, certificate TEXT);
CREATE TABLE gaps(
    series TEXT NOT NULL, year INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    statement TEXT NOT NULL, PRIMARY KEY(series, year, first));
CREATE TABLE targets(
    target TEXT PRIMARY KEY, path TEXT NOT NULL, generation INTEGER NOT NULL, made_at TEXT NOT NULL,
    readable_until TEXT NOT NULL);
CREATE TABLE outbox(id INTEGER PRIMARY KEY AUTOINCREMENT, entry TEXT NOT NULL);
"""
ADDED = ("gaps", "targets")
"""What catalogues of the first version lack; `upgrade` makes it."""
RECEIPTS = "receipts"
QUARANTINE_SERIES = "quarantine"


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapFixity:
    """What the catalogue remembers of a wrap, so that a changed one is found without any key."""

    part_set: str
    version: int
    scope_id: str
    epoch: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLetter:
    """Everything a letter's commit needs; all parts and wraps are durable already."""

    document_id: str
    compartment: str
    record_class: str
    retention: str
    stage: Stage
    received_on: date
    filed_at: datetime
    event_on: date
    text_version: int
    mark: bytes
    duplicate_of: str | None
    pages: int
    parts: tuple[StoredPart, ...]
    wraps: tuple[WrapFixity, ...]
    retry_of: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What the commit gave the letter."""

    receipt: int
    year: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewQuarantine:
    """Everything a quarantined file's commit needs."""

    document_id: str
    received_at: datetime
    filed_at: datetime
    size_bytes: int
    mark: bytes
    parts: tuple[StoredPart, ...]
    wraps: tuple[WrapFixity, ...]
    retry_of: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterRow:
    """A letter in the catalogue."""

    document_id: str
    receipt: int
    compartment: str
    year: int
    number: int
    record_class: str
    retention: str
    stage: Stage
    received_on: date
    filed_at: datetime
    event_on: date
    text_version: int
    mark: bytes
    duplicate_of: str | None
    pages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineRow:
    """A quarantined file in the catalogue."""

    document_id: str
    year: int
    number: int
    stage: Stage
    received_at: datetime
    filed_at: datetime
    size_bytes: int
    mark: bytes
    claim: str | None
    """Id of the claim under which it is being taken in again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRow:
    """A backup that the vault knows of."""

    target_id: str
    path: Path
    generation: int
    """The newest."""
    made_at: datetime
    """When that was made."""
    readable_until: date
    """The last day on which that generation's keys are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A new version of what is known of a letter; its text part and wraps are durable already."""

    document_id: str
    compartment: str
    record_class: str
    retention: str
    stage: Stage
    event_on: date
    text: StoredPart
    wraps: tuple[WrapFixity, ...]
    mark: bytes
    duplicate_of: str | None
    details: dict[str, Any]
    """For the log, sealed there."""


class Catalogue:
    """One open catalogue."""

    def __init__(self, database: Database) -> None:
        self._db = database

    @classmethod
    def create(cls, database: Database) -> "Catalogue":
        """Make the tables of an empty database."""
        with database.transaction():
            database.run_script(SCHEMA)
        return cls(database)

    @staticmethod
    def upgrade(database: Database) -> list[str]:
        """Add what a catalogue of an earlier version lacks; returns what was added."""
        return database.add_missing(SCHEMA, ADDED)

    def is_outdated(self) -> bool:
        """Whether an earlier version of the program made it."""
        return bool(self._db.lacks(ADDED))

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def by_number(self, compartment: str, year: int, number: int) -> LetterRow | None:
        """The letter with this number in a compartment's series, moved ones included; or None."""
        values = (compartment, year, number)
        found = list(self._letters("WHERE compartment = ? AND year = ? AND number = ?", values))
        if found:
            return found[0]
        sql = "SELECT document FROM moved WHERE compartment = ? AND year = ? AND number = ?"
        moved: str | None = self._db.value(sql, values)
        return None if moved is None else self.letter(moved)

    def wraps_of(self, document_id: str) -> list[WrapFixity]:
        """Fixity of a document's wraps."""
        sql = "SELECT part_set, version, scope, epoch, sha256 FROM wraps WHERE document = ?"
        return [
            WrapFixity(part_set=part_set, version=version, scope_id=scope, epoch=epoch, sha256=sha256)
            for part_set, version, scope, epoch, sha256 in self._db.rows(sql, (document_id,))
        ]

    def commit_revision(self, revision: Revision, by: str, at: datetime, kind: str, of: str) -> Numbers:
        """The commit point of a decision, correction or move: new text, perhaps a new place and number.

        `of` is the id of the statement that it follows from.
        """
        old = self.letter(revision.document_id)
        assert old is not None
        if old.stage is not revision.stage:
            require_step(old.stage, revision.stage)
        year, number = old.year, old.number
        with self._db.transaction():
            if revision.compartment != old.compartment:
                values = (old.compartment, old.year, old.number, old.document_id, at.isoformat())
                self._db.run("INSERT INTO moved VALUES (?, ?, ?, ?, ?)", values)
                number = self._next(revision.compartment, year)
            self._db.run(
                "UPDATE documents SET compartment = ?, number = ?, class = ?, retention = ?, stage = ?, event_on = ?,"
                " text_version = ?, mark = ?, duplicate_of = ? WHERE document = ?",
                (
                    revision.compartment,
                    number,
                    revision.record_class,
                    revision.retention,
                    revision.stage.value,
                    revision.event_on.isoformat(),
                    revision.text.name.version,
                    revision.mark,
                    revision.duplicate_of,
                    revision.document_id,
                ),
            )
            self._db.run("DELETE FROM parts WHERE document = ? AND part = ?", (revision.document_id, Part.TEXT.value))
            self._db.run("DELETE FROM wraps WHERE document = ?", (revision.document_id,))
            self._add_fixity(revision.document_id, [revision.text], revision.wraps)
            place = [revision.compartment, year, number]
            self._post(kind, by, at, {"document": old.document_id, "place": place, **revision.details}, of)
        return Numbers(receipt=old.receipt, year=year, number=number)

    # Commit points ----------------------------------------------------------------------------------------

    def commit_letter(self, letter: NewLetter, by: str) -> Numbers:
        """The commit point: numbers, row, part and wrap fixity and the log entry, in one transaction."""
        with self._db.transaction():
            receipt = self._next(RECEIPTS, 0)
            number = self._next(letter.compartment, letter.received_on.year)
            self._db.run(
                "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, ?, ?)",
                (
                    letter.document_id,
                    receipt,
                    letter.compartment,
                    letter.received_on.year,
                    number,
                    letter.record_class,
                    letter.retention,
                    letter.stage.value,
                    letter.received_on.isoformat(),
                    letter.filed_at.isoformat(),
                    letter.event_on.isoformat(),
                    letter.text_version,
                    letter.mark,
                    letter.duplicate_of,
                    letter.pages,
                ),
            )
            self._add_fixity(letter.document_id, letter.parts, letter.wraps)
            self._settle_retry(letter.retry_of)
            # With its place, so that a catalogue that was lost can be made again from the log.
            place = [letter.compartment, letter.received_on.year, number]
            details = {"document": letter.document_id, "receipt": receipt, "class": letter.record_class, "place": place}
            self._post("filed", by, letter.filed_at, details)
        return Numbers(receipt=receipt, year=letter.received_on.year, number=number)

    def commit_quarantine(self, item: NewQuarantine, by: str) -> Numbers:
        """The commit point of a file that could not be taken in."""
        with self._db.transaction():
            year = item.filed_at.astimezone().year  # as people there count it, and as letters are numbered
            number = self._next(QUARANTINE_SERIES, year)
            self._db.run(
                "INSERT INTO quarantine VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)",
                (
                    item.document_id,
                    year,
                    number,
                    Stage.QUARANTINED.value,
                    item.received_at.isoformat(),
                    item.filed_at.isoformat(),
                    item.size_bytes,
                    item.mark,
                ),
            )
            self._add_fixity(item.document_id, item.parts, item.wraps)
            self._settle_retry(item.retry_of)
            self._post("quarantined", by, item.filed_at, {"document": item.document_id, "number": number})
        return Numbers(receipt=0, year=year, number=number)

    def _next(self, series: str, year: int) -> int:
        self._db.run("INSERT OR IGNORE INTO series VALUES (?, ?, 0)", (series, year))
        self._db.run("UPDATE series SET last = last + 1 WHERE name = ? AND year = ?", (series, year))
        return int(self._db.value("SELECT last FROM series WHERE name = ? AND year = ?", (series, year)))

    def _add_fixity(self, document_id: str, parts: Sequence[StoredPart], wraps: Sequence[WrapFixity]) -> None:
        self._db.run_many(
            "INSERT INTO parts VALUES (?, ?, ?, ?, ?)",
            [(document_id, p.name.part.value, p.name.version, p.sha256, p.size_bytes) for p in parts],
        )
        self._db.run_many(
            "INSERT INTO wraps VALUES (?, ?, ?, ?, ?, ?)",
            [(document_id, w.part_set, w.version, w.scope_id, w.epoch, w.sha256) for w in wraps],
        )

    def _post(self, kind: str, by: str, at: datetime, details: dict[str, Any], of: str | None = None) -> None:
        Ledger(self._db).post(kind, by, at, details, of)

    # Outbox -----------------------------------------------------------------------------------------------

    def outbox(self) -> list[Entry]:
        """Log entries of committed changes that may not be in the log yet, oldest first."""
        return [
            _outbox_entry(number, json.loads(entry))
            for number, entry in self._db.rows("SELECT id, entry FROM outbox ORDER BY id")
        ]

    def last_outbox(self) -> int:
        """Number of the last entry that was ever put in, whether it is still there or not."""
        return int(self._db.value("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'") or 0)

    def clear_outbox(self, up_to: int) -> None:
        """Forget entries that are in the log."""
        with self._db.transaction():
            self._db.run("DELETE FROM outbox WHERE id <= ?", (up_to,))

    # Letters ----------------------------------------------------------------------------------------------

    def letter(self, document_id: str) -> LetterRow | None:
        """One letter, or None."""
        return next(iter(list(self._letters("WHERE document = ?", (document_id,)))), None)

    def letters(self) -> Iterator[LetterRow]:
        """All letters in the order they were filed."""
        return self._letters("ORDER BY receipt")

    def _letters(self, rest: str, bindings: Sequence[Any] = ()) -> Iterator[LetterRow]:
        for row in self._db.rows(
            "SELECT document, receipt, compartment, year, number, class, retention, stage, received_on, filed_at,"
            f" event_on, text_version, mark, duplicate_of, pages FROM documents {rest}",
            bindings,
        ):
            yield LetterRow(
                document_id=row[0],
                receipt=row[1],
                compartment=row[2],
                year=row[3],
                number=row[4],
                record_class=row[5],
                retention=row[6],
                stage=Stage(row[7]),
                received_on=date.fromisoformat(row[8]),
                filed_at=datetime.fromisoformat(row[9]),
                event_on=date.fromisoformat(row[10]),
                text_version=row[11],
                mark=row[12],
                duplicate_of=row[13],
                pages=row[14],
            )

    def last_filed_at(self) -> datetime | None:
        """When the last letter was filed."""
        found: str | None = self._db.value("SELECT max(filed_at) FROM documents")
        return None if found is None else datetime.fromisoformat(found)

    def first_with_mark(self, compartment: str, mark: bytes) -> str | None:
        """The first letter of a compartment with this content, or None."""
        found: str | None = self._db.value(
            "SELECT document FROM documents WHERE compartment = ? AND mark = ? ORDER BY receipt LIMIT 1",
            (compartment, mark),
        )
        return found

    # Quarantine -------------------------------------------------------------------------------------------

    def quarantined(self, document_id: str) -> QuarantineRow | None:
        """One quarantined file, whatever became of it."""
        return next(iter(list(self._quarantine("WHERE document = ?", (document_id,)))), None)

    def quarantine(self) -> list[QuarantineRow]:
        """Files that are in quarantine now."""
        return list(self._quarantine("WHERE stage = ? ORDER BY year, number", (Stage.QUARANTINED.value,)))

    def all_quarantine(self) -> Iterator[QuarantineRow]:
        """Every row, past ones included: their numbers stay taken."""
        return self._quarantine("ORDER BY year, number")

    def _quarantine(self, rest: str, bindings: Sequence[Any] = ()) -> Iterator[QuarantineRow]:
        for row in self._db.rows(
            "SELECT document, year, number, stage, received_at, filed_at, size_bytes, mark, claim"
            f" FROM quarantine {rest}",
            bindings,
        ):
            yield QuarantineRow(
                document_id=row[0],
                year=row[1],
                number=row[2],
                stage=Stage(row[3]),
                received_at=datetime.fromisoformat(row[4]),
                filed_at=datetime.fromisoformat(row[5]),
                size_bytes=row[6],
                mark=row[7],
                claim=row[8],
            )

    def begin_retry(self, document_id: str, claim: str) -> None:
        """Note under which claim a quarantined file is taken in again, before that claim exists."""
        with self._db.transaction():
            self._db.run("UPDATE quarantine SET claim = ? WHERE document = ?", (claim, document_id))

    def retry_of(self, claim: str) -> str | None:
        """The quarantined file that a claim is a copy of, or None."""
        found: str | None = self._db.value(
            "SELECT document FROM quarantine WHERE claim = ? AND stage = ?", (claim, Stage.QUARANTINED.value)
        )
        return found

    def end_retry(self, document_id: str) -> None:
        """A quarantined file was taken in again under other ids than its claim's: a stack, cut into letters."""
        with self._db.transaction():
            self._settle_retry(document_id)

    def _settle_retry(self, document_id: str | None) -> None:
        if document_id is not None:
            self._leave_quarantine(document_id, Stage.RETRIED)

    def discard(self, document_id: str, by: str, at: datetime, statement: dict[str, Any]) -> None:
        """Mark a quarantined file as discarded; its keys and parts are destroyed by the caller afterwards."""
        with self._db.transaction():
            self._leave_quarantine(document_id, Stage.DISCARDED)
            Ledger(self._db).owe_proof()
            self._post("quarantine-discarded", by, at, statement)

    def _leave_quarantine(self, document_id: str, stage: Stage) -> None:
        old = self._db.value("SELECT stage FROM quarantine WHERE document = ?", (document_id,))
        require_step(Stage(old), stage)
        self._db.run("UPDATE quarantine SET stage = ?, mark = x'' WHERE document = ?", (stage.value, document_id))
        # Its fixity goes with it: verify must not miss parts that are meant to be gone.
        self._db.run("DELETE FROM parts WHERE document = ?", (document_id,))
        self._db.run("DELETE FROM wraps WHERE document = ?", (document_id,))

    # Backups ----------------------------------------------------------------------------------------------

    def targets(self) -> list[TargetRow]:
        """Every backup that the vault knows of."""
        sql = "SELECT target, path, generation, made_at, readable_until FROM targets ORDER BY made_at"
        return [
            TargetRow(
                target_id=target,
                path=Path(path),
                generation=generation,
                made_at=datetime.fromisoformat(made_at),
                readable_until=date.fromisoformat(until),
            )
            for target, path, generation, made_at, until in self._db.rows(sql)
        ]

    def add_target(self, row: TargetRow, by: str, details: dict[str, Any] | None) -> None:
        """Remember a backup, with the log entry of the generation that was made, if one was."""
        with self._db.transaction():
            values = (row.target_id, str(row.path), row.generation, row.made_at.isoformat())
            self._db.run(
                "INSERT OR REPLACE INTO targets VALUES (?, ?, ?, ?, ?)", (*values, row.readable_until.isoformat())
            )
            if details is not None:
                self._post("backup", by, row.made_at, details)

    def forget_target(self, target_id: str, statement: Statement) -> None:
        """Strike a backup off the list, as somebody signed it."""
        with self._db.transaction():
            self._db.run("DELETE FROM targets WHERE target = ?", (target_id,))
            Ledger(self._db).add_statement(statement)
            details = {"target": target_id, "reason": statement.body["reason"]}
            self._post("backup-forgotten", statement.person_id, statement.made_at, details, statement.statement_id)

    # Fixity -----------------------------------------------------------------------------------------------

    def parts(self, document_id: str | None = None) -> Iterator[StoredPart]:
        """Fixity of the parts of one document, or of all."""
        where, bindings = ("", ()) if document_id is None else ("WHERE document = ?", (document_id,))
        sql = f"SELECT document, part, version, sha256, size_bytes FROM parts {where} ORDER BY 1, 2, 3"
        for document, part, version, sha256, size in self._db.rows(sql, bindings):
            name = PartName(document_id=document, part=Part(part), version=version)
            yield StoredPart(name=name, sha256=sha256, size_bytes=size)

    def wraps(self) -> Iterator[tuple[str, WrapFixity]]:
        """(document id, fixity) of every wrap."""
        sql = "SELECT document, part_set, version, scope, epoch, sha256 FROM wraps ORDER BY document, part_set"
        for document, part_set, version, scope, epoch, sha256 in self._db.rows(sql):
            fixity = WrapFixity(part_set=part_set, version=version, scope_id=scope, epoch=epoch, sha256=sha256)
            yield document, fixity

    def gone(self) -> list[str]:
        """Documents that left for good: whatever of them is still found is to be removed."""
        stages = (Stage.DISCARDED.value, Stage.RETRIED.value)
        return [r[0] for r in self._db.rows("SELECT document FROM quarantine WHERE stage IN (?, ?)", stages)]

    def series_gaps(self) -> list[str]:
        """Series whose numbers are not 1, 2, 3 … without a gap, as sentences."""
        found = []
        for name, year, last in self._db.rows("SELECT name, year, last FROM series ORDER BY name, year"):
            if name == RECEIPTS:
                count = self._db.value("SELECT count(*) FROM documents")
            elif name == QUARANTINE_SERIES:
                count = self._db.value("SELECT count(*) FROM quarantine WHERE year = ?", (year,))
            else:
                sql = (
                    "SELECT (SELECT count(*) FROM documents WHERE compartment = ?1 AND year = ?2)"
                    " + (SELECT count(*) FROM moved WHERE compartment = ?1 AND year = ?2)"
                )
                count = self._db.value(sql, (name, year))
            gaps = "SELECT coalesce(sum(last - first + 1), 0) FROM gaps WHERE series = ? AND year = ?"
            count += self._db.value(gaps, (name, year))
            if count != last:
                found.append(f"the series {name} {year or ''} counts {last} but holds {count}")
        return found

    def problems(self) -> list[str]:
        """What the database's own check finds."""
        return self._db.problems()

    def copy_to(self, path: Path, disk: Disk, key: bytes) -> None:
        """Write a consistent copy, under the same key, as one new file; others go on working meanwhile."""
        with open_database(path, disk, key=key, create=True) as copy:
            self._db.copy_to(copy)
            copy.truncate_log()

    def settle(self) -> bool:
        """Empty the write-ahead log; False while another reader keeps it."""
        return self._db.truncate_log()


def _outbox_entry(number: int, value: dict[str, Any]) -> Entry:
    return Entry(
        kind=value["kind"],
        by=value["by"],
        at=datetime.fromisoformat(value["at"]),
        details=value["details"],
        outbox=number,
        of=value.get("of"),
    )
