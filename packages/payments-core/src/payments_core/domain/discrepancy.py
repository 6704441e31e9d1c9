"""
Where the provider and this service do not say the same.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import attrs

from payments_core.domain.ids import child_id


class DiscrepancyKind(StrEnum):
    """
    What does not match.
    """

    AMOUNT_MISMATCH = "amount_mismatch"
    CURRENCY_MISMATCH = "currency_mismatch"
    DUPLICATE_CHARGE = "duplicate_charge"
    LATE_SUCCESS = "late_success"


@attrs.frozen
class Discrepancy:
    """
    One difference, found once: the same difference always has the same id.

    Attributes:
        local_value: What this service holds, as text.

        provider_value: What the provider says, as text.
    """

    id: UUID
    payment_id: UUID
    kind: DiscrepancyKind
    provider_object_id: str
    local_value: str
    provider_value: str
    found_at: datetime


def difference(
    payment_id: UUID,
    kind: DiscrepancyKind,
    now: datetime,
    *,
    provider_object_id: str,
    local_value: str,
    provider_value: str,
) -> Discrepancy:
    """
    Return a difference that was found; whether it is news is known when it is saved.
    """
    return Discrepancy(
        id=child_id(payment_id, kind, f"{provider_object_id}:{provider_value}"),
        payment_id=payment_id,
        kind=kind,
        provider_object_id=provider_object_id,
        local_value=local_value,
        provider_value=provider_value,
        found_at=now,
    )
