"""
Spans of requests: what they say, what they never say, and which are errors.
"""

from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from dependency_injector import providers
from joserfc.jwk import RSAKey
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from typing_extensions import override

from payments_bootstrap import Container
from payments_bootstrap.configuration import load
from payments_bootstrap.spans import trace
from payments_bootstrap.telemetry import OtelTracer
from payments_core.domain.errors import StorageUnavailable
from payments_core.ports.correlation import Correlation, correlated
from payments_core.ports.publisher import MessageRefused, PublishError, Unroutable
from payments_core.testing.builders import a_payment
from payments_core.testing.conformance.outbox import a_success
from payments_core.testing.fake_provider import (
    ACTION_METHOD,
    APPROVED_METHOD,
    DECLINED_METHOD,
    FakePaymentProvider,
    Fault,
)
from payments_core.testing.memory import InMemoryDatabase, InMemoryUnitOfWork
from payments_core.testing.memory_queries import InMemoryPaymentQueries
from payments_core.testing.recording_publisher import RecordingPublisher
from payments_http.app import create_app
from tests.http.conftest import Api, Issuer


@attrs.frozen
class Traced:
    """
    The API with its spans.
    """

    api: Api
    container: Container
    exporter: InMemorySpanExporter
    broker: RecordingPublisher
    provider: FakePaymentProvider

    def spans(self) -> dict[str, ReadableSpan]:
        """
        Return the last span of each name.
        """
        return {span.name: span for span in self.exporter.get_finished_spans()}

    def said(self) -> str:
        """
        Return everything that any span says, but for its ids and times.
        """
        found = self.exporter.get_finished_spans()
        events = [event for span in found for event in span.events]
        return repr(
            [(s.name, dict(s.attributes or {}), s.status.description) for s in found] + events
        )


@pytest.fixture(scope="module")
def whole(environ: dict[str, str], signing_key: RSAKey) -> Traced:
    """
    The app over in-memory storage and a fake provider, traced; making one takes long.
    """
    container = Container(settings=load(environ))
    database, exporter = InMemoryDatabase(), InMemorySpanExporter()
    container.unit_of_work.override(providers.Factory(InMemoryUnitOfWork, database))
    broker, provider = RecordingPublisher(), FakePaymentProvider(name="stripe")
    container.stripe.override(providers.Object(provider))
    container.publisher.override(providers.Object(broker))
    container.queries.override(providers.Object(InMemoryPaymentQueries(database)))
    collector = TracerProvider(shutdown_on_exit=False)
    collector.add_span_processor(SimpleSpanProcessor(exporter))
    trace(container, OtelTracer(collector.get_tracer("test")))
    api = Api(create_app(container).test_client(), Issuer(signing_key)).of("Customer")
    return Traced(api, container, exporter, broker, provider)


@pytest.fixture
def traced(whole: Traced) -> Iterator[Traced]:
    """
    The same without what an earlier test left.
    """
    whole.container.relay_outbox().execute()
    whole.exporter.clear()
    whole.broker.messages.clear()
    queries = whole.container.queries.last_overriding
    yield whole
    while whole.container.queries.last_overriding is not queries:
        whole.container.queries.reset_last_overriding()
    whole.broker.judge = lambda _: None


def test_without_a_caller_it_begins_a_trace(traced: Traced) -> None:
    """
    A request that belongs to no trace begins one, and its answer says which.
    """
    answer = traced.api.get("/api/payments/nothing")
    (span,) = traced.exporter.get_finished_spans()

    assert span.parent is None
    assert span.name == "OTHER (none)"
    assert answer.headers["traceresponse"].split("-")[1] == f"{span.context.trace_id:032x}"


def test_what_a_span_says(traced: Traced) -> None:
    """
    Words of ours and ids of ours: an attribute more has to be looked at before it is added here.
    """
    traced.api.pay(paymentMethodId=APPROVED_METHOD)
    attributes = {name: dict(span.attributes or {}) for name, span in traced.spans().items()}

    assert attributes == {
        "POST /api/payments": {
            "http.request.method": "POST",
            "http.route": "/api/payments",
            "http.response.status_code": 201,
        },
        "transaction": {"payments.committed": True},
        "stripe create_intent": {
            "payments.provider": "stripe",
            "payments.operation": "create_intent",
        },
    }


def test_nothing_secret(traced: Traced) -> None:
    """
    No span shows a card number, a token, a client secret, a person or an amount, nor an error's text.
    """
    waiting = traced.api.pay(paymentMethodId=ACTION_METHOD, returnUrl="https://shop.example/")
    card, cvc = "4242424242424242", {"securityCode": "737"}
    traced.api.post(f"/api/payments?card={card}", {"orderId": card, **cvc}, key=card)
    traced.api.get(f"/api/payments/{card}")
    traced.api.get("/api/payments", headers={"X-Correlation-Id": card, "traceparent": card})
    traced.container.queries.override(providers.Object(_Broken(ValueError(f"at {card}"))))
    traced.api.get(f"/api/payments/{waiting['paymentId']}")
    said, secret = traced.said(), waiting["clientSecret"]

    assert len(traced.exporter.get_finished_spans()) >= 7
    for text in (card, "737", secret, traced.api.token, "alice", "10.00", ACTION_METHOD):
        assert text not in said, text


class _Broken(InMemoryPaymentQueries):
    def __init__(self, error: Exception) -> None:
        super().__init__(InMemoryDatabase())
        self.error = error

    @override
    def __getattribute__(self, name: str) -> Any:
        if name == "get":
            raise object.__getattribute__(self, "error")
        return object.__getattribute__(self, name)


@pytest.mark.parametrize(
    ("error", "status"), [(ValueError("a bug"), 500), (StorageUnavailable("db.internal"), 503)]
)
def test_a_failed_request(traced: Traced, error: Exception, status: int) -> None:
    """
    A request that fails here is an error, by its status and no text.
    """
    traced.container.queries.override(providers.Object(_Broken(error)))
    payment = "01a205dd-17b9-7575-98ed-9f674c6c5398"
    answer = traced.api.get(f"/api/payments/{payment}")
    (span,) = traced.exporter.get_finished_spans()

    assert answer.status_code == status
    assert span.status.status_code is StatusCode.ERROR
    assert dict(span.attributes or {})["error.type"] == str(status)
    assert not span.status.description
    assert not span.events


def test_a_provider_that_does_not_answer(traced: Traced) -> None:
    """
    The call is an error by its code; the request is none, since it says that nobody knows.
    """
    traced.provider.faults.append(Fault("create_intent"))
    traced.api.pay(paymentMethodId=APPROVED_METHOD)
    spans = traced.spans()
    call = spans["stripe create_intent"]

    assert call.status.status_code is StatusCode.ERROR
    assert dict(call.attributes or {})["error.type"] == "provider_unavailable"
    assert not call.events
    assert spans["POST /api/payments"].status.status_code is StatusCode.UNSET


def test_a_decline_is_no_error(traced: Traced) -> None:
    """
    A provider that says no has answered; its span says so.
    """
    traced.api.pay(paymentMethodId=DECLINED_METHOD)
    call = traced.spans()["stripe create_intent"]

    assert call.status.status_code is StatusCode.UNSET
    assert dict(call.attributes or {})["payments.refusal"] == "provider_declined"


def test_health_is_not_traced(traced: Traced) -> None:
    """
    What is asked every few seconds makes no spans.
    """
    traced.api.get("/health/live")

    assert not traced.exporter.get_finished_spans()


def test_looking_for_work_is_not_traced(traced: Traced) -> None:
    """
    A worker that finds nothing makes no spans, however often it looks.
    """
    traced.container.relay_outbox().execute()
    traced.container.process_webhooks().execute()
    traced.container.resolve_operations().execute()

    assert not traced.exporter.get_finished_spans()


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (MessageRefused("too large: 4242424242424242"), StatusCode.ERROR, "error.type"),
        (PublishError("no confirm"), StatusCode.ERROR, "error.type"),
        (Unroutable("nobody listens"), StatusCode.UNSET, "payments.outcome"),
    ],
)
def test_a_failed_sending(
    traced: Traced, error: PublishError, status: StatusCode, said: str
) -> None:
    """
    A message that the broker does not take is an error of its sending; one without readers is none.
    """
    traced.broker.judge = lambda _: error
    traced.api.pay(paymentMethodId=APPROVED_METHOD)
    traced.container.relay_outbox().execute()
    span = traced.spans()["send IPaymentSucceeded"]

    assert span.status.status_code is status
    assert dict(span.attributes or {})[said] == error.code
    assert "4242" not in traced.said()


def test_a_message_of_no_trace(traced: Traced) -> None:
    """
    What was written where nobody traces is sent as it is.
    """
    payment = a_payment()
    with correlated(Correlation("checkout-12")), traced.container.unit_of_work() as uow:
        uow.payments.add(payment)
        uow.outbox.add([a_success(payment)])
        uow.commit()
    traced.container.relay_outbox().execute()
    (message,) = traced.broker.messages

    assert message.correlation == Correlation("checkout-12")
    assert not traced.exporter.get_finished_spans()


def test_an_unrecorded_trace(traced: Traced) -> None:
    """
    What the caller does not record is not recorded here, and is told on as it came.
    """
    trace_id = "0af7" * 8
    headers = {"traceparent": f"00-{trace_id}-b7ad6b7169203331-00"}
    traced.api.get("/api/payments/nothing", headers=headers)
    answer = traced.api.get("/api/payments/nothing", headers=headers).headers["traceresponse"]

    assert not traced.exporter.get_finished_spans()
    assert answer.startswith(f"00-{trace_id}-")
    assert answer.endswith("-00")
