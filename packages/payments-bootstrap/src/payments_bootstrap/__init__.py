"""
The composition root: settings, container, logging, health and worker.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from payments_bootstrap.configuration import ConfigurationError, load

if TYPE_CHECKING:
    from payments_bootstrap.container import Container

__all__ = ["ConfigurationError", "Container", "bootstrap", "close"]


def bootstrap(environ: Mapping[str, str]) -> "Container":
    """
    Read the settings, set up the log, and return the container; both apps begin so.

    Raises:
        ConfigurationError: The settings do not allow a start.
    """
    from payments_bootstrap.container import Container
    from payments_bootstrap.logging import configure
    from payments_bootstrap.metrics.series import begin

    settings = load(environ)
    configure(json=not settings.development, level=settings.log.level)
    begin(settings.payment_providers.used)
    container = Container(settings=settings)
    if settings.tracing.enabled:
        from payments_bootstrap.spans import trace
        from payments_bootstrap.telemetry import open_tracer

        trace(container, open_tracer(settings.rabbitmq.service_name, container.closing()))
    return container


def close(container: "Container") -> None:
    """
    Close the connections that the container opened; what overrides it is left to who made it.
    """
    container.closing().close()


def __getattr__(name: str) -> object:
    """
    Import the container, and with it every adapter, when it is first asked for.
    """
    if name == "Container":
        from payments_bootstrap.container import Container

        return Container
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
