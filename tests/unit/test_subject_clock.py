"""The clock of a request: one month, and two more."""

from datetime import date

import pytest

from poststelle.verbs.subject_requests import after_months


@pytest.mark.parametrize(
    ("received", "months", "due"),
    [
        (date(2026, 3, 17), 1, date(2026, 4, 17)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2026, 12, 5), 1, date(2027, 1, 5)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2026, 3, 31), 3, date(2026, 6, 30)),
    ],
)
def test_a_month_ends_on_its_day_or_on_the_last_there_is(received: date, months: int, due: date) -> None:
    """A day too late is a breach that the supervisory authority counts."""
    assert after_months(received, months) == due
