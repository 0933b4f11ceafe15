"""Completes what somebody types into a shell: words, senders and classes of the letters that may be seen.

Nothing of its own is kept for this. Words come from the vocabularies that search itself uses, so what is removed
from an index is gone from here too.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from poststelle.german import fold
from search.index import CompartmentIndex
from search.leaves import FIELDS, HAVING
from search.passages import clean_line
from search.suggestions import as_written, form_expression

MOST = 20
"""Words that are offered at once."""
SHORTEST = 2
"""Letters; one alone begins too many words to be of help."""
_MOST_COUNTED = 400
_LETTERS_READ = 200
"""Senders stand inside the letters; only the newest are looked at."""
_DATES = ("heute", "gestern", "today", "yesterday")


def completions(indexes: Sequence[CompartmentIndex], typed: str, classes: Mapping[str, str]) -> list[str]:
    """What `typed`, the last word of a query, may become, the most frequent first.

    `classes` are record classes, codes by code and label.
    """
    name, colon, value = typed.partition(":")
    if not colon:
        return [*_fields(typed), *_words(indexes, typed)]
    match FIELDS.get(name.lower()):
        case "class":
            values: Iterable[str] = sorted(classes)
        case "has":
            values = HAVING
        case "date":
            values = _DATES
        case "sender":
            values = _senders(indexes, value)
        case "subject":
            return [f"{name}:{word}" for word in _words(indexes, value)]
        case _:
            return []
    return [f"{name}:{known}" for known in values if fold(known).startswith(fold(value)) and " " not in known]


def _fields(typed: str) -> list[str]:
    return [f"{name}:" for name in FIELDS if typed and name.startswith(typed.lower())]


def _words(indexes: Sequence[CompartmentIndex], typed: str) -> list[str]:
    folded = fold(typed)
    if len(folded) < SHORTEST or not folded.isalpha():
        return []
    letters: Counter[str] = Counter()
    for index in indexes:
        for word in index.words.beginning(folded, _MOST_COUNTED):
            if word.isalpha():
                letters[word] += index.count(form_expression(index, word))
    ordered = sorted(letters, key=lambda word: (-letters[word], word))[:MOST]
    offered = (_continued(indexes, typed, word) for word in ordered)
    return list(dict.fromkeys(word for word in offered if word))


def _continued(indexes: Sequence[CompartmentIndex], typed: str, word: str) -> str | None:
    """What was typed, made a word of the letters; None if they write the word otherwise."""
    written = as_written(indexes, word) or word
    if written.lower().startswith(typed.lower()):
        return typed + written[len(typed) :]
    # The index knows words without umlauts only: "Kun" may become "Kundigung", which finds the same.
    return typed + word[len(typed) :] if word.startswith(typed.lower()) else None


def _senders(indexes: Sequence[CompartmentIndex], typed: str) -> list[str]:
    """Words of the senders of the newest letters."""
    counted: Counter[str] = Counter()
    for index in indexes:
        for entry in index.newest_entries(_LETTERS_READ):
            counted.update({word for word in clean_line(entry.sender).split() if word.isalpha()})
    beginning = [word for word in counted if fold(word).startswith(fold(typed))]
    return sorted(beginning, key=lambda word: (-counted[word], word))[:MOST]
