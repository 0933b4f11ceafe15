"""Offers another spelling for a query that found nothing: only words that stand in the letters searched."""

from collections.abc import Sequence

from search.index import CompartmentIndex
from search.matching import leaf_expression
from search.passages import clean_line
from search.query import Query, Word, wanted_leaves

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
        words = _known_words(indexes, leaf.term)
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


def _known_words(indexes: Sequence[CompartmentIndex], term: str) -> list[str]:
    most = 1 if len(term) <= 4 else 2
    letters: dict[str, int] = {}
    for index in indexes:
        for candidate, count in index.vocabulary(term[:_SHARED_BEGINNING]):
            if candidate.isalpha():
                letters[candidate] = letters.get(candidate, 0) + count
    near = [
        (distance, -letters[other], other)
        for other in letters
        if (distance := edit_distance(term, other, most)) <= most
    ]
    words = (_as_written(indexes, other) for _, _, other in sorted(near)[:MOST_SUGGESTIONS])
    return list(dict.fromkeys(word for word in words if word))


def _as_written(indexes: Sequence[CompartmentIndex], term: str) -> str | None:
    """A word as a letter spells it: the index itself knows only its stem."""
    for index in indexes:
        number = index.first_match(leaf_expression(Word(term=term)))
        if number is None:
            continue
        entry = index.entry(number)
        for text in (entry.title, entry.sender, *entry.pages):
            for mark in index.analyser.analyse(text).stream:
                if mark.term == term:
                    return clean_line(text[mark.start : mark.end])
    return None
