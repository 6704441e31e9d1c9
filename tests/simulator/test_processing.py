"""
Bank debits, whose outcome comes later, and the disputes that some payments bring.
"""

from __future__ import annotations

import pytest

from stripe_simulator import Simulator
from tests.simulator.harness import Api

SUCCEED = [
    ("pm_usBankAccount_success", "usd"),
    ("pm_success_de", "eur"),
    ("pm_successDelayed_de", "eur"),
]
FAIL = [
    ("pm_usBankAccount_accountClosed", "usd", "account_closed"),
    ("pm_usBankAccount_noAccount", "usd", "no_account"),
    ("pm_usBankAccount_insufficientFunds", "usd", "insufficient_funds"),
    ("pm_usBankAccount_debitNotAuthorized", "usd", "debit_not_authorized"),
    ("pm_failed_de", "eur", "generic_could_not_process"),
]
DISPUTED = [
    ("pm_card_createDispute", "fraudulent", "needs_response"),
    ("pm_card_createDisputeProductNotReceived", "product_not_received", "needs_response"),
    ("pm_card_createDisputeInquiry", "fraudulent", "warning_needs_response"),
]


@pytest.mark.parametrize(("method", "currency"), SUCCEED)
def test_debit_succeeds_later(api: Api, simulator: Simulator, method: str, currency: str) -> None:
    """
    A debit is processing, and succeeds when the clock reaches its settlement.
    """
    intent = api.pay(method, {"currency": currency})
    charge = api.get(f"/v1/charges/{intent['latest_charge']}")
    simulator.clock.advance(60)

    settled = api.get(f"/v1/payment_intents/{intent['id']}?expand[]=latest_charge")
    assert (intent["status"], intent["amount_received"]) == ("processing", 0)
    assert (charge["status"], charge["paid"]) == ("pending", False)
    assert (settled["status"], settled["amount_received"]) == ("succeeded", 1000)
    assert (settled["latest_charge"]["status"], settled["latest_charge"]["paid"]) == (
        "succeeded",
        True,
    )
    assert "payment_intent.processing" in api.event_types()


@pytest.mark.parametrize(("method", "currency", "reason"), FAIL)
def test_debit_fails_later(
    api: Api, simulator: Simulator, method: str, currency: str, reason: str
) -> None:
    """
    A debit that comes back leaves the PaymentIntent waiting for another method.
    """
    intent = api.pay(method, {"currency": currency})
    simulator.clock.advance(60)

    failed = api.get(f"/v1/payment_intents/{intent['id']}?expand[]=latest_charge")
    assert failed["status"] == "requires_payment_method"
    assert failed["last_payment_error"]["decline_code"] == reason
    assert failed["latest_charge"]["status"] == "failed"
    assert api.event_types()[-2:] == ["charge.failed", "payment_intent.payment_failed"]


def test_debit_that_stays_can_be_cancelled(api: Api, simulator: Simulator) -> None:
    """
    pm_usBankAccount_processing stays in processing, and can be cancelled there.
    """
    intent = api.pay("pm_usBankAccount_processing")
    simulator.clock.advance(1_000_000)
    still = api.get(f"/v1/payment_intents/{intent['id']}")

    canceled = api.post(f"/v1/payment_intents/{intent['id']}/cancel")

    assert (still["status"], canceled["status"]) == ("processing", "canceled")


def test_other_debits_cannot_be_cancelled_while_processing(api: Api) -> None:
    """
    Other methods in processing refuse to be cancelled.
    """
    intent = api.pay("pm_success_de", {"currency": "eur"})

    error = api.refused(400, f"/v1/payment_intents/{intent['id']}/cancel")

    assert error["code"] == "payment_intent_unexpected_state"


def test_debits_cannot_be_held(api: Api) -> None:
    """
    Bank debits know no manual capture.
    """
    form = {
        "amount": 1000,
        "currency": "usd",
        "capture_method": "manual",
        "payment_method": "pm_usBankAccount_success",
    }

    error = api.refused(400, "/v1/payment_intents", form)

    assert "does not support manual capture" in error["message"]


@pytest.mark.parametrize(("method", "reason", "status"), DISPUTED)
def test_dispute_follows_the_charge(api: Api, method: str, reason: str, status: str) -> None:
    """
    The dispute cards bring a dispute over the charge, with its event.
    """
    intent = api.pay(method)

    (dispute,) = api.get(f"/v1/disputes?payment_intent={intent['id']}")["data"]
    assert (dispute["reason"], dispute["status"], dispute["amount"]) == (reason, status, 1000)
    assert api.get(f"/v1/disputes/{dispute['id']}")["charge"] == intent["latest_charge"]
    assert api.get(f"/v1/charges/{intent['latest_charge']}")["disputed"] is True
    assert "charge.dispute.created" in api.event_types()


def test_dispute_withdraws_the_funds(api: Api) -> None:
    """
    A chargeback takes the amount out of the balance and bars refunds.
    """
    intent = api.pay("pm_card_createDispute")

    error = api.refused(400, "/v1/refunds", {"payment_intent": intent["id"]})

    (dispute,) = api.get("/v1/disputes")["data"]
    assert dispute["balance_transactions"][0]["amount"] == -1000
    assert "charge.dispute.funds_withdrawn" in api.event_types()
    assert error["code"] == "charge_disputed"


def test_inquiry_can_still_be_refunded(api: Api) -> None:
    """
    An inquiry withdraws nothing and can be answered with a refund.
    """
    intent = api.pay("pm_card_createDisputeInquiry")

    refund = api.post("/v1/refunds", {"payment_intent": intent["id"]})

    assert refund["status"] == "succeeded"


def test_closing_a_dispute_loses_it(api: Api) -> None:
    """
    Closing a dispute accepts it as lost.
    """
    api.pay("pm_card_createDispute")
    (dispute,) = api.get("/v1/disputes")["data"]

    closed = api.post(f"/v1/disputes/{dispute['id']}/close")

    assert closed["status"] == "lost"
    assert api.event_types()[-1] == "charge.dispute.closed"
