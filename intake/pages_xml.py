"""Pages of an XML invoice: no letter, so a readable one is made of it; everything it says can be found and shown."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from intake.einvoice import read_xml
from intake.einvoice_fields import CII, UBL, find, local, text_of
from intake.engine import FoundWord
from intake.reading import TextLayer

if TYPE_CHECKING:
    import mmap

    from lxml import etree

    from poststelle.records import EInvoice

_DPI = 200
_WIDTH_PX, _HEIGHT_PX = 1654, 2339
_MARGIN_PX, _LETTER_PX, _LINE_PX = 100, 15, 36
_LETTERS, _LINES = 96, 58
_MAX_LINES = 40_000
_MAX_VALUE_LETTERS = 5_000
"""Longer texts are attachments in letters and digits."""

_LABELS = {
    "sender": "Verkäufer",
    "recipient": "Käufer",
    "reference": "Rechnungsnummer",
    "date": "Rechnungsdatum",
    "due_date": "Zahlbar bis",
    "customer_number": "Kundennummer",
    "order_reference": "Bestellnummer",
    "buyer_reference": "Käuferreferenz",
    "net_amount": "Summe netto",
    "tax_amount": "Umsatzsteuer",
    "amount": "Gesamtbetrag brutto",
    "amount_due": "Zahlbetrag",
    "currency": "Währung",
    "iban": "IBAN",
    "bic": "BIC",
    "vat_id": "USt-IdNr.",
}
_KINDS = {"381": "Gutschrift", "384": "Rechnungskorrektur", "389": "Gutschrift im Gutschriftverfahren"}
_NAMES = ("SpecifiedTradeProduct|Item/Name",)
_QUANTITIES = (
    "SpecifiedLineTradeDelivery|SpecifiedSupplyChainTradeDelivery/BilledQuantity",
    "InvoicedQuantity|CreditedQuantity",
)
_TOTALS = (
    "SpecifiedLineTradeSettlement|SpecifiedSupplyChainTradeSettlement/"
    "SpecifiedTradeSettlementLineMonetarySummation|SpecifiedTradeSettlementMonetarySummation/LineTotalAmount",
    "LineExtensionAmount",
)


class XmlPages:
    """One XML file, laid out as typed pages."""

    media_type = "application/xml"

    def __init__(self, data: "mmap.mmap | bytes") -> None:
        raw = bytes(data)
        self.einvoice, root = read_xml(raw)
        lines = _raw_lines(raw) if root is None else _lines(self.einvoice, root)
        self._lines = [part for line in lines for part in _wrapped(line)][:_MAX_LINES]

    def count(self) -> int:
        """How many pages there are."""
        return max(1, -(-len(self._lines) // _LINES))

    def page(self, number: int) -> TextLayer:
        """One page: its words, as if typed."""
        words = []
        for line, text in enumerate(self._lines[(number - 1) * _LINES : number * _LINES]):
            top = _MARGIN_PX + line * _LINE_PX
            for match in re.finditer(r"\S+", text):
                words.append(
                    FoundWord(
                        text=match.group(),
                        left=_MARGIN_PX + match.start() * _LETTER_PX,
                        top=top,
                        right=_MARGIN_PX + match.end() * _LETTER_PX,
                        bottom=top + 22,
                        confidence=1.0,
                        line=line,
                        block=0,
                    )
                )
        return TextLayer(width_px=_WIDTH_PX, height_px=_HEIGHT_PX, dpi=_DPI, words=words)

    def close(self) -> None:
        """Give the memory back."""
        self._lines = []


def _lines(invoice: "EInvoice", root: "etree._Element") -> Iterator[str]:
    if invoice.fields:
        values = dict(invoice.fields)
        yield f"{_KINDS.get(invoice.kind, 'Rechnung')} {values.get('reference', '')}".rstrip()
        yield ""
        for name, label in _LABELS.items():
            if name in values:
                yield f"{label}: {_shown(name, values[name])}"
        yield ""
        yield from _items(root)
        yield ""
        yield "Alle Angaben der Datei"
    yield from _everything(root)


def _items(root: "etree._Element") -> Iterator[str]:
    yield f"{'Pos.':<6}{'Bezeichnung':<60}{'Menge':>10}  {'Betrag':>14}"
    for index, line in enumerate((*find(root, UBL["line"]), *find(root, CII["line"])), 1):
        name, quantity, total = (_first(line, paths) for paths in (_NAMES, _QUANTITIES, _TOTALS))
        yield f"{index:<6}{name[:58]:<60}{quantity:>10}  {_german(total):>14}"


def _first(line: "etree._Element", paths: tuple[str, ...]) -> str:
    return next((text_of(element) for path in paths for element in find(line, path)), "")


def _everything(root: "etree._Element") -> Iterator[str]:
    """Every text of the file behind its element's name, in order; what is attached is left out."""
    for element in root.iter():
        text = " ".join((element.text or "").split())
        if text and len(text) <= _MAX_VALUE_LETTERS and "Binary" not in local(element):
            yield f"{local(element)}: {text}"


def _raw_lines(raw: bytes) -> Iterator[str]:
    """What can be saved of a file that is not well-formed: its texts without the marks."""
    code = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    for line in re.sub(r"<[^<>]*>", " ", raw[: 4 * 1024 * 1024].decode(code, "replace")).splitlines():
        if text := " ".join(line.split()):
            yield text


def _wrapped(line: str) -> Iterator[str]:
    line = "".join(char if char.isprintable() else " " for char in line)
    while len(line) > _LETTERS:
        cut = line.rfind(" ", 1, _LETTERS)
        cut = cut if cut > _LETTERS // 2 else _LETTERS
        yield line[:cut]
        line = line[cut:].lstrip()
    yield line


def _shown(name: str, value: str) -> str:
    if name in ("date", "due_date"):
        year, month, day = value.split("-")
        return f"{day}.{month}.{year}"
    return _german(value) if "amount" in name else value


def _german(amount: str) -> str:
    """1234.5 → 1.234,50; anything else stays as it is."""
    if not re.fullmatch(r"-?\d+(?:\.\d+)?", amount):
        return amount
    return f"{float(amount):,.2f}".translate(str.maketrans(",.", ".,"))
