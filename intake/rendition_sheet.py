"""The PDF of an XML invoice: pages of text in embedded faces, PDF/A-2b like every other rendition."""

from collections.abc import Iterator, Sequence

import pikepdf
from pikepdf import Array, Dictionary, Name

from intake import sheet_font
from intake.einvoice_sheet import HEIGHT, WIDTH, Sheet
from intake.rendition_font import compressed

_LEFT, _RIGHT = 56.0, 545.0
_NAMES = {sheet_font.REGULAR: "/F1", sheet_font.BOLD: "/F2"}


def add_sheets(pdf: pikepdf.Pdf, sheets: Sequence[Sheet]) -> None:
    """One page for each sheet, at the end of the document."""
    fonts = Dictionary({name: sheet_font.add_to(pdf, face) for face, name in _NAMES.items()})
    for number, sheet in enumerate(sheets, 1):
        page = Dictionary(
            Type=Name.Page,
            MediaBox=Array([0, 0, WIDTH, HEIGHT]),
            Resources=Dictionary(Font=fonts),
            Contents=compressed(pdf, b"\n".join(_drawing(sheet, number, len(sheets)))),
        )
        pdf.pages.append(pikepdf.Page(pdf.make_indirect(page)))


def _drawing(sheet: Sheet, number: int, count: int) -> Iterator[bytes]:
    for y in sheet.rules:
        yield f"0.5 w {_LEFT:.1f} {HEIGHT - y:.1f} m {_RIGHT:.1f} {HEIGHT - y:.1f} l S".encode()
    for piece in sheet.pieces:
        yield _text(piece.text, piece.x, piece.y, piece.size, piece.face)
    if count > 1:
        yield _text(f"Seite {number} von {count}", _LEFT, HEIGHT - 30, 7.0, sheet_font.REGULAR)


def _text(text: str, x: float, y: float, size: float, face: str) -> bytes:
    written = sheet_font.encode(text).replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
    return f"BT {_NAMES[face]} {size:.1f} Tf {x:.2f} {HEIGHT - y:.2f} Td (".encode() + written + b") Tj ET"
