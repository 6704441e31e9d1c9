"""
What every request and every answer have: an id, a line in the log, careful headers.
"""

import logging
import re
import time
import uuid
from collections.abc import Mapping
from typing import Final

from flask import Flask, Response, g, request

from payments_bootstrap.logging import log_context
from payments_core.masking import mask
from payments_http.metrics import observe

_log = logging.getLogger("payments_http.access")

_SANE: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")

HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


def register(app: Flask) -> None:
    """
    Give every exchange of the app what it must have.
    """
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_request(_forget)


def _begin() -> None:
    given = request.headers.get("X-Request-Id") or request.headers.get("X-Correlation-Id") or ""
    # What the log would mask is not given back either.
    sane = _SANE.fullmatch(given) and mask(given) == given
    g.request_id = given if sane else uuid.uuid4().hex
    g.started = time.perf_counter()
    g.log_context = log_context(request_id=g.request_id)
    g.log_context.__enter__()


def _end(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["X-Request-Id"] = g.request_id
    route = request.url_rule.rule if request.url_rule else "(none)"
    seconds = time.perf_counter() - g.started
    observe(request.method, route, response.status_code, seconds)
    fields = {"route": route, "status": response.status_code, "ms": round(seconds * 1000, 1)}
    _log.info("%s %s", request.method, route, extra=fields)
    return response


def _forget(_error: BaseException | None) -> None:
    context = g.pop("log_context", None)
    if context:
        context.__exit__(None, None, None)
