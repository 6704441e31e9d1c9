"""
Whatever is asked in whatever order: money adds up, and nothing breaks the server.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stripe_simulator import Simulator
from stripe_simulator.errors import ApiError
from stripe_simulator.params import decode
from tests.simulator.harness import RETURN_URL, Api

METHODS = [
    "pm_card_visa",
    "pm_card_visa_chargeDeclined",
    "pm_card_threeDSecure2Required",
    "pm_card_pendingRefund",
    "pm_card_refundFail",
    "pm_usBankAccount_success",
]
AMOUNTS = st.integers(1, 1200)
STEPS = st.one_of(
    st.tuples(st.just("confirm"), st.sampled_from(METHODS)),
    st.tuples(st.just("capture"), AMOUNTS),
    st.tuples(st.just("refund"), AMOUNTS),
    st.tuples(st.just("cancel"), st.none()),
    st.tuples(st.just("approve"), st.none()),
    st.tuples(st.just("fail"), st.none()),
    st.tuples(st.just("advance"), st.sampled_from([60, 8 * 24 * 3600])),
)


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Simulator, Api]]:
    """
    One simulator for many examples.
    """
    with Simulator(seed=1, delay_seconds=60) as simulator:
        api = Api(simulator.url, simulator.api_key)
        yield simulator, api
        api.session.close()


def take(simulator: Simulator, api: Api, intent: str, step: tuple[str, Any]) -> int:
    """
    Takes one step and gives the status code.
    """
    name, value = step
    path = f"/v1/payment_intents/{intent}"
    if name == "advance":
        simulator.clock.advance(value)
        return 200
    if name in {"approve", "fail"}:
        return api.request("POST", f"/_simulator/payment_intents/{intent}/{name}").status_code
    forms: dict[str, tuple[str, dict[str, Any]]] = {
        "confirm": (f"{path}/confirm", {"payment_method": value, "return_url": RETURN_URL}),
        "capture": (f"{path}/capture", {"amount_to_capture": value}),
        "refund": ("/v1/refunds", {"payment_intent": intent, "amount": value}),
        "cancel": (f"{path}/cancel", {}),
    }
    return api.request("POST", *forms[name]).status_code


@settings(max_examples=40)
@given(capture=st.sampled_from(["automatic", "manual"]), steps=st.lists(STEPS, max_size=8))
def test_money_adds_up(
    shared: tuple[Simulator, Api], capture: str, steps: list[tuple[str, Any]]
) -> None:
    """
    After any steps refunds cover no more than the charge, and received is what was captured.
    """
    simulator, api = shared
    form = {"amount": 1000, "currency": "usd", "capture_method": capture}
    intent = api.post("/v1/payment_intents", form)["id"]

    statuses = {take(simulator, api, intent, step) for step in steps}

    assert statuses <= {200, 400, 402}
    after = api.get(f"/v1/payment_intents/{intent}")
    charges = api.get(f"/v1/charges?payment_intent={intent}&limit=100")["data"]
    refunds = api.get(f"/v1/refunds?payment_intent={intent}&limit=100")["data"]
    assert len([charge for charge in charges if charge["status"] == "succeeded"]) <= 1
    assert after["amount_received"] == sum(charge["amount_captured"] for charge in charges)
    given_back = sum(refund["amount"] for refund in refunds if refund["status"] != "failed")
    assert given_back == sum(charge["amount_refunded"] for charge in charges) <= 1000


@given(st.lists(st.tuples(st.text("ab[]0\x00é", max_size=12), st.text(max_size=5)), max_size=6))
def test_any_names_can_be_read(pairs: list[tuple[str, str]]) -> None:
    """
    However parameters are named, they are nested or refused, never an accident.
    """
    with suppress(ApiError):
        tree = decode(pairs)

        assert isinstance(tree, dict)


NAMES = st.sampled_from(
    [
        "amount",
        "currency",
        "metadata",
        "metadata[a]",
        "metadata[a][b]",
        "expand[]",
        "expand",
        "confirm",
        "payment_method",
        "payment_method_data[type]",
        "payment_method_types[]",
        "automatic_payment_methods",
        "automatic_payment_methods[enabled]",
        "shipping[x]",
        "[",
        "]",
    ]
)
VALUES = st.one_of(
    st.sampled_from(["", "usd", "1000", "true", "card", "pm_card_visa"]), st.text(max_size=5)
)


@settings(max_examples=60)
@given(st.dictionaries(NAMES, VALUES))
def test_any_form_is_answered(shared: tuple[Simulator, Api], form: dict[str, str]) -> None:
    """
    Whatever a form holds, the answer is a payment or one of Stripe's errors.
    """
    _, api = shared

    answer = api.request("POST", "/v1/payment_intents", form)

    assert answer.status_code in {200, 400, 402}
    assert answer.status_code == 200 or answer.json()["error"]["type"]
