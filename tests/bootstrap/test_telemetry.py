"""
Spans on their way to a collector; and no trace of OpenTelemetry where it is not asked for.
"""

import gzip
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from typing_extensions import override

from payments_bootstrap import ConfigurationError, bootstrap, close
from payments_bootstrap.configuration import load
from payments_bootstrap.tracing import Kind

pytestmark = pytest.mark.usefixtures("restored_logging")

KEY, SIGNATURES = "sk_test_abcdef", "whsec_one"
ENVIRON = {
    "ENVIRONMENT": "development",
    "DATABASE__URL": "sqlite://",
    "PAYMENT_PROVIDERS__STRIPE__API_KEY": KEY,
    "PAYMENT_PROVIDERS__STRIPE__WEBHOOK_SECRET": SIGNATURES,
    "KEYCLOAK__ISSUER": "https://a.example",
}
TRACED = {**ENVIRON, "TRACING__ENABLED": "true"}


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator["Queue[ExportTraceServiceRequest]"]:
    """
    What a collector is sent by OTLP over HTTP.
    """
    got: Queue[ExportTraceServiceRequest] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["Content-Encoding"] == "gzip":
                body = gzip.decompress(body)
            assert self.path == "/v1/traces"
            got.put(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        @override
        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        endpoint = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        yield got
        server.shutdown()
        thread.join()


def one_span(environ: Mapping[str, str]) -> None:
    """
    Start an installation, make a span, and end.
    """
    container = bootstrap(environ)
    tracer = container.tracer()
    assert tracer
    with tracer.span("something", Kind.SERVER, {"payments.outcome": "done"}):
        pass
    close(container)


@pytest.mark.parametrize("name", ["", "shop-payments"])
def test_export(
    collector: "Queue[ExportTraceServiceRequest]", monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """
    A collector gets what was not sent yet when the service ends, under the service's name.
    """
    if name:
        monkeypatch.setenv("OTEL_SERVICE_NAME", name)
    one_span(TRACED)
    (of_resource,) = collector.get(timeout=60).resource_spans
    attributes = {a.key: a.value.string_value for a in of_resource.resource.attributes}
    (of_scope,) = of_resource.scope_spans
    (span,) = of_scope.spans

    assert attributes["service.name"] == (name or "payment-service")
    assert span.name == "something"
    assert [(a.key, a.value.string_value) for a in span.attributes] == [
        ("payments.outcome", "done")
    ]


def test_a_collector_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without a collector the service works and ends all the same.
    """
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    ended = threading.Event()

    def run() -> None:
        one_span(TRACED)
        ended.set()

    threading.Thread(target=run, daemon=True).start()

    assert ended.wait(60)


OFF = """
import os, sys
from payments_bootstrap import bootstrap
container = bootstrap(os.environ)
container.create_payment(), container.relay_outbox(), container.consumer()
assert container.tracer() is None
found = [name for name in sys.modules if name.startswith("opentelemetry")]
assert not found, found
assert "payments_bootstrap.spans" not in sys.modules
"""


def test_off() -> None:
    """
    Where traces are not asked for, nothing of them is even imported.
    """
    subprocess.run([sys.executable, "-c", OFF], env={**os.environ, **ENVIRON}, check=True)


WITHOUT = """
import os, sys
sys.modules["opentelemetry"] = None
from payments_bootstrap.configuration import ConfigurationError, load
try:
    load(os.environ)
except ConfigurationError as error:
    print(error)
"""


def test_without_the_extra() -> None:
    """
    Traces that are asked for and that nothing can make are a mistake in the settings.
    """
    environ = {**os.environ, **TRACED}
    command = [sys.executable, "-c", WITHOUT]
    ended = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
    problem = "TRACING__ENABLED: OpenTelemetry is not installed; install payments-bootstrap[otel]\n"

    assert ended.stdout == problem


def test_no_word() -> None:
    """
    It is on or off.
    """
    with pytest.raises(ConfigurationError, match="TRACING__ENABLED: it must be true or false"):
        load({**ENVIRON, "TRACING__ENABLED": "perhaps"})
