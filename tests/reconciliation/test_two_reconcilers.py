"""
Two reconcilers at once, on both databases: one run, and one effect of whatever was found.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID, uuid4

import attrs
import pytest
from sqlalchemy import Engine, select

from payments_core.application.operations import Operations
from payments_core.application.reconcile_payments import ReconcileCommand, ReconcilePayments
from payments_core.domain.discrepancy import DiscrepancyKind
from payments_core.domain.errors import ReconciliationRunning
from payments_core.domain.facts import ProviderPaymentStatus
from payments_core.domain.payment import Payment
from payments_core.domain.policy import Policy
from payments_core.domain.reconciliation import ReconciliationPolicy, ReconciliationRun
from payments_core.ports.faults import hooked
from payments_core.ports.outbox import OutboxStatus
from payments_core.ports.unit_of_work import UnitOfWorkFactory
from payments_core.testing.builders import NOW, a_fact, a_payment, answered
from payments_core.testing.clock import ManualClock
from payments_core.testing.fake_provider import FakePaymentProvider
from payments_postgres import SqlAlchemyReconciliationQueries
from payments_postgres.tables import discrepancies, outbox, payments, reconciliation_runs

pytestmark = pytest.mark.slow

TRIALS = 1000 if os.environ.get("PROOF_SCALE") == "release" else 60
P = ProviderPaymentStatus


@attrs.frozen
class Trial:
    """
    A provider of its own, with late money and an approval that nobody heard of.
    """

    provider: FakePaymentProvider
    late: Payment
    approved: Payment
    use: ReconcilePayments
    engine: Engine

    def command(self) -> ReconcileCommand:
        """
        Return what both ask for.
        """
        return ReconcileCommand(
            provider=self.provider.name,
            window_start=NOW - timedelta(hours=1),
            window_end=NOW + timedelta(hours=1),
        )

    def execute(self) -> ReconciliationRun | None:
        """
        Reconcile; None if that is refused.
        """
        try:
            return self.use.execute(self.command())
        except ReconciliationRunning:
            return None


def begin(make_uow: UnitOfWorkFactory, engine: Engine, number: int) -> Trial:
    """
    Plant two differences with a provider of their own.
    """
    clock = ManualClock(NOW + timedelta(hours=2))
    provider = FakePaymentProvider(name=f"fake-{number}-{uuid4().hex[:6]}", clock=clock)
    late = answered(a_payment(provider=provider.name), P.CANCELED, id=f"pi_late_{number}")
    approved = answered(a_payment(provider=provider.name), P.REQUIRES_ACTION, id=f"pi_{number}")
    with make_uow() as uow:
        for payment in (late, approved):
            assert uow.payments.add(payment)
            fact = a_fact(payment, P.SUCCEEDED, id=payment.provider_payment_id)
            provider.put(fact)
        uow.outbox.sent(uow.outbox.waiting(clock.now(), 9), OutboxStatus.PUBLISHED, NOW)
        uow.commit()
    operations = Operations(make_uow, {provider.name: provider}, clock, Policy())
    queries = SqlAlchemyReconciliationQueries(engine)
    quick = ReconciliationPolicy(save_every=timedelta(0), grace=timedelta(0))
    return Trial(provider, late, approved, ReconcilePayments(operations, queries, quick), engine)


def at_once(*acts: Callable[[], object]) -> list[object]:
    """
    Do things in threads that start together.
    """
    start = threading.Barrier(len(acts))

    def wait(act: Callable[[], object]) -> object:
        start.wait(60)
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(wait, acts))


def one_effect(trial: Trial) -> None:
    """
    Each difference was found, told and repaired once.
    """
    ids: list[UUID] = [trial.late.id, trial.approved.id]
    with trial.engine.connect() as connection:
        found = connection.execute(
            select(discrepancies.c.kind, discrepancies.c.repair).where(
                discrepancies.c.payment_id.in_(ids)
            )
        ).all()
        told = connection.execute(select(outbox.c.name).where(outbox.c.payment_id.in_(ids)))
        names = sorted(told.scalars())
        states = connection.execute(
            select(payments.c.status, payments.c.captured).where(payments.c.id.in_(ids))
        ).all()

    assert trial.provider.calls == ["refund"]
    assert sorted(map(tuple, found)) == [
        (DiscrepancyKind.LATE_SUCCESS.value, "begun"),
        (DiscrepancyKind.STATUS_MISMATCH.value, "settled"),
    ]
    assert names == [
        "IPaymentDiscrepancyFound",
        "IPaymentDiscrepancyFound",
        "IPaymentFailed",
        "IPaymentSucceeded",
    ]
    assert sorted(map(tuple, states)) == [("Canceled", 1000), ("Succeeded", 1000)]


def test_two_at_once(make_uow: UnitOfWorkFactory, engine: Engine) -> None:
    """
    K12: one runs and one is refused, or runs after it and finds nothing.
    """
    for number in range(TRIALS):
        trial = begin(make_uow, engine, number)
        ended = at_once(trial.execute, trial.execute)
        fresh = [run.fresh for run in ended if isinstance(run, ReconciliationRun)]

        assert sum(fresh) == 2
        one_effect(trial)


def test_one_that_was_stopped_and_one_that_took_over(
    make_uow: UnitOfWorkFactory, engine: Engine
) -> None:
    """
    A process that sleeps past its lease, in any place, wakes beside the one that took over.
    """
    places = [
        "reconcile.page",
        "reconcile.read.after",
        "reconcile.apply.commit",
        "reconcile.save.commit",
    ]
    for number in range(TRIALS):
        trial = begin(make_uow, engine, number)
        place, slept = places[number % len(places)], threading.Event()

        def sleep(
            name: str, place: str = place, trial: Trial = trial, slept: threading.Event = slept
        ) -> None:
            if name == place and not slept.is_set():
                slept.set()
                clock = trial.use.operations.clock
                assert isinstance(clock, ManualClock)
                clock.advance(minutes=2)
                with ThreadPoolExecutor(1) as other:
                    other.submit(trial.use.take).result(60)

        with hooked(sleep):
            trial.execute()
        with engine.connect() as connection:
            states = connection.execute(
                select(reconciliation_runs.c.status).where(
                    reconciliation_runs.c.provider == trial.provider.name
                )
            ).scalars()

            assert list(states) == ["completed"]
        one_effect(trial)
