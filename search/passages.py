"""Chooses the passage of a letter that shows why it was found, and marks the words in it.

Only for the letters that are shown: the pages are read and analysed again, with the same analyser as the index.
"""

import heapq
import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from poststelle.german import fold
from poststelle.records import IndexEntry
from search.analysis import FACT_KEYS, Analyser, Analysis, Marked, word_key
from search.query import Beginning, Key, Leaf, Phrase, Word
from search.stems import SEPARABLE, SHORTEST_VERB

SNIPPET_CHARACTERS = 200
MOST_ANALYSED_CHARACTERS = 200_000
"""Of one letter; a match further in still counts, its snippet shows the beginning."""

_HINT = 4
"""Letters of a term that words are searched for before they are analysed, which takes much longer."""
_MANY_HINTS = 6
_MOST_STRETCHES = 4
_AROUND = 80
"""Characters that a snippet may show before and behind its words, or that tell what kind of number one is."""
_REST_OF_WORD = re.compile(r"\S*")
_SPELLINGS = {
    "a": "(?:ae|[aäàáâåæ])", "o": "(?:oe|[oöòóôøœ])", "u": "(?:ue|[uüùúû])", "ss": "(?:ss|ß)", "s": "[sßſ]",
    "e": "[eéèêë]", "c": "[cç]", "n": "[nñ]", "i": "[iíìîï]", "l": "[lł]", "d": "[dđ]",
}  # fmt: skip
_BLANKS = str.maketrans("\n\t\u00a0", "   ")
_ELLIPSIS = "…"


class Passage(NamedTuple):
    """A piece of a page as plain text on one line."""

    text: str
    page: int | None
    """1-based; None if nothing on the pages matched."""
    highlights: tuple[tuple[int, int], ...]
    """Start and end offsets into `text`, in order, not overlapping."""


class _Match(NamedTuple):
    start: int
    end: int
    leaf: int


def best_passage(entry: IndexEntry, leaves: tuple[Leaf, ...], analyser: Analyser) -> Passage:
    """The passage with the most different words of the query, then the most words, then the earliest."""
    markable = tuple(leaf for leaf in leaves if _stands_on_pages(leaf))
    hints = _hints(markable)
    if hints:
        found = _best_of_stretches(entry, markable, analyser, hints)
        # The subject or the sender shows why; what the hints missed on the pages, if anything, is not worth the time.
        if found or _is_headed(entry, markable, analyser):
            return found or _beginning_of(entry)
    return _best_of_pages(entry, markable, analyser) or _beginning_of(entry)


def _is_headed(entry: IndexEntry, leaves: tuple[Leaf, ...], analyser: Analyser) -> bool:
    """Whether something of the query stands in subject or sender."""
    return any(_matches(analyser.analyse(text), leaves) for text in (entry.title, entry.sender))


def _beginning_of(entry: IndexEntry) -> Passage:
    return _cut(next((page for page in entry.pages if page.strip()), ""), 0, [], None)


def _best_of_pages(entry: IndexEntry, markable: tuple[Leaf, ...], analyser: Analyser) -> Passage | None:
    """The best passage of the whole letter."""
    best: tuple[tuple[int, int], int, int, list[_Match]] | None = None
    allowance = MOST_ANALYSED_CHARACTERS
    for number, page in enumerate(entry.pages, start=1):
        if allowance <= 0 or not markable:
            break
        matches = _matches(analyser.analyse(page[:allowance]), markable)
        allowance -= len(page)
        if matches and (best is None or _best_window(matches)[0] > best[0]):
            value, first = _best_window(matches)
            best = (value, number, first, matches)
    if best is None:
        return None
    _, number, first, matches = best
    return _cut(entry.pages[number - 1], first, matches, number)


class _Stretch(NamedTuple):
    """A piece of a page that looks as if it had words of the query; sorts by how much so, then by place."""

    missing_hints: int
    """Minus the number of different ones."""
    missing_places: int
    page: int
    start: int
    end: int


def _best_of_stretches(
    entry: IndexEntry, markable: tuple[Leaf, ...], analyser: Analyser, hints: tuple[tuple[str, ...], ...]
) -> Passage | None:
    """The best passage of the most promising stretches; only these are analysed, which takes longest."""
    stretches: list[_Stretch] = []
    allowance = MOST_ANALYSED_CHARACTERS
    for number, page in enumerate(entry.pages, start=1):
        if allowance > 0:
            stretches += _stretches(number, page[:allowance], hints)
        allowance -= len(page)
    best: tuple[tuple[int, int], _Stretch, int, list[_Match]] | None = None
    for stretch in heapq.nsmallest(_MOST_STRETCHES, stretches):
        # Neither this one nor those that follow look better than the best is.
        if best is not None and best[0] >= (-stretch.missing_hints, -stretch.missing_places):
            break
        text = entry.pages[stretch.page - 1][stretch.start : stretch.end]
        matches = [
            _Match(match.start + stretch.start, match.end + stretch.start, match.leaf)
            for match in _matches(analyser.analyse(text), markable)
        ]
        if matches and (best is None or _best_window(matches)[0] > best[0]):
            value, first = _best_window(matches)
            best = (value, stretch, first, matches)
    if best is None:
        return None
    _, stretch, first, matches = best
    return _cut(entry.pages[stretch.page - 1], first, matches, stretch.page)


def _hints(leaves: tuple[Leaf, ...]) -> tuple[tuple[str, ...], ...] | None:
    """For every leaf, what the words that match it have in them, one hint a word; None if that cannot be said."""
    hints: dict[tuple[str, ...], None] = {}
    for leaf in leaves:
        match leaf:
            case Word(term=term):
                terms: tuple[str, ...] = (term,)
            case Phrase(terms=several):
                terms = several
            case Beginning(folded=folded):
                terms = (folded,)
            case _:
                return None
        if not all(term.isalpha() for term in terms):
            return None
        hints[tuple(map(_hint, terms))] = None
    return tuple(hints)


def _hint(term: str) -> str:
    # A participle puts its ge- behind such a prefix: abgerechnet, abrechn-.
    verb = SEPARABLE.sub("", term)
    return (verb if len(verb) >= SHORTEST_VERB else term)[:_HINT]


def _stretches(number: int, page: str, hints: tuple[tuple[str, ...], ...]) -> list[_Stretch]:
    """Where words with these hints stand, as pieces of the page of the length of a snippet and a little more."""
    lowered = page.lower()
    if len(lowered) != len(page):
        return []
    if len(hints) > _MANY_HINTS:
        folded = fold(page)
        hints = tuple(several for several in hints if all(hint in folded for hint in several))
    places = sorted(
        (match.start(), number) for number, several in enumerate(hints) for match in _spelled(several).finditer(lowered)
    )
    found: list[_Stretch] = []
    end = 0
    for index, (first, _) in enumerate(places):
        while end < len(places) and places[end][0] - first <= SNIPPET_CHARACTERS:
            end += 1
        inside = places[index:end]
        different = len({hint for _, hint in inside})
        start = _end_of_word(page, first - _AROUND) if first > _AROUND else 0
        stop = _end_of_word(page, min(first + SNIPPET_CHARACTERS + _AROUND, len(page)))
        # A word longer than what is around is no word: then it begins at the place itself.
        found.append(_Stretch(-different, -len(inside), number, min(start, first), stop))
    return found


def _end_of_word(page: str, position: int) -> int:
    match = _REST_OF_WORD.match(page, position)
    return match.end() if match else position


@lru_cache(maxsize=256)
def _spelled(hint: tuple[str, ...]) -> re.Pattern[str]:
    """A hint as letters may spell it; of several words, each in the one that follows."""
    return re.compile(r"\S*\s+\S*?".join("".join(map(_spelling, re.findall("ss|.", word))) for word in hint))


def _spelling(letter: str) -> str:
    return _SPELLINGS.get(letter, re.escape(letter))


def clean_line(text: str) -> str:
    """Text on one line without control, format or unpaired surrogate characters."""
    return _clean(text, [])[0].strip()


def _matches(analysis: Analysis, leaves: tuple[Leaf, ...]) -> list[_Match]:
    found: list[_Match] = []
    for index, leaf in enumerate(leaves):
        found += (_Match(start, end, index) for start, end in _places(analysis, leaf))
    return sorted(found, key=lambda match: (match.start, match.end))


def _stands_on_pages(leaf: Leaf) -> bool:
    """Not confined to subject or sender, and no date of the letter itself."""
    match leaf:
        case Word(column=column) | Phrase(column=column) | Beginning(column=column):
            return column is None
        case Key(key=key):
            return not key.startswith(FACT_KEYS)
        case _:
            return False


def _places(analysis: Analysis, leaf: Leaf) -> list[tuple[int, int]]:
    everything = (*analysis.stream, *analysis.keys)
    match leaf:
        case Word(term=term):
            return [(mark.start, mark.end) for mark in everything if mark.term == term]
        case Key(key=key, is_beginning=False):
            return [(mark.start, mark.end) for mark in everything if mark.term == key]
        case Key(key=key):
            return [(mark.start, mark.end) for mark in everything if mark.term.startswith(key)]
        case Beginning(folded=folded):
            beginnings = (folded, word_key(folded))
            return [(mark.start, mark.end) for mark in everything if mark.term.startswith(beginnings)]
        case Phrase(terms=terms):
            return _phrase_places(analysis.stream, terms)
        case _:
            return []


def _phrase_places(stream: tuple[Marked, ...], terms: tuple[str, ...]) -> list[tuple[int, int]]:
    length = len(terms)
    return [
        (stream[at].start, stream[at + length - 1].end)
        for at in range(len(stream) - length + 1)
        if stream[at].term == terms[0] and all(stream[at + i].term == terms[i] for i in range(1, length))
    ]


def _best_window(matches: list[_Match]) -> tuple[tuple[int, int], int]:
    """((different leaves, matches), offset of the first match) of the best stretch of snippet length."""
    best = ((0, 0), 0)
    end = 0
    for index, first in enumerate(matches):
        end = max(end, index)
        while end < len(matches) and matches[end].end - first.start <= SNIPPET_CHARACTERS:
            end += 1
        window = matches[index : max(end, index + 1)]
        value = (len({match.leaf for match in window}), len(window))
        if value > best[0]:
            best = (value, first.start)
    return best


def _cut(page: str, first: int, matches: list[_Match], number: int | None) -> Passage:
    """The stretch of the page from a little before `first`, as a clean line with what matches in it marked."""
    covered = max((match.end for match in matches if match.end <= first + SNIPPET_CHARACTERS), default=first)
    lead = max(SNIPPET_CHARACTERS - (covered - first), 0) // 3
    start = _boundary_after(page, max(first - lead, 0), first)
    end = _boundary_before(page, min(start + SNIPPET_CHARACTERS, len(page)), max(covered, first))
    inside = [
        (match.start - start, match.end - start) for match in matches if start <= match.start and match.end <= end
    ]
    text, places = _clean(page[start:end], _merged(inside))
    stripped = text.lstrip()
    before = _ELLIPSIS if page[:start].strip() else ""
    after = _ELLIPSIS if page[end:].strip() else ""
    shift = len(before) - (len(text) - len(stripped))
    highlights = tuple((a + shift, b + shift) for a, b in places if a < b)
    return Passage(text=before + stripped.rstrip() + after, page=number, highlights=highlights)


def _boundary_after(page: str, position: int, limit: int) -> int:
    """The first word beginning from `position` on, at most `limit`."""
    if position == 0:
        return 0
    while position < limit and not page[position - 1].isspace():
        position += 1
    return position


def _boundary_before(page: str, position: int, limit: int) -> int:
    """The last word end up to `position`, but not before `limit`; never between a letter and its accents."""
    if position >= len(page):
        return len(page)
    back = position
    while back > limit and not page[back].isspace():
        back -= 1
    position = back if back > limit else max(position, limit)
    while position < len(page) and unicodedata.combining(page[position]):
        position += 1
    return position


def _merged(places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _clean(text: str, places: list[tuple[int, int]]) -> tuple[str, list[tuple[int, int]]]:
    """Blanks for white space, nothing for what does not print; the places follow."""
    plain = text.translate(_BLANKS)
    if plain.isprintable() and "  " not in plain:
        return plain, places
    kept: list[str] = []
    moved: list[int] = []
    for character in text:
        moved.append(len(kept))
        if character.isspace():
            if not kept or kept[-1] != " ":
                kept.append(" ")
        elif character.isprintable():
            kept.append(character)
    moved.append(len(kept))
    return "".join(kept), [(moved[start], moved[end]) for start, end in places]
