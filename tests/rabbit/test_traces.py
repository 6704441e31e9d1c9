"""
One trace from the request through the provider, the commit and the relay to the consumer and on.
"""

from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, format_span_id, format_trace_id

from payments_bootstrap import Container
from payments_bootstrap.spans import trace
from payments_bootstrap.telemetry import OtelTracer
from payments_bootstrap.worker import Part
from payments_rabbit import RabbitSettings
from tests.http.conftest import Api
from tests.rabbit.peer import Neighbour, an_envelope
from tests.rabbit.shop import pay

TRACE = "0af7" * 8
CALLER = "b7ad" * 4
PARENT = f"00-{TRACE}-{CALLER}-01"

Tree = dict[str, str]


@pytest.fixture
def spans(container: Container) -> InMemorySpanExporter:
    """
    What the container's ports and the API tell a collector; ask for it before the API.
    """
    exporter = InMemorySpanExporter()
    collector = TracerProvider(shutdown_on_exit=False)
    collector.add_span_processor(SimpleSpanProcessor(exporter))
    trace(container, OtelTracer(collector.get_tracer("test")))
    return exporter


def above(spans: Sequence[ReadableSpan]) -> set[tuple[str, str, SpanKind]]:
    """
    Return the name of each span with that of the span above it; what was tried again is there once.
    """
    names = {format_span_id(s.context.span_id): s.name for s in spans}
    names[CALLER] = "the caller"
    parents = [format_span_id(s.parent.span_id) if s.parent else "" for s in spans]
    return {(names[p], s.name, s.kind) for p, s in zip(parents, spans, strict=True)}


@pytest.mark.rabbit
def test_one_trace(
    spans: InMemorySpanExporter,
    container: Container,
    api: Api,
    settings: RabbitSettings,
    neighbour: Neighbour,
) -> None:
    """
    Each part of the work is a span below the one that caused it, in every process of one trace.
    """
    heard, namespace = f"{settings.refund_queue}-heard", settings.payments_namespace
    events = ("IPaymentSucceeded", "IRefundIssued")
    neighbour.listen(heard, *(f"{namespace}:{name}" for name in events))
    worker = container.worker(only=(Part.RELAY, Part.CONSUMERS))
    worker.start()
    try:
        payment = pay(api, {"traceparent": PARENT})
        succeeded = neighbour.receive(heard)
        urn = f"urn:message:{namespace}:RefundPaymentCommand"
        command = an_envelope(urn, {"paymentId": str(payment)})
        neighbour.await_consumer(settings.refund_queue)
        neighbour.send(settings.refund_queue, command, headers=dict(succeeded.headers))
        refunded = neighbour.receive(heard)
    finally:
        worker.stop()
        neighbour.delete(heard)
    found = spans.get_finished_spans()

    request, process = "POST /api/payments", "process RefundPaymentCommand"
    assert above(found) == {
        ("the caller", request, SpanKind.SERVER),
        (request, "transaction", SpanKind.INTERNAL),
        (request, "stripe create_intent", SpanKind.CLIENT),
        ("transaction", "send IPaymentSucceeded", SpanKind.PRODUCER),
        ("send IPaymentSucceeded", process, SpanKind.CONSUMER),
        (process, "transaction", SpanKind.INTERNAL),
        (process, "stripe refund", SpanKind.CLIENT),
        ("transaction", "send IRefundIssued", SpanKind.PRODUCER),
    }
    assert {format_trace_id(s.context.trace_id) for s in found} == {TRACE}
    for name, message in (("IPaymentSucceeded", succeeded), ("IRefundIssued", refunded)):
        sent = {format_span_id(s.context.span_id) for s in found if s.name == f"send {name}"}
        assert message.headers["MT-Activity-Id"] in {f"00-{TRACE}-{span}-01" for span in sent}
