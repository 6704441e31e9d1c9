"""
Amounts as Stripe counts them, which is not quite as ISO 4217 does.

Source of the lists and rules: https://docs.stripe.com/currencies
"""

from decimal import Decimal
from typing import Final

from payments_core.domain.errors import AmountNotSupported
from payments_core.domain.money import Money


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


CURRENCIES: Final = _codes(
    # A currency that is not here has no scale that we know of, so nothing is sent in it.
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD"
    " BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CVE CZK DJF DKK DOP DZD EGP ETB EUR FJD FKP"
    " GBP GEL GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR ISK JMD JOD JPY KES KGS KHR"
    " KMF KRW KWD KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MUR MVR MWK MXN"
    " MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF"
    " SAR SBD SCR SEK SGD SHP SLE SOS SRD SZL THB TJS TND TOP TRY TTD TWD TZS UAH UGX USD"
    " UYU UZS VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW"  # codespell:ignore zar
)
"""
Currencies in which a payment can be taken.
"""

ZERO_DECIMAL: Final = _codes("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF")
"""
Sent without decimals. ISO 4217 gives MGA two; ISK and UGX have none, but are sent with two.
"""

THREE_DECIMAL: Final = _codes("BHD JOD KWD OMR TND")
"""
Sent with three decimals, of which the last must be zero.
"""

MOST_UNITS: Final = 99_999_999
MOST_UNITS_IDR: Final = 999_999_999_999
"""
The largest amounts, in Stripe's units: eight digits, and twelve for IDR.
"""


def check_amount(amount: Money) -> None:
    """
    Accept an amount that can be sent to Stripe exactly.

    Minimums depend on the account's own currency and are left to Stripe.

    Raises:
        AmountNotSupported: The currency, the precision or the size cannot be sent.
    """
    currency = amount.currency
    if currency not in CURRENCIES:
        raise AmountNotSupported(f"Stripe takes no payments in {currency}")
    one = Decimal(10) ** -_decimals(currency)
    units = amount.amount / one
    step = 10 if currency in THREE_DECIMAL else 1
    if units % step:
        raise AmountNotSupported(f"Stripe takes {currency} in steps of {step * one} only")
    most = MOST_UNITS_IDR if currency == "IDR" else MOST_UNITS
    if abs(units) > most:
        raise AmountNotSupported(f"Stripe takes at most {most * one} {currency} at once")


def to_stripe(amount: Money) -> int:
    """
    Return the amount in Stripe's units.

    Raises:
        AmountNotSupported: It cannot be sent exactly.
    """
    check_amount(amount)
    return int(amount.amount.scaleb(_decimals(amount.currency)))


def from_stripe(units: int, currency: str) -> Money:
    """
    Return the money that Stripe means.

    Args:
        units: In Stripe's units, not ISO's.

        currency: As Stripe writes it, in lower case.

    Raises:
        InvalidMoney: It is no currency in use, or more precise than it can be.
    """
    code = currency.upper()
    return Money(Decimal(units).scaleb(-_decimals(code)), code)


def _decimals(currency: str) -> int:
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2
