"""Columns that an engine read straight across: an address beside an information block, the columns of a footer.

Who looks for a street finds the bank's name in the middle of it. Columns are known by the white between them,
which runs down through several rows, and by what stands right of it: it begins below each other.
"""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from intake.rows import GAP, Cell, Row, make_row

_ROWS_NEEDED = 3
_ROWS_APART = 2.0
"""Rows of columns follow each other within so many line heights."""
_EDGE = 0.7
"""Lines of one column begin within so many line heights of each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gutter:
    """White between two columns."""

    left: int
    right: int


def find_columns(rows: Sequence[Row], height: float) -> list[list[list[Row]]]:
    """Areas of the page whose lines run across columns; each area as its columns, each column as its rows.

    A list of names with their values (Kundennummer 4711) is read across and is left alone.
    """
    areas: list[list[list[Row]]] = []
    start = free = 0
    while start < len(rows):
        run, gutters = _run_from(rows, start, height)
        wanted = [gutter for gutter in gutters if _divides(gutter, run, height)]
        if any(_was_read_across(gutter, run) for gutter in wanted):
            areas.append(list(_cut([*_above(rows[free:start], run, wanted, height), *run], wanted)))
            start = free = start + len(run)
        else:
            start += 1
    return areas


def _run_from(rows: Sequence[Row], start: int, height: float) -> tuple[list[Row], list[_Gutter]]:
    """The rows that go on below `start` with white in common, and that white."""
    first = rows[start]
    gutters = [
        _Gutter(left=a.right, right=b.left) for a, b in pairwise(first.cells) if b.left - a.right >= GAP * height / 2
    ]
    run = [first]
    for row in rows[start + 1 :]:
        if not gutters or row.top - run[-1].bottom > _ROWS_APART * height:
            break
        narrowed = [found for gutter in gutters if (found := _narrowed(gutter, row, height)) is not None]
        if not narrowed:
            break
        gutters = narrowed
        run.append(row)
    return run, gutters


def _above(rows: Sequence[Row], run: Sequence[Row], gutters: Sequence[_Gutter], height: float) -> list[Row]:
    """The rows right above a run that hold one column only, such as the first lines of an information block."""
    edges = [cell.left for row in run for cell in row.cells]
    found: list[Row] = []
    for row in reversed(rows):
        below = found[0] if found else run[0]
        if below.top - row.bottom > _ROWS_APART * height:
            break
        if not all(any(abs(cell.left - edge) < _EDGE * height for edge in edges) for cell in row.cells):
            break
        if any(_narrowed(gutter, row, height) != gutter for gutter in gutters):
            break
        found.insert(0, row)
    return found


def _narrowed(gutter: _Gutter, row: Row, height: float) -> _Gutter | None:
    """What a row leaves of the white, or None if it runs across."""
    left, right = gutter.left, gutter.right
    for cell in row.cells:
        if cell.left <= left and cell.right >= right:
            return None
        if cell.right < right and cell.left <= left:
            left = max(left, cell.right)
        elif cell.left > left:
            right = min(right, cell.left)
    return _Gutter(left=left, right=right) if right - left >= GAP * height / 2 else None


def _divides(gutter: _Gutter, run: Sequence[Row], height: float) -> bool:
    """Whether columns stand on both sides of the white."""
    both = _both_sides(gutter, run)
    if len(both) < _ROWS_NEEDED:
        return False
    begins = statistics.median(other.left for _, other in both)
    level = sum(abs(other.left - begins) < _EDGE * height for _, other in both)
    return level >= 0.75 * len(both) and not _are_names_and_values(both)


def _was_read_across(gutter: _Gutter, run: Sequence[Row]) -> bool:
    """Whether the engine took what stands on both sides for one line."""
    return any(one.engine_line == other.engine_line for one, other in _both_sides(gutter, run))


def _both_sides(gutter: _Gutter, run: Sequence[Row]) -> list[tuple[Cell, Cell]]:
    """The cells next to the white, of rows that have some on both sides."""
    across = [
        (_beside(row, gutter.left, on_the_left=True), _beside(row, gutter.right, on_the_left=False)) for row in run
    ]
    return [(left[-1], right[0]) for left, right in across if left and right]


def _beside(row: Row, edge: int, *, on_the_left: bool) -> list[Cell]:
    return [cell for cell in row.cells if (cell.right <= edge if on_the_left else cell.left >= edge)]


def _are_names_and_values(both: Sequence[tuple[Cell, Cell]]) -> bool:
    names = sum(one.text.endswith(":") or not any(map(str.isdigit, one.text)) for one, _ in both)
    values = sum(any(map(str.isdigit, other.text)) for _, other in both)
    return sum(one.text.endswith(":") for one, _ in both) > len(both) / 2 or (
        names == len(both) and values >= len(both) / 2
    )


def _cut(run: Sequence[Row], gutters: Sequence[_Gutter]) -> Iterator[list[Row]]:
    """The rows of a run, column by column."""
    middles = sorted((gutter.left + gutter.right) / 2 for gutter in gutters)
    for number in range(len(middles) + 1):
        rows = [[cell for cell in row.cells if _column(cell, middles) == number] for row in run]
        yield [make_row(cells) for cells in rows if cells]


def _column(cell: Cell, middles: Sequence[float]) -> int:
    return sum((cell.left + cell.right) / 2 > middle for middle in middles)
