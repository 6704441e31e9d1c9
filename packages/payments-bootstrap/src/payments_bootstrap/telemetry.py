"""
Spans by OpenTelemetry (the extra ``payments-bootstrap[otel]``), sent by OTLP over HTTP.

Where to and how often is said by OpenTelemetry's own variables (``OTEL_EXPORTER_OTLP_ENDPOINT``,
``OTEL_TRACES_SAMPLER``, ``OTEL_BSP_…``, ``OTEL_SERVICE_NAME``, ``OTEL_RESOURCE_ATTRIBUTES``).
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

import attrs
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, set_span_in_context, use_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from typing_extensions import override

from payments_bootstrap.tracing import Attributes, ISpan, ITracer, Kind, ending
from payments_core.ports.correlation import Correlation, correlated, current

PATIENCE: Final = 2.0
"""
Seconds for one delivery, repetitions included: so long a collector that is away delays our end.
OpenTelemetry's own 10 would leave a process that is told to stop hardly time for anything else.
"""

_TIMEOUTS: Final = frozenset({"OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"})
_W3C: Final = TraceContextTextMapPropagator()
_UNNAMED: Final = "unknown_service"


def open_tracer(service_name: str, closing: ExitStack) -> "OtelTracer":
    """
    Return a tracer whose spans are sent to a collector; what is left is sent at the end.
    """
    collector = collecting(service_name)
    closing.callback(collector.shutdown)
    return OtelTracer(collector.get_tracer("payments"))


def collecting(service_name: str) -> TracerProvider:
    """
    Return what collects spans and sends them in batches from a thread of its own.

    Args:
        service_name: Unless OpenTelemetry's variables say another.
    """
    resource = Resource.create()
    if str(resource.attributes[SERVICE_NAME]).startswith(_UNNAMED):
        resource = resource.merge(Resource({SERVICE_NAME: service_name}))
    # The container closes it, and no hook at the exit of the process.
    collector = TracerProvider(resource=resource, shutdown_on_exit=False)
    exporter = OTLPSpanExporter(timeout=None if _TIMEOUTS & os.environ.keys() else PATIENCE)
    collector.add_span_processor(BatchSpanProcessor(exporter))
    return collector


class OtelTracer(ITracer):
    """
    Begins spans of OpenTelemetry.

    The span above is the one of `Correlation`, so that threads, processes and messages are
    crossed in one way; instrumentations that somebody adds find it as the current one, too.
    """

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    @override
    @contextmanager
    def span(
        self, name: str, kind: Kind = Kind.INTERNAL, attributes: Attributes | None = None
    ) -> Iterator[ISpan]:
        above = current() or Correlation.begin()
        parent = _W3C.extract({"traceparent": above.traceparent} if above.traceparent else {})
        span = self._tracer.start_span(name, parent, SpanKind[kind], attributes)
        carrier: dict[str, str] = {}
        _W3C.inject(carrier, set_span_in_context(span))
        here = attrs.evolve(above, traceparent=carrier.get("traceparent"))
        told = OtelSpan(span)
        with use_span(span, True, False, False), correlated(here), ending(told):
            yield told


class OtelSpan(ISpan):
    """
    A span of OpenTelemetry.
    """

    def __init__(self, span: Span) -> None:
        self._span = span

    @override
    def note(self, attributes: Attributes) -> None:
        self._span.set_attributes(attributes)

    @override
    def fail(self, word: str) -> None:
        self._span.set_attribute("error.type", word)
        self._span.set_status(StatusCode.ERROR)
