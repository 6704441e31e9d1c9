"""
The worker's part in retention: once for each time that the schedule names.
"""

import logging
from datetime import datetime

import attrs

from payments_bootstrap.schedule import last_due
from payments_core.application.apply_retention import ApplyRetention
from payments_core.domain.errors import StorageUnavailable
from payments_core.ports.clock import IClock

_log = logging.getLogger(__name__)


@attrs.define
class Retainer:
    """
    Applies retention when it is due, and once when the worker starts.

    Any number of workers may do so: whoever comes second finds nothing left to do.
    """

    apply: ApplyRetention
    schedule: str
    clock: IClock
    _done: datetime | None = attrs.field(default=None, init=False)

    def run(self) -> int:
        """
        Do what is due; return 0, since the next time is not now.
        """
        if not self.schedule:
            return 0
        due = last_due(self.schedule, self.clock.now())
        if due == self._done:
            return 0
        # Noted first: what fails is not tried again every minute, but at the next time.
        self._done = due
        try:
            self.apply.execute()
        except StorageUnavailable as error:
            _log.error(
                "Retention could not be applied, and waits for its next time: %s. If this user"
                " may not, since another one owns the tables, run `payments retention` as that"
                " one each night, and set RETENTION__SCHEDULE to nothing here",
                error,
            )
        return 0
