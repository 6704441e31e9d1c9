"""
Ending payments whose customer did not pay in time.
"""

import logging
from uuid import UUID

import attrs

from payments_core.application.operations import Operations, commit_intent, locked
from payments_core.application.stopping import GoOn, always
from payments_core.domain import asking
from payments_core.domain.errors import PaymentsError

_log = logging.getLogger(__name__)


@attrs.frozen
class ExpirePayments:
    """
    Cancels at the provider what still waits for its customer; only then it is Failed here.
    """

    operations: Operations

    def execute(self, limit: int = 20, go_on: GoOn = always) -> int:
        """
        End payments whose time is over, and return how many were tried.
        """
        with self.operations.unit_of_work() as uow:
            over = uow.payments.expired(self.operations.clock.now(), limit)
        for payment_id in over:
            if not go_on():
                break
            try:
                self._end(payment_id)
            except PaymentsError as error:
                _log.warning("Payment %s does not end yet: %s: %s", payment_id, error.code, error)
        return len(over)

    def _end(self, payment_id: UUID) -> None:
        operations = self.operations
        with operations.unit_of_work() as uow:
            payment = locked(uow, payment_id)
            operation = asking.expire(payment, operations.clock.now(), operations.policy)
            uow.payments.save(payment)
            commit_intent(uow, operation)
        if operation:
            operations.perform(payment, operation)
