"""
The Flask app: routes, refusals, and what every exchange has.
"""

from collections.abc import Callable
from importlib.metadata import version
from typing import Any, Final

import attrs
from flask import Flask
from flask_smorest import Api  # type: ignore[import-untyped]  # ships no types
from typing_extensions import override

from payments_bootstrap import Container
from payments_http import exchange, limiting, problems
from payments_http.access import EXTENSION, Guard, guard_of, require_access
from payments_http.gateway import AnySpelling
from payments_http.routes import (
    discrepancies,
    docs,
    health,
    internal,
    payments,
    reconciliation,
    refunds,
    webhooks,
)
from payments_http.routing import CanonicalUUIDConverter

GROUPS: Final = (
    payments.group,
    refunds.group,
    reconciliation.group,
    discrepancies.group,
    webhooks.group,
    internal.group,
    health.group,
)

_ABOUT: Final = {
    "info": {"description": "Takes, captures, refunds and follows payments."},
    "components": {
        "securitySchemes": {
            "bearer": {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "An access token of Keycloak, for a person or a service; "
                "in development also `payments token --role Customer --sub alice`.",
            },
        }
    },
}


@attrs.frozen
class State:
    """
    What views reach through the app.
    """

    container: Container
    guard: Guard


class _App(Flask):
    @override
    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """
        Leave functions as they are: Flask would find out for each, at each request, that it is not async.
        """
        return func


class _Api(Api):  # type: ignore[misc]  # flask-smorest ships no types
    @override
    def _register_error_handlers(self) -> None:
        """
        Leave errors to `payments_http.problems`: this one's answer to 405 has no Allow.
        """


def create_app(container: Container) -> Flask:
    """
    Return the app that serves this container.

    Raises:
        RuntimeError: A route does not say who may use it.
    """
    app = _App("payments_http", static_folder=None)
    app.config.update(
        API_TITLE="Payments",
        API_VERSION=version("payments-http"),
        OPENAPI_VERSION="3.1.0",
        API_SPEC_OPTIONS=_ABOUT,
        PAYMENTS=container.settings(),
        TRUSTED_HOSTS=list(container.settings().http.hosts) or None,
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's default provider has it
    app.url_map.converters["uuid"] = CanonicalUUIDConverter
    app.extensions[EXTENSION] = State(container, guard_of(container))
    exchange.register(app, container.tracer())
    problems.register(app)
    limiting.register(app, container.settings())
    _register_routes(app, container)
    require_access(app)
    # Flask calls this attribute for each request, so this is how middleware is put around it.
    app.wsgi_app = AnySpelling(app.wsgi_app)  # type: ignore[method-assign]
    return app


def _register_routes(app: Flask, container: Container) -> None:
    api = _Api(app)
    for group in GROUPS:
        api.register_blueprint(group)
    settings = container.settings()
    swagger = settings.http.swagger
    if settings.development if swagger is None else swagger:
        docs.register(app, api)
