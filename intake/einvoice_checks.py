"""What an electronic invoice must hold to be one: the rules of EN 16931 that a reader depends on, as sentences.

Not a validator: formats and code lists are left to those. What is checked here is what a wrong payment or a wrong
booking would come from. Check digits of account and VAT numbers are the classifier's, as for any letter.
"""

import re
from collections.abc import Iterator
from decimal import Decimal

from intake.einvoice_fields import Values

_PROFILE = re.compile(
    r"urn:cen\.eu:en16931:2017(?:#(?:compliant|conformant)#urn:[\w.:-]+)*"
    r"|urn:(?:factur-x\.eu|zugferd\.de|ferd)[\w.:#-]*"
    r"|urn:fdc:peppol\.eu:[\w.:#-]+",
    re.IGNORECASE,
)
_TWO_STANDARDS = re.compile(r"#urn:factur-x\.eu:1p0:(?!basic$|extended$)|#compliant#urn:factur-x\.eu", re.IGNORECASE)
_WITHOUT_LINES = re.compile(r":(?:minimum|basicwl)$", re.IGNORECASE)
_TOLERANCE = Decimal("0.02")
_MUST = {
    "reference": "a number",
    "date": "a date",
    "sender": "a seller",
    "recipient": "a buyer",
    "currency": "a currency",
    "amount": "a total",
}
_NAMES = {
    "date": "the date",
    "due_date": "the due date",
    "amount": "the total",
    "net_amount": "the net amount",
    "tax_amount": "the tax",
    "amount_due": "the amount due",
    "prepaid": "the amount paid before",
    "rounding": "the rounding",
    "iban": "the account number",
    "bic": "the bank's code",
    "vat_id": "the VAT number",
}


def find_problems(values: Values) -> tuple[str, ...]:
    """What is wrong with an invoice, as sentences for the clerk; empty if nothing was found."""
    return tuple(_problems(values))


def _problems(values: Values) -> Iterator[str]:
    fields = dict(values.fields)
    missing = [words for name, words in _MUST.items() if name not in fields and name not in values.odd]
    if missing:
        yield f"The XML invoice lacks {', '.join(missing)}."
    for name in values.odd:
        yield f"The XML invoice states {_NAMES.get(name, name)} in a way that cannot be understood."
    yield from _profile_problems(values)
    if not values.lines and not _WITHOUT_LINES.search(values.profile):
        yield "The XML invoice has no items."
    currency = fields.get("currency", "")
    others = sorted(code for code in values.amount_currencies if code and currency and code != currency)
    if others:
        yield f"The XML invoice is in {currency}, but amounts in it are marked {', '.join(others)}."
    yield from _sum_problems(values)


def _profile_problems(values: Values) -> Iterator[str]:
    if not values.profiles:
        yield "The XML invoice does not say which profile of the standard it follows."
    elif len(values.profiles) > 1:
        yield "The XML invoice claims several profiles of the standard at once."
    elif not _PROFILE.fullmatch(values.profile):
        yield "The XML invoice claims a profile that no standard knows."
    elif values.form == "cii" and _TWO_STANDARDS.search(values.profile) and not _is_basic(values.profile):
        yield "The XML invoice claims several profiles of the standard at once."


def _is_basic(profile: str) -> bool:
    """Factur-X BASIC and EXTENDED are written with the European norm's id in front."""
    return bool(re.search(r"#(?:compliant|conformant)#urn:factur-x\.eu:1p0:(?:basic|extended)$", profile, re.I))


def _sum_problems(values: Values) -> Iterator[str]:
    amounts = values.amounts
    net, tax, gross = amounts.get("net_amount"), amounts.get("tax_amount"), amounts.get("amount")
    if net is not None and gross is not None and abs(net + (tax or 0) - gross) > _TOLERANCE:
        yield f"The XML invoice does not add up: {net} net and {tax or 0} tax are not {gross}."
    due = amounts.get("amount_due")
    if due is not None and gross is not None:
        zero = Decimal(0)
        expected = gross - amounts.get("prepaid", zero) + amounts.get("rounding", zero)
        expected += amounts.get("third_party", zero)
        # A correction that is set off against other invoices asks for nothing.
        if abs(expected - due) > _TOLERANCE and not (due == 0 and expected < 0):
            yield f"The XML invoice does not add up: {due} is asked for, {expected} would follow from its sums."
