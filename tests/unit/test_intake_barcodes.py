"""Codes on pages: found in any place and any way up, and nothing taken for one that is none."""

from collections.abc import Callable

import cv2
import numpy
import pytest
import zxingcpp
from drawn_scans import LINES, letter
from PIL import Image, ImageDraw

from intake.answers import MAX_CODES, Implausible, codes_answer, codes_from_answer
from intake.barcodes import FoundCode, find_barcodes
from intake.separator_sheet import separator_sheets
from poststelle.records import BarcodeFormat

DPI = 200
KINDS = {
    BarcodeFormat.CODE_128: zxingcpp.BarcodeFormat.Code128,
    BarcodeFormat.CODE_39: zxingcpp.BarcodeFormat.Code39,
    BarcodeFormat.QR: zxingcpp.BarcodeFormat.QRCode,
    BarcodeFormat.DATA_MATRIX: zxingcpp.BarcodeFormat.DataMatrix,
}
PAYMENT = "BCD\n002\n1\nSCT\n\nBäckerei Müller & Söhne\nDE02120300000000202051\nEUR12.30\n\n\nRechnung 4711"


def drawn(text: str, kind: BarcodeFormat, module_px: float = 3, height_px: int = 60) -> Image.Image:
    """A code with its quiet zone."""
    code = Image.fromarray(numpy.array(zxingcpp.create_barcode(text, KINDS[kind]).to_image(scale=1)))
    tall = kind in (BarcodeFormat.QR, BarcodeFormat.DATA_MATRIX)
    size = (round(code.width * module_px), round(code.height * module_px) if tall else height_px)
    return code.resize(size, Image.Resampling.NEAREST if module_px == int(module_px) else Image.Resampling.BICUBIC)


def with_code(code: Image.Image, place: tuple[int, int] = (1000, 60)) -> Image.Image:
    """A letter with a code stuck on it."""
    page = letter()
    page.paste(code, place)
    return page


def texts(page: Image.Image, dpi: int = DPI) -> list[str]:
    return [code.text for code in find_barcodes(numpy.array(page.convert("L")), dpi)]


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_every_kind_is_found_any_way_up(kind: BarcodeFormat, degrees: int) -> None:
    """Stacks are fed upside down and sideways: a sheet that is not seen runs two letters into one."""
    page = with_code(drawn("ASN00123", kind, module_px=3 if kind is not BarcodeFormat.DATA_MATRIX else 5))

    found = find_barcodes(numpy.array(page.rotate(degrees, expand=True)), DPI)

    assert found == (FoundCode(text="ASN00123", format=kind),)


def test_a_letter_without_a_code_has_none() -> None:
    """The control of all others."""
    assert texts(letter()) == []


def test_a_small_code_that_is_lost_at_half_size_is_found() -> None:
    """Archive number stickers are an inch wide: bars of a fifth of a millimetre are one and a half pixels."""
    page = with_code(drawn("ASN00123", BarcodeFormat.CODE_128, module_px=1.5, height_px=50))
    half = cv2.resize(numpy.array(page), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    assert zxingcpp.read_barcodes(half) == [], "the control: half of it is not enough"

    assert texts(page) == ["ASN00123"]


def test_a_small_code_beside_a_large_one_is_found_too() -> None:
    """The invoice with a payment code gets our sticker: the large code must not stop the search."""
    page = with_code(drawn("ASN00123", BarcodeFormat.CODE_128, module_px=1.5, height_px=50))
    page.paste(drawn(PAYMENT, BarcodeFormat.QR, module_px=6), (200, 1700))

    assert sorted(texts(page)) == ["ASN00123", PAYMENT]


def test_a_payment_code_is_read_in_its_own_character_set() -> None:
    """ "MÃ¼ller" as payee would be paid, and never be found again."""
    for charset, codec in (("1", "utf-8"), ("2", "latin-1")):
        text = PAYMENT.replace("\n1\n", f"\n{charset}\n")
        code = zxingcpp.create_barcode(text.encode(codec), zxingcpp.BarcodeFormat.QRCode)
        picture = Image.fromarray(numpy.array(code.to_image(scale=5)))
        assert texts(with_code(picture)) == [text]


@pytest.mark.parametrize("dpi", [100, 200, 300])
def test_our_own_sheet_is_found_even_at_low_resolution(dpi: int) -> None:
    """A scanner set to 100 dpi to save space must still divide its stacks."""
    import pypdfium2

    sheet = pypdfium2.PdfDocument(separator_sheets(1))[0].render(scale=dpi / 72).to_pil()

    assert texts(sheet, dpi) == ["PATCHT"]
    torn = sheet.convert("L")
    ImageDraw.Draw(torn).polygon([(0, 0), (torn.width, 0), (torn.width, torn.height // 2), (0, torn.height // 4)], 255)
    assert texts(torn, dpi) == ["PATCHT"], "a torn sheet is a sheet"


# What is no code ------------------------------------------------------------------------------------------


def test_bars_that_run_into_other_ink_are_not_believed() -> None:
    """Rules and columns of a table can spell a short word by chance: real codes are printed with paper around them."""
    code = drawn("ASN1", BarcodeFormat.CODE_39)
    assert texts(with_code(code)) == ["ASN1"], "the control"
    crowded = with_code(code)
    bars = numpy.flatnonzero(numpy.array(code)[0] < 128)
    pen = ImageDraw.Draw(crowded)
    for left, right in ((bars[0] - 40, bars[0] - 3), (bars[-1] + 3, bars[-1] + 40)):
        for column in range(1000 + int(left), 1000 + int(right), 8):
            pen.rectangle((column, 40, column + 5, 140), fill=0)

    assert texts(crowded) == []


@pytest.mark.parametrize(
    "code", [drawn("ASN00123", BarcodeFormat.CODE_39, height_px=14), drawn("A", BarcodeFormat.QR, module_px=1)]
)
def test_what_is_smaller_than_people_print_is_not_believed(code: Image.Image) -> None:
    """A pattern in a logo or a picture is not a sticker of ours."""
    assert texts(with_code(code.resize((code.width, code.height)))) == []


def test_pages_that_look_like_codes_carry_none() -> None:
    """Tables, hatched boxes and noise: a letter cut in two by a bar chart is a letter lost to its reader."""
    for paint in (_table, _hatched, _noise):
        page = letter(LINES * 2)
        paint(page)
        assert texts(page) == [], paint.__name__


def _table(page: Image.Image) -> None:
    pen = ImageDraw.Draw(page)
    for column in range(200, 1500, 37):
        pen.line((column, 1300, column, 2200), fill=0, width=2 + column % 3)
    for row in range(1300, 2200, 45):
        pen.line((200, row, 1500, row), fill=0, width=2)


def _hatched(page: Image.Image) -> None:
    pen = ImageDraw.Draw(page)
    for column in range(200, 1500, 9):
        pen.line((column, 1500, column + 200, 2000), fill=0, width=4)


def _noise(page: Image.Image) -> None:
    dots = numpy.random.default_rng(5).integers(0, 2, (150, 150), dtype=numpy.uint8) * 255
    page.paste(Image.fromarray(dots).resize((600, 600), Image.Resampling.NEAREST), (500, 1500))


@pytest.mark.parametrize("make", [lambda: numpy.zeros((1, 1)), lambda: numpy.full((3, 5000), 255)])
def test_odd_pictures_do_no_harm(make: Callable[[], numpy.ndarray]) -> None:  # type: ignore[type-arg]
    """A page of one pixel comes from somebody who looks for a way to stop the mail room."""
    for dpi in (30, 200, 1200):
        assert find_barcodes(make().astype(numpy.uint8), dpi) == ()


# What a worker may say ------------------------------------------------------------------------------------


def test_codes_survive_the_way_from_worker_to_pool() -> None:
    """The control of the refusals below."""
    found = (FoundCode(text=PAYMENT, format=BarcodeFormat.QR), FoundCode(text="PATCHT", format=BarcodeFormat.CODE_128))

    codes = codes_from_answer(codes_answer(found), 7)

    assert [(code.text, code.format, code.page) for code in codes] == [(c.text, c.format, 7) for c in found]
    assert codes_from_answer(None, 7) == ()


@pytest.mark.parametrize(
    "answer",
    [
        "PATCHT", [["PATCHT"]], [["PATCHT", "patch-t"]], [[7, "qr"]], [["", "qr"]], [["x" * 4001, "qr"]],
        [["a\x1b[2J", "qr"]], [["PATCHT", "qr"]] * (MAX_CODES + 1), [["PATCHT", ["qr"]]],
    ],
)  # fmt: skip
def test_what_no_honest_worker_says_is_refused(answer: object) -> None:
    """A worker that hostile mail has taken over must not get anything into the archive that way."""
    with pytest.raises(Implausible):
        codes_from_answer(answer, 1)
