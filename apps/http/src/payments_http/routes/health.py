"""
Whether the service lives, and whether it is ready.
"""

from http import HTTPStatus
from typing import Any

from payments_bootstrap.health import Condition, HealthReport
from payments_http import schemas
from payments_http.access import Open, container
from payments_http.rendering import Answer
from payments_http.routing import Group, endpoint

group = Group("Health", __name__, description="For whoever runs the service.")


@endpoint(
    group,
    "GET",
    "/health/live",
    access=Open.PUBLIC,
    schema=schemas.Health,
    answers={200: "The process answers."},
)
def live() -> dict[str, Any]:
    """
    Say that the process answers; nothing else is asked.
    """
    return {"status": Condition.OK, "checks": {}}


@endpoint(
    group,
    "GET",
    "/health/ready",
    access=Open.PUBLIC,
    schema=schemas.Health,
    answers={200: "It can take payments.", 503: "It cannot."},
)
def ready() -> Answer | HealthReport:
    """
    Say whether payments can be taken, with a word for each thing that is needed.
    """
    report = container().health().report()
    if report.status is Condition.UNAVAILABLE:
        return report, HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "5"}
    return report
