"""How phrases of the rules are found in a letter: clerks write them, so they must mean what they seem to mean."""

from dataclasses import replace

import pytest
from typed_letters import letter, typed

from classifiers.evidence import Matcher, read_zones, without_echoes
from classifiers.layout import read_letter
from classifiers.lines import read_lines
from classifiers.settings import Phrase, Place
from classifiers.spelling import Vocabulary
from poststelle.records import Word


def weight_of(text: str, body: str, where: Place = "anywhere", *, regex: bool = False, sender: str = "") -> float:
    """Weight that a phrase of weight 1 gets in a letter with that body; 0.0 if it is not found."""
    matcher = Matcher(Phrase(text=text, weight=1.0, where=where, regex=regex))
    read = read_letter(typed(letter(body)), Vocabulary(matcher.words))
    found = matcher.weigh(read_zones(read, sender))
    return 0.0 if found is None else found.weight


SUBJECT = "{}\n\n\nSehr geehrte Damen und Herren,\n\nwir schreiben Ihnen heute.\n"
BODY = "Unser Anliegen\n\n\nSehr geehrte Damen und Herren,\n\n\n\n\n\n\n\n{}\n"


@pytest.mark.parametrize("printed", ["Kündigung", "KÜNDIGUNG", "Kuendigung", "„Kündigung“,"])
def test_case_umlauts_and_punctuation_do_not_matter(printed: str) -> None:
    """A clerk writes the phrase once, not once per typewriter."""
    assert weight_of("Kündigung", BODY.format(printed)) == 1.0


def test_a_phrase_is_whole_words() -> None:
    """ "Rat" must not be found in "Rathaus", nor a rule fire on parts of words nobody thought of."""
    assert weight_of("rat", BODY.format("Das Rathaus")) == 0.0


def test_a_star_stands_for_the_rest_of_a_word() -> None:
    """German compounds are endless; the rule need not list them."""
    assert weight_of("*vertrag", BODY.format("Der Mietvertrag gilt")) == 1.0
    assert weight_of("mahngebühr*", BODY.format("Zuzüglich Mahngebühren")) == 1.0
    assert weight_of("*vertrag", BODY.format("Die Vertragspartner")) == 0.0


def test_a_word_cut_at_the_end_of_a_line_is_one_word() -> None:
    """Hyphenation must not hide the word that decides."""
    assert weight_of("arbeitsunfähig", BODY.format("Er ist arbeits-\nunfähig seit gestern")) == 1.0


def test_a_phrase_runs_over_the_end_of_a_line() -> None:
    """Where a line breaks is the printer's choice."""
    assert weight_of("keinen zahlungseingang", BODY.format("wir konnten keinen\nZahlungseingang finden")) == 1.0


def test_the_subject_line_counts_more_than_the_text_and_the_text_more_than_the_footer() -> None:
    """What a letter is stands on top; what it mentions stands anywhere."""
    subject = weight_of("mahnung", SUBJECT.format("Mahnung"))
    body = weight_of("mahnung", BODY.format("Dies ist eine Mahnung an alle"))
    foot = weight_of("mahnung", BODY.format("Text" + "\n" * 50 + "Mahnung"))

    assert subject > body > foot > 0


def test_what_the_subject_is_about_counts_less_than_what_it_is() -> None:
    """A reminder of an invoice is a reminder."""
    line = SUBJECT.format("Mahnung zur Rechnung 4711")

    assert weight_of("mahnung", line, "subject") > weight_of("rechnung", line, "subject") > 0


def test_spread_letters_of_a_title_are_a_word() -> None:
    """ "R E C H N U N G" is how some houses set their titles."""
    assert weight_of("rechnung", SUBJECT.format("R E C H N U N G"), "subject") == 1.0


def test_the_recipients_own_name_is_no_evidence() -> None:
    """A bank's mail room would otherwise take every letter for a bank's."""
    assert weight_of("musterbetrieb", BODY.format("Guten Tag")) == 0.0


def test_the_sender_is_matched_by_name() -> None:
    """ "Finanzamt" in the text is talk; as the sender it is the tax office."""
    assert weight_of("finanzamt*", BODY.format("Guten Tag"), "sender", sender="Finanzamt Erfurt") == 1.0
    assert weight_of("finanzamt*", BODY.format("Das Finanzamt"), "sender", sender="Karla Morgenstern") == 0.0


def test_a_pattern_is_tried_on_the_text_as_recognised() -> None:
    """Some evidence has signs and digits in it."""
    assert weight_of(r"§\s?1\b", BODY.format("§ 1 Gegenstand"), regex=True) == 1.0


def test_a_phrase_without_a_word_is_refused() -> None:
    """It would match every letter."""
    with pytest.raises(ValueError, match="holds no word"):
        Matcher(Phrase(text=" * ", weight=1.0))


def test_overlapping_phrases_speak_once() -> None:
    """One printed word must not be counted as three proofs."""
    subject = SUBJECT.format("Letzte Mahnung")
    weights = {"mahnung": 5.0, "*mahnung": 4.0}
    phrases = [Phrase(text=text, weight=weight, where="subject") for text, weight in weights.items()]
    read = read_letter(typed(letter(subject)), Vocabulary(()))
    zones = read_zones(read, "")

    kept = without_echoes(found for phrase in phrases if (found := Matcher(phrase).weigh(zones)) is not None)

    assert [item.weight for item in kept] == [5.0]


def test_evidence_against_says_so() -> None:
    """A clerk who reads the reasons must see what pulled the other way."""
    read = read_letter(typed(letter(SUBJECT.format("Mahnung"))), Vocabulary(()))
    found = Matcher(Phrase(text="mahnung", weight=-4.0, where="subject")).weigh(read_zones(read, ""))

    assert found is not None
    assert found.text == 'speaks against: the subject line says "mahnung"'


@pytest.mark.parametrize(
    ("misread", "meant"),
    [
        ("rechnnng", "rechnung"),
        ("zahlungserlnnerung", "zahlungserinnerung"),
        ("kundigunq", "kundigung"),
        ("rnahnung", "mahnung"),
    ],
)
def test_a_doubtful_word_is_read_as_the_rule_word_it_almost_is(misread: str, meant: str) -> None:
    """Bad scans must not lose their reminders."""
    vocabulary = Vocabulary(("rechnung", "zahlungserinnerung", "kundigung", "mahnung"))

    assert vocabulary.read(misread, confidence=0.6) == meant


def test_a_word_that_was_read_surely_is_left_as_it_is() -> None:
    """ "Leitung" is not "Leistung", however near."""
    assert Vocabulary(("leistung",)).read("leitung", confidence=0.99) == "leitung"


def test_a_label_and_its_value_share_a_row_though_recognition_put_them_in_two_blocks() -> None:
    """The total stands at the right edge, far from its label."""
    page = typed("x").pages[0]
    words = (
        Word(text="Gesamtbetrag", left=100, top=500, right=300, bottom=520, confidence=0.9, line=4, block=1),
        Word(text="1.190,00", left=900, top=502, right=1000, bottom=522, confidence=0.9, line=9, block=2),
        Word(text="Danke", left=100, top=540, right=160, bottom=560, confidence=0.9, line=5, block=1),
    )
    lines = read_lines(replace(page, words=words, width_px=1200, height_px=1700), Vocabulary(()))

    assert [[segment.text for segment in row] for row in lines.rows] == [["Gesamtbetrag", "1.190,00"], ["Danke"]]
