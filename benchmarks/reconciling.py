"""
One comparison in a process of its own: ``python -m benchmarks.reconciling merge|plain URL N``.

It compares the newest so many payments, and prints the seconds and the peak of its memory.
"""

import json
import resource
import sys
import time
from collections.abc import Iterator
from functools import partial
from typing import Final

import psycopg
from typing_extensions import override

from benchmarks.filling import PAUSE, START, moment, paid, payment_id
from payments_core.application.operations import Operations
from payments_core.application.reconcile_payments import ReconcileCommand, ReconcilePayments, Watch
from payments_core.domain.facts import ProviderPayment, ProviderPaymentStatus
from payments_core.domain.money import Money
from payments_core.domain.policy import Policy
from payments_core.domain.reconciliation import ReconciliationRun
from payments_core.ports.clock import SystemClock
from payments_core.ports.provider import Window
from payments_core.testing.fake_provider import FakePaymentProvider
from payments_postgres import (
    DatabaseSettings,
    SqlAlchemyReconciliationQueries,
    SqlAlchemyUnitOfWork,
    create_engine,
)

AMOUNT: Final = Money.from_minor(1000, "EUR")
NONE: Final = Money.zero("EUR")
_NEWEST: Final = (
    "SELECT id, created_at, provider_payment_id, status, amount, currency, captured, refunded "
    "FROM payments WHERE provider = 'stripe' ORDER BY created_at DESC, id DESC LIMIT %s"
)


class _MergedError(Exception):
    """
    The payments are compared; the rest of the run is not measured.
    """


class Listing(FakePaymentProvider):
    """
    A provider that lists an object for each payment, and keeps none of them.
    """

    @override
    def list_payments(self, window: Window) -> Iterator[ProviderPayment]:
        first, last = (-((START - end) // PAUSE) for end in (window.start, window.end))
        return objects(max(1, first), last)

    @override
    def retrieve(self, provider_payment_id: str) -> ProviderPayment:
        raise AssertionError(f"{provider_payment_id} is as it is here, and was suspected")


def objects(first: int, end: int) -> Iterator[ProviderPayment]:
    """
    Yield the objects of payments by their numbers, newest first.
    """
    for number in reversed(range(first, end)):
        taken = AMOUNT if paid(number) else NONE
        yield ProviderPayment(
            id=f"pi_{number}",
            status=ProviderPaymentStatus.SUCCEEDED
            if paid(number)
            else ProviderPaymentStatus.CANCELED,
            amount=AMOUNT,
            authorized=taken,
            captured=taken,
            created_at=moment(number),
            payment_id=payment_id(number),
        )


def merge(url: str, payments: int, held: int) -> float:
    """
    Reconcile the newest payments of so many held; return the seconds until all were compared.
    """
    engine = create_engine(DatabaseSettings(url))
    unit_of_work = partial(SqlAlchemyUnitOfWork, engine)
    operations = Operations(
        unit_of_work, {"stripe": Listing(name="stripe")}, SystemClock(), Policy()
    )
    use = ReconcilePayments(operations, SqlAlchemyReconciliationQueries(engine))
    start, end = moment(held - payments + 1), moment(held + 1)
    asked = ReconcileCommand(provider="stripe", window_start=start, window_end=end, dry_run=True)
    began = time.perf_counter()
    try:
        use.execute(asked, Watch(partial(_stop, payments)))
    except _MergedError:
        return time.perf_counter() - began
    raise AssertionError("The run ended before its payments were compared")


def _stop(payments: int, run: ReconciliationRun, _part: float) -> None:
    if run.found:
        raise AssertionError("There is nothing to find")
    if run.leg != "payments" or run.checked >= payments:
        raise _MergedError


def plain(url: str, payments: int, held: int) -> float:
    """
    Walk through the same rows and the same objects; return the seconds.
    """
    began = time.perf_counter()
    theirs = objects(held - payments + 1, held + 1)
    with psycopg.connect(url) as connection, connection.cursor(name="newest") as cursor:
        cursor.itersize = 1000
        for ours in cursor.execute(_NEWEST, (payments,)):
            if str(next(theirs).id) != ours[2]:
                raise AssertionError("The two sides are not the same payments")
    return time.perf_counter() - began


def main() -> None:
    """
    Compare what the arguments say.
    """
    what, url, payments = sys.argv[1:]
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM payments").fetchone()
    assert row
    run = {"merge": merge, "plain": plain}[what]
    seconds = run(url, int(payments), row[0])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak}))


if __name__ == "__main__":
    main()
