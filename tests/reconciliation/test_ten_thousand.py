"""
Every kind of difference among ten thousand payments: all found, none invented, repaired once.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import uuid4

import attrs
import pytest
from sqlalchemy import Engine, select

from payments_core.application.operations import Operations
from payments_core.application.process_webhooks import ProcessWebhooks
from payments_core.application.reconcile_payments import ReconcileCommand, ReconcilePayments
from payments_core.domain.discrepancy import DiscrepancyKind, Repair
from payments_core.domain.policy import Policy
from payments_core.domain.reconciliation import ReconciliationRun, RunStatus
from payments_core.ports.clock import SystemClock
from payments_postgres import SqlAlchemyReconciliationQueries, SqlAlchemyUnitOfWork
from payments_postgres.tables import discrepancies, metadata, outbox
from payments_stripe import StripePaymentProvider, StripeSettings
from stripe_simulator import Simulator
from tests.reconciliation.planting import (
    PLANTS,
    Field,
    Pair,
    Plant,
    Templates,
    keep_here,
    keep_there,
)

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

PAYMENTS = 10_000
TIMES = 3
EVERY = 150
"""
Each so many payments one is planted.
"""

Sown = dict[str, tuple[Plant, Pair]]


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """
    A provider over HTTP.
    """
    with Simulator(seed=1) as running:
        yield running


@pytest.fixture
def provider(simulator: Simulator) -> Iterator[StripePaymentProvider]:
    """
    Stripe's adapter on it.
    """
    made = StripePaymentProvider(
        StripeSettings(
            api_key=simulator.api_key,
            webhook_secrets=(simulator.webhook_secret,),
            api_base=simulator.url,
            deadline=60.0,
            read_timeout=30.0,
        )
    )
    yield made
    made.close()


def sow(engine: Engine, simulator: Simulator, now: datetime) -> Sown:
    """
    Keep the payments on both sides; return where each difference must show.
    """
    field = Field(Templates(simulator), now - timedelta(days=2), timedelta(seconds=15))
    plants = [plant for plant in PLANTS for _ in range(TIMES)]
    pairs, sown = [], {}
    for number in range(PAYMENTS):
        planted = number % EVERY == 0 and plants
        plant = plants.pop() if planted else None
        pair = plant(field, number) if plant else field.pair(number)
        pairs.append(pair)
        if plant:
            sown[str(pair.payment.id)] = (plant, pair)
    assert not plants
    keep_here(engine, pairs)
    keep_there(simulator, pairs)
    return sown


def expected(sown: Sown) -> Counter[tuple[str, DiscrepancyKind, Repair | None]]:
    """
    Return what must be found, by the payment or, where there is none, the object.
    """
    found: Counter[tuple[str, DiscrepancyKind, Repair | None]] = Counter()
    for payment_id, (plant, pair) in sown.items():
        kind, repair = PLANTS[plant]
        nobody = kind is DiscrepancyKind.MISSING_LOCAL and repair is None
        found[pair.intents[-1]["id"] if nobody else payment_id, kind, repair] += 1
    return found


def found_in(engine: Engine) -> Counter[tuple[str, DiscrepancyKind, Repair | None]]:
    """
    Return what is kept.
    """
    with engine.connect() as connection:
        rows = connection.execute(select(discrepancies)).all()
    return Counter(
        (
            str(row.payment_id or row.provider_object_id),
            DiscrepancyKind(row.kind),
            Repair(row.repair) if row.repair else None,
        )
        for row in rows
    )


def everything(engine: Engine) -> dict[str, set[tuple[object, ...]]]:
    """
    Return every row, but for runs and the message that tells their end.
    """
    with engine.connect() as connection:
        return {
            name: {tuple(row) for row in connection.execute(select(table))}
            for name, table in metadata.tables.items()
            if name not in {"reconciliation_runs", "outbox", "audit_log"}
        }


def told(engine: Engine) -> Counter[str]:
    """
    Return how many messages of each name were written.
    """
    with engine.connect() as connection:
        return Counter(connection.execute(select(outbox.c.name)).scalars())


def test_all_found_none_invented_repaired_once(
    postgres_engine: Engine, simulator: Simulator, provider: StripePaymentProvider
) -> None:
    """
    What was planted is found and repaired as it may be; a second run changes nothing.
    """
    engine, now = postgres_engine, datetime.now(UTC)
    sown = sow(engine, simulator, now)
    operations = Operations(
        partial(SqlAlchemyUnitOfWork, engine), {"stripe": provider}, SystemClock(), Policy()
    )
    use = ReconcilePayments(operations, SqlAlchemyReconciliationQueries(engine))
    asked = ReconcileCommand(
        provider="stripe", window_start=now - timedelta(days=3), window_end=now
    )
    begun = sum(r["method"] == "POST" for r in simulator.requests())
    first = use.execute(asked)
    ProcessWebhooks(operations).execute()
    before, news = everything(engine), told(engine)
    writes = [r for r in simulator.requests() if r["method"] == "POST"][begun:]
    again: ReconciliationRun = use.execute(attrs.evolve(asked, run_id=uuid4()))

    assert first.status is RunStatus.COMPLETED, first.error
    assert found_in(engine) == expected(sown)
    assert set(first.kinds) == {kind.value for kind in DiscrepancyKind}
    assert min(first.kinds.values()) >= TIMES
    assert first.checked > 2 * PAYMENTS
    assert news["IPaymentDiscrepancyFound"] == first.fresh == first.found == len(sown)
    assert len(writes) == TIMES, "only late money is given back"
    assert (again.status, again.fresh, again.repaired) == (RunStatus.COMPLETED, 0, 0)
    assert again.found == first.found - first.repaired
    assert everything(engine) == before
    assert told(engine) - news == Counter({"IReconciliationCompleted": 1})
    assert [r for r in simulator.requests() if r["method"] == "POST"][begun:] == writes
