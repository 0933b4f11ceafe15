"""The searchable PDF of a letter: the scan's own pictures, untouched, and our words behind them, invisible.

It runs in a worker, on hostile input. Whatever cannot be made leaves the letter as it is: original and text.
"""

import io
from collections.abc import Iterator, Sequence

import pikepdf
from pikepdf import Array, Dictionary, Name
from PIL import Image

from intake import archivable
from intake.answers import RECOGNISED, needs_rendition
from intake.pages_xml import XmlPages
from intake.rendition_font import NAME, LayerFont, compressed
from intake.rendition_images import Data, Picture, pictures
from intake.rendition_pdf import PageContent
from intake.rendition_sheet import add_sheets
from intake.rendition_text import text_layer
from poststelle.records import PageOrigin, RecognisedPage, Word

_XML = "application/xml"
_POINTS_PER_INCH = 72
_A4_HEIGHT_POINTS = 842
# What PDF and image libraries raise on odd or hostile files. MemoryError is not among them: it ends the worker.
_ODD_INPUT = (
    pikepdf.PdfError, pikepdf.ForeignObjectError, OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError,
    ArithmeticError, AttributeError, RuntimeError, NotImplementedError, StopIteration,
)  # fmt: skip


class NoRenditionPossible(Exception):
    """No searchable PDF can be made of this file, or none is needed; the reason is a word for tests and logs."""


def make_rendition(original: Data, media_type: str, pages: Sequence[RecognisedPage]) -> bytes:
    """The searchable PDF, declared and checked as PDF/A-2b where it conforms.

    Pages that were born digital stay as they are, and a PDF that has such pages keeps the claim it came with.

    Raises:
        NoRenditionPossible: encrypted, damaged, odd; or a PDF whose every page has its own text already.
    """
    if not needs_rendition(media_type, pages):
        raise NoRenditionPossible("born digital")
    born_digital = media_type != _XML and any(page.origin is PageOrigin.TEXT_LAYER for page in pages)
    try:
        if not born_digital:
            declared = _made(original, media_type, pages, declare=True)
            if archivable.conforms(declared):
                return declared
        # Not every scanner's PDF can conform (four-colour pictures, attachments): then it must not say so.
        return _made(original, media_type, pages, declare=False)
    except _ODD_INPUT as err:
        raise NoRenditionPossible(type(err).__name__) from err


def warm_up() -> None:
    """Make small ones, so that every file of the libraries is read before the worker locks itself in.

    Fonts and metadata are read by parts that are loaded when they are first needed.
    """
    out = io.BytesIO()
    Image.new("L", (80, 80), 255).save(out, "JPEG")
    word = Word(text="ja", left=10, top=10, right=30, bottom=30, confidence=1.0, line=0)
    page = RecognisedPage(number=1, width_px=80, height_px=80, dpi=72, origin=PageOrigin.OCR, words=(word,))
    scanned = make_rendition(out.getvalue(), "image/jpeg", [page])
    make_rendition(scanned, "application/pdf", [page])
    make_rendition("<Invoice>ä</Invoice>".encode(), _XML, [page])


def _made(original: Data, media_type: str, pages: Sequence[RecognisedPage], *, declare: bool) -> bytes:
    is_pdf = media_type == "application/pdf"
    with pikepdf.open(io.BytesIO(original)) if is_pdf else pikepdf.new() as pdf:
        font = _OnceForAll(pdf, pages)
        if media_type == _XML:
            add_sheets(pdf, XmlPages(bytes(original)).sheets)
        elif is_pdf:
            _add_to_scanned(pdf, pages, font)
        else:
            _bind_pictures(pdf, pictures(original, media_type), pages, font)
        if declare:
            archivable.declare(pdf)
        return _saved(pdf)


class _OnceForAll:
    """The layer's font, put into the document when the first page needs it."""

    def __init__(self, pdf: pikepdf.Pdf, pages: Sequence[RecognisedPage]) -> None:
        self.font = LayerFont(word.text for page in pages for word in page.words if page.origin is PageOrigin.OCR)
        self._pdf = pdf
        self._object: pikepdf.Object | None = None

    @property
    def object(self) -> pikepdf.Object:
        if self._object is None:
            self._object = self.font.add_to(self._pdf)
        return self._object


# A PDF of scans -------------------------------------------------------------------------------------------


def _add_to_scanned(pdf: pikepdf.Pdf, pages: Sequence[RecognisedPage], font: _OnceForAll) -> None:
    if pdf.is_encrypted or len(pdf.pages) != len(pages):
        raise ValueError("encrypted, or not the file that was read")
    for page, read in zip(pdf.pages, pages, strict=True):
        if read.origin not in RECOGNISED:
            continue
        content = PageContent(page)
        place, turned = content.picture_place(), (_turn_of(page) + read.rotation_degrees) % 360
        content.remove_hidden_text(pdf)
        if read.rotation_degrees:
            page.obj.Rotate = turned
        layer = text_layer(read, font.font, place, turned)
        if layer:
            page.add_resource(font.object, Name.Font, Name(NAME))
            # First on the page: nothing that the scanner left set can move it, and nobody sees it anyway.
            page.contents_add(compressed(pdf, layer), prepend=True)
    # Fonts that only the removed text used; scanners name some that they do not bring along.
    pdf.remove_unreferenced_resources()


def _turn_of(page: pikepdf.Page) -> int:
    turn = int(page.obj.get("/Rotate", 0)) % 360
    return turn if turn % 90 == 0 else 0


# Pictures -------------------------------------------------------------------------------------------------


def _bind_pictures(
    pdf: pikepdf.Pdf, found: Iterator[Picture], pages: Sequence[RecognisedPage], font: _OnceForAll
) -> None:
    """One page for each picture, as large as the paper was, turned as it was read."""
    for picture, read in zip(found, pages, strict=True):
        width, height = _paper(picture, read)
        layer = text_layer(read, font.font, (0, 0, width, height), read.rotation_degrees)
        resources = Dictionary(XObject=Dictionary(Scan=picture.add_to(pdf)))
        contents = [compressed(pdf, f"q {_laid(picture.orientation, width, height)} cm /Scan Do Q".encode())]
        if layer:
            resources.Font = Dictionary({NAME: font.object})
            contents.insert(0, compressed(pdf, layer))
        page = Dictionary(
            Type=Name.Page,
            MediaBox=Array([0, 0, round(width, 2), round(height, 2)]),
            Resources=resources,
            Contents=Array(contents),
        )
        if read.rotation_degrees:
            page.Rotate = read.rotation_degrees
        pdf.pages.append(pikepdf.Page(pdf.make_indirect(page)))


def _paper(picture: Picture, read: RecognisedPage) -> tuple[float, float]:
    """Width and height in points of the paper as it was scanned, before the page is turned upright."""
    if read.origin in RECOGNISED:
        size = read.width_px * _POINTS_PER_INCH / read.dpi, read.height_px * _POINTS_PER_INCH / read.dpi
        return size if read.rotation_degrees in (0, 180) else size[::-1]
    across, up = picture.width_px, picture.height_px
    if picture.lies_on_its_side:
        across, up = up, across
    scale = _A4_HEIGHT_POINTS / max(across, up)
    return across * scale, up * scale


def _laid(orientation: int, width: float, height: float) -> str:
    """The matrix that lays a picture's unit square onto the paper as its orientation says."""
    w, h = f"{width:.2f}", f"{height:.2f}"
    return {
        1: f"{w} 0 0 {h} 0 0", 2: f"-{w} 0 0 {h} {w} 0", 3: f"-{w} 0 0 -{h} {w} {h}", 4: f"{w} 0 0 -{h} 0 {h}",
        5: f"0 -{h} -{w} 0 {w} {h}", 6: f"0 -{h} {w} 0 0 {h}", 7: f"0 {h} {w} 0 0 0", 8: f"0 {h} -{w} 0 {w} 0",
    }[orientation]  # fmt: skip


# Writing --------------------------------------------------------------------------------------------------


def _saved(pdf: pikepdf.Pdf) -> bytes:
    """Write the document small, but with every picture's stream as it is."""
    out = io.BytesIO()
    pdf.save(
        out,
        # Compressing touches only what is not coded at all; a picture stored as bare pixels must stay so.
        compress_streams=not any(_is_bare_picture(thing) for thing in pdf.objects),
        stream_decode_level=pikepdf.StreamDecodeLevel.none,
        object_stream_mode=pikepdf.ObjectStreamMode.generate,
        deterministic_id=True,
    )
    return out.getvalue()


def _is_bare_picture(thing: pikepdf.Object) -> bool:
    return isinstance(thing, pikepdf.Stream) and thing.get("/Subtype") == Name.Image and "/Filter" not in thing
