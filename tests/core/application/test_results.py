"""
How results are kept: without secrets, and readable for every later program.
"""

import json
from typing import Any, Final

import attrs
import pytest

from payments_core.application.results import (
    ChangedPayment,
    CreatedPayment,
    IssuedRefund,
    Result,
    result_from_json,
    result_to_json,
)
from payments_core.ports.queries import PaymentView
from payments_core.testing.builders import a_payment

PAYMENT: Final[dict[str, Any]] = {
    "id": "00000000-0000-0000-0000-000000000001",
    "order_id": "00000000-0000-0000-0000-000000000002",
    "customer_id": "alice",
    "status": "Succeeded",
    "amount": {"amount": "10.00", "currency": "EUR"},
    "authorized": {"amount": "10.00", "currency": "EUR"},
    "captured": {"amount": "10.00", "currency": "EUR"},
    "refunded": {"amount": "0.00", "currency": "EUR"},
    "capture_method": "automatic",
    "provider": "fake",
    "provider_payment_id": "fake_00000000000000000000000000000001",
    "provider_status": "succeeded",
    "client_secret": None,
    "redirect_url": None,
    "failure": None,
    "unresolved_operations": 0,
    "cancel_requested": False,
    "version": 0,
    "created_at": "2026-11-22T12:00:00.000000Z",
    "updated_at": "2026-11-22T12:00:00.000000Z",
}
REFUND: Final[dict[str, Any]] = {
    "id": "4e0e8f73-9c73-52fa-812f-09f3f0ec5faa",
    "payment_id": "00000000-0000-0000-0000-000000000001",
    "amount": {"amount": "4.00", "currency": "EUR"},
    "status": "Pending",
    "reason": "déjà vu",
    "provider_refund_id": "fake_re_1",
    "failure": {"code": "a", "message": "b"},
    "created_at": "2026-11-22T12:00:00.000000Z",
    "completed_at": None,
}
WRITTEN_FIRST: Final[dict[type[Result], dict[str, Any]]] = {
    CreatedPayment: {"payment": PAYMENT, "replayed": False, "created": True},
    ChangedPayment: {"payment": PAYMENT, "replayed": False},
    IssuedRefund: {"payment": PAYMENT, "replayed": False, "refund": REFUND, "created": True},
}
"""
Results as the first version of this service wrote them. Never change them: give a field that you
add a default, and keep the name of one that you no longer need.
"""


@pytest.mark.parametrize("kind", WRITTEN_FIRST)
def test_results_of_earlier_versions_are_read(kind: type[Result]) -> None:
    """
    What was kept before an update is the answer after it.
    """
    text = json.dumps(WRITTEN_FIRST[kind])
    result = result_from_json(kind, text)

    assert result.known
    assert json.loads(result_to_json(result)).items() >= json.loads(text).items()


@pytest.mark.parametrize("kind", WRITTEN_FIRST)
def test_results_of_later_versions_are_read(kind: type[Result]) -> None:
    """
    While an update rolls out, the older program reads what the newer one wrote.
    """
    newer = WRITTEN_FIRST[kind] | {"more": 1, "payment": PAYMENT | {"more": [1]}}

    assert result_from_json(kind, json.dumps(newer)) == result_from_json(
        kind, json.dumps(WRITTEN_FIRST[kind])
    )


def test_no_secret_is_kept() -> None:
    """
    Neither the client secret nor the approval page is in the text, and nothing but ASCII.
    """
    payment = a_payment(customer_id="zoë\ud800\0")
    payment.client_secret, payment.redirect_url = "hush_1", "https://bank.example/hush_2"
    result = ChangedPayment(payment=PaymentView.of(payment), replayed=True)
    text = result_to_json(result)
    bare = attrs.evolve(result.payment, client_secret=None, redirect_url=None)

    assert text.isascii()
    assert "hush" not in text
    assert result_from_json(ChangedPayment, text) == ChangedPayment(payment=bare)
