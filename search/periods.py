"""Reads the days that a person means by "2026-03", "March" in two languages, "05.03.2026", "2026" or "last week"."""

import re
from calendar import monthrange
from contextlib import suppress
from datetime import date, timedelta

from poststelle.german import MONTHS, find_dates

_YEAR = re.compile(r"(\d{4})")
_YEAR_MONTH = re.compile(r"(\d{4})-(\d{1,2})")
_MONTH_YEAR = re.compile(r"(\d{1,2})[./](\d{4})")
_NAMED_MONTHS = MONTHS | {
    "january": 1, "february": 2, "march": 3, "mar": 3, "may": 5, "june": 6, "july": 7, "october": 10, "oct": 10,
    "december": 12, "dec": 12,
}  # fmt: skip
_NAMED_MONTH = re.compile(rf"({'|'.join(_NAMED_MONTHS)})\.?(?:\s+(\d{{4}}))?", re.IGNORECASE)

_THIS, _LAST = r"(?:this|dies(?:e[nmrs]?)?)", r"(?:last|previous|(?:letzt|vorig|vergangen)(?:e[nmrs]?)?)"
_DAYS_BACK = {
    "today": 0, "heute": 0, "yesterday": 1, "gestern": 1, "vorgestern": 2, "tomorrow": -1, "morgen": -1,
}  # fmt: skip
_SPANS = {
    "week": "week", "woche": "week", "month": "month", "monat": "month", "monats": "month", "quarter": "quarter",
    "quartal": "quarter", "quartals": "quarter", "year": "year", "jahr": "year", "jahres": "year",
}  # fmt: skip
_RELATIVE = re.compile(rf"(?:(?P<this>{_THIS})|(?P<last>{_LAST}))[\s_-]+(?P<span>{'|'.join(_SPANS)})", re.IGNORECASE)
_QUARTER = re.compile(r"(?:Q\s?(?P<q>[1-4])|(?P<ordinal>[1-4])\.\s?Quartal)[\s/-]+(?P<of>\d{4})", re.IGNORECASE)
_WEEK = re.compile(r"(?:KW|week)\s?(?P<week>\d{1,2})[\s/-]+(?P<in>\d{4})", re.IGNORECASE)
_UNITS = {
    "day": "day", "days": "day", "tag": "day", "tage": "day", "tagen": "day", "week": "week", "weeks": "week",
    "woche": "week", "wochen": "week", "month": "month", "months": "month", "monat": "month", "monate": "month",
    "monaten": "month", "year": "year", "years": "year", "jahr": "year", "jahre": "year", "jahren": "year",
}  # fmt: skip
_LAST_SO_MANY = re.compile(
    rf"{_LAST}[\s_-]+(?P<count>\d{{1,4}})[\s_-]+(?P<unit>{'|'.join(sorted(_UNITS, key=len, reverse=True))})",
    re.IGNORECASE,
)
SEVERAL_WORDS = re.compile(
    rf"(?:{_RELATIVE.pattern}|{_LAST_SO_MANY.pattern}|{_NAMED_MONTH.pattern}|{_QUARTER.pattern}|{_WEEK.pattern})(?!\w)",
    re.IGNORECASE,
)
"""A date that may have several words, at the beginning of what follows `date:`."""

Period = tuple[date, date]


def read_period(text: str, today: date | None = None) -> Period | None:
    """First and last day of the day, month, year or stretch that the text names; None if it names none.

    Weeks begin on Monday; a month without a year is the latest that has begun. Without `today`, nothing relative is
    understood.
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
        month = _NAMED_MONTHS[match.group(1).lower()]
        if match.group(2):
            return _month(int(match.group(2)), month)
        return None if today is None else _month(today.year - (month > today.month), month)
    if match := _QUARTER.fullmatch(text):
        return _month(int(match["of"]), 3 * int(match["q"] or match["ordinal"]) - 2, 3)
    if match := _WEEK.fullmatch(text):
        with suppress(ValueError):
            return _span_around(date.fromisocalendar(int(match["in"]), int(match["week"]), 1), "week")
    return None if today is None else _relative(text, today)


def _relative(text: str, today: date) -> Period | None:
    if (back := _DAYS_BACK.get(text.lower())) is not None:
        day = today - timedelta(days=back)
        return day, day
    if match := _LAST_SO_MANY.fullmatch(text):
        # "The last 7 days" end today: what came in this morning belongs to them.
        return _back(today, int(match["count"]), _UNITS[match["unit"].lower()]) + timedelta(days=1), today
    if match := _RELATIVE.fullmatch(text):
        span = _SPANS[match["span"].lower()]
        this = _span_around(today, span)
        return this if match["this"] else _span_around(this[0] - timedelta(days=1), span)
    return None


def _back(today: date, count: int, unit: str) -> date:
    """The day so many days, weeks, months or years ago."""
    if unit in ("day", "week"):
        return today - timedelta(days=max(count, 1) * (7 if unit == "week" else 1))
    months = today.year * 12 + today.month - 1 - max(count, 1) * (12 if unit == "year" else 1)
    year, month = max(months // 12, 1), months % 12 + 1
    return date(year, month, min(today.day, monthrange(year, month)[1]))


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


def _month(year: int, month: int, count: int = 1) -> Period | None:
    """So many months from this one on."""
    if not (1 <= month <= 12 and year):
        return None
    last = month + count - 1
    return date(year, month, 1), date(year, last, monthrange(year, last)[1])
