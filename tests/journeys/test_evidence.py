"""The papers: made from live state, claiming nothing that no test shows, and wrong as soon as the office changes."""

import ast
import hashlib
import importlib.metadata
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pypdfium2
import pytest
from filed_letters import together
from pikepdf.pdfa import validate_written
from simulators import Office, environment_of

from poststelle.verbs.evidence import check, export
from poststelle.verbs.papers.live import Live, live_state
from poststelle.verbs.papers.measures import Measure, all_measures, measures_list
from poststelle.verbs.papers.procedure import CONTROLS, STEPS
from poststelle.wiring import open_service

ROOT = Path(__file__).parents[2]
PAPERS = ("loeschkonzept", "massnahmen", "stand", "verfahrensdokumentation", "verzeichnis-verarbeitung")


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory, empty_office: Office) -> tuple[Office, Path]:
    """An office and its papers, made once."""
    root = tmp_path_factory.mktemp("evidence")
    office = empty_office.copy_to(root / "root")
    office.done("evidence", "export", root / "papers", user="dpo")
    return office, root / "papers"


@pytest.fixture
def changed(tmp_path: Path, papers: tuple[Office, Path]) -> Office:
    """That office, to be changed."""
    return papers[0].copy_to(tmp_path / "root")


def problems(office: Office, folder: Path) -> list[str]:
    """What `evidence check` finds."""
    with open_service(environment_of(office)) as session:
        return list(check(session, folder).problems)


def text_of(folder: Path) -> str:
    """All papers as one text."""
    return "\n".join((folder / f"{name}.md").read_text(encoding="utf-8") for name in PAPERS)


# What they are ----------------------------------------------------------------------------------------------------


def test_every_paper_is_there_as_text_and_pdf_and_in_the_hash_list(papers: tuple[Office, Path]) -> None:
    """An auditor checks with a tool of their own that nothing was exchanged on the way."""
    _, folder = papers
    listed = dict(reversed(line.split("  ")) for line in (folder / "SHA256SUMS").read_text().splitlines())

    assert set(listed) == {f"{name}.{end}" for name in PAPERS for end in ("md", "pdf")}
    assert all(hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest for name, digest in listed.items())
    for name in PAPERS:
        pdf = pypdfium2.PdfDocument(folder / f"{name}.pdf")
        shown = "".join(page.get_textpage().get_text_bounded() for page in pdf)
        words = set(re.findall(r"[A-Za-zÄÖÜäöüß]{5,}", (folder / f"{name}.md").read_text(encoding="utf-8")))
        told = set(re.findall(r"[A-Za-zÄÖÜäöüß]{5,}", shown))
        assert len(words & told) > 0.8 * len(words), "the PDF says what the text says"


def test_they_say_what_the_law_of_the_vault_says(papers: tuple[Office, Path]) -> None:
    """A paper that was written by hand once would soon be of another office."""
    office, folder = papers
    deletion = (folder / "loeschkonzept.md").read_text(encoding="utf-8")
    procedure = (folder / "verfahrensdokumentation.md").read_text(encoding="utf-8")
    law = live(office).office

    for code, rule in law["classes"].items():
        assert (
            f"| {rule['label']} | {law['compartments'][rule['compartment']]['label']} | {rule['retention']} |"
            in deletion
        )
        assert f"| {code} |" in procedure
    assert "| FIN-08 | Buchungsbelege und Rechnungen | 8 Jahre |" in deletion
    assert "bis 31.12.2024: 10 Jahre" in deletion
    assert "3 volle Kalenderjahre" in deletion
    for role in law["roles"].values():
        assert role["label"] == "service" or role["label"] in procedure
    assert importlib.metadata.version("poststelle") in procedure


def test_what_only_the_company_knows_is_marked_open(papers: tuple[Office, Path]) -> None:
    """A paper that fills such gaps by itself would be a false statement to an authority."""
    record = (papers[1] / "verzeichnis-verarbeitung.md").read_text(encoding="utf-8")

    assert "Anschrift, Vertretung, gemeinsam Verantwortliche: offen" in record
    assert "## e) Übermittlung in Drittländer\n\nOffen" in record


def live(office: Office) -> Live:
    """Live state of an office."""
    with open_service(environment_of(office)) as session:
        return live_state(session, date(2026, 3, 17))


# What they claim --------------------------------------------------------------------------------------------------


def absent(measures: tuple[Measure, ...]) -> list[str]:
    """Tests and kinds of entries that measures name and that do not exist."""
    code = "\n".join(p.read_text(encoding="utf-8") for f in ("poststelle", "archive") for p in code_files(f))
    lacking = [test for measure in measures for test in measure.tests if not is_test(test)]
    return lacking + [kind for measure in measures for kind in measure.kinds if f'"{kind}"' not in code]


def code_files(folder: str) -> list[Path]:
    """The program's own code, without the papers, which name kinds themselves."""
    return [path for path in (ROOT / folder).rglob("*.py") if "papers" not in path.parts]


def is_test(name: str) -> bool:
    """Whether a test of this name exists."""
    file, _, function = name.partition("::")
    path = ROOT / file
    if not path.is_file() or not function.startswith("test_"):
        return False
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(isinstance(node, ast.FunctionDef) and node.name == function for node in tree.body)


def test_every_test_and_entry_that_a_measure_names_exists() -> None:
    """A renamed test would leave a claim that nothing shows, in a paper that an auditor reads."""
    steps = Measure("Schritte", "", (), (), (), tuple(test for *_, test in STEPS), ())
    controls = Measure("Kontrollen", "", (), (), (), (), tuple(kind for *_, kind in CONTROLS if kind))

    assert absent((*all_measures(), steps, controls)) == []
    assert all(measure.tests for measure in all_measures()), "no measure without a test"


def test_a_claim_that_nothing_shows_would_be_noticed() -> None:
    """The control of the test above."""
    made_up = Measure(
        "Erfunden",
        "",
        (),
        (),
        (),
        ("tests/journeys/test_evidence.py::test_of_nothing", "tests/no.py::test_x"),
        ("no-kind",),
    )

    assert absent((made_up,)) == [*made_up.tests, "no-kind"]


def test_numbers_are_written_as_their_catalogues_write_them() -> None:
    """An auditor looks a number up; one that cannot be is worthless."""
    for measure in all_measures():
        assert all(re.fullmatch(r"M(11|41|42|43|50|51|60|61|62)\.[DSP]\d\d", number) for number in measure.sdm)
        assert all(re.fullmatch(r"A\.[5-8]\.\d{1,2}", number) for number in measure.iso)
        assert all(re.fullmatch(r"[1-9]\.\d\.\d{1,2}", number) for number in measure.isa)
        assert measure.sdm or measure.iso or measure.isa


def test_what_was_configured_away_is_not_claimed(papers: tuple[Office, Path]) -> None:
    """An office that reads the works council's mail must not say on paper that it does not."""
    state = live(papers[0])
    without = replace(state, operation=state.operation | {"sealed_lane": {}})

    assert "Geschützte Post" in str(measures_list(state)), "the control"
    assert "Geschützte Post" not in str(measures_list(without))


# When they are wrong ----------------------------------------------------------------------------------------------


def test_papers_of_an_unchanged_office_match(papers: tuple[Office, Path]) -> None:
    """The control: work that goes on must not make them wrong."""
    office, folder = papers
    together(office, ("owner", ("search", "Rechnung")), (None, ("verify",)), ("owner", ("kit", "check", office.kit)))

    ran = office.done("evidence", "check", folder, user="records-manager")

    assert (ran.json["ok"], ran.json["problems"]) == (True, [])


def add_person(office: Office, folder: Path) -> None:
    together(office, ("owner", ("user", "add", "berta", "--role", "sales", "--no-passphrase")))


def change_period(office: Office, folder: Path) -> None:
    text = office.config.read_text(encoding="utf-8")
    office.config.write_text(text.replace("\n    days: 30\n", "\n    days: 60\n"), encoding="utf-8")
    [ran] = together(office, ("owner", ("config", "apply", "--yes")))
    assert ran.status == 0, ran.err


def change_setting(office: Office, folder: Path) -> None:
    text = office.config.read_text(encoding="utf-8")
    assert "keep_days: 30 " in text
    office.config.write_text(text.replace("keep_days: 30 ", "keep_days: 90 "), encoding="utf-8")


def unsigned_wish(office: Office, folder: Path) -> None:
    text = office.config.read_text(encoding="utf-8")
    office.config.write_text(text.replace("label: Prüfung", "label: Revision"), encoding="utf-8")


def change_text(office: Office, folder: Path) -> None:
    path = folder / "massnahmen.md"
    path.write_text(path.read_text(encoding="utf-8").replace("Quarantäne", "Papierkorb"), encoding="utf-8")


def test_every_paper_is_made_for_the_archive(papers: tuple[Office, Path]) -> None:
    """Papers about ten years must open in ten years: fonts, colours and metadata are in them, as PDF/A-2b asks."""
    _, folder = papers
    passed = {path.name: validate_written(path, "2b").passed for path in folder.glob("*.pdf")}

    assert passed == dict.fromkeys((f"{name}.pdf" for name in PAPERS), True)


def change_pdf(office: Office, folder: Path) -> None:
    (folder / "stand.pdf").write_bytes((folder / "stand.pdf").read_bytes() + b"\n")


def lose_paper(office: Office, folder: Path) -> None:
    (folder / "loeschkonzept.md").unlink()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (add_person, "verfahrensdokumentation.md no longer describes this office: 1.3 Rollen, Rechte und Personen"),
        (change_period, "loeschkonzept.md no longer describes this office: 1 Datenarten"),
        (change_setting, "4 Betriebsdokumentation"),
        (unsigned_wish, "config.yaml says something else"),
        (change_text, "massnahmen.md was changed"),
        (change_pdf, "stand.pdf was changed"),
        (lose_paper, "loeschkonzept.md is missing"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_papers_that_no_longer_match_fail(
    changed: Office, papers: tuple[Office, Path], tmp_path: Path,
    change: Callable[[Office, Path], None], said: str,
) -> None:  # fmt: skip
    """A paper that describes last year's office misleads whoever relies on it; the check must say where."""
    folder = copy_of(papers[1], tmp_path)
    change(changed, folder)

    assert any(said in problem for problem in problems(changed, folder)), problems(changed, folder)


def copy_of(folder: Path, root: Path) -> Path:
    """The same papers elsewhere."""
    copy = root / "copy"
    copy.mkdir()
    for path in folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    return copy


def test_another_version_and_a_lost_log_are_told(
    changed: Office, papers: tuple[Office, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was tested was the version that is named; and papers of a log that is gone prove nothing."""
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "99.0")
    told = problems(changed, papers[1])
    monkeypatch.undo()
    log = changed.vault / "audit.jsonl"
    log.write_bytes(log.read_bytes().splitlines(keepends=True)[0].replace(b'"n":0', b'"n":7'))

    assert len([problem for problem in told if "no longer describes" in problem]) == 4
    with open_service(environment_of(changed)) as session:
        for head in changed.state.rglob("*.head"):
            head.unlink()
        assert not any("The log no longer contains" in problem for problem in told), "the control"
        assert any("The log no longer contains" in problem for problem in check(session, papers[1]).problems)


def test_the_check_ends_with_one_where_something_differs(
    changed: Office, papers: tuple[Office, Path], tmp_path: Path
) -> None:
    """A nightly job looks at the exit status alone."""
    change_setting(changed, tmp_path)
    other, empty, foreign = together(
        changed,
        (None, ("evidence", "check", papers[1])),
        (None, ("evidence", "check", tmp_path)),
        ("accounting", ("evidence", "check", papers[1])),
    )

    assert (other.status, other.json["ok"]) == (1, False)
    assert (empty.status, foreign.status) == (2, 3)


def test_no_folder_is_written_over_and_the_same_state_makes_the_same_papers(
    changed: Office, papers: tuple[Office, Path], tmp_path: Path
) -> None:
    """Last year's papers are evidence too; and two exports that differ would make people doubt both."""
    refused = changed.run("evidence", "export", papers[1])
    with open_service(environment_of(changed)) as session:
        export(session, tmp_path / "again")

    assert refused.status == 2
    lasting = [name for name in PAPERS if name != "stand"]
    for name in [f"{name}.{end}" for name in lasting for end in ("md", "pdf")]:
        assert (tmp_path / "again" / name).read_bytes() == (papers[1] / name).read_bytes(), name


def test_papers_name_no_letter_and_no_searched_word(office_with_words: Path) -> None:
    """They are handed out; what was searched for, and in whose mail, is not for those who read them."""
    text = text_of(office_with_words)

    assert "Moorbirkenhain" not in text
    assert "search" in text, "the control: that there was a search is counted"


@pytest.fixture
def office_with_words(tmp_path: Path, empty_office: Office) -> Path:
    """Papers of an office in which somebody searched."""
    office = empty_office.copy_to(tmp_path / "root")
    together(office, ("accounting", ("search", "Moorbirkenhain")))
    office.done("evidence", "export", tmp_path / "papers")
    return tmp_path / "papers"
