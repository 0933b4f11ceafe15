"""Turns text into the terms the index stores: one stream in reading order, and keys beside it.

The stream holds one term per word, number or date, so that phrases keep their order whatever the spelling.
Everything that stands for the same place in another form (the unstemmed word, the number without blanks, the
fact in its field) is a key: found, but never part of a phrase. Terms are ASCII letters, digits and `_`, or
letters of other scripts; words never contain `_`, so a key cannot be mistaken for a word.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from itertools import chain
from typing import NamedTuple

from poststelle.german import MONTHS, compact, fold, iban_is_valid, parse_amount
from poststelle.records import IndexEntry
from search.atoms import (
    Atom,
    AtomKind,
    atom_of_chunk,
    number_term,
    number_with_cents,
    placed_chunks,
    special_atoms,
    words_of,
    written_chunks,
    written_pieces,
)
from search.stems import Stemmer, stemmer_version
from search.vocabulary import LONGEST_WORD, NUMBER_KEY, worth_remembering

ANALYSER_VERSION = 4
"""Raised whenever the same text gives other terms; an index of another version is rebuilt."""

MOST_REMEMBERED_WORDS = 20_000
MOST_CENTS = 10**15

_TRUNK_ZERO = re.compile(r"^((?:\+|00)\d+\s?)[(\u2768]0[)\u2769]")
_GERMAN_PREFIX = re.compile(r"^(?:\+|00)49\s?")
_SIGNS = re.compile(r"[\W_]+")
_WORD_KEY = "_w"
_HEADING_KEY = "_t"
FACT_KEYS = ("_r", "_a", "_h", "_c")
"""Beginnings of keys that come from facts, never from the text."""


class Marked(NamedTuple):
    """A term, and the place in the text that it stands for."""

    term: str
    start: int
    end: int


class Analysis(NamedTuple):
    """The terms of one text."""

    stream: tuple[Marked, ...]
    keys: tuple[Marked, ...]


class _Chunk(NamedTuple):
    """What a chunk of text always becomes, wherever it stands."""

    stream: str
    """Its terms with blanks between."""
    keys: tuple[str, ...]
    words: tuple[str, ...]
    """Folded; only those that are worth remembering."""


class _Chunks(dict[str, _Chunk]):
    """Chunks of text that were met before, by how they are written."""

    def __init__(self, make: Callable[[str], _Chunk]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, written: str) -> _Chunk:
        made = self._make(written)
        if len(written) <= LONGEST_WORD and not any(map(str.isdigit, written)):
            # Numbers and references hardly ever come again.
            if len(self) >= MOST_REMEMBERED_WORDS:
                self.clear()
            self[written] = made
        return made


class Streams(NamedTuple):
    """What is stored for a letter: one string of terms for each column of the index."""

    title: str
    sender: str
    body: str
    keys: str
    words: str
    """Every word once, as it is inflected: what the vocabulary of the index remembers."""


class Analyser:
    """Cuts, folds and stems; remembers words it has seen. Not shared between threads."""

    def __init__(self) -> None:
        self._stemmer = Stemmer()
        self._words: dict[str, tuple[str, str]] = {}
        self._chunks = _Chunks(self._chunk)
        self._pieces = _Chunks(self._piece)

    @property
    def fingerprint(self) -> str:
        """Version of everything that decides which term a word becomes."""
        return f"{ANALYSER_VERSION} stemmer {stemmer_version()} unicode {unicodedata.unidata_version}"

    def word(self, word: str) -> tuple[str, str]:
        """A single word as (stem, folded form); both empty if nothing of it can be searched for."""
        if word.isdecimal() and word.isascii():
            return word, word
        known = self._words.get(word)
        if known is None:
            folded = compact_word(fold(word))
            known = (self._stemmer.stem(folded) or folded, folded)
            if folded.isalpha():
                # Numbers and references hardly ever come again.
                if len(self._words) >= MOST_REMEMBERED_WORDS:
                    self._words.clear()
                self._words[word] = known
        return known

    def analyse(self, text: str) -> Analysis:
        """The terms of a text in reading order, and its keys."""
        stream: list[Marked] = []
        keys: list[Marked] = []
        position = 0
        for special in special_atoms(text):
            self._mark_chunks(text, position, special.start, stream, keys)
            self._mark(special, text, stream, keys)
            position = special.end
        self._mark_chunks(text, position, len(text), stream, keys)
        return Analysis(stream=tuple(stream), keys=tuple(keys))

    def _mark_chunks(self, text: str, start: int, end: int, stream: list[Marked], keys: list[Marked]) -> None:
        for written, first, last in placed_chunks(text, start, end):
            made = self._chunks[written]
            if " " in made.stream:
                self._mark(atom_of_chunk(written, first), text, stream, keys)
            elif made.stream:
                stream.append(Marked(made.stream, first, last))
                keys += [Marked(key, first, last) for key in made.keys]

    def _mark(self, atom: Atom, text: str, stream: list[Marked], keys: list[Marked]) -> None:
        stream += self.terms_of(atom, text, keys)
        keys += (Marked(key, atom.start, atom.end) for key in self.keys_of(atom))

    def terms_of(self, atom: Atom, text: str, keys: list[Marked]) -> list[Marked]:
        """What an atom contributes to the stream; unstemmed words are added to `keys`."""
        if atom.kind is AtomKind.DATE and atom.day is not None:
            return [Marked(date_key(atom.day), atom.start, atom.end)]
        if atom.kind is AtomKind.NUMBER:
            return [Marked(number_term(atom.text) or atom.text, atom.start, atom.end)]
        if atom.kind is AtomKind.IBAN:
            number = compact(atom.text).lower()
            return [Marked(number[i : i + 4], atom.start, atom.end) for i in range(0, len(number), 4)]
        terms: list[Marked] = []
        for word, start, end in words_of(text[atom.start : atom.end], atom.start):
            self._add_word(word, start, end, terms, keys)
        return terms

    def keys_of(self, atom: Atom) -> tuple[str, ...]:
        """Other forms under which an atom is found."""
        match atom.kind:
            case AtomKind.IBAN:
                return (iban_key(atom.text),)
            case AtomKind.GROUPED:
                number = number_term(atom.text)
                return (grouped_key(atom.text),) if number is None else (grouped_key(atom.text), number)
            case AtomKind.COMPOUND if any(character.isdigit() for character in atom.text):
                return (number_key(atom.text),)
            case AtomKind.COMPOUND if "-" in atom.text or "\u2010" in atom.text or "\u2011" in atom.text:
                return tuple(term for term in self.word(compact_word(atom.text)) if term)[:1]
            case AtomKind.MONTH if atom.day is not None:
                return (month_key(atom.day),)
            case AtomKind.DATE:
                # Somebody who remembers "März" means the letter that says "5. März 2026" too.
                words = (word for word, _, _ in words_of(atom.text) if word.lower() in MONTHS)
                return tuple(self.word(word)[0] for word in words)
            case _:
                return ()

    def _add_word(self, word: str, start: int, end: int, stream: list[Marked], keys: list[Marked]) -> None:
        stem, folded = self.word(word)
        if stem:
            stream.append(Marked(stem, start, end))
            if stem != folded:
                keys.append(Marked(word_key(folded), start, end))

    def streams(self, entry: IndexEntry) -> Streams:
        """Everything the index stores as terms for one letter."""
        keys: dict[str, None] = {}
        words: set[str] = set()
        title, sender = (self._stream(text, keys, words) for text in (entry.title, entry.sender))
        keys.update((heading_key(term), None) for term in f"{title} {sender}".split())
        body = " ".join(filter(None, (self._stream(page, keys, words) for page in entry.pages)))
        keys.update(dict.fromkeys(fact_keys(entry)))
        return Streams(
            title=title,
            sender=sender,
            body=body,
            keys=" ".join(keys),
            words=" ".join(_remembered(words, keys)),
        )

    def _stream(self, text: str, keys: dict[str, None], words: set[str]) -> str:
        """The terms that `analyse` finds in a text, without their places; keys and folded words are added."""
        stream: list[str] = []
        position = 0
        for special in special_atoms(text):
            self._add_chunks(text[position : special.start], stream, keys, words)
            self._add_special(special, text, stream, keys, words)
            position = special.end
        self._add_chunks(text[position:], stream, keys, words)
        return " ".join(filter(None, stream))

    def _add_chunks(self, text: str, stream: list[str], keys: dict[str, None], words: set[str]) -> None:
        written = written_pieces(text)
        known = self._pieces
        if written is None:
            written, known = written_chunks(text), self._chunks
        # Each different one once, in the order of the text: most words of a letter come again.
        made = {piece: known[piece] for piece in dict.fromkeys(written)}
        stream += [made[piece].stream for piece in written]
        keys.update(dict.fromkeys(chain.from_iterable([piece.keys for piece in made.values()])))
        words.update(*[piece.words for piece in made.values()])

    def _add_special(self, atom: Atom, text: str, stream: list[str], keys: dict[str, None], words: set[str]) -> None:
        beside: list[Marked] = []
        marks = self.terms_of(atom, text, beside)
        stream += [mark.term for mark in marks]
        keys.update((mark.term, None) for mark in beside)
        keys.update(dict.fromkeys(self.keys_of(atom)))
        if atom.kind not in (AtomKind.DATE, AtomKind.NUMBER, AtomKind.IBAN):
            words.update(folded for _, folded in self._words_of(text[atom.start : atom.end]) if _is_remembered(folded))

    def _piece(self, written: str) -> _Chunk:
        # Most of what is not remembered.
        if (number := number_with_cents(written)) is not None:
            return _Chunk(number, (), ())
        made = [self._chunk(chunk) for chunk in written_chunks(written)]
        if len(made) == 1:
            return made[0]
        return _Chunk(
            stream=" ".join([chunk.stream for chunk in made if chunk.stream]),
            keys=tuple(chain.from_iterable([chunk.keys for chunk in made])),
            words=tuple(chain.from_iterable([chunk.words for chunk in made])),
        )

    def _chunk(self, written: str) -> _Chunk:
        # Most of what is not remembered.
        if (number := number_with_cents(written)) is not None:
            return _Chunk(number, (), ())
        atom = atom_of_chunk(written, 0)
        if atom.kind is AtomKind.NUMBER:
            return _Chunk(number_term(atom.text) or atom.text, (), ())
        words = [self.word(atom.text)] if atom.kind is AtomKind.WORD else self._words_of(written)
        return _Chunk(
            stream=" ".join([stem for stem, _ in words if stem]),
            keys=(*(word_key(folded) for stem, folded in words if stem != folded), *self.keys_of(atom)),
            words=tuple([folded for _, folded in words if _is_remembered(folded)]),
        )

    def _words_of(self, text: str) -> list[tuple[str, str]]:
        return [self.word(word) for word, _, _ in words_of(text)]

    def plain_stem(self, folded: str) -> str:
        """The stem without our rules, which bring words together that do not stand in one another."""
        return self._stemmer.plain(folded) or folded

    def stem(self, folded: str) -> str:
        """The stem of a word that is folded already."""
        return self._stemmer.stem(folded) or folded


def _is_remembered(folded: str) -> bool:
    return worth_remembering(folded) and not folded.isdecimal()


def _remembered(words: set[str], keys: Iterable[str]) -> list[str]:
    """The words of a letter, and its numbers with letters in them; of the words none that is not worth it."""
    start = len(NUMBER_KEY)
    numbers = [key for key in keys if key.startswith(NUMBER_KEY) and not key[start:].isdecimal()]
    return sorted(words.union(filter(worth_remembering, numbers)))


def fact_keys(entry: IndexEntry) -> Iterator[str]:
    """Keys for the fields of the query language, from the letter's facts and numbers."""
    yield class_key(entry.record_class)
    yield number_key(entry.accession)
    yield from (having_key(name) for name, value in entry.facts.items() if value)
    for name, value in entry.facts.items():
        if name == "iban":
            yield iban_key(value)
        elif _is_amount(name):
            if (amount := parse_amount(value)) is not None:
                yield amount_key(amount)
        elif (name in ("reference", "number") or name.endswith(("_reference", "_number"))) and compact(value):
            yield reference_key(value)
            yield number_key(value)
            if iban_is_valid(compact(value)):
                yield iban_key(value)


def amounts_of(entry: IndexEntry) -> set[int]:
    """The amounts that were read as facts, in cents, without their sign."""
    found = (parse_amount(value) for name, value in entry.facts.items() if _is_amount(name))
    return {cents(amount) for amount in found if amount is not None}


def cents(amount: str) -> int:
    """A plain decimal with two places as cents, without its sign; no more than a database can hold."""
    return min(int(amount.removeprefix("-").replace(".", "")), MOST_CENTS)


def _is_amount(name: str) -> bool:
    return name == "amount" or name.endswith("_amount")


def word_key(folded: str) -> str:
    """A word as it was inflected: what prefixes and wildcards look through."""
    return f"{_WORD_KEY}{folded}"


def heading_key(term: str) -> str:
    """That a term stands in subject or sender: quicker to ask for than the term in these columns, where it stands in
    every other letter."""
    return f"{_HEADING_KEY}{term}"


def number_key(text: str) -> str:
    """A number or reference without separators."""
    return f"{NUMBER_KEY}{_key_text(text)}"


def bare_number(key: str) -> str:
    """The number that such a key stands for: what a letter holds that writes it without separators."""
    return key.removeprefix(NUMBER_KEY)


def grouped_key(text: str) -> str:
    """A number written in groups; "+49 (0)711 123456" and "0711 123456" are the same telephone."""
    return number_key(_GERMAN_PREFIX.sub("0", _TRUNK_ZERO.sub(r"\1", text)))


def iban_key(text: str) -> str:
    """An account number without blanks."""
    return f"_i{_key_text(text)}"


def reference_key(text: str) -> str:
    """A reference that was read as a fact."""
    return f"_r{_key_text(text)}"


def amount_key(amount: str) -> str:
    """An amount that was read as a fact, given as plain decimal."""
    return f"_a{amount.removeprefix('-').replace('.', '_')}"


def having_key(fact: str) -> str:
    """That a fact of this name was read at all."""
    return f"_h{_key_text(fact)}"


def class_key(record_class: str) -> str:
    """The record class of a letter."""
    return f"_c{_key_text(record_class)}"


def date_key(day: date) -> str:
    """A date that stands in the text; it begins with its `month_key` and its `year_key`."""
    return f"_d{day.year:04}{day.month:02}{day.day:02}"


def month_key(day: date) -> str:
    """A month that stands in the text, or the beginning of all its dates."""
    return f"_d{day.year:04}{day.month:02}"


def year_key(year: int) -> str:
    """The beginning of all dates of a year."""
    return f"_d{year:04}"


def compact_word(text: str) -> str:
    """A hyphenated word written as one: "E-Mail" → "EMail"."""
    return text if text.isalnum() else _SIGNS.sub("", text)


def _key_text(text: str) -> str:
    return compact_word(fold(compact_word(text)))
