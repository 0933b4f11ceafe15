"""Tables whose lines are drawn in a born-digital PDF: which words share a row, however a cell is wrapped.

pdfplumber finds the cells between the lines. It takes some forty milliseconds a page, so it is asked only where
lines and figures stand; where it cannot make sense of a file, the page keeps the order of its words.
"""

import io
import mmap
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pdfplumber
from pdfminer.psexceptions import PSException
from pdfplumber.utils.exceptions import MalformedPDFException, PdfminerException

from intake.engine import FoundWord
from intake.rows import Row, make_cell, make_row

_MOST_TABLES, _MOST_CELLS = 50, 5_000
_MOST_LINES_IN_A_CELL = 4
"""What holds more is a frame around paragraphs, not a table."""
_SAME_SIZE_POINTS = 1.0
# What a reader written in Python raises on files that are not what they say. The page is read without it then.
_READER_ERRORS = (
    PSException, MalformedPDFException, PdfminerException, OSError, ValueError, TypeError, LookupError,
    ArithmeticError, AttributeError, AssertionError, RuntimeError, struct.error, zlib.error,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    left: float
    top: float
    right: float
    bottom: float

    def holds(self, word: FoundWord) -> bool:
        """Whether the middle of a word lies inside."""
        across, down = (word.left + word.right) / 2, (word.top + word.bottom) / 2
        return self.left <= across <= self.right and self.top <= down <= self.bottom


class RuledTables:
    """The drawn tables of one PDF; opened when the first page asks."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._pdf: Any = None

    def on_page(self, number: int, words: Sequence[FoundWord], size_px: tuple[int, int], dpi: int) -> list[list[Row]]:
        """The words of each table of a page (1-based) as rows; none if there are none or the file is odd."""
        try:
            return [rows for table in self._cells(number, size_px, dpi) if (rows := _filled(table, words)) is not None]
        except _READER_ERRORS:
            return []

    def _cells(self, number: int, size_px: tuple[int, int], dpi: int) -> list[list[list[_Box]]]:
        """Cells of each row of each table, in pixels."""
        if self._pdf is None:
            self._pdf = pdfplumber.open(io.BytesIO(self._data))
        page = self._pdf.pages[number - 1]
        scale = dpi / 72
        try:
            same = all(abs(points * scale - px) <= _SAME_SIZE_POINTS * scale for points, px in
                       zip((page.width, page.height), size_px, strict=True))  # fmt: skip
            if not same:
                return []  # a visible part that pdfplumber counts otherwise: places would not agree
            left, top = page.bbox[:2]
            return [
                [[_box(cell, left, top, scale) for cell in row.cells if cell is not None] for row in table.rows]
                for table in page.find_tables()[:_MOST_TABLES]
                if len(table.cells) <= _MOST_CELLS
            ]
        finally:
            page.close()

    def close(self) -> None:
        """Give the memory back."""
        if self._pdf is not None:
            self._pdf.close()


def _box(cell: tuple[float, float, float, float], left: float, top: float, scale: float) -> _Box:
    x0, y0, x1, y1 = cell
    return _Box(left=(x0 - left) * scale, top=(y0 - top) * scale, right=(x1 - left) * scale, bottom=(y1 - top) * scale)


def _filled(table: Sequence[Sequence[_Box]], words: Sequence[FoundWord]) -> list[Row] | None:
    """The table with its words, or None if it is a frame for something else."""
    free = dict(enumerate(words))
    rows: list[Row] = []
    widest = 0
    for boxes in table:
        cells = []
        for box in boxes:
            inside = [(place, word) for place, word in free.items() if box.holds(word)]
            if len({word.line for _, word in inside}) > _MOST_LINES_IN_A_CELL:
                return None
            for place, _ in inside:
                del free[place]
            if inside:
                cells.append(make_cell(inside))
        widest = max(widest, len(cells))
        if cells:
            rows.append(make_row(cells))
    return rows if len(rows) >= 2 and widest >= 2 else None
