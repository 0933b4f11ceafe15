"""Which way up a page stands: recognised first, turned only if what was read makes no sense."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from intake.engine import FoundWord
from intake.rows import are_level

_SURE = 0.6
_ORDER = (180, 90, 270)
"""Upside down is what feeders do; sideways is rare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one attempt at a page found."""

    words: Sequence[FoundWord]
    words_level: Sequence[FoundWord]
    """The same words with their boxes on the straightened page."""
    rotation_degrees: int
    skew_degrees: float
    width_px: int
    height_px: int


def mean_confidence(words: Sequence[FoundWord]) -> float:
    """Mean over the words, long words weighing more: noise comes in short ones. 0.0 without words."""
    letters = sum(len(word.text) for word in words)
    return sum(word.confidence * len(word.text) for word in words) / letters if letters else 0.0


def stands_wrong(words: Sequence[FoundWord]) -> bool:
    """Whether the words read suggest that the page is turned."""
    if mean_confidence(words) < _SURE:
        return True
    return not are_level(words)


def best_way_up(read: Callable[[int], Reading]) -> Reading:
    """Read the page as it came; only if that fails, the other ways round, and keep the best.

    `read` takes degrees clockwise. Costs nothing on an upright page.
    """
    best = read(0)
    if not stands_wrong(best.words):
        return best
    for degrees in _ORDER:
        other = read(degrees)
        if not stands_wrong(other.words):
            return other
        if _worth(other) > _worth(best):
            best = other
    return best


def _worth(reading: Reading) -> float:
    """Sum of the confident words; upright words count, however many a wrong turn may find."""
    upright = [w for w in reading.words if len(w.text) < 3 or w.right - w.left >= w.bottom - w.top]
    return sum(max(0.0, word.confidence - 0.3) * len(word.text) for word in upright)
