"""The date of the letter: labelled, behind a place, or alone in the upper part; never the due date or a birthday."""

import re
from datetime import date, timedelta

from classifiers.labels import Labels
from classifiers.layout import HEAD_TO, Letter
from classifiers.lines import PageLines, Segment
from poststelle.german import find_amounts, find_dates
from poststelle.records import Fact

LETTER_DATE: dict[str, float] = {
    "Datum": 0.97, "Rechnungsdatum": 0.99, "Belegdatum": 0.97, "Briefdatum": 0.98, "Ausstellungsdatum": 0.97,
    "Angebotsdatum": 0.98, "Auftragsdatum": 0.8, "Lieferscheindatum": 0.98, "Dokumentdatum": 0.96,
    "Datum des Schreibens": 0.98, "Bescheiddatum": 0.98, "Erstellungsdatum": 0.93, "erstellt am": 0.9,
    "ausgestellt am": 0.95, "Ausgestellt": 0.9, "festgestellt am": 0.9, "Ort Datum": 0.75, "Datum Ort": 0.7,
    "Druckdatum": 0.8, "Abrechnungsdatum": 0.9, "Tag": 0.6, "Bescheid vom": 0.6, "Schreiben vom": 0.4, "Stand": 0.4,
    "Ihr Schreiben vom": 0.1, "Ihre Nachricht vom": 0.1, "Ihr Zeichen vom": 0.1, "Unser Schreiben vom": 0.2,
    "Unsere Nachricht vom": 0.6, "Date": 0.9,
}  # fmt: skip
"""What stands before the date of a letter, and how surely it is that date."""

_OTHERS = (
    "fällig", "fällig am", "Fälligkeit", "Fälligkeitsdatum", "zahlbar bis", "bis", "bis zum", "spätestens",
    "gültig bis", "Gültigkeit", "Lieferdatum", "Leistungsdatum", "Liefertermin", "Leistungszeitraum", "geb",
    "geb am", "geboren", "geboren am", "Geburtsdatum", "Eintritt", "Eintrittsdatum", "Austritt", "seit", "ab",
    "zum", "vom", "Bestelldatum", "Ihre Bestellung vom", "Buchungstag", "Wert", "Valuta", "Termin", "am", "und",
    "Beginn", "Ende", "Eingang", "Eingegangen", "Eingegangen am", "Zahlungsziel", "Frist", "Vertragsbeginn",
    "Stichtag",
)  # fmt: skip
OTHER_DATE: dict[str, float] = dict.fromkeys(_OTHERS, 0.03)
"""What stands before other dates than the letter's own."""

ALONE_ON_TOP = 0.85
BEHIND_PLACE = 0.95
AT_SIGNATURE = 0.6
SOMEWHERE_ON_TOP = 0.35
SOMEWHERE = 0.12
ITEM = 0.4
"""A date beside an amount, under the head of a column, is an item's."""
LEAST = 0.02
"""Below this a date is rather another one than the letter's."""

_PLACE = re.compile(r"^\W{0,2}[A-ZÄÖÜ][\w.()/ -]{1,30}[,.]?\s*(?:den|dem|am)?\s*$")
_CONFUSED = str.maketrans("OoQIl|!SsB", "0001111558")
_DIGIT = r"[\dOoQIl|!SsB]"
_LOOSE_DATE = re.compile(rf"(?<![\w.])({_DIGIT}{{1,2}})[.,:;]\s?({_DIGIT}{{1,2}})[.,:;]\s?([12I]{_DIGIT}{{3}})(?![\w])")


def dates_in(text: str) -> list[tuple[int, int, date, float]]:
    """Dates as (start, end, date, certainty), also where O was read for 0 or a comma for a point."""
    repaired = _LOOSE_DATE.sub(_digits_and_points, text)
    return [
        (start, end, when, 1.0 if repaired[start:end] == text[start:end] else 0.8)
        for start, end, when in find_dates(repaired)
    ]


def _digits_and_points(match: re.Match[str]) -> str:
    """The same number of characters, so that offsets stay true."""
    return re.sub(r"[,:;]", ".", match.group().translate(_CONFUSED))


class LetterDateReader:
    """Finds the date of a letter."""

    def __init__(self) -> None:
        self._labels = Labels(OTHER_DATE | LETTER_DATE)

    @property
    def words(self) -> frozenset[str]:
        """The words whose misreadings matter here."""
        return self._labels.words

    def read(self, letter: Letter, received_on: date) -> Fact | None:
        """The likeliest date with its confidence, or None if the letter carries none."""
        best, best_rank = None, 0.0
        for page in letter.pages[:2]:
            for segment in page.segments:
                for start, end, when, certainty in dates_in(segment.text):
                    certainty *= self._certainty(letter, page, segment, (start, end))
                    certainty *= _plausibility(when, received_on)
                    sure = segment.confidence_between(start, end)
                    # Hard to read in the right place beats clear in the wrong one.
                    rank = certainty * (0.5 + 0.5 * sure)
                    if rank > max(best_rank, LEAST):
                        value, best_rank = when.isoformat(), rank
                        best = Fact(name="date", value=value, confidence=round(certainty * sure, 3), page=page.number)
        return best

    def _certainty(self, letter: Letter, page: PageLines, segment: Segment, span: tuple[int, int]) -> float:
        start, end = span
        before = segment.text[:start]
        if (labelled := self._label_certainty(page, segment, len(before.split()))) is not None:
            return labelled
        alone = not segment.text[end:].strip(" .,|")
        on_top = page is letter.first and segment.top < HEAD_TO + 0.12
        if alone and before and _PLACE.match(before) and segment.offset_of(3) >= start - 4:
            return BEHIND_PLACE if on_top else AT_SIGNATURE
        if not on_top:
            return SOMEWHERE
        return ALONE_ON_TOP if alone and not before.strip(" .,|") else SOMEWHERE_ON_TOP

    def _label_certainty(self, page: PageLines, segment: Segment, index: int) -> float | None:
        if index:
            return self._labels.ends_at(tuple(t for t in segment.tokens[:index] if t))
        if (left := page.left_of(segment)) is not None:
            certainty = self._labels.ends_at(tuple(t for t in left.tokens if t))
            if certainty is not None:
                return certainty * 0.99
        if (above := page.above(segment)) is not None and len(above.words) <= 4:
            certainty = self._labels.ends_at(tuple(t for t in above.tokens if t))
            if certainty is not None:
                of_item = any(find_amounts(other.text) for other in page.rows[segment.row])
                return certainty * (ITEM if of_item else 0.96)
        return None


def _plausibility(when: date, received_on: date) -> float:
    """A letter is not written after it came; one that took over a year is rare."""
    if when > received_on + timedelta(days=3):
        return 0.3
    return 1.0 if when > received_on - timedelta(days=400) else 0.93
