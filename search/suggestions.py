"""Offers another spelling for a query that found nothing: only words that stand in the letters searched."""

import re
from collections.abc import Sequence

from poststelle.german import fold
from search.analysis import compact_word, word_key
from search.atoms import without_hyphenation
from search.index import CompartmentIndex
from search.loosening import Loosened, Nearness, near_words
from search.matching import leaf_expression
from search.passages import clean_line
from search.query import Key, Pattern, Query, Word, wanted_leaves
from search.spelling import slips_allowed

MOST_SUGGESTIONS = 3
MOST_COMPARED = 12


_CAPITALS = {"or": "OR", "oder": "ODER", "not": "NOT", "nicht": "NICHT"}
"""Operators that are words of any letter when they are written small."""
_SMALL_OPERATOR = re.compile(r"(?:(?<=\s)(?:or|oder)|(?<!\S)(?:not|nicht))(?= +[^\s)])", re.IGNORECASE)


def suggest(indexes: Sequence[CompartmentIndex], query: Query, loosened: Sequence[Loosened]) -> tuple[str, ...]:
    """The query with its unknown words replaced by known ones that are spelled nearly alike.

    `loosened` is what the query became in each index, if that is known already: the looks into the vocabularies.
    """
    known: list[tuple[Word, list[str]]] = []
    for leaf in wanted_leaves(query.root):
        if not isinstance(leaf, Word) or not leaf.term.isalpha() or leaf.typed.lower() in _CAPITALS:
            continue
        if any(index.count(leaf_expression(leaf)) for index in indexes):
            continue
        if words := _known_words(indexes, leaf, loosened):
            known.append((leaf, words))
    if not known:
        return _meant_otherwise(query)
    (first, words), others = known[0], known[1:]
    return tuple(_replaced(query.text, [(first, word), *((leaf, best[0]) for leaf, best in others)]) for word in words)


def _replaced(text: str, words: Sequence[tuple[Word, str]]) -> str:
    # From the back, so that places further ahead stay what they are.
    for leaf, word in sorted(words, key=lambda each: -each[0].start):
        text = text[: leaf.start] + word + text[leaf.start + len(leaf.typed) :]
    return text


def _meant_otherwise(query: Query) -> tuple[str, ...]:
    """The query as an operator or a question is meant that was taken for a word or a placeholder."""
    if any(isinstance(leaf, Pattern) and leaf.folded.endswith("?") for leaf in wanted_leaves(query.root)):
        return (query.text.rstrip(" ?"),)
    if '"' in query.text:
        return ()
    meant = _SMALL_OPERATOR.sub(lambda match: _CAPITALS[match.group().lower()], query.text)
    return () if meant == query.text else (meant,)


def _known_words(indexes: Sequence[CompartmentIndex], leaf: Word, loosened: Sequence[Loosened]) -> list[str]:
    """Words as letters write them, the nearest and then the most frequent first."""
    # A slip keeps the stemmer from seeing the ending, so inflected words are compared with what was typed.
    folded = compact_word(fold(leaf.typed)) or leaf.term
    closeness: dict[str, float] = {}
    for place, index in enumerate(indexes):
        found = loosened[place].found.get(folded) if loosened else None
        if found is None:
            found = near_words(index, [(folded, leaf.term, slips_allowed(folded))])[folded]
        for near in found:
            if near.nearness is Nearness.SLIP and near.word.isalpha():
                closeness[near.word] = max(near.closeness, closeness.get(near.word, 0.0))
    nearest = sorted(closeness, key=lambda word: (-closeness[word], word))[:MOST_COMPARED]
    letters = {word: sum(index.count(form_expression(index, word)) for index in indexes) for word in nearest}
    nearest.sort(key=lambda word: (-closeness[word], -letters[word], word))
    words = (as_written(indexes, word) for word in nearest[: 2 * MOST_SUGGESTIONS])
    return list(dict.fromkeys(word for word in words if word))[:MOST_SUGGESTIONS]


def form_expression(index: CompartmentIndex, word: str) -> str:
    """The full-text expression of a word in just this form."""
    return leaf_expression(Key(key=word if index.analyser.stem(word) == word else word_key(word)))


def as_written(indexes: Sequence[CompartmentIndex], word: str) -> str | None:
    """A word as a letter spells it: the index itself knows only its folded form."""
    for index in indexes:
        number = index.first_match(form_expression(index, word))
        if number is None:
            continue
        entry = index.entry(number)
        for text in (entry.title, entry.sender, *entry.pages):
            for mark in index.analyser.analyse(text).stream:
                written = without_hyphenation(text[mark.start : mark.end])
                if index.analyser.word(written)[1] == word:
                    return clean_line(written)
    return None
