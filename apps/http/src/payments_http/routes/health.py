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
    answers={
        200: '"ok"; or "degraded": something that is not required is missing, such as a provider.',
        503: '"unavailable": something that HEALTH__REQUIRED names is missing (the database).',
    },
)
def ready() -> Answer | HealthReport:
    """
    Say whether what is required is there, with a word for each thing that is needed.

    By default only the database is required: an outage of a provider is "degraded".
    """
    report = container().health().report()
    if report.status is Condition.UNAVAILABLE:
        return report, HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "5"}
    return report
