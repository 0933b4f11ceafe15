"""The stamp of the incoming-mail desk across a letter: what it covers is read, and so is the stamp."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy
import pytest
from PIL import Image, ImageDraw

from bench.hard_pages import with_stamp
from bench.letters.faces import load_face
from intake.engine import FoundWord, open_engine
from intake.page import read_page
from intake.reading import Scan
from intake.stamps import with_text_under_stamps

if TYPE_CHECKING:
    from intake.engine import Grey

DPI = 200
LINES = [
    f"Zeile {number}: Wir bitten um baldige Zahlung der offenen Rechnung über {number}.284,50 Euro auf das Konto."
    for number in range(1, 39)
]


def letter_with_stamp(seed: int) -> "Grey":
    """A page full of lines, the stamp on some of them, softened as by a lens."""
    page = Image.new("L", (1654, 2339), 255)
    draw, face = ImageDraw.Draw(page), load_face("caladea", 0.14 * DPI)
    for row, line in enumerate(LINES):
        draw.text((120, 200 + 52 * row), line, fill=20, font=face)
    stamped = numpy.asarray(with_stamp(page, DPI, seed))
    return numpy.ascontiguousarray(cv2.GaussianBlur(stamped, (0, 0), 0.7))


def test_lines_under_a_stamp_are_read_in_their_order() -> None:
    """Without it an amount under the stamp is lost, and the stamp's date stands in the middle of a sentence."""
    words = read_page(Scan(grey=letter_with_stamp(5), dpi=DPI), open_engine("auto"), ("deu",), simple=False).words

    read = [word.text for word in words]
    truth = " ".join(LINES).split()
    assert sum(read.count(word) >= truth.count(word) for word in set(truth)) >= 0.93 * len(set(truth))
    assert "2026" in read[len(truth) - 8 :]  # the stamp, behind the letter
    assert "2026" not in read[: len(truth) - 8]


def word(text: str, left: int, row: int, confidence: float) -> FoundWord:
    return FoundWord(
        text=text, left=left, top=100 + 40 * row, right=left + 90, bottom=124 + 40 * row,
        confidence=confidence, line=row, block=0,
    )  # fmt: skip


def spoiled_page(pale: int) -> tuple[list[FoundWord], "Grey"]:
    """Four lines, three words of which the engine is not sure; print, and ink of another grey on it."""
    page = numpy.full((600, 900), 255, numpy.uint8)
    words = []
    for row in range(4):
        for place in range(4):
            unsure = place == 1 and row in (1, 2, 3)
            words.append(word(f"wort{row}{place}", 100 + 150 * place, row, 0.2 if unsure else 0.95))
            page[100 + 40 * row : 124 + 40 * row : 6, 100 + 150 * place : 190 + 150 * place] = 10
    page[120:230:20, 200:420] = numpy.minimum(page[120:230:20, 200:420], pale)
    return words, page


@pytest.mark.parametrize(
    ("pale", "again", "expected"),
    [(110, 0.95, True), (110, 0.1, False), (10, 0.95, False)],
    ids=["surer", "no surer", "all ink alike"],
)
def test_the_second_reading_counts_only_if_it_is_surer(pale: int, again: float, expected: bool) -> None:
    """A letter in two greys must not lose the pale words to a search for stamps."""
    words, page = spoiled_page(pale)
    asked: list[Grey] = []

    def read_lines(lines: "Grey") -> Sequence[FoundWord]:
        asked.append(lines)
        return [replace(one, text="anders", confidence=again) for one in words] if len(asked) == 1 else []

    found, stamp = with_text_under_stamps(words, page, DPI, read_lines)

    assert (len(asked) > 0) == (pale == 110)
    assert any(one.text == "anders" for one in found) == expected
    assert not stamp
    if not expected:
        assert found == words


def test_a_page_that_was_read_well_is_not_read_again() -> None:
    """Most letters have no stamp: they must not wait for one."""
    words, page = spoiled_page(110)
    sure = [replace(one, confidence=0.9) for one in words]

    def read_lines(lines: "Grey") -> Sequence[FoundWord]:
        pytest.fail("the engine was asked")

    assert with_text_under_stamps(sure, page, DPI, read_lines) == (sure, ())
