"""
Differences from the provider as they are shown.
"""

from datetime import datetime

from payments_cli.output import Row, short_time
from payments_core.contracts.converter import timestamp
from payments_core.domain.discrepancy import Discrepancy


def discrepancy_row(found: Discrepancy) -> Row:
    """
    Return what is shown of a difference.
    """
    return {
        "id": str(found.id),
        "kind": found.kind.value,
        "paymentId": str(found.payment_id) if found.payment_id else None,
        "providerObjectId": found.provider_object_id,
        "localValue": found.local_value,
        "providerValue": found.provider_value,
        "foundAt": timestamp(found.found_at),
        "repair": found.repair.value if found.repair else None,
        "repairedAt": _time(found.repaired_at),
        "closedAt": _time(found.closed_at),
        "closedBy": found.closed_by,
        "note": found.note,
    }


def short_discrepancy_row(found: Discrepancy) -> dict[str, str]:
    """
    Return what a person needs to look into it, and to close it.
    """
    details = {
        "id": found.id,
        "payment": found.payment_id,
        "object": found.provider_object_id,
        "here": found.local_value,
        "there": found.provider_value,
        "closed by": found.closed_by,
        "note": found.note,
    }
    return {
        "at": short_time(found.found_at),
        "what": found.kind.value,
        "state": found.state,
        "details": ", ".join(f"{name}: {value}" for name, value in details.items() if value),
    }


def _time(moment: datetime | None) -> str | None:
    return timestamp(moment) if moment else None
