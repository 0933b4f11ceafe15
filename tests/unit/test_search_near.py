"""What a clerk half remembers, and what an engine half read: found below what matches, where that is little."""

import contextlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from search_letters import KEY, found, letter, nearly, open_index, search

from poststelle.access.database import Database, open_database
from poststelle.durable import Disk
from poststelle.errors import QueryError
from search import CompartmentIndex, Filters, query_like
from search.spelling import edit_distance, most_alike, skeleton
from search.vocabulary import Vocabulary, Words


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[tuple[Database, CompartmentIndex]]:
    database, index = open_index(tmp_path)
    with database:
        yield database, index


@pytest.fixture
def index(opened: tuple[Database, CompartmentIndex]) -> CompartmentIndex:
    return opened[1]


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("Betriebskostenabrechnung", "Abrechnung"),
        ("Betriebskostenabrechnung", "Kostenabrechnung"),
        ("Betriebskostenabrechnungen", "Betriebskosten"),
        ("Betriebskostenabrechnung", "abgerechnet"),
        ("Mietvertrages", "Vertrag"),
        ("Jahresabschlusses", "Abschluss"),
        ("Wohnungsübergabe", "Übergabe"),
        ("Teilzahlungen", "Zahlung"),
        ("Rechnuug", "Rechnung"),
        ("Rechnung", "Rechnuug"),
        ("Rechnungen", "Recnung"),
        ("Kündlgung", "Kündigung"),
        ("Kündigung", "Kuendlgung"),
        ("Zah1ung", "Zahlung"),
        ("Zahiung", "Zahlung"),
        ("Firrna", "Firma"),
        ("Formular", "Fonnular"),
        ("K0nto", "Konto"),
        ("StraBe", "Straße"),
        ("Ilgner", "Ilnger"),
        ("Betriebskostenabrechnuug", "Abrechnung"),
        ("RE-2O26-OO417", "RE-2026-00417"),
    ],
)
def test_a_compound_or_a_slip_is_found_without_asking(index: CompartmentIndex, written: str, typed: str) -> None:
    """Nobody knows how the letter called it, or how the engine read it."""
    index.add(letter(1, f"Sehr geehrte Damen und Herren, {written} anbei."))
    index.add(letter(2, "Sehr geehrte Damen und Herren, nichts anbei."))

    assert (found(index, typed), nearly(index, typed)) == ([], [1])


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("Haus", "Maus sehr"),
        ("Wort", "Ort"),
        ("Bezahlung", "Zahl"),
        ("Uhr", "Ohr"),
        ("1234", "1235"),
    ],
)
def test_what_only_resembles_is_not_near(index: CompartmentIndex, written: str, typed: str) -> None:
    """A list of letters that have nothing to do with the question costs more time than an empty one."""
    index.add(letter(1, f"{written} anbei."))

    assert search(index, typed).total == 0


def test_near_letters_stand_below_exact_ones_and_are_counted_apart(index: CompartmentIndex) -> None:
    """Whoever typed it right must see what he typed first."""
    index.add(letter(1, "Rechnuug", title="Rechnuug"))
    index.add(letter(2, "Sonst nichts, am Ende aber die Rechnung."))
    index.add(letter(3, "Handwerkerrechnung"))
    result = search(index, "Rechnung")

    assert [hit.exact for hit in result.hits] == [True, False, False]
    assert (result.total, result.exact) == (3, 1)
    assert [hit.score for hit in result.hits] == sorted((hit.score for hit in result.hits), reverse=True)
    assert [hit.snippet[start:end] for hit in result.hits for start, end in hit.highlights] == [
        "Rechnung",
        *(["Rechnuug", "Handwerkerrechnung"] if found_first(result, 1) else ["Handwerkerrechnung", "Rechnuug"]),
    ]


def found_first(result: object, number: int) -> bool:
    hits = [hit for hit in result.hits if not hit.exact]  # type: ignore[attr-defined]
    return bool(hits[0].document_id == f"{number:032x}")


def test_near_letters_are_left_out_when_exact_ones_fill_the_page(index: CompartmentIndex) -> None:
    """A full page of right answers needs no guesses beside it."""
    index.add_many(letter(number, "Rechnung") for number in range(1, 4))
    index.add(letter(9, "Rechnuug"))

    assert (search(index, "Rechnung", limit=3).total, search(index, "Rechnung", limit=4).total) == (3, 4)


def test_where_no_letter_has_all_words_the_nearest_are_shown_and_that_is_said(index: CompartmentIndex) -> None:
    """An empty page does not tell which of four words was one too many."""
    index.add_many(
        [
            letter(1, "Wartung der Heizung im Keller"),
            letter(2, "Wartung der Heizung im Speicher"),
            letter(3, "Keller"),
            letter(4, "Wartung Heizung Keller", record_class="invoice"),
        ]
    )

    result = search(index, "Wartung Heizung Zwieback")
    assert (result.partly, result.exact, result.total) == (True, 0, 3)
    assert {int(hit.document_id, 16) for hit in result.hits} == {1, 2, 4} and not any(hit.exact for hit in result.hits)
    assert nearly(index, "Keller Zwieback Zimtstern") == [3, 4, 1]

    # What somebody insists on stays: fields, quotation marks, NOT, AND. And a full answer is never partly one.
    assert nearly(index, "Keller Zwieback Zimtstern class:invoice") == [4]
    assert nearly(index, "Keller Zwieback NOT Heizung") == [3]
    assert nearly(index, 'Keller "Zwieback"') == nearly(index, "Keller AND Zwieback") == []
    assert nearly(index, "Zwieback Zimtstern") == []
    assert not search(index, "Wartung Speicher").partly and found(index, "Wartung Speicher") == [2]


def test_quotation_marks_filters_and_not_hold_for_near_letters_too(index: CompartmentIndex) -> None:
    """Widening a query must not widen what was asked for by hand."""
    index.add(letter(1, "Rechnuug vom Dachdecker", record_class="invoice", dated_on=date(2025, 1, 1)))

    assert nearly(index, "Rechnung") == [1], "the control"
    assert nearly(index, '"Rechnung"') == []
    assert nearly(index, "Rechnung NOT Dachdecker") == []
    assert nearly(index, "Rechnung", filters=Filters(record_class="reminder")) == []
    assert nearly(index, "Rechnung date:2026") == []
    assert nearly(index, "Rechnung date:2025") == [1]
    assert nearly(index, "sender:Rechnung") == []


def test_a_word_beside_a_placeholder_is_widened_and_the_placeholder_still_means_what_it_says(tmp_path: Path) -> None:
    """Who writes M?ller and then slips in the next word must not be shown a crash."""
    with contextlib.ExitStack() as opened:
        indexes = []
        for place in ("finance", "hr"):
            database, index = open_index(tmp_path, place)
            opened.enter_context(database)
            indexes.append(index)
        indexes[0].add(letter(1, "Rechnung an Herrn Möller, Muller und Miller"))
        indexes[1].add(letter(2, "Abrechnung für Frau Müller"))
        indexes[1].add(letter(3, "Rechnung und Abrechnung für Frau Schulze"))

        assert (found(indexes, "M?ller Rechnung"), nearly(indexes, "M?ller Rechnung")) == ([1], [2])
        assert nearly(indexes, "Rechnuug NOT M*ller") == [3]
        assert nearly(indexes, "Schulzee NOT (*mahnung Rechnuug)") == [3], "what is left out is not widened"
        assert search(indexes, "M?ller Rechnuug").suggestions == ("M?ller Rechnung",)
        assert nearly(indexes, "Mull~ Rechnung Gibtesnicht") == [1]


def test_a_common_word_is_not_taken_for_a_misspelling(index: CompartmentIndex) -> None:
    """Miete and Mitte are two words; only a rare form beside a known word is one of its slips."""
    index.add(letter(1, "Die Miete ist fällig."))
    index.add_many(letter(number, "In der Mitte der Woche.") for number in range(2, 8))
    index.add(letter(9, "Die Micte ist fällig."))

    assert (found(index, "Miete"), nearly(index, "Miete")) == ([1], [9])


def test_a_placeholder_that_fits_too_many_words_is_refused_with_its_place(index: CompartmentIndex) -> None:
    """Half of the matching words would be an answer that nobody can rely on."""
    index.add(
        letter(1, " ".join(f"wort{a}{b}ende" for a in "abcdefghijklmnopqrstuvwxyz" for b in "bcdfghjklmnpqrstvwxz"))
    )

    with pytest.raises(QueryError) as refused:
        search(index, "Haus OR *ende")
    assert refused.value.position == 8
    assert found(index, "*abende") == [1]


def test_near_letters_do_not_depend_on_other_compartments(tmp_path: Path) -> None:
    """A foreign letter must not show in what is offered, its order or its score."""
    finance_database, finance = open_index(tmp_path, "finance")
    hr_database, hr = open_index(tmp_path, "hr")
    with finance_database, hr_database:
        finance.add_many([letter(1, "Rechnuug"), letter(2, "Handwerkerrechnung")])
        before = [search(finance, typed) for typed in ("Rechnung", "Abmahnumg", "*rechnung", "Rechnumg~")]
        hr.add_many(letter(number, "Rechnung Abmahnung Reisekostenrechnung") for number in range(10, 30))

        assert [search(finance, typed) for typed in ("Rechnung", "Abmahnumg", "*rechnung", "Rechnumg~")] == before
        assert {hit.document_id for hit in search([finance, hr], "Abmahnumg", limit=50).hits} == {
            f"{number:032x}" for number in range(10, 30)
        }


def test_removed_words_are_in_no_table_and_on_no_page(opened: tuple[Database, CompartmentIndex]) -> None:
    """The list of words for slips is one more place where a name could stay behind."""
    database, index = opened
    index.add_many(letter(number, " ".join(_name(number * 40 + word) for word in range(40))) for number in range(60))
    index.add(letter(500, "Die Xylokanarienwurzen, QX-77-KANARI, Sammelrechnungen", facts={"amount": "98765.43"}))
    traces = [b"xylokanarienwurz", b"qx77kanari", skeleton("qx77kanari").encode(), b"sammelrechnungen"]
    pages = b"\0".join(database.pages())
    assert [trace for trace in traces if trace not in pages] == [], "the control must find what is there"
    assert nearly(index, "Xylokanarienwurzel") == [500]

    assert index.purge([f"{500:032x}"])
    pages = b"\0".join(database.pages())
    assert [trace for trace in traces if trace in pages] == []
    assert database.value("SELECT count(*) FROM amounts") == 0
    assert (nearly(index, "Xylokanarienwurzel"), search(index, "Xylokanarienwurx").suggestions) == ([], ())
    assert found(index, _name(81)) == [2]


def test_words_leave_no_trace_however_often_letters_come_and_go(opened: tuple[Database, CompartmentIndex]) -> None:
    """SQLite moves rows between pages; what it moved must not stay legible in the gap."""
    database, index = opened
    gone: list[str] = []
    for turn in range(12):
        numbers = range(turn * 8, turn * 8 + 8)
        index.add_many(letter(number, " ".join(_name(number * 30 + word) for word in range(30))) for number in numbers)
        for number in numbers[::2]:
            index.remove(f"{number:032x}")
            gone += [_name(number * 30 + word) for word in range(30)]
    assert database.truncate_log()
    pages = b"\0".join(database.pages())

    assert [word for word in gone if word.encode() in pages or skeleton(word).encode() in pages] == []
    assert all(index.words.holds(_name(1 * 30 + word)) for word in range(30)), "the control"


def test_a_word_stays_as_long_as_a_letter_has_it(opened: tuple[Database, CompartmentIndex]) -> None:
    """Removing one letter must not make another one harder to find."""
    _, index = opened
    index.add_many([letter(1, "Dachpfannen"), letter(2, "Dachpfannen"), letter(3, "anderes")])
    index.remove(f"{1:032x}")
    assert nearly(index, "Dachpfamnen") == [2]

    index.remove(f"{2:032x}")
    assert (nearly(index, "Dachpfamnen"), index.words.holds("dachpfannen")) == ([], False)

    index.renew()
    assert nearly(index, "amderes") == [3]


def test_letters_like_one_are_found_without_it(index: CompartmentIndex) -> None:
    """The next question after a letter was found is what else there is on the matter."""
    index.add(letter(1, "Wasserschaden im Keller, Gutachten folgt", title="Wasserschaden Talheim"))
    index.add(letter(2, "Gutachten zum Wasserschaden", title="Gutachten"))
    index.add_many(letter(number, "Rechnung über Papier und Toner", title="Rechnung") for number in range(3, 9))
    query = query_like(index, f"{1:032x}")
    assert query is not None

    from search import find

    result = find([index], query, Filters(but=f"{1:032x}"), limit=10, sort="relevance")
    assert [int(hit.document_id, 16) for hit in result.hits] == [2]
    assert query_like(index, "f" * 32) is None


def test_facets_count_what_was_found_and_nothing_else(index: CompartmentIndex) -> None:
    """A clerk narrows by what the list says there is."""
    from search import find, parse_query

    index.add(letter(1, "Rechnung", record_class="invoice", sender="Berger", dated_on=date(2025, 1, 1)))
    index.add(letter(2, "Rechnung", record_class="invoice", sender="Berger"))
    index.add(letter(3, "Rechnuug", record_class="reminder", sender="Adler"))
    index.add(letter(4, "Mahnung", record_class="other", sender="Niemand"))
    result = find(
        [index], parse_query("Rechnung", date(2026, 1, 1)), Filters(), limit=10, sort="relevance", with_facets=True
    )

    assert result.facets is not None
    assert result.facets.record_classes == (("invoice", 2), ("reminder", 1))
    assert result.facets.years == (("2026", 2), ("2025", 1))
    assert (result.facets.senders, result.facets.senders_of) == ((("Berger", 2), ("Adler", 1)), 3)
    assert search(index, "Rechnung").facets is None


def test_a_very_common_word_shows_subjects_first_then_the_newest(
    index: CompartmentIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Among thousands of letters with a word, those about it and of this week are meant."""
    index.add_many(letter(number, "Rechnung", dated_on=date(2026, 1, number)) for number in range(1, 20))
    index.add(letter(30, "Rechnung", title="Rechnung", dated_on=date(2020, 1, 1)))
    in_full = search(index, "Rechnung", limit=3)
    monkeypatch.setattr("search.finding.VERY_MANY", 5)

    assert found(index, "Rechnung", limit=3) == [30, 19, 18]
    assert (search(index, "Rechnung", limit=3).total, in_full.total) == (20, 20)
    assert found(index, "Rechnung", limit=3, sort="date") == [19, 18, 17]


@pytest.mark.parametrize(
    "query",
    [
        "Rechnung", "Rechnung Berger", '"offene Rechnung"', '"offene Rechnung" Berger', "Rechn*", "*nung", "Rechnumg~",
        "Rechnung OR Mahnung", "Rechnung NOT Mahnung", "Rechnung Berger NOT Mahnung", "(Rechnung OR Mahnung) Berger",
        "sender:Berger", 'sender:"Berger GmbH"', "sender:Berg*", "sender:Berger Rechnung", "subject:Rechnung",
        "subject:Rechn* sender:Berger", "sender:Berger OR sender:Adler", "class:invoice", "class:invoice sender:Berger",
        "class:invoice Rechnung", "date:2026-01 Rechnung", "date:[2026-01-01 TO 2026-02] sender:Berger",
        "amount:>1 Rechnung", "has:amount sender:Berger", "NOT Mahnung", "class:invoice NOT sender:Adler", "März 2026",
    ],
)  # fmt: skip
def test_very_many_matches_are_the_same_letters(
    index: CompartmentIndex, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    """Where thousands match, other expressions choose what is shown: every kind of question must survive that."""
    for number in range(1, 9):
        title, sender = ("Rechnung", "Berger GmbH") if number % 2 else ("Ihr Schreiben", "Adler KG")
        text = f"offene Rechnung von Berger vom 3. März 2026, Nr. {number}" + " Mahnung" * (number % 3 == 0)
        index.add(letter(number, text, title=title, sender=sender, record_class="invoice", facts={"amount": "7.50"}))
    few = search(index, query, limit=20)
    monkeypatch.setattr("search.finding.VERY_MANY", 0)
    many = search(index, query, limit=20)
    monkeypatch.setattr("search.index._MOST_NAMED", 3)
    very_many = search(index, query, limit=20)

    assert {hit.document_id for hit in many.hits} == {hit.document_id for hit in few.hits} != set()
    assert many.total == few.total
    assert very_many == many


def test_spelling_says_how_far_words_are_apart() -> None:
    """Everything near rests on these."""
    assert [edit_distance("haus", other, 2) for other in ("haus", "hasu", "hau", "haust", "xaux", "kuchen")] == [
        0,
        1,
        1,
        1,
        2,
        3,
    ]
    assert skeleton("kundigung") == skeleton("kundlgung") == skeleton("kund1gung")
    assert skeleton("firma") == skeleton("firrna") and skeleton("strasse") == skeleton("strabe")
    assert skeleton("haus") != skeleton("baum")
    assert most_alike("haus", ("kuchen", "hasu", "haus", "haust"), 1) == ["haus", "hasu", "haust"]


def test_a_blanked_word_keeps_the_length_of_its_row(opened: tuple[Database, CompartmentIndex]) -> None:
    """A row that shrinks is moved, and what is moved can be read in the gap."""
    database, _ = opened
    words = Vocabulary(database)
    words.add(["kanarienvogel", "łódź", "_nre77", "kanarienvogel", "_nre77"])

    def lengths() -> list[tuple[int, ...]]:
        word = "SELECT id, length(CAST(word AS BLOB)), 0 FROM words"
        number = "SELECT id, length(CAST(word AS BLOB)), length(CAST(skeleton AS BLOB)) FROM numbers"
        return [*database.rows(word), *database.rows(number)]

    before = lengths()
    assert (len(before), words.holds("łódź"), words.holds("_nre77")) == (3, True, True)

    words.blank(["łódź", "kanarienvogel", "_nre77", "unbekannt"])
    assert (lengths(), words.holds("łódź"), words.holds("_nre77")) == (before, False, False)
    assert (words.everything().each, words.numbers_resembling("_nre77")) == ([], [])


def test_words_are_found_by_a_part_and_by_what_looks_like_it() -> None:
    """Whatever stands before or behind it, and in the first word and the last."""
    words = Words(["kundigung", "kundlgungsfrist", "frist", "mietfrist"])
    assert list(words.containing("frist")) == ["kundlgungsfrist", "frist", "mietfrist"]
    assert list(words.containing("kundigung")) == ["kundigung"]
    assert list(words.resembling("kund1gung")) == ["kundigung", "kundlgungsfrist"]
    assert list(Words([]).containing("frist")) == []


def test_words_are_read_again_when_anybody_has_changed_them(opened: tuple[Database, CompartmentIndex]) -> None:
    """A search that stays open must neither miss a new word nor offer one that was erased."""
    database, index = opened
    index.add(letter(1, "Dachpfanne"))
    assert nearly(index, "Dachpfamne") == [1]

    with open_database(database.path, Disk(), key=KEY) as another:
        CompartmentIndex(another).add(letter(2, "Ziegelstein"))
        assert nearly(index, "Ziegelstien") == [2]
        CompartmentIndex(another).remove(f"{2:032x}")
        assert nearly(index, "Ziegelstien") == []
    index.add(letter(3, "Regenrinne"))
    assert nearly(index, "Regemrinne") == [3]


def _name(number: int) -> str:
    """A number in letters, long enough to be told from chance."""
    return "zwk" + "".join("bdgkmnrpwx"[int(digit)] + "ao"[int(digit) % 2] for digit in f"{number:05}")
