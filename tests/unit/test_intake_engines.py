"""The second engine and the second way of noticing files: what replaces the usual one must do the same work."""

import shutil
import stat
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy
import pytesseract
import pytest
from drawn_scans import encoded, letter, slip

from intake import Inbox, IntakeSettings, RecognitionPool, Snapshot
from intake.engine import Engine, open_engine
from intake.watching import must_poll
from poststelle.durable import Disk
from poststelle.errors import ConfigurationError

GERMAN = ("deu",)
LONG_SECONDS = 120

MOUNTS = r"""
22 1 0:21 / / rw,relatime - ext4 /dev/sda1 rw
30 22 0:40 / /srv/scans rw,relatime shared:7 - cifs //scanner/drop rw,vers=3.0
31 22 0:41 / /srv/old\040scans rw,relatime - nfs4 server:/scans rw
32 22 0:42 / /home/office rw,relatime - fuse.sshfs office@host:/ rw
33 30 0:43 / /srv/scans/local rw,relatime - ext4 /dev/sdb1 rw
34 22 0:44 / /mnt rw,relatime - nfs server:/x rw
35 34 0:45 / /mnt rw,relatime - ext4 /dev/sdc1 rw
broken line
"""


# Engines --------------------------------------------------------------------------------------------------


@pytest.mark.system_tesseract
def test_both_engines_read_the_same_words() -> None:
    """Who changes the engine must not lose letters: the same words, at the same place, in the same lines."""
    image = numpy.asarray(letter())
    engines: list[Engine] = [open_engine(name) for name in ("tesserocr", "pytesseract")]
    for engine in engines:
        engine.prepare(GERMAN)

    ours, theirs = (engine.recognise(image, 200, GERMAN, False) for engine in engines)

    assert "Göttingen" in {word.text for word in ours}
    assert [(word.text, word.line, word.block) for word in theirs] == [(w.text, w.line, w.block) for w in ours]
    for one, other in zip(ours, theirs, strict=True):
        assert abs(one.left - other.left) < 5
        assert abs(one.bottom - other.bottom) < 5
        assert abs(one.confidence - other.confidence) < 0.2


@pytest.mark.system_tesseract
def test_the_second_engine_works_in_the_pool(tmp_path: Path) -> None:
    """Where no wheel exists the whole way must go: worker, limits, temporary files, and none of them left."""
    pool = RecognitionPool(IntakeSettings(workers=1, engine="pytesseract"), tmp_path)
    try:
        with Snapshot.from_bytes(encoded(slip("Lieferschein"), "PNG"), tmp_path) as snapshot:
            recognition = pool.recognise(snapshot).result(LONG_SECONDS)
    finally:
        pool.abort()

    assert recognition.pages[0].text == "Lieferschein"
    assert recognition.rendition is not None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.system_tesseract
def test_a_page_costs_one_run_on_an_uncompressed_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Saved as PNG and read in three runs, a page costs a multiple: the reason why others find this engine slow."""
    program = shutil.which("tesseract")
    diary, spy = tmp_path / "diary", tmp_path / "tesseract"
    spy.write_text(
        f'#!/bin/sh\n[ -f "$1" ] && cp "$1" {tmp_path}/page.tif\necho "$@" >> {diary}\nexec {program} "$@"\n'
    )
    spy.chmod(stat.S_IRWXU)
    monkeypatch.setattr(pytesseract.pytesseract, "tesseract_cmd", str(spy))
    engine, image = open_engine("pytesseract"), numpy.asarray(slip("Storno"))
    engine.prepare(GERMAN)
    diary.unlink()

    words = engine.recognise(image, 200, GERMAN, False)

    runs = [line for line in diary.read_text().splitlines() if "--version" not in line]
    assert [word.text for word in words] == ["Storno"]
    assert len(runs) == 1, runs
    assert "page.tif" in runs[0]
    assert "--tessdata-dir" in runs[0]
    assert (tmp_path / "page.tif").stat().st_size > image.size


def test_auto_takes_the_other_engine_where_there_is_no_wheel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """On a processor without wheels the mail room works with the system's Tesseract, and nobody has to know."""
    stand_in = tmp_path / "tesseract"
    stand_in.write_text("#!/bin/sh\necho 'tesseract 5.3.0'\n")
    stand_in.chmod(stat.S_IRWXU)
    monkeypatch.setattr(pytesseract.pytesseract, "tesseract_cmd", str(stand_in))
    assert type(open_engine("auto")).__name__ == "TesserocrEngine", "the control: here the wheel is there"

    monkeypatch.setitem(__import__("sys").modules, "intake.engine_tesserocr", None)

    assert type(open_engine("auto")).__name__ == "PytesseractEngine"
    with pytest.raises(ConfigurationError, match="pip install tesserocr"):
        open_engine("tesserocr")


@pytest.mark.parametrize("answer", [None, "echo 'tesseract 2.0'", "echo 'what?'", "exit 1"])
def test_a_missing_or_ancient_tesseract_is_named_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: str | None
) -> None:
    """The administrator must read which package to install, not a traceback of a worker."""
    program = tmp_path / "tesseract"
    if answer is not None:
        program.write_text(f"#!/bin/sh\n{answer}\n")
        program.chmod(stat.S_IRWXU)
    monkeypatch.setattr(pytesseract.pytesseract, "tesseract_cmd", str(program))

    with pytest.raises(ConfigurationError, match="apt-get install tesseract-ocr"):
        open_engine("pytesseract")


# Polling --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("folder", "share"),
    [
        ("/srv/scans", True),
        ("/srv/scans/deep/inbox", True),
        ("/srv/old scans/inbox", True),
        ("/home/office/inbox", True),
        ("/srv/scans/local/inbox", False),
        ("/srv/scanservice", False),
        ("/mnt/inbox", False),
        ("/var/inbox", False),
    ],
)
def test_inboxes_on_network_shares_are_known(folder: str, share: bool) -> None:
    """The kernel says nothing of what the scanner writes at the other end: waiting for it would be waiting for ever."""
    assert must_poll(Path(folder), MOUNTS) is share


def test_an_unreadable_table_of_mounts_means_events() -> None:
    """Containers may hide it; then what works on every ordinary disk is tried."""
    assert must_poll(Path("/srv/scans"), "") is False


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def observers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """Every observer of the kernel's events that is started meanwhile."""
    import watchdog.observers

    started: list[object] = []
    start = watchdog.observers.Observer.start

    def noted(self: object) -> None:
        started.append(self)
        start(self)  # type: ignore[arg-type]

    monkeypatch.setattr(watchdog.observers.Observer, "start", noted)
    yield started


@pytest.mark.parametrize(("how", "listeners"), [("polling", 0), ("events", 1), ("auto", 1)])
def test_files_are_found_either_way(root: Path, observers: list[object], how: str, listeners: int) -> None:
    """Polling asks the kernel for nothing and finds new letters and new folders all the same."""
    inbox = Inbox(root, Disk(), 0.2, 900.0, now=lambda: datetime.now(UTC), how_to_watch=how)
    stop, scan, taken = threading.Event(), encoded(slip("Lieferschein"), "PNG"), []

    def drop() -> None:
        (root / "first.png").write_bytes(scan)
        time.sleep(0.3)
        (root / "finance").mkdir()
        (root / "finance" / "second.png").write_bytes(scan)

    thread = threading.Timer(0.2, drop)
    thread.start()
    for path in inbox.watch(stop):
        claim = inbox.claim(path, f"{len(taken):032x}")
        assert claim is not None
        taken.append((claim.source_name, claim.hint))
        if len(taken) == 2:
            stop.set()
    thread.join()

    assert sorted(taken) == [("first.png", None), ("second.png", "finance")]
    assert len(observers) == listeners


def test_a_share_is_polled_without_being_asked(
    root: Path, observers: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody who mounts a share reads our manual first."""
    share = f"22 1 0:21 / / rw - ext4 /dev/sda1 rw\n30 22 0:40 / {root.parent} rw - cifs //scanner/drop rw\n"
    monkeypatch.setattr("intake.watching._mount_table", lambda: share)
    inbox = Inbox(root, Disk(), 0.1, 900.0, now=lambda: datetime.now(UTC))
    (root / "first.png").write_bytes(encoded(slip("Lieferschein"), "PNG"))

    assert next(inbox.watch(threading.Event())).name == "first.png"
    assert observers == []
