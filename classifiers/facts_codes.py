"""What the codes on a letter state: a payment (GiroCode, the EPC's QR code), or the archive number that we stuck on it.

A payment code is believed only if every line is as the standard wants it and the account number's check digits hold;
then it is surer than anything that was recognised, and says what the letter's own text may have been misread as.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from poststelle.german import compact, find_amounts, iban_is_valid
from poststelle.records import Barcode, BarcodeFormat, Fact, RecognisedDocument

READ = 1.0
"""Confidence of what a code states: it has check digits of its own."""
SURELY_PRINTED = 0.9
_BIC = re.compile(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?")
_AMOUNT = re.compile(r"EUR(\d{1,9}(?:\.\d{1,2})?)")
_MOST_LINES, _LEAST_LINES = 12, 7
_NAME_LETTERS, _REFERENCE_LETTERS, _TEXT_LETTERS = 70, 35, 140
_NUMBER = r"[\s.:#-]*0*(\d{1,12})"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCode:
    """A transfer that a letter asks for."""

    payee: str
    iban: str
    amount: str | None
    """Plain decimal, in euros; None if the payer fills it in."""
    remittance: str
    page: int


def read_payment(code: Barcode) -> PaymentCode | None:
    """The payment that a code states, or None if it is not one to the letter of the standard."""
    if code.format is not BarcodeFormat.QR:
        return None
    lines = [line.strip() for line in code.text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    if not _LEAST_LINES <= len(lines) <= _MOST_LINES:
        return None
    lines += [""] * (_MOST_LINES - len(lines))
    tag, version, charset, kind, bic, payee, iban, amount, purpose, reference, text, _ = lines
    if tag != "BCD" or version not in ("001", "002") or charset not in "12345678" or len(charset) != 1 or kind != "SCT":
        return None
    if not (_BIC.fullmatch(bic) if bic else version == "002"):
        return None
    if not 0 < len(payee) <= _NAME_LETTERS or not iban_is_valid(compact(iban)) or len(purpose) > 4:
        return None
    stated = _AMOUNT.fullmatch(amount) if amount else None
    if (amount and (stated is None or Decimal(stated[1]) < Decimal("0.01"))) or (reference and text):
        return None
    if len(reference) > _REFERENCE_LETTERS or len(text) > _TEXT_LETTERS:
        return None
    return PaymentCode(
        payee=payee,
        iban=compact(iban),
        amount=None if stated is None else f"{Decimal(stated[1]):.2f}",
        remittance=reference or text,
        page=code.page,
    )


def merge_codes(barcodes: Sequence[Barcode], prefix: str, printed: tuple[Fact, ...]) -> tuple[Fact, ...]:
    """The facts that the codes state, and those of the page that they do not."""
    stated = (*_payment_facts(barcodes), *_archive_facts(barcodes, prefix))
    names = {fact.name for fact in stated}
    return (*(fact for fact in printed if fact.name not in names), *stated)


def _payment_facts(barcodes: Sequence[Barcode]) -> tuple[Fact, ...]:
    """Of several payments (instalments, say) only what all of them agree on."""
    payments = [payment for code in barcodes if (payment := read_payment(code)) is not None]
    if not payments:
        return ()
    first = payments[0]
    values = {
        "payee": first.payee,
        "iban": first.iban,
        "amount": first.amount,
        "currency": None if first.amount is None else "EUR",
        "remittance": first.remittance or None,
    }
    agreed = {
        "payee": len({payment.payee for payment in payments}) == 1,
        "iban": len({payment.iban for payment in payments}) == 1,
        "amount": len({payment.amount for payment in payments}) == 1,
        "currency": len({payment.amount for payment in payments}) == 1,
        "remittance": len({payment.remittance for payment in payments}) == 1,
    }
    return tuple(
        Fact(name=name, value=value, confidence=READ, page=first.page)
        for name, value in values.items()
        if value is not None and agreed[name]
    )


def _archive_facts(barcodes: Sequence[Barcode], prefix: str) -> tuple[Fact, ...]:
    numbers = _archive_numbers(barcodes, prefix)
    if len(numbers) != 1:
        return ()
    ((number, page),) = numbers.items()
    return (Fact(name="archive_number", value=number, confidence=READ, page=page),)


def _archive_numbers(barcodes: Sequence[Barcode], prefix: str) -> dict[str, int]:
    """Archive numbers without leading noughts, each with the first page that carries it."""
    pattern = re.compile(re.escape(prefix) + _NUMBER)
    found: dict[str, int] = {}
    for code in barcodes:
        if (match := pattern.fullmatch(code.text.strip())) is not None:
            found.setdefault(match[1], code.page)
    return found


def find_code_doubts(document: RecognisedDocument, prefix: str, printed: tuple[Fact, ...]) -> tuple[str, ...]:
    """Where a code and the page beside it say different things: somebody may have pasted their own code over it."""
    doubts = []
    numbers = _archive_numbers(document.barcodes, prefix)
    if len(numbers) > 1:
        doubts.append(f"The letter carries several archive numbers: {', '.join(sorted(numbers))}.")
    page = {fact.name: fact for fact in printed}
    squeezed = compact(document.text)
    amounts = {value for _, _, value in find_amounts(" ".join(document.text.split()))}
    for payment in dict.fromkeys(filter(None, map(read_payment, document.barcodes))):
        shown = page.get("iban")
        if shown is not None and payment.iban not in squeezed:
            doubts.append(f"The payment code names the account {payment.iban}, the page {shown.value}.")
        total = page.get("amount")
        if payment.amount is None or total is None or total.confidence < SURELY_PRINTED:
            continue
        if payment.amount != total.value and payment.amount not in amounts:
            doubts.append(f"The payment code asks for {payment.amount} EUR, the page for {total.value}.")
    return tuple(doubts)
