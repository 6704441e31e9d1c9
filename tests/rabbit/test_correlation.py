"""
One id from the request to the neighbour, and from a neighbour's command to what follows from it.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from aio_pika.abc import AbstractIncomingMessage
from dependency_injector import providers
from joserfc.jwk import KeySet, RSAKey

from payments_bootstrap import Container, close
from payments_bootstrap.configuration import load
from payments_bootstrap.serving import migrate_database
from payments_bootstrap.worker import Part
from payments_core.ports.correlation import Correlation
from payments_core.testing.fake_provider import APPROVED_METHOD, FakePaymentProvider
from payments_http.app import create_app
from payments_rabbit import RabbitSettings
from payments_rabbit.correlation import correlation_of, headers_of
from tests.conftest import LogLines
from tests.http.conftest import ISSUER, Api, Issuer
from tests.rabbit.peer import Neighbour, an_envelope

TRACE = "0af7" * 8
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
CAUSE = Correlation("checkout-of-alice", PARENT)
CONVERSATION = "2d130000-3ee9-7278-96c1-08df48e91090"
MESSAGE = "2d130000-3ee9-7278-fe34-08df48e9108e"

KEY, SIGNATURES = "sk_test_abcdef", "whsec_one"
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


@pytest.fixture
def issuer() -> Issuer:
    """
    Whose tokens the API accepts.
    """
    return Issuer(RSAKey.generate_key(2048, {"kid": "one", "alg": "RS256", "use": "sig"}))


@pytest.fixture
def container(settings: RabbitSettings, tmp_path: Path, issuer: Issuer) -> Iterator[Container]:
    """
    An installation with SQLite, the tests' broker and a fake provider.
    """
    keys = tmp_path / "jwks.json"
    keys.write_text(json.dumps(KeySet([issuer.key]).as_dict(private=False)))
    container = Container(
        settings=load(
            {
                "ENVIRONMENT": "development",
                "DATABASE__URL": f"sqlite:///{tmp_path}/payments.db",
                "PAYMENT_PROVIDERS__STRIPE__API_KEY": KEY,
                "PAYMENT_PROVIDERS__STRIPE__WEBHOOK_SECRET": SIGNATURES,
                "KEYCLOAK__ISSUER": ISSUER,
                "KEYCLOAK__JWKS_URL": keys.as_uri(),
                "RABBITMQ__URL": settings.url,
                "RABBITMQ__PAYMENTS_NAMESPACE": settings.payments_namespace,
                "RABBITMQ__ORDER_CREATED": settings.order_created[0],
                "RABBITMQ__REFUND_QUEUE": settings.refund_queue,
                "RABBITMQ__CAPTURE_QUEUE": settings.capture_queue,
                "RABBITMQ__ORDER_QUEUE": settings.order_queue,
            }
        )
    )
    container.stripe.override(providers.Object(FakePaymentProvider(name="stripe")))
    migrate_database(container)
    yield container
    close(container)


@pytest.fixture
def api(container: Container, issuer: Issuer) -> Api:
    """
    The API, called by a customer.
    """
    return Api(create_app(container).test_client(), issuer).of("Customer")


def pay(api: Api, headers: Mapping[str, str]) -> UUID:
    """
    Take a payment and return its id.
    """
    body = {
        "orderId": str(uuid4()),
        "amount": "129.90",
        "currency": "EUR",
        "paymentMethodId": APPROVED_METHOD,
    }
    answer = api.post("/api/payments", body, headers=headers)

    assert answer.status_code == 201, answer.text
    return UUID(answer.get_json()["paymentId"])


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
    lines = [r for r in log_lines() if "RabbitMQ" not in r["event"]]
    lines = [r for r in lines if not r["event"].startswith("Consuming")]

    assert told(succeeded) == told(refunded) == (IDS, {"X-Correlation-ID": CAUSE.id})
    assert [r["event"].partition(" ")[0] for r in lines] == [
        "POST",
        "IPaymentSucceeded",
        "RefundPaymentCommand",
        "IRefundIssued",
    ]
    assert {(r["correlation_id"], r["trace_id"]) for r in lines} == {(CAUSE.id, TRACE)}
    assert all(r["correlation_id"] for r in log_lines())


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
    (line,) = [r for r in log_lines() if r["event"].startswith("A message on")]

    assert {name: away.headers[name] for name in IDS} == IDS
    assert (line["correlation_id"], line["trace_id"]) == (CAUSE.id, TRACE)


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
