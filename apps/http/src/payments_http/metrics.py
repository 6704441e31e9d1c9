"""
What Prometheus is told, on a port of its own.
"""

import threading
from pathlib import Path
from typing import Final
from wsgiref.simple_server import WSGIServer

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    multiprocess,
    start_http_server,
)

_REQUESTS: Final = Counter(
    "http_requests", "Requests by route and status.", ("method", "route", "status")
)
_SECONDS: Final = Histogram(
    "http_request_duration_seconds", "Time to answer, by route.", ("method", "route")
)

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def observe(method: str, route: str, status: int, seconds: float) -> None:
    """
    Count one answered request.

    Args:
        route: The rule, never the address: the number of series must not grow with use.
    """
    method = method if method in _METHODS else "OTHER"
    _REQUESTS.labels(method, route, str(status)).inc()
    _SECONDS.labels(method, route).observe(seconds)


def serve(
    port: int, host: str, directory: Path | None = None
) -> tuple[WSGIServer, threading.Thread]:
    """
    Serve ``/metrics`` until the returned server is shut down.

    Args:
        directory: Where several processes leave their figures, to be served as one.
    """
    registry = REGISTRY
    if directory:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry, path=str(directory))  # type: ignore[no-untyped-call]  # prometheus_client types it in part
    return start_http_server(port, host, registry)
