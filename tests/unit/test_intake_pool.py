"""The recognition pool, with real workers and real Tesseract: no page holds up, loses or infects a letter."""

import io
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pikepdf
import pytest
from drawn_scans import encoded, letter, pdf, slip
from simulators import eventually

from intake import IntakeSettings, Recognition, RecognitionPool, Snapshot
from intake.separator_sheet import separator_sheets
from poststelle.errors import ConfigurationError, UnreadableFile
from poststelle.records import PageOrigin

LONG_SECONDS = 120
BOMB_PIXELS = 30_000_000


@pytest.fixture(scope="module")
def work_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def pool(work_folder: Path) -> Iterator[RecognitionPool]:
    pool = RecognitionPool(IntakeSettings(workers=2, max_pages=12, max_pixels_per_page=BOMB_PIXELS), work_folder)
    yield pool
    pool.abort()


def hand_in(pool: RecognitionPool, data: bytes, folder: Path, **options: object) -> Future[Recognition]:
    """Give a file to the pool; the snapshot is closed at once, as a caller may."""
    with Snapshot.from_bytes(data, folder) as snapshot:
        return pool.recognise(snapshot, **options)  # type: ignore[arg-type]


def read(pool: RecognitionPool, data: bytes, folder: Path) -> Recognition:
    return hand_in(pool, data, folder).result(LONG_SECONDS)


def png_of_size(width: int, height: int) -> bytes:
    """A tiny file that claims to be a huge picture."""
    import struct
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack("!I", len(body)) + kind + body + struct.pack("!I", zlib.crc32(kind + body))

    header = struct.pack("!IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_a_letter_is_read(pool: RecognitionPool, work_folder: Path) -> None:
    """The whole way: bytes in, checked words with places out."""
    recognition = read(pool, encoded(letter(), "PNG"), work_folder)

    (page,) = recognition.pages
    assert recognition.media_type == "image/png"
    assert page.origin is PageOrigin.OCR
    assert page.notes == ()
    assert page.confidence > 0.85
    assert "für die Reparatur der Eingangstür berechnen wir Ihnen\n" in page.text
    assert (page.width_px, page.height_px, page.dpi) == (1654, 2339, 200)
    assert [word.line for word in page.words] == sorted(word.line for word in page.words)


def test_the_pages_of_a_stack_stay_in_order(pool: RecognitionPool, work_folder: Path) -> None:
    """Pages are read by several workers at once; page 2 must not become page 1."""
    names = ["eins", "zwei", "drei", "vier", "fünf", "sechs"]
    told: list[tuple[int, int]] = []
    data = encoded([slip(f"Seite {name}") for name in names], "TIFF", compression="tiff_lzw")

    future = hand_in(pool, data, work_folder, on_page=lambda done, total: told.append((done, total)))
    recognition = future.result(LONG_SECONDS)

    assert [page.text for page in recognition.pages] == [f"Seite {name}" for name in names]
    assert [page.number for page in recognition.pages] == [1, 2, 3, 4, 5, 6]
    assert sorted(told) == [(done, 6) for done in range(1, 7)]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"just some text\n" * 100, "unsupported-type"),
        (b"%PDF-1.7\n" + os.urandom(2000) + b"\nstartxref\n9\n%%EOF", "damaged"),
        (encoded(letter(), "JPEG")[:200], "damaged"),
        (encoded(letter(), "PNG")[:3000], "damaged"),
        (encoded([slip("a")] * 13, "TIFF"), "too-many-pages"),
        (pdf([b""] * 13), "too-many-pages"),
        (pdf([]), "damaged"),
        (png_of_size(60_000, 60_000), "too-many-pixels"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_is_refused_with_its_reason(
    pool: RecognitionPool, work_folder: Path, data: bytes, code: str
) -> None:
    """Broken and hostile files end in quarantine with a sentence for the clerk, not in a crash."""
    with pytest.raises(UnreadableFile) as refused:
        read(pool, data, work_folder)

    assert refused.value.reason_code == code
    assert "{" not in refused.value.reason
    assert "None" not in refused.value.reason


def test_a_pdf_with_a_password_is_refused_one_without_is_read(pool: RecognitionPool, work_folder: Path) -> None:
    """Many tools lock editing only: such a PDF opens for everybody and must not bother the clerk."""
    import io

    import pikepdf

    def locked(user: str) -> bytes:
        stream = io.BytesIO()
        with pikepdf.open(io.BytesIO(encoded(slip("Vertrag"), "PDF"))) as document:
            document.save(stream, encryption=pikepdf.Encryption(owner="owner", user=user))
        return stream.getvalue()

    assert read(pool, locked(user=""), work_folder).pages[0].text == "Vertrag"
    with pytest.raises(UnreadableFile) as refused:
        read(pool, locked(user="secret"), work_folder)
    assert refused.value.reason_code == "encrypted-pdf"


def test_a_damaged_page_does_not_take_the_others_with_it(pool: RecognitionPool, work_folder: Path) -> None:
    """Forty good pages must not go to quarantine because of one."""
    data = bytearray(encoded([slip("Seite eins"), slip("Seite zwei")], "TIFF", compression="jpeg"))
    second = data.rindex(b"\xff\xd8\xff")
    data[second : second + 400] = bytes(400)

    first, other = read(pool, bytes(data), work_folder).pages

    assert first.text == "Seite eins"
    assert other.origin is PageOrigin.UNREAD
    assert other.notes == ("unread",)


def test_a_killed_worker_loses_no_page(pool: RecognitionPool, work_folder: Path) -> None:
    """The kernel's memory killer may strike at any time: the page is tried again, the letter is whole."""
    killed = threading.Event()

    def kill_both(done: int, _total: int) -> None:
        if done == 2 and not killed.is_set():
            killed.set()
            for pid in pool.worker_pids():
                os.kill(pid, signal.SIGKILL)

    data = encoded([letter() for _ in range(6)], "TIFF", compression="tiff_lzw")
    future = hand_in(pool, data, work_folder, on_page=kill_both)
    neighbour = hand_in(pool, encoded(slip("Nachbar"), "PNG"), work_folder)

    pages = future.result(LONG_SECONDS).pages
    assert all("Reparatur der Eingangstür" in page.text for page in pages)
    assert any("retried" in page.notes for page in pages)
    assert neighbour.result(LONG_SECONDS).pages[0].text == "Nachbar"


def test_a_page_that_runs_away_is_given_up_alone(work_folder: Path) -> None:
    """A page that costs minutes must not hold the queue: killed twice, then filed as unread for a person."""
    runaway = letter(["Vertragsbedingungen und Hinweise " * 4] * 75, letter_px=15)
    data = encoded([slip("Seite eins"), runaway.resize((3308, 4678)), slip("Seite drei")], "TIFF", dpi=300)
    settings = IntakeSettings(workers=1, page_cpu_seconds=1)
    pool = RecognitionPool(settings, work_folder)
    try:
        future = hand_in(pool, data, work_folder)
        neighbour = hand_in(pool, encoded(slip("Nachbar"), "PNG"), work_folder)
        first, given_up, third = future.result(LONG_SECONDS).pages
    finally:
        pool.abort()

    assert (first.text, third.text) == ("Seite eins", "Seite drei")
    assert given_up.origin is PageOrigin.UNREAD
    assert neighbour.result(0).pages[0].text == "Nachbar"


def test_a_page_that_eats_memory_is_given_up_alone(work_folder: Path) -> None:
    """A small file that unpacks to gigabytes ends its worker, not the machine."""
    bomb = letter(size=(11_000, 10_500))
    data = encoded([slip("Seite eins"), bomb], "TIFF", compression="tiff_deflate")
    pool = RecognitionPool(IntakeSettings(workers=1, page_memory_bytes=200_000_000), work_folder)
    try:
        first, given_up = hand_in(pool, data, work_folder).result(LONG_SECONDS).pages
    finally:
        pool.abort()

    assert first.text == "Seite eins"
    assert given_up.origin is PageOrigin.UNREAD


def test_a_single_page_does_not_wait_behind_a_stack(work_folder: Path) -> None:
    """Somebody scans a file of three hundred pages; the clerk beside needs her one letter now."""
    pool = RecognitionPool(IntakeSettings(workers=1), work_folder)
    stack_done: list[int] = []
    first_page = threading.Event()

    def count(done: int, _total: int) -> None:
        stack_done.append(done)
        first_page.set()

    try:
        stack = hand_in(pool, encoded([slip("Akte")] * 30, "TIFF"), work_folder, on_page=count)
        assert first_page.wait(LONG_SECONDS)
        hand_in(pool, encoded(slip("Eilbrief"), "PNG"), work_folder).result(LONG_SECONDS)
        done_meanwhile = len(stack_done)
        assert not stack.done()
    finally:
        pool.abort()

    assert done_meanwhile < 10
    assert stack.cancelled()


def test_workers_inherit_neither_environment_nor_files(
    work_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker taken over by hostile mail must find no passphrase file, no key file, no open vault."""
    monkeypatch.setenv("POSTSTELLE_PASSPHRASE_FILE", "/secret/place")
    monkeypatch.setenv("SOME_TOKEN", "swordfish")
    secret = os.open(tmp_path / "keys", os.O_RDWR | os.O_CREAT)
    os.set_inheritable(secret, True)
    pool = RecognitionPool(IntakeSettings(workers=1), work_folder)
    try:
        (pid,) = pool.worker_pids()
        # Empty while the kernel still puts the new program in place of the old one.
        eventually(lambda: bool(Path(f"/proc/{pid}/environ").read_bytes()), "the worker is a program of its own")
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        open_files = {link.name: _target(link) for link in Path(f"/proc/{pid}/fd").iterdir()}
    finally:
        pool.abort()
        os.close(secret)

    assert b"POSTSTELLE" not in environment
    assert b"swordfish" not in environment
    assert b"OMP_THREAD_LIMIT=1" in environment
    assert str(tmp_path / "keys") not in open_files.values()
    assert open_files["0"].startswith("socket:")
    assert open_files["1"] == open_files["2"] == os.devnull


def _target(link: Path) -> str:
    """What an open file of another process is; it may close it while we look."""
    try:
        return str(link.readlink())
    except FileNotFoundError:
        return ""


def test_idle_workers_become_small_again(work_folder: Path) -> None:
    """A mail room that waits through the night must not hold the memory of one that reads."""
    pool = RecognitionPool(IntakeSettings(workers=1, workers_idle_seconds=0.2), work_folder)
    try:
        hand_in(pool, encoded(slip("Guten Tag"), "PNG"), work_folder).result(LONG_SECONDS)
        (loaded,) = pool.worker_pids()
        while pool.worker_pids() == (loaded,):
            threading.Event().wait(0.05)
        (fresh,) = pool.worker_pids()
        status = Path(f"/proc/{fresh}/status").read_text()
        again = hand_in(pool, encoded(slip("Guten Tag"), "PNG"), work_folder).result(LONG_SECONDS)
    finally:
        pool.abort()

    resident_kb = int(status.partition("VmRSS:")[2].split()[0]) if "VmRSS:" in status else 0
    assert resident_kb < 30_000
    assert not Path(f"/proc/{loaded}").exists()
    assert again.pages[0].text == "Guten Tag"


def test_closing_waits_for_what_was_handed_in_aborting_does_not(work_folder: Path) -> None:
    """Stopped for the night every letter is finished; interrupted none is left half known."""
    pool = RecognitionPool(IntakeSettings(workers=1), work_folder)
    finished = hand_in(pool, encoded(slip("Feierabend"), "PNG"), work_folder)
    pool.close()
    assert finished.result(0).pages[0].text == "Feierabend"

    pool = RecognitionPool(IntakeSettings(workers=1), work_folder)
    pids = pool.worker_pids()
    futures = [hand_in(pool, encoded([letter()] * 4, "TIFF"), work_folder) for _ in range(3)]
    pool.abort()
    assert all(future.cancelled() for future in futures)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    with pytest.raises(RuntimeError):
        hand_in(pool, b"late", work_folder)


def test_a_missing_language_is_told_not_filed_as_unreadable(work_folder: Path) -> None:
    """A forgotten model must not send a day's mail to quarantine."""
    pool = RecognitionPool(IntakeSettings(workers=1, languages=("deu", "tlh")), work_folder)
    try:
        with pytest.raises(ConfigurationError) as refused:
            hand_in(pool, encoded(slip("Guten Tag"), "PNG"), work_folder).result(LONG_SECONDS)
    finally:
        pool.abort()

    assert "tlh" in str(refused.value)


def test_a_sealed_letter_is_not_read_beyond_its_first_page(pool: RecognitionPool, work_folder: Path) -> None:
    """What the works council gets must not even pass through recognition."""
    data = encoded([slip("An den Betriebsrat"), slip("Mein Vorgesetzter"), slip("Mit Gruß")], "TIFF")

    sealed = hand_in(pool, data, work_folder, is_sealed=lambda page: "Betriebsrat" in page.text).result(LONG_SECONDS)
    control = hand_in(pool, data, work_folder, is_sealed=lambda page: False).result(LONG_SECONDS)

    assert [page.origin for page in sealed.pages] == [PageOrigin.OCR, PageOrigin.UNREAD, PageOrigin.UNREAD]
    assert [bool(page.words) for page in sealed.pages] == [True, False, False]
    assert sealed.rendition is None
    assert "Vorgesetzter" in control.pages[1].text
    assert control.rendition is not None


def test_a_sealed_letter_on_top_of_a_stack_hides_none_of_the_others(pool: RecognitionPool, work_folder: Path) -> None:
    """The invoice behind it would lie unread with somebody whom it does not concern."""
    with pikepdf.new() as stack:
        for part in (encoded(slip("An den Betriebsrat"), "PDF"), separator_sheets(1), encoded(slip("Rechnung"), "PDF")):
            stack.pages.extend(pikepdf.open(io.BytesIO(part)).pages)
        stream = io.BytesIO()
        stack.save(stream)

    read_on = hand_in(pool, stream.getvalue(), work_folder, is_sealed=lambda page: True).result(LONG_SECONDS)

    assert "Rechnung" in read_on.pages[2].text


def test_an_engine_that_waits_for_ever_is_ended_soon(work_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something in a library waits for what never comes: no computing time runs out, and yet the queue must go on."""
    from bench.fault_engine import ASLEEP
    from bench.runaway import WITH_FAULTS

    monkeypatch.setattr("intake.process.BOOTSTRAP", WITH_FAULTS)
    monkeypatch.setattr("intake.process.STALLED_SECONDS", 1.0)
    monkeypatch.setattr("intake.process._LOOK_SECONDS", 0.2)
    pool = RecognitionPool(IntakeSettings(workers=1), work_folder)
    try:
        asleep = hand_in(pool, encoded([slip(ASLEEP), slip("Seite zwei")], "TIFF"), work_folder)
        neighbour = hand_in(pool, encoded(slip("Nachbar"), "PNG"), work_folder)
        assert neighbour.result(LONG_SECONDS).pages[0].text == "Nachbar"
        first, second = asleep.result(LONG_SECONDS).pages
    finally:
        pool.abort()

    assert first.origin is PageOrigin.UNREAD
    assert second.text == "Seite zwei", "the rest of the letter, and the control: this engine reads"


def test_a_worker_gets_ready_when_a_letter_is_coming(work_folder: Path) -> None:
    """Loading libraries takes as long as reading a page: it is done while the scan is still being written."""
    pool = RecognitionPool(IntakeSettings(workers=2, workers_idle_seconds=0.2), work_folder)
    try:
        before = pool.worker_pids()
        for _ in range(20):
            pool.warm_up()
        while pool.worker_pids() == before:  # a worker that was made ready and not needed becomes small again
            threading.Event().wait(0.05)
        replaced = [pid for pid in before if pid not in pool.worker_pids()]
        text = hand_in(pool, encoded(slip("Guten Tag"), "PNG"), work_folder).result(LONG_SECONDS).pages[0].text
    finally:
        pool.abort()

    assert len(replaced) == 1, "one is enough: the others stay small"
    assert text == "Guten Tag"


def test_a_letter_is_read_in_the_languages_of_its_folder(work_folder: Path) -> None:
    """A folder for English mail must not read "the" as a misprinted German word; an unknown choice is the office's."""
    settings = IntakeSettings(workers=1, more_languages=(("eng",), ("deu", "eng")))
    pool = RecognitionPool(settings, work_folder)
    try:
        for languages in (("eng",), ("deu", "eng"), (), ("fra",)):
            read_ = hand_in(pool, encoded(slip("Guten Tag"), "PNG"), work_folder, languages=languages)
            assert read_.result(LONG_SECONDS).pages[0].text == "Guten Tag"
        umlauts = hand_in(pool, encoded(slip("Prüfgröße"), "PNG"), work_folder, languages=("eng",))
        assert umlauts.result(LONG_SECONDS).pages[0].text != "Prüfgröße", "the control: the English model has no ß"
    finally:
        pool.abort()
