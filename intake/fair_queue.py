"""The queue in front of the workers: letters take turns, so that one page does not wait behind three hundred."""

import threading
from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import Generic, TypeVar

Job = TypeVar("Job")


class FairQueue(Generic[Job]):
    """Round robin over letters; within a letter, pages in order. Safe for many threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: OrderedDict[int, deque[Job]] = OrderedDict()
        self._closed = False

    def put(self, letter: int, jobs: Iterable[Job]) -> None:
        """Add jobs behind this letter's others; a letter new to the queue is the last in the round."""
        with self._changed:
            self._waiting.setdefault(letter, deque()).extend(jobs)
            self._changed.notify_all()

    def take(self, timeout_seconds: float | None = None) -> Job | None:
        """The next job; None if none came in time, or the queue is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed, timeout_seconds)
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
