"""
Comparing this service with a provider.
"""

from http import HTTPStatus
from typing import Any
from uuid import UUID

import attrs

from payments_bootstrap.permissions import Permission
from payments_core.application.reconcile_payments import ReconcileCommand
from payments_http import schemas
from payments_http.access import actor, container
from payments_http.rendering import Answer
from payments_http.routing import Group, endpoint

group = Group("Reconciliation", __name__, description="Comparing with the provider.")

RUNS = "/api/payments/reconcile"


@endpoint(
    group,
    "POST",
    RUNS,
    access=Permission.RECONCILE_ANY,
    body=schemas.Reconcile,
    schema=schemas.Run,
    answers={202: "A worker takes it within seconds; look at its Location."},
    problems=(409,),
    example={"from": "2026-11-24T00:00:00Z", "to": "2026-11-25T00:00:00Z"},
)
def reconcile(body: dict[str, Any]) -> Answer:
    """
    Have a stretch of time compared with the provider, and repaired where that is allowed.

    A provider has one run at a time.
    """
    command = ReconcileCommand(actor=actor(), **body)
    run = container().reconcile_payments().request(command)
    place = {"Location": f"{RUNS}/{run.id}", "Retry-After": "5"}
    return run, HTTPStatus.ACCEPTED, place


@endpoint(
    group,
    "GET",
    f"{RUNS}/<uuid:run_id>",
    access=Permission.RECONCILE_ANY,
    query=schemas.ReadRun,
    schema=schemas.RunAndFound,
    answers={200: "The run, and a page of what it found."},
    problems=(404,),
)
def show_run(query: dict[str, Any], run_id: UUID) -> dict[str, Any]:
    """
    Show where a run stands and what it found.
    """
    show = container().show_reconciliation()
    run, found = show.execute(run_id, query["limit"], query.get("cursor"))
    shown = attrs.asdict(run, recurse=False)
    return shown | {"discrepancies": found.items, "next": found.next}
