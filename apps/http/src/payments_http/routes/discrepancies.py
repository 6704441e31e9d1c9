"""
Differences from the provider that a person must look at.
"""

from typing import Any
from uuid import UUID

from payments_bootstrap.permissions import Permission
from payments_core.application.close_discrepancy import CloseDiscrepancyCommand
from payments_core.domain.discrepancy import Discrepancy
from payments_core.ports.reconciliation import DiscrepancyFilter, Found
from payments_http import schemas
from payments_http.access import actor, container
from payments_http.routing import Group, endpoint

group = Group("Discrepancies", __name__, description="Where the provider says something else.")

ALL = "/api/payments/discrepancies"


@endpoint(
    group,
    "GET",
    ALL,
    access=Permission.RECONCILE_ANY,
    query=schemas.ListDiscrepancies,
    schema=schemas.DiscrepancyList,
    answers={200: "A page of them."},
)
def list_discrepancies(query: dict[str, Any]) -> Found:
    """
    List the differences that stand, the last found first, a page at a time.
    """
    limit, cursor = query.pop("limit"), query.pop("cursor", None)
    return container().list_discrepancies().execute(DiscrepancyFilter(**query), limit, cursor)


@endpoint(
    group,
    "POST",
    f"{ALL}/<uuid:discrepancy_id>/close",
    access=Permission.RECONCILE_ANY,
    body=schemas.CloseDiscrepancy,
    schema=schemas.Discrepancy,
    answers={200: "It is closed, also if it was before, with the same note."},
    problems=(404, 409),
    example={"note": "Refunded at the provider, ticket 4711."},
)
def close_discrepancy(body: dict[str, Any], discrepancy_id: UUID) -> Discrepancy:
    """
    Say that a difference is done with, so that it stands no more.

    Found again it stays closed; when the provider says something else, that is another one.
    """
    command = CloseDiscrepancyCommand(discrepancy_id=discrepancy_id, actor=actor(), **body)
    return container().close_discrepancy().execute(command)
