"""The day by which someone must pay, answer or act: printed, or counted from the letter's date."""

import re
from bisect import bisect_right
from datetime import date, timedelta

from classifiers.deadline_kinds import OTHER, kind_of
from classifiers.facts_date import dates_in
from classifiers.layout import Letter
from classifiers.lines import Flow, PageLines
from poststelle.records import Fact, Word

_BEFORE: tuple[tuple[re.Pattern[str], float], ...] = tuple(
    (re.compile(pattern + r"\W*$", re.IGNORECASE), certainty)
    for pattern, certainty in (
        (r"\b(?:geboren|geb\.|geburtsdatum|lieferdatum|leistungszeitraum)(?: am)?", 0.0),
        (r"\b(?:zahlbar|fällig|fälligkeit|fälligkeitsdatum|zahlungsziel|zahlungsfrist|zu zahlen|frist)"
         r"(?: ?am| bis| zum| bis zum| bis spätestens| ist der)?", 0.96),
        (r"\bspätestens(?: bis)?(?: zum| am)?", 0.95),
        (r"\b(?:gültig|gültigkeit|bindend|gebunden)(?: ist)? bis(?: zum| einschließlich)?", 0.93),
        (r"\b(?:fällig|zahl|überweis|begleich|zieh|einzug|buch|belast|lastschrift).*\b(?:am|zum)", 0.88),
        (r"\b(?:kündig|beend|auslauf|endet).*\b(?:zum|mit ablauf des|am)", 0.75),
        (r"\b(?:anmeldung|rückmeldung|antwort|zusage).*\b(?:zum|am)", 0.6),
    )
)  # fmt: skip
_UNTIL = re.compile(
    r"\bbis(?: zum| einschließlich| einschl\.?)?(?: (?:mo|diens|mitt|donners|frei|sams|sonn)\w+)?\W*$", re.I
)
_ASKS = re.compile(
    r"zahl|überw|begleich|ausgleich|entricht|erstatt|bitte|fordern|forderung|antwort|rückmeld|\bmelden|einreich|vorleg|vorzuleg"
    r"|äußer|stellungnahme|nachweis|vorgemerkt|zusenden|zusend|anmeld|arbeitsunfähig|abgeben|mitteil|nachkomm|eingeh|eingang",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<=[a-zäöüß)])\.\s")
UNTIL_AND_ASKED, UNTIL = 0.9, 0.55
_IS_PAID = re.compile(
    r"\b(?:überw[ie]+sen|angewiesen|gutgeschrieben|ausgezahlt|ausbezahlt|abgebucht|eingezogen|belastet|entrichtet)\b",
    re.IGNORECASE,
)
_WILL_BE = re.compile(r"\b(?:wird|werden)\b[^.]*\bam\W*$|^\W*(?:am|zum|bis|bis zum)\W*$", re.IGNORECASE)
_AFTER = re.compile(r"^\W*(?:zur zahlung )?(?:fällig|vorgemerkt|zahlbar|zu zahlen|eingehend|auf unserem konto)", re.I)
_PERIOD_START = re.compile(r"\d{1,2}\.\s?(?:\d{1,2}\.|[a-zä]{3,9})\s?(?:\d{2,4})?\s*(?:bis|-|–)\W*(?:zum\W*)?$", re.I)
_COUNTED = re.compile(
    r"\b(?:(?:innerhalb|binnen|zahlungsziel|zahlbar|frist|ziel)(?:\s+(?:von|in|sofort|einer|beträgt))*\W+)?"
    r"(?P<number>\d{1,3}|ein(?:er|es|em)?|zwei|drei|vier|sechs|acht|zehn|vierzehn|dreißig)\s+"
    r"(?P<unit>tage|woche|monat)\w*(?=(?P<rest>[^.,;]{0,50}))",
    re.IGNORECASE,
)
_COUNT_CUE = re.compile(r"innerhalb|binnen|zahlungsziel|zahlbar|netto|ab rechnungs|nach rechnungs|nach erhalt", re.I)
_NOT_PAYMENT = re.compile(
    r"skonto|%|widerspruch|einspruch|rechtsbehelf|klage|bekanntgabe|widerruf|kündigungsfrist|lieferzeit|rückgabe", re.I
)
_NUMBERS = {
    "zwei": 2, "drei": 3, "vier": 4, "sechs": 6, "acht": 8, "zehn": 10, "vierzehn": 14, "dreißig": 30,
}  # fmt: skip
_MONTHS = "Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember"
_NEXT_SENTENCE = re.compile(rf"[.!?]\s+(?=[A-ZÄÖÜ])(?!(?:{_MONTHS})\b)")
_CONTEXT = 120
MAX_SENTENCE = 300
COUNTED_CERTAINTY = 0.75
LEAST = 0.3
MOST_DATES = 200
"""A page with more is a list, and none of its dates is a deadline of the letter."""


def find_due_date(letter: Letter, letter_date: Fact | None) -> Fact | None:
    """The due date, never before the letter's own date; None if the letter sets none."""
    written = date.fromisoformat(letter_date.value) if letter_date else None
    printed = max(
        (fact for page in letter.pages for fact in _printed(page, written)),
        key=lambda fact: fact.confidence,
        default=None,
    )
    if printed is not None and printed.confidence >= LEAST:
        return printed
    if written is None or letter_date is None:
        return None
    return next((fact for page in letter.pages for fact in _counted(page, written, letter_date.confidence)), None)


def _printed(page: PageLines, written: date | None) -> list[Fact]:
    facts = []
    for start, end, when, certainty in dates_in(page.flow.text)[:MOST_DATES]:
        if written is not None and when < written:
            continue
        certainty *= certainty_of(page.flow.text, start, end) * page.flow.confidence_between(start, end)
        if written is not None and when == written:
            certainty *= 0.5
        facts.append(_due(page, when, certainty, (start, end)))
    return facts


def _due(page: PageLines, when: date, sure: float, span: tuple[int, int]) -> Fact:
    return dated_fact("due_date", page, when, sure, span)


def dated_fact(name: str, page: PageLines, when: date, sure: float, span: tuple[int, int]) -> Fact:
    """A day that a letter sets, with the sentence around the words that set it, and what it is for."""
    sentence = sentence_around(page.flow, *span)
    words = page.flow.text[slice(*span)]
    at = max(0, sentence.find(words))
    kind = kind_of(sentence, at, at + len(words))
    if kind == OTHER:
        # Lines that stand wide apart cut a sentence short: what is missing may still tell.
        before, after = _around(page.flow.text, *span)
        before = sentence[:at] if sentence[:1].isupper() else before
        after = sentence[at + len(words) :] if sentence.endswith((".", "!", "?")) else after
        kind = kind_of(before + words + after, len(before), len(before) + len(words))
    return Fact(
        name=name, value=when.isoformat(), confidence=round(sure, 3), page=page.number, source=sentence, kind=kind
    )


def certainty_of(text: str, start: int, end: int) -> float:
    """How surely the words around a date, within its sentence, make it a due date."""
    before, after = _around(text, start, end)
    if _AFTER.match(after):
        return 0.95
    if _PERIOD_START.search(before):
        return 0.35
    if _WILL_BE.search(before) and _IS_PAID.search(after):
        return 0.88
    certainty = next((certainty for pattern, certainty in _BEFORE if pattern.search(before)), None)
    if certainty is None and _UNTIL.search(before):
        certainty = UNTIL_AND_ASKED if _ASKS.search(before + after) else UNTIL
    return certainty or 0.0


def _around(text: str, start: int, end: int) -> tuple[str, str]:
    """What stands before and behind a place within its sentence."""
    return (
        _SENTENCE_END.split(text[max(0, start - _CONTEXT) : start])[-1],
        _SENTENCE_END.split(text[end : end + _CONTEXT])[0],
    )


def _counted(page: PageLines, written: date, certainty: float) -> list[Fact]:
    """Due dates such as "innerhalb von 14 Tagen", the longest last so that cash discount does not win."""
    facts = []
    for match in _COUNTED.finditer(page.flow.text):
        sentence = page.flow.text[max(0, match.start() - 60) : match.end()]
        if not _COUNT_CUE.search(match.group() + match["rest"]) or _NOT_PAYMENT.search(match["rest"]):
            continue
        if re.search(r"widerspruch|einspruch|klage|rechtsbehelf|widerruf", sentence, re.I):
            continue
        number = int(match["number"]) if match["number"].isdigit() else _NUMBERS.get(match["number"].lower(), 1)
        when = later(written, number, match["unit"].lower())
        if when is not None:
            sure = COUNTED_CERTAINTY * certainty * page.flow.confidence_between(match.start(), match.end("unit"))
            facts.append(_due(page, when, sure, match.span()))
    return sorted(facts, key=lambda fact: fact.value, reverse=True)


def later(start: date, number: int, unit: str) -> date | None:
    """So many days ("tage"), weeks ("woche") or months ("monat") later; None for more than two years of months."""
    if unit == "tage":
        return start + timedelta(days=number)
    if unit == "woche":
        return start + timedelta(weeks=number)
    if number > 24:
        return None
    month = start.month - 1 + number
    year, month = start.year + month // 12, month % 12 + 1
    last = (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month, min(start.day, last))


def sentence_around(flow: Flow, start: int, end: int) -> str:
    """The sentence that holds a place, within its paragraph, at most `MAX_SENTENCE` characters of it."""
    first, last = _paragraph(flow, start, end)
    for match in _NEXT_SENTENCE.finditer(flow.text, first, last):
        if match.end() <= start:
            first = match.end()
        elif match.start() >= end:
            last = match.start() + 1
            break
    first, last = max(first, end - MAX_SENTENCE), min(last, start + MAX_SENTENCE)
    return flow.text[first:last].strip()


def _paragraph(flow: Flow, start: int, end: int) -> tuple[int, int]:
    """From where to where the lines stand close together."""
    first = max(0, bisect_right(flow.starts, start) - 1)
    last = max(first, bisect_right(flow.starts, end - 1) - 1)
    while first > 0 and not _is_apart(flow.words[first - 1], flow.words[first]):
        first -= 1
    while last + 1 < len(flow.words) and not _is_apart(flow.words[last], flow.words[last + 1]):
        last += 1
    return flow.starts[first], flow.starts[last] + len(flow.words[last].text)


def _is_apart(one: Word, other: Word) -> bool:
    """Whether an empty line stands between two words."""
    return one.line != other.line and other.top - one.bottom > 0.9 * (one.bottom - one.top)
