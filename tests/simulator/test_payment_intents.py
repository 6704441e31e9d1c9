"""
PaymentIntents: created, read and changed as Stripe does it.
"""

from __future__ import annotations

import pytest
import stripe

from stripe_simulator import Simulator
from tests.simulator.harness import RETURN_URL, Api, payment


def test_new_intent_wants_a_payment_method(api: Api) -> None:
    """
    A PaymentIntent without a method has the status requires_payment_method.
    """
    intent = api.post("/v1/payment_intents", {"amount": 1000, "currency": "EUR"})

    assert intent["status"] == "requires_payment_method"
    assert intent["currency"] == "eur"
    assert intent["capture_method"] == "automatic_async"
    assert intent["client_secret"].startswith(f"{intent['id']}_secret_")


def test_intent_with_a_method_wants_confirmation(api: Api) -> None:
    """
    A method alone does not pay: the status is requires_confirmation.
    """
    form = {"amount": 1000, "currency": "usd", "payment_method": "pm_card_visa"}

    intent = api.post("/v1/payment_intents", form)

    assert intent["status"] == "requires_confirmation"
    assert intent["latest_charge"] is None


def test_create_and_confirm_in_one_call(client: stripe.StripeClient) -> None:
    """
    Through Stripe's SDK: created, confirmed, charged, and the charge expanded in the answer.
    """
    intent = client.v1.payment_intents.create(
        {
            "amount": 1999,
            "currency": "usd",
            "confirm": True,
            "payment_method": "pm_card_visa",
            "return_url": RETURN_URL,
            "metadata": {"payment_id": "p1"},
            "expand": ["latest_charge"],
        }
    )

    charge = intent.latest_charge
    assert isinstance(charge, stripe.Charge)
    assert (intent.status, intent.amount_received) == ("succeeded", 1999)
    assert (charge.paid, charge.captured, charge.amount_captured) == (True, True, 1999)
    assert charge.metadata["payment_id"] == "p1"
    assert charge.payment_method_details is not None
    assert charge.payment_method_details.card is not None
    assert charge.payment_method_details.card.last4 == "4242"


def test_each_use_of_a_test_id_makes_a_method(api: Api) -> None:
    """
    pm_card_visa stands for a fresh PaymentMethod each time.
    """
    first, second = api.pay()["payment_method"], api.pay()["payment_method"]

    assert first.startswith("pm_")
    assert first != second
    assert api.get(f"/v1/payment_methods/{first}")["card"]["brand"] == "visa"


def test_dashboard_methods_want_a_return_url(api: Api) -> None:
    """
    With Dashboard methods that may redirect, confirming without return_url is refused.
    """
    form = payment()
    del form["return_url"]

    error = api.refused(400, "/v1/payment_intents", form)

    assert "you must provide a `return_url`" in error["message"]


@pytest.mark.parametrize(
    "choice",
    [
        {
            "automatic_payment_methods[enabled]": "true",
            "automatic_payment_methods[allow_redirects]": "never",
        },
        {"payment_method_types[]": "card"},
    ],
)
def test_no_return_url_without_redirects(api: Api, choice: dict[str, str]) -> None:
    """
    Without methods that may redirect no return_url is needed.
    """
    form = {**payment(), **choice}
    del form["return_url"]

    intent = api.post("/v1/payment_intents", form)

    assert intent["status"] == "succeeded"


def test_metadata_merges_and_unsets(api: Api) -> None:
    """
    An update adds keys, an empty value takes one away, also after success.
    """
    intent = api.pay(form={"metadata[a]": "1", "metadata[b]": "2"})

    changed = api.post(
        f"/v1/payment_intents/{intent['id']}", {"metadata[b]": "", "metadata[c]": "3"}
    )

    assert changed["metadata"] == {"a": "1", "c": "3"}


def test_amount_may_change_before_payment(api: Api) -> None:
    """
    The amount can be updated until the PaymentIntent is paid.
    """
    intent = api.post("/v1/payment_intents", {"amount": 1000, "currency": "usd"})

    changed = api.post(f"/v1/payment_intents/{intent['id']}", {"amount": 1500})

    assert changed["amount"] == 1500


def test_amount_is_fixed_after_payment(api: Api) -> None:
    """
    A succeeded PaymentIntent refuses another amount and shows itself in the error.
    """
    intent = api.pay()

    error = api.refused(400, f"/v1/payment_intents/{intent['id']}", {"amount": 1500})

    assert error["code"] == "payment_intent_unexpected_state"
    assert error["payment_intent"]["id"] == intent["id"]


def test_unknown_intent(client: stripe.StripeClient) -> None:
    """
    An id that names nothing is 404 resource_missing.
    """
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.retrieve("pi_nothing")

    assert refused.value.http_status == 404
    assert refused.value.code == "resource_missing"
    assert refused.value.user_message == "No such payment_intent: 'pi_nothing'"


def test_unknown_payment_method(api: Api) -> None:
    """
    A payment method that does not exist is refused and nothing is made.
    """
    error = api.refused(400, "/v1/payment_intents", payment("pm_nothing"))

    assert (error["code"], error["param"]) == ("resource_missing", "payment_method")
    assert api.get("/v1/payment_intents")["data"] == []


def test_method_of_another_type_is_refused(api: Api) -> None:
    """
    A PaymentIntent for cards does not take a bank account.
    """
    form = payment("pm_usBankAccount_success", {"payment_method_types[]": "card"})

    error = api.refused(400, "/v1/payment_intents", form)

    assert error["code"] == "payment_intent_incompatible_payment_method"


def test_created_with_published_card_number(api: Api) -> None:
    """
    POST /v1/payment_methods takes Stripe's published test numbers, which then behave as published.
    """
    card = {
        "type": "card",
        "card[number]": "4000 0000 0000 9995",
        "card[exp_month]": 12,
        "card[exp_year]": 2040,
    }
    method = api.post("/v1/payment_methods", card)

    error = api.refused(402, "/v1/payment_intents", payment(method["id"]))

    assert (method["card"]["last4"], method["card"]["exp_year"]) == ("9995", 2040)
    assert error["decline_code"] == "insufficient_funds"


def test_created_with_token(api: Api) -> None:
    """
    POST /v1/payment_methods takes test tokens.
    """
    method = api.post("/v1/payment_methods", {"type": "card", "card[token]": "tok_mastercard"})

    assert method["card"]["brand"] == "mastercard"


def test_other_card_numbers_are_incorrect(api: Api) -> None:
    """
    A number that Stripe does not publish for tests is refused, so no real card is ever taken.
    """
    error = api.refused(
        402, "/v1/payment_methods", {"type": "card", "card[number]": "4242424242424241"}
    )

    assert error["code"] == "incorrect_number"


def test_ids_repeat_with_the_seed() -> None:
    """
    The same seed and the same calls give the same ids.
    """

    def first_id() -> str:
        with Simulator(seed=7) as simulator:
            api = Api(simulator.url, simulator.api_key)
            identifier = str(api.pay()["id"])
            api.session.close()
            return identifier

    assert first_id() == first_id()
