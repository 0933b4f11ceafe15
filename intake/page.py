"""One page, from its pixels to its words: the story of recognition, told in order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from intake import cleaning
from intake.engine import Engine, FoundWord
from intake.orientation import Reading, best_way_up, mean_confidence
from intake.reading import Scan, TextLayer
from poststelle.records import PageOrigin

if TYPE_CHECKING:
    from intake.cleaning import Boxes
    from intake.engine import Grey

_LOW_CONFIDENCE = 0.8
_UNCOVERED, _ENOUGH_LETTERS = 0.15, 40
"""More than this share of at least so many letters in no word: part of the page was not read."""
_BLANK_BELOW_LETTERS = 4
_SIMPLE_DPI = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFindings:
    """What a worker reports about one page; the pool makes a `RecognisedPage` of it."""

    width_px: int
    height_px: int
    dpi: int
    origin: PageOrigin
    words: Sequence[FoundWord] = ()
    rotation_degrees: int = 0
    skew_degrees: float = 0.0
    notes: tuple[str, ...] = ()


def read_page(page: Scan | TextLayer, engine: Engine, languages: tuple[str, ...], simple: bool) -> PageFindings:
    """Take the words from the text layer, or clean the scan and recognise it.

    `simple` is for a page that killed its worker once: a smaller image, no layout analysis, no turning.
    """
    if isinstance(page, TextLayer):
        return PageFindings(
            width_px=page.width_px,
            height_px=page.height_px,
            dpi=page.dpi,
            origin=PageOrigin.TEXT_LAYER if page.words else PageOrigin.BLANK,
            words=page.words,
        )
    grey, dpi = _cleaned(page, simple)
    boxes = cleaning.letter_boxes(grey, dpi)
    if len(boxes) < _BLANK_BELOW_LETTERS and not cleaning.has_much_ink(grey):
        return PageFindings(width_px=grey.shape[1], height_px=grey.shape[0], dpi=dpi, origin=PageOrigin.BLANK)

    def letters_of(degrees: int) -> "Boxes":
        return boxes if degrees == 0 else cleaning.letter_boxes(cleaning.turn(grey, degrees), dpi)

    def read(degrees: int) -> Reading:
        # Upside down the lines lean as they did; sideways the letters have to be looked at again.
        skew = cleaning.measure_skew(boxes if degrees == 180 else letters_of(degrees), dpi)
        return _read_turned(grey, dpi, degrees, skew, engine, languages, simple)

    best = read(0) if simple else best_way_up(read)
    return PageFindings(
        width_px=best.width_px,
        height_px=best.height_px,
        dpi=dpi,
        origin=PageOrigin.OCR,
        words=best.words,
        rotation_degrees=best.rotation_degrees,
        skew_degrees=best.skew_degrees,
        notes=_notes(letters_of(best.rotation_degrees), best),
    )


def _notes(boxes: "Boxes", reading: Reading) -> tuple[str, ...]:
    """What a person should look at. Confidence alone does not see what was never read."""
    uncovered = cleaning.uncovered_share(boxes, reading.words, reading.width_px, reading.height_px)
    low = mean_confidence(reading.words) < _LOW_CONFIDENCE
    missed = len(boxes) >= _ENOUGH_LETTERS and uncovered > _UNCOVERED
    return (*(("low-confidence",) if low else ()), *(("uncovered-ink",) if missed else ()))


def _cleaned(scan: Scan, simple: bool) -> tuple["Grey", int]:
    grey = scan.grey
    if cleaning.is_bilevel(grey) and cleaning.is_speckled(grey):
        grey = cleaning.remove_speckles(grey)
    grey, dpi = cleaning.shrink_to(_SIMPLE_DPI if simple else cleaning.WORKING_DPI, grey, scan.dpi)
    return cleaning.darken_faint_ink(cleaning.even_background(grey)), dpi


def _read_turned(
    grey: "Grey", dpi: int, degrees: int, skew: float, engine: Engine, languages: tuple[str, ...], simple: bool
) -> Reading:
    turned = cleaning.turn(grey, degrees)
    straight, straightening = cleaning.straighten(turned, skew)
    words = engine.recognise(straight, dpi, languages, simple)
    height, width = turned.shape
    return Reading(
        words=[cleaning.moved_back(word, straightening, width, height) for word in words],
        rotation_degrees=degrees,
        skew_degrees=straightening.skew_degrees,
        width_px=width,
        height_px=height,
    )
