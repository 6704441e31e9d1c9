"""
Amounts: the limits and the decimals that Stripe documents.
"""

from __future__ import annotations

import pytest

from stripe_simulator.currencies import display
from tests.simulator.harness import Api, payment

ACCEPTED = [
    ("usd", 50), ("usd", 99_999_999), ("jpy", 50), ("eur", 50), ("gbp", 30),
    ("mga", 1), ("kwd", 1230), ("bhd", 10), ("isk", 500), ("ugx", 10_000), ("huf", 17_501),
]  # fmt: skip
REFUSED = [
    ("usd", 49, "amount_too_small"),
    ("usd", 0, "amount_too_small"),
    ("usd", -100, "amount_too_small"),
    ("jpy", 49, "amount_too_small"),
    ("usd", 100_000_000, "amount_too_large"),
    ("kwd", 1234, "parameter_invalid_integer"),
    ("omr", 1001, "parameter_invalid_integer"),
    ("tnd", 15, "parameter_invalid_integer"),
    ("jod", 1005, "parameter_invalid_integer"),
    ("isk", 550, "parameter_invalid_integer"),
    ("ugx", 10_050, "parameter_invalid_integer"),
]


@pytest.mark.parametrize(("currency", "amount"), ACCEPTED)
def test_accepted(api: Api, currency: str, amount: int) -> None:
    """
    Amounts within the limits, of the right granularity, are charged as they were sent.
    """
    intent = api.pay(form={"currency": currency, "amount": amount})

    assert (intent["status"], intent["amount_received"]) == ("succeeded", amount)


@pytest.mark.parametrize(("currency", "amount", "code"), REFUSED)
def test_refused(api: Api, currency: str, amount: int, code: str) -> None:
    """
    Too little, too much, or finer than the currency allows: refused, and nothing is made.
    """
    error = api.refused(
        400, "/v1/payment_intents", payment(form={"currency": currency, "amount": amount})
    )

    assert (error["code"], error["param"]) == (code, "amount")
    assert api.get("/v1/payment_intents")["data"] == []


@pytest.mark.parametrize("currency", ["xyz", "btc", "us", "dollars"])
def test_unknown_currency(api: Api, currency: str) -> None:
    """
    A currency that Stripe does not take is refused with the list of those it takes.
    """
    error = api.refused(400, "/v1/payment_intents", payment(form={"currency": currency}))

    assert error["message"].startswith(f"Invalid currency: {currency}. Stripe currently supports")
    assert error["param"] == "currency"


def test_granularity_of_refunds_and_captures(api: Api) -> None:
    """
    Parts of a three-decimal amount end in zero too.
    """
    held = api.pay(form={"currency": "kwd", "amount": 1230, "capture_method": "manual"})
    path = f"/v1/payment_intents/{held['id']}/capture"

    error = api.refused(400, path, {"amount_to_capture": 1225})
    api.post(path, {"amount_to_capture": 1220})
    refused = api.refused(400, "/v1/refunds", {"payment_intent": held["id"], "amount": 15})

    assert (error["param"], refused["param"]) == ("amount_to_capture", "amount")


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (123456, "usd", "$1,234.56"),
        (500, "jpy", "¥500"),
        (1500, "kwd", "1.500 KWD"),
        (700, "isk", "7.00 ISK"),
    ],
)
def test_display(amount: int, currency: str, shown: str) -> None:
    """
    Amounts are shown with the decimals of their currency.
    """
    assert display(amount, currency) == shown
