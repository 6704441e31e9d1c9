"""
A reconciler killed at any of its points: the next one goes on, and everything happened once.
"""

import multiprocessing
import signal
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select

from payments_core.ports.faults import FAULT_POINTS
from payments_postgres.tables import outbox, payment_operations, reconciliation_runs
from stripe_simulator import Simulator
from tests.reconciliation.dying import LEASE, Place, reconcile_and_die
from tests.reconciliation.planting import (
    PLANTS,
    Field,
    Plant,
    Templates,
    captured_unheard,
    event_lost,
    keep_here,
    keep_there,
    object_gone,
    paid_too_late,
    refund_gone,
    refunded_elsewhere,
)
from tests.reconciliation.test_ten_thousand import found_in

pytestmark = pytest.mark.slow

POINTS = [name for name in FAULT_POINTS if name.startswith("reconcile.")]
ONCE = {"reconcile.begin", "reconcile.finish"}
CASES = [(p, nth) for p in POINTS for nth in (1, 4) if nth == 1 or p not in ONCE]
PLANTED: tuple[Plant, ...] = (
    captured_unheard,
    refunded_elsewhere,
    paid_too_late,
    object_gone,
    refund_gone,
    event_lost,
)

forked = multiprocessing.get_context("forkserver")
forked.set_forkserver_preload(["tests.reconciliation.dying"])


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """
    A provider over HTTP.
    """
    with Simulator(seed=1) as running:
        yield running


def sow(engine: Engine, simulator: Simulator, now: datetime) -> Counter[object]:
    """
    Keep a few payments on both sides; return what must be found.
    """
    field = Field(Templates(simulator), now - timedelta(hours=2), timedelta(seconds=30))
    made = [field.pair(number) for number in range(10)]
    planted = [(plant, plant(field, 100 + 5 * n)) for n, plant in enumerate(PLANTED)]
    pairs = made + [pair for _, pair in planted]
    keep_here(engine, pairs)
    keep_there(simulator, pairs)
    return Counter((str(pair.payment.id), *PLANTS[plant]) for plant, pair in planted)


@pytest.mark.parametrize(("point", "nth"), CASES)
def test_the_next_goes_on(engine: Engine, simulator: Simulator, point: str, nth: int) -> None:
    """
    X1 to X6, by SIGKILL: the run is ended by the next, each effect is there once.

    A refund that was committed and not sent is recovery's: it is in the log, and not sent here.
    """
    now = datetime.now(UTC)
    expected = sow(engine, simulator, now)
    url = engine.url.render_as_string(hide_password=False)
    place = Place(url, simulator.url, simulator.api_key, now - timedelta(hours=3), now)
    asked = sum(r["method"] == "POST" for r in simulator.requests())
    process = forked.Process(target=reconcile_and_die, args=(place, point, nth))
    process.start()
    process.join(60)
    died = process.exitcode
    time.sleep(LEASE.total_seconds() + 0.1)
    with place.using() as use:
        use.execute(place.command)
    with engine.connect() as connection:
        states = list(connection.execute(select(reconciliation_runs.c.status)).scalars())
        told = Counter(connection.execute(select(outbox.c.name)).scalars())
        refund = payment_operations.c.kind == "refund"
        logged = list(
            connection.execute(select(payment_operations.c.state).where(refund)).scalars()
        )
    sent = sum(r["method"] == "POST" for r in simulator.requests()) - asked

    assert died == -signal.SIGKILL
    assert states in (["completed", "completed"], ["completed"])
    assert found_in(engine) == expected
    assert told["IPaymentDiscrepancyFound"] == len(PLANTED)
    assert told["IReconciliationCompleted"] == len(states)
    assert (logged, sent) in ((["succeeded"], 1), (["sent"], 0))
