"""
The worker's part in reconciliation: what is due by the schedule, and what was asked for.
"""

import threading
from datetime import datetime
from uuid import NAMESPACE_OID

import attrs

from payments_bootstrap.schedule import last_due
from payments_bootstrap.settings import ReconcileSettings
from payments_core.application.reconcile_payments import (
    ReconcileCommand,
    ReconcilePayments,
    Watch,
)
from payments_core.domain.actor import Actor, Channel
from payments_core.domain.errors import ReconciliationRunning
from payments_core.domain.ids import child_id
from payments_core.domain.reconciliation import ReconciliationRun
from payments_core.ports.clock import IClock

SCHEDULE = Actor(channel=Channel.LIBRARY, subject="schedule", client="payments-worker")


class Stopped(BaseException):
    """
    The worker ends, as by Ctrl-C and by no mistake; its run is left to the next.
    """


@attrs.define
class Reconciler:
    """
    Asks for the run that is due, and runs what was asked for.

    Any number of workers may do so: the moment at which a run is due makes its id, so it is
    asked for once, also when it was due while nobody worked.
    """

    reconcile: ReconcilePayments
    settings: ReconcileSettings
    providers: tuple[str, ...]
    clock: IClock
    _asked: dict[str, datetime] = attrs.field(factory=dict, init=False)
    _stopping: threading.Event = attrs.field(factory=threading.Event, init=False)

    def run(self) -> int:
        """
        Do what is due; return how many runs that were.
        """
        if self.settings.schedule:
            due = last_due(self.settings.schedule, self.clock.now())
            for provider in self.providers:
                self._ask(provider, due)
        try:
            return self.reconcile.take(Watch(self._go_on))
        except Stopped:
            return 0

    def stop(self) -> None:
        """
        Leave what is running to the next worker.
        """
        self._stopping.set()

    def _ask(self, provider: str, due: datetime) -> None:
        if self._asked.get(provider) == due:
            return
        command = ReconcileCommand(
            provider=provider,
            window_start=due - self.settings.lookback,
            window_end=due,
            run_id=child_id(NAMESPACE_OID, f"reconciliation of {provider}", due.isoformat()),
            actor=SCHEDULE,
        )
        try:
            self.reconcile.request(command)
        except ReconciliationRunning:
            # Another one has to end first.
            return
        self._asked[provider] = due

    def _go_on(self, run: ReconciliationRun, part: float) -> None:
        del run, part
        if self._stopping.is_set():
            raise Stopped
