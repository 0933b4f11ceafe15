"""Identities with passphrases, and installations that are not what they should be."""

import json
from pathlib import Path

import pytest
from simulators import Office

from poststelle.wiring import shipped_config

OWN = "sieben blaue Kähne am Kai"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, scans: dict[str, Path]) -> tuple[Office, dict[str, str]]:
    """An office whose identities open with one-time codes, with one letter of accounting's; and the codes."""
    root = tmp_path_factory.mktemp("guarded") / "root"
    office = Office(root)
    for folder in (office.folder, root / "home", office.temporary):
        folder.mkdir(parents=True)
    text = shipped_config().read_text(encoding="utf-8")
    office.config.write_text(text.replace("settle_seconds: 2 ", "settle_seconds: 0.2 "), encoding="utf-8")
    ran = office.done("init")
    made = ran.json
    assert "the only owner" in ran.err and "--kit FILE" in ran.err, "what helps is said on the first day"
    codes = {identity["user"]: identity["one_time_code"] for identity in made["identities"]}
    office.drop(scans["per-mail-heidelbeer.pdf"])
    office.done("intake")
    return office, codes


def phrase_file(folder: Path, phrase: str) -> dict[str, str]:
    """The environment that names a file with this passphrase."""
    path = folder / "phrase"
    path.write_text(phrase + "\n")
    return {"POSTSTELLE_PASSPHRASE_FILE": str(path)}


def test_from_the_one_time_code_to_a_passphrase_of_ones_own(
    guarded: tuple[Office, dict[str, str]], tmp_path: Path
) -> None:
    """What the administrator handed out on paper must stop working once its owner has chosen their own words."""
    office, codes = guarded
    code = phrase_file(tmp_path, codes["accounting"])
    new = tmp_path / "new"
    new.write_text(OWN + "\n")

    changed = office.run("identity", "passphrase", "--new-file", new, user="accounting", env=code)
    assert changed.status == 0, changed.err

    own = phrase_file(tmp_path, OWN)
    found = office.run("search", "Heidelbeerkraut", user="accounting", env=own)
    assert (found.status, found.json["total"]) == (0, 1)
    code = phrase_file(tmp_path, codes["accounting"])
    refused = office.run("search", "Heidelbeerkraut", user="accounting", env=code)
    assert (refused.status, refused.out) == (2, b"")
    assert "does not open with this passphrase" in refused.err
    assert codes["accounting"] not in refused.err


def test_a_wrong_passphrase_says_nothing_and_changes_nothing(
    guarded: tuple[Office, dict[str, str]], tmp_path: Path
) -> None:
    """Somebody guesses: they must not get in, nor replace the passphrase."""
    office, codes = guarded
    before = office.identity("hr").read_bytes()
    new = tmp_path / "new"
    new.write_text(OWN)

    guessed = phrase_file(tmp_path, "falsch-geraten-wirklich")
    assert office.run("search", "x", user="hr", env=guessed).status == 2
    assert office.run("identity", "passphrase", "--new-file", new, user="hr", env=guessed).status == 2
    new.write_text("kurz")
    right = phrase_file(tmp_path, codes["hr"])
    assert office.run("identity", "passphrase", "--new-file", new, user="hr", env=right).status == 2, "too short"

    assert office.identity("hr").read_bytes() == before
    assert office.run("search", "x", user="hr", env=right).status == 0, "the control: the code still opens it"


def test_nobody_is_asked_where_nobody_can_answer(guarded: tuple[Office, dict[str, str]]) -> None:
    """A script without the passphrase file must fail at once with help, not hang at a prompt."""
    office, _ = guarded
    ran = office.run("search", "x", user="sales")

    assert (ran.status, ran.out) == (2, b"")
    assert "POSTSTELLE_PASSPHRASE_FILE" in ran.err


def test_one_time_codes_are_reported_until_they_are_changed(guarded: tuple[Office, dict[str, str]]) -> None:
    """Codes on slips of paper open the mail: doctor must name whose are still valid."""
    office, _ = guarded
    checks = {check["name"]: check for check in office.run("doctor").json["checks"]}

    assert not checks["identities"]["ok"]
    assert "management" in checks["identities"]["detail"]


def test_who_left_is_not_sent_to_choose_a_passphrase(full_office: Office) -> None:
    """The file of a trainee who never came lies about: nobody can run anything with it."""
    full_office.done("user", "add", "anna", "--role", "sales", user="owner")
    (before,) = [c for c in full_office.run("doctor").json["checks"] if c["name"] == "identities"]
    full_office.done("user", "remove", "anna", user="owner")
    (after,) = [c for c in full_office.run("doctor").json["checks"] if c["name"] == "identities"]

    assert (before["ok"], "anna. Each runs" in before["detail"]) == (False, True), "the control"
    assert (after["ok"], "identity passphrase" in after["detail"]) == (True, False)
    assert "anna.identity; remove them" in after["detail"]


def test_an_identity_of_another_office_is_refused(filled_office: Office, empty_office: Office, tmp_path: Path) -> None:
    """Two companies on one machine: a mistyped path must not mix them, and must say what is wrong."""
    other = Office(tmp_path / "other").make(shipped=shipped_config())

    ran = filled_office.run("--identity", other.identity("accounting"), "search", "Überweisung")

    assert (ran.status, ran.out) == (2, b"")
    assert "made for another vault" in ran.err


def test_a_changed_key_book_is_refused_by_everybody(full_office: Office) -> None:
    """The administrator writes themselves into accounting: nothing may open until it is undone."""
    book = full_office.vault / "keybook.jsonl"
    lines = book.read_bytes().splitlines(keepends=True)
    people = next(i for i, line in enumerate(lines) if b'"kind":"people"' in line)
    forged = json.loads(lines[people])
    for person in forged["body"]["people"]:
        if person["user"] == "administrator":
            person["roles"] = ["accounting"]
    lines[people] = json.dumps(forged, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    book.write_bytes(b"".join(lines))

    for user in ("administrator", "accounting", "owner"):
        ran = full_office.run("search", "Überweisung", user=user)
        assert (ran.status, ran.out) == (5, b""), user
        assert "key book" in ran.err


def test_a_changed_config_gives_nobody_a_right(full_office: Office) -> None:
    """config.yaml is the wish, the key book the law: whoever may edit the file may not thereby read HR's mail."""
    text = full_office.config.read_text()
    wish = "  accounting:\n    label: Buchhaltung\n    compartments:\n      finance: ["
    assert wish in text
    full_office.config.write_text(text.replace(wish, wish.replace("finance: [", "hr: [find, read]\n      finance: [")))

    hits = full_office.done("search", "Überweisung", user="accounting").json["hits"]

    assert {hit["accession"].split("-")[0] for hit in hits} == {"FIN"}
    checks = {check["name"]: check for check in full_office.run("doctor").json["checks"]}
    assert not checks["key book"]["ok"], "the change is reported, not silently ignored"


def test_a_rolled_back_log_is_noticed_by_whoever_saw_it(full_office: Office) -> None:
    """Somebody reads HR's mail and then cuts the log: every person who worked before must be told."""
    full_office.done("search", "Überweisung", user="accounting")
    log = full_office.vault / "audit.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:-1]))

    ran = full_office.run("search", "Überweisung", user="accounting")

    assert (ran.status, ran.out) == (5, b"")
    assert "rolled back" in ran.err
    assert full_office.run("search", "Überweisung", user="hr").status == 0, "the control: who saw less is not told"


@pytest.mark.parametrize("room", ["intake", "search", "archive", "classifiers"])
def test_a_foreign_package_in_place_of_ours_is_refused(room: str, filled_office: Office, tmp_path: Path) -> None:
    """All four names exist on the package index: an install that was overwritten must say so, not half work."""
    fake = tmp_path / "site" / room
    fake.mkdir(parents=True)
    (fake / "__init__.py").write_text('__version__ = "1.0"\n')
    where = {"PYTHONPATH": str(fake.parent)}

    ran = filled_office.run("search", "Überweisung", user="accounting", env=where)

    assert (ran.status, ran.out) == (2, b"")
    assert f"{room!r}" in ran.err
    assert "pipx" in ran.err or "venv" in ran.err
    assert "Traceback" not in ran.err
