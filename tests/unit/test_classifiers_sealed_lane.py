"""Letters that only one person may open: kept narrowly, whatever they seem to be about."""

from datetime import date
from pathlib import Path

import pytest
from typed_letters import INVOICE, letter, typed

from classifiers import Classifier
from poststelle.config import load
from poststelle.records import ClassifiedDocument
from poststelle.wiring import classifier

ROOT = Path(__file__).resolve().parents[2]
HEAD = """Tischlerei Morgenstern GmbH


Tischlerei Morgenstern GmbH · Ahornweg 7 · 99084 Erfurt


{mark}
Musterbetrieb GmbH
Lindenstraße 1
01067 Dresden
"""
OFFICES = [
    "An den Betriebsrat",
    "z. Hd. der Betriebsärztin",
    "Herrn Datenschutzbeauftragten",
    "Betriebsrat - persönlich -",
]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    return classifier(load(ROOT / "config.yaml", tmp_path_factory.mktemp("cache")))


def addressed(shipped: Classifier, mark: str, text: str = INVOICE) -> ClassifiedDocument:
    """The letter, with this line in its address."""
    body = text.partition("15. März 2026")[2]
    marked = letter(body.strip("\n"), head=HEAD.format(mark=mark))
    return shipped.classify(typed(marked), date(2026, 3, 17))


@pytest.mark.parametrize("mark", OFFICES)
def test_a_letter_to_a_protected_office_is_seen_by_nobody_else(shipped: Classifier, mark: str) -> None:
    """Works council, doctor and data protection officer must be able to trust the mail room, even against us."""
    found = addressed(shipped, mark)

    assert (found.compartment, found.needs_review) == ("restricted", True)
    assert mark.split()[-1].strip(" -") in found.review_reasons[0]


@pytest.mark.parametrize("mark", ["Persönlich", "Persönlich / Vertraulich", "- vertraulich -", "Frau Weber persönlich"])
def test_a_personal_letter_is_filed_in_no_wide_department(shipped: Classifier, mark: str) -> None:
    """An invoice to Ms Weber herself may be a doctor's."""
    found = addressed(shipped, mark)

    assert found.compartment in ("restricted", "management")
    assert found.needs_review


@pytest.mark.parametrize("mark", ["z. Hd. Frau Weber", "Buchhaltung", "Firma"])
def test_an_ordinary_address_changes_nothing(shipped: Classifier, mark: str) -> None:
    """Nearly every letter names somebody: the control of the two claims above."""
    found = addressed(shipped, mark)

    assert (found.record_class, found.compartment, found.needs_review) == ("invoice", "finance", False)


def test_a_letter_about_the_works_council_is_no_letter_to_it(shipped: Classifier) -> None:
    """A seminar's invoice says the word, too."""
    text = INVOICE.replace("für die Lieferung der Regale", "für das Seminar des Betriebsrats, vertraulich besprochen,")

    found = addressed(shipped, "Buchhaltung", text)

    assert found.compartment == "finance"


def test_pages_of_an_envelope_count(shipped: Classifier) -> None:
    """The mail room scans the envelope first, and often only that."""
    found = shipped.classify(typed("Persönlich\n\nAn den Betriebsrat\nder Musterbetrieb GmbH"), date(2026, 3, 17))

    assert (found.compartment, found.needs_review) == ("restricted", True)
