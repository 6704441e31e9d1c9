"""
What every request and every answer have: an id, a line in the log, careful headers.
"""

import logging
import time
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from http import HTTPStatus
from typing import Final

from flask import Flask, Response, g, request

from payments_bootstrap.logging import log_context
from payments_bootstrap.tracing import ISpan, ITracer, Kind
from payments_core.ports.correlation import Correlation, accepted, correlated, current, new_id
from payments_http.metrics import observe
from payments_http.rendering import REPLAYED

_log = logging.getLogger("payments_http.access")

HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


UNTRACED: Final = "/health/"
"""
What is asked every few seconds, and says nothing of anybody's payment.
"""


def register(app: Flask, tracer: ITracer | None = None) -> None:
    """
    Give every exchange of the app what it must have.

    Args:
        tracer: Makes a span of each; None for no spans.
    """
    app.before_request(_begin)
    if tracer:
        app.before_request(partial(_trace, tracer))
    app.after_request(_end)
    app.teardown_request(_forget)


def _begin() -> None:
    headers, begun = request.headers, ExitStack()
    request_id = accepted(headers.get("X-Request-Id")) or new_id()
    g.started, g.request_id, g.open = time.perf_counter(), request_id, begun
    given, trace = headers.get("X-Correlation-Id"), headers.get("traceparent")
    begun.enter_context(log_context(request_id=request_id))
    under = Correlation.begin(given, otherwise=request_id, traceparent=trace)
    begun.enter_context(correlated(under))


def _trace(tracer: ITracer) -> None:
    route = _route()
    if not route.startswith(UNTRACED):
        # What no rule takes may call its method anything.
        method = request.method if request.url_rule else "OTHER"
        about = {"http.request.method": method, "http.route": route}
        g.span = g.open.enter_context(tracer.span(f"{method} {route}", Kind.SERVER, about))


def _route() -> str:
    rule = request.url_rule
    return rule.rule if rule else "(none)"


def _end(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.update(_ids())
    method, route, status = request.method, _route(), response.status_code
    seconds = time.perf_counter() - g.started
    observe(method, route, status, seconds, replayed=REPLAYED in response.headers)
    fields = {"route": route, "status": status, "ms": round(seconds * 1000, 1)}
    _log.info("%s %s", method, route, extra=fields)
    if "span" in g:
        _note(g.span, status)
    return response


def _note(span: ISpan, status: int) -> None:
    span.note({"http.response.status_code": status})
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        span.fail(str(status))


def _ids() -> Mapping[str, str]:
    under = current()
    assert under
    trace = {"traceresponse": under.traceparent} if under.traceparent else {}
    return {"X-Request-Id": g.request_id, "X-Correlation-Id": under.id, **trace}


def _forget(_error: BaseException | None) -> None:
    begun: ExitStack | None = g.pop("open", None)
    if begun:
        begun.close()
