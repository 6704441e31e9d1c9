"""
Money is exact, and refuses what is not.
"""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments_core.domain.errors import (
    AmountFormat,
    AmountNotPositive,
    AmountPrecision,
    AmountTooLarge,
    CurrencyInvalid,
    CurrencyMismatch,
    InvalidMoney,
)
from payments_core.domain.money import MAX_MINOR_UNITS, Money, exponents

currencies = st.sampled_from(sorted(exponents()))
units = st.integers(-MAX_MINOR_UNITS, MAX_MINOR_UNITS)


@pytest.mark.parametrize(
    ("text", "currency", "minor_units", "shown"),
    [
        ("129.90", "EUR", 12990, "129.90"),
        ("129.9", "EUR", 12990, "129.90"),
        ("129", "EUR", 12900, "129.00"),
        ("0.01", "EUR", 1, "0.01"),
        ("500", "JPY", 500, "500"),
        ("500.00", "JPY", 500, "500"),
        ("5.123", "BHD", 5123, "5.123"),
        ("700", "ISK", 700, "700"),
        ("4000", "UGX", 4000, "4000"),
        ("1.0000", "CLF", 10000, "1.0000"),
        ("9999999999999.99", "EUR", 999_999_999_999_999, "9999999999999.99"),
    ],
)
def test_reads_and_shows(text: str, currency: str, minor_units: int, shown: str) -> None:
    """
    An amount is counted in its currency's ISO minor units and shown with all its decimals.
    """
    money = Money.parse(text, currency)

    assert money.minor_units == minor_units
    assert money.text == shown
    assert str(money) == f"{shown} {currency}"


@pytest.mark.parametrize(
    ("text", "currency", "error"),
    [
        ("10.005", "EUR", AmountPrecision),
        ("1.005", "EUR", AmountPrecision),
        ("0.5", "JPY", AmountPrecision),
        ("1.2345", "BHD", AmountPrecision),
        ("1_000", "EUR", AmountFormat),
        (" 5 ", "EUR", AmountFormat),
        ("5 ", "EUR", AmountFormat),
        ("5\n", "EUR", AmountFormat),
        ("١٢", "EUR", AmountFormat),
        ("1e400", "EUR", AmountFormat),
        ("1e-400", "EUR", AmountFormat),
        ("1e2", "EUR", AmountFormat),
        ("", "EUR", AmountFormat),
        (".5", "EUR", AmountFormat),
        ("5.", "EUR", AmountFormat),
        ("+5", "EUR", AmountFormat),
        ("1,50", "EUR", AmountFormat),
        ("NaN", "EUR", AmountFormat),
        ("Infinity", "EUR", AmountFormat),
        ("99999999999999999999999999999.99", "EUR", AmountFormat),
        ("10000000000000.00", "EUR", AmountTooLarge),
        ("5.00", "eur", CurrencyInvalid),
        ("5.00", "EURO", CurrencyInvalid),
        ("5.00", "E€R", CurrencyInvalid),
        ("5.00", "E\x00R", CurrencyInvalid),
        ("5.00", "", CurrencyInvalid),
        ("5.00", "EU", CurrencyInvalid),
        ("5.00", "XXX", CurrencyInvalid),
        ("5.00", "XTS", CurrencyInvalid),
        ("5.00", "XAU", CurrencyInvalid),
        ("5.00", "ZZZ", CurrencyInvalid),
    ],
)
def test_refuses(text: str, currency: str, error: type[InvalidMoney]) -> None:
    """
    What is no plain exact amount of money in use is refused, never mended or rounded.
    """
    with pytest.raises(error):
        Money.parse(text, currency)


@pytest.mark.parametrize("amount", ["NaN", "sNaN", "Infinity", "1E+30", "1E-30"])
def test_refuses_special_decimals(amount: str) -> None:
    """
    Decimals that are no numbers, or whose scale has no end, make no money.
    """
    with pytest.raises(InvalidMoney):
        Money(Decimal(amount), "EUR")


@pytest.mark.parametrize("amount", ["1." + "0" * 40 + "1", "1E-2000000", "-1E-2000000"])
def test_nothing_is_too_little_to_be_seen(amount: str) -> None:
    """
    No digit is lost to the precision of decimal arithmetic, however far behind the point.
    """
    with pytest.raises(AmountPrecision):
        Money(Decimal(amount), "EUR")


@given(st.integers(MAX_MINOR_UNITS + 1), currencies, st.sampled_from([1, -1]))
def test_the_largest_amount_is_the_last(minor_units: int, currency: str, sign: int) -> None:
    """
    Whatever is beyond the largest amount is refused, on both sides of zero, in every currency.
    """
    with pytest.raises(AmountTooLarge):
        Money.from_minor(sign * minor_units, currency)


@pytest.mark.parametrize("amount", ["0", "-0", "-1", "-0.01"])
def test_must_be_positive_to_be_asked_for(amount: str) -> None:
    """
    Only more than nothing can be asked for.
    """
    with pytest.raises(AmountNotPositive):
        Money.parse(amount, "EUR").require_positive()


@given(units, currencies)
def test_minor_units_round_trip(minor_units: int, currency: str) -> None:
    """
    Counting minor units and back loses nothing, in every currency.
    """
    money = Money.from_minor(minor_units, currency)

    assert money.minor_units == minor_units
    assert Money.parse(money.text, currency) == money


@given(st.integers(0, 10**14), st.integers(0, 10**14), currencies)
def test_arithmetic_is_that_of_integers(a: int, b: int, currency: str) -> None:
    """
    Sums, differences and order are those of the minor units.
    """
    x, y = Money.from_minor(a, currency), Money.from_minor(b, currency)

    assert (x + y).minor_units == a + b
    assert (x - y).minor_units == a - b
    assert (x < y, x <= y, x > y, x >= y, x == y) == (a < b, a <= b, a > b, a >= b, a == b)
    assert bool(x) == bool(a)


def test_currencies_do_not_mix() -> None:
    """
    Amounts of two currencies have no sum, no difference and no order.
    """
    euro, dollar = Money.parse("1", "EUR"), Money.parse("1", "USD")

    for mix in (
        lambda: euro + dollar,
        lambda: euro - dollar,
        lambda: euro < dollar,
        lambda: euro >= dollar,
    ):
        with pytest.raises(CurrencyMismatch):
            mix()
    assert euro != dollar


def test_exponents_are_those_of_iso() -> None:
    """
    The table holds the digits of ISO 4217, not those of any provider.
    """
    expected = {"EUR": 2, "JPY": 0, "BHD": 3, "ISK": 0, "UGX": 0, "MGA": 2, "CLF": 4}

    assert {code: exponents()[code] for code in expected} == expected


@pytest.mark.parametrize("currency", ["JPY", "EUR", "KWD"])
def test_nothing_looks_alike(currency: str) -> None:
    """
    Nothing is written alike, to the last digit, whether it was never more or was read back.
    """
    assert repr(Money.zero(currency)) == repr(Money.from_minor(0, currency))
