"""Pages of a PDF: decided one by one whether their text can be trusted, else turned into a scan."""

import ctypes
import mmap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy
import pypdfium2
import pypdfium2.raw as pdfium

from intake.cleaning import WORKING_DPI
from intake.reading import DamagedPage, Scan, TextLayer
from intake.reading_order import in_reading_order
from intake.reasons import unreadable
from intake.ruled_tables import RuledTables
from intake.text_layer import read_words

if TYPE_CHECKING:
    from intake.engine import Grey

_SCAN_DPI = 300
_POINTS_PER_INCH = 72
_MAX_DEPTH = 4
"""How deep forms inside forms are looked into; real letters need two."""
_COVERS = 0.9
"""An image that covers this share of the page is the page."""
_FEW_LETTERS = 20
_STAMP_LETTERS = 200
"""Up to so many visible letters on a scan are a stamp or a page number, not the letter."""
_ODD_SHARE = 0.1
_TABLE_SEGMENTS = 6
"""A table with lines has at least so many."""
_INVISIBLE_MODES = (pdfium.FPDF_TEXTRENDERMODE_INVISIBLE, pdfium.FPDF_TEXTRENDERMODE_CLIP)
_BARS_SEGMENTS, _CODE_POINTS = 100, 10
"""A code drawn as lines or squares has at least so many segments; none is lower than so many points."""


class PdfPages:
    """One open PDF."""

    media_type = "application/pdf"

    def __init__(self, data: mmap.mmap, max_pixels: int) -> None:
        self._max_pixels = max_pixels
        self._tables = RuledTables(data)
        # Zero-copy: pdfium reads from the mapped snapshot, which must live as long as the document.
        self._buffer = (ctypes.c_char * len(data)).from_buffer(data)
        _forget_last_error()
        try:
            self._pdf = pypdfium2.PdfDocument(self._buffer)
        except pypdfium2.PdfiumError as err:
            password = err.err_code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY)
            raise unreadable("encrypted-pdf" if password else "damaged") from err

    @property
    def pdf(self) -> pypdfium2.PdfDocument:
        """The open document, for its attachments."""
        return self._pdf

    def count(self) -> int:
        """How many pages there are."""
        return len(self._pdf)

    def page(self, number: int) -> Scan | TextLayer:
        """One page: its words if it was born digital, else its picture."""
        try:
            page = self._pdf[number - 1]
        except pypdfium2.PdfiumError as err:
            raise DamagedPage from err
        try:
            return self._read(page, number)
        except (pypdfium2.PdfiumError, ValueError, OSError) as err:
            raise DamagedPage from err
        finally:
            page.close()

    def _read(self, page: Any, number: int) -> Scan | TextLayer:
        content = _look_at(page)
        width, height = page.get_size()
        if not (0 < width < 1e5 and 0 < height < 1e5):
            raise ValueError("a page without a size")
        if content.has_text_layer:
            width_px, height_px = _pixels(width), _pixels(height)
            words = read_words(page, width_px, height_px)
            ruled = self._tables.on_page(number, words, (width_px, height_px), WORKING_DPI) if content.has_lines else []
            words = in_reading_order(words, ruled)
            drawn = self._rendered(page, WORKING_DPI) if content.may_carry_code else None
            return TextLayer(width_px=width_px, height_px=height_px, dpi=WORKING_DPI, words=words, drawn=drawn)
        if content.largest_image_pixels > self._max_pixels:
            raise ValueError("an image over the limit")
        if content.page_image is not None:
            return _own_image(page, content.page_image, height)
        return self._rendered(page, _SCAN_DPI if content.image_share > 0.3 else WORKING_DPI)

    def _rendered(self, page: Any, dpi: int) -> Scan:
        """Draw the page; a poster is drawn smaller rather than not at all."""
        width, height = page.get_size()
        wanted = width * height * (dpi / _POINTS_PER_INCH) ** 2
        if wanted > self._max_pixels:
            dpi = max(30, int(dpi * (self._max_pixels / wanted) ** 0.5))
        bitmap = page.render(scale=dpi / _POINTS_PER_INCH, grayscale=True)
        return Scan(grey=_grey(bitmap), dpi=dpi)

    def close(self) -> None:
        """Give the memory back."""
        self._tables.close()
        self._pdf.close()


def _forget_last_error() -> None:
    """Let pdfium's last error be "not a PDF": some failures leave the code of the letter before as it was."""
    pdfium.FPDF_LoadMemDocument(b"x", 1, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    """What stands on a page."""

    visible: int
    """Letters that a reader of the page sees."""
    odd: int
    """Among the first letters of the text layer: how many mean nothing (no Unicode, private use)."""
    looked_at: int
    image_share: float
    """Share of the page that its images cover, at most 1.0."""
    largest_image_pixels: int
    page_image: Any
    """The one upright image that is the whole page, or None."""
    has_lines: bool
    """Whether enough is drawn for the lines of a table."""
    may_carry_code: bool
    """Whether there are pictures as large as a code, or as many lines as one has bars."""

    @property
    def has_text_layer(self) -> bool:
        """Whether the words can be taken from the file.

        A scanner's hidden layer is invisible or lies under the picture, so it does not count; a few visible
        letters on a picture of the page are a stamp.
        """
        if self.visible < _FEW_LETTERS or self.odd > _ODD_SHARE * max(1, self.looked_at):
            return False
        return self.image_share < 0.5 or self.visible >= _STAMP_LETTERS


def _look_at(page: Any) -> _Content:
    left, bottom, right, top = page.get_bbox()
    page_area = max(1.0, (right - left) * (top - bottom))
    text_page = page.get_textpage()
    visible, covered, largest = 0, 0.0, 0
    images: list[Any] = []
    others, segments = 0, 0
    try:
        for item in page.get_objects(max_depth=_MAX_DEPTH):
            if item.type == pdfium.FPDF_PAGEOBJ_TEXT:
                letters = _visible_letters(item, text_page)
                visible += letters
                others += letters > 0
            elif item.type == pdfium.FPDF_PAGEOBJ_IMAGE:
                share = _overlap(item.get_bounds(), (left, bottom, right, top)) / page_area
                covered += share
                width, height = item.get_px_size()
                largest = max(largest, width * height)
                images.append(item)
                if share > _COVERS:
                    visible = 0  # what was drawn before lies under the picture
            else:
                others += item.type != pdfium.FPDF_PAGEOBJ_FORM
                if item.type == pdfium.FPDF_PAGEOBJ_PATH:
                    segments += max(0, pdfium.FPDFPath_CountSegments(item))
        odd, looked_at = _odd_letters(text_page)
    finally:
        text_page.close()
    alone = len(images) == 1 and others == 0 and pdfium.FPDFPage_GetAnnotCount(page) == 0
    return _Content(
        visible=visible,
        odd=odd,
        looked_at=looked_at,
        image_share=min(1.0, covered),
        largest_image_pixels=largest,
        has_lines=segments >= _TABLE_SEGMENTS,
        may_carry_code=segments >= _BARS_SEGMENTS or any(_is_as_large_as_a_code(image) for image in images),
        page_image=images[0] if alone and _is_whole_page(images[0], (left, bottom, right, top)) else None,
    )


def _is_as_large_as_a_code(image: Any) -> bool:
    left, bottom, right, top = image.get_bounds()
    return bool(min(right - left, top - bottom) >= _CODE_POINTS)


def _visible_letters(item: Any, text_page: Any) -> int:
    """How many letters of a text object can be seen."""
    if pdfium.FPDFTextObj_GetTextRenderMode(item) in _INVISIBLE_MODES:
        return 0
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    if pdfium.FPDFPageObj_GetFillColor(item, red, green, blue, alpha) and alpha.value == 0:
        return 0
    # Length in bytes of UTF-16 with its closing zero; blanks count too, which is good enough for a threshold.
    return max(0, int(pdfium.FPDFTextObj_GetText(item, text_page, None, 0)) // 2 - 1)


def _odd_letters(text_page: Any) -> tuple[int, int]:
    count = min(500, text_page.count_chars())
    odd = 0
    for index in range(count):
        code = pdfium.FPDFText_GetUnicode(text_page, index)
        private = 0xE000 <= code <= 0xF8FF or code == 0xFFFD
        odd += private or pdfium.FPDFText_HasUnicodeMapError(text_page, index) == 1
    return odd, count


def _overlap(box: tuple[float, ...], page: tuple[float, float, float, float]) -> float:
    width = min(box[2], page[2]) - max(box[0], page[0])
    height = min(box[3], page[3]) - max(box[1], page[1])
    return max(0.0, width) * max(0.0, height)


def _is_whole_page(image: Any, page: tuple[float, float, float, float]) -> bool:
    """Whether the image's own pixels are the page: same edges within 1.5 %, not turned, no mask."""
    a, b, c, d, *_ = image.get_matrix().get()
    if image.container is not None or a <= 0 or d <= 0 or abs(b) > 1e-3 * a or abs(c) > 1e-3 * d:
        return False
    width, height = page[2] - page[0], page[3] - page[1]
    slack = (0.015 * width, 0.015 * height, 0.015 * width, 0.015 * height)
    near = all(abs(x - y) <= s for x, y, s in zip(image.get_bounds(), page, slack, strict=True))
    return near and not pdfium.FPDFPageObj_HasTransparency(image)


def _own_image(page: Any, image: Any, height_points: float) -> Scan:
    """The scan's own pixels, turned as the page says: four times cheaper than drawing the page."""
    grey = _grey(image.get_bitmap())
    turns = int(page.get_rotation()) // 90
    if turns:
        grey = numpy.ascontiguousarray(numpy.rot90(grey, -turns))
    return Scan(grey=grey, dpi=min(1200, max(30, round(grey.shape[0] / height_points * _POINTS_PER_INCH))))


def _grey(bitmap: Any) -> "Grey":
    pixels = bitmap.to_numpy()
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        return numpy.array(pixels, dtype=numpy.uint8).reshape(pixels.shape[0], pixels.shape[1])
    conversion = cv2.COLOR_BGR2GRAY if pixels.shape[2] == 3 else cv2.COLOR_BGRA2GRAY
    return numpy.asarray(cv2.cvtColor(pixels, conversion), dtype=numpy.uint8)


def _pixels(points: float) -> int:
    return max(1, round(points * WORKING_DPI / _POINTS_PER_INCH))
