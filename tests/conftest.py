"""Fixtures that several rooms of tests share: sample mail, an empty office, and one that was filled once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from simulators import Office

from bench.letters import OFFICE_COMPANY, OFFICE_EMPLOYEE, Letter, make_letter, write_scan
from poststelle.wiring import shipped_config

# The same examples on every machine and every day; how long one takes depends on who else is working.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

CANARIES = {
    "rechnung-quarzsand.pdf": "Quarzsandfilter",
    "mahnung-zwiebelturm.tif": "Zwiebelturmuhr",
    "lohn-moorbirke.jpg": "Moorbirkenhain",
    "per-mail-heidelbeer.pdf": "Heidelbeerkraut",
    "angebot-kupferkanne.png": "Kupferkannenstiel",
}
"""One word printed in each letter and nowhere else; each also stands, in part, in the file's name."""
UNREADABLE = "notiz-weidenkorb.pdf"
UNREADABLE_CONTENT = b"Keine Seite, nur Buchstaben: Weidenkorbflechterei.\n" * 40
"""Called PDF and none: it goes to quarantine as it is."""


def first_letter(record_class: str, canary: str, *must_say: str) -> Letter:
    """The first one-page letter of that class to the office's company that says all of this."""
    for seed in range(1, 400):
        letter = make_letter(
            seed, record_class=record_class, pages=1, year=2026, canary=canary, recipient=OFFICE_COMPANY,
            employee=OFFICE_EMPLOYEE,
        )  # fmt: skip
        if all(word in letter.text for word in (*must_say, canary)):
            return letter
    raise ValueError(f"no {record_class} says {must_say}")


@pytest.fixture(scope="session")
def letters() -> dict[str, Letter]:
    """The sample mail before it is scanned, by file name: one of accounting's in each file type, one of HR's."""
    names = list(CANARIES)
    wanted = [
        ("invoice", ("Überweisung", OFFICE_EMPLOYEE.split()[1])),
        ("reminder", ("Überweisung",)),
        ("payroll", ("Überweisung", OFFICE_EMPLOYEE.split()[1])),
        ("invoice", ("Überweisung",)),
        ("credit-note", ()),
    ]
    return {
        name: first_letter(record_class, CANARIES[name], *must_say)
        for name, (record_class, must_say) in zip(names, wanted, strict=True)
    }


@pytest.fixture(scope="session")
def scans(tmp_path_factory: pytest.TempPathFactory, letters: dict[str, Letter]) -> dict[str, Path]:
    """The sample mail as files, by name: small scans of every type, one born-digital PDF, one that is unreadable."""
    folder = tmp_path_factory.mktemp("scans")
    kinds = ("pdf", "tiff", "jpeg", "pdf-digital", "png")
    files = [
        write_scan(letter, folder, Path(name).stem, kind, dpi=200, preset="clean")
        for (name, letter), kind in zip(letters.items(), kinds, strict=True)
    ]
    (folder / UNREADABLE).write_bytes(UNREADABLE_CONTENT)
    return {file.name: file for file in [*files, folder / UNREADABLE]}


@pytest.fixture(scope="session")
def empty_office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """A new office, made once by `poststelle init --no-passphrase`; not to be changed."""
    return Office(tmp_path_factory.mktemp("empty") / "root").make(shipped=shipped_config())


@pytest.fixture(scope="session")
def filled_office(tmp_path_factory: pytest.TempPathFactory, empty_office: Office, scans: dict[str, Path]) -> Office:
    """The office after the sample mail was dropped and taken in; not to be changed."""
    office = empty_office.copy_to(tmp_path_factory.mktemp("filled") / "root").set_workers("auto")
    office.drop(*scans.values())
    ran = office.run("intake")
    assert ran.status == 1, f"the unreadable file should have gone to quarantine: {ran.text}\n{ran.err}"
    statuses = {document["source"]: document["status"] for document in ran.json["documents"]}
    assert statuses == {name: "quarantined" if name == UNREADABLE else "filed" for name in scans}, ran.text
    return office


@pytest.fixture
def office(tmp_path: Path, empty_office: Office) -> Office:
    """A new office of one's own."""
    return empty_office.copy_to(tmp_path / "root")


@pytest.fixture
def full_office(tmp_path: Path, filled_office: Office) -> Office:
    """An office with the sample mail, of one's own."""
    return filled_office.copy_to(tmp_path / "root")


@pytest.fixture(autouse=True, scope="session")
def the_suite_stays_dumpable() -> Iterator[None]:
    """Commands run in process must not harden the suite itself: the controls of the hardening tests look at it."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("poststelle.wiring", "poststelle.verbs.taking_in", "poststelle.verbs.unlocking"):
            patch.setattr(f"{module}.harden_process", lambda: None)
        yield
