"""
The steps of a PaymentIntent: confirm, capture, cancel, and what each refuses.
"""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from stripe_simulator import Simulator
from tests.simulator.harness import RETURN_URL, Api, payment

DAY = 24 * 60 * 60


def held(api: Api) -> dict[str, Any]:
    """
    A PaymentIntent that holds an amount.
    """
    return api.pay(form={"capture_method": "manual"})


def test_manual_capture_holds(api: Api) -> None:
    """
    With manual capture the charge is authorised and nothing is received.
    """
    intent = held(api)

    charge = api.get(f"/v1/charges/{intent['latest_charge']}")
    assert (intent["status"], intent["amount_capturable"], intent["amount_received"]) == (
        "requires_capture",
        1000,
        0,
    )
    assert (charge["captured"], charge["paid"], charge["status"]) == (False, True, "succeeded")
    assert "payment_intent.amount_capturable_updated" in api.event_types()


def test_capture_takes_all(client: stripe.StripeClient, api: Api) -> None:
    """
    Capture without an amount takes what is held.
    """
    intent = client.v1.payment_intents.capture(held(api)["id"])

    assert (intent.status, intent.amount_received, intent.amount_capturable) == (
        "succeeded",
        1000,
        0,
    )
    assert api.event_types()[-2:] == ["charge.captured", "payment_intent.succeeded"]


def test_partial_capture_releases_the_rest(api: Api) -> None:
    """
    What a capture leaves is a refund that Stripe makes: no metadata, and nothing booked.
    """
    intent = held(api)
    api.post(f"/v1/payment_intents/{intent['id']}/capture", {"amount_to_capture": 700})

    charge = api.get(f"/v1/charges/{intent['latest_charge']}")
    (refund,) = api.get(f"/v1/refunds?payment_intent={intent['id']}")["data"]
    assert (charge["amount_captured"], charge["amount_refunded"], charge["refunded"]) == (
        700,
        300,
        False,
    )
    assert (refund["amount"], refund["status"], refund["metadata"]) == (300, "succeeded", {})
    assert (refund["balance_transaction"], refund["reason"]) == (None, None)
    assert "charge.refunded" not in api.event_types()


def test_capture_of_more_than_is_held(api: Api) -> None:
    """
    More than the held amount is refused as amount_too_large.
    """
    path = f"/v1/payment_intents/{held(api)['id']}/capture"

    error = api.refused(400, path, {"amount_to_capture": 1001})

    assert (error["code"], error["param"]) == ("amount_too_large", "amount_to_capture")


def test_cancel_of_a_hold_releases_it(api: Api) -> None:
    """
    Cancelling a hold refunds it by a refund of Stripe's own, without a booking.
    """
    intent = held(api)
    canceled = api.post(
        f"/v1/payment_intents/{intent['id']}/cancel", {"cancellation_reason": "abandoned"}
    )

    charge = api.get(f"/v1/charges/{intent['latest_charge']}")
    (refund,) = api.get(f"/v1/refunds?payment_intent={intent['id']}")["data"]
    assert (canceled["status"], canceled["cancellation_reason"]) == ("canceled", "abandoned")
    assert canceled["canceled_at"] is not None
    assert (charge["refunded"], charge["captured"], charge["amount_refunded"]) == (
        True,
        False,
        1000,
    )
    assert (refund["amount"], refund["balance_transaction"], refund["metadata"]) == (1000, None, {})
    assert api.event_types()[-3:] == [
        "refund.created",
        "charge.refunded",
        "payment_intent.canceled",
    ]


def test_cancel_before_payment(api: Api) -> None:
    """
    A PaymentIntent that was never charged is cancelled without a refund.
    """
    intent = api.post("/v1/payment_intents", {"amount": 1000, "currency": "usd"})

    canceled = api.post(f"/v1/payment_intents/{intent['id']}/cancel")

    assert canceled["status"] == "canceled"
    assert api.get("/v1/refunds")["data"] == []


def test_holds_expire_after_seven_days(api: Api, simulator: Simulator) -> None:
    """
    What is not captured in seven days is released, and the PaymentIntent cancelled by Stripe.
    """
    intent = held(api)

    simulator.clock.advance(7 * DAY)

    expired = api.get(f"/v1/payment_intents/{intent['id']}")
    (refund,) = api.get(f"/v1/refunds?payment_intent={intent['id']}")["data"]
    assert (expired["status"], expired["cancellation_reason"]) == ("canceled", "automatic")
    assert refund["reason"] == "expired_uncaptured_charge"
    assert "charge.expired" in api.event_types()


def test_holds_live_until_then(api: Api, simulator: Simulator) -> None:
    """
    A second before the seventh day ends the hold can still be captured.
    """
    intent = held(api)
    simulator.clock.advance(7 * DAY - 5)

    captured = api.post(f"/v1/payment_intents/{intent['id']}/capture")

    assert captured["status"] == "succeeded"


def test_confirm_with_another_method_after_a_decline(api: Api) -> None:
    """
    A decline leaves the PaymentIntent open for another method.
    """
    declined = api.refused(402, "/v1/payment_intents", payment("pm_card_visa_chargeDeclined"))
    path = f"/v1/payment_intents/{declined['payment_intent']['id']}/confirm"

    intent = api.post(path, {"payment_method": "pm_card_visa", "return_url": RETURN_URL})

    charges = api.get(f"/v1/charges?payment_intent={intent['id']}")["data"]
    assert (intent["status"], intent["last_payment_error"]) == ("succeeded", None)
    assert [charge["status"] for charge in charges] == ["succeeded", "failed"]


def test_confirm_without_a_method(api: Api) -> None:
    """
    There is nothing to confirm without a payment method.
    """
    intent = api.post("/v1/payment_intents", {"amount": 1000, "currency": "usd"})

    error = api.refused(
        400, f"/v1/payment_intents/{intent['id']}/confirm", {"return_url": RETURN_URL}
    )

    assert error["code"] == "payment_intent_unexpected_state"
    assert "missing a payment method" in error["message"]


STEPS = {
    "confirm": {"return_url": RETURN_URL, "payment_method": "pm_card_visa"},
    "capture": {},
    "cancel": {},
}


@pytest.mark.parametrize(
    ("status", "step"),
    [
        ("succeeded", "confirm"),
        ("succeeded", "capture"),
        ("succeeded", "cancel"),
        ("canceled", "confirm"),
        ("canceled", "capture"),
        ("canceled", "cancel"),
        ("requires_capture", "confirm"),
        ("requires_confirmation", "capture"),
        ("requires_payment_method", "capture"),
    ],
)
def test_step_that_the_status_forbids(api: Api, status: str, step: str) -> None:
    """
    A step out of turn is payment_intent_unexpected_state, with the PaymentIntent unchanged in it.
    """
    intent = _in_status(api, status)

    error = api.refused(400, f"/v1/payment_intents/{intent['id']}/{step}", STEPS[step])

    assert error["code"] == "payment_intent_unexpected_state"
    assert error["payment_intent"]["status"] == status
    assert api.get(f"/v1/payment_intents/{intent['id']}")["status"] == status


def _in_status(api: Api, status: str) -> dict[str, Any]:
    if status == "succeeded":
        return api.pay()
    if status == "requires_capture":
        return held(api)
    method = {"payment_method": "pm_card_visa"} if status == "requires_confirmation" else {}
    intent = api.post("/v1/payment_intents", {"amount": 1000, "currency": "usd", **method})
    if status == "canceled":
        return api.post(f"/v1/payment_intents/{intent['id']}/cancel")
    return intent


def test_asynchronous_capture_is_booked_later(api: Api, simulator: Simulator) -> None:
    """
    With automatic_async, the default, the charge has its balance transaction a little later.
    """
    intent = api.pay()
    at_first = api.get(f"/v1/charges/{intent['latest_charge']}")["balance_transaction"]

    simulator.clock.advance(60)

    later = api.get(f"/v1/charges/{intent['latest_charge']}")["balance_transaction"]
    assert at_first is None
    assert later.startswith("txn_")
    assert api.event_types()[-1] == "charge.updated"


def test_synchronous_capture_is_booked_at_once(api: Api) -> None:
    """
    With capture_method automatic the answer names the balance transaction, fees included.
    """
    intent = api.pay(
        form={"capture_method": "automatic", "expand[]": "latest_charge.balance_transaction"}
    )

    booked = intent["latest_charge"]["balance_transaction"]
    assert (booked["amount"], booked["fee"], booked["net"]) == (1000, 59, 941)
