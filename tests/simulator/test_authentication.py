"""
3-D Secure: the challenge, its page, and what a browser may do.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from stripe_simulator import Simulator
from tests.simulator.harness import RETURN_URL, Api, payment

CHALLENGED = [
    "pm_card_threeDSecure2Required",
    "pm_card_threeDSecureRequired",
    "pm_card_authenticationRequired",
    "pm_card_authenticationRequiredOnSetup",
]


def decide(api: Api, url: str, outcome: str) -> str:
    """
    Presses a button of the page and gives the address that it leads to.
    """
    path = url.removeprefix(api.url)
    response = api.request("POST", path, {"outcome": outcome})
    assert response.status_code == 303
    return str(response.headers["Location"])


def challenge_url(intent: dict[str, Any]) -> str:
    """
    Where the customer is sent.
    """
    return str(intent["next_action"]["redirect_to_url"]["url"])


@pytest.mark.parametrize("method", CHALLENGED)
def test_challenge(api: Api, method: str) -> None:
    """
    A card that requires authentication sends the customer to a page; nothing is charged yet.
    """
    intent = api.pay(method)

    action = intent["next_action"]
    assert (intent["status"], intent["latest_charge"]) == ("requires_action", None)
    assert action["type"] == "redirect_to_url"
    assert action["redirect_to_url"]["return_url"] == RETURN_URL
    assert api.event_types()[-1] == "payment_intent.requires_action"


@pytest.mark.parametrize("method", ["pm_card_threeDSecureOptional", "pm_card_amex"])
def test_no_challenge(api: Api, method: str) -> None:
    """
    Cards for which authentication is optional or unknown are charged without it.
    """
    assert api.pay(method)["status"] == "succeeded"


def test_page_shows_what_is_paid(api: Api) -> None:
    """
    The page names the merchant, the amount and the card, and loads nothing from elsewhere.
    """
    intent = api.pay("pm_card_threeDSecure2Required", {"amount": 123456})

    page = api.request("GET", challenge_url(intent).removeprefix(api.url)).text
    assert "Simulated Shop" in page
    assert "$1,234.56" in page
    assert "3220" in page
    assert "src=" not in page
    assert "http" not in page.partition("<body>")[2]


def test_approve_charges_and_returns(api: Api) -> None:
    """
    Approve charges and sends the customer back with Stripe's three query parameters.
    """
    intent = api.pay("pm_card_threeDSecure2Required", {"return_url": f"{RETURN_URL}?order=5"})

    back = urlsplit(decide(api, challenge_url(intent), "approve"))

    paid = api.get(f"/v1/payment_intents/{intent['id']}?expand[]=latest_charge")
    assert (paid["status"], paid["next_action"]) == ("succeeded", None)
    assert (
        paid["latest_charge"]["payment_method_details"]["card"]["three_d_secure"]["result"]
        == "authenticated"
    )
    assert parse_qs(back.query) == {
        "order": ["5"],
        "payment_intent": [intent["id"]],
        "payment_intent_client_secret": [intent["client_secret"]],
        "redirect_status": ["succeeded"],
    }


def test_approve_with_manual_capture_holds(api: Api) -> None:
    """
    With manual capture, Approve leads to requires_capture.
    """
    intent = api.pay("pm_card_threeDSecure2Required", {"capture_method": "manual"})
    decide(api, challenge_url(intent), "approve")

    assert api.get(f"/v1/payment_intents/{intent['id']}")["status"] == "requires_capture"


def test_fail_wants_another_method(api: Api) -> None:
    """
    Fail is payment_intent_authentication_failure, without a charge.
    """
    intent = api.pay("pm_card_threeDSecure2Required")

    back = decide(api, challenge_url(intent), "fail")

    failed = api.get(f"/v1/payment_intents/{intent['id']}")
    assert failed["status"] == "requires_payment_method"
    assert failed["last_payment_error"]["code"] == "payment_intent_authentication_failure"
    assert failed["latest_charge"] is None
    assert "redirect_status=failed" in back


@pytest.mark.parametrize(
    ("method", "decline_code"),
    [
        ("pm_card_threeDSecureRequiredChargeDeclined", "generic_decline"),
        ("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds", "insufficient_funds"),
    ],
)
def test_decline_after_approval(
    api: Api, simulator: Simulator, method: str, decline_code: str
) -> None:
    """
    Some cards are declined although the customer authenticated.
    """
    intent = api.pay(method)

    declined = simulator.approve(intent["id"])

    assert declined["status"] == "requires_payment_method"
    assert declined["last_payment_error"]["decline_code"] == decline_code


def test_page_cannot_be_used_twice(api: Api) -> None:
    """
    A challenge that was decided offers nothing more.
    """
    intent = api.pay("pm_card_threeDSecure2Required")
    path = challenge_url(intent).removeprefix(api.url)
    api.request("POST", path, {"outcome": "approve"})

    again = api.request("POST", path, {"outcome": "fail"})

    assert again.status_code == 404
    assert api.get(f"/v1/payment_intents/{intent['id']}")["status"] == "succeeded"


@pytest.mark.parametrize("excuse", ["off_session", "error_on_requires_action"])
def test_absent_customer_is_declined(api: Api, excuse: str) -> None:
    """
    Who cannot be asked is declined with authentication_required.
    """
    error = api.refused(
        402, "/v1/payment_intents", payment("pm_card_authenticationRequired", {excuse: "true"})
    )

    assert error["code"] == "authentication_required"
    assert error["payment_intent"]["status"] == "requires_payment_method"


def test_card_set_up_for_absence(api: Api) -> None:
    """
    pm_card_authenticationRequiredSetupForOffSession asks only a customer who is there.
    """
    method = "pm_card_authenticationRequiredSetupForOffSession"

    assert api.pay(method)["status"] == "requires_action"
    assert api.pay(method, {"off_session": "true"})["status"] == "succeeded"


def test_browser_confirms_with_the_client_secret(api: Api, browser: Api) -> None:
    """
    The publishable key and the client secret are enough to confirm, as Stripe.js does.
    """
    intent = api.post("/v1/payment_intents", {"amount": 1000, "currency": "usd"})
    form = {
        "client_secret": intent["client_secret"],
        "return_url": RETURN_URL,
        "payment_method_data[type]": "card",
        "payment_method_data[card][number]": "4242424242424242",
    }

    confirmed = browser.post(f"/v1/payment_intents/{intent['id']}/confirm", form)

    assert confirmed["status"] == "succeeded"
    assert "metadata" not in confirmed


def test_browser_without_return_url_stays_in_the_page(api: Api, browser: Api) -> None:
    """
    Without return_url the next action is use_stripe_sdk, for Stripe.js.
    """
    intent = api.post("/v1/payment_intents", {"amount": 1000, "currency": "usd"})
    form = {
        "client_secret": intent["client_secret"],
        "payment_method": "pm_card_threeDSecure2Required",
    }

    confirmed = browser.post(f"/v1/payment_intents/{intent['id']}/confirm", form)

    assert confirmed["next_action"]["type"] == "use_stripe_sdk"


@pytest.mark.parametrize(
    ("secret", "code"), [(None, "parameter_missing"), ("wrong", "payment_intent_invalid_parameter")]
)
def test_browser_needs_the_right_secret(
    api: Api, browser: Api, secret: str | None, code: str
) -> None:
    """
    Without the PaymentIntent's own secret a browser may do nothing.
    """
    intent = api.post("/v1/payment_intents", {"amount": 1000, "currency": "usd"})
    form = {"payment_method": "pm_card_visa", **({"client_secret": secret} if secret else {})}

    error = browser.refused(400, f"/v1/payment_intents/{intent['id']}/confirm", form)

    assert error["code"] == code
    assert api.get(f"/v1/payment_intents/{intent['id']}")["status"] == "requires_payment_method"


def test_browser_may_not_capture(api: Api, browser: Api) -> None:
    """
    What is for servers answers a publishable key with secret_key_required.
    """
    intent = api.pay(form={"capture_method": "manual"})

    error = browser.refused(403, f"/v1/payment_intents/{intent['id']}/capture")

    assert error["code"] == "secret_key_required"


def test_browsers_of_other_origins_are_let_in(browser: Api) -> None:
    """
    A page of any origin may call the API, as with Stripe: preflights are answered.
    """
    preflight = browser.request("OPTIONS", "/v1/payment_methods", Origin="http://shop.test")

    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
