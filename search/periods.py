"""Reads the days that a person means by "2026-03", "March" spelled in German, "05.03.2026", "2026" or "last week"."""

import re
from calendar import monthrange
from datetime import date, timedelta

from poststelle.german import MONTHS, find_dates

_YEAR = re.compile(r"(\d{4})")
_YEAR_MONTH = re.compile(r"(\d{4})-(\d{1,2})")
_MONTH_YEAR = re.compile(r"(\d{1,2})[./](\d{4})")
_NAMED_MONTH = re.compile(r"([A-Za-zäÄ]+)\.?\s+(\d{4})")

_THIS, _LAST = r"(?:this|dies(?:e[nmrs]?)?)", r"(?:last|previous|(?:letzt|vorig|vergangen)(?:e[nmrs]?)?)"
_DAYS_BACK = {
    "today": 0, "heute": 0, "yesterday": 1, "gestern": 1, "vorgestern": 2, "tomorrow": -1, "morgen": -1,
}  # fmt: skip
_SPANS = {
    "week": "week", "woche": "week", "month": "month", "monat": "month", "monats": "month", "quarter": "quarter",
    "quartal": "quarter", "quartals": "quarter", "year": "year", "jahr": "year", "jahres": "year",
}  # fmt: skip
_RELATIVE = re.compile(rf"(?:(?P<this>{_THIS})|(?P<last>{_LAST}))[\s_-]+(?P<span>{'|'.join(_SPANS)})", re.IGNORECASE)
_LAST_DAYS = re.compile(rf"{_LAST}[\s_-]+(?P<count>\d{{1,4}})[\s_-]+(?:days?|tagen?|tage)", re.IGNORECASE)
RELATIVE_START = re.compile(rf"(?:{_RELATIVE.pattern}|{_LAST_DAYS.pattern})(?!\w)", re.IGNORECASE)
"""A relative date of several words, at the beginning of what follows `date:`."""

Period = tuple[date, date]


def read_period(text: str, today: date | None = None) -> Period | None:
    """First and last day of the day, month, year or stretch that the text names; None if it names none.

    Weeks begin on Monday. Without `today`, nothing relative is understood.
    """
    text = text.strip()
    found = find_dates(text)
    if len(found) == 1 and (found[0][0], found[0][1]) == (0, len(text)):
        return found[0][2], found[0][2]
    if match := _YEAR.fullmatch(text):
        year = int(match.group(1))
        return (date(year, 1, 1), date(year, 12, 31)) if year else None
    if match := _YEAR_MONTH.fullmatch(text):
        return _month(int(match.group(1)), int(match.group(2)))
    if match := _MONTH_YEAR.fullmatch(text):
        return _month(int(match.group(2)), int(match.group(1)))
    if match := _NAMED_MONTH.fullmatch(text):
        return _month(int(match.group(2)), MONTHS.get(match.group(1).lower(), 0))
    return None if today is None else _relative(text, today)


def _relative(text: str, today: date) -> Period | None:
    if (back := _DAYS_BACK.get(text.lower())) is not None:
        day = today - timedelta(days=back)
        return day, day
    if match := _LAST_DAYS.fullmatch(text):
        # "The last 7 days" end today: what came in this morning belongs to them.
        return today - timedelta(days=max(int(match["count"]) - 1, 0)), today
    if match := _RELATIVE.fullmatch(text):
        span = _SPANS[match["span"].lower()]
        this = _span_around(today, span)
        return this if match["this"] else _span_around(this[0] - timedelta(days=1), span)
    return None


def _span_around(day: date, span: str) -> Period:
    """The week, month, quarter or year that a day is in."""
    if span == "week":
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=6)
    if span == "year":
        return date(day.year, 1, 1), date(day.year, 12, 31)
    first = day.month if span == "month" else (day.month - 1) // 3 * 3 + 1
    last = first if span == "month" else first + 2
    return date(day.year, first, 1), date(day.year, last, monthrange(day.year, last)[1])


def _month(year: int, month: int) -> Period | None:
    if not (1 <= month <= 12 and year):
        return None
    return date(year, month, 1), date(year, month, monthrange(year, month)[1])
