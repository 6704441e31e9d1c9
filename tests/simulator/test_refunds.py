"""
Refunds: in full, in part, too much, late, and failing after they succeeded.
"""

from __future__ import annotations

import pytest
import stripe

from stripe_simulator import Simulator
from tests.simulator.harness import Api


def test_refund_in_part_and_in_full(client: stripe.StripeClient, api: Api) -> None:
    """
    Refunds add up on the charge; it is refunded when all of it is.
    """
    intent = api.pay()
    first = client.v1.refunds.create(
        {
            "payment_intent": intent["id"],
            "amount": 400,
            "reason": "requested_by_customer",
            "metadata": {"refund_id": "r1"},
        }
    )
    partly = api.get(f"/v1/charges/{intent['latest_charge']}")
    client.v1.refunds.create({"payment_intent": intent["id"]})

    wholly = api.get(f"/v1/charges/{intent['latest_charge']}")
    assert (first.status, first.amount, first.reason) == ("succeeded", 400, "requested_by_customer")
    assert first.metadata is not None
    assert first.metadata.to_dict() == {"refund_id": "r1"}
    assert (partly["amount_refunded"], partly["refunded"]) == (400, False)
    assert (wholly["amount_refunded"], wholly["refunded"]) == (1000, True)


def test_refund_by_charge(api: Api) -> None:
    """
    A refund can name the charge instead of the PaymentIntent.
    """
    intent = api.pay()

    refund = api.post("/v1/refunds", {"charge": intent["latest_charge"]})

    assert refund["payment_intent"] == intent["id"]
    assert refund["balance_transaction"].startswith("txn_")


def test_refund_tells_its_events(api: Api) -> None:
    """
    A refund sends refund.created and charge.refunded.
    """
    api.post("/v1/refunds", {"payment_intent": api.pay()["id"]})

    assert api.event_types()[-2:] == ["refund.created", "charge.refunded"]


def test_too_much(api: Api) -> None:
    """
    More than what is left is refused in Stripe's words, and nothing changes.
    """
    intent = api.pay()
    api.post("/v1/refunds", {"payment_intent": intent["id"], "amount": 400})

    error = api.refused(400, "/v1/refunds", {"payment_intent": intent["id"], "amount": 601})

    assert (
        error["message"]
        == "Refund amount ($6.01) is greater than unrefunded amount on charge ($6.00)"
    )
    assert error["param"] == "amount"
    assert len(api.get("/v1/refunds")["data"]) == 1


def test_already_refunded(api: Api) -> None:
    """
    A charge that is refunded in full refuses any more as charge_already_refunded.
    """
    intent = api.pay()
    api.post("/v1/refunds", {"payment_intent": intent["id"]})

    error = api.refused(400, "/v1/refunds", {"payment_intent": intent["id"], "amount": 1})

    assert error["code"] == "charge_already_refunded"


def test_uncaptured_is_cancelled_instead(api: Api) -> None:
    """
    A hold cannot be refunded; the PaymentIntent has to be cancelled.
    """
    intent = api.pay(form={"capture_method": "manual"})

    error = api.refused(400, "/v1/refunds", {"payment_intent": intent["id"]})

    assert error["code"] == "payment_intent_unexpected_state"
    assert api.get(f"/v1/payment_intents/{intent['id']}")["status"] == "requires_capture"


def test_nothing_to_refund(api: Api) -> None:
    """
    Without a successful charge there is nothing to refund.
    """
    intent = api.post("/v1/payment_intents", {"amount": 1000, "currency": "usd"})

    error = api.refused(400, "/v1/refunds", {"payment_intent": intent["id"]})

    assert "does not have a successful charge to refund" in error["message"]


def test_partly_captured_refunds_what_was_captured(api: Api) -> None:
    """
    After a partial capture at most the captured amount can be refunded.
    """
    intent = api.pay(form={"capture_method": "manual"})
    api.post(f"/v1/payment_intents/{intent['id']}/capture", {"amount_to_capture": 700})

    api.refused(400, "/v1/refunds", {"payment_intent": intent["id"], "amount": 701})
    refund = api.post("/v1/refunds", {"payment_intent": intent["id"]})

    assert refund["amount"] == 700


def test_pending_refund_succeeds_later(api: Api, simulator: Simulator) -> None:
    """
    With pm_card_pendingRefund a refund is pending until the clock brings it through.
    """
    intent = api.pay("pm_card_pendingRefund")
    pending = api.post("/v1/refunds", {"payment_intent": intent["id"]})
    simulator.clock.advance(60)

    refund = api.get(f"/v1/refunds/{pending['id']}")
    assert (pending["status"], pending["pending_reason"]) == ("pending", "processing")
    assert refund["status"] == "succeeded"
    assert {"refund.updated", "charge.refund.updated"} <= set(api.event_types())


def test_late_failure(api: Api, simulator: Simulator) -> None:
    """
    With pm_card_refundFail a refund succeeds and fails later; its amount is refundable again.
    """
    intent = api.pay("pm_card_refundFail")
    at_first = api.post("/v1/refunds", {"payment_intent": intent["id"]})
    simulator.clock.advance(60)

    refund = api.get(f"/v1/refunds/{at_first['id']}")
    charge = api.get(f"/v1/charges/{intent['latest_charge']}")
    assert at_first["status"] == "succeeded"
    assert (refund["status"], refund["failure_reason"]) == ("failed", "expired_or_canceled_card")
    assert refund["failure_balance_transaction"].startswith("txn_")
    assert (charge["amount_refunded"], charge["refunded"]) == (0, False)
    assert {"refund.failed", "refund.updated", "charge.refund.updated"} <= set(api.event_types())


def test_metadata_update(client: stripe.StripeClient, api: Api) -> None:
    """
    A refund's metadata can be changed, and nothing else.
    """
    refund = api.post("/v1/refunds", {"payment_intent": api.pay()["id"]})

    changed = client.v1.refunds.update(refund["id"], {"metadata": {"a": "1"}})
    error = api.refused(400, f"/v1/refunds/{refund['id']}", {"amount": 5})

    assert changed.metadata is not None
    assert changed.metadata.to_dict() == {"a": "1"}
    assert error["code"] == "parameter_unknown"


def test_cancel_is_refused(client: stripe.StripeClient, api: Api) -> None:
    """
    Only refunds that require action can be cancelled, and card refunds never do.
    """
    refund = api.post("/v1/refunds", {"payment_intent": api.pay()["id"]})

    with pytest.raises(stripe.InvalidRequestError, match="cannot be canceled"):
        client.v1.refunds.cancel(refund["id"])


@pytest.mark.parametrize("form", [{}, {"payment_intent": "pi_nothing"}, {"charge": "ch_nothing"}])
def test_refund_of_nothing(api: Api, form: dict[str, str]) -> None:
    """
    A refund has to name a payment that exists.
    """
    response = api.request("POST", "/v1/refunds", form)

    expected = "resource_missing" if form else "parameter_missing"
    assert response.json()["error"]["code"] == expected


def test_balance_follows(api: Api) -> None:
    """
    The balance is what charges brought, less fees and refunds.
    """
    intent = api.pay(form={"capture_method": "automatic"})
    before = api.get("/v1/balance")["pending"][0]["amount"]
    api.post("/v1/refunds", {"payment_intent": intent["id"], "amount": 400})

    after = api.get("/v1/balance")["pending"][0]["amount"]
    assert (before, after) == (941, 541)
