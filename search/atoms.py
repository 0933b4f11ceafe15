"""Cuts text into atoms: the words, numbers, dates and account numbers that a person would search for as one thing.

Letters and queries are cut by the same code, so that every spelling of a thing ends in the same terms. Offsets
are always those of the text given in, so that hits can be marked and mistakes in a query can be pointed at.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from poststelle.german import MONTHS, REST_OF_DATE, compact, find_dates, iban_is_valid, matches_at, parse_amount

_ZERO_WIDTH = r"\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
"""What programs put inside a word to break it, to keep f and l apart ("Auflage"), or to say which way it runs."""
_PIECE = rf"[^\W_]+(?:(?:[\u0300-\u036f{_ZERO_WIDTH}]|\u00ad(?![ \t]*\r?\n))[^\W_]*)*"
# A hyphen at the end of a line joins, unless it stands for a left-out half ("Vor- und Nachname").
_LINE_END = r"[-\u2010\u00ad][ \t]*\r?\n[ \t]*(?!(?:und|oder|bzw|sowie)\b)(?=[a-zäöüß])"
_WORD = rf"{_PIECE}(?:{_LINE_END}{_PIECE})*"
# Words with signs between, written as one loop: three within each other take half as long again.
_CHUNK = re.compile(
    rf"[^\W_]+(?:(?:[\u0300-\u036f{_ZERO_WIDTH}]|\u00ad(?![ \t]*\r?\n))[^\W_]*"
    rf"|(?:{_LINE_END}|[-\u2010\u2011/.,'’])[^\W_]+)*"
)
_IF_BROKEN = re.compile(r"\n(?<=[-\u2010\u00ad \t\r]\n)")
_WORD_IN_CHUNK = re.compile(_WORD)
_HYPHENATION = re.compile(rf"[-\u2010\u00ad][ \t]*\r?\n[ \t]*|[\u00ad{_ZERO_WIDTH}]")

_GERMAN_IBAN = re.compile(r"\b[Dd][Ee]\d{2}(?:[ \u00a0]?\d){18}(?!\d)")
_OTHER_IBAN = re.compile(r"\b(?!DE)[A-Z]{2}\d{2}(?:[ \u00a0]?[A-Z0-9]{4}){2,7}(?:[ \u00a0]?[A-Z0-9]{1,3})?\b")
_SPACED_AMOUNT = re.compile(r"(?<![\d.,])\d{1,3}(?:[ \u00a0]\d{3})+,\d{2}(?!\d)")
_STUCK_CURRENCY = re.compile(r"(?<![\w.,/-])\d{1,3}(?:\.?\d{3})*,\d{2}(?=(?:EUR|Euro)\b)")
_IF_STUCK = re.compile(r",\d\d(?:EUR|Euro)")
"""Much sooner looked for; hardly any letter has it."""
_PHONE = re.compile(
    r"(?<![\w.,/-])(?:(?:(?:\+|00)\d{1,3}[ \u00a0]?)?[(\u2768]0\d*[)\u2769](?:[ \u00a0]?[-/]?[ \u00a0]?\d+)+"
    r"|\+49\d{6,})(?![.,/-]?\w)"
)
_OF_A_PHONE = ("(0", "+49", "\u2768")
_AREA_CODE = re.compile(r"(?:^|(?<=[\s\d]))\((0\d*)\)(?=[ /-]{0,3}\d)")
_DIGIT_GROUPS = re.compile(r"(?<![\w.,/-])\+?\d+(?:(?: ?[-/] ?|[ \u00a0])\d+)+(?![.,/-]?\w)")
_YEAR_OF_MONTH = re.compile(r"(?<=[ ./])(?:19|20)\d{2}(?![\w/-]|[.,]\d)")
_MONTH_NAME = re.compile(r"(?<![\w.,/-])([A-Za-zäÄ]{3,9})\.? \Z")
_MONTH_NUMBER = re.compile(r"(?<![\w.,/-])(0?[1-9]|1[0-2])[./]\Z")
_LONGEST_MONTH = len("September. ")
_FIRST_DIGIT = re.compile(
    r"\d(?<!\d\d)(?:(?<=[A-Z][A-Z]\d)(?=\d)|(?<=[Dd][Ee]\d)(?=\d)|(?<=[ ./][12])(?=[09]\d\d)"
    rf"|(?<![.,]\d)(?=\d*(?:[ \u00a0]| ?[-/] ?)\d)|(?={REST_OF_DATE}))"
)
"""Of what may be an account number (behind its country), the year of a month, numbers side by side, or a date."""
_DAY_OF_NO_YEAR = re.compile(
    r"(?<![\w.,/-])(?P<day>\d{1,2})\.(?:"
    rf"[ \u00a0]?(?P<name>{'|'.join(MONTHS)})\b\.?(?! ?\d)|(?P<number>\d{{1,2}})\.(?![\w.,/-]))",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+(?:[.,'’]\d+)*")
_WITH_CENTS = re.compile(r"(0|[1-9][0-9]{0,2}(?:\.[0-9]{3}){1,4}|[1-9][0-9]{0,14}),([0-9]{2})")
_SHORTEST_GROUPED_NUMBER = 6
"""Digits; below that, numbers side by side are more likely a table row than one number written in groups."""


class AtomKind(StrEnum):
    """What an atom is, which decides how it is indexed and looked up."""

    WORD = "word"
    COMPOUND = "compound"
    """Words or numbers tied by hyphen, slash, point: "E-Mail", "RE-2026-00417"."""
    NUMBER = "number"
    GROUPED = "grouped"
    """Numbers side by side that may be one: "0711 123456", "+49 (0)711 123456", "1 234,56"."""
    DATE = "date"
    MONTH = "month"
    IBAN = "iban"
    DAY = "day"
    """A day of no year, "5. März": only in what is asked, letters hold it as a number and a word."""


class Atom(NamedTuple):
    """One thing to search for, and where it stands."""

    kind: AtomKind
    start: int
    end: int
    text: str
    """As written, without hyphenation."""
    day: date | None = None
    """Of a DATE; of a MONTH its first day; of a DAY that of a leap year."""


def atoms(text: str) -> Iterator[Atom]:
    """Every atom of a text, in order, never overlapping."""
    position = 0
    for special in special_atoms(text):
        yield from _chunks(text, position, special.start)
        yield special
        position = special.end
    yield from _chunks(text, position, len(text))


def with_bare_area_codes(query: str) -> str:
    """A query in which the brackets of telephone numbers are none of the query language, each still one character."""
    return _AREA_CODE.sub("\u2768\\1\u2769", query)


def asked_atoms(text: str) -> Iterator[Atom]:
    """The atoms of what somebody looks for: days without a year are one, and the currency beside a number is none."""
    found = list(atoms(text))
    days = _days_without_year(text)
    for place, atom in enumerate(found):
        day = next((day for day in days if day.start <= atom.start < day.end), None)
        if day is None:
            if not _is_currency_of_number(text, found, place):
                yield atom
        elif atom.start == day.start:
            yield day


def _days_without_year(text: str) -> list[Atom]:
    found: list[Atom] = []
    for match in _DAY_OF_NO_YEAR.finditer(text):
        # Python takes "Auguſt" and "Junı" for months, too, when it heeds no case; lower() does not.
        month = int(match["number"] or MONTHS.get(match["name"].lower(), 0))
        with suppress(ValueError):
            day = date(2000, month, int(match["day"]))
            found.append(Atom(kind=AtomKind.DAY, start=match.start(), end=match.end(), text=match.group(), day=day))
    return found


def _is_currency_of_number(text: str, found: list[Atom], place: int) -> bool:
    """Whether it only says what a number beside it counts: letters write €, EUR or Euro."""
    atom = found[place]
    if atom.text.lower() not in ("eur", "euro"):
        return False
    before = found[place - 1] if place else None
    after = found[place + 1] if place + 1 < len(found) else None
    counted = (AtomKind.NUMBER, AtomKind.GROUPED)
    return bool(
        (before and before.kind in counted and not text[before.end : atom.start].strip())
        or (after and after.kind in counted and not text[atom.end : after.start].strip())
    )


def words_of(text: str, offset: int = 0) -> Iterator[tuple[str, int, int]]:
    """The bare words of a text as (word without hyphenation, start, end); offsets are moved by `offset`."""
    for match in _WORD_IN_CHUNK.finditer(text):
        yield without_hyphenation(match.group()), offset + match.start(), offset + match.end()


def without_hyphenation(text: str) -> str:
    """A word as one, without the hyphen and line break in its middle."""
    if not text.isprintable():
        return _HYPHENATION.sub("", text)
    return text


def number_term(text: str) -> str | None:
    """One spelling for a number: "1.234,50" and "1234.5" → "1234_50", "1.234,00" → "1234"; None if it is none.

    Numbers without separators stay as they are: the zeros of "00123" belong to it.
    """
    if text.isdecimal():
        return text if text.isascii() else None
    if (common := number_with_cents(text)) is not None:
        return common
    if re.fullmatch(r"\d+[.,]\d", text):
        text += "0"
    amount = parse_amount(text.replace("’", "'").replace("\u00a0", " "))
    return None if amount is None else amount.removeprefix("-").removesuffix(".00").replace(".", "_")


def number_with_cents(text: str) -> str | None:
    """What `number_term` makes of the commonest spelling, "1.234,50", without the detour; None of any other."""
    match = _WITH_CENTS.fullmatch(text)
    if match is None:
        return None
    whole, cents = match[1].replace(".", ""), match[2]
    return whole if cents == "00" else f"{whole}_{cents}"


def written_chunks(text: str) -> list[str]:
    """What stands between blanks and signs there, as written: each is one atom, see `atom_of_chunk`."""
    return _CHUNK.findall(text)


def written_pieces(text: str) -> list[str] | None:
    """What stands between blanks, each piece of some chunks; None if a line may end within one."""
    return None if _IF_BROKEN.search(text) else text.split()


def placed_chunks(text: str, start: int, end: int) -> Iterator[tuple[str, int, int]]:
    """The same as (as written, start, end)."""
    return ((match.group(), match.start(), match.end()) for match in _CHUNK.finditer(text, start, end))


def atom_of_chunk(written: str, start: int) -> Atom:
    """The atom that a chunk of text is; it begins at `start`."""
    chunk = without_hyphenation(written)
    if chunk.isalnum():
        kind = AtomKind.NUMBER if chunk.isdecimal() and chunk.isascii() else AtomKind.WORD
    elif _NUMBER.fullmatch(chunk) and number_term(chunk) is not None:
        kind = AtomKind.NUMBER
    else:
        # A combining accent is no separator: "u" + U+0308 is still one word.
        kind = AtomKind.WORD if _WORD_IN_CHUNK.fullmatch(chunk) else AtomKind.COMPOUND
    return Atom(kind, start, start + len(written), chunk)


def _chunks(text: str, start: int, end: int) -> Iterator[Atom]:
    return (atom_of_chunk(match.group(), match.start()) for match in _CHUNK.finditer(text, start, end))


def special_atoms(text: str) -> list[Atom]:
    """Atoms that may contain blanks or that only their shape tells; of two that overlap, the surer kind."""
    if not any("0" <= character <= "9" for character in text):
        return []
    firsts = [first.start() for first in _FIRST_DIGIT.finditer(text)]
    countries = [first - 2 for first in firsts if first >= 2]
    found = [_plain(AtomKind.IBAN, match) for match in matches_at(_GERMAN_IBAN, text, countries)]
    found += [iban for match in matches_at(_OTHER_IBAN, text, countries) if (iban := _valid_iban(match)) is not None]
    found += [
        Atom(kind=AtomKind.DATE, start=start, end=end, text=text[start:end], day=day)
        for start, end, day in find_dates(text, firsts)
    ]
    years = matches_at(_YEAR_OF_MONTH, text, firsts)
    found += [month for year in years if (month := _month(text, year)) is not None]
    found += [_plain(AtomKind.GROUPED, match) for match in matches_at(_SPACED_AMOUNT, text, firsts)]
    if _IF_STUCK.search(text):
        found += [_plain(AtomKind.NUMBER, match) for match in _STUCK_CURRENCY.finditer(text)]
    if any(sign in text for sign in _OF_A_PHONE):
        found += [_plain(AtomKind.GROUPED, match) for match in _PHONE.finditer(text) if _is_long(match.group())]
    signed = [first - 1 if text[first - 1 : first] == "+" else first for first in firsts]
    groups = matches_at(_DIGIT_GROUPS, text, sorted({*firsts, *signed}))
    found += [_plain(AtomKind.GROUPED, match) for match in groups if _is_long(match.group())]
    return _without_overlaps(found)


def _without_overlaps(found: list[Atom]) -> list[Atom]:
    """Those listed first win."""
    kept: list[Atom] = []
    taken = bytearray(max((atom.end for atom in found), default=0))
    for atom in found:
        if not any(taken[atom.start : atom.end]):
            taken[atom.start : atom.end] = b"\1" * (atom.end - atom.start)
            kept.append(atom)
    return sorted(kept, key=lambda atom: atom.start)


def _plain(kind: AtomKind, match: re.Match[str]) -> Atom:
    return Atom(kind=kind, start=match.start(), end=match.end(), text=match.group())


def _valid_iban(match: re.Match[str]) -> Atom | None:
    """The longest beginning of the match whose check digits hold: the words behind an IBAN look like groups too."""
    text = match.group()
    for end in range(len(text), 14, -1):
        if iban_is_valid(compact(text[:end])):
            return Atom(kind=AtomKind.IBAN, start=match.start(), end=match.start() + end, text=text[:end])
    return None


def _is_long(text: str) -> bool:
    return sum(character.isdigit() for character in text) >= _SHORTEST_GROUPED_NUMBER


def _month(text: str, year: re.Match[str]) -> Atom | None:
    """A year with the month before it, by name or number; None if there is no month."""
    places = max(0, year.start() - _LONGEST_MONTH), year.start()
    if found := _MONTH_NUMBER.search(text, *places):
        month = int(found[1])
    elif found := _MONTH_NAME.search(text, *places):
        month = MONTHS.get(found[1].lower(), 0)
    if not found or not month:
        return None
    start, end = found.start(), year.end()
    return Atom(AtomKind.MONTH, start, end, text[start:end], date(int(year.group()), month, 1))
