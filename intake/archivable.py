"""PDF/A-2b: what declares a document for the archive, and whether it conforms."""

import io
import struct
from functools import cache

import pikepdf
from pikepdf.pdfa import prepare, validate_written
from PIL import ImageCms

FLAVOUR = "2b"


def declare(pdf: pikepdf.Pdf) -> None:
    """Make structure and metadata what PDF/A-2b asks for; what stands on the pages is not touched."""
    prepare(pdf, FLAVOUR, output_intent=_screen_colours(), output_condition_identifier="sRGB")


def conforms(content: bytes) -> bool:
    """Whether a written document is what it declares."""
    return validate_written(io.BytesIO(content), FLAVOUR).passed


@cache
def _screen_colours() -> bytes:
    """The sRGB profile that Pillow makes: a seventh of the usual file, and the same for every letter."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # Its date is the moment it was made; the first day of 2000 will do.
    return profile[:24] + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + profile[36:]
