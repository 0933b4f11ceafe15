"""Letters that only one person may open: kept narrowly, whatever they seem to be about."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from typed_letters import INVOICE, letter, typed

from bench.letters import make_letter
from classifiers import Classifier
from classifiers.lines import read_lines
from classifiers.spelling import Vocabulary
from poststelle.config import load
from poststelle.records import ClassifiedDocument
from poststelle.wiring import classifier

RECEIVED = date(2026, 3, 17)
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


def addressed(shipped: Classifier, mark: str, text: str = INVOICE, confidence: float = 1.0) -> ClassifiedDocument:
    """The letter, with this line in its address."""
    body = text.partition("15. März 2026")[2]
    marked = letter(body.strip("\n"), head=HEAD.format(mark=mark))
    document = typed(marked)
    if confidence < 1:
        words = read_lines(document.pages[0], Vocabulary(())).flow.words
        page = replace(
            document.pages[0],
            width_px=900,
            height_px=1440,
            words=tuple(replace(word, confidence=confidence) for word in words),
        )
        document = replace(document, pages=(page,))
    return shipped.classify(document, RECEIVED)


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


# Sealed ------------------------------------------------------------------------------------------------------

SEALED = [
    ("An den Betriebsrat", "works-council"),
    ("z. Hd. der Betriebsärztin", "company-doctor"),
    ("Herrn Datenschutzbeauftragten", "data-protection"),
    ("Persönlich / Vertraulich", "personal"),
]
ROLES = {"works-council": "council", "company-doctor": "doctor", "data-protection": "dpo", "personal": "owner"}


@pytest.fixture(scope="module")
def sealing(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    """The shipped office with a role of its own for each lane."""
    config = load(ROOT / "config.yaml", tmp_path_factory.mktemp("cache"))
    return classifier(replace(config, value=config.value | {"sealed_lane": ROLES}))


@pytest.mark.parametrize(("mark", "lane"), SEALED)
def test_of_a_sealed_letter_only_its_mark_is_kept(sealing: Classifier, mark: str, lane: str) -> None:
    """Whoever writes to the company doctor must not find the letter's words in any index or fact of the company."""
    found = addressed(sealing, mark)

    assert found.document.text == mark
    assert [(fact.name, fact.value) for fact in found.facts] == [("sealed_for", ROLES[lane])]
    assert (found.compartment, found.needs_review, found.document.barcodes) == ("restricted", True, ())
    assert "1.190,00" not in repr(found), "an amount of the letter"


def test_an_ordinary_letter_keeps_its_words(sealing: Classifier) -> None:
    """The control: what is compared above is there in any other letter."""
    found = addressed(sealing, "Buchhaltung")

    assert "1.190,00" in repr(found)
    assert found.sealed_for is None


def test_what_is_only_confidential_is_read(sealing: Classifier) -> None:
    """A pay slip says so, and still has to reach those who book it."""
    found = addressed(sealing, "vertraulich")

    assert found.sealed_for is None
    assert found.fact("amount") is not None


def test_all_pages_of_a_sealed_letter_stay_unread(sealing: Classifier) -> None:
    """The mark stands on the envelope; what it protects stands on the pages behind it."""
    found = sealing.classify(typed("Persönlich\n\nAn den Betriebsrat\nder Musterbetrieb GmbH", INVOICE), RECEIVED)

    assert found.document.text == "An den Betriebsrat\f"


def test_a_misread_mark_seals_as_well(sealing: Classifier) -> None:
    """One blurred letter must not open somebody's mail."""
    blurred = addressed(sealing, "Datenschutzbeauftragfe", confidence=0.7)

    assert blurred.sealed_for == ROLES["data-protection"]


def test_ordinary_letters_of_the_generator_are_not_sealed(sealing: Classifier) -> None:
    """Each one that is sealed by mistake lies unread for days."""
    letters = [make_letter(seed, half=1 + seed % 2, pages=1) for seed in range(76)]

    sealed = [letter.seed for letter in letters if sealing.classify(typed(letter.text), RECEIVED).sealed_for]

    assert sealed == []


def test_words_of_the_text_seal_nothing(sealing: Classifier) -> None:
    """An invoice may well speak of the works council, or ask for something personally."""
    body = "Persönlich.\nVertraulich\nBetriebsrat, Betriebsarzt und Datenschutzbeauftragte waren dabei:\n"

    found = addressed(sealing, "Buchhaltung", INVOICE.replace("für die Lieferung", body + "für die Lieferung"))

    assert found.sealed_for is None
