"""A clock that can be set: no test may set the machine's.

Run as a program, this file is the real command line under such a clock: `set_clock.py FILE COMMAND…`. It believes what
the clock shows, and files are stamped as by a kernel with that clock. Durations (`time.monotonic`) pass as they do.
"""

import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any
from unittest.mock import patch

from poststelle.cli import main

TICK_SECONDS = 0.02
"""The kernel stamps files by its ticks of a few milliseconds: a file must not seem older or younger than a setting."""


class Clock:
    """Shared through a file: at which real second it was set, and how far off, line by line."""

    def __init__(self, file: Path) -> None:
        self._file = file
        file.touch()
        self._stat = os.stat  # as it is now: later it may ask this clock
        self._settings = [(0.0, 0.0)]
        self._known_bytes = 0

    def set_to(self, at: datetime) -> None:
        """From now on it is that time."""
        time.sleep(TICK_SECONDS)
        real = time.time()
        with self._file.open("a", encoding="ascii") as stream:
            stream.write(f"{real} {at.timestamp() - real}\n")
        time.sleep(TICK_SECONDS)

    def now(self) -> datetime:
        """What the clock shows."""
        return datetime.fromtimestamp(self.shown_at(time.time()), UTC)

    def shown_at(self, real: float) -> float:
        """What it showed at a real second."""
        size = self._stat(self._file).st_size
        if size != self._known_bytes:
            lines = [line.split() for line in self._file.read_text(encoding="ascii").splitlines()]
            self._settings = [(0.0, 0.0), *((float(since), float(ahead)) for since, ahead in lines)]
            self._known_bytes = size
        return real + next(ahead for since, ahead in reversed(self._settings) if since <= real)


def believed(clock: Clock) -> type[datetime]:
    """What stands for `datetime` where a program asks what time it is."""

    class Believed(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return clock.now().astimezone(tz)

    return Believed


def stamped(clock: Clock, look: Callable[..., os.stat_result]) -> Callable[..., os.stat_result]:
    """`os.stat` or `os.fstat` as if the kernel had stamped files by the clock."""

    def looked(*arguments: Any, **options: Any) -> os.stat_result:
        status = look(*arguments, **options)
        times = {name: clock.shown_at(getattr(status, name)) for name in ("st_atime", "st_mtime", "st_ctime")}
        exact = {f"{name}_ns": int(seconds * 1e9) for name, seconds in times.items()}
        whole = [int(seconds) for seconds in times.values()]
        return os.stat_result((*status[:7], *whole), {**times, **exact})

    return looked


def _main() -> None:
    clock = Clock(Path(sys.argv[1]))
    with (
        patch("poststelle.wiring.datetime", believed(clock)),
        patch("os.stat", stamped(clock, os.stat)),
        patch("os.fstat", stamped(clock, os.fstat)),
    ):
        main(sys.argv[2:])


if __name__ == "__main__":
    _main()
