"""The queue in front of the workers: everybody's turn comes, nobody's page is lost or moved."""

from itertools import zip_longest

from hypothesis import given, settings
from hypothesis import strategies as st

from intake.fair_queue import FairQueue


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
