"""Pages of every kind, read with real Tesseract: upright, straight, in their own words, and blank ones left alone."""

import mmap
import tempfile
from collections.abc import Callable

import pytest
from drawn_scans import encoded, letter, pdf, slip, speckled
from PIL import Image

from intake.engine import Engine, FoundWord, open_engine
from intake.page import PageFindings, read_page
from intake.reading import open_pages
from poststelle.errors import UnreadableFile
from poststelle.records import PageOrigin

GERMAN = ("deu",)
FULL_PAGE = b"q 595 0 0 842 0 0 cm /Scan Do Q "
PARAGRAPH = (
    "BT /F1 12 Tf 14 TL 60 700 Td (Kundennummer 4711, Auftrag vom 3. März) Tj T* "
    "(Wir danken für Ihre Bestellung und liefern nächste Woche.) Tj ET "
).encode("cp1252")


@pytest.fixture(scope="module")
def engine() -> Engine:
    engine = open_engine("tesserocr")
    engine.prepare(GERMAN)
    return engine


@pytest.fixture(scope="module")
def read(engine: Engine) -> Callable[[bytes], list[PageFindings]]:
    """All pages of a file."""

    def read_all(data: bytes) -> list[PageFindings]:
        with tempfile.TemporaryFile() as file:
            file.write(data)
            file.flush()
            pages = open_pages(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY), 100, 120_000_000)
            return [read_page(pages.page(n + 1), engine, GERMAN, simple=False) for n in range(pages.count())]

    return read_all


Read = Callable[[bytes], list[PageFindings]]


def text(page: PageFindings) -> str:
    return " ".join(word.text for word in page.words)


def word(page: PageFindings, wanted: str) -> FoundWord:
    return next(found for found in page.words if found.text == wanted)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turned_page_is_read_upright(read: Read, degrees: int) -> None:
    """A sheet fed sideways or upside down must be found like any other."""
    (page,) = read(encoded(letter().rotate(degrees, expand=True), "PNG"))

    assert page.rotation_degrees == degrees
    assert "Reparatur der Eingangstür berechnen wir" in text(page)
    assert (page.width_px, page.height_px) == (1654, 2339)
    assert word(page, "Rechnung").top < word(page, "Matthias").top


def test_an_upright_page_is_recognised_once(read: Read, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nearly all pages are upright: they must not pay for those that are not."""
    calls: list[int] = []
    original = type(engine).recognise

    def counted(*arguments: object) -> list[FoundWord]:
        calls.append(1)
        return original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(type(engine), "recognise", counted)
    read(encoded(letter(), "PNG"))

    assert len(calls) == 1


def test_a_photo_is_turned_as_its_camera_says(read: Read) -> None:
    """Phones store the picture sideways and say so."""
    exif = Image.Exif()
    exif[274] = 6
    (page,) = read(encoded(letter().rotate(90, expand=True), "JPEG", exif=exif, quality=90))

    assert page.rotation_degrees == 0
    assert "Reparatur der Eingangstür" in text(page)


def test_boxes_lie_on_the_page_as_it_was_scanned(read: Read) -> None:
    """The searchable PDF shows the scan, not our straightened copy: the marker must hit the word."""
    upright = letter()
    (reference,) = read(encoded(upright, "PNG"))
    leaning = upright.rotate(2.5, resample=Image.Resampling.BICUBIC, fillcolor=255)

    (page,) = read(encoded(leaning, "PNG"))

    assert page.skew_degrees == pytest.approx(2.5, abs=0.2)
    for wanted in ("Schreinerei", "Reparatur", "Eingangstür", "Holzapfel"):
        before, after = word(reference, wanted), word(page, wanted)
        x, y = _rotated((before.left + before.right) / 2, (before.top + before.bottom) / 2, upright.size)
        assert abs((after.left + after.right) / 2 - x) < 8
        assert abs((after.top + after.bottom) / 2 - y) < 8


def _rotated(x: float, y: float, size: tuple[int, int]) -> tuple[float, float]:
    """Where Pillow's rotate(2.5) puts a point."""
    import math

    angle, middle_x, middle_y = math.radians(2.5), size[0] / 2, size[1] / 2
    across, down = x - middle_x, y - middle_y
    return (
        middle_x + across * math.cos(angle) + down * math.sin(angle),
        middle_y - across * math.sin(angle) + down * math.cos(angle),
    )


@pytest.mark.parametrize("kind", ["raw", "group4", "tiff_lzw", "jpeg"])
def test_every_kind_of_tiff_page_is_read(read: Read, kind: str) -> None:
    """Scanners choose the compression, not the clerk."""
    pages = [slip("Lieferschein eins"), slip("Lieferschein zwei")]
    if kind == "group4":
        pages = [page.convert("1", dither=Image.Dither.NONE) for page in pages]

    assert [text(page) for page in read(encoded(pages, "TIFF", compression=kind))] == [
        "Lieferschein eins",
        "Lieferschein zwei",
    ]


def test_transparent_pictures_have_white_paper(read: Read) -> None:
    """A PNG without background is black on nothing; nothing must not become black."""
    ink = slip("Gutschrift")
    picture = Image.new("RGBA", ink.size, (0, 0, 0, 0))
    picture.paste((0, 0, 0, 255), mask=ink.point(lambda value: 255 - value))

    assert text(read(encoded(picture, "PNG"))[0]) == "Gutschrift"


@pytest.mark.parametrize("page", [letter([]), speckled(letter([]), dots=4000)], ids=["clean", "dusty"])
def test_a_blank_page_is_blank(read: Read, page: Image.Image) -> None:
    """The empty back of a sheet must not be filed as unreadable, dust must not become words."""
    (found,) = read(encoded(page, "PNG"))

    assert found.origin is PageOrigin.BLANK
    assert found.words == ()


def test_a_page_with_one_short_line_is_not_blank(read: Read) -> None:
    """A slip that says only "Ja" is somebody's answer."""
    (found,) = read(encoded(letter(["", "Storno"]), "PNG"))

    assert text(found) == "Storno"


def test_grey_paper_is_read_as_white(read: Read) -> None:
    """Recycled paper and the shadow of a lid cost words with engines that see the raw scan."""
    import numpy

    white = numpy.asarray(letter(), dtype=numpy.float32)
    shadow = numpy.linspace(1.0, 0.35, white.shape[1], dtype=numpy.float32)
    (page,) = read(encoded(Image.fromarray((white * shadow).astype(numpy.uint8)), "PNG"))

    assert "berechnen wir Ihnen" in text(page)
    assert "Sparkasse Göttingen." in text(page)


def test_pale_ink_is_ink(read: Read) -> None:
    """A worn ribbon or pencil must neither be lost nor make the page blank."""
    (page,) = read(encoded(letter().point(lambda value: 150 if value < 128 else 255), "PNG"))

    assert page.origin is PageOrigin.OCR
    assert "berechnen wir Ihnen" in text(page)


def test_ink_that_no_word_covers_is_told(read: Read, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine may skip half a page and be sure of the rest: it is asked again, then a person must look."""
    assert read(encoded(letter(), "PNG"))[0].notes == ()
    asked = forgetful(engine, monkeypatch, for_good=True)

    assert read(encoded(letter(), "PNG"))[0].notes == ("uncovered-ink",)
    assert asked == [False, True]


def test_what_an_engine_left_out_is_read_at_the_second_look(
    read: Read, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lower half of a letter holds the sum and the account: it must be found, once, and without a clerk's help."""
    whole = text(read(encoded(letter(), "PNG"))[0])
    asked = forgetful(engine, monkeypatch, for_good=False)

    (page,) = read(encoded(letter(), "PNG"))

    assert asked == [False, True]
    assert page.notes == ()
    assert sorted(text(page).split()) == sorted(whole.split())
    assert word(page, "Schreinerei").line < word(page, "Sparkasse").line


def forgetful(engine: Engine, monkeypatch: pytest.MonkeyPatch, for_good: bool) -> list[bool]:
    """Let the engine lose the second half of a page; returns which calls left the layout out."""
    original = type(engine).recognise
    asked: list[bool] = []

    def half(*arguments: object) -> list[FoundWord]:
        words = original(*arguments)  # type: ignore[arg-type]
        simple = bool(arguments[-1])
        asked.append(simple)
        if simple:
            return [] if for_good else words
        return words[: len(words) // 2]

    monkeypatch.setattr(type(engine), "recognise", half)
    return asked


def test_born_digital_and_scanned_pages_are_told_apart(read: Read) -> None:
    """One PDF, two pages: the typed one is taken letter by letter, the scanned one is recognised."""
    typed, scanned = read(pdf([PARAGRAPH, FULL_PAGE], scan=letter()))

    assert (typed.origin, scanned.origin) == (PageOrigin.TEXT_LAYER, PageOrigin.OCR)
    assert "Kundennummer 4711, Auftrag vom 3. März Wir danken für Ihre" in text(typed)
    assert "Reparatur der Eingangstür" in text(scanned)
    customer, thanks = word(typed, "Kundennummer"), word(typed, "Wir")
    assert (customer.line, thanks.line) == (0, 1)
    # 60 points from the left, 142 from the top, at 200 dpi.
    assert (customer.left, customer.bottom) == (pytest.approx(167, abs=6), pytest.approx(394, abs=10))


@pytest.mark.parametrize(
    "layer",
    [
        FULL_PAGE + b"3 Tr " + PARAGRAPH,
        PARAGRAPH + FULL_PAGE,
        FULL_PAGE + b"BT /F1 12 Tf 60 40 Td (Eingang 4711 am Montag) Tj ET",
    ],
    ids=["invisible", "under the picture", "a stamp above it"],
)
def test_a_scanners_own_text_is_not_trusted(read: Read, layer: bytes) -> None:
    """Scanners hide text of poor quality in their PDFs; a stamp is not the letter."""
    (page,) = read(pdf([layer], scan=letter()))

    assert page.origin is PageOrigin.OCR
    assert "Reparatur der Eingangstür" in text(page)
    assert "Kundennummer" not in text(page)


def test_a_scan_that_does_not_fill_its_page_is_read(read: Read) -> None:
    """A receipt pasted onto an A4 page: the page is drawn as a viewer shows it, then recognised."""
    (page,) = read(pdf([b"q 400 0 0 566 100 200 cm /Scan Do Q"], scan=letter()))

    assert page.origin is PageOrigin.OCR
    assert "Reparatur der Eingangstür" in text(page)
    # The picture begins 100 of 595 points from the left, its text a tenth further in.
    assert 0.2 < word(page, "Schreinerei").left / page.width_px < 0.3


def test_curves_without_text_are_recognised(read: Read) -> None:
    """Some programs turn every letter into lines and curves: the page looks typed and holds no text."""
    bars = b"0 g " + b" ".join(b"%d 600 6 90 re f %d 640 40 8 re f" % (x, x) for x in range(80, 480, 60))

    (page,) = read(pdf([bars]))

    assert page.origin is PageOrigin.OCR


def test_the_rotation_a_pdf_page_asks_for_is_obeyed(read: Read) -> None:
    """Viewers turn such pages; so must we, or nobody finds them."""
    import io

    import pikepdf

    with pikepdf.open(io.BytesIO(encoded(letter().rotate(90, expand=True), "PDF"))) as document:
        document.pages[0].Rotate = 90
        stream = io.BytesIO()
        document.save(stream)

    (page,) = read(stream.getvalue())

    assert page.rotation_degrees == 0
    assert page.height_px > page.width_px
    assert "Reparatur der Eingangstür" in text(page)


def test_a_damaged_pdf_is_not_called_encrypted_after_one_that_is(read: Read) -> None:
    """The library remembers the last letter's error; the clerk would ask the sender for a password in vain."""
    import io

    import pikepdf

    stream = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf([b""]))) as document:
        document.save(stream, encryption=pikepdf.Encryption(owner="owner", user="secret"))

    for data, code in ((stream.getvalue(), "encrypted-pdf"), (pdf([]), "damaged")):
        with pytest.raises(UnreadableFile) as refused:
            read(data)
        assert refused.value.reason_code == code


@pytest.mark.system_tesseract
def test_both_engines_answer_alike(engine: Engine) -> None:
    """Who prefers the system's Tesseract gets the same words, lines and boxes."""
    import numpy

    other = open_engine("pytesseract")
    other.prepare(GERMAN)
    image = numpy.asarray(letter())

    ours = engine.recognise(image, 200, GERMAN, False)
    theirs = other.recognise(image, 200, GERMAN, False)

    assert [(w.text, w.line) for w in theirs] == [(w.text, w.line) for w in ours]
    assert all(abs(a.left - b.left) < 5 and abs(a.top - b.top) < 5 for a, b in zip(ours, theirs, strict=True))
