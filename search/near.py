"""Ranks letters that match only nearly: by how close the words are, how rare, and whether they head the letter.

Full text would rank a misspelling above the word itself, because it is rare. So every word of the query counts
once, with the closest form that the letter has of it.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from search.index import VERY_MANY, CompartmentIndex
from search.loosening import Loosened, Meanings, loosen, resolve
from search.matching import expression_of, heading_of, plan
from search.query import Query

_CLOSE_FROM = 0.6
_LEVELS = ((1.0, 1.0), (_CLOSE_FROM, 0.7), (0.0, 0.45))
"""(least closeness, what a form at least so close counts)."""
_IN_HEADING = 2.0
"""How much more subject and sender count than the text."""

Matches = list[tuple[int, float]]


class Near(NamedTuple):
    """Letters that match nearly, but not exactly."""

    total: int
    matches: list[Matches]
    """Of each index, with scores in (0, 1); the best, where there are very many."""
    queries: list[Loosened]
    """What the query became in each index."""


def near_matches(
    indexes: Sequence[CompartmentIndex],
    query: Query,
    meant: Sequence[Meanings],
    exact: Sequence[set[int]],
    narrowed: str,
    bindings: tuple[object, ...],
    most: int,
) -> Near:
    """Find and rank the letters of each index that only a widened query finds; wildcards mean `meant` in each."""
    loosened = [loosen(query.root, index, words) for index, words in zip(indexes, meant, strict=True)]
    plans = [
        plan(wide.root) if wide.root != resolve(query.root, words) else None
        for wide, words in zip(loosened, meant, strict=True)
    ]
    totals = [
        index.total(steps, narrowed, bindings) - len(known) if steps else 0
        for index, steps, known in zip(indexes, plans, exact, strict=True)
    ]
    total = sum(totals)
    candidates: list[set[int]] = []
    for index, steps, known, count in zip(indexes, plans, exact, totals, strict=True):
        if not steps or not count:
            candidates.append(set())
        elif total > VERY_MANY:
            first = index.foremost(steps, narrowed, bindings, most + len(known), count + len(known))
            candidates.append({number for number, _ in first} - known)
        else:
            candidates.append(index.numbers(steps, narrowed, bindings) - known)
    if not any(candidates):
        return Near(0, [[] for _ in indexes], loosened)
    qualities = [
        _qualities(index, wide, numbers) for index, wide, numbers in zip(indexes, loosened, candidates, strict=True)
    ]
    letters = sum(index.letters() for index in indexes)
    # The same words in the same order in every index: a group is a word of the query.
    with_word = [sum(counts) for counts in zip(*([count for count, _ in groups] for groups in qualities), strict=True)]
    weights = [math.log((letters + 1.0) / (count + 0.5)) + 0.1 for count in with_word]
    highest = sum(weights) * _IN_HEADING + 1.0
    scored = [
        [
            (
                number,
                sum(w * quality.get(number, 0.0) for w, (_, quality) in zip(weights, groups, strict=True)) / highest,
            )
            for number in numbers
        ]
        for numbers, groups in zip(candidates, qualities, strict=True)
    ]
    return Near(total, scored, loosened)


def _qualities(index: CompartmentIndex, loosened: Loosened, candidates: set[int]) -> list[tuple[int, dict[int, float]]]:
    """For each word of the query: how many letters have a form of it, and how good the candidates' best form is."""
    result: list[tuple[int, dict[int, float]]] = []
    for group in loosened.groups:
        letters = 0
        quality: dict[int, float] = {}
        for level, (least, worth) in enumerate(_LEVELS):
            below = _LEVELS[level - 1][0] if level else 2.0
            forms = [node for closeness, node in group if least <= closeness < below]
            if not forms:
                continue
            expression, heading = expression_of(forms), heading_of(forms)
            letters += index.count(expression)
            for number in index.among(expression, candidates):
                quality[number] = max(quality.get(number, 0.0), worth)
            for number in index.among(heading, candidates):
                quality[number] = max(quality.get(number, 0.0), worth * _IN_HEADING)
        result.append((min(letters, index.letters()), quality))
    return result
