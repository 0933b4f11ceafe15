"""What is to be paid and where to: the total, its currency and the account number."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from classifiers.labels import FoundLabel, Labels, value_places
from classifiers.layout import Letter
from classifiers.lines import PageLines, Segment
from poststelle.german import count_iban_beginnings, find_amounts, find_ibans
from poststelle.records import Fact

TOTALS: dict[str, float] = {
    "Rechnungsbetrag": 0.98, "Gesamtbetrag": 0.97, "Gesamtbetrag brutto": 0.98, "Endbetrag": 0.97,
    "Zahlbetrag": 0.98, "zu zahlender Betrag": 0.98, "zu zahlen": 0.93, "noch zu zahlen": 0.98,
    "Gesamtsumme": 0.95, "Endsumme": 0.96, "Rechnungssumme": 0.96, "Bruttobetrag": 0.96, "Gesamt brutto": 0.97,
    "Summe brutto": 0.96, "Brutto": 0.8, "Gesamt": 0.78, "Gesamt EUR": 0.9, "Gesamtpreis": 0.7, "Summe": 0.72,
    "Betrag": 0.6, "Auszahlungsbetrag": 0.985, "Auszahlung": 0.93, "Überweisungsbetrag": 0.97,
    "offener Betrag": 0.97, "offene Forderung": 0.95, "Forderung": 0.8, "Gesamtforderung": 0.97,
    "Hauptforderung": 0.7, "Mahnbetrag": 0.95, "Angebotssumme": 0.96, "Auftragssumme": 0.96, "Auftragswert": 0.93,
    "Angebotspreis": 0.93, "Nachzahlung": 0.92, "festgesetzt": 0.72, "verbleibende": 0.6, "Abschlusszahlung": 0.9,
    "Erstattung": 0.85, "Erstattungsbetrag": 0.9, "Gutschriftsbetrag": 0.97, "Gutschriftbetrag": 0.97,
    "neuer Kontostand": 0.95, "Neuer Saldo": 0.95, "Kontostand": 0.8, "Endsaldo": 0.95, "Schlusssaldo": 0.95,
    "Saldo": 0.7, "Beitrag": 0.75, "Jahresbeitrag": 0.9, "Monatsbeitrag": 0.85, "Gesamtbeitrag": 0.93,
    "Beitragsforderung": 0.93, "Gebühr": 0.8, "Gesamtgebühr": 0.93, "Bußgeld": 0.85, "Geldbuße": 0.85,
    "monatlich": 0.5, "Monatsmiete": 0.85, "Miete": 0.7, "Vergütung": 0.75, "in Höhe von": 0.72, "Höhe von": 0.7,
    "über": 0.6, "Betrag von": 0.93, "Zahlung von": 0.85, "Zahlung in Höhe von": 0.88, "Betrag in Höhe von": 0.94,
    "Summe von": 0.85, "Forderung in Höhe von": 0.72, "Forderung von": 0.7, "Gebühr in Höhe von": 0.9,
    "Gebühr von": 0.9, "Gesamtbetrag von": 0.97, "Rechnungsbetrag von": 0.97, "Rechnungsbetrag in Höhe von": 0.97,
    "Nettolohn": 0.72, "Gehaltsvorstellung": 0.8, "Gehaltsvorstellungen": 0.8, "Gehaltswunsch": 0.8, "Total": 0.85,
    "Amount due": 0.95, "Gesamt inkl MwSt": 0.97, "inkl MwSt": 0.85, "Netto Auszahlung": 0.96,
    "Nettoauszahlung": 0.96, "Auszahlung netto": 0.95, "Nettoverdienst": 0.75, "Nettobezüge": 0.75,
    "Nettobezug": 0.75, "Überweisung": 0.75, "zur Auszahlung": 0.95, "Auszahlungssumme": 0.97,
    "Überweisungssumme": 0.95, "Endbetrag brutto": 0.98, "Gesamtwert": 0.85, "Bestellwert": 0.85,
    "Auftragssumme brutto": 0.98, "Angebotssumme brutto": 0.98, "Rechnungsendbetrag": 0.98, "Zahlungsbetrag": 0.97,
    "offen": 0.7, "offener Saldo": 0.93, "offene Summe": 0.95, "Gesamtrückstand": 0.95, "Rückstand": 0.8,
    "Prämie": 0.8, "Jahresprämie": 0.9, "Gesamtprämie": 0.95, "Beitragssumme": 0.9, "Restbetrag": 0.9,
    "Guthaben": 0.7, "Gutschrift": 0.7, "Erstattungssumme": 0.9, "Vorauszahlung": 0.7, "Steuerbetrag gesamt": 0.8,
    "Gesamtkosten": 0.9, "Schlusssumme": 0.95, "Gesamtsumme brutto": 0.98, "neuer Stand": 0.9, "Endstand": 0.9,
    "Monatliche Vergütung": 0.8, "monatliche Miete": 0.85, "Fälliger Betrag": 0.95, "fälligen Betrag": 0.9,
    "offenen Betrag": 0.9, "Rechnungsbeitrag": 0.96,
}  # fmt: skip
"""What stands before the sum of a letter, and how surely it is the sum."""

_NOT_TOTALS = (
    "Zwischensumme", "netto", "Nettobetrag", "Gesamt netto", "Gesamtbetrag netto", "Summe netto", "Nettosumme",
    "MwSt", "Mehrwertsteuer", "USt", "Umsatzsteuer", "Rabatt", "Skonto", "Versandkosten", "Versand", "Porto",
    "Einzelpreis", "Anzahlung", "bereits gezahlt", "Warenwert", "Alter Saldo", "alter Kontostand", "Anfangssaldo",
    "Steuerbetrag", "Mahngebühr", "Mahngebühren", "Verzugszinsen", "Zinsen", "Lohnsteuer", "Solidaritätszuschlag",
    "Stammkapital", "Grundkapital", "Bruttolohn", "Gesamtbrutto", "Steuerbrutto", "Steuer Brutto", "SV Brutto",
    "Bruttobezüge", "Summe Bruttobezüge", "Summe der Bruttobezüge", "Summe Bezüge", "Gesetzliche Abzüge", "Abzüge",
    "Anwaltskosten", "Verzugskosten", "Nebenforderungen",
)  # fmt: skip
PARTS: dict[str, float] = dict.fromkeys(_NOT_TOTALS, 0.05)
"""What stands before a part of the sum."""

PART = 0.05
UNDER_COLUMN_HEAD = 0.6
"""Under the head of a column stands its first item, seldom its sum."""
ONLY_ONE = 0.75
"""No label announces it, but the letter names no other sum of money."""
NAMES_IT, ADDS_UP = 0.72, 0.88
"""How sure the label of a total is at least; without one, a sum is never surer than that."""
PROVEN = 0.975
"""Certainty of a total that adds up."""
CONTESTED = 0.85
"""How sure a sum is at most where the letter names another that could as well be meant; below what is called sure."""
_BALANCES = ("kontostand", "saldo", "endsaldo", "schlusssaldo", "endstand", "neuer stand")
"""Ends of labels that say what an account holds: nothing that is asked for, nor what was booked."""
MOST_ROWS = 60
"""Longer columns are statements; their balance is found by its label."""
_FEES = re.compile(
    r"(?:der|aller)?(?:entgelt|gebuhr|provision|steuer|abzug|spesen|nebenkosten|dienstleistungskosten|kosten|rabatt|zins"
    r"|auszahlungen|einzahlungen|lastschriften|gutschriften|umsatz|ertrage|einlagen|erstattungsfahig)"
)
_SECURITIES = re.compile(
    r"\b(?:ISIN|WKN)\b|kurswert|wertpapier|kapitalertrags?steuer|\bk(?:ap|e)st\b|quellensteuer|zinsabschlag"
    r"|abgeltungs?steuer|withholding tax",
    re.IGNORECASE,
)
"""Such letters state gross, taxes withheld, fees and what is booked; which one is asked for depends on the reader."""
_CAPITAL = re.compile(r"(?:stamm|grund|haft)kapital", re.IGNORECASE)
_EURO = re.compile(r"€|\bEUR\b|\bEuro\b", re.IGNORECASE)
_OTHER_CURRENCIES = (
    ("CHF", re.compile(r"\bCHF\b")),
    ("USD", re.compile(r"\bUSD\b|US-?\$")),
    ("GBP", re.compile(r"\bGBP\b|£")),
)
_TAX = re.compile(r"mwst|mehrwertsteuer|ust\b|umsatzsteuer|vat\b|\d\s?%", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sum:
    value: str
    certainty: float
    """How surely it is the total, by its label and place."""
    legibility: float
    """How surely it was read."""
    page: int
    order: int
    names_it: bool = True
    """Whether the label is one of a total. A sum of fees, or of one column, adds up as well."""
    adds_up: bool = False
    """Whether arithmetic shows it to be a sum of others."""
    is_net: bool = False
    """Whether it and a tax add up to another amount of its page."""
    is_balance: bool = False


class MoneyReader:
    """Finds the total of a letter."""

    def __init__(self) -> None:
        self._labels = Labels(TOTALS | PARTS)

    @property
    def words(self) -> frozenset[str]:
        """The words whose misreadings matter here."""
        return self._labels.words

    def read(self, letter: Letter) -> tuple[Fact, ...]:
        """The amount and its currency; empty if the letter names no total."""
        sums = [found for page in letter.pages for found in self._sums(page)] or _only_one(letter)
        if not sums:
            return ()
        # The letter itself comes first; attachments behind it repeat or detail what it asks for.
        best = max(sums, key=lambda found: (_rank(found) - 0.15 * (found.page != letter.first.number), found.order))
        certainty = best.certainty if best.names_it else min(best.certainty, ADDS_UP)
        if best.is_balance or _is_contested(best, sums) or _has_several_meanings(letter):
            certainty = min(certainty, CONTESTED)
        amount = Fact(name="amount", value=best.value, confidence=round(certainty * best.legibility, 3), page=best.page)
        currency = _currency(letter)
        return (amount,) if currency is None else (amount, currency)

    def _sums(self, page: PageLines) -> list[_Sum]:
        found = []
        nets = _nets_of_totals(page)
        proven = frozenset(net + tax for net, tax in nets) | _column_sums(_last_column(page))
        for segment in page.segments:
            labels = self._labels.find(segment)
            for label, following in zip_longest(labels, labels[1:]):
                behind = _amount_behind(page, label, following)
                if behind is None:
                    continue
                value, usual, legibility = behind
                certainty = label.certainty * usual
                adds_up = _cents(value) in proven and label.certainty > PART
                if adds_up:
                    # Of several sums that add up, the one with the better label is the total.
                    certainty = max(certainty, PROVEN + 0.01 * label.certainty)
                found.append(
                    _Sum(
                        value=value, certainty=certainty, legibility=legibility, page=page.number, order=segment.row,
                        names_it=label.certainty >= NAMES_IT and not _is_of_fees(label),
                        adds_up=adds_up, is_net=any(net == _cents(value) for net, _ in nets),
                        is_balance=_is_balance(label),
                    )
                )  # fmt: skip
        return found


def _only_one(letter: Letter) -> list[_Sum]:
    """Without any label: the one sum that the letter names in its text, once or again and again."""
    found: dict[str, _Sum] = {}
    for page in letter.pages:
        for start, end, value in find_amounts(page.flow.text):
            around = page.flow.text[end : end + 6] + page.flow.text[max(0, start - 5) : start]
            if not _EURO.search(around) or not value.strip("-0.") or _CAPITAL.search(page.flow.text[:start][-60:]):
                continue
            legibility = page.flow.confidence_between(start, end)
            plain = value.removeprefix("-")
            found.setdefault(
                plain, _Sum(value=plain, certainty=ONLY_ONE, legibility=legibility, page=page.number, order=0)
            )
    return list(found.values()) if len(found) == 1 else []


def _is_contested(best: _Sum, sums: list[_Sum]) -> bool:
    """Whether another amount could as well be meant: the total with tax, or one with a total's label.

    Of sums that add up, only a greater one can be the real total: the others are its parts.
    """
    if best.is_net and not best.adds_up:
        return True
    others = [found for found in sums if found.names_it and found.certainty >= NAMES_IT and found.value != best.value]
    return any(not best.adds_up or _cents(found.value) > _cents(best.value) for found in others)


def _has_several_meanings(letter: Letter) -> bool:
    """Whether the letter is about securities, or its sums were converted: charged in one currency, paid in another."""
    text = " ".join(page.flow.text for page in letter.pages)
    currencies = (_EURO, *(pattern for _, pattern in _OTHER_CURRENCIES))
    converted = sum(pattern.search(text) is not None for pattern in currencies) > 1
    return converted or _SECURITIES.search(text) is not None


def _is_balance(label: FoundLabel) -> bool:
    return " ".join(label.segment.tokens[label.start : label.end]).endswith(_BALANCES)


def _is_of_fees(label: FoundLabel) -> bool:
    """Whether the label goes on as "Summe Entgelte"."""
    return bool(_FEES.match("".join(label.segment.tokens[label.end : label.end + 2])))


def _rank(found: _Sum) -> float:
    """A total that is hard to read is still the total; the clear number beside it is not."""
    return found.certainty * (0.6 + 0.4 * found.legibility)


def _amount_behind(page: PageLines, label: FoundLabel, following: FoundLabel | None) -> tuple[str, float, float] | None:
    """The amount a label announces, how usual its place is, and how surely it was read."""
    segment = label.segment
    for place, offset, usual in value_places(page, label):
        amounts = [found for found in find_amounts(place.text) if found[0] >= offset and found[2].strip("-0.")]
        if place is segment and following is not None:
            # The next label claims what stands behind it: "Gesamt netto 12,00", "Betrag zzgl. MwSt. 2,28".
            limit = segment.offset_of(following.start)
            amounts = [found for found in amounts if found[0] < limit]
            if not amounts:
                return None
        if place is not segment and place.row == segment.row:
            # A row of totals carries its sum at the end.
            amounts, place, usual = _last_of_row(page, segment, usual)
        elif place.row != segment.row and len(page.rows[segment.row]) > 1:
            usual *= UNDER_COLUMN_HEAD
        if amounts:
            start, end, value = amounts[0]
            return value.removeprefix("-"), usual, place.confidence_between(start, end)
    return None


def _last_of_row(page: PageLines, segment: Segment, usual: float) -> tuple[list[tuple[int, int, str]], Segment, float]:
    """The last amount to the right, less usual where several stand in the row."""
    found = [
        (amount, other)
        for other in page.rows[segment.row]
        if other.left > segment.left
        for amount in find_amounts(other.text)
        if amount[2].strip("-0.")
    ]
    if not found:
        return [], segment, usual
    amount, place = found[-1]
    return [amount], place, usual * (0.85 if len(found) > 1 else 1.0)


def find_tax_lines(page: PageLines) -> list[int]:
    """Amounts, in cents, of lines that speak of tax."""
    found: list[int] = []
    for row in page.rows:
        line = _line(row)
        if _TAX.search(line):
            found += [cents for _, _, value in find_amounts(line) if (cents := _cents(value)) > 0]
    return found


def _nets_of_totals(page: PageLines) -> list[tuple[int, int]]:
    """Amounts in cents, net and tax, of which arithmetic shows that they make up a third one."""
    cents = {_cents(value) for row in page.rows for _, _, value in find_amounts(_line(row))}
    taxes = set(find_tax_lines(page))
    pairs = ((net, tax) for tax in taxes for net in cents if 0.04 * net <= tax <= 0.26 * net)
    return [(net, tax) for net, tax in pairs if net + tax in cents]


def _last_column(page: PageLines) -> list[int]:
    """The last amount of each row, in cents."""
    return [_cents(found[-1][2]) for row in page.rows if (found := find_amounts(_line(row)))]


def _column_sums(column: list[int]) -> frozenset[int]:
    """Numbers that are the sum of the two or more numbers right above them."""
    sums = set()
    for index, number in enumerate(column[:MOST_ROWS]):
        above = 0
        for first in range(index - 1, -1, -1):
            above += column[first]
            if first < index - 1 and above == number > 0:
                sums.add(number)
    return frozenset(sums)


def _line(row: Sequence[Segment]) -> str:
    return "  ".join(segment.text for segment in row)


def _cents(value: str) -> int:
    return int(value.replace(".", ""))


def _currency(letter: Letter) -> Fact | None:
    for page in letter.pages:
        if (euro := _EURO.search(page.flow.text)) is not None:
            sure = page.flow.confidence_between(*euro.span())
            return Fact(name="currency", value="EUR", confidence=round(max(sure, 0.9), 3), page=page.number)
        for code, pattern in _OTHER_CURRENCIES:
            if (found := pattern.search(page.flow.text)) is not None:
                sure = page.flow.confidence_between(*found.span())
                return Fact(name="currency", value=code, confidence=round(0.9 * sure, 3), page=page.number)
    return None


def find_iban(letter: Letter) -> Fact | None:
    """The account to pay to: a valid number, the one printed most often, the first of equals.

    A number put right letter for digit counts less than one read cleanly; two different clean numbers
    make neither sure.
    """
    found: list[tuple[str, float, int]] = []
    begun = 0
    for page in letter.pages:
        begun += count_iban_beginnings(page.flow.text)
        for start, end, iban, repaired in find_ibans(page.flow.text):
            sure = 0.99 * page.flow.confidence_between(start, end) ** 0.5 * (0.85 if repaired else 1.0)
            found.append((iban, sure, page.number))
    if not found:
        return None
    times = Counter(iban for iban, _, _ in found)
    best = max(times, key=lambda iban: times[iban])
    sure = max(certainty for iban, certainty, _ in found if iban == best)
    if len(times) > 1 and list(times.values()).count(times[best]) > 1:
        sure *= 0.75
    if begun > len(found):
        # Another number was printed and not read: it may be the one that is meant.
        sure *= 0.8
    page_number = next(number for iban, _, number in found if iban == best)
    return Fact(name="iban", value=best, confidence=round(sure, 3), page=page_number)
