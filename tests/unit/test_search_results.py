"""The result list: snippets, marks, suggestions, and that other compartments leave no trace in it."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import pytest
from search_letters import found, letter, open_index, search

from search import CompartmentIndex


@pytest.fixture
def indexes(tmp_path: Path) -> Iterator[dict[str, CompartmentIndex]]:
    with ExitStack() as opened:
        result = {}
        for compartment in ("finance", "hr"):
            database, index = open_index(tmp_path, compartment)
            opened.enter_context(database)
            result[compartment] = index
        yield result


@pytest.fixture
def index(indexes: dict[str, CompartmentIndex]) -> CompartmentIndex:
    return indexes["finance"]


_FILLER = "Diese Zeile steht nur zur Übung hier und sagt nichts. " * 20


def test_the_snippet_shows_the_passage_with_most_of_the_query(index: CompartmentIndex) -> None:
    """A clerk decides by the snippet whether to open the letter."""
    index.add(
        letter(
            1,
            f"Zahlung. {_FILLER}",
            f"{_FILLER}\nDie Zahlung der Rechnung\nist überfällig.\n{_FILLER}",
            f"{_FILLER} Rechnung. {_FILLER}",
        )
    )
    hit = search(index, "Rechnungen Zahlung").hits[0]

    assert hit.page == 2
    assert "Die Zahlung der Rechnung ist überfällig." in hit.snippet
    assert hit.snippet.startswith("…") and hit.snippet.endswith("…")
    assert len(hit.snippet) <= 202
    assert [hit.snippet[start:end] for start, end in hit.highlights] == ["Zahlung", "Rechnung"]


@pytest.mark.parametrize(
    ("typed", "marked"),
    [
        ("zahlungen", ["Zahlung"]),
        ('"der Rechnung"', ["der Rechnung"]),
        ("überf*", ["überfällig"]),
        ("1234,56", ["1.234,56"]),
        ("DE13500105175407324931", ["DE13 5001 0517 5407 3249 31"]),
        ("2026-03-05", ["5. März 2026"]),
        ("März 2026", ["5. März 2026"]),
        ("Rechnung NOT Mahnung", ["Rechnung"]),
        ("Rechnung OR Zahlung", ["Zahlung", "Rechnung"]),
        ("Email", ["E-Mail"]),
        ("gepruft", ["Prü-", "fung"]),
    ],
)
def test_what_was_meant_is_marked_as_the_letter_spells_it(
    index: CompartmentIndex, typed: str, marked: list[str]
) -> None:
    """The eye looks for the marks, not for what was typed."""
    index.add(
        letter(
            1,
            "Die Zahlung der Rechnung ist seit 5. März 2026 überfällig: 1.234,56 EUR auf DE13 5001 0517 5407 3249 31. "
            "Bitte per E-Mail.",
        )
    )
    if typed == "gepruft":
        index.add(letter(1, "Nach Prü-\nfung."))
        hit = search(index, "Prüfung").hits[0]
        assert [hit.snippet[start:end] for start, end in hit.highlights] == ["Prü- fung"]
        return
    hit = search(index, typed).hits[0]

    assert [hit.snippet[start:end] for start, end in hit.highlights] == marked


def test_a_hit_outside_the_pages_shows_how_the_letter_begins(index: CompartmentIndex) -> None:
    """Found by sender or class, there is nothing on the page to mark."""
    index.add(letter(1, "", "Guten Tag,\n\nhier ist Ihr Angebot.", sender="Berger", title="Angebot"))
    hit = search(index, "sender:Berger").hits[0]

    assert (hit.snippet, hit.page, hit.highlights) == ("Guten Tag, hier ist Ihr Angebot.", None, ())
    index.add(letter(2, sender="Leer"))
    assert search(index, "Leer").hits[0].snippet == ""


def test_snippet_title_and_sender_are_plain_lines(index: CompartmentIndex) -> None:
    """A letter must not be able to move the cursor or colour the terminal of whoever reads the list."""
    index.add(
        letter(
            1,
            "Rech\x1b[31mnung \u202eumgedreht\u2066 mit\x00 \ud83d Mu\u0308ller\r\n\tund\u200b so",
            title="Be\x07treff\nzwei",
            sender="\x1b]0;Titel\x07Firma",
        )
    )
    hit = search(index, "Müller").hits[0]

    assert hit.snippet == "Rech[31mnung umgedreht mit Mu\u0308ller und so"
    assert (hit.title, hit.sender) == ("Betreff zwei", "]0;TitelFirma")
    assert [hit.snippet[start:end] for start, end in hit.highlights] == ["Mu\u0308ller"]


def test_a_long_letter_is_found_to_its_end(index: CompartmentIndex) -> None:
    """What stands on the last of many pages counts like what stands on the first."""
    index.add(letter(1, *[_FILLER] * 300, "Schlusswort Kanarienvogel"))
    hit = search(index, "Kanarienvogel").hits[0]

    assert (hit.document_id, hit.page) == (f"{1:032x}", None)


def test_a_query_that_finds_nothing_offers_a_word_as_the_letters_spell_it(index: CompartmentIndex) -> None:
    """One slip of the finger should not look like a lost letter."""
    index.add(letter(1, "Ihre Kündigung der Versicherung"))
    index.add(letter(2, "Die Rechnungen liegen bei"))

    assert search(index, "Kündgiung").suggestions == ("Kündigung",)
    assert search(index, "Recnung date:2026").suggestions == ("Rechnungen date:2026",)
    assert search(index, "Versicherung Kundigugn").suggestions == ("Versicherung Kündigung",)
    assert search(index, "Versichreung Kundigugn").suggestions == ("Versicherung Kündigung",)
    assert search(index, "Kündigung").suggestions == ()
    assert search(index, "Zebrastreifen").suggestions == ()
    assert search(index, "Kündigung Rechnung").suggestions == ()


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [
        ("Kündigung oder Rechnung", "Kündigung ODER Rechnung"),
        ("Kündigung or Rechnung", "Kündigung OR Rechnung"),
        ("nicht Kündigung", "NICHT Kündigung"),
        ("Liegt die Rechnung bei?", "Liegt die Rechnung bei"),
    ],
)
def test_a_word_that_was_rather_an_operator_is_offered_as_one(
    index: CompartmentIndex, typed: str, suggested: str
) -> None:
    """Who writes "oder" small asks for letters with that word, finds none and does not see why."""
    index.add(letter(1, "Ihre Kündigung der Versicherung"))
    index.add(letter(2, "Die Rechnung liegt bei"))

    assert search(index, typed).suggestions == (suggested,)
    assert search(index, suggested).exact > 0


def test_other_compartments_leave_no_trace_in_a_result(indexes: dict[str, CompartmentIndex]) -> None:
    """Accounting must not be able to tell whether a letter about someone lies in personnel."""
    finance, hr = indexes["finance"], indexes["hr"]
    finance.add_many(letter(n, f"Rechnung Nummer {n} an Müller", sender="Berger") for n in range(1, 9))
    typed = [
        "Rechnung",
        "Mueller",
        "Abmahnung",
        "Abmahnnug",
        "Rech*",
        "NOT Rechnung",
        "date:2026",
        "Rechnung OR Abmahnung",
    ]
    before = [search(finance, text) for text in typed]

    hr.add_many(letter(n, "Abmahnung wegen der Rechnung, Frau Müller", sender="Personal") for n in range(100, 140))

    assert [search(finance, text) for text in typed] == before
    assert search([finance, hr], "Abmahnung").total == 40


def test_several_compartments_are_one_list(indexes: dict[str, CompartmentIndex]) -> None:
    """Whoever may see two compartments should not have to think of them."""
    finance, hr = indexes["finance"], indexes["hr"]
    finance.add_many(letter(n, f"Schreiben {n} ohne Belang") for n in range(1, 30))
    finance.add(letter(30, "Am Rande: die Kündigung. " + _FILLER, dated_on=date(2026, 2, 1)))
    hr.add(letter(50, "Wir bestätigen Ihre Kündigung.", title="Ihre Kündigung", dated_on=date(2026, 1, 1)))
    hr.add(letter(51, "Ihre Kündigung liegt bei.", title="Ihre Kündigung", dated_on=date(2026, 3, 1)))

    assert found([finance, hr], "gekündigt")[-1] == 30, "in a small index every word is common, and still counts"
    assert found([finance, hr], "gekündigt") == found([hr, finance], "gekündigt")
    assert found([finance, hr], "gekündigt", sort="date") == [51, 30, 50]
    assert search([finance, hr], "gekündigt", limit=1).total == 3
    assert search([], "gekündigt").total == 0


def test_a_word_that_only_some_compartments_have_does_not_disturb_the_order(
    indexes: dict[str, CompartmentIndex],
) -> None:
    """Where not all words were found, the subject still counts more than a passing mention elsewhere."""
    finance, hr = indexes["finance"], indexes["hr"]
    finance.add_many(letter(n, "Wir bitten um Zahlung. " + _FILLER, title="Rechnung") for n in (1, 2))
    finance.add_many(letter(n, "Sonst nichts. " + _FILLER) for n in (3, 4))
    hr.add(letter(5, _FILLER + " Rechnung " + _FILLER))

    for typed in ("Rechnung Gibtesnicht", "Rechnung OR Gibtesnicht"):
        hits = search([finance, hr], typed).hits
        assert [int(hit.document_id, 16) for hit in hits] == [1, 2, 5], typed


def test_equal_letters_come_newest_first_then_by_id(indexes: dict[str, CompartmentIndex]) -> None:
    """The order of equals must not depend on when they were indexed, or in which compartment."""
    days = {1: 5, 2: 9, 3: 5, 4: 9, 5: 7}
    for number in (5, 3, 1, 4, 2):
        entry = letter(number, "Rechnung", dated_on=date(2026, 1, days[number]))
        indexes["finance" if number % 2 else "hr"].add(entry)
    several = list(indexes.values())

    assert found(several, "date:2026") == [2, 4, 5, 1, 3]
    assert found(several, "date:2026", limit=4) == [2, 4, 5, 1]
    assert found(indexes["finance"], "Rechnung", limit=2) == [5, 1]
