"""The invisible text of one page: every word where it stands on the paper, in the order in which it is read."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median

from intake.rendition_font import NAME, LayerFont
from poststelle.records import RecognisedPage, Word

Rectangle = tuple[float, float, float, float]
"""Left, bottom, right, top in the page's own units."""
_DESCENDING = frozenset("gjpqyçQ,;()[]{}|/_$§@&")
_TALL = frozenset("bdfhkltißäöüABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÜ0123456789()[]{}|/!?€§$%&")
_TALL_SHARE, _LOW_SHARE, _DEEP_SHARE = 0.7, 0.5, 0.2
"""How far tall and low letters rise above the line, and how far others go below it, as shares of the font's size."""
_SMALLEST, _WIDEST_PERCENT = 1.0, 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed:
    """A word on its line: along it and across it, in pixels, after the line's own slope is taken out."""

    text: str
    start: float
    end: float
    bottom: float
    top: float


def text_layer(page: RecognisedPage, font: LayerFont, place: Rectangle, turned: int) -> bytes:
    """Content that writes the page's words invisibly; b"" if there are none.

    `place` is where the page's pixels lie, `turned` by how many degrees clockwise a viewer turns the page.
    """
    slope = math.radians(page.skew_degrees)
    runs = [run for _, words in groupby(page.words, lambda word: word.line) for run in _runs(tuple(words), page, slope)]
    if not runs:
        return b""
    matrix = " ".join(_number(value) for value in _from_pixels(page, place, turned))
    return b"".join([f"q {matrix} cm BT 3 Tr\n".encode(), *(_written(run, font, slope) for run in runs), b"ET Q\n"])


def _from_pixels(page: RecognisedPage, place: Rectangle, turned: int) -> tuple[float, ...]:
    """The matrix from pixels of the upright page, counted upwards from its foot, to the page's own units."""
    left, bottom, right, top = place
    across, up = (right - left, top - bottom) if turned in (0, 180) else (top - bottom, right - left)
    x, y = across / page.width_px, up / page.height_px
    return {
        0: (x, 0, 0, y, left, bottom),
        90: (0, x, -y, 0, right, bottom),
        180: (-x, 0, 0, -y, right, top),
        270: (0, -x, y, 0, left, top),
    }[turned]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """Words that share a line and a size."""

    words: Sequence[_Placed]
    baseline: float
    size: float


def _runs(words: Sequence[Word], page: RecognisedPage, slope: float) -> Iterator[_Run]:
    """One line of the page; a word that stands off it, or is of another size, is placed by itself."""
    placed = [_level(word, page, slope) for word in words]
    baseline, size = _measured(placed)
    waiting: list[_Placed] = []
    for word in placed:
        middle = (word.bottom + word.top) / 2
        if baseline - _DEEP_SHARE * size <= middle <= baseline + _TALL_SHARE * size:
            waiting.append(word)
            continue
        if waiting:
            yield _Run(words=tuple(waiting), baseline=baseline, size=size)
            waiting = []
        own_baseline, own_size = _measured([word])
        yield _Run(words=(word,), baseline=own_baseline, size=own_size)
    if waiting:
        yield _Run(words=tuple(waiting), baseline=baseline, size=size)


def _level(word: Word, page: RecognisedPage, slope: float) -> _Placed:
    """The word's box on axes that lean as the lines do; a box keeps its size, as only its middle was turned."""
    across, up = (word.left + word.right) / 2, page.height_px - (word.top + word.bottom) / 2
    along = across * math.cos(slope) + up * math.sin(slope)
    height = up * math.cos(slope) - across * math.sin(slope)
    half_width, half_height = max(0.5, (word.right - word.left) / 2), max(0.5, (word.bottom - word.top) / 2)
    return _Placed(
        text=word.text,
        start=along - half_width,
        end=along + half_width,
        bottom=height - half_height,
        top=height + half_height,
    )


def _measured(words: Sequence[_Placed]) -> tuple[float, float]:
    """Baseline and size of the font in which such words would be written; each word has its say."""
    feet = [word.bottom for word in words if not _DESCENDING & set(word.text)]
    if not feet:
        feet = [word.bottom + _DEEP_SHARE * (word.top - word.bottom) for word in words]
    baseline = median(feet)
    heights = [(word.top - baseline) / (_TALL_SHARE if _TALL & set(word.text) else _LOW_SHARE) for word in words]
    return baseline, max(_SMALLEST, median(heights))


def _written(run: _Run, font: LayerFont, slope: float) -> bytes:
    cosine, sine = math.cos(slope), math.sin(slope)
    at = run.words[0].start
    x, y = at * cosine - run.baseline * sine, at * sine + run.baseline * cosine
    axes = "1 0 0 1" if slope == 0 else " ".join(f"{value:.5g}" for value in (cosine, sine, -sine, cosine))
    parts = [f"{NAME} {_number(run.size)} Tf {axes} {_number(x)} {_number(y)} Tm ".encode()]
    for number, word in enumerate(run.words):
        if number:
            step = round(word.start - at)
            parts.append(f"{step} 0 Td ".encode())
            at += step
        percent = 100 * (word.end - word.start) / (font.width(word.text) * run.size)
        # A blank of our own behind every word but the line's last: whoever copies gets words, not one long string.
        text = word.text if number == len(run.words) - 1 else word.text + " "
        parts.append(f"{min(_WIDEST_PERCENT, max(1, round(percent)))} Tz".encode() + font.encode(text) + b"Tj\n")
    return b"".join(parts)


def _number(value: float) -> str:
    """A number as PDF writes it: no exponent, no needless digits."""
    text = f"{value:.5f}" if abs(value) < 10 else f"{value:.1f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
