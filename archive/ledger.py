"""The ledger: the part of the catalogue that says what people decided — events, holds, plans, releases, disposals.

Every row that somebody may be held to names the signed statement it follows from; readers check that
statement before they act on the row. Lives in the catalogue's database and its transactions.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from poststelle.access.database import Database
from poststelle.access.statements import Statement
from poststelle.anyof import AnyOf
from poststelle.stages import Stage, require_step


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedItem:
    """A letter in a plan, and what was true of it when the plan was made."""

    document_id: str
    due_on: date
    fingerprint: str
    """Hash of class, retention line, compartment, events and version: changes with any of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow:
    """A disposition plan."""

    plan_id: str
    """Id of the statement that made it."""
    as_of: date
    made_at: datetime
    made_by: str
    released: str | None
    """Id of the release, if a second person released it."""
    finished: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRow:
    """A legal hold: the statement that placed it, and the letters it is on."""

    hold_id: str
    documents: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DisposalRow:
    """A letter whose disposition has begun."""

    document_id: str
    plan_id: str
    windows: bytes
    """Pieces of the destroyed wraps, 16 bytes each: what the byte scan must not find any more."""
    disposed_at: datetime | None
    certificate: str | None


class Ledger:
    """One vault's ledger."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def transaction(self) -> AbstractContextManager[None]:
        """Several changes as one; see Database.transaction."""
        return self._db.transaction()

    # Statements ---------------------------------------------------------------------------------------------

    def add_statement(self, statement: Statement) -> None:
        """Keep a statement; inside a transaction of the caller."""
        self._db.run(
            "INSERT INTO statements VALUES (?, ?, ?, ?, ?)",
            (
                statement.statement_id,
                statement.kind,
                statement.person_id,
                statement.made_at.isoformat(),
                statement.line,
            ),
        )

    def statement_line(self, statement_id: str) -> bytes | None:
        """The signed line of a statement, unchecked."""
        line: bytes | None = self._db.value("SELECT line FROM statements WHERE statement = ?", (statement_id,))
        return line

    def lines_of(self, kind: str, mentioning: str) -> list[bytes]:
        """The signed lines of a kind that contain a word, unchecked, oldest first."""
        sql = "SELECT line FROM statements WHERE kind = ? AND instr(line, CAST(? AS BLOB)) > 0 ORDER BY made_at"
        return [bytes(row[0]) for row in self._db.rows(sql, (kind, mentioning))]

    def statement_lines(self, kind: str) -> list[bytes]:
        """The signed lines of all statements of a kind, unchecked, oldest first."""
        sql = "SELECT line FROM statements WHERE kind = ? ORDER BY made_at"
        return [line for (line,) in self._db.rows(sql, (kind,))]

    def statements_of(self, kinds: Collection[str]) -> Iterator[tuple[str, str, bytes]]:
        """(id, kind, signed line) of all statements of some kinds, unchecked."""
        marks = ", ".join("?" * len(kinds))
        # Cast, for a hand may have written a line as text.
        sql = f"SELECT statement, kind, CAST(line AS BLOB) FROM statements WHERE kind IN ({marks})"
        yield from self._db.rows(sql, tuple(kinds))

    def post(self, kind: str, by: str, at: datetime, details: Mapping[str, Any], of: str | None = None) -> None:
        """Queue an entry for the audit log; inside a transaction of the caller. `of`: see Entry there."""
        entry = {"kind": kind, "by": by, "at": at.isoformat(), "details": dict(details)}
        self._db.run("INSERT INTO outbox(entry) VALUES (?)", (json.dumps(entry if of is None else entry | {"of": of}),))

    def _follow(self, kind: str, statement: Statement, details: Mapping[str, Any]) -> None:
        self.post(kind, statement.person_id, statement.made_at, details, statement.statement_id)

    def record(self, statement: Statement, details: Mapping[str, Any], entry: str | None = None) -> None:
        """Keep a statement that no row follows from, and log it under its kind, or that of the `entry`."""
        with self._db.transaction():
            self.add_statement(statement)
            self._follow(entry or statement.kind, statement, details)

    # Events -------------------------------------------------------------------------------------------------

    def set_event(self, document_id: str, event: str, day: date, statement: Statement) -> None:
        """Record the day something happened that a retention period starts with."""
        with self._db.transaction():
            self.add_statement(statement)
            self._db.run("INSERT OR REPLACE INTO events VALUES (?, ?, ?)", (document_id, event, day.isoformat()))
            details = {"document": document_id, "event": event, "day": day.isoformat()}
            self._follow("event-set", statement, details)

    def events_of(self, document_id: str) -> dict[str, date]:
        """Days recorded for a letter, by event."""
        rows = self._db.rows("SELECT event, day FROM events WHERE document = ?", (document_id,))
        return {event: date.fromisoformat(day) for event, day in rows}

    def all_events(self) -> dict[str, dict[str, date]]:
        """Recorded days of all letters."""
        found: dict[str, dict[str, date]] = {}
        for document, event, day in self._db.rows("SELECT document, event, day FROM events"):
            found.setdefault(document, {})[event] = date.fromisoformat(day)
        return found

    # Holds --------------------------------------------------------------------------------------------------

    def place_hold(self, statement: Statement, documents: Sequence[str]) -> None:
        """Put a hold on letters; its id is the statement's."""
        with self._db.transaction():
            self.add_statement(statement)
            rows = [(statement.statement_id, document) for document in documents]
            self._db.run_many("INSERT INTO holds VALUES (?, ?, NULL)", rows)
            details = {"hold": statement.statement_id, "documents": list(documents), "reason": statement.body["reason"]}
            self._follow("hold-placed", statement, details)

    def lift_hold(self, hold_id: str, statement: Statement) -> None:
        """End a hold."""
        with self._db.transaction():
            self.add_statement(statement)
            self._db.run("UPDATE holds SET lifted = ? WHERE hold = ?", (statement.statement_id, hold_id))
            details = {"hold": hold_id, "reason": statement.body["reason"]}
            self._follow("hold-lifted", statement, details)

    def holds(self) -> list[HoldRow]:
        """Holds in force, oldest first."""
        found: dict[str, list[str]] = {}
        for hold, document, lifted in self._db.rows("SELECT hold, document, lifted FROM holds ORDER BY rowid"):
            if lifted is None:
                found.setdefault(hold, []).append(document)
        return [HoldRow(hold_id=hold, documents=tuple(documents)) for hold, documents in found.items()]

    def lifted_holds(self) -> list[tuple[str, str, str]]:
        """(hold, document, id of the lifting statement) of holds that were lifted."""
        sql = "SELECT hold, document, lifted FROM holds WHERE lifted IS NOT NULL"
        return [(hold, document, lifted) for hold, document, lifted in self._db.rows(sql)]

    # Plans --------------------------------------------------------------------------------------------------

    def add_plan(self, statement: Statement, as_of: date, items: Sequence[PlannedItem]) -> None:
        """Keep a plan; its id is the statement's."""
        plan = statement.statement_id
        with self._db.transaction():
            self.add_statement(statement)
            values = (plan, as_of.isoformat(), statement.made_at.isoformat(), statement.person_id)
            self._db.run("INSERT INTO plans VALUES (?, ?, ?, ?, NULL, NULL)", values)
            self._db.run_many(
                "INSERT INTO planned VALUES (?, ?, ?, ?)",
                [(plan, item.document_id, item.due_on.isoformat(), item.fingerprint) for item in items],
            )
            self._follow("purge-planned", statement, {"plan": plan, "letters": len(items)})

    def plan(self, plan_id: str) -> PlanRow | None:
        """One plan, by its id or a beginning of it that is unique (at least eight digits)."""
        if len(plan_id) < 8 or not plan_id.isalnum():
            return None
        rows = list(self._db.rows(f"{_PLANS} WHERE plan >= ? AND plan < ?", (plan_id, plan_id + "g")))
        return _plan(rows[0]) if len(rows) == 1 else None

    def released_plans(self) -> list[PlanRow]:
        """Plans that were released and are not finished."""
        sql = f"{_PLANS} WHERE released IS NOT NULL AND finished_at IS NULL ORDER BY made_at"
        return [_plan(row) for row in self._db.rows(sql)]

    def planned(self, plan_id: str) -> list[PlannedItem]:
        """The letters of a plan."""
        sql = "SELECT document, due_on, fingerprint FROM planned WHERE plan = ? ORDER BY due_on, document"
        return [
            PlannedItem(document_id=document, due_on=date.fromisoformat(due_on), fingerprint=fingerprint)
            for document, due_on, fingerprint in self._db.rows(sql, (plan_id,))
        ]

    def release_plan(self, plan_id: str, statement: Statement) -> None:
        """Record that a second person released a plan."""
        with self._db.transaction():
            self.add_statement(statement)
            self._db.run("UPDATE plans SET released = ? WHERE plan = ?", (statement.statement_id, plan_id))
            details = {"plan": plan_id, "reason": statement.body["reason"], "only": statement.body["only"]}
            self._follow("purge-released", statement, details)

    def open_plans(self) -> list[PlanRow]:
        """Plans that are not finished, oldest first."""
        return [_plan(row) for row in self._db.rows(f"{_PLANS} WHERE finished_at IS NULL ORDER BY made_at")]

    def withdraw_plan(self, plan_id: str, statement: Statement) -> None:
        """Record that what is left of a plan is not to be carried out."""
        with self._db.transaction():
            self.add_statement(statement)
            values = (statement.made_at.isoformat(), plan_id)
            self._db.run("UPDATE plans SET finished_at = ? WHERE plan = ?", values)
            details = {"plan": plan_id, "reason": statement.body["reason"], "documents": statement.body["documents"]}
            self._follow("purge-withdrawn", statement, details)

    def confirm_date(self, statement: Statement) -> None:
        """Record that a person found the machine's date to be right."""
        with self._db.transaction():
            self.add_statement(statement)
            details = {"day": statement.body["day"], "reason": statement.body["reason"]}
            self._follow("date-confirmed", statement, details)

    # Restrictions -------------------------------------------------------------------------------------------

    def add_restriction(self, statement: Statement) -> None:
        """Keep a statement that places or lifts a restriction; the move that follows or came before it is logged."""
        with self._db.transaction():
            self.add_statement(statement)

    def finish_plan(self, plan_id: str, at: datetime) -> None:
        """Nothing of the plan is left to do."""
        with self._db.transaction():
            self._db.run("UPDATE plans SET finished_at = ? WHERE plan = ?", (at.isoformat(), plan_id))

    # Disposals ----------------------------------------------------------------------------------------------

    def begin_disposals(self, plan_id: str, windows: Mapping[str, bytes]) -> None:
        """Letters enter the stage DISPOSING: from here it only goes forward, also after a crash."""
        with self._db.transaction():
            for document, pieces in windows.items():
                old = self._db.value("SELECT stage FROM documents WHERE document = ?", (document,))
                require_step(Stage(old), Stage.DISPOSING)
                self._db.run("UPDATE documents SET stage = ? WHERE document = ?", (Stage.DISPOSING.value, document))
                self._db.run("INSERT INTO disposals VALUES (?, ?, ?, NULL, NULL)", (document, plan_id, pieces))

    def unfinished_disposals(self) -> list[DisposalRow]:
        """Letters whose disposition was begun and not finished."""
        return [_disposal(row) for row in self._db.rows(f"{_DISPOSALS} WHERE disposed_at IS NULL ORDER BY document")]

    def disposal(self, document_id: str) -> DisposalRow | None:
        """What is known of a letter's disposition."""
        row = self._db.row(f"{_DISPOSALS} WHERE document = ?", (document_id,))
        return None if row is None else _disposal(row)

    def finish_disposals(self, documents: Sequence[str], certificate: str, by: str, at: datetime) -> None:
        """Letters become DISPOSED; only row, numbers and certificate remain, the duplicate mark goes too."""
        with self._db.transaction():
            for document in documents:
                old = self._db.value("SELECT stage FROM documents WHERE document = ?", (document,))
                require_step(Stage(old), Stage.DISPOSED)
                self._db.run(
                    "UPDATE documents SET stage = ?, mark = x'', duplicate_of = NULL WHERE document = ?",
                    (Stage.DISPOSED.value, document),
                )
                self._db.run("DELETE FROM parts WHERE document = ?", (document,))
                self._db.run("DELETE FROM wraps WHERE document = ?", (document,))
                self._db.run("DELETE FROM events WHERE document = ?", (document,))
                self._db.run(
                    "UPDATE disposals SET disposed_at = ?, certificate = ? WHERE document = ?",
                    (at.isoformat(), certificate, document),
                )
            self.post("disposed", by, at, {"documents": list(documents), "certificate": certificate})
            self.owe_proof()

    # What is left of rows that are gone ----------------------------------------------------------------------

    def traces_of(self, documents: Sequence[str]) -> set[bytes]:
        """What goes with the rows of these letters: duplicate marks, hashes of parts and wraps."""
        asked = "document IN (SELECT value FROM json_each(?))"
        sql = (
            f"SELECT mark FROM documents WHERE {asked} UNION ALL SELECT CAST(sha256 AS BLOB) FROM parts WHERE {asked}"
            f" UNION ALL SELECT CAST(sha256 AS BLOB) FROM wraps WHERE {asked}"
        )
        return {trace for (trace,) in self._db.rows(sql, (json.dumps(list(documents)),) * 3) if trace}

    def owe_proof(self) -> None:
        """Remember that rows went and nobody has looked yet whether a page still holds them; in a transaction."""
        self._db.run("INSERT OR IGNORE INTO meta(name, value) VALUES(?, '')", (_OWED,))

    def owes_proof(self) -> bool:
        """Whether somebody has to look."""
        return self._db.row("SELECT 1 FROM meta WHERE name = ?", (_OWED,)) is not None

    def prove_gone(self, traces: set[bytes] | None) -> bool:
        """See to it that no decrypted page holds these traces; None: they are not known any more, after a crash.

        SQLite overwrites what it deletes, but moves rows between pages, and what it moved may stay legible where it
        was. Then every page is written anew. False while a reader keeps the log: to be repeated.
        """
        is_empty = self._db.truncate_log()
        if traces is None or self._left_of(traces):
            self._db.rewrite()
            is_empty = self._db.truncate_log()
            if traces is not None and self._left_of(traces):
                return False
        if is_empty:
            with self._db.transaction():
                self._db.run("DELETE FROM meta WHERE name = ?", (_OWED,))
        return is_empty

    def _left_of(self, traces: set[bytes]) -> set[bytes]:
        found = AnyOf(traces).look_through(self._db.pages())
        if found:
            # The same paper often comes twice: then the other letter has the same mark.
            found.difference_update(trace for (trace,) in self._db.rows(_LIVING_TRACES))
        return found


_LIVING_TRACES = (
    "SELECT mark FROM documents UNION ALL SELECT mark FROM quarantine"
    " UNION ALL SELECT CAST(sha256 AS BLOB) FROM parts UNION ALL SELECT CAST(sha256 AS BLOB) FROM wraps"
)
_OWED = "proof owed"
_PLANS = "SELECT plan, as_of, made_at, made_by, released, finished_at FROM plans"
_DISPOSALS = "SELECT document, plan, windows, disposed_at, certificate FROM disposals"


def _plan(row: tuple[Any, ...]) -> PlanRow:
    return PlanRow(
        plan_id=row[0],
        as_of=date.fromisoformat(row[1]),
        made_at=datetime.fromisoformat(row[2]),
        made_by=row[3],
        released=row[4],
        finished=row[5] is not None,
    )


def _disposal(row: tuple[Any, ...]) -> DisposalRow:
    return DisposalRow(
        document_id=row[0],
        plan_id=row[1],
        windows=row[2],
        disposed_at=None if row[3] is None else datetime.fromisoformat(row[3]),
        certificate=row[4],
    )
