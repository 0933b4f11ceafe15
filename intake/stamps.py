"""Text under a stamp: print is black, a stamp is pale, and where both lie on each other neither is read.

Words of which the engine is not sure, near each other, are where to look. If the ink there is of two kinds, the
lines are read once more without the pale one, and the stamp is read without the dark one. On other pages nothing
is asked.

Measured on three pages with a stamp across their lines: character errors 22.1, 3.2 and 2.3 % → 0.5 to 0.7 %, the
words of the stamp that are read then left out of account; 0.15 to 0.2 s for such a page.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy

from intake.engine import FoundWord
from intake.orientation import mean_confidence

if TYPE_CHECKING:
    from intake.engine import Grey

    Mask = numpy.ndarray[Any, numpy.dtype[numpy.bool_]]

ReadLines = Callable[["Grey"], Sequence[FoundWord]]
"""Reads some lines of a page, as wide as the page."""
_UNSURE, _WORDS_NEEDED, _LONG = 0.6, 3, 3
_WIDTH_INCHES, _HEIGHT_INCHES = 3.3, 1.6
"""No stamp is larger."""
_AROUND_INCHES = 0.35
"""So far the stamp reaches around the words that it spoiled."""
_INK = 150
_TWO_KINDS = 35
"""The dark ink of a place is darker by so much than its pale ink."""
_SURE = 0.8
_KEPT = 0.95
"""A second reading may lose so much of what was sure: words of the stamp, which are read by themselves."""
_STAMP_SURE = 0.6
_MARGIN_PX, _SPECK_PX = 10, 12
_MOST_LEAN_DEGREES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spot:
    """A part of the page in pixels."""

    left: int
    top: int
    right: int
    bottom: int


def with_text_under_stamps(
    words: Sequence[FoundWord], page: "Grey", dpi: int, read_lines: ReadLines
) -> tuple[Sequence[FoundWord], Sequence[FoundWord]]:
    """The words of a level page, and those of a stamp that lies on them, which have no place in their order.

    Everything stays as it was unless the second reading is surer of itself.
    """
    spot = _unsure_spot(words, dpi)
    if spot is None:
        return words, ()
    spot = _grown(spot, round(_AROUND_INCHES * dpi), page)
    between = _between_inks(page[spot.top : spot.bottom, spot.left : spot.right])
    if between is None:
        return words, ()
    touched = [word for word in words if spot.top <= (word.top + word.bottom) / 2 < spot.bottom]
    others = [word for word in words if not spot.top <= (word.top + word.bottom) / 2 < spot.bottom]
    print_alone, stamp_alone = _apart(page, dpi, spot, between)
    lines = numbered_from(_lines_of(print_alone, touched, others, read_lines), words)
    if not _is_surer(lines, touched):
        return words, ()
    left, top = spot.left - _MARGIN_PX, spot.top - _MARGIN_PX
    stamp = [
        word
        for word in _moved(read_lines(stamp_alone), left, top)
        if word.confidence >= _STAMP_SURE and any(map(str.isalnum, word.text))
    ]
    first = next(place for place, word in enumerate(words) if word in touched)
    before = [word for word in words[:first] if word in others]
    return [*before, *lines, *others[len(before) :]], stamp


def _is_surer(lines: Sequence[FoundWord], before: Sequence[FoundWord]) -> bool:
    """Whether a second reading has fewer doubts and has not lost what was sure."""
    return (
        sum(map(_is_unsure, lines)) < sum(map(_is_unsure, before))
        and mean_confidence(lines) > mean_confidence(before)
        and _sure_letters(lines) >= _KEPT * _sure_letters(before)
    )


def _is_unsure(word: FoundWord) -> bool:
    return word.confidence < _UNSURE and len(word.text) >= _LONG


def _sure_letters(words: Sequence[FoundWord]) -> int:
    return sum(len(word.text) for word in words if word.confidence >= _SURE)


def _unsure_spot(words: Sequence[FoundWord], dpi: int) -> _Spot | None:
    """Where most unsure words stand together within the size of a stamp."""
    unsure = [word for word in words if _is_unsure(word)]
    best: list[FoundWord] = []
    for first in unsure:
        near = [
            word
            for word in unsure
            if abs(word.left - first.left) < _WIDTH_INCHES * dpi / 2
            and 0 <= word.top - first.top + dpi // 10 < _HEIGHT_INCHES * dpi
        ]
        best = max(best, near, key=len)
    if len(best) < _WORDS_NEEDED:
        return None
    return _Spot(
        left=min(word.left for word in best),
        top=min(word.top for word in best),
        right=max(word.right for word in best),
        bottom=max(word.bottom for word in best),
    )


def _grown(spot: _Spot, by: int, page: "Grey") -> _Spot:
    height, width = page.shape
    return _Spot(
        left=max(0, spot.left - 2 * by),
        top=max(0, spot.top - by),
        right=min(width, spot.right + 2 * by),
        bottom=min(height, spot.bottom + by),
    )


def _between_inks(spot: "Grey") -> int | None:
    """A grey between the print and what lies on it (Otsu's, of the middle of strokes); None if all ink is alike."""
    core = spot[(cv2.erode(spot, numpy.ones((3, 3), numpy.uint8)) == spot) & (spot < _INK)]
    counts = numpy.bincount(core, minlength=256).astype(numpy.float64)
    number, weight = counts.cumsum(), (counts * numpy.arange(256)).cumsum()
    if number[-1] == 0 or counts.max() == number[-1]:
        return None
    others = number[-1] - number
    inside = (number > 0) & (others > 0)
    dark = weight[inside] / number[inside]
    pale = (weight[-1] - weight[inside]) / others[inside]
    best = int(numpy.argmax(number[inside] * others[inside] * (pale - dark) ** 2))
    if pale[best] - dark[best] < _TWO_KINDS:
        return None
    return round(float(dark[best] + pale[best]) / 2)


def _apart(page: "Grey", dpi: int, spot: _Spot, between: int) -> tuple["Grey", "Grey"]:
    """The page with nothing pale in the spot, and the pale alone, closed where print ran over it."""
    part = page[spot.top : spot.bottom, spot.left : spot.right]
    dark = (part < between).astype(numpy.uint8)
    strokes = cv2.dilate(dark, numpy.ones((5, 5), numpy.uint8))
    print_alone = page.copy()
    print_alone[spot.top : spot.bottom, spot.left : spot.right] = numpy.where(strokes > 0, part, 255)
    stamp_alone = cv2.inpaint(part, cv2.dilate(dark, numpy.ones((3, 3), numpy.uint8)), 3, cv2.INPAINT_TELEA)
    return print_alone, _level(_without_frame(stamp_alone.astype(numpy.uint8), dpi))


def _without_frame(stamp: "Grey", dpi: int) -> "Grey":
    """The ink of a stamp that may be letters: no frame, no dust, no shine of the print."""
    ink = (stamp < _INK).astype(numpy.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    letters = (stats[:, 2] < 0.6 * dpi) & (stats[:, 3] < 0.45 * dpi) & (stats[:, 4] >= _SPECK_PX)
    letters[0] = False
    white = numpy.where(letters[labels], stamp, 255).astype(numpy.uint8)
    return numpy.pad(white, _MARGIN_PX, constant_values=255)


def _level(stamp: "Grey") -> "Grey":
    """The stamp turned so that its lines are level: at the right angle they lie in the fewest rows."""
    height, width = stamp.shape

    def turned(degrees: int) -> "Grey":
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
        level: Grey = cv2.warpAffine(stamp, matrix, (width, height), borderValue=255).astype(numpy.uint8)
        return level

    def sharpness(degrees: int) -> float:
        return float(((255.0 - turned(degrees)).sum(axis=1) ** 2).sum())

    return turned(max(range(-_MOST_LEAN_DEGREES, _MOST_LEAN_DEGREES + 1), key=sharpness))


def _lines_of(
    page: "Grey", touched: Sequence[FoundWord], others: Sequence[FoundWord], read_lines: ReadLines
) -> Sequence[FoundWord]:
    """What stands on the lines of these words."""
    top = max(0, min(word.top for word in touched) - _MARGIN_PX)
    lines = page[top : max(word.bottom for word in touched) + _MARGIN_PX].copy()
    for word in others:
        if word.bottom > top:
            lines[max(0, word.top - 2 - top) : word.bottom + 2 - top, max(0, word.left - 2) : word.right + 2] = 255
    return _moved(read_lines(lines), 0, top)


def _moved(words: Sequence[FoundWord], right: int, down: int) -> list[FoundWord]:
    return [
        replace(word, left=word.left + right, right=word.right + right, top=word.top + down, bottom=word.bottom + down)
        for word in words
    ]


def numbered_from(words: Sequence[FoundWord], before: Sequence[FoundWord]) -> list[FoundWord]:
    """The words, their lines and blocks counted on."""
    line, block = (1 + max((getattr(word, name) for word in before), default=-1) for name in ("line", "block"))
    return [replace(word, line=word.line + line, block=word.block + block) for word in words]
