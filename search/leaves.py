"""Turns what stands between operators into leaves of the query tree: the same analysis as for letters.

Where a letter may spell a thing in several ways, the leaf is an OR of the forms under which the index holds it.
"""

import re
from calendar import isleap
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from difflib import get_close_matches

from poststelle.errors import QueryError
from poststelle.german import fold, parse_amount
from search.analysis import (
    MOST_CENTS,
    Analyser,
    amount_key,
    bare_number,
    cents,
    class_key,
    compact_word,
    date_key,
    grouped_key,
    having_key,
    iban_key,
    month_key,
    number_key,
    reference_key,
    year_key,
)
from search.atoms import Atom, AtomKind, atoms, number_term
from search.periods import read_period
from search.query import (
    AmountRange,
    And,
    Beginning,
    Column,
    DateRange,
    Key,
    Node,
    Or,
    Pattern,
    Phrase,
    Similar,
    Word,
    all_of,
    any_of,
)
from search.spelling import slips_allowed

FIELDS: dict[str, str] = {
    "class": "class", "klasse": "class",
    "sender": "sender", "absender": "sender",
    "subject": "subject", "title": "subject", "betreff": "subject",
    "date": "date", "datum": "date",
    "iban": "iban",
    "reference": "reference", "zeichen": "reference",
    "amount": "amount", "betrag": "amount",
    "has": "has", "hat": "has",
}  # fmt: skip
"""Names a person may write before a colon, and the field each means."""

HAVING: dict[str, str] = {
    "deadline": "due_date", "frist": "due_date", "due": "due_date",
    "iban": "iban", "konto": "iban", "account": "iban",
    "amount": "amount", "betrag": "amount",
    "reference": "reference", "zeichen": "reference",
    "sender": "sender", "absender": "sender",
    "subject": "subject", "betreff": "subject",
    "date": "date", "datum": "date",
}  # fmt: skip
"""What a letter can be asked to have, and the fact that tells."""

_YEARS_BACK, _YEARS_AHEAD = 30, 5
"""In which years a day may lie that is asked for without one."""
_YEAR_MONTH = re.compile(r"(?:19|20)\d\d-(?:0[1-9]|1[0-2])")
_SPOKEN = {
    "seit": ">=", "ab": ">=", "since": ">=", "bis": "<=", "until": "<=", "vor": "<", "before": "<", "nach": ">",
    "after": ">", "über": ">", "ueber": ">", "over": ">", "unter": "<", "under": "<",
}  # fmt: skip
COMPARISON = re.compile(rf"(>=|<=|>|<|=|(?:{'|'.join(_SPOKEN)})(?=\s))\s*", re.IGNORECASE)
"""What may stand between date: or amount: and its value."""
_CURRENCY = re.compile(r"^(?:€|EUR\b|Euro\b)\s*|\s*(?:€|EUR|Euro)$", re.IGNORECASE)
# A question mark that ends a sentence, and an asterisk between letters ("Kolleg*innen"), stand in letters too.
_PLACEHOLDER = re.compile(r"(?<=\w)[*~](?!\w)|(?<!\w)\*(?=\w)|(?<=\w)\?(?=\w)")
COLUMNS = {"sender": Column.SENDER, "subject": Column.TITLE}


class Leaves:
    """Makes leaves; holds the analyser that the index uses too."""

    def __init__(
        self, analyser: Analyser, *, today: date | None = None, classes: Mapping[str, str] | None = None
    ) -> None:
        """`classes` are the record classes there are, by code and by label; None takes every name for one."""
        self._analyser = analyser
        self._today = today
        self._classes = {compact_word(fold(name)): code for name, code in (classes or {}).items()}

    def of_atom(self, atom: Atom, text: str, column: Column | None = None) -> Node | None:
        """The leaf for one atom of `text`; None if nothing of it can be searched for."""
        if atom.kind is AtomKind.DAY:
            return self._of_day(atom, text, column)
        words = [
            Word(term=mark.term, column=column, typed=text[mark.start : mark.end], start=mark.start)
            for mark in self._analyser.terms_of(atom, text, [])
        ]
        if not words:
            return None
        if column is not None:
            return _phrase(words, column)
        alternatives: list[Node] = []
        match atom.kind:
            case AtomKind.MONTH if atom.day is not None:
                alternatives = [all_of(list(words)), Key(key=month_key(atom.day), is_beginning=True)]
            case AtomKind.GROUPED:
                key = grouped_key(atom.text)
                alternatives = [all_of(list(words)), Key(key=key), Word(term=bare_number(key))]
                if (number := number_term(atom.text)) is not None:
                    alternatives.append(Word(term=number))
            case AtomKind.IBAN:
                alternatives = [Key(key=iban_key(atom.text))]
            case AtomKind.COMPOUND:
                alternatives = [_phrase(words, None), *self._joined(atom)]
            case AtomKind.NUMBER if _is_year(words[0].term):
                alternatives = [words[0], Key(key=year_key(int(words[0].term)), is_beginning=True)]
            case AtomKind.WORD | AtomKind.NUMBER if _may_be_grouped(words[0].term):
                alternatives = [words[0], Key(key=number_key(words[0].term))]
            case _:
                alternatives = [_phrase(words, None)]
        if _YEAR_MONTH.fullmatch(atom.text):
            first = date.fromisoformat(f"{atom.text}-01")
            alternatives.append(Key(key=month_key(first), is_beginning=True))
        return any_of(alternatives)

    def _of_day(self, atom: Atom, text: str, column: Column | None) -> Node | None:
        """A day of any year that letters may be about."""
        within = " " * atom.start + text[atom.start : atom.end]
        parts = [part for each in atoms(within) if (part := self.of_atom(each, within, column)) is not None]
        if column is not None or self._today is None or atom.day is None:
            return all_of(parts)
        years = range(self._today.year - _YEARS_BACK, self._today.year + _YEARS_AHEAD + 1)
        leap = (atom.day.month, atom.day.day) == (2, 29)
        days = [atom.day.replace(year=year) for year in years if not leap or isleap(year)]
        return any_of([all_of(parts), *(Key(key=date_key(day)) for day in days)])

    def of_phrase(self, text: str, start: int, column: Column | None = None) -> Node:
        """The leaf for quoted text that begins at `start` of the query.

        Raises:
            QueryError: the quotes hold no word, or what they would take from its meaning.
        """
        _refuse_placeholders(text, start)
        found = list(atoms(text))
        if len(found) == 1 and (node := self.of_atom(found[0], text, column)) is not None:
            return _quoted(node, start)
        words = [
            Word(term=mark.term, column=column, typed=text[mark.start : mark.end], start=start + mark.start)
            for mark in self._analyser.analyse(text).stream
        ]
        if not words:
            raise QueryError("There is no word between these quotation marks.", start)
        return _phrase(words, column)

    def of_beginning(self, text: str, position: int, column: Column | None = None) -> Node:
        """The leaf for `text*`.

        Raises:
            QueryError: what stands before the asterisk is not one word or number.
        """
        stem, folded = self._analyser.word(compact_word(text))
        if not folded:
            raise QueryError("Write at least one letter before the asterisk, for example Rechn*.", position)
        words: list[Node] = [Beginning(folded=folded, stem=stem, column=column)]
        if column is None and any(character.isdigit() for character in folded):
            words += [Key(key=number_key(text), is_beginning=True), Key(key=iban_key(text), is_beginning=True)]
        elif not text.isalnum() and any(character in "-/.,'’" for character in text):
            raise QueryError("An asterisk can follow one word only: leave out what stands before the hyphen.", position)
        return any_of(words)

    def of_field(self, field: str, text: str, position: int, is_beginning: bool = False) -> Node:
        """The leaf for `field:text`, `field` being one of the values of FIELDS.

        Raises:
            QueryError: the text is nothing that this field can hold.
        """
        if field in COLUMNS:
            if is_beginning:
                return self.of_beginning(text, position, COLUMNS[field])
            return self.of_phrase(text, position, COLUMNS[field])
        _refuse_placeholders(text, position)
        if not compact_word(text):
            raise QueryError(f"What should {field}: be? Write it right behind the colon.", position)
        if field == "reference":
            return Key(key=reference_key(text), is_beginning=is_beginning)
        if field == "iban":
            return Key(key=iban_key(text), is_beginning=is_beginning)
        if is_beginning:
            raise QueryError(f"An asterisk cannot be used with {field}:, write the whole value.", position)
        if field == "class":
            return Key(key=class_key(self._class(text, position)))
        if field == "has":
            return Key(key=having_key(_fact(text, position)))
        if comparison := COMPARISON.match(text):
            sign = _SPOKEN.get(comparison[1].lower(), comparison[1])
            return self._compared(field, sign, text[comparison.end() :], position)
        if field == "amount":
            return Key(key=amount_key(_amount(text, position)))
        first, last = self._period(text, position)
        return DateRange(first=first, last=last)

    def of_pattern(self, text: str, position: int, column: Column | None = None) -> Node:
        """The leaf for a word with * or ? in it.

        Raises:
            QueryError: there are not two letters beside the placeholders.
        """
        pieces = re.split(r"([*?])", text)
        folded = "".join(piece if piece in ("*", "?") else self._analyser.word(piece)[1] for piece in pieces)
        if sum(character.isalnum() for character in folded) < 2:
            raise QueryError("Write at least two letters beside * or ?, for example *rechnung.", position)
        return Pattern(folded=folded, column=column, start=position)

    def of_similar(self, text: str, slips: int | None, position: int, column: Column | None = None) -> Node:
        """The leaf for `word~`; without a number, as many slips as a word of that length bears.

        Raises:
            QueryError: the word is too short to be misspelled and still be recognised.
        """
        stem, folded = self._analyser.word(text)
        allowed = slips_allowed(folded)
        if not allowed:
            raise QueryError("Similar words (~) need at least four letters.", position)
        return Similar(folded=folded, term=stem, slips=min(slips or allowed, allowed), column=column)

    def of_range(
        self, field: str, start: str | None, end: str | None, position: int, excluded: tuple[bool, bool]
    ) -> Node:
        """The leaf for `field:[start TO end]`; an open side reaches as far as there is anything.

        Raises:
            QueryError: neither dates nor amounts, or the wrong way round.
        """
        lower, upper = ((text or "").strip(' "*') for text in (start, end))
        if field == "amount":
            lowest = cents(_amount(lower, position)) + excluded[0] if lower else 0
            highest = cents(_amount(upper, position)) - excluded[1] if upper else MOST_CENTS
            if highest < lowest:
                raise QueryError("This range ends before it begins.", position)
            return AmountRange(lowest=lowest, highest=highest)
        if field != "date":
            raise QueryError(f"Ranges work for date: and amount:, not for {field}:.", position)
        first, last = date.min, date.max
        if lower:
            period = self._period(lower, position)
            first = _day_after(period[1]) if excluded[0] else period[0]
        if upper:
            period = self._period(upper, position)
            last = period[0] - timedelta(days=1) if excluded[1] else period[1]
        if last < first:
            raise QueryError("This range ends before it begins.", position)
        return DateRange(first=first, last=last)

    def _compared(self, field: str, sign: str, value: str, position: int) -> Node:
        """`field:>value` and the like, as the range it means."""
        if sign == "=":
            return self.of_field(field, value, position)
        if sign[0] == ">":
            return self.of_range(field, value, None, position, (sign == ">", False))
        return self.of_range(field, None, value, position, (False, sign == "<"))

    def _class(self, text: str, position: int) -> str:
        name = compact_word(fold(text))
        if not self._classes or name in self._classes:
            return self._classes.get(name, text)
        near = get_close_matches(name, self._classes, n=1)
        hint = f" Did you mean {self._classes[near[0]]}?" if near else ""
        raise QueryError(f"There is no class {text!r}.{hint}", position)

    def _period(self, text: str, position: int) -> tuple[date, date]:
        period = read_period(text, self._today)
        if period is None:
            raise QueryError(
                f"{text.strip()!r} is no date. Write a day, a month or a year, like 05.03.2026, 2026-03 or 2026, or "
                "today, gestern, last week, diesen Monat.",
                position,
            )
        return period

    def _joined(self, atom: Atom) -> list[Node]:
        stem = self._analyser.word(compact_word(atom.text))[0]
        if any(character.isdigit() for character in atom.text):
            return [Key(key=number_key(atom.text)), Word(term=stem)]
        return [Word(term=stem)]


def _phrase(words: list[Word], column: Column | None) -> Word | Phrase:
    if len(words) == 1:
        return words[0]
    return Phrase(terms=tuple(word.term for word in words), column=column)


def _quoted(node: Node, offset: int) -> Node:
    """The same leaf, taken by the letter, where words remember their place in the whole query."""
    match node:
        case Word():
            return replace(node, start=node.start + offset, exact=True)
        case Or(nodes=nodes):
            return Or(nodes=tuple(_quoted(child, offset) for child in nodes))
        case And(nodes=nodes):
            return And(nodes=tuple(_quoted(child, offset) for child in nodes))
        case _:
            return node


def _is_year(term: str) -> bool:
    return len(term) == 4 and term.isdecimal() and 1950 <= int(term) <= 2100


def _may_be_grouped(term: str) -> bool:
    """Whether letters may hold this number with separators, under its key."""
    return len(term) >= 4 and term.isalnum() and any(character.isdigit() for character in term)


def _refuse_placeholders(text: str, position: int) -> None:
    if (sign := _PLACEHOLDER.search(text)) is not None:
        raise QueryError(
            f"{sign.group()} means nothing between quotation marks; write the word without them.",
            position + sign.start(),
        )


def _amount(text: str, position: int) -> str:
    amount = parse_amount(_CURRENCY.sub("", text.strip()).lstrip("+-–−"))
    if amount is None:
        raise QueryError(f"{text!r} is no amount. Write it like amount:1.234,56 or amount:1234.56.", position)
    return amount


def _fact(text: str, position: int) -> str:
    fact = HAVING.get(text.strip().lower())
    if fact is None:
        raise QueryError(f"has: knows {', '.join(HAVING)}; not {text!r}.", position)
    return fact


def _day_after(day: date) -> date:
    return day if day == date.max else day + timedelta(days=1)
