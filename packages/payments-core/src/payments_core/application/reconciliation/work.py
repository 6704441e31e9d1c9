"""
One process at work on one run: leg after leg, with a sign of life now and then.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

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
from payments_core.domain.discrepancy import Discrepancy
from payments_core.domain.errors import ConcurrentUpdate, PaymentsError
from payments_core.domain.events import ReconciliationCompleted
from payments_core.domain.reconciliation import (
    ReconciliationPolicy,
    ReconciliationRun,
    RunStatus,
)
from payments_core.ports.errors import ProviderError
from payments_core.ports.faults import faultpoint
from payments_core.ports.reconciliation import IReconciliationQueries

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


UNWATCHED: Final = Watch()


class _Taken(Exception):
    """
    The run is another process's by now.
    """


@attrs.define
class Work:
    """
    One process at work on one run.
    """

    operations: Operations
    queries: IReconciliationQueries
    policy: ReconciliationPolicy
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
        provider = self.operations.provider(self.run.provider)
        return Sources(provider, self.queries, self.policy, self.operations.clock.now())

    def _unseen(self) -> Iterator[Suspect]:
        """
        Yield what the complete listing did not show; the provider is asked about each.
        """
        if len(self.run.unseen) >= self.policy.most_missing:
            self._miss("So much is not there that this must be another account; nothing is said")
            return
        for ids in (self.run.unseen[n : n + 100] for n in range(0, len(self.run.unseen), 100)):
            known = self.queries.by_id(self.run.provider, ids)
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
            return suspect(Desk(self.operations, self.run))
        except (ProviderError, ConcurrentUpdate) as error:
            self._miss(f"{self.run.leg}: {error}")
        return ()

    def _go_on(self, moment: datetime, checked: int, unseen: Sequence[UUID]) -> None:
        most = self.policy.most_missing
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
        now = self.operations.clock.now()
        due = self._saved_at is None or now - self._saved_at >= self.policy.save_every
        if due:
            self._save(attrs.evolve(self.run, lease_until=now + self.policy.lease))
            self._saved_at = now

    def _save(self, run: ReconciliationRun, *events: ReconciliationCompleted) -> None:
        self.run = run
        if run.lease_token is None:
            return
        with self.operations.unit_of_work() as uow:
            if not uow.reconciliations.save(run):
                raise _Taken
            if events:
                uow.outbox.add(events)
            faultpoint("reconcile.save.precommit")
            uow.commit()
        faultpoint("reconcile.save.commit")

    def _end(self, status: RunStatus) -> None:
        now = self.operations.clock.now()
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
                self._save(attrs.evolve(self.run, lease_until=self.operations.clock.now()))
        except (_Taken, PaymentsError):
            _log.warning("Reconciliation %s goes on when its lease is over", self.run.id)


def _is_ours(error: BaseException) -> bool:
    return isinstance(error, Exception) and not getattr(error, "retryable", False)


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
