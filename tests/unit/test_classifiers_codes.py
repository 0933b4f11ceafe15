"""Payment codes and archive numbers become facts, if they are what the standard says; else nothing does."""

from datetime import date

import pytest
from typed_letters import INVOICE, typed

from classifiers.facts_codes import find_code_doubts, merge_codes, read_payment
from poststelle.config import Config
from poststelle.records import Barcode, BarcodeFormat, ClassifiedDocument, Fact, RecognisedDocument
from poststelle.wiring import classifier, shipped_config

IBAN, OTHER = "DE02120300000000202051", "DE02500105170137075030"
LINES = ["BCD", "002", "1", "SCT", "", "Bäckerei Müller", IBAN, "EUR12.3", "", "", "Rechnung 4711", ""]
READ = Fact(name="iban", value=OTHER, confidence=0.6, page=1)


def qr(lines: list[str] | None = None, page: int = 1, **changed: str) -> Barcode:
    """A payment code with some lines changed, by number: l6="…"."""
    lines = list(LINES if lines is None else lines)
    for name, value in changed.items():
        lines[int(name[1:])] = value
    return Barcode(text="\n".join(lines), format=BarcodeFormat.QR, page=page)


def sticker(text: str, page: int = 1) -> Barcode:
    return Barcode(text=text, format=BarcodeFormat.CODE_128, page=page)


def facts(*codes: Barcode, prefix: str = "ASN", printed: tuple[Fact, ...] = ()) -> dict[str, str]:
    return {fact.name: fact.value for fact in merge_codes(codes, prefix, printed)}


@pytest.mark.parametrize(
    "code",
    [
        qr(), qr(LINES[:11]), qr(l1="001", l4="BYLADEM1001"), qr(l6="DE02 1203 0000 0000 2020 51"), qr(l7="EUR12.30"),
        Barcode(text="\r\n".join(LINES).replace("\r", ""), format=BarcodeFormat.QR, page=1),
    ],
)  # fmt: skip
def test_a_payment_code_states_account_sum_payee_and_purpose(code: Barcode) -> None:
    """What the clerk would type off, and mistype."""
    assert facts(code) == {
        "iban": IBAN, "amount": "12.30", "currency": "EUR", "payee": "Bäckerei Müller", "remittance": "Rechnung 4711",
    }  # fmt: skip
    assert all(fact.confidence == 1.0 and fact.page == 1 for fact in merge_codes([code], "ASN", ()))


def test_a_code_without_a_sum_states_none() -> None:
    """Donation slips leave the sum to the payer: an amount of nought must not be booked."""
    assert facts(qr(l7="")).keys() == {"iban", "payee", "remittance"}


@pytest.mark.parametrize(
    "changes",
    [
        {"l0": "BCE"}, {"l1": "003"}, {"l2": "9"}, {"l2": ""}, {"l3": "INST"}, {"l1": "001"}, {"l4": "BANK"},
        {"l5": ""},
        {"l5": "x" * 71}, {"l6": "DE02120300000000202052"}, {"l6": ""}, {"l7": "12.30"}, {"l7": "EUR12,30"},
        {"l7": "EUR0.00"}, {"l7": "USD12.30"}, {"l7": "EUR1234567890"}, {"l9": "RF18539007547034"}, {"l8": "TOOLONG"},
        {"l10": "x" * 141},
    ],
)  # fmt: skip
def test_a_code_that_breaks_the_standard_states_nothing(changes: dict[str, str]) -> None:
    """A damaged or invented code must not become an account number that is paid to."""
    assert read_payment(qr()) is not None, "the control"
    assert read_payment(qr(**changes)) is None
    assert facts(qr(**changes)) == {}


def test_a_code_is_surer_than_what_was_recognised() -> None:
    """OCR read one account number, the code with its check digits another: the letter's facts name the code's."""
    assert facts(qr(), printed=(READ, Fact(name="date", value="2026-03-05", confidence=0.9))) == {
        "iban": IBAN, "amount": "12.30", "currency": "EUR", "payee": "Bäckerei Müller", "remittance": "Rechnung 4711",
        "date": "2026-03-05",
    }  # fmt: skip


def test_of_several_payments_only_what_they_agree_on_is_stated() -> None:
    """A notice with four instalments: none of the four sums is the letter's."""
    assert facts(qr(), qr(l7="EUR99", page=2)).keys() == {"iban", "payee", "remittance"}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("ASN00123", "123"), ("ASN 000123", "123"), ("ASN-7", "7"), ("ASNXYZXYZ", None), ("ASN", None),
        ("XASN123", None), ("ASN123X", None), ("asn123", None), ("123", None), ("ASN" + "9" * 13, None),
    ],
)  # fmt: skip
def test_archive_numbers_are_what_the_stickers_say(text: str, number: str | None) -> None:
    """Whoever looks for folder 123 must not be sent to a parcel's tracking number."""
    assert facts(sticker(text)).get("archive_number") == number


def test_the_prefix_of_the_stickers_is_the_office_s_own() -> None:
    """An office with numbered stickers of another make keeps them."""
    assert facts(sticker("BELEG-00123"), prefix="BELEG-") == {"archive_number": "123"}
    assert facts(sticker("BELEG-00123")) == {}


def test_two_numbers_on_one_letter_are_none() -> None:
    """Two stickers: one was stuck on by mistake, and a person has to say which."""
    codes = (sticker("ASN1"), sticker("ASN2", page=2))

    assert facts(*codes) == {}
    assert facts(*codes[:1], sticker("ASN001", page=2)) == {"archive_number": "1"}
    assert any("1, 2" in doubt for doubt in classify(*codes).review_reasons)


def classify(*codes: Barcode) -> ClassifiedDocument:
    """The sample invoice with these codes, by the shipped configuration."""
    from poststelle.config import load

    config: Config = load(shipped_config(), None)
    document = typed(INVOICE)
    with_codes = RecognisedDocument(
        file=document.file, media_type=document.media_type, pages=document.pages, barcodes=codes
    )
    return classifier(config).classify(with_codes, date(2026, 3, 10))


def test_a_pasted_over_code_is_noticed() -> None:
    """The newest fraud: a real invoice whose payment code leads to the fraudster's account."""
    plain = classify()
    account = plain.fact("iban")
    amount = plain.fact("amount")
    assert account is not None and amount is not None, "the control: the sample states both"
    honest = qr(l6=account.value, l7=f"EUR{amount.value}")
    foreign = qr(l6=IBAN if account.value != IBAN else OTHER, l7=f"EUR{amount.value}")
    dearer = qr(l6=account.value, l7="EUR99999.99")

    assert find_code_doubts(classify(honest).document, "ASN", plain.facts) == ()
    for code, word in ((foreign, "account"), (dearer, "99999.99")):
        doubted = classify(code)
        assert doubted.needs_review
        assert any("payment code" in reason and word in reason for reason in doubted.review_reasons)
