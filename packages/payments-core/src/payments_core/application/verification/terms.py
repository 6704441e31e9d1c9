"""
The terms of a check: its moment, and how much time everything has.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import attrs

from payments_core.domain.policy import Policy
from payments_core.ports.records import PaymentRecord
from payments_core.ports.retention import Horizons


@attrs.frozen
class Terms:
    """
    When it is checked, and how much time everything has.

    Attributes:
        grace: So long after its time something may still be under way.

        horizons: What is older may have been removed: then that it is not there says nothing.

        key_life: As of `Policy`.
    """

    now: datetime
    grace: timedelta = timedelta(minutes=5)
    horizons: Horizons = attrs.field(factory=Horizons)
    key_life: timedelta = Policy().key_life

    def lacks_messages(self, record: PaymentRecord) -> bool:
        """
        Return whether retention may have removed what was told of a payment.
        """
        return self.horizons.may_lack_messages(record.payment.created_at)

    def overdue(self, at: datetime | None) -> bool:
        """
        Return whether something that was due then should be over.
        """
        return at is not None and at < self.now - self.grace


Check = Callable[[PaymentRecord, Terms], Iterator[str]]
"""
Yields what is broken of one promise.
"""
