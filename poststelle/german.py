"""German letters, numbers, dates and account numbers: pure functions that intake, rules and search share."""

import re
import unicodedata
from datetime import date

MONTHS: dict[str, int] = {
    "januar": 1, "jan": 1, "jänner": 1, "februar": 2, "feb": 2, "märz": 3, "maerz": 3, "mrz": 3, "mär": 3,
    "april": 4, "apr": 4, "mai": 5, "juni": 6, "jun": 6, "juli": 7, "jul": 7, "august": 8, "aug": 8,
    "september": 9, "sep": 9, "sept": 9, "oktober": 10, "okt": 10, "november": 11, "nov": 11,
    "dezember": 12, "dez": 12,
}  # fmt: skip

_FOLD = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "ß": "ss", "æ": "a", "œ": "o", "ø": "o", "ſ": "s"})
# "ue" after a, e or q is not an umlaut spelled out ("neue", "Quelle", "Bauer"); see fold().
_DIGRAPH = re.compile(r"ae|oe|(?<![aeq])ue")


def fold(word: str) -> str:
    """One spelling for ä = ae = a, ö = oe = o, ü = ue = u, ß = ss, without case and accents.

    Both the index and the query are folded, so a collision ("Poet" and "Pöt") can only add hits.
    """
    word = unicodedata.normalize("NFC", word).lower().translate(_FOLD)
    if not word.isascii():
        word = "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
    return _DIGRAPH.sub(lambda match: match.group()[0], word)


_AMOUNT = re.compile(r"^(-?)(\d{1,3}(?:[.' \u00a0]\d{3})+|\d+)(?:,(\d{1,2}))?$")
_AMOUNT_POINT = re.compile(r"^(-?)(\d{1,3}(?:,\d{3})+|\d+)\.(\d{2})$")


def parse_amount(text: str) -> str | None:
    """A German amount as plain decimal: "1.234,5" → "1234.50", "12" → "12.00"; None if it is none.

    "1.234.56" and other mixtures are refused rather than guessed; "1,234.56" is taken as English.
    """
    text = text.strip().removesuffix("€").removesuffix("EUR").strip()
    match = _AMOUNT.match(text) or _AMOUNT_POINT.match(text)
    if match is None:
        return None
    sign, whole, cents = match.groups()
    return f"{sign}{int(re.sub(r'[^0-9]', '', whole))}.{(cents or '').ljust(2, '0')}"


_NUMERIC_DATE = re.compile(r"(?<![\d.])(\d{1,2})\s?[./]\s?(\d{1,2})\s?[./]\s?(\d{4}|\d{2})(?![\d])")
_ISO_DATE = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")
_WORD_DATE = re.compile(r"(?<![\d.])(\d{1,2})\s?[.,]?\s*([A-Za-zäÄ]{3,9})\.?\s+(\d{4})(?!\d)")


def find_dates(text: str) -> list[tuple[int, int, date]]:
    """Dates in a text as (start, end, date), in order: 5.3.2026, 05.03.26, 5. März 2026, 2026-03-05."""
    found: list[tuple[int, int, date]] = []
    for match in _NUMERIC_DATE.finditer(text):
        day, month, year = match.groups()
        _add(found, match, full_year(int(year)) if len(year) == 2 else int(year), int(month), int(day))
    for match in _ISO_DATE.finditer(text):
        year, month, day = match.groups()
        _add(found, match, int(year), int(month), int(day))
    for match in _WORD_DATE.finditer(text):
        day, name, year = match.groups()
        if (number := MONTHS.get(name.lower())) is not None:
            _add(found, match, int(year), number, int(day))
    return sorted(found)


def full_year(two_digits: int) -> int:
    """Letters are recent: 00–69 means 2000–2069, 70–99 means 1970–1999."""
    return 2000 + two_digits if two_digits < 70 else 1900 + two_digits


def _add(found: list[tuple[int, int, date]], match: re.Match[str], year: int, month: int, day: int) -> None:
    try:
        when = date(year, month, day)
    except ValueError:
        return
    if 1950 <= year <= 2100:
        found.append((match.start(), match.end(), when))


def compact(text: str) -> str:
    """An account, phone or reference number without separators, upper case: "DE13 5001…" → "DE135001…"."""
    return re.sub(r"[^0-9A-Za-z]", "", text).upper()


def iban_is_valid(iban: str) -> bool:
    """ISO 13616 check: mod 97 of the rearranged number is 1. Takes a compact IBAN."""
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", iban) or (iban.startswith("DE") and len(iban) != 22):
        return False
    return int("".join(str(int(c, 36)) for c in iban[4:] + iban[:4])) % 97 == 1
