"""The self-test: pinned days against the shipped table, a changed one, another country's, and a broken program."""

import ast
import functools
import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from simulators import Office

from archive.disposition import schedule_of
from archive.retention import Period, ScheduleLine
from archive.selftest import Selftest, Vector, run_selftest
from poststelle.config import Config, load
from poststelle.verbs.papers.live import START_EVENTS
from poststelle.wiring import retention_vectors, shipped_config

ROOT = shipped_config().parent
AUSTRIA = ROOT / "docs" / "examples" / "austria" / "config.yaml"


@functools.cache
def configuration(path: Path) -> Config:
    """A configuration, read once."""
    return load(path, None)


def checked(config: Path, schedule: dict[str, ScheduleLine] | None = None) -> Selftest:
    """The self-test of a configuration, or of a changed table of it."""
    read = configuration(config)
    law = read.law()
    values = json.loads(retention_vectors(read).read_bytes())["vectors"]
    vectors = [Vector.decode(number, value) for number, value in enumerate(values, 1)]
    lines = {code: rule["retention"] for code, rule in law["classes"].items()}
    return run_selftest(vectors, schedule or schedule_of(law), lines)


def shipped() -> dict[str, ScheduleLine]:
    """The table as it is shipped."""
    return schedule_of(configuration(shipped_config()).law())


def test_the_shipped_table_holds_every_pinned_day() -> None:
    """These days were computed by hand; a program that says others destroys evidence, or hoards people's data."""
    result = checked(shipped_config())

    assert result.failures == ()
    assert result.skipped == ()
    assert result.held >= 200


def test_every_line_and_every_class_has_a_pinned_day() -> None:
    """A line nobody pinned could be mistyped and would stay so for ten years."""
    law = configuration(shipped_config()).law()
    values = json.loads((ROOT / "archive" / "retention-vectors.json").read_bytes())["vectors"]

    assert {v["line"] for v in values if v.get("line")} == set(law["retention"])
    assert {v["class"] for v in values if v.get("class")} == set(law["classes"])
    assert len(law["retention"]) >= 35


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("FIN-08", {"period": Period(years=7)}),
        ("FIN-08", {"earlier": ()}),
        ("FIN-08", {"extended_by": ()}),
        ("HR-SICK", {"start_event": "leaving"}),
        ("COM-06", {"cutoff": "day"}),
        ("CON-06", {"start_event": "document-or-receipt"}),
        ("HR-APP", {"period": Period(days=180)}),
        ("ADV-00", {"period": Period(days=29)}),
        ("TITLE-30", {"period": Period(years=31)}),
    ],
)
def test_a_changed_line_names_the_days_that_no_longer_hold(code: str, change: dict[str, Any]) -> None:
    """Whoever edits the table must be told what the edit means, before anybody signs a plan."""
    table = shipped()
    result = checked(shipped_config(), table | {code: replace(table[code], **change)})

    assert result.failures
    assert {failure.line for failure in result.failures} == {code}


def test_an_audit_that_frees_with_its_last_day_is_found() -> None:
    """Pay records stay until the end of the year after the audit; a table that says less destroys them too early."""
    table = shipped()
    shorter = {
        code: replace(line, extended_by=tuple(replace(e, years_after=None) for e in line.extended_by))
        for code, line in table.items()
    }

    failed = {failure.line for failure in checked(shipped_config(), shorter).failures}

    assert failed == {"HR-CON", "HR-PAY", "HR-SOC", "HR-TIME", "SOC-08"}


def test_the_deletion_concept_names_every_event_in_german() -> None:
    """A data protection officer reads the paper, not the codes of a configuration."""
    assert {line.start_event for line in shipped().values()} <= set(START_EVENTS)


def test_a_program_that_forgets_leap_days_or_holds_fails() -> None:
    """The vectors are there to find the program's own mistakes too."""
    original = Period.after

    def without_leap_days(self: Period, start: Any) -> Any:
        return original(self, start) - timedelta(days=1)

    with patch.object(Period, "after", without_leap_days):
        assert checked(shipped_config()).failures
    with patch("archive.selftest.consider") as never:
        never.return_value.retention.due_on = None
        assert checked(shipped_config()).failures


def test_another_country_is_another_table() -> None:
    """An office in Vienna keeps seven years; nothing in the program may know that Bonn says eight."""
    result = checked(AUSTRIA)

    assert (result.failures, result.skipped) == ((), ())
    assert result.held >= 15
    assert {line.start_event for line in schedule_of(configuration(AUSTRIA).law()).values()} >= {"rejection", "leaving"}


LAW = re.compile(r"§|\b(AO|HGB|BGB|UStG|BDSG|BAO|UGB|SGB|BEG)\b")
"""Of one country. The General Data Protection Regulation is the same in each member state and may be named."""


def test_no_countrys_law_is_in_the_program() -> None:
    """A paragraph in code would count in Vienna too. Docstrings may cite where a rule comes from."""
    files = [*(ROOT / "archive").glob("*.py"), *(ROOT / "poststelle").rglob("*.py")]
    found = [(file.name, text) for file in files for text in _strings(file) if LAW.search(text)]

    assert found == []
    assert len(files) > 50
    assert any(LAW.search(line.basis) for line in shipped().values()), "the control: the table does say them"


def _strings(file: Path) -> list[str]:
    """String constants of a module that are not docstrings or notes below a name."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    notes = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in notes]
    return [node.value for node in constants if isinstance(node.value, str)]


# Through the command line -------------------------------------------------------------------------------------


def test_the_vaults_own_table_is_tested_and_so_is_a_changed_wish(office: Office) -> None:
    """The key book is the law and config.yaml the wish: a mistyped wish is told before somebody applies it."""
    clean = office.run("retention", "selftest")
    text = office.config.read_text(encoding="utf-8")
    office.config.write_text(text.replace("    years: 8\n", "    years: 7\n", 1), encoding="utf-8")
    changed = office.run("retention", "selftest")

    assert (clean.status, clean.json["ok"]) == (0, True)
    assert clean.json["vectors"] >= 200
    assert [table["table"] for table in clean.json["tables"]] == ["vault"]
    assert (changed.status, changed.json["ok"]) == (1, False)
    told = {table["table"]: {failure["line"] for failure in table["failures"]} for table in changed.json["tables"]}
    assert told == {"vault": set(), "config.yaml": {"FIN-08"}}


def test_an_office_without_a_vault_can_test_its_table(office: Office) -> None:
    """Before the first `init` is when a table is cheapest to correct."""
    there = office.run("--config", AUSTRIA, "retention", "selftest")
    broken = office.folder / "broken.yaml"
    broken.write_text(
        AUSTRIA.read_text(encoding="utf-8").replace("retention-vectors.json", "nowhere.json"), encoding="utf-8"
    )
    nowhere = office.run("--config", broken, "retention", "selftest")

    assert (there.status, there.json["ok"], there.json["tables"][0]["skipped"]) == (0, True, 0)
    assert (nowhere.status, "nowhere.json" in nowhere.err) == (2, True)


def test_the_table_shows_its_versions_and_what_is_to_be_signed_off(office: Office) -> None:
    """Whoever signs the table off must see which laws changed, what extends a line, and what is left to decide."""
    lines = {line["code"]: line for line in office.done("retention", "table").json["lines"]}
    text = office.done("retention", "table", as_json=False).text

    assert lines["FIN-08"]["earlier"] == [{"until": "2024-12-31", "period": "10 years"}]
    assert [extension["name"] for extension in lines["FIN-08"]["extended_by"]] == ["audit", "claim"]
    assert lines["FIN-10"]["sign_off"]
    assert "10 years until 2024-12-31" in text
    assert "to sign off" in text
