"""Words and their boxes from the text layer of a born-digital page."""

import ctypes
from typing import Any

import pypdfium2.raw as pdfium

from intake.engine import FoundWord

_MAX_LETTERS = 200_000
_HYPHEN_AT_LINE_END = "\x02"
_LINE_ENDS = "\r\n\x0b\x0c\x85"


def read_words(page: Any, width_px: int, height_px: int) -> list[FoundWord]:
    """The words in the order of the file, as pdfium groups them into lines; confidence 1.0.

    A gap of more than one and a half lines, or a line that stands higher than the one before, begins a block.
    """
    text_page = page.get_textpage()
    try:
        words = [
            (line, text, _box(page, text_page, start, end, width_px, height_px))
            for line, text, start, end in _spans(text_page)
        ]
    finally:
        text_page.close()
    return _with_blocks([(line, text, box) for line, text, box in words if box is not None])


def _spans(text_page: Any) -> list[tuple[int, str, int, int]]:
    """Words as (line, text, first letter, behind last letter)."""
    spans: list[tuple[int, str, int, int]] = []
    letters: list[str] = []
    start, line, count = 0, 0, min(_MAX_LETTERS, text_page.count_chars())
    for index in range(count + 1):
        code = pdfium.FPDFText_GetUnicode(text_page, index) if index < count else 0x20
        letter = _letter(code)
        if letter and not letter.isspace() and letter != _HYPHEN_AT_LINE_END:
            if not letters:
                start = index
            letters.append(letter)
            continue
        if letters:
            word = "".join(letters) + ("-" if letter == _HYPHEN_AT_LINE_END else "")
            spans.append((line, word, start, index))
            letters = []
        if letter in _LINE_ENDS or letter == _HYPHEN_AT_LINE_END:
            line += 1
    return spans


def _letter(code: int) -> str:
    if code in (0, 0xAD, 0xFFFE, 0xFEFF) or 0xD800 <= code < 0xE000 or code > 0x10FFFF:
        return " " if code == 0 else "" if code != 0xFFFE else _HYPHEN_AT_LINE_END
    letter = chr(code)
    return letter if letter.isprintable() or letter in _LINE_ENDS or letter == _HYPHEN_AT_LINE_END else " "


def _box(
    page: Any, text_page: Any, start: int, end: int, width_px: int, height_px: int
) -> tuple[int, int, int, int] | None:
    left, top, right, bottom = (ctypes.c_double() for _ in range(4))
    if pdfium.FPDFText_CountRects(text_page, start, end - start) < 1:
        return None
    if not pdfium.FPDFText_GetRect(text_page, 0, left, top, right, bottom):
        return None
    corners = [
        _to_pixels(page, x, y, width_px, height_px) for x, y in ((left.value, top.value), (right.value, bottom.value))
    ]
    xs, ys = sorted(corner[0] for corner in corners), sorted(corner[1] for corner in corners)
    if xs[1] < 0 or ys[1] < 0 or xs[0] > width_px or ys[0] > height_px:
        return None  # outside the visible page: not part of what a reader sees
    return max(0, xs[0]), max(0, ys[0]), min(width_px, xs[1]), min(height_px, ys[1])


def _to_pixels(page: Any, x: float, y: float, width_px: int, height_px: int) -> tuple[int, int]:
    across, down = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDF_PageToDevice(page, 0, 0, width_px, height_px, 0, x, y, across, down)
    return across.value, down.value


def _with_blocks(words: list[tuple[int, str, tuple[int, int, int, int]]]) -> list[FoundWord]:
    found: list[FoundWord] = []
    lines: dict[int, int] = {}
    block, line_top, line_bottom = 0, 0, 0
    for raw_line, text, (left, top, right, bottom) in words:
        if raw_line not in lines:
            height = max(1, bottom - top)
            if lines and (top - line_bottom > 0.9 * height or top < line_top - height):
                block += 1
            lines[raw_line] = len(lines)
            line_top, line_bottom = top, bottom
        line_bottom = max(line_bottom, bottom)
        found.append(
            FoundWord(
                text=text, left=left, top=top, right=right, bottom=bottom,
                confidence=1.0, line=lines[raw_line], block=block,
            )
        )  # fmt: skip
    return found
