"""
A process that reconciles, and is killed at a point of its own choice.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial

import attrs

from payments_core.application.operations import Operations
from payments_core.application.reconcile_payments import ReconcileCommand, ReconcilePayments
from payments_core.domain.policy import Policy
from payments_core.domain.reconciliation import ReconciliationPolicy
from payments_core.ports.clock import SystemClock
from payments_core.ports.faults import hooked
from payments_postgres import (
    DatabaseSettings,
    SqlAlchemyReconciliationQueries,
    SqlAlchemyUnitOfWork,
    create_engine,
)
from payments_stripe import StripePaymentProvider, StripeSettings

LEASE = timedelta(seconds=0.5)


@attrs.frozen
class Place:
    """
    Where both sides are, and which time is compared.
    """

    database: str
    simulator: str
    key: str
    start: datetime
    end: datetime

    @contextmanager
    def using(self) -> Iterator[ReconcilePayments]:
        """
        Give the use case, with connections of this process's own.
        """
        engine = create_engine(DatabaseSettings(self.database, pool_size=2))
        settings = StripeSettings(
            api_key=self.key,
            webhook_secrets=("whsec_one",),
            api_base=self.simulator,
            deadline=60.0,
            read_timeout=30.0,
        )
        provider = StripePaymentProvider(settings)
        operations = Operations(
            partial(SqlAlchemyUnitOfWork, engine),
            {"stripe": provider},
            SystemClock(),
            Policy(),
        )
        policy = ReconciliationPolicy(lease=LEASE, save_every=timedelta(0), batch=3)
        yield ReconcilePayments(operations, SqlAlchemyReconciliationQueries(engine), policy)
        provider.close()
        engine.dispose()

    @property
    def command(self) -> ReconcileCommand:
        """
        Return what to compare.
        """
        return ReconcileCommand(provider="stripe", window_start=self.start, window_end=self.end)


def reconcile_and_die(place: Place, point: str, nth: int) -> None:
    """
    Reconcile until that point is passed for the nth time, and be killed there.
    """
    passed = 0

    def die(name: str) -> None:
        nonlocal passed
        passed += name == point
        if name == point and passed == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    with hooked(die), place.using() as use:
        use.execute(place.command)
