"""
The messages are those that the .NET services read, field by field.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from payments_core.contracts.converter import to_json
from payments_core.contracts.messages import message_of
from payments_core.domain.events import (
    Event,
    PaymentAuthorized,
    PaymentDiscrepancyFound,
    PaymentFailed,
    PaymentSucceeded,
    RefundFailed,
    RefundIssued,
)
from payments_core.domain.failure import Failure
from payments_core.domain.money import Money

SAMPLES = Path(__file__).parent / "samples"
AMOUNT = Money.parse("129.90", "EUR")


def captured(name: str) -> dict[str, Any]:
    """
    Return the body of a message that a real MassTransit consumer accepted.
    """
    envelope = json.loads((SAMPLES / f"{name}.sent.json").read_text(encoding="utf-8"))
    return dict(envelope["message"])


def common(sample: dict[str, Any]) -> dict[str, Any]:
    """
    Return the fields that every event has, as the sample has them.
    """
    return {
        "id": UUID(int=1),
        "payment_id": UUID(sample["paymentId"]),
        "order_id": UUID(sample.get("orderId", str(UUID(int=3)))),
        "occurred_at": datetime.fromisoformat(sample["occurredAt"]),
    }


def test_succeeded_is_what_the_neighbours_read() -> None:
    """
    Names, decimal strings, GUIDs and times equal those of the accepted document.
    """
    sample = captured("IPaymentSucceeded")
    event = PaymentSucceeded(
        **common(sample),
        amount=Money.parse(sample["amount"], sample["currency"]),
        provider=sample["provider"],
        provider_payment_id=sample["providerPaymentId"],
    )

    assert message_of(event).fields == sample


def test_failed_is_what_the_neighbours_read() -> None:
    """
    The reason stands under each name that a reader may look for.
    """
    sample = captured("IPaymentFailed")
    event = PaymentFailed(
        **common(sample),
        provider=sample["provider"],
        provider_payment_id=sample["providerPaymentId"],
        failure=Failure(sample["errorCode"], sample["errorMessage"]),
    )

    assert message_of(event).fields == sample


def test_refund_issued_is_what_the_neighbours_read() -> None:
    """
    A refund names its payment, amount and the provider's object, and the order on top.
    """
    sample = captured("IRefundIssued")
    event = RefundIssued(
        **common(sample),
        refund_id=UUID(sample["refundId"]),
        amount=Money.parse(sample["amount"], sample["currency"]),
        provider_refund_id=sample["providerRefundId"],
    )

    assert message_of(event).fields == sample | {"orderId": str(UUID(int=3))}


@pytest.mark.parametrize(
    ("kind", "name", "fields", "expected"),
    [
        (
            PaymentAuthorized,
            "IPaymentAuthorized",
            {"amount": AMOUNT, "provider": "stripe", "provider_payment_id": "pi_1"},
            {"amount": "129.90", "currency": "EUR", "providerReference": "pi_1"},
        ),
        (
            RefundFailed,
            "IRefundFailed",
            {"refund_id": UUID(int=7), "amount": AMOUNT, "failure": Failure("no", "No.")},
            {"refundId": str(UUID(int=7)), "errorCode": "no", "reason": "No."},
        ),
        (
            PaymentDiscrepancyFound,
            "IPaymentDiscrepancyFound",
            {
                "kind": "amount_mismatch",
                "provider_object_id": "pi_1",
                "local_value": "10.00 EUR",
                "provider_value": "11.00 EUR",
            },
            {"kind": "amount_mismatch", "localValue": "10.00 EUR", "repaired": False},
        ),
    ],
)
def test_our_own_messages(
    kind: type[Event], name: str, fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    """
    Messages of our own follow the same forms.
    """
    moment = datetime.fromisoformat("2026-11-22T12:00:00+01:00")
    event = kind(
        id=UUID(int=1), payment_id=UUID(int=2), order_id=UUID(int=3), occurred_at=moment, **fields
    )
    message = message_of(event)
    told = message.fields
    assert json.loads(to_json(told)) == told

    assert (message.id, message.name) == (UUID(int=1), name)
    assert told["paymentId"] == str(UUID(int=2))
    assert told["occurredAt"] == "2026-11-22T11:00:00.000000Z"
    assert {key: told[key] for key in expected} == expected
    assert message_of(event) == message
