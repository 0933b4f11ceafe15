"""The drop folder: nothing is taken half, twice or from under somebody's hands, and nothing is ever replaced."""

import hashlib
import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from drawn_scans import encoded, slip

from intake import Inbox, SourceChanged, WholenessState
from poststelle.durable import Disk

ID = "0123456789abcdef0123456789abcdef"
SETTLE_SECONDS, GIVE_UP_SECONDS = 0.3, 900.0


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def inbox(root: Path) -> Inbox:
    return Inbox(root, Disk(), SETTLE_SECONDS, GIVE_UP_SECONDS, now=lambda: datetime.now(UTC))


@pytest.fixture(scope="module")
def scan() -> bytes:
    return encoded(slip("Lieferschein"), "PNG")


def eventually(fulfilled: Callable[[], bool]) -> bool:
    """Whether it comes true within a generous time."""
    for _ in range(400):
        if fulfilled():
            return True
        time.sleep(0.05)
    return False


def test_a_claim_moves_the_file_into_our_folder(inbox: Inbox, root: Path, scan: bytes) -> None:
    """Two mail rooms on one inbox must not take the same letter: the rename decides."""
    (root / "brief.png").write_bytes(scan)

    claim = inbox.claim(root / "brief.png", ID)

    assert claim is not None
    assert claim.path == root / ".poststelle" / "claimed" / ID / "brief.png"
    assert claim.path.read_bytes() == scan
    assert inbox.scan() == []
    assert inbox.claim(root / "brief.png", "f" * 32) is None
    assert not (root / ".poststelle" / "claimed" / ("f" * 32)).exists()


def test_leftovers_know_name_hint_and_day_of_receipt(inbox: Inbox, root: Path, scan: bytes) -> None:
    """After a crash the letter is filed as what it was dropped as, on the day it came."""
    (root / "personal" / "krank").mkdir(parents=True)
    (root / "personal" / "krank" / "brief.png").write_bytes(scan)
    claim = inbox.claim(root / "personal" / "krank" / "brief.png", ID)

    reborn = Inbox(root, Disk(), SETTLE_SECONDS, GIVE_UP_SECONDS, now=lambda: datetime(2090, 1, 1, tzinfo=UTC))

    assert claim is not None
    assert (claim.hint, claim.source_name) == ("personal/krank", "brief.png")
    assert reborn.leftovers() == [claim]


def test_empty_claim_folders_are_swept(inbox: Inbox, root: Path) -> None:
    """A crash between making the folder and the rename must not leave rubbish for ever."""
    (root / ".poststelle" / "claimed" / ID / "personal").mkdir(parents=True)

    assert inbox.leftovers() == []
    assert not (root / ".poststelle" / "claimed" / ID).exists()


def test_handing_back_never_replaces_a_newer_drop(inbox: Inbox, root: Path, scan: bytes) -> None:
    """Two scans of one name are two letters."""
    (root / "scan.png").write_bytes(scan)
    claim = inbox.claim(root / "scan.png", ID)
    (root / "scan.png").write_bytes(b"another letter")
    assert claim is not None

    back = inbox.hand_back(claim)

    assert back == root / "scan-2.png"
    assert back.read_bytes() == scan
    assert (root / "scan.png").read_bytes() == b"another letter"
    assert not (root / ".poststelle" / "claimed" / ID).exists()


def test_the_source_goes_only_with_the_hash_that_was_sealed(inbox: Inbox, root: Path, scan: bytes) -> None:
    """A scanner that goes on writing into a claimed file must not lose what it wrote."""
    (root / "scan.png").write_bytes(scan)
    claim = inbox.claim(root / "scan.png", ID)
    assert claim is not None
    sealed = hashlib.sha256(scan).hexdigest()
    with claim.path.open("ab") as late:
        late.write(b"one more page")

    with pytest.raises(SourceChanged):
        inbox.remove(claim, sealed)
    assert claim.path.exists()

    claim.path.write_bytes(scan)
    inbox.remove(claim, sealed)
    assert not claim.path.parent.exists()
    inbox.remove(claim, sealed)  # repeated after a crash: nothing left to do


def test_links_pipes_and_temporary_names_stay_where_they_are(inbox: Inbox, root: Path, tmp_path: Path) -> None:
    """A link in the inbox must not make us read, file and remove somebody else's file."""
    secret = tmp_path / "secret.pdf"
    secret.write_bytes(b"%PDF-1.7 secret")
    (root / "link.pdf").symlink_to(secret)
    (root / "linked-folder").symlink_to(tmp_path)
    os.mkfifo(root / "pipe.pdf")
    for name in (".hidden.pdf", "scan.pdf.part", "scan.pdf.crdownload", "~$scan.pdf", "scan.pdf~", "Thumbs.db"):
        (root / name).write_bytes(b"%PDF-")

    assert inbox.scan() == []
    assert {path.name for path in inbox.refused()} == {"link.pdf", "linked-folder", "pipe.pdf"}
    inbox.scan()
    assert inbox.refused() == []
    assert secret.exists()


def test_oldest_first(inbox: Inbox, root: Path, scan: bytes) -> None:
    """The letter that waits longest is taken first."""
    for name, age in (("c.png", 100), ("a.png", 300), ("b.png", 200)):
        (root / name).write_bytes(scan)
        os.utime(root / name, (time.time() - age, time.time() - age))

    assert [path.name for path in inbox.scan()] == ["a.png", "b.png", "c.png"]


def test_a_half_written_scan_is_not_taken_until_whole(inbox: Inbox, root: Path, scan: bytes) -> None:
    """A slow scanner pauses longer than we wait: half a letter must not be filed as a letter."""
    path, half = root / "slow.png", len(scan) // 2
    with path.open("wb") as scanner:
        scanner.write(scan[:half])
        scanner.flush()
        assert eventually(lambda: inbox.is_whole(path).reason == "open")
    assert eventually(lambda: inbox.is_whole(path).reason == "incomplete")

    with path.open("ab") as scanner:
        scanner.write(scan[half:])
        scanner.flush()
        assert eventually(lambda: inbox.is_whole(path).reason == "open")
    assert eventually(lambda: inbox.is_whole(path).state is WholenessState.WHOLE)


def test_patience_with_half_a_file_ends(root: Path, scan: bytes) -> None:
    """A scanner that died leaves half a file: it must come to somebody's eyes, not lie there for ever."""
    path, clock = root / "dead.png", [time.time()]
    path.write_bytes(scan[:-20])
    inbox = Inbox(root, Disk(), 2.0, 900.0, now=lambda: datetime.fromtimestamp(clock[0], UTC), elapsed=lambda: clock[0])

    assert inbox.is_whole(path).reason == "changing"
    clock[0] += 890
    assert inbox.is_whole(path).reason == "incomplete"
    clock[0] += 20
    assert inbox.is_whole(path).state is WholenessState.GIVEN_UP
    path.write_bytes(scan)
    assert inbox.is_whole(path).state is WholenessState.WHOLE


def test_looking_at_a_file_never_breaks_its_writer(inbox: Inbox, root: Path, scan: bytes) -> None:
    """The kernel signals whoever holds a lease when a writer comes; that must not end the mail room."""
    path, stop = root / "busy.png", threading.Event()

    def write_again_and_again() -> None:
        while not stop.is_set():
            path.write_bytes(scan)

    writer = threading.Thread(target=write_again_and_again)
    writer.start()
    try:
        assert eventually(path.exists)
        states = {inbox.is_whole(path).state for _ in range(500)}
    finally:
        stop.set()
        writer.join()

    assert states == {WholenessState.NOT_YET}
    assert path.read_bytes() == scan


def test_watching_yields_files_as_they_become_whole_and_ends_when_told(inbox: Inbox, root: Path, scan: bytes) -> None:
    """Letters dropped into new sub-folders while we watch are taken too, halves are not."""
    stop, taken = threading.Event(), []

    def drop() -> None:
        (root / "first.png").write_bytes(scan)
        (root / "half.png").write_bytes(scan[:-30])
        (root / "finance").mkdir()
        (root / "finance" / "second.png").write_bytes(scan)

    threading.Timer(0.2, drop).start()
    for path in inbox.watch(stop):
        claim = inbox.claim(path, f"{len(taken):032x}")
        assert claim is not None
        taken.append((claim.source_name, claim.hint))
        if len(taken) == 2:
            stop.set()

    assert sorted(taken) == [("first.png", None), ("second.png", "finance")]
    assert (root / "half.png").exists()
