"""The shipped rules on letters of the common classes: not only the class, but why."""

import json
from datetime import date
from functools import cache
from pathlib import Path

import pytest
from typed_letters import INVOICE, REMINDER, RESIGNATION, SICK_NOTE, letter, typed

from classifiers import Classifier
from poststelle.config import load
from poststelle.records import ClassifiedDocument
from poststelle.wiring import classifier

GOLDEN = Path(__file__).with_name("classifiers_reasons.json")

APPLICATION = letter(
    """Bewerbung als Tischlerin


Sehr geehrte Damen und Herren,

mit großem Interesse habe ich Ihre Stellenanzeige gelesen und bewerbe mich um die ausgeschriebene
Stelle. Meinen Lebenslauf und meine Zeugnisse lege ich bei. Über eine Einladung zu einem
Vorstellungsgespräch freue ich mich.
""",
    head="Hanna Vogt\nBirkenweg 12\n99084 Erfurt\n\n\n\nMusterbetrieb GmbH\nLindenstraße 1\n01067 Dresden\n",
)
COURT = letter(
    """Mahnbescheid


Geschäftszeichen 26-1122334-0-5

In der Mahnsache der Antragstellerin gegen die Antragsgegnerin wird wegen der Hauptforderung von
1.190,00 EUR und der Gerichtskosten der Mahnbescheid erlassen.
""",
    head="Amtsgericht Erfurt\n\n\nAmtsgericht Erfurt · Domplatz 2 · 99084 Erfurt\n\n\n"
    "Musterbetrieb GmbH\nLindenstraße 1\n01067 Dresden\n",
)
ADVERTISING = letter("""Nur bis Ostern: 20 % Rabatt auf alle Regale


Sehr geehrte Damen und Herren,

sparen Sie jetzt bares Geld! Sichern Sie sich mit dem Gutscheincode HOLZ20 unsere Sonderkonditionen,
solange der Vorrat reicht.
""")
UNCLEAR = letter("""Unser Gespräch


Sehr geehrte Frau Weber,

wie besprochen melde ich mich in der kommenden Woche noch einmal bei Ihnen.
""")

LETTERS = {
    "invoice": INVOICE,
    "reminder": REMINDER,
    "sick-note": SICK_NOTE,
    "resignation": RESIGNATION,
    "application": APPLICATION,
    "court": COURT,
    "advertising": ADVERTISING,
    "unclear": UNCLEAR,
}


@cache
def shipped() -> Classifier:
    return classifier(load(Path(__file__).parents[2] / "config.yaml", None))


def told(found: ClassifiedDocument) -> dict[str, object]:
    """What a clerk reads: class, where it goes, why, and why someone should look."""
    return {
        "class": found.record_class,
        "compartment": found.compartment,
        "sure": f"{found.confidence:.0%}",
        "reasons": [f"{reason.weight:+.1f} {reason.text}" for reason in found.reasons],
        "review": list(found.review_reasons),
        "facts": {fact.name: fact.value for fact in found.facts},
    }


@pytest.mark.parametrize("name", LETTERS)
def test_the_reasons_a_clerk_reads_are_the_ones_agreed_on(name: str) -> None:
    """A changed weight shows here as changed words before it shows as a letter in the wrong department."""
    golden = json.loads(GOLDEN.read_text("utf-8"))

    assert told(shipped().classify(typed(LETTERS[name]), date(2026, 3, 17))) == golden[name]


@pytest.mark.parametrize("name", ["sick-note", "resignation", "application"])
def test_letters_about_people_go_to_hr_without_detour(name: str) -> None:
    """Each extra pair of eyes on a sick note is one too many."""
    found = shipped().classify(typed(LETTERS[name]), date(2026, 3, 17))

    assert (found.compartment, found.review_reasons) == ("hr", ())
