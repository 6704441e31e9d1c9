"""
Telling whoever watches the log what waits for a person.
"""

import logging

import attrs

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
        with self.unit_of_work() as uow:
            waiting = uow.payments.in_review(limit)
        for payment_id, operation in waiting:
            _log.error(
                "operation_review: %s %s of payment %s, sent %s, has no outcome (%s);"
                " see `payments show`",
                *(operation.kind, operation.id, payment_id, operation.first_sent_at),
                operation.failure.code if operation.failure else "no reason",
            )
        return 0
