"""Workers that load their models while files settle: the first letters of a run do not wait for them."""

import time
from pathlib import Path

from intake import IntakeSettings, RecognitionPool

LONG_SECONDS = 60


def test_every_worker_gets_ready_before_a_letter_comes(tmp_path: Path) -> None:
    """Else the files of the morning wait for the models although the machine had nothing else to do."""
    pool = RecognitionPool(IntakeSettings(workers=2), tmp_path)
    try:
        assert _ready(pool) == 0
        pool.warm_up(every=True)
        until = time.monotonic() + LONG_SECONDS
        while _ready(pool) < 2 and time.monotonic() < until:
            time.sleep(0.05)

        assert _ready(pool) == 2
    finally:
        pool.abort()


def _ready(pool: RecognitionPool) -> int:
    return sum(worker.has_worked for worker in pool._workers)
