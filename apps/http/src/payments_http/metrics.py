"""
What is counted of HTTP.
"""

from functools import cache
from typing import Final

from prometheus_client import Counter, Histogram

REQUESTS: Final = Counter(
    "http_requests", "Requests by route and status.", ("method", "route", "status")
)
SECONDS: Final = Histogram(
    "http_request_duration_seconds", "Time to answer, by route.", ("method", "route")
)
REPLAYS: Final = Counter(
    "payments_idempotency_replays",
    "Answers out of an earlier request with the same idempotency key.",
    ("route",),
)

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@cache
def _requests(method: str, route: str, status: int) -> Counter:
    return REQUESTS.labels(method, route, str(status))


@cache
def _seconds(method: str, route: str) -> Histogram:
    return SECONDS.labels(method, route)


def observe(method: str, route: str, status: int, seconds: float, *, replayed: bool) -> None:
    """
    Count one answered request.

    Args:
        route: The rule, never the address: the number of series must not grow with use.

        replayed: The answer was given before.
    """
    method = method if method in _METHODS else "OTHER"
    _requests(method, route, status).inc()
    _seconds(method, route).observe(seconds)
    if replayed:
        REPLAYS.labels(route).inc()
