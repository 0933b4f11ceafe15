"""German letters, numbers, dates and account numbers: pure functions that intake, rules and search share."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

MONTHS: dict[str, int] = {
    "januar": 1, "jan": 1, "jänner": 1, "februar": 2, "feb": 2, "märz": 3, "maerz": 3, "mrz": 3, "mär": 3,
    "april": 4, "apr": 4, "mai": 5, "juni": 6, "jun": 6, "juli": 7, "jul": 7, "august": 8, "aug": 8,
    "september": 9, "sep": 9, "sept": 9, "oktober": 10, "okt": 10, "november": 11, "nov": 11,
    "dezember": 12, "dez": 12,
}  # fmt: skip

_FOLD = str.maketrans(
    {"ä": "a", "ö": "o", "ü": "u", "ß": "ss", "æ": "a", "œ": "o", "ø": "o", "ſ": "s", "ł": "l", "đ": "d"}
)
# "ue" after a, e or q is not an umlaut spelled out ("neue", "Quelle", "Bauer"); see fold().
_DIGRAPH = re.compile(r"ae|oe|(?<![aeq])ue")


def fold(word: str) -> str:
    """One spelling for ä = ae = a, ö = oe = o, ü = ue = u, ß = ss, without case and accents.

    Both the index and the query are folded, so a collision ("Poet" and "Pöt") can only add hits.
    """
    if word.isascii():
        word = word.lower()
    else:
        word = unicodedata.normalize("NFC", word).lower().translate(_FOLD)
        if not word.isascii():
            word = "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
    return _DIGRAPH.sub(lambda match: match.group()[0], word)


_NO_DIGITS = re.compile(r"[^0-9]+")
_MOST_DIGITS = 4_000
"""Of an amount; Python refuses to convert much longer ones, and nobody owes as much."""
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
    digits = _NO_DIGITS.sub("", whole)
    # None are left of an amount in the digits of another script.
    if not 0 < len(digits) <= _MOST_DIGITS:
        return None
    return f"{sign}{digits.lstrip('0') or '0'}.{(cents or '').ljust(2, '0')}"


_NUMERIC_DATE = re.compile(r"(?<![\d.])(\d{1,2})\s?[./]\s?(\d{1,2})\s?[./]\s?(\d{4}|\d{2})(?!\d)")
_GROUPED = r"\d{1,3}(?:[.'\u00a0\u202f]\d{3})+"
_CURRENCY = r"(?:€|EUR\b|Euro\b|CHF\b|USD\b|GBP\b|\$|£)"
_ANY_AMOUNT = re.compile(
    rf"(?<![\w.,/-])(?P<sign>[-–−]\s?)?(?:"
    rf"(?P<german>(?:{_GROUPED}|\d+),\s?\d{{2}})(?![\d/]|[.,]\d)"
    rf"|(?P<english>\d{{1,3}}(?:,\d{{3}})+\.\d{{2}}|\d+\.\d{{2}}(?=\s?{_CURRENCY}))(?![\d/]|[.,]\d)"
    rf"|(?P<whole>{_GROUPED}|\d+)(?:,[-–—]{{1,2}})?(?=\s?{_CURRENCY})"
    rf")"
)


def find_amounts(text: str) -> list[tuple[int, int, str]]:
    """Amounts of money in a text as (start, end, plain decimal), in order: "1.234,56", "12,00 €", "500 Euro".

    A number without cents counts only before a currency. Dates, percentages and quantities with three
    decimals are none.
    """
    found = []
    for match in _ANY_AMOUNT.finditer(text):
        if text[match.end() : match.end() + 2].lstrip()[:1] == "%":
            continue
        plain = re.sub(r"[\s\u202f]", "", match["german"] or match["english"] or match["whole"])
        if match["english"]:
            plain = plain.replace(",", "")
        value = parse_amount(plain)
        if value is not None:
            found.append((match.start(), match.end(), f"-{value}" if match["sign"] else value))
    return found


_ISO_DATE = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")
_WORD_DATE = re.compile(r"(?<![\d.])(\d{1,2})\s?[.,]?\s*([A-Za-zäÄ]{3,9})\.?\s+(\d{4})(?!\d)")
REST_OF_DATE = r"(?:\d?\s?[./]\s?\d\d?\s?[./]\s?\d\d|\d{3}-\d\d-\d\d|\d?\s?[.,]?\s*[A-Za-zäÄ]{3,9}\.?\s+\d{4})"
"""What follows the first digit of a date, and of some other things."""
_FIRST_OF_DATE = re.compile(rf"\d(?<!\d\d)(?={REST_OF_DATE})")


def matches_at(pattern: re.Pattern[str], text: str, places: Iterable[int]) -> Iterator[re.Match[str]]:
    """What `finditer` finds, for a caller who knows the places, in their order, where alone it can begin.

    A pattern that begins with a look-behind is tried at every place of a text; one that begins with a character is
    not. So one of those finds the places for several of these.
    """
    end = 0
    for place in places:
        if place >= end and (match := pattern.match(text, place)) is not None:
            end = match.end()
            yield match


def find_dates(text: str, places: Sequence[int] | None = None) -> list[tuple[int, int, date]]:
    """Dates in a text as (start, end, date), in order: 5.3.2026, 05.03.26, 5. März 2026, 2026-03-05.

    `places` are those of all first digits with the rest of a date, from a caller who knows them.
    """
    found: list[tuple[int, int, date]] = []
    if places is None:
        places = [first.start() for first in _FIRST_OF_DATE.finditer(text)]
    for match in matches_at(_NUMERIC_DATE, text, places):
        day, month, year = match.groups()
        _add(found, match, full_year(int(year)) if len(year) == 2 else int(year), int(month), int(day))
    for match in matches_at(_ISO_DATE, text, places):
        year, month, day = match.groups()
        _add(found, match, int(year), int(month), int(day))
    for match in matches_at(_WORD_DATE, text, places):
        day, name, year = match.groups()
        if (number := month_number(name)) is not None:
            _add(found, match, int(year), number, int(day))
    return sorted(found)


def month_number(name: str) -> int | None:
    """The month of that name, also when one of five or more letters was misread ("Septemher")."""
    name = name.lower().replace("ae", "ä")
    if (exact := MONTHS.get(name) or MONTHS.get(name.replace("a", "ä"))) is not None:
        return exact
    if len(name) < 5:
        return None
    near = {
        number
        for month, number in MONTHS.items()
        if len(month) == len(name) and sum(a != b for a, b in zip(month, name, strict=True)) == 1
    }
    return near.pop() if len(near) == 1 else None


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


SHORTEST_IBAN = 15
"""Characters: Norway's."""


def iban_is_valid(iban: str) -> bool:
    """ISO 13616 check: the country's length and form, and mod 97. Takes a compact IBAN."""
    from stdnum import iban as standard

    return len(iban) >= SHORTEST_IBAN and iban == compact(iban) and bool(standard.is_valid(iban, check_country=False))


IBAN_LENGTHS: dict[str, int] = {
    "DE": 22, "AT": 20, "CH": 21, "LI": 21, "LU": 20, "NL": 18, "BE": 16, "FR": 27, "IT": 27, "ES": 24,
    "PL": 28, "CZ": 24, "DK": 18, "SE": 24, "GB": 22, "IE": 22, "PT": 25, "HU": 28, "SK": 24, "SI": 19,
}  # fmt: skip
"""Countries whose account numbers German business mail carries, and how long each is."""

_IBAN_START = re.compile(r"(?<![A-Z0-9])([A-Z]{2}|[DO0][E3F])(?=\s?[0-9OIlSBTZG]{2}(?:[\s.]?[0-9A-Za-z|!]){11,})")
_DIGIT_LOOKALIKES = str.maketrans("OoQDUIl|!iZzSsBGgqTA", "00000111112255869974")
_OTHER_LOOKALIKES = str.maketrans("SsBTZzGg", "88637706")
"""What such a letter may stand for as well."""
_MOST_GUESSES = 16


def find_ibans(text: str) -> list[tuple[int, int, str, bool]]:
    """Valid account numbers in a text as (start, end, compact IBAN, repaired), in order.

    `repaired` means a letter was read where only a digit can stand ("O" for 0), or a 0 twice, and was put
    right. Nothing is returned whose mod 97 check fails, and no digit is ever exchanged for another: one of two
    such guesses would pass the check by chance.
    """
    found: list[tuple[int, int, str, bool]] = []
    for match in _IBAN_START.finditer(text):
        country = "DE" if match[1][0] in "O0D" and match[1] not in IBAN_LENGTHS else match[1]
        length = IBAN_LENGTHS.get(country)
        if length is None or (found and match.start() < found[-1][1]):
            continue
        # A digit is sometimes read twice, as a letter and as itself: "DEO08…" is "DE08…", "DES59…" is "DE59…".
        first = text[match.end() : match.end() + 2]
        twice = first[:1].isalpha() and first[1:] in (
            first[:1].translate(_DIGIT_LOOKALIKES),
            first[:1].translate(_OTHER_LOOKALIKES),
        )
        doubled = country == "DE" and (twice or first[:1].translate(_DIGIT_LOOKALIKES) == "0")
        printed = text[match.start() : match.start() + 3 * length]
        taken = _take_characters(printed, length)
        repaired = taken is None and doubled
        if repaired:
            taken = _take_characters(f"{printed[:2]} {printed[3:]}", length)
        if taken is None:
            continue
        end, raw = match.start() + taken[0], taken[1]
        valid = {iban for iban in _readings(country, raw[2:]) if iban_is_valid(iban)}
        if len(valid) == 1:
            iban = valid.pop()
            found.append((match.start(), end, iban, repaired or iban != raw))
    return found


def _readings(country: str, rest: str) -> list[str]:
    """What an account number may say where letters were read for digits: "DES8…" is "DE58…" or "DE88…"."""
    if country != "DE":
        return [country + rest.upper()]
    readings = [""]
    for char in rest:
        digits = {char.translate(_DIGIT_LOOKALIKES), char.translate(_OTHER_LOOKALIKES)} if char.isalpha() else {char}
        readings = [before + digit for before in readings for digit in sorted(digits) if digit.isdigit()]
        if not 0 < len(readings) <= _MOST_GUESSES:
            return [country + rest.translate(_DIGIT_LOOKALIKES)]
    return [country + reading for reading in readings]


def count_iban_beginnings(text: str) -> int:
    """How many account numbers seem to begin in a text, valid or not."""
    return sum(1 for _ in _IBAN_START.finditer(text))


def _take_characters(text: str, count: int) -> tuple[int, str] | None:
    """The first `count` characters that are no blanks or dots, and where they end; None if a word goes on there."""
    taken: list[str] = []
    for position, char in enumerate(text):
        if char in " .\u00a0\u202f":
            continue
        taken.append(char)
        if len(taken) == count:
            following = text[position + 1 : position + 2]
            return None if following.isalnum() else (position + 1, "".join(taken))
    return None
