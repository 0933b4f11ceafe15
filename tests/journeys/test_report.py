"""The report: how much waits, since when, and what is due; of classes, never of people."""

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from filed_letters import Sample, file_letters, together
from simulators import Office

TODAY = datetime.now().astimezone().date()
DUE = Sample(record_class="invoice", received_on=date(2014, 6, 30), word="Zwiebelturmuhr")
HELD = Sample(record_class="invoice", received_on=date(2014, 7, 1), word="Moorbirkenhain")
FRESH = Sample(record_class="contract", received_on=TODAY - timedelta(days=2), word="Weidenkorbflechterei")
UNSURE = Sample(record_class="other", received_on=TODAY - timedelta(days=9), word="Heidelbeerkraut", needs_review=True)
FORGOTTEN = Sample(record_class="other", received_on=TODAY - timedelta(days=40), word="Safranfaden", needs_review=True)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, empty_office: Office) -> Office:
    """A letter that is due, one on hold, a fresh one, two that nobody decided, and a file in the inbox."""
    office = empty_office.copy_to(tmp_path_factory.mktemp("report") / "root")
    ids = file_letters(office, (DUE, HELD, FRESH, UNSURE, FORGOTTEN))
    [held] = together(office, ("owner", ("hold", "place", ids[1], "--reason", "Klage Zwiebelturm")))
    assert held.status == 0, held.err
    (office.inbox / "wartet.pdf").write_bytes(b"%PDF-1.7 noch nicht genommen")
    return office


def test_the_report_counts_what_waits_and_what_is_due(office: Office) -> None:
    """Whoever plans the week needs to know whether mail lies about, and for how long."""
    told = office.done("report", user="records-manager").json

    assert (told["backlog"], told["waiting"], told["quarantined"], told["review"]) == (3, 1, 0, 2)
    assert (told["oldest"], told["oldest_days"]) == (FORGOTTEN.received_on.isoformat(), 40)
    assert (told["received"], told["review_share"]) == (2, 0.5), "of the last thirty days, one of two was unsure"
    assert told["due"] == 1
    classes = {entry["class"]: entry for entry in told["classes"]}
    assert (classes["invoice"]["letters"], classes["invoice"]["due"], classes["invoice"]["held"]) == (2, 1, 1)
    assert classes["other"]["oldest_review"] == FORGOTTEN.received_on.isoformat()
    assert classes["contract"]["review"] == 0


def test_the_report_names_no_person(office: Office) -> None:
    """Figures of people would be a performance check, which is the works council's business to allow."""
    people = [path.stem for path in (office.folder / "identities").glob("*.identity")]
    told = office.done("report", user="records-manager")
    text = office.done("report", user="records-manager", as_json=False).text

    classes = {entry["class"] for entry in told.json["classes"]}
    assert {"owner", "accounting"} <= set(people), "the control: there are people to name"
    assert "owner" in office.done("user", "list", user="owner").text, "the control: elsewhere they are named"
    assert not [name for name in people if name in (told.text + text) and name not in classes]
    assert not {"user", "by", "person", "users"} & _keys(told.json)


def _keys(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {key for item in value.values() for key in _keys(item)}
    return {key for item in value for key in _keys(item)} if isinstance(value, list) else set()


def test_who_may_not_see_the_intake_book_gets_no_report(office: Office) -> None:
    """The number of HR's letters is HR's business."""
    refused, service = together(office, ("accounting", ("report",)), (None, ("report",)))

    assert (refused.status, refused.out) == (3, b"")
    assert service.status == 0


def test_an_empty_office_has_nothing_to_report(empty_office: Office, tmp_path: Path) -> None:
    """The first day must not divide by nothing."""
    told = empty_office.copy_to(tmp_path / "root").done("report").json

    assert (told["backlog"], told["oldest"], told["review_share"], told["classes"]) == (0, None, None, [])
