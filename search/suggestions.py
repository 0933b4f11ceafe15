"""Offers another spelling for a query that found nothing: only words that stand in the letters searched."""

from collections.abc import Sequence

from poststelle.german import fold
from search.analysis import compact_word, word_key
from search.atoms import without_hyphenation
from search.index import CompartmentIndex
from search.matching import leaf_expression
from search.passages import clean_line
from search.query import Key, Query, Word, wanted_leaves

MOST_SUGGESTIONS = 3
_SHARED_BEGINNING = 2
"""Letters that a suggestion shares with what was typed: this keeps the look into the vocabulary short."""


def suggest(indexes: Sequence[CompartmentIndex], query: Query) -> tuple[str, ...]:
    """The query with one unknown word replaced by a known one that is spelled nearly alike."""
    for leaf in wanted_leaves(query.root):
        if not isinstance(leaf, Word) or not leaf.term.isalpha() or len(leaf.term) <= _SHARED_BEGINNING:
            continue
        if any(index.count(leaf_expression(leaf)) for index in indexes):
            continue
        words = _known_words(indexes, leaf)
        if words:
            before, after = query.text[: leaf.start], query.text[leaf.start + len(leaf.typed) :]
            return tuple(f"{before}{word}{after}" for word in words)
    return ()


def edit_distance(left: str, right: str, most: int) -> int:
    """How many letters to insert, delete, replace or swap with their neighbour; `most` + 1 if more than `most`."""
    if abs(len(left) - len(right)) > most:
        return most + 1
    before: list[int] = []
    last = list(range(len(right) + 1))
    for i, a in enumerate(left, start=1):
        row = [i]
        for j, b in enumerate(right, start=1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
        before, last = last, row
    return min(last[-1], most + 1)


def _known_words(indexes: Sequence[CompartmentIndex], leaf: Word) -> list[str]:
    """Words as letters write them, the nearest and then the most frequent first."""
    # A slip keeps the stemmer from seeing the ending, so inflected words are compared with what was typed.
    folded = compact_word(fold(leaf.typed))
    terms: dict[str, tuple[int, int]] = {}
    for typed, prefix in ((leaf.term, ""), (folded, word_key(""))):
        most = 1 if len(typed) <= 4 else 2
        for index in indexes:
            for term, letters in index.vocabulary(prefix + typed[:_SHARED_BEGINNING]):
                word = term.removeprefix(prefix)
                distance = edit_distance(typed, word, most) if word.isalpha() else most + 1
                if distance <= most:
                    terms[term] = (distance, terms.get(term, (0, 0))[1] - letters)
    nearest = sorted(terms, key=lambda term: (*terms[term], term))[:MOST_SUGGESTIONS]
    words = (_as_written(indexes, term) for term in nearest)
    return list(dict.fromkeys(word for word in words if word))


def _as_written(indexes: Sequence[CompartmentIndex], term: str) -> str | None:
    """A word as a letter spells it: the index itself knows only its folded forms."""
    for index in indexes:
        number = index.first_match(leaf_expression(Key(key=term)))
        if number is None:
            continue
        entry = index.entry(number)
        for text in (entry.title, entry.sender, *entry.pages):
            analysis = index.analyser.analyse(text)
            for mark in (*analysis.stream, *analysis.keys):
                if mark.term == term:
                    return clean_line(without_hyphenation(text[mark.start : mark.end]))
    return None
