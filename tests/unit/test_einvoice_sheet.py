"""The readable pages of an XML invoice: nobody signs off what they cannot look at."""

import io
from xml.sax.saxutils import escape

import pikepdf
import pypdfium2
import pytest
from einvoices import CII, UBL, ZUGFERD_1
from pikepdf.pdfa import validate_written

from intake import sheet_font
from intake.einvoice_sheet import MAX_PIECES
from intake.pages_xml import XmlPages
from intake.rendition import make_rendition

XML = "application/xml"


def text_of(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    return "\n".join(document[number].get_textpage().get_text_range() for number in range(len(document)))


@pytest.mark.parametrize("xml", [CII, UBL, ZUGFERD_1], ids=["cii", "ubl", "zugferd-1"])
def test_parties_lines_totals_and_bank_can_be_read(xml: str) -> None:
    """Who checks the invoice must see what is asked for, for what, and where the money goes."""
    pdf = make_rendition(xml.encode(), XML, ())

    shown = text_of(pdf)
    for said in (
        "Verkäufer",
        "Drechslerei Quast KG",
        "HB-2026-118",
        "Hobelbank Buche",
        "1.428,00",
        "Gesamtbetrag brutto",
    ):
        assert said in shown, said
    assert dict(XmlPages(xml.encode()).einvoice.fields)["iban"] in shown.replace(" ", "")
    assert validate_written(io.BytesIO(pdf), "2b").passed


def test_every_face_is_inside_the_pdf() -> None:
    """A page that borrows its letters looks different in ten years, or is empty."""
    with pikepdf.open(io.BytesIO(make_rendition(UBL.encode(), XML, ()))) as pdf:
        fonts = pdf.pages[0].Resources.Font

        assert all("/FontFile3" in font.FontDescriptor for font in fonts.values())


def test_search_gets_the_words_where_they_are_seen() -> None:
    """A hit is marked on the page; the box must lie on the word."""
    page = XmlPages(UBL.encode()).page(1)
    drawn = pypdfium2.PdfDocument(make_rendition(UBL.encode(), XML, ()))[0]

    word = next(word for word in page.words if word.text == "HB-2026-118")
    scale = 72 / page.dpi
    height = drawn.get_height()
    inside = drawn.get_textpage().get_text_bounded(
        left=word.left * scale - 1,
        right=word.right * scale + 1,
        top=height - word.top * scale + 1,
        bottom=height - word.bottom * scale - 1,
    )
    assert inside.strip() == "HB-2026-118"


def test_xml_that_is_no_invoice_can_be_read_too() -> None:
    """It lies in review, and somebody has to see what it is."""
    assert "Eichenholz" in text_of(make_rendition(b"<order><id>Eichenholz</id></order>", XML, ()))
    assert "Eichenholz" in text_of(make_rendition(b"<order><id>Eichenholz</id>", XML, ()))


def test_a_text_that_looks_like_pdf_commands_stays_text() -> None:
    """The file comes from outside: what it says must not draw, hide or end anything."""
    nasty = ") Tj ET Q /F1 40 Tf (\\"

    shown = text_of(make_rendition(UBL.replace("Hobelbank Buche", escape(nasty)).encode(), XML, ()))

    assert "/F1 40 Tf" in shown
    assert "Drechslerei Quast KG" in shown


def test_letters_that_the_faces_lack_are_set_plainly_and_found_as_written() -> None:
    """A Czech sender is still a sender."""
    xml = UBL.replace("Drechslerei Quast KG", "Dřevo Łódź 木")

    assert "Drevo Lódz ?" in text_of(make_rendition(xml.encode(), XML, ()))
    assert "Dřevo" in {word.text for word in XmlPages(xml.encode()).page(1).words}


def test_a_huge_file_makes_no_endless_pdf() -> None:
    """A million elements must not fill the vault, or keep a worker for an hour."""
    pages = XmlPages(b"<order>" + b"<id>7</id>" * (MAX_PIECES + 5_000) + b"</order>")

    assert sum(len(sheet.pieces) for sheet in pages.sheets) == MAX_PIECES


def test_the_widths_are_those_of_the_program() -> None:
    """Figures stand under one another only if every digit is as wide as we think."""
    assert sheet_font.width("0123456789", sheet_font.REGULAR) == pytest.approx(5.56)
    assert sheet_font.width("€", sheet_font.BOLD) == pytest.approx(0.722)
    assert sheet_font.encode("ä€–") == "ä€–".encode("cp1252")
