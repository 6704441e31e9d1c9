"""
Where Prometheus finds it all: ``/metrics`` on a port of its own.
"""

import logging
from pathlib import Path
from wsgiref.simple_server import WSGIServer

import attrs
from prometheus_client import REGISTRY, CollectorRegistry, multiprocess, start_http_server
from prometheus_client.registry import Collector

_log = logging.getLogger(__name__)


def registry_of(directory: Path | None, *collectors: Collector) -> CollectorRegistry:
    """
    Return everything that a process, or several together, tell.

    Args:
        directory: Where several processes leave their figures, to be served as one.

        collectors: What is asked at each scrape besides.
    """
    registry = CollectorRegistry()
    if directory:
        multiprocess.MultiProcessCollector(registry, path=str(directory))  # type: ignore[no-untyped-call]  # prometheus_client types it in part
    else:
        registry.register(REGISTRY)
    for collector in collectors:
        registry.register(collector)
    return registry


@attrs.define
class MetricsServer:
    """
    Serves a registry in threads of its own, from `start` until `stop`; at port 0 nowhere.
    """

    port: int
    host: str
    registry: CollectorRegistry
    _server: WSGIServer | None = attrs.field(default=None, init=False)

    def start(self) -> None:
        """
        Begin. A port that is taken is a line of the log: payments go on without figures.
        """
        if not self.port:
            return
        try:
            self._server, _ = start_http_server(self.port, self.host, self.registry)
        except OSError as error:
            _log.error(
                "metrics_not_served: port %d of %s: %s; choose another port for this process",
                *(self.port, self.host, error.strerror),
            )

    def stop(self) -> None:
        """
        End.
        """
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
