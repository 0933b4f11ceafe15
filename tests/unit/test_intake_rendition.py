"""The searchable PDF: the scan untouched, every word found at its place, and nothing claimed that was not checked."""

import dataclasses
import hashlib
import io
import math
import os
import signal
import stat
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import font_caladea
import numpy
import pikepdf
import pypdfium2
import pytest
from drawn_scans import encoded, letter, pdf, slip
from pikepdf import Name
from pikepdf.pdfa import validate_written
from PIL import Image, ImageDraw, ImageFont
from simulators import Office

from intake import IntakeSettings, Recognition, RecognitionPool, Snapshot
from intake.answers import pages_from_question, pages_question
from intake.rendition import NoRenditionPossible, make_rendition
from intake.rendition_jpeg import NotJoinable, joined
from intake.text_layer import read_words
from poststelle.records import PageOrigin, RecognisedPage, Word

LONG_SECONDS = 120
LINES = ("Größe: 1.284,50 €", "Straßenbahn-Übersicht", "(Nr. 4711) äöü ÄÖÜ \\ §", "Jäger quälen Pygmäen")
FULL_PAGE = b"q 595 0 0 842 0 0 cm /Scan Do Q "
HIDDEN_WORDS = b"BT /F1 12 Tf 60 700 Td (Kundennummer) Tj 0 -14 Td [(47) -20 (11)] TJ ET "


def printed(size: tuple[int, int] = (1000, 700), mode: str = "L") -> tuple[Image.Image, RecognisedPage]:
    """A small sheet at 200 dpi, and what a perfect reader reads on it."""
    sheet = Image.new("L", size, 255)
    draw, font = ImageDraw.Draw(sheet), ImageFont.truetype(font_caladea.Caladea, 40)
    words = []
    for row, line in enumerate(LINES):
        x, y = 120, 90 + 110 * row
        for text in line.split():
            draw.text((x, y), text, fill=0, font=font)
            left, top, right, bottom = (round(value) for value in draw.textbbox((x, y), text, font=font))
            words.append(
                Word(text=text, left=left, top=top, right=right, bottom=bottom, confidence=1.0, line=row, block=0)
            )
            x = right + 14
    page = RecognisedPage(
        number=1, width_px=size[0], height_px=size[1], dpi=200, origin=PageOrigin.OCR, words=tuple(words)
    )
    return sheet.convert(mode), page


def changed(page: RecognisedPage, **values: Any) -> RecognisedPage:
    return dataclasses.replace(page, **values)


def opened(rendition: bytes) -> pikepdf.Pdf:
    return pikepdf.open(io.BytesIO(rendition))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A picture as it stands in a PDF."""

    raw: bytes
    filter: str
    bits: int
    decoded: Image.Image | None
    """None where it is left coded."""


def pictures_of(document: bytes, decode: bool = True) -> list[Stored]:
    """All pictures of a PDF, in the order of its pages."""
    found = []
    with opened(document) as pages:
        for page in pages.pages:
            for image in page.resources.XObject.values():
                if image.Subtype == Name.Image:
                    found.append(
                        Stored(
                            raw=image.read_raw_bytes(),
                            filter=str(image.get("/Filter", "")),
                            bits=int(image.BitsPerComponent),
                            decoded=pikepdf.PdfImage(image).as_pil_image() if decode else None,
                        )
                    )
    return found


def fingerprints(document: bytes) -> list[str]:
    return [hashlib.sha256(image.raw).hexdigest() for image in pictures_of(document, decode=False)]


def found_words(rendition: bytes, page: RecognisedPage) -> list[Any]:
    """The words as a reader program finds them, in pixels of the upright page."""
    document = pypdfium2.PdfDocument(rendition)
    return read_words(document[page.number - 1], page.width_px, page.height_px)


def text_of(rendition: bytes, number: int = 1) -> str:
    text: str = pypdfium2.PdfDocument(rendition)[number - 1].get_textpage().get_text_range()
    return text


def overlap(one: Any, other: Any) -> float:
    """Shared area of two boxes as a share of both together."""
    across = min(one.right, other.right) - max(one.left, other.left)
    up = min(one.bottom, other.bottom) - max(one.top, other.top)
    if across <= 0 or up <= 0:
        return 0.0
    areas = [(box.right - box.left) * (box.bottom - box.top) for box in (one, other)]
    return float(across * up / (sum(areas) - across * up))


def assert_words_at_their_place(rendition: bytes, page: RecognisedPage, at_least: float = 0.5) -> None:
    found = found_words(rendition, page)
    assert [word.text for word in found] == [word.text for word in page.words]
    for expected, actual in zip(page.words, found, strict=True):
        assert overlap(expected, actual) >= at_least, f"{expected} was found at {actual}"


def seen(rendition: bytes, size: tuple[int, int], number: int = 1) -> Any:
    """What a viewer shows of a page, as grey pixels."""
    page = pypdfium2.PdfDocument(rendition)[number - 1]
    picture = page.render(scale=size[0] / page.get_width(), grayscale=True).to_pil().convert("L").resize(size)
    return numpy.asarray(picture, dtype=numpy.float32)


def looks_like(rendition: bytes, sheet: Image.Image, number: int = 1) -> bool:
    """Whether a viewer shows that sheet, upright; drawing it may soften its edges."""
    expected = numpy.asarray(sheet.convert("L"), dtype=numpy.float32)
    return float(abs(seen(rendition, sheet.size, number) - expected).mean()) < 4.0


def claims_pdfa(rendition: bytes) -> bool:
    with opened(rendition) as document, document.open_metadata() as metadata:
        return metadata.pdfa_status == "2B"


# Words ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PDF", "JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_every_word_is_found_where_it_stands_and_the_page_stands_upright(kind: str, turned: int) -> None:
    """A clerk who searches in the viewer must see the right word marked, however the sheet went through the scanner."""
    sheet, page = printed()
    page = changed(page, rotation_degrees=turned)
    # The scanner saw the sheet turned the other way; turning it by `turned` sets it upright.
    scan = encoded(sheet.rotate(turned, expand=True), kind)

    rendition = make_rendition(scan, media_type(kind), [page])

    assert_words_at_their_place(rendition, page)
    assert looks_like(rendition, sheet)
    assert not looks_like(rendition, sheet.rotate(180))


def media_type(kind: str) -> str:
    return "application/pdf" if kind == "PDF" else f"image/{kind.lower()}"


@pytest.mark.parametrize("asked", [90, 180, 270])
@pytest.mark.parametrize("turned", [0, 90])
def test_a_pdf_that_asks_to_be_turned_keeps_its_words_in_place(asked: int, turned: int) -> None:
    """Scanners set the rotation of a page instead of turning its pixels; both turns count."""
    sheet, page = printed()
    page = changed(page, rotation_degrees=turned)
    with opened(encoded(sheet.rotate(turned + asked, expand=True), "PDF")) as document:
        document.pages[0].Rotate = asked
        scan = saved(document)

    rendition = make_rendition(scan, "application/pdf", [page])

    assert_words_at_their_place(rendition, page)
    assert looks_like(rendition, sheet)


def saved(document: pikepdf.Pdf, **options: Any) -> bytes:
    out = io.BytesIO()
    document.save(out, **options)
    return out.getvalue()


def test_words_lie_on_a_cropped_page_too() -> None:
    """Some scanners keep the glass and crop the sheet: what lies outside must not push the words aside."""
    sheet, page = printed()
    with opened(encoded(sheet, "PDF")) as document:
        first = document.pages[0]
        width, height = float(first.mediabox[2]), float(first.mediabox[3])
        first.mediabox = [-50, -30, width + 70, height + 10]
        first.cropbox = [0, 0, width, height]
        scan = saved(document)

    assert_words_at_their_place(make_rendition(scan, "application/pdf", [page]), page)


def test_words_follow_lines_that_lean() -> None:
    """A sheet that went in askew: the marks must lean with the lines, not climb out of them."""
    sheet, page = printed()
    degrees = 3.0
    slope, middle = math.radians(degrees), (page.width_px / 2, page.height_px / 2)

    def leaning(word: Word) -> Word:
        x, y = (word.left + word.right) / 2 - middle[0], (word.top + word.bottom) / 2 - middle[1]
        across = middle[0] + x * math.cos(slope) + y * math.sin(slope)
        down = middle[1] - x * math.sin(slope) + y * math.cos(slope)
        wide, high = (word.right - word.left) / 2, (word.bottom - word.top) / 2
        return Word(
            text=word.text, left=round(across - wide), right=round(across + wide), top=round(down - high),
            bottom=round(down + high), confidence=1.0, line=word.line,
        )  # fmt: skip

    leant = changed(page, words=tuple(leaning(word) for word in page.words), skew_degrees=degrees)
    rendition = make_rendition(encoded(sheet.rotate(degrees, fillcolor=255), "JPEG"), "image/jpeg", [leant])

    # Boxes around leaning words are larger than the words; their middles must be the same.
    found = found_words(rendition, leant)
    assert [word.text for word in found] == [word.text for word in leant.words]
    for expected, actual in zip(leant.words, found, strict=True):
        assert abs((expected.left + expected.right) - (actual.left + actual.right)) / 2 < 6
        assert abs((expected.top + expected.bottom) - (actual.top + actual.bottom)) / 2 < 12


def test_copied_text_has_blanks_lines_and_umlauts() -> None:
    """Whoever copies an amount or a name into another program must get what is printed."""
    sheet, page = printed()

    rendition = make_rendition(encoded(sheet, "PNG"), "image/png", [page])

    assert text_of(rendition).replace("\r\n", "\n").strip() == "\n".join(LINES)


def test_letters_beyond_the_usual_are_copied_right() -> None:
    """A sender's name may be Greek, or hold a sign that needs two units of UTF-16."""
    sheet, page = printed()
    odd = ("Ελλάς", "Łódź", "\U0001f4e7", "„so…“")
    words = tuple(
        Word(text=text, left=100, top=100 + 90 * row, right=300, bottom=140 + 90 * row, confidence=1.0, line=row)
        for row, text in enumerate(odd)
    )

    copied = text_of(make_rendition(encoded(sheet, "PNG"), "image/png", [changed(page, words=words)]))

    assert copied.split() == list(odd)


def test_a_word_of_another_size_on_the_line_is_marked_whole() -> None:
    """A stamp beside a line of small print is as large as a stamp."""
    sheet, page = printed()
    small = [Word(text="klein", left=100 + 90 * n, top=300, right=180 + 90 * n, bottom=320, confidence=1.0, line=0)
             for n in range(4)]  # fmt: skip
    stamp = Word(text="BEZAHLT", left=500, top=200, right=900, bottom=290, confidence=1.0, line=0)

    page = changed(page, words=(*small, stamp))

    assert_words_at_their_place(make_rendition(encoded(sheet, "PNG"), "image/png", [page]), page)


# Pictures -------------------------------------------------------------------------------------------------


def test_the_streams_of_a_scanned_pdf_stay_byte_for_byte() -> None:
    """The rendition must be able to stand for the scan: not one pixel coded anew, whatever the scanner chose."""
    sheet, page = printed()
    bilevel = sheet.convert("1", dither=Image.Dither.NONE)
    pages = [changed(page, number=number) for number in (1, 2)]
    for scan in (encoded([sheet, sheet], "PDF"), encoded([bilevel, bilevel], "PDF"), bare_pixels(sheet)):
        read = pages[: len(fingerprints(scan))]

        rendition = make_rendition(scan, "application/pdf", read)

        assert fingerprints(rendition) == fingerprints(scan)
        assert len(rendition) != len(scan)


def bare_pixels(sheet: Image.Image) -> bytes:
    """A PDF whose picture is not compressed at all."""
    with opened(pdf([FULL_PAGE], scan=sheet)) as document:
        document.pages[0].resources.XObject.Scan.write(sheet.tobytes())
        return saved(document, compress_streams=False)


def test_a_jpeg_file_is_inside_whole() -> None:
    """A photographed or scanned JPEG loses a little each time it is saved; ours is not saved again."""
    sheet, page = printed(mode="RGB")
    scan = encoded(sheet, "JPEG")

    (image,) = pictures_of(make_rendition(scan, "image/jpeg", [page]))

    assert image.filter == "/DCTDecode"
    assert image.raw == scan


def test_a_png_files_rows_are_inside_as_they_are() -> None:
    """PDF can hold a PNG's compressed rows: no time is spent, no size is lost."""
    sheet, page = printed()
    scan = encoded(sheet, "PNG")

    (image,) = pictures_of(make_rendition(scan, "image/png", [page]))

    assert image.raw in scan
    assert pixels(image) == sheet.tobytes()


def test_a_g4_page_in_one_strip_is_inside_as_it_is() -> None:
    """What office scanners write for black and white."""
    sheet, page = printed(mode="1")
    scan = encoded(sheet, "TIFF", compression="group4", strip_size=10**6)

    rendition = make_rendition(scan, "image/tiff", [page])

    (image,) = pictures_of(rendition)
    assert image.filter == "/CCITTFaxDecode"
    assert image.raw in scan
    assert looks_like(rendition, sheet)


def pixels(image: Stored, mode: str = "L") -> bytes:
    assert image.decoded is not None
    return image.decoded.convert(mode).tobytes()


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "P", "LA"])
@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_what_a_pdf_cannot_hold_is_coded_anew_without_loss(mode: str, compression: str) -> None:
    """Every other kind of TIFF: the same pixels, each of them."""
    sheet, page = printed(mode=mode)

    (image,) = pictures_of(make_rendition(encoded(sheet, "TIFF", compression=compression), "image/tiff", [page]))

    assert pixels(image) == sheet.convert("L").tobytes()
    assert image.filter == ("/CCITTFaxDecode" if mode == "1" else "/FlateDecode")


def test_sixteen_bits_stay_sixteen_bits() -> None:
    """A scanner with deep greys: nothing is thrown away on the way."""
    greys = numpy.arange(900 * 600, dtype=numpy.uint16).reshape(600, 900)
    _, page = printed((900, 600))

    (image,) = pictures_of(make_rendition(encoded(Image.fromarray(greys), "TIFF"), "image/tiff", [page]), decode=False)

    assert image.bits == 16
    assert zlib.decompress(image.raw) == greys.astype(">u2").tobytes()


def test_all_pages_of_a_bilevel_stack_are_there_in_order() -> None:
    """A fax in many strips a page: a page too few or twice would be a letter falsified."""
    sheets = [slip(f"Seite {name}").convert("1", dither=Image.Dither.NONE) for name in ("eins", "zwei", "drei")]
    _, page = printed(sheets[0].size)
    pages = [changed(page, number=number + 1) for number in range(3)]
    scan = encoded(sheets, "TIFF", compression="group4", strip_size=2000)
    with Image.open(io.BytesIO(scan)) as tiff:
        assert len(tiff.tag_v2[273]) > 1, "the control: these pages are cut into strips"  # type: ignore[attr-defined]

    rendition = make_rendition(scan, "image/tiff", pages)

    assert [pixels(image) for image in pictures_of(rendition)] == [sheet.convert("L").tobytes() for sheet in sheets]
    assert all(looks_like(rendition, sheet, number) for number, sheet in enumerate(sheets, 1))


@pytest.mark.parametrize("mode", ["L", "RGB", "YCbCr"])
def test_jpeg_strips_become_one_jpeg_of_the_same_code(mode: str) -> None:
    """Scanner programs cut JPEG pages into strips; decoding and saving them again would lose or blow up."""
    sheet, page = printed((1003, 701), mode=mode)
    scan = encoded(sheet, "TIFF", compression="jpeg", strip_size=1003 * 64)
    with Image.open(io.BytesIO(scan)) as tiff:
        strips = list(zip(tiff.tag_v2[273], tiff.tag_v2[279], strict=True))  # type: ignore[attr-defined]
        decoded = tiff.convert("RGB").tobytes()
    assert len(strips) > 3, "the control: this page is cut into strips"

    rendition = make_rendition(scan, "image/tiff", [page])

    (image,) = pictures_of(rendition)
    assert image.filter == "/DCTDecode"
    coded = image.raw
    assert len(coded) < len(scan)
    assert all(scan[offset + size // 2 : offset + size - 2] in coded for offset, size in strips)
    difference = numpy.frombuffer(pixels(image, "RGB"), numpy.uint8).astype(int) - numpy.frombuffer(
        decoded, numpy.uint8
    )
    assert abs(difference).mean() < 1.0
    assert looks_like(rendition, sheet)


def test_jpeg_strips_that_do_not_belong_together_are_not_joined() -> None:
    """Strips with other tables would become a picture of noise."""
    strips = [encoded(slip("a").crop((0, 0, 64, 64)), "JPEG", quality=quality) for quality in (50, 90)]

    with pytest.raises(NotJoinable):
        joined(b"", strips, 64, 128)
    assert Image.open(io.BytesIO(joined(b"", [strips[0]] * 2, 64, 128))).size == (64, 128)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_a_picture_lies_as_its_orientation_says(kind: str, orientation: int) -> None:
    """A photographed letter says in its header how the camera was held; viewers of PDFs do not look there."""
    sheet, page = printed()
    as_stored = {
        1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]  # fmt: skip
    stored = sheet if as_stored is None else sheet.transpose(as_stored)
    if kind == "JPEG":
        exif = Image.Exif()
        exif[274] = orientation
        scan = encoded(stored, "JPEG", exif=exif)
    else:
        bilevel = stored.convert("1", dither=Image.Dither.NONE)
        scan = encoded(bilevel, "TIFF", compression="group4", strip_size=10**6, tiffinfo={274: orientation})

    rendition = make_rendition(scan, media_type(kind), [page])

    assert looks_like(rendition, sheet)
    assert_words_at_their_place(rendition, page)


def test_transparent_pictures_lie_on_white_paper() -> None:
    """A PNG without background must not become black on black."""
    sheet, page = printed()
    picture = Image.new("RGBA", sheet.size, (0, 0, 0, 0))
    picture.paste((0, 0, 0, 255), mask=sheet.point(lambda value: 255 - value))

    assert looks_like(make_rendition(encoded(picture, "PNG"), "image/png", [page]), sheet)


def test_a_page_that_was_given_up_is_there_as_it_was_scanned() -> None:
    """One page that nobody could read: the PDF still has as many pages as the letter."""
    sheet, page = printed()
    unread = RecognisedPage(number=2, width_px=1654, height_px=2339, dpi=200, origin=PageOrigin.UNREAD)

    rendition = make_rendition(encoded([sheet, sheet], "TIFF"), "image/tiff", [page, unread])

    assert looks_like(rendition, sheet, 2)
    assert (text_of(rendition, 1).split()[0], text_of(rendition, 2).split()) == ("Größe:", [])


# PDF/A, size ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PDF", "JPEG", "PNG", "TIFF"])
def test_the_rendition_is_checked_pdfa(kind: str) -> None:
    """It must open in thirty years: declared as PDF/A-2b, and the check finds nothing."""
    sheet, page = printed()

    rendition = make_rendition(encoded(sheet, kind), media_type(kind), [page])

    assert claims_pdfa(rendition)
    report = validate_written(io.BytesIO(rendition), "2b")
    assert report.passed, report.summary()


def test_what_cannot_conform_does_not_claim_to() -> None:
    """Four-colour pictures without their profile are not PDF/A; a false claim is worse than none."""
    sheet, page = printed(mode="CMYK")
    for kind in ("JPEG", "PDF"):
        rendition = make_rendition(encoded(sheet, kind), media_type(kind), [page])

        assert not claims_pdfa(rendition)
        assert_words_at_their_place(rendition, page)
        assert looks_like(rendition, sheet)


def test_the_same_scan_gives_the_same_bytes() -> None:
    """A second run after a crash must not look like another document, but for the moment it was declared."""
    sheet, page = printed(mode="CMYK")

    first, second = (make_rendition(encoded(sheet, "JPEG"), "image/jpeg", [page]) for _ in range(2))

    assert first == second


def test_a_full_page_costs_little_more_than_its_scan() -> None:
    """A hundred thousand letters: the words must not weigh as much as the pictures."""
    sheet, page = printed((1654, 2339), mode="1")
    words = [
        Word(text=f"Wort{n * 7919 % 1000}", left=100 + 140 * (n % 10), top=100 + 60 * (n // 10), confidence=1.0,
             right=215 + 140 * (n % 10), bottom=130 + 60 * (n // 10), line=n // 10)
        for n in range(350)
    ]  # fmt: skip
    scan = encoded([sheet] * 4, "TIFF", compression="group4", strip_size=10**6)
    pages = [changed(page, number=number + 1, words=tuple(words)) for number in range(4)]

    rendition = make_rendition(scan, "image/tiff", pages)

    assert len(found_words(rendition, pages[3])) == 350
    assert len(rendition) - len(scan) < 4 * 6_000


# Text that was there before -------------------------------------------------------------------------------


def in_a_form(document: bytes, content: bytes) -> bytes:
    """A PDF whose first page draws this content as a form before everything else."""
    with opened(document) as changing:
        page = changing.pages[0]
        form = changing.make_stream(
            content, Type=Name.XObject, Subtype=Name.Form, BBox=[0, 0, 595, 842], Resources=page.resources
        )
        page.add_resource(form, Name.XObject, Name.Layer)
        page.contents_add(b"/Layer Do ", prepend=True)
        return saved(changing)


@pytest.mark.parametrize(
    "scan",
    [
        pdf([FULL_PAGE + b"q 3 Tr " + HIDDEN_WORDS + b"Q "], scan=letter()),
        pdf([HIDDEN_WORDS + FULL_PAGE], scan=letter()),
        pdf([b"/Layer BMC " + HIDDEN_WORDS + b"EMC " + FULL_PAGE], scan=letter()),
        in_a_form(pdf([FULL_PAGE], scan=letter()), b"3 Tr " + HIDDEN_WORDS),
        in_a_form(pdf([FULL_PAGE], scan=letter()), HIDDEN_WORDS),
    ],
    ids=["invisible", "under the picture", "marked", "invisible, in a form", "in a form under the picture"],
)
def test_a_scanners_hidden_words_give_way_to_ours(scan: bytes) -> None:
    """Two layers: every word is found twice, and copied text is a mess."""
    _, page = printed((1654, 2339))
    assert "Kundennummer" in text_of(scan), "the control: the scanner's words are there"

    rendition = make_rendition(scan, "application/pdf", [page])

    assert "Kundennummer" not in text_of(rendition)
    assert_words_at_their_place(rendition, page)
    assert fingerprints(rendition) == fingerprints(scan)
    assert claims_pdfa(rendition), "the font that only the hidden words used is gone with them"


def test_a_stamp_above_the_scan_stays() -> None:
    """What a reader sees must still be there: an electronic stamp with the day of receipt."""
    _, page = printed((1654, 2339))
    stamp = b"BT 1 0 0 rg /F1 30 Tf 300 60 Td (EINGANG 3. MAI) Tj ET"
    scan = pdf([HIDDEN_WORDS + FULL_PAGE + stamp], scan=letter())

    rendition = make_rendition(scan, "application/pdf", [page])

    assert "Kundennummer" not in text_of(rendition)
    assert "EINGANG 3. MAI" in text_of(rendition)
    assert (seen(rendition, (595, 842)) == seen(scan, (595, 842))).all()


def test_born_digital_pages_stay_as_they_are() -> None:
    """A PDF half typed, half scanned: the typed half is the sender's, and no claim is made for it."""
    typed = b"BT /F1 12 Tf 60 700 Td (Wir danken Ihnen.) Tj 3 Tr (unsichtbar) Tj ET"
    scan = pdf([typed, FULL_PAGE], scan=letter())
    _, page = printed((1654, 2339))
    first = changed(page, origin=PageOrigin.TEXT_LAYER)

    rendition = make_rendition(scan, "application/pdf", [first, changed(page, number=2)])

    with opened(rendition) as document:
        assert document.pages[0].Contents.read_bytes() == typed
    assert_words_at_their_place(rendition, changed(page, number=2))
    assert not claims_pdfa(rendition)


def test_a_pdf_that_never_was_on_paper_needs_none() -> None:
    """It can be searched already; a second copy would only be weight."""
    _, page = printed((1654, 2339))

    with pytest.raises(NoRenditionPossible):
        make_rendition(pdf([b""]), "application/pdf", [changed(page, origin=PageOrigin.TEXT_LAYER)])


# Hostile input --------------------------------------------------------------------------------------------


def encrypted() -> bytes:
    with opened(encoded(slip("Vertrag"), "PDF")) as document:
        return saved(document, encryption=pikepdf.Encryption(owner="owner", user=""))


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (encrypted(), "application/pdf"),
        (b"%PDF-1.7\n" + b"\x93" * 3000 + b"\nstartxref\n9\n%%EOF", "application/pdf"),
        (encoded([slip("a"), slip("b")], "PDF"), "application/pdf"),
        (pdf([FULL_PAGE], scan=slip("a")).replace(b"595 842", b"0 0"), "application/pdf"),
        (encoded(slip("a"), "JPEG")[:150], "image/jpeg"),
        (encoded(slip("a"), "PNG")[:40], "image/png"),
        (encoded(slip("a"), "TIFF", compression="tiff_lzw")[:-400], "image/tiff"),
        (b"II*\0" + b"\xff" * 400, "image/tiff"),
        (b"", "image/png"),
    ],
    ids=[
        "encrypted", "garbage", "another number of pages", "no area", "cut JPEG", "cut PNG", "cut TIFF",
        "TIFF of nothing", "empty",
    ],
)  # fmt: skip
def test_odd_and_hostile_files_have_no_rendition(data: bytes, kind: str) -> None:
    """Such a letter is filed with its original and what could be read; nothing else may go wrong."""
    _, page = printed()

    with pytest.raises(NoRenditionPossible):
        make_rendition(data, kind, [page])


def test_a_form_that_draws_itself_is_looked_through_once_and_no_more() -> None:
    """A page that is its own part must not keep a worker busy for ever."""
    sheet, page = printed((1654, 2339))
    with opened(in_a_form(pdf([FULL_PAGE], scan=sheet), b"/Layer Do /Layer Do /Layer Do ")) as document:
        layer = document.pages[0].resources.XObject.Layer
        layer.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Layer=layer))
        scan = saved(document)

    # A viewer may well choke on it, as it would on the scan itself; here nothing is drawn.
    assert fingerprints(make_rendition(scan, "application/pdf", [page])) == fingerprints(scan)


# In the pool ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pool_for(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Callable[[bytes], Recognition]]]:
    """Makes pools of one worker with given settings; the result reads one file to its end."""
    pools: list[RecognitionPool] = []
    folder = tmp_path_factory.mktemp("work")

    def make(on_page: Callable[[RecognitionPool], None] = lambda pool: None, **settings: Any) -> Any:
        pool = RecognitionPool(IntakeSettings(workers=1, **settings), folder)
        pools.append(pool)

        def read(data: bytes) -> Recognition:
            with Snapshot.from_bytes(data, folder) as snapshot:
                future = pool.recognise(snapshot, lambda done, total: on_page(pool) if done == total else None)
            return future.result(LONG_SECONDS)

        return read

    yield make
    for pool in pools:
        pool.abort()


def test_letters_come_out_of_the_pool_with_their_renditions(pool_for: Any) -> None:
    """The whole way, through a worker that may read no file any more: the words as recognised, page by page."""
    read = pool_for()
    sheets = [slip(f"Lieferung Nummer {name}") for name in ("eins", "zwei")]
    bilevel = [sheet.convert("1", dither=Image.Dither.NONE) for sheet in sheets]
    hidden = pdf([HIDDEN_WORDS + FULL_PAGE], scan=letter())

    for scan in (
        encoded(bilevel, "TIFF", compression="tiff_lzw"), encoded(sheets, "TIFF", compression="jpeg"),
        encoded(sheets, "PDF"), encoded(bilevel, "PDF"), encoded(sheets[0].convert("P"), "PNG"),
        encoded(sheets[0].convert("RGB"), "JPEG"), hidden,
    ):  # fmt: skip
        recognition = read(scan)

        assert recognition.rendition is not None
        assert claims_pdfa(recognition.rendition), "the check must not need a file that the worker may not read"
        for page in recognition.pages:
            assert len(page.words) >= 3
            assert_words_at_their_place(recognition.rendition, page, at_least=0.3)

    digital = read(pdf([b"BT /F1 12 Tf 60 700 Td (Kundennummer 4711, Auftrag vom Montag, wir danken.) Tj ET"]))
    assert digital.pages[0].origin is PageOrigin.TEXT_LAYER
    assert digital.rendition is None


def test_a_worker_that_dies_over_the_rendition_takes_only_that(pool_for: Any) -> None:
    """A PDF that kills whoever rewrites it: the letter is read all the same, and the next one gets its rendition."""
    killed: list[int] = []

    def kill(pool: RecognitionPool) -> None:
        if not killed:
            killed.extend(pool.worker_pids())
            os.kill(killed[0], signal.SIGKILL)

    read = pool_for(on_page=kill)

    first, second = read(encoded(slip("Storno"), "PNG")), read(encoded(slip("Nachbar"), "PNG"))

    assert (first.pages[0].text, first.rendition) == ("Storno", None)
    assert second.pages[0].text == "Nachbar"
    assert second.rendition is not None


def test_a_rendition_over_the_limit_is_not_taken(pool_for: Any) -> None:
    """A file that swells while it is rewritten must not fill the memory of the process that holds the keys."""
    recognition = pool_for(max_bytes=2_000)(encoded(slip("Storno"), "PNG"))

    assert recognition.pages[0].text == "Storno"
    assert recognition.rendition is None


def test_pages_survive_the_way_back_to_a_worker() -> None:
    """What the pool sends must be what was recognised, or the words lie in the wrong place."""
    _, page = printed()
    leaning = changed(page, skew_degrees=-1.25, rotation_degrees=270)

    (back,) = pages_from_question(pages_question([leaning]))

    assert back == changed(leaning, text="", confidence=back.confidence, notes=())


# In the office --------------------------------------------------------------------------------------------


def first_number(office: Office, suffix: str, user: str = "accounting") -> str:
    """The number of a letter whose file's name ends so."""
    for part in office.objects("original"):
        ran = office.run("show", part.name.split(".")[0], user=user)
        if ran.status == 0 and ran.json["document"]["source"].endswith(suffix):
            accession: str = ran.json["document"]["accession"]
            return accession
    raise AssertionError(f"no letter that came as {suffix}")


def test_a_scan_leaves_the_archive_as_a_searchable_pdf(filled_office: Office, tmp_path: Path) -> None:
    """What accounting hands to the tax adviser: one file that any viewer opens and searches."""
    number = first_number(filled_office, ".tif")
    target = tmp_path / "letter.pdf"

    ran = filled_office.done("export", number, "--rendition", "-o", target, user="accounting")

    assert ran.json["document"]["accession"] == number
    assert "Zwiebelturmuhr" in text_of(target.read_bytes())
    assert claims_pdfa(target.read_bytes())
    assert filled_office.run("verify").status == 0


def test_a_born_digital_pdf_is_its_own_rendition(filled_office: Office, tmp_path: Path) -> None:
    """Nobody must be told that a PDF cannot be had as PDF."""
    for options in ([], ["--rendition"]):
        filled_office.done("export", first_number(filled_office, "heidelbeer.pdf"), *options, "-o",
                           tmp_path / f"{len(options)}.pdf", user="accounting")  # fmt: skip

    assert (tmp_path / "1.pdf").read_bytes() == (tmp_path / "0.pdf").read_bytes()


def test_a_lost_rendition_is_told_apart_from_an_unknown_letter(full_office: Office) -> None:
    """The letter is there, its searchable PDF is not: the reader is told what to do instead; verify misses it."""
    number = first_number(full_office, ".tif")
    for part in full_office.objects("rendition"):
        part.unlink()

    refused = full_office.run("export", number, "--rendition", "-o", "-", user="accounting", as_json=False)

    assert refused.status == 4
    assert "searchable PDF" in refused.err
    assert full_office.run("export", "FIN-2026-999999", "--rendition", user="accounting").err != refused.err
    assert {problem["code"] for problem in full_office.run("verify").json["problems"]} == {"A014"}


def test_opening_shows_a_private_file_that_goes_with_the_viewer(filled_office: Office, tmp_path: Path) -> None:
    """Plaintext on a disk outlives every promise: it lies in memory, for one person, while the viewer is open."""
    witness = tmp_path / "witness"
    script = tmp_path / "viewer"
    script.write_text(
        f'#!/bin/sh\nstat -c %a "$1" "$(dirname "$1")" > {witness}\nstat -f -c %T "$1" >> {witness}\n'
        f'echo "$1" >> {witness}\ncp "$1" {tmp_path}/copy.pdf\nexit 3\n'
    )
    script.chmod(stat.S_IRWXU)
    number = first_number(filled_office, ".tif")

    ran = filled_office.done("open", number, "--with", f"sh {script}", user="accounting")

    modes_file, modes_folder, kind, path = witness.read_text().splitlines()
    assert (modes_file, modes_folder, kind) == ("600", "700", "tmpfs")
    assert "Zwiebelturmuhr" in text_of((tmp_path / "copy.pdf").read_bytes())
    assert not Path(path).exists()
    assert not Path(path).parent.exists()
    assert ran.json["document"]["part"] == "rendition"


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        (["--with", "no-such-program-anywhere"], 2, "--with COMMAND"),
        (["--with", "'unclosed"], 2, "names no program"),
        ([], 2, "Nobody can be asked here"),
    ],
)
def test_a_viewer_that_cannot_be_used_is_named(
    filled_office: Office, options: Sequence[str], status: int, says: str
) -> None:
    """The clerk is told what to change, and no file is left behind."""
    ran = filled_office.run("open", first_number(filled_office, ".tif"), *options, user="accounting", as_json=False)

    assert ran.status == status
    assert says in ran.err


def test_somebody_elses_letter_cannot_be_opened(filled_office: Office) -> None:
    """HR's letter and one that never was get the same answer from every way to the pages."""
    hr = first_number(filled_office, ".jpg", user="hr")
    for arguments in (["open", hr, "--with", "true"], ["export", hr, "--rendition", "-o", "-"]):
        theirs = filled_office.run(*arguments, user="accounting", as_json=False)
        never = filled_office.run(arguments[0], "HR-2026-999999", *arguments[2:], user="accounting", as_json=False)

        assert (theirs.status, theirs.err) == (never.status, never.err)
        assert theirs.status == 4
