"""
Comparing a stretch of time with the provider, and repairing what may be repaired.
"""

from datetime import datetime
from uuid import UUID, uuid4

import attrs

from payments_core.application.operations import Operations
from payments_core.application.reconciliation.work import UNWATCHED, Watch, Work
from payments_core.domain.actor import EMBEDDING, Actor
from payments_core.domain.errors import ReconciliationRunning
from payments_core.domain.ids import child_id
from payments_core.domain.reconciliation import (
    ReconciliationPolicy,
    ReconciliationRun,
    RunStatus,
)
from payments_core.ports.audit import AuditEntry
from payments_core.ports.reconciliation import IReconciliationQueries

__all__ = ["ReconcileCommand", "ReconcilePayments", "Watch"]


@attrs.frozen(kw_only=True)
class ReconcileCommand:
    """
    Which time to compare with which provider, and whether only to look.

    Attributes:
        run_id: The same id is the same run, however often it is asked for.
    """

    provider: str
    window_start: datetime
    window_end: datetime
    dry_run: bool = False
    run_id: UUID = attrs.field(factory=uuid4)
    actor: Actor = EMBEDDING


@attrs.frozen
class ReconcilePayments:
    """
    Runs comparisons: at once, or when a worker takes them.
    """

    operations: Operations
    queries: IReconciliationQueries
    policy: ReconciliationPolicy = attrs.field(factory=ReconciliationPolicy)

    def request(self, command: ReconcileCommand) -> ReconciliationRun:
        """
        Keep a run for a worker to take; return it as it is if it is kept already.

        Raises:
            ReconciliationRunning: The provider has one that has not ended.
            WindowInvalid: There is no such window.
            UnknownProvider: No provider of that name is configured.
        """
        return self._keep(self._run_of(command), command.actor)

    def execute(self, command: ReconcileCommand, watch: Watch = UNWATCHED) -> ReconciliationRun:
        """
        Run a comparison now, and return it when it has ended.

        A dry run keeps nothing, not even itself. Otherwise a run that a dead process left is
        ended first. If this process is interrupted, a worker or the next call goes on.

        Raises:
            As of `request`.
        """
        run = self._run_of(command)
        if command.dry_run:
            started = attrs.evolve(run, status=RunStatus.RUNNING, started_at=run.requested_at)
            return self._work(started, watch)
        left = self._claim(run.provider)
        if left:
            self._work(left, watch)
        now = self.operations.clock.now()
        # Kept as this process's own at once: no worker may take it before.
        own = attrs.evolve(
            run,
            status=RunStatus.RUNNING,
            started_at=now,
            lease_until=now + self.policy.lease,
            lease_token=uuid4(),
        )
        kept = self._keep(own, command.actor)
        return self._work(kept, watch) if kept is own else kept

    def take(self, watch: Watch = UNWATCHED) -> int:
        """
        Run what was asked for, or what a dead process left; return how many that were.
        """
        run = self._claim()
        if run is None:
            return 0
        self._work(run, watch)
        return 1

    def _run_of(self, command: ReconcileCommand) -> ReconciliationRun:
        self.operations.provider(command.provider)
        return ReconciliationRun.of(
            run_id=command.run_id,
            provider=command.provider,
            window_start=command.window_start,
            window_end=command.window_end,
            dry_run=command.dry_run,
            requested_by=command.actor.subject or command.actor.channel,
            now=self.operations.clock.now(),
            policy=self.policy,
        )

    def _keep(self, run: ReconciliationRun, actor: Actor) -> ReconciliationRun:
        with self.operations.unit_of_work() as uow:
            if not uow.reconciliations.add(run):
                known = uow.reconciliations.get(run.id)
                if known:
                    return known
                raise _running(uow.reconciliations.active(run.provider))
            uow.audit.add(_asked_for(run, actor))
            uow.commit()
        return run

    def _claim(self, provider: str | None = None) -> ReconciliationRun | None:
        now = self.operations.clock.now()
        with self.operations.unit_of_work() as uow:
            until = now + self.policy.lease
            run = uow.reconciliations.claim(now, until, uuid4(), provider)
            uow.commit()
        return run and attrs.evolve(run, started_at=run.started_at or now)

    def _work(self, run: ReconciliationRun, watch: Watch) -> ReconciliationRun:
        return Work(self.operations, self.queries, self.policy, run, watch).all()


def _asked_for(run: ReconciliationRun, actor: Actor) -> AuditEntry:
    return AuditEntry(
        id=child_id(run.id, "audit", "reconcile"),
        at=run.requested_at,
        actor=actor,
        action="reconcile",
        about=f"run {run.id}",
        after=run.status,
    )


def _running(run: ReconciliationRun | None) -> ReconciliationRunning:
    which = f"Run {run.id}" if run else "Another run"
    return ReconciliationRunning(f"{which} has not ended; wait for it, and look at what it finds")
