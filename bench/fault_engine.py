"""An engine that does what real ones do on one page in a hundred thousand: hang, eat memory, crash.

It reads a page with the real engine and then misbehaves as a word on that page says. `worker_main` is what a worker of
bench/runaway.py runs in place of the product's.
"""

import os
import time
from typing import TYPE_CHECKING

from intake import engine, worker
from intake.engine import Engine, FoundWord

if TYPE_CHECKING:
    from intake.engine import Grey

ENDLESS, ASLEEP, GREEDY, CRASHING = "Endlosschleife", "Dornröschen", "Nimmersatt", "Absturzursache"
FAULTS = (ENDLESS, ASLEEP, GREEDY, CRASHING)
_real_engine = engine.open_engine


class FaultEngine:
    """The real engine, with faults."""

    def __init__(self, name: str) -> None:
        self._engine: Engine = _real_engine(name)
        self.in_process = self._engine.in_process

    def prepare(self, languages: tuple[str, ...]) -> None:
        """As the real one."""
        self._engine.prepare(languages)

    def recognise(self, image: "Grey", dpi: int, languages: tuple[str, ...], simple: bool) -> list[FoundWord]:
        """As the real one, unless a word on the page says otherwise."""
        words = self._engine.recognise(image, dpi, languages, simple)
        for word in words:
            misbehave(word.text.strip(".,;:"))
        return words


def misbehave(word: str) -> None:
    """What the word says; nothing for any other word."""
    if word == CRASHING:
        os.abort()
    while word == ENDLESS:
        pass
    while word == ASLEEP:
        time.sleep(60)
    eaten = []
    while word == GREEDY:
        eaten.append(b"\1" * 50_000_000)


def worker_main() -> None:
    """A worker with this engine."""
    # The worker asks the module when it gets ready, so it gets ours.
    engine.open_engine = FaultEngine
    worker.main()
