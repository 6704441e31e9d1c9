"""
Exact amounts of money, and the currencies that they can be in.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Final, Self

import attrs
from typing_extensions import override

from payments_core.domain.errors import (
    AmountFormat,
    AmountNotPositive,
    AmountPrecision,
    AmountTooLarge,
    CurrencyInvalid,
    CurrencyMismatch,
)

MAX_MINOR_UNITS: Final = 999_999_999_999_999
"""
The largest amount: 15 digits fit a BIGINT with room to sum, and a JSON number exactly.
"""

_DIGITS: Final = len(str(MAX_MINOR_UNITS))
_PLAIN: Final = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,6})?", re.ASCII)


@cache
def exponents() -> Mapping[str, int]:
    """
    Return how many decimal digits each currency has, by ISO 4217 code.

    Codes without minor units (metals, test and fund codes) are no money here.
    """
    from iso4217 import Currency

    return {c.code: c.exponent for c in Currency if c.exponent is not None}


def exponent(currency: str) -> int:
    """
    Return the number of decimal digits of a currency.

    Raises:
        CurrencyInvalid: The code is not an upper-case ISO 4217 code of money in use.
    """
    try:
        return exponents()[currency]
    except KeyError:
        raise CurrencyInvalid(
            "The currency is not known; use an ISO 4217 code such as EUR"
        ) from None


@cache
def _largest(digits: int) -> Decimal:
    return Decimal(MAX_MINOR_UNITS).scaleb(-digits)


@attrs.frozen(order=False)
class Money:
    """
    An exact amount in one currency, never rounded.

    Attributes:
        amount: In major units (euros), at most as many decimals as the currency has.

        currency: An upper-case ISO 4217 code.

    Raises:
        CurrencyInvalid: The currency is not known.
        AmountPrecision: There are more digits than the currency has.
        AmountTooLarge: Beyond `MAX_MINOR_UNITS`.
    """

    amount: Decimal
    currency: str

    def __attrs_post_init__(self) -> None:
        amount, digits = self.amount, exponent(self.currency)
        if not amount.is_finite():
            raise AmountFormat('The amount must be a plain decimal number such as "129.90"')
        if amount.adjusted() > _DIGITS:
            raise AmountTooLarge("The amount is too large")
        # `round` looks at every digit; arithmetic keeps 28 of them, and would find none too many.
        if round(amount, digits) != amount:
            raise AmountPrecision(
                f"{self.currency} has {digits} decimal digits; the amount has more"
            )
        if abs(amount) > _largest(digits):
            raise AmountTooLarge("The amount is too large")

    @classmethod
    def parse(cls, text: str, currency: str) -> Self:
        """
        Read an amount as people and JSON write it: ASCII digits and one point, nothing else.

        Raises:
            AmountFormat: It is anything else: a space, an exponent, other digits.
        """
        if not _PLAIN.fullmatch(text):
            raise AmountFormat('The amount must be a plain decimal number such as "129.90"')
        return cls(Decimal(text), currency)

    @classmethod
    def from_minor(cls, minor_units: int, currency: str) -> Self:
        """
        Build from an integer count of the currency's ISO minor units (cents).
        """
        return cls(Decimal(minor_units).scaleb(-exponent(currency)), currency)

    @staticmethod
    @cache
    def zero(currency: str) -> "Money":
        """
        Return nothing, in that currency, with the digits of all its amounts.
        """
        return Money.from_minor(0, currency)

    @property
    def minor_units(self) -> int:
        """
        The amount as an integer count of ISO minor units (cents).
        """
        return int(self.amount.scaleb(exponent(self.currency)))

    @property
    def text(self) -> str:
        """
        The amount as JSON carries it: all decimals of the currency, such as ``"129.90"``.
        """
        return f"{self.amount:.{exponent(self.currency)}f}"

    def require_positive(self) -> Self:
        """
        Return this amount.

        Raises:
            AmountNotPositive: It is zero or below.
        """
        if self.amount <= 0:
            raise AmountNotPositive("The amount must be greater than zero")
        return self

    def _same(self, other: "Money") -> Decimal:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} do not mix")
        return other.amount

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount - self._same(other), self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.amount < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.amount <= self._same(other)

    def __gt__(self, other: "Money") -> bool:
        return self.amount > self._same(other)

    def __ge__(self, other: "Money") -> bool:
        return self.amount >= self._same(other)

    def __bool__(self) -> bool:
        return bool(self.amount)

    @override
    def __str__(self) -> str:
        return f"{self.text} {self.currency}"
