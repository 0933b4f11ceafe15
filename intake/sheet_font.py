"""The two faces in which our own pages are set: the ones that pdfium carries inside for PDFs that bring none.

They hold the letters of Western Europe (WinAnsi). Others are set without their marks, or as a question mark; the
recognised text keeps them as they are.
"""

import ctypes
import unicodedata
from functools import cache

import pikepdf
import pypdfium2
import pypdfium2.raw as pdfium
from pikepdf import Array, Dictionary, Name

from intake.rendition_font import compressed

REGULAR, BOLD = "Helvetica", "Helvetica-Bold"
_FIRST, _LAST = 32, 255
_NOT_THERE = frozenset((127, 129, 141, 143, 144, 157))
"""Codes that stand for no letter."""
# pdfium measures what Latin-1 holds; these are the widths of the others in its programs.
_OTHERS: dict[str, dict[int, int]] = {
    REGULAR: {
        128: 667, 130: 222, 131: 556, 132: 333, 133: 1000, 134: 556, 135: 556, 136: 333, 137: 1000, 138: 667, 139: 333,
        140: 1000, 142: 611, 145: 222, 146: 222, 147: 333, 148: 333, 149: 350, 150: 556, 151: 1000, 152: 333, 153: 1000,
        154: 500, 155: 366, 156: 944, 158: 500, 159: 667,
    },
    BOLD: {
        128: 722, 130: 278, 131: 556, 132: 500, 133: 1000, 134: 556, 135: 556, 136: 333, 137: 1000, 138: 667, 139: 333,
        140: 1000, 142: 611, 145: 278, 146: 278, 147: 500, 148: 500, 149: 350, 150: 556, 151: 1000, 152: 333, 153: 1000,
        154: 556, 155: 333, 156: 944, 158: 500, 159: 667,
    },
}  # fmt: skip
_SPELT = str.maketrans({"ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "‐": "-", "‑": "-", "−": "-", "\u202f": " "})


def encode(text: str) -> bytes:
    """The text in the codes of the faces, every letter one byte."""
    return b"".join(_code(char) for char in text.replace("\xad", ""))


def width(text: str, face: str) -> float:
    """How wide a text is at size 1."""
    widths = _program(face)[1]
    return sum(widths[code - _FIRST] for code in encode(text)) / 1000


def add_to(pdf: pikepdf.Pdf, face: str) -> pikepdf.Object:
    """Put a face into a document and return it for the pages' resources."""
    program, widths = _program(face)
    name = Name("/ChromSansOTF-Bold" if face == BOLD else "/ChromSansOTF")
    descriptor = Dictionary(
        Type=Name.FontDescriptor, FontName=name, Flags=32, FontBBox=Array([-170, -228, 1002, 962]), ItalicAngle=0,
        Ascent=765, Descent=-207, CapHeight=729, StemV=140 if face == BOLD else 88,
        FontFile3=compressed(pdf, program, Subtype=Name.Type1C),
    )  # fmt: skip
    font = Dictionary(
        Type=Name.Font, Subtype=Name.Type1, BaseFont=name, Encoding=Name.WinAnsiEncoding, FirstChar=_FIRST,
        LastChar=_LAST, Widths=Array(widths), FontDescriptor=pdf.make_indirect(descriptor),
    )  # fmt: skip
    return pdf.make_indirect(font)


@cache
def _code(char: str) -> bytes:
    for spelt in (char, char.translate(_SPELT), unicodedata.normalize("NFKD", char)[:1], "?"):
        code = spelt.encode("cp1252", "ignore")
        if len(code) == 1 and code[0] >= _FIRST and code[0] not in _NOT_THERE:
            return code
    return b"?"


@cache
def _program(face: str) -> tuple[bytes, list[int]]:
    """The face's program and the widths of all codes, in thousandths."""
    pdf = pypdfium2.PdfDocument.new()
    try:
        font = pdfium.FPDFText_LoadStandardFont(pdf, face.encode())
        size, measured = ctypes.c_size_t(), ctypes.c_float()
        pdfium.FPDFFont_GetFontData(font, None, 0, ctypes.byref(size))
        data = (ctypes.c_uint8 * size.value)()
        pdfium.FPDFFont_GetFontData(font, data, size.value, ctypes.byref(size))
        widths = []
        for code in range(_FIRST, _LAST + 1):
            pdfium.FPDFFont_GetGlyphWidth(font, code, 1000.0, ctypes.byref(measured))
            widths.append(0 if code in _NOT_THERE else _OTHERS[face].get(code, round(measured.value)))
        pdfium.FPDFFont_Close(font)
        return bytes(data), widths
    finally:
        pdf.close()
