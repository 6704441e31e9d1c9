"""
Removing idempotency keys whose time is over.
"""

import attrs

from payments_core.ports.clock import IClock
from payments_core.ports.unit_of_work import UnitOfWorkFactory


@attrs.frozen
class ForgetKeys:
    """
    Keeps the table of keys as small as the keys that count.

    Attributes:
        limit: How many are removed in one transaction.
    """

    unit_of_work: UnitOfWorkFactory
    clock: IClock
    limit: int = 500

    def execute(self) -> int:
        """
        Remove expired keys, and return how many that were; more may be left then.
        """
        with self.unit_of_work() as uow:
            removed = uow.idempotency.forget(self.clock.now(), self.limit)
            uow.commit()
        return removed
