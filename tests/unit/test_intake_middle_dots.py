"""Dots between words: the model reads them as strokes and colons, and whoever copies an address gets them wrong."""

import font_caladea
import numpy
import pytest
from PIL import Image, ImageDraw, ImageFont

from intake.engine import FoundWord
from intake.middle_dots import with_middle_dots

PARTS = ("Hauptstraße", "{}", "Musterstadt")


def printed(sign: str, size_px: int = 28) -> tuple["numpy.ndarray", list[FoundWord]]:
    """A line with that sign between two words, and its words as an engine reports them: the sign's box is as high as
    the line."""
    page = Image.new("L", (900, 120), 250)
    draw, font = ImageDraw.Draw(page), ImageFont.truetype(font_caladea.Caladea, size_px)
    words, x = [], 40
    for part in PARTS:
        text = part.format(sign)
        left, top, right, bottom = (round(value) for value in draw.textbbox((x, 40), text, font=font))
        draw.text((x, 40), text, fill=20, font=font)
        if text == sign:
            top, bottom, text = 30, 80, "-" if sign == "·" else sign
        words.append(
            FoundWord(text=text, left=left, top=top, right=right, bottom=bottom, confidence=0.8, line=0, block=0)
        )
        x = right + size_px // 3
    return numpy.array(page, dtype=numpy.uint8), words


def texts(words: list[FoundWord]) -> list[str]:
    return [word.text for word in words]


@pytest.mark.parametrize("size_px", [20, 28, 50])
def test_a_dot_that_was_read_as_a_stroke_is_a_dot(size_px: int) -> None:
    """The sender's line of nearly every letter has them; at 7 points and 200 dpi a dot is two pixels wide."""
    page, words = printed("·", size_px)

    assert texts(with_middle_dots(words, page)) == ["Hauptstraße", "·", "Musterstadt"]


@pytest.mark.parametrize("sign", ["-", "–", ":", "|", "*", "=", "."])
@pytest.mark.parametrize("size_px", [20, 28, 50])
def test_other_signs_stay_what_they_are(sign: str, size_px: int) -> None:
    """A range of dates or a ratio whose stroke became a dot would say something else."""
    page, words = printed(sign, size_px)

    assert texts(with_middle_dots(words, page)) == ["Hauptstraße", sign, "Musterstadt"]


def test_a_stroke_at_the_beginning_or_end_of_a_line_is_not_looked_at() -> None:
    """There it is a list's mark, or the hyphen of a word that goes on below."""
    page, words = printed("·")

    assert texts(with_middle_dots(words[1:], page))[0] == "-"
    assert texts(with_middle_dots(words[:2], page))[-1] == "-"
