"""Tables put together again from the places of their words: which rows of a page belong to one.

An engine reads a page area by area and takes the columns of a table for areas; a program that writes a PDF may
put its cells down in any order. Nobody can tell then which price belongs to which article. A table is known by
its figures, which end below each other in a column.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from intake.rows import Cell, Row

_ROWS_APART = 3.2
"""Two rows of one table are no further apart than so many line heights, a wrapped article between them included."""
_EDGE = 0.7
"""Figures of one column end within so many line heights of each other."""
_MOST_PASSED_OVER = 2
"""So many wrapped lines may stand between two rows with figures."""
_FIGURE = re.compile(
    r"(?:(?:€|EUR)\s?)?[-+–]?\d[\d.,' ]*-?\s?(?:€|EUR|Euro|%|CHF|USD|\$)?\s?[HS]?[|\]]?", re.IGNORECASE
)
_MONEY = re.compile(r"\d[.,]\d\d(?!\d)")


def find_tables(rows: Sequence[Row], height: float) -> list[list[Row]]:
    """Runs of rows that are tables, heads and wrapped lines between their rows included.

    Args:
        height: usual height of a line in pixels.
    """
    tables: list[list[Row]] = []
    start = 0
    while start < len(rows):
        run = _run_from(rows, start, height)
        core = [rows[number] for number in run]
        if len(run) >= 2 and _are_a_table(core, height):
            tables.append(_within(rows[_with_head(rows, run, height) : run[-1] + 1], core))
            start = run[-1] + 1
        else:
            start += 1
    return tables


def _figures(row: Row) -> list[Cell]:
    """Cells with nothing but a figure, the first of the row left out: that may be the number of an item."""
    return [cell for cell in row.cells[1:] if _FIGURE.fullmatch(cell.text)]


def _run_from(rows: Sequence[Row], start: int, height: float) -> list[int]:
    """Places of the rows with figures that go on from `start` in the same columns."""
    if not _figures(rows[start]):
        return []
    run = [start]
    for number in range(start + 1, len(rows)):
        last, row = rows[run[-1]], rows[number]
        if row.top - last.bottom > _ROWS_APART * height or number - run[-1] > _MOST_PASSED_OVER + 1:
            break
        if any(_columns_in_common(rows[other], row, height) for other in run[-3:]):
            run.append(number)
    return run


def _columns_in_common(one: Row, other: Row, height: float) -> list[tuple[Cell, Cell]]:
    """Figures of two rows that end below each other."""
    return [(a, b) for a in _figures(one) for b in _figures(other) if abs(a.right - b.right) < _EDGE * height]


def _are_a_table(core: Sequence[Row], height: float) -> bool:
    """Amounts below each other, or three and more cells in a row with figures below each other."""
    pairs = [pair for one, other in pairwise(core) for pair in _columns_in_common(one, other, height)]
    if any(_MONEY.search(a.text) and _MONEY.search(b.text) for a, b in pairs):
        return True
    return bool(pairs) and sum(len(row.cells) >= 3 for row in core) > len(core) / 2


def _with_head(rows: Sequence[Row], run: Sequence[int], height: float) -> int:
    """Place of the first row: the titles of the columns stand above the first figures."""
    first = run[0]
    if first == 0 or rows[first].top - rows[first - 1].bottom > _ROWS_APART * height:
        return first
    head, row = rows[first - 1], rows[first]
    above = [cell for cell in head.cells if any(cell.left < c.right and c.left < cell.right for c in row.cells)]
    return first - 1 if len(above) >= 2 and len(above) == len(head.cells) else first


def _within(rows: Sequence[Row], core: Sequence[Row]) -> list[Row]:
    """The rows without what stands beside the table, such as a mark in the margin."""
    left = min(cell.left for row in core for cell in row.cells)
    right = max(cell.right for row in core for cell in row.cells)
    inside = [
        replace(row, cells=tuple(cell for cell in row.cells if cell.right > left and cell.left < right)) for row in rows
    ]
    return [row for row in inside if row.cells]
