"""`watch` takes what is whole, waits for what is not, and stops without leaving anything half done."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from simulators import Office, eventually

DIGITAL, SCAN = "per-mail-heidelbeer.pdf", "rechnung-quarzsand.pdf"

SLOW_SCANNER = """
import sys
source, target, manner = sys.argv[1:]
content = open(source, "rb").read()
fifth = len(content) // 5 + 1
stream = open(target, "wb")
for start in range(0, len(content), fifth):
    if stream.closed:
        stream = open(target, "ab")
    stream.write(content[start : start + fifth])
    stream.flush()
    if manner == "closing":
        stream.close()
    print("written", flush=True)
    sys.stdin.readline()
stream.close()
"""
"""Writes a file in five pieces, waiting for a line before each next one; closes it in between or keeps it open."""


@contextmanager
def watching(office: Office) -> Iterator[tuple["subprocess.Popen[bytes]", Path]]:
    """A running `poststelle watch` and the file it writes its lines to."""
    log = office.root / "watch.log"
    office.set_workers("auto")
    process = office.start("--quiet", "watch", out=log)
    try:
        yield process, log
    finally:
        process.kill()
        process.wait()


def lines(log: Path) -> list[dict[str, object]]:
    """What watch has printed so far."""
    return [json.loads(line) for line in log.read_text().splitlines()]


@pytest.mark.parametrize("manner", ["open", "closing"])
def test_a_half_written_scan_is_not_taken_until_it_is_whole(
    manner: str, office: Office, scans: dict[str, Path]
) -> None:
    """A slow scanner pauses between pages: half a contract, filed as a whole one, would be missed by nobody."""
    with watching(office) as (watch, log):
        office.drop(scans["angebot-kupferkanne.png"])
        eventually(lambda: len(lines(log)) == 1, "the control: watch takes whole files")
        scanner = subprocess.Popen(
            [sys.executable, "-c", SLOW_SCANNER, str(scans[DIGITAL]), str(office.inbox / DIGITAL), manner],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert scanner.stdin is not None and scanner.stdout is not None
        for piece in range(1, 6):
            scanner.stdout.readline()
            time.sleep(0.8)  # four times as long as a file must be quiet
            if piece < 5 or manner == "open":
                assert len(lines(log)) == 1, "it was taken before it was whole"
                assert (office.inbox / DIGITAL).exists()
            scanner.stdin.write(b"\n")
            scanner.stdin.flush()
        assert scanner.wait(60) == 0
        eventually(lambda: len(lines(log)) == 2, "the whole file was taken")
        watch.send_signal(signal.SIGTERM)
        assert watch.wait(60) == 0

    hit = office.done("search", "Heidelbeerkraut", user="accounting").json["hits"][0]["id"]
    office.done("export", hit, "-o", office.root / "exported.pdf", user="accounting")
    assert (office.root / "exported.pdf").read_bytes() == scans[DIGITAL].read_bytes()


def test_watch_tells_a_journal_nothing_but_ids(office: Office, scans: dict[str, Path]) -> None:
    """The system's journal is read by administrators: neither names nor classes may stand in it."""
    with watching(office) as (watch, log):
        office.drop(scans[DIGITAL], scans["notiz-weidenkorb.pdf"])
        eventually(lambda: len(lines(log)) == 2, "both files were taken")
        watch.send_signal(signal.SIGINT)
        assert watch.wait(60) == 0

        assert {tuple(sorted(line)) for line in lines(log)} == {("id", "pages", "status")}
        assert {line["status"] for line in lines(log)} == {"filed", "quarantined"}


@pytest.mark.parametrize("delay_seconds", [0.0, 0.7, 1.5])
def test_sigterm_finishes_or_hands_back(delay_seconds: float, office: Office, scans: dict[str, Path]) -> None:
    """The machine shuts down in the middle of a page: the letter is filed, or lies in the inbox as it was dropped."""
    with watching(office) as (watch, log):
        office.drop(scans[DIGITAL])
        eventually(lambda: len(lines(log)) == 1, "watch runs")
        office.drop(scans[SCAN])
        time.sleep(delay_seconds)
        watch.send_signal(signal.SIGTERM)
        assert watch.wait(60) == 0
        filed = len(lines(log)) == 2

    found = office.done("search", "Quarzsandfilter", user="accounting").json["total"]
    assert (found, office.waiting()) == ((1, []) if filed else (0, [SCAN]))
    assert not any((office.inbox / ".poststelle" / "claimed").glob("*"))
    if not filed:
        assert (office.inbox / SCAN).read_bytes() == scans[SCAN].read_bytes()
        assert office.done("intake", user="accounting").json["documents"][0]["source"] == SCAN
    assert office.done("verify").json["letters"] == 2


def test_two_intakes_refuse_each_other(office: Office, scans: dict[str, Path]) -> None:
    """A cron job and a service on one inbox would do the work twice: the second one says so and does nothing."""
    with watching(office) as (watch, log):
        office.drop(scans[DIGITAL])
        eventually(lambda: len(lines(log)) == 1, "watch runs")

        for arguments in (["intake"], ["watch"], ["intake", str(scans[SCAN])]):
            second = office.run(*arguments)
            assert (second.status, second.out) == (2, b"")
            assert "Another `poststelle intake` or `watch`" in second.err

        assert office.run("search", "Heidelbeerkraut", user="accounting").status == 0, "reading goes on meanwhile"
        watch.send_signal(signal.SIGTERM)
        assert watch.wait(60) == 0
    assert office.run("intake").status == 0, "the control: alone it is not refused"
