"""The queue in front of the workers: letters take turns, so that one page does not wait behind three hundred."""

import threading
from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import Generic, TypeVar

Job = TypeVar("Job")


AHEAD_IN_A_ROW = 8
"""So many jobs of short letters may go before the others' turn comes: a morning of short ones stops no thick one."""


class FairQueue(Generic[Job]):
    """Round robin over letters; within a letter, pages in order; short letters ahead. Safe for many threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: OrderedDict[int, deque[Job]] = OrderedDict()
        self._ahead: deque[tuple[int, Job]] = deque()
        self._in_a_row = 0
        self._closed = False

    def put(self, letter: int, jobs: Iterable[Job], *, ahead: bool = False) -> None:
        """Add jobs behind this letter's others; a letter new to the queue is the last in the round.

        `ahead` is for what is done soon: it goes before the round, behind what went ahead already.
        """
        with self._changed:
            if ahead:
                self._ahead.extend((letter, job) for job in jobs)
            else:
                waiting = self._waiting.setdefault(letter, deque())
                waiting.extend(jobs)
                if not waiting:
                    del self._waiting[letter]
            self._changed.notify_all()

    def take(self, timeout_seconds: float | None = None) -> Job | None:
        """The next job; None if none came in time, or the queue is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ahead or self._closed, timeout_seconds)
            if self._ahead and (self._in_a_row < AHEAD_IN_A_ROW or not self._waiting):
                self._in_a_row += 1
                return self._ahead.popleft()[1]
            self._in_a_row = 0
            if not self._waiting:
                return None
            letter, jobs = self._waiting.popitem(last=False)
            job = jobs.popleft()
            if jobs:
                self._waiting[letter] = jobs
            return job

    def drop(self, letter: int) -> None:
        """Forget the jobs of a letter."""
        with self._changed:
            self._waiting.pop(letter, None)
            self._ahead = deque((other, job) for other, job in self._ahead if other != letter)

    def close(self) -> None:
        """Let waiting and later `take` calls return None once the queue is empty."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        with self._changed:
            return self._closed
