"""Makes a scan easy to read: 200 dpi grey, even background, straight lines; and says whether it is blank."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy

from intake.engine import FoundWord

if TYPE_CHECKING:
    from intake.engine import Grey

    Boxes = numpy.ndarray[Any, numpy.dtype[numpy.int32]]
    """One row a box: left, top, width, height."""

WORKING_DPI = 200
"""The model reads 200 dpi as well as 300, in two thirds of the time.

Measured and left out: small print once more at 300 dpi (a fifth more time for two words in a thousand), and taking
the lines of frames away first (more words lost where the layout is told by them than bars saved).
"""
BILEVEL_DPI = 230
"""A page of black and white has its shapes in its resolution alone: a seventh of the errors more at 200."""
_NEARLY_AS_LARGE = 0.6
_SHORT_LABELS = 30_000
"""Half of what sixteen bits can tell apart: labels that turn out to mean one component are counted twice."""
_MAX_SKEW_DEGREES = 8.0
_FEET_NEEDED = 30
_NEAR_PX = 4
_SPECKLED = 0.3
"""Worn print alone has up to a quarter of its ink in single dots."""
_INK_SHARE = 0.003
"""A page with a few lines of text has at least this share of ink."""
_BLACK_ENOUGH, _PALEST_INK = 60, 160


def shrink_to(wanted_dpi: int, grey: "Grey", dpi: int, *, bilevel: bool = False) -> tuple["Grey", int]:
    """The page at `wanted_dpi`; never upscaled (that costs time and reads no better). Returns it with its dpi."""
    if dpi <= wanted_dpi * 1.1:
        return numpy.ascontiguousarray(grey), dpi
    scale = wanted_dpi / dpi
    size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
    if bilevel or scale < _NEARLY_AS_LARGE:
        return _grey(cv2.resize(grey, size, interpolation=cv2.INTER_AREA)), wanted_dpi
    # As good as the mean over the area, in a third of the time; without the blur two words in a thousand are lost.
    soft = cv2.GaussianBlur(grey, (3, 3), 0.5)
    return _grey(cv2.resize(soft, size, interpolation=cv2.INTER_LINEAR)), wanted_dpi


def is_bilevel(grey: "Grey") -> bool:
    """Whether the page has (nearly) only black and white pixels, as fax and G4 scans have."""
    histogram = numpy.bincount(grey[::4, ::4].ravel(), minlength=256)
    return bool(histogram[24:232].sum() < 0.003 * histogram.sum())


def remove_speckles(grey: "Grey") -> "Grey":
    """A blur of one pixel before the page is made smaller: single dots of a bad bilevel scan fade, strokes close.

    Measured on 12 bad pages: a median of 3×3 makes 18.6 % character errors, finds 77.3 % of the words and 67.0 % of
    the fields; this 15.7, 81.7 and 75.5 %, no page read worse by more than three letters in a thousand. Twice the size
    with a blur of two pixels is the same at a quarter more time. Measured on fewer pages and left out: a blur of 1.3
    or 1.5 pixels made steeper, the mean of median and blur (both as the median), non-local means (a little better
    than the median, 2 s a page); earlier a median of 5×5, median and blur, dropping components below 6 or 12 pixels,
    filling small holes, closing strokes (all worse than the median).
    """
    return _grey(cv2.GaussianBlur(grey, (0, 0), 1.0))


def is_speckled(grey: "Grey") -> bool:
    """Whether much of a bilevel page's ink are single dots, which a median takes away; a blur eats thin strokes."""
    ink = grey < 128
    alone = ink & (cv2.medianBlur(grey, 3) >= 128)
    return bool(numpy.count_nonzero(alone) > _SPECKLED * numpy.count_nonzero(ink))


def even_background(grey: "Grey") -> "Grey":
    """The page divided by its own background: shadows, coloured paper and grey tables become white."""
    height, width = grey.shape
    # Whole squares of eight only: a seventh of the time, and the edge has the background of its neighbours.
    squares = grey[: height // 8 * 8, : width // 8 * 8] if min(height, width) >= 8 else grey
    small = cv2.resize(squares, (max(1, width // 8), max(1, height // 8)), interpolation=cv2.INTER_AREA)
    background = cv2.medianBlur(cv2.dilate(small, numpy.ones((5, 5), numpy.uint8)), 15)
    background = cv2.resize(background, (width, height), interpolation=cv2.INTER_LINEAR)
    return _grey(cv2.divide(grey, background, scale=255))


def darken_faint_ink(page: "Grey") -> "Grey":
    """Stretch the greys of a page whose darkest ink is pale (worn toner, pencil, thermal paper) to black.

    A page whose darkest spots are paler than any ink is empty: dust and the shine of its back stay pale.
    """
    histogram = numpy.bincount(page[::2, ::2].ravel(), minlength=256)
    darkest = int(numpy.searchsorted(numpy.cumsum(histogram), _INK_SHARE * histogram.sum()))
    if not _BLACK_ENOUGH < darkest < _PALEST_INK:
        return page
    steps = numpy.clip((numpy.arange(256) - darkest) * (255.0 / (255 - darkest)), 0, 255).astype(numpy.uint8)
    return _grey(cv2.LUT(page, steps))


def measure_skew(boxes: "Boxes", dpi: int) -> float:
    """Degrees by which the lines of text rise to the right; 0.0 if there is too little to say.

    The feet of letters stand in rows: the angle at which fewest rows hold most feet is the page's. Letters
    alone are asked, so that table rules, shadows of the glass and pictures have no say.
    """
    if len(boxes) < _FEET_NEEDED:
        return 0.0
    across = (boxes[:, 0] + boxes[:, 2] / 2).astype(numpy.float32)
    feet = (boxes[:, 1] + boxes[:, 3]).astype(numpy.float32)
    row_height = 3.0 * dpi / WORKING_DPI

    def sharpness(degrees: float) -> float:
        rows = (feet + across * math.tan(math.radians(degrees))) / row_height
        profile = numpy.bincount((rows - rows.min()).astype(numpy.int32)).astype(numpy.float64)
        # Neighbouring rows count together: a line that falls between two must not look blurred.
        return float(((profile[:-1] + profile[1:]) ** 2).sum())

    best = 0.0
    for width, steps in ((_MAX_SKEW_DEGREES, 40), (0.2, 4)):
        best = max((best + width * i / steps for i in range(-steps, steps + 1)), key=sharpness)
    return best if sharpness(best) > 1.05 * sharpness(0.0) else 0.0


def turn(page: "Grey", degrees: int) -> "Grey":
    """The page turned clockwise by 0, 90, 180 or 270 degrees."""
    return page if degrees == 0 else numpy.ascontiguousarray(numpy.rot90(page, -degrees // 90))


@dataclass(frozen=True, slots=True, kw_only=True)
class Straightening:
    """A page turned by its skew, and the way back for boxes."""

    skew_degrees: float
    back: tuple[tuple[float, float, float], tuple[float, float, float]]
    """Affine matrix from the straight page to the page as it was."""

    def box_back(self, left: int, top: int, right: int, bottom: int) -> tuple[int, int, int, int]:
        """The box around the same ink on the page before it was straightened."""
        if self.skew_degrees == 0.0:
            return left, top, right, bottom
        # The middle moves with the rotation; width and height stay, as the word itself is still as large.
        middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
        (a, b, c), (d, e, f) = self.back
        x, y = a * middle_x + b * middle_y + c, d * middle_x + e * middle_y + f
        half_width, half_height = (right - left) / 2, (bottom - top) / 2
        return round(x - half_width), round(y - half_height), round(x + half_width), round(y + half_height)


def straighten(page: "Grey", skew: float) -> tuple["Grey", Straightening]:
    """Turn the page so that its lines are level; a skew below 0.1° is left alone."""
    if abs(skew) < 0.1:
        return page, Straightening(skew_degrees=0.0, back=((1, 0, 0), (0, 1, 0)))
    height, width = page.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -skew, 1.0)
    turned = cv2.warpAffine(page, matrix, (width, height), flags=cv2.INTER_LINEAR, borderValue=255)
    back = cv2.invertAffineTransform(matrix)
    rows = tuple((float(row[0]), float(row[1]), float(row[2])) for row in back)
    return _grey(turned), Straightening(skew_degrees=round(skew, 2), back=(rows[0], rows[1]))


def letter_boxes(page: "Grey", dpi: int) -> "Boxes":
    """Boxes (left, top, width, height) of all ink that has the size of a letter."""
    ink = (page < 140).astype(numpy.uint8)
    # Short labels take a third of the time, where they suffice.
    kind = cv2.CV_16U if _most_components(ink) < _SHORT_LABELS else cv2.CV_32S
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8, ltype=kind)
    left_to_height: Boxes = stats[1:, :4].astype(numpy.int32, copy=False)
    area = stats[1:, 4]
    width, height = left_to_height[:, 2], left_to_height[:, 3]
    unit = dpi / WORKING_DPI
    fits = (height >= 7 * unit) & (height <= 90 * unit) & (width >= 2 * unit) & (width <= 120 * unit)
    return left_to_height[fits & (area >= 10 * unit * unit)]


def _most_components(ink: "Grey") -> int:
    """No page of ones and zeros has more: pixels of ink without ink to their left or in the row above."""
    new = ink.copy()
    new[:, 1:] &= 1 - ink[:, :-1]
    new[1:] &= 1 - ink[:-1]
    new[1:, 1:] &= 1 - ink[:-1, :-1]
    new[1:, :-1] &= 1 - ink[:-1, 1:]
    return cv2.countNonZero(new)


def has_much_ink(page: "Grey") -> bool:
    """Whether a page without letters still shows something: a picture, a large hand, a stamp."""
    return bool(numpy.count_nonzero(page < 140) > 0.002 * page.size)


def uncovered_share(boxes: "Boxes", words: Sequence[FoundWord], width_px: int, height_px: int) -> float:
    """Share of the letters on the page that lie in no word: what the engine never saw, however sure it is."""
    if len(boxes) == 0:
        return 0.0
    covered = numpy.zeros((height_px, width_px), numpy.uint8)
    for word in words:
        covered[max(0, word.top - _NEAR_PX) : word.bottom + _NEAR_PX, max(0, word.left - _NEAR_PX) : word.right] = 1
    across = numpy.minimum(boxes[:, 0] + boxes[:, 2] // 2, width_px - 1)
    down = numpy.minimum(boxes[:, 1] + boxes[:, 3] // 2, height_px - 1)
    return 1.0 - float(covered[down, across].mean())


def without_words(page: "Grey", words: Sequence[FoundWord]) -> "Grey":
    """A copy of the page with white where words were read."""
    rest = page.copy()
    for word in words:
        rest[max(0, word.top - _NEAR_PX) : word.bottom + _NEAR_PX, max(0, word.left - _NEAR_PX) : word.right] = 255
    return rest


def moved_back(word: FoundWord, straightening: Straightening, width_px: int, height_px: int) -> FoundWord:
    """The word with its box on the page before it was straightened, kept inside the page."""
    left, top, right, bottom = straightening.box_back(word.left, word.top, word.right, word.bottom)
    return replace(
        word,
        left=min(max(0, left), width_px),
        top=min(max(0, top), height_px),
        right=min(max(0, right), width_px),
        bottom=min(max(0, bottom), height_px),
    )


def _grey(image: Any) -> "Grey":
    """OpenCV keeps the type of its input; its annotations do not say so."""
    grey: Grey = image
    return grey
