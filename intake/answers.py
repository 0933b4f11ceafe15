"""What a worker may answer about a page, written there and checked here: it has parsed hostile mail."""

import math
import re
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

from intake.protocol import Message
from poststelle.records import Barcode, BarcodeFormat, EInvoice, PageOrigin, RecognisedPage, Word

if TYPE_CHECKING:
    from intake.barcodes import FoundCode
    from intake.page import PageFindings

MAX_WORDS = 50_000
MAX_WORD_LETTERS = 2_000
MAX_CODES = 50
MAX_CODE_LETTERS = 4_000
MAX_PAGE_PIXELS = 200_000
"""Longest side of a page at its working resolution."""
RECOGNISED = (PageOrigin.OCR, PageOrigin.BLANK)
"""Origins of pages that were looked at as pictures."""
_NOTES = frozenset({"low-confidence", "uncovered-ink"})
_ROTATIONS = (0, 90, 180, 270)
MAX_FIELDS = 60
"""What an electronic invoice may state, and what may be said of it."""
MAX_FIELD_LETTERS = 500
_FIELD_FORMS = {
    **dict.fromkeys(("date", "due_date"), r"\d{4}-\d\d-\d\d"),
    **dict.fromkeys(("amount", "net_amount", "tax_amount", "amount_due"), r"-?[\d.E+]{1,40}"),
}


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


def codes_answer(codes: "Iterable[FoundCode]") -> list[list[str]]:
    """A page's codes as the worker sends them."""
    return [[code.text, code.format.value] for code in codes]


def codes_from_answer(rows: Any, number: int) -> tuple[Barcode, ...]:
    """The codes of a page, every field checked.

    Raises:
        Implausible: see page_from_answer.
    """
    if rows is None:
        return ()
    if not isinstance(rows, list) or len(rows) > MAX_CODES:
        raise Implausible("codes")
    found = []
    for row in rows:
        if not isinstance(row, list) or len(row) != 2 or row[1] not in tuple(BarcodeFormat):
            raise Implausible("code")
        text, kind = row
        if not isinstance(text, str) or not 0 < len(text) <= MAX_CODE_LETTERS:
            raise Implausible("code")
        if not text.replace("\n", "").isprintable():
            raise Implausible("code")
        found.append(Barcode(text=text, format=BarcodeFormat(kind), page=number))
    return tuple(found)


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


def einvoice_answer(invoice: EInvoice) -> Message:
    """An electronic invoice as the worker sends it."""
    return {
        "form": invoice.form,
        "profile": invoice.profile[:MAX_FIELD_LETTERS],
        "kind": invoice.kind[:MAX_FIELD_LETTERS],
        "fields": [list(pair) for pair in invoice.fields],
        "problems": list(invoice.problems)[:MAX_FIELDS],
        "embedded": invoice.embedded,
    }


def einvoice_from_answer(answer: Any) -> EInvoice | None:
    """The invoice, every field checked; None if there is none.

    Raises:
        Implausible: a field is missing, of the wrong type or out of range.
    """
    if answer is None:
        return None
    if not isinstance(answer, dict) or answer.get("form") not in ("", "cii", "ubl", "zugferd-1"):
        raise Implausible("invoice")
    fields, problems = answer.get("fields"), answer.get("problems")
    if not isinstance(fields, list) or not isinstance(problems, list) or len(fields) + len(problems) > MAX_FIELDS:
        raise Implausible("fields")
    return EInvoice(
        form=answer["form"],
        profile=_field(answer.get("profile")),
        kind=_field(answer.get("kind")),
        fields=tuple(_named_value(pair) for pair in fields),
        problems=tuple(_field(problem) for problem in problems),
        embedded=answer.get("embedded") is True,
    )


def _named_value(pair: Any) -> tuple[str, str]:
    if not isinstance(pair, list) or len(pair) != 2:
        raise Implausible("field")
    name, value = _field(pair[0]), _field(pair[1])
    pattern = _FIELD_FORMS.get(name)
    if pattern is not None and not re.fullmatch(pattern, value):
        raise Implausible("value")
    try:
        if name in ("date", "due_date"):
            date.fromisoformat(value)
    except ValueError as err:
        raise Implausible("date") from err
    return name, value


def _field(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_FIELD_LETTERS or not value.isprintable():
        raise Implausible("field")
    return value


def needs_rendition(media_type: str, pages: Iterable[RecognisedPage]) -> bool:
    """Whether a file cannot be read and searched as it is: pictures, XML, and a PDF with a page that we recognised."""
    return media_type != "application/pdf" or any(page.origin in RECOGNISED for page in pages)


def pages_question(pages: Iterable[RecognisedPage]) -> list[Message]:
    """Recognised pages as the pool sends them back, with what a searchable PDF needs of them."""
    return [
        {
            "number": page.number,
            "width": page.width_px,
            "height": page.height_px,
            "dpi": page.dpi,
            "origin": page.origin.value,
            "rotation": page.rotation_degrees,
            "skew": page.skew_degrees,
            "words": [[word.text, word.left, word.top, word.right, word.bottom, word.line] for word in page.words],
        }
        for page in pages
    ]


def pages_from_question(pages: list[Message]) -> list[RecognisedPage]:
    """The inverse of `pages_question`; the pool is trusted, nothing is checked."""
    return [
        RecognisedPage(
            number=page["number"],
            width_px=page["width"],
            height_px=page["height"],
            dpi=page["dpi"],
            origin=PageOrigin(page["origin"]),
            rotation_degrees=page["rotation"],
            skew_degrees=page["skew"],
            words=tuple(
                Word(text=text, left=left, top=top, right=right, bottom=bottom, confidence=1.0, line=line)
                for text, left, top, right, bottom, line in page["words"]
            ),
        )
        for page in pages
    ]


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
