"""Whether a PDF, TIFF, JPEG or PNG reaches its own end: pure Python, bounded, no parsing library.

It runs beside the keys, so it follows offsets and lengths only and decodes nothing.
"""

import re
import struct
from typing import Protocol, overload


class Data(Protocol):
    """Bytes, or something that reads like them."""

    def __len__(self) -> int: ...

    @overload
    def __getitem__(self, place: int) -> int: ...

    @overload
    def __getitem__(self, place: slice) -> bytes: ...

    def find(self, wanted: bytes, start: int, /) -> int:
        """As `bytes.find`."""


_PDF_TAIL_BYTES = 4096
_PDF_HEAD_BYTES = 1024
_MAX_TIFF_PAGES = 20_000
_MAX_TIFF_TAGS = 4096
_TIFF_TYPE_BYTES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
_STRIPS, _STRIP_SIZES, _TILES, _TILE_SIZES = 273, 279, 324, 325
_MAX_CHUNKS = 1_000_000


def is_complete(data: Data) -> bool:
    """Whether the file reaches its end; True for types we do not know, they are judged elsewhere."""
    head = bytes(data[:_PDF_HEAD_BYTES])
    if head.startswith(b"\xff\xd8\xff"):
        return _jpeg_is_complete(data)
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png_is_complete(data)
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return _tiff_is_complete(data)
    if b"%PDF-" in head:
        return _pdf_is_complete(data, head)
    if head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith((b"<?xml", b"<\0?\0x\0")):
        return _xml_is_complete(data)
    return True


def _pdf_is_complete(data: Data, head: bytes) -> bool:
    """A trailer near the end; for linearised files also the length that the head promises."""
    promised = re.search(rb"/Linearized\b.{0,200}?/L\s+(\d{1,12})\b", head, re.DOTALL)
    if promised and len(data) < int(promised.group(1)):
        # Its first trailer stands near the beginning: without this a cut file would look whole.
        return False
    tail = bytes(data[-_PDF_TAIL_BYTES:])
    return re.search(rb"startxref\s+\d+\s+%%EOF", tail) is not None


def _xml_is_complete(data: Data) -> bool:
    """It ends with a mark, whatever blanks come behind; the mark may stand in two bytes."""
    return bytes(data[-_PDF_TAIL_BYTES:]).rstrip(b" \t\r\n\0").endswith(b">")


def _jpeg_is_complete(data: Data) -> bool:
    """An end marker behind the beginning of the picture; a thumbnail's own end does not count."""
    offset = 2
    while offset + 4 <= len(data):
        if data[offset] != 0xFF:
            return False
        marker = data[offset + 1]
        if marker == 0xFF:
            offset += 1
        elif marker == 0xDA:
            return data.find(b"\xff\xd9", offset) >= 0
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:
            offset += 2
        else:
            offset += 2 + int.from_bytes(data[offset + 2 : offset + 4], "big")
    return False


def _png_is_complete(data: Data) -> bool:
    """Chunk after chunk up to the closing one."""
    offset = 8
    for _ in range(_MAX_CHUNKS):
        if offset + 12 > len(data):
            return False
        end = offset + 12 + int.from_bytes(data[offset : offset + 4], "big")
        if data[offset + 4 : offset + 8] == b"IEND":
            return end <= len(data)
        offset = end
    return False


def _tiff_is_complete(data: Data) -> bool:
    """Every directory, and every strip or tile it names, lies inside the file."""
    try:
        reader = _TiffReader(data)
        offset, seen = reader.first_directory(), 0
        while offset and seen < _MAX_TIFF_PAGES:
            offset = reader.check_directory(offset)
            seen += 1
    except (struct.error, EOFError):
        return False
    return seen > 0


class _TiffReader:
    """Numbers of a TIFF or BigTIFF in its byte order; anything outside the file raises EOFError."""

    def __init__(self, data: Data) -> None:
        self._data = data
        self._order = "<" if data[:1] == b"I" else ">"
        self._big = bytes(data[2:4]) in (b"+\0", b"\0+")
        self._word = "Q" if self._big else "I"

    def first_directory(self) -> int:
        """Offset of the first page's directory; 0 (never written) is the mark of an unfinished file."""
        return self._number(self._word, 8 if self._big else 4)

    def check_directory(self, offset: int) -> int:
        """Check one page's directory; returns the offset of the next, 0 at the end."""
        count = self._number("Q" if self._big else "H", offset)
        if not 0 < count <= _MAX_TIFF_TAGS:
            raise EOFError
        entries, entry_bytes = offset + (8 if self._big else 2), 20 if self._big else 12
        tags = {}
        for index in range(count):
            tag, values = self._entry(entries + index * entry_bytes)
            tags[tag] = values
        for places, sizes in ((_STRIPS, _STRIP_SIZES), (_TILES, _TILE_SIZES)):
            for place, size in zip(tags.get(places, ()), tags.get(sizes, ()), strict=False):
                self._inside(place, size)
        return self._number(self._word, entries + count * entry_bytes)

    def _entry(self, offset: int) -> tuple[int, tuple[int, ...]]:
        """A tag and, for those that place the picture, its values."""
        tag, kind = self._number("H", offset), self._number("H", offset + 2)
        count = self._number(self._word, offset + 4)
        item_bytes = _TIFF_TYPE_BYTES.get(kind, 1)
        place = offset + (12 if self._big else 8)
        if count * item_bytes > (8 if self._big else 4):
            place = self._number(self._word, place)
        self._inside(place, count * item_bytes)
        letters = {3: "H", 4: "I", 16: "Q"}
        if tag not in (_STRIPS, _STRIP_SIZES, _TILES, _TILE_SIZES) or kind not in letters:
            return tag, ()
        raw = bytes(self._data[place : place + count * item_bytes])
        return tag, struct.unpack(f"{self._order}{count}{letters[kind]}", raw)

    def _number(self, kind: str, offset: int) -> int:
        size = struct.calcsize(kind)
        self._inside(offset, size)
        (value,) = struct.unpack(self._order + kind, self._data[offset : offset + size])
        return int(value)

    def _inside(self, offset: int, size: int) -> None:
        if offset + size > len(self._data):
            raise EOFError
