"""Every role x verb x compartment x state: allowed and refused as the table says, and refusals tell nothing."""

from pathlib import Path
from unittest.mock import patch

import pytest
import rights_matrix
from filed_letters import together
from rights_matrix import ABSENT, DONE, LETTER_VERBS, OTHER_VERBS, ROLES, UNKNOWN, Case, fill, try_all, try_typed
from simulators import Office

from archive.reading import Reading
from poststelle.errors import NotPermitted
from poststelle.verbs.locating import Desk

PLACES = ("general", "finance", "hr", "unsorted")
"""The suite's share; `python tests/rights_matrix.py` tries every compartment and class."""
SAMPLED = 60
"""Of each run through the real command line; the full form tries 300."""
REFUSALS = 12
"""Of commands about no letter; the full form types all of them."""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, empty_office: Office) -> tuple[Office, list[Case]]:
    """An office with a letter in every state; nothing that is tried changes it."""
    office = empty_office.copy_to(tmp_path_factory.mktemp("matrix") / "root")
    return office, fill(office, PLACES)


def test_every_role_may_what_the_table_says_and_no_more(filled: tuple[Office, list[Case]]) -> None:
    """One wrong cell is a colleague who reads the payroll, or a clerk who cannot do their work."""
    office, cases = filled
    result = try_all(office, cases)

    assert result.wrong == []
    assert result.telling == [], "refusals that differ from the answer about a letter that never was"
    assert result.tries == len(ROLES) * (len(LETTER_VERBS) * len(cases) + len(OTHER_VERBS))
    assert min(result.statuses[status] for status in (0, 2, 3, 4)) > 50, "each kind of answer must occur"


def test_the_table_would_find_a_wrong_cell(filled: tuple[Office, list[Case]]) -> None:
    """The controls: a role with one compartment too many, and a refusal that says whose letter it is."""
    office, cases = filled
    sales = ROLES["sales"]
    narrowed = rights_matrix.Rights(("sales",), sales.takes_out, sales.decides, sales.files, sales.may)
    with patch.dict(ROLES, {"sales": narrowed}):
        wrong = try_all(office, cases, ["sales"]).wrong
    assert any("show filed/general: 0, not 4" in line for line in wrong)
    assert not any("finance" in line for line in wrong)

    honest = Reading.resolve

    def talkative(reading: Reading, name: str) -> object:
        registered = reading._find(name, "letter")
        if registered is not None and reading._compartment(registered) not in reading.compartments():
            raise NotPermitted(f"This letter is of {reading._compartment(registered)}.")
        return honest(reading, name)

    with patch.object(Reading, "resolve", talkative), patch.object(Desk, "require_right", lambda *_: None):
        told = try_all(office, cases, ["sales"])
    assert any("show filed/hr" in line and "of hr" in line for line in told.telling)
    for command in ("release", "withdraw"):
        assert any(line.startswith(f"sales: {command}: 0, not 3") for line in told.wrong)
        assert any(line.startswith(f"sales: {command}: ") for line in told.telling), "a plan that never was: not found"


def test_the_command_line_refuses_as_the_table_says(filled: tuple[Office, list[Case]], tmp_path: Path) -> None:
    """What a person types: the status of the table, and a refusal that is the same for a letter that never was."""
    office, cases = filled[0].copy_to(tmp_path / "root"), filled[1]
    result = try_typed(office, cases, SAMPLED, REFUSALS)

    assert (result.wrong, result.telling) == ([], [])
    assert result.tries == SAMPLED + REFUSALS
    assert {0, 3, 4} <= set(result.statuses)


def test_a_refusal_is_the_same_by_id_and_by_number(filled: tuple[Office, list[Case]]) -> None:
    """Numbers have no gaps, so everybody can guess the next one of a colleague's series."""
    office, _ = filled
    own, by_number, never = together(
        office,
        ("hr", ("show", "HR-2026-000001")),
        ("accounting", ("show", "HR-2026-000001")),
        ("accounting", ("show", ABSENT[1])),
    )
    assert own.status == DONE, "the control"
    assert (by_number.status, by_number.out, by_number.err) == (UNKNOWN, b"", never.err)
