"""
Comparing a stretch of time with the provider, and repairing what may be repaired.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

import attrs

from payments_core.application.operations import Operations
from payments_core.application.reconciliation.desk import Desk, Finding
from payments_core.application.reconciliation.legs import (
    Leg,
    Sources,
    Suspect,
    disputes,
    payments,
    refunds,
    suspected,
)
from payments_core.application.reconciliation.merge import rest_of
from payments_core.application.reconciliation.own_records import messages, operations, webhooks
from payments_core.domain.actor import EMBEDDING, Actor
from payments_core.domain.discrepancy import Discrepancy
from payments_core.domain.errors import (
    ConcurrentUpdate,
    NotFound,
    PaymentsError,
    ReconciliationRunning,
)
from payments_core.domain.events import ReconciliationCompleted
from payments_core.domain.ids import child_id
from payments_core.domain.reconciliation import (
    ReconciliationPolicy,
    ReconciliationRun,
    RunStatus,
)
from payments_core.ports.audit import AuditEntry
from payments_core.ports.errors import ProviderError
from payments_core.ports.faults import faultpoint
from payments_core.ports.queries import Cursor
from payments_core.ports.reconciliation import Found, IReconciliationQueries

_log = logging.getLogger(__name__)

LEGS: Final[Mapping[str, Leg]] = {
    "payments": payments,
    "refunds": refunds,
    "disputes": disputes,
    "webhooks": webhooks,
    "operations": operations,
    "messages": messages,
}
"""
What is compared, in this order.
"""


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
class Watch:
    """
    Is told how a run goes on.

    Attributes:
        progress: Takes the run and what part of it is done, from 0 to 1.

        found: Takes each difference.
    """

    progress: Callable[[ReconciliationRun, float], None] = lambda _run, _part: None
    found: Callable[[Discrepancy], None] = lambda _found: None


class _Taken(Exception):
    """
    The run is another process's by now.
    """


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

    def execute(self, command: ReconcileCommand, watch: Watch = Watch()) -> ReconciliationRun:
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

    def take(self, watch: Watch = Watch()) -> int:
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
        return _Work(self, run, watch).all()


@attrs.define
class _Work:
    """
    One process at work on one run.
    """

    use: ReconcilePayments
    run: ReconciliationRun
    watch: Watch
    _saved_at: datetime | None = None

    def all(self) -> ReconciliationRun:
        """
        Do what is left of the run.
        """
        try:
            faultpoint("reconcile.begin")
            for name in self._left():
                self._leg(name)
            faultpoint("reconcile.finish")
            self._end(RunStatus.PARTIAL if self.run.error else RunStatus.COMPLETED)
            self.watch.progress(self.run, 1.0)
        except _Taken:
            _log.warning("Reconciliation %s goes on in another process", self.run.id)
        except BaseException as error:
            self._stop(error)
            raise
        return self.run

    def _left(self) -> Sequence[str]:
        names = list(LEGS)
        return names[names.index(self.run.leg) :] if self.run.leg else names

    def _leg(self, name: str) -> None:
        run = self.run
        resumed = run.cursor if run.leg == name else None
        self.run = attrs.evolve(run, leg=name, cursor=resumed)
        window = rest_of(run.window_start, run.window_end, resumed)
        try:
            for step in LEGS[name](self._sources(), window):
                self._look_at(step.suspects)
                self._go_on(step.moment, step.checked, step.unseen)
                faultpoint("reconcile.page")
            self._look_at(self._unseen())
        except ProviderError as error:
            self._miss(f"{name}: {error}")
        self.run = attrs.evolve(self.run, cursor=None, unseen=())

    def _sources(self) -> Sources:
        use = self.use
        provider = use.operations.provider(self.run.provider)
        return Sources(provider, use.queries, use.policy, use.operations.clock.now())

    def _unseen(self) -> Iterator[Suspect]:
        """
        Yield what the complete listing did not show; the provider is asked about each.
        """
        if len(self.run.unseen) >= self.use.policy.most_missing:
            self._miss("So much is not there that this must be another account; nothing is said")
            return
        for ids in (self.run.unseen[n : n + 100] for n in range(0, len(self.run.unseen), 100)):
            known = self.use.queries.by_id(self.run.provider, ids)
            for payment_id in dict.fromkeys(ids):
                object_id = known[payment_id].provider_payment_id
                if object_id:
                    yield suspected(object_id, payment_id)

    def _look_at(self, suspects: Sequence[Suspect] | Iterator[Suspect]) -> None:
        for suspect in suspects:
            for finding in self._examined(suspect):
                self.run = self.run.count(finding.discrepancy, fresh=finding.fresh)
                self.watch.found(finding.discrepancy)
            self._sign_of_life()

    def _examined(self, suspect: Suspect) -> Sequence[Finding]:
        try:
            return suspect(Desk(self.use.operations, self.run))
        except (ProviderError, ConcurrentUpdate) as error:
            self._miss(f"{self.run.leg}: {error}")
        return ()

    def _go_on(self, moment: datetime, checked: int, unseen: Sequence[UUID]) -> None:
        most = self.use.policy.most_missing
        self.run = attrs.evolve(
            self.run,
            cursor=moment,
            checked=self.run.checked + checked,
            unseen=(*self.run.unseen, *unseen)[:most],
        )
        self.watch.progress(self.run, self._part())
        self._sign_of_life()

    def _part(self) -> float:
        run, names = self.run, list(LEGS)
        whole = (run.window_end - run.window_start).total_seconds() or 1.0
        left = (run.cursor - run.window_start).total_seconds() if run.cursor else 0.0
        done = min(1.0, max(0.0, 1 - left / whole))
        return (names.index(str(run.leg)) + done) / len(names)

    def _miss(self, error: str) -> None:
        _log.warning("Reconciliation %s is partial: %s", self.run.id, error)
        self.run = attrs.evolve(self.run, error=self.run.error or error)

    def _sign_of_life(self) -> None:
        now = self.use.operations.clock.now()
        due = self._saved_at is None or now - self._saved_at >= self.use.policy.save_every
        if due:
            self._save(attrs.evolve(self.run, lease_until=now + self.use.policy.lease))
            self._saved_at = now

    def _save(self, run: ReconciliationRun, *events: ReconciliationCompleted) -> None:
        self.run = run
        if run.lease_token is None:
            return
        with self.use.operations.unit_of_work() as uow:
            if not uow.reconciliations.save(run):
                raise _Taken
            if events:
                uow.outbox.add(events)
            faultpoint("reconcile.save.precommit")
            uow.commit()
        faultpoint("reconcile.save.commit")

    def _end(self, status: RunStatus) -> None:
        now = self.use.operations.clock.now()
        ended = attrs.evolve(
            self.run,
            status=status,
            finished_at=now,
            lease_until=None,
            leg=None,
        )
        self._save(ended, *(() if ended.dry_run else (_completed(ended, now),)))

    def _stop(self, error: BaseException) -> None:
        """
        Leave the run to whoever takes it next, at once; but end it at a mistake of ours.

        Whoever took it would make the mistake again, and no other run could begin.
        """
        if self.run.finished_at:
            # Nobody knows whether the end was written; if not, it is when the lease is over.
            return
        try:
            if _is_ours(error):
                why = f"unexpected: {type(error).__name__}; the log has it"
                self.run = attrs.evolve(self.run, error=why)
                self._end(RunStatus.FAILED)
            else:
                self._save(attrs.evolve(self.run, lease_until=self.use.operations.clock.now()))
        except (_Taken, PaymentsError):
            _log.warning("Reconciliation %s goes on when its lease is over", self.run.id)


def _is_ours(error: BaseException) -> bool:
    return isinstance(error, Exception) and not getattr(error, "retryable", False)


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


def _completed(run: ReconciliationRun, now: datetime) -> ReconciliationCompleted:
    return ReconciliationCompleted(
        id=run.id,
        occurred_at=now,
        provider=run.provider,
        status=run.status,
        window_start=run.window_start,
        window_end=run.window_end,
        checked=run.checked,
        found=run.found,
        new=run.fresh,
        repaired=run.repaired,
    )


@attrs.frozen
class ShowReconciliation:
    """
    Shows a run and what it found.
    """

    queries: IReconciliationQueries

    def execute(
        self, run_id: UUID, limit: int, after: Cursor | None = None
    ) -> tuple[ReconciliationRun, Found]:
        """
        Return the run, and up to `limit` differences from the cursor on, oldest first.

        Raises:
            NotFound: There is no such run.
        """
        run = self.queries.run(run_id)
        if run is None:
            raise NotFound(f"There is no reconciliation run {run_id}")
        found = (
            Found(run.findings, None) if run.dry_run else self.queries.found(run_id, after, limit)
        )
        return run, found
