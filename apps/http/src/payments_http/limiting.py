"""
How much one caller may ask for in a minute; who asks for more is told when to come back.

What has a good signature or a good token is never refused for what others at the same address
do: an address only hears 429 in place of the refusal that it would have heard anyway.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from typing import Final

from flask import Flask, current_app, request
from limits import RateLimitItemPerMinute
from werkzeug.middleware.proxy_fix import ProxyFix

from payments_bootstrap.settings import Settings
from payments_http.counting import Counts, counts_of
from payments_http.problems import Problem

_EXTENSION: Final = "payments_limits"
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
    The numbers of the settings, and what was counted of each.
    """

    def __init__(self, counts: Counts, settings: Settings) -> None:
        self._counts = counts
        enabled = settings.limits.enabled
        numbers = {what: getattr(settings.limits, what) for what in Limited}
        self._most = {
            what: RateLimitItemPerMinute(number)
            for what, number in numbers.items()
            if number and (not settings.development if enabled is None else enabled)
        }

    def count(self, what: Limited, who: str) -> None:
        """
        Count one of these for somebody.

        Raises:
            Problem: It was one too many.
        """
        most = self._most.get(what)
        if most and (until := self._counts.full_until(most, what, who)):
            raise _too_many(until, most.get_expiry())


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
    app.extensions[_EXTENSION] = Limits(counts_of(settings), settings)


def count(what: Limited, who: str) -> None:
    """
    Count one of these for somebody.

    Raises:
        Problem: It was one too many; it is answered with 429.
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


def _too_many(until: float, window: int) -> Problem:
    """
    Return the refusal; it asks for no wait that is too short, or longer than the window.
    """
    left = min(max(1, ceil(until - time.time())), window)
    detail = "This was asked for too often; come back after Retry-After seconds."
    headers = {"Retry-After": str(left)}
    return Problem(HTTPStatus.TOO_MANY_REQUESTS, "rate_limited", detail, headers=headers)
