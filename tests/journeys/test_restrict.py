"""Restriction: a letter leaves the work of the office but not the archive, blocks or awaits its day, and comes back."""

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from filed_letters import Sample, decrypted, file_letters, stored_wraps, together
from simulators import Office, Ran, environment_of

from archive.textpart import Change
from poststelle.errors import ExitStatus
from poststelle.verbs import restricting
from poststelle.verbs.disposing import Run, run
from poststelle.verbs.locating import desk
from poststelle.verbs.planning import plan, release
from poststelle.verbs.restricting import restrict
from poststelle.wiring import open_service

DPO, OWNER, MANAGER = "dpo", "owner", "records-manager"
DUE = Sample(record_class="invoice", received_on=date(2014, 6, 30), word="Zwiebelturmuhr")
LIVING = Sample(record_class="invoice", received_on=date(2026, 3, 17), word="Moorbirkenhain")
NUMBER = "FIN-2014-000001"
PLACE = ("restrict", "place", NUMBER, "--reason", "Antrag 12/26", "--ground")


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory, empty_office: Office) -> tuple[Office, list[str]]:
    """A voucher that is due and one that is not."""
    office = empty_office.copy_to(tmp_path_factory.mktemp("filed") / "root")
    return office, file_letters(office, (DUE, LIVING))


@pytest.fixture
def vault(tmp_path: Path, filed: tuple[Office, list[str]]) -> Office:
    """That office, of one's own."""
    return filed[0].copy_to(tmp_path / "root")


@pytest.fixture
def due(filed: tuple[Office, list[str]]) -> str:
    """Id of the voucher that is due."""
    return filed[1][0]


def purged(office: Office) -> Run:
    """Plan, release and run, in this process."""
    with desk(environment_of(office, user=MANAGER)) as at_desk:
        made = plan(at_desk, None)
    if made.due:
        with desk(environment_of(office, user=OWNER)) as at_desk:
            release(at_desk, made.plan_id, (), "Jahresaussonderung")
    with open_service(environment_of(office)) as service:
        return run(service)


def log_kinds(office: Office, *kinds: str) -> list[int]:
    """How many entries of these kinds the log has."""
    log = (office.vault / "audit.jsonl").read_text()
    return [log.count(f'"kind":"{kind}"') for kind in kinds]


def test_a_restricted_letter_is_out_of_reach_and_comes_back(vault: Office, due: str) -> None:
    """Somebody disputes what is said of them: from that minute nobody works with it, but nothing is lost."""
    before = decrypted(vault)["finance.db"].lower()
    assert DUE.word.lower().encode() in before, "the control"
    scopes = {scope for rows in stored_wraps(vault, due).values() for _, scope, _, _ in rows}

    placed, searched, shown, by_dpo, unsaid, said, listed, explained = together(
        vault,
        (DPO, (*PLACE, "art18")),
        ("accounting", ("search", DUE.word)),
        ("accounting", ("show", due)),
        (DPO, ("search", DUE.word)),
        (DPO, ("export", due, "-o", "out.pdf")),
        (DPO, ("show", due, "--reason", "Prüfung des Antrags")),
        (DPO, ("restrict", "list")),
        (MANAGER, ("retention", "explain", due)),
    )

    assert placed.status == 0, placed.err
    assert (placed.json["accession"], placed.json["compartment"]) == ("RES-2014-000001", "restricted")
    assert (searched.json["total"], shown.status, by_dpo.json["total"]) == (0, 4, 0)
    assert (unsaid.status, "--reason" in unsaid.err, said.status) == (2, True, 0)
    assert [(r["id"], r["ground"], r["placed_by"]) for r in listed.json["restrictions"]] == [(due, "art18", DPO)]
    assert any("art18" in reason for reason in explained.json["blocked_by"])
    assert DUE.word.lower().encode() not in decrypted(vault)["finance.db"].lower(), "index of finance, page by page"
    assert not scopes & {scope for rows in stored_wraps(vault, due).values() for _, scope, _, _ in rows}

    lifted, found, number, verified = together(
        vault,
        (DPO, ("restrict", "lift", "RES-2014-000001", "--reason", "Streit beigelegt")),
        ("accounting", ("search", DUE.word)),
        ("accounting", ("show", due)),
        (None, ("verify",)),
    )
    assert (lifted.status, lifted.json["compartment"], lifted.json["restrictions"]) == (0, "finance", [])
    assert (found.json["total"], number.json["document"]["accession"]) == (1, "FIN-2014-000002"), "a number of its own"
    assert (verified.status, verified.json["problems"]) == (0, []), "both series count without a gap"
    assert log_kinds(vault, "restrict-place", "restrict-lift") == [1, 1]


def test_art18_stops_its_destruction_until_it_is_lifted(vault: Office, due: str) -> None:
    """A person needs the letter as evidence against the office: its period must not destroy it."""
    together(vault, (DPO, (*PLACE, "art18")))
    assert purged(vault).disposed == ()

    together(vault, (DPO, ("restrict", "lift", due, "--reason", "erledigt")))
    assert purged(vault).disposed == (due,), "the control: lifted, it goes"


def test_retention_is_destroyed_on_its_day(vault: Office, due: str, filed: tuple[Office, list[str]]) -> None:
    """Who asked for erasure has to wait for the tax office's period, and not a day longer."""
    living = filed[1][1]
    placed = together(
        vault,
        (DPO, (*PLACE, "retention")),
        (DPO, ("restrict", "place", living, "--ground", "retention", "--reason", "Antrag 12/26")),
    )
    assert [answer.status for answer in placed] == [0, 0]

    assert purged(vault).disposed == (due,), "and the one whose period still runs stays"

    proven, still, verified = together(
        vault,
        (MANAGER, ("purge", "prove", due)),
        (DPO, ("show", living, "--reason", "Nachschau")),
        (None, ("verify",)),
    )
    assert (proven.json["ok"], still.status, verified.json["problems"]) == (True, 0, [])


def test_two_grounds_are_lifted_one_by_one(vault: Office, due: str) -> None:
    """The dispute ends, but the erasure that was asked for still waits for its day."""
    first, second, again, half, wrong = together(
        vault,
        (DPO, (*PLACE, "art18")),
        (DPO, ("restrict", "place", due, "--ground", "retention", "--reason", "Antrag 13/26")),
        (DPO, ("restrict", "place", due, "--ground", "art18", "--reason", "noch einmal")),
        (DPO, ("restrict", "lift", due, "--ground", "art18", "--reason", "beigelegt")),
        (DPO, ("restrict", "lift", due, "--ground", "art18", "--reason", "noch einmal")),
    )

    assert [a.status for a in (first, second, again, half, wrong)] == [0, 0, 2, 0, 4]
    assert [r["ground"] for r in half.json["restrictions"]] == ["retention"]
    assert half.json["compartment"] == "restricted"
    assert purged(vault).disposed == (due,)


@pytest.mark.parametrize(
    ("user", "status"),
    [
        ("owner", 0),
        ("accounting", 3),
        ("mailroom", 3),
        ("legal", 3),
        (MANAGER, 3),
        ("auditor", 3),
        ("administrator", 3),
    ],
)
def test_who_may_restrict(user: str, status: int, vault: Office) -> None:
    """Whoever may take letters out of everybody's sight could hide them from an inspection."""
    (answer,) = together(vault, (user, (*PLACE, "art18")))

    assert answer.status == status, answer.err
    assert log_kinds(vault, "restrict-place") == [int(status == 0)]


def test_a_restricted_letter_is_not_decided_away(vault: Office, due: str) -> None:
    """Another class would carry it back into a department while its restriction still stands."""
    _, refused, corrected = together(
        vault,
        (DPO, (*PLACE, "art18")),
        (OWNER, ("reclassify", due, "offer")),
        (OWNER, ("facts", "set", due, "subject", "Berichtigt")),
    )

    assert (refused.status, "restrict lift" in refused.err) == (2, True)
    assert corrected.status == 0, "but what it says may be rectified"
    assert purged(vault).disposed == ()


def test_a_restriction_that_was_wiped_out_by_hand_stops_the_purge(vault: Office, due: str) -> None:
    """Whoever holds the records key deletes the statement: the log still counts it."""
    together(vault, (DPO, (*PLACE, "art18")))
    with open_service(environment_of(vault)) as service, service.ledger.transaction():
        service.ledger._db.run("DELETE FROM statements WHERE kind = 'restrict-place'")

    (answer,) = together(vault, (None, ("purge", "run")))

    assert (answer.status, "changed past the program" in answer.err) == (ExitStatus.DAMAGED, True)


def forge(office: Office, document: str, user: str, came_from: str, *, alone: bool) -> None:
    """Write a restriction past the program, by somebody with the records key; `alone`: instead of what was there."""
    with desk(environment_of(office, user=user)) as at_desk:
        said = {"document": document, "ground": "art18", "reason": "x", "from": came_from, "stage": "filed"}
        with at_desk.service.ledger.transaction():
            if alone:
                at_desk.service.ledger._db.run("DELETE FROM statements WHERE kind = 'restrict-place'")
            at_desk.service.ledger.add_statement(at_desk.sign("restrict-place", said))


def test_a_forged_restriction_moves_no_letter_when_it_is_lifted(vault: Office, due: str) -> None:
    """The mail room "restricts" a voucher from `general`, and waits until somebody lifts that mistake."""
    forge(vault, due, "mailroom", "general", alone=False)
    lifted, by_hr, again = together(
        vault,
        (DPO, ("restrict", "lift", due, "--reason", "ein Irrtum")),
        ("hr", ("show", due)),
        (DPO, ("restrict", "lift", due, "--reason", "ein Irrtum")),
    )

    assert (lifted.json["compartment"], lifted.json["restrictions"]) == ("finance", [])
    assert (by_hr.status, again.status) == (4, 4)
    assert purged(vault).disposed == (due,), "the control: it is obeyed until it is lifted, and no longer"


@pytest.mark.parametrize("earlier_version", [False, True], ids=["place in the text", "place in the statement only"])
def test_a_letter_of_doubtful_origin_comes_back_to_the_narrowest_place(
    earlier_version: bool, vault: Office, due: str
) -> None:
    """The mail room replaces a genuine restriction by its own, so that a voucher is put where all may read."""
    older = (lambda **fields: Change(**fields | {"old": None})) if earlier_version else Change
    with desk(environment_of(vault, user=DPO)) as at_desk, patch.object(restricting, "Change", older):
        restrict(at_desk, due, "art18", "Antrag")
    before = vault.copy_to(vault.root.with_name("before"))
    forge(vault, due, "mailroom", "general", alone=True)
    forge(vault, due, "mailroom", "finance", alone=False)
    if not earlier_version:
        forge(vault, due, "mailroom", "general", alone=True)
    lifted, by_hr, shown = together(
        vault,
        (DPO, ("restrict", "lift", due, "--reason", "beigelegt")),
        ("hr", ("show", due)),
        (DPO, ("show", due, "--reason", "Nachschau")),
    )

    assert (lifted.json["compartment"], by_hr.status) == ("restricted", 4)
    assert shown.json["document"]["review_reasons"] == [restricting.IN_DOUBT]
    decided, found = together(vault, (DPO, ("review", "decide", due, "invoice")), ("accounting", ("search", DUE.word)))
    assert (decided.status, found.json["total"]) == (0, 1), "a person says where it belongs"

    (genuine,) = together(before, (DPO, ("restrict", "lift", due, "--reason", "beigelegt")))
    assert genuine.json["compartment"] == "finance", "the control: what was signed by who may brings it back"


def test_a_second_ground_does_not_repeat_a_forged_place(vault: Office, due: str) -> None:
    """Else the data protection officer would sign what the mail room made up."""
    together(vault, (DPO, (*PLACE, "art18")))
    forge(vault, due, "mailroom", "general", alone=True)
    with desk(environment_of(vault, user=DPO)) as at_desk:
        restrict(at_desk, due, "retention", "Antrag 13/26")
        placed = at_desk.service.ledger.lines_of("restrict-place", due)

    assert [json.loads(line)["body"]["from"] for line in placed] == ["general", "finance"]


def test_a_move_that_was_cut_off_is_obeyed_and_finished(vault: Office, due: str) -> None:
    """The power fails between the signature and the move: the person's right does not depend on it."""

    def fail(*_: Any) -> Any:
        raise KeyboardInterrupt

    cut = patch("poststelle.verbs.restricting.write_revision", fail)
    with desk(environment_of(vault, user=DPO)) as at_desk, pytest.raises(KeyboardInterrupt), cut:
        restrict(at_desk, NUMBER, "art18", "Antrag")

    assert purged(vault).disposed == ()
    with desk(environment_of(vault, user=DPO)) as at_desk:
        done = restrict(at_desk, NUMBER, "art18", "Antrag")
    assert (done.compartment, done.number) == ("restricted", "RES-2014-000001")
    finished: Sequence[Ran] = together(vault, (DPO, ("restrict", "lift", due, "--reason", "erledigt")))
    assert finished[0].json["restrictions"] == []
    assert purged(vault).disposed == (due,)
