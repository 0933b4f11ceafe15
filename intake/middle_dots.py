"""The dot between two words, as in "Hauptstraße 5 · 12345 Musterstadt": the model has no letter for it.

It reads a stroke or a colon instead; what stands there is told by its ink.
"""

import statistics
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

import numpy

from intake.engine import FoundWord

if TYPE_CHECKING:
    from intake.engine import Grey

DOT = "·"
_READ_AS = frozenset("-–—:;|=*+~.,'°•»«")
_INK = 170
"""Of a page with even background; a dot of two pixels is paler than a letter."""
_LARGEST, _LONGEST = 0.3, 1.7
"""At most so high and wide, in heights of the line; and so many times as long as it is broad."""
_LOWEST, _HIGHEST = 0.22, 0.7
"""Where its middle lies above the foot of the line."""


def with_middle_dots(words: Sequence[FoundWord], page: "Grey") -> list[FoundWord]:
    """The words of a level page, dots that were read as something else set right."""
    return [word for _, line in groupby(words, lambda word: word.line) for word in _line(tuple(line), page)]


def _line(words: tuple[FoundWord, ...], page: "Grey") -> Sequence[FoundWord]:
    long_words = [word for word in words if len(word.text) > 2]
    if len(long_words) < 2 or not any(word.text in _READ_AS for word in words):
        return words
    height = statistics.median(word.bottom - word.top for word in long_words)
    foot = statistics.median(word.bottom for word in long_words)
    return [
        replace(word, text=DOT)
        if word.text in _READ_AS
        and 0 < place < len(words) - 1
        and _is_dot(page, words[place - 1].right + 1, words[place + 1].left - 1, foot, height)
        else word
        for place, word in enumerate(words)
    ]


def _is_dot(page: "Grey", left: int, right: int, foot: float, height: float) -> bool:
    """Whether all ink between two words is one dot at half the height of the line."""
    top = max(0, round(foot - 1.1 * height))
    between = page[top : max(0, round(foot + 0.2 * height)), max(0, left) : max(0, right)] < _INK
    rows, columns = numpy.flatnonzero(between.any(axis=1)), numpy.flatnonzero(between.any(axis=0))
    if len(rows) == 0:
        return False
    high, wide = int(rows[-1] - rows[0]) + 1, int(columns[-1] - columns[0]) + 1
    above = (foot - top - (int(rows[0]) + int(rows[-1]) + 1) / 2) / height
    is_small = max(high, wide) <= _LARGEST * height and max(high, wide) <= _LONGEST * min(high, wide)
    return is_small and _LOWEST <= above <= _HIGHEST
