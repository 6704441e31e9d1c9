"""
Webhook endpoints: where events go, and the plan of deliveries.
"""

from __future__ import annotations

import secrets
from typing import Any

from stripe_simulator.store import Store
from stripe_simulator.work import Work

Json = dict[str, Any]


def register(
    work: Work, url: str, enabled_events: list[str], secret: str | None = None, **fields: Any
) -> Json:
    """
    A new endpoint, or the one with the same URL with these events and this secret.
    """
    known = [endpoint for endpoint in everyone(work.store) if endpoint["url"] == url]
    endpoint = known[0] if known and secret else _new(work)
    endpoint.update(url=url, enabled_events=enabled_events, **fields)
    endpoint["_secret"] = secret or f"whsec_{secrets.token_hex(16)}"
    return work.save(endpoint)


def _new(work: Work) -> Json:
    return {
        "id": work.new_id("we"),
        "object": "webhook_endpoint",
        "api_version": None,
        "application": None,
        "created": work.now,
        "description": None,
        "enabled_events": [],
        "livemode": False,
        "metadata": {},
        "status": "enabled",
        "url": "",
    }


def everyone(store: Store) -> list[Json]:
    """
    All endpoints.
    """
    return store.select("kind = ?", ("webhook_endpoint",))


def subscribed(store: Store, event_type: str) -> list[Json]:
    """
    The endpoints that want this type of event.
    """
    return [
        endpoint
        for endpoint in everyone(store)
        if endpoint["status"] == "enabled"
        and ("*" in endpoint["enabled_events"] or event_type in endpoint["enabled_events"])
    ]


def plan_delivery(store: Store, event_id: str, endpoint_id: str, due: float) -> None:
    """
    Plans one delivery.

    Args:
        due: On the simulator's clock.
    """
    store.execute(
        "INSERT INTO deliveries (event_id, endpoint_id, due, state, attempts)"
        " VALUES (?, ?, ?, 'pending', 0)",
        (event_id, endpoint_id, due),
    )


def pending_count(store: Store, event_id: str) -> int:
    """
    How many endpoints still wait for an event.
    """
    return int(
        store.execute(
            "SELECT count(*) FROM deliveries WHERE event_id = ? AND state = 'pending'", (event_id,)
        )[0][0]
    )
