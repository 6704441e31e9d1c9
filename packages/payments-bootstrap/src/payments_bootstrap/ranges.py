"""
Between which bounds a setting makes sense, where its own type does not say.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

_ZERO: Final = timedelta(0)
_PORTS: Final = 65_535

ABOVE_ZERO: Final = (
    *("http.workers", "http.threads", "worker.relays", "worker.sweepers"),
    *("relay.batch", "relay.park_after", "relay.lease", "relay.late_after"),
    *("health.timeout", "health.away_after", "reconcile.stuck_after"),
    *("worker.webhooks_every", "worker.relay_every", "worker.retries_every"),
    *("worker.late_every", "worker.backfill_every", "worker.backfill_over"),
    *("worker.sweep_every", "worker.reviews_every", "worker.forget_keys_every"),
    *("worker.reconcile_every", "worker.heartbeat_every", "worker.retention_every"),
    *("keycloak.keys_fresh", "keycloak.lifetime"),
    *("rabbitmq.connect_timeout", "rabbitmq.publish_timeout", "rabbitmq.heartbeat"),
)
NOT_NEGATIVE: Final = (
    *("http.trusted_proxies", "health.fresh", "health.provider_fresh"),
    *("keycloak.leeway", "reconcile.grace", "policy.confirm_within", "policy.listing_margin"),
)
PORTS: Final[Mapping[str, int]] = {
    "http.port": 1,
    "http.metrics_port": 0,
    "worker.metrics_port": 0,
}
"""
The least number of each.
"""


def out_of_range(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """
    Yield the setting and the sentence of each value that makes no sense.
    """
    for path in ABOVE_ZERO:
        if values[path] <= _nothing(values[path]):
            yield path, "it must be above zero"
    for path in NOT_NEGATIVE:
        if values[path] < _nothing(values[path]):
            yield path, "it must not be below zero"
    for path, least in PORTS.items():
        if not least <= values[path] <= _PORTS:
            yield path, f"it must be a port, between {least} and {_PORTS}"


def _nothing(value: Any) -> Any:
    return _ZERO if isinstance(value, timedelta) else 0
