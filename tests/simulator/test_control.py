"""
The control API and the Python API: faults, clock, state, log, reset.
"""

from __future__ import annotations

from typing import Any

import pytest
import requests

from stripe_simulator import Simulator
from tests.simulator.harness import Api, payment


def control(simulator: Simulator, method: str, path: str, data: Any = None) -> requests.Response:
    """
    One call of the control API.
    """
    return requests.request(method, f"{simulator.url}/_simulator{path}", json=data, timeout=60)


def test_faults(api: Api, simulator: Simulator) -> None:
    """
    Rules are added one or many, listed with their counts, and taken away.
    """
    added = control(
        simulator, "POST", "/faults", [{"kind": "rate_limited"}, {"kind": "slow", "nth": 9}]
    )
    struck = api.request("GET", "/v1/balance").status_code
    listed = control(simulator, "GET", "/faults").json()
    control(simulator, "DELETE", f"/faults/{listed[0]['id']}")
    left = control(simulator, "GET", "/faults").json()
    control(simulator, "DELETE", "/faults")

    assert (added.status_code, struck) == (201, 429)
    assert [(rule["kind"], rule["fired"]) for rule in listed] == [("rate_limited", 1), ("slow", 0)]
    assert [rule["kind"] for rule in left] == ["slow"]
    assert control(simulator, "GET", "/faults").json() == []


@pytest.mark.parametrize(
    "data", [None, {"kind": "explode"}, {"nth": 1}, {"kind": "slow", "when": 1}]
)
def test_bad_faults(simulator: Simulator, data: object) -> None:
    """
    A rule that makes no sense is 400 and says what would.
    """
    answer = control(simulator, "POST", "/faults", data)

    assert answer.status_code == 400
    assert answer.json()["error"]


def test_clock(api: Api, simulator: Simulator) -> None:
    """
    The clock moves forward for objects; what falls due has happened when the call returns.
    """
    intent = api.pay("pm_usBankAccount_success")
    before = simulator.clock.now()
    now = control(simulator, "POST", "/clock/advance", {"seconds": 3600}).json()["now"]

    assert now >= before + 3600
    assert api.get(f"/v1/payment_intents/{intent['id']}")["status"] == "succeeded"
    assert api.pay()["created"] >= intent["created"] + 3600


def test_clock_does_not_go_back(simulator: Simulator) -> None:
    """
    A negative step is refused.
    """
    assert control(simulator, "POST", "/clock/advance", {"seconds": -1}).status_code == 400


def test_state(api: Api, simulator: Simulator) -> None:
    """
    The state counts objects by kind and status.
    """
    api.pay()
    api.refused(402, "/v1/payment_intents", payment("pm_card_visa_chargeDeclined"))

    state = control(simulator, "GET", "/state").json()
    assert state["objects"]["charge"] == {"failed": 1, "succeeded": 1}
    assert state["objects"]["payment_intent"] == {"requires_payment_method": 1, "succeeded": 1}
    assert state == {**simulator.state(), "now": state["now"]}


def test_objects_by_metadata(api: Api, simulator: Simulator) -> None:
    """
    How often a payment was charged is one question.
    """
    for ours in ("a", "a", "b"):
        api.pay(form={"metadata[payment_id]": ours})

    found = control(
        simulator, "GET", "/objects/charge?metadata[payment_id]=a&status=succeeded"
    ).json()
    assert len(found) == 2
    assert len(simulator.with_metadata("charge", "payment_id", "b", status="succeeded")) == 1
    assert simulator.with_metadata("charge", "payment_id", "c") == []


def test_bad_filter(simulator: Simulator) -> None:
    """
    A filter that is no field is refused.
    """
    assert control(simulator, "GET", "/objects/charge?a'b=1").status_code == 400


def test_requests(api: Api, simulator: Simulator) -> None:
    """
    The log tells what was sent, under which key, and what was answered.
    """
    api.request(
        "POST", "/v1/payment_intents", {"amount": 1000, "currency": "usd"}, Idempotency_Key="k"
    )

    (entry,) = control(simulator, "GET", "/requests").json()
    assert (entry["operation"], entry["idempotency_key"]) == ("payment_intents.create", "k")
    assert (entry["status"], entry["parameters"]["amount"]) == (200, "1000")
    assert simulator.api_key not in str(entry)


@pytest.mark.parametrize(
    ("step", "status"), [("approve", "succeeded"), ("fail", "requires_payment_method")]
)
def test_customer(api: Api, simulator: Simulator, step: str, status: str) -> None:
    """
    Authentication without the page.
    """
    intent = api.pay("pm_card_threeDSecure2Required")

    decided = control(simulator, "POST", f"/payment_intents/{intent['id']}/{step}").json()

    assert decided["status"] == status


def test_customer_has_nothing_to_decide(api: Api, simulator: Simulator) -> None:
    """
    A payment that does not wait for its customer is refused.
    """
    intent = api.pay()

    assert control(simulator, "POST", f"/payment_intents/{intent['id']}/approve").status_code == 400
    assert control(simulator, "POST", "/payment_intents/pi_nothing/approve").status_code == 404


def test_resend_of_nothing(simulator: Simulator) -> None:
    """
    Only an event that exists can be sent again.
    """
    assert control(simulator, "POST", "/webhooks/evt_nothing/resend").status_code == 404


def test_reset(api: Api, simulator: Simulator) -> None:
    """
    Reset leaves nothing but the settings.
    """
    api.pay()
    simulator.faults.add(kind="slow", nth=99)
    control(simulator, "POST", "/reset")

    assert api.get("/v1/payment_intents")["data"] == []
    assert simulator.faults.all() == []
    assert simulator.state()["objects"] == {}


def test_reset_keeps_the_endpoint_of_the_settings() -> None:
    """
    The webhook endpoint of the settings is there again after a reset.
    """
    with Simulator(webhook_url="http://127.0.0.1:9/") as simulator:
        simulator.reset()

        assert [e["url"] for e in simulator.objects("webhook_endpoint")] == ["http://127.0.0.1:9/"]
