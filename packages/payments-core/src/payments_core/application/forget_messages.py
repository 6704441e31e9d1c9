"""
Removing what is known of messages that had their effect long ago.
"""

from datetime import timedelta

import attrs

from payments_core.ports.clock import IClock
from payments_core.ports.unit_of_work import UnitOfWorkFactory


@attrs.frozen
class ForgetMessages:
    """
    Keeps the inbox as small as the messages that may still come twice.

    Attributes:
        kept: How long after it came a handled message is still known; nothing (0) for ever.

        limit: How many are removed in one transaction.
    """

    unit_of_work: UnitOfWorkFactory
    clock: IClock
    kept: timedelta
    limit: int = 500

    def execute(self) -> int:
        """
        Remove old messages, and return how many that were; more may be left then.
        """
        if not self.kept:
            return 0
        with self.unit_of_work() as uow:
            removed = uow.inbox.forget(self.clock.now() - self.kept, self.limit)
            uow.commit()
        return removed
