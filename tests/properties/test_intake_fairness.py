"""The queue in front of the workers: everybody's turn comes, nobody's page is lost or moved."""

from itertools import groupby, zip_longest

from hypothesis import given, settings
from hypothesis import strategies as st

from intake.fair_queue import AHEAD_IN_A_ROW, FairQueue


@given(stacks=st.lists(st.integers(1, 8), min_size=1, max_size=6))
@settings(derandomize=True, deadline=None)
def test_letters_take_turns_page_by_page(stacks: list[int]) -> None:
    """A letter of n pages is through after at most n rounds, however thick the others are."""
    queue: FairQueue[tuple[int, int]] = FairQueue()
    for letter, pages in enumerate(stacks):
        queue.put(letter, [(letter, page) for page in range(pages)])
    queue.close()

    taken = []
    while (job := queue.take()) is not None:
        taken.append(job)

    rounds = zip_longest(*([(letter, page) for page in range(pages)] for letter, pages in enumerate(stacks)))
    assert taken == [job for turn in rounds for job in turn if job is not None]


@given(dropped=st.integers(0, 3))
@settings(derandomize=True, deadline=None)
def test_a_letter_that_is_dropped_takes_no_more_turns(dropped: int) -> None:
    """A letter that went to quarantine must not cost its neighbours time."""
    queue: FairQueue[int] = FairQueue()
    for letter in range(4):
        queue.put(letter, [letter, letter])
    queue.drop(dropped)
    queue.close()

    taken = []
    while (job := queue.take()) is not None:
        taken.append(job)

    assert sorted(taken) == sorted(2 * [letter for letter in range(4) if letter != dropped])


def test_waiting_ends_with_the_time_given() -> None:
    """An idle worker must get the chance to rest."""
    assert FairQueue[int]().take(0.01) is None


@given(thick=st.integers(1, 40), short=st.integers(0, 60))
@settings(derandomize=True, deadline=None)
def test_short_letters_go_ahead_but_stop_nobody(thick: int, short: int) -> None:
    """A one-page letter is read before the next page of three hundred; a morning full of them must not keep the
    three hundred waiting until the evening."""
    queue: FairQueue[str] = FairQueue()
    queue.put(1, ["thick"] * thick)
    for letter in range(short):
        queue.put(2 + letter, ["short"], ahead=True)
    queue.close()

    taken = []
    while (job := queue.take()) is not None:
        taken.append(job)

    assert (taken.count("thick"), taken.count("short")) == (thick, short)
    assert taken[: min(short, AHEAD_IN_A_ROW)] == ["short"] * min(short, AHEAD_IN_A_ROW)
    while_thick_waits = taken[: len(taken) - taken[::-1].index("thick")]
    assert max(_runs_of_short(while_thick_waits), default=0) <= AHEAD_IN_A_ROW


def test_a_dropped_letter_leaves_the_front_too() -> None:
    """A short letter that was refused must not come up again."""
    queue: FairQueue[int] = FairQueue()
    queue.put(1, [1], ahead=True)
    queue.put(2, [2], ahead=True)
    queue.drop(1)
    queue.close()

    assert (queue.take(), queue.take()) == (2, None)


def _runs_of_short(taken: list[str]) -> list[int]:
    """Lengths of what was short in a row."""
    return [len(list(group)) for kind, group in groupby(taken) if kind == "short"]
