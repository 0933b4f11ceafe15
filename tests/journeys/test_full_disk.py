"""A disk that fills up stops the mail room before it hurts; what waits in the inbox is safe there."""

import hashlib
import threading
from typing import Any
from unittest.mock import patch

import pytest
from simulators import Office, RecordedPool, environment_of

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
