"""
The gateway's routes lead to every path that callers have, and to none of the inner network.
"""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml  # type: ignore[import-untyped]  # ships no types

from payments_bootstrap import Container
from payments_bootstrap.configuration import load
from payments_http.app import create_app
from tests.deploy.compose import environment

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
YARP: Final[dict[str, Any]] = json.loads((DEPLOY / "gateway/yarp.json").read_text("utf-8"))[
    "ReverseProxy"
]
CATCH_ALL: Final = "/{**catch-all}"
LONGEST: Final = 12  # seconds that the service may take over a request


@pytest.fixture(scope="module")
def paths() -> list[str]:
    """
    The paths of the API, from its own description.
    """
    container = Container()
    container.settings.override(
        load(environment("api") | {"DATABASE__URL": "sqlite://", "RABBITMQ__URL": ""})
    )
    client = create_app(container).test_client()
    description: dict[str, Any] = client.get("/swagger/v1/swagger.json").get_json()
    return sorted(description["paths"])


def routes_of(path: str) -> list[str]:
    """
    Return the routes that YARP would take for a path; like ASP.NET it looks past the case.
    """
    found = []
    for name, route in YARP["Routes"].items():
        start = route["Match"]["Path"].removesuffix(CATCH_ALL)
        if re.fullmatch(rf"{re.escape(start)}(/.*)?", path, re.IGNORECASE):
            found.append(name)
    return found


def test_every_path_of_callers_has_its_route(paths: list[str]) -> None:
    """
    What is under /api leads to this service in one way, in the gateway's spelling and in ours.
    """
    callers = [path for path in paths if path.startswith("/api/")]

    assert "/api/payments" in callers
    for path in callers:
        assert routes_of(path) == ["payments"]
        assert routes_of(path.replace("/api/payments", "/api/Payments")) == ["payments"]


def test_inner_paths_have_none(paths: list[str]) -> None:
    """
    What is not under /api is for the inner network alone.
    """
    inner = [path for path in paths if not path.startswith("/api/")]

    assert {"/health/live", "/health/ready", "/internal/payments/capture"} <= {*inner}
    assert [path for path in (*inner, "/metrics") if routes_of(path)] == []


def test_description_is_where_the_gateway_asks() -> None:
    """
    The gateway's page of descriptions is led to the description, and to nothing else.
    """
    route = YARP["Routes"]["payments-swagger"]
    (transform,) = route["Transforms"]

    assert route["Match"]["Path"] == f"/doc/payment{CATCH_ALL}"
    assert transform == {"PathPattern": f"/swagger/v1{CATCH_ALL}"}


def test_cluster_is_the_service() -> None:
    """
    It asks whether the service is ready where Kubernetes has it, and waits longer than it takes.
    """
    cluster = YARP["Clusters"]["payments"]
    documents = list(yaml.safe_load_all((DEPLOY / "kubernetes/api.yaml").read_text("utf-8")))
    (service,) = (d for d in documents if d["kind"] == "Service")
    name, port = service["metadata"]["name"], service["spec"]["ports"][0]["port"]
    hours, minutes, seconds = map(int, cluster["HttpRequest"]["ActivityTimeout"].split(":"))

    assert cluster["Destinations"]["payments"]["Address"] == f"http://{name}:{port}"
    assert cluster["HealthCheck"]["Active"]["Path"] == "/health/ready"
    assert 3600 * hours + 60 * minutes + seconds > LONGEST
