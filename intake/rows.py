"""Words as cells and rows: what stands together, and what stands level, wherever the engine put it."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from intake.engine import FoundWord

GAP = 1.1
"""Cells are this many line heights apart at least; words of one cell stand closer."""
_ROWS_AT_ONCE = 6
"""A row that began a little higher may go on although so many others began since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Words that stand together on one line, from left to right."""

    words: tuple[tuple[int, FoundWord], ...]
    """Each with its place in the engine's order."""
    left: int
    top: int
    right: int
    bottom: int

    @property
    def text(self) -> str:
        """The words with blanks between them."""
        return " ".join(word.text for _, word in self.words)

    @property
    def engine_line(self) -> int:
        """The line that the engine took these words for."""
        return self.words[0][1].line


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Cells that stand level, from left to right."""

    cells: tuple[Cell, ...]
    top: int
    bottom: int


def line_height(words: Sequence[FoundWord]) -> float:
    """The usual height of a word in pixels; 0.0 without words."""
    heights = [word.bottom - word.top for word in words if len(word.text) > 2]
    return float(statistics.median(heights)) if heights else 0.0


def are_level(words: Sequence[FoundWord]) -> bool:
    """Whether the words run from left to right; on a page that lies on its side they are higher than wide."""
    long_words = [word for word in words if len(word.text) > 3]
    return 2 * sum(word.bottom - word.top > word.right - word.left for word in long_words) <= len(long_words)


def is_rule(word: FoundWord) -> bool:
    """Whether it is the line of a frame that was taken for a letter."""
    return not word.text.strip("|_—[]")


def make_row(cells: Sequence[Cell]) -> Row:
    """A row of these cells."""
    return Row(
        cells=tuple(sorted(cells, key=lambda cell: cell.left)),
        top=min(cell.top for cell in cells),
        bottom=max(cell.bottom for cell in cells),
    )


def find_rows(words: Sequence[tuple[int, FoundWord]], height: float) -> list[Row]:
    """All words, each given with its place in the engine's order, as rows from top to bottom."""
    rows: list[list[Cell]] = []
    for cell in sorted(_cells(words, height), key=lambda cell: cell.top + cell.bottom):
        home = next((row for row in reversed(rows[-_ROWS_AT_ONCE:]) if _stands_level(row, cell)), None)
        if home is None:
            rows.append([cell])
        else:
            home.append(cell)
    return sorted((make_row(row) for row in rows), key=lambda row: row.top + row.bottom)


def _cells(words: Sequence[tuple[int, FoundWord]], height: float) -> Iterator[Cell]:
    """The engine's lines, cut where the gap is too wide for a blank."""
    cell: list[tuple[int, FoundWord]] = []
    for place, word in words:
        if is_rule(word):
            continue
        if cell:
            last = cell[-1][1]
            # Small print has small gaps.
            gap = min(GAP * height, max(w.bottom - w.top for _, w in (*cell, (place, word))))
            # Boxes of neighbours may overlap; a word that begins before the last one began does not follow it.
            goes_on = (word.block, word.line) == (last.block, last.line) and word.left >= last.left
            if not goes_on or word.left - last.right >= gap:
                yield make_cell(cell)
                cell = []
        cell.append((place, word))
    if cell:
        yield make_cell(cell)


def make_cell(words: Sequence[tuple[int, FoundWord]]) -> Cell:
    """A cell of these words, each given with its place in the engine's order."""
    return Cell(
        words=tuple(words),
        left=min(word.left for _, word in words),
        top=min(word.top for _, word in words),
        right=max(word.right for _, word in words),
        bottom=max(word.bottom for _, word in words),
    )


def _stands_level(row: Sequence[Cell], cell: Cell) -> bool:
    """Whether a cell stands beside those of a row: most of the lower one's height in common, nothing above it."""
    top, bottom = statistics.median(c.top for c in row), statistics.median(c.bottom for c in row)
    common = min(bottom, cell.bottom) - max(top, cell.top)
    beside = all(cell.left >= other.right - 2 or cell.right <= other.left + 2 for other in row)
    return beside and common > 0.6 * min(bottom - top, cell.bottom - cell.top)
