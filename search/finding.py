"""Finds letters in several compartments' indexes at once and puts them in one order.

What a person gets depends only on the indexes passed in: scores are weighed by how common a word is in those
letters, ties go by date and then id, and suggestions come from those letters' words.
"""

import heapq
import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from typing import Any, Literal, NamedTuple

from search.index import CompartmentIndex
from search.matching import leaf_expression, plan
from search.passages import best_passage, clean_line
from search.query import DateRange, Leaf, Query, wanted_leaves
from search.suggestions import suggest

Sort = Literal["relevance", "date"]

_LEAST_WEIGHT = 1e-6
"""What full text gives a word that stands in more than half of the letters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What every hit must satisfy, whatever the query says; None means no limit."""

    record_class: str | None = None
    from_date: date | None = None
    """First day of the letter's date, included."""
    to_date: date | None = None
    """Last day of the letter's date, included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A letter found, as the result list shows it."""

    document_id: str
    accession: str
    record_class: str
    dated_on: date
    sender: str
    title: str
    score: float
    """Higher is better; only comparable within one result."""
    snippet: str
    page: int | None
    """1-based page of the snippet; None if nothing on the pages matched."""
    highlights: tuple[tuple[int, int], ...]
    """Start and end offsets into `snippet`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """The best hits, and how many there are in all."""

    total: int
    hits: tuple[Hit, ...]
    suggestions: tuple[str, ...]
    """Other queries to try, when nothing was found."""


class _Scored(NamedTuple):
    score: float
    place: int
    """Of the index in the sequence passed in."""
    number: int


class _Ranked(NamedTuple):
    descending_score: float
    descending_day: int
    document_id: str
    place: int
    number: int


def find(
    indexes: Sequence[CompartmentIndex], query: Query, filters: Filters, *, limit: int, sort: Sort
) -> SearchResult:
    """Find the letters a query matches; snippets are made only for the `limit` that are returned."""
    steps = plan(query.root)
    narrowed, bindings = _narrowed(filters)
    with ExitStack() as snapshots:
        for index in indexes:
            snapshots.enter_context(index.snapshot())
        found = [index.matches(steps, narrowed, bindings) for index in indexes]
        scored = _weighed(indexes, found, query)
        best = _best(indexes, scored, limit, sort)
        leaves = tuple(wanted_leaves(query.root))
        hits = tuple(_hit(indexes[ranked.place], ranked, leaves) for ranked in best)
        suggestions = () if scored else suggest(indexes, query)
    return SearchResult(total=len(scored), hits=hits, suggestions=suggestions)


def _narrowed(filters: Filters) -> tuple[str, tuple[Any, ...]]:
    parts: list[tuple[str, str]] = []
    if filters.record_class is not None:
        parts.append(("record_class = ?", filters.record_class))
    if filters.from_date is not None:
        parts.append(("dated_on >= ?", filters.from_date.isoformat()))
    if filters.to_date is not None:
        parts.append(("dated_on <= ?", filters.to_date.isoformat()))
    return " AND ".join(sql for sql, _ in parts), tuple(value for _, value in parts)


def _weighed(indexes: Sequence[CompartmentIndex], found: list[list[tuple[int, float]]], query: Query) -> list[_Scored]:
    """All matches; where several indexes answer, each score as if all letters were in one index."""
    factors = [1.0] * len(indexes)
    if sum(map(bool, found)) > 1:
        factors = _factors(indexes, query)
    return [
        _Scored(score * factors[place], place, number) for place, rows in enumerate(found) for number, score in rows
    ]


def _factors(indexes: Sequence[CompartmentIndex], query: Query) -> list[float]:
    """How much more, or less, the query's words say among all letters than in each index by itself."""
    expressions = [leaf_expression(leaf) for leaf in wanted_leaves(query.root) if not isinstance(leaf, DateRange)]
    sizes = [index.position()[0] for index in indexes]
    counts = [[index.count(expression) for expression in expressions] for index in indexes]
    together = sum(_weight(sum(sizes), sum(column)) for column in zip(*counts, strict=True))
    alone = [sum(_weight(size, count) for count in row) for size, row in zip(sizes, counts, strict=True)]
    return [together / weight if weight else 1.0 for weight in alone]


def _weight(letters: int, with_word: int) -> float:
    """The rarer a word, the more it says: the weight that full text gives it."""
    return max(math.log((letters - with_word + 0.5) / (with_word + 0.5)), _LEAST_WEIGHT)


def _best(indexes: Sequence[CompartmentIndex], scored: list[_Scored], limit: int, sort: Sort) -> list[_Ranked]:
    """The first `limit` in order; only those that can be among them are looked up."""
    if limit <= 0:
        return []
    if sort == "date":
        return _latest(indexes, scored, limit, by_score=False)
    if len(scored) <= limit:
        return _latest(indexes, scored, limit, by_score=True)
    threshold = heapq.nlargest(limit, (match.score for match in scored))[-1]
    above = [match for match in scored if match.score > threshold]
    level = [match for match in scored if match.score == threshold]
    first = _latest(indexes, above, len(above), by_score=True)
    return first + _latest(indexes, level, limit - len(above), by_score=True)


def _latest(indexes: Sequence[CompartmentIndex], scored: list[_Scored], limit: int, *, by_score: bool) -> list[_Ranked]:
    ranked: list[_Ranked] = []
    for place, index in enumerate(indexes):
        scores = {match.number: match.score for match in scored if match.place == place}
        for number, dated_on, document_id in index.latest(list(scores), limit) if scores else ():
            day = date.fromisoformat(dated_on).toordinal()
            ranked.append(_Ranked(-scores[number], -day, document_id, place, number))
    ranked.sort(key=None if by_score else itemgetter(1, 2))
    return ranked[:limit]


def _hit(index: CompartmentIndex, ranked: _Ranked, leaves: tuple[Leaf, ...]) -> Hit:
    entry = index.entry(ranked.number)
    passage = best_passage(entry, leaves, index.analyser)
    return Hit(
        document_id=entry.document_id,
        accession=entry.accession,
        record_class=entry.record_class,
        dated_on=entry.dated_on,
        sender=clean_line(entry.sender),
        title=clean_line(entry.title),
        score=float(f"{-ranked.descending_score:.6g}"),
        snippet=passage.text,
        page=passage.page,
        highlights=passage.highlights,
    )
