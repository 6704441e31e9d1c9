"""
Stripe's objects in the least form that the adapter reads.
"""

from typing import Any
from uuid import UUID

Json = dict[str, Any]

PAYMENT_ID = UUID("0190c0de-0000-7000-8000-000000000001")
OPERATION_ID = UUID("0190c0de-0000-7000-8000-000000000002")
ORDER_ID = UUID("0190c0de-0000-7000-8000-000000000003")
REFUND_ID = UUID("0190c0de-0000-7000-8000-000000000004")


def an_intent(**changes: Any) -> Json:
    """
    Return a paid PaymentIntent of 10.00 EUR.
    """
    intent: Json = {
        "id": "pi_1",
        "object": "payment_intent",
        "amount": 1000,
        "amount_capturable": 0,
        "amount_received": 1000,
        "cancellation_reason": None,
        "client_secret": "pi_1_secret_abc",
        "created": 1_800_000_000,
        "currency": "eur",
        "last_payment_error": None,
        "latest_charge": "ch_1",
        "metadata": {"payment_id": str(PAYMENT_ID), "operation_id": str(OPERATION_ID)},
        "next_action": None,
        "status": "succeeded",
    }
    return intent | changes


def a_charge(**changes: Any) -> Json:
    """
    Return a captured charge of 10.00 EUR.
    """
    charge: Json = {
        "id": "ch_1",
        "object": "charge",
        "amount": 1000,
        "amount_captured": 1000,
        "amount_refunded": 0,
        "captured": True,
        "currency": "eur",
        "payment_intent": "pi_1",
    }
    return charge | changes


def a_refund(**changes: Any) -> Json:
    """
    Return a refund of ours of 4.00 EUR.
    """
    refund: Json = {
        "id": "re_1",
        "object": "refund",
        "amount": 400,
        "balance_transaction": "txn_1",
        "charge": a_charge(),
        "created": 1_800_000_100,
        "currency": "eur",
        "failure_reason": None,
        "metadata": {"payment_id": str(PAYMENT_ID), "refund_id": str(REFUND_ID)},
        "payment_intent": "pi_1",
        "reason": None,
        "status": "succeeded",
    }
    return refund | changes


def an_error(**fields: Any) -> Json:
    """
    Return an error body.
    """
    return {"error": {"type": "invalid_request_error", "message": "No.", **fields}}


def a_list(*items: Json, more: bool = False) -> Json:
    """
    Return a page of a listing.
    """
    return {"object": "list", "data": list(items), "has_more": more, "url": "/v1/payment_intents"}
