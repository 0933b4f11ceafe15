"""Deadlines beside the due date, each with its sentence and kind: objections, appointments, the end of contracts.

What is counted errs on the early side: a deadline is never moved from a weekend to the next working day.
"""

import re
from dataclasses import replace
from datetime import date, timedelta

from classifiers.facts_date import dates_in
from classifiers.facts_due import certainty_of, dated_fact, later, sentence_around
from classifiers.layout import Letter
from classifiers.lines import PageLines
from poststelle.records import Fact

MOST = 5
"""A letter with more sets none of them: it is a list."""
LEAST = 0.5
ASKED = 0.85
"""A printed date counts if the words around it ask for something by then this surely."""
COUNTED_FROM_LETTER, COUNTED_FROM_RECEIPT = 0.85, 0.65
FROM_2025 = date(2025, 1, 1)
"""Since then a letter of an authority counts as made known on the fourth day after posting (before: the third)."""

_PERIOD = re.compile(
    r"\b(?:innerhalb|binnen)\s+(?:von\s+|einer\s+Frist\s+von\s+)?"
    r"(?P<number>\d{1,3}|eine[mrs]?|zwei|zweier|drei|dreier|vier|sechs|acht|zehn|vierzehn|dreißig)\s+"
    r"(?P<unit>tage|woche|monat)\w*\s+(?:nach|ab|seit)\s+(?:\w+\s+){0,3}?"
    r"(?P<from>bekanntgabe|bekannt\s?gegeben|zustellung|zugestellt|zugang|zugegangen|erhalt|empfang|eröffnung|datum"
    r"|eingang|eintreffen)\b",
    re.IGNORECASE,
)
_NUMBERS = {
    "zwei": 2, "zweier": 2, "drei": 3, "dreier": 3, "vier": 4, "sechs": 6, "acht": 8, "zehn": 10, "vierzehn": 14,
    "dreißig": 30,
}  # fmt: skip
_RIGHTS = re.compile(
    r"widerspruch|widersprech|einspruch|klage|rechtsbehelf|rechtsmittel|berufung|beschwerde|widerruf|äußer|stellungnahme"
    r"|anhörung|einwend|erinnerung\b|ds-?gvo|auskunft",
    re.IGNORECASE,
)
_ENDS = re.compile(
    r"\b(?:kündig\w*|gekündigt|endet|ende|beend\w*|läuft[^.]{0,40}aus|befristet)\b[^.]{0,80}"
    r"\b(?:zum|mit ablauf des|am|bis zum)\W*$",
    re.IGNORECASE,
)
_MEETS = re.compile(
    r"\b(?:termin|findet|laden|einladung|eingeladen|ladung|besprechung|verhandlung|\w*gespräch|\w*versammlung|anhörung)\b"
    r"[^.!?]{0,90}$",
    re.IGNORECASE,
)
_AT = re.compile(r"\W*(?:um|ab|gegen)?\W*\d{1,2}(?:[:.]\d{2})?\s?Uhr\b", re.IGNORECASE)
"""An appointment is a day with an hour; without one it is often the day of a delivery or an earlier talk."""


def find_deadlines(
    letter: Letter, letter_date: Fact | None, due_date: Fact | None, received_on: date
) -> tuple[Fact, ...]:
    """Facts deadline_1, deadline_2 …, the earliest first; none repeats the due date or lies before the letter."""
    written = date.fromisoformat(letter_date.value) if letter_date else None
    found: dict[str, Fact] = {}
    for page in letter.pages:
        for fact in (*_counted(page, written, received_on), *_printed(page)):
            known = found.get(fact.value)
            late = written is None or fact.value > written.isoformat()
            # The due date was counted from the same words, from another day: it is told once.
            late = late and (due_date is None or fact.source != due_date.source)
            if late and fact.confidence >= LEAST and (known is None or known.confidence < fact.confidence):
                found[fact.value] = fact
    if due_date is not None:
        found.pop(due_date.value, None)
    if len(found) > MOST:
        return ()
    return tuple(
        replace(found[value], name=f"deadline_{number}") for number, value in enumerate(sorted(found), start=1)
    )


def _counted(page: PageLines, written: date | None, received_on: date) -> list[Fact]:
    facts = []
    for match in _PERIOD.finditer(page.flow.text):
        sentence = sentence_around(page.flow, match.start(), match.end())
        if not _RIGHTS.search(sentence):
            continue
        number = int(match["number"]) if match["number"].isdigit() else _NUMBERS.get(match["number"].lower(), 1)
        start, sure = _start(match["from"].lower(), written, received_on)
        when = later(start, number, match["unit"].lower())
        if when is not None:
            sure *= page.flow.confidence_between(match.start(), match.end("unit"))
            facts.append(dated_fact("deadline", page, when, sure, match.span()))
    return facts


def _start(word: str, written: date | None, received_on: date) -> tuple[date, float]:
    """The day from which a period runs.

    What an authority posts is made known on the fourth day after (§ 122 AO, § 41 VwVfG, § 37 SGB X), even if it
    came earlier. What is served, or simply comes, counts from the day it came: the day of receipt as we know it.
    """
    if written is not None and word.startswith("bekannt"):
        return written + timedelta(days=4 if written >= FROM_2025 else 3), COUNTED_FROM_LETTER
    if written is not None and word == "datum":
        return written, COUNTED_FROM_LETTER
    return received_on, COUNTED_FROM_RECEIPT


def _printed(page: PageLines) -> list[Fact]:
    """Dates by which something is asked for, and dates on which something ends."""
    facts = []
    text = page.flow.text
    for start, end, when, certainty in dates_in(text)[:200]:
        certainty *= page.flow.confidence_between(start, end)
        asked = certainty_of(text, start, end)
        if asked < ASKED:
            before, after = text[max(0, start - 120) : start], text[end : end + 40]
            asked = 0.75 if _ENDS.search(before) or (_MEETS.search(before) and _AT.match(after)) else 0.0
        if asked:
            facts.append(dated_fact("deadline", page, when, asked * certainty, (start, end)))
    return facts
