"""An index follows the archive, whatever happens while it does."""

from collections.abc import Iterable, Iterator
from datetime import date

import pytest
from filed_letters import Content, Sample, classified_letter
from simulators import Office, environment_of

from archive.keystore import Registered
from archive.reading import Reading
from archive.textpart import LetterText
from poststelle.records import IndexEntry
from poststelle.verbs.finding import catch_up
from poststelle.verbs.taking_in import _indexer
from poststelle.wiring import Session, open_service
from search import CompartmentIndex

COMPARTMENT = "finance"


@pytest.fixture
def service(full_office: Office) -> Iterator[Session]:
    with open_service(environment_of(full_office)) as session:
        yield session


def test_a_letter_destroyed_while_it_is_read_does_not_come_back(
    service: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The certificate would say "gone" while a search still finds it."""
    index = service.index(COMPARTMENT)
    letter = service.reading.letters(COMPARTMENT)[0]
    index.remove(letter.document_id)
    read = Reading.text

    def destroyed_meanwhile(reading: Reading, registered: Registered) -> LetterText:
        text = read(reading, registered)
        service.mirrored_keys.forget_all([registered.document_id])
        assert index.purge([registered.document_id])
        return text

    monkeypatch.setattr(Reading, "text", destroyed_meanwhile)
    catch_up(service, COMPARTMENT, index)

    assert letter.document_id not in index.sequences()
    assert index.position() == service.reading.position(COMPARTMENT)


def test_a_letter_destroyed_before_it_is_made_findable_does_not_come_back(
    service: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Filing and the index are two steps; a purge, a move or a correction may come between."""
    sample = Sample(record_class="invoice", received_on=date(2026, 3, 17))
    filed = service.filing().file_letter(
        classified_letter(sample, COMPARTMENT), Content(sample.content), sample.received_on
    )
    add_many = CompartmentIndex.add_many

    def too_late(index: CompartmentIndex, entries: Iterable[IndexEntry]) -> None:
        service.mirrored_keys.forget_all([filed.document_id])
        add_many(index, entries)

    monkeypatch.setattr(CompartmentIndex, "add_many", too_late)
    _indexer(service)(filed)

    assert filed.document_id not in service.index(COMPARTMENT).sequences()


def test_a_letter_filed_while_the_lists_are_compared_stays_findable(
    service: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in one list and not yet in the other: that does not mean that it has left."""
    index = service.index(COMPARTMENT)
    listed, held = Reading.letters, CompartmentIndex.sequences
    *older, newest = listed(service.reading, COMPARTMENT)
    entry = index.get(newest.document_id)
    assert entry is not None
    index.remove(newest.document_id)
    index.remove(older[0].document_id)  # something to catch up with
    filed: list[bool] = []

    def is_filed() -> None:
        if not filed:
            filed.append(True)
            index.add(entry)

    def letters(reading: Reading, compartment: str) -> list[Registered]:
        found = listed(reading, compartment) if filed else older
        is_filed()
        return found

    def sequences(asked: CompartmentIndex) -> dict[str, int]:
        found = held(asked)
        is_filed()
        return found

    monkeypatch.setattr(Reading, "letters", letters)
    monkeypatch.setattr(CompartmentIndex, "sequences", sequences)
    assert catch_up(service, COMPARTMENT, index) == 0

    assert held(index) == {letter.document_id: letter.sequence for letter in [*older, newest]}


def test_a_letter_that_left_is_removed_with_proof(service: Session) -> None:
    """A search may come between the end of the keys and the purge, which then finds nothing to remove."""
    index = service.index(COMPARTMENT)
    letter = service.reading.letters(COMPARTMENT)[0]
    service.mirrored_keys.forget_all([letter.document_id])

    assert catch_up(service, COMPARTMENT, index) == 0

    assert letter.document_id not in index.sequences()
    assert not index.owes_proof()
