"""Cuts the pages of one letter out of a stack: the scan's own coded pictures, not one byte of them changed.

It runs in a worker, on hostile input. What is cut out holds nothing of the other pages: no shared pictures, no
bookmarks, no forms, no document properties; a letter of another department may lie beside it. What cannot be cut so
is not cut: the file stays one document, and a person looks at it.
"""

import io
import mmap
import struct
from collections.abc import Sequence
from typing import Any

import pikepdf
from pikepdf import Dictionary, Name

Data = bytes | mmap.mmap
_MAX_DEPTH = 8
_ODD_INPUT = (
    pikepdf.PdfError, pikepdf.ForeignObjectError, ValueError, LookupError, TypeError, ArithmeticError,
    AttributeError, RuntimeError, NotImplementedError, EOFError, struct.error,
)  # fmt: skip


class NotCuttable(Exception):
    """No letter can be cut out of this file; the reason is a word for tests and logs."""


def cut_out(data: Data, media_type: str, numbers: Sequence[int]) -> bytes:
    """A file of the same type with these pages (1-based) only; the same input gives the same bytes.

    Raises:
        NotCuttable: forms, signatures, attachments; damaged; or pictures stored in a way that cannot be taken apart.
    """
    try:
        if media_type == "application/pdf":
            return _cut_pdf(data, numbers)
        if media_type == "image/tiff":
            return _cut_tiff(data, numbers)
    except _ODD_INPUT as err:
        raise NotCuttable(type(err).__name__) from err
    raise NotCuttable("only PDF and TIFF hold several pages")


# PDF ------------------------------------------------------------------------------------------------------


def _cut_pdf(data: Data, numbers: Sequence[int]) -> bytes:
    with pikepdf.open(io.BytesIO(data)) as stack, pikepdf.new() as letter:
        if len(stack.Root.get("/AcroForm", Dictionary()).get("/Fields", [])) or len(stack.attachments):
            # A signature would break; what is attached belongs to the whole (an e-invoice, say).
            raise NotCuttable("forms or attachments")
        pages = len(stack.pages)
        for number in numbers:
            if not 1 <= number <= pages:
                raise NotCuttable("not the file that was read")
            page = stack.pages[number - 1]
            _keep_to_itself(page)
            letter.pages.append(page)
        out = io.BytesIO()
        letter.save(
            out,
            min_version=stack.pdf_version,
            compress_streams=False,
            stream_decode_level=pikepdf.StreamDecodeLevel.none,
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
            deterministic_id=True,
        )
    return out.getvalue()


_OF_THE_PAGE = {
    "/Type", "/MediaBox", "/CropBox", "/BleedBox", "/TrimBox", "/ArtBox", "/Rotate", "/UserUnit", "/Contents",
    "/Resources", "/Group", "/Annots",
}  # fmt: skip
_OF_AN_ANNOTATION = {
    "/Type", "/Subtype", "/Rect", "/Contents", "/NM", "/M", "/F", "/AP", "/AS", "/Border", "/C", "/BS", "/BE", "/IC",
    "/CA", "/QuadPoints", "/InkList", "/Vertices", "/L", "/DA", "/Name",
}  # fmt: skip
_BY_NAME = ("/XObject", "/ExtGState", "/Font", "/Pattern", "/Shading")
"""Lists of which only what is named on the page stays."""
_AS_THEY_ARE = ("/ColorSpace", "/ProcSet")
_NOT_DRAWN = ("/PieceInfo", "/StructParent", "/StructParents", "/Metadata", "/OPI", "/Ref", "/OC")


def _keep_to_itself(page: pikepdf.Page) -> None:
    """Leave the page what is drawn on it: links, threads and shared lists of pictures lead to other pages."""
    # What a page inherits from the tree above it would be left behind.
    resources, boxes = page.resources, (page.mediabox, page.cropbox)
    rotation = _inherited(page.obj, "/Rotate")
    for key in list(page.obj.keys()):
        if key not in _OF_THE_PAGE and key != "/Parent":
            del page.obj[key]
    page.obj.MediaBox, page.obj.CropBox = boxes
    if rotation is not None:
        page.obj.Rotate = rotation
    page.obj.Resources = _used(page.obj, resources, 0)
    if "/Annots" in page.obj:
        page.obj.Annots = pikepdf.Array([_plain(annotation) for annotation in page.obj.Annots if _stays(annotation)])


def _inherited(obj: Any, key: str) -> Any:
    for _ in range(_MAX_DEPTH * 4):
        if key in obj:
            return obj[key]
        if "/Parent" not in obj:
            return None
        obj = obj["/Parent"]
    raise NotCuttable("pages nested too deeply")


def _stays(annotation: Any) -> bool:
    return annotation.get("/Subtype") not in (Name.Link, Name.Widget, Name.Popup, Name.FileAttachment, Name.Movie)


def _plain(annotation: Any) -> Any:
    return Dictionary({key: annotation[key] for key in annotation.keys() if key in _OF_AN_ANNOTATION})  # noqa: SIM118


def _used(source: Any, resources: Any, depth: int) -> Any:
    """A list of its own of what a page or form uses: producers like to give all pages one list of all pictures."""
    if depth > _MAX_DEPTH:
        raise NotCuttable("forms nested too deeply")
    names = {
        str(operand)
        for instruction in pikepdf.parse_content_stream(source)
        if not isinstance(instruction, pikepdf.ContentStreamInlineImage)
        for operand in instruction.operands
        if isinstance(operand, Name)
    }
    kept = Dictionary({key: resources[key] for key in _AS_THEY_ARE if key in resources})
    for kind in _BY_NAME:
        known = resources.get(kind, Dictionary())
        for name in sorted(names & set(known.keys())):
            _prune(known[name], resources, depth)
            if kind not in kept:
                kept[kind] = Dictionary()
            kept[kind][name] = known[name]
    return kept


def _prune(thing: Any, resources: Any, depth: int) -> None:
    """The same for what has lists of its own: forms, tiles, soft masks."""
    if isinstance(thing, pikepdf.Stream):
        for key in _NOT_DRAWN:
            if key in thing:
                del thing[key]
        if thing.get("/Subtype") == Name.Form or thing.get("/PatternType") == 1:
            thing.Resources = _used(thing, thing.get("/Resources", resources), depth + 1)
    elif isinstance(thing, Dictionary):
        mask = thing.get("/SMask")
        if isinstance(mask, Dictionary) and "/G" in mask:
            _prune(mask.G, resources, depth + 1)
        if thing.get("/Subtype") == Name.Type3 and "/XObject" in thing.get("/Resources", Dictionary()):
            raise NotCuttable("a font made of pictures")


# TIFF -----------------------------------------------------------------------------------------------------

_TYPE_BYTES = {
    1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8,
}  # fmt: skip
_STRIPS, _STRIP_SIZES, _TILES, _TILE_SIZES = 273, 279, 324, 325
_SIZES_OF = {_STRIPS: _STRIP_SIZES, _TILES: _TILE_SIZES}
_ELSEWHERE = frozenset({330, 400, 34665, 34853, 40965})
"""Tags that point to further directories: thumbnails, camera data."""
_OLD_JPEG = frozenset({513, 514, 519, 520, 521})
_SHORT, _LONG, _LONG8 = 3, 4, 16
_MOST_DIRECTORIES, _MOST_TAGS, _MOST_PARTS = 20_000, 4_096, 1_000_000


def _cut_tiff(data: Data, numbers: Sequence[int]) -> bytes:
    stack = _Tiff(data)
    offsets = stack.directories()
    out = bytearray(stack.head())
    link = len(out) - stack.word_bytes
    for number in numbers:
        if not 1 <= number <= len(offsets):
            raise NotCuttable("not the file that was read")
        link = stack.copy_page(offsets[number - 1], out, link)
    return bytes(out)


class _Tiff:
    """A TIFF or BigTIFF, read and written in its own byte order."""

    def __init__(self, data: Data) -> None:
        self._data = data
        self._order = "<" if data[:1] == b"I" else ">"
        self._big = self._number("H", 2) == 43
        self._word = "Q" if self._big else "I"
        self.word_bytes = 8 if self._big else 4
        self._count, self._count_bytes = ("Q", 8) if self._big else ("H", 2)

    def head(self) -> bytes:
        """The first bytes of a file, with a place for the first directory at the end."""
        return bytes(self._data[: 8 if self._big else 4]) + bytes(self.word_bytes)

    def directories(self) -> list[int]:
        """Where the pages' directories are, in order."""
        found: list[int] = []
        offset = self._number(self._word, 8 if self._big else 4)
        while offset:
            if offset in found[-1:] or len(found) >= _MOST_DIRECTORIES:
                raise NotCuttable("directories without an end")
            found.append(offset)
            offset = self._number(self._word, offset + self._count_bytes + self._tags(offset) * self._entry_bytes)
        return found

    def copy_page(self, offset: int, out: bytearray, link: int) -> int:
        """Append one page and let `link` point to it; returns where its own link to the next one is."""
        entries = [
            self._entry(offset + self._count_bytes + place * self._entry_bytes) for place in range(self._tags(offset))
        ]
        values = {tag: (kind, count, raw) for tag, kind, count, raw in entries if tag not in _ELSEWHERE}
        if _OLD_JPEG & values.keys():
            raise NotCuttable("JPEG of the old kind")
        if not _SIZES_OF.keys() & values.keys():
            raise NotCuttable("a page without a picture")
        for place, size in _SIZES_OF.items():
            if place in values:
                values[place] = self._copy_parts(values[place], values[size], out)
        return self._write_directory(values, out, link)

    @property
    def _entry_bytes(self) -> int:
        return 20 if self._big else 12

    def _tags(self, offset: int) -> int:
        count = self._number(self._count, offset)
        if not 0 < count <= _MOST_TAGS:
            raise NotCuttable("a directory without tags")
        return count

    def _entry(self, offset: int) -> tuple[int, int, int, bytes]:
        """Tag, type, count and the value's bytes, wherever they stand."""
        tag, kind = self._number("H", offset), self._number("H", offset + 2)
        count = self._number(self._word, offset + 4)
        size = count * _TYPE_BYTES[kind]
        place = offset + 4 + self.word_bytes
        return tag, kind, count, self._bytes(self._number(self._word, place) if size > self.word_bytes else place, size)

    def _copy_parts(
        self, places: tuple[int, int, bytes], sizes: tuple[int, int, bytes], out: bytearray
    ) -> tuple[int, int, bytes]:
        """Append the strips or tiles as they are coded; returns their new places."""
        if places[1] != sizes[1] or places[1] > _MOST_PARTS:
            raise NotCuttable("strips without sizes")
        moved: list[int] = []
        for place, size in zip(self._whole_numbers(places), self._whole_numbers(sizes), strict=True):
            _align(out)
            moved.append(len(out))
            out += self._bytes(place, size)
        kind = _LONG8 if self._big else _LONG
        return kind, len(moved), struct.pack(f"{self._order}{len(moved)}{self._word}", *moved)

    def _whole_numbers(self, value: tuple[int, int, bytes]) -> tuple[int, ...]:
        kind, count, raw = value
        return struct.unpack(f"{self._order}{count}{ {_SHORT: 'H', _LONG: 'I', _LONG8: 'Q'}[kind] }", raw)

    def _write_directory(self, values: dict[int, tuple[int, int, bytes]], out: bytearray, link: int) -> int:
        stored: list[tuple[int, int, int, bytes]] = []
        for tag, (kind, count, raw) in sorted(values.items()):
            if len(raw) > self.word_bytes:
                _align(out)
                place = self._packed(self._word, len(out))
                out += raw
                raw = place
            stored.append((tag, kind, count, raw.ljust(self.word_bytes, b"\0")))
        _align(out)
        out[link : link + self.word_bytes] = self._packed(self._word, len(out))
        out += self._packed(self._count, len(stored))
        for tag, kind, count, raw in stored:
            out += self._packed("H", tag) + self._packed("H", kind) + self._packed(self._word, count) + raw
        out += bytes(self.word_bytes)
        return len(out) - self.word_bytes

    def _packed(self, kind: str, value: int) -> bytes:
        return struct.pack(self._order + kind, value)

    def _number(self, kind: str, offset: int) -> int:
        (value,) = struct.unpack(self._order + kind, self._bytes(offset, struct.calcsize("=" + kind)))
        return int(value)

    def _bytes(self, offset: int, size: int) -> bytes:
        taken = bytes(self._data[offset : offset + size])
        if len(taken) != size:
            raise NotCuttable("it ends too early")
        return taken


def _align(out: bytearray) -> None:
    """Offsets are even in a TIFF."""
    if len(out) % 2:
        out.append(0)
