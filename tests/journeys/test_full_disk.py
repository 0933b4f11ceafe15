"""A disk that fills up stops the mail room before it hurts; what waits in the inbox is safe there."""

import hashlib
import threading
import time
from concurrent.futures import Future
from typing import Any
from unittest.mock import patch

import pytest
from simulators import Office, RecordedPool, environment_of, eventually

from intake import Recognition
from poststelle.errors import UnreadableFile
from poststelle.verbs.taking_in import watch

CONTENT = b"not read by anything: the recognition is recorded\n"
LEAST = "least_free_megabytes: 1000 "
ROOM = "poststelle.verbs.taking_in"


def hungry(office: Office, megabytes: int) -> None:
    """Let the office want that much free space."""
    text = office.config.read_text(encoding="utf-8")
    assert LEAST in text
    office.config.write_text(text.replace(LEAST, f"least_free_megabytes: {megabytes} "), encoding="utf-8")


def test_with_too_little_room_nothing_is_taken_and_everybody_is_told(office: Office) -> None:
    """Half a letter on a full disk helps nobody; the scan in the inbox is still whole."""
    sound = office.config.read_text(encoding="utf-8")
    hungry(office, 10**12)
    (office.inbox / "brief.pdf").write_bytes(CONTENT)
    ran, status = office.run("intake"), office.run("status")

    assert (ran.status, ran.json["documents"], office.waiting()) == (1, [], ["brief.pdf"])
    assert "nearly full" in ran.err
    disk = next(check for check in status.json["checks"] if check["name"] == "disk")
    assert (disk["ok"], "nothing more is taken in" in disk["detail"]) == (False, True)
    copied = office.run("intake", office.config)
    assert (copied.status, copied.json["documents"]) == (1, []), "files that are named are not taken either"

    office.config.write_text(sound, encoding="utf-8")
    assert len(office.run("intake").json["documents"]) == 1, "the control: with room it is taken"
    assert office.waiting() == []


@pytest.mark.usefixtures("the_suite_stays_dumpable")
def test_a_watch_goes_on_by_itself_when_there_is_room(office: Office) -> None:
    """Somebody makes room at night; nobody should have to come in and start the mail room again."""
    (office.inbox / "brief.pdf").write_bytes(CONTENT)
    told: list[str] = []
    left = [0, 0, 0]
    digest = hashlib.sha256(CONTENT).hexdigest()
    stop = threading.Event()

    class Pool(RecordedPool):
        def warm_up(self, **options: Any) -> None:
            """Nothing to warm up."""

    def free(session: Any) -> int:
        return left.pop() if left else 10**15

    pool = Pool({digest: UnreadableFile("damaged", "The file is damaged.")})
    with (
        patch(f"{ROOM}.RecognitionPool", lambda settings, folder: pool),
        patch(f"{ROOM}.free_bytes", free),
        patch("poststelle.pipeline.SPACE_SECONDS", 0.01),
        watch(environment_of(office), stop, lambda progress: None, told.append) as run,
    ):
        outcomes = []
        for outcome in run.outcomes:
            outcomes.append(outcome.status)
            stop.set()
    assert outcomes == ["quarantined"]
    assert ["nearly full" in sentence for sentence in told] == [True, False]
    assert left == [], "the control: it was asked until there was room"


class _Reading(RecordedPool):
    """Recognition that ends when it is told to."""

    def __init__(self) -> None:
        super().__init__({})
        self.at_work: list[Future[Recognition]] = []

    def recognise(self, snapshot: Any, *arguments: Any, **options: Any) -> "Future[Recognition]":
        self.at_work.append(Future())
        return self.at_work[-1]

    def end(self, which: int) -> None:
        self.at_work[which].set_exception(UnreadableFile("damaged", "The file is damaged."))


def test_space_is_looked_for_right_before_each_letter(office: Office) -> None:
    """The letters before it took the last room while it waited for its turn: it stays in the inbox, whole."""
    for number in range(2):
        (office.inbox / f"brief-{number}.pdf").write_bytes(CONTENT + bytes([number]))
    told: list[str] = []
    statuses: list[str] = []
    pool, stop, full = _Reading(), threading.Event(), threading.Event()

    def others() -> None:
        eventually(lambda: len(pool.at_work) == 1, "the first is read")
        time.sleep(0.3)  # the second waits for its turn
        full.set()
        pool.end(0)
        eventually(lambda: len(told) == 1, "it says that there is no room")
        assert [name for name in office.waiting() if ".poststelle" not in name] == ["brief-1.pdf"]
        full.clear()
        eventually(lambda: len(pool.at_work) == 2, "the second is read")
        pool.end(1)
        eventually(lambda: len(statuses) == 2, "both are taken in")

    def live() -> None:
        try:
            others()
        finally:
            stop.set()

    with (
        patch(f"{ROOM}.RecognitionPool", lambda settings, folder: pool),
        patch(f"{ROOM}.free_bytes", lambda session: 0 if full.is_set() else 10**15),
        patch("poststelle.pipeline.SPACE_SECONDS", 0.01),
        patch("poststelle.pipeline.LETTERS_AHEAD", 1),
        watch(environment_of(office), stop, lambda progress: None, told.append) as run,
    ):
        world = threading.Thread(target=live)
        world.start()
        statuses.extend(outcome.status for outcome in run.outcomes)
        world.join()
    assert statuses == ["quarantined", "quarantined"]
    assert ["nearly full" in sentence for sentence in told] == [True, False]
