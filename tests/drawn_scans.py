"""Draws scans of letters for tests of intake: real fonts, real files, invented text."""

import io
import random
from collections.abc import Sequence

import numpy
from PIL import Image, ImageDraw, ImageFont

LINES = (
    "Schreinerei Holzapfel GmbH",
    "Am alten Markt 7, 37073 Göttingen",
    "",
    "Rechnung Nummer 2026-0815",
    "Sehr geehrte Damen und Herren,",
    "für die Reparatur der Eingangstür berechnen wir Ihnen",
    "nach Vereinbarung einen Betrag von 1.284,50 Euro.",
    "Bitte überweisen Sie den Betrag innerhalb von vierzehn Tagen",
    "auf unser Konto bei der Sparkasse Göttingen.",
    "",
    "Mit freundlichen Grüßen",
    "Matthias Holzapfel",
)
A4_AT_200_DPI = (1654, 2339)


def letter(lines: Sequence[str] = LINES, size: tuple[int, int] = A4_AT_200_DPI, letter_px: int = 36) -> Image.Image:
    """A white page with lines of text."""
    import font_caladea

    page = Image.new("L", size, 255)
    draw, font = ImageDraw.Draw(page), ImageFont.truetype(font_caladea.Caladea, letter_px)
    for row, line in enumerate(lines):
        draw.text((160, 180 + row * round(1.8 * letter_px)), line, fill=20, font=font)
    return page


def slip(text: str) -> Image.Image:
    """A small piece of paper with one line: quick to recognise."""
    return letter([text], size=(900, 320))


def encoded(pages: Image.Image | Sequence[Image.Image], kind: str, dpi: int = 200, **options: object) -> bytes:
    """The pages as a file of that kind (PNG, JPEG, TIFF, PDF)."""
    first, *rest = [pages] if isinstance(pages, Image.Image) else list(pages)
    stream = io.BytesIO()
    more = {"save_all": True, "append_images": rest} if rest else {}
    resolution: dict[str, object] = {"resolution": dpi} if kind == "PDF" else {"dpi": (dpi, dpi)}
    first.save(stream, kind, **resolution, **more, **options)  # type: ignore[arg-type]
    return stream.getvalue()


def speckled(page: Image.Image, dots: int, seed: int = 7) -> Image.Image:
    """The page with black dots of dust, one pixel each."""
    pixels, dice = numpy.array(page), random.Random(seed)
    for _ in range(dots):
        pixels[dice.randrange(pixels.shape[0]), dice.randrange(pixels.shape[1])] = 0
    return Image.fromarray(pixels)


def pdf(contents: Sequence[bytes], scan: Image.Image | None = None) -> bytes:
    """A PDF with one A4 page for each content stream; they may use the font /F1 and the image /Scan."""
    import pikepdf
    from pikepdf import Dictionary, Name

    document = pikepdf.new()
    font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica, Encoding=Name.WinAnsiEncoding)
    resources = Dictionary(Font=Dictionary(F1=font))
    if scan is not None:
        image = document.make_stream(scan.convert("L").tobytes())
        image.stream_dict.update(
            Dictionary(
                Type=Name.XObject, Subtype=Name.Image, Width=scan.width, Height=scan.height,
                ColorSpace=Name.DeviceGray, BitsPerComponent=8,
            )
        )  # fmt: skip
        resources.XObject = Dictionary(Scan=image)
    for content in contents:
        page = Dictionary(
            Type=Name.Page, MediaBox=[0, 0, 595, 842], Resources=resources, Contents=document.make_stream(content)
        )
        document.pages.append(pikepdf.Page(document.make_indirect(page)))
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()
