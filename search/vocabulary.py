"""The words of one index, each once: what slips, parts of compounds and wildcards are looked up in.

A table of rows that are only ever added or blanked where they stand. SQLite moves rows between pages when it
deletes or inserts between others, and what it moved may stay legible in the gap it left: measured, and the
reason why this table has no order but that of arrival, and why a word is found by a short checksum that says
nothing about it. A blanked row keeps its length; `clear` and filling anew give the room back.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from search.spelling import skeleton

if TYPE_CHECKING:
    from poststelle.access.database import Database

SCHEMA = """
CREATE TABLE words(id INTEGER PRIMARY KEY, checksum INTEGER NOT NULL, word TEXT NOT NULL, skeleton TEXT NOT NULL);
CREATE INDEX words_by_checksum ON words(checksum);
"""

SHORTEST_WORD, LONGEST_WORD = 3, 40
"""Letters; others are found only as they are spelled."""

NUMBER_KEY = "_n"
"""Beginning of numbers without separators."""
_BLANKED = 1 << 40
"""Checksum of rows without a word; all checksums take the same number of bytes, so that rows keep their length."""
_CHECKSUMS = 1 << 20

_ADD = """
INSERT INTO words(checksum, word, skeleton) SELECT ?1, ?2, ?3
WHERE NOT EXISTS (SELECT 1 FROM words WHERE checksum = ?1 AND word = ?2)
"""


class Vocabulary:
    """The words of one index; uses its open database."""

    def __init__(self, database: "Database") -> None:
        self._database = database

    def add(self, words: Iterable[str]) -> None:
        """Remember words; those that are known already cost a look."""
        rows = [(_checksum(word), word, skeleton(word)) for word in words]
        if rows:
            self._database.run_many(_ADD, rows)

    def blank(self, words: Iterable[str]) -> None:
        """Overwrite words where they stand; unknown ones are fine."""
        for word in words:
            row = self._database.row("SELECT id FROM words WHERE checksum = ? AND word = ?", (_checksum(word), word))
            if row is not None:
                self._database.run(
                    "UPDATE words SET checksum = ?, word = ?, skeleton = ? WHERE id = ?",
                    (_BLANKED, _filler(word), _filler(skeleton(word)), *row),
                )

    def clear(self) -> None:
        """Forget every word, and give the room back."""
        self._database.run("DELETE FROM words")

    def holds(self, word: str) -> bool:
        """Whether some letter has this word."""
        found = self._database.row("SELECT 1 FROM words WHERE checksum = ? AND word = ?", (_checksum(word), word))
        return found is not None

    def scan(self, condition: str, bindings: Sequence[object]) -> Iterator[str]:
        """Every word that satisfies an SQL condition on `word` and `skeleton`."""
        return (word for (word,) in self._database.rows(f"SELECT word FROM words WHERE {condition}", bindings))

    def like(self, pattern: str, most: int) -> list[str]:
        """Words that match a pattern with * and ?, at most so many."""
        # Brackets would be classes of characters to GLOB; no word has one.
        return sorted(self.scan("word > '`' AND word GLOB ? LIMIT ?", (pattern, most)))

    def numbers_like(self, pattern: str, most: int) -> list[str]:
        """Numbers with letters in them, as their keys, that match a pattern with * and ?, at most so many."""
        return sorted(self.scan("word GLOB ? LIMIT ?", (f"{NUMBER_KEY}{pattern}", most)))

    def beginning(self, start: str, most: int) -> list[str]:
        """Words that begin like this, at most so many."""
        return sorted(self.scan("substr(word, 1, ?) = ? LIMIT ?", (len(start), start, most)))

    def of_skeletons(self, skeletons: Iterable[str]) -> list[str]:
        """Words that only look-alike shapes tell from those with these skeletons."""
        return list(self.scan("skeleton IN (SELECT value FROM json_each(?))", (json.dumps(sorted(skeletons)),)))


def worth_remembering(word: str) -> bool:
    """Whether a word can be meant by a slip, a part or a wildcard at all."""
    return SHORTEST_WORD <= len(word) <= LONGEST_WORD


def _checksum(word: str) -> int:
    return _BLANKED + 1 + zlib.crc32(word.encode()) % _CHECKSUMS


def _filler(text: str) -> str:
    return "-" * len(text.encode())
