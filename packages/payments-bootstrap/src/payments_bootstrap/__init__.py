"""
The composition root: settings, container, logging, health and worker.
"""

from collections.abc import Mapping

from payments_bootstrap.configuration import ConfigurationError, load
from payments_bootstrap.container import Container
from payments_bootstrap.logging import configure

__all__ = ["ConfigurationError", "Container", "bootstrap"]


def bootstrap(environ: Mapping[str, str]) -> Container:
    """
    Read the settings, set up the log, and return the container; both apps begin so.

    Raises:
        ConfigurationError: The settings do not allow a start.
    """
    settings = load(environ)
    configure(json=not settings.development, level=settings.log.level)
    return Container(settings=settings)
