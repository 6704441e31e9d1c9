"""
How much one caller may ask for in a minute; who asks for more is told when to come back.

What has a good signature or a good token is never refused for what others at the same address
do: an address only hears 429 in place of the refusal that it would have heard anyway.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from typing import Final

from flask import Flask, Response, current_app, g, request
from flask_limiter import Limiter, RateLimitExceeded
from werkzeug.middleware.proxy_fix import ProxyFix

from payments_bootstrap.settings import Settings
from payments_http.problems import Problem

_EXTENSION: Final = "payments_limits"
_PATIENCE: Final = {"socket_connect_timeout": 0.2, "socket_timeout": 0.2}
"""
Seconds to wait for Redis, in redis-py's words; after that this process counts by itself.
"""
_NETWORK: Final = 64
"""
How many bits of an IPv6 address are given to one customer of a network.
"""


class Limited(StrEnum):
    """
    What is counted, by the name of its setting.
    """

    CREATES = "creates"
    REFUNDS = "refunds"
    BAD_TOKENS = "bad_tokens"
    BAD_SIGNATURES = "bad_signatures"


class Limits:
    """
    Counts in Redis for all processes together; in this process while there is none.
    """

    def __init__(self, app: Flask, settings: Settings) -> None:
        self.limiter = Limiter(
            _counted,
            app=app,
            storage_uri=settings.redis.url or "memory://",
            storage_options=dict(_PATIENCE) if settings.redis.url else {},  # type: ignore[arg-type]  # floats go through to redis-py
            strategy="moving-window",
            in_memory_fallback_enabled=True,
            key_prefix="payments",
            enabled=not settings.development
            if settings.limits.enabled is None
            else settings.limits.enabled,
        )
        self._gates = {
            what: self._gate(what, number)
            for what in Limited
            if (number := getattr(settings.limits, what))
        }

    def _gate(self, what: Limited, number: int) -> Callable[[], None]:
        def gate() -> None:
            """
            Let through whoever has not asked for too much.
            """

        # The library keeps its limits by the names of what it decorates.
        gate.__qualname__ = what
        return self.limiter.shared_limit(f"{number}/minute", scope=what)(gate)

    def count(self, what: Limited, who: str) -> None:
        """
        Count one of these for somebody.

        Raises:
            RateLimitExceeded: It was one too many.
        """
        if what in self._gates:
            g.counted = who
            self._gates[what]()


def register(app: Flask, settings: Settings) -> None:
    """
    Count what the settings limit, and find out who asks through trusted proxies.
    """
    proxies = settings.http.trusted_proxies
    if proxies:
        # Flask calls this attribute for each request, so this is how middleware is put around it.
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # as above
            app.wsgi_app, x_for=proxies, x_proto=0, x_host=0
        )
    app.extensions[_EXTENSION] = Limits(app, settings)
    app.register_error_handler(RateLimitExceeded, _too_many)


def count(what: Limited, who: str) -> None:
    """
    Count one of these for somebody.

    Raises:
        RateLimitExceeded: It was one too many; it is answered with 429.
    """
    limits: Limits = current_app.extensions[_EXTENSION]
    limits.count(what, who)


@contextmanager
def counted(what: Limited, *refusals: type[Exception]) -> Iterator[None]:
    """
    Count each of these refusals for the address that it goes to.
    """
    try:
        yield
    except refusals as refusal:
        if not isinstance(refusal, Problem) or refusal.status == HTTPStatus.UNAUTHORIZED:
            count(what, address())
        raise


def address() -> str:
    """
    Return whom to count a request for of which nothing else is known.
    """
    try:
        found = ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    if isinstance(found, IPv6Address) and not found.ipv4_mapped:
        return str(ip_network((found, _NETWORK), strict=False))
    return str(found)


def _counted() -> str:
    return str(g.counted)


def _too_many(error: RateLimitExceeded) -> Response:
    del error
    detail = "This was asked for too often; come back after Retry-After seconds."
    headers = {"Retry-After": str(_seconds_left())}
    return Problem(HTTPStatus.TOO_MANY_REQUESTS, "rate_limited", detail, headers=headers).response()


def _seconds_left() -> int:
    """
    Return the seconds until the window ends: never too few, and never more than it lasts.

    Flask-Limiter rounds the end up to a whole second, so the difference alone may be longer than the window.
    """
    limits: Limits = current_app.extensions[_EXTENSION]
    current = limits.limiter.current_limit
    if current is None:
        return 1
    window = current.limit.get_expiry()
    try:
        left = current.reset_at - time.time()
    except Exception:  # noqa: BLE001 - Redis may have gone between the count and this
        return window
    return min(max(1, ceil(left)), window)
