"""A clerk remembers a word, a number, a date: not how the letter spelled it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from search_letters import found, letter, open_index

from poststelle.german import fold
from search import CompartmentIndex
from search.analysis import Analyser


@pytest.fixture
def index(tmp_path: Path) -> Iterator[CompartmentIndex]:
    database, index = open_index(tmp_path)
    with database:
        yield index


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("Müller", "Mueller"),
        ("Mueller", "Müller"),
        ("Muller", "Müller"),
        ("Mu\u0308ller", "Müller"),
        ("MÜLLER", "müller"),
        ("Straße", "Strasse"),
        ("STRASSE", "Straße"),
        ("GROẞHANDEL", "Großhandel"),
        ("Kündigung", "Kuendigung"),
        ("gekündigt", "Kündigung"),
        ("Kündigung", "gekündigt"),
        ("gekündigte", "kündigen"),
        ("Rechnungen", "Rechnung"),
        ("Rechnung", "Rechnungen"),
        ("bestellt", "Bestellung"),
        ("Stornierung", "storniert"),
        ("verlängert", "Verlängerung"),
        ("geliefert", "Lieferung"),
        ("abgerechnet", "Abrechnung"),
        ("genehmigt", "Genehmigung"),
        ("erstatteten", "Erstattung"),
        ("überwiesen", "Überweisung"),
        ("Bewerbung", "beworben"),
        ("abgeschlossenen", "Abschluss"),
        ("Beschluss", "beschlossen"),
        ("eingegangen", "Eingang"),
        ("Eintragung", "eingetragen"),
        ("Angabe", "angegebene"),
        ("übernommen", "Übernahme"),
        ("gemahnt", "Mahnung"),
        ("Zahlung", "gezahlt"),
        ("geprüfte", "Prüfung"),
        ("prüfen", "geprüft"),
        ("Buchung", "gebucht"),
        ("erhöht", "Erhöhung"),
        ("Ge\u00adneh\u00admi\u00adgung", "Genehmigung"),
        ("Rech-\nnung", "Rechnung"),
        ("Rech-  \r\n  nungen", "Rechnung"),
        ("Rech\u00ad\nnung", "Rechnung"),
        ("E-Mail", "Email"),
        ("Email", "E-Mail"),
        ("Rückfrage", "rueckfrage"),
        ("ﬁnanziert", "finanziert"),
        ("Ver\u200btrag", "Vertrag"),
        ("Auf\u200clage", "Auflage"),
        ("Ab\u202esender", "Absender"),
        ("Michał", "Michal"),
        ("Café", "Cafe"),
        ("Łódź", "Łódź"),
        ("Αθήνα", "αθηνα"),
    ],
)
def test_a_word_is_found_in_any_usual_spelling(index: CompartmentIndex, written: str, typed: str) -> None:
    """Whoever types it the other way must not believe that the letter is lost."""
    index.add(letter(1, f"Sehr geehrte Damen und Herren, {written} anbei."))
    index.add(letter(2, "Sehr geehrte Damen und Herren, nichts anbei."))

    assert found(index, typed) == [1]


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("1.234,56", "1234,56"),
        ("1.234,56", "1234.56"),
        ("1234,56", "1.234,56"),
        ("1 234,56", "1234,56"),
        ("1234.56", "1 234,56"),
        ("1,234.56", "1.234,56"),
        ("1.234,00", "1234"),
        ("12,5", "12,50"),
        ("DE13500105175407324931", "DE13 5001 0517 5407 3249 31"),
        ("DE13 5001 0517 5407 3249 31", "DE13500105175407324931"),
        ("DE13 5001 0517 5407 3249 31", "de13 500105175407324931"),
        ("DE13500105175407324931", "5001 0517"),
        ("AT61 1904 3002 3457 3201", "AT611904300234573201"),
        ("05.03.2026", "5. März 2026"),
        ("05.03.2026", "2026-03-05"),
        ("05.03.2026", "5.3.26"),
        ("5. März 2026", "05.03.2026"),
        ("2026-03-05", "5. Maerz 2026"),
        ("05.03.2026", "März 2026"),
        ("05.03.2026", "03/2026"),
        ("März 2026", "03.2026"),
        ("5. März 2026", "März"),
        ("05.03.2026", "2026"),
        ("RE-2026-00417", "RE202600417"),
        ("RE 2026 00417", "RE-2026-00417"),
        ("RE202600417", "RE-2026-00417"),
        ("0711/123456", "0711 123456"),
        ("0711 12 34 56", "0711123456"),
        ("12 345 678", "12345678"),
        ("00123", "00123"),
        ("1.234,56 €", "1.234,56 EUR"),
        ("1.234,56 €", "EUR 1.234,56"),
        ("1.234,56EUR", "1234,56"),
        ("KD 47110815", "4711 0815"),
        ("0711123456", "0711 12 34 56"),
        ("(0711) 123456", "0711123456"),
        ("0711 123456", "(0711) 12 34 56"),
        ("+49 (0)711 123456", "0711/123456"),
        ("0711 123456", "+49711123456"),
        ("05.03.2026", "2026-03"),
        ("05.03.2026", "5. März"),
        ("5. März 2026", "05.03."),
        ("am 5. März", "5. März"),
        ("29.02.2024", "29.2."),
        ("RE-2026-00417", "RE-2026-*"),
        ("RE-2026-00417", "*417"),
        ("RE-2026-00417", "RE*417"),
    ],
)
def test_a_number_is_found_in_any_usual_spelling(index: CompartmentIndex, written: str, typed: str) -> None:
    """A clerk copies a number from a screen that groups it differently than the paper."""
    index.add(letter(1, f"Bitte beachten: {written} wie besprochen."))
    index.add(letter(2, "Bitte beachten: 77 wie besprochen, 06.04.2025, DE02120300000000202051, RE-2025-00418."))

    assert found(index, typed) == [1]


@pytest.mark.parametrize("typed", ["5. Auguſt", "5. Junı"])
def test_a_month_in_odd_letters_is_a_word_like_others(index: CompartmentIndex, typed: str) -> None:
    """Python's search without case takes ſ for s and ı for i; the table of months does not."""
    index.add(letter(1, f"Wir kommen am {typed} zu Ihnen."))

    assert found(index, typed) == [1]


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("1.234,56", "1.234,57"),
        ("00123", "123"),
        ("05.03.2026", "06.03.2026"),
        ("05.03.2026", "April 2026"),
        ("05.03.2026", "6. März"),
        ("+43 711 123456", "0711 123456"),
        ("Kapitel 5, März und April", "6. März"),
        ("zahlbar in Dollar", "EUR"),
        ("Geschäft", "Schaf"),
        ("Gericht", "richten"),
        ("Buch", "Buchung"),
        ("Wiese", "Weise"),
        ("Betrieb", "betreiben"),
        ("Stunde", "gestundet"),
        ("Vor- und Nachname", "Vorund"),
    ],
)
def test_what_is_not_the_same_stays_apart(index: CompartmentIndex, written: str, typed: str) -> None:
    """Looking alike to a rule is not enough: wrong hits bury the right one."""
    index.add(letter(1, f"Bitte beachten: {written} wie besprochen."))

    assert found(index, typed) == []


_OFFICE_WORDS = """
Rechnung Rechnungen Mahnung Mahnungen Angebote Angebotes Lieferung Lieferungen Vertrag Vertrages Verträge
Kündigung Kündigungen Bewerbung Bewerbungen Zahlung Zahlungen Betrag Betrages Beträge Konten Kontos Frist
Fristen Unterlagen Versicherung Versicherungen Bescheid Bescheide Steuern Steuer Beiträge Beitrag Anlagen
Firma Firmen Kunde Kunden Kundinnen Bestellungen freundlichen freundliche Grüßen geehrte Herren möglichst
"""


def test_stems_agree_with_whooshs_stemmer_on_office_words() -> None:
    """Users of systems with that stemmer find here what they find there."""
    from whoosh.lang.snowball.german import GermanStemmer

    words = _OFFICE_WORDS.split()
    theirs, ours = GermanStemmer(), Analyser()
    assert {word: ours.word(word)[0] for word in words} == {word: theirs.stem(fold(word)) for word in words}


def test_a_phrase_keeps_its_order_and_finds_numbers_in_other_spellings(index: CompartmentIndex) -> None:
    """The bill of some day is one thing; the two words somewhere on the page are another."""
    index.add(letter(1, "Unsere Rechnung vom 5. März 2026 über 1.234,56 EUR ist offen."))
    index.add(letter(2, "Vom 05.03.2026 stammt die andere Rechnung über 1234,56 EUR."))

    assert found(index, '"Rechnung vom 05.03.2026"') == [1]
    assert set(found(index, '"über 1234.56 EUR"')) == {1, 2}
    assert found(index, '"Rechnung über"') == [2]
    assert found(index, '"offen ist"') == []


def test_stop_words_count_in_phrases(index: CompartmentIndex) -> None:
    """Some phrases are nothing but small words."""
    index.add(letter(1, "Das war nicht so gemeint."))
    index.add(letter(2, "Das war so nicht gemeint."))

    assert found(index, '"war nicht so"') == [1]
