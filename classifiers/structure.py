"""What the build of a letter says: a table of items, a total, an account number, a notice of legal remedies."""

import re

from classifiers.layout import Letter
from classifiers.settings import Signal
from poststelle.german import find_amounts
from poststelle.records import Fact

SIGNAL_WORDS: dict[Signal, str] = {
    "has_iban": "an account number is printed",
    "has_amount": "amounts of money are printed",
    "has_total": "a total is printed",
    "has_table": "there is a table of items with prices",
    "has_due_date": "a date is set by which something is due",
    "has_legal_remedy": "there is a notice of legal remedies",
    "has_salutation": "someone is addressed in person",
    "from_person": "the sender is a private person",
}
"""How each signal reads in a reason."""

_REMEDY = re.compile(
    r"rechtsbehelfsbelehrung|rechtsmittelbelehrung|widerspruch[^.]{0,60}(?:erheben|eingelegt|einlegen|erhoben)"
    r"|einspruch[^.]{0,60}(?:einlegen|eingelegt|erheben|erhoben)|klage[^.]{0,60}(?:erhoben|erheben)",
    re.IGNORECASE,
)
_ITEM_HEAD = re.compile(
    r"\b(?:pos\.?|menge|einzelpreis|artikel\S*|bezeichnung|anzahl|stück|einheit|gesamtpreis)(?!\w)", re.I
)
_ORGANISATION = re.compile(
    r"\b(?:GmbH|AG|KG|OHG|GbR|UG|eG|mbH|e\.?\s?V\.?|e\.?\s?K\.?|PartG\S*)(?!\w)|amt\b|bank\b|kasse\b|gericht\b|kanzlei|praxis"
    r"|versicherung|anwälte|anwalt|stadt|gemeinde|verein|verband|genossenschaft|dr\. med",
    re.IGNORECASE,
)
_MIN_ROWS = 2


def find_signals(letter: Letter, facts: tuple[Fact, ...]) -> frozenset[Signal]:
    """The signals a letter gives, its facts included."""
    names = {fact.name: fact for fact in facts if fact.confidence >= 0.3}
    signals: set[Signal] = set()
    if "iban" in names:
        signals.add("has_iban")
    if "amount" in names:
        signals.add("has_total")
    if "due_date" in names:
        signals.add("has_due_date")
    if letter.salutation is not None:
        signals.add("has_salutation")
    if any(_REMEDY.search(page.flow.text) for page in letter.pages):
        signals.add("has_legal_remedy")
    priced = [row for row in letter.first.rows if any(find_amounts(segment.text) for segment in row)]
    if priced:
        signals.add("has_amount")
    if len(priced) >= _MIN_ROWS and any(
        len(_ITEM_HEAD.findall(" ".join(segment.text for segment in row))) >= 2 for row in letter.first.rows
    ):
        signals.add("has_table")
    if (sender := names.get("sender")) is not None and _is_person(sender.value):
        signals.add("from_person")
    return frozenset(signals)


def _is_person(name: str) -> bool:
    return 2 <= len(name.split()) <= 3 and not _ORGANISATION.search(name)
