"""Tables put together again from the places of their words: one line of text for each row.

An engine reads a page area by area and takes the columns of a table for areas; a program that writes a PDF may
put its cells down in any order. Nobody can tell then which price belongs to which article. Here the words that
stand level become a row, but only where figures stand in a column below each other: an address beside an
information block, two columns of small print or the columns of a footer keep their order.
"""

import re
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from intake.engine import FoundWord

_GAP = 1.1
"""Cells are this many line heights apart at least; words of one cell stand closer."""
_ROWS_APART = 3.2
"""Two rows of one table are no further apart than so many line heights, a wrapped article between them included."""
_EDGE = 0.7
"""Figures of one column end (or begin) within so many line heights of each other."""
_MOST_PASSED_OVER = 2
_FIGURE = re.compile(r"[-+–]?\d[\d.,' ]*-?\s?(?:€|EUR|Euro|%|CHF|USD|\$)?[HS]?|(?:€|EUR)\s?[-+–]?\d[\d.,' ]*", re.IGNORECASE)
_MONEY = re.compile(r"\d[.,]\d\d(?!\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    """Words that stand together on one line, in the order of reading."""

    words: tuple[tuple[int, FoundWord], ...]
    """Each with its place in the engine's order."""

    @property
    def text(self) -> str:
        return " ".join(word.text for _, word in self.words)

    @property
    def left(self) -> int:
        return self.words[0][1].left

    @property
    def right(self) -> int:
        return max(word.right for _, word in self.words)

    @property
    def top(self) -> int:
        return min(word.top for _, word in self.words)

    @property
    def bottom(self) -> int:
        return max(word.bottom for _, word in self.words)

    @property
    def is_figure(self) -> bool:
        return _FIGURE.fullmatch(self.text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """Cells that stand level, from left to right."""

    cells: tuple[_Cell, ...]
    top: int
    bottom: int

    @property
    def figures(self) -> tuple[_Cell, ...]:
        """Cells with nothing but a figure, the first of the row left out: that may be the number of an item."""
        return tuple(cell for cell in self.cells[1:] if cell.is_figure)


def rebuild_tables(words: Sequence[FoundWord]) -> list[FoundWord]:
    """The words with the rows of tables as lines, each table as a block of its own; the rest keeps its order.

    Words must stand upright and level. Lines and blocks are numbered anew.
    """
    in_order = list(enumerate(words))
    height = _line_height(words)
    tables = _find_tables(_rows(in_order, height), height) if height else []
    taken = {place for table in tables for row in table for cell in row.cells for place, _ in cell.words}
    pieces: list[list[tuple[int, int, FoundWord]]] = _pieces(in_order, taken)
    for number, table in enumerate(tables):
        rows = [
            (-1 - number, line, word)
            for line, row in enumerate(table)
            for cell in row.cells
            for _, word in cell.words
            if not _is_rule(word)
        ]
        pieces.insert(_place_of(table, pieces), rows)
    return _numbered(word for piece in pieces for word in piece)


def _line_height(words: Sequence[FoundWord]) -> float:
    """The usual height of a word with letters of every kind; 0.0 without words."""
    heights = [word.bottom - word.top for word in words if len(word.text) > 2]
    return float(statistics.median(heights)) if heights else 0.0


def _is_rule(word: FoundWord) -> bool:
    """A frame's own line that was taken for a letter."""
    return not word.text.strip("|_—[]")


def _rows(words: Sequence[tuple[int, FoundWord]], height: float) -> list[_Row]:
    """All cells of the page in rows, from top to bottom."""
    cells = sorted(_cells(words, height), key=lambda cell: cell.top + cell.bottom)
    rows: list[list[_Cell]] = []
    for cell in cells:
        # A row that began a little higher may go on although another one began since.
        home = next((row for row in reversed(rows[-6:]) if _stand_level(row, cell)), None)
        if home is None:
            rows.append([cell])
        else:
            home.append(cell)
    return sorted(
        (
            _Row(
                cells=tuple(sorted(row, key=lambda cell: cell.left)),
                top=min(cell.top for cell in row),
                bottom=max(cell.bottom for cell in row),
            )
            for row in rows
        ),
        key=lambda row: row.top + row.bottom,
    )


def _stand_level(row: Sequence[_Cell], cell: _Cell) -> bool:
    """Whether a cell stands beside those of a row: most of the lower one's height in common, nothing above it."""
    top, bottom = statistics.median(c.top for c in row), statistics.median(c.bottom for c in row)
    common = min(bottom, cell.bottom) - max(top, cell.top)
    beside = all(cell.left >= other.right or cell.right <= other.left for other in row)
    return beside and common > 0.6 * min(bottom - top, cell.bottom - cell.top)


def _cells(words: Sequence[tuple[int, FoundWord]], height: float) -> Iterator[_Cell]:
    """The engine's lines, cut where the gap is too wide for a blank."""
    open_cell: list[tuple[int, FoundWord]] = []
    for place, word in words:
        if _is_rule(word):
            continue
        if open_cell:
            last = open_cell[-1][1]
            # Small print has small gaps; the engine's boxes of short words are low.
            gap = _GAP * min(height, 1.3 * max(w.bottom - w.top for _, w in open_cell))
            if word.line != last.line or word.block != last.block or not -height < word.left - last.right < gap:
                yield _Cell(words=tuple(open_cell))
                open_cell = []
        open_cell.append((place, word))
    if open_cell:
        yield _Cell(words=tuple(open_cell))


def _find_tables(rows: Sequence[_Row], height: float) -> list[list[_Row]]:
    """Runs of rows that are tables, heads and wrapped lines between their rows included."""
    tables: list[list[_Row]] = []
    start = 0
    while start < len(rows):
        run = _run_from(rows, start, height)
        core = [rows[number] for number in run]
        if len(run) >= 2 and _are_a_table(core, height):
            first, last = _with_head(rows, run, height), run[-1]
            tables.append(_within(rows[first : last + 1], core))
            start = last + 1
        else:
            start += 1
    return tables


def _run_from(rows: Sequence[_Row], start: int, height: float) -> list[int]:
    """Places of the rows with figures that go on from `start` in the same columns."""
    if not rows[start].figures:
        return []
    run = [start]
    for number in range(start + 1, len(rows)):
        last, row = rows[run[-1]], rows[number]
        if row.top - last.bottom > _ROWS_APART * height or number - run[-1] > _MOST_PASSED_OVER + 1:
            break
        if row.figures and any(_share_a_column(rows[other], row, height) for other in run[-3:]):
            run.append(number)
    return run


def _share_a_column(one: _Row, other: _Row, height: float) -> bool:
    return any(abs(a.right - b.right) < _EDGE * height for a in one.figures for b in other.figures)


def _are_a_table(core: Sequence[_Row], height: float) -> bool:
    """Amounts below each other, or three and more cells in a row with figures below each other."""
    pairs = [
        (a, b)
        for one, other in zip(core, core[1:], strict=False)
        for a in one.figures
        for b in other.figures
        if abs(a.right - b.right) < _EDGE * height
    ]
    if any(_MONEY.search(a.text) and _MONEY.search(b.text) for a, b in pairs):
        return True
    return bool(pairs) and sum(len(row.cells) >= 3 for row in core) > len(core) / 2


def _with_head(rows: Sequence[_Row], run: Sequence[int], height: float) -> int:
    """Place of the first row: the titles of the columns stand above the first figures."""
    first = run[0]
    if first == 0:
        return first
    head, row = rows[first - 1], rows[first]
    above = [cell for cell in head.cells if any(cell.left < c.right and c.left < cell.right for c in row.cells)]
    near = row.top - head.bottom < _ROWS_APART * height
    return first - 1 if near and len(above) >= 2 and len(above) == len(head.cells) else first


def _within(rows: Sequence[_Row], core: Sequence[_Row]) -> list[_Row]:
    """The rows without what stands beside the table, such as a mark in the margin."""
    left = min(cell.left for row in core for cell in row.cells)
    right = max(cell.right for row in core for cell in row.cells)
    kept = []
    for row in rows:
        cells = tuple(cell for cell in row.cells if cell.right > left and cell.left < right)
        if cells:
            kept.append(replace(row, cells=cells))
    return kept


def _pieces(words: Sequence[tuple[int, FoundWord]], taken: set[int]) -> list[list[tuple[int, int, FoundWord]]]:
    """What no table took, line by line in the engine's order, as (block, line, word)."""
    pieces: list[list[tuple[int, int, FoundWord]]] = []
    last: tuple[int, int] | None = None
    for place, word in words:
        if place in taken:
            continue
        if (word.block, word.line) != last:
            pieces.append([])
        pieces[-1].append((word.block, word.line, word))
        last = (word.block, word.line)
    return pieces


def _place_of(table: Sequence[_Row], pieces: Sequence[Sequence[tuple[int, int, FoundWord]]]) -> int:
    """Where a table belongs: behind what stands above it, before what stands below it."""
    top, bottom = table[0].top, table[-1].bottom
    above = [max(word.bottom for _, _, word in piece) <= top + (bottom - top) // 4 for piece in pieces]
    below = [min(word.top for _, _, word in piece) >= bottom - (bottom - top) // 4 for piece in pieces]
    wrong = best_wrong = sum(above)
    best = 0
    for place in range(len(pieces)):
        wrong += below[place] - above[place]
        if wrong < best_wrong:
            best, best_wrong = place + 1, wrong
    return best


def _numbered(words: "Iterator[tuple[int, int, FoundWord]] | Sequence[tuple[int, int, FoundWord]]") -> list[FoundWord]:
    """Lines and blocks counted in the new order."""
    numbered: list[FoundWord] = []
    line = block = -1
    last: tuple[int, int] | None = None
    for old_block, old_line, word in words:
        if last is None or old_block != last[0]:
            block += 1
        if last is None or (old_block, old_line) != last:
            line += 1
        last = (old_block, old_line)
        numbered.append(replace(word, line=line, block=block))
    return numbered
