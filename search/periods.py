"""Reads the days that a person means by "2026-03", "March" spelled in German, "05.03.2026" or "2026"."""

import re
from calendar import monthrange
from datetime import date

from poststelle.german import MONTHS, find_dates

_YEAR = re.compile(r"(\d{4})")
_YEAR_MONTH = re.compile(r"(\d{4})-(\d{1,2})")
_MONTH_YEAR = re.compile(r"(\d{1,2})[./](\d{4})")
_NAMED_MONTH = re.compile(r"([A-Za-zäÄ]+)\.?\s+(\d{4})")


def read_period(text: str) -> tuple[date, date] | None:
    """First and last day of the day, month or year that the text names; None if it names none."""
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
    return None


def _month(year: int, month: int) -> tuple[date, date] | None:
    if not (1 <= month <= 12 and year):
        return None
    return date(year, month, 1), date(year, month, monthrange(year, month)[1])
