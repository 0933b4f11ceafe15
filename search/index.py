"""The index of one compartment: letters and their terms in one encrypted database.

Tables: `meta` (what this index is), `letters` (one small row a letter), `contents` (title, sender, facts and page
texts, compressed), `amounts` (for ranges), `words` (see `vocabulary`) and the full-text table `terms`. `terms` keeps
no copy of its text: to remove a letter, its terms are made again from its content and handed back. A checksum beside
the content tells whether they are those that were stored; if the analyser has changed since, all terms are made anew
before the letter goes.

Erasure: the full-text table removes postings physically (`secure-delete`), SQLite overwrites what it frees,
and `erasure` replaces the separators between index pages, which may still spell a removed term.
"""

import json
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import cached_property
from hashlib import blake2b
from itertools import islice
from typing import TYPE_CHECKING, Any

from poststelle.errors import Damaged
from poststelle.records import IndexEntry
from search.analysis import amounts_of, word_key
from search.erasure import Removed, forget_separators, still_spelled, terms_without_letter, trace_of
from search.matching import Plan
from search.vocabulary import SCHEMA as VOCABULARY_SCHEMA
from search.vocabulary import Vocabulary

if TYPE_CHECKING:
    from poststelle.access.database import Database
    from search.analysis import Analyser, Streams

FORMAT_VERSION = 3
_WITHOUT_NUMBERS = 2
"""The format before, which kept words and numbers in one table."""

_MANY_LETTERS = 1_000
_COLUMNS = 4
"""Of the full-text table; what else belongs to a letter's terms stands in tables of its own."""

# The plain tokenizer cuts at blanks only: terms are ASCII letters, digits, `_` and non-ASCII letters.
_SCHEMA = """
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE letters(
    number INTEGER PRIMARY KEY,
    document_id TEXT NOT NULL UNIQUE,
    sequence INTEGER NOT NULL,
    accession TEXT NOT NULL,
    record_class TEXT NOT NULL,
    dated_on TEXT NOT NULL
);
CREATE INDEX letters_by_sequence ON letters(sequence);
CREATE INDEX letters_by_date ON letters(dated_on);
CREATE TABLE contents(number INTEGER PRIMARY KEY, letter BLOB NOT NULL, terms_check BLOB NOT NULL);
CREATE TABLE amounts(letter INTEGER NOT NULL, cents INTEGER NOT NULL, PRIMARY KEY(letter, cents)) WITHOUT ROWID;
CREATE INDEX amounts_by_cents ON amounts(cents);
CREATE VIRTUAL TABLE terms USING fts5(body, title, sender, keys, content='', tokenize="ascii tokenchars '_'");
INSERT INTO terms(terms, rank) VALUES('secure-delete', 1);
INSERT INTO terms(terms, rank) VALUES('pgsz', 4000);
"""
"""The text is the first column, which saves two bytes for every word of a letter: the first needs no number. A page of
the full-text table fits into one of the database with its row: with the usual size it takes two."""

_ADD_TERMS = "INSERT INTO terms(rowid, title, sender, body, keys) VALUES(?, ?, ?, ?, ?)"
_REMOVE_TERMS = "INSERT INTO terms(terms, rowid, title, sender, body, keys) VALUES('delete', ?, ?, ?, ?, ?)"
_WEIGHTS = {"title": 8.0, "sender": 4.0, "body": 1.0, "keys": 0.5}
"""Subject before sender before text; keys repeat what the text says, so they count least."""


VERY_MANY = 2_000
"""More matches than that are not weighed one by one."""
_FEW_ADMITTED = 2 * VERY_MANY
"""Up to so many letters, it is quicker to weigh those that match than to count them first."""
_LAST_ARRIVED = 200
_PROBES = 4
"""Where at least one letter in so many matches, it is quicker to ask for each than to read all that match."""
_MOST_GATHERED = 200_000
"""Words of letters that are being added, each once, before they are handed over to the vocabulary."""
_MOST_NAMED = 5_000
"""Letters whose numbers are kept when they are counted: up to so many, naming them costs nothing beside counting."""
_FEW = 64
"""Up to so many letters, it is quicker to ask for each than to read all that match."""


class CompartmentIndex:
    """One compartment's letters, findable. Uses an open database; not shared between threads."""

    def __init__(self, database: "Database") -> None:
        """Use an index that `create` made.

        Raises:
            Damaged: the database holds no index that this program can read.
        """
        self._database = database
        self._analyser: Analyser | None = None
        self._counted: dict[tuple[str, tuple[Any, ...]], int] | None = None
        """What was counted, while nothing can change."""
        self._named: dict[tuple[str, tuple[Any, ...]], str] = {}
        """The numbers of letters that were counted, with commas, where they are few."""
        self.words = Vocabulary(database)
        if database.value("SELECT count(*) FROM sqlite_master WHERE name = 'meta'") != 1:
            raise _unusable(database)
        self._read_meta()

    @classmethod
    def create(cls, database: "Database", compartment: str) -> "CompartmentIndex":
        """Make an empty index in an empty database."""
        from search.analysis import Analyser

        with database.transaction():
            database.run_script(_SCHEMA + VOCABULARY_SCHEMA)
            database.run_many(
                "INSERT INTO meta(name, value) VALUES(?, ?)",
                [
                    ("format", str(FORMAT_VERSION)),
                    ("compartment", compartment),
                    ("analyser", Analyser().fingerprint),
                ],
            )
        return cls(database)

    @property
    def analyser(self) -> "Analyser":
        """The analyser of this program."""
        if self._analyser is None:
            from search.analysis import Analyser

            self._analyser = Analyser()
        return self._analyser

    def _read_meta(self) -> None:
        meta: dict[str, str] = dict(self._database.rows("SELECT name, value FROM meta"))
        if meta.get("format") == str(_WITHOUT_NUMBERS):
            self._forget_words()
            meta = dict(self._database.rows("SELECT name, value FROM meta"))
        if meta.get("format") != str(FORMAT_VERSION):
            raise _unusable(self._database)
        self.compartment = meta["compartment"]
        self.analyser_version = int(meta["analyser"].split()[0])
        self._analyser_fingerprint = meta["analyser"]

    def _forget_words(self) -> None:
        """Bring an index of the format before to this one; it is not current until its words are made anew."""
        with self._database.transaction():
            self._database.run("DROP TABLE words")
            self._database.run_script(VOCABULARY_SCHEMA)
            self._database.run("UPDATE meta SET value = ? WHERE name = 'format'", (str(FORMAT_VERSION),))
            self._database.run("UPDATE meta SET value = '0 without words' WHERE name = 'analyser'")

    @cached_property
    def _score(self) -> str:
        # In the order of the columns, which is another one in indexes that earlier programs made.
        columns = self._database.rows("SELECT name FROM pragma_table_info('terms')")
        return f"-bm25(terms, {', '.join(str(_WEIGHTS[name]) for (name,) in columns)})"

    def is_current(self) -> bool:
        """Whether the stored terms are those that queries of this program look for; if not, rebuild."""
        return self._analyser_fingerprint == self.analyser.fingerprint

    def add(self, entry: IndexEntry) -> None:
        """Insert a letter, or replace the one with its id; durable when it returns."""
        self.add_many([entry])

    def add_many(self, entries: Iterable[IndexEntry]) -> None:
        """Insert or replace letters in one transaction: all of them or none.

        They are drawn inside it: what they are drawn by then holds until the commit, as far as a purge goes.
        """
        with self._database.transaction(), self._gathered_words() as words:
            for entry in entries:
                if self._is_there(entry.document_id):
                    # What goes with the old letter is told by what the vocabulary holds.
                    self._add_words(words)
                    self._remove(entry.document_id)
                self._insert(entry, words)

    @contextmanager
    def _gathered_words(self) -> Iterator[set[str]]:
        """Words of several letters, which the vocabulary gets at the end."""
        words: set[str] = set()
        yield words
        self.words.add(words)

    def _is_there(self, document_id: str) -> bool:
        return self._database.row("SELECT 1 FROM letters WHERE document_id = ?", (document_id,)) is not None

    def remove(self, document_id: str) -> None:
        """Remove a letter and every trace of its terms; an unknown id is fine.

        The write-ahead log keeps older pages, and the next `purge` owes the proof.
        """
        with self._database.transaction():
            if self._remove(document_id):
                self._owe_proof()

    def purge(self, document_ids: Iterable[str]) -> bool:
        """Remove letters for good: terms, log and proof; unknown ids are fine.

        False if another reader keeps the log, or a term that only they held is still spelled on a page: then
        it is to be repeated. That a proof is owed is remembered with the removal: whoever comes after a crash does not
        know the terms any more, and writes everything anew.
        """
        with self._database.transaction():
            owed = self.owes_proof()
            removed = self._take_out(document_ids)
            if removed.contents:
                self._owe_proof()
        is_empty = self._database.truncate_log()
        if not owed and not removed.contents:
            return is_empty
        # With a reader in the way, the proof looks at the pages as they will be once the log can be emptied.
        is_left = owed or still_spelled(self._database, removed)
        if is_left and not owed:
            # What SQLite moved may be legible where it was, in pages that are not full.
            self._database.rewrite()
            is_empty = self._database.truncate_log()
            is_left = still_spelled(self._database, removed)
        if is_left:
            # Hardly ever: what is written anew spells only what lives.
            self.renew()
            self._database.rewrite()
            is_empty = self._database.truncate_log()
            if still_spelled(self._database, removed):
                return False
        self._database.run("DELETE FROM meta WHERE name = 'proof owed'")
        return is_empty

    def owes_proof(self) -> bool:
        """Whether a letter was removed and nobody has looked yet whether it is on no page any more."""
        return self._database.row("SELECT 1 FROM meta WHERE name = 'proof owed'") is not None

    def _owe_proof(self) -> None:
        self._database.run("INSERT OR IGNORE INTO meta(name, value) VALUES('proof owed', '')")

    def problems(self) -> list[str]:
        """What the database's own check finds; every page is read and authenticated."""
        return self._database.problems()

    def letters(self) -> int:
        """How many letters there are."""
        return self._count("SELECT count(*) FROM letters", ())

    def position(self) -> tuple[int, int]:
        """How many letters there are, and the highest sequence (0 if none)."""
        row = self._database.row("SELECT count(*), (SELECT max(sequence) FROM letters) FROM letters")
        assert row is not None  # an aggregate always answers
        return row[0], row[1] or 0

    def sequences(self) -> dict[str, int]:
        """Each letter's sequence by its id."""
        return dict(self._database.rows("SELECT document_id, sequence FROM letters"))

    def get(self, document_id: str) -> IndexEntry | None:
        """Everything the index knows of a letter, page texts included; None if it is not here."""
        return next(iter(self._entries("document_id = ?", (document_id,))), None)

    def entry(self, number: int) -> IndexEntry:
        """The letter with this internal number, as found by `matches`."""
        return next(iter(self._entries("letters.number = ?", (number,))))

    def newest_entries(self, most: int) -> Iterator[IndexEntry]:
        """The `most` newest letters."""
        yield from self._entries("true ORDER BY dated_on DESC, document_id LIMIT ?", (most,))

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything read inside comes from one state of the index, and nothing is counted twice."""
        self._database.keep_pages()
        with self._database.snapshot():
            self._counted = {}
            try:
                yield
            finally:
                self._counted = None
                self._named.clear()

    def matches(self, plan: Plan, narrowed: str, bindings: tuple[Any, ...]) -> list[tuple[int, float]]:
        """Every matching letter as (number, score), unsorted; `narrowed` is one more condition on `letters`."""
        condition = " AND ".join(part for part in (plan.condition, narrowed) if part)
        within = plan.bindings + bindings
        if plan.must_match:
            # The unary plus keeps SQLite from asking the full-text table once per row of the condition.
            only = f" AND +rowid IN (SELECT number FROM letters WHERE {condition})" if condition else ""
            sql = f"SELECT rowid, {self._score} FROM terms WHERE terms MATCH ?{only}"
            return list(self._database.rows(sql, (plan.ranked_by, *within)))
        admitted = f"SELECT number FROM letters WHERE {condition or 'true'}"
        if plan.ranked_by is None:
            return [(number, 0.0) for (number,) in self._database.rows(admitted, within)]
        scores: dict[int, float] = dict(
            self._database.rows(
                f"SELECT rowid, {self._score} FROM terms WHERE terms MATCH ? AND +rowid IN ({admitted})",
                (plan.ranked_by, *within),
            )
        )
        return [(number, scores.get(number, 0.0)) for (number,) in self._database.rows(admitted, within)]

    def admits_few(self, plan: Plan, narrowed: str, bindings: tuple[Any, ...]) -> bool:
        """Whether dates, amounts and the like let so few letters through that they need not be counted first."""
        condition = " AND ".join(part for part in (plan.condition, narrowed) if part)
        if not plan.must_match or not condition:
            return False
        some = f"SELECT 1 FROM letters WHERE {condition} LIMIT {_FEW_ADMITTED + 1}"
        return self._count(f"SELECT count(*) FROM ({some})", plan.bindings + bindings) <= _FEW_ADMITTED

    def total(self, plan: Plan, narrowed: str, bindings: tuple[Any, ...]) -> int:
        """How many letters match."""
        source, within = _source(plan, narrowed, bindings)
        # One word is counted again as quickly; a beginning puts the postings of all its words together each time.
        expression = plan.ranked_by or ""
        if self._counted is None or not plan.must_match or " " not in expression or "*" in expression:
            return self._count(f"SELECT count(*) FROM {source}", within)
        if (source, within) not in self._counted:
            self._counted[source, within] = self._count_and_name(source, within)
        return self._counted[source, within]

    def _count_and_name(self, source: str, within: tuple[Any, ...]) -> int:
        # As one text: most of the time nobody asks for them.
        some = f"SELECT rowid FROM {source} ORDER BY rowid LIMIT ?"
        row = self._database.row(
            f"SELECT count(*), max(rowid), group_concat(rowid) FROM ({some})", (*within, _MOST_NAMED)
        )
        assert row is not None  # an aggregate always answers
        count, last, named = row
        if count < _MOST_NAMED:
            self._named[source, within] = named or ""
            return int(count)
        return int(count + self._database.value(f"SELECT count(*) FROM {source} AND rowid > ?", (*within, last)))

    def _count(self, sql: str, bindings: tuple[Any, ...]) -> int:
        asked = sql, bindings
        if self._counted is None or (count := self._counted.get(asked)) is None:
            count = int(self._database.value(sql, bindings))
            if self._counted is not None:
                self._counted[asked] = count
        return count

    def foremost(
        self, plan: Plan, narrowed: str, bindings: tuple[Any, ...], most: int, total: int
    ) -> list[tuple[int, float]]:
        """Of very many matches, the best `most` as (number, score): those with all words in subject or sender, then
        those with one of them there, then the newest. What stands in every tenth letter weighs nothing anyway, and
        weighing it takes longest.
        """
        best: dict[int, float] = {}
        for worth, headed in zip(range(len(plan.headed), 0, -1), plan.headed, strict=True):
            if len(best) >= most:
                break
            source, within = _source(plan._replace(ranked_by=headed), narrowed, bindings)
            # Those that came last: of very many, only these can be among the newest.
            sql = f"SELECT rowid FROM {source} ORDER BY rowid DESC LIMIT ?"
            last = [number for (number,) in self._database.rows(sql, (*within, _LAST_ARRIVED))]
            for number, _, _ in self.latest(last, most):
                best.setdefault(number, float(worth))
        if len(best) < most:
            for number in self.newest(plan, narrowed, bindings, most, total):
                best.setdefault(number, 0.0)
        return list(best.items())

    def newest(self, plan: Plan, narrowed: str, bindings: tuple[Any, ...], most: int, total: int) -> list[int]:
        """Numbers of the `most` newest letters of `total` that match; equal dates go by id."""
        condition = " AND ".join(part for part in (plan.condition, narrowed) if part) or "true"
        within = plan.bindings + bindings
        by_date = "ORDER BY dated_on DESC, document_id"
        if not plan.must_match:
            sql = f"SELECT number FROM letters WHERE {condition} {by_date} LIMIT ?"
            return [number for (number,) in self._database.rows(sql, (*within, most))]
        letters = self._database.value("SELECT max(number) FROM letters") or 0
        # A beginning puts the postings of all its words together each time it is asked.
        if "*" in str(plan.ranked_by) or total * _PROBES < letters:
            found = list(self.numbers(plan, narrowed, bindings))
            return [number for number, _, _ in self.latest(found, most)] if found else []
        # So many match that the first letters asked will do.
        only = "SELECT 1 FROM terms WHERE terms MATCH ? AND rowid = ?"
        rows = self._database.rows(f"SELECT number FROM letters WHERE {condition} {by_date}", within)
        matching = (n for (n,) in rows if self._database.row(only, (plan.ranked_by, n)) is not None)
        return list(islice(matching, min(most, total)))

    def numbers(self, plan: Plan, narrowed: str, bindings: tuple[Any, ...]) -> set[int]:
        """Every matching letter's number, without a score."""
        source, within = _source(plan, narrowed, bindings)
        if (named := self._named.get((source, within))) is not None:
            return {int(number) for number in named.split(",") if number}
        column = "rowid" if plan.must_match else "number"
        return {number for (number,) in self._database.rows(f"SELECT {column} FROM {source}", within)}

    def among(self, expression: str, numbers: set[int]) -> set[int]:
        """Those of the letters that a full-text expression matches."""
        if len(numbers) > _FEW:
            rows = self._database.rows("SELECT rowid FROM terms WHERE terms MATCH ?", (expression,))
            return {number for (number,) in rows if number in numbers}
        only = "SELECT 1 FROM terms WHERE terms MATCH ? AND rowid = ?"
        return {number for number in numbers if self._database.row(only, (expression, number)) is not None}

    def count(self, expression: str) -> int:
        """How many letters a full-text expression matches."""
        return self._count("SELECT count(*) FROM terms WHERE terms MATCH ?", (expression,))

    def is_in_more_than(self, letters: int, term: str) -> bool:
        """Whether a term stands in more letters than that, without counting them all."""
        rows = self._database.rows("SELECT rowid FROM terms WHERE terms MATCH ? LIMIT ?", (f'"{term}"', letters + 1))
        return len(list(rows)) > letters

    def first_match(self, expression: str) -> int | None:
        """Number of the earliest added letter that a full-text expression matches."""
        number = self._database.value("SELECT rowid FROM terms WHERE terms MATCH ? LIMIT 1", (expression,))
        return None if number is None else int(number)

    def latest(self, numbers: list[int], limit: int) -> list[tuple[int, str, str]]:
        """The `limit` newest of these letters as (number, ISO date, document id); equal dates go by id."""
        # Few letters are looked up one by one; among many, walking down the dates meets the newest at once.
        plus = "+" if len(numbers) > _MANY_LETTERS else ""
        rows = self._database.rows(
            "SELECT number, dated_on, document_id FROM letters "
            f"WHERE {plus}number IN (SELECT value FROM json_each(?)) ORDER BY dated_on DESC, document_id LIMIT ?",
            (json.dumps(numbers), limit),
        )
        return [(number, dated_on, document_id) for number, dated_on, document_id in rows]

    def vocabulary(self, beginning: str) -> list[tuple[str, int]]:
        """Terms with this beginning, and in how many letters each stands."""
        self._database.run("CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary USING fts5vocab('main', 'terms', 'row')")
        return list(
            self._database.rows(
                "SELECT term, doc FROM temp.vocabulary WHERE term >= ? AND term < ?",
                (beginning, beginning + "\U0010ffff"),
            )
        )

    def spread(self, numbers: list[int]) -> list[tuple[str, str, int]]:
        """How many of these letters there are of each (record class, year)."""
        rows = self._database.rows(
            "SELECT record_class, substr(dated_on, 1, 4), count(*) FROM letters "
            "WHERE number IN (SELECT value FROM json_each(?)) GROUP BY 1, 2",
            (json.dumps(numbers),),
        )
        return [(record_class, year, letters) for record_class, year, letters in rows]

    def renew(self) -> None:
        """Make all terms anew from the stored letters, with the analyser of this program."""
        with self._database.transaction():
            self._renew()

    def _renew(self) -> None:
        self._database.run("INSERT INTO terms(terms) VALUES('delete-all')")
        self.words.clear()
        with self._gathered_words() as words:
            for (number,) in list(self._database.rows("SELECT number FROM letters ORDER BY number")):
                check = self._insert_terms(number, self.entry(number), words)
                self._database.run("UPDATE contents SET terms_check = ? WHERE number = ?", (check, number))
        self._database.run("UPDATE meta SET value = ? WHERE name = 'analyser'", (self.analyser.fingerprint,))
        self._read_meta()

    def _insert(self, entry: IndexEntry, words: set[str]) -> None:
        self._database.run(
            "INSERT INTO letters(document_id, sequence, accession, record_class, dated_on) VALUES(?, ?, ?, ?, ?)",
            (entry.document_id, entry.sequence, entry.accession, entry.record_class, entry.dated_on.isoformat()),
        )
        number = self._database.last_insert_id
        check = self._insert_terms(number, entry, words)
        self._database.run(
            "INSERT INTO contents(number, letter, terms_check) VALUES(?, ?, ?)", (number, _packed(entry), check)
        )
        self._database.run_many(
            "INSERT INTO amounts(letter, cents) VALUES(?, ?)", [(number, cents) for cents in sorted(amounts_of(entry))]
        )

    def _insert_terms(self, number: int, entry: IndexEntry, words: set[str]) -> bytes:
        """Store a letter's terms; returns their checksum. Its words are added to `words`."""
        streams = self.analyser.streams(entry)
        self._database.run(_ADD_TERMS, (number, *streams[:_COLUMNS]))
        if len(words) > _MOST_GATHERED:
            self._add_words(words)
        words.update(streams.words.split())
        return _check(streams)

    def _add_words(self, words: set[str]) -> None:
        """Hand gathered words over to the vocabulary."""
        self.words.add(words)
        words.clear()

    def _remove(self, document_id: str) -> bool:
        return bool(self._take_out([document_id]).contents)

    def _take_out(self, document_ids: Iterable[str]) -> Removed:
        """Delete letters' rows, postings and words; returns what only they held."""
        terms: set[str] = set()
        words: set[str] = set()
        ids: set[str] = set()
        contents: dict[int, bytes] = {}
        for document_id in document_ids:
            if (deleted := self._delete(document_id)) is not None:
                ids.add(document_id)
                streams, number, packed = deleted
                contents[number] = trace_of(packed)
                terms.update(term for stream in streams[:_COLUMNS] for term in stream.split())
                words.update(streams.words.split())
        if not contents:
            return Removed(terms, contents)
        # Written out now, not at the commit: what follows looks at the pages as they will be.
        self._database.run("INSERT INTO terms(terms) VALUES('flush')")
        keys = {self._key_of(word): word for word in sorted(words)}
        dead = terms_without_letter(self._database, terms | keys.keys())
        words_gone = [word for key, word in keys.items() if key in dead]
        self.words.blank(words_gone)
        gone = dead.union(words_gone)
        if not forget_separators(self._database, gone):
            self._renew()
        return Removed(gone | ids, contents)

    def _delete(self, document_id: str) -> "tuple[Streams, int, bytes] | None":
        """Delete a letter's rows and postings; returns its terms, number and content, None if it is not here."""
        row = self._database.row(
            "SELECT number, terms_check, letter FROM letters JOIN contents USING(number) WHERE document_id = ?",
            (document_id,),
        )
        if row is None:
            return None
        number, check, packed = row
        streams = self.analyser.streams(self.entry(number))
        if check != _check(streams):
            # Handing back other terms than were stored would leave some of them behind.
            self._renew()
        self._database.run(_REMOVE_TERMS, (number, *streams[:_COLUMNS]))
        self._database.run("DELETE FROM amounts WHERE letter = ?", (number,))
        self._database.run("DELETE FROM contents WHERE number = ?", (number,))
        self._database.run("DELETE FROM letters WHERE number = ?", (number,))
        return streams, number, packed

    def _key_of(self, word: str) -> str:
        """The term that stands for a word, or a number, of the vocabulary in every letter that has it."""
        return word if word.startswith("_") or self.analyser.stem(word) == word else word_key(word)

    def _entries(self, condition: str, bindings: tuple[Any, ...]) -> Iterator[IndexEntry]:
        rows = self._database.rows(
            "SELECT document_id, sequence, accession, record_class, dated_on, letter "
            f"FROM letters JOIN contents USING(number) WHERE {condition}",
            bindings,
        )
        for document_id, sequence, accession, record_class, dated_on, packed in rows:
            letter = json.loads(zlib.decompress(packed).decode("utf-8", "surrogatepass"))
            yield IndexEntry(
                document_id=document_id,
                accession=accession,
                record_class=record_class,
                dated_on=date.fromisoformat(dated_on),
                received_on=date.fromisoformat(letter["received_on"]),
                sender=letter["sender"],
                title=letter["title"],
                pages=tuple(letter["pages"]),
                facts=letter["facts"],
                sequence=sequence,
            )


def _source(plan: Plan, narrowed: str, bindings: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """Table and condition for every match, and what is bound to it."""
    condition = " AND ".join(part for part in (plan.condition, narrowed) if part)
    within = plan.bindings + bindings
    if not plan.must_match:
        return f"letters WHERE {condition or 'true'}", within
    # The unary plus keeps SQLite from asking the full-text table once per row of the condition.
    only = f" AND +rowid IN (SELECT number FROM letters WHERE {condition})" if condition else ""
    return f"terms WHERE terms MATCH ?{only}", (plan.ranked_by, *within)


def _packed(entry: IndexEntry) -> bytes:
    letter = {
        "title": entry.title,
        "sender": entry.sender,
        "received_on": entry.received_on.isoformat(),
        "facts": entry.facts,
        "pages": entry.pages,
    }
    return zlib.compress(json.dumps(letter, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def _check(streams: "Streams") -> bytes:
    return blake2b("\n".join(streams).encode(), digest_size=8).digest()


def _unusable(database: "Database") -> Damaged:
    return Damaged(
        f"{database.path.name} is no search index that this version can read. No letter is lost: run "
        "`poststelle rebuild index` to make it again from the archive."
    )
