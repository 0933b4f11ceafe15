"""Account numbers, tax numbers, sums and references that hold together, from a random source."""

from decimal import ROUND_HALF_UP, Decimal
from random import Random

CENT = Decimal("0.01")


def make_iban(random: Random) -> str:
    """A German IBAN whose check digits hold (mod 97); bank code and account are invented."""
    account = f"{random.randint(1, 8)}{random.randint(0, 9_999_999):07d}{random.randint(1, 9_999_999_999):010d}"
    check = 98 - int(account + "131400") % 97
    return f"DE{check:02d}{account}"


def spaced_iban(iban: str) -> str:
    """Groups of four, as printed."""
    return " ".join(iban[start : start + 4] for start in range(0, len(iban), 4))


def make_vat_id(random: Random) -> str:
    """A German VAT id with a valid check digit (ISO 7064, mod 11, 10)."""
    digits = [random.randint(1, 9)] + [random.randint(0, 9) for _ in range(7)]
    product = 10
    for digit in digits:
        product = 2 * ((digit + product) % 10 or 10) % 11
    return "DE" + "".join(map(str, digits)) + str((11 - product) % 10)


def german_number(value: Decimal) -> str:
    """Two decimals, point for thousands, comma for cents: 1234.5 → "1.234,50"."""
    return f"{value:,.2f}".replace(",", " ").replace(".", ",").replace(" ", ".")


def vat_of(net: Decimal, percent: int) -> Decimal:
    """VAT on a net sum, rounded to cents as bookkeeping does."""
    return (net * percent / 100).quantize(CENT, ROUND_HALF_UP)


def random_amount(random: Random, low: int, high: int) -> Decimal:
    """An amount between two whole euros, in cents."""
    return Decimal(random.randint(low * 100, high * 100)) / 100
