"""
A hundred thousand payments: memory does not grow with them, and neither does the time for each.
"""

import gc
import logging
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing import get_context
from uuid import UUID

import psutil  # type: ignore[import-untyped]  # ships no types
import pytest
from sqlalchemy import Engine, text
from typing_extensions import override

from payments_core.application.operations import Operations
from payments_core.application.reconcile_payments import (
    ReconcileCommand,
    ReconcilePayments,
    Watch,
)
from payments_core.domain.facts import ProviderPayment, ProviderPaymentStatus
from payments_core.domain.policy import Policy
from payments_core.domain.reconciliation import ReconciliationRun, RunStatus
from payments_core.ports.clock import SystemClock
from payments_core.ports.provider import Window
from payments_core.testing.builders import eur
from payments_core.testing.fake_provider import FakePaymentProvider
from payments_postgres import (
    DatabaseSettings,
    SqlAlchemyReconciliationQueries,
    SqlAlchemyUnitOfWork,
    create_engine,
)

pytestmark = pytest.mark.slow

PAYMENTS = 100_000
START = datetime(2026, 11, 1, tzinfo=UTC)
PAUSE = timedelta(seconds=1)
END = START + PAYMENTS * PAUSE
SAMPLES = (10_000, 50_000, 100_000)

_log = logging.getLogger(__name__)


class ListingProvider(FakePaymentProvider):
    """
    A provider that has an object for each payment, and keeps none of them.
    """

    @override
    def list_payments(self, window: Window) -> Iterator[ProviderPayment]:
        ten = eur("10.00")
        first = max(0, -((START - window.start) // PAUSE))
        last = min(PAYMENTS, -((START - window.end) // PAUSE))
        for number in reversed(range(first, last)):
            yield ProviderPayment(
                id=f"pi_{number}",
                status=ProviderPaymentStatus.SUCCEEDED,
                amount=ten,
                authorized=ten,
                captured=ten,
                created_at=START + number * PAUSE,
                payment_id=UUID(int=number + 1),
            )


FILL = (
    """
    INSERT INTO payments (id, order_id, customer_id, amount, currency, authorized, captured,
        refunded, capture_method, provider, status, provider_payment_id, provider_status,
        cancel_requested, unresolved_operations, refund_count, version, created_at, updated_at)
    WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < :last)
    SELECT printf('%032x', n + 1), printf('%032x', n + 1), 'alice', 1000, 'EUR', 1000, 1000,
        0, 'automatic', 'fake', 'Succeeded', 'pi_' || n, 'succeeded', 0, 0, 0, 1,
        strftime('%Y-%m-%d %H:%M:%S.000000', :start, '+' || n || ' seconds'),
        strftime('%Y-%m-%d %H:%M:%S.000000', :start, '+' || n || ' seconds')
    FROM numbers
    """,
    "INSERT INTO orders (order_id, event_seq, known) SELECT order_id, 1, 0 FROM payments",
    """
    INSERT INTO outbox (id, order_id, payment_id, sequence, name, destination, content_type,
        body, created_at, status, attempts)
    SELECT id, order_id, id, 1, 'IPaymentSucceeded', 'x', 'application/json', '{}', created_at,
        'published', 0 FROM payments
    """,
    "ANALYZE",
)


@pytest.fixture
def filled(sqlite_engine: Engine) -> Engine:
    """
    A database with the payments, their orders and what was told of them.
    """
    values = {"last": PAYMENTS - 1, "start": START.strftime("%Y-%m-%d %H:%M:%S")}
    with sqlite_engine.begin() as connection:
        for statement in FILL:
            connection.execute(text(statement), values)
    return sqlite_engine


def run(engine: Engine, payments: int, watch: Watch) -> ReconciliationRun:
    """
    Reconcile the newest so many payments.
    """
    provider = ListingProvider()
    operations = Operations(
        partial(SqlAlchemyUnitOfWork, engine), {"fake": provider}, SystemClock(), Policy()
    )
    use = ReconcilePayments(operations, SqlAlchemyReconciliationQueries(engine))
    asked = ReconcileCommand(
        provider="fake", window_start=END - payments * PAUSE, window_end=END, dry_run=True
    )
    return use.execute(asked, watch)


def test_memory_does_not_grow(filled: Engine) -> None:
    """
    After 10,000, 50,000 and 100,000 comparisons the process holds the same, but for noise.

    The process is its own: in one that ran other tests before, their holes are filled meanwhile.
    """
    url = filled.url.render_as_string(hide_password=False)
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        resident, objects = pool.submit(_held, url).result()
    curve = ", ".join(f"{n}: {resident[n]:.1f} MB, {objects[n]} objects" for n in SAMPLES)
    _log.warning("Memory after so many comparisons: %s", curve)

    assert resident[100_000] - resident[10_000] < 5, curve
    assert objects[100_000] - objects[10_000] < 10_000, curve


def _held(url: str) -> tuple[dict[int, float], dict[int, int]]:
    """
    Return the megabytes and the objects that this process holds after so many comparisons.
    """
    resident: dict[int, float] = {}
    objects: dict[int, int] = {}
    process = psutil.Process()

    def look(now: ReconciliationRun, _part: float) -> None:
        for sample in SAMPLES:
            if now.checked >= sample and sample not in resident:
                resident[sample] = process.memory_info().rss / 1e6
                objects[sample] = len(gc.get_objects())

    ended = run(create_engine(DatabaseSettings(url)), PAYMENTS, Watch(look))

    assert (ended.status, ended.found) == (RunStatus.COMPLETED, 0)
    assert ended.checked == 2 * PAYMENTS, "each payment with its object, and with its messages"
    return resident, objects


def test_speed(filled: Engine) -> None:
    """
    A payment takes as long among a hundred thousand as among ten thousand.
    """
    run(filled, 1_000, Watch())
    few, many = (_seconds(filled, number) for number in (10_000, PAYMENTS))
    rates = f"{10_000 / few:.0f} and {PAYMENTS / many:.0f}"
    _log.warning("Payments merged in a second of processor time: %s", rates)

    assert many < 10 * few * 2.5, rates


def _seconds(engine: Engine, payments: int) -> float:
    merged: list[float] = []

    def look(now: ReconciliationRun, _part: float) -> None:
        if now.leg == "payments":
            merged.append(time.process_time())

    began = time.process_time()
    ended = run(engine, payments, Watch(look))

    assert ended.found == 0
    return merged[-1] - began
