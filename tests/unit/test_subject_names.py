"""Which texts name a person: a letter missed is an incomplete answer, a letter of somebody else is a breach."""

from datetime import date

import pytest

from search.bystanders import bystanders
from search.naming import LEAST, SURE, Name, NameSearch, wanted
from search.resemblance import likeness

WHO = wanted("Jürgen Schröder", ("Lindner",), date(1980, 3, 5))


def surest(*pages: str) -> tuple[float, str]:
    """Confidence and kind of the surest mention; (0.0, "") if there is none."""
    found = NameSearch(WHO).mentions(pages)
    return (found[0].confidence, found[0].how) if found else (0.0, "")


@pytest.mark.parametrize(
    "text",
    [
        "Sehr geehrter Herr Jürgen Schröder,",
        "Schröder, Jürgen",
        "Schröder,\nJürgen",
        "JÜRGEN SCHRÖDER",
        "Juergen Schroeder",
        "Jurgen Schroder",
        "Jürgen Schröders Kündigung vom Mai",
        "Herrn\nJürgen\nSchröder",
        "Jürgen Schrö-\nder wohnt",
        "Herr Dr. Jürgen P. Schröder",
        "Name: Schröder\nVorname: Jürgen",
        "an Herrn Schröder, geboren am 5. März 1980",
        "J. Schröder, geb. 05.03.1980",
        "Jürgen Lindner",
    ],
)
def test_a_name_is_found_however_it_is_written(text: str) -> None:
    """Letters spell, bend, turn and break names; the person is the same."""
    assert surest(text)[0] >= SURE, text


@pytest.mark.parametrize(
    "text",
    [
        "Jürgen Schröcler",
        "Jiirgen Schröder",
        "Jürgen Schr6der",
        "Jürgen Schrö der",
        "HerrnJürgen Schröder",
        "Jürqen Schräder",
    ],
)
def test_a_name_damaged_by_recognition_is_found(text: str) -> None:
    """A bad scan must not keep a letter out of the answer; what damage looks like another name, a person looks at."""
    assert surest(text)[0] >= 0.75, text


@pytest.mark.parametrize(
    "text",
    [
        "Schröder, Jürgen Lange und andere",
        "Herr Schröder",
        "J. Schröder",
        "Antrag Schröder",
        "Jürgen Schröter",
        "Jürgen Schrader",
        "Jürgen Schröder-Meier",
    ],
)
def test_what_may_be_somebody_else_is_listed_and_not_sure(text: str) -> None:
    """Handing out the letters of a namesake is a breach; leaving them out of the list may be one too."""
    assert LEAST <= surest(text)[0] < SURE, text


@pytest.mark.parametrize(
    "text",
    [
        "Petra Schröder",
        "Frau Petra Schröder; liebe Frau Schröder",
        "Schröderstraße 5",
        "Schröder-Straße 5",
        "Schröder & Söhne",
        "Schröder GmbH",
        "Jürgen Meinecke",
        "P. Schröder",
        "ordnungsgemäße Bevollmächtigung versichernd",
        "",
    ],
)
def test_somebody_else_is_not_listed(text: str) -> None:
    """A list of everybody called Schröder is of no use to whoever must look through it."""
    assert surest(text) == (0.0, ""), text


def test_another_date_of_birth_speaks_against_it() -> None:
    """Father and son share a name, a street and often a date of the letter, but not a birthday."""
    own, other = surest("Jürgen Schröder, geb. am 5.3.1980"), surest("Jürgen Schröder, geb. am 17.11.1951")

    assert own[0] > surest("Jürgen Schröder")[0]
    assert LEAST <= other[0] < SURE


def test_a_date_of_birth_alone_is_listed_where_it_is_said_to_be_one() -> None:
    """The name may be unreadable where the date is not; an invoice of that day is about nobody's birth."""
    assert surest("Patient geb. 05.03.80, Herr Schmutzfleck") == (0.35, "date of birth")
    assert surest("Rechnung vom 05.03.1980") == (0.0, "")


def test_names_are_read_as_people_write_them() -> None:
    """Who types a request copies the name from a letter."""
    assert (
        wanted("Müller, Hans").names
        == wanted("Herr Dr. Hans Müller").names
        == (Name(given=("hans",), surname=("müller",)),)
    )
    assert wanted("Erika Mueller geb. Schmidt").names[1] == Name(given=("erika",), surname=("schmidt",))
    assert wanted("Eva von der Heide-Klein").names == (Name(given=("eva",), surname=("heide", "klein")),)
    assert wanted("Eva Klein", ("Evi Groß",)).names[1] == Name(given=("evi",), surname=("gross",))
    with pytest.raises(ValueError, match=r"^Herr$"):
        wanted("Herr")


def test_a_name_that_was_heard_and_not_seen_is_listed() -> None:
    """Who writes to a stranger guesses between Stefan and Stephan; the letter is about the same person."""
    search = NameSearch(wanted("Stefan Meier"))

    for text in ("Stephan Meier", "Stefan Mayer", "Herrn Stefan Maier"):
        assert LEAST <= search.mentions([text])[0].confidence < SURE, text
    for text in ("Steffen Meier", "Stefan Mauer"):
        assert search.mentions([text]) == [], text


def test_a_double_name_is_found_and_half_of_it_is_not_sure() -> None:
    """After a marriage half of the letters carry the old name, half of the namesakes the same half."""
    double = NameSearch(wanted("Eva Heide-Klein"))
    first = NameSearch(wanted("Karl-Heinz Wolff"))

    assert double.mentions(["Frau Eva Heide-Klein"])[0].confidence >= SURE
    for text in ("mit Karl-\nHeinz Wolff", "mit Karl-Heinz\nWolff"):
        assert first.mentions([text])[0].confidence >= SURE, text
    assert first.mentions(["mit\nHeinz Wolff"])[0].confidence < SURE, "the control"
    assert LEAST <= double.mentions(["Frau Eva Klein"])[0].confidence < SURE


def test_letters_that_look_alike_weigh_less_than_others() -> None:
    """Schröter is a name; Schröcler is ink."""
    assert likeness("schröder", "schröder") == 1.0
    assert likeness("schröder", "schröcler") > SURE > likeness("schröder", "schröter") > 0
    assert likeness("schröder", "schneider") == 0.0
    assert 0 < likeness("meier", "maier") < SURE, "who wrote may have heard the name, and never seen it"
    assert likeness("hoffmann", "hofmann") and not likeness("meier", "mauer")


def test_a_passage_can_be_found_again_on_its_page() -> None:
    """Whoever blackens a letter looks for the words where the list says they stand."""
    text = "Anfang " * 40 + "Jürgen Schröder wohnt hier. " + "Ende " * 40
    mention = NameSearch(WHO).mentions(["Deckblatt", text])[0]

    assert (mention.page, text[mention.start : mention.end]) == (2, "Schröder")
    assert "Jürgen Schröder wohnt hier." in mention.passage and len(mention.passage) < 200


def test_others_in_the_letter_are_listed_for_blackening() -> None:
    """A copy for one person must not carry another one's name, account or number."""
    text = (
        "Herrn Jürgen Schröder\n\nFrau Sabine Kolbe, geb. 1.2.1960, Tel. 0551 483-22, sabine.kolbe@beispiel.example,\n"
        "IBAN DE02 1203 0000 0000 2020 51, und Jörg Ebel waren dabei. Mit freundlichen Grüßen"
    )
    search = NameSearch(WHO)
    found = bystanders([text], search, search.mentions([text]))

    assert {(b.kind, b.text) for b in found} == {
        ("person", "Sabine Kolbe"),
        ("date of birth", "1.2.1960"),
        ("phone", "0551 483-22"),
        ("e-mail", "sabine.kolbe@beispiel.example"),
        ("account", "DE02 1203 0000 0000 2020 51"),
        ("person", "Jörg Ebel"),
    }
