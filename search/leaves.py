"""Turns what stands between operators into leaves of the query tree: the same analysis as for letters.

Where a letter may spell a thing in several ways, the leaf is an OR of the forms under which the index holds it.
"""

from datetime import date

from poststelle.errors import QueryError
from poststelle.german import parse_amount
from search.analysis import (
    Analyser,
    amount_key,
    class_key,
    compact_word,
    iban_key,
    month_key,
    number_key,
    reference_key,
    year_key,
)
from search.atoms import Atom, AtomKind, atoms, number_term
from search.periods import read_period
from search.query import Beginning, Column, DateRange, Key, Node, Phrase, Word, all_of, any_of

FIELDS: dict[str, str] = {
    "class": "class", "klasse": "class",
    "sender": "sender", "absender": "sender",
    "subject": "subject", "title": "subject", "betreff": "subject",
    "date": "date", "datum": "date",
    "iban": "iban",
    "reference": "reference", "zeichen": "reference",
    "amount": "amount", "betrag": "amount",
}  # fmt: skip
"""Names a person may write before a colon, and the field each means."""

_COLUMNS = {"sender": Column.SENDER, "subject": Column.TITLE}


class Leaves:
    """Makes leaves; holds the analyser that the index uses too."""

    def __init__(self, analyser: Analyser) -> None:
        self._analyser = analyser

    def of_atom(self, atom: Atom, text: str, column: Column | None = None) -> Node | None:
        """The leaf for one atom of `text`; None if nothing of it can be searched for."""
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
                alternatives = [all_of(list(words)), Key(key=number_key(atom.text))]
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
        return any_of(alternatives)

    def of_phrase(self, text: str, start: int, column: Column | None = None) -> Node:
        """The leaf for quoted text that begins at `start` of the query.

        Raises:
            QueryError: the quotes hold no word.
        """
        found = list(atoms(text))
        if len(found) == 1 and (node := self.of_atom(found[0], text, column)) is not None:
            return _moved(node, start)
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
        if field in _COLUMNS:
            if is_beginning:
                return self.of_beginning(text, position, _COLUMNS[field])
            return self.of_phrase(text, position, _COLUMNS[field])
        if not compact_word(text):
            raise QueryError(f"What should {field}: be? Write it right behind the colon.", position)
        if field == "reference":
            return Key(key=reference_key(text), is_beginning=is_beginning)
        if field == "iban":
            return Key(key=iban_key(text), is_beginning=is_beginning)
        if is_beginning:
            raise QueryError(f"An asterisk cannot be used with {field}:, write the whole value.", position)
        if field == "class":
            return Key(key=class_key(text))
        if field == "amount":
            return Key(key=amount_key(_amount(text, position)))
        first, last = _period(text, position)
        return DateRange(first=first, last=last)

    def of_range(self, field: str, start: str | None, end: str | None, position: int) -> Node:
        """The leaf for `date:[start TO end]`; an open side reaches as far as dates go.

        Raises:
            QueryError: not a date field, or no dates, or the wrong way round.
        """
        if field != "date":
            raise QueryError(f"Ranges work for date: only, not for {field}: yet.", position)
        first = _period(start, position)[0] if start and start.strip() else date.min
        last = _period(end, position)[1] if end and end.strip() else date.max
        if last < first:
            raise QueryError("This range ends before it begins.", position)
        return DateRange(first=first, last=last)

    def _joined(self, atom: Atom) -> list[Node]:
        stem = self._analyser.word(compact_word(atom.text))[0]
        if any(character.isdigit() for character in atom.text):
            return [Key(key=number_key(atom.text)), Word(term=stem)]
        return [Word(term=stem)]


def _phrase(words: list[Word], column: Column | None) -> Word | Phrase:
    if len(words) == 1:
        return words[0]
    return Phrase(terms=tuple(word.term for word in words), column=column)


def _moved(node: Node, offset: int) -> Node:
    """The same leaf where a single word remembers its place in the whole query."""
    if isinstance(node, Word):
        return Word(term=node.term, column=node.column, typed=node.typed, start=node.start + offset)
    return node


def _is_year(term: str) -> bool:
    return len(term) == 4 and term.isdecimal() and 1950 <= int(term) <= 2100


def _may_be_grouped(term: str) -> bool:
    """Whether letters may hold this number with separators, under its key."""
    return len(term) >= 4 and term.isalnum() and any(character.isdigit() for character in term)


def _amount(text: str, position: int) -> str:
    amount = parse_amount(text)
    if amount is None:
        raise QueryError(f"{text!r} is no amount. Write it like amount:1.234,56 or amount:1234.56.", position)
    return amount


def _period(text: str, position: int) -> tuple[date, date]:
    period = read_period(text)
    if period is None:
        raise QueryError(
            f"{text.strip()!r} is no date. Write a day, a month or a year, like 05.03.2026, 2026-03 or 2026.", position
        )
    return period
