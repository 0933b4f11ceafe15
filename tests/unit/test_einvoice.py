"""Electronic invoices: the XML is the invoice, the page beside it must say the same, and hostile XML does nothing."""

from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import pytest
from einvoices import CII, FACTS, PAGE, UBL, ZUGFERD_1, hybrid

from archive.textpart import LetterText, decode_letter, encode_letter
from classifiers import Classifier
from intake import IntakeSettings, Recognition, RecognitionPool, Snapshot
from intake.answers import Implausible, einvoice_answer, einvoice_from_answer
from intake.einvoice import read_xml
from intake.reading import media_type_of
from intake.structure import is_complete
from poststelle.config import load
from poststelle.records import ClassifiedDocument, EInvoice, PageOrigin, RecognisedDocument, ScannedFile
from poststelle.wiring import classifier

ROOT = Path(__file__).resolve().parents[2]
LAUGHS = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>"""


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> "RecognitionPool":
    pool = RecognitionPool(IntakeSettings(workers=1), tmp_path_factory.mktemp("work"))
    yield pool
    pool.close(wait=False)


@cache
def shipped(cache_folder: Path) -> Classifier:
    return classifier(load(ROOT / "config.yaml", cache_folder))


def read(pool: RecognitionPool, folder: Path, content: bytes) -> Recognition:
    file = folder / "drop"
    file.write_bytes(content)
    with Snapshot.read(file, 10_000_000, folder) as snapshot:
        return pool.recognise(snapshot).result()


def classify(pool: RecognitionPool, folder: Path, content: bytes) -> ClassifiedDocument:
    recognition = read(pool, folder, content)
    file = ScannedFile(
        document_id="0" * 32, source_name="drop", size_bytes=len(content), sha256="0" * 64,
        received_at=datetime(2026, 3, 9, tzinfo=UTC),
    )  # fmt: skip
    document = RecognisedDocument(
        file=file, media_type=recognition.media_type, pages=recognition.pages, einvoice=recognition.einvoice
    )
    return shipped(folder).classify(document, date(2026, 3, 9))


@pytest.mark.parametrize(("xml", "form"), [(CII, "cii"), (UBL, "ubl"), (ZUGFERD_1, "zugferd-1")])
def test_an_invoice_is_read_from_the_xml_in_every_language(xml: str, form: str) -> None:
    """Accounting must not type off what the sender wrote for machines."""
    invoice, _ = read_xml(xml.encode())

    assert dict(invoice.fields) == FACTS
    assert (invoice.form, invoice.kind, invoice.problems) == (form, "380", ())


def test_a_date_in_the_drafts_notation_is_read() -> None:
    """Invoices of 2014 wait for their retention date in every archive."""
    draft = ZUGFERD_1.replace('<udt:DateTimeString format="102">', "").replace("</udt:DateTimeString>", "")

    assert dict(read_xml(draft.encode())[0].fields)["date"] == "2026-03-05"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("<ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>", "", "lacks a currency"),
        ("<ram:ID>HB-2026-118</ram:ID>", "", "lacks a number"),
        ('currencyID="EUR"', 'currencyID="USD"', "marked USD"),
        ("<ram:GrandTotalAmount>1428.00", "<ram:GrandTotalAmount>1482.00", "does not add up: 1200.00 net"),
        ("<ram:DuePayableAmount>1400.00", "<ram:DuePayableAmount>1428.00", "does not add up: 1428.00 is asked"),
        ("<ram:GrandTotalAmount>1428.00", "<ram:GrandTotalAmount>1.428,00", "cannot be understood"),
        ("20260404", "20260431", "cannot be understood"),
        ("urn:cen.eu:en16931:2017", "urn:example:my-own", "no standard knows"),
        (
            "</ram:GuidelineSpecifiedDocumentContextParameter>",
            "</ram:GuidelineSpecifiedDocumentContextParameter><ram:GuidelineSpecifiedDocumentContextParameter>"
            "<ram:ID>urn:factur-x.eu:1p0:basic</ram:ID></ram:GuidelineSpecifiedDocumentContextParameter>",
            "several profiles",
        ),
        ("ram:IncludedSupplyChainTradeLineItem", "ram:Nothing", "has no items"),
    ],
)
def test_what_is_wrong_with_an_invoice_is_said(old: str, new: str, said: str) -> None:
    """A clerk who pays must hear of it before, and the sender must be told what to mend."""
    assert old in CII

    invoice, _ = read_xml(CII.replace(old, new).encode())

    assert [problem for problem in invoice.problems if said in problem]


@pytest.mark.parametrize("code", ["utf-8", "utf-16"])
def test_entities_are_never_expanded(code: str) -> None:
    """A few bytes must not become gigabytes in the mail room's memory; without them the same text is read."""
    bomb = CII.replace('<?xml version="1.0" encoding="UTF-8"?>', LAUGHS).replace("HB-2026-118", "&c;")
    plain = CII.replace('encoding="UTF-8"', "")

    refused, root = read_xml(bomb.encode(code))

    assert root is None and not refused.fields and "document type" in refused.problems[0]
    assert read_xml(plain.encode(code))[0].fields


def test_an_entity_never_brings_a_file_in(tmp_path: Path) -> None:
    """Whoever sends an invoice must not learn what lies on our disk."""
    secret = tmp_path / "secret"
    secret.write_text("Geheimnis")
    xml = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY s SYSTEM "file://{secret}">]><Invoice><ID>&s;</ID></Invoice>'

    invoice, root = read_xml(xml.encode())

    assert root is None and "Geheimnis" not in str(invoice)


def test_an_xml_invoice_becomes_a_letter_one_can_read_and_find(pool: RecognitionPool, tmp_path: Path) -> None:
    """An invoice without a page would be one that nobody can look at."""
    letter = classify(pool, tmp_path, UBL.encode())

    assert letter.document.media_type == "application/xml"
    assert "Hobelbank Buche" in letter.document.text and "1.428,00" in letter.document.text
    assert letter.document.pages[0].origin is PageOrigin.TEXT_LAYER
    assert {fact.name: fact.value for fact in letter.facts if fact.name != "subject"} == FACTS
    assert (letter.record_class, letter.needs_review) == ("invoice", False)


def test_a_credit_note_is_none_that_is_paid(pool: RecognitionPool, tmp_path: Path) -> None:
    """Type 381 asks for no money."""
    assert classify(pool, tmp_path, UBL.replace(">380<", ">381<").encode()).record_class == "credit-note"


@pytest.mark.parametrize(
    "content",
    [UBL.replace("</cac:Party>", "</cac:Pa", 1).encode(), b'<?xml version="1.0"?><order><id>Eichenholz</id></order>'],
    ids=["damaged", "no invoice"],
)
def test_xml_that_is_no_readable_invoice_is_kept_for_a_person(
    pool: RecognitionPool, tmp_path: Path, content: bytes
) -> None:
    """It may be the only copy, and somebody has to write to the sender."""
    letter = classify(pool, tmp_path, content)

    assert letter.needs_review
    assert [reason for reason in letter.review_reasons if "XML" in reason]
    assert "Eiche" in letter.document.text or "Drechslerei Quast KG" in letter.document.text


def test_the_xml_inside_a_pdf_counts(pool: RecognitionPool, tmp_path: Path) -> None:
    """By law the XML is the invoice; what a recogniser thinks it read on the page is not."""
    letter = classify(pool, tmp_path, hybrid(CII))

    assert {name: letter.fact(name).value for name in FACTS} == FACTS
    assert letter.fact("amount").confidence == 1.0
    assert (letter.record_class, letter.review_reasons) == ("invoice", ())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("1.428,00", "4.128,00", "a total of 1428.00"),
        ("DE89 3704 0044 0532 0130 00", "DE02 1203 0000 0000 2020 51", "the account DE89370400440532013000"),
        ("HB-2026-118", "HB-2026-181", "the invoice number HB-2026-118"),
        ("05.03.2026", "06.03.2026", "the date 2026-03-05"),
    ],
)
def test_a_page_that_says_something_else_is_flagged(
    pool: RecognitionPool, tmp_path: Path, old: str, new: str, said: str
) -> None:
    """Fraud lives between what a person sees and what a machine pays."""
    letter = classify(pool, tmp_path, hybrid(CII, PAGE.replace(old, new)))

    assert [reason for reason in letter.review_reasons if said in reason]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (hybrid(None), "no such XML is attached"),
        (hybrid(CII, claims=False), "does not declare it"),
        (hybrid(CII[:900]), "damaged"),
        (hybrid("<order/>"), "no invoice"),
        (hybrid("x", name="photo.png", claims=False), "were not read"),
    ],
    ids=["claimed only", "not declared", "damaged", "no invoice", "a picture"],
)
def test_a_pdf_that_breaks_its_promise_goes_to_a_person(
    pool: RecognitionPool, tmp_path: Path, content: bytes, said: str
) -> None:
    """Without the XML there is no right to deduct the tax."""
    assert [reason for reason in classify(pool, tmp_path, content).review_reasons if said in reason]


def test_a_pdf_without_attachments_is_an_ordinary_letter(pool: RecognitionPool, tmp_path: Path) -> None:
    """Nine of ten PDFs are; nothing may be said about XML there."""
    assert read(pool, tmp_path, hybrid(None, claims=False)).einvoice is None


def test_wrong_check_digits_are_said(pool: RecognitionPool, tmp_path: Path) -> None:
    """A made-up VAT number costs the buyer the tax; a made-up account gets the transfer back."""
    wrong = UBL.replace("DE136695976", "DE136695977").replace("DE89370400440532013000", "DE88370400440532013000")

    letter = classify(pool, tmp_path, wrong.replace("<cbc:CompanyID>12/345</cbc:CompanyID>", "").encode())

    assert sum("wrong check digits" in reason for reason in letter.review_reasons) == 2
    assert letter.fact("iban").confidence <= 0.5
    assert letter.fact("vat_id").confidence <= 0.5


def test_a_tax_number_makes_up_for_a_wrong_vat_number(pool: RecognitionPool, tmp_path: Path) -> None:
    """The law asks for one of the two: a clerk who looks at every such invoice in vain stops looking."""
    letter = classify(pool, tmp_path, UBL.replace("DE136695976", "DE136695977").encode())

    assert not letter.review_reasons
    assert letter.fact("tax_number").value == "12/345"
    assert letter.fact("vat_id").confidence <= 0.5


def test_the_text_part_keeps_what_the_xml_said(pool: RecognitionPool, tmp_path: Path) -> None:
    """A later look at the letter must not have to parse the original again."""
    letter = classify(pool, tmp_path, hybrid(CII))

    kept = decode_letter(encode_letter(LetterText(classified=letter, received_on=date(2026, 3, 9))))

    assert kept.classified.document.einvoice == letter.document.einvoice is not None


@pytest.mark.parametrize(
    "spoilt",
    [
        {"form": "pdf"},
        {"fields": [["date", "2026-02-31"]]},
        {"fields": [["amount", "1,5"]]},
        {"fields": [["sender", "a\nb"]]},
        {"fields": [["sender", "x" * 600]]},
        {"problems": ["x"] * 100},
    ],
)
def test_a_worker_is_not_believed_what_no_honest_one_says(spoilt: dict[str, object]) -> None:
    """It has parsed hostile XML and may not be ours any more."""
    honest = einvoice_answer(EInvoice(form="cii", fields=(("date", "2026-03-05"),)))
    assert einvoice_from_answer(honest) is not None

    with pytest.raises(Implausible):
        einvoice_from_answer(honest | spoilt)


def test_half_an_xml_file_waits() -> None:
    """A file that is still being copied would be kept as a damaged invoice."""
    assert is_complete(CII.encode())
    assert not is_complete(CII[: len(CII) // 2].rstrip("> \n").encode())


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (CII.encode(), "application/xml"),
        (CII.encode("utf-16"), "application/xml"),
        (b"\xef\xbb\xbf" + UBL.encode(), "application/xml"),
        (UBL.partition("?>")[2].encode(), "application/xml"),
        (b"<html><body>Rechnung</body></html>", None),
        (hybrid(CII), "application/pdf"),
    ],
)
def test_xml_is_told_by_its_content(head: bytes, expected: str | None) -> None:
    """Names of files prove nothing."""
    assert media_type_of(head[:1024]) == expected
