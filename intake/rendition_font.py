"""The font of the invisible text: its glyphs are boxes without lines, and it says which letter each code means."""

import re
import struct
import zlib
from collections.abc import Iterable

import pikepdf
from pikepdf import Array, Dictionary, Name

NAME = "/PoststelleText"
_FONT = "/PoststelleUnseen"
_UNITS = 1000
_ASCENT, _DESCENT, _CAP_HEIGHT = 800, -200, 700
_NARROW, _NORMAL, _WIDE = 280, 520, 800
"""About what letters take up in office faces: so the mark on a found part of a word sits where the part is."""
_GLYPHS = (_NORMAL, _NORMAL, _NARROW, _WIDE)
"""Advance widths by glyph; the first is the glyph for what is missing, which PDF/A forbids to use."""
_NARROW_LETTERS = frozenset("iljtfrI.,;:!|'()[] ")
_WIDE_LETTERS = frozenset("mwMWGOQÄÖ@%&€—…")
_MAX_LETTERS = 60_000
_CHECKSUM_MAGIC = 0xB1B0AFBA
_SPECIAL = re.compile(rb"[\\()]")
_MADE = 3_029_529_600
"""The font's date, in seconds since 1904: the first day of 2000."""


class LayerFont:
    """One font for all pages of a document, made for the letters that occur in it."""

    def __init__(self, texts: Iterable[str]) -> None:
        letters = sorted({letter for text in texts for letter in text} | {" "})
        if len(letters) > _MAX_LETTERS:
            raise ValueError("more different letters than a font has codes")
        # From 1 on: code 0 would stand for the missing glyph.
        self._codes = {letter: code for code, letter in enumerate(letters, 1)}

    def encode(self, text: str) -> bytes:
        """The text as a PDF string of two-byte codes; shorter than hexadecimal, even compressed."""
        codes = b"".join(self._codes[letter].to_bytes(2, "big") for letter in text)
        return b"(" + _SPECIAL.sub(rb"\\\g<0>", codes).replace(b"\r", b"\\r") + b")"

    def width(self, text: str) -> float:
        """How wide the text is at size 1."""
        return sum(_GLYPHS[_glyph(letter)] for letter in text) / _UNITS

    def add_to(self, pdf: pikepdf.Pdf) -> pikepdf.Object:
        """Put the font into a document, once, and return it for the pages' resources."""
        widths = [_GLYPHS[_glyph(letter)] for letter in self._codes]
        glyphs = struct.pack(f">{len(widths) + 1}H", 0, *(_glyph(letter) for letter in self._codes))
        descendant = Dictionary(
            Type=Name.Font,
            Subtype=Name.CIDFontType2,
            BaseFont=Name(_FONT),
            CIDSystemInfo=Dictionary(Registry=b"Adobe", Ordering=b"Identity", Supplement=0),
            CIDToGIDMap=compressed(pdf, glyphs),
            DW=_NORMAL,
            W=Array([1, Array(widths)]),
            FontDescriptor=pdf.make_indirect(self._descriptor(pdf)),
        )
        font = Dictionary(
            Type=Name.Font,
            Subtype=Name.Type0,
            BaseFont=Name(_FONT),
            Encoding=Name("/Identity-H"),
            DescendantFonts=Array([pdf.make_indirect(descendant)]),
            ToUnicode=compressed(pdf, self._meanings().encode()),
        )
        return pdf.make_indirect(font)

    def _descriptor(self, pdf: pikepdf.Pdf) -> Dictionary:
        program = _font_program()
        return Dictionary(
            Type=Name.FontDescriptor,
            FontName=Name(_FONT),
            Flags=4,
            FontBBox=Array([0, _DESCENT, _WIDE, _ASCENT]),
            ItalicAngle=0,
            Ascent=_ASCENT,
            Descent=_DESCENT,
            CapHeight=_CAP_HEIGHT,
            StemV=80,
            FontFile2=compressed(pdf, program, Length1=len(program)),
        )

    def _meanings(self) -> str:
        """The table that turns codes back into letters when somebody copies or searches."""
        rows = [f"<{code:04X}> <{letter.encode('utf-16-be').hex().upper()}>" for letter, code in self._codes.items()]
        # The format allows a hundred rows in a block.
        blocks = [rows[start : start + 100] for start in range(0, len(rows), 100)]
        tables = "\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks)
        return (
            "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
            "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
            "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
            "1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n"
            f"{tables}\nendcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
        )


def compressed(pdf: pikepdf.Pdf, data: bytes, **entries: object) -> pikepdf.Stream:
    """A stream of ours; it is compressed here because saving leaves all streams alone."""
    stream = pdf.make_stream(b"")
    stream.write(compress(data), filter=Name.FlateDecode)
    for key, value in entries.items():
        stream[f"/{key}"] = value
    return stream


def compress(data: bytes) -> bytes:
    """As small as it gets: these streams are short."""
    return zlib.compress(data, 9)


def _glyph(letter: str) -> int:
    return 2 if letter in _NARROW_LETTERS else 3 if letter in _WIDE_LETTERS else 1


def _font_program() -> bytes:
    """A TrueType font with the tables that a PDF reader needs, and hardly anything in them."""
    count, outlines = len(_GLYPHS), [_box_of_two_points(width) for width in _GLYPHS]
    size = len(outlines[0])
    tables = {
        b"glyf": b"".join(outlines),
        b"head": struct.pack(
            ">IIIIHHQQhhhhHHhhh",
            0x00010000, 0x00010000, 0, 0x5F0F3CF5, 0b11, _UNITS, _MADE, _MADE, 0, 0, _WIDE, _CAP_HEIGHT, 0, 8, 2, 0, 0,
        ),
        b"hhea": struct.pack(
            ">IhhhHhhhhhhhhhhhH",
            0x00010000, _ASCENT, _DESCENT, 0, _WIDE, 0, 0, _WIDE, 1, 0, 0, 0, 0, 0, 0, 0, count,
        ),
        b"hmtx": b"".join(struct.pack(">Hh", width, 0) for width in _GLYPHS),
        b"loca": struct.pack(f">{count + 1}H", *(number * size // 2 for number in range(count + 1))),
        b"maxp": struct.pack(">IHHHHHHHHHHHHHH", 0x00010000, count, 2, 2, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0),
    }  # fmt: skip
    font = _assembled(tables)
    # The one field that is computed over the finished file.
    at = font.index(tables[b"head"]) + 8
    return font[:at] + struct.pack(">I", (_CHECKSUM_MAGIC - _checksum(font)) & 0xFFFFFFFF) + font[at + 4 :]


def _box_of_two_points(width: int) -> bytes:
    """A glyph that fills nothing: two points, each an outline of its own, at the corners of the letter's box.

    Readers take the box from them to mark what was found; a glyph without points would be marked by a hairline.
    """
    box = struct.pack(">hhhhh", 2, 0, 0, width, _CAP_HEIGHT)
    points = struct.pack(">HHHBBhhhh", 0, 1, 0, 1, 1, 0, width, 0, _CAP_HEIGHT)
    return box + points + bytes(-len(box + points) % 4)


def _assembled(tables: dict[bytes, bytes]) -> bytes:
    power = len(tables).bit_length() - 1
    search = 16 << power
    header = struct.pack(">IHHHH", 0x00010000, len(tables), search, power, 16 * len(tables) - search)
    offset, directory, body = 12 + 16 * len(tables), b"", b""
    for tag, data in sorted(tables.items()):
        directory += struct.pack(">4sIII", tag, _checksum(data), offset + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    return header + directory + body


def _checksum(data: bytes) -> int:
    padded = data + bytes(-len(data) % 4)
    return int(sum(struct.unpack(f">{len(padded) // 4}I", padded))) & 0xFFFFFFFF
