"""Deadlines beside the due date: found with their sentence, counted as the law counts, never later than it does."""

import json
import zlib
from datetime import UTC, date, datetime

import pytest
from typed_letters import INVOICE, letter, typed

from archive.textpart import LetterText, decode_letter, encode_letter
from classifiers import Classifier, ClassifierSettings, ClassRule
from classifiers.deadline_kinds import KINDS
from poststelle.cli.deadlines import _as_json, _as_text
from poststelle.records import ClassifiedDocument, Fact
from poststelle.verbs.deadlines import LABELS, Deadline, calendar

RULES = ClassifierSettings(rules=(ClassRule(code="other", label="Sonstiges", compartment="general", retention="X"),))
RECEIVED = date(2026, 3, 18)


def classify(text: str, received_on: date = RECEIVED) -> ClassifiedDocument:
    return Classifier(RULES).classify(typed(text), received_on)


def deadlines(text: str, received_on: date = RECEIVED) -> list[str]:
    facts = classify(text, received_on).facts
    return [fact.value for fact in facts if fact.name.startswith("deadline_")]


def notice(sentence: str) -> str:
    """An authority's letter of 15 March 2026."""
    return letter(f"Bescheid über Gewerbesteuer\n\n\nSehr geehrte Damen und Herren,\n\nwir setzen fest. {sentence}\n")


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        (
            "Gegen diesen Bescheid kann innerhalb eines Monats nach Bekanntgabe Widerspruch erhoben werden.",
            "2026-04-19",
        ),
        ("Einspruch ist binnen eines Monats nach seiner Bekanntgabe einzulegen.", "2026-04-19"),
        ("Sie können binnen zwei Wochen seit der Zustellung Widerspruch einlegen.", "2026-04-01"),
        ("Die Klage ist innerhalb von drei Wochen nach Zugang zu erheben.", "2026-04-08"),
        ("Wir geben Ihnen Gelegenheit, sich innerhalb von 14 Tagen nach Erhalt zu äußern.", "2026-03-29"),
        ("Das Vertragsverhältnis endet zum 30.06.2026.", "2026-06-30"),
    ],
)
def test_a_deadline_is_found_with_its_sentence(sentence: str, expected: str) -> None:
    """Whoever misses the month of an objection pays, right or not."""
    found = [fact for fact in classify(notice(sentence)).facts if fact.name.startswith(("deadline_", "due_date"))]

    assert [fact.value for fact in found] == [expected]
    assert " ".join(found[0].source.split()) == sentence


@pytest.mark.parametrize(
    ("sentence", "day", "kind"),
    [
        ("Bitte zahlen Sie bis zum 14.04.2026, sonst kündigen wir den Vertrag.", "2026-04-14", "payment"),
        ("Den Beitrag ziehen wir am 01.04.2026 per Lastschrift ein.", "2026-04-01", "payment"),
        (
            "Gegen die Rechnung kann innerhalb eines Monats nach Bekanntgabe Widerspruch erhoben werden.",
            "2026-04-19",
            "objection",
        ),
        ("Ihren Einspruch teilen Sie uns bis zum 14.04.2026 mit.", "2026-04-14", "reply"),
        ("Ein Widerspruch ist der Behörde bis zum 14.04.2026 mitzuteilen.", "2026-04-14", "objection"),
        ("Hiermit kündigen wir den Mietvertrag zum 30.06.2026.", "2026-06-30", "termination"),
        ("Das Arbeitsverhältnis endet mit Ablauf des 30.06.2026.", "2026-06-30", "termination"),
        ("Bitte antworten Sie bis zum 14.04.2026.", "2026-04-14", "reply"),
        ("Wir geben Ihnen Gelegenheit, sich innerhalb von 14 Tagen nach Erhalt zu äußern.", "2026-03-29", "reply"),
        ("Zu dieser Besprechung laden wir Sie für den 28.04.2026, 10:30 Uhr ein.", "2026-04-28", "appointment"),
        ("Der Termin zur mündlichen Verhandlung ist am 28.04.2026 um 9 Uhr.", "2026-04-28", "appointment"),
        ("Die bisherige Regelung bleibt bis zum 28.04.2026 bestehen.", "2026-04-28", "other"),
    ],
)
def test_a_deadline_says_what_it_is_for(sentence: str, day: str, kind: str) -> None:
    """Who pays, who appeals and who drives to court are three people; each looks for their own days."""
    found = [fact for fact in classify(notice(sentence)).facts if fact.name.startswith(("deadline_", "due_date"))]

    assert [(fact.value, fact.kind) for fact in found] == [(day, kind)]
    assert " ".join(found[0].source.split()) == sentence


@pytest.mark.parametrize(
    "sentence",
    ["Wir danken für das Gespräch am 28.04.2026.", "Die Büros schließen am 28.04.2026 um 12 Uhr."],
)
def test_a_day_without_meeting_and_hour_is_no_appointment(sentence: str) -> None:
    """A calendar that holds every day a letter mentions is not looked at."""
    assert deadlines(notice(sentence)) == []


def test_a_kind_is_told_where_the_lines_of_a_sentence_stand_far_apart() -> None:
    """Letters are set with wide lines; the words that tell may stand in the line above."""
    due = classify(notice("Den offenen Betrag zahlen Sie bitte bis spätestens\n\n\n14.04.2026.")).fact("due_date")

    assert due is not None
    assert (due.value, due.kind) == ("2026-04-14", "payment")


def test_before_2025_a_notice_counted_as_known_a_day_earlier() -> None:
    """The law changed with the post: three days then, four since."""
    old = notice("Einspruch ist innerhalb eines Monats nach Bekanntgabe einzulegen.").replace("2026", "2024")

    assert deadlines(old, date(2024, 3, 18)) == ["2024-04-18"]


def test_periods_without_a_right_or_an_answer_are_no_deadlines() -> None:
    """A calendar full of guarantee periods would be switched off."""
    assert deadlines(notice("Mängel zeigen sich meist innerhalb eines Monats nach Erhalt der Ware.")) == []
    assert deadlines(notice("Einspruch ist innerhalb eines Monats nach Erhalt einzulegen.")) != []


def test_a_list_of_dates_is_no_list_of_deadlines() -> None:
    """A schedule of twelve rates would bury the one day that counts."""
    rates = [f"Bitte zahlen Sie bis zum 05.{month:02}.2026." for month in range(4, 13)]

    assert deadlines(notice("\n".join(rates))) == []
    assert len(deadlines(notice("\n".join(rates[:3])))) == 2


def test_the_due_date_keeps_its_sentence() -> None:
    """Accounting wants to see the words before the money goes."""
    due = classify(INVOICE).fact("due_date")

    assert due is not None
    assert due.source.startswith("Bitte überweisen Sie den Betrag bis zum 14. April 2026")


def test_text_parts_keep_the_sentence_and_old_ones_stay_readable() -> None:
    """Letters filed before sentences were kept must open for decades."""
    filed = LetterText(classified=classify(INVOICE), received_on=RECEIVED)
    encoded = encode_letter(filed)
    assert decode_letter(encoded).classified.facts == filed.classified.facts

    assert decode_letter(encoded).classified.fact("due_date").kind == "payment"

    older = json.loads(zlib.decompress(encoded))
    older["facts"] = [row[:4] for row in older["facts"]]
    decoded = decode_letter(zlib.compress(json.dumps(older).encode()))

    assert [fact.value for fact in decoded.classified.facts] == [fact.value for fact in filed.classified.facts]
    assert decoded.classified.fact("due_date") == Fact(
        name="due_date", value="2026-04-14", confidence=filed.classified.fact("due_date").confidence, page=1
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_word_for_the_calendar_and_stands_in_the_list(kind: str) -> None:
    """A kind that the list does not know would be shown as nothing, and the objection as any other day."""
    item = Deadline(
        due_on=date(2026, 4, 30), name="deadline_1", document_id="a" * 32, accession="LEG-2026-000001",
        record_class="legal", sender="Amt", title="Bescheid", confidence=0.8, source="Bis dann.", kind=kind,
    )  # fmt: skip

    assert f"  {kind} " in _as_text(item)
    assert _as_json(item)["kind"] == kind
    assert f"SUMMARY:{LABELS[kind]} – Amt" in calendar([item], datetime(2026, 3, 1, 8, 0, tzinfo=UTC))


def test_the_calendar_is_one_that_programs_import() -> None:
    """A sender's name must neither break the file nor smuggle an entry of its own into it."""
    item = Deadline(
        due_on=date(2026, 4, 30), name="deadline_1", document_id="a" * 32, accession="LEG-2026-000001",
        record_class="legal", sender="Evil; GmbH,\r\nBEGIN:VEVENT", title="Über" * 40, confidence=0.8,
        source="Bis dann.", kind="objection",
    )  # fmt: skip

    text = calendar([item], datetime(2026, 3, 1, 8, 0, tzinfo=UTC))

    lines = text.split("\r\n")
    assert lines[0] == "BEGIN:VCALENDAR" and lines[-2:] == ["END:VCALENDAR", ""]
    assert lines.count("BEGIN:VEVENT") == 1
    assert "DTSTART;VALUE=DATE:20260430" in lines and "DTEND;VALUE=DATE:20260501" in lines
    assert all(len(line.encode()) <= 75 for line in lines)
    assert "CATEGORIES:Rechtsbehelf" in lines and "SUMMARY:Rechtsbehelf – " in text
    assert "Evil\\; GmbH\\,  BEGIN:VEVENT" in text.replace("\r\n ", "")
