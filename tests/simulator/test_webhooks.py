"""
Webhooks: signed, retried, and steered by faults.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest
import stripe

from stripe_simulator import Simulator
from tests.simulator.harness import Api, Receiver, receiving, wait_until

SECRET = "whsec_test_of_webhooks"
PAID = ["payment_intent.created", "payment_intent.succeeded", "charge.succeeded"]


@pytest.fixture
def simulator(receiver: Receiver) -> Iterator[Simulator]:
    """
    A simulator that sends every event to the receiver.
    """
    with Simulator(
        seed=1,
        webhook_url=receiver.url,
        webhook_secret=SECRET,
        delay_seconds=60,
        webhook_retry_delays=(0.02, 0.02),
        webhook_timeout=1,
    ) as running:
        yield running


def test_signed(api: Api, receiver: Receiver) -> None:
    """
    Stripe's SDK accepts every event with the endpoint's secret.
    """
    intent = api.pay()

    events = [
        stripe.Webhook.construct_event(received.body, received.headers["Stripe-Signature"], SECRET)
        for received in receiver.wait_for(3)
    ]
    assert [event.type for event in events] == PAID
    assert events[1].data.object["id"] == intent["id"]


def test_body_is_signed_as_sent(api: Api, receiver: Receiver) -> None:
    """
    One byte more and the signature no longer fits.
    """
    api.pay()
    received = receiver.wait_for(1)[0]

    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(
            received.body + b" ", received.headers["Stripe-Signature"], SECRET
        )


def test_event_tells_its_request(api: Api, receiver: Receiver) -> None:
    """
    An event names the request and the idempotency key that caused it.
    """
    form = {"amount": 1000, "currency": "usd"}
    answer = api.request("POST", "/v1/payment_intents", form, Idempotency_Key="k")

    event = receiver.wait_for(1)[0].event
    assert event["request"] == {"id": answer.headers["Request-Id"], "idempotency_key": "k"}
    assert event["livemode"] is False
    assert event["pending_webhooks"] == 1


def test_refused_webhooks_come_again(api: Api, receiver: Receiver) -> None:
    """
    What is not answered with 2xx is sent again, with the same id and body.
    """
    receiver.answers = [500, 302]
    api.post("/v1/payment_intents", {"amount": 1000, "currency": "usd"})

    tries = receiver.wait_for(3)
    assert len({received.event["id"] for received in tries}) == 1
    assert len({received.body for received in tries}) == 1


def test_attempts_end(api: Api, receiver: Receiver, simulator: Simulator) -> None:
    """
    After the last delay of the schedule a delivery has failed for good.
    """
    receiver.answers = [500] * 5
    api.post("/v1/payment_intents", {"amount": 1000, "currency": "usd"})
    wait_until(lambda: simulator.deliveries()[0]["state"] == "failed")

    (delivery,) = simulator.deliveries()
    assert (delivery["attempts"], delivery["status"]) == (3, 500)
    assert len(receiver.received) == 3


def test_redirects_are_not_followed(api: Api, receiver: Receiver) -> None:
    """
    A redirect is a failure, as Stripe documents; its target is never called.
    """
    receiver.answers = [307]
    api.post("/v1/payment_intents", {"amount": 1000, "currency": "usd"})

    tries = receiver.wait_for(2)
    assert [received.path for received in tries] == ["/webhooks", "/webhooks"]


def test_dead_endpoint_is_tried_again(api: Api, simulator: Simulator) -> None:
    """
    An endpoint that refuses connections costs attempts and nothing else.
    """
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    form = {"url": f"http://127.0.0.1:{port}/", "enabled_events[]": "payment_intent.created"}
    endpoint = api.post("/v1/webhook_endpoints", form)
    api.pay()

    def failed() -> bool:
        mine = [d for d in simulator.deliveries() if d["endpoint_id"] == endpoint["id"]]
        return [d["state"] for d in mine] == ["failed"]

    wait_until(failed)


def test_pending_webhooks_counts_down(api: Api, receiver: Receiver) -> None:
    """
    An event that was taken has no pending webhooks.
    """
    api.post("/v1/payment_intents", {"amount": 1000, "currency": "usd"})
    receiver.wait_for(1)

    wait_until(lambda: api.get("/v1/events")["data"][0]["pending_webhooks"] == 0)


def test_endpoint_by_api(api: Api) -> None:
    """
    An endpoint that was created by API gets its events only, signed with the secret of the answer.
    """
    with receiving() as other:
        form = {"url": other.url, "enabled_events[]": "charge.succeeded"}
        endpoint = api.post("/v1/webhook_endpoints", form)
        api.pay()
        received = other.wait_for(1)[0]

        event = stripe.Webhook.construct_event(
            received.body, received.headers["Stripe-Signature"], endpoint["secret"]
        )
        listed = api.get(f"/v1/webhook_endpoints/{endpoint['id']}")
    assert event.type == "charge.succeeded"
    assert "secret" not in listed


def test_deleted_endpoint_gets_nothing(api: Api, simulator: Simulator) -> None:
    """
    Once deleted, an endpoint is told nothing more.
    """
    (endpoint,) = api.get("/v1/webhook_endpoints")["data"]
    deleted = api.request("DELETE", f"/v1/webhook_endpoints/{endpoint['id']}")
    api.pay()

    assert deleted.json()["deleted"] is True
    assert simulator.deliveries() == []


def test_disabled_endpoint_gets_nothing(api: Api, simulator: Simulator) -> None:
    """
    A disabled endpoint is told nothing until it is enabled.
    """
    (endpoint,) = api.get("/v1/webhook_endpoints")["data"]
    api.post(f"/v1/webhook_endpoints/{endpoint['id']}", {"disabled": "true"})
    api.pay()

    assert simulator.deliveries() == []


def test_duplicate(api: Api, receiver: Receiver, simulator: Simulator) -> None:
    """
    A duplicate comes twice with one id.
    """
    simulator.faults.add(kind="duplicate", event="charge.succeeded")
    api.pay()

    events = [received.event for received in receiver.wait_for(4)]
    assert [event["type"] for event in events] == [*PAID, "charge.succeeded"]
    assert events[2]["id"] == events[3]["id"]


def test_reorder(api: Api, receiver: Receiver, simulator: Simulator) -> None:
    """
    A reordered event is overtaken by those that follow it.
    """
    simulator.faults.add(kind="reorder", event="payment_intent.created", seconds=1.5)
    api.pay()
    receiver.wait_for(3)

    assert receiver.types() == [*PAID[1:], PAID[0]]


def test_delay_ends_with_the_clock(api: Api, receiver: Receiver, simulator: Simulator) -> None:
    """
    A delayed event comes when the simulator's clock says so.
    """
    simulator.faults.add(kind="delay", event="charge.succeeded", seconds=3600)
    api.pay()
    receiver.wait_for(2)
    before = receiver.types()
    simulator.clock.advance(3600)
    receiver.wait_for(3)

    assert before == PAID[:2]
    assert "charge.succeeded" in receiver.types()


def test_drop_and_resend(api: Api, receiver: Receiver, simulator: Simulator) -> None:
    """
    A dropped event is not sent, stays readable, and can be sent by hand.
    """
    simulator.faults.add(kind="drop", event="payment_intent.succeeded")
    api.pay()
    receiver.wait_for(2)
    before = receiver.types()
    (event,) = api.get("/v1/events?type=payment_intent.succeeded")["data"]
    simulator.resend(event["id"])

    assert before == [PAID[0], PAID[2]]
    assert receiver.wait_for(3)[2].event["id"] == event["id"]


def test_stopping_does_not_wait_for_endpoints(receiver: Receiver) -> None:
    """
    Undelivered events wait in the database; with a file the next run sends them.
    """
    receiver.answers = [500]
    with Simulator(webhook_url=receiver.url, webhook_retry_delays=(3600,)) as simulator:
        api = Api(simulator.url, simulator.api_key)
        api.post("/v1/payment_intents", {"amount": 1000, "currency": "usd"})
        api.session.close()
        receiver.wait_for(1)

        wait_until(lambda: simulator.deliveries()[0]["status"] == 500)
        state = simulator.deliveries()[0]["state"]
    assert state == "pending"
