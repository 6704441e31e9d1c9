"""
Money on its way back to the customer.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import attrs

from payments_core.domain.facts import ProviderRefundStatus
from payments_core.domain.failure import Failure
from payments_core.domain.fixed import fixed, others_change
from payments_core.domain.money import Money


class RefundStatus(StrEnum):
    """
    What a refund is; a PENDING one keeps its amount reserved.
    """

    PENDING = "Pending"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELED = "Canceled"


R = RefundStatus

REFUND_TRANSITIONS: Final[Mapping[RefundStatus, frozenset[RefundStatus]]] = {
    R.PENDING: frozenset({R.SUCCEEDED, R.FAILED, R.CANCELED}),
    R.SUCCEEDED: frozenset({R.FAILED}),
    R.FAILED: frozenset(),
    R.CANCELED: frozenset(),
}
"""
From each state, the states that may follow; Succeeded → Failed is a reversal by the bank.
"""

STATUS_OF: Final[Mapping[ProviderRefundStatus, RefundStatus]] = {
    ProviderRefundStatus.PENDING: R.PENDING,
    ProviderRefundStatus.SUCCEEDED: R.SUCCEEDED,
    ProviderRefundStatus.FAILED: R.FAILED,
    ProviderRefundStatus.CANCELED: R.CANCELED,
}
"""
What a refund is, by where the provider's object stands.
"""


@attrs.define(field_transformer=others_change)
class Refund:
    """
    One return of captured money.

    Attributes:
        request_key: The caller's idempotency key, where one was given.

        compensates: It returns money that was taken after the payment was closed.
    """

    id: UUID = attrs.field(on_setattr=fixed)
    amount: Money = attrs.field(on_setattr=fixed)
    created_at: datetime = attrs.field(on_setattr=fixed)
    reason: str | None = None
    request_key: str | None = None
    compensates: bool = False
    status: RefundStatus = RefundStatus.PENDING
    provider_refund_id: str | None = None
    failure: Failure | None = None
    completed_at: datetime | None = None

    def move(self, status: RefundStatus, at: datetime, failure: Failure | None = None) -> bool:
        """
        Take the step if the table has it; return whether it was taken.

        Providers repeat and reorder what they say: a step back is stale news, not an error.
        """
        if status not in REFUND_TRANSITIONS[self.status]:
            return False
        self.status = status
        self.failure = failure
        self.completed_at = at
        return True
