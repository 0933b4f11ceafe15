"""Rebuilding the catalogue after it was lost: from the key store, the sealed parts, the log, and what is left of it.

| of a letter | comes from |
|---|---|
| that it is there, number, compartment, stage, text version | the register of the key store |
| class, dates, duplicate, pages | its text part |
| receipt number, time of filing, numbers it had before a move | the log, else the old catalogue |
| duplicate mark | its original, under the service's key |
| fixity of parts and wraps | parts and wraps that open; those that do not stay on record as damaged |

A letter that is not in the register is never brought back; its row and number come from the log, so that no
number is given twice. Holds and events come from the old catalogue where it can still be read, else from the log:
a hold from the log stands without its signed statement, and stops disposition all the same. Of restrictions the log
holds the statements whole. Plans and requests of data subjects come from the old catalogue only, plans only if all that
was decided on them is there.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise
from typing import Any, TypeVar

from archive.catalogue import QUARANTINE_SERIES, RECEIPTS
from archive.keystore import LETTER, DocumentWrap, KeyStore, Registered
from archive.objects import ObjectStore, PartName, fixity
from archive.reading import Reading
from archive.retention import document_day
from archive.textpart import LetterText
from poststelle.access.audit import Entry
from poststelle.access.database import Database, Row
from poststelle.access.keybook import KeyBook
from poststelle.access.sealing import duplicate_mark
from poststelle.errors import Damaged, NotPermitted, PoststelleError
from poststelle.records import Part, Problem
from poststelle.stages import Stage

UNKNOWN = "unknown"
"""Stands in place of a hash that cannot be vouched for: `verify` keeps naming that part or key."""
SALVAGED = (
    "documents", "quarantine", "moved", "events", "statements", "holds", "plans", "planned", "disposals", "gaps",
    "targets",
)  # fmt: skip

Progress = Callable[[int, int], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Salvage:
    """What could be read of the old catalogue."""

    tables: Mapping[str, Sequence[Row]]
    """Rows by table, as far as they were readable."""
    cut: frozenset[str]
    """Tables of which not everything was readable."""


def salvage(old: Database | None) -> Salvage:
    """Read what can be read; a page that does not authenticate ends its table."""
    tables: dict[str, list[Row]] = {}
    cut: set[str] = set()
    for table in SALVAGED:
        rows = tables.setdefault(table, [])
        try:
            if old is None:
                raise Damaged("there is nothing")
            rows.extend(old.rows(f"SELECT * FROM {table}"))
        except PoststelleError:
            cut.add(table)
    return Salvage(tables=tables, cut=frozenset(cut))


@dataclass(slots=True, kw_only=True)
class Rebuilding:
    """Fills an empty catalogue. `reading` must be able to open every compartment."""

    database: Database
    reading: Reading
    keys: KeyStore
    objects: ObjectStore
    book: KeyBook
    log: Sequence[Entry]
    """Entries that came from the catalogue (they have an outbox number), oldest first."""
    salvage: Salvage
    duplicate_seed: bytes | None
    """The service's; without it old letters are not recognised when they come again."""
    problems: list[Problem] = field(default_factory=list)
    _last: dict[tuple[str, int], int] = field(default_factory=dict)
    _filed: dict[str, Entry] = field(init=False)
    _damaged: set[tuple[str, Part]] = field(default_factory=set)
    """(document, part) of what does not open."""

    def __post_init__(self) -> None:
        self._filed = {entry.details["document"]: entry for entry in self._entries("filed")}

    def rebuild(self, progress: Progress) -> int:
        """Everything in one transaction; returns the number of letters."""
        registered = list(self.keys.all_registered())
        letters = [r for r in registered if r.kind == LETTER]
        with self.database.transaction():
            receipts = self._receipts(letters)
            for number, letter in enumerate(letters, 1):
                self._letter(letter, receipts[letter.document_id])
                progress(number, len(letters))
            self._quarantine([r for r in registered if r.kind != LETTER])
            self._gone({r.document_id for r in registered})
            self._decisions()
            self._series()
            self._outbox()
        return len(letters)

    def _report(self, code: str, name: str, message: str) -> None:
        self.problems.append(Problem(code=code, id=name, message=message))

    def _entries(self, kind: str) -> Iterable[Entry]:
        return (entry for entry in self.log if entry.kind == kind)

    # Letters ------------------------------------------------------------------------------------------------

    def _receipts(self, letters: Sequence[Registered]) -> dict[str, int]:
        """Receipt numbers; a letter that neither log nor old catalogue knows gets the next free one."""
        known = {row[0]: int(row[1]) for row in self.salvage.tables["documents"]}
        known |= {document: int(entry.details["receipt"]) for document, entry in self._filed.items()}
        last = max(known.values(), default=0)
        for letter in letters:
            if letter.document_id not in known:
                last += 1
                known[letter.document_id] = last
                message = f"Its receipt number is not known; it was given the next one, {last}."
                self._report("A021", letter.document_id, message)
        self._last[RECEIPTS, 0] = last
        return known

    def _letter(self, letter: Registered, receipt: int) -> None:
        document_id = letter.document_id
        compartment = (self.book.scope_of(letter.scope_id) or "").removeprefix("index:")
        text = self._text(letter)
        original = self._original(letter)
        filed = self._filed.get(document_id)
        record_class = self._class(letter, compartment, text, filed)
        received_on, filed_at, event_on = _days(letter, text, filed)
        mark = secrets.token_bytes(32)
        if original is not None and self.duplicate_seed is not None:
            mark = duplicate_mark(self.duplicate_seed, compartment, [original])
        self.database.run(
            "INSERT INTO documents(document, receipt, compartment, year, number, class, retention, stage, received_on,"
            " filed_at, event_on, due_on, text_version, mark, duplicate_of, pages)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, ?, ?)",
            (
                document_id,
                receipt,
                compartment,
                letter.year,
                letter.number,
                record_class,
                self.book.office["classes"][record_class]["retention"],
                letter.stage.value,
                received_on.isoformat(),
                filed_at.isoformat(),
                event_on.isoformat(),
                letter.text_version,
                mark,
                None if text is None else text.duplicate_of,
                0 if text is None else len(text.classified.document.pages),
            ),
        )
        self._count(compartment, letter.year, letter.number)
        self._fixity(letter)

    def _text(self, letter: Registered) -> LetterText | None:
        return self._opened(letter, Part.TEXT, self.reading.text)

    def _original(self, letter: Registered) -> bytes | None:
        return self._opened(letter, Part.ORIGINAL, self.reading.original)

    def _opened(self, letter: Registered, part: Part, read: Callable[[Registered], T]) -> T | None:
        try:
            return read(letter)
        except PoststelleError as err:
            self._report(err.code, letter.document_id, str(err))
            if isinstance(err, Damaged):
                self._damaged.add((letter.document_id, part))
            return None

    def _class(self, letter: Registered, compartment: str, text: LetterText | None, filed: Entry | None) -> str:
        classes: dict[str, Any] = self.book.office["classes"]
        named = text.classified.record_class if text else str(filed.details["class"]) if filed else ""
        if named in classes:
            return named
        # Nobody can say what it is: it is kept as long as anything of its compartment is.
        lines = self.book.office["retention"]
        here = [c for c, v in classes.items() if v["compartment"] == compartment] or list(classes)
        longest = max(here, key=lambda code: int(lines[classes[code]["retention"]].get("years") or 0))
        message = f"Its class is not known; it is kept like {longest}. Decide with `poststelle reclassify`."
        self._report("A022", letter.document_id, message)
        return longest

    def _fixity(self, letter: Registered) -> None:
        """Hashes of what is there; what does not open, or is missing, stays on record as damaged."""
        document_id = letter.document_id
        stored = {_parsed(name) for name in self.objects.names_of(document_id)}
        wanted = {(Part.TEXT, letter.text_version), (Part.ORIGINAL, 1)}
        if (Part.RENDITION, 1) in stored:
            wanted.add((Part.RENDITION, 1))
            self._opened(letter, Part.RENDITION, self.reading.rendition)
        for part, version in wanted:
            sha256, size = UNKNOWN, 0
            if (part, version) in stored and (document_id, part) not in self._damaged:
                found = fixity(self.objects, PartName(document_id=document_id, part=part, version=version))
                sha256, size = found.sha256, found.size_bytes
            self._insert_row("parts", (document_id, part.value, version, sha256, size))
        for wrap in self.keys.wraps_of(document_id):
            sha256 = wrap.sha256 if self._unwraps(wrap) else UNKNOWN
            self._insert_row("wraps", (document_id, wrap.part_set, wrap.version, wrap.scope_id, wrap.epoch, sha256))

    def _unwraps(self, wrap: DocumentWrap) -> bool:
        try:
            self.reading.unwrap(wrap)
        except Damaged:
            return False  # the part it is for was reported already
        except NotPermitted:
            return True  # not for this identity to say
        return True

    # Quarantine -----------------------------------------------------------------------------------------------

    def _quarantine(self, present: Sequence[Registered]) -> None:
        logged = {e.details["document"]: e for e in self._entries("quarantined")}
        discarded = {e.details["document"] for e in self._entries("quarantine-discarded")}
        for item in present:
            entry = logged.pop(item.document_id, None)
            self._quarantined(item, entry)
        salvaged = {row[0]: row for row in self.salvage.tables["quarantine"]}
        for item in present:
            salvaged.pop(item.document_id, None)
        for row in salvaged.values():
            logged.pop(row[0], None)
            self._insert_row("quarantine", row)
            self._count(QUARANTINE_SERIES, int(row[1]), int(row[2]))
        for document_id, entry in logged.items():
            # It left by one of the two ways there are; of its content nothing was kept.
            stage = Stage.DISCARDED if document_id in discarded else Stage.RETRIED
            self._quarantine_row(
                document_id, entry.at.year, int(entry.details["number"]), stage, entry.at, entry.at, 0, b""
            )

    def _quarantined(self, item: Registered, entry: Entry | None) -> None:
        original = self._original(item)
        text = self._opened(item, Part.TEXT, self.reading.quarantine_text)
        received_at, size = (text.file.received_at, text.file.size_bytes) if text else (None, 0)
        mark = secrets.token_bytes(32)
        if original is not None and self.duplicate_seed is not None:
            mark = duplicate_mark(self.duplicate_seed, "unsorted", [original])
        at = entry.at if entry else received_at or datetime.fromisoformat(f"{item.year}-01-01T00:00:00+00:00")
        self._quarantine_row(item.document_id, item.year, item.number, item.stage, received_at or at, at, size, mark)
        self._fixity(item)

    def _quarantine_row(
        self,
        document_id: str,
        year: int,
        number: int,
        stage: Stage,
        received_at: datetime,
        filed_at: datetime,
        size_bytes: int,
        mark: bytes,
    ) -> None:
        values = (
            document_id,
            year,
            number,
            stage.value,
            received_at.isoformat(),
            filed_at.isoformat(),
            size_bytes,
            mark,
        )
        self._insert_row("quarantine", (*values, None))
        self._count(QUARANTINE_SERIES, year, number)

    # What is no longer there, what people decided, numbers ----------------------------------------------------

    def _gone(self, present: set[str]) -> None:
        """Rows of letters that are no longer there, and of numbers that letters had before they were moved."""
        for row in self.salvage.tables["documents"]:
            if row[0] not in present and Stage(row[7]) in (Stage.DISPOSING, Stage.DISPOSED):
                self._insert_row("documents", row)
                self._count(row[2], int(row[3]), int(row[4]))
                present.add(row[0])
        disposed = {d: e for e in self._entries("disposed") for d in e.details["documents"]}
        for document_id, places in self._places().items():
            for (place, _), (_, left_at) in pairwise(places):
                self._moved(document_id, place, left_at)
            if document_id not in present and document_id in self._filed:
                self._tombstone(document_id, self._filed[document_id], places[-1][0], disposed.get(document_id))

    def _places(self) -> dict[str, list[tuple[tuple[str, int, int], datetime]]]:
        """(compartment, year, number) of each letter over time; a correction that moves nothing adds nothing."""
        found: dict[str, list[tuple[tuple[str, int, int], datetime]]] = {}
        for entry in self.log:
            if (place := entry.details.get("place")) is not None:
                compartment, year, number = place
                places = found.setdefault(entry.details["document"], [])
                if not places or places[-1][0] != (compartment, year, number):
                    places.append(((compartment, int(year), int(number)), entry.at))
        return found

    def _moved(self, document_id: str, place: tuple[str, int, int], at: datetime) -> None:
        self._insert_row("moved", (*place, document_id, at.isoformat()))
        self._count(*place)

    def _tombstone(self, document_id: str, filed: Entry, place: tuple[str, int, int], disposed: Entry | None) -> None:
        compartment, year, number = place
        day = filed.at.date().isoformat()
        record_class = filed.details["class"]
        retention = self.book.office["classes"].get(record_class, {}).get("retention", "")
        values = (document_id, filed.details["receipt"], compartment, year, number, record_class, retention)
        rest = (Stage.DISPOSED.value, day, filed.at.isoformat(), day, None, 1, b"", None, 0)
        self._insert_row("documents", (*values, *rest))
        self._count(compartment, year, number)
        if disposed is None:
            message = (
                "It stands in the log, but its keys are gone: its destruction was not finished, or it was removed."
            )
            self._report("A023", document_id, message)
        else:
            at, certificate = disposed.at.isoformat(), disposed.details["certificate"]
            self._insert_row("disposals", (document_id, "", b"", at, certificate))

    def _decisions(self) -> None:
        rescued = self.salvage
        # What speaks against a plan may be among what is lost: then none is carried out.
        plans_lost = bool({"plans", "planned", "statements"} & rescued.cut)
        for table in ("moved", "statements", "plans", "planned", "disposals", "events", "holds", "gaps", "targets"):
            for row in () if plans_lost and table in ("plans", "planned") else rescued.tables[table]:
                self._insert_row(table, row)
        for compartment, year, number, *_ in rescued.tables["moved"]:
            self._count(compartment, int(year), int(number))
        self._gaps()
        if "events" in rescued.cut:
            for entry in self._entries("event-set"):
                values = tuple(entry.details[name] for name in ("document", "event", "day"))
                self.database.run("INSERT OR REPLACE INTO events(document, event, day) VALUES (?, ?, ?)", values)
        if {"holds", "statements"} & rescued.cut:
            self._holds()
        if "statements" in rescued.cut:
            self._restrictions()
            self._requests()
        if plans_lost and any(self._entries("purge-planned")):
            message = "Disposition plans and their releases are lost: draw them up again with `poststelle purge plan`."
            self._report("A025", "plans", message)

    def _gaps(self) -> None:
        """Numbers that a restore left out stay left out."""
        for entry in self._entries("restored"):
            for series, year, first, last in entry.details["gaps"]:
                self._insert_row("gaps", (series, year, first, last, entry.details["statement"]))
        for series, year, last in list(self.database.rows("SELECT series, year, last FROM gaps")):
            self._count(series, int(year), int(last))

    def _holds(self) -> None:
        """Holds that the log knows: in force without their statement, until somebody lifts them."""
        lifted = {e.details["hold"] for e in self._entries("hold-lifted")}
        signed = {row[0] for row in self.salvage.tables["statements"]}
        for entry in self._entries("hold-placed"):
            hold = entry.details["hold"]
            if hold in lifted:
                self.database.run("DELETE FROM holds WHERE hold = ?", (hold,))
                continue
            for document in entry.details["documents"]:
                self._insert_row("holds", (hold, document, None))
            if hold not in signed:
                letters = len(entry.details["documents"])
                message = (
                    f"A hold on {letters} letters is in force again, but its signed statement is lost. "
                    f"Its reason was: {entry.details['reason']}. Place it again, then lift this one."
                )
                self._report("A024", hold, message)

    def _restrictions(self) -> None:
        """The log holds the whole statements; whoever reads them checks their signatures."""
        for kind in ("restrict-place", "restrict-lift"):
            for entry in self._entries(kind):
                line = str(entry.details["statement"]).encode()
                name = hashlib.sha256(line).hexdigest()
                self._insert_row("statements", (name, kind, entry.by, entry.at.isoformat(), line))

    def _requests(self) -> None:
        """Requests of data subjects: the log knows that they are open, not the sealed statements."""
        signed = {row[0] for row in self.salvage.tables["statements"]}
        # Older logs say subject-close.
        closed = {e.details["request"] for kind in ("subject-close", "subject-closed") for e in self._entries(kind)}
        for entry in self._entries("subject-request"):
            request = entry.details["request"]
            if request not in signed | closed:
                asked, day = entry.details["of"], f"{entry.at:%Y-%m-%d}"
                message = (
                    f"A request of a data subject ({asked}, registered on {day}) is open, but its signed statement is "
                    "lost. Register it again with --received-on; "
                    f"`poststelle audit show --from {day} --kind subject-{asked}` says whom it is about."
                )
                self._report("A027", request, message)

    def _series(self) -> None:
        for (name, year), last in self._last.items():
            self.database.run("INSERT INTO series(name, year, last) VALUES (?, ?, ?)", (name, year, last))

    def _outbox(self) -> None:
        """Numbers go on after the log's last: the log would take entries with lower ones for old and skip them."""
        last = max((e.outbox or 0 for e in self.log), default=0)
        if last > 0:
            # The counter of an AUTOINCREMENT column remembers the highest id that ever was.
            self.database.run("INSERT INTO outbox(id, entry) VALUES (?, '')", (last,))
            self.database.run("DELETE FROM outbox")

    def _count(self, series: str, year: int, number: int) -> None:
        self._last[series, year] = max(number, self._last.get((series, year), 0))

    def _insert_row(self, table: str, row: Row) -> None:
        marks = ", ".join("?" * len(row))
        self.database.run(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", row)


def _days(letter: Registered, text: LetterText | None, filed: Entry | None) -> tuple[date, datetime, date]:
    """(received on, filed at, event on); where nothing tells, the last day that its number allows."""
    if text is None:
        filed_at = filed.at if filed else datetime.fromisoformat(f"{letter.year}-12-31T00:00:00+00:00")
        # The number's year is that of receipt. The end of it may lengthen a period, never shorten it.
        received_on = date(letter.year, 12, 31)
        return received_on, filed_at, max(received_on, filed_at.date())
    filed_at = filed.at if filed else text.classified.document.file.received_at
    dated = text.classified.fact("date")
    event_on = document_day(text.received_on, date.fromisoformat(dated.value) if dated else None)
    return text.received_on, filed_at, event_on


def _parsed(name: str) -> tuple[Part | None, int]:
    """(part, version) of a sealed file's name; None for a file that is not ours."""
    _, _, rest = name.partition(".")
    part, _, version = rest.partition(".")
    known = part in {p.value for p in Part} and version.isdigit()
    return (Part(part), int(version)) if known else (None, 0)
