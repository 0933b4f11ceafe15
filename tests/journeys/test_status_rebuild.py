"""What goes on in the office, told to each as far as they may know; and what is derived, made again when it is lost."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import CANARIES, UNREADABLE
from simulators import Office, no_passphrase

from archive.founding import index_database
from poststelle.access.database import open_database
from poststelle.access.keybook import RECORDS, index_scope
from poststelle.durable import Disk
from poststelle.wiring import Environment, Session, open_person, open_service, shipped_config

INVOICE, PAYROLL, DIGITAL = "rechnung-quarzsand.pdf", "lohn-moorbirke.jpg", "per-mail-heidelbeer.pdf"
QUERY = "Überweisung"
TABLES = ("documents", "parts", "wraps", "series", "quarantine", "moved", "events", "holds")


@contextmanager
def session(office: Office, user: str | None = None) -> Iterator[Session]:
    """The office opened in this process, as the service or as a person."""
    environment = Environment(
        cwd=office.folder,
        config_file=None,
        identity_file=None if user is None else office.identity(user),
        passphrase=no_passphrase,
        config_folders=(),
        cache=office.root / "cache",
        state=office.state,
    )
    with open_service(environment) if user is None else open_person(environment) as opened:
        yield opened


def index_file(office: Office, compartment: str) -> Path:
    """Where an index lies."""
    return office.vault / "index" / f"{compartment}.db"


def without_side_files(path: Path) -> None:
    """Remove a database for good."""
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)


def scratch(path: Path) -> None:
    """Flip a bit in every page behind the first three: what a dying disk does."""
    without = bytearray(path.read_bytes())
    for start in range(3 * 4096 + 99, len(without), 4096):
        without[start] ^= 1
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    path.write_bytes(without)


def check(ran: Any, name: str) -> dict[str, Any]:
    """One line of `status`."""
    return next(line for line in ran.json["checks"] if line["name"] == name)


def found(office: Office, user: str, query: str = QUERY) -> set[str]:
    """Ids of what a person finds."""
    return {hit["id"] for hit in office.done("search", query, user=user).json["hits"]}


# Status -------------------------------------------------------------------------------------------------------


def test_status_tells_what_waits_and_what_stuck(full_office: Office, scans: dict[str, Path]) -> None:
    """Nobody looks into folders: if the watcher died on Friday, Monday's first look must say so."""
    quiet = full_office.run("status")
    assert (quiet.json["watching"], quiet.json["waiting"], quiet.json["quarantined"]) == (False, 0, 1)
    assert check(quiet, "watcher")["ok"] and not check(quiet, "quarantine")["ok"]
    assert quiet.status == 1, "somebody has to look at the file in quarantine"

    full_office.drop(scans[DIGITAL])
    stuck = full_office.run("status")

    assert stuck.json["waiting"] == 1
    assert not check(stuck, "watcher")["ok"]
    assert "poststelle watch" in check(stuck, "watcher")["detail"]

    (full_office.inbox / DIGITAL).unlink()
    number = full_office.done("quarantine", "list", user="mailroom").json["documents"][0]["accession"]
    full_office.done("quarantine", "discard", number, "--reason", "empty", "--yes", user="mailroom")
    assert full_office.run("status").status == 0


def test_status_sees_a_running_watcher(full_office: Office, tmp_path: Path) -> None:
    """Two watchers are refused; one that only looks dead must not be started twice."""
    watch = full_office.start("watch", out=tmp_path / "out")
    try:
        until = time.monotonic() + 60
        while not (watching := full_office.run("status").json["watching"]) and time.monotonic() < until:
            time.sleep(0.1)
        assert watching
        assert watch.poll() is None, "looking must not disturb it"
    finally:
        watch.send_signal(signal.SIGTERM)
        watch.wait(60)
    assert full_office.run("status").json["watching"] is False


def test_status_tells_a_department_nothing_of_other_peoples_mail(full_office: Office, scans: dict[str, Path]) -> None:
    """How much mail another department gets, and when, is nobody else's business."""

    def seen(user: str) -> Any:
        told = full_office.run("status", user=user).json
        told.pop("free_bytes")
        told["checks"] = [line for line in told["checks"] if line["name"] != "disk"]
        return told

    before = {user: seen(user) for user in ("hr", "accounting", "administrator", "owner")}
    full_office.drop(scans[DIGITAL])
    full_office.done("intake")
    full_office.drop(scans[INVOICE])
    after = {user: seen(user) for user in before}

    assert after["owner"] != before["owner"], "the control: whoever keeps the records sees that something came"
    assert after["hr"] == before["hr"]
    assert after["administrator"] == before["administrator"]
    assert {index["compartment"] for index in after["hr"]["indexes"]} == {"general", "hr"}
    assert after["administrator"]["indexes"] == []
    for hidden in ("waiting", "quarantined", "outbox", "key_store", "disposing"):
        assert before["owner"][hidden] is not None, "the control"
        assert after["hr"][hidden] is None


def test_status_tells_the_owner_when_the_vault_was_verified(full_office: Office) -> None:
    """A vault nobody verifies is one whose damage is found when the letter is needed."""
    assert full_office.run("status", user="owner").json["last"] == {"verified": None, "backup": None}
    full_office.done("verify")

    assert full_office.run("status", user="owner").json["last"]["verified"] is not None
    assert full_office.run("status", user="hr").json["last"] is None


def test_status_says_how_far_an_index_lags_and_when_store_and_mirror_differ(
    full_office: Office, scans: dict[str, Path], tmp_path: Path
) -> None:
    """A letter that is filed but not findable is asked for at the supplier again."""
    old_index, old_mirror = tmp_path / "finance.db", tmp_path / "keys.db"
    shutil.copy(index_file(full_office, "finance"), old_index)
    shutil.copy(full_office.mirror / "keys.db", old_mirror)
    full_office.drop(scans[DIGITAL])
    full_office.done("intake")
    even = full_office.run("status")
    assert check(even, "key store")["ok"] and {index["lag"] for index in even.json["indexes"]} == {0}

    without_side_files(index_file(full_office, "finance"))
    without_side_files(full_office.mirror / "keys.db")
    shutil.copy(old_index, index_file(full_office, "finance"))
    shutil.copy(old_mirror, full_office.mirror / "keys.db")
    behind = full_office.run("status")

    assert {i["compartment"]: i["lag"] for i in behind.json["indexes"]}["finance"] == 1
    assert not check(behind, "key store")["ok"]
    (full_office.mirror / "keys.db").unlink()
    gone = check(full_office.run("status"), "key store")
    assert not gone["ok"] and "poststelle rebuild keys" in gone["detail"]
    assert "poststelle rebuild keys" in check(full_office.run("doctor"), "mirror")["detail"]


def test_status_of_a_damaged_vault_names_what_helps(full_office: Office) -> None:
    """The first thing people run when something is wrong must not itself end in an error."""
    scratch(full_office.vault / "catalogue.db")
    without_side_files(index_file(full_office, "finance"))

    ran = full_office.run("status")

    assert ran.status == 1
    assert "rebuild catalogue" in check(ran, "catalogue")["detail"]
    assert "rebuild index finance" in check(ran, "index finance")["detail"]
    assert ran.json["waiting"] == 0


# Rebuilding the index -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", [without_side_files, scratch], ids=["lost", "scratched"])
def test_a_lost_or_damaged_index_is_made_again_from_the_letters(full_office: Office, damage: Any) -> None:
    """The index is derived: losing it must cost a coffee break, not a letter."""
    before = found(full_office, "accounting")
    assert before
    damage(index_file(full_office, "finance"))
    broken = full_office.run("search", QUERY, user="accounting")
    assert broken.status != 0, "the control: the damage is felt"

    rebuilt = full_office.done("rebuild", "index", "finance")

    assert rebuilt.json["ok"] and rebuilt.json["compartments"] == ["finance"]
    assert found(full_office, "accounting") == before
    assert full_office.done("verify").json["ok"]
    assert full_office.done("search", CANARIES[INVOICE], user="accounting").json["total"] == 1


def test_a_sound_index_is_made_again_under_a_running_reader_and_writer(full_office: Office) -> None:
    """The watcher has the index open for weeks: after a rebuild its next letter must not go into a file nobody sees."""
    with session(full_office) as service:
        index = service.index("finance")
        letters = index.sequences()
        assert letters
        with index.snapshot():
            index.position()
            full_office.done("rebuild", "index")
            assert index.sequences() == letters, "a search under way goes on with what it began with"
        assert index.sequences() == letters
        gone = next(iter(letters))
        index.remove(gone)

    with session(full_office) as service:
        assert gone not in service.index("finance").sequences(), "what the long-lived opener wrote is there for all"
    assert full_office.run("status").json["indexes"], "and the file is sound"
    assert found(full_office, "accounting"), "the next search brings the letter back from the archive"
    assert full_office.done("verify").json["ok"]


def test_an_index_of_another_analyser_is_made_anew(full_office: Office) -> None:
    """After an update that reads words differently, old terms would hide letters from new queries."""
    with session(full_office) as service:
        key = service.keyring.database_key(index_database("finance"), index_scope("finance"))
        with open_database(index_file(full_office, "finance"), Disk(), key=key) as database, database.transaction():
            database.run("UPDATE meta SET value = '0 of long ago' WHERE name = 'analyser'")
    assert "rebuild index finance" in check(full_office.run("status"), "index finance")["detail"]

    full_office.done("rebuild", "index", "finance", user="accounting")

    with session(full_office) as service:
        assert service.index("finance").is_current()


def test_a_damaged_letter_does_not_keep_the_others_from_being_found(full_office: Office) -> None:
    """One bad sector must cost one letter, which is named, not the search of a whole department."""
    victim = next(iter(found(full_office, "accounting", CANARIES[INVOICE])))
    others = found(full_office, "accounting") - {victim}
    assert others
    text = next(path for path in full_office.objects("text") if path.name.startswith(victim))
    text.write_bytes(text.read_bytes()[:-1])

    kept = full_office.run("rebuild", "index", "finance")

    assert kept.status == 1
    assert [(p["code"], p["id"]) for p in kept.json["problems"]] == [("A013", victim)]
    assert victim in found(full_office, "accounting"), "the old index still knew it"

    without_side_files(index_file(full_office, "finance"))
    lost = full_office.run("rebuild", "index", "finance")

    assert lost.status == 1 and [p["id"] for p in lost.json["problems"]] == [victim]
    assert found(full_office, "accounting") == others


def test_only_holders_rebuild_and_unknown_compartments_are_named(full_office: Office) -> None:
    """Whoever may not read a department's mail may not handle its index either."""
    assert full_office.run("rebuild", "index", "finance", user="hr").status == 3
    assert full_office.run("rebuild", "index", user="administrator").status == 3
    wrong = full_office.run("rebuild", "index", "accounts")
    assert wrong.status == 2 and "finance" in wrong.err
    assert full_office.done("rebuild", "index", user="hr").json["compartments"] == ["general", "hr"]


@pytest.mark.parametrize("where", ["full:finance.db.rebuilding.tmp", "full:rename", "full:commit"])
def test_a_rebuild_that_fails_leaves_what_was_there(full_office: Office, where: str) -> None:
    """A full disk in the middle must not turn a slow index into none."""
    before = found(full_office, "accounting")
    if where == "full:rename":
        # Only a missing index is put in place by a rename; a sound one is filled in place.
        without_side_files(index_file(full_office, "finance"))

    failed = full_office.drill(where, "rebuild", "index", "finance")

    assert failed.status == 1, failed.err
    left = {path.name for path in (full_office.vault / "index").iterdir() if "rebuilding" in path.name}
    assert left == set()
    if where == "full:rename":
        full_office.done("rebuild", "index", "finance")
    assert found(full_office, "accounting") == before
    assert full_office.done("verify").json["ok"]


# Rebuilding the catalogue -------------------------------------------------------------------------------------


def rows(office: Office) -> dict[str, list[tuple[Any, ...]]]:
    """Every table of the catalogue that people rely on."""
    with session(office) as service:
        key = service.keyring.database_key("catalogue", RECORDS)
        with open_database(office.vault / "catalogue.db", Disk(), key=key) as database:
            found = {table: sorted(database.rows(f"SELECT * FROM {table}"), key=repr) for table in TABLES}
    return {table: [tuple(map(to_the_second, row)) for row in rows] for table, rows in found.items()}


def to_the_second(value: Any) -> Any:
    """Times as precise as the log has them; everything else as it is."""
    return re.sub(r"(T\d\d:\d\d:\d\d)\.\d+\+", r"\1+", value) if isinstance(value, str) else value


def logged(office: Office) -> int:
    """Filed letters that the log knows."""
    return (office.vault / "audit.jsonl").read_text(encoding="utf-8").count('"kind":"filed"')


@pytest.mark.parametrize("damage", [without_side_files, scratch], ids=["lost", "scratched"])
def test_a_lost_or_damaged_catalogue_is_made_again_row_by_row(
    full_office: Office, scans: dict[str, Path], damage: Any
) -> None:
    """Without the catalogue nothing can be taken in, counted or destroyed, although every letter is still there."""
    catalogue = full_office.vault / "catalogue.db"
    full_office.drop(scans[DIGITAL])
    full_office.done("intake")
    before = rows(full_office)
    assert all(before[table] for table in ("documents", "parts", "wraps", "series", "quarantine")), "the control"
    damage(catalogue)
    remains = catalogue.read_bytes() if catalogue.exists() else None
    assert full_office.run("verify").status != 0, "the control: the damage is felt"

    rebuilt = full_office.done("rebuild", "catalogue", user="owner")

    assert (rebuilt.json["ok"], rebuilt.json["letters"]) == (True, len(before["documents"]))
    assert rows(full_office) == before
    if remains is not None:
        aside = Path(rebuilt.json["moved_aside"])
        assert aside.name.startswith("catalogue.db.damaged-") and aside.read_bytes() == remains
        aside.unlink()
    assert full_office.done("verify", "--read-data", user="owner").json["ok"]

    # And work goes on where it stopped: numbers, duplicates, and entries that reach the log.
    filed = logged(full_office)
    full_office.drop(scans[DIGITAL])
    again = full_office.done("intake", user="owner").json["documents"][0]
    assert again["status"] == "duplicate"
    assert logged(full_office) == filed + 1
    assert full_office.done("verify").json["ok"]


def test_numbers_of_letters_that_moved_or_left_are_not_given_again(full_office: Office, scans: dict[str, Path]) -> None:
    """A second letter under a number that stands on a certificate or in somebody's file is one letter too many."""
    victim = next(iter(found(full_office, "accounting", CANARIES[INVOICE])))
    full_office.done("reclassify", victim, "payroll", user="owner")
    number = full_office.done("quarantine", "list", user="mailroom").json["documents"][0]["accession"]
    full_office.done("quarantine", "discard", number, "--reason", "empty", "--yes", user="mailroom")
    before = rows(full_office)
    assert before["moved"], "the control: a number was left behind"
    without_side_files(full_office.vault / "catalogue.db")

    full_office.done("rebuild", "catalogue", user="owner")

    after = rows(full_office)
    assert {table: after[table] for table in ("documents", "parts", "wraps", "series", "moved")} == {
        table: before[table] for table in ("documents", "parts", "wraps", "series", "moved")
    }
    assert [row[:4] for row in after["quarantine"]] == [row[:4] for row in before["quarantine"]]
    assert full_office.done("verify").json["ok"]
    full_office.drop(scans[UNREADABLE])
    renewed = full_office.run("intake", user="owner").json["documents"][0]["accession"]
    assert renewed != number


def test_a_destroyed_letter_keeps_its_row_and_number_and_nothing_else_comes_back(
    tmp_path: Path, scans: dict[str, Path]
) -> None:
    """A rebuild must neither bring back what was destroyed nor give its number to the next letter."""
    office = Office(tmp_path / "root").make("--no-passphrase", "--practice", shipped=shipped_config())
    office.drop(scans[DIGITAL])
    letter = office.done("intake", user="owner").json["documents"][0]
    plan = office.done("purge", "plan", "--as-of", "2060-01-01", user="owner").json["plan_id"]
    office.done("purge", "release", plan, "--reason", "due", user="records-manager")
    assert office.done("purge", "run").json["disposed"] == [letter["id"]]
    before = rows(office)
    without_side_files(office.vault / "catalogue.db")

    rebuilt = office.run("rebuild", "catalogue", user="owner")

    assert rebuilt.json["letters"] == 0
    assert {problem["code"] for problem in rebuilt.json["problems"]} == {"A025"}
    after = rows(office)
    assert [row[:8] for row in after["documents"]] == [row[:8] for row in before["documents"]]
    assert after["documents"][0][7] == "disposed"
    assert (after["parts"], after["wraps"], after["series"]) == ([], [], before["series"])
    assert office.done("verify").json["ok"]
    assert office.done("purge", "prove", letter["accession"], user="owner").json["ok"]
    office.drop(scans[DIGITAL])
    again = office.done("intake", user="owner").json["documents"][0]
    assert (again["status"], again["accession"]) == ("filed", letter["accession"][:-1] + "2")


def test_a_restriction_outlives_the_catalogue_and_an_open_request_is_named(full_office: Office) -> None:
    """A subject's objection must hold, and the answer stay due, whatever a disk does."""
    victim = next(iter(found(full_office, "accounting", CANARIES[INVOICE])))
    full_office.done("restrict", "place", victim, "--ground", "art18", "--reason", "Antrag", user="owner")
    ended, waiting = (
        full_office.done("subject", "access", name, user="owner").json["request"]["id"]
        for name in ("Ada Alt", "Ben Neu")
    )
    full_office.done("subject", "close", ended, "--reason", "beantwortet", user="owner")
    before = full_office.done("restrict", "list", user="owner").json
    assert len(before["restrictions"]) == 1
    without_side_files(full_office.vault / "catalogue.db")

    rebuilt = full_office.run("rebuild", "catalogue", user="owner")

    assert rebuilt.status == 1
    assert [(p["code"], p["id"]) for p in rebuilt.json["problems"]] == [("A027", waiting)]
    assert full_office.done("restrict", "list", user="owner").json == before
    full_office.done("restrict", "lift", before["restrictions"][0]["id"], "--reason", "vorbei", user="owner")


def test_a_hold_outlives_the_catalogue(full_office: Office) -> None:
    """A letter a court asked for must not be destroyed because a disk died in between."""
    victim = next(iter(found(full_office, "accounting", CANARIES[INVOICE])))
    full_office.done("hold", "place", victim, "--reason", "Klage", user="owner")
    lifted = full_office.done("hold", "place", victim, "--reason", "vorbei", user="owner").json["holds"][0]["hold"]
    full_office.done("hold", "lift", lifted, "--reason", "erledigt", user="owner")
    before = full_office.done("hold", "list", user="owner").json["holds"]
    assert len(before) == 1
    without_side_files(full_office.vault / "catalogue.db")

    rebuilt = full_office.run("rebuild", "catalogue", user="owner")

    assert rebuilt.status == 1
    assert [(p["code"], p["id"]) for p in rebuilt.json["problems"]] == [("A024", before[0]["hold"])]
    assert "Klage" in rebuilt.json["problems"][0]["message"]
    after = full_office.done("hold", "list", user="owner").json["holds"]
    assert [hold["hold"] for hold in after] == [before[0]["hold"]]
    explained = full_office.done("retention", "explain", victim, user="owner").json
    assert any("hold" in reason for reason in explained["blocked_by"])


@pytest.mark.parametrize("part", ["original", "rendition", "text"])
def test_a_rebuild_does_not_bless_a_damaged_letter(full_office: Office, part: str) -> None:
    """If the new catalogue took the damaged bytes for what was sealed, verify would be silent for ever."""
    victim = full_office.objects(part)[0]
    victim.write_bytes(victim.read_bytes()[:-1])
    document = victim.name.split(".")[0]
    without_side_files(full_office.vault / "catalogue.db")

    rebuilt = full_office.run("rebuild", "catalogue", user="owner")

    assert [(p["code"], p["id"]) for p in rebuilt.json["problems"]] == [("A013", document)]
    verified = full_office.run("verify")
    assert verified.status == 5
    assert [(p["code"], p["id"]) for p in verified.json["problems"]] == [("A013", document)]


def test_a_sound_catalogue_is_never_replaced(full_office: Office) -> None:
    """It holds plans and releases that cannot be made again: a nervous owner must not lose them."""
    catalogue = full_office.vault / "catalogue.db"
    full_office.done("verify")
    before = catalogue.read_bytes()

    assert full_office.run("rebuild", "catalogue", user="owner").status == 2
    assert full_office.run("rebuild", "catalogue").status == 2, "nobody is named"

    without_side_files(full_office.vault / "catalogue.db")
    assert full_office.run("rebuild", "catalogue", user="hr").status == 3
    assert full_office.run("rebuild", "catalogue", user="mailroom").status == 3
    assert not catalogue.exists()
    catalogue.write_bytes(before)
    assert full_office.done("verify").json["ok"]


def test_no_catalogue_is_made_while_mail_comes_in(full_office: Office, tmp_path: Path) -> None:
    """A letter committed to the old catalogue during the rebuild would be missing in the new one."""
    watch = full_office.start("watch", out=tmp_path / "out")
    try:
        until = time.monotonic() + 60
        while not full_office.run("status").json["watching"] and time.monotonic() < until:
            time.sleep(0.1)
        scratch(full_office.vault / "catalogue.db")

        refused = full_office.run("rebuild", "catalogue", user="owner")

        assert refused.status == 2 and "poststelle watch" in refused.err
    finally:
        stop(watch)
    assert full_office.run("rebuild", "catalogue", user="owner").status == 0


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End what a test started."""
    if process.poll() is None:
        os.kill(process.pid, signal.SIGTERM)
    process.wait(60)


def test_a_rebuild_of_the_catalogue_that_fails_changes_nothing(full_office: Office) -> None:
    """Between moving the old one aside and putting the new one there, a full disk must leave a way back."""
    before = rows(full_office)
    without_side_files(full_office.vault / "catalogue.db")

    assert full_office.drill("full:catalogue.db.rebuilding.tmp", "rebuild", "catalogue").status == 2
    failed = full_office.drill("full:commit", "--identity", full_office.identity("owner"), "rebuild", "catalogue")

    assert failed.status == 1, failed.err
    assert [path.name for path in full_office.vault.iterdir() if "rebuilding" in path.name] == []
    full_office.done("rebuild", "catalogue", user="owner")
    assert rows(full_office) == before
