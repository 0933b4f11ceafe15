"""Where a draft's words stand: blocks flow down pages, tables break between rows, terms take two columns."""

from bench.letters.content import Column, Draft, Fields, Half, Paragraph, SmallPrint, Style, Table
from bench.letters.faces import wrap
from bench.letters.sheet import LEFT, RIGHT, Cell, Sheet
from bench.letters.stationery import print_first_page, print_following_page, print_footer
from bench.letters.values import PageLayout

_BOTTOM = 750.0
_LEADING = 1.3
_ZEBRA = (238, 240, 243)


def lay_out(draft: Draft, style: Style, half: Half) -> tuple[PageLayout, ...]:
    """Turn a draft into pages in a house style."""
    flow = _Flow(draft, style, half)
    flow.say(draft.subject, bold=True, size=style.size + 0.8)
    flow.skip(0.7)
    flow.say(draft.salutation)
    flow.skip(0.5)
    terms = [block for block in draft.blocks if isinstance(block, SmallPrint)]
    for block in draft.blocks:
        if isinstance(block, Paragraph):
            flow.paragraph(block)
        elif isinstance(block, Table):
            flow.table(block)
        elif isinstance(block, Fields):
            flow.fields(block)
    flow.close()
    for block in terms:
        flow.small_print(block)
    for number, sheet in enumerate(flow.sheets, start=1):
        print_footer(sheet, draft, style, half, number, len(flow.sheets))
    return tuple(sheet.finished() for sheet in flow.sheets)


class _Flow:
    """The cursor that runs down the pages."""

    def __init__(self, draft: Draft, style: Style, half: Half) -> None:
        self._draft, self._style, self._half = draft, style, half
        self.sheets = [Sheet()]
        self._y = print_first_page(self.sheets[0], draft, style, half)

    @property
    def _sheet(self) -> Sheet:
        return self.sheets[-1]

    def _turn(self) -> None:
        self.sheets.append(Sheet())
        self._y = print_following_page(self._sheet, self._draft, self._style, self._half)

    def _need(self, height: float) -> None:
        if self._y + height > _BOTTOM:
            self._turn()

    def skip(self, lines: float) -> None:
        """Leave room, in lines."""
        self._y += lines * self._style.size * _LEADING

    def say(self, text: str, *, bold: bool = False, size: float | None = None) -> None:
        """Write running text from edge to edge."""
        size = size or self._style.size
        face = self._style.family + ("-bold" if bold else "")
        for line in wrap(face, size, text, RIGHT - LEFT):
            self._need(size)
            self._sheet.write(self._y, Cell(text=line, x=LEFT, face=face, size=size))
            self._y += size * _LEADING

    def paragraph(self, block: Paragraph) -> None:
        """A paragraph, or a heading that stays with its text."""
        if block.heading:
            self._need(4 * self._style.size * _LEADING)
            self.say(block.text, bold=True)
            return
        self._need(2 * self._style.size * _LEADING)
        self.say(block.text)
        self.skip(0.55)

    def table(self, table: Table) -> None:
        """Head, rows and totals; a page break repeats the head."""
        step = self._style.size * 1.55
        self._need(4 * step)
        self._table_head(table, step)
        for number, row in enumerate(table.rows):
            if self._y + step * (1 + len(table.totals) * (row is table.rows[-1])) > _BOTTOM:
                self._turn()
                self._table_head(table, step)
            if self._style.table == "zebra" and number % 2 == 0:
                self._sheet.fill(LEFT, self._y - step * 0.68, RIGHT, self._y + step * 0.32, _ZEBRA)
            self._row(table.columns, row, bold=False)
            if self._style.table == "frames":
                self._grid(table.columns, step)
            self._y += step
        self._sheet.rule(LEFT, self._y - step * 0.66, RIGHT, 0.8)
        self._totals(table, step)
        self.skip(0.9)

    def _table_head(self, table: Table, step: float) -> None:
        self._row(table.columns, tuple(column.title for column in table.columns), bold=True)
        if self._style.table == "frames":
            self._grid(table.columns, step)
        else:
            self._sheet.rule(LEFT, self._y + step * 0.3, RIGHT, 0.9, self._style.accent)
        self._y += step

    def _row(self, columns: tuple[Column, ...], texts: tuple[str, ...], *, bold: bool) -> None:
        face = self._style.family + ("-bold" if bold else "")
        size = self._style.size - 0.8
        cells, left = [], LEFT
        for column, text in zip(columns, texts, strict=True):
            width = column.share * (RIGHT - LEFT)
            if column.right:
                cells.append(Cell(text=text, x=left + width - 4, face=face, size=size, align="right"))
            else:
                text = wrap(face, size, text, width - 4)[0] if text else ""
                cells.append(Cell(text=text, x=left + 4, face=face, size=size))
            left += width
        self._sheet.write(self._y, *cells)

    def _grid(self, columns: tuple[Column, ...], step: float) -> None:
        left = LEFT
        for column in columns:
            right = left + column.share * (RIGHT - LEFT)
            self._sheet.frame(left, self._y - step * 0.68, right, self._y + step * 0.32, 0.4)
            left = right

    def _totals(self, table: Table, step: float) -> None:
        size = self._style.size - 0.4
        for number, (label, value) in enumerate(table.totals, start=1):
            last = number == len(table.totals)
            face = self._style.family + ("-bold" if last else "")
            self._sheet.write(
                self._y + 3,
                Cell(text=label, x=RIGHT - 110, face=face, size=size, align="right"),
                Cell(text=value, x=RIGHT - 4, face=face, size=size, align="right"),
            )
            if last:
                self._sheet.rule(RIGHT - 230, self._y + 7.5, RIGHT, 0.9)
            self._y += step

    def fields(self, block: Fields) -> None:
        """Boxes two abreast, small label above its value."""
        height, width = 31.0, (RIGHT - LEFT) / 2
        self._need(height * ((len(block.pairs) + 1) // 2) + 6)
        top = self._y - 8
        for row in range(0, len(block.pairs), 2):
            pairs = block.pairs[row : row + 2]
            for place, _ in enumerate(pairs):
                self._sheet.frame(LEFT + place * width, top, LEFT + (place + 1) * width, top + height)
            labels = [self._field_cell(text, place, 7.2) for place, (text, _) in enumerate(pairs)]
            values = [self._field_cell(text, place, self._style.size) for place, (_, text) in enumerate(pairs)]
            self._sheet.write(top + 10, *labels)
            self._sheet.write(top + 24, *values)
            top += height
        self._y = top + 20

    def _field_cell(self, text: str, place: int, size: float) -> Cell:
        x = LEFT + place * (RIGHT - LEFT) / 2 + 5
        return Cell(text=wrap(self._style.family, size, text, 222)[0], x=x, face=self._style.family, size=size)

    def close(self) -> None:
        """Closing words, signature, name and enclosures, kept together."""
        draft, style = self._draft, self._style
        self.skip(0.5)
        self._need(5 * style.size * _LEADING + 10)
        self.say(draft.closing)
        if draft.record_class not in ("tax-office", "delivery-note"):
            self._sheet.sign(LEFT + 8, self._y + 14, draft.signatory)
        self.skip(1.9)
        self.say(draft.signatory)
        if draft.enclosures:
            self.skip(0.6)
            self.say(self._half.LABELS["enclosures"].format(names=draft.enclosures), size=style.size - 1)

    def small_print(self, block: SmallPrint) -> None:
        """Two columns of small type on a page of their own, read left column first."""
        self._turn()
        style, size = self._style, 8.6
        self.say(block.title, bold=True, size=style.size + 1)
        self.skip(0.5)
        top, width = self._y, (RIGHT - LEFT - 20) / 2
        lines: list[str] = []
        for text in block.paragraphs:
            lines += [*wrap(style.family, size, text, width), ""]
        half = (len(lines) + 1) // 2
        for number, line in enumerate(lines):
            column, row = divmod(number, half)
            y = top + row * size * _LEADING
            self._sheet.write(y, Cell(text=line, x=LEFT + column * (width + 20), face=style.family, size=size))
        self._y = top + half * size * _LEADING
