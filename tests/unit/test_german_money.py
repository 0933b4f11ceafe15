"""German amounts, months and account numbers: figures that people act on."""

import pytest

from poststelle.german import find_amounts, find_dates, find_ibans, parse_amount


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Betrag 1.234,56 EUR", ["1234.56"]),
        ("Betrag 1234,56", ["1234.56"]),
        ("-12,00 €", ["-12.00"]),
        ("500 Euro", ["500.00"]),
        ("35.000,- €", ["35000.00"]),
        ("1,234.56 EUR", ["1234.56"]),
        ("1 339,06   339,06", ["339.06", "339.06"]),
        ("6.572, 72", ["6572.72"]),
    ],
)
def test_amounts_are_read_as_they_are_written(text: str, found: list[str]) -> None:
    """A point in the wrong place is a factor of a thousand."""
    assert [value for _, _, value in find_amounts(text)] == found


@pytest.mark.parametrize("text", ["am 12.05.2026", "19,00 %", "3,000 kg", "Nr. 4711", "12,5", "Seite 1 von 2"])
def test_other_figures_are_no_amounts(text: str) -> None:
    """A tax rate offered as the total makes the total worthless."""
    assert find_amounts(text) == []


@pytest.mark.parametrize("number", ["３４,５０", "٣٤,٥٠", f"{'1' * 5_000},50"])
def test_what_cannot_be_an_amount_is_none(number: str) -> None:
    """Digits of another script, or five thousand of them, must not end the taking in of the letter."""
    assert parse_amount(number) is None
    assert find_amounts(f"Betrag {number} EUR") == []


@pytest.mark.parametrize(
    "text",
    [
        "IBAN DE89 3704 0044 0532 0130 00",
        "IBAN: DE89370400440532013000.",
        "DE89 37O4 0O44 0532 0l30 00",
        "0E89 3704 0044 0532 0130 00",
    ],
)
def test_an_account_number_is_found_with_blanks_and_with_letters_for_digits(text: str) -> None:
    """Recognition takes O for 0; the check digits tell."""
    assert [iban for _, _, iban, _ in find_ibans(text)] == ["DE89370400440532013000"]


@pytest.mark.parametrize(
    "text",
    ["DE89 3704 0044 0532 0130 01", "DE89 3704 0044 0532 013", "DE89 3704 0044 0532 0130 001", "USt-Id DE944237913"],
)
def test_what_fails_the_check_is_no_account_number(text: str) -> None:
    """Rather none than a wrong one."""
    assert find_ibans(text) == []


def test_foreign_account_numbers_are_known() -> None:
    """Suppliers bank abroad, too."""
    assert find_ibans("AT61 1904 3002 3457 3201 CH93 0076 2011 6238 5295 7")[0][2] == "AT611904300234573201"


@pytest.mark.parametrize("text", ["15. März 2026", "15. Marz 2026", "15. Maerz 2026", "15. Mrz 2026"])
def test_a_month_is_read_without_its_umlaut(text: str) -> None:
    """Scans lose dots."""
    assert [when.isoformat() for _, _, when in find_dates(text)] == ["2026-03-15"]


def test_a_month_with_one_misread_letter_is_read() -> None:
    """ "Septemher" can only be one month; "Jun" and "Jul" are kept apart."""
    assert [when.month for _, _, when in find_dates("1. Septemher 2026, 1. Jun 2026, 1. Jul 2026")] == [9, 6, 7]


def test_a_nought_that_was_read_twice_is_put_right() -> None:
    """ "DEO08…" is what recognition makes of a slashed 0."""
    assert find_ibans("DEO02 1203 0000 0000 2020 51")[0][2:] == ("DE02120300000000202051", True)
