"""What a person may type, and what is refused with the place that is meant."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from search_letters import TODAY, found, letter, open_index, search

from poststelle.errors import QueryError
from search import CompartmentIndex, Filters, parse_query


@pytest.fixture
def index(tmp_path: Path) -> Iterator[CompartmentIndex]:
    database, index = open_index(tmp_path)
    with database:
        index.add_many(
            [
                letter(
                    1,
                    "Wir bitten um Zahlung. Konto DE13 5001 0517 5407 3249 31.",
                    title="Rechnung Nr. RE-2026-00417",
                    sender="Stadtwerke Talheim GmbH",
                    record_class="invoice",
                    dated_on=date(2026, 1, 15),
                    facts={"amount": "1234.56", "reference": "RE-2026-00417", "iban": "DE13500105175407324931"},
                ),
                letter(
                    2,
                    "Zur Rechnung der Stadtwerke fehlt die Zahlung.",
                    title="Erste Mahnung",
                    sender="Inkasso Berger",
                    record_class="reminder",
                    dated_on=date(2026, 3, 31),
                    facts={"amount": "1239.56"},
                ),
                letter(
                    3,
                    "Ich bin arbeitsunfähig.",
                    title="Bescheinigung",
                    sender="Dr. Talheimer",
                    record_class="sick-note",
                    dated_on=date(2025, 12, 31),
                ),
            ]
        )
        yield index


@pytest.mark.parametrize(
    ("typed", "numbers"),
    [
        ("Rechnung", {1, 2}),
        ("Rechnung Mahnung", {2}),
        ("Rechnung AND Mahnung", {2}),
        ("Rechnung UND Mahnung", {2}),
        ("Mahnung OR arbeitsunfähig", {2, 3}),
        ("Mahnung ODER arbeitsunfähig", {2, 3}),
        ("Rechnung NOT Mahnung", {1}),
        ("Rechnung AND NOT Mahnung", {1}),
        ("Rechnung NICHT Mahnung", {1}),
        ("NOT Rechnung", {3}),
        ("NOT (Mahnung OR arbeitsunfähig)", {1}),
        ("(Rechnung OR arbeitsunfähig) NOT Mahnung", {1, 3}),
        ("Zahlung Mahnung OR Konto", {1, 2}),
        ("Mahnung OR NOT Rechnung", {2, 3}),
        ("Rechn*", {1, 2}),
        ("Rechnunge*", set()),
        ("Stadtwerk*", {1, 2}),
        ("Stadtwerke*", {1, 2}),
        ("sender:Stadtwerke", {1}),
        ("absender:Stadtwerke", {1}),
        ("sender:Stadt*", {1}),
        ("sender:Talheim*", {1, 3}),
        ('sender:"Stadtwerke Talheim"', {1}),
        ("sender:(Stadtwerke OR Inkasso)", {1, 2}),
        ("subject:Rechnung", {1}),
        ("betreff:mahnungen", {2}),
        ("class:invoice", {1}),
        ("class:sick-note", {3}),
        ("NOT class:sick-note", {1, 2}),
        ("date:2026", {1, 2}),
        ("date:2026-03", {2}),
        ("date:03.2026", {2}),
        ('date:"März 2026"', {2}),
        ("date:31.12.2025", {3}),
        ("date:[2026-01 TO 2026-03]", {1, 2}),
        ("date:[2026-01-15 TO 2026-01-15]", {1}),
        ("date:[TO 2025]", {3}),
        ("date:[2026-02 TO]", {2}),
        ("Rechnung date:2026-01", {1}),
        ("Mahnung OR date:2025", {2, 3}),
        ("Rechnung NOT date:2026-01", {2}),
        ("amount:1.234,56", {1}),
        ("amount:1234.56", {1}),
        ("betrag:1239,56", {2}),
        ("iban:DE13500105175407324931", {1}),
        ("iban:DE13 5001 0517 5407 3249 31", {1}),
        ("iban:DE1350*", {1}),
        ("reference:RE-2026-00417", {1}),
        ("reference:re202600417", {1}),
        ("reference:RE-2026*", {1}),
        ("amount:>1.234,56", {2}),
        ("amount:>=1.234,56", {1, 2}),
        ("amount:<1239,56", {1}),
        ("betrag:[1000 TO 1234,56]", {1}),
        ("amount:{1234,56 TO 1239,56}", set()),
        ("amount:{1234,55 TO 1239,57}", {1, 2}),
        ("Rechnung amount:>1235", {2}),
        ("NOT amount:[0 TO]", {3}),
        ("has:betrag", {1, 2}),
        ("has:iban", {1}),
        ("NOT has:amount", {3}),
        ("*werke", {1, 2}),
        ("sender:*werke", {1}),
        ("Re*nung", {1, 2}),
        ("arbeits*ig", {3}),
        ("Ma?nung", {2}),
        ("Ma?ung", set()),
        ("Rechnuug~", {1, 2}),
        ("Zahlumg~1 Inkaso~", {2}),
        ("sender:Inkaso~", {2}),
        ("Rechnung NOT *asso", {1}),
        ("date:gestern", {2}),
        ('date:"letzten Monat"', {2}),
        ("date:letzten Monat Zahlung", {2}),
        ("date:last year", {3}),
        ("date:diesen Monat", set()),
        ("date:last 80 days", {1, 2}),
        ("date:[2026 TO vorgestern]", {1}),
        ("date:<2026", {3}),
        ("date:>=2026-02", {2}),
        ("date:[2026 BIS vorgestern]", {1}),
        ("date:[Oktober 2025 TO *]", {1, 2, 3}),
        ('date:["letzten Monat" TO heute]', {2}),
        ("date:letzten 3 Monate", {1, 2}),
        ("date:last 2 weeks", {2}),
        ("date:March 2026", {2}),
        ("date:märz", {2}),
        ("date:Mai", set()),
        ("date:seit März Zahlung", {2}),
        ('date:"bis Januar 2026"', {1, 3}),
        ("date:> 2026-01", {2}),
        ("date:>letzte Woche", {2}),
        ("date:Q1/2026", {1, 2}),
        ("date:4. Quartal 2025", {3}),
        ("date:KW 3/2026", {1}),
        ("date:2026-03, Zahlung", {2}),
        ("amount:1.234,56 EUR", {1}),
        ("amount:€1.234,56", {1}),
        ("betrag:-1234,56", {1}),
        ("betrag:>1.234,56 Euro Zahlung", {2}),
        ("betrag:über 1.235 EUR", {2}),
        ("amount:[1.000 EUR TO 1.234,56 EUR]", {1}),
        ("sender:Stadtwerke&Talheim", {1}),
        ("sender:Talheimer&Zahlung", set()),
        ("subject:„Erste Mahnung“", {2}),
        ("„Erste Mahnung“", {2}),
        ("»Mahnung Erste«", set()),
        ("“Mahnung” “Erste”", {2}),
        ('"Wo ist die Zahlung?" OR arbeitsunfähig', {3}),
        ("GEN-2026-000002", {2}),
        ("Inkasso & Co. OR Berger", {2}),
    ],
)
def test_the_language_means_what_it_says(index: CompartmentIndex, typed: str, numbers: set[int]) -> None:
    """Someone who takes the trouble to write an operator relies on it."""
    assert set(found(index, typed)) == numbers


@pytest.mark.parametrize(
    ("typed", "position", "says"),
    [
        ("", 0, "no word"),
        ("   ", 0, "no word"),
        ("& !", 0, "no word"),
        ("(Rechnung", 0, "never closed"),
        ("Zahlung (Rechnung OR (Mahnung)", 8, "never closed"),
        ("Rechnung)", 8, "no opening"),
        ("Rechnung ()", 9, "nothing between"),
        ("Rechnung (&)", 9, "nothing between"),
        ('"Rechnung', 0, "partner"),
        ('Rechnung "', 9, "partner"),
        ('Zahlung ""', 9, "no word"),
        ("Rechnung AND", 9, "behind it"),
        ("AND Rechnung", 0, "before it"),
        ("Rechnung OR OR Mahnung", 9, "behind it"),
        ("Rechnung UND", 9, "behind it"),
        ("Rechnung (OR Mahnung)", 10, "before it"),
        ("Rechnung NOT", 9, "behind it"),
        ("NOT NOT Rechnung", 0, "cancels"),
        ("Rechnung AND &", 9, "behind it"),
        ("Rechnung ANDNOT Mahnung", 9, "AND, OR and NOT"),
        ("sendr:Berger", 0, "sender:"),
        ("Rechnung farbe:rot", 9, "no field farbe"),
        ("sender: Berger", 0, "right behind the colon"),
        ("Rechnung sender:", 9, "right behind the colon"),
        ("date:neulich", 5, "no date"),
        ("date:2026-13", 5, "no date"),
        ("date:31.02.2026", 5, "no date"),
        ("date:[2026-01 TO bald]", 5, "no date"),
        ("date:[2026-03 TO 2026-01]", 5, "before it begins"),
        ("[2026-01 TO 2026-03]", 0, "needs its field"),
        ("date:[2026-01", 5, "for ranges"),
        ("iban:[1 TO 2]", 5, "not for iban"),
        ("amount:[2 TO 1]", 7, "before it begins"),
        ("amount:>viel", 7, "no amount"),
        ("Rechnung >5", 9, "need date: or amount:"),
        ("has:farbe", 4, "has: knows"),
        ("amount:viel", 7, "no amount"),
        ("Rechnung *", 9, "two letters"),
        ("*a", 0, "two letters"),
        ("Miet-vert*g", 4, "single words"),
        ("class:*voice", 6, "whole value"),
        ("amount:12~", 9, "right behind a word"),
        ("Rechnung ~", 9, "right behind a word"),
        ("~Rechnung", 0, "right behind a word"),
        ("Uhr~", 0, "four letters"),
        ("Rechnung^2", 8, "means nothing"),
        ("Rechnung -Mahnung", 9, "write NOT Mahnung"),
        ("class:inv*", 6, "whole value"),
        ('"Erste Mahn*"', 11, "between quotation marks"),
        ('sender:"M?ller"', 9, "between quotation marks"),
        ('Zahlung "Rechnuug~"', 17, "between quotation marks"),
        ('reference:"RE-2026*"', 18, "between quotation marks"),
        ("date:2026-01..2026-03", 12, "a range is written"),
        ("date:01.01.2026-31.03.2026", 15, "a range is written"),
        ("amount:1.234,56..2.000", 15, "a range is written"),
        ('date:>"letzte Woche"', 5, "without quotation marks"),
        ("date:KW 60/2026", 5, "no date"),
        ("sender:NOT Berger", 7, "before the field"),
        ("sender:Stadt|werke", 12, "means nothing"),
        ("Rechnung && Zahlung", 9, "Write AND"),
        ("Rechnung !Zahlung", 9, "write NOT Zahlung"),
        ("„Rechnung", 0, "partner"),
        ("x " * 600, 1000, "longer than"),
        ("(" * 30 + "x" + ")" * 30, 20, "too deeply"),
        (" OR ".join("abcdefgh" * 9), 0, "More than"),
    ],
)
def test_what_cannot_be_done_is_said_with_its_place(typed: str, position: int, says: str) -> None:
    """A query that is quietly repaired answers a question that nobody asked."""
    with pytest.raises(QueryError) as refused:
        parse_query(typed, TODAY)

    assert (refused.value.position, says in str(refused.value)) == (position, True), str(refused.value)


def test_filters_narrow_without_changing_the_query(index: CompartmentIndex) -> None:
    """The options of the command line hold for every part of the query, OR included."""
    words = "Rechnung OR arbeitsunfähig"

    assert found(index, words, filters=Filters(record_class="reminder")) == [2]
    assert set(found(index, words, filters=Filters(from_date=date(2026, 1, 15)))) == {1, 2}
    assert found(index, words, filters=Filters(to_date=date(2025, 12, 31))) == [3]
    assert found(index, "NOT Zahlung", filters=Filters(record_class="invoice")) == []


def test_the_total_counts_what_the_limit_leaves_out(index: CompartmentIndex) -> None:
    """Two of three tells a clerk to look further."""
    result = search(index, "NOT unauffindbar", limit=2)

    assert (result.total, len(result.hits)) == (3, 2)
    assert search(index, "Rechnung", limit=0).total == 2


def test_by_date_means_newest_first_then_by_id(index: CompartmentIndex) -> None:
    """The same search twice must not shuffle."""
    index.add(letter(4, "Rechnung", dated_on=date(2026, 3, 31)))

    assert found(index, "NOT unauffindbar", sort="date") == [2, 4, 1, 3]
    assert found(index, "date:[2025 TO 2026]") == [2, 4, 1, 3]
    assert found(index, "NOT unauffindbar", sort="date", limit=2) == [2, 4]


def test_subject_and_sender_rank_above_the_text(index: CompartmentIndex) -> None:
    """Who searches for a company wants its letters before those that mention it."""
    index.add(letter(5, "Müller", title="Anderes", sender="Schmidt"))
    index.add(letter(6, "Anderes", title="Anderes", sender="Müller"))
    index.add(letter(7, "Anderes", title="Müller", sender="Schmidt"))

    assert found(index, "Müller") == [7, 6, 5]
