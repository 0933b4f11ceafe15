"""The sheet that is laid between two letters before a stack is scanned: an A4 page with the code, large, four times.

Black bars and plain text, drawn as such: no font and no picture is embedded, so that any printer prints it sharp.
"""

import io
from collections.abc import Iterator

import numpy
import pikepdf
import zxingcpp
from pikepdf import Array, Dictionary, Name

from intake.stacks import SEPARATOR

WIDTH, HEIGHT = 595.28, 841.89
"""A4 in points."""
_BAR, _TALL = 3.0, 92.0
"""Width of the narrowest bar (1.06 mm: read at 100 dpi, and through the dust of a bad scanner) and height, points."""
_ROWS = (700.0, 470.0, 250.0, 60.0)
"""Lower edges of the four codes: a torn corner or a folded edge leaves some of them."""
_TEXT = (
    (640.0, 30, "F2", "TRENNBLATT"),
    (612.0, 13, "F1", "Separator sheet"),
    (430.0, 13, "F1", "Vor jeden neuen Brief ein Blatt legen, dann den ganzen Stapel auf einmal scannen."),
    (410.0, 13, "F1", "Dieses Blatt wird nicht abgelegt und kann wieder verwendet werden."),
    (380.0, 11, "F1", "Put one sheet before each new letter, then scan the whole stack at once."),
    (363.0, 11, "F1", "This sheet is not filed and can be used again."),
)


def separator_sheets(count: int) -> bytes:
    """A PDF of so many equal sheets; the same bytes every time."""
    with pikepdf.new() as pdf:
        fonts = Dictionary(F1=_font("Helvetica"), F2=_font("Helvetica-Bold"))
        content = pdf.make_stream("\n".join(_drawing()).encode("cp1252"))
        for _ in range(count):
            page = Dictionary(
                Type=Name.Page,
                MediaBox=Array([0, 0, WIDTH, HEIGHT]),
                Resources=Dictionary(Font=fonts),
                Contents=content,
            )
            pdf.pages.append(pikepdf.Page(pdf.make_indirect(page)))
        out = io.BytesIO()
        pdf.save(out, deterministic_id=True)
    return out.getvalue()


def _font(name: str) -> Dictionary:
    return Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name(f"/{name}"), Encoding=Name.WinAnsiEncoding)


def _drawing() -> Iterator[str]:
    bars = list(_bars())
    left = (WIDTH - bars[-1][1] * _BAR) / 2
    for low in _ROWS:
        for start, end in bars:
            yield f"{left + start * _BAR:.2f} {low:.2f} {(end - start) * _BAR:.2f} {_TALL:.2f} re"
        yield "f"
    for low, size, font, words in _TEXT:
        yield f"BT /{font} {size} Tf 60 {low:.2f} Td ({words}) Tj ET"


def _bars() -> Iterator[tuple[int, int]]:
    """The black bars of the code, as (start, end) counted in narrowest bars from the first one."""
    code = zxingcpp.create_barcode(SEPARATOR, zxingcpp.BarcodeFormat.Code128)
    row = numpy.asarray(code.to_image(scale=1, add_quiet_zones=False))[0]
    dark = [bool(level < 128) for level in row] + [False]
    first = dark.index(True)
    begun: int | None = None
    for place in range(first, len(dark)):
        if dark[place] and begun is None:
            begun = place
        elif not dark[place] and begun is not None:
            yield begun - first, place - first
            begun = None
