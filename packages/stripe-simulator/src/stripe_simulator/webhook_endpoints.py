"""
Webhook endpoints by API: created with a secret, listed, changed and deleted.
"""

from __future__ import annotations

from typing import Any

from stripe_simulator import endpoints
from stripe_simulator.api import Call, Operation
from stripe_simulator.errors import invalid_parameter
from stripe_simulator.listing import list_parameters, page
from stripe_simulator.params import (
    Parameters,
    boolean,
    identifier,
    list_of,
    merge_metadata,
    metadata,
    text,
)
from stripe_simulator.work import Work, public

Json = dict[str, Any]

PATH = "/v1/webhook_endpoints"


def _check_url(url: str) -> None:
    if not url.startswith(("http://", "https://")):
        raise invalid_parameter(
            "Invalid URL: An explicit scheme (such as https) must be provided.",
            "url",
            "url_invalid",
        )


def _create(work: Work, call: Call) -> Json:
    parameters = call.parameters
    _check_url(parameters["url"])
    endpoint = endpoints.register(
        work,
        parameters["url"],
        parameters["enabled_events"],
        description=parameters.get("description"),
        metadata=merge_metadata({}, parameters.get("metadata", {})),
        api_version=parameters.get("api_version"),
    )
    return {**public(endpoint), "secret": endpoint["_secret"]}


def _retrieve(work: Work, call: Call) -> Json:
    return public(work.get("webhook_endpoint", call.id))


def _update(work: Work, call: Call) -> Json:
    endpoint = work.get("webhook_endpoint", call.id)
    parameters = call.parameters
    if "url" in parameters:
        _check_url(parameters["url"])
    plain = ("url", "description", "enabled_events")
    endpoint.update({name: parameters[name] for name in plain if name in parameters})
    endpoint["metadata"] = merge_metadata(endpoint["metadata"], parameters.get("metadata", {}))
    if "disabled" in parameters:
        endpoint["status"] = "disabled" if parameters["disabled"] else "enabled"
    return public(work.save(endpoint))


def _delete(work: Work, call: Call) -> Json:
    work.get("webhook_endpoint", call.id)
    work.store.delete("webhook_endpoint", call.id)
    return {"id": call.id, "object": "webhook_endpoint", "deleted": True}


def _list(work: Work, call: Call) -> Json:
    return page(work, call, "webhook_endpoint", PATH)


OPERATIONS = (
    Operation(
        "webhook_endpoints.create",
        "POST",
        PATH,
        Parameters(
            {
                "url": identifier,
                "enabled_events": list_of(identifier),
                "description": text,
                "metadata": metadata,
                "api_version": text,
            },
            required=("url", "enabled_events"),
            unsimulated=("connect",),
        ),
        _create,
    ),
    Operation("webhook_endpoints.retrieve", "GET", f"{PATH}/<id>", Parameters(), _retrieve),
    Operation(
        "webhook_endpoints.update",
        "POST",
        f"{PATH}/<id>",
        Parameters(
            {
                "url": identifier,
                "enabled_events": list_of(identifier),
                "description": text,
                "metadata": metadata,
                "disabled": boolean,
            }
        ),
        _update,
    ),
    Operation("webhook_endpoints.delete", "DELETE", f"{PATH}/<id>", Parameters(), _delete),
    Operation("webhook_endpoints.list", "GET", PATH, list_parameters(), _list),
)
