"""Short forms of the drills, and the proof that they can fail: `script/drill` runs them at full size."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from drills import lost_writes
from drills.checker import Place, digests, examine
from drills.clock_jumps import NEW_YEAR, changes_after, day_in_berlin
from drills.crash import FAULTS, KILL, broken, interrupt
from drills.lost_writes import cut_power
from drills.operations import CONTENT, OPERATIONS, Prepared
from drills.set_clock import Clock, believed, stamped
from simulators import Office

from poststelle.durable import Disk

SAMPLE = 11
"""Every eleventh step of each operation; the drill tries all."""


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_fault_at_sampled_steps_breaks_no_promise(name: str, empty_office: Office, tmp_path: Path) -> None:
    """The paper is shredded: whatever the machine does in between, the letter is in exactly one place at the end."""
    template = empty_office.copy_to(tmp_path / "template").root
    operation = OPERATIONS[name]

    report = interrupt(operation, template, tmp_path, faults=(KILL, FAULTS[1]), wanted=lambda step: step % SAMPLE == 5)

    assert report.failures == []
    assert sum(report.tried.values()) >= 2, "the control"


@pytest.mark.parametrize("name", ["intake", "purge"])
def test_a_power_cut_at_sampled_moments_breaks_no_promise(name: str, empty_office: Office, tmp_path: Path) -> None:
    """What was written and not fsynced is gone, or comes in another order, when the lights are on again."""
    moments, tried, failures = _in_child(lambda: cut_power(OPERATIONS[name], empty_office, tmp_path, every=8))

    assert failures == []
    assert moments >= 12, "the control: something was recorded"
    assert tried >= 10


def test_the_power_cut_drill_sees_a_file_that_nobody_fsynced(
    empty_office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: a program that trusts the kernel's memory loses the letter, and the drill says so."""
    watched = lost_writes.recording

    @contextmanager
    def forgetful(root: Path) -> Iterator[lost_writes.Recorder]:
        with watched(root) as recorder:
            seen = os.fsync
            os.fsync = lambda descriptor: seen(descriptor) if Path(f"/proc/self/fd/{descriptor}").is_dir() else None
            yield recorder

    monkeypatch.setattr(lost_writes, "recording", forgetful)
    _, _, failures = _in_child(lambda: cut_power(OPERATIONS["intake"], empty_office, tmp_path, every=5))

    assert any("LOST" in failure for failure in failures)


def test_the_power_cut_drill_sees_a_name_that_nobody_fsynced(
    empty_office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: a part whose folder was not fsynced is a part without a name after the power cut."""

    class Careless(Disk):
        def sync_folder(self, path: Path) -> None:
            """Trusts the kernel."""

    monkeypatch.setattr(lost_writes, "Disk", Careless)
    _, _, failures = _in_child(lambda: cut_power(OPERATIONS["intake"], empty_office, tmp_path, every=4))

    assert any("missing" in failure for failure in failures)


def test_the_checker_names_what_is_lost_doubled_left_behind_or_half(
    full_office: Office, scans: dict[str, Path]
) -> None:
    """A checker that never complains would pass every drill."""
    contents = [path.read_bytes() for path in scans.values()]
    drops, place = digests(contents), Place.of(full_office.folder)
    assert examine(place, drops) == []

    def said(change: Callable[[], None]) -> str:
        change()
        return "\n".join(examine(place, drops))

    assert "LOST" in "\n".join(examine(place, digests([*contents, b"another"])))
    again = full_office.inbox / "again.pdf"
    assert "DOUBLED" in said(lambda: again.write_bytes(contents[0]) and None)
    again.unlink()
    left = full_office.vault / "objects" / "00" / "x.tmp"
    left.parent.mkdir(exist_ok=True)
    assert "left behind" in said(left.touch)
    left.unlink()
    part = full_office.objects("text")[0]
    held = part.read_bytes()
    assert "is not what was committed" in said(lambda: part.write_bytes(held[:-1] + b"!") and None)
    assert "is missing" in said(part.unlink)
    part.write_bytes(held)
    mirror = full_office.mirror / "keys.db"
    assert "mirror" in said(lambda: _forget_a_wrap(mirror))
    (full_office.vault / "keys" / "keys.db").write_bytes(mirror.read_bytes())
    assert "does not open" in said(lambda: None)


def test_the_checker_sees_a_letter_that_its_index_does_not_hold(empty_office: Office, tmp_path: Path) -> None:
    """A letter that nobody finds is as good as lost."""
    from filed_letters import file_letters

    office = empty_office.copy_to(tmp_path / "root")
    sample = OPERATIONS["move"].prepare(office)
    assert broken(office, sample, settled=True) == []

    from drills.operations import UNSURE

    file_letters(office, [UNSURE], findable=False)

    whole = Prepared(office, [*sample.contents, UNSURE.content])
    assert any("index of unsorted" in said for said in broken(office, whole, settled=True))


def test_the_checker_sees_a_letter_that_was_destroyed_early(empty_office: Office, tmp_path: Path) -> None:
    """The letter that the tax office asks for is gone, and everything else is in perfect order."""
    prepared = OPERATIONS["discard"].prepare(empty_office.copy_to(tmp_path / "root"))
    OPERATIONS["discard"].act(prepared.office, Disk(), prepared)
    assert broken(prepared.office, prepared, settled=True) == []

    prepared.destroyed = {}

    said = broken(prepared.office, prepared, settled=True)
    assert any("EARLY" in line for line in said)
    assert any(f"LOST: content {hashlib.sha256(CONTENT).hexdigest()[:12]}" in line for line in said)


def test_a_clock_that_was_set_is_believed_and_stamps_files_from_then_on(tmp_path: Path) -> None:
    """A file from before the setting keeps its stamp, as on a machine whose clock was wrong."""
    clock, before, after = Clock(tmp_path / "clock"), tmp_path / "before", tmp_path / "after"
    before.write_bytes(b"")
    stamp = before.stat().st_mtime_ns
    clock.set_to(datetime.now(UTC) + timedelta(days=40))
    after.write_bytes(b"")

    look, machine = stamped(clock, os.stat), datetime.now(UTC)
    assert (look(before).st_mtime_ns - stamp) / 1e9 == pytest.approx(0, abs=0.001)
    assert look(after).st_mtime - after.stat().st_mtime == pytest.approx(40 * 86_400, abs=1)
    assert look(after).st_size == 0 and look(after).st_ino == after.stat().st_ino
    assert timedelta(days=40, seconds=-1) <= believed(clock).now(UTC) - machine < timedelta(days=40, minutes=1)


@pytest.mark.parametrize(
    ("at", "day", "change"),
    [
        ("2026-10-24T21:59:59", "2026-10-24", "summer time ends"),
        ("2026-10-24T22:00:00", "2026-10-25", "summer time ends"),
        ("2026-10-25T22:30:00", "2026-10-25", NEW_YEAR),
        ("2026-12-31T22:59:59", "2026-12-31", NEW_YEAR),
        ("2026-12-31T23:00:00", "2027-01-01", "summer time begins"),
        ("2027-03-28T22:30:00", "2027-03-29", "summer time ends"),
    ],
)
def test_the_soak_knows_which_day_it_is_in_berlin(at: str, day: str, change: str) -> None:
    """The drill judges days of receipt by its own calendar; where that is wrong it would blame the program."""
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)

    assert day_in_berlin(moment) == date.fromisoformat(day)
    assert changes_after(moment)[0][1] == change


def _forget_a_wrap(store: Path) -> None:
    import sqlite3

    connection = sqlite3.connect(store)
    connection.execute("DELETE FROM wraps WHERE rowid = (SELECT min(rowid) FROM wraps)")
    connection.commit()
    connection.close()


def _in_child(action: Callable[[], tuple[int, int, list[str]]]) -> tuple[int, int, list[str]]:
    """Run it in a fork: the recorder's audit hook stays in its process for good."""
    import json

    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            answer = action()
        except BaseException as err:
            answer = (0, 0, [f"the drill broke: {err!r}"])
        with os.fdopen(writer, "w") as stream:
            json.dump(answer, stream)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        moments, tried, failures = json.load(stream)
    os.waitpid(child, 0)
    return moments, tried, failures
