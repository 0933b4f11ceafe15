"""`watch` in a real office: sub-folders as hints, a share that goes away, quarantine tried again while it runs."""

import hashlib
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import simulators
from simulators import Office, drain, environment_of, eventually

from intake import Inbox
from poststelle.durable import Disk
from poststelle.errors import PoststelleError, UnreadableFile
from poststelle.verbs.quarantine import HANDED_BACK, retry
from poststelle.verbs.taking_in import TakenIn, inbox_of
from poststelle.wiring import only_intake, open_service

DIGITAL, SCAN = "per-mail-heidelbeer.pdf", "angebot-kupferkanne.png"
WORD = "Heidelbeerkraut"


@contextmanager
def watching(office: Office) -> Iterator[tuple["subprocess.Popen[bytes]", Path]]:
    """A running `poststelle watch` and the file it writes its lines and notes to."""
    log = office.root / "watch.log"
    process = office.start("watch", out=log)
    try:
        eventually(lambda: "Watching" in log.read_text(), "it watches")
        yield process, log
    finally:
        process.kill()
        process.wait()


def end(watch: "subprocess.Popen[bytes]") -> None:
    watch.send_signal(signal.SIGTERM)
    assert watch.wait(60) == 0


def taken(log: Path) -> int:
    """How many files watch has told of."""
    return log.read_text().count('"status"')


def test_the_inbox_itself_is_not_copied(office: Office, scans: dict[str, Path]) -> None:
    """Who types `poststelle intake inbox/` means the letters in it; copies of them would be filed beside them."""
    shutil.copyfile(scans[DIGITAL], office.inbox / DIGITAL)
    for path in (office.inbox, office.inbox / DIGITAL, office.inbox.parent):
        refused = office.run("intake", path)
        assert (refused.status, office.waiting()) == (2, [DIGITAL])
        assert "without a path" in refused.err

    assert len(office.done("intake").json["documents"]) == 1, "the control: so it is taken, and once"
    assert office.waiting() == []


def test_a_sub_folder_narrows_who_reads(office: Office, scans: dict[str, Path]) -> None:
    """A clerk of HR drops an invoice for a course into HR's folder: accounting sees it when HR has said so."""
    for place in ("Personal", "sales"):
        (office.inbox / place).mkdir()
        shutil.copyfile(scans[DIGITAL], office.inbox / place / DIGITAL)
    documents = sorted(
        office.done("intake", user="owner").json["documents"], key=lambda d: str(d["status"]), reverse=True
    )

    assert [(d["compartment"], d["status"]) for d in documents] == [("hr", "review"), ("finance", "filed")], (
        "a folder that not fewer people read changes nothing"
    )
    assert any('the folder "Personal"' in reason for reason in documents[0]["reasons"])
    assert any('the folder "sales"' in reason for reason in documents[1]["reasons"])
    for user, total in (("hr", 1), ("accounting", 1), ("sales", 0)):
        assert office.done("search", WORD, user=user).json["total"] == total
    assert office.done("verify").json["problems"] == []


def test_a_missing_language_is_refused_at_the_start(office: Office, scans: dict[str, Path]) -> None:
    """Somebody configures French for one folder and forgets the model: nothing may be read as gibberish."""
    text = office.config.read_text()
    folder = "  folders: {recrutement: {compartment: hr, languages: [tlh]}}\n"
    office.config.write_text(text.replace("  languages: [deu] ", f"{folder}  languages: [deu] "))
    office.drop(scans[DIGITAL])

    for command in ("intake", "watch"):
        refused = office.run(command)
        assert (refused.status, refused.out) == (2, b"")
        assert "tlh.traineddata" in refused.err
    checks = {check["name"]: check for check in office.run("doctor").json["checks"]}
    assert not checks["languages"]["ok"] and "tlh.traineddata" in checks["languages"]["detail"]
    assert office.waiting() == [DIGITAL]
    office.config.write_text(text.replace("  languages: [deu] ", f"{folder.replace('tlh', 'eng')}  languages: [deu] "))
    assert office.run("intake").status == 0, "the control: English comes with the installation"


def test_an_inbox_that_goes_away_is_waited_for(office: Office, scans: dict[str, Path]) -> None:
    """The file server restarts in the middle of the mail: nothing is lost or twice, and somebody can see why."""
    away = office.root / "away"
    office.inbox.rename(away)
    with watching(office) as (watch, log):
        eventually(lambda: "The inbox is not there" in log.read_text(), "it says so at the start")
        away.rename(office.inbox)
        office.drop(scans[DIGITAL])
        eventually(lambda: taken(log) == 1, "it took the first letter")

        office.drop(scans[SCAN])
        eventually(lambda: any((office.inbox / ".poststelle" / "claimed").glob("*/*")), "the scan is claimed")
        office.inbox.rename(away)  # while its page is read
        eventually(lambda: log.read_text().count("The inbox is not there") == 2, "it says so again")
        status = office.run("status").json
        assert status["watching"] and not status["inbox"]
        assert next(c["detail"] for c in status["checks"] if c["name"] == "inbox").startswith("The inbox is not there")
        assert not office.inbox.exists(), "nothing was made in its place"
        time.sleep(1.5)  # the page is read meanwhile
        away.rename(office.inbox)
        eventually(lambda: log.read_text().count("there again") == 2, "it goes on")
        office.drop(scans["rechnung-quarzsand.pdf"])
        eventually(lambda: taken(log) >= 3 and office.waiting() == [], "everything was taken in")
        status = office.run("status").json
        assert status["inbox"] and "inbox" not in {check["name"] for check in status["checks"]}
        end(watch)

    verified = office.done("verify").json
    assert (verified["letters"], verified["problems"]) == (3, [])
    assert office.waiting() == []


def quarantine_one(office: Office, scan: Path) -> str:
    """A file of two pages, of which the configuration allowed one; returns its number."""
    import pikepdf

    with pikepdf.open(scan) as document:
        document.pages.append(document.pages[0])
        document.save(office.root / "zwei-seiten.pdf")
    text = office.config.read_text()
    office.config.write_text(text.replace("max_pages: 2000", "max_pages: 1"))
    office.drop(office.root / "zwei-seiten.pdf")
    document = office.run("intake", user="mailroom").json["documents"][0]
    assert document["status"] == "quarantined", "the control"
    office.config.write_text(text)
    return str(document["accession"])


def test_quarantine_is_tried_again_while_watch_runs(office: Office, scans: dict[str, Path]) -> None:
    """The clerk mends what stood in the way at noon; the watch runs since the morning and must not be stopped."""
    number = quarantine_one(office, scans[DIGITAL])
    with watching(office) as (watch, log):
        retried = office.done("quarantine", "retry", number, user="mailroom").json["documents"]
        assert [document["status"] for document in retried] in (["filed"], ["review"])
        assert office.done("quarantine", "list", user="mailroom").json["documents"] == []
        assert office.run("quarantine", "retry", number, user="mailroom").status == 4, "it is there once"
        assert office.run("quarantine", "retry", number, user="accounting").status in (3, 4)

        (office.root / "notiz.pdf").write_bytes(b"Keine Seite, nur Buchstaben.\n" * 40)
        office.drop(office.root / "notiz.pdf")
        eventually(lambda: taken(log) == 2, "the unreadable file is in quarantine")
        (item,) = office.done("quarantine", "list", user="mailroom").json["documents"]
        again = office.run("quarantine", "retry", item["accession"], user="mailroom")
        assert (again.status, [d["status"] for d in again.json["documents"]]) == (1, ["quarantined"])
        (later,) = office.done("quarantine", "list", user="mailroom").json["documents"]
        assert later["accession"] != item["accession"]
        end(watch)

    verified = office.done("verify").json
    assert (verified["letters"], verified["problems"]) == (1, [])
    assert office.waiting() == []


@pytest.mark.parametrize("arrow", ["recognised", "committed"])
def test_a_crash_of_the_watch_during_a_retry_ends_with_one_letter(
    arrow: str, office: Office, scans: dict[str, Path]
) -> None:
    """The power fails between the clerk's command and the archive: neither zero nor two letters, whenever it was."""
    number = quarantine_one(office, scans[DIGITAL])
    log = office.root / "watch.log"
    program = [sys.executable, simulators.__file__, f"kill:{arrow}", *office.command("watch")]
    with log.open("wb") as stream:
        watch = subprocess.Popen(
            program, cwd=office.folder, env=office.environment(), stdin=subprocess.DEVNULL, stdout=stream, stderr=stream
        )
    try:
        eventually(lambda: "Watching" in log.read_text(), "it watches")
        retried = office.run("quarantine", "retry", number, user="mailroom")
        assert watch.wait(60) == -signal.SIGKILL, f"the control: {arrow} is passed\n{log.read_text()}"
    finally:
        watch.kill()
        watch.wait()
    assert retried.status in (0, 1)
    if retried.status == 1:
        assert "the next `poststelle intake` or `watch` goes on" in retried.err
    office.done("intake")

    assert office.done("quarantine", "list").json["documents"] == []
    verified = office.done("verify").json
    assert (verified["letters"], verified["problems"]) == (1, [])
    assert office.waiting() == []


def test_stopping_the_watch_during_a_retry_makes_no_second_letter(office: Office, scans: dict[str, Path]) -> None:
    """SIGTERM hands back what is not committed; a copy of a quarantined file must not come back as a new letter."""
    number = quarantine_one(office, scans["rechnung-quarzsand.pdf"])
    with watching(office) as (watch, _log):
        identity = ["--identity", str(office.identity("mailroom"))]
        retry = office.start(*identity, "quarantine", "retry", number, out=office.root / "retry.log")
        eventually(lambda: any((office.inbox / ".poststelle" / "claimed").glob("*/*")), "it was handed over")
        end(watch)
        assert retry.wait(60) in (0, 1)
    office.done("intake")

    assert office.done("quarantine", "list").json["documents"] == []
    assert office.done("verify").json["letters"] == 1
    assert office.waiting() == []


@contextmanager
def somebody_takes_in(office: Office) -> Iterator[tuple[Inbox, Path]]:
    """An intake that runs and does nothing by itself: its inbox, and the file in which it leaves its notices."""
    with open_service(environment_of(office)) as service, only_intake(service):
        yield inbox_of(service), service.layout.lock


def quarantined_here(office: Office) -> str:
    """A file that was not read, in this process; returns its number."""
    content = b"Keine Seite, nur Buchstaben.\n"
    (office.inbox / "notiz.pdf").write_bytes(content)
    reason = UnreadableFile("damaged", "The file is damaged.")
    (item,) = drain(office, Disk(), {hashlib.sha256(content).hexdigest(): reason})
    assert item.status == "quarantined", "the control"
    return str(item.accession)


def retried_here(office: Office, number: str) -> list[TakenIn]:
    with retry(environment_of(office, user="mailroom"), [number], lambda progress: None) as run:
        return list(run.outcomes)


def test_a_copy_that_is_handed_back_ends_the_retry(office: Office) -> None:
    """Somebody writes over the copy in the inbox: the clerk must not sit before a command that never ends."""
    number = quarantined_here(office)
    with somebody_takes_in(office) as (inbox, _), ThreadPoolExecutor(1) as clerk:
        asked = clerk.submit(retried_here, office, number)
        eventually(lambda: len(inbox.leftovers()) == 1, "it was handed over")
        (claim,) = inbox.leftovers()
        inbox.hand_back(claim)
        (document,) = asked.result(timeout=30)

    assert (document.status, document.accession, document.reasons) == ("quarantined", number, (HANDED_BACK,))
    assert office.waiting() == ["notiz.pdf"]


def test_a_watch_that_takes_nothing_in_ends_the_retry(office: Office) -> None:
    """The disk is full until tomorrow: the clerk hears so at once, and the watch goes on with what it was handed."""
    number = quarantined_here(office)
    with somebody_takes_in(office) as (inbox, lock), ThreadPoolExecutor(1) as clerk:
        lock.write_text("full")
        with pytest.raises(PoststelleError, match=r"nearly full.*Nothing was handed over"):
            retried_here(office, number)
        assert inbox.leftovers() == []

        lock.write_text("")
        asked = clerk.submit(retried_here, office, number)
        eventually(lambda: len(inbox.leftovers()) == 1, "it was handed over")
        lock.write_text("full")
        with pytest.raises(PoststelleError, match=r"nearly full.*what was handed over is taken in then"):
            asked.result(timeout=30)
        assert len(inbox.leftovers()) == 1, "the next one finds it"
