"""Random lives of letters, day by day: nothing goes a day early, and nothing is forgotten a day long."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from archive.disposition import Considered, consider
from bench.timelines import Outcome, live, make_life

LIVES = 300


def outcomes(count: int) -> list[Outcome]:
    """How these lives ended; the same ones every time."""
    found = []
    for number in range(count):
        chance = random.Random(f"1 {number}")
        found.append(live(make_life(chance), chance))
    return found


def test_no_life_ends_early_and_none_is_forgotten() -> None:
    """Holds, audits, restrictions, corrections and new laws cross in ways that nobody writes down as an example."""
    found = outcomes(LIVES)

    assert [number for number, outcome in enumerate(found) if outcome.early] == []
    assert [number for number, outcome in enumerate(found) if outcome.forgotten] == []
    assert sum(outcome.destroyed_on is not None for outcome in found) > LIVES // 2, "most of them do end"
    assert sum(outcome.asked for outcome in found) > 50 * LIVES


def _a_day_early(*arguments: Any) -> Considered:
    letter, schedule, events, holds, today, grounds = arguments
    return consider(letter, schedule, events, holds, today + timedelta(days=1), grounds)


def _a_day_late(*arguments: Any) -> Considered:
    letter, schedule, events, holds, today, grounds = arguments
    return consider(letter, schedule, events, holds, today - timedelta(days=1), grounds)


def _without_holds(*arguments: Any) -> Considered:
    letter, schedule, events, _, today, grounds = arguments
    return consider(letter, schedule, events, (), today, grounds)


def _without_restrictions(*arguments: Any) -> Considered:
    letter, schedule, events, holds, today, grounds = arguments
    return consider(letter, schedule, events, holds, today, ["retention"] if grounds else ())


def _without_audits(*arguments: Any) -> Considered:
    letter, schedule, events, holds, today, grounds = arguments
    known = {event: day for event, day in events.items() if not event.startswith("audit")}
    return consider(letter, schedule, known, holds, today, grounds)


def _with_audits_that_end_with_their_day(*arguments: Any) -> Considered:
    letter, schedule, events, holds, today, grounds = arguments
    short = {
        code: replace(line, extended_by=tuple(replace(e, years_after=None) for e in line.extended_by))
        for code, line in schedule.items()
    }
    return consider(letter, short, events, holds, today, grounds)


@pytest.mark.parametrize(
    ("wrong", "early"),
    [
        (_a_day_early, True),
        (_a_day_late, False),
        (_without_holds, True),
        (_without_restrictions, True),
        (_without_audits, True),
        (_with_audits_that_end_with_their_day, True),
    ],
)
def test_a_program_that_is_wrong_is_found(wrong: Callable[..., Considered], early: bool) -> None:
    """An oracle that agrees with everything would let the mistake through that it was made for."""
    with patch("bench.timelines.consider", wrong):
        found = outcomes(60)

    assert any(outcome.early if early else outcome.forgotten for outcome in found)
