"""
Events: read and listed.
"""

from __future__ import annotations

from typing import Any

from stripe_simulator import endpoints
from stripe_simulator.api import Call, Operation
from stripe_simulator.errors import invalid_parameter, resource_missing
from stripe_simulator.listing import Condition, list_parameters, page
from stripe_simulator.params import Parameters, boolean, identifier, list_of
from stripe_simulator.work import Work

Json = dict[str, Any]

PATH = "/v1/events"
KEPT = 30 * 86_400
"""
Seconds for which an event can be read: Stripe keeps thirty days.
"""

UNDELIVERED = (
    "EXISTS (SELECT 1 FROM deliveries WHERE event_id = objects.id AND state <> 'delivered')"
)


def _shown(work: Work, event: Json) -> Json:
    return {**event, "pending_webhooks": endpoints.pending_count(work.store, event["id"])}


def _retrieve(work: Work, call: Call) -> Json:
    event = work.get("event", call.id)
    if event["created"] < work.now - KEPT:
        raise resource_missing("event", call.id, "id", 404)
    return _shown(work, event)


def _list(work: Work, call: Call) -> Json:
    parameters = call.parameters
    if "type" in parameters and "types" in parameters:
        message = "You may only specify one of these parameters: type, types."
        raise invalid_parameter(message, "types", "parameters_exclusive")
    conditions: list[Condition] = [("created >= ?", [work.now - KEPT])]
    wanted = parameters.get("types", parameters.get("type"))
    if "*" in parameters.get("type", ""):
        conditions.append(("type LIKE ? ESCAPE '\\'", [_like(parameters["type"])]))
        wanted = None
    if "delivery_success" in parameters:
        negation = "NOT " if parameters["delivery_success"] else ""
        conditions.append((negation + UNDELIVERED, []))
    found = page(work, call, "event", PATH, conditions, type=wanted)
    return {**found, "data": [_shown(work, event) for event in found["data"]]}


def _like(pattern: str) -> str:
    """
    A group of types, such as ``payment_intent.*``, in SQL's words.
    """
    for special in "\\%_":
        pattern = pattern.replace(special, f"\\{special}")
    return pattern.replace("*", "%")


OPERATIONS = (
    Operation("events.retrieve", "GET", f"{PATH}/<id>", Parameters(), _retrieve),
    Operation(
        "events.list",
        "GET",
        PATH,
        list_parameters(type=identifier, types=list_of(identifier), delivery_success=boolean),
        _list,
    ),
)
