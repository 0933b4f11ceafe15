"""Letters as the files a scanner or a computer writes: PDF, TIFF, JPEG, PNG, and born-digital PDF."""

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageChops

from bench.letters.digital import digital_pdf
from bench.letters.making import draw_page
from bench.letters.values import Letter

_JPEG_QUALITY = 82
_THRESHOLD = 0.68
"""Bilevel: darker than this share of the paper's own grey is ink."""
_SUFFIXES = {"pdf": ".pdf", "pdf-digital": ".pdf", "tiff": ".tif", "jpeg": ".jpg", "png": ".png"}


def write_scan(
    letter: Letter,
    folder: Path,
    name: str,
    kind: str = "pdf",
    *,
    dpi: int = 300,
    preset: str = "office",
    colour: str = "grey",
    rotate: int = 0,
    seed: int = 0,
    truth: bool = False,
) -> Path:
    """Write a letter into a folder as one file, and return its path.

    Args:
        name: without suffix.
        kind: "pdf" (images only: JPEG, or CCITT G4 if bilevel), "tiff" (deflate, or G4 if bilevel), "jpeg" or
            "png" (one page only), or "pdf-digital" (text and fonts, nothing scanned; preset and colour are moot).
        colour: "grey", "bilevel" or "colour".
        rotate: how far the pages lie turned clockwise: 0, 90, 180 or 270.
        truth: also write NAME.json with the facts and the text of each page.

    Raises:
        ValueError: unknown kind, or a letter of several pages for a kind that holds one.
    """
    if kind not in _SUFFIXES:
        raise ValueError(f"no files of kind {kind!r}")
    if kind in ("jpeg", "png") and len(letter.pages) > 1:
        raise ValueError(f"a {kind} file holds one page, this letter has {len(letter.pages)}")
    path = folder / (name + _SUFFIXES[kind])
    if kind == "pdf-digital":
        path.write_bytes(digital_pdf(letter, rotate=rotate))
    else:
        images = [
            scan_page(letter, page, dpi=dpi, preset=preset, colour=colour, rotate=rotate, seed=seed)
            for page in range(1, len(letter.pages) + 1)
        ]
        writers: dict[str, Callable[[list[Image.Image], int], bytes]] = {
            "pdf": image_pdf, "tiff": _tiff, "jpeg": _jpeg, "png": _png
        }  # fmt: skip
        path.write_bytes(writers[kind](images, dpi))
    if truth:
        told = letter.facts() | {"pages": [page.text for page in letter.pages]}
        (folder / f"{name}.json").write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")
    return path


def scan_page(
    letter: Letter, page: int, *, dpi: int, preset: str, colour: str = "grey", rotate: int = 0, seed: int = 0
) -> Image.Image:
    """One page (1-based) as it lay on the glass: worn, reduced to the colour mode, turned."""
    image = draw_page(letter, page, dpi, preset, grey=colour != "colour", seed=seed)
    if colour == "bilevel":
        paper = sorted(image.resize((32, 32)).get_flattened_data())[700]
        limit = float(paper if isinstance(paper, int) else 255) * _THRESHOLD
        image = image.point([0 if level < limit else 255 for level in range(256)]).convert("1")
    return image.rotate(-rotate, expand=True) if rotate else image


def encode_jpeg(image: Image.Image, dpi: int) -> bytes:
    """A page as the JPEG bytes that both a .jpg file and an image PDF carry."""
    out = BytesIO()
    image.convert("L" if image.mode == "1" else image.mode).save(out, "JPEG", quality=_JPEG_QUALITY, dpi=(dpi, dpi))
    return out.getvalue()


def image_pdf(images: list[Image.Image], dpi: int) -> bytes:
    """A PDF of nothing but page images; their streams are stored as they are encoded."""
    pages = [
        (_g4(image), image.size, "1") if image.mode == "1" else (encode_jpeg(image, dpi), image.size, image.mode)
        for image in images
    ]
    return pdf_of_streams(pages, dpi)


def pdf_of_streams(pages: list[tuple[bytes, tuple[int, int], str]], dpi: int) -> bytes:
    """A PDF around encoded images (bytes, size, mode): CCITT G4 for mode "1", JPEG otherwise."""
    import pikepdf

    pdf = pikepdf.new()
    for data, (width, height), mode in pages:
        image = pikepdf.Stream(pdf, data)
        image.Type, image.Subtype = pikepdf.Name.XObject, pikepdf.Name.Image
        image.Width, image.Height = width, height
        image.BitsPerComponent = 1 if mode == "1" else 8
        image.ColorSpace = pikepdf.Name.DeviceRGB if mode == "RGB" else pikepdf.Name.DeviceGray
        if mode == "1":
            image.Filter = pikepdf.Name.CCITTFaxDecode
            image.DecodeParms = pikepdf.Dictionary(K=-1, Columns=width, Rows=height)
        else:
            image.Filter = pikepdf.Name.DCTDecode
        wide, high = width * 72 / dpi, height * 72 / dpi
        page = pdf.add_blank_page(page_size=(wide, high))
        page.obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im0=image))
        page.obj.Contents = pdf.make_stream(f"q {wide:.3f} 0 0 {high:.3f} 0 0 cm /Im0 Do Q".encode())
    out = BytesIO()
    pdf.save(out, deterministic_id=True)
    return out.getvalue()


def _g4(image: Image.Image) -> bytes:
    """CCITT G4 data of a bilevel page: the one strip of a TIFF that Pillow writes.

    Pillow codes white pixels as ones; a PDF reads ones as black unless told otherwise, so the page is inverted.
    """
    out = BytesIO()
    ImageChops.invert(image).save(out, "TIFF", compression="group4", strip_size=(image.width + 7) // 8 * image.height)
    with Image.open(out) as tiff:
        (offset,), (length,) = tiff.tag_v2[273], tiff.tag_v2[279]  # type: ignore[attr-defined]
    return out.getvalue()[offset : offset + length]


def _tiff(images: list[Image.Image], dpi: int) -> bytes:
    out = BytesIO()
    compression = "group4" if images[0].mode == "1" else "tiff_adobe_deflate"
    images[0].save(out, "TIFF", save_all=True, append_images=images[1:], compression=compression, dpi=(dpi, dpi))
    return out.getvalue()


def _jpeg(images: list[Image.Image], dpi: int) -> bytes:
    return encode_jpeg(images[0], dpi)


def _png(images: list[Image.Image], dpi: int) -> bytes:
    out = BytesIO()
    images[0].save(out, "PNG", dpi=(dpi, dpi), compress_level=1)
    return out.getvalue()
