"""Counts how the letters found are spread over classes, years and senders."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from search.index import CompartmentIndex
from search.passages import clean_line

MOST_SENDERS = 10
MOST_READ_FOR_SENDERS = 500
"""Senders stand inside the letters; of a longer list only the newest are looked at."""

Counts = tuple[tuple[str, int], ...]
"""(value, letters), the most frequent first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facets:
    """The spread of a result."""

    record_classes: Counts
    years: Counts
    senders: Counts
    """The most frequent ones."""
    senders_of: int
    """Among how many of the letters the senders were counted."""


def count_facets(indexes: Sequence[CompartmentIndex], numbers: Sequence[list[int]]) -> Facets:
    """The spread of these letters, given by their numbers in each index."""
    record_classes: Counter[str] = Counter()
    years: Counter[str] = Counter()
    senders: Counter[str] = Counter()
    newest: list[tuple[str, str, int, int]] = []
    for place, (index, found) in enumerate(zip(indexes, numbers, strict=True)):
        for record_class, year, letters in index.spread(found):
            record_classes[record_class] += letters
            years[year] += letters
        latest = index.latest(found, MOST_READ_FOR_SENDERS) if found else []
        newest += [(day, document_id, place, number) for number, day, document_id in latest]
    newest.sort(reverse=True)
    for _, _, place, number in newest[:MOST_READ_FOR_SENDERS]:
        if sender := clean_line(indexes[place].entry(number).sender):
            senders[sender] += 1
    return Facets(
        record_classes=_ordered(record_classes),
        years=tuple(sorted(years.items(), reverse=True)),
        senders=_ordered(senders)[:MOST_SENDERS],
        senders_of=len(newest[:MOST_READ_FOR_SENDERS]),
    )


def _ordered(counted: Counter[str]) -> Counts:
    return tuple(sorted(counted.items(), key=lambda item: (-item[1], item[0])))
