"""What the shell offers while somebody types: words of letters that may be seen, nothing of letters that are gone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from search_letters import letter, open_index

from search import CompartmentIndex
from search.completion import completions

CLASSES = {"invoice": "invoice", "Rechnung": "invoice", "Mahnung": "reminder"}


@pytest.fixture
def index(tmp_path: Path) -> Iterator[CompartmentIndex]:
    database, index = open_index(tmp_path)
    with database:
        index.add_many(
            [
                letter(1, "Die Kündigung des Vertrages", sender="Stadtwerke Amtsberg"),
                letter(2, "Ihre Kündigung, Ihre Kundennummer", sender="Stadtwerke Amtsberg"),
                letter(3, "Kundennummer und Kurbelwelle", sender="Steinmetz Olafson"),
            ]
        )
        yield index


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("Kurb", ["Kurbelwelle"]),
        ("kurb", ["kurbelwelle"]),
        ("Kün", ["Kündigung"]),
        ("Kun", ["Kundennummer", "Kundigung"]),
        ("send", ["sender:"]),
        ("class:R", ["class:Rechnung"]),
        ("klasse:inv", ["klasse:invoice"]),
        ("sender:st", ["sender:Stadtwerke", "sender:Steinmetz"]),
        ("subject:Kurb", ["subject:Kurbelwelle"]),
        ("has:ib", ["has:iban"]),
        ("nonsense:x", []),
        ("Zwieback", []),
        ("K", ["klasse:"]),
        ("", []),
        ("4711", []),
    ],
)
def test_the_last_word_is_completed(index: CompartmentIndex, typed: str, offered: list[str]) -> None:
    """Whoever offers a word that finds nothing wastes the clerk's time."""
    assert completions([index], typed, CLASSES) == offered


def test_a_removed_letter_is_offered_no_more(index: CompartmentIndex) -> None:
    """A name that comes up while somebody types was not forgotten."""
    assert completions([index], "Steinm", CLASSES) == ["Steinmetz"]

    assert index.purge([f"{3:032x}"])

    for typed in ("Kurb", "Steinm", "sender:Steinm", "Olaf"):
        assert completions([index], typed, CLASSES) == []
    assert completions([index], "Kun", CLASSES) == ["Kundigung", "Kundennummer"]
