"""The picture of each page of a TIFF, JPEG or PNG, for a PDF: as the file codes it, wherever a PDF can hold that."""

import io
import mmap
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy
import pikepdf
from pikepdf import Array, Dictionary, Name
from PIL import Image

from intake.rendition_jpeg import NotJoinable, joined

Data = bytes | mmap.mmap

_COMPRESSION, _PHOTOMETRIC, _FILL_ORDER, _ORIENTATION = 259, 262, 266, 274
_BITS, _SAMPLES, _ROWS_PER_STRIP, _PLANAR = 258, 277, 278, 284
_WIDTH, _HEIGHT, _STRIPS, _STRIP_SIZES, _TILES, _JPEG_TABLES = 256, 257, 273, 279, 324, 347
_GROUP4, _JPEG = 4, 7
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2
_EXIF_ORIENTATION = 274
_QUICK = 3
"""Level of compression for what has to be coded anew: a quarter of the time of the usual one, four per cent larger."""
_MUCH_LARGER = 1.07
"""Than the file's own coding: then the time is taken."""
_MIRRORED_BITS = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_CHANNELS = {"L": 1, "RGB": 3, "CMYK": 4}
_COLOURS = {1: Name.DeviceGray, 3: Name.DeviceRGB, 4: Name.DeviceCMYK}


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Coded pixels and what a PDF has to say about them."""

    data: bytes
    filter: Name
    width_px: int
    height_px: int
    bits: int
    colours: Any
    """A name or an array."""
    parameters: dict[str, Any] | None = None
    decode: tuple[int, ...] = ()
    orientation: int = 1
    """How the rows lie on the paper, as EXIF counts it (1–8)."""

    @property
    def lies_on_its_side(self) -> bool:
        """Whether the paper's width is the picture's height."""
        return self.orientation >= 5

    def add_to(self, pdf: pikepdf.Pdf) -> pikepdf.Stream:
        """The picture as an object of a document."""
        stream = pdf.make_stream(b"")
        stream.write(
            self.data,
            filter=self.filter,
            decode_parms=None if self.parameters is None else Dictionary(self.parameters),
        )
        stream.stream_dict.Type, stream.stream_dict.Subtype = Name.XObject, Name.Image
        stream.stream_dict.Width, stream.stream_dict.Height = self.width_px, self.height_px
        stream.stream_dict.BitsPerComponent, stream.stream_dict.ColorSpace = self.bits, self.colours
        if self.decode:
            stream.stream_dict.Decode = Array(self.decode)
        return stream


def pictures(data: Data, media_type: str) -> Iterator[Picture]:
    """The pictures of all pages, in order. What cannot be decoded raises what Pillow raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if media_type == "image/jpeg":
            yield _from_jpeg(data)
        elif media_type == "image/png":
            yield _from_png(data)
        else:
            yield from _from_tiff(data)


def _opened(data: Data, kind: str) -> Image.Image:
    """The image, its header read and nothing decoded; its size was checked when its pages were read."""
    Image.MAX_IMAGE_PIXELS = None
    return Image.open(io.BytesIO(data), formats=[kind])


def _from_jpeg(data: Data) -> Picture:
    """The file as it is: a PDF holds JPEGs whole."""
    with _opened(data, "JPEG") as image:
        channels = _CHANNELS[image.mode]
        # Programs that mark their files as Adobe's store four-colour pictures inverted.
        inverted = channels == 4 and "adobe" in image.info
        return Picture(
            data=bytes(data),
            filter=Name.DCTDecode,
            width_px=image.width,
            height_px=image.height,
            bits=8,
            colours=_COLOURS[channels],
            decode=(1, 0) * 4 if inverted else (),
            orientation=_known(image.getexif().get(_EXIF_ORIENTATION)),
        )


# PNG ------------------------------------------------------------------------------------------------------


def _from_png(data: Data) -> Picture:
    """The compressed rows as they are: PDF borrowed its filter from PNG. Not if interlaced, transparent or cut off."""
    chunks = list(_png_chunks(data))
    width, height, bits, kind, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[0][1][:13])
    names = [name for name, _ in chunks]
    if interlaced or kind not in (0, 2, 3) or b"tRNS" in names or b"IEND" not in names:
        with _opened(data, "PNG") as image:
            return _coded_anew(image, len(data))
    colours: Any = _COLOURS[3 if kind == 2 else 1]
    if kind == 3:
        palette = next(body for name, body in chunks if name == b"PLTE")
        colours = Array([Name.Indexed, Name.DeviceRGB, len(palette) // 3 - 1, pikepdf.String(palette)])
    return Picture(
        data=b"".join(body for name, body in chunks if name == b"IDAT"),
        filter=Name.FlateDecode,
        parameters={"/Predictor": 15, "/Colors": 3 if kind == 2 else 1, "/BitsPerComponent": bits, "/Columns": width},
        width_px=width,
        height_px=height,
        bits=bits,
        colours=colours,
    )


def _png_chunks(data: Data) -> Iterator[tuple[bytes, bytes]]:
    offset = 8
    while offset + 12 <= len(data):
        size = int.from_bytes(data[offset : offset + 4], "big")
        yield bytes(data[offset + 4 : offset + 8]), bytes(data[offset + 8 : offset + 8 + size])
        offset += 12 + size


# TIFF -----------------------------------------------------------------------------------------------------


def _from_tiff(data: Data) -> Iterator[Picture]:
    with _opened(data, "TIFF") as image:
        frame = 0
        while True:
            try:
                image.seek(frame)
            except EOFError:
                return
            yield _tiff_page(data, image)
            frame += 1


def _tiff_page(data: Data, image: Image.Image) -> Picture:
    """G4 in one strip and JPEG as they are coded; all else decoded and coded again without loss."""
    tags: Any = image.tag_v2  # type: ignore[attr-defined]
    compression = tags.get(_COMPRESSION)
    strips = _strips(data, tags)
    if compression == _GROUP4 and len(strips) == 1:
        return _group4(strips[0], tags)
    if compression == _JPEG and strips and tags.get(_PLANAR, 1) == 1 and tags.get(_SAMPLES, 1) in _COLOURS:
        try:
            return _jpeg_in_tiff(strips, tags)
        except NotJoinable:
            pass
    # Pillow turns the page as its orientation says while it decodes.
    return _coded_anew(image, sum(map(len, strips)))


def _strips(data: Data, tags: Any) -> list[bytes]:
    """The strips' bytes; none for a page cut into tiles, or with strips outside the file."""
    if _TILES in tags:
        return []
    pairs = list(zip(tags.get(_STRIPS, ()), tags.get(_STRIP_SIZES, ()), strict=True))
    strips = [bytes(data[start : start + size]) for start, size in pairs]
    return strips if all(len(strip) == size for strip, (_, size) in zip(strips, pairs, strict=True)) else []


def _group4(coded: bytes, tags: Any) -> Picture:
    width, height = int(tags[_WIDTH]), int(tags[_HEIGHT])
    if tags.get(_FILL_ORDER, 1) == 2:
        coded = coded.translate(_MIRRORED_BITS)
    # In the code "black" is what the file stores as one; a PDF has to be told if ones are white.
    ones_are_white = tags.get(_PHOTOMETRIC, _WHITE_IS_ZERO) == _BLACK_IS_ZERO
    return Picture(
        data=coded,
        filter=Name.CCITTFaxDecode,
        parameters={"/K": -1, "/Columns": width, "/Rows": height, "/BlackIs1": ones_are_white},
        width_px=width,
        height_px=height,
        bits=1,
        colours=Name.DeviceGray,
        orientation=_known(tags.get(_ORIENTATION)),
    )


def _jpeg_in_tiff(strips: list[bytes], tags: Any) -> Picture:
    width, height, channels = int(tags[_WIDTH]), int(tags[_HEIGHT]), int(tags.get(_SAMPLES, 1))
    photometric = tags.get(_PHOTOMETRIC, _BLACK_IS_ZERO)
    whole = joined(tags.get(_JPEG_TABLES, b""), strips, int(tags.get(_ROWS_PER_STRIP, height)), height)
    return Picture(
        data=whole,
        filter=Name.DCTDecode,
        # Three channels are taken for brightness and colour difference unless the PDF says otherwise.
        parameters={"/ColorTransform": 0} if photometric == _RGB else None,
        width_px=width,
        height_px=height,
        bits=8,
        colours=_COLOURS[channels],
        decode=(1, 0) if photometric == _WHITE_IS_ZERO and channels == 1 else (),
        orientation=_known(tags.get(_ORIENTATION)),
    )


# Pixels ---------------------------------------------------------------------------------------------------


def _coded_anew(image: Image.Image, coded_bytes: int) -> Picture:
    """The same pixels: black and white as G4, everything else deflated; transparent ones on white paper.

    `coded_bytes` is what the file itself needs for them, 0 if that is not known.
    """
    image.load()
    if image.mode == "1":
        return _as_group4(image)
    bits = 8
    if image.mode.startswith("I;16"):
        pixels, channels, bits = numpy.asarray(image).astype(">u2").tobytes(), 1, 16
    else:
        image = _on_paper(image)
        pixels, channels = image.tobytes(), _CHANNELS[image.mode]
    return Picture(
        data=_deflated(pixels, coded_bytes),
        filter=Name.FlateDecode,
        width_px=image.width,
        height_px=image.height,
        bits=bits,
        colours=_COLOURS[channels],
    )


def _deflated(pixels: bytes, coded_bytes: int) -> bytes:
    quick = zlib.compress(pixels, _QUICK)
    if not coded_bytes or len(quick) <= _MUCH_LARGER * coded_bytes:
        return quick
    # White paper without noise, where the quick way falls far behind; it is as quickly done again.
    return min(quick, zlib.compress(pixels), key=len)


def _on_paper(image: Image.Image) -> Image.Image:
    if image.mode in ("LA", "RGBA", "PA", "La", "RGBa") or "transparency" in image.info:
        colours = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", colours.size, "white"), colours).convert("RGB")
    # A picture of another kind (floats, say) is no scan: its mode is not in the table, and that is raised.
    return image if image.mode in _CHANNELS else image.convert("RGB") if image.mode in ("P", "YCbCr", "LAB") else image


def _as_group4(image: Image.Image) -> Picture:
    out = io.BytesIO()
    one_strip = (image.width + 7) // 8 * image.height
    image.save(out, "TIFF", compression="group4", strip_size=one_strip)
    with _opened(out.getvalue(), "TIFF") as coded:
        tags: Any = coded.tag_v2  # type: ignore[attr-defined]
        (strip,) = _strips(out.getvalue(), tags)
        return _group4(strip, tags)


def _known(orientation: Any) -> int:
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1
