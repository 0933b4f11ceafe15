"""What a letter states: wrong facts mean missed deadlines, wrong payments and wrong destruction dates."""

from datetime import date

import pytest
from typed_letters import INVOICE, REMINDER, RESIGNATION, SICK_NOTE, letter, typed

from classifiers import Classifier, ClassifierSettings, ClassRule
from poststelle.records import Fact

CLASSIFIER = ClassifierSettings(
    rules=(ClassRule(code="other", label="Sonstiges", compartment="general", retention="COM-06", prior=1.0),),
    office_names=("Musterbetrieb GmbH",),
)


def facts(text: str, received_on: date = date(2026, 3, 17)) -> dict[str, Fact]:
    return {fact.name: fact for fact in Classifier(CLASSIFIER).classify(typed(text), received_on).facts}


def values(text: str) -> dict[str, str]:
    return {name: fact.value for name, fact in facts(text).items()}


def test_an_invoice_yields_all_that_bookkeeping_needs() -> None:
    """Every figure that is not read here is typed by hand."""
    assert values(INVOICE) == {
        "sender": "Tischlerei Morgenstern GmbH",
        "subject": "Rechnung Nr. RE-2026-0815",
        "date": "2026-03-15",
        "reference": "RE-2026-0815",
        "amount": "1190.00",
        "currency": "EUR",
        "due_date": "2026-04-14",
        "iban": "DE89370400440532013000",
        "net_amount": "1000.00",
        "tax_amount": "190.00",
        "recipient": "Musterbetrieb GmbH",
    }


def test_facts_name_the_page_they_were_read_from() -> None:
    """The clerk who checks a figure must find it."""
    found = Classifier(CLASSIFIER).classify(typed("Deckblatt", INVOICE), date(2026, 3, 17))

    assert (found.fact("iban") or pytest.fail("no IBAN")).page == 2


def test_a_total_that_is_net_plus_tax_is_nearly_certain() -> None:
    """Arithmetic is the best witness there is."""
    assert facts(INVOICE)["amount"].confidence >= 0.97


def test_a_total_without_tax_is_told_by_the_column_above_it() -> None:
    """A lawyer's claim of three items is more than its first item."""
    body = """Anspruch


Sehr geehrte Frau Weber,

wir fordern:

Offene Forderung                        1.190,00
Zinsen                                     12,50
Kosten                                    147,56
Summe                                   1.350,06 EUR
"""
    amount = facts(letter(body))["amount"]

    assert (amount.value, amount.confidence >= 0.97) == ("1350.06", True)


def test_an_account_number_beside_one_that_could_not_be_read_is_less_sure() -> None:
    """The unreadable one may be the one to pay to."""
    doubtful = facts(INVOICE + "\nKonto der Kasse: DE89 3704 0044 0532 0130 07\n")["iban"]

    assert doubtful.value == "DE89370400440532013000"
    assert doubtful.confidence < 0.8


def test_a_reminder_names_its_deadline_not_the_date_of_the_invoice() -> None:
    """Paying by the wrong day costs a fee."""
    found = values(REMINDER)

    assert (found["due_date"], found["amount"]) == ("2026-04-02", "1190.00")


def test_a_birthday_is_not_the_date_of_the_letter() -> None:
    """A sick note filed under 1980 would be destroyed at once."""
    assert values(SICK_NOTE)["date"] == "2026-03-16"


def test_a_private_person_is_the_sender() -> None:
    """Without a letterhead, the address on top says who writes."""
    assert values(RESIGNATION)["sender"] == "Hannes Vogt"


def test_we_are_never_the_sender() -> None:
    """Every letter carries our name; none of them is from us."""
    assert values(letter("Guten Tag", head="Musterbetrieb GmbH\nLindenstraße 1\n01067 Dresden\n")).get("sender") != (
        "Musterbetrieb GmbH"
    )


def test_the_sender_is_the_company_not_its_bank_or_its_register_court() -> None:
    """The footer names all three."""
    foot = "\n" * 30 + "Tischlerei Morgenstern GmbH     Sparkasse Mittelthüringen     Amtsgericht Jena\n"

    assert values(INVOICE + foot)["sender"] == "Tischlerei Morgenstern GmbH"


def test_a_date_after_receipt_is_not_the_date_of_the_letter() -> None:
    """A letter is not written after it came."""
    text = "Gilt ab 01.09.2026\n\n16.03.2026\n\nGuten Tag"

    assert values(text)["date"] == "2026-03-16"


@pytest.mark.parametrize(
    ("sentence", "due"),
    [
        ("Zahlbar innerhalb von 14 Tagen ohne Abzug.", "2026-03-29"),
        ("Zahlungsziel: 30 Tage netto.", "2026-04-14"),
        ("Zahlbar binnen zwei Wochen.", "2026-03-29"),
        ("Der Betrag ist innerhalb eines Monats zahlbar.", "2026-04-15"),
        ("Der Gesamtbetrag wird am 1. April 2026 fällig.", "2026-04-01"),
        ("Den Beitrag buchen wir am 1. April 2026 von Ihrem Konto ab.", "2026-04-01"),
        ("An dieses Angebot halten wir uns gebunden bis 30.04.2026.", "2026-04-30"),
    ],
)
def test_a_due_date_is_printed_or_counted_from_the_letters_date(sentence: str, due: str) -> None:
    """Deadlines are what a mail room is asked for first."""
    body = f"Unser Schreiben\n\n\nSehr geehrte Frau Weber,\n\n{sentence}\n"

    assert values(letter(body))["due_date"] == due


def test_a_period_of_objection_is_no_due_date() -> None:
    """It runs from a day that the letter does not name."""
    body = (
        "Bescheid\n\n\nSehr geehrte Frau Weber,\n\nWiderspruch ist innerhalb eines Monats nach Bekanntgabe möglich.\n"
    )

    assert "due_date" not in values(letter(body))


def test_cash_discount_does_not_shorten_the_due_date() -> None:
    """The invoice is due when it is due net."""
    body = "Rechnung\n\n\nGuten Tag,\n\nzahlbar innerhalb 10 Tagen mit 2 % Skonto, innerhalb 30 Tagen netto.\n"

    assert values(letter(body))["due_date"] == "2026-04-14"


def test_a_sum_is_found_without_tax_beside_it() -> None:
    """Authorities print no VAT."""
    body = "Gebührenbescheid\n\n\nSehr geehrte Frau Weber,\n\nwir setzen eine Gebühr in Höhe von 85,50 EUR fest.\n"

    assert values(letter(body))["amount"] == "85.50"


@pytest.mark.parametrize(
    ("line", "reference"),
    [
        ("Aktenzeichen: 12 O 345/25", "12 O 345/25"),
        ("Unser Zeichen: MO-77/2026", "MO-77/2026"),
        ("Rechnungs-Nr.: 2026/4711", "2026/4711"),
        ("Kassenzeichen 5021.0099.1234", "5021.0099.1234"),
    ],
)
def test_the_reference_is_what_its_label_says(line: str, reference: str) -> None:
    """Without it an answer reaches nobody."""
    body = f"{line}\n\nUnser Anliegen\n\n\nSehr geehrte Frau Weber,\n\nwir schreiben Ihnen.\n"

    assert values(letter(body))["reference"] == reference


def test_a_customer_number_is_no_reference() -> None:
    """It is the same on every letter of that sender."""
    body = "Kundennummer: 40821\n\nUnser Anliegen\n\n\nSehr geehrte Frau Weber,\n\nwir schreiben Ihnen.\n"
    found = values(letter(body))

    assert (found.get("reference"), found["customer_number"]) == (None, "40821")


def test_values_stand_under_their_labels_too() -> None:
    """Many houses print labels in one line and values in the next."""
    body = """Rechnungsnummer          Kundennummer           Datum
2026-4711                40821                  12.03.2026


Ihre Regale


Sehr geehrte Frau Weber,

wir schreiben Ihnen.
"""
    found = values(letter(body, date=""))

    assert (found["reference"], found["customer_number"], found["date"]) == ("2026-4711", "40821", "2026-03-12")


def test_an_account_number_with_a_wrong_digit_is_not_reported() -> None:
    """Money sent to it is gone."""
    assert "iban" not in values(INVOICE.replace("0130 00", "0130 01"))


def test_an_account_number_put_right_is_less_sure_than_one_read_cleanly() -> None:
    """Whoever pays must see which figure to compare."""
    repaired = facts(INVOICE.replace("0532 0130", "O532 O13O"))["iban"]

    assert repaired.value == "DE89370400440532013000"
    assert repaired.confidence < facts(INVOICE)["iban"].confidence
