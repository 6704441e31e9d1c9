"""
Events: read and listed.
"""

from __future__ import annotations

from typing import Any

from stripe_simulator import endpoints
from stripe_simulator.api import Call, Operation
from stripe_simulator.errors import invalid_parameter
from stripe_simulator.listing import list_parameters, page
from stripe_simulator.params import Parameters, boolean, identifier, list_of
from stripe_simulator.work import Work

Json = dict[str, Any]

PATH = "/v1/events"


def _shown(work: Work, event: Json) -> Json:
    return {**event, "pending_webhooks": endpoints.pending_count(work.store, event["id"])}


def _retrieve(work: Work, call: Call) -> Json:
    return _shown(work, work.get("event", call.id))


def _list(work: Work, call: Call) -> Json:
    parameters = call.parameters
    if "type" in parameters and "types" in parameters:
        message = "You may only specify one of these parameters: type, types."
        raise invalid_parameter(message, "types", "parameters_exclusive")
    wanted = parameters.get("types", parameters.get("type"))
    found = page(work, call, "event", PATH, type=wanted)
    return {**found, "data": [_shown(work, event) for event in found["data"]]}


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
