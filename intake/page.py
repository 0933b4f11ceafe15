"""One page, from its pixels to its words: the story of recognition, told in order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from intake import cleaning
from intake.engine import Engine, FoundWord
from intake.fixed_pitch import ReadStrip, with_whole_numbers
from intake.middle_dots import with_middle_dots
from intake.orientation import Reading, best_way_up, mean_confidence
from intake.reading import Scan, TextLayer
from intake.reading_order import in_reading_order
from intake.stamps import numbered_from, with_text_under_stamps
from poststelle.records import PageOrigin

if TYPE_CHECKING:
    from intake.cleaning import Boxes
    from intake.engine import Grey

_LOW_CONFIDENCE = 0.8
_UNCOVERED, _ENOUGH_LETTERS = 0.15, 40
"""More than this share of at least so many letters in no word: part of the page was not read."""
_LEAST_SURE = 0.5
"""What a second look finds among stamps and pictures counts only if the engine is this sure of it."""
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
    upright_letters = letters_of(best.rotation_degrees)
    if not simple and _has_unread(upright_letters, best):
        best = _with_second_look(grey, dpi, best, engine, languages)
    return PageFindings(
        width_px=best.width_px,
        height_px=best.height_px,
        dpi=dpi,
        origin=PageOrigin.OCR,
        words=best.words,
        rotation_degrees=best.rotation_degrees,
        skew_degrees=best.skew_degrees,
        notes=_notes(upright_letters, best),
    )


def _notes(boxes: "Boxes", reading: Reading) -> tuple[str, ...]:
    """What a person should look at. Confidence alone does not see what was never read."""
    low = mean_confidence(reading.words) < _LOW_CONFIDENCE
    return (
        *(("low-confidence",) if low else ()),
        *(("uncovered-ink",) if _has_unread(boxes, reading) else ()),
    )


def _has_unread(boxes: "Boxes", reading: Reading) -> bool:
    """Whether a part of the page's letters lies in no word."""
    uncovered = cleaning.uncovered_share(boxes, reading.words, reading.width_px, reading.height_px)
    return len(boxes) >= _ENOUGH_LETTERS and uncovered > _UNCOVERED


def _with_second_look(grey: "Grey", dpi: int, reading: Reading, engine: Engine, languages: tuple[str, ...]) -> Reading:
    """The reading and what a second try finds where no word was: only that ink is shown, as one block.

    The analysis of the layout is what loses parts of a page, so it is left out.
    """
    turned = cleaning.turn(grey, reading.rotation_degrees)
    straight, straightening = cleaning.straighten(turned, reading.skew_degrees)
    rest = cleaning.without_words(straight, reading.words_level)
    lines, blocks = (1 + max((getattr(w, name) for w in reading.words), default=-1) for name in ("line", "block"))
    more = [
        replace(word, line=word.line + lines, block=word.block + blocks)
        for word in engine.recognise(rest, dpi, languages, True)
        if word.confidence >= _LEAST_SURE and any(map(str.isalnum, word.text))
    ]
    return _reading([*reading.words_level, *more], straight, straightening, reading.rotation_degrees, turned)


def _cleaned(scan: Scan, simple: bool) -> tuple["Grey", int]:
    grey, wanted_dpi = scan.grey, _SIMPLE_DPI if simple else cleaning.WORKING_DPI
    bilevel = cleaning.is_bilevel(grey)
    if bilevel and cleaning.is_speckled(grey):
        grey = cleaning.remove_speckles(grey)
    elif bilevel and not simple:
        wanted_dpi = cleaning.BILEVEL_DPI
    grey, dpi = cleaning.shrink_to(wanted_dpi, grey, scan.dpi, bilevel=bilevel)
    if bilevel:
        return grey, dpi  # its paper is white and its ink black already
    return cleaning.darken_faint_ink(cleaning.even_background(grey)), dpi


def _read_turned(
    grey: "Grey", dpi: int, degrees: int, skew: float, engine: Engine, languages: tuple[str, ...], simple: bool
) -> Reading:
    turned = cleaning.turn(grey, degrees)
    straight, straightening = cleaning.straighten(turned, skew)
    words: Sequence[FoundWord] = engine.recognise(straight, dpi, languages, simple)
    stamp: Sequence[FoundWord] = ()
    if not simple:
        words, stamp = with_text_under_stamps(
            words, straight, dpi, lambda lines: engine.recognise(lines, dpi, languages, False)
        )
    words = with_middle_dots(words, straight)

    def read_strip(strip: "Grey") -> Sequence[FoundWord]:
        return engine.recognise(strip, dpi, languages, True)

    # An engine outside this process takes as long for a strip as for half a page.
    looks_again = engine.in_process and not simple
    return _reading(words, straight, straightening, degrees, turned, read_strip if looks_again else None, stamp)


def _reading(
    words: Sequence[FoundWord],
    straight: "Grey",
    straightening: cleaning.Straightening,
    degrees: int,
    turned: "Grey",
    read_strip: ReadStrip | None = None,
    stamp: Sequence[FoundWord] = (),
) -> Reading:
    """What was read on a straight page, in the order of reading, at its places on the page as it came."""
    height, width = turned.shape
    level = with_whole_numbers(in_reading_order(words), straight, read_strip)
    level = [*level, *numbered_from(stamp, level)]
    return Reading(
        words=[cleaning.moved_back(word, straightening, width, height) for word in level],
        words_level=level,
        rotation_degrees=degrees,
        skew_degrees=straightening.skew_degrees,
        width_px=width,
        height_px=height,
    )
