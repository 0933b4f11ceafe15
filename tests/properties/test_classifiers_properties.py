"""What must hold for every letter, however badly it was read."""

import random
import re
from datetime import date
from functools import cache
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from typed_letters import INVOICE, REMINDER, RESIGNATION, SICK_NOTE, typed

from classifiers import Classifier
from poststelle.config import load
from poststelle.german import find_ibans, iban_is_valid, parse_amount
from poststelle.records import ClassifiedDocument
from poststelle.wiring import classifier

RECEIVED = date(2026, 3, 17)
LETTERS = (INVOICE, REMINDER, RESIGNATION, SICK_NOTE)
NOISE = "O0oIl1|5S8B.,: €DE%§-–\n\t  äöüß"


@cache
def shipped() -> Classifier:
    return classifier(load(Path(__file__).parents[2] / "config.yaml", None))


def classify(*pages: str) -> ClassifiedDocument:
    return shipped().classify(typed(*pages), RECEIVED)


def worn(text: str, seed: int, share: float) -> str:
    """A letter with some of its characters replaced, dropped or doubled."""
    wear = random.Random(seed)
    return "".join(wear.choice(("", char * 2, wear.choice(NOISE))) if wear.random() < share else char for char in text)


def assert_facts_hold(found: ClassifiedDocument) -> None:
    values = {fact.name: fact.value for fact in found.facts}
    assert all(0.0 <= fact.confidence <= 1.0 for fact in found.facts)
    if "iban" in values:
        assert iban_is_valid(values["iban"])
    if "amount" in values:
        assert re.fullmatch(r"\d+\.\d\d", values["amount"])
        assert float(values["amount"]) > 0
    for name in ("date", "due_date"):
        if name in values:
            date.fromisoformat(values[name])
    if "date" in values and "due_date" in values:
        assert values["due_date"] >= values["date"]


@settings(max_examples=120, deadline=None, derandomize=True)
@given(st.lists(st.text(max_size=300), max_size=3))
def test_no_text_makes_classification_fail(pages: list[str]) -> None:
    """One odd letter must not stop the mail of the day."""
    found = classify(*pages)

    assert_facts_hold(found)
    assert 0.0 <= found.confidence <= 1.0
    assert found.reasons


@settings(max_examples=120, deadline=None, derandomize=True)
@given(st.sampled_from(LETTERS), st.integers(0, 10_000), st.floats(0.0, 0.3))
def test_facts_of_a_worn_letter_are_still_facts(text: str, seed: int, share: float) -> None:
    """An account number that fails its check, or a deadline before the letter, must never be shown."""
    assert_facts_hold(classify(worn(text, seed, share)))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.sampled_from(LETTERS), st.randoms(use_true_random=False))
def test_shuffled_words_make_no_account_number_that_fails_its_check(text: str, shuffle: random.Random) -> None:
    """Reading order goes wrong on bad pages; digits of two numbers must not become a third."""
    words = text.split()
    shuffle.shuffle(words)

    assert_facts_hold(classify(" ".join(words)))


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.sampled_from((RESIGNATION, SICK_NOTE)), st.integers(0, 10_000), st.floats(0.0, 0.15))
def test_a_worn_confidential_letter_is_never_filed_in_wider_hands_unseen(text: str, seed: int, share: float) -> None:
    """An employee's illness or resignation read by the wrong department cannot be unread."""
    found = classify(worn(text, seed, share))

    assert found.needs_review or found.compartment in {"hr", "management", "restricted"}


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(0, 99_999_999), st.integers(0, 99))
def test_an_amount_survives_being_printed(euros: int, cents: int) -> None:
    """What was printed is what is booked."""
    printed = f"{euros:,}".replace(",", ".") + f",{cents:02d}"

    assert parse_amount(printed) == f"{euros}.{cents:02d}"
    assert parse_amount(f"{euros}.{cents:02d}") == f"{euros}.{cents:02d}"


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.text(alphabet="DEO0IlSB123456789 .", max_size=60))
def test_every_account_number_found_passes_its_check(text: str) -> None:
    """No repair may invent one."""
    assert all(iban_is_valid(iban) for _, _, iban, _ in find_ibans(text))
