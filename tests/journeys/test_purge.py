"""Destroying what is due: planned by one, released by another, carried out anew, proven; and all that stops it."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from filed_letters import Sample, bytes_of, decrypted, file_letters, stored_wraps, together
from plaintext import windows
from simulators import PATIENCE_SECONDS, Office, environment_of, recover

from archive.ledger import Ledger
from bench.letters import OFFICE_COMPANY, make_letter, write_scan
from poststelle.access.identities import read_identity
from poststelle.access.statements import InvalidStatement, Statement, check_statement, make_statement
from poststelle.errors import ConfigurationError, ExitStatus, NotPermitted, UnknownDocument
from poststelle.verbs.clock import ClockAhead, ClockSetBack, confirm_date
from poststelle.verbs.disposing import Run, prove, run
from poststelle.verbs.keeping import lift_hold, place_hold, set_event
from poststelle.verbs.locating import desk
from poststelle.verbs.planning import plan, release
from poststelle.verbs.rebuilding import rebuild_catalogue
from poststelle.verbs.verifying import verify
from poststelle.verbs.witnessing import ChangedLedger
from poststelle.wiring import Session, only_purge, open_person, open_service, shipped_config

MANAGER, OWNER = "records-manager", "owner"
CANARY = "Quarzsandfilter"
FILE_NAME = "rechnung-quarzsand"
DUE = Sample(record_class="invoice", received_on=date(2014, 6, 30), word="Zwiebelturmuhr")
ALSO_DUE = Sample(record_class="offer", received_on=date(2015, 6, 30), word="Kupferkannenstiel")
NOT_DUE = Sample(record_class="invoice", received_on=date(2026, 3, 17), word="Moorbirkenhain")
WAITING = Sample(record_class="contract", received_on=date(2014, 6, 30), word="Weidenkorbflechterei")
LEGAL = Sample(record_class="legal", received_on=date(2026, 3, 17), word="Wacholderzweig")
ADVERTISING = Sample(record_class="advertising", received_on=date(2026, 1, 2), word="Heidelbeerkraut")


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory, empty_office: Office) -> tuple[Office, dict[str, str]]:
    """Two vouchers that are due, one that is not, a contract nobody knows the end of; and their ids by word."""
    office = empty_office.copy_to(tmp_path_factory.mktemp("filed") / "root")
    samples = (DUE, ALSO_DUE, NOT_DUE, WAITING)
    ids = file_letters(office, samples)
    return office, {sample.word: document for sample, document in zip(samples, ids, strict=True)}


@pytest.fixture
def vault(tmp_path: Path, filed: tuple[Office, dict[str, str]]) -> Office:
    """That office, of one's own."""
    return filed[0].copy_to(tmp_path / "root")


@pytest.fixture
def due(filed: tuple[Office, dict[str, str]]) -> str:
    """Id of the voucher of 2014."""
    return filed[1][DUE.word]


@pytest.fixture
def also_due(filed: tuple[Office, dict[str, str]]) -> str:
    """Id of the offer of 2015."""
    return filed[1][ALSO_DUE.word]


def planned(office: Office, *, by: str = MANAGER, at: datetime | None = None, **options: Any) -> str:
    """Draw up a plan in this process; returns its id."""
    environment = environment_of(office, user=by)
    if at is not None:
        environment = replace(environment, now=lambda: at)
    with desk(environment) as at_desk:
        return plan(at_desk, options.get("as_of")).plan_id


def released(
    office: Office, plan_id: str, *, by: str = OWNER, only: Sequence[str] = (), at: datetime | None = None
) -> None:
    """Release a plan in this process."""
    environment = environment_of(office, user=by)
    if at is not None:
        environment = replace(environment, now=lambda: at)
    with desk(environment) as at_desk:
        release(at_desk, plan_id, only, "Jahresaussonderung")


def confirmed(office: Office, *, at: datetime, by: str = OWNER) -> None:
    """Say in this process that the machine's date is right."""
    with desk(replace(environment_of(office, user=by), now=lambda: at)) as at_desk:
        confirm_date(at_desk, at.date(), "Betrieb ruhte")


def ran(office: Office, *, at: datetime | None = None) -> Run:
    """Carry out, as the service, in this process."""
    environment = environment_of(office)
    if at is not None:
        environment = replace(environment, now=lambda: at)
    with open_service(environment) as service:
        return run(service)


@contextlib.contextmanager
def by_hand(office: Office) -> Iterator[Session]:
    """Write into the encrypted catalogue with the service's keys, as somebody could who took its identity."""
    with open_service(environment_of(office)) as service:
        yield service


def signed(office: Office, user: str, kind: str, content: dict[str, Any], *, vault_id: str | None = None) -> Statement:
    """A statement that somebody signs outside the program, with their own identity."""
    file = read_identity(office.identity(user))
    return make_statement(
        file.open(lambda: ""), vault_id or file.vault_id, kind, content, at=datetime.now(UTC), head=None
    )  # fmt: skip


def assert_whole(office: Office, *documents: str) -> None:
    """Nothing was destroyed: every part is there and opens, and no certificate says otherwise."""
    assert not (office.vault / "certificates").exists() or not any((office.vault / "certificates").iterdir())
    with desk(environment_of(office, user=OWNER)) as at_desk:
        for document in documents:
            registered, _ = at_desk.person.reading.resolve(document)
            assert at_desk.person.reading.original(registered).startswith(b"%PDF")
            assert at_desk.person.reading.text(registered).classified.document.pages


def assert_gone(office: Office, *documents: str) -> None:
    """`prove` finds nothing left, and the whole vault verifies."""
    with desk(environment_of(office, user=MANAGER)) as at_desk:
        for document in documents:
            assert [name for name, held in prove(at_desk, document).checks if not held] == []
    (verified,) = together(office, (None, ("verify",)))
    assert (verified.status, verified.json["problems"]) == (0, [])


# The whole path -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A voucher of 2014 as an accounting program writes it, with a word that stands nowhere else."""
    letter = make_letter(3, record_class="invoice", pages=1, year=2014, canary=CANARY, recipient=OFFICE_COMPANY)
    return write_scan(letter, tmp_path_factory.mktemp("scan"), FILE_NAME, "pdf-digital")


@pytest.fixture(scope="module")
def taken_in(
    tmp_path_factory: pytest.TempPathFactory, empty_office: Office, scan: Path
) -> tuple[Office, dict[str, Any]]:
    """An office that took it in by the real program in 2014, and what `intake` said."""
    office = empty_office.copy_to(tmp_path_factory.mktemp("taken") / "root")
    (document,) = office.done("intake", scan, "--received-on", "2014-06-30", user=OWNER).json["documents"]
    assert (document["status"], document["class"]) == ("filed", "invoice"), document
    return office, document


def test_a_voucher_is_planned_released_destroyed_and_proven(
    tmp_path: Path, taken_in: tuple[Office, dict[str, Any]]
) -> None:
    """The yearly work of the records manager, from the question to the paper that an auditor gets."""
    office, document = taken_in[0].copy_to(tmp_path / "root"), taken_in[1]
    number = document["accession"]

    explained = office.done("retention", "explain", number, user=MANAGER).json
    assert (explained["due_on"], explained["blocked_by"], explained["practice"]) == ("2025-01-01", [], False)
    made = office.done("purge", "plan", user=MANAGER).json
    assert (made["due"], made["kept"], made["practice"]) == ([document["id"]], [], False)
    assert [(letter["accession"], letter["due_on"]) for letter in made["letters"]] == [(number, "2025-01-01")]
    assert office.done("show", number, user="accounting").json["document"]["id"] == document["id"], (
        "a plan changes nothing"
    )
    let_go = office.done("purge", "release", made["plan_id"][:12], "--reason", "Jahresaussonderung", user=OWNER).json
    assert (let_go["plan_id"], let_go["due"]) == (made["plan_id"], [document["id"]])
    done = office.done("purge", "run").json
    assert (done["disposed"], done["kept"], done["pending"]) == ([document["id"]], [], [])

    proven = office.done("purge", "prove", number, user=MANAGER).json
    assert (proven["ok"], proven["accession"]) == (True, number)
    assert len(proven["checks"]) >= 7
    (certified,) = proven["certificate"]["letters"]
    assert (certified["id"], certified["retention"], certified["due_on"]) == (document["id"], "FIN-08", "2025-01-01")
    assert "§ 147" in certified["basis"]
    assert certified["plan"] == made["plan_id"]
    after = together(
        office,
        ("accounting", ("show", number)),
        ("accounting", ("export", number)),
        ("accounting", ("search", CANARY)),
        (MANAGER, ("list",)),
        (None, ("verify",)),
        (OWNER, ("verify", "--read-data")),
        (None, ("purge", "run")),
        (MANAGER, ("purge", "plan")),
    )
    assert [answer.status for answer in after] == [4, 4, 0, 0, 0, 0, 0, 0]
    assert after[2].json["total"] == 0
    assert [letter["status"] for letter in after[3].json["documents"]] == ["disposed"], "its number stays taken"
    assert (after[6].json["disposed"], after[7].json["due"]) == ([], [])
    assert recover(office, "original", document["id"]).status != 0, "not even the kit opens it"
    log = (office.vault / "audit.jsonl").read_text()
    assert [log.count(f'"kind":"{kind}"') for kind in ("purge-planned", "purge-released", "disposed")] == [2, 1, 1]


def test_nothing_of_a_destroyed_letter_is_left(
    tmp_path: Path, taken_in: tuple[Office, dict[str, Any]], scan: Path
) -> None:
    """Destroyed means that whoever takes every disk of the office afterwards finds nothing of the letter on it."""
    office, document = taken_in[0].copy_to(tmp_path / "root"), taken_in[1]
    identifier = document["id"]
    facts = {name: document["facts"][name]["value"] for name in ("sender", "subject", "reference", "iban")}
    assert all(len(value) > 5 for value in facts.values()), facts
    words = [word.lower().encode() for word in (CANARY, FILE_NAME, facts["sender"], facts["subject"], facts["iban"])]
    wraps = [wrap for *_, wrap in next(iter(stored_wraps(office, identifier).values()))]
    parts = {path: path.read_bytes() for path in office.vault.rglob(f"{identifier}.*")}
    with by_hand(office) as service:
        row = service.catalogue.letter(identifier)
        fixities = [part.sha256.encode() for part in service.catalogue.parts(identifier)]
        fixities += [wrap.sha256.encode() for wrap in service.catalogue.wraps_of(identifier)]
        assert row is not None
        mark = row.mark

    # The controls: before, each is found where it may be.
    before, pages = bytes_of(office), decrypted(office)
    assert len(wraps) == 2
    assert all(sum(wrap in content for content in before.values()) == 2 for wrap in wraps), "in store and mirror"
    assert {path.name.split(".")[1] for path in parts} >= {"original", "text"}
    assert CANARY.lower().encode() in pages["finance.db"].lower()
    assert identifier.encode() in pages["finance.db"]
    assert mark in pages["catalogue.db"]
    assert all(sha256 in pages["catalogue.db"] for sha256 in fixities)
    assert any(mark_of in decrypted(office)["finance.db"] for mark_of in (identifier.encode(),))

    released(office, planned(office))
    assert ran(office).disposed == (identifier,)

    after, pages = bytes_of(office), decrypted(office)
    pieces = [wrap[at : at + 24] for wrap in wraps for at in range(0, len(wrap) - 24, 40)]
    pieces += [piece for content in parts.values() for piece in windows(content)] + windows(scan.read_bytes())
    for path, content in after.items():
        assert not any(piece in content for piece in pieces), path
        assert not any(word in content.lower() for word in words), path
        assert not any(word in str(path.relative_to(office.root)).lower().encode() for word in words), path
    assert not [path for path in after if identifier in path.name]
    for name, content in pages.items():
        assert not any(word in content.lower() for word in words), name
        assert not any(piece in content for piece in pieces), name
        assert not any(old in content for old in (mark, *fixities)), name
    assert identifier.encode() not in pages["finance.db"]
    assert list(stored_wraps(office, identifier).values()) == [[], []]
    assert_gone(office, identifier)


def test_the_certificate_and_the_list_can_be_checked_without_the_vault(vault: Office, due: str) -> None:
    """An auditor has the paper and the service's public key: it must hold by itself and tell nothing personal."""
    released(vault, planned(vault), only=[due])
    (certificate,) = ran(vault).certificates
    with by_hand(vault) as service:
        book = service.book

    line = certificate.path.read_bytes().rstrip(b"\n")
    checked = check_statement(line, book, "certificate-of-destruction")
    (listed,) = (vault.vault / "disposals.jsonl").read_bytes().splitlines()
    signed_list = check_statement(listed, book, "disposal-list")

    assert checked.statement_id == certificate.path.stem == certificate.certificate_id
    assert checked.person_id == signed_list.person_id == book.service.person_id
    assert signed_list.body["documents"] == [due]
    assert checked.body["list"] == signed_list.statement_id, "the list was written first"
    assert [letter["id"] for letter in checked.body["letters"]] == [due]
    told = {"id", "number", "class", "retention", "basis", "due_on", "plan", "release"}
    assert set(checked.body["letters"][0]) == told
    assert checked.body["log"] is not None, "bound to the log it can be compared with"
    assert DUE.word.encode() not in line
    with pytest.raises(InvalidStatement):
        check_statement(line.replace(b"FIN-08", b"FIN-07"), book, "certificate-of-destruction")


def test_a_lost_or_forged_certificate_is_missed(vault: Office, due: str) -> None:
    """A certificate that somebody else wrote proves nothing, even if the catalogue names it."""
    released(vault, planned(vault), only=[due])
    (certificate,) = ran(vault).certificates
    genuine = certificate.path.read_bytes()
    forged = signed(vault, "accounting", "certificate-of-destruction", {"letters": [{"id": due}], "practice": False})
    forged_path = certificate.path.with_name(f"{forged.statement_id}.json")
    assert_gone(vault, due)

    certificate.path.unlink()
    (lost,) = together(vault, (MANAGER, ("purge", "prove", due)))
    forged_path.write_bytes(forged.line + b"\n")
    with by_hand(vault) as service, service.ledger.transaction():
        service.ledger._db.run("UPDATE disposals SET certificate = ?", (forged.statement_id,))
    (written,) = together(vault, (MANAGER, ("purge", "prove", due)))

    for answer in (lost, written):
        assert answer.status == ExitStatus.DAMAGED
        assert [check["name"] for check in answer.json["checks"] if not check["ok"]] == [
            "the certificate is genuine and names it"
        ]
    certificate.path.write_bytes(genuine)


def test_prove_finds_what_is_left(vault: Office, due: str, also_due: str) -> None:
    """A proof that cannot fail proves nothing: each thing that is put back must be found."""
    wraps = stored_wraps(vault, due)
    part = next(file for file in vault.objects("original") if due in file.name)
    content = part.read_bytes()
    released(vault, planned(vault))
    assert set(ran(vault).disposed) == {due, also_due}
    assert_gone(vault, due)

    part.write_bytes(content)
    with by_hand(vault) as service:
        service.index("finance").add(_entry_of(due))
    stale = vault.mirror / "keys.db"
    with stale.open("r+b") as store:
        # A piece of a wrap in a page that nothing uses: only a look at every byte finds it.
        store.seek(0, 2)
        store.write(wraps[stale][0][3])
    (proof,) = together(vault, (MANAGER, ("purge", "prove", due)))

    assert proof.status == ExitStatus.DAMAGED
    assert {check["name"] for check in proof.json["checks"] if not check["ok"]} == {
        "no piece of its keys is left in store, mirror or their logs",
        "no sealed part of it is left",
        "it is in no index",
    }


def _entry_of(document: str) -> Any:
    from poststelle.records import IndexEntry

    return IndexEntry(
        document_id=document, accession="FIN-2014-000001", record_class="invoice", dated_on=date(2014, 6, 30),
        received_on=date(2014, 6, 30), sender="", title="", pages=("Rest",),
    )  # fmt: skip


def test_prove_is_for_destroyed_letters_and_for_those_who_keep_the_records(vault: Office, due: str) -> None:
    """A letter that is merely not visible must not be taken for one that was destroyed."""
    living, unknown, foreign = together(
        vault,
        (MANAGER, ("purge", "prove", due)),
        (MANAGER, ("purge", "prove", "f" * 32)),
        ("accounting", ("purge", "prove", due)),
    )

    assert [living.status, unknown.status, foreign.status] == [2, 4, 3]
    assert "was not disposed of" in living.err


def test_only_the_letters_that_were_released_are_destroyed(vault: Office, due: str, also_due: str) -> None:
    """The owner lets one letter of the plan go and wants to think about the other."""
    plan_id = planned(vault)
    released(vault, plan_id, only=["FIN-2014-000001"])

    done = ran(vault)

    assert (done.disposed, [(k.document_id, k.reason) for k in done.kept]) == (
        (due,),
        [(also_due, "it was not released")],
    )
    assert ran(vault).disposed == (), "a plan is carried out once"
    released(vault, planned(vault))
    assert ran(vault).disposed == (also_due,), "the control: the next plan has it"
    assert_gone(vault, due, also_due)


def test_a_moved_letter_is_destroyed_where_it_lies_now(vault: Office, due: str) -> None:
    """A letter that was in two departments must not live on in the index of either."""
    together(
        vault, ("accounting", ("reclassify", due, "offer")), ("sales", ("facts", "set", due, "subject", "Neuschnee"))
    )
    assert DUE.word.lower().encode() in decrypted(vault)["sales.db"].lower(), "the control"

    released(vault, planned(vault))
    assert due in ran(vault).disposed

    for name, pages in decrypted(vault).items():
        assert DUE.word.lower().encode() not in pages.lower(), name
        assert b"neuschnee" not in pages.lower(), name
    assert not list(vault.vault.rglob(f"{due}.*"))
    assert_gone(vault, due)


# Practice -----------------------------------------------------------------------------------------------------


def test_a_practice_vault_may_live_in_a_future_day_and_says_so(tmp_path: Path) -> None:
    """New staff try the year 2035 on a Monday morning; no paper of it may ever pass for a real one."""
    office = Office(tmp_path / "root").make("--no-passphrase", "--practice", shipped=shipped_config())
    (document,) = file_letters(office, [NOT_DUE])

    made, early, *_ = together(
        office,
        (MANAGER, ("purge", "plan", "--as-of", "2035-01-01")),
        (MANAGER, ("purge", "plan", "--as-of", "2034-12-31")),
    )
    assert (made.json["due"], made.json["practice"], early.json["due"]) == ([document], True, [])
    answers = together(
        office,
        (OWNER, ("purge", "release", made.json["plan_id"], "--reason", "Übung")),
        (MANAGER, ("retention", "explain", document)),
        (None, ("purge", "run")),
        (MANAGER, ("purge", "prove", document)),
    )
    assert [answer.status for answer in answers] == [0, 0, 0, 0]
    assert answers[2].json["disposed"] == [document]
    assert [answer.json["practice"] for answer in answers] == [True] * 4
    assert answers[3].json["certificate"]["practice"] is True
    for arguments in (
        ("purge", "plan"),
        ("purge", "run"),
        ("purge", "prove", document),
        ("retention", "explain", document),
        ("list",),
        ("status",),
        ("hold", "list"),
    ):
        said = office.run(*arguments, user=None if arguments[-1] in ("run", "status") else MANAGER, as_json=False)
        assert "vault for practice" in said.text, arguments


def test_a_normal_vault_refuses_a_future_day(vault: Office, due: str) -> None:
    """A plan for next year that somebody releases today would be carried out today."""
    future, today = together(vault, (MANAGER, ("purge", "plan", "--as-of", "2099-01-01")), (MANAGER, ("purge", "plan")))

    assert (future.status, future.out) == (2, b"")
    assert "--practice" in future.err
    assert due in today.json["due"], "the control"
    assert "vault for practice" not in vault.done("purge", "plan", user=MANAGER, as_json=False).text, "the control"


# Unattended ---------------------------------------------------------------------------------------------------


def test_advertising_goes_by_itself_after_thirty_days_and_nothing_else_does(vault: Office, due: str) -> None:
    """Nobody wants to sign for a hundred leaflets; but a voucher never goes without two people, however old."""
    fresh = replace(ADVERTISING, received_on=datetime.now(UTC).date() - timedelta(days=20), word="Neuschnee")
    leaflet, young = file_letters(vault, [ADVERTISING, fresh])

    done = ran(vault)

    assert done.disposed == (leaflet,)
    assert_gone(vault, leaflet)
    with desk(environment_of(vault, user=OWNER)) as at_desk:
        for document in (due, young):
            at_desk.person.reading.original(at_desk.person.reading.resolve(document)[0])
        proof = prove(at_desk, leaflet)
    assert proof.certificate["letters"][0]["plan"] == "standing"  # type: ignore[index]


def test_a_hold_stops_what_goes_by_itself(vault: Office) -> None:
    """A leaflet may be evidence of unfair competition."""
    (leaflet,) = file_letters(vault, [ADVERTISING])
    with desk(environment_of(vault, user=MANAGER)) as at_desk:
        place_hold(at_desk, [leaflet], "Wettbewerbsklage")

    assert ran(vault).disposed == ()
    assert_whole(vault, leaflet)


# What stops a plan --------------------------------------------------------------------------------------------


def test_nobody_releases_their_own_plan(vault: Office, due: str) -> None:
    """Two people means two people: who may plan and release alone may destroy alone."""
    plan_id = planned(vault, by=OWNER)

    own, *_ = together(vault, (OWNER, ("purge", "release", plan_id, "--reason", "allein")))

    assert own.status == ExitStatus.NOT_PERMITTED
    assert "A second person" in own.err
    assert ran(vault).disposed == ()
    assert_whole(vault, due)
    released(vault, plan_id, by=MANAGER)
    assert due in ran(vault).disposed, "the control: the other way round it goes"


@pytest.mark.parametrize("user", ["accounting", "mailroom", "dpo", "auditor", "administrator", "legal"])
def test_who_may_neither_plan_nor_release(vault: Office, user: str) -> None:
    """Those who read the intake book are many; those who may destroy are two."""
    plan_id = planned(vault)

    answers = together(vault, (user, ("purge", "plan")), (user, ("purge", "release", plan_id, "--reason", "so")))

    assert [answer.status for answer in answers] == [3, 3]


def test_what_release_does_not_find(vault: Office, filed: tuple[Office, dict[str, str]]) -> None:
    """A plan that does not exist, a letter that is not in it, a plan that was released before."""
    plan_id, living = planned(vault), filed[1][NOT_DUE.word]
    why = ("--reason", "so")

    answers = together(
        vault,
        (OWNER, ("purge", "release", "f" * 64, *why)),
        (OWNER, ("purge", "release", plan_id[:7], *why)),
        (OWNER, ("purge", "release", plan_id, "--only", living, *why)),
        (OWNER, ("purge", "release", plan_id, *why)),
        (OWNER, ("purge", "release", plan_id, *why)),
    )

    assert [answer.status for answer in answers] == [4, 4, 4, 0, 2]
    assert "released already" in answers[4].err


def test_nothing_goes_before_its_day(empty_office: Office, tmp_path: Path) -> None:
    """Planned just after midnight by a clock that is fast, carried out before midnight: the run decides anew."""
    office = empty_office.copy_to(tmp_path / "root")
    midnight = datetime(2035, 1, 1).astimezone()
    (document,) = file_letters(office, [NOT_DUE])
    confirmed(office, at=midnight + timedelta(minutes=1))
    plan_id = planned(office, at=midnight + timedelta(minutes=2))
    released(office, plan_id, at=midnight + timedelta(minutes=3))

    early = ran(office, at=midnight - timedelta(minutes=1))

    assert (early.disposed, [kept.reason for kept in early.kept]) == ((), ["it is not due before 2035-01-01"])
    assert_whole(office, document)
    later = midnight + timedelta(minutes=5)
    released(office, planned(office, at=later), at=later)
    assert ran(office, at=later).disposed == (document,), "the control: on the day it goes"


def test_a_clock_that_was_set_back_stops_everything(vault: Office, due: str) -> None:
    """With a clock in the past a plan says one thing and a certificate another; and the log would run backwards."""
    released(vault, planned(vault))
    back = datetime.now(UTC) - timedelta(minutes=30)

    with pytest.raises(ClockSetBack):
        ran(vault, at=back)
    with pytest.raises(ClockSetBack):
        planned(vault, at=back)

    assert_whole(vault, due)
    ran(vault, at=datetime.now(UTC) - timedelta(minutes=5))
    assert_gone(vault, due)


def test_a_department_sees_and_lifts_holds_on_its_own_letters_only(vault: Office, due: str) -> None:
    """The legal department may place holds; those on HR's letters, and their reasons, are not its business."""
    (theirs,) = file_letters(vault, [LEGAL])
    ours, mixed, own, listed = together(
        vault,
        (MANAGER, ("hold", "place", due, due, "--reason", "Klage der Frau Sommer")),
        (MANAGER, ("hold", "place", due, theirs, "--reason", "Klage")),
        ("legal", ("hold", "place", theirs, "--reason", "Vergleich")),
        ("legal", ("hold", "list")),
    )
    ids = [placed.json["holds"][0]["hold"] for placed in (ours, mixed, own)]
    assert ours.json["holds"][0]["documents"] == [due], "named twice, held once"
    assert [hold["hold"] for hold in listed.json["holds"]] == ids[2:]

    *refused, never, lifted, left = together(
        vault,
        *(("legal", ("hold", "lift", hold, "--reason", "so")) for hold in (*ids[:2], "0" * 64, ids[2])),
        (MANAGER, ("hold", "list")),
    )
    assert all((ran.status, ran.out, ran.err) == (4, never.out, never.err) for ran in refused)
    assert (lifted.status, [hold["hold"] for hold in left.json["holds"]]) == (0, ids[:2])


def test_a_plan_with_nothing_left_to_do_is_not_listed(vault: Office, due: str) -> None:
    """Whoever asks each night whether anything is due must still find the plan that waits for somebody."""
    planned(vault, as_of=date(2020, 1, 1))
    waits = planned(vault)
    (listed,) = together(vault, (MANAGER, ("purge", "list")))

    assert [plan["plan_id"] for plan in listed.json["plans"]] == [waits]


def test_status_counts_the_plans_that_a_run_would_carry_out(vault: Office, due: str) -> None:
    """A plan that was released in part and carried out as far waits for a person; no run does anything about it."""

    def told() -> str:
        (ran_,) = together(vault, (None, ("status",)))
        return next(str(check["detail"]) for check in ran_.json["checks"] if check["name"] == "disposition")

    plan_id = planned(vault)
    waiting = told()
    together(vault, (OWNER, ("purge", "release", plan_id, "--only", due, "--reason", "Jahresaussonderung")))
    ready = told()
    ran(vault)

    assert [detail.split()[0] for detail in (waiting, ready, told())] == ["0", "1", "0"]


def test_a_day_of_another_millennium_is_no_event(vault: Office, filed: tuple[Office, dict[str, str]]) -> None:
    """0026 for 2026, and the contract would be due today."""
    (told,) = together(
        vault, ("management", ("event", "set", filed[1][WAITING.word], "contract-end", "0026-06-30"))
    )  # fmt: skip

    assert (told.status, told.out) == (2, b"")


def test_nothing_is_signed_onto_a_log_that_lost_what_was_seen(vault: Office, due: str) -> None:
    """Somebody cuts the log: a release must not count all the same while its author is told that it was refused."""
    plan_id = planned(vault)
    log = vault.vault / "audit.jsonl"
    together(vault, (OWNER, ("purge", "list")), (OWNER, ("audit", "show")))
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))

    released_, held, added, users = together(
        vault,
        (OWNER, ("purge", "release", plan_id, "--reason", "Jahresaussonderung")),
        (OWNER, ("hold", "place", due, "--reason", "Klage")),
        (OWNER, ("user", "add", "anna", "--role", "sales")),
        (MANAGER, ("user", "list")),
    )

    assert [ran.status for ran in (released_, held, added)] == [5, 5, 5]
    assert "anna" not in users.text and not vault.identity("anna").exists()
    with by_hand(vault) as service:
        assert service.ledger.released_plans() == [] and service.ledger.holds() == []


def test_a_hold_after_the_release_is_obeyed(vault: Office, due: str, also_due: str) -> None:
    """The lawyer's call comes between the release and the night: what was released must still be stopped."""
    released(vault, planned(vault))
    with desk(environment_of(vault, user=MANAGER)) as at_desk:
        hold = place_hold(at_desk, [due], "Klage 4 O 112/26")

    done = ran(vault)

    assert done.disposed == (also_due,)
    assert [(k.document_id, k.reason) for k in done.kept] == [(due, f"a legal hold is in force ({hold.hold_id[:12]})")]
    with desk(environment_of(vault, user=OWNER)) as at_desk:
        at_desk.person.reading.original(at_desk.person.reading.resolve(due)[0])


def test_a_plan_leaves_out_what_is_held_or_in_review_and_says_why(vault: Office, due: str, also_due: str) -> None:
    """Whoever signs must see not only what goes, but also what would be due and stays."""
    (doubtful,) = file_letters(vault, [replace(DUE, word="Neuschnee", needs_review=True)])
    with desk(environment_of(vault, user=MANAGER)) as at_desk:
        place_hold(at_desk, [due], "Klage")

    (made,) = together(vault, (MANAGER, ("purge", "plan")))

    assert made.json["due"] == [also_due]
    reasons = {kept["id"]: kept["reason"] for kept in made.json["kept"]}
    assert set(reasons) == {due, doubtful}
    assert "legal hold" in reasons[due]
    assert "review" in reasons[doubtful]


def test_a_letter_that_changed_after_the_plan_is_kept(vault: Office, due: str, also_due: str) -> None:
    """What the second person read is not what would be destroyed now: it must be planned again."""
    released(vault, planned(vault))
    together(vault, ("accounting", ("facts", "set", due, "subject", "doch etwas anderes")))

    done = ran(vault)

    assert done.disposed == (also_due,)
    assert [(k.document_id, k.reason) for k in done.kept] == [(due, "it changed after the plan; plan it again")]
    released(vault, planned(vault))
    assert ran(vault).disposed == (due,), "the control: planned again, it goes"


def test_a_letter_that_went_into_another_class_is_kept(vault: Office, due: str) -> None:
    """An invoice of 2014 turns out to be a contract: released or not, its period has not even begun."""
    released(vault, planned(vault))
    together(vault, ("accounting", ("reclassify", due, "contract")))

    done = ran(vault)

    assert due not in done.disposed
    assert [k.reason for k in done.kept if k.document_id == due] == ["it waits for an event: contract-end"]


# What somebody writes into the files by hand ------------------------------------------------------------------


def add_letter(service: Session, plan_id: str, document: str) -> None:
    """Somebody puts a letter that is not due into a plan that others signed."""
    db = service.ledger._db
    (row,) = list(db.rows("SELECT due_on, fingerprint FROM planned WHERE plan = ? LIMIT 1", (plan_id,)))
    db.run("INSERT INTO planned VALUES (?, ?, ?, ?)", (plan_id, document, *row))


HANDS = {
    "a letter was added to the plan": lambda service, plan_id, living: add_letter(service, plan_id, living),
    "a letter was taken out of the plan": lambda service, plan_id, living: service.ledger._db.run(
        "DELETE FROM planned WHERE document IN (SELECT document FROM planned LIMIT 1)"
    ),
    "a fingerprint was changed": lambda service, plan_id, living: service.ledger._db.run(
        "UPDATE planned SET fingerprint = ?", ("0" * 64,)
    ),
    "a due day was changed": lambda service, plan_id, living: service.ledger._db.run(
        "UPDATE planned SET due_on = '2020-01-01'"
    ),
    "the plan was given another author": lambda service, plan_id, living: service.ledger._db.run(
        "UPDATE plans SET made_by = ?", (service.book.by_user("mailroom").person_id,)
    ),
    "the plan's statement is gone": lambda service, plan_id, living: service.ledger._db.run(
        "DELETE FROM statements WHERE statement = ?", (plan_id,)
    ),
    "the release is a row without a statement": lambda service, plan_id, living: service.ledger._db.run(
        "UPDATE plans SET released = ?", ("a" * 64,)
    ),
    "the plan itself stands as its release": lambda service, plan_id, living: service.ledger._db.run(
        "UPDATE plans SET released = plan"
    ),
    "the release's letters were changed": lambda service, plan_id, living: service.ledger._db.run(
        "UPDATE statements SET line = replace(line, '\"only\":[', '\"only\":[\"' || ? || '\",') WHERE kind = ?",
        (living, "purge-release"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("hand", HANDS)
def test_a_change_by_hand_is_found_and_nothing_goes(
    hand: str, vault: Office, filed: tuple[Office, dict[str, str]]
) -> None:
    """Whoever holds the records key can write every row; only what two people signed may be carried out."""
    plan_id = planned(vault)
    released(vault, plan_id)
    with by_hand(vault) as service, service.ledger.transaction():
        HANDS[hand](service, plan_id, filed[1][NOT_DUE.word])

    (answer,) = together(vault, (None, ("purge", "run")))

    assert answer.status == ExitStatus.DAMAGED, answer.text
    assert answer.out == b""
    assert "does not hold" in answer.err or "changed past the program" in answer.err
    assert_whole(vault, *filed[1].values())


def forged_release(office: Office, plan_id: str, statement: Statement) -> None:
    """Somebody writes a release into the catalogue that they have signed themselves."""
    with by_hand(office) as service, service.ledger.transaction():
        service.ledger.add_statement(statement)
        service.ledger._db.run("UPDATE plans SET released = ? WHERE plan = ?", (statement.statement_id, plan_id))


@pytest.mark.parametrize(("user", "status"), [("accounting", 1), ("mailroom", 1), (MANAGER, 5)])
def test_a_release_by_somebody_who_may_not_is_not_followed(
    user: str, status: int, vault: Office, filed: tuple[Office, dict[str, str]]
) -> None:
    """A genuine signature of somebody without the right, or of whoever planned, written past the program."""
    plan_id, documents = planned(vault), sorted(filed[1].values())
    content = {"plan": plan_id, "only": documents, "reason": "von Hand"}
    forged_release(vault, plan_id, signed(vault, user, "purge-release", content))

    (answer,) = together(vault, (None, ("purge", "run")))

    assert answer.status == status
    assert_whole(vault, *documents)


def test_a_release_of_another_plan_or_vault_is_not_followed(vault: Office, due: str) -> None:
    """The owner's signature is genuine both times, but they did not sign this."""
    first, second = planned(vault), planned(vault)
    content = {"plan": first, "only": [due], "reason": "für einen anderen Plan"}
    forged_release(vault, second, signed(vault, OWNER, "purge-release", content))
    with pytest.raises(InvalidStatement, match="another plan"):
        ran(vault)

    foreign = signed(vault, OWNER, "purge-release", content | {"plan": second}, vault_id="6" * 32)
    forged_release(vault, second, foreign)
    with pytest.raises(InvalidStatement, match="another vault"):
        ran(vault)

    assert_whole(vault, due)
    forged_release(vault, second, signed(vault, OWNER, "purge-release", content | {"plan": second}))
    assert ran(vault).disposed == (due,), "the control: a genuine release goes by the same way"


def test_a_forged_plan_stops_the_run_before_a_genuine_one_is_begun(vault: Office, due: str) -> None:
    """An alarm is no time to destroy: nothing must hang between living and gone while people look for the forger."""
    genuine, forged = planned(vault), planned(vault)
    released(vault, genuine)
    released(vault, forged)
    with by_hand(vault) as service, service.ledger.transaction():
        service.ledger._db.run("UPDATE planned SET fingerprint = ? WHERE plan = ?", ("0" * 64, forged))

    with pytest.raises(InvalidStatement):
        ran(vault)

    assert_whole(vault, due)
    with by_hand(vault) as service:
        assert service.ledger.unfinished_disposals() == []


def test_a_practice_day_written_by_hand_does_not_count(vault: Office, filed: tuple[Office, dict[str, str]]) -> None:
    """In a real vault a plan for 2099, signed past the program by two people, is still decided on today's date."""
    living = filed[1][NOT_DUE.word]
    plan_id = planned(vault)
    released(vault, plan_id)
    with by_hand(vault) as service, service.ledger.transaction():
        service.ledger._db.run("UPDATE plans SET as_of = '2099-01-01'")

    assert living not in ran(vault).disposed


@pytest.mark.parametrize("liar", ["nobody", "accounting", "another vault", "another hold"])
def test_a_forged_lifting_does_not_lift(liar: str, vault: Office, due: str, also_due: str) -> None:
    """The other party's friend in accounting writes the end of the hold into the catalogue: it stays in force."""
    with desk(environment_of(vault, user=MANAGER)) as at_desk:
        hold = place_hold(at_desk, [due], "Klage").hold_id
    content = {"hold": hold, "reason": "von Hand"}
    lifting = {
        "nobody": None,
        "accounting": signed(vault, "accounting", "hold-lift", content),
        "another vault": signed(vault, OWNER, "hold-lift", content, vault_id="6" * 32),
        "another hold": signed(vault, OWNER, "hold-lift", content | {"hold": "0" * 64}),
    }[liar]
    with by_hand(vault) as service, service.ledger.transaction():
        if lifting is not None:
            service.ledger.add_statement(lifting)
        service.ledger._db.run("UPDATE holds SET lifted = ?", (lifting.statement_id if lifting else "b" * 64,))

    released(vault, planned(vault))

    assert ran(vault).disposed == (also_due,)
    (listed,) = together(vault, (MANAGER, ("hold", "list")))
    assert [h["hold"] for h in listed.json["holds"]] == [hold]
    genuine = signed(vault, OWNER, "hold-lift", content)
    with by_hand(vault) as service:
        # As the program does it, the log included: one that the log does not know is missed.
        service.ledger.lift_hold(hold, genuine)
        service.flush_outbox()
    released(vault, planned(vault))
    assert ran(vault).disposed == (due,), "the control: a genuine lifting goes by the same way"


def test_a_hold_without_a_genuine_statement_is_obeyed_all_the_same(vault: Office, due: str) -> None:
    """When in doubt, keep: what may be a forged hold may also be a damaged one."""
    with by_hand(vault) as service, service.ledger.transaction():
        service.ledger._db.run("INSERT INTO holds VALUES (?, ?, NULL)", ("c" * 64, due))

    released(vault, planned(vault))

    assert due not in ran(vault).disposed
    (listed,) = together(vault, (MANAGER, ("hold", "list")))
    assert [(hold["sound"], hold["placed_by"]) for hold in listed.json["holds"]] == [(False, "")]


# Readers in the way -------------------------------------------------------------------------------------------


READER = """
import sqlite3, sys
reader = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, isolation_level=None)
reader.execute("BEGIN")
print(reader.execute("SELECT count(*) FROM wraps").fetchone(), flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def reading_keys(store: Path) -> Iterator[None]:
    """Another program that reads the key store and does not finish."""
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(store)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline(), "the control: it reads"
        try:
            yield
        finally:
            reader.communicate()


@contextlib.contextmanager
def reading_index(office: Office) -> Iterator[None]:
    """A search that does not finish."""
    with open_service(environment_of(office)) as session:
        index = session.index("finance")
        with index.snapshot():
            assert index.position()[0] > 0
            yield


@pytest.mark.parametrize("where", ["store", "mirror", "index"])
def test_a_reader_in_the_way_makes_it_wait_and_a_later_run_finishes(where: str, vault: Office, due: str) -> None:
    """A backup program holds a file open at night: no certificate may say "gone" while its copy can still be read."""
    only_due = ["FIN-2014-000001"]
    released(vault, planned(vault), only=only_due)
    reader = {
        "store": lambda: reading_keys(vault.vault / "keys" / "keys.db"),
        "mirror": lambda: reading_keys(vault.mirror / "keys.db"),
        "index": lambda: reading_index(vault),
    }[where]

    with patch("poststelle.access.database.BUSY_TIMEOUT_MS", 50), reader():
        waiting = ran(vault)
        again = ran(vault)

        assert (waiting.disposed, waiting.pending, waiting.certificates) == ((), (due,), ())
        assert (again.disposed, again.pending) == ((), (due,))
        (shown,) = together(vault, ("accounting", ("show", due)))
        assert shown.status == 4, "for its readers it is gone already"
        with by_hand(vault) as service:
            found = verify(service, with_data=False, progress=lambda number, total: None).problems
        assert {problem.code for problem in found} <= {"A010"}, "an index may lag; nothing is damaged"
        assert not (vault.vault / "certificates").exists()

    done = ran(vault)
    assert (done.disposed, done.pending, len(done.certificates)) == ((due,), (), 1)
    assert_gone(vault, due)


def test_pending_is_told_with_exit_status_one(vault: Office, due: str) -> None:
    """The night's timer must see that it has to come again."""
    released(vault, planned(vault), only=["FIN-2014-000001"])
    with reading_keys(vault.mirror / "keys.db"):
        pending = vault.run("purge", "run")
        assert (pending.status, pending.json["pending"], pending.json["disposed"]) == (1, [due], [])
    finished = vault.run("purge", "run")

    assert (finished.status, finished.json["pending"], finished.json["disposed"]) == (0, [], [due])


def test_a_proof_needs_no_silence(vault: Office, due: str) -> None:
    """The auditor asks while the office works: a search that runs must not turn "gone" into "found"."""
    released(vault, planned(vault), only=["FIN-2014-000001"])
    ran(vault)

    with reading_keys(vault.vault / "keys" / "keys.db"), desk(environment_of(vault, user=MANAGER)) as at_desk:
        proof = prove(at_desk, due)

    assert proof.ok


def test_two_runs_do_not_meet(vault: Office, due: str, tmp_path: Path) -> None:
    """The timer starts while somebody makes a backup by hand: it waits, says so, and then does its work."""
    released(vault, planned(vault))
    out = tmp_path / "out"
    with by_hand(vault) as service, only_purge(service):
        second = vault.start("purge", "run", out=out)
        last = time.monotonic() + PATIENCE_SECONDS
        while "waiting" not in out.read_text() and second.poll() is None and time.monotonic() < last:
            time.sleep(0.05)
        assert "waiting" in out.read_text()
        assert second.poll() is None
        assert_whole(vault, due)

    assert second.wait(PATIENCE_SECONDS) == 0
    assert due in out.read_text()


def test_waiting_for_another_run_has_an_end(vault: Office) -> None:
    """A backup that hangs on a dead share must not hold the nightly job for ever without a word."""
    told: list[str] = []
    with (
        by_hand(vault) as service,
        only_purge(service),
        pytest.raises(ConfigurationError, match="Another"),
        only_purge(service, lambda: told.append("waiting"), seconds=0.2),
    ):
        pass
    assert told == ["waiting"]


# Blind mode ---------------------------------------------------------------------------------------------------


def test_where_the_service_holds_no_index_key_the_whole_index_goes(tmp_path: Path) -> None:
    """In a blind vault nobody is there at night who could open the index: it is thrown away and made anew."""
    text = shipped_config().read_text(encoding="utf-8")
    shipped = tmp_path / "config.yaml"
    shipped.write_text(text.replace("mode: live", "mode: blind"), encoding="utf-8")
    office = Office(tmp_path / "root").make(shipped=shipped)
    due, _ = file_letters(office, [DUE, NOT_DUE], findable=False)
    index = office.vault / "index" / "finance.db"
    (before,) = together(office, ("accounting", ("search", DUE.word)))
    assert before.json["total"] == 1, "the control: a search fills the index"
    old = index.read_bytes()

    released(office, planned(office))
    assert ran(office).disposed == (due,)

    gone, kept, verified = together(
        office,
        ("accounting", ("search", DUE.word)),
        ("accounting", ("search", NOT_DUE.word)),
        (None, ("verify",)),
    )
    assert (gone.json["total"], kept.json["total"]) == (0, 1)
    assert (verified.status, verified.json["problems"]) == (0, [])
    assert not any(old[at : at + 64] in index.read_bytes() for at in range(0, len(old), 4096))
    assert_gone(office, due)


def test_the_exit_statuses_of_errors_are_those_promised() -> None:
    """Scripts and timers rely on the numbers."""
    expected = {NotPermitted: 3, UnknownDocument: 4, ConfigurationError: 2, InvalidStatement: 5, ClockSetBack: 1}

    assert {error: int(error.exit_status) for error in expected} == expected


# Released in parts, taken back, by somebody who left -----------------------------------------------------------


def test_the_rest_of_a_plan_stays_planned_and_is_released_later(vault: Office, due: str, also_due: str) -> None:
    """The owner wants to think about one letter for a week; the plan that both signed for must not be lost by that."""
    plan_id = planned(vault)
    released(vault, plan_id, only=[due])
    assert ran(vault).disposed == (due,)
    (listed,) = together(vault, (MANAGER, ("purge", "list")))
    assert [(p["plan_id"], p["released"], p["left"]) for p in listed.json["plans"]] == [(plan_id, [], [also_due])]
    assert ran(vault).disposed == (), "not released, not destroyed"

    released(vault, plan_id)

    assert ran(vault).disposed == (also_due,)
    (listed,) = together(vault, (MANAGER, ("purge", "list")))
    assert listed.json["plans"] == []
    assert_gone(vault, due, also_due)


def test_two_releases_of_one_plan_both_count(vault: Office, due: str, also_due: str) -> None:
    """Released on Monday and on Tuesday, carried out on Wednesday: neither signature may be forgotten."""
    plan_id = planned(vault)
    released(vault, plan_id, only=[due])
    released(vault, plan_id, only=[also_due])

    assert set(ran(vault).disposed) == {due, also_due}


def test_a_withdrawn_plan_is_not_carried_out(vault: Office, due: str, also_due: str) -> None:
    """The auditor announces himself on the evening before the run: one sentence stops it."""
    plan_id = planned(vault)
    released(vault, plan_id)
    why = ("--reason", "Prüfung angekündigt")

    taken, again, late, foreign = together(
        vault,
        (OWNER, ("purge", "withdraw", plan_id[:12], *why)),
        (OWNER, ("purge", "withdraw", plan_id, *why)),
        (OWNER, ("purge", "release", plan_id, *why)),
        ("accounting", ("purge", "withdraw", plan_id, *why)),
    )

    assert [answer.status for answer in (taken, again, late, foreign)] == [0, 2, 2, 3]
    assert sorted(taken.json["documents"]) == sorted((due, also_due))
    with by_hand(vault) as service, service.ledger.transaction():
        service.ledger._db.run("UPDATE plans SET finished_at = NULL")
    done = ran(vault)
    assert (done.disposed, [warned.reason for warned in done.warnings]) == ((), ["It was withdrawn."]), "nor by hand"
    assert_whole(vault, due, also_due)
    released(vault, planned(vault))
    assert set(ran(vault).disposed) == {due, also_due}, "the control: a new plan goes"


@pytest.mark.parametrize("gone", ["author", "releaser"])
def test_a_plan_by_somebody_who_left_stops_nothing_else(gone: str, vault: Office, due: str, also_due: str) -> None:
    """The records manager leaves in March; the purge of April must not fail every night because of an old plan."""
    old = planned(vault)
    released(vault, old, only=[due])
    new = planned(vault, by=OWNER)
    released(vault, new, by=MANAGER, only=[also_due])
    with by_hand(vault) as service:
        left = service.book.by_user(MANAGER if gone == "author" else OWNER)
        assert left is not None
        people = service.book.people | {left.person_id: replace(left, removed=True)}
        service.book = replace(service.book, people=people)
        done = run(service)

    # As author of one and releaser of the other, whoever left takes both plans with them; nothing else stops.
    assert done.disposed == ()
    assert {warned.plan_id for warned in done.warnings} == {old, new}
    assert {kept.document_id for kept in done.kept} == {due, also_due}
    assert all("may no longer" in warned.reason for warned in done.warnings)
    assert_whole(vault, due, also_due)
    assert set(ran(vault).disposed) == {due, also_due}, "the control: with everybody there, both go"


def test_letters_that_changed_since_the_plan_are_not_released(vault: Office, due: str, also_due: str) -> None:
    """The second person signs what the plan says; if a letter says something else by now, they would sign blindly."""
    plan_id = planned(vault)
    together(vault, ("accounting", ("facts", "set", due, "subject", "doch etwas anderes")))

    whole, rest = together(
        vault,
        (OWNER, ("purge", "release", plan_id, "--reason", "so")),
        (OWNER, ("purge", "release", plan_id, "--only", also_due, "--reason", "so")),
    )

    assert (whole.status, "no longer matches" in whole.err, "FIN-2014-000001" in whole.err) == (2, True, True)
    assert (rest.status, rest.json["left"]) == (0, [due])
    assert ran(vault).disposed == (also_due,)


# Clocks that run ahead -----------------------------------------------------------------------------------------


def test_a_clock_far_ahead_stops_everything_until_somebody_says_it_is_right(vault: Office, due: str) -> None:
    """A battery fails and the machine wakes up in 2040: every voucher of the office would be due that night."""
    released(vault, planned(vault))
    ahead = datetime.now(UTC) + timedelta(days=61)

    with pytest.raises(ClockAhead):
        ran(vault, at=ahead)
    with pytest.raises(ClockAhead):
        planned(vault, at=ahead)
    assert_whole(vault, due)

    confirmed(vault, at=ahead)
    assert due in ran(vault, at=ahead).disposed, "the control: confirmed, it goes"


def test_a_search_on_the_wrong_day_hides_no_leap(vault: Office, due: str) -> None:
    """Anybody's entry of the wrong day stands in the log before the purge looks at it: the leap is still there."""
    released(vault, planned(vault))
    ahead = datetime.now(UTC) + timedelta(days=4000)
    with open_service(replace(environment_of(vault), now=lambda: ahead)) as service:
        service.note("search")

    with pytest.raises(ClockAhead):
        ran(vault, at=ahead + timedelta(hours=1))

    assert_whole(vault, due)
    with pytest.raises(ClockSetBack):
        ran(vault)
    confirmed(vault, at=datetime.now(UTC))
    assert due in ran(vault).disposed, "the control: set right again and confirmed, it goes"


def test_an_ordinary_pause_needs_no_word(vault: Office, due: str) -> None:
    """Six quiet weeks in summer are no alarm."""
    released(vault, planned(vault))

    assert due in ran(vault, at=datetime.now(UTC) + timedelta(days=45)).disposed


def test_who_may_confirm_the_date_and_which(vault: Office) -> None:
    """Whoever could confirm any day could make everything due."""
    today = datetime.now(UTC).date()
    wrong, foreign, right = together(
        vault,
        (OWNER, ("purge", "confirm-date", "2040-01-01", "--reason", "so")),
        ("accounting", ("purge", "confirm-date", str(today), "--reason", "so")),
        (OWNER, ("purge", "confirm-date", str(today), "--reason", "Betrieb ruhte")),
    )

    assert [answer.status for answer in (wrong, foreign, right)] == [2, 3, 0]
    assert right.json["day"] == str(today)


# What is changed past the program in the catalogue -------------------------------------------------------------


WIPED = {
    "its row": "DELETE FROM holds",
    "its row and its statement": "DELETE FROM holds; DELETE FROM statements WHERE kind = 'hold-place'",
    "its row, and another put in its place": (
        "DELETE FROM holds; INSERT INTO holds VALUES ('cc', 'ffffffffffffffffffffffffffffffff', NULL)"
    ),
    "its row and its statement, and a false one put in its place": (
        "DELETE FROM holds; DELETE FROM statements WHERE kind = 'hold-place'; "
        "INSERT INTO holds VALUES ('cc', 'ff', NULL); "
        "INSERT INTO statements VALUES ('cc', 'hold-place', '', '', x'7b7d')"
    ),
    "its row, and one that was lifted brought back": (
        "DELETE FROM holds WHERE lifted IS NULL; UPDATE holds SET lifted = NULL"
    ),
    "one of its letters": (
        "DELETE FROM holds WHERE document IN (SELECT document FROM documents WHERE class = 'invoice')"
    ),
}


@pytest.mark.parametrize("what", WIPED)
def test_a_hold_that_was_wiped_out_is_missed(what: str, vault: Office, due: str, also_due: str) -> None:
    """The other side's friend deletes the hold instead of forging its end: the log still names it."""
    with desk(environment_of(vault, user=MANAGER)) as at_desk:
        lift_hold(at_desk, place_hold(at_desk, [due], "Anfrage").hold_id, "erledigt")
        place_hold(at_desk, [due, also_due], "Klage")
    with by_hand(vault) as service, service.ledger.transaction():
        for statement in WIPED[what].split("; "):
            service.ledger._db.run(statement)

    (answer,) = together(vault, (None, ("purge", "run")))

    assert (answer.status, answer.out) == (ExitStatus.DAMAGED, b"")
    assert "changed past the program" in answer.err
    assert_whole(vault, due, also_due)


def as_earlier_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries of the log do not name the statement they follow from."""
    monkeypatch.setattr(
        Ledger, "_follow", lambda self, kind, s, details: self.post(kind, s.person_id, s.made_at, details)
    )


@pytest.mark.parametrize("earlier", [False, True])
def test_a_decision_is_not_replaced_by_another_of_its_kind(
    earlier: bool, vault: Office, filed: tuple[Office, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A colleague with the database key takes out what was told of a contract, and puts in what they signed themselves:
    as many statements as before, and one letter due."""
    waiting, day = filed[1][WAITING.word], date(2031, 1, 31)
    if earlier:
        as_earlier_versions(monkeypatch)
    with desk(environment_of(vault, user="management")) as at_desk:
        set_event(at_desk, waiting, "contract-end", day)
        set_event(at_desk, waiting, "contract-end", day)
    with desk(environment_of(vault, user=MANAGER)) as at_desk:
        lift_hold(at_desk, place_hold(at_desk, [waiting], "Anfrage").hold_id, "erledigt")
    assert ran(vault).disposed == (), "the control: all is as it was decided"
    content = {"document": waiting, "event": "contract-end", "day": "2011-01-31"}
    told = signed(vault, MANAGER, "event-set", content)
    with by_hand(vault) as service, service.ledger.transaction():
        newest = "SELECT max(rowid) FROM statements WHERE kind = 'event-set'"
        service.ledger._db.run(f"DELETE FROM statements WHERE rowid = ({newest})")
        service.ledger.add_statement(told)

    with pytest.raises(ChangedLedger, match="event-set"):
        ran(vault)


def test_after_a_rebuilt_catalogue_what_is_decided_from_then_on_is_named(vault: Office, due: str) -> None:
    """Decisions of before may be lost with the catalogue; that excuses none that is taken out afterwards."""
    with desk(environment_of(vault, user=MANAGER)) as at_desk:
        place_hold(at_desk, [due], "Klage")
    for path in vault.vault.glob("catalogue.db*"):
        path.unlink()
    with open_person(environment_of(vault, user=OWNER)) as session:
        rebuild_catalogue(session, lambda done, total, what: None)
    with desk(environment_of(vault, user=MANAGER)) as at_desk:
        set_event(at_desk, due, "audit-begin", date(2026, 1, 15))
    assert ran(vault).disposed == (), "the control: what was lost does not stop the purge of others"
    with by_hand(vault) as service, service.ledger.transaction():
        service.ledger._db.run("DELETE FROM statements WHERE kind = 'event-set'")

    with pytest.raises(ChangedLedger, match="event-set"):
        ran(vault)


ROWS = {
    "class and line": ("UPDATE documents SET class = 'reminder', retention = 'COM-06' WHERE document = ?", "class"),
    "day of receipt": ("UPDATE documents SET received_on = '2013-01-01' WHERE document = ?", "day of receipt"),
    "day it counts from": ("UPDATE documents SET event_on = '2013-01-01' WHERE document = ?", "day it counts from"),
}


@pytest.mark.parametrize("what", ROWS)
def test_a_row_that_was_changed_by_hand_is_noticed(
    what: str, vault: Office, due: str, filed: tuple[Office, dict[str, str]]
) -> None:
    """Somebody makes next year's evidence due today; two honest people then sign a plan that looks all right."""
    living = filed[1][NOT_DUE.word]
    sql, said = ROWS[what]
    with by_hand(vault) as service, service.ledger.transaction():
        service.ledger._db.run(sql, (living,))
        if what == "class and line":
            service.ledger._db.run("UPDATE documents SET event_on = '2013-01-01' WHERE document = ?", (living,))
        if what == "day of receipt":
            service.ledger._db.run("UPDATE documents SET event_on = '2013-01-01' WHERE document = ?", (living,))
    released(vault, planned(vault))

    done = ran(vault)

    assert living not in done.disposed
    assert due in done.disposed, "the control: the others go"
    (reason,) = [kept.reason for kept in done.kept if kept.document_id == living]
    assert "changed past the program" in reason
    assert said in reason


def test_a_line_written_by_hand_does_not_count(vault: Office, filed: tuple[Office, dict[str, str]]) -> None:
    """The row of a contract is given the line of advertising: by law its class still follows the contracts' line."""
    waiting = filed[1][WAITING.word]
    with by_hand(vault) as service, service.ledger.transaction():
        service.ledger._db.run("UPDATE documents SET retention = 'ADV-00' WHERE document = ?", (waiting,))

    released(vault, planned(vault))

    assert waiting not in ran(vault).disposed


def test_an_earlier_day_that_was_signed_once_does_not_come_back(
    vault: Office, filed: tuple[Office, dict[str, str]]
) -> None:
    """The contract's end was told as 2015 by mistake and corrected; the old signature must not make it due again."""
    waiting = filed[1][WAITING.word]
    for day in ("2015-01-31", "2026-01-31"):
        (told,) = together(vault, ("management", ("event", "set", waiting, "contract-end", day)))
        assert told.status == 0, told.err
    with by_hand(vault) as service, service.ledger.transaction():
        service.ledger._db.run("UPDATE events SET day = '2015-01-31' WHERE document = ?", (waiting,))

    (explained,) = together(vault, (MANAGER, ("retention", "explain", waiting)))

    assert explained.json["due_on"] == "2033-01-01"


# Audits --------------------------------------------------------------------------------------------------------


def test_an_open_audit_keeps_what_was_released(vault: Office, due: str, also_due: str) -> None:
    """The tax office announces itself between release and run: the period does not end while it looks."""
    released(vault, planned(vault))
    begun, future = together(
        vault,
        (MANAGER, ("event", "set", due, "audit-begin", "2026-01-15")),
        (MANAGER, ("event", "set", due, "audit-end", "2099-01-15")),
    )
    assert (begun.status, begun.json["waiting_for"], future.status) == (0, "audit-end", 2)

    done = ran(vault)
    assert done.disposed == (also_due,)
    assert [k.reason for k in done.kept] == ["it waits for an event: audit-end"]

    (ended,) = together(vault, (MANAGER, ("event", "set", due, "audit-end", "2026-02-15")))
    assert ended.json["due_on"] == "2026-02-16"
    released(vault, planned(vault))
    assert ran(vault).disposed == (due,), "the control: when it is over, it goes"
