"""
The published test methods, each with its published outcome.
"""

from __future__ import annotations

import pytest
import stripe

from stripe_simulator.cards import ALIASES, BY_NAME, TEST_METHODS
from tests.simulator.harness import RETURN_URL, Api, payment

SUCCEED = [
    ("pm_card_visa", "visa", "4242"),
    ("pm_card_visa_debit", "visa", "5556"),
    ("pm_card_mastercard", "mastercard", "4444"),
    ("pm_card_mastercard_debit", "mastercard", "8210"),
    ("pm_card_amex", "amex", "0005"),
    ("pm_card_discover", "discover", "1117"),
    ("pm_card_diners", "diners", "0004"),
    ("pm_card_jcb", "jcb", "0505"),
    ("pm_card_unionpay", "unionpay", "0005"),
]
DECLINES = [
    ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
    ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
    ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
    ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
    ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
    ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
    ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
    ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
    ("pm_card_visa_chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded"),
    ("pm_card_chargeCustomerFail", "card_declined", "generic_decline"),
    ("pm_card_radarBlock", "card_declined", "fraudulent"),
    ("pm_card_threeDSecureRequiredProcessingError", "processing_error", "processing_error"),
]


@pytest.mark.parametrize(("method", "brand", "last4"), SUCCEED)
def test_success_by_brand(api: Api, method: str, brand: str, last4: str) -> None:
    """
    The cards of each brand succeed and show brand and last digits on the charge.
    """
    intent = api.pay(method, {"expand[]": "latest_charge"})

    card = intent["latest_charge"]["payment_method_details"]["card"]
    assert intent["status"] == "succeeded"
    assert (card["brand"], card["last4"]) == (brand, last4)


@pytest.mark.parametrize(("method", "code", "decline_code"), DECLINES)
def test_decline(client: stripe.StripeClient, method: str, code: str, decline_code: str) -> None:
    """
    Each declining card answers 402 with its code, and the PaymentIntent wants another method.
    """
    with pytest.raises(stripe.CardError) as declined:
        client.v1.payment_intents.create(
            {
                "amount": 1000,
                "currency": "usd",
                "confirm": True,
                "payment_method": method,
                "return_url": RETURN_URL,
            }
        )

    error = declined.value.error
    assert error is not None
    assert error.payment_intent is not None
    intent = client.v1.payment_intents.retrieve(error.payment_intent.id)
    assert (declined.value.http_status, error.code, error.decline_code) == (402, code, decline_code)
    assert (intent.status, intent.payment_method) == ("requires_payment_method", None)
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.decline_code == decline_code


def test_decline_leaves_a_failed_charge(api: Api) -> None:
    """
    A failed attempt is a charge that failed: unpaid, with code, message and outcome.
    """
    error = api.refused(402, "/v1/payment_intents", payment("pm_card_visa_chargeDeclinedLostCard"))

    charge = api.get(f"/v1/charges/{error['charge']}")
    assert (charge["status"], charge["paid"], charge["captured"]) == ("failed", False, False)
    assert (charge["failure_code"], charge["failure_message"]) == (
        "card_declined",
        "Your card was declined.",
    )
    assert (charge["outcome"]["type"], charge["outcome"]["reason"]) == (
        "issuer_declined",
        "lost_card",
    )
    assert error["payment_intent"]["latest_charge"] == charge["id"]


def test_decline_tells_its_events(api: Api) -> None:
    """
    A decline sends charge.failed and payment_intent.payment_failed.
    """
    api.refused(402, "/v1/payment_intents", payment("pm_card_visa_chargeDeclined"))

    assert api.event_types() == [
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
    ]


def test_blocked_by_risk(api: Api) -> None:
    """
    A card that Radar blocks never reaches the bank.
    """
    error = api.refused(402, "/v1/payment_intents", payment("pm_card_radarBlock"))

    outcome = api.get(f"/v1/charges/{error['charge']}")["outcome"]
    assert (outcome["type"], outcome["network_status"]) == ("blocked", "not_sent_to_network")


def test_numbers_and_names_are_distinct() -> None:
    """
    Each published number and name stands for one behaviour.
    """
    numbers = [method.number for method in TEST_METHODS]

    assert len(set(numbers)) == len(numbers)
    assert len(BY_NAME) == len(TEST_METHODS)
    assert set(ALIASES.values()) <= set(BY_NAME)


@pytest.mark.parametrize("method", [m.name for m in TEST_METHODS if m.kind == "card"])
def test_every_card_number_passes_the_check_digit(method: str) -> None:
    """
    The table holds real test numbers: each passes the Luhn check.
    """
    digits = [int(digit) for digit in reversed(BY_NAME[method].number)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]

    assert (sum(digits[::2]) + sum(doubled)) % 10 == 0
