"""No file of ours gives a letter away: not in the vault, the logs, the caches, the write-ahead logs or a file name."""

import gzip
import os
import signal
import stat
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import CANARIES, UNREADABLE, UNREADABLE_CONTENT
from plaintext import Evidence, copy_living, leaks, windows
from simulators import Office, eventually

QUERY_WORD = "Safranfadenzieher"


@pytest.fixture(scope="session")
def evidence(scans: dict[str, Path]) -> Evidence:
    """Canaries in texts, in parts of file names, in queries, and in the bytes of every kind of original."""
    names = [Path(name).stem.split("-")[-1] for name in scans]
    return Evidence.of([*CANARIES.values(), *names, QUERY_WORD, "Weidenkorbflechterei"], scans.values())


def own_places(office: Office) -> list[Path]:
    """Everywhere our files may lie, the inbox apart."""
    return [path for path in office.root.iterdir() if path != office.folder] + [
        path for path in office.folder.iterdir() if path != office.inbox
    ]


@pytest.fixture
def lived_in(office: Office, scans: dict[str, Path], tmp_path: Path) -> Iterator[tuple[Office, Path]]:
    """An office whose watch has taken in all the mail, and a copy of everything while it still ran."""
    living, log = tmp_path / "living", office.root / "watch.log"
    watch = office.start("watch", out=log)
    try:
        office.drop(*scans.values())
        eventually(lambda: log.read_bytes().count(b'"status"') == len(scans), "all the mail was taken in")
        searches = (("accounting", QUERY_WORD), ("accounting", "Quarzsandfilter"), ("hr", "Moorbirkenhain"))
        for number, (user, query) in enumerate(searches):
            (office.root / f"search-{number}.log").write_text(office.done("search", query, user=user).err)
        for place in own_places(office):
            copy_living(place, living / place.name)
        wal = [path for path in living.rglob("*-wal") if path.stat().st_size]
        assert {path.name for path in wal} >= {"keys.db-wal", "catalogue.db-wal", "finance.db-wal"}, "nothing was live"
        assert list(living.rglob("*-shm"))
        assert [stat.S_IMODE(folder.stat().st_mode) for folder in office.in_memory()] == [0o700]
        watch.send_signal(signal.SIGTERM)
        assert watch.wait(60) == 0
    finally:
        watch.kill()
        watch.wait()
    yield office, living


def test_nothing_of_a_letter_is_readable_anywhere(lived_in: tuple[Office, Path], evidence: Evidence) -> None:
    """Whoever steals the disk, a backup, a log or a cache must learn nothing of what people wrote to the company."""
    office, living = lived_in

    assert leaks([living], evidence) == []
    assert leaks(own_places(office), evidence) == []
    assert office.waiting() == []
    assert office.in_memory() == [], "the working folder in memory goes with the program"
    assert list(office.temporary.rglob("*")) == [], "nothing of ours uses the ordinary temporary folder"


def plant_word(place: Path, original: bytes) -> None:
    place.write_bytes(os.urandom(500) + "… QUARZSANDFILTER …".encode() + os.urandom(500))


def plant_utf16(place: Path, original: bytes) -> None:
    place.write_bytes(os.urandom(501) + "Moorbirkenhain".encode("utf-16-le"))


def plant_query(place: Path, original: bytes) -> None:
    place.write_text(f"search {QUERY_WORD}")


def plant_zlib(place: Path, original: bytes) -> None:
    place.write_bytes(os.urandom(333) + zlib.compress(b"ein Zwiebelturmuhr-Werk, sehr alt", 9) + os.urandom(99))


def plant_gzip(place: Path, original: bytes) -> None:
    place.write_bytes(os.urandom(44) + gzip.compress(b"Heidelbeerkraut" * 3))


def plant_name(place: Path, original: bytes) -> None:
    place.with_name("Rechnung-Quarzsand (1).tmp").write_bytes(b"")


def plant_signature(place: Path, original: bytes) -> None:
    place.write_bytes(os.urandom(4000) + b"%PDF-1.7\n" + os.urandom(4000))


def plant_piece(place: Path, original: bytes) -> None:
    place.write_bytes(os.urandom(1000) + windows(original)[-1] + os.urandom(1000))


def plant_encoded(place: Path, original: bytes) -> None:
    import base64

    place.write_bytes(b'{"sealed":"' + base64.b64encode(b"der Kupferkannenstiel und noch mehr davon") + b'"}')


def plant_original(place: Path, original: bytes) -> None:
    place.write_bytes(original)


PLANTS = (
    plant_word, plant_utf16, plant_query, plant_zlib, plant_gzip, plant_name, plant_signature, plant_piece,
    plant_encoded, plant_original,
)  # fmt: skip


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_the_search_finds_what_is_planted(
    plant: Callable[[Path, bytes], None], evidence: Evidence, scans: dict[str, Path], tmp_path: Path
) -> None:
    """The control of the test above: a search that finds nothing proves something only if it can find."""
    place = tmp_path / "vault" / "objects" / "00" / "part"
    place.parent.mkdir(parents=True)
    place.write_bytes(os.urandom(100_000))
    assert leaks([tmp_path], evidence) == []

    plant(place, scans["mahnung-zwiebelturm.tif"].read_bytes())

    assert leaks([tmp_path], evidence) != []


@pytest.mark.parametrize("kind", [".pdf", ".tif", ".jpg", ".png"])
def test_the_search_knows_every_kind_of_original(
    kind: str, evidence: Evidence, scans: dict[str, Path], tmp_path: Path
) -> None:
    """An original left lying about as a file must be found by its signature alone."""
    original = next(path for name, path in scans.items() if name.endswith(kind) and name != UNREADABLE)
    (tmp_path / "x").write_bytes(original.read_bytes())

    assert leaks([tmp_path], Evidence((), ())) != []
    assert leaks([tmp_path], Evidence((), evidence.pieces)) > leaks([tmp_path], Evidence((), ()))


def test_what_a_crash_left_in_memory_is_swept(office: Office, scans: dict[str, Path]) -> None:
    """A power cut in the middle of recognition leaves pages in memory files: the next start must remove them."""
    office.drop(scans["rechnung-quarzsand.pdf"])
    killed = office.drill("kill:recognised", "intake")
    assert killed.status == -signal.SIGKILL
    left = office.in_memory()
    assert len(left) == 1, "the control: the crash did leave a folder"
    (left[0] / "page").write_bytes(UNREADABLE_CONTENT)

    office.done("intake")

    assert office.in_memory() == []
