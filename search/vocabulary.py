"""The words of one index, each once: what slips, parts of compounds and wildcards are looked up in.

Tables of rows that are only ever added or blanked where they stand. SQLite moves rows between pages when it
deletes or inserts between others, and what it moved may stay legible in the gap it left: measured, and the
reason why these tables have no order but that of arrival, and why a word is found by a short checksum that says
nothing about it. A blanked row keeps its length; `clear` and filling anew give the room back.

Numbers with letters in them ("RE-2026-00417") have a table of their own: every letter brings new ones, while words
soon repeat. All words are read at once and kept until the index changes: comparing them in memory takes a tenth of what
SQL takes.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from search.spelling import skeleton

if TYPE_CHECKING:
    from poststelle.access.database import Database

SCHEMA = """
CREATE TABLE words(id INTEGER PRIMARY KEY, checksum INTEGER NOT NULL, word TEXT NOT NULL);
CREATE INDEX words_by_checksum ON words(checksum);
CREATE TABLE numbers(id INTEGER PRIMARY KEY, checksum INTEGER NOT NULL, word TEXT NOT NULL, skeleton TEXT NOT NULL);
CREATE INDEX numbers_by_checksum ON numbers(checksum);
"""

SHORTEST_WORD, LONGEST_WORD = 3, 40
"""Letters; others are found only as they are spelled."""

NUMBER_KEY = "_n"
"""Beginning of numbers without separators."""
_BLANKED = 1 << 40
"""Checksum of rows without a word; all checksums take the same number of bytes, so that rows keep their length."""
_CHECKSUMS = 1 << 20

_ADD_WORD = """
INSERT INTO words(checksum, word) SELECT ?1, ?2
WHERE NOT EXISTS (SELECT 1 FROM words WHERE checksum = ?1 AND word = ?2)
"""
_ADD_NUMBER = """
INSERT INTO numbers(checksum, word, skeleton) SELECT ?1, ?2, ?3
WHERE NOT EXISTS (SELECT 1 FROM numbers WHERE checksum = ?1 AND word = ?2)
"""


class Words:
    """All words of an index at one moment."""

    def __init__(self, each: Sequence[str]) -> None:
        self.each = each

    @cached_property
    def _lines(self) -> str:
        return "\n".join(("", *self.each, ""))

    @cached_property
    def _outlines(self) -> str:
        return skeleton(self._lines)

    def containing(self, part: str) -> Iterator[str]:
        """Those with this part in them."""
        return self._at_lines(self._lines, part)

    def resembling(self, part: str) -> Iterator[str]:
        """Those with something in them that only look-alike shapes tell from this part."""
        return self._at_lines(self._outlines, skeleton(part))

    def _at_lines(self, lines: str, part: str) -> Iterator[str]:
        # Each word stands on its line, and looking for one piece in all lines is much quicker than word by word.
        number, end, at = -1, 0, lines.find(part)
        while at >= 0:
            number += lines.count("\n", end, at)
            yield self.each[number]
            end = lines.index("\n", at)
            at = lines.find(part, end)


class Vocabulary:
    """The words of one index; uses its open database."""

    def __init__(self, database: "Database") -> None:
        self._database = database
        self._read: tuple[object, Words] | None = None
        """All words, and the state of the database they were read in."""

    def add(self, words: Iterable[str]) -> None:
        """Remember words; those that are known already cost a look."""
        plain: list[tuple[int, str]] = []
        numbers: list[tuple[int, str, str]] = []
        for word in words:
            if word.startswith(NUMBER_KEY):
                numbers.append((_checksum(word), word, skeleton(word)))
            else:
                plain.append((_checksum(word), word))
        # In the order of the index that tells what is known: each of its pages is read once.
        if plain:
            self._database.run_many(_ADD_WORD, sorted(plain))
        if numbers:
            self._database.run_many(_ADD_NUMBER, sorted(numbers))

    def blank(self, words: Iterable[str]) -> None:
        """Overwrite words where they stand; unknown ones are fine."""
        self._read = None
        for word in words:
            if (number := self._place(word)) is None:
                continue
            if word.startswith(NUMBER_KEY):
                sql = "UPDATE numbers SET checksum = ?, word = ?, skeleton = ? WHERE id = ?"
                self._database.run(sql, (_BLANKED, _filler(word), _filler(skeleton(word)), number))
            else:
                sql = "UPDATE words SET checksum = ?, word = ? WHERE id = ?"
                self._database.run(sql, (_BLANKED, _filler(word), number))

    def clear(self) -> None:
        """Forget every word, and give the room back."""
        self._read = None
        self._database.run("DELETE FROM words")
        self._database.run("DELETE FROM numbers")

    def holds(self, word: str) -> bool:
        """Whether some letter has this word."""
        return self._place(word) is not None

    def _place(self, word: str) -> int | None:
        table = "numbers" if word.startswith(NUMBER_KEY) else "words"
        row = self._database.row(f"SELECT id FROM {table} WHERE checksum = ? AND word = ?", (_checksum(word), word))
        return None if row is None else int(row[0])

    def everything(self) -> Words:
        """Every word that is no number; read again only if the index has changed."""
        state = self._database.state()
        if self._read is None or self._read[0] != state:
            # As one text: fetching a row for each word takes longer than all the rest.
            text = self._database.value(
                "SELECT group_concat(word, char(10)) FROM words WHERE checksum <> ?", (_BLANKED,)
            )
            self._read = state, Words(text.split("\n") if text else [])
        return self._read[1]

    def like(self, pattern: str, most: int) -> list[str]:
        """Words that match a pattern with * and ?, at most so many."""
        # Brackets would be classes of characters to GLOB; no word has one.
        return self._select("words", "word > '`' AND word GLOB ? LIMIT ?", (pattern, most))

    def numbers_like(self, pattern: str, most: int) -> list[str]:
        """Numbers with letters in them, as their keys, that match a pattern with * and ?, at most so many."""
        return self._select("numbers", "word GLOB ? LIMIT ?", (f"{NUMBER_KEY}{pattern}", most))

    def beginning(self, start: str, most: int) -> list[str]:
        """Words that begin like this, at most so many."""
        return self._select("words", "substr(word, 1, ?) = ? LIMIT ?", (len(start), start, most))

    def numbers_resembling(self, number: str) -> list[str]:
        """Numbers with letters in them, as their keys, that only look-alike shapes tell from this key."""
        return self._select("numbers", "skeleton = ?", (skeleton(number),))

    def _select(self, table: str, condition: str, bindings: Sequence[object]) -> list[str]:
        return sorted(word for (word,) in self._database.rows(f"SELECT word FROM {table} WHERE {condition}", bindings))


def worth_remembering(word: str) -> bool:
    """Whether a word can be meant by a slip, a part or a wildcard at all."""
    return SHORTEST_WORD <= len(word) <= LONGEST_WORD


def _checksum(word: str) -> int:
    return _BLANKED + 1 + zlib.crc32(word.encode()) % _CHECKSUMS


def _filler(text: str) -> str:
    return "-" * len(text.encode())
