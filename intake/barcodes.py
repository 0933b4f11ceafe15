"""Codes on a page: separator sheets, archive numbers, payment codes. What is too small or too crowded is none.

Half size first, which finds nearly all of them in a hundredth of a second; then, at full size, only those spots
that are as dense as a code and were not read. A code without check digits has to stand clear of other ink, and so
does every other one: a table or a headline can look like a few bars by chance.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy
import zxingcpp

from intake.answers import MAX_CODE_LETTERS, MAX_CODES
from poststelle.records import BarcodeFormat

if TYPE_CHECKING:
    from intake.engine import Grey

    Area = tuple[int, int, int, int]
    """Left, top, right, bottom in pixels."""

_FORMATS = {
    zxingcpp.BarcodeFormat.Code128: BarcodeFormat.CODE_128,
    zxingcpp.BarcodeFormat.Code39: BarcodeFormat.CODE_39,
    zxingcpp.BarcodeFormat.QRCode: BarcodeFormat.QR,
    zxingcpp.BarcodeFormat.DataMatrix: BarcodeFormat.DATA_MATRIX,
}
_WANTED = zxingcpp.BarcodeFormats(list(_FORMATS))
_BARS = (BarcodeFormat.CODE_128, BarcodeFormat.CODE_39)
_LEAST_LETTERS = {BarcodeFormat.CODE_128: 3, BarcodeFormat.CODE_39: 4}
_MM_PER_INCH = 25.4
_LEAST_WIDTH_MM, _LEAST_HEIGHT_MM, _LEAST_SIDE_MM = 10.0, 2.5, 5.0
_SMALL_ENOUGH_DPI = 180
"""At this resolution and below nothing is gained by looking at half of it first."""
_QUIET_MM, _CROWDED = (0.8, 2.0), 0.3
"""The strip before and behind the bars, from and to, and how much of it may be ink."""
_SPOT_DPI, _SPOT_MM, _DENSE, _INK = 75, 4.0, 0.45, 220
_SPOT_SIDES_MM = (4.0, 7.0)
_MOST_SPOTS = 12
_LINE_BREAKS = str.maketrans({"\r": "\n"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCode:
    """A code that was read on a page."""

    text: str
    format: BarcodeFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed:
    """A code and the rectangle around it, in pixels of the page."""

    code: FoundCode
    area: "Area"


def find_barcodes(grey: "Grey", dpi: int) -> tuple[FoundCode, ...]:
    """The codes of a page, each text once, in the order they were found. Any way up, any small skew."""
    if dpi <= _SMALL_ENOUGH_DPI:
        half, half_dpi = grey, float(dpi)
    else:
        half, half_dpi = _resized(grey, 0.5), dpi / 2
    scale = dpi / half_dpi
    found = list(_read(half, half_dpi, scale, (0, 0)))
    for left, top, right, bottom in _dense_spots(half, half_dpi, scale):
        if any(_overlap((left, top, right, bottom), placed.area) for placed in found):
            continue
        spot = numpy.ascontiguousarray(grey[top:bottom, left:right])
        found += list(_read(spot, dpi, 1.0, (left, top))) or list(_read(_sharpened(spot), dpi * 2, 0.5, (left, top)))
    return tuple(dict.fromkeys(placed.code for placed in found))[:MAX_CODES]


def _sharpened(spot: "Grey") -> "Grey":
    """Twice as large, with the blur of paper and lens taken back: what small bars at 200 dpi need."""
    large = cv2.resize(spot, None, fx=2.0, fy=2.0, interpolation=cv2.INTER_CUBIC)
    sharp = cv2.addWeighted(large, 3.0, cv2.GaussianBlur(large, (0, 0), 3.0), -2.0, 0.0)
    return numpy.asarray(sharp, dtype=numpy.uint8)


def _resized(grey: "Grey", scale: float) -> "Grey":
    size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
    return numpy.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=numpy.uint8)


def _read(picture: "Grey", dpi: float, scale: float, corner: tuple[int, int]) -> Iterator[_Placed]:
    """The plausible codes of a picture; `scale` and `corner` bring their places back to the page."""
    for code in zxingcpp.read_barcodes(picture, formats=_WANTED, try_invert=False, try_downscale=False):
        text, kind = _text_of(code), _FORMATS[code.format]
        if text is None or len(text) < _LEAST_LETTERS.get(kind, 1) or not _is_plausible(code, kind, picture, dpi):
            continue
        corners = [(point.x, point.y) for point in _corners(code.position)]
        xs, ys = [x * scale + corner[0] for x, _ in corners], [y * scale + corner[1] for _, y in corners]
        area = (int(min(xs)), int(min(ys)), math.ceil(max(xs)), math.ceil(max(ys)))
        yield _Placed(code=FoundCode(text=text, format=kind), area=area)


def _text_of(code: Any) -> str | None:
    """The text, lines ended by newlines; None if it is none (postage marks carry bytes)."""
    text: str = code.text
    if text.startswith("BCD"):
        text = _payment_text(code.bytes) or text
    text = text.replace("\r\n", "\n").translate(_LINE_BREAKS)
    readable = all(char.isprintable() or char == "\n" for char in text)
    return text if readable and 0 < len(text) <= MAX_CODE_LETTERS else None


_CHARSETS = {
    b"1": "utf-8", b"2": "iso8859-1", b"3": "iso8859-2", b"4": "iso8859-4", b"5": "iso8859-5", b"6": "iso8859-7",
    b"7": "iso8859-10", b"8": "iso8859-15",
}  # fmt: skip


def _payment_text(data: bytes) -> str | None:
    """A payment code in the character set that its third line names; None if it is not in that one."""
    lines = data.splitlines()
    try:
        return data.decode(_CHARSETS[lines[2].strip()])
    except (LookupError, UnicodeDecodeError):
        return None


def _corners(position: Any) -> tuple[Any, Any, Any, Any]:
    return position.top_left, position.top_right, position.bottom_right, position.bottom_left


def _is_plausible(code: Any, kind: BarcodeFormat, picture: "Grey", dpi: float) -> bool:
    """Whether it is as large as people print codes, and bars stand clear of other ink."""
    top_left, top_right, bottom_right, bottom_left = _corners(code.position)
    mm = _MM_PER_INCH / dpi
    across = mm * max(_distance(top_left, top_right), _distance(bottom_left, bottom_right))
    down = mm * max(_distance(top_left, bottom_left), _distance(top_right, bottom_right))
    if kind not in _BARS:
        return min(across, down) >= _LEAST_SIDE_MM
    if across < _LEAST_WIDTH_MM or down < _LEAST_HEIGHT_MM:
        return False
    return _is_quiet(top_left, bottom_left, top_right, picture, mm) and _is_quiet(
        top_right, bottom_right, top_left, picture, mm
    )


def _distance(one: Any, other: Any) -> float:
    return math.hypot(one.x - other.x, one.y - other.y)


def _is_quiet(top: Any, bottom: Any, far: Any, picture: "Grey", mm: float) -> bool:
    """Whether the strip outside one end of the bars is mostly paper; beyond the page's edge it is."""
    length = _distance(top, far)
    step_x, step_y = (top.x - far.x) / length, (top.y - far.y) / length
    height, width = picture.shape
    samples: list[int] = []
    for down in numpy.linspace(0.1, 0.9, 9):
        x, y = top.x + (bottom.x - top.x) * down, top.y + (bottom.y - top.y) * down
        for out in numpy.linspace(*_QUIET_MM, 5):
            column, row = round(x + step_x * out / mm), round(y + step_y * out / mm)
            if 0 <= column < width and 0 <= row < height:
                samples.append(int(picture[row, column]))
    left, right = sorted((int(top.x), int(far.x)))
    above, below = sorted((int(top.y), int(bottom.y)))
    bars = picture[max(0, above) : below + 1, max(0, left) : right + 1]
    if not samples or bars.size == 0:
        return True
    middle = (int(bars.min()) + int(bars.max())) / 2
    return sum(sample < middle for sample in samples) <= _CROWDED * len(samples)


def _dense_spots(grey: "Grey", dpi: float, enlarged: float) -> Iterator["Area"]:
    """Areas that hold about as much ink as paper, as codes do and text does not; `enlarged` so many times."""
    small = _resized(grey, _SPOT_DPI / dpi)
    tiny = cv2.medianBlur(cv2.dilate(_resized(small, 0.25), numpy.ones((3, 3), numpy.uint8)), 5)
    paper = cv2.resize(tiny, small.shape[::-1], interpolation=cv2.INTER_LINEAR)
    ink = numpy.asarray(cv2.divide(small, paper, scale=255) < _INK, dtype=numpy.uint8)
    pixel_mm = _MM_PER_INCH / _SPOT_DPI
    window = round(_SPOT_MM / pixel_mm)
    dense = (cv2.blur(ink * numpy.uint8(200), (window, window)) > 200 * _DENSE).astype(numpy.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(dense, connectivity=8, ltype=cv2.CV_32S)
    scale = enlarged * dpi / _SPOT_DPI
    for x, y, width, height, _ in sorted(stats[1:], key=lambda spot: -int(spot[4]))[:_MOST_SPOTS]:
        if min(width, height) * pixel_mm >= _SPOT_SIDES_MM[0] and max(width, height) * pixel_mm >= _SPOT_SIDES_MM[1]:
            yield (
                max(0, round((x - window) * scale)),
                max(0, round((y - window) * scale)),
                round((x + width + window) * scale),
                round((y + height + window) * scale),
            )


def _overlap(one: "Area", other: "Area") -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
