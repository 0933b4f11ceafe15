"""Chooses the passage of a letter that shows why it was found, and marks the words in it.

Only for the letters that are shown: the pages are read and analysed again, with the same analyser as the index.
"""

import unicodedata
from typing import NamedTuple

from poststelle.german import fold
from poststelle.records import IndexEntry
from search.analysis import Analyser, Analysis, Marked, word_key
from search.query import Beginning, Key, Leaf, Phrase, Word
from search.stems import SEPARABLE

SNIPPET_CHARACTERS = 200
MOST_ANALYSED_CHARACTERS = 200_000
"""Of one letter; a match further in still counts, its snippet shows the beginning."""

_HINT = 4
"""Letters of a term that lines are searched for before they are analysed, which takes much longer."""
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
    found = _best_of_pages(entry, markable, analyser, hints) if hints else None
    return found or _best_of_pages(entry, markable, analyser, None) or _beginning_of(entry)


def _beginning_of(entry: IndexEntry) -> Passage:
    return _cut(next((page for page in entry.pages if page.strip()), ""), 0, [], None)


def _best_of_pages(
    entry: IndexEntry, markable: tuple[Leaf, ...], analyser: Analyser, hints: tuple[str, ...] | None
) -> Passage | None:
    """The best passage; with `hints`, only lines that have one of them are looked at, and their neighbours."""
    best: tuple[tuple[int, int], int, int, list[_Match]] | None = None
    allowance = MOST_ANALYSED_CHARACTERS
    for number, page in enumerate(entry.pages, start=1):
        if allowance <= 0 or not markable:
            break
        shown = page[:allowance]
        stretches = [(0, len(shown))] if hints is None else _hinted(shown, hints)
        matches = [
            _Match(match.start + start, match.end + start, match.leaf)
            for start, end in stretches
            for match in _matches(analyser.analyse(shown[start:end]), markable)
        ]
        allowance -= len(page)
        if matches and (best is None or _best_window(matches)[0] > best[0]):
            value, first = _best_window(matches)
            best = (value, number, first, matches)
    if best is None:
        return None
    _, number, first, matches = best
    return _cut(entry.pages[number - 1], first, matches, number)


def _hints(leaves: tuple[Leaf, ...]) -> tuple[str, ...] | None:
    """Letters of which a line with a match has some in a row; None if what is looked for may be spelled otherwise."""
    hints: set[str] = set()
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
        # A participle puts its ge- behind such a prefix: abgerechnet, abrechn-.
        hints.update(SEPARABLE.sub("", term)[:_HINT] or term for term in terms)
    return tuple(hints)


def _hinted(page: str, hints: tuple[str, ...]) -> list[tuple[int, int]]:
    """Start and end of the stretches of lines with a hint, each with a line more before and behind."""
    lines: list[tuple[int, int]] = []
    position = 0
    for line in page.splitlines(keepends=True):
        lines.append((position, position + len(line)))
        position += len(line)
    stretches: list[tuple[int, int]] = []
    for index, (start, end) in enumerate(lines):
        folded = fold(page[start:end])
        if any(hint in folded for hint in hints):
            first, last = lines[max(index - 1, 0)][0], lines[min(index + 1, len(lines) - 1)][1]
            if stretches and first <= stretches[-1][1]:
                stretches[-1] = (stretches[-1][0], last)
            else:
                stretches.append((first, last))
    return stretches


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
        case Key():
            return True
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
    kept: list[str] = []
    moved = [0] * (len(text) + 1)
    for index, character in enumerate(text):
        moved[index] = len(kept)
        if character.isspace():
            if not kept or kept[-1] != " ":
                kept.append(" ")
        elif unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn"}:
            kept.append(character)
    moved[len(text)] = len(kept)
    return "".join(kept), [(moved[start], moved[end]) for start, end in places]
