"""Where the two languages of electronic invoices, UBL and CII, and ZUGFeRD 1 keep what an invoice states.

Elements are found by local name: draft and final versions differ in namespaces, not in what the names mean.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation

from lxml import etree

_CII_ROOTS = frozenset(("CrossIndustryInvoice", "CrossIndustryDocument"))
_UBL_ROOTS = frozenset(("Invoice", "CreditNote"))
_MAX_LETTERS = 300

_AGREEMENT = "*Transaction/ApplicableHeaderTradeAgreement|ApplicableSupplyChainTradeAgreement/"
_SETTLEMENT = "*Transaction/ApplicableHeaderTradeSettlement|ApplicableSupplyChainTradeSettlement/"
_MEANS = _SETTLEMENT + "SpecifiedTradeSettlementPaymentMeans/"
_SUMS = _SETTLEMENT + "SpecifiedTradeSettlementHeaderMonetarySummation|SpecifiedTradeSettlementMonetarySummation/"
CII: dict[str, str] = {
    "profile": "*DocumentContext/GuidelineSpecifiedDocumentContextParameter/ID",
    "kind": "ExchangedDocument|HeaderExchangedDocument/TypeCode",
    "reference": "ExchangedDocument|HeaderExchangedDocument/ID",
    "date": "ExchangedDocument|HeaderExchangedDocument/IssueDateTime/DateTimeString",
    "sender": _AGREEMENT + "SellerTradeParty/Name",
    "vat_id": _AGREEMENT + "SellerTradeParty/SpecifiedTaxRegistration/ID[VA]",
    "tax_number": _AGREEMENT + "SellerTradeParty/SpecifiedTaxRegistration/ID[FC]",
    "recipient": _AGREEMENT + "BuyerTradeParty/Name",
    "buyer_reference": _AGREEMENT + "BuyerReference",
    "order_reference": _AGREEMENT + "BuyerOrderReferencedDocument/IssuerAssignedID|ID",
    "customer_number": _AGREEMENT + "BuyerTradeParty/ID",
    "currency": _SETTLEMENT + "InvoiceCurrencyCode",
    "iban": _MEANS + "PayeePartyCreditorFinancialAccount/IBANID",
    "bic": _MEANS + "PayeeSpecifiedCreditorFinancialInstitution/BICID",
    "due_date": _SETTLEMENT + "SpecifiedTradePaymentTerms/DueDateDateTime/DateTimeString",
    "net_amount": _SUMS + "TaxBasisTotalAmount",
    "tax_amount": _SUMS + "TaxTotalAmount",
    "amount": _SUMS + "GrandTotalAmount",
    "prepaid": _SUMS + "TotalPrepaidAmount",
    "rounding": _SUMS + "RoundingAmount",
    "amount_due": _SUMS + "DuePayableAmount",
    "line": "*Transaction/IncludedSupplyChainTradeLineItem",
}
_TOTAL = "LegalMonetaryTotal/"
UBL: dict[str, str] = {
    "profile": "CustomizationID",
    "kind": "InvoiceTypeCode|CreditNoteTypeCode",
    "reference": "ID",
    "date": "IssueDate",
    "sender": "AccountingSupplierParty/Party/PartyLegalEntity/RegistrationName",
    "vat_id": "AccountingSupplierParty/Party/PartyTaxScheme/CompanyID[VAT]",
    "tax_number": "AccountingSupplierParty/Party/PartyTaxScheme/CompanyID[!VAT]",
    "recipient": "AccountingCustomerParty/Party/PartyLegalEntity/RegistrationName",
    "buyer_reference": "BuyerReference",
    "order_reference": "OrderReference/ID",
    "customer_number": "AccountingCustomerParty/Party/PartyIdentification/ID",
    "currency": "DocumentCurrencyCode",
    "iban": "PaymentMeans/PayeeFinancialAccount/ID",
    "bic": "PaymentMeans/PayeeFinancialAccount/FinancialInstitutionBranch/ID",
    "due_date": "DueDate",
    "net_amount": _TOTAL + "TaxExclusiveAmount",
    "tax_amount": "TaxTotal/TaxAmount",
    "amount": _TOTAL + "TaxInclusiveAmount",
    "prepaid": _TOTAL + "PrepaidAmount",
    "rounding": _TOTAL + "PayableRoundingAmount",
    "amount_due": _TOTAL + "PayableAmount",
    "line": "InvoiceLine|CreditNoteLine",
}
_THIRD_PARTY = "PrepaidPayment/PaidAmount"
"""XRechnung's extension: what is collected for somebody else, on top of the invoice's own sum."""
AMOUNTS = ("net_amount", "tax_amount", "amount", "prepaid", "rounding", "amount_due")
_DATES = ("date", "due_date")
_COMPACT = ("iban", "bic", "vat_id")
FIELDS = (
    "sender", "date", "reference", "amount", "currency", "due_date", "iban", "bic", "net_amount", "tax_amount",
    "amount_due", "vat_id", "tax_number", "recipient", "buyer_reference", "order_reference", "customer_number",
)  # fmt: skip
"""What becomes a fact, in the order in which it is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """What the XML states: fields in our notation, and what the checks need beside them."""

    form: str
    """ "cii", "ubl" or "zugferd-1"."""
    profile: str
    kind: str
    """Type code, e.g. "380"; the standards' words for invoice, credit note, correction."""
    fields: tuple[tuple[str, str], ...]
    profiles: tuple[str, ...] = ()
    lines: int = 0
    amounts: dict[str, Decimal] = field(default_factory=dict)
    amount_currencies: frozenset[str] = frozenset()
    """Currencies that the totals are marked with; "" for a tax total without one."""
    odd: tuple[str, ...] = ()
    """Fields that stand there but cannot be understood: a date that is none, an amount with letters."""


def local(element: etree._Element) -> str:
    """The element's name without its namespace."""
    tag = element.tag
    return tag.rsplit("}", 1)[-1] if isinstance(tag, str) else ""


def is_invoice(root: etree._Element) -> bool:
    """Whether the root says that this is an invoice in a language we read."""
    return is_cii(root) or (local(root) in _UBL_ROOTS and "oasis:names:specification:ubl" in str(root.tag))


def is_cii(root: etree._Element) -> bool:
    """Whether it is in the language of ZUGFeRD, whose first drafts named their root like UBL does."""
    return local(root) in _CII_ROOTS or (
        local(root) == "Invoice" and next(find(root, "HeaderExchangedDocument"), None) is not None
    )


def find(element: etree._Element, path: str) -> Iterator[etree._Element]:
    """Elements under a path of local names.

    "A|B" stands for either, "*A" for any beginning, "A[S]" for those of scheme S, "A[!S]" for all others.
    """
    step, _, rest = path.partition("/")
    step, _, only = step.partition("[")
    names = step.split("|")
    for child in element:
        name = local(child)
        if name in names or (step.startswith("*") and name.endswith(step[1:])):
            if rest:
                yield from find(child, rest)
            elif not only or _is_scheme(child, only.rstrip("]")):
                yield child


def text_of(element: etree._Element) -> str:
    """The element's own text, blanks folded, cut to what a fact may hold."""
    text = " ".join("".join(char if char.isprintable() else " " for char in element.text or "").split())
    return text[:_MAX_LETTERS]


def read_values(root: etree._Element) -> Values:
    """Everything the paths find, dates and amounts in our notation."""
    paths = CII if is_cii(root) else UBL
    named = {name: list(find(root, path)) for name, path in paths.items()}
    texts = {name: [text for element in found if (text := text_of(element))] for name, found in named.items()}
    form = "ubl" if paths is UBL else "cii" if local(root) == "CrossIndustryInvoice" else "zugferd-1"
    currency = next(iter(texts["currency"]), "")
    # The tax total may stand there twice: the second time in the currency of the books.
    named["tax_amount"] = [e for e in named["tax_amount"] if e.get("currencyID", currency) == currency] or named[
        "tax_amount"
    ]
    texts["tax_amount"] = [text_of(element) for element in named["tax_amount"] if text_of(element)]
    if not texts["sender"]:
        texts["sender"] = [text_of(e) for e in find(root, "AccountingSupplierParty/Party/PartyName/Name")]
    if form == "zugferd-1":
        _read_as_first_version(root, named, texts)
    found, odd, amounts = _understood(texts)
    amounts["third_party"] = sum((Decimal(_decimal(text_of(e)) or 0) for e in find(root, _THIRD_PARTY)), Decimal(0))
    marked = {
        element.get("currencyID") or ""
        for name in AMOUNTS
        for element in named[name]
        if element.get("currencyID") is not None or (name == "tax_amount" and form == "cii")
    }
    if found.get("amount_due") == found.get("amount"):
        found.pop("amount_due", None)
    return Values(
        form=form,
        profile=next(iter(texts["profile"]), ""),
        profiles=tuple(texts["profile"]),
        kind=next(iter(texts["kind"]), ""),
        fields=tuple((name, found[name]) for name in FIELDS if name in found),
        lines=len(named["line"]),
        amounts=amounts,
        amount_currencies=frozenset(marked),
        odd=odd,
    )


def _read_as_first_version(
    root: etree._Element, named: dict[str, list[etree._Element]], texts: dict[str, list[str]]
) -> None:
    """ZUGFeRD 1: drafts wrote dates without the inner element; the currency may stand only beside the amounts."""
    for name in _DATES:
        if not texts[name]:
            texts[name] = [text_of(e) for e in find(root, CII[name].removesuffix("/DateTimeString")) if text_of(e)]
    if not texts["currency"]:
        marks = {mark for name in AMOUNTS for element in named[name] if (mark := element.get("currencyID"))}
        texts["currency"] = list(marks) if len(marks) == 1 else []


def _understood(texts: dict[str, list[str]]) -> tuple[dict[str, str], tuple[str, ...], dict[str, Decimal]]:
    found: dict[str, str] = {}
    odd: list[str] = []
    amounts: dict[str, Decimal] = {}
    for name in (*FIELDS, "prepaid", "rounding"):
        if not texts.get(name):
            continue
        text = texts[name][0]
        value: str | None = text
        if name in _DATES:
            # Of several instalments the first is due first.
            value = min((when for when in map(_iso_date, texts[name]) if when is not None), default=None)
        elif name in AMOUNTS:
            value = _decimal(text)
        elif name in _COMPACT:
            value = re.sub(r"[^0-9A-Za-z]", "", text).upper() or None
        if value is None:
            odd.append(name)
        else:
            found[name] = value
            if name in AMOUNTS:
                amounts[name] = Decimal(value)
    return found, tuple(odd), amounts


def _is_scheme(element: etree._Element, scheme: str) -> bool:
    if scheme.startswith("!"):
        return not _is_scheme(element, scheme[1:])
    if element.get("schemeID") == scheme:
        return True
    parent = element.getparent()
    return parent is not None and any(text_of(e) == scheme for e in find(parent, "TaxScheme/ID"))


def _iso_date(text: str) -> str | None:
    """20261031 (format 102) and 2026-10-31 with or without a time or zone."""
    match = re.match(r"(\d{4})-?(\d{2})-?(\d{2})(?:$|[TZ+\- ]|\d{4,6}$)", text)
    if match is None:
        return None
    try:
        return date(int(match[1]), int(match[2]), int(match[3])).isoformat()
    except ValueError:
        return None


def _decimal(text: str) -> str | None:
    if re.fullmatch(r"[+-]?\d{1,18}(?:\.\d{1,10})?", text) is None:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    cents = value.quantize(Decimal("0.01"))
    return str(cents if cents == value else value.normalize())
