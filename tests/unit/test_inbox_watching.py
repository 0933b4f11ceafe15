"""Watching a real inbox: strange names, foreign clocks, locks, shares that go away, limits of the kernel."""

import errno
import fcntl
import os
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from drawn_scans import encoded, slip
from watchdog.observers.api import BaseObserver

from intake import Inbox, Notice, WholenessState
from intake.wholeness import CLOSED_SETTLE_SECONDS, Handover
from poststelle.durable import Disk
from poststelle.errors import StorageError

ID = "0123456789abcdef0123456789abcdef"
LONG_SECONDS = 60.0


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def scans() -> dict[str, bytes]:
    """One whole file of each kind."""
    pages = [slip("Seite eins"), slip("Seite zwei")]
    tiff = encoded(pages, "TIFF", compression="tiff_lzw")
    return {"PNG": encoded(pages[0], "PNG"), "JPEG": encoded(pages[0], "JPEG"), "PDF": encoded(pages, "PDF"),
            "TIFF": tiff}  # fmt: skip


class Clock:
    """Seconds that pass when told to; the wall clock may be off against the file system's by hours."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.off = 0.0

    def elapsed(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time() + self.seconds + self.off, UTC)


def inbox_at(root: Path, clock: Clock, how: str = "events") -> Inbox:
    """An inbox with the shipped times."""
    return Inbox(root, Disk(), 2.0, 900.0, now=clock.now, elapsed=clock.elapsed, how_to_watch=how)


def real_inbox(root: Path, settle_seconds: float = 0.1) -> Inbox:
    return Inbox(root, Disk(), settle_seconds, 900.0, now=lambda: datetime.now(UTC))


@pytest.mark.parametrize(("kind", "waits"), [("PNG", False), ("JPEG", False), ("PDF", False), ("TIFF", True)])
def test_a_closed_scan_is_taken_soon_unless_pages_may_follow(
    kind: str, waits: bool, root: Path, scans: dict[str, bytes]
) -> None:
    """A clerk waits for her letter; but a TIFF is whole after each page, and the scanner may open it again."""
    clock = Clock()
    inbox, path = inbox_at(root, clock), root / "scan"
    path.write_bytes(scans[kind])

    assert inbox.is_whole(path).reason == "changing"
    clock.seconds = CLOSED_SETTLE_SECONDS + 0.05
    assert inbox.is_whole(path).reason == "changing", "nobody told that it was closed"
    inbox.told(path, Handover.CLOSED)
    assert (inbox.is_whole(path).state is WholenessState.NOT_YET) == waits
    inbox.told(path, None)
    assert inbox.is_whole(path).reason == "changing", "it is written to again"
    clock.seconds = 2.1
    assert inbox.is_whole(path).state is WholenessState.WHOLE


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_a_renamed_file_is_taken_at_once_if_it_is_whole(kind: str, root: Path, scans: dict[str, bytes]) -> None:
    """Whoever writes under another name and renames has finished; half a file stays half a file."""
    inbox = inbox_at(root, Clock())
    (root / "whole").write_bytes(scans[kind])
    (root / "half").write_bytes(scans[kind][:-40])
    assert inbox.is_whole(root / "whole").reason == "changing"

    for name in ("whole", "half"):
        inbox.told(root / name, Handover.MOVED_IN)

    assert inbox.is_whole(root / "whole").state is WholenessState.WHOLE
    assert inbox.is_whole(root / "half").reason == "incomplete"


@pytest.mark.parametrize("off_seconds", [-7200.0, 7200.0])
def test_the_clock_of_a_share_is_not_believed(off_seconds: float, root: Path, scans: dict[str, bytes]) -> None:
    """A scanner whose clock is two hours slow must not have its pages taken while it writes, nor half a page given
    up; one whose clock is fast must not be ignored for two hours."""
    clock = Clock()
    clock.off = off_seconds  # a share that is behind looks to us as if we were ahead
    share = inbox_at(root, clock, "polling")
    (root / "scan.png").write_bytes(scans["PNG"])
    (root / "half.png").write_bytes(scans["PNG"][:-40])

    assert share.is_whole(root / "scan.png").reason == "changing"
    assert share.is_whole(root / "half.png").reason == "changing"
    clock.seconds = 2.1
    assert share.is_whole(root / "scan.png").state is WholenessState.WHOLE
    assert share.is_whole(root / "half.png").reason == "incomplete"
    clock.seconds = 901.0
    assert share.is_whole(root / "half.png").state is WholenessState.GIVEN_UP
    if off_seconds > 0:
        here = inbox_at(root, clock, "events")
        assert here.is_whole(root / "scan.png").state is WholenessState.WHOLE, "the control: on our own disk it counts"


@pytest.mark.parametrize("set_by_seconds", [-86_400.0, 86_400.0])
def test_setting_the_clock_makes_no_file_older(set_by_seconds: float, root: Path, scans: dict[str, bytes]) -> None:
    """The machine finds the right time at noon: half a scan is not given up for it, and its second half is not lost."""
    clock = Clock()
    inbox = inbox_at(root, clock)
    (root / "half.png").write_bytes(scans["PNG"][:-40])
    assert inbox.is_whole(root / "half.png").reason == "changing"
    clock.seconds = 3.0
    assert inbox.is_whole(root / "half.png").reason == "incomplete"
    (root / "scan.tif").write_bytes(scans["TIFF"])

    clock.off = set_by_seconds
    assert inbox.is_whole(root / "half.png").reason == "incomplete"
    assert inbox.is_whole(root / "scan.tif").reason == "changing", "its scanner may add a page"

    clock.seconds = 6.0
    assert inbox.is_whole(root / "scan.tif").state is WholenessState.WHOLE, "the control: its time has passed"
    clock.seconds = 910.0
    assert inbox.is_whole(root / "half.png").state is WholenessState.GIVEN_UP


@pytest.mark.parametrize("kind", ["PDF", "TIFF", "JPEG"])
def test_half_a_file_waits_for_its_writer_and_then_for_nobody(kind: str, root: Path, scans: dict[str, bytes]) -> None:
    """A PDF without its end, a TIFF without its last directory, a JPEG that stops: never filed as a whole letter."""
    clock = Clock()
    inbox, path = inbox_at(root, clock), root / "half"
    # A TIFF's last directory stands behind its pixels.
    broken = scans[kind][:-10] if kind == "TIFF" else scans[kind][: len(scans[kind]) * 2 // 3]
    with path.open("wb") as writer:
        writer.write(broken)
        writer.flush()
        inbox.is_whole(path)
        clock.seconds = 5000.0
        assert inbox.is_whole(path).reason == "open", "its writer lives, however long it pauses"
    inbox.is_whole(path)
    clock.seconds = 5100.0
    assert inbox.is_whole(path).reason == "incomplete", "it was closed a moment ago"
    clock.seconds = 6000.0
    assert inbox.is_whole(path).state is WholenessState.GIVEN_UP
    path.write_bytes(scans[kind])
    clock.seconds = 6003.0
    assert inbox.is_whole(path).state is WholenessState.WHOLE, "the control: nothing was wrong but its end"


def test_a_locked_file_waits(root: Path, scans: dict[str, bytes]) -> None:
    """A program that locks a file while it is at it asks others to wait."""
    clock = Clock()
    inbox, path = inbox_at(root, clock), root / "locked.png"
    path.write_bytes(scans["PNG"])
    inbox.is_whole(path)
    clock.seconds = 3.0
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert inbox.is_whole(path).reason == "open"
    assert inbox.is_whole(path).state is WholenessState.WHOLE


def test_a_file_that_is_cut_while_we_look_ends_nothing(root: Path, scans: dict[str, bytes]) -> None:
    """A share may cut a file under our hands; a mapped one would take the whole watch with it."""
    from intake.wholeness import _structure_is_complete

    path = root / "cut.jpg"
    path.write_bytes(scans["JPEG"] + bytes(3_000_000))
    descriptor = os.open(path, os.O_RDONLY)
    try:
        size = path.stat().st_size
        assert _structure_is_complete(descriptor, size), "the control"
        os.truncate(path, 700)
        assert not _structure_is_complete(descriptor, size)
    finally:
        os.close(descriptor)


NAMES = (
    unicodedata.normalize("NFC", "Büroübergabe.png"),
    unicodedata.normalize("NFD", "Büroübergabe.png"),
    "zwei\nZeilen.png",
    "mit Leerzeichen und 'Anführung\".png",
    "ü" * 125 + ".pngx",
    os.fsdecode(b"latin-\xfc.png"),
    "-rf.png",
)


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_strange_names_are_taken_and_handed_back(name: str, root: Path, scans: dict[str, bytes]) -> None:
    """The name is the scanner's business: no letter may be refused, renamed away or replaced for it."""
    assert len(os.fsencode(NAMES[4])) == 255, "the control: as long as a file system allows"
    inbox = real_inbox(root)
    (root / name).write_bytes(scans["PNG"])
    assert inbox.scan() == [root / name]

    claim = inbox.claim(root / name, ID)
    assert claim is not None and claim.source_name == name
    (root / name).write_bytes(b"another letter of that name")
    back = inbox.hand_back(claim)

    assert back != root / name
    assert back.read_bytes() == scans["PNG"]
    assert (root / name).read_bytes() == b"another letter of that name"
    copy = inbox.adopt_bytes(scans["PNG"], name, "f" * 32, "hr/März")
    assert (copy.source_name, copy.hint, copy.path.read_bytes()) == (name, "hr/März", scans["PNG"])
    assert not any((root / ".poststelle" / "adopting").iterdir())


def test_devices_are_refused(root: Path) -> None:
    """Reading a device could hang the mail room, or change what it stands for."""
    try:
        os.mknod(root / "null.pdf", 0o600 | 0o020000, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("only root can make a device")
    inbox = real_inbox(root)

    assert inbox.scan() == []
    assert [path.name for path in inbox.refused()] == ["null.pdf"]


def test_nothing_is_made_where_the_inbox_was(root: Path, scans: dict[str, bytes]) -> None:
    """What is written onto the empty mount point of a share is hidden as soon as it is mounted again."""
    inbox = real_inbox(root)
    (root / "brief.png").write_bytes(scans["PNG"])
    claim = inbox.claim(root / "brief.png", ID)
    assert claim is not None
    root.rename(root.with_name("away"))

    assert not inbox.is_there()
    assert inbox.claim(root / "other.png", "f" * 32) is None
    with pytest.raises(StorageError):
        inbox.hand_back(claim)
    assert not root.exists()
    root.with_name("away").rename(root)
    assert inbox.hand_back(claim) == root / "brief.png", "the control: it comes back with the share"


def test_an_empty_mount_point_is_no_inbox(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unmounted share leaves an empty folder: that must not look like a quiet morning."""
    mounted = [True]
    monkeypatch.setattr(os.path, "ismount", lambda path: mounted[0])
    inbox = real_inbox(root)
    assert inbox.is_there()
    mounted[0] = False
    assert not inbox.is_there()
    mounted[0] = True
    assert inbox.is_there()


class Watched:
    """A watch in a thread: what it took, and what it told."""

    def __init__(self, inbox: Inbox) -> None:
        self.taken: list[str] = []
        self.told: list[Notice] = []
        self._stop = threading.Event()
        self._inbox = inbox
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        for path in self._inbox.watch(self._stop, tell=self.told.append):
            claim = self._inbox.claim(path, f"{len(self.taken):032x}")
            if claim is not None:
                self.taken.append(claim.source_name)

    def __enter__(self) -> "Watched":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def wait_for(self, fulfilled: Callable[["Watched"], bool]) -> bool:
        until = time.monotonic() + LONG_SECONDS
        while not fulfilled(self) and time.monotonic() < until:
            time.sleep(0.02)
        return fulfilled(self)


@pytest.mark.parametrize("how", ["events", "polling"])
def test_a_share_that_goes_away_is_waited_for(how: str, root: Path, scans: dict[str, bytes]) -> None:
    """The file server restarts at noon: the watch says so once, and goes on when it is back."""
    inbox = Inbox(root, Disk(), 0.1, 900.0, now=lambda: datetime.now(UTC), how_to_watch=how)
    root.rename(root.with_name("away"))
    with Watched(inbox) as watch:
        assert watch.wait_for(lambda w: w.told == [Notice.GONE]), "also when it is not there at the start"
        root.with_name("away").rename(root)
        (root / "first.png").write_bytes(scans["PNG"])
        assert watch.wait_for(lambda w: w.taken == ["first.png"])
        root.rename(root.with_name("away"))
        assert watch.wait_for(lambda w: len(w.told) == 3)
        root.with_name("away").rename(root)
        (root / "second.png").write_bytes(scans["PNG"])
        assert watch.wait_for(lambda w: w.taken == ["first.png", "second.png"])
    assert watch.told == [Notice.GONE, Notice.BACK] * 2


def test_without_watches_left_we_look_ourselves(
    root: Path, scans: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program has used up the kernel's watches: letters come later then, but they come, and it is told."""

    def none_left(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "inotify watch limit reached")

    monkeypatch.setattr(BaseObserver, "schedule", none_left)
    with Watched(real_inbox(root)) as watch:
        assert watch.wait_for(lambda w: w.told == [Notice.POLLING])
        (root / "late.png").write_bytes(scans["PNG"])
        assert watch.wait_for(lambda w: w.taken == ["late.png"])
    assert watch.told == [Notice.POLLING], "told once"


def test_several_writers_and_files_that_vanish(root: Path, scans: dict[str, bytes]) -> None:
    """Two scanners, one copying program and a clerk who takes her file back: each whole file is taken once."""

    def write_slowly(name: str) -> None:
        content = scans["PNG"]
        with (root / name).open("wb") as stream:
            for start in range(0, len(content), len(content) // 4 + 1):
                stream.write(content[start : start + len(content) // 4 + 1])
                stream.flush()
                time.sleep(0.05)

    def write_aside(name: str) -> None:
        (root / f"{name}.part").write_bytes(scans["JPEG"])
        time.sleep(0.1)
        (root / f"{name}.part").rename(root / name)

    def take_back(name: str) -> None:
        (root / name).write_bytes(scans["PNG"][:-9])
        time.sleep(0.05)
        (root / name).unlink()

    wanted = {f"{kind}-{number}" for kind in ("slow", "aside") for number in range(4)}
    with Watched(real_inbox(root)) as watch:
        writers = [
            threading.Thread(target=job, args=(f"{kind}-{number}",))
            for number in range(4)
            for kind, job in (("slow", write_slowly), ("aside", write_aside), ("gone", take_back))
        ]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert watch.wait_for(lambda w: len(w.taken) >= len(wanted))
    assert sorted(watch.taken) == sorted(wanted)
    claimed = {path.read_bytes() for path in (root / ".poststelle").rglob("*") if path.is_file()}
    assert claimed == {scans["PNG"], scans["JPEG"]}


def test_a_thousand_files_at_the_start_are_all_taken(root: Path) -> None:
    """After a long weekend nothing may be overlooked, and a look at a full inbox must not cost minutes."""
    for number in range(1000):
        (root / f"{number:04}.txt").write_bytes(b"x")
        os.utime(root / f"{number:04}.txt", (number, number))
    inbox, stop = real_inbox(root), threading.Event()
    taken: list[str] = []
    for path in inbox.watch(stop):
        path.rename(path.with_suffix(".part"))
        taken.append(path.stem)
        if len(taken) == 1000:
            stop.set()

    assert taken == [f"{number:04}" for number in range(1000)], "the oldest first"


@pytest.fixture(autouse=True)
def nothing_stays_behind() -> Iterator[None]:
    """A watch that was stopped leaves no thread."""
    before = threading.active_count()
    yield
    assert threading.active_count() <= before
