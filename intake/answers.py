"""What a worker may answer about a page, written there and checked here: it has parsed hostile mail."""

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from intake.protocol import Message
from poststelle.records import PageOrigin, RecognisedPage, Word

if TYPE_CHECKING:
    from intake.page import PageFindings

MAX_WORDS = 50_000
MAX_WORD_LETTERS = 2_000
MAX_PAGE_PIXELS = 200_000
"""Longest side of a page at its working resolution."""
_NOTES = frozenset({"low-confidence", "uncovered-ink"})
_ROTATIONS = (0, 90, 180, 270)


class Implausible(Exception):
    """The answer is not what an honest worker says; the page counts as unread."""


def page_answer(findings: "PageFindings") -> Message:
    """A page's findings as the worker sends them."""
    return {
        "width": findings.width_px,
        "height": findings.height_px,
        "dpi": findings.dpi,
        "origin": findings.origin.value,
        "rotation": findings.rotation_degrees,
        "skew": findings.skew_degrees,
        "notes": list(findings.notes),
        "words": [
            [word.text, word.left, word.top, word.right, word.bottom, round(word.confidence, 3), word.line, word.block]
            for word in findings.words
        ],
    }


def page_from_answer(answer: Message, number: int, extra_notes: tuple[str, ...] = ()) -> RecognisedPage:
    """The page, every field checked.

    Raises:
        Implausible: a field is missing, of the wrong type or out of range.
    """
    width = _whole(answer.get("width"), 1, MAX_PAGE_PIXELS)
    height = _whole(answer.get("height"), 1, MAX_PAGE_PIXELS)
    words = tuple(_words(answer.get("words"), width, height))
    origin = answer.get("origin")
    notes = answer.get("notes")
    rotation = answer.get("rotation")
    if origin not in (PageOrigin.TEXT_LAYER, PageOrigin.OCR, PageOrigin.BLANK) or rotation not in _ROTATIONS:
        raise Implausible("origin or rotation")
    if not isinstance(notes, list) or not all(isinstance(note, str) and note in _NOTES for note in notes):
        raise Implausible("notes")
    return RecognisedPage(
        number=number,
        width_px=width,
        height_px=height,
        dpi=_whole(answer.get("dpi"), 1, 2400),
        origin=PageOrigin(origin),
        words=words,
        text=compose_text(words),
        confidence=1.0 if origin == PageOrigin.TEXT_LAYER else mean_word_confidence(words),
        rotation_degrees=int(rotation),
        skew_degrees=_number(answer.get("skew"), -45.0, 45.0),
        notes=(*notes, *extra_notes),
    )


def unread_page(number: int) -> RecognisedPage:
    """A page that was given up: an A4 sheet without words, for a person to look at."""
    return RecognisedPage(
        number=number, width_px=1654, height_px=2339, dpi=200, origin=PageOrigin.UNREAD, notes=("unread",)
    )


def compose_text(words: Iterable[Word]) -> str:
    """Words joined by blanks, lines by newlines, blocks by an empty line."""
    parts: list[str] = []
    last: Word | None = None
    for word in words:
        if last is not None:
            parts.append("\n\n" if word.block != last.block else "\n" if word.line != last.line else " ")
        parts.append(word.text)
        last = word
    return "".join(parts)


def mean_word_confidence(words: tuple[Word, ...]) -> float:
    """Mean over the words, 0.0 if there are none."""
    return sum(word.confidence for word in words) / len(words) if words else 0.0


def _words(rows: Any, width: int, height: int) -> Iterable[Word]:
    if not isinstance(rows, list) or len(rows) > MAX_WORDS:
        raise Implausible("words")
    for row in rows:
        if not isinstance(row, list) or len(row) != 8:
            raise Implausible("word")
        text, left, top, right, bottom, confidence, line, block = row
        yield Word(
            text=_text(text),
            left=_whole(left, 0, width),
            top=_whole(top, 0, height),
            right=_whole(right, 0, width),
            bottom=_whole(bottom, 0, height),
            confidence=_number(confidence, 0.0, 1.0),
            line=_whole(line, 0, MAX_WORDS),
            block=_whole(block, 0, MAX_WORDS),
        )


def _text(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_WORD_LETTERS or not value.isprintable():
        raise Implausible("text")
    # isprintable() refuses control characters, blanks other than " " and lone surrogates.
    return value


def _whole(value: Any, lowest: int, highest: int) -> int:
    if type(value) is not int or not lowest <= value <= highest:
        raise Implausible("number")
    return value


def _number(value: Any, lowest: float, highest: float) -> float:
    if type(value) not in (int, float) or not math.isfinite(value) or not lowest <= value <= highest:
        raise Implausible("number")
    return float(value)
