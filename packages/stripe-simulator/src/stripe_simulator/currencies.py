"""
Amounts as Stripe counts them: which currencies it takes, and what it refuses.
"""

from __future__ import annotations

from stripe_simulator.errors import ApiError, invalid_parameter

PRESENTMENT = """
    usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bif bmd bnd bob brl bsd bwp byn bzd
    cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq
    gyd hkd hnl htg huf idr ils inr isk jmd jpy kes kgs khr kmf krw kyd kzt lak lbp lkr lrd lsl mad
    mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln
    pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs
    uah ugx usd uyu uzs vnd vuv wst xaf xcd xcg xof xpf yer zmw bhd jod kwd omr tnd
"""
ZERO = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"

CURRENCIES = frozenset(PRESENTMENT.split()) | {"zar"}  # codespell:ignore zar
ZERO_DECIMAL = frozenset(ZERO.split())
THREE_DECIMAL = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
WHOLE_UNITS_ONLY = frozenset({"isk", "ugx"})
"""Sent with two decimals that must be 00."""

MAXIMUM_AMOUNT = 99_999_999
MINIMUM_AMOUNTS = {
    "usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500,
    "dkk": 250, "eur": 50, "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000,
    "myr": 200, "nok": 300, "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
}  # fmt: skip


def decimals(currency: str) -> int:
    """
    How many digits of an amount stand after the point.
    """
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def display(amount: int, currency: str) -> str:
    """
    An amount for people, for example `$10.00` or `1.500 KWD`.
    """
    digits = decimals(currency)
    figure = f"{amount / 10**digits:,.{digits}f}"
    sign = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}.get(currency)
    return f"{sign}{figure}" if sign else f"{figure} {currency.upper()}"


def check_currency(currency: str) -> str:
    """
    The currency in lower case.

    Raises:
        ApiError: Stripe does not take this currency.
    """
    if currency.lower() not in CURRENCIES:
        known = ", ".join(sorted(CURRENCIES))
        raise invalid_parameter(
            f"Invalid currency: {currency}. Stripe currently supports these currencies: {known}",
            "currency",
        )
    return currency.lower()


def check_amount(amount: int, currency: str, param: str = "amount") -> None:
    """
    Refuses what is too little, too much, or finer than the currency allows.

    Raises:
        ApiError: `amount_too_small`, `amount_too_large` or `parameter_invalid_integer`.
    """
    minimum = MINIMUM_AMOUNTS.get(currency, 1)
    if amount < minimum:
        raise _refused(
            f"Amount must be at least {display(minimum, currency)} {currency}",
            "amount_too_small",
            param,
        )
    if amount > MAXIMUM_AMOUNT:
        raise _refused(
            f"Amount must be no more than {display(MAXIMUM_AMOUNT, currency)}",
            "amount_too_large",
            param,
        )
    check_granularity(amount, currency, param)


def check_granularity(amount: int, currency: str, param: str = "amount") -> None:
    """
    Refuses digits that Stripe wants to be zero.
    """
    step = 10 if currency in THREE_DECIMAL else 100 if currency in WHOLE_UNITS_ONLY else 1
    if amount % step:
        raise _refused(
            f"Invalid amount: {amount}. Amounts in {currency} must be a multiple of {step}.",
            "parameter_invalid_integer",
            param,
        )


def _refused(message: str, code: str, param: str) -> ApiError:
    return ApiError(message, code=code, param=param, executed=False)
