"""The catalogue: numbers without gaps, one transaction per letter, and log entries that cannot get lost."""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.catalogue import Catalogue, NewLetter, NewQuarantine
from archive.ledger import Ledger
from archive.objects import PartName, StoredPart
from poststelle.access.database import open_database
from poststelle.durable import Disk
from poststelle.errors import Damaged
from poststelle.records import Part
from poststelle.stages import Stage

AT = datetime(2026, 3, 17, 8, 0, tzinfo=UTC)
KEY = b"k" * 32


class Failing(Disk):
    """Fails commits on demand."""

    fails = False

    def step(self, action: str, target: str) -> None:
        if self.fails and action == "commit":
            raise OSError("disk full")


def letter(number: int, compartment: str = "finance", year: int = 2026, mark: bytes = b"m") -> NewLetter:
    document_id = f"{number:032x}"
    part = StoredPart(name=PartName(document_id=document_id, part=Part.ORIGINAL), sha256="0" * 64, size_bytes=1)
    return NewLetter(
        document_id=document_id, compartment=compartment, record_class="invoice", retention="FIN-08",
        stage=Stage.FILED, received_on=date(year, 3, 17), filed_at=AT, event_on=date(year, 3, 17), text_version=1,
        mark=mark, duplicate_of=None, pages=1, parts=(part,), wraps=(),
    )  # fmt: skip


def quarantined(number: int, retry_of: str | None = None) -> NewQuarantine:
    return NewQuarantine(
        document_id=f"{number:032x}", received_at=AT, filed_at=AT, size_bytes=1, mark=b"q", parts=(), wraps=(),
        retry_of=retry_of,
    )  # fmt: skip


@pytest.fixture
def disk() -> Failing:
    return Failing()


@pytest.fixture
def catalogue(tmp_path: Path, disk: Failing) -> Iterator[Catalogue]:
    made = Catalogue.create(open_database(tmp_path / "catalogue.db", disk, key=KEY, create=True))
    yield made
    made.close()


def test_numbers_have_no_gaps_per_compartment_and_year(catalogue: Catalogue) -> None:
    """An auditor who finds FIN-2026-000004 after FIN-2026-000002 asks where the third one went."""
    given = [
        catalogue.commit_letter(letter(n, compartment, year), by="x")
        for n, (compartment, year) in enumerate(
            [("finance", 2026), ("hr", 2026), ("finance", 2026), ("finance", 2025), ("finance", 2026), ("hr", 2026)]
        )
    ]

    assert [n.receipt for n in given] == [1, 2, 3, 4, 5, 6]
    assert [(n.year, n.number) for n in given] == [(2026, 1), (2026, 1), (2026, 2), (2025, 1), (2026, 3), (2026, 2)]
    assert catalogue.series_gaps() == []


def test_a_commit_that_fails_takes_no_number_and_leaves_no_entry(catalogue: Catalogue, disk: Failing) -> None:
    """The disk is full for a moment: the number is given to the next letter, and the log tells of one only."""
    catalogue.commit_letter(letter(1), by="x")
    disk.fails = True
    with pytest.raises(OSError, match="disk full"):
        catalogue.commit_letter(letter(2), by="x")
    disk.fails = False

    assert catalogue.commit_letter(letter(3), by="x").number == 2
    assert [entry.details["document"] for entry in catalogue.outbox()] == [f"{n:032x}" for n in (1, 3)]
    assert catalogue.letter(f"{2:032x}") is None
    assert catalogue.series_gaps() == []


def test_one_id_is_one_document(catalogue: Catalogue) -> None:
    """Whatever a crash repeats, the same claim must never get a second number."""
    catalogue.commit_letter(letter(1), by="x")
    with pytest.raises(Exception, match="UNIQUE"):
        catalogue.commit_letter(letter(1), by="x")
    assert catalogue.commit_letter(letter(2), by="x").number == 2
    assert catalogue.series_gaps() == []


def test_a_missing_row_is_a_gap(catalogue: Catalogue) -> None:
    """Somebody who can open the catalogue removes a letter's row: the series gives it away."""
    for number in (1, 2, 3):
        catalogue.commit_letter(letter(number), by="x")
    catalogue._db.run("DELETE FROM documents WHERE document = ?", (f"{2:032x}",))

    assert len(catalogue.series_gaps()) == 2  # of the compartment and of the intake book


def test_the_outbox_is_emptied_only_up_to_what_is_in_the_log(catalogue: Catalogue) -> None:
    """An entry that came while the log was written must not be thrown away with the others."""
    for number in (1, 2, 3):
        catalogue.commit_letter(letter(number), by="x")
    second = catalogue.outbox()[1].outbox
    assert second is not None
    catalogue.clear_outbox(second)

    assert [entry.details["document"] for entry in catalogue.outbox()] == [f"{3:032x}"]
    catalogue.clear_outbox(second + 1)
    catalogue.commit_letter(letter(4), by="x")
    assert catalogue.outbox()[0].outbox == second + 2, "numbers are never used again"


@pytest.fixture
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("in_berlin")
def test_a_file_quarantined_in_the_first_hour_of_the_year_is_numbered_in_it(catalogue: Catalogue) -> None:
    """It is still the old year in London."""
    new_year = replace(quarantined(1), filed_at=datetime(2026, 12, 31, 23, 30, tzinfo=UTC))
    assert catalogue.commit_quarantine(new_year, by="x").year == 2027


def test_quarantine_has_its_own_series_and_keeps_numbers_of_what_left(catalogue: Catalogue) -> None:
    """A discarded scan's number stays taken: nobody can later put another file in its place."""
    assert catalogue.commit_quarantine(quarantined(1), by="x").number == 1
    assert catalogue.commit_quarantine(quarantined(2), by="x").number == 2
    catalogue.discard(f"{1:032x}", "x", AT, {"reason": "leer"})
    assert catalogue.commit_quarantine(quarantined(3, retry_of=f"{2:032x}"), by="x").number == 3

    assert [row.number for row in catalogue.quarantine()] == [3]
    assert [row.stage for row in catalogue.all_quarantine()] == [Stage.DISCARDED, Stage.RETRIED, Stage.QUARANTINED]
    assert catalogue.gone() == [f"{1:032x}", f"{2:032x}"]
    assert catalogue.series_gaps() == []
    with pytest.raises(ValueError, match="cannot go"):
        catalogue.discard(f"{1:032x}", "x", AT, {})


def test_a_retry_is_remembered_before_it_begins(catalogue: Catalogue) -> None:
    """A crash in the middle of a retry must end with one letter: the claim knows whose copy it is."""
    catalogue.commit_quarantine(quarantined(1), by="x")
    catalogue.begin_retry(f"{1:032x}", "c" * 32)

    assert catalogue.retry_of("c" * 32) == f"{1:032x}"
    assert catalogue.retry_of("d" * 32) is None
    catalogue.commit_quarantine(quarantined(2, retry_of=f"{1:032x}"), by="x")
    assert catalogue.retry_of("c" * 32) is None


def test_duplicates_are_found_in_their_compartment_only(catalogue: Catalogue) -> None:
    """The pointer to a first copy must never lead into another department."""
    catalogue.commit_letter(letter(1, "hr", mark=b"same"), by="x")
    catalogue.commit_letter(letter(2, "finance", mark=b"same"), by="x")
    catalogue.commit_letter(letter(3, "finance", mark=b"same"), by="x")

    assert catalogue.first_with_mark("finance", b"same") == f"{2:032x}"
    assert catalogue.first_with_mark("sales", b"same") is None


class Rewriting(Disk):
    """Notes when a database is written anew."""

    def __init__(self) -> None:
        super().__init__()
        self.rewritten = 0

    def step(self, action: str, target: str) -> None:
        self.rewritten += action == "rewrite"


def test_no_page_keeps_what_was_known_of_a_destroyed_letter(tmp_path: Path, catalogue: Catalogue) -> None:
    """A duplicate mark tells whoever has the paper that we had it; SQLite leaves one in thousands legible in a gap."""
    marks = [hashlib.sha256(str(number).encode()).digest() for number in range(30)]
    for number, mark in enumerate(marks):
        catalogue.commit_letter(letter(number, mark=mark), "service")
    disk, document = Rewriting(), f"{7:032x}"
    with open_database(tmp_path / "catalogue.db", disk, key=KEY) as database:
        ledger = Ledger(database)
        traces = ledger.traces_of([document])
        assert marks[7] in traces
        ledger.begin_disposals("plan", {document: b""})
        database.run("INSERT INTO meta(name, value) VALUES('left', ?)", (marks[7],))
        ledger.finish_disposals([document], "certificate", "service", AT)

        assert not ledger.prove_gone(traces)
        assert disk.rewritten == 1
        assert ledger.owes_proof(), "as long as it is there, it has to be looked for"

        database.run("DELETE FROM meta WHERE name = 'left'")
        assert ledger.prove_gone(traces)
        assert disk.rewritten == 1, "where nothing is left, nothing is written anew"
        assert not ledger.owes_proof()
        pages = b"".join(database.pages())
        assert [mark in pages for mark in marks] == [number != 7 for number in range(30)]


def test_after_a_crash_every_page_is_written_anew(tmp_path: Path, catalogue: Catalogue) -> None:
    """Whoever comes then does not know any more what to look for."""
    catalogue.commit_letter(letter(1, mark=b"m" * 32), "service")
    disk = Rewriting()
    with open_database(tmp_path / "catalogue.db", disk, key=KEY) as database:
        ledger, document = Ledger(database), f"{1:032x}"
        ledger.begin_disposals("plan", {document: b""})
        ledger.finish_disposals([document], "certificate", "service", AT)
        assert ledger.owes_proof()

        assert ledger.prove_gone(None)

        assert disk.rewritten == 1
        assert not ledger.owes_proof()


def test_a_second_copy_keeps_its_mark_and_holds_nothing_up(tmp_path: Path, catalogue: Catalogue) -> None:
    """The same paper often comes twice: what the other letter has is not left over."""
    mark = hashlib.sha256(b"twice").digest()
    for number in (1, 2):
        catalogue.commit_letter(letter(number, mark=mark), "service")
    with open_database(tmp_path / "catalogue.db", Disk(), key=KEY) as database:
        ledger, document = Ledger(database), f"{1:032x}"
        traces = ledger.traces_of([document])
        ledger.begin_disposals("plan", {document: b""})
        ledger.finish_disposals([document], "certificate", "service", AT)

        assert ledger.prove_gone(traces)

        assert catalogue.first_with_mark("finance", mark) == f"{2:032x}"


def test_another_key_opens_no_catalogue(tmp_path: Path, catalogue: Catalogue) -> None:
    """The list of all letters is as confidential as the letters' headers."""
    catalogue.commit_letter(letter(1), by="x")
    catalogue.settle()
    assert b"finance" not in (tmp_path / "catalogue.db").read_bytes()
    with pytest.raises(Damaged):
        open_database(tmp_path / "catalogue.db", Disk(), key=b"x" * 32)


@settings(max_examples=25)
@given(order=st.lists(st.tuples(st.sampled_from(["finance", "hr"]), st.sampled_from([2025, 2026]), st.booleans())))
def test_any_order_of_letters_and_failures_keeps_the_series_whole(
    order: list[tuple[str, int, bool]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever comes and whatever fails, numbers are 1, 2, 3 … in every series."""
    disk = Failing()
    path = tmp_path_factory.mktemp("series") / "catalogue.db"
    catalogue = Catalogue.create(open_database(path, disk, key=KEY, create=True))
    expected: dict[tuple[str, int], int] = {}
    for number, (compartment, year, disk.fails) in enumerate(order):
        if disk.fails:
            with pytest.raises(OSError, match="disk full"):
                catalogue.commit_letter(letter(number, compartment, year), by="x")
            continue
        expected[compartment, year] = expected.get((compartment, year), 0) + 1
        assert catalogue.commit_letter(letter(number, compartment, year), by="x").number == expected[compartment, year]
    disk.fails = False
    assert catalogue.series_gaps() == []
    catalogue.close()
