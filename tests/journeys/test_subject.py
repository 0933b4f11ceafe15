"""The subject desk: what is held on a person is found, handed out, restricted, or erased when that is allowed."""

import csv
import io
import json
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import UNREADABLE, UNREADABLE_CONTENT
from filed_letters import Sample, bytes_of, decrypted, file_letters, together
from simulators import Office, Ran, environment_of

from archive.rebuilding import salvage
from poststelle.access.audit import AuditLog, open_details
from poststelle.access.keybook import AUDIT
from poststelle.errors import NotPermitted
from poststelle.verbs.disposing import run
from poststelle.verbs.locating import desk
from poststelle.verbs.planning import plan
from poststelle.verbs.rebuilding import rebuild_catalogue
from poststelle.verbs.subject import access, erase, restrict_all
from poststelle.verbs.subject_requests import Subject
from poststelle.verbs.witnessing import ChangedLedger
from poststelle.wiring import open_person, open_service

DPO, OWNER, MANAGER = "dpo", "owner", "records-manager"
NAME, BORN = "Hans Grünewald", "1980-03-05"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter(Sample):
    """A letter that says what a test wants it to say."""

    says: str = ""

    @property
    def text(self) -> str:
        return f"Musterfirma\n\n{self.says}\n\nSehr geehrte Damen und Herren, {self.word}.\n"


OLD = Letter(record_class="invoice", received_on=date(2014, 6, 30), says="Rechnung an Herrn Hans Grünewald")
NEW = Letter(record_class="invoice", received_on=date(2026, 3, 17), says="Kunde: Grünewald, Hans\nHerr Dieter Kranich")
WORN = Letter(record_class="application", received_on=date(2026, 5, 2), says="Bewerbung von Hans Gruncwald")
VAGUE = Letter(record_class="complaint", received_on=date(2026, 5, 4), says="Der Ärger mit Herrn Grünewald")
OTHER = Letter(record_class="invoice", received_on=date(2026, 5, 5), says="Rechnung an Frau Petra Grünewald")
NOBODY = Letter(record_class="invoice", received_on=date(2026, 5, 6), says="Rechnung ohne einen Namen")
UNDECIDED = Letter(
    record_class="invoice", received_on=date(2014, 5, 6), says="Schreiben von Hans Grünewald", needs_review=True
)
ALL = (OLD, NEW, WORN, VAGUE, OTHER, NOBODY)


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory, empty_office: Office) -> tuple[Office, list[str]]:
    """An office with letters that name somebody, nearly, or not."""
    office = empty_office.copy_to(tmp_path_factory.mktemp("filed") / "root")
    return office, file_letters(office, ALL)


@pytest.fixture
def vault(tmp_path: Path, filed: tuple[Office, list[str]]) -> Office:
    """That office, of one's own."""
    return filed[0].copy_to(tmp_path / "root")


@pytest.fixture
def ids(filed: tuple[Office, list[str]]) -> dict[Letter, str]:
    """Each letter's id."""
    return dict(zip(ALL, filed[1], strict=True))


def ask(*more: str, verb: str = "access", user: str = DPO) -> tuple[str, tuple[str, ...]]:
    """A command about him."""
    return user, ("subject", verb, NAME, *more)


def fates(answer: Ran) -> dict[str, tuple[str, str | None]]:
    """(status, until) by id."""
    assert answer.status == 0, answer.err
    return {match["id"]: (match["status"], match["until"]) for match in answer.json["matches"]}


def test_what_is_held_on_a_person_is_found_in_every_department(vault: Office, ids: dict[Letter, str]) -> None:
    """Somebody asks what the company knows of them: no department may be forgotten, and nobody else's letter come."""
    (answer,) = together(vault, ask())

    assert fates(answer) == {
        ids[OLD]: ("hand-out", answer.json["request"]["received_on"]),
        ids[NEW]: ("hand-out", "2035-01-01"),
        ids[WORN]: ("hand-out", None),
        ids[VAGUE]: ("check", None),
    }
    matches = {match["id"]: match for match in answer.json["matches"]}
    assert {matches[ids[one]]["compartment"] for one in (NEW, WORN, VAGUE)} == {"finance", "hr", "sales"}
    assert [matches[ids[one]]["if_erased"]["status"] for one in (OLD, NEW, WORN)] == ["erase", "restrict", "restrict"]
    assert matches[ids[NEW]]["basis"].startswith("§ 147")
    assert matches[ids[NEW]]["if_erased"]["basis"].startswith("Art. 17 Abs. 3 lit. b DSGVO; § 147")
    assert "rejection" in matches[ids[WORN]]["reason"], "whoever reads it must know what the letter waits for"
    assert matches[ids[WORN]]["mentions"][0]["damaged"]
    assert answer.json["searched"] == len(ALL)


def test_the_date_of_birth_tells_people_of_one_name_apart(tmp_path: Path, empty_office: Office) -> None:
    """Two people are called the same: whoever gets the other one's letters gets a breach of data protection."""
    office = empty_office.copy_to(tmp_path / "root")
    own = Letter(record_class="invoice", received_on=date(2026, 1, 2), says="Herr Grünewald, geb. am 5. März 1980")
    not_own = Letter(record_class="invoice", received_on=date(2026, 1, 3), says=f"{NAME}, geboren am 17.11.1951")
    first, second = file_letters(office, (own, not_own))

    blind, told = together(office, ask(), ask("--dob", BORN))

    assert fates(blind) == {first: ("check", None), second: ("hand-out", "2035-01-01")}, "the control"
    assert {document: status for document, (status, _) in fates(told).items()} == {first: "hand-out", second: "check"}


def test_nobody_is_born_tomorrow(vault: Office) -> None:
    """A year typed wrong would make letters that name the real date of birth look like somebody else's."""
    refused, listed = together(vault, ask("--dob", "2999-03-05"), (DPO, ("subject", "list")))

    assert (refused.status, refused.out, listed.json["requests"]) == (2, b"", [])


def test_a_request_is_counted_to_its_last_day(vault: Office) -> None:
    """A month goes by while everybody thought somebody else would answer."""
    today = date.today()
    received = today - timedelta(days=10)
    asked, listed = together(vault, ask("--received-on", received.isoformat()), (DPO, ("subject", "list")))
    request = asked.json["request"]["id"]
    due = date.fromisoformat(listed.json["requests"][0]["due_on"])

    assert 18 <= (due - today).days <= 21 and due.day in (received.day, 28, 29, 30)
    assert 0 <= (due - today).days - listed.json["requests"][0]["days_left"] <= 1, "midnight may come between"

    extended, again, closed, empty, everything = together(
        vault,
        (DPO, ("subject", "extend", request, "--reason", "sehr viele Schreiben")),
        (DPO, ("subject", "extend", request, "--reason", "noch mehr")),
        (DPO, ("subject", "close", request[:12], "--reason", "beantwortet")),
        (DPO, ("subject", "list")),
        (DPO, ("subject", "list", "--all")),
    )
    assert (date.fromisoformat(extended.json["request"]["due_on"]) - due).days in range(58, 63)
    assert (again.status, closed.status) == (2, 0)
    assert (empty.json["requests"], everything.json["requests"][0]["state"]) == ([], "answered")


def test_a_month_that_is_over_is_not_extended(vault: Office) -> None:
    """The law wants the subject told within the first month, not when it suits."""
    (asked,) = together(vault, ask("--received-on", (date.today() - timedelta(days=40)).isoformat()))
    late, future = together(
        vault,
        (DPO, ("subject", "extend", asked.json["request"]["id"], "--reason", "vergessen")),
        ask("--received-on", (date.today() + timedelta(days=2)).isoformat()),
    )

    assert (late.status, "Answer it now" in late.err, future.status) == (2, True, 2)


def test_an_erasure_waits_for_a_second_person(vault: Office, ids: dict[Letter, str]) -> None:
    """One person alone, in anger or bribed, must not make letters vanish."""
    asked, unconfirmed, shown = together(
        vault, ask(verb="erase"), ask(verb="access"), ("accounting", ("search", "Grünewald"))
    )
    request = asked.json["request"]["id"]
    (listed,) = together(vault, (MANAGER, ("purge", "list")))
    plan_id = listed.json["plans"][0]["plan_id"]
    assert not asked.json["carried_out"] and shown.json["total"] == 3, "nothing was changed yet"
    assert fates(asked)[ids[OLD]][0] == "erase" and unconfirmed.status == 0

    confirm = ("subject", "confirm", request, "--reason", "geprüft")
    release = ("purge", "release", plan_id, "--reason", "Antrag")
    early, own_plan, too_early, by_dpo, wrong, by_sales, done, twice = together(
        vault,
        (DPO, ("subject", "erase", request)),
        (DPO, release),
        (MANAGER, release),
        (DPO, confirm),
        (MANAGER, ("subject", "confirm", unconfirmed.json["request"]["id"], "--reason", "falsch")),
        ("sales", confirm),
        (MANAGER, confirm),
        (OWNER, confirm),
    )
    assert (early.json["carried_out"], by_dpo.status, wrong.status, by_sales.status) == (False, 3, 2, 3)
    assert (own_plan.status, too_early.status, "subject confirm" in too_early.err) == (3, 2, True)
    assert (done.status, done.json["request"]["name"], twice.status) == (0, None, 2), "who confirms sees no name"
    assert done.json["request"]["confirmed_by"] == MANAGER

    (carried,) = together(vault, (DPO, ("subject", "erase", request)))

    assert carried.json["carried_out"]
    assert fates(carried) == {
        ids[OLD]: ("erase", carried.json["matches"][0]["until"]),
        ids[NEW]: ("restricted", "2035-01-01"),
        ids[WORN]: ("restricted", None),
    }
    assert carried.json["request"]["plan_id"] == plan_id, "what the desk planned, and the second person released"
    with open_service(environment_of(vault)) as service:
        assert run(service).disposed == (ids[OLD],), "two people, and only what was asked for"

    after, found, restricted = together(
        vault,
        (DPO, ("subject", "erase", request)),
        ("accounting", ("search", "Grünewald")),
        (DPO, ("restrict", "list")),
    )
    assert fates(after)[ids[OLD]] == ("erased", None)
    assert [hit["id"] for hit in found.json["hits"]] == [ids[OTHER]], "letters that must be kept are out of use"
    assert {r["ground"] for r in restricted.json["restrictions"]} == {"retention"}
    assert len(restricted.json["restrictions"]) == 2, "carried out again, nothing happens twice"


def test_who_was_found_to_be_somebody_else_stays_out(vault: Office, ids: dict[Letter, str]) -> None:
    """The desk saw that a letter is a namesake's: it must not be erased two weeks later after all."""
    (asked,) = together(vault, ask("--leave-out", ids[NEW], "--also", ids[VAGUE]))
    request = asked.json["request"]["id"]
    erasure, unknown = together(
        vault, (DPO, ("subject", "erase", request)), (DPO, ("subject", "access", request, "--also", "0" * 32))
    )

    assert fates(asked)[ids[NEW]] == ("check", None) and fates(asked)[ids[VAGUE]][0] == "hand-out"
    assert {document: status for document, (status, _) in fates(erasure).items()} == {
        ids[OLD]: "erase",
        ids[NEW]: "check",
        ids[WORN]: "restrict",
        ids[VAGUE]: "restrict",
    }
    assert sorted(erasure.json["request"]["letters"]) == sorted(ids[one] for one in (OLD, WORN, VAGUE))
    assert unknown.status == 4


def test_a_confirmation_that_the_second_person_never_gave_counts_nothing(vault: Office, ids: dict[Letter, str]) -> None:
    """Whoever registered it writes the confirmation past the program: it is theirs, so it is none."""
    (asked,) = together(vault, ask(verb="erase", user=OWNER))
    request = asked.json["request"]
    with desk(environment_of(vault, user=OWNER)) as at_desk:
        content = {"subject_request": request["id"], "documents": request["letters"], "plan": None, "sealed": ""}
        at_desk.service.ledger.record(at_desk.sign("subject-confirm", content), {})
    (carried,) = together(vault, (OWNER, ("subject", "erase", request["id"])))

    assert (carried.json["carried_out"], carried.json["request"]["confirmed_by"]) == (False, None)

    with desk(environment_of(vault, user=MANAGER)) as at_desk:
        at_desk.service.ledger.record(at_desk.sign("subject-confirm", content), {})
    (carried,) = together(vault, (OWNER, ("subject", "erase", request["id"])))
    assert carried.json["carried_out"], "the control: by another person the same words count"


def test_the_owner_does_not_confirm_what_the_owner_asked_for(vault: Office) -> None:
    """Two roles in one hand are still one person."""
    (asked,) = together(vault, ask(verb="erase", user=OWNER))
    own, other = together(
        vault,
        (OWNER, ("subject", "confirm", asked.json["request"]["id"], "--reason", "ich selbst")),
        (MANAGER, ("subject", "confirm", asked.json["request"]["id"], "--reason", "geprüft")),
    )

    assert (own.status, other.status) == (3, 0)


def test_the_desk_plans_for_its_own_request_and_nothing_else(vault: Office, ids: dict[Letter, str]) -> None:
    """Who answers requests may not release: a plan of theirs must not become a way around those who may."""
    other = Letter(record_class="invoice", received_on=date(2014, 7, 1), says="Rechnung an niemanden")
    (stranger,) = file_letters(vault, (other,))
    (asked,) = together(vault, ask(verb="erase"))
    request = asked.json["request"]["id"]
    with desk(environment_of(vault, user=DPO)) as at_desk:
        forged = [
            plan(at_desk, None, only=[stranger], request=request).plan_id,
            plan(at_desk, None, only=[ids[OLD]], request="0" * 64).plan_id,
        ]
        with pytest.raises(NotPermitted):
            plan(at_desk, None, only=[ids[OLD]])
    confirmed, *refused = together(
        vault,
        (MANAGER, ("subject", "confirm", request, "--reason", "geprüft")),
        *((OWNER, ("purge", "release", plan_id, "--reason", "untergeschoben")) for plan_id in forged),
    )

    assert (confirmed.status, [ran.status for ran in refused]) == (0, [2, 2])
    assert all("did not register" in ran.err for ran in refused)
    with open_service(environment_of(vault)) as service:
        assert run(service).disposed == (ids[OLD],), "the control: what belongs to the request goes"


def test_a_request_that_was_withdrawn_destroys_nothing(vault: Office, ids: dict[Letter, str]) -> None:
    """The subject changes their mind after it was confirmed, and before the purge ran."""
    (asked,) = together(vault, ask(verb="erase"))
    request = asked.json["request"]["id"]
    before = vault.copy_to(vault.root.with_name("before"))
    for office, outcome in ((vault, "withdrawn"), (before, "answered")):
        statuses = together(
            office,
            (MANAGER, ("subject", "confirm", request, "--reason", "geprüft")),
            (DPO, ("subject", "close", request, "--outcome", outcome, "--reason", "überlegt")),
        )
        assert [ran.status for ran in statuses] == [0, 0]

    with open_service(environment_of(vault)) as service:
        done = run(service)
    assert done.disposed == () and "closed (withdrawn)" in done.warnings[0].reason
    with open_service(environment_of(before)) as service:
        assert run(service).disposed == (ids[OLD],), "the control: an answered one is carried out"


def test_a_withdrawal_stays_whatever_becomes_of_who_said_it_and_of_its_row(vault: Office) -> None:
    """The colleague who wrote it down changes to sales, or somebody takes the row out: the letter must stay."""
    (asked,) = together(vault, ask(verb="erase", user=OWNER))
    request = asked.json["request"]["id"]
    confirmed, closed = together(
        vault,
        (MANAGER, ("subject", "confirm", request, "--reason", "geprüft")),
        (DPO, ("subject", "close", request, "--outcome", "withdrawn", "--reason", "überlegt")),
    )
    assert (confirmed.status, closed.status) == (0, 0)
    emptied = vault.copy_to(vault.root.with_name("emptied"))
    enact(vault, dpo={"label": "Vertrieb", "compartments": {"sales": ["find"]}, "rights": []})
    with open_service(environment_of(emptied)) as service:
        service.catalogue._db.run("DELETE FROM statements WHERE kind = 'subject-close'")

    with open_service(environment_of(vault)) as service:
        done = run(service)
    assert done.disposed == () and "closed (withdrawn)" in done.warnings[0].reason
    with open_service(environment_of(emptied)) as service, pytest.raises(ChangedLedger):
        run(service)


def test_a_withdrawal_that_was_lost_with_the_catalogue_takes_the_plan_with_it(
    vault: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bad sector took the newest statements: what is left of the old catalogue says only that it was confirmed."""
    (asked,) = together(vault, ask(verb="erase"))
    together(vault, (MANAGER, ("subject", "confirm", asked.json["request"]["id"], "--reason", "geprüft")))
    with open_service(environment_of(vault)) as service:
        left = replace(salvage(service.catalogue._db), cut=frozenset({"statements"}))
    together(
        vault,
        (DPO, ("subject", "close", asked.json["request"]["id"], "--outcome", "withdrawn", "--reason", "überlegt")),
    )
    assert left.tables["plans"] and left.tables["planned"], "the control: a released plan was readable"
    for path in vault.vault.glob("catalogue.db*"):
        path.unlink()
    monkeypatch.setattr("poststelle.verbs.rebuilding.salvage", lambda old: left)

    with open_person(environment_of(vault, user=OWNER)) as session:
        rebuilt = rebuild_catalogue(session, lambda done, total, what: None)
    with open_service(environment_of(vault)) as service:
        done = run(service)

    assert "A025" in {problem.code for problem in rebuilt.problems}
    assert done.disposed == ()


def test_a_request_of_somebody_who_left_is_confirmed_and_its_letters_kept_apart(
    vault: Office, ids: dict[Letter, str]
) -> None:
    """The desk changes hands before the second person looks: their plan counts no more, the request does."""
    (asked,) = together(vault, ask(verb="erase"))
    request = asked.json["request"]["id"]
    left, confirmed, carried = together(
        vault,
        (OWNER, ("user", "remove", DPO)),
        (MANAGER, ("subject", "confirm", request, "--reason", "geprüft")),
        (OWNER, ("subject", "erase", request)),
    )

    assert (left.status, confirmed.status) == (0, 0), confirmed.err
    assert confirmed.json["request"]["plan_id"] is None
    assert fates(carried)[ids[NEW]][0] == "restricted"
    with open_service(environment_of(vault)) as service:
        assert run(service).disposed == ()
    with desk(environment_of(vault, user=MANAGER)) as at_desk:
        assert [due.letter.document_id for due in plan(at_desk, None).due] == [ids[OLD]], "it goes by the next plan"


def test_a_request_whose_registrar_has_another_task_now_still_waits_for_its_answer(vault: Office) -> None:
    """Another data protection officer takes over: the month runs on, but nothing is done in the other one's name."""
    asked, *changed = together(
        vault,
        ask("--received-on", "2026-01-05", verb="erase"),
        (OWNER, ("user", "add", "anna", "--role", "dpo", "--no-passphrase")),
        (OWNER, ("role", "revoke", DPO, "dpo")),
    )
    assert [ran.status for ran in (asked, *changed)] == [0, 0, 0], changed[1].err
    request = asked.json["request"]["id"]
    listed, carried, confirmed, closed, after = together(
        vault,
        ("anna", ("subject", "list")),
        ("anna", ("subject", "erase", request)),
        (MANAGER, ("subject", "confirm", request, "--reason", "geprüft")),
        ("anna", ("subject", "close", request, "--outcome", "withdrawn", "--reason", "neu erfasst")),
        ("anna", ("subject", "list")),
    )

    assert [(r["id"], r["state"], r["due_on"]) for r in listed.json["requests"]] == [
        (request, "register again", "2026-02-05")
    ]
    assert (carried.status, confirmed.status) == (2, 2)
    assert "--received-on 2026-01-05" in carried.err
    assert (closed.status, after.json["requests"]) == (0, [])


def test_an_id_of_no_request_is_not_taken_for_a_name(vault: Office) -> None:
    """A slip in the id would register an erasure for somebody called dfa4ed8a4d41."""
    missed, listed = together(vault, (DPO, ("subject", "erase", "dfa4ed8a4d41")), (DPO, ("subject", "list", "--all")))

    assert (missed.status, "subject list" in missed.err) == (4, True)
    assert listed.json["requests"] == []


def test_nothing_under_a_hold_is_planned(vault: Office, ids: dict[Letter, str]) -> None:
    """The letter is evidence in a dispute: who is sued may not have it erased."""
    (early,) = together(vault, ask(verb="erase"))
    held, erasure = together(vault, (OWNER, ("hold", "place", ids[OLD], "--reason", "Rechtsstreit")), ask(verb="erase"))
    assert held.status == 0
    requests = [ran.json["request"]["id"] for ran in (early, erasure)]
    before, after = together(
        vault, *((MANAGER, ("subject", "confirm", request, "--reason", "geprüft")) for request in requests)
    )

    assert fates(early)[ids[OLD]][0] == "erase" and fates(erasure)[ids[OLD]] == ("restrict", None)
    assert (before.status, after.json["request"]["plan_id"]) == (0, None)
    (carried,) = together(vault, (DPO, ("subject", "erase", requests[0])))
    assert fates(carried)[ids[OLD]] == ("restricted", None), "planned before the hold, and not released"
    with open_service(environment_of(vault)) as service:
        assert run(service).disposed == ()


def test_restriction_acts_at_once_on_what_is_sure(vault: Office, ids: dict[Letter, str]) -> None:
    """Somebody disputes what is said of them: until that is settled, nobody works with it."""
    restricted, searched = together(vault, ask(verb="restrict"), ("accounting", ("search", "Grünewald")))

    assert {fates(restricted)[ids[one]] for one in (OLD, NEW, WORN)} == {("restricted", None)}
    assert fates(restricted)[ids[VAGUE]] == ("check", None)
    assert [hit["id"] for hit in searched.json["hits"]] == [ids[OTHER]]

    request = restricted.json["request"]["id"]
    more, listed, erasure = together(
        vault,
        (DPO, ("subject", "restrict", request, "--also", ids[VAGUE], "--leave-out", ids[OLD])),
        (DPO, ("restrict", "list")),
        (DPO, ("subject", "erase", request)),
    )
    assert fates(more)[ids[VAGUE]] == ("restricted", None)
    assert sorted(r["id"] for r in listed.json["restrictions"]) == sorted(ids[one] for one in (OLD, NEW, WORN, VAGUE))
    assert {fates(erasure)[ids[one]][0] for one in (OLD, NEW, WORN)} == {"restricted"}, "until that is lifted"
    assert erasure.json["request"]["id"] != request, "a request of its own"


def test_a_letter_whose_class_nobody_decided_is_not_destroyed(tmp_path: Path, empty_office: Office) -> None:
    """It may be a contract: restricted while it waits, it must not go by the period of an advertisement."""
    office = empty_office.copy_to(tmp_path / "root")
    (document,) = file_letters(office, (UNDECIDED,))
    asked, placed, planned = together(
        office,
        ask(verb="erase"),
        (DPO, ("restrict", "place", document, "--ground", "retention", "--reason", "Antrag")),
        (MANAGER, ("purge", "plan")),
    )

    assert fates(asked) == {document: ("restrict", None)}
    assert (placed.status, planned.json["due"]) == (0, [])


def test_the_package_holds_what_is_handed_out_and_what_must_be_blackened(
    vault: Office, ids: dict[Letter, str], tmp_path: Path
) -> None:
    """A copy for one person must not carry another one's name along unseen."""
    folder = tmp_path / "auskunft"
    _, first, again = together(
        vault,
        (DPO, ("restrict", "place", ids[WORN], "--ground", "art18", "--reason", "Streit")),
        ask("-o", str(folder)),
        ask("-o", str(folder)),
    )

    assert (first.status, again.status) == (0, 2), first.err
    index = json.loads((folder / "index.json").read_text())
    assert {row["id"] for row in index["letters"]} == {ids[one] for one in (OLD, NEW, WORN)}
    for row in index["letters"]:
        letter = next(one for one in ALL if ids[one] == row["id"])
        assert (folder / "files" / row["files"][0]).read_bytes() == letter.content
        assert (folder / "facts" / f"{row['number']}.json").is_file()
    others = rows(folder / "third-parties.csv")
    assert [(row["text"], row["kind"]) for row in others] == [("Dieter Kranich", "person")]
    assert {row["number"] for row in rows(folder / "index.csv")} == {row["number"] for row in index["letters"]}
    assert len(rows(folder / "passages.csv")) >= 3 and "Ärger" in rows(folder / "to-check.csv")[0]["passage"]
    answer = (folder / "answer.txt").read_text()
    assert NAME in answer and "31.12.2034" in answer and "Art. 15" in answer
    assert {path.stat().st_mode & 0o077 for path in folder.rglob("*")} == {0}


def rows(path: Path) -> list[dict[str, str]]:
    """A table as a spreadsheet reads it."""
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig")), delimiter=";"))


def test_no_name_stays_in_the_clear(vault: Office) -> None:
    """Who asked for what is nobody's business but the desk's: not the disk's, nor the records manager's."""
    asked, listed = together(vault, ask("--aka", "Hans Feldkirchner"), (MANAGER, ("subject", "list")))
    name = b"Feldkirchner"

    assert asked.json["request"]["aka"] == ["Hans Feldkirchner"]
    assert [r["name"] for r in listed.json["requests"]] == [None]
    assert listed.json["requests"][0]["id"] == asked.json["request"]["id"], "the control: the request is there"
    assert not [path for path, content in bytes_of(vault).items() if name in content]
    assert name not in decrypted(vault)["catalogue.db"], "nor for whoever holds the records key"
    with open_person(environment_of(vault, user=DPO)) as session:
        log: AuditLog = session.audit
        kinds = {"subject-access": 0, "subject-request": 0}
        keys = session.keyring.held(AUDIT)
        opened = [open_details(line, session.book.vault_id, *keys) for _, line in log.lines() if line["kind"] in kinds]
    assert any(details.get("also") == ["Hans Feldkirchner"] for details in opened), "but it is in the log, sealed"


def log_of(office: Office) -> list[str]:
    """Kind and details of what the log says, as the data protection officer opens it."""
    with open_person(environment_of(office, user=DPO)) as session:
        keys = session.keyring.held(AUDIT)
        lines = [line for _, line in session.audit.lines()]
        return [f"{line['kind']} {open_details(line, session.book.vault_id, *keys)}" for line in lines]


def enact(office: Office, **roles: dict[str, Any]) -> None:
    """Sign roles into the law as the owner, whatever config.yaml may say by now."""
    with open_person(environment_of(office, user=OWNER)) as session, session.changing_law():
        law = session.book.office
        session.change_law("office", {"office": law | {"roles": law["roles"] | roles}})


SMALL_DESK = {
    "label": "Schalter",
    "compartments": {"finance": ["find", "read"], "restricted": ["reclassify"]},
    "rights": ["audit", "subject"],
}


def test_a_desk_that_may_not_find_a_letter_does_not_learn_of_it(vault: Office, ids: dict[Letter, str]) -> None:
    """Who answers for accounting carries out a request that another desk registered: HR's letters stay HR's."""
    enact(vault, **{"small-desk": SMALL_DESK})
    added, asked = together(
        vault, (OWNER, ("user", "add", "anna", "--role", "small-desk", "--no-passphrase")), ask(verb="erase")
    )
    assert (added.status, asked.status) == (0, 0), added.err
    request, before = asked.json["request"]["id"], len(log_of(vault))
    _, listed, carried = together(
        vault,
        (MANAGER, ("subject", "confirm", request, "--reason", "geprüft")),
        ("anna", ("subject", "list")),
        ("anna", ("subject", "erase", request)),
    )

    assert {document: status for document, (status, _) in fates(carried).items()} == {
        ids[OLD]: "erase",
        ids[NEW]: "restricted",
    }
    assert listed.json["requests"][0]["letters"] == [ids[OLD], ids[NEW]]
    assert ids[WORN] not in carried.text + carried.err + listed.text
    assert "HR-" not in carried.text
    assert "hr" in carried.json["not_searched"]["compartments"] and "hr" in carried.err, "but that it may be incomplete"
    done = [line for line in log_of(vault)[before:] if line.startswith("subject-erased")]
    assert len(done) == 1 and ids[NEW] in done[0] and ids[WORN] not in done[0]

    (by_dpo,) = together(vault, (DPO, ("subject", "erase", request)))
    assert fates(by_dpo)[ids[WORN]][0] == "restricted", "the control: who may find it does the rest"


def test_what_the_desk_could_not_finish_is_not_begun(vault: Office) -> None:
    """A vault whose law was signed before this was checked: no request may lie there that nobody there can read."""
    enact(
        vault,
        dpo={"label": "Ohne Protokoll", "compartments": {"restricted": ["reclassify"]}, "rights": ["subject"]},
        legal={"label": "Ohne Sperre", "compartments": {"finance": ["find"]}, "rights": ["audit", "subject"]},
    )
    him = Subject(name=NAME)
    with desk(environment_of(vault, user=DPO)) as unable:
        for verb in (access, restrict_all, erase):
            with pytest.raises(NotPermitted, match="the right `audit`"):
                verb(unable, him)
    with desk(environment_of(vault, user="legal")) as unable:
        for verb in (restrict_all, erase):
            with pytest.raises(NotPermitted, match="restrict letters"):
                verb(unable, him)
        assert unable.service.ledger.statement_lines("subject-request") == []
        assert access(unable, him).request.subject == him, "the control: what it can finish, it may"


@pytest.mark.parametrize(("user", "status"), [(OWNER, 0), ("hr", 3), ("legal", 3), (MANAGER, 3), ("auditor", 3)])
def test_who_may_search_for_a_person_in_all_letters(user: str, status: int, vault: Office) -> None:
    """A search through every department for a colleague's name is what curiosity would like best."""
    (answer,) = together(vault, ask(user=user))

    assert answer.status == status, answer.err


def test_what_was_not_looked_into_is_said(vault: Office) -> None:
    """An answer that sounds complete and is not is a wrong answer."""
    (vault.inbox / UNREADABLE).write_bytes(UNREADABLE_CONTENT)
    before, taken, asked = together(vault, ask(), (None, ("intake",)), ask())

    assert [document["status"] for document in taken.json["documents"]] == ["quarantined"]
    assert before.json["not_searched"] == {"compartments": [], "without_text": 0, "quarantined": 0, "missing": 0}
    assert asked.json["not_searched"]["quarantined"] == 1
    assert "quarantine" in asked.err and "quarantine" not in before.err
