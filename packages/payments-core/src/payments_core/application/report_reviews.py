"""
Telling whoever watches the log what waits for a person.
"""

import logging
from collections.abc import Sequence
from uuid import UUID

import attrs

from payments_core.domain.operation import Operation
from payments_core.ports.unit_of_work import UnitOfWorkFactory

_log = logging.getLogger(__name__)


@attrs.frozen
class ReportReviews:
    """
    Names each operation that recovery could not resolve, again and again until somebody did.
    """

    unit_of_work: UnitOfWorkFactory

    def execute(self, limit: int = 20) -> int:
        """
        Log each operation in review; return 0, since the next look is not urgent.
        """
        for payment_id, operation in self.waiting(limit):
            _log.error(
                "operation_review: %s %s of payment %s, sent %s, has no outcome (%s);"
                " see `payments operations`",
                *(operation.kind, operation.id, payment_id, operation.first_sent_at),
                operation.failure.code if operation.failure else "no reason",
            )
        return 0

    def waiting(self, limit: int) -> Sequence[tuple[UUID, Operation]]:
        """
        Return operations in review, each with its payment's id, oldest first.
        """
        with self.unit_of_work() as uow:
            return uow.payments.in_review(limit)
