"""
One id from the request to the neighbour, and from a neighbour's command to what follows from it.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from aio_pika.abc import AbstractIncomingMessage

from payments_bootstrap import Container
from payments_bootstrap.worker import Part
from payments_core.ports.correlation import Correlation
from payments_rabbit import RabbitSettings
from payments_rabbit.correlation import correlation_of, headers_of
from tests.conftest import LogLines
from tests.http.conftest import Api
from tests.rabbit.peer import Neighbour, an_envelope
from tests.rabbit.shop import pay

TRACE = "0af7" * 8
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
CAUSE = Correlation("checkout-of-alice", PARENT)
CONVERSATION = "2d130000-3ee9-7278-96c1-08df48e91090"
MESSAGE = "2d130000-3ee9-7278-fe34-08df48e9108e"

IDS = {"X-Correlation-ID": CAUSE.id, "MT-Activity-Id": PARENT}

RECEIVED: list[tuple[str, Mapping[str, Any], Mapping[str, Any], Correlation]] = [
    ("headers of the transport", IDS, {}, CAUSE),
    ("headers of the envelope", {}, {"headers": IDS}, CAUSE),
    ("a trace alone", {"MT-Activity-Id": PARENT}, {}, Correlation(CONVERSATION, PARENT)),
    ("nothing", {}, {}, Correlation(CONVERSATION)),
    ("no conversation", {}, {"conversationid": None}, Correlation(MESSAGE)),
    ("headers that are none", {}, {"headers": "none"}, Correlation(CONVERSATION)),
    (
        "hostile ids",
        {"X-Correlation-ID": 'good-enough\r\n{"level": "info"}', "MT-Activity-Id": PARENT + "\n"},
        {"headers": {"X-Correlation-ID": "4242424242424242"}},
        Correlation(CONVERSATION),
    ),
    (
        "ids that are no text",
        {"X-Correlation-ID": 12345678, "MT-Activity-Id": [PARENT]},
        {"headers": {"X-Correlation-ID": {"a": "b"}}},
        Correlation(CONVERSATION),
    ),
    (".NET's older ids", {"MT-Activity-Id": "|7d3a.1."}, {}, Correlation(CONVERSATION)),
]


@pytest.mark.parametrize(
    ("headers", "changes", "wanted"), [pytest.param(*case, id=name) for name, *case in RECEIVED]
)
def test_received(
    headers: Mapping[str, Any], changes: Mapping[str, Any], wanted: Correlation
) -> None:
    """
    Our header counts, then the conversation, then the message; what is hostile is passed over.
    """
    envelope = {"messageid": MESSAGE, "conversationid": CONVERSATION, "headers": {}, **changes}

    assert correlation_of(headers, MESSAGE, envelope) == wanted


def test_sent() -> None:
    """
    What was received with a message is sent with the next one; without ids there is no header.
    """
    assert correlation_of(headers_of(CAUSE), None) == CAUSE
    assert headers_of(Correlation("checkout-12")) == {"X-Correlation-ID": "checkout-12"}
    assert headers_of(None) == {}


def told(message: AbstractIncomingMessage) -> tuple[Any, Any]:
    """
    Return the ids that a reader finds: those of the transport, and those of the envelope.
    """
    return dict(message.headers), json.loads(message.body)["headers"]


@pytest.mark.rabbit
def test_one_id_all_the_way(
    container: Container,
    api: Api,
    settings: RabbitSettings,
    neighbour: Neighbour,
    log_lines: LogLines,
) -> None:
    """
    What the caller of HTTP gives comes to the neighbours; what a neighbour gives comes back to them.

    On the way every line of the log has it.
    """
    heard, namespace = f"{settings.refund_queue}-heard", settings.payments_namespace
    neighbour.listen(
        heard, *(f"{namespace}:{name}" for name in ("IPaymentSucceeded", "IRefundIssued"))
    )
    worker = container.worker(only=(Part.RELAY, Part.CONSUMERS))
    worker.start()
    try:
        payment = pay(api, {"X-Correlation-ID": CAUSE.id, "traceparent": PARENT})
        succeeded = neighbour.receive(heard)
        command = an_envelope(
            f"urn:message:{namespace}:RefundPaymentCommand", {"paymentId": str(payment)}
        )
        neighbour.await_consumer(settings.refund_queue)
        neighbour.send(settings.refund_queue, command, headers=dict(succeeded.headers))
        refunded = neighbour.receive(heard)
    finally:
        worker.stop()
        neighbour.delete(heard)
    steps = ("POST", "IPaymentSucceeded", "RefundPaymentCommand", "IRefundIssued")
    lines = [(r["event"].partition(" ")[0], r) for r in log_lines()]
    found = [(step, r["correlation_id"], r["trace_id"]) for step, r in lines if step in steps]
    ours = [r for r in log_lines() if r["logger"].startswith("payments")]

    assert told(succeeded) == told(refunded) == (IDS, {"X-Correlation-ID": CAUSE.id})
    assert set(found) == {(step, CAUSE.id, TRACE) for step in steps}
    assert all(r["correlation_id"] for r in ours)


@pytest.fixture
def consuming(
    container: Container, settings: RabbitSettings, neighbour: Neighbour
) -> Iterator[None]:
    """
    Our consumer while it works.
    """
    consumer = container.consumer()
    consumer.start()
    neighbour.await_consumer(settings.refund_queue)
    yield
    consumer.stop()


@pytest.mark.rabbit
@pytest.mark.usefixtures("consuming")
@pytest.mark.parametrize(
    ("body", "place"),
    [(b"{", "error"), (b'{"messageType": ["urn:message:a:b"], "message": {}}', "skipped")],
)
def test_what_nobody_understands(
    settings: RabbitSettings, neighbour: Neighbour, log_lines: LogLines, body: bytes, place: str
) -> None:
    """
    A message that is put away unread keeps its ids, and the line about it has them.
    """
    queue = settings.refund_queue
    neighbour.send(queue, body, headers=IDS)
    away = neighbour.receive(f"{queue}_{place}")
    lines = [r for r in log_lines() if r["event"].startswith("A message on")]

    assert {name: away.headers[name] for name in IDS} == IDS
    assert {(r["correlation_id"], r["trace_id"]) for r in lines} == {(CAUSE.id, TRACE)}


@pytest.mark.rabbit
@pytest.mark.usefixtures("consuming")
def test_what_fails(settings: RabbitSettings, neighbour: Neighbour, log_lines: LogLines) -> None:
    """
    So does a command that cannot be done, and the fault that its sender hears of.
    """
    kind = f"{settings.payments_namespace}:RefundPaymentCommand"
    faults = f"{settings.refund_queue}-faults"
    neighbour.listen(faults, f"MassTransit:Fault--{kind}--")
    neighbour.send(settings.refund_queue, an_envelope(f"urn:message:{kind}", {}), headers=IDS)
    away = neighbour.receive(f"{settings.refund_queue}_error")
    fault = neighbour.receive(faults)
    neighbour.delete(faults)
    failed = [r for r in log_lines() if r["event"].startswith("RefundPaymentCommand")]

    assert dict(fault.headers) == IDS
    assert {name: away.headers[name] for name in IDS} == IDS
    assert {(r["correlation_id"], r["trace_id"]) for r in failed} == {(CAUSE.id, TRACE)}
