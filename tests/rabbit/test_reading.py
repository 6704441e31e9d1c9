"""
Every form in which .NET services send is understood, and every broken one is named.
"""

import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from payments_core.application.received import ReceivedMessage
from payments_core.ports.outbox import Cause
from payments_rabbit.delivery import Delivery
from payments_rabbit.desk import readers
from payments_rabbit.names import ENVELOPE
from payments_rabbit.reading import Letter, Unknown, Unreadable
from payments_rabbit.settings import RabbitSettings
from tests.rabbit.peer import an_envelope

SAMPLES = Path(__file__).parents[1] / "core" / "contracts" / "samples"
REFUND = "urn:message:BuildingBlocks.Contracts.Payments:RefundPaymentCommand"
ORDER = "urn:message:OrderService.Contracts:IOrderCreated"
BODY = {"paymentId": "42f22e2d-3846-426e-97c0-8c904305c873", "amount": "10", "reason": "damaged"}
READERS = readers(RabbitSettings())


def read(
    body: Any,
    queue: str = "refund-payment",
    content_type: str | None = ENVELOPE,
    headers: dict[str, Any] | None = None,
    **properties: Any,
) -> Letter:
    """
    Read a message that came to a queue.
    """
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    if content_type is not None:
        properties["content_type"] = content_type
    delivery = Delivery(queue=queue, body=raw, headers=headers or {}, properties=properties)
    return READERS[queue].read(Delivery.from_json(delivery.to_json()))


def raw_headers(**changes: Any) -> dict[str, Any]:
    """
    Return the headers of MassTransit's raw JSON serializer.
    """
    return {
        "MessageId": str(UUID(int=1)),
        "ConversationId": str(UUID(int=2)),
        "CorrelationId": str(UUID(int=3)),
        "MT-MessageType": f"urn:message:Shop:Other;{REFUND}",
        "MT-Host-Info": '{"MachineName":"vm"}',
    } | changes


@pytest.mark.parametrize(
    ("name", "queue", "handled_as"),
    [
        ("RefundPaymentCommand", "refund-payment", "RefundPaymentCommand"),
        ("IOrderCreated", "payment-service-order-created", "IOrderCreated"),
    ],
)
def test_captured_documents_are_understood(name: str, queue: str, handled_as: str) -> None:
    """
    What a real MassTransit bus wrote is read whole.
    """
    raw = (SAMPLES / f"{name}.received.json").read_bytes()
    document = json.loads(raw)
    letter = read(raw, queue)

    assert letter.received == ReceivedMessage(
        id=UUID(document["messageId"]),
        endpoint=queue,
        name=handled_as,
        body=document["message"],
        source=document["sourceAddress"],
        cause=Cause(UUID(document["conversationId"])),
    )


@pytest.mark.parametrize("name", ["Fault.received", "ReceiveFault.received"])
def test_faults_of_others_are_not_ours_to_handle(name: str) -> None:
    """
    A captured fault is whole, and no command.
    """
    with pytest.raises(Unknown):
        read((SAMPLES / f"{name}.json").read_bytes())


def test_newtonsoft_leaves_out_what_is_null() -> None:
    """
    An envelope without its null fields, and a message without its zeros, are the same.
    """
    full = an_envelope(REFUND, BODY)
    bare = {k: v for k, v in full.items() if v is not None}

    assert read(bare) == read(full)


def test_smallest_envelope() -> None:
    """
    A type, a message and an id are enough.
    """
    letter = read({"messageId": str(UUID(int=1)), "messageType": [REFUND], "message": BODY})

    assert letter.received.id == UUID(int=1)
    assert letter.received.cause == Cause()


def test_names_of_fields_match_whatever_the_case() -> None:
    """
    .NET does not look at the case, so neither do we.
    """
    shouted = {k.upper(): v for k, v in an_envelope(REFUND.upper(), BODY).items()}

    assert read(shouted).received.name == "RefundPaymentCommand"


@pytest.mark.parametrize(
    "content_type", [f"{ENVELOPE}; charset=utf-8", ENVELOPE.upper(), "application/json"]
)
def test_envelope_under_each_content_type(content_type: str) -> None:
    """
    Parameters and case do not matter; an envelope that calls itself JSON is one still.
    """
    assert read(an_envelope(REFUND, BODY), content_type=content_type).received.body == BODY


def test_raw_json() -> None:
    """
    A bare body takes its metadata from the headers.
    """
    letter = read(BODY, content_type="application/json; charset=utf-8", headers=raw_headers())

    assert letter.received == ReceivedMessage(
        id=UUID(int=1),
        endpoint="refund-payment",
        name="RefundPaymentCommand",
        body=BODY,
        cause=Cause(UUID(int=2), UUID(int=3)),
    )


def test_raw_json_with_the_id_in_the_properties() -> None:
    """
    The message's own property is its id when no header has one.
    """
    headers = raw_headers(MessageId=None)
    letter = read(
        BODY, content_type="application/json", headers=headers, message_id=str(UUID(int=9))
    )

    assert letter.received.id == UUID(int=9)


def test_class_with_its_interfaces() -> None:
    """
    A class that was published carries the interface that we know; its exchange is another.
    """
    envelope = an_envelope("urn:message:OrderService.Contracts:OrderCreated", {"orderId": "x"})
    envelope["messageType"] += [ORDER, "urn:message:OrderService.Contracts:IEvent"]

    assert read(envelope, "payment-service-order-created").received.name == "IOrderCreated"


def test_redelivery_keeps_its_first_id() -> None:
    """
    A scheduled redelivery has a new id and says which it had: that one counts.
    """
    headers = {"MT-OriginalMessageId": str(UUID(int=7)), "MT-Redelivery-Count": 2}
    letter = read(an_envelope(REFUND, BODY), headers=headers)

    assert letter.received.id == UUID(int=7)
    assert letter.message_id != UUID(int=7)


def test_what_we_tell_names_its_cause() -> None:
    """
    The conversation goes on; its initiator is the correlation id, or else the request.
    """
    correlated = an_envelope(REFUND, BODY, correlationId=str(UUID(int=4)))
    requested = an_envelope(REFUND, BODY, requestId=str(UUID(int=5)))

    assert read(correlated).received.cause.initiator_id == UUID(int=4)
    assert read(requested).received.cause.initiator_id == UUID(int=5)


def test_several_names_of_an_order() -> None:
    """
    While a type moves to another namespace both names are taken.
    """
    told = ("OrderService.Contracts:IOrderCreated", "BuildingBlocks.Contracts.Orders:IOrderCreated")
    both = readers(RabbitSettings(order_created=told))["payment-service-order-created"]
    for name in told:
        body = json.dumps(an_envelope(f"urn:message:{name}", {})).encode()
        delivery = Delivery(queue="q", body=body, properties={"content_type": ENVELOPE})

        assert both.read(delivery).received.name == "IOrderCreated"


@pytest.mark.parametrize(
    ("body", "more"),
    [
        (b"", {}),
        (b"not json", {}),
        (b"\xef\xbb\xbf{}", {}),
        (b"\xff\xfe{\x00}\x00", {}),
        (b'{"a":NaN}', {}),
        (b"[" * 100_000, {}),
        (b'{"n":' + b"9" * 5000 + b"}", {}),
        (b"[]", {}),
        (b"null", {}),
        (b'"text"', {}),
        (b" " * 262_145, {}),
        (an_envelope(REFUND, BODY, message=None), {}),
        (an_envelope(REFUND, BODY, message=[1]), {}),
        (an_envelope(REFUND, BODY, messageType=REFUND), {}),
        (an_envelope(REFUND, BODY, messageType=[5]), {}),
        (an_envelope(REFUND, BODY, messageId=None), {}),
        (an_envelope(REFUND, BODY, messageId="7"), {}),
        (an_envelope(REFUND, BODY, messageId=str(UUID(int=0))), {}),
        (an_envelope(REFUND, BODY, messageId=7), {}),
        (an_envelope(REFUND, BODY), {"content_type": None}),
        (an_envelope(REFUND, BODY), {"content_type": "application/vnd.masstransit+bson"}),
        (an_envelope(REFUND, BODY), {"content_type": "text/plain"}),
        (BODY, {"content_type": "application/json"}),
        (
            BODY,
            {"content_type": "application/json", "headers": raw_headers(MessageId="7")},
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_broken_messages_are_unreadable(body: Any, more: dict[str, Any]) -> None:
    """
    Each is refused with a reason that repeats nothing of it.
    """
    with pytest.raises(Unreadable) as raised:
        read(body, **more)
    assert "42f22e2d" not in str(raised.value)
    assert len(str(raised.value)) < 100


@pytest.mark.parametrize(
    "types", [[], None, ["urn:message:Shop:Other"], [ORDER], ["urn:message:RefundPaymentCommand"]]
)
def test_unknown_types_are_skipped(types: list[str] | None) -> None:
    """
    A whole message that is not for this queue is no error.
    """
    with pytest.raises(Unknown):
        read(an_envelope(REFUND, BODY, messageType=types))


def test_numbers_stay_exact() -> None:
    """
    An amount that is written as a number keeps every digit.
    """
    raw = json.dumps(an_envelope(REFUND, {"amount": 0})).replace('"amount": 0', '"amount": 129.90')
    letter = read(raw.encode())

    assert str(letter.received.body["amount"]) == "129.90"


def test_kept_message_is_read_the_same() -> None:
    """
    What is kept for a later try has the same bytes, headers and properties.
    """
    delivery = Delivery(
        queue="refund-payment",
        body=bytes(range(256)),
        routing_key="r",
        headers={"MT-Redelivery-Count": 2, "x": "é\r\n", "list": [1, None, True]},
        properties={"content_type": ENVELOPE, "message_id": str(uuid4()), "priority": 3},
    )

    assert Delivery.from_json(delivery.to_json()) == delivery
