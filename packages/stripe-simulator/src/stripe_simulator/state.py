"""
What tests ask about the simulated account: counts, objects, deliveries.
"""

from __future__ import annotations

import re
from typing import Any

from stripe_simulator.simulation import Simulation
from stripe_simulator.work import public

Json = dict[str, Any]

FIELD = re.compile(r"([a-z_]+)(?:\[([^\]\"]+)\])?")


def summary(simulation: Simulation) -> Json:
    """
    How many objects of each kind are in each status (events: of each type), and how the clock and webhooks stand.
    """
    counts: dict[str, dict[str, int]] = {}
    for kind, status, count in simulation.store.execute(
        "SELECT kind, status, count(*) FROM objects GROUP BY kind, status"
    ):
        counts.setdefault(kind, {})[status] = count
    deliveries = simulation.store.execute("SELECT state, count(*) FROM deliveries GROUP BY state")
    return {
        "seed": simulation.seed,
        "now": simulation.clock.now(),
        "objects": counts,
        "deliveries": dict(deliveries),
        "timers": simulation.store.execute("SELECT count(*) FROM timers")[0][0],
        "requests": len(simulation.requests),
    }


def objects(simulation: Simulation, kind: str, filters: dict[str, str]) -> list[Json]:
    """
    All objects of a kind, oldest first.

    Args:
        filters: Field by value, such as `status` or `metadata[payment_id]`.

    Raises:
        ValueError: A filter is no name of a field.
    """
    conditions, values = ["kind = ?"], [kind]
    for name, value in filters.items():
        match = FIELD.fullmatch(name)
        if match is None:
            raise ValueError(f"Filter by a field such as status or metadata[key], not {name!r}.")
        path = f"$.{match[1]}" + (f'."{match[2]}"' if match[2] else "")
        conditions.append("CAST(json_extract(body, ?) AS TEXT) = ?")
        values += [path, value]
    found = simulation.store.select(" AND ".join(conditions), values, newest=False)
    return [public(obj) for obj in found]


def deliveries(simulation: Simulation) -> list[Json]:
    """
    Every delivery of an event, planned, done or given up.
    """
    names = ("event_id", "endpoint_id", "state", "attempts", "status", "due")
    rows = simulation.store.execute(f"SELECT {', '.join(names)} FROM deliveries ORDER BY seq")  # noqa: S608 - constants only
    return [dict(zip(names, row, strict=True)) for row in rows]
