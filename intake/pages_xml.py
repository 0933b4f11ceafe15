"""Pages of an XML invoice: no letter, so a readable one is made of it; everything it says can be found and shown."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from intake.einvoice import read_xml
from intake.einvoice_sheet import HEIGHT, WIDTH, Piece, lay_out, lay_out_lines, printable
from intake.engine import FoundWord
from intake.reading import TextLayer
from intake.sheet_font import width

if TYPE_CHECKING:
    import mmap

_DPI = 200
_POINTS_PER_INCH = 72
_TALL, _DEEP = 0.75, 0.21
_SAME_LINE = 1.0
"""Points: pieces of one row of a table stand at one height."""


class XmlPages:
    """One XML file, laid out as pages."""

    media_type = "application/xml"

    def __init__(self, data: "mmap.mmap | bytes") -> None:
        raw = bytes(data)
        self.einvoice, root = read_xml(raw)
        self.sheets = lay_out_lines(list(_raw_lines(raw))) if root is None else lay_out(self.einvoice, root)

    def count(self) -> int:
        """How many pages there are."""
        return len(self.sheets)

    def page(self, number: int) -> TextLayer:
        """One page: its words, where they are set."""
        pieces = sorted(self.sheets[number - 1].pieces, key=lambda piece: (round(piece.y / _SAME_LINE), piece.x))
        words: list[FoundWord] = []
        line, height = -1, -1.0
        for piece in pieces:
            line, height = (line, height) if abs(piece.y - height) <= _SAME_LINE else (line + 1, piece.y)
            words += _words(piece, line)
        scale = _DPI / _POINTS_PER_INCH
        return TextLayer(width_px=round(WIDTH * scale), height_px=round(HEIGHT * scale), dpi=_DPI, words=words)

    def close(self) -> None:
        """Give the memory back."""
        self.sheets = ()


def _words(piece: Piece, line: int) -> Iterator[FoundWord]:
    scale = _DPI / _POINTS_PER_INCH
    for match in re.finditer(r"\S+", piece.text):
        left = piece.x + piece.size * width(piece.text[: match.start()], piece.face)
        yield FoundWord(
            text=match.group(),
            left=round(left * scale),
            top=round((piece.y - _TALL * piece.size) * scale),
            right=round((left + piece.size * width(match.group(), piece.face)) * scale),
            bottom=round((piece.y + _DEEP * piece.size) * scale),
            confidence=1.0,
            line=line,
            block=0,
        )


def _raw_lines(raw: bytes) -> Iterator[str]:
    """What can be saved of a file that is not well-formed: its texts without the marks."""
    code = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    for line in re.sub(r"<[^<>]*>", " ", raw[: 4 * 1024 * 1024].decode(code, "replace")).splitlines():
        if text := printable(line):
            yield text
