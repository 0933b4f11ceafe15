"""kill -9 anywhere in the write order, and then the plain program again: nothing lost, nothing twice."""

import shutil
import signal
from pathlib import Path

import pytest
from conftest import UNREADABLE, UNREADABLE_CONTENT
from simulators import Office, recover

ARROWS = ("claimed", "recognised", "classified", "parts", "wraps", "committed", "read-back", "removed")
"""The named arrows of the write order, docs/archive-format.md."""
SCAN, DIGITAL = "rechnung-quarzsand.pdf", "per-mail-heidelbeer.pdf"
MAIL = {SCAN: "Quarzsandfilter", DIGITAL: "Heidelbeerkraut"}


def assert_each_letter_is_there_once(office: Office, words: list[str]) -> None:
    """One accession per dropped file, numbers without a gap, nothing waiting, all verified, each found."""
    commands = [
        office.command("verify"),
        office.command("verify", "--read-data", user="owner"),
        *(office.command("search", word, user="accounting") for word in words),
    ]
    plain, with_data, *searches = office.run_many(commands)
    for ran in (plain, with_data):
        assert (ran.status, ran.json["problems"]) == (0, [])
        assert ran.json["letters"] == len(words)
    assert_one_copy_of_each_part(office, len(words))
    found = [ran.json for ran in searches]
    assert [result["total"] for result in found] == [1] * len(words)
    numbers = sorted(int(result["hits"][0]["accession"].split("-")[-1]) for result in found)
    assert numbers == list(range(1, len(words) + 1))
    assert_the_inbox_is_clean(office)


def assert_one_copy_of_each_part(office: Office, documents: int) -> None:
    """One sealed original and one sealed text each; a rendition where there is one; no part of a lost try."""
    assert (len(office.objects("original")), len(office.objects("text"))) == (documents, documents)
    assert len(office.objects("rendition")) <= documents


def assert_the_inbox_is_clean(office: Office) -> None:
    """No file and no claim is left, nor a temporary file in the vault."""
    assert office.waiting() == []
    assert not any((office.inbox / ".poststelle" / "claimed").glob("*"))
    assert not any(path.suffix == ".tmp" for path in office.folder.rglob("*"))


@pytest.mark.parametrize("arrow", ARROWS)
def test_a_kill_at_an_arrow_loses_and_doubles_nothing(arrow: str, office: Office, scans: dict[str, Path]) -> None:
    """The power fails in the middle of the morning's mail: the next start must finish exactly what was begun."""
    office.drop(*(scans[name] for name in MAIL))

    killed = office.drill(f"kill:{arrow}", "intake")
    assert killed.status == -signal.SIGKILL, f"the control: {arrow} is passed\n{killed.err}"
    office.done("intake")

    assert_each_letter_is_there_once(office, list(MAIL.values()))


@pytest.mark.parametrize("arrow", ["wraps", "committed", "removed"])
def test_a_kill_at_the_second_letter_leaves_the_first_alone(arrow: str, office: Office, scans: dict[str, Path]) -> None:
    """What was filed before the crash keeps its number, and the rest goes on from there."""
    office.drop(scans[DIGITAL])
    office.done("intake")
    first = office.done("search", MAIL[DIGITAL], user="accounting").json["hits"][0]["accession"]
    again = office.root / "zweiter.pdf"
    shutil.copyfile(scans[DIGITAL], again)
    office.drop(again)

    assert office.drill(f"kill:{arrow}", "intake").status == -signal.SIGKILL
    office.done("intake")

    hits = office.done("search", MAIL[DIGITAL], user="accounting").json["hits"]
    assert {hit["accession"] for hit in hits} == {first, first.replace("-000001", "-000002")}
    assert office.done("verify").json["problems"] == []
    assert_the_inbox_is_clean(office)


@pytest.mark.parametrize("arrow", ["claimed", "parts", "wraps", "committed", "read-back", "removed"])
def test_a_kill_on_the_way_into_quarantine(arrow: str, office: Office, scans: dict[str, Path]) -> None:
    """A file nobody can read may be the most important one: a crash must not lose it or keep it twice."""
    office.drop(scans[UNREADABLE])

    assert office.drill(f"kill:{arrow}", "intake").status == -signal.SIGKILL
    office.run("intake")

    items = office.done("quarantine", "list").json["documents"]
    assert [item["accession"][-7:] for item in items] == ["-000001"]
    assert recover(office, "original", items[0]["id"]).out == UNREADABLE_CONTENT
    assert office.done("verify").json["problems"] == []
    assert_the_inbox_is_clean(office)


def test_a_crash_during_every_restart(office: Office, scans: dict[str, Path]) -> None:
    """A machine with a failing power supply crashes while it repairs the last crash: the end is the same."""
    office.drop(scans[DIGITAL])
    deaths = 0
    for arrow in (*ARROWS, *reversed(ARROWS)):
        ran = office.drill(f"kill:{arrow}", "intake")
        assert ran.status in (0, -signal.SIGKILL), ran.err
        deaths += ran.status != 0
    assert deaths >= 6, "the control: each restart got one arrow further before it died"
    office.done("intake")

    assert_each_letter_is_there_once(office, [MAIL[DIGITAL]])


@pytest.mark.parametrize("arrow", ["wraps", "committed"])
def test_a_kill_during_retry_ends_with_one_letter(arrow: str, office: Office, scans: dict[str, Path]) -> None:
    """A clerk tries a quarantined file again and the power fails: it must not be in two places afterwards."""
    text = office.config.read_text()
    office.config.write_text(text.replace("max_megapixels: 120", "max_megapixels: 10"))
    wide = office.root / "breit.png"
    _wider(scans["angebot-kupferkanne.png"], wide)
    office.drop(wide)
    number = office.run("intake", user="mailroom").json["documents"][0]["accession"]
    office.config.write_text(text)

    identity = ["--identity", str(office.identity("mailroom"))]
    killed = office.drill(f"kill:{arrow}", *identity, "quarantine", "retry", number)
    assert killed.status == -signal.SIGKILL, killed.err
    office.done("intake")

    assert office.done("quarantine", "list").json["documents"] == []
    verified = office.done("verify").json
    assert (verified["letters"], verified["problems"]) == (1, [])
    assert_one_copy_of_each_part(office, 1)
    assert_the_inbox_is_clean(office)


def _wider(scan: Path, target: Path) -> None:
    """The scan on a sheet of more than ten million pixels, as quick to read."""
    from PIL import Image

    with Image.open(scan) as page:
        sheet = Image.new("L", (2700, 4000), 255)
        sheet.paste(page.convert("L"), (100, 100))
    sheet.save(target, dpi=(200, 200))
