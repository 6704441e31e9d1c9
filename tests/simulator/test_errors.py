"""
Errors: Stripe's bodies for bad keys, parameters and addresses.
"""

from __future__ import annotations

import pytest
import requests
import stripe

from stripe_simulator import Simulator
from tests.simulator.harness import Api, payment

PARAMETERS = [
    ({"amount": "1000"}, "parameter_missing", "currency"),
    ({"currency": "usd"}, "parameter_missing", "amount"),
    ({"amount": "1000", "currency": "usd", "colour": "red"}, "parameter_unknown", "colour"),
    ({"amount": "12.5", "currency": "usd"}, "parameter_invalid_integer", "amount"),
    ({"amount": "1e3", "currency": "usd"}, "parameter_invalid_integer", "amount"),
    ({"amount": "", "currency": "usd"}, "parameter_invalid_empty", "amount"),
    ({"amount": "1000", "currency": "usd", "confirm": "yes"}, None, "confirm"),
    ({"amount": "1000", "currency": "usd", "capture_method": "later"}, None, "capture_method"),
    ({"amount": "1000", "currency": "usd", "metadata": "x"}, None, "metadata"),
    ({"amount": "1000", "currency": "usd", f"metadata[{'k' * 41}]": "x"}, None, "metadata"),
    ({"amount": "1000", "currency": "usd", "metadata[k]": "v" * 501}, None, "metadata[k]"),
    (
        {"amount": "1000", "currency": "usd", "automatic_payment_methods[on]": "true"},
        "parameter_unknown",
        "automatic_payment_methods[on]",
    ),
    (
        {
            "amount": "1000",
            "currency": "usd",
            "automatic_payment_methods[allow_redirects]": "never",
        },
        "parameter_missing",
        "automatic_payment_methods[enabled]",
    ),
    ({"amount": "1000", "currency": "usd", "expand[]": "colour"}, None, "expand"),
    ({"amount": "1000", "currency": "usd", "return_url": "http://shop.test"}, None, "return_url"),
]


@pytest.mark.parametrize(("form", "code", "param"), PARAMETERS)
def test_parameter(api: Api, form: dict[str, str], code: str | None, param: str) -> None:
    """
    A parameter that is missing, unknown or not of its type is named, and nothing is made.
    """
    error = api.refused(400, "/v1/payment_intents", form)

    assert error["type"] == "invalid_request_error"
    assert (error.get("code"), error["param"]) == (code, param)
    assert api.get("/v1/payment_intents")["data"] == []


def test_error_names_its_documentation(api: Api) -> None:
    """
    An error with a code links to the page that explains it.
    """
    error = api.refused(400, "/v1/payment_intents", {"amount": 1000})

    assert error["doc_url"] == "https://stripe.com/docs/error-codes/parameter-missing"


def test_unsimulated_parameter_is_said_plainly(api: Api) -> None:
    """
    What Stripe knows and the simulator does not act on is refused, never passed over.
    """
    error = api.refused(400, "/v1/payment_intents", payment(form={"application_fee_amount": 5}))

    assert "does not simulate" in error["message"]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("sk_test_wrong_1234", "Invalid API Key provided: sk_test_"),
        ("", "You did not provide an API key"),
    ],
)
def test_key(simulator: Simulator, key: str, message: str) -> None:
    """
    A wrong or missing key is 401, and the answer does not repeat the key.
    """
    api = Api(simulator.url, key)
    error = api.refused(401, "/v1/payment_intents", payment())
    api.session.close()

    assert error["message"].startswith(message)
    assert not key or key not in error["message"]


def test_wrong_key_through_the_sdk(simulator: Simulator) -> None:
    """
    The SDK raises its AuthenticationError.
    """
    http = stripe.RequestsClient(timeout=(3, 8))
    wrong = stripe.StripeClient(
        "sk_test_other", base_addresses={"api": simulator.url}, http_client=http
    )

    with pytest.raises(stripe.AuthenticationError):
        wrong.v1.balance.retrieve()
    http.close()  # type: ignore[no-untyped-call]  # the SDK leaves it untyped


def test_basic_authentication(simulator: Simulator) -> None:
    """
    The key is taken as the user name too, as curl -u sends it.
    """
    answer = requests.get(f"{simulator.url}/v1/account", auth=(simulator.api_key, ""), timeout=60)

    assert answer.json()["object"] == "account"


def test_unknown_address(api: Api) -> None:
    """
    An address that is not simulated is 404 with a plain word.
    """
    error = api.refused(404, "/v1/customers", {})

    assert error["message"].startswith("Unrecognized request URL (POST: /v1/customers)")


def test_every_answer_has_a_request_id(api: Api) -> None:
    """
    Request-Id is on answers and errors alike, and the version that was asked for is repeated.
    """
    good = api.request("GET", "/v1/balance", Stripe_Version="2026-10-28.endive")
    bad = api.request("GET", "/v1/charges/ch_nothing")

    assert good.headers["Request-Id"].startswith("req_")
    assert bad.headers["Request-Id"].startswith("req_")
    assert good.headers["Stripe-Version"] == "2026-10-28.endive"


def test_real_keys_are_refused() -> None:
    """
    The simulator does not start with anything but a test key.
    """
    with pytest.raises(ValueError, match="sk_test_"):
        Simulator(api_key="sk_live_something")
