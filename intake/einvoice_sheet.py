"""An XML invoice as a person reads it: parties, lines, totals, bank, notes, and behind that all that the file says.

Pure layout: values in, placed pieces of text out, in points from the top left corner of an A4 page. The words that
search gets and the PDF that people see are made of the same pieces.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from lxml import etree

from intake.einvoice_fields import find, is_cii, local
from intake.sheet_font import BOLD, REGULAR, width
from poststelle.records import EInvoice

WIDTH, HEIGHT = 595.28, 841.89
_LEFT, _RIGHT, _TOP, _BOTTOM = 56.0, 545.0, 60.0, 790.0
_MIDDLE = 310.0
_SIZE, _SMALL = 9.0, 7.0
_LEADING = 1.35
_MOST_LETTERS = 5_000
"""Longer texts are attachments in letters and digits."""
MAX_PIECES = 60_000

_KINDS = {
    "326": "Teilrechnung", "380": "Rechnung", "381": "Gutschrift", "384": "Rechnungskorrektur",
    "389": "Gutschrift im Gutschriftverfahren", "396": "Gutschrift", "875": "Abschlagsrechnung",
    "876": "Teilschlussrechnung", "877": "Schlussrechnung",
}  # fmt: skip
_UNITS = {
    "C62": "Stück", "H87": "Stück", "EA": "Stück", "HUR": "Std.", "DAY": "Tage", "MON": "Monate", "KGM": "kg",
    "MTR": "m", "MTK": "m²", "MTQ": "m³", "LTR": "l", "KWH": "kWh", "TNE": "t", "LS": "pauschal", "XPP": "Stück",
    "SET": "Satz", "MIN": "Min.", "ANN": "Jahre", "WEE": "Wochen", "P1": "%", "XPK": "Pack", "KMT": "km",
}  # fmt: skip
_NOTE = "Lesbare Darstellung einer elektronischen Rechnung ({form}). Die Rechnung selbst ist die XML-Datei."
_ALL = "Alle Angaben der Datei"
_FORMS = {"cii": "UN/CEFACT CII", "ubl": "UBL", "zugferd-1": "ZUGFeRD 1"}

_AGREEMENT = "*Transaction/ApplicableHeaderTradeAgreement|ApplicableSupplyChainTradeAgreement/"
_SETTLEMENT = "*Transaction/ApplicableHeaderTradeSettlement|ApplicableSupplyChainTradeSettlement/"
_DELIVERY = "*Transaction/ApplicableHeaderTradeDelivery|ApplicableSupplyChainTradeDelivery/"
_SUMS = _SETTLEMENT + "SpecifiedTradeSettlementHeaderMonetarySummation|SpecifiedTradeSettlementMonetarySummation/"
_MEANS = _SETTLEMENT + "SpecifiedTradeSettlementPaymentMeans/"
_LINE_AGREEMENT = "SpecifiedLineTradeAgreement|SpecifiedSupplyChainTradeAgreement/"
_LINE_DELIVERY = "SpecifiedLineTradeDelivery|SpecifiedSupplyChainTradeDelivery/"
_LINE_SETTLEMENT = "SpecifiedLineTradeSettlement|SpecifiedSupplyChainTradeSettlement/"
_LINE_SUM = "SpecifiedTradeSettlementLineMonetarySummation|SpecifiedTradeSettlementMonetarySummation/LineTotalAmount"
_PERIOD = "BillingSpecifiedPeriod/"
_CII = {
    "seller": _AGREEMENT + "SellerTradeParty",
    "buyer": _AGREEMENT + "BuyerTradeParty",
    "line": "*Transaction/IncludedSupplyChainTradeLineItem",
    "lines_below": "",
    "position": "AssociatedDocumentLineDocument/LineID",
    "name": "SpecifiedTradeProduct/Name",
    "description": "SpecifiedTradeProduct/Description",
    "line_note": "AssociatedDocumentLineDocument/IncludedNote/Content",
    "quantity": _LINE_DELIVERY + "BilledQuantity",
    "price": _LINE_AGREEMENT + "NetPriceProductTradePrice/ChargeAmount",
    "rate": _LINE_SETTLEMENT + "ApplicableTradeTax/RateApplicablePercent|ApplicablePercent",
    "line_total": _LINE_SETTLEMENT + _LINE_SUM,
    "tax": _SETTLEMENT + "ApplicableTradeTax",
    "tax_base": "BasisAmount",
    "tax_rate": "RateApplicablePercent|ApplicablePercent",
    "tax_sum": "CalculatedAmount",
    "tax_reason": "ExemptionReason",
    "charge": _SETTLEMENT + "SpecifiedTradeAllowanceCharge",
    "charge_reason": "Reason",
    "charge_sum": "ActualAmount",
    "charge_is": "ChargeIndicator/Indicator",
    "sum_lines": _SUMS + "LineTotalAmount",
    "sum_allowances": _SUMS + "AllowanceTotalAmount",
    "sum_charges": _SUMS + "ChargeTotalAmount",
    "sum_net": _SUMS + "TaxBasisTotalAmount",
    "sum_tax": _SUMS + "TaxTotalAmount",
    "sum_gross": _SUMS + "GrandTotalAmount",
    "sum_prepaid": _SUMS + "TotalPrepaidAmount",
    "sum_due": _SUMS + "DuePayableAmount",
    "iban": _MEANS + "PayeePartyCreditorFinancialAccount/IBANID|ProprietaryID",
    "account_name": _MEANS + "PayeePartyCreditorFinancialAccount/AccountName",
    "bic": _MEANS + "PayeeSpecifiedCreditorFinancialInstitution/BICID",
    "debited": _MEANS + "PayerPartyDebtorFinancialAccount/IBANID",
    "remittance": _SETTLEMENT + "PaymentReference",
    "terms": _SETTLEMENT + "SpecifiedTradePaymentTerms/Description",
    "due_date": _SETTLEMENT + "SpecifiedTradePaymentTerms/DueDateDateTime/DateTimeString",
    "delivered_on": _DELIVERY + "ActualDeliverySupplyChainEvent/OccurrenceDateTime/DateTimeString",
    "from": _SETTLEMENT + _PERIOD + "StartDateTime/DateTimeString",
    "to": _SETTLEMENT + _PERIOD + "EndDateTime/DateTimeString",
    "note": "ExchangedDocument|HeaderExchangedDocument/IncludedNote/Content",
    "party_name": "Name",
    "street": "PostalTradeAddress/LineOne",
    "street_2": "PostalTradeAddress/LineTwo",
    "street_3": "PostalTradeAddress/LineThree",
    "postcode": "PostalTradeAddress/PostcodeCode",
    "town": "PostalTradeAddress/CityName",
    "country": "PostalTradeAddress/CountryID",
    "vat_id": "SpecifiedTaxRegistration/ID[VA]",
    "tax_number": "SpecifiedTaxRegistration/ID[FC]",
    "contact": "DefinedTradeContact/PersonName",
    "phone": "DefinedTradeContact/TelephoneUniversalCommunication/CompleteNumber",
    "mail": "DefinedTradeContact/EmailURIUniversalCommunication/URIID",
}
_TOTAL = "LegalMonetaryTotal/"
_UBL = {
    "seller": "AccountingSupplierParty/Party",
    "buyer": "AccountingCustomerParty/Party",
    "line": "InvoiceLine|CreditNoteLine",
    "lines_below": "SubInvoiceLine|SubCreditNoteLine",
    "position": "ID",
    "name": "Item/Name",
    "description": "Item/Description",
    "line_note": "Note",
    "quantity": "InvoicedQuantity|CreditedQuantity",
    "price": "Price/PriceAmount",
    "rate": "Item/ClassifiedTaxCategory/Percent",
    "line_total": "LineExtensionAmount",
    "tax": "TaxTotal/TaxSubtotal",
    "tax_base": "TaxableAmount",
    "tax_rate": "TaxCategory/Percent",
    "tax_sum": "TaxAmount",
    "tax_reason": "TaxCategory/TaxExemptionReason",
    "charge": "AllowanceCharge",
    "charge_reason": "AllowanceChargeReason",
    "charge_sum": "Amount",
    "charge_is": "ChargeIndicator",
    "sum_lines": _TOTAL + "LineExtensionAmount",
    "sum_allowances": _TOTAL + "AllowanceTotalAmount",
    "sum_charges": _TOTAL + "ChargeTotalAmount",
    "sum_net": _TOTAL + "TaxExclusiveAmount",
    "sum_tax": "TaxTotal/TaxAmount",
    "sum_gross": _TOTAL + "TaxInclusiveAmount",
    "sum_prepaid": _TOTAL + "PrepaidAmount",
    "sum_due": _TOTAL + "PayableAmount",
    "iban": "PaymentMeans/PayeeFinancialAccount/ID",
    "account_name": "PaymentMeans/PayeeFinancialAccount/Name",
    "bic": "PaymentMeans/PayeeFinancialAccount/FinancialInstitutionBranch/ID",
    "debited": "PaymentMeans/PaymentMandate/PayerFinancialAccount/ID",
    "remittance": "PaymentMeans/PaymentID",
    "terms": "PaymentTerms/Note",
    "due_date": "DueDate",
    "delivered_on": "Delivery/ActualDeliveryDate",
    "from": "InvoicePeriod/StartDate",
    "to": "InvoicePeriod/EndDate",
    "note": "Note",
    "party_name": "PartyLegalEntity/RegistrationName",
    "street": "PostalAddress/StreetName",
    "street_2": "PostalAddress/AdditionalStreetName",
    "street_3": "PostalAddress/AddressLine/Line",
    "postcode": "PostalAddress/PostalZone",
    "town": "PostalAddress/CityName",
    "country": "PostalAddress/Country/IdentificationCode",
    "vat_id": "PartyTaxScheme/CompanyID[VAT]",
    "tax_number": "PartyTaxScheme/CompanyID[FC]",
    "contact": "Contact/Name",
    "phone": "Contact/Telephone",
    "mail": "Contact/ElectronicMail",
}
_LABELS = (
    ("reference", "Rechnungsnummer"), ("date", "Rechnungsdatum"), ("due_date", "Zahlbar bis"),
    ("customer_number", "Kundennummer"), ("order_reference", "Bestellnummer"), ("buyer_reference", "Käuferreferenz"),
    ("currency", "Währung"),
)  # fmt: skip
_TOTALS = (
    ("sum_lines", "Summe der Positionen"), ("sum_allowances", "Nachlässe"), ("sum_charges", "Zuschläge"),
    ("sum_net", "Summe netto"), ("sum_tax", "Umsatzsteuer"), ("sum_gross", "Gesamtbetrag brutto"),
    ("sum_prepaid", "Bereits gezahlt"), ("sum_due", "Zahlbetrag"),
)  # fmt: skip
_ADDRESS = (("street",), ("street_2",), ("street_3",), ("postcode", "town"), ("country",))
_MORE = (
    ("vat_id", "USt-IdNr."), ("tax_number", "Steuernummer"), ("contact", "Ansprechpartner"), ("phone", "Telefon"),
    ("mail", "E-Mail"),
)  # fmt: skip
_FIGURES_FROM = 300.0
_COLUMNS = (
    (_LEFT, "Pos."), (_LEFT + 36, "Bezeichnung"), (360.0, "Menge"), (430.0, "Einzelpreis"), (470.0, "USt"),
    (_RIGHT, "Betrag"),
)  # fmt: skip
"""Where each begins; those of figures, where they end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One line of text in one face, at its baseline."""

    text: str
    x: float
    y: float
    size: float
    face: str = REGULAR


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One page."""

    pieces: tuple[Piece, ...]
    rules: tuple[float, ...] = ()
    """Heights of fine lines from margin to margin."""


def lay_out(invoice: EInvoice, root: etree._Element) -> tuple[Sheet, ...]:
    """The pages of an XML file; of one that is no invoice, all that it says."""
    setter = _Setter()
    if invoice.fields:
        _invoice(setter, invoice, root, _CII if is_cii(root) else _UBL)
        setter.gap(2)
        setter.line(_ALL, face=BOLD)
        setter.gap(0.5)
    for text in _everything(root):
        setter.paragraph(text, size=_SMALL)
    return setter.sheets()


def lay_out_lines(lines: Sequence[str]) -> tuple[Sheet, ...]:
    """Pages of plain lines: what can be saved of a file that is not well-formed."""
    setter = _Setter()
    for text in lines:
        setter.paragraph(text, size=_SMALL)
    return setter.sheets()


class _Setter:
    """Sets text from top to bottom, and begins a new page where one is full."""

    def __init__(self) -> None:
        self._done: list[Sheet] = []
        self._pieces: list[Piece] = []
        self._rules: list[float] = []
        self._count = 0
        self.y = _TOP

    def sheets(self) -> tuple[Sheet, ...]:
        self._turn()
        return tuple(self._done)

    def _turn(self) -> None:
        if self._pieces or not self._done:
            self._done.append(Sheet(pieces=tuple(self._pieces), rules=tuple(self._rules)))
        self._pieces, self._rules, self.y = [], [], _TOP

    def gap(self, lines: float) -> None:
        self.y += lines * _SIZE

    def rule(self) -> None:
        self._rules.append(self.y - _SIZE * 0.5)
        self.y += _SIZE * 0.6

    def need(self, height: float) -> None:
        """Begin a new page if there is less room than this."""
        if self.y + height > _BOTTOM:
            self._turn()

    def put(self, text: str, x: float, *, right: bool = False, size: float = _SIZE, face: str = REGULAR) -> None:
        """A piece on the current line; with `right`, it ends at `x`."""
        if text and self._count < MAX_PIECES:
            self._count += 1
            left = x - size * width(text, face) if right else x
            self._pieces.append(Piece(text=text, x=left, y=self.y, size=size, face=face))

    def line(self, text: str, x: float = _LEFT, *, size: float = _SIZE, face: str = REGULAR) -> None:
        self.need(size)
        self.put(text, x, size=size, face=face)
        self.y += size * _LEADING

    def paragraph(self, text: str, x: float = _LEFT, to: float = _RIGHT, *, size: float = _SIZE) -> None:
        for part in _wrapped(text, to - x, size, REGULAR):
            self.line(part, x, size=size)


def _invoice(setter: _Setter, invoice: EInvoice, root: etree._Element, paths: dict[str, str]) -> None:
    values = dict(invoice.fields)
    setter.line(f"{_KINDS.get(invoice.kind, 'Rechnung')} {values.get('reference', '')}".rstrip(), size=16, face=BOLD)
    setter.line(_NOTE.format(form=_FORMS.get(invoice.form, "XML")), size=_SMALL)
    setter.gap(1.5)
    top, ends = setter.y, []
    for x, to, label, party in ((_LEFT, _MIDDLE - 10, "Verkäufer", "seller"), (_MIDDLE, _RIGHT, "Käufer", "buyer")):
        setter.y = top
        setter.line(label, x, size=_SMALL, face=BOLD)
        for text in _party(root, paths, party):
            setter.paragraph(text, x, to)
        ends.append(setter.y)
    setter.y = max(ends)
    setter.gap(1)
    for name, label in _LABELS:
        if name in values:
            _pair(setter, label, _date(values[name]) if name in ("date", "due_date") else values[name])
    _pair(setter, "Lieferdatum", _date(_one(root, paths["delivered_on"])))
    period = " bis ".join(filter(None, (_date(_one(root, paths[end])) for end in ("from", "to"))))
    _pair(setter, "Leistungszeitraum", period)
    setter.gap(1)
    for text in _all(root, paths["note"]):
        setter.paragraph(text)
    setter.gap(1)
    _table(setter, root, paths)
    _totals(setter, root, paths)
    _payment(setter, root, paths)


def _party(root: etree._Element, paths: dict[str, str], which: str) -> Iterator[str]:
    party = next(find(root, paths[which]), None)
    if party is None:
        return
    yield from [_one(party, paths["party_name"]) or _one(party, "PartyName/Name")]
    for names in _ADDRESS:
        if text := " ".join(filter(None, (_one(party, paths[name]) for name in names))):
            yield text
    for name, label in _MORE:
        if text := _one(party, paths[name]):
            yield f"{label}: {text}"


def _pair(setter: _Setter, label: str, text: str) -> None:
    if text:
        parts = _wrapped(text, _RIGHT - _LEFT - 110, _SIZE, REGULAR)
        setter.need(_SIZE)
        setter.put(f"{label}:", _LEFT)
        for part in parts:
            setter.line(part, _LEFT + 110)


def _table(setter: _Setter, root: etree._Element, paths: dict[str, str]) -> None:
    setter.need(5 * _SIZE)
    for x, title in _COLUMNS:
        setter.put(title, x, right=x > _FIGURES_FROM, face=BOLD)
    setter.gap(1.2)
    setter.rule()
    for number, line in enumerate(find(root, paths["line"]), 1):
        _item(setter, line, paths, str(number), 0)
    setter.rule()


def _item(setter: _Setter, line: etree._Element, paths: dict[str, str], number: str, depth: int) -> None:
    quantity = next(find(line, paths["quantity"]), None)
    unit = "" if quantity is None else quantity.get("unitCode") or ""
    rate = _number(_one(line, paths["rate"]))
    cells = (
        f"{_number(_one(line, paths['quantity']))} {_UNITS.get(unit, unit)}".strip(),
        _money(_one(line, paths["price"])),
        f"{rate} %" if rate else "",
        _money(_one(line, paths["line_total"])),
    )
    indent = _COLUMNS[1][0] + 8 * depth
    names = _wrapped(_one(line, paths["name"]) or "–", _FIGURES_FROM - indent, _SIZE, REGULAR)
    setter.need(2 * _SIZE)
    setter.put((_one(line, paths["position"]) or number)[:8], _LEFT)
    for (x, _), cell in zip(_COLUMNS[2:], cells, strict=True):
        setter.put(cell, x, right=True)
    for part in names:
        setter.line(part, indent)
    for path in ("description", "line_note"):
        for text in _all(line, paths[path]):
            setter.paragraph(text, indent, 430, size=_SMALL)
    setter.gap(0.3)
    if paths["lines_below"] and depth < 5:
        for below, child in enumerate(find(line, paths["lines_below"]), 1):
            _item(setter, child, paths, f"{number}.{below}", depth + 1)


def _totals(setter: _Setter, root: etree._Element, paths: dict[str, str]) -> None:
    for charge in find(root, paths["charge"]):
        kind = "Zuschlag" if _one(charge, paths["charge_is"]).lower() == "true" else "Nachlass"
        _sum(setter, f"{kind} {_one(charge, paths['charge_reason'])}".strip(), _one(charge, paths["charge_sum"]))
    for tax in find(root, paths["tax"]):
        rate = _number(_one(tax, paths["tax_rate"]))
        base = _money(_one(tax, paths["tax_base"]))
        _sum(setter, f"Umsatzsteuer {rate or '0'} % auf {base}", _one(tax, paths["tax_sum"]))
        if reason := _one(tax, paths["tax_reason"]):
            setter.paragraph(reason, _MIDDLE, size=_SMALL)
    setter.gap(0.5)
    for name, label in _TOTALS:
        last = name in ("sum_gross", "sum_due")
        _sum(setter, label, _one(root, paths[name]), BOLD if last else REGULAR)


def _sum(setter: _Setter, label: str, amount: str, face: str = REGULAR) -> None:
    if not amount:
        return
    setter.need(_SIZE)
    parts = _wrapped(label, 170, _SIZE, face)
    setter.put(_money(amount), _RIGHT, right=True, face=face)
    for part in parts:
        setter.line(part, _MIDDLE, face=face)


def _payment(setter: _Setter, root: etree._Element, paths: dict[str, str]) -> None:
    setter.gap(1)
    for name, label in (
        ("due_date", "Zahlbar bis"), ("terms", "Zahlungsbedingungen"), ("account_name", "Kontoinhaber"),
        ("iban", "IBAN"), ("bic", "BIC"), ("remittance", "Verwendungszweck"), ("debited", "Einzug von Konto"),
    ):  # fmt: skip
        for text in dict.fromkeys(_all(root, paths[name])):
            _pair(setter, label, _date(text) if name == "due_date" else text)


# Values -----------------------------------------------------------------------------------------------------


def _all(element: etree._Element, path: str) -> Iterator[str]:
    for found in find(element, path):
        if text := printable(found.text or "")[:_MOST_LETTERS]:
            yield text


def _one(element: etree._Element, path: str) -> str:
    return next(_all(element, path), "")


def _everything(root: etree._Element) -> Iterator[str]:
    """Every text of the file behind its element's name, in order; what is attached is left out."""
    for element in root.iter():
        text = printable(element.text or "")
        if text and len(text) <= _MOST_LETTERS and "Binary" not in local(element):
            yield f"{local(element)}: {text}"


def printable(text: str) -> str:
    """The text with single blanks, and blanks for what has no shape."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _date(text: str) -> str:
    match = re.fullmatch(r"(\d{4})-?(\d\d)-?(\d\d)(?:\D.*)?", text)
    return f"{match[3]}.{match[2]}.{match[1]}" if match else text


def _money(text: str) -> str:
    """1234.5 → 1.234,50; what has more decimals keeps them, anything else stays as it is."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return text
    if not value.is_finite() or abs(value) >= Decimal(10) ** 15:
        return text
    exponent = value.normalize().as_tuple().exponent
    decimals = min(6, max(2, -exponent)) if isinstance(exponent, int) else 2
    return f"{value:,.{decimals}f}".translate(str.maketrans(",.", ".,"))


def _number(text: str) -> str:
    """2.0000 → 2; 1.50 → 1,5."""
    plain = _money(text)
    return plain.rstrip("0").rstrip(",") if "," in plain else plain


def _wrapped(text: str, room: float, size: float, face: str) -> list[str]:
    """Lines that fit; a word that does not is cut."""
    lines: list[str] = []
    current = ""
    for word in text.split():
        longer = f"{current} {word}" if current else word
        if size * width(longer, face) <= room:
            current = longer
            continue
        if current:
            lines.append(current)
        while size * width(word, face) > room and len(word) > 1:
            cut = max(1, int(len(word) * room / (size * width(word, face))))
            while cut > 1 and size * width(word[:cut], face) > room:
                cut -= 1
            lines.append(word[:cut])
            word = word[cut:]
        current = word
    return [*lines, current] if current else lines
