"""The order in which a person reads the words of a page: rows of tables across, columns one after the other."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import count

from intake.columns import find_columns
from intake.engine import FoundWord
from intake.rows import Cell, Row, are_level, find_rows, is_rule, line_height, make_row
from intake.tables import find_tables

_Line = tuple[tuple[str, int], list[FoundWord]]
"""The block it belongs to, and its words."""
_SPECKS = ".,:;'`´^°~=*_|-–—·•‚‘’„“”»«\"\\/<>()[]{}"
_SURE = 0.75
_Area = Sequence[Sequence[Row]]
"""Blocks that belong together, each as its rows."""


def in_reading_order(words: Sequence[FoundWord], ruled: Sequence[Sequence[Row]] = ()) -> list[FoundWord]:
    """The words with lines and blocks numbered anew: tables row by row, columns apart, the rest as the engine read.

    Words that run down the page keep their order.

    Args:
        ruled: tables that are known already, by the lines between their cells.
    """
    height = line_height(words)
    if not height or not are_level(words):
        return list(words)
    rows = find_rows(list(enumerate(words)), height)
    specks = {cell.words[0][0] for row in rows for cell in row.cells if _is_speck(cell)}
    known: list[_Area] = [[table] for table in ruled]
    rows = list(_without(rows, specks | _places(known)))
    tables: list[_Area] = [*known, *([table] for table in find_tables(rows, height))]
    columns: list[_Area] = list(find_columns(list(_without(rows, _places(tables))), height))
    areas = [*tables, *columns]
    frames = {place for place, word in enumerate(words) if is_rule(word) and any(_holds(area, word) for area in tables)}
    lines = list(_lines_left(words, _places(areas) | frames | specks))
    for area, names in zip(areas, count(), strict=False):
        place = _place_of(area, lines)
        lines[place:place] = _lines_of(area, names, is_table=area in tables)
    return list(_numbered(lines))


def _places(areas: Iterable[_Area]) -> set[int]:
    return {place for area in areas for block in area for row in block for cell in row.cells for place, _ in cell.words}


def _is_speck(cell: Cell) -> bool:
    """Dust that was read as a sign: alone, small, and the engine is not sure of it."""
    ((_, word), *others) = cell.words
    return not others and word.confidence < _SURE and not word.text.strip(_SPECKS)


def _without(rows: Sequence[Row], taken: set[int]) -> Iterator[Row]:
    """The rows less the cells whose words are taken."""
    for row in rows:
        cells = [cell for cell in row.cells if cell.words[0][0] not in taken]
        if cells:
            yield make_row(cells)


def _holds(area: _Area, word: FoundWord) -> bool:
    left, top, right, bottom = _box(area)
    middle_x, middle_y = (word.left + word.right) // 2, (word.top + word.bottom) // 2
    slack = bottom - area[0][-1].top
    return left - slack <= middle_x <= right + slack and top - slack <= middle_y <= bottom + slack


def _box(area: _Area) -> tuple[int, int, int, int]:
    cells = [cell for block in area for row in block for cell in row.cells]
    return (
        min(cell.left for cell in cells),
        min(cell.top for cell in cells),
        max(cell.right for cell in cells),
        max(cell.bottom for cell in cells),
    )


def _lines_left(words: Sequence[FoundWord], taken: set[int]) -> Iterator[_Line]:
    """What no area took, in the engine's order."""
    line: list[FoundWord] = []
    for place, word in enumerate(words):
        if place in taken:
            continue
        if line and (word.block, word.line) != (line[-1].block, line[-1].line):
            yield ("engine", line[-1].block), line
            line = []
        line.append(word)
    if line:
        yield ("engine", line[-1].block), line


def _lines_of(area: _Area, name: int, *, is_table: bool) -> list[_Line]:
    return [
        (
            (f"area {name}", number),
            [_cleaned(word) if is_table else word for cell in row.cells for _, word in cell.words],
        )
        for number, block in enumerate(area)
        for row in block
    ]


def _cleaned(word: FoundWord) -> FoundWord:
    """The word without the lines of the frame that stuck to it."""
    return (
        replace(word, text=word.text.strip("|[]") or word.text)
        if word.text[0] in "|[]" or word.text[-1] in "|[]"
        else word
    )


def _place_of(area: _Area, lines: Sequence[_Line]) -> int:
    """Where an area belongs: behind what stands above it, before what stands below it."""
    _, top, _, bottom = _box(area)
    slack = (bottom - top) // 4
    wrong = best_wrong = 0
    best = 0
    for place, (_, words) in enumerate(lines):
        wrong += (min(word.top for word in words) >= bottom - slack) - (
            max(word.bottom for word in words) <= top + slack
        )
        if wrong < best_wrong:
            best, best_wrong = place + 1, wrong
    return best


def _numbered(lines: Sequence[_Line]) -> Iterator[FoundWord]:
    """The words with lines and blocks counted in this order."""
    block, last = -1, ("", 0)
    for number, (name, words) in enumerate(lines):
        block += name != last
        last = name
        for word in words:
            yield replace(word, line=number, block=block)
