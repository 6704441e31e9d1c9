"""
Amounts reach Stripe exactly, in its own units, or not at all.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments_core.domain.errors import AmountNotSupported, CurrencyInvalid
from payments_core.domain.money import MAX_MINOR_UNITS, Money, exponent, exponents
from payments_stripe.money import CURRENCIES, check_amount, from_stripe, to_stripe

SENT = [
    ("10.00", "EUR", 1000),
    ("0.50", "USD", 50),
    ("500", "JPY", 500),
    ("500", "KRW", 500),
    ("5", "ISK", 500),
    ("4000", "UGX", 400_000),
    ("7.00", "MGA", 7),
    ("5.120", "KWD", 5120),
    ("1.230", "BHD", 1230),
    ("10.45", "HUF", 1045),
    ("999999.99", "EUR", 99_999_999),
    ("99999999", "JPY", 99_999_999),
    ("9999999999.99", "IDR", 999_999_999_999),
]

REFUSED = [
    ("1.234", "BHD", "steps of 0.010"),
    ("5.125", "KWD", "steps of 0.010"),
    ("7.50", "MGA", "steps of 1"),
    ("1000000.00", "EUR", "at most 999999.99 EUR"),
    ("100000000", "JPY", "at most 99999999 JPY"),
    ("1000000", "ISK", "at most 999999.99 ISK"),
    ("10000000000.00", "IDR", "at most 9999999999.99 IDR"),
    ("1.00", "IRR", "no payments in IRR"),
    ("1.000", "LYD", "no payments in LYD"),
    ("1.0000", "CLF", "no payments in CLF"),
]


@pytest.mark.parametrize(("amount", "currency", "units"), SENT)
def test_units_are_those_that_stripe_documents(amount: str, currency: str, units: int) -> None:
    """
    Each currency has Stripe's scale, which is not ISO's for all of them.
    """
    money = Money.parse(amount, currency)

    assert to_stripe(money) == units
    assert from_stripe(units, currency.lower()) == money


@pytest.mark.parametrize(("amount", "currency", "words"), REFUSED)
def test_what_cannot_be_sent_is_refused_with_the_reason(
    amount: str, currency: str, words: str
) -> None:
    """
    An amount is never rounded, and never sent in a scale that we do not know.
    """
    with pytest.raises(AmountNotSupported, match=words):
        check_amount(Money.parse(amount, currency))


@given(
    currency=st.sampled_from(sorted(exponents())),
    minor=st.integers(min_value=1, max_value=MAX_MINOR_UNITS),
)
def test_sent_and_read_again_is_the_same(currency: str, minor: int) -> None:
    """
    Whatever is accepted comes back to the last digit.
    """
    money = Money.from_minor(minor, currency)
    try:
        units = to_stripe(money)
    except AmountNotSupported:
        return

    assert from_stripe(units, currency.lower()) == money


@given(currency=st.sampled_from(sorted(CURRENCIES & exponents().keys())))
def test_whole_units_can_be_sent_in_every_currency(currency: str) -> None:
    """
    A list of currencies that no amount could be sent in would be a mistake.
    """
    check_amount(Money.from_minor(100 * 10 ** exponent(currency), currency))


def test_currency_out_of_use_cannot_be_read() -> None:
    """
    An amount in a currency that ISO 4217 has no more is an error, not a guess.
    """
    with pytest.raises(CurrencyInvalid):
        from_stripe(100, "std")
