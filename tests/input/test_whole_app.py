"""
What only shows with Stripe's adapter and a database behind the app.
"""

import logging

import pytest

from tests.http.conftest import a_body
from tests.input.conftest import Shop


@pytest.mark.parametrize(
    ("amount", "currency", "status", "code"),
    [
        ("1.234", "BHD", 422, "amount_not_supported"),
        ("1.2345", "BHD", 422, "amount_precision"),
        ("1.230", "BHD", 201, None),
    ],
)
def test_stripes_third_decimal(
    shop: Shop, amount: str, currency: str, status: int, code: str | None
) -> None:
    """
    C19: what Stripe cannot take is refused before anything is written or asked.
    """
    before = shop.traces()
    body = a_body(amount=amount, currency=currency, paymentMethodId="pm_card_visa")
    answer = shop.alice.post("/api/payments", body)

    assert answer.status_code == status
    assert answer.get_json().get("code") == code
    assert (shop.traces() == before) is (status == 422)


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": "0"},
        {"amount": "1.005"},
        {"currency": "eur"},
        {"orderId": "x"},
        {"status": "Succeeded"},
        {"paymentMethodId": "4242 4242 4242 4242"},
        {"cvc": "123"},
        {"returnUrl": "http://169.254.169.254/"},
        {"provider": "wirecard"},
        {"customerId": "bob"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_nothing_is_left_behind(
    shop: Shop, changes: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    """
    C34: what is refused leaves no row, asks Stripe nothing, and its value is in no log or answer.
    """
    before = shop.traces()
    with caplog.at_level(logging.DEBUG):
        answer = shop.alice.post("/api/payments", a_body(**changes))
    (value,) = map(str, changes.values())

    assert answer.status_code == 422
    assert shop.traces() == before
    assert len(value) < 4 or value not in answer.text + caplog.text
