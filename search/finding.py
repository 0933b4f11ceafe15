"""Finds letters in several compartments' indexes at once and puts them in one order.

What a person gets depends only on the indexes passed in: scores are weighed by how common a word is in those
letters, ties go by date and then id, and suggestions come from those letters' words.
"""

import heapq
import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date
from operator import itemgetter
from typing import Any, Literal, NamedTuple

from search.facets import Facets, count_facets
from search.index import VERY_MANY, CompartmentIndex
from search.loosening import Meanings, meanings, resolve
from search.matching import Plan, leaf_expression, plan
from search.near import Near, near_matches
from search.partly import partly_matching
from search.passages import best_passage, clean_line
from search.query import Beginning, Key, Leaf, Node, Phrase, Query, Word, wanted_leaves
from search.suggestions import suggest

Sort = Literal["relevance", "date"]
_Matches = list[tuple[int, float]]
"""(number, score) of letters in one index."""

_OR, _AND = frozenset({"OR", "ODER"}), frozenset({"AND", "UND"})
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
    but: str | None = None
    """Id of a letter that is left out: the one that others are like."""


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
    exact: bool = True
    """False for a letter that has only a compound of a word, or a word that looks like it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """The best hits, and how many there are in all."""

    total: int
    """Of letters that match, nearly or exactly; near ones are only looked for if the others do not fill the page."""
    exact: int
    hits: tuple[Hit, ...]
    suggestions: tuple[str, ...]
    """Other queries to try, when nothing was found as it was typed."""
    facets: Facets | None = None
    """How the letters found are spread, if that was asked."""
    partly: bool = False
    """Whether no letter has all words, so that those with most of them were taken; `exact` is 0 then."""


class _Found(NamedTuple):
    indexes: Sequence[CompartmentIndex]
    matches: list[_Matches]
    """Of each index."""
    factors: list[float]
    """By which the scores of each index are multiplied to be comparable."""


class _Ranked(NamedTuple):
    descending_score: float
    descending_day: int
    document_id: str
    place: int
    number: int


def find(
    indexes: Sequence[CompartmentIndex],
    query: Query,
    filters: Filters,
    *,
    limit: int,
    sort: Sort,
    with_facets: bool = False,
) -> SearchResult:
    """Find the letters a query matches; snippets are made only for the `limit` that are returned."""
    asking = _Asking(indexes, *_narrowed(filters), limit, sort)
    with ExitStack() as snapshots:
        for index in indexes:
            snapshots.enter_context(index.snapshot())
        meant = [meanings(query.root, index) for index in indexes]
        roots = [resolve(query.root, words) for words in meant]
        exact = asking.ranked(roots)
        nearly: Near | None = None
        found = exact
        # Who writes OR lists by himself what else would do.
        widened = indexes and _OR.isdisjoint(query.text.split())
        if exact.total < limit and widened:
            nearly = near_matches(indexes, query, meant, exact.numbers(), asking.narrowed, asking.bindings, limit)
            found = asking.with_near(exact, nearly)
        suggestions = () if exact.total else suggest(indexes, query, nearly.queries if nearly else ())
        if nearly is not None and nearly.total:
            roots = [wide.root for wide in nearly.queries]
        # Bare words only: who writes AND means it.
        is_bare = widened and _AND.isdisjoint(query.text.split())
        partly = asking.partly(query.root, meant) if is_bare and not found.total else None
        if partly is not None:
            roots, found = partly
        facets = asking.facets(roots) if with_facets else None
    return SearchResult(
        total=found.total,
        exact=exact.total,
        hits=found.hits,
        suggestions=suggestions,
        facets=facets,
        partly=partly is not None,
    )


class _Answer(NamedTuple):
    total: int
    matches: list[_Matches]
    """Of each index; all, unless there are very many."""
    hits: tuple[Hit, ...]

    def numbers(self) -> list[set[int]]:
        """The letters of each index that match."""
        return [{number for number, _ in matches} for matches in self.matches]


class _Asking(NamedTuple):
    """Whom to ask, and what holds for every answer."""

    indexes: Sequence[CompartmentIndex]
    narrowed: str
    bindings: tuple[Any, ...]
    limit: int
    sort: Sort

    def ranked(self, roots: list[Node]) -> _Answer:
        """What one query for each index finds, the best first."""
        asked = list(zip(self.indexes, map(plan, roots), strict=True))
        # Where only few can match, weighing them at once saves counting them first.
        few = [self._all_matches(*each) if self._admits_few(*each) else None for each in asked]
        totals = [
            index.total(steps, self.narrowed, self.bindings) if matches is None else len(matches)
            for (index, steps), matches in zip(asked, few, strict=True)
        ]
        total = sum(totals)
        if total > VERY_MANY:
            found = [self._some_matches(*each, count) for each, count in zip(asked, totals, strict=True)]
        else:
            found = [
                self._all_matches(*each) if matches is None and count else matches or []
                for each, matches, count in zip(asked, few, totals, strict=True)
            ]
        best = _best(_Found(self.indexes, found, _factors(self.indexes, found, roots, total)), self.limit, self.sort)
        hits = (_hit(self.indexes[at.place], at, tuple(wanted_leaves(roots[at.place]))) for at in best)
        return _Answer(total, found, tuple(hits))

    def _admits_few(self, index: CompartmentIndex, steps: Plan) -> bool:
        return index.admits_few(steps, self.narrowed, self.bindings)

    def _all_matches(self, index: CompartmentIndex, steps: Plan) -> _Matches:
        return index.matches(steps, self.narrowed, self.bindings)

    def _some_matches(self, index: CompartmentIndex, steps: Plan, count: int) -> _Matches:
        """Of very many matches those that can be shown."""
        if not count:
            return []
        if self.sort == "date":
            return [(number, 0.0) for number in index.newest(steps, self.narrowed, self.bindings, self.limit, count)]
        return index.foremost(steps, self.narrowed, self.bindings, self.limit, count)

    def with_near(self, exact: _Answer, nearly: Near) -> _Answer:
        """The letters that match nearly below those that match."""
        hits = list(exact.hits)
        # Below the exact ones in score too, so that nobody who sorts by it mixes them up.
        least = min(hits[-1].score if hits else 1.0, 1.0)
        found = _Found(self.indexes, nearly.matches, [1.0] * len(self.indexes))
        for ranked in _best(found, self.limit - exact.total, self.sort):
            wide = nearly.queries[ranked.place].root
            hit = _hit(self.indexes[ranked.place], ranked, tuple(wanted_leaves(wide)))
            hits.append(replace(hit, exact=False, score=float(f"{least * hit.score:.6g}")))
        return _Answer(exact.total + nearly.total, exact.matches, tuple(hits))

    def partly(self, root: Node, meant: Sequence[Meanings]) -> tuple[list[Node], _Answer] | None:
        """The letters with most of the words, where none has all; None if none has any."""
        for wider in partly_matching(root):
            roots = [resolve(wider, words) for words in meant]
            answer = self.ranked(roots)
            if answer.total:
                return roots, answer._replace(hits=tuple(replace(hit, exact=False) for hit in answer.hits))
        return None

    def facets(self, roots: list[Node]) -> Facets:
        """How everything that matches is spread."""
        numbers = [
            index.numbers(plan(root), self.narrowed, self.bindings)
            for index, root in zip(self.indexes, roots, strict=True)
        ]
        return count_facets(self.indexes, [sorted(each) for each in numbers])


def _narrowed(filters: Filters) -> tuple[str, tuple[Any, ...]]:
    parts: list[tuple[str, str]] = []
    if filters.record_class is not None:
        parts.append(("record_class = ?", filters.record_class))
    if filters.from_date is not None:
        parts.append(("dated_on >= ?", filters.from_date.isoformat()))
    if filters.to_date is not None:
        parts.append(("dated_on <= ?", filters.to_date.isoformat()))
    if filters.but is not None:
        parts.append(("document_id <> ?", filters.but))
    return " AND ".join(sql for sql, _ in parts), tuple(value for _, value in parts)


def _factors(indexes: Sequence[CompartmentIndex], found: list[_Matches], roots: list[Node], exact: int) -> list[float]:
    """How much more, or less, the query's words say among all letters than in each index by itself.

    Full text weighs a word by how rare it is in its own index; where several indexes answer, their scores
    become comparable only as if all letters were in one.
    """
    if sum(map(bool, found)) < 2 or exact > VERY_MANY:
        return [1.0] * len(indexes)
    sizes = [index.letters() for index in indexes]
    counts = [_counts(index, root) for index, root in zip(indexes, roots, strict=True)]
    # Wildcards stand for other words in every index: then there is nothing to compare word by word.
    if len({len(row) for row in counts}) > 1:
        return [1.0] * len(indexes)
    together = [_weight(sum(sizes), sum(column)) for column in zip(*counts, strict=True)]
    factors: list[float] = []
    for size, row in zip(sizes, counts, strict=True):
        # A word that an index does not have scores nothing in it.
        weights = [(weight, _weight(size, count)) for weight, count in zip(together, row, strict=True) if count]
        alone = sum(weight for _, weight in weights)
        factors.append(sum(weight for weight, _ in weights) / alone if alone else 1.0)
    return factors


def _counts(index: CompartmentIndex, root: Node) -> list[int]:
    """In how many letters each of the words stands that rank."""
    return [
        index.count(leaf_expression(leaf))
        for leaf in wanted_leaves(root)
        if isinstance(leaf, Word | Phrase | Beginning | Key)
    ]


def _weight(letters: int, with_word: int) -> float:
    """The rarer a word, the more it says: the weight that full text gives it."""
    return max(math.log((letters - with_word + 0.5) / (with_word + 0.5)), _LEAST_WEIGHT)


def _best(found: _Found, limit: int, sort: Sort) -> list[_Ranked]:
    """The first `limit` in order; only those that can be among them are looked up."""
    if limit <= 0:
        return []
    if sort == "date":
        ranked = _latest(found, found.matches, limit)
        return sorted(ranked, key=itemgetter(1, 2))[:limit]
    threshold = _threshold(found, limit)
    if threshold is None:
        return sorted(_latest(found, found.matches, limit))
    above, level = _split(found, threshold)
    first = sorted(_latest(found, above, limit))
    rest = sorted(_latest(found, level, limit - len(first)))
    return first + rest[: limit - len(first)]


def _threshold(found: _Found, limit: int) -> float | None:
    """The score of the last letter that is shown; None if all are."""
    if sum(map(len, found.matches)) <= limit:
        return None
    scores: list[float] = []
    for matches, factor in zip(found.matches, found.factors, strict=True):
        scores += (score * factor for score in heapq.nlargest(limit, map(itemgetter(1), matches)))
    return heapq.nlargest(limit, scores)[-1]


def _split(found: _Found, threshold: float) -> tuple[list[_Matches], list[_Matches]]:
    """The matches above the threshold, and those on it."""
    above: list[_Matches] = []
    level: list[_Matches] = []
    for matches, factor in zip(found.matches, found.factors, strict=True):
        kept = [match for match in matches if match[1] * factor >= threshold]
        above.append([match for match in kept if match[1] * factor > threshold])
        level.append([match for match in kept if match[1] * factor == threshold])
    return above, level


def _latest(found: _Found, matches_of_each: list[_Matches], limit: int) -> list[_Ranked]:
    """The `limit` newest of each index; all of them where there are no more."""
    ranked: list[_Ranked] = []
    for place, (index, matches) in enumerate(zip(found.indexes, matches_of_each, strict=True)):
        scores = dict(matches)
        for number, dated_on, document_id in index.latest(list(scores), limit) if scores else ():
            day = date.fromisoformat(dated_on).toordinal()
            ranked.append(_Ranked(-scores[number] * found.factors[place], -day, document_id, place, number))
    return ranked


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
