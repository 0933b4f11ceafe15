"""The log: every command with effect is in it, nobody changes it unseen, and what has expired is gone."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import UNREADABLE_CONTENT
from filed_letters import Sample, file_letters, together
from simulators import Office, Ran, environment_of

from poststelle.access.audit import EXPIRED, AuditLog, Entry
from poststelle.access.checkpoints import EXPIRED_ENTRY, EXPIRY
from poststelle.access.keybook import canonical
from poststelle.access.statements import make_statement
from poststelle.cli import run as run_command
from poststelle.verbs.auditing import expire
from poststelle.wiring import Session, open_person, open_service

DUE = Sample(record_class="invoice", received_on=date(2014, 6, 30), word="Zwiebelturmuhr")
STAYS = Sample(record_class="invoice", received_on=date(2026, 3, 17), word="Moorbirkenhain")
CONTRACT = Sample(record_class="contract", received_on=date(2026, 3, 18), word="Weidenkorbflechterei")
UNSURE = Sample(record_class="other", received_on=date(2026, 3, 19), word="Heidelbeerkraut", needs_review=True)
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory, empty_office: Office) -> tuple[Office, dict[str, str]]:
    """An office with a letter that is due, a voucher, a contract and a doubtful letter; ids by word."""
    office = empty_office.copy_to(tmp_path_factory.mktemp("audit") / "root")
    samples = (DUE, STAYS, CONTRACT, UNSURE)
    return office, dict(zip([s.word for s in samples], file_letters(office, samples), strict=True))


@pytest.fixture
def office(tmp_path: Path, filed: tuple[Office, dict[str, str]]) -> Office:
    """That office, of one's own."""
    return filed[0].copy_to(tmp_path / "root")


def log_of(office: Office) -> Path:
    """The log's file."""
    return office.vault / "audit.jsonl"


def lines_of(office: Office) -> list[dict[str, Any]]:
    """Its lines, unchecked."""
    return [json.loads(line) for line in log_of(office).read_bytes().splitlines()]


# Every command ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """A command of the walk: what it is given, who runs it, and which entry it must leave."""

    kind: str
    arguments: str = ""
    user: str | None = None
    status: int = 0


WALK: tuple[dict[str, Told], ...] = (
    {
        "intake": Told("quarantined", "{scan}", None, 1),
        "quarantine list": Told("quarantine-list", "", "mailroom"),
        "search": Told("search", "Moorbirkenhain", "accounting"),
        "show": Told("show", "{stays}", "accounting"),
        "export": Told("export", "{stays} -o {out}/letter", "accounting"),
        "open": Told("open", "{stays} --with true", "accounting"),
        "deadlines": Told("deadlines", "", "accounting"),
        "list": Told("intake-book", "", "mailroom"),
        "review list": Told("review-list", "", "mailroom"),
        "review decide": Told("review-decided", "{unsure} advertising", "mailroom"),
        "reclassify": Told("reclassified", "{contract} termination", "owner"),
        "facts set": Told("fact-set", "{stays} reference RE-1", "accounting"),
        "event set": Told("event-set", "{stays} audit-begin 2026-06-30", "accounting"),
        "retention explain": Told("retention-explained", "{stays}", "records-manager"),
        "hold place": Told("hold-placed", "{stays} --reason Klage", "legal-and-records"),
        "restrict place": Told("restrict-place", "{contract} --ground art18 --reason Antrag", "owner"),
        "purge plan": Told("purge-planned", "", "records-manager"),
        "report": Told("report", "", "records-manager"),
        "verify": Told("verified"),
        "rebuild index": Told("index-rebuilt", "finance", "owner"),
        "backup": Told("backup", "{out}/backup"),
        "user add": Told("user-added", "berta --role sales --no-passphrase", "owner"),
        "role grant": Told("role-granted", "sales accounting", "owner"),
        "delegate": Told("delegated", "--role accounting --to hr --until 2099-01-01 --reason Urlaub", "owner"),
        "identity replace": Told("identity-replaced", "legal --no-passphrase", "owner"),
        "kit renew": Told("kit-renewed", "--kit {out}/kit.txt", "owner"),
        "kit check": Told("kit-proved", "{out}/kit.txt", "owner"),
        "audit show": Told("audit-shown", "", "auditor"),
        "audit verify": Told("audit-verified"),
        "audit checkpoint": Told("checkpoint"),
        "evidence export": Told("evidence-exported", "{out}/papers"),
        "evidence check": Told("evidence-checked", "{out}/papers"),
    },
    {
        "quarantine show": Told("quarantine-show", "{quarantined}", "mailroom"),
        "quarantine discard": Told("quarantine-discarded", "{quarantined} --reason leer --yes", "mailroom"),
        "hold lift": Told("hold-lifted", "{hold} --reason vorbei", "owner"),
        "restrict lift": Told("restrict-lift", "{contract} --reason vorbei", "owner"),
        "purge release": Told("purge-released", "{plan} --reason Frist", "owner"),
        "purge run": Told("disposed"),
        "purge prove": Told("purge-proved", "{due}", "records-manager"),
        "purge confirm-date": Told("date-confirmed", "{today} --reason Kalender", "records-manager"),
        "delegate end": Told("delegation-ended", "{delegation}", "owner"),
        "role revoke": Told("role-revoked", "sales accounting", "owner"),
        "user remove": Told("user-removed", "berta", "owner"),
    },
)
ELSEWHERE = {
    "init": ("founded", "tests/journeys/test_audit.py::test_a_new_log_begins_with_its_foundation"),
    "watch": ("filed", "tests/journeys/test_watch.py::test_sigterm_finishes_or_hands_back"),
    "quarantine retry": ("quarantine-retry", "tests/journeys/test_the_whole_story.py::test_a_raised_limit_lets_a_quarantined_scan_in"),
    "purge withdraw": ("purge-withdrawn", "tests/journeys/test_purge.py::test_a_withdrawn_plan_is_not_carried_out"),
    "rebuild catalogue": ("catalogue-rebuilt", "tests/journeys/test_status_rebuild.py::test_a_lost_or_damaged_catalogue_is_made_again_row_by_row"),
    "restore": ("restored", "tests/journeys/test_backup.py::test_the_log_goes_on_after_a_restore"),
    "unlock": ("unlock", "tests/journeys/test_unlock.py::test_unlocking_is_logged_and_a_wrong_passphrase_unlocks_nothing"),
    "config apply": ("config-applied", "tests/journeys/test_people.py::test_config_becomes_law_by_a_signature_only"),
    "audit expire": ("audit-expired", "tests/journeys/test_audit.py::test_old_details_expire_and_the_chain_still_holds"),
    "classifier train": ("classifier-trained", "tests/journeys/test_learning.py::test_status_says_what_was_learned_and_that_it_counts"),
}  # fmt: skip
"""Commands whose entry needs a story of its own: the kind, and the test that makes it."""
NOT_LOGGED = {
    "separators": "prints sheets, opens no office",
    "retention selftest": "reads a table",
    "retention table": "reads the law, which everybody may",
    "hold list": "reads decisions that are in the log themselves",
    "restrict list": "reads decisions that are in the log themselves",
    "purge list": "reads decisions that are in the log themselves",
    "status": "counts",
    "doctor": "looks at the machine",
    "classifier evaluate": "reads a folder of the person's own",
    "classifier status": "says how sure the program is",
    "user list": "reads the key book, which everybody may",
    "role list": "reads the key book, which everybody may",
    "delegate list": "reads the key book, which everybody may",
    "identity passphrase": "changes a file of the person's own, nothing of the vault",
}
"""Commands without an entry, and why none is needed."""


@dataclass(frozen=True, slots=True)
class Walked:
    """An office in which every command of the walk was run."""

    office: Office
    answers: dict[str, Ran]
    people: dict[str, str]
    """User by person id."""


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory, filed: tuple[Office, dict[str, str]]) -> Walked:
    """Run the walk, each round in one process; ids that a round needs come from the one before."""
    root = tmp_path_factory.mktemp("walk")
    office, ids = filed[0].copy_to(root / "root"), filed[1]
    (root / "kaputt.pdf").write_bytes(UNREADABLE_CONTENT)
    names = {
        "scan": str(root / "kaputt.pdf"), "out": str(root), "today": datetime.now().date().isoformat(),
        "stays": ids[STAYS.word], "contract": ids[CONTRACT.word], "unsure": ids[UNSURE.word], "due": ids[DUE.word],
    }  # fmt: skip
    answers: dict[str, Ran] = {}
    for commands in WALK:
        ran = together(office, *[(told.user, words_of(name, told, names)) for name, told in commands.items()])
        answers |= dict(zip(commands, ran, strict=True))
        names |= answered(answers)
    with open_service(environment_of(office)) as session:
        people = {person.person_id: person.user for person in session.book.people.values()}
    return Walked(office, answers, people)


def words_of(name: str, told: Told, names: dict[str, str]) -> list[str]:
    """The arguments of a command, its placeholders filled in."""
    return [*name.split(), *(word.format(**names) for word in told.arguments.split())]


def answered(answers: dict[str, Ran]) -> dict[str, str]:
    """Ids that later commands need."""
    return {
        "quarantined": answers["quarantine list"].json["documents"][0]["accession"],
        "hold": answers["hold place"].json["holds"][0]["hold"],
        "plan": answers["purge plan"].json["plan_id"],
        "delegation": str(answers["delegate"].json.get("delegation", answers["delegate"].json.get("number", ""))),
    }
