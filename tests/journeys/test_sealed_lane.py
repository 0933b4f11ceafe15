"""A letter to the works council, from the scanner to the one role that may open it."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from drawn_scans import encoded, letter
from filed_letters import Content, Sample, classified_letter
from simulators import Office, environment_of

from bench.letters import OFFICE_COMPANY
from poststelle.records import SEALED_FOR, Fact
from poststelle.wiring import open_service

ENVELOPE = ("Persönlich", "An den Betriebsrat", OFFICE_COMPANY, "Lindenstraße 1", "01067 Dresden")
INSIDE = ("Sehr geehrte Damen und Herren,", "über Vorfälle in der Kupferkannenhalle", "möchte ich mich beschweren.")


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory, empty_office: Office) -> Office:
    """An office after that letter, and the same pages without the envelope, came in; not to be changed."""
    office = empty_office.copy_to(tmp_path_factory.mktemp("sealed") / "root")
    folder = tmp_path_factory.mktemp("mail")
    for name, pages in (("umschlag.tif", [ENVELOPE, INSIDE]), ("offen.tif", [INSIDE])):
        path = folder / name
        path.write_bytes(encoded([letter(lines) for lines in pages], "TIFF"))
        office.drop(path)
    taken = office.run("intake", user="owner")
    assert {d["source"]: d["status"] for d in taken.json["documents"]} == {
        "umschlag.tif": "review",
        "offen.tif": "review",
    }
    return office


def id_of(office: Office, source: str) -> str:
    """The id of the letter that came in under this name."""
    ids = [d["id"] for d in office.done("list", user="owner").json["documents"]]
    shown = [office.done("show", letter, user="owner").json["document"] for letter in ids]
    return str(next(document["id"] for document in shown if document["source"] == source))


def test_no_word_of_a_sealed_letter_can_be_found_or_shown(sealed: Office) -> None:
    """Not even the owner may learn by a search what somebody wrote to the works council."""
    hits = sealed.done("search", "Kupferkannenhalle", user="owner").json["hits"]
    shown = sealed.done("show", id_of(sealed, "umschlag.tif"), user="dpo")

    assert [hit["id"] for hit in hits] == [id_of(sealed, "offen.tif")], "the control is found, the letter is not"
    assert "Kupferkannen" not in shown.text
    assert "beschweren" not in shown.text
    assert shown.json["document"]["facts"]["sealed_for"]["value"] == "dpo"


def test_only_the_named_role_opens_it(sealed: Office, tmp_path: Path) -> None:
    """The owner holds the keys of what lies restricted, and is refused all the same; others cannot tell it is there."""
    letter_id = id_of(sealed, "umschlag.tif")
    target = tmp_path / "brief.tif"

    for user, status in (("owner", 3), ("hr", 4), ("mailroom", 4)):
        assert sealed.run("export", letter_id, "-o", str(target), user=user).status == status, user
        assert not target.exists()
    sealed.done("export", letter_id, "-o", str(target), user="dpo")

    assert target.read_bytes()[:2] in (b"II", b"MM")


def test_there_is_no_searchable_pdf_of_it(sealed: Office, tmp_path: Path) -> None:
    """It would hold the words that were not to be read."""
    ran = sealed.run(
        "export", id_of(sealed, "umschlag.tif"), "--rendition", "-o", str(tmp_path / "brief.pdf"), user="dpo"
    )

    assert ran.status == 4
    assert list(tmp_path.iterdir()) == []


def test_only_the_named_role_decides_where_it_goes(tmp_path: Path, sealed: Office) -> None:
    """Else the owner would give it a class whose department may read it, and look there."""
    office = sealed.copy_to(tmp_path / "root")
    letter_id = id_of(office, "umschlag.tif")

    refused = office.run("review", "decide", letter_id, "payroll", user="owner")
    office.done("review", "decide", letter_id, "payroll", user="dpo")

    assert refused.status == 3
    assert office.run("export", letter_id, "-o", str(tmp_path / "brief.tif"), user="hr").status == 0


def test_no_package_takes_it_along_for_another_role(tmp_path: Path, empty_office: Office) -> None:
    """Where such a letter came to lie with a department, all of its mail at once must not hold it unasked."""
    office = empty_office.copy_to(tmp_path / "root")
    with open_service(environment_of(office)) as service:
        sample = Sample(record_class="payroll", received_on=date(2026, 3, 17), needs_review=True)
        mark = (Fact(name=SEALED_FOR, value="dpo", confidence=1.0, page=1),)
        classified = replace(classified_letter(sample, "hr"), compartment="hr", facts=mark)
        document = service.filing().file_letter(classified, Content(sample.content), sample.received_on).document_id
        service.flush_outbox()

    single = office.run("export", document, "-o", str(tmp_path / "brief.pdf"), user="hr")
    taken = {
        user: office.done("export", "--package", str(tmp_path / user), user=user).json["package"]["letters"]
        for user in ("hr", "dpo")
    }

    assert single.status == 3, "it lies with hr, sealed for another role"
    assert taken == {"hr": 0, "dpo": 1}, "the control: who it is for takes it along"
    assert list((tmp_path / "hr" / "files").iterdir()) == []
    assert (tmp_path / "hr").stat().st_mode & 0o077 == 0
