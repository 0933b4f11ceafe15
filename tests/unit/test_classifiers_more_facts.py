"""Facts beside the main ones: whom it is for, net and tax, bank and VAT number, file number, and where each stands."""

from datetime import date

import pytest
from typed_letters import HEAD, INVOICE, letter, typed

from classifiers import Classifier, ClassifierSettings, ClassRule
from poststelle.german import find_ibans
from poststelle.records import Fact, PageOrigin

CLASSIFIER = ClassifierSettings(
    rules=(ClassRule(code="other", label="Sonstiges", compartment="general", retention="COM-06", prior=1.0),),
    office_names=("Musterbetrieb GmbH",),
)
PAYMENT = "Bitte überweisen Sie auf IBAN DE89 3704 0044 0532 0130 00, BIC COBADEFFXXX."


def facts(text: str) -> dict[str, Fact]:
    return {fact.name: fact for fact in Classifier(CLASSIFIER).classify(typed(text), date(2026, 3, 17)).facts}


@pytest.mark.parametrize(
    ("lines", "recipient", "attention"),
    [
        (("Firma", "Musterbetrieb GmbH"), "Musterbetrieb GmbH", None),
        (("Musterbetrieb GmbH", "z. Hd. Frau Karin Weber"), "Musterbetrieb GmbH", "Frau Karin Weber"),
        (("Musterbetrieb GmbH", "Frau Karin Weber"), "Musterbetrieb GmbH", "Karin Weber"),
        (("Einschreiben", "Herrn Jens Holm"), "Jens Holm", None),
    ],
)
def test_the_address_says_whom_a_letter_is_for(lines: tuple[str, str], recipient: str, attention: str | None) -> None:
    """The mail room carries it to a person, not to a company."""
    found = facts(letter("Guten Tag,\n\nbis bald.", head=HEAD.replace("Musterbetrieb GmbH", "\n".join(lines))))

    assert found["recipient"].value == recipient
    assert (found["attention"].value if "attention" in found else None) == attention


def test_net_and_tax_are_told_where_they_add_up() -> None:
    """A wrong input tax is claimed from the tax office, in writing."""
    found = facts(INVOICE)

    assert (found["net_amount"].value, found["tax_amount"].value) == ("1000.00", "190.00")
    assert not {"net_amount", "tax_amount"} & set(facts(INVOICE.replace("   190,00 €", "   193,00 €"))), "do not add up"


@pytest.mark.parametrize(
    ("bic", "sure"), [("COBADEFFXXX", True), ("COBADEFF", True), ("BKAUATWW", False), ("2030DEFF", None)]
)
def test_a_bic_of_another_country_than_the_account_is_doubted(bic: str, sure: bool | None) -> None:
    """Money sent to the wrong bank comes back weeks later, if at all."""
    found = facts(letter("Guten Tag,\n\n" + PAYMENT.replace("COBADEFFXXX", bic)))

    assert (found["bic"].confidence >= 0.9 if "bic" in found else None) is sure


@pytest.mark.parametrize(("number", "sure"), [("DE136695976", True), ("DE136695977", False)])
def test_a_vat_number_with_wrong_digits_is_doubted(number: str, sure: bool) -> None:
    """The tax office refuses input tax for a seller that is not there."""
    found = facts(letter(f"Guten Tag,\n\nUSt-IdNr.: {number}"))

    assert (found["vat_id"].value, found["vat_id"].confidence >= 0.9) == (number, sure)


def test_the_file_number_of_an_authority_is_told() -> None:
    """Every answer has to carry it."""
    found = facts(letter("Aktenzeichen: 4711/26-B\n\nAnhörung\n\nGuten Tag,\n\nwir hören Sie an."))

    assert found["file_number"].value == "4711/26-B"


@pytest.mark.parametrize("label", ["Mahnvorgang", "Pers.-Nr.", "Vorgangskennung"])
def test_a_label_that_nobody_listed_announces_a_reference_by_its_form(label: str) -> None:
    """Every sender has words of their own for the number they want to read again."""
    assert facts(letter(f"{label}: 22436.34991\n\nGuten Tag,\n\nbis bald."))["reference"].value == "22436.34991"


@pytest.mark.parametrize("label", ["Kundennummer", "Telefon-Nr.", "Bankverbindung Kontonr.", "Ihr Zeichen"])
def test_numbers_of_something_else_are_no_reference(label: str) -> None:
    """The control of the claim above."""
    found = facts(letter(f"{label}: 22436.34991\n\nGuten Tag,\n\nbis bald."))

    assert "reference" not in found or found["reference"].confidence < 0.75


def test_the_one_sum_of_a_letter_is_its_amount_but_never_surely() -> None:
    """A rent without a label is still the rent; with two sums nobody can know."""
    one = facts(letter("Guten Tag,\n\nals Entgelt schuldet der Kunde je Monat 1.942,17 EUR im Voraus."))
    two = facts(letter("Guten Tag,\n\nder Kunde schuldet im Mai 942,17 EUR, im Juni 842,17 EUR."))

    assert one["amount"].value == "1942.17"
    assert one["amount"].confidence < 0.9
    assert "amount" not in two


def test_a_sum_of_fees_is_never_called_the_amount_surely() -> None:
    """Broker notes end in a column of fees; the purchase is another sum."""
    body = "Provision        10,00 EUR\nEntgelt           1,40 EUR\nSumme Entgelte   11,40 EUR\n"

    amount = facts(letter("Abrechnung\n\nGuten Tag,\n\n" + body))["amount"]

    assert (amount.value, amount.confidence < 0.9) == ("11.40", True)


def test_every_fact_says_where_it_stands() -> None:
    """Who checks a figure must not have to search the page for it."""
    document = typed(INVOICE)
    found = {f.name: f for f in Classifier(CLASSIFIER).classify(document, date(2026, 3, 17)).facts}

    lines = INVOICE.splitlines()
    for name, printed in (
        ("amount", "1.190,00"),
        ("iban", "DE89"),
        ("due_date", "14."),
        ("sender", "Tisch"),
    ):
        box = found[name].box
        assert box is not None, name
        left, top, right, bottom = box
        assert printed in lines[top // 24][left // 10 : right // 10 + 1], name
        assert left < right and top < bottom


@pytest.mark.parametrize(
    ("read", "meant"),
    [
        ("DES9 3704 0044 0532 0130 00", "DE89370400440532013000"),
        ("DE8B9 3704 0044 0532 0130 00", None),
        ("DES89 3704 0044 0532 0130 00", "DE89370400440532013000"),
        ("DE89 3704 0044 0532 0l30 00", "DE89370400440532013000"),
        ("DE89 3704 0044 0532 0130 01", None),
    ],
)
def test_letters_read_for_digits_are_put_right_only_by_the_check_digits(read: str, meant: str | None) -> None:
    """A repaired account is a proposal: whoever pays must see that it was repaired."""
    found = find_ibans(f"Konto {read} bei der Bank")

    assert [iban for _, _, iban, _ in found] == ([meant] if meant else [])
    assert all(repaired for *_, repaired in found)


def test_office_and_doctor_are_named_in_full() -> None:
    """ "Landratsamt" alone is three hundred desks."""
    head = "Landratsamt Rebental\nUmweltschutz\n\n\nLandratsamt Rebental · Ahornweg 7 · 99084 Erfurt\n\n\n"
    found = facts(letter("Guten Tag,\n\nbis bald.", head=head + HEAD.rpartition("\n\n")[2]))

    assert found["sender"].value == "Landratsamt Rebental, Umweltschutz"


def test_a_scan_without_text_has_no_facts() -> None:
    """The control of all of the above."""
    assert Classifier(CLASSIFIER).classify(typed("", origin=PageOrigin.BLANK), date(2026, 3, 17)).facts == ()


def _statement(lines: str) -> str:
    return letter(f"Abrechnung\n\n\nSehr geehrte Damen und Herren,\n\nwir haben gebucht:\n\n{lines}\n")


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        ("Neuer Kontostand          4.914,06 EUR", "4914.06"),
        ("Rechnungsbetrag           99,94 EUR\n\nZahlbetrag    120,00 EUR", "120.00"),
        ("Bruttobetrag    USD 82,50\n\nGutschriftsbetrag          EUR 76,00", "76.00"),
        ("Bruttobetrag    EUR 82,50\nabzüglich Kapitalertragsteuer wie in der Anlage", "82.50"),
        ("Gesamtbeitrag   50,00 EUR\nVersicherungsteuer 19 %   9,50 EUR\nAlles zusammen   59,50 EUR", "50.00"),
        ("Rechnungsbetrag        1.034,00 EUR\n\nGesamtbetrag in Dollar    1.100,00 USD", None),
    ],
    ids=["balance", "two totals", "two currencies", "gross before tax", "net of a sum", "converted"],
)
def test_a_sum_that_may_not_be_the_one_is_never_called_sure(lines: str, value: str | None) -> None:
    """Whoever pays without looking pays a balance, a gross sum or dollars; a clerk looks where we doubt."""
    amount = facts(_statement(lines))["amount"]

    assert value is None or amount.value == value
    assert amount.confidence < 0.9


def test_a_sum_that_stands_alone_or_adds_up_is_called_sure() -> None:
    """If every amount were doubted, nobody would look at any."""
    alone = _statement("Rechnungsbetrag           99,94 EUR")
    parts = _statement("Summe netto  100,00 EUR\nzzgl. 19 % MwSt.  19,00 EUR\nRechnungsbetrag  119,00 EUR")
    open_sum = parts.replace("Rechnungsbetrag", "Gesamtbetrag   50,00 EUR\nRechnungsbetrag")

    for text, value in ((alone, "99.94"), (parts, "119.00"), (open_sum, "119.00")):
        amount = facts(text)["amount"]
        assert (amount.value, amount.confidence >= 0.9) == (value, True)
