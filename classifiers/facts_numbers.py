"""Numbers beside the total and the reference: net and tax, the bank's BIC, the VAT number, the file number.

Sums are told only if they add up to the total; a BIC must be of the account's country; a VAT number with wrong
check digits is shown as doubtful.
"""

import math
import re
from itertools import combinations

from classifiers.facts_money import find_tax_lines
from classifiers.layout import Letter
from classifiers.lines import Flow
from poststelle.german import find_amounts
from poststelle.records import Fact

ADDED_UP = 0.975
OF_THE_ACCOUNT, OF_ANOTHER_COUNTRY = 0.95, 0.4
CHECKED, WRONG_DIGITS = 0.97, 0.4
MOST_RATES = 3
LEAST_RATE, HIGHEST_RATE = 0.04, 0.26
_BIC = re.compile(
    r"\b(?:BIC|SWIFT)(?:[-/ ]?(?:Code|BIC))?\W{0,3}([A-Z0-9]{4}\s?[A-Z0]{2}\s?[A-Z0-9]{2}(?:\s?[A-Z0-9]{3})?)(?!\w)"
)
_VAT_ID = re.compile(
    r"\b((?:ATU|DE|BE|BG|CY|CZ|DK|EE|EL|ES|FI|FR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK)\s?"
    r"[\dOIlSB][\dA-Zl .]{6,13})"
)
_VAT_LABEL = re.compile(r"(?:u(?:m)?s(?:a)?t(?:z)?(?:steuer)?\W{0,3}id\w*|vat\b|ust\W{0,2}id\S*)", re.IGNORECASE)
_CONFUSED = str.maketrans("OIlSB", "01158")
_LABEL_REACH = 30


def find_tax(letter: Letter, amount: Fact | None) -> tuple[Fact, ...]:
    """Net and tax of the total: the amounts of the same page that add up to it; nothing if none do."""
    page = next((page for page in letter.pages if amount is not None and page.number == amount.page), None)
    if page is None or amount is None:
        return ()
    gross, taxes = _cents(amount.value), sorted(set(find_tax_lines(page)))
    cents = {_cents(value) for _, _, value in find_amounts(page.flow.text)}
    for count in range(1, MOST_RATES + 1):
        for several in combinations(taxes[:8], count):
            tax = sum(several)
            net = gross - tax
            # Two rates have two nets: their sum need not be printed.
            if LEAST_RATE * net <= tax <= HIGHEST_RATE * net and (net in cents or count > 1):
                legible = amount.confidence / max(amount.confidence, ADDED_UP)
                sure = round(ADDED_UP * legible, 3)
                return tuple(
                    Fact(name=name, value=f"{value // 100}.{value % 100:02}", confidence=sure, page=page.number)
                    for name, value in (("net_amount", net), ("tax_amount", tax))
                )
    return ()


def find_bic(letter: Letter, iban: Fact | None) -> Fact | None:
    """The bank of the account; surely only if it is in the account's country."""
    from stdnum import bic as standard

    best: Fact | None = None
    for page in letter.pages:
        for match in _BIC.finditer(page.flow.text):
            read = re.sub(r"\s", "", match[1])
            code = read[:4] + read[4:6].replace("0", "O") + read[6:]
            if code[:4].isdigit() or (not standard.is_valid(code) and not code.isalnum()):
                continue
            if not code[:4].isalpha() or not code[4:6].isalpha():
                continue
            usual = OF_THE_ACCOUNT if iban is None or iban.value[:2] == code[4:6] else OF_ANOTHER_COUNTRY
            sure = round(usual * page.flow.confidence_between(*match.span(1)), 3)
            if best is None or sure > best.confidence:
                best = Fact(name="bic", value=code, confidence=sure, page=page.number)
    return best


def find_vat_id(letter: Letter) -> Fact | None:
    """The sender's VAT number: labelled, or with right check digits; letters are read as digits only if these hold."""
    found: list[Fact] = []
    for page in letter.pages[:3]:
        for match in _VAT_ID.finditer(page.flow.text):
            labelled = _VAT_LABEL.search(page.flow.text[max(0, match.start() - _LABEL_REACH) : match.start()])
            value, checked = _vat_number(match[1])
            if value and (checked or labelled):
                sure = (CHECKED if checked and labelled else 0.9 if checked else WRONG_DIGITS) * _sure(page.flow, match)
                found.append(Fact(name="vat_id", value=value, confidence=round(sure, 3), page=page.number))
    return max(found, key=lambda fact: fact.confidence, default=None)


def _sure(flow: Flow, match: re.Match[str]) -> float:
    return math.sqrt(flow.confidence_between(match.start(1), match.start(1) + 11))


def _vat_number(text: str) -> tuple[str, bool]:
    """The number as the standard writes it, and whether its check digits hold; "" if it cannot be one."""
    from stdnum.eu import vat

    squeezed = re.sub(r"[ .]", "", text)
    country = squeezed[:2]
    if country == "DE":
        digits = squeezed[2:11]
        for read in (digits, digits.translate(_CONFUSED)):
            if vat.is_valid("DE" + read):
                return "DE" + read, True
        return ("DE" + digits, False) if len(digits) == 9 and digits.isdigit() else ("", False)
    for end in range(len(squeezed), 9, -1):
        if vat.is_valid(squeezed[:end]):
            return squeezed[:end], True
    return "", False


def _cents(value: str) -> int:
    return int(value.replace(".", "").removeprefix("-"))
