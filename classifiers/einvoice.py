"""Electronic invoices: what the XML states is what counts; where pages stand beside it, they must say the same."""

from datetime import date

from classifiers.deadline_kinds import PAYMENT
from classifiers.evidence import Evidence
from poststelle.german import compact, find_amounts, find_dates, iban_is_valid
from poststelle.records import EInvoice, Fact, PageOrigin, RecognisedDocument

STATED = 1.0
"""Confidence of what the XML states: it is the invoice, nothing was recognised."""
WRONG_DIGITS = 0.5
SURELY_PRINTED = 0.9
"""A total that the pages state this surely must be the XML's."""
IS_AN_INVOICE = 12.0
"""In steps of log-odds: more than any words on the page can say against it."""
_CREDIT_NOTES = frozenset(("381", "396", "261", "262", "308", "532"))


def merge_facts(invoice: EInvoice | None, printed: tuple[Fact, ...]) -> tuple[Fact, ...]:
    """The XML's facts, and those of the page that it does not state."""
    if invoice is None or not invoice.fields:
        return printed
    stated = tuple(
        Fact(name=name, value=value, confidence=_certainty(name, value), kind=PAYMENT if name == "due_date" else "")
        for name, value in invoice.fields
    )
    if not invoice.embedded:
        # Of the readable pages we made ourselves nothing is a fact: all is in the XML.
        number = dict(invoice.fields).get("reference", "")
        title = f"{'Gutschrift' if invoice.kind in _CREDIT_NOTES else 'Rechnung'} {number}".strip()
        return (*stated, Fact(name="subject", value=title, confidence=STATED))
    names = {fact.name for fact in stated}
    # A page beside the XML may name an account or a sum that the XML leaves out; then it is the page's word.
    kept = tuple(fact for fact in printed if fact.name not in names)
    return (*stated, *kept)


def _certainty(name: str, value: str) -> float:
    wrong = (name == "iban" and _is_wrong_iban(value)) or (name == "vat_id" and _is_wrong_vat_id(value))
    return WRONG_DIGITS if wrong else STATED


def invoice_evidence(invoice: EInvoice | None) -> tuple[str, Evidence] | None:
    """The class that an electronic invoice belongs to, and the evidence; None if there is none that was read."""
    if invoice is None or not invoice.fields:
        return None
    code = "credit-note" if invoice.kind in _CREDIT_NOTES else "invoice"
    return code, Evidence(text=f"is an electronic invoice of type {invoice.kind or 'unknown'}", weight=IS_AN_INVOICE)


def find_doubts(document: RecognisedDocument, printed: tuple[Fact, ...]) -> tuple[str, ...]:
    """What a person should look at: what is wrong with the XML, and where the pages say something else."""
    invoice = document.einvoice
    if invoice is None:
        return ()
    fields = dict(invoice.fields)
    doubts = [*invoice.problems, *_wrong_digits(fields)]
    if invoice.embedded and invoice.fields:
        doubts += _deviations(document, fields, printed)
    return tuple(doubts)


def _wrong_digits(fields: dict[str, str]) -> list[str]:
    doubts = []
    vat_id, iban = fields.get("vat_id", ""), fields.get("iban", "")
    # One of the two numbers makes an invoice from which the buyer may deduct the tax (§ 14 (4) no. 2 UStG).
    if _is_wrong_vat_id(vat_id) and not fields.get("tax_number") and fields.get("tax_amount", "0").strip("0."):
        doubts.append(f"The seller's VAT number {vat_id} has wrong check digits, and no tax number is stated.")
    if _is_wrong_iban(iban):
        doubts.append(f"The account number {iban} has wrong check digits.")
    return doubts


def _is_wrong_vat_id(value: str) -> bool:
    from stdnum.eu import vat

    return value[:2].isalpha() and len(value) > 4 and not vat.is_valid(value)


def _is_wrong_iban(value: str) -> bool:
    return value[:2].isalpha() and not iban_is_valid(value)


def _deviations(document: RecognisedDocument, fields: dict[str, str], printed: tuple[Fact, ...]) -> list[str]:
    """Only what would be paid or booked wrongly: sum, account, number, date."""
    if any(page.origin is PageOrigin.UNREAD for page in document.pages) or not document.text.strip():
        return ["The pages beside the XML invoice could not be compared with it."]
    text = " ".join(document.text.split())
    page = {fact.name: fact for fact in printed}
    doubts = []
    amounts = {value.removeprefix("-") for _, _, value in find_amounts(text)}
    sums = {fields[name].removeprefix("-") for name in ("amount", "amount_due") if name in fields}
    shown = page.get("amount")
    if sums and not sums & amounts:
        doubts.append(f"The XML states a total of {fields.get('amount')}, which the pages do not show.")
    elif sums and shown is not None and shown.confidence >= SURELY_PRINTED and shown.value not in sums:
        doubts.append(f"The XML states a total of {fields.get('amount')}, the pages {shown.value}.")
    squeezed = compact(text)
    if (iban := fields.get("iban")) and iban not in squeezed and (other := page.get("iban")) is not None:
        doubts.append(f"The XML states the account {iban}, the pages {other.value}.")
    if (reference := fields.get("reference")) and compact(reference) not in squeezed:
        doubts.append(f"The XML states the invoice number {reference}, which the pages do not show.")
    dated = fields.get("date")
    dates = {when for _, _, when in find_dates(text)}
    if dated and dates and date.fromisoformat(dated) not in dates:
        doubts.append(f"The XML states the date {dated}, which the pages do not show.")
    return doubts
