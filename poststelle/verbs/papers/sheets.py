"""A paper as a PDF/A-2b: A4 pages of text and tables, in the faces of our other sheets."""

import io
from collections.abc import Sequence

import pikepdf

from intake import archivable
from intake.einvoice_sheet import Piece, Sheet
from intake.rendition_sheet import add_sheets
from intake.sheet_font import BOLD, REGULAR, width
from poststelle.verbs.papers.blocks import Block, Bullets, Heading, Paper, Paragraph, Table

_LEFT, _RIGHT, _TOP, _BOTTOM = 56.0, 545.0, 64.0, 786.0
_TITLE, _TEXT, _CELL = 17.0, 9.5, 7.5
_HEADINGS = {2: 12.5, 3: 10.5}
_LEADING, _GUTTER = 1.38, 6.0


def to_pdf(paper: Paper) -> bytes:
    """The same bytes for the same paper."""
    setter = _Setter()
    setter.text(paper.title, size=_TITLE, face=BOLD)
    for block in paper.blocks:
        _set(setter, block)
    with pikepdf.new() as pdf:
        add_sheets(pdf, setter.sheets())
        pdf.docinfo["/Title"] = paper.title
        archivable.declare(pdf)
        with pdf.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as metadata:
            del metadata["xmp:MetadataDate"]
        out = io.BytesIO()
        pdf.save(out, deterministic_id=True)
    return out.getvalue()


class _Setter:
    """Puts lines below each other and begins a new page where one is full."""

    def __init__(self) -> None:
        self._done: list[Sheet] = []
        self._pieces: list[Piece] = []
        self._rules: list[float] = []
        self.y = _TOP

    def sheets(self) -> list[Sheet]:
        """The pages so far."""
        self._turn()
        return self._done

    def _turn(self) -> None:
        if self._pieces:
            self._done.append(Sheet(pieces=tuple(self._pieces), rules=tuple(self._rules)))
        self._pieces, self._rules, self.y = [], [], _TOP

    def need(self, height: float) -> bool:
        """Begin a new page if there is less room than this; whether it did."""
        if self.y + height <= _BOTTOM or self.y == _TOP:
            return False
        self._turn()
        return True

    def put(self, text: str, x: float, size: float, face: str) -> None:
        """A piece on the current line."""
        self._pieces.append(Piece(text=text, x=x, y=self.y, size=size, face=face))

    def rule(self) -> None:
        """A fine line below the current one."""
        self._rules.append(self.y - 0.7 * _CELL)

    def gap(self, height: float) -> None:
        self.y += height

    def text(self, text: str, x: float = _LEFT, *, size: float = _TEXT, face: str = REGULAR) -> None:
        """A paragraph."""
        for line in _wrapped(text, _RIGHT - x, size, face):
            self.need(size)
            self.put(line, x, size, face)
            self.gap(size * _LEADING)


def _set(setter: _Setter, block: Block) -> None:
    if isinstance(block, Heading):
        size = _HEADINGS[block.level]
        setter.gap(size)
        # Not alone at the foot of a page.
        setter.need(size + 5 * _TEXT)
        setter.text(block.text, size=size, face=BOLD)
        setter.gap(0.2 * size)
    elif isinstance(block, Paragraph):
        setter.gap(0.3 * _TEXT)
        setter.text(block.text)
    elif isinstance(block, Bullets):
        setter.gap(0.2 * _TEXT)
        for item in block.items:
            setter.need(_TEXT)
            setter.put("–", _LEFT, _TEXT, REGULAR)
            setter.text(item, _LEFT + 12)
    else:
        _table(setter, block)


def _table(setter: _Setter, block: Table) -> None:
    room = (_RIGHT - _LEFT) / sum(block.widths)
    edges = [_LEFT + room * sum(block.widths[:i]) for i in range(len(block.widths) + 1)]
    setter.gap(0.8 * _CELL)
    _cells(setter, block.header, edges, BOLD)
    for row in block.rows:
        lines = _lines(row, edges, REGULAR)
        if setter.need(len(lines) * _CELL * _LEADING):
            _cells(setter, block.header, edges, BOLD)
        _cells(setter, row, edges, REGULAR)
    setter.gap(0.5 * _CELL)


def _cells(setter: _Setter, cells: Sequence[str], edges: Sequence[float], face: str) -> None:
    setter.gap(0.5 * _CELL)
    for line in _lines(cells, edges, face):
        setter.need(_CELL)
        for part, x in zip(line, edges, strict=False):
            if part:
                setter.put(part, x, _CELL, face)
        setter.gap(_CELL * _LEADING)
    setter.rule()


def _lines(cells: Sequence[str], edges: Sequence[float], face: str) -> list[tuple[str, ...]]:
    """The lines of a row, each with one part for each column."""
    columns = [
        _wrapped(cell, right - left - _GUTTER, _CELL, face)
        for cell, left, right in zip(cells, edges, edges[1:], strict=False)
    ]
    height = max(len(column) for column in columns)
    return [tuple(column[i] if i < len(column) else "" for column in columns) for i in range(height)]


def _wrapped(text: str, room: float, size: float, face: str) -> list[str]:
    """Lines that fit; a word that does not is cut, after a sign that allows it if there is one."""
    lines, current = [], ""
    for word in text.split():
        longer = f"{current} {word}" if current else word
        if size * width(longer, face) <= room:
            current = longer
            continue
        if current:
            lines.append(current)
        while size * width(word, face) > room and len(word) > 1:
            cut = next(n for n in range(len(word) - 1, 0, -1) if n == 1 or size * width(word[:n], face) <= room)
            soft = max((word.rfind(sign, 0, cut) + 1 for sign in "/_:-."), default=0)
            cut = soft if soft > cut // 2 else cut
            lines.append(word[:cut])
            word = word[cut:]
        current = word
    return [*lines, current] if current or not lines else lines
