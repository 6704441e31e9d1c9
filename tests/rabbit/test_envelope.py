"""
What we write equals, field by field, what real MassTransit consumers accepted.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import attrs
import pytest

from payments_core.contracts.messages import message_of
from payments_core.domain.events import Event, PaymentFailed, PaymentSucceeded, RefundIssued
from payments_core.domain.failure import Failure
from payments_core.domain.money import Money
from payments_core.ports.outbox import Cause
from payments_core.testing.builders import NOW, a_payment
from payments_core.testing.conformance.outbox import a_failure, a_success
from payments_rabbit import MassTransitSerializer, RabbitSettings
from payments_rabbit.host import Host

SAMPLES = Path(__file__).parents[1] / "core" / "contracts" / "samples"
HOST = Host(
    machine_name="payment-service-7c9d",
    process_id=1,
    assembly_version="0.1.0.0",
    framework_version="3.11.7",
    operating_system_version="Linux 6.1",
)
SETTINGS = RabbitSettings(url="amqp://guest:guest@rabbitmq:5672/")


def sample(name: str) -> dict[str, Any]:
    """
    Return a document that was on the wire.
    """
    return dict(json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8")))


def event_of(name: str, document: dict[str, Any]) -> Event:
    """
    Return the event that a document tells.
    """
    message = document["message"]
    common: dict[str, Any] = {
        "id": UUID(document["messageId"]),
        "payment_id": UUID(message["paymentId"]),
        "order_id": UUID(message.get("orderId", str(UUID(int=3)))),
        "occurred_at": datetime.fromisoformat(message["occurredAt"]),
    }
    if name == "IPaymentFailed":
        return PaymentFailed(
            **common,
            provider=message["provider"],
            provider_payment_id=message["providerPaymentId"],
            failure=Failure(message["errorCode"], message["errorMessage"]),
        )
    amount = Money.parse(message["amount"], message["currency"])
    if name == "IRefundIssued":
        return RefundIssued(
            **common,
            refund_id=UUID(message["refundId"]),
            amount=amount,
            provider_refund_id=message["providerRefundId"],
        )
    return PaymentSucceeded(
        **common,
        amount=amount,
        provider=message["provider"],
        provider_payment_id=message["providerPaymentId"],
    )


@pytest.mark.parametrize("name", ["IPaymentSucceeded", "IPaymentFailed", "IRefundIssued"])
def test_equals_what_was_accepted(name: str) -> None:
    """
    With the sample's ids, clock and host each event is the sample, and a refund has its order too.
    """
    wanted = sample(f"{name}.sent")
    finished = MassTransitSerializer(SETTINGS, HOST).finish(
        message_of(event_of(name, wanted)),
        sent_at=datetime.fromisoformat(wanted["sentTime"]),
        cause=Cause(UUID(wanted["conversationId"])),
    )
    if name == "IRefundIssued":
        wanted["message"]["orderId"] = str(UUID(int=3))

    assert json.loads(finished.body) == wanted
    assert finished.destination == f"BuildingBlocks.Contracts.Payments:{name}"
    assert finished.content_type == "application/vnd.masstransit+json"


def finished(settings: RabbitSettings = SETTINGS, cause: Cause | None = None) -> dict[str, Any]:
    """
    Return the envelope of a success.
    """
    message = message_of(a_success(a_payment()))
    body = MassTransitSerializer(settings, HOST).finish(message, sent_at=NOW, cause=cause).body
    return dict(json.loads(body))


def test_values_are_those_that_every_reader_takes() -> None:
    """
    Each trap of the value table: text for decimals, Z for times, dashed GUIDs, numbers for ids.
    """
    envelope = finished()
    message = envelope["message"]

    assert message["amount"] == "10.00"
    assert message["occurredAt"].endswith("Z")
    assert envelope["sentTime"].endswith("Z")
    assert str(UUID(message["paymentId"])) == message["paymentId"]
    assert str(UUID(envelope["messageId"])) == envelope["messageId"]
    assert isinstance(envelope["host"]["processId"], int)
    assert isinstance(envelope["messageType"], list)
    assert not any("_" in name for name in message)


def test_text_is_utf_8_without_a_mark() -> None:
    """
    No byte order mark, and letters stand for themselves: .NET puts a marked body into _error.
    """
    event = attrs.evolve(a_failure(a_payment()), failure=Failure("x", "é <b>"))
    body = MassTransitSerializer(SETTINGS, HOST).finish(message_of(event), sent_at=NOW, cause=None)

    assert body.body.startswith("{")
    assert "é <b>" in body.body


def test_conversation_and_initiator_are_those_of_the_cause() -> None:
    """
    What a message caused belongs to its conversation; else a payment is one conversation.
    """
    cause = Cause(UUID(int=5), UUID(int=6))
    payment = a_payment()
    serializer = MassTransitSerializer(SETTINGS, HOST)
    one, two = (
        json.loads(serializer.finish(message_of(a_success(payment)), sent_at=NOW, cause=None).body)[
            "conversationId"
        ]
        for _ in range(2)
    )

    assert finished(cause=cause)["conversationId"] == str(UUID(int=5))
    assert finished(cause=cause)["initiatorId"] == str(UUID(int=6))
    assert finished()["initiatorId"] is None
    assert one == two


def test_answers_and_faults_are_left_open() -> None:
    """
    With an address for faults, .NET would send them there and nobody would hear of them.
    """
    envelope = finished()

    assert envelope["responseAddress"] is None
    assert envelope["faultAddress"] is None
    assert envelope["expirationTime"] is None
    assert envelope["headers"] == {}


def test_names_are_settings() -> None:
    """
    Another namespace moves exchange and type; another broker moves the addresses.
    """
    settings = RabbitSettings(
        url="amqps://user:word@broker.example:5700/shop%2Feu",
        payments_namespace="Shop.Contracts",
        service_name="pay",
    )
    envelope = finished(settings)

    assert envelope["messageType"] == ["urn:message:Shop.Contracts:IPaymentSucceeded"]
    assert envelope["sourceAddress"] == "rabbitmq://broker.example:5700/shop%2Feu/pay"
    assert envelope["destinationAddress"].endswith("/Shop.Contracts:IPaymentSucceeded")
    assert "word" not in json.dumps(envelope)


def test_host_here_has_every_field() -> None:
    """
    This process tells of itself what a .NET process tells, in the same types.
    """
    wanted = sample("IPaymentSucceeded.sent")["host"]
    here = Host.here().fields()

    assert here.keys() == wanted.keys()
    assert [type(v) for v in here.values()] == [type(v) for v in wanted.values()]
    assert all(isinstance(v, str) for v in Host.here().headers().values())
