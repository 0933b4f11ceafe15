"""What kind of file it is, by content, and how to get at its pages; runs in a worker, never beside keys."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from intake.reasons import unreadable

if TYPE_CHECKING:
    import mmap

    from intake.engine import FoundWord, Grey

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"II+\0", "image/tiff"),
    (b"MM\0+", "image/tiff"),
)
_PDF_SEARCH_BYTES = 1024
"""Readers accept a PDF header anywhere in the first kilobyte."""
_XML = re.compile(
    rb"\s*(?:\xef\xbb\xbf)?\s*<(?:\?xml\b|(?:\w+:)?(?:Invoice|CreditNote|CrossIndustry(?:Invoice|Document))[\s>])"
    rb"|\xff\xfe<\0\?\0x\0|\xfe\xff\0<\0\?\0x"
)


class DamagedPage(Exception):
    """One page cannot be decoded; the other pages are not affected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A page that has to be recognised."""

    grey: "Grey"
    dpi: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TextLayer:
    """A page that was born digital: its words, and its size in pixels at `dpi`."""

    width_px: int
    height_px: int
    dpi: int
    words: "Sequence[FoundWord]"
    drawn: Scan | None = None
    """The page's picture, where it may carry a code."""


class Pages(Protocol):
    """The pages of one open file."""

    media_type: str

    def count(self) -> int:
        """How many pages there are."""

    def page(self, number: int) -> Scan | TextLayer:
        """One page, 1-based.

        Raises:
            DamagedPage: this page cannot be decoded.
        """

    def close(self) -> None:
        """Give the memory back."""


def media_type_of(head: bytes) -> str | None:
    """The media type by the first bytes of a file, or None if it is none of ours."""
    for magic, media_type in _MAGIC:
        if head.startswith(magic):
            return media_type
    if b"%PDF-" in head[:_PDF_SEARCH_BYTES]:
        return "application/pdf"
    return "application/xml" if _XML.match(head) else None


def open_pages(data: "mmap.mmap", max_pages: int, max_pixels: int) -> Pages:
    """Open a file by its content.

    Raises:
        UnreadableFile: not one of our types, encrypted, damaged, or over a limit.
    """
    media_type = media_type_of(data[:_PDF_SEARCH_BYTES])
    if media_type is None:
        raise unreadable("unsupported-type")
    pages: Pages
    if media_type == "application/pdf":
        from intake.pages_pdf import PdfPages

        pages = PdfPages(data, max_pixels)
    elif media_type == "application/xml":
        from intake.pages_xml import XmlPages

        pages = XmlPages(data)
    else:
        from intake.pages_image import ImagePages

        pages = ImagePages(data, media_type, max_pages, max_pixels)
    if pages.count() > max_pages:
        raise unreadable("too-many-pages", max_pages)
    if pages.count() == 0:
        raise unreadable("damaged")
    return pages
