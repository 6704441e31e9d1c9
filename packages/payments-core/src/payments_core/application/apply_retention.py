"""
Removing what is older than it must be kept.
"""

import logging
from collections.abc import Sequence
from datetime import timedelta

import attrs

from payments_core.ports.clock import IClock
from payments_core.ports.retention import History, IRetention, Removal

_log = logging.getLogger(__name__)


@attrs.frozen
class RetentionPolicy:
    """
    How long each history is kept at least; nothing (0) for ever.

    Attributes:
        messages: What was told to other services, once it has left.

        webhooks: What the provider told, once it is over.

        audit: Who did what.
    """

    messages: timedelta = timedelta(days=92)
    webhooks: timedelta = timedelta(days=400)
    audit: timedelta = timedelta(days=3650)

    def of(self, history: History) -> timedelta:
        """
        Return how long a history is kept.
        """
        return {
            History.MESSAGES: self.messages,
            History.WEBHOOKS: self.webhooks,
            History.AUDIT: self.audit,
        }[history]


@attrs.frozen
class Applied:
    """
    What was done: the months that were made, and what went of each history.
    """

    made: Sequence[str]
    removals: Sequence[Removal]


@attrs.frozen
class ApplyRetention:
    """
    Makes the months that come next, then lets old ones go.

    It may be run at any time, by several at once, and again after it was killed.
    """

    retention: IRetention
    clock: IClock
    policy: RetentionPolicy = RetentionPolicy()

    def execute(self, *, dry_run: bool = False) -> Applied:
        """
        Do what is due, and return what that was.

        Raises:
            StorageUnavailable: The database is gone, or its user may not do this.
        """
        now = self.clock.now()
        made = () if dry_run else self.retention.make_ahead(now)
        kept = ((history, self.policy.of(history)) for history in History)
        removals = [
            self.retention.remove(history, now - age, dry_run=dry_run)
            for history, age in kept
            if age
        ]
        if not dry_run:
            _report(made, removals)
        return Applied(made, removals)


def _report(made: Sequence[str], removals: Sequence[Removal]) -> None:
    if made:
        _log.info("New months: %s", ", ".join(made))
    for removal in removals:
        if removal.parts or removal.rows:
            gone = ", ".join((*removal.parts, f"rows: {removal.rows}"))
            _log.info("%s before %s are removed: %s", removal.history, removal.before, gone)
        for name, why in removal.stays.items():
            _log.warning("%s is old enough to go and stays: %s", name, why)
