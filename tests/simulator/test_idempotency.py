"""
Idempotency keys: replayed, compared, held while in flight, and forgotten after a day.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from stripe_simulator import Simulator
from tests.simulator.harness import RETURN_URL, Api, payment, wait_until

PATH = "/v1/payment_intents"
DAY = 24 * 60 * 60


def test_same_key_same_answer(api: Api) -> None:
    """
    A repeat answers the first status and body, says so, and does nothing.
    """
    first = api.request("POST", PATH, payment(), Idempotency_Key="k")
    again = api.request("POST", PATH, payment(), Idempotency_Key="k")

    assert again.text == first.text
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Original-Request"] == first.headers["Request-Id"]
    assert "Idempotent-Replayed" not in first.headers
    assert len(api.get(PATH)["data"]) == 1


def test_answer_is_a_snapshot(api: Api) -> None:
    """
    A replay shows the object as it was, not as it is.
    """
    first = api.post(PATH, payment(form={"capture_method": "manual"}), Idempotency_Key="k")
    api.post(f"{PATH}/{first['id']}/cancel")

    again = api.post(PATH, payment(form={"capture_method": "manual"}), Idempotency_Key="k")

    assert again["status"] == "requires_capture"


def test_decline_is_replayed(client: stripe.StripeClient, api: Api) -> None:
    """
    A 402 is kept too: a repeat is the same decline, without a second attempt.
    """
    for _ in range(2):
        with pytest.raises(stripe.CardError):
            client.v1.payment_intents.create(
                {
                    "amount": 1000,
                    "currency": "usd",
                    "confirm": True,
                    "payment_method": "pm_card_visa_chargeDeclined",
                    "return_url": RETURN_URL,
                },
                {"idempotency_key": "k"},
            )

    assert len(api.get("/v1/charges")["data"]) == 1


def test_other_parameters(api: Api) -> None:
    """
    The same key with other parameters is an idempotency_error.
    """
    api.post(PATH, payment(), Idempotency_Key="k")

    error = api.refused(400, PATH, payment(form={"amount": 2000}), Idempotency_Key="k")

    assert error["type"] == "idempotency_error"
    assert "same parameters" in error["message"]


def test_order_of_parameters_does_not_matter(api: Api) -> None:
    """
    The same parameters in another order are the same request.
    """
    first = api.post(PATH, payment(), Idempotency_Key="k")
    again = api.post(PATH, dict(reversed(payment().items())), Idempotency_Key="k")

    assert again["id"] == first["id"]


def test_other_endpoint(api: Api) -> None:
    """
    A key belongs to the endpoint that it was first used for.
    """
    intent = api.post(PATH, payment(form={"capture_method": "manual"}), Idempotency_Key="k")

    error = api.refused(400, f"{PATH}/{intent['id']}/capture", {}, Idempotency_Key="k")

    assert error["type"] == "idempotency_error"
    assert "same endpoint" in error["message"]


def test_key_in_flight(api: Api, simulator: Simulator) -> None:
    """
    While the first request runs, a second with its key is 409 and may be retried.
    """
    simulator.faults.add(kind="slow", operation="payment_intents.create", seconds=3)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(api.post, PATH, payment(), Idempotency_Key="k")
        wait_until(lambda: len(simulator.requests()) == 1)

        second = Api(simulator.url, simulator.api_key)
        refused = second.request("POST", PATH, payment(), Idempotency_Key="k")
        second.session.close()

    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "idempotency_key_in_use"
    assert refused.headers["Stripe-Should-Retry"] == "true"
    assert first.result()["status"] == "succeeded"


@pytest.mark.parametrize("form", [{"amount": 1000}, {"amount": 1, "currency": "usd"}])
def test_bad_parameters_are_not_kept(api: Api, form: dict[str, object]) -> None:
    """
    A request that fails validation never ran, so its key is still free.
    """
    api.refused(400, PATH, form, Idempotency_Key="k")

    intent = api.post(PATH, payment(), Idempotency_Key="k")

    assert intent["status"] == "succeeded"


def test_refusals_after_execution_are_kept(api: Api) -> None:
    """
    A refusal by the endpoint itself is kept: after a cancel the same capture key says the same.
    """
    intent = api.post(PATH, {"amount": 1000, "currency": "usd"})
    path = f"{PATH}/{intent['id']}/capture"
    first = api.refused(400, path, {}, Idempotency_Key="k")
    api.post(f"{PATH}/{intent['id']}/cancel")

    again = api.refused(400, path, {}, Idempotency_Key="k")

    assert again == first
    assert again["payment_intent"]["status"] == "requires_payment_method"


def test_kept_for_a_day(api: Api, simulator: Simulator) -> None:
    """
    Within 24 hours the answer is replayed, after them the key is new.
    """
    first = api.post(PATH, payment(), Idempotency_Key="k")
    simulator.clock.advance(DAY - 10)
    within = api.post(PATH, payment(), Idempotency_Key="k")
    simulator.clock.advance(20)
    after = api.post(PATH, payment(), Idempotency_Key="k")

    assert within["id"] == first["id"]
    assert after["id"] != first["id"]


@pytest.mark.parametrize(("length", "status"), [(255, 200), (256, 400)])
def test_length(api: Api, length: int, status: int) -> None:
    """
    A key has up to 255 characters.
    """
    answer = api.request("POST", PATH, payment(), Idempotency_Key="k" * length)

    assert answer.status_code == status


def test_only_posts_are_kept(api: Api) -> None:
    """
    On a GET the header has no effect.
    """
    first = api.request("GET", PATH, Idempotency_Key="k")
    api.pay()
    again = api.request("GET", PATH, Idempotency_Key="k")

    assert first.json()["data"] == []
    assert len(again.json()["data"]) == 1
    assert "Idempotent-Replayed" not in again.headers


def test_many_at_once(simulator: Simulator) -> None:
    """
    However many requests with one key come at once, one payment is made.
    """

    def send(_: int) -> int:
        other = Api(simulator.url, simulator.api_key)
        status = other.request("POST", PATH, payment(), Idempotency_Key="k").status_code
        other.session.close()
        return status

    with ThreadPoolExecutor(16) as pool:
        statuses = set(pool.map(send, range(48)))

    assert statuses <= {200, 409}
    assert len(simulator.objects("charge", status="succeeded")) == 1


def test_survives_a_restart(tmp_path: object) -> None:
    """
    With a database file, objects and keys outlive the process.
    """
    database = f"{tmp_path}/simulator.db"
    ids = []
    for _ in range(2):
        with Simulator(seed=1, database=database) as simulator:
            api = Api(simulator.url, simulator.api_key)
            ids.append(api.post(PATH, payment(), Idempotency_Key="k")["id"])
            other = api.pay()["id"]
            ids.append(other)
            api.session.close()

    assert ids[0] == ids[2]
    assert ids[1] != ids[3]
