"""
Databases of their own for the proofs of recovery, and how large the proofs are.
"""

import os
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine, text

from payments_postgres import DatabaseSettings, create_engine, migrate
from payments_postgres.tables import metadata
from scripts.servers import SERVERS
from stripe_simulator import Simulator
from tests.recovery.shop import Shop


@pytest.fixture(scope="session")
def scaled() -> Callable[[int, int], int]:
    """
    What chooses between the count of every run and that of a release.
    """
    release = os.environ.get("PROOF_SCALE") == "release"
    return lambda usual, released: released if release else usual


@pytest.fixture(scope="session")
def _shared_postgres(postgres_url: str) -> Iterator[Engine]:
    """
    One PostgreSQL database for this folder's tests, made once because that takes longest.
    """
    server = SERVERS["postgres"]
    with server.room(postgres_url) as variables:
        engine = create_engine(DatabaseSettings(variables[server.variable], pool_size=20))
        migrate(engine)
        yield engine
        engine.dispose()


@pytest.fixture
def postgres(_shared_postgres: Engine) -> Iterator[Engine]:
    """
    An empty PostgreSQL database.
    """
    with _shared_postgres.begin() as connection:
        # The audit log refuses this to everybody but its owner, who does it on purpose.
        connection.execute(text("ALTER TABLE audit_log DISABLE TRIGGER USER"))
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
        connection.execute(text("ALTER TABLE audit_log ENABLE TRIGGER USER"))
    yield _shared_postgres
    # A server has a hundred connections for everyone, and twenty of them need not wait here.
    _shared_postgres.dispose()


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """
    A simulated Stripe that sends no webhooks: recovery is alone.
    """
    with Simulator(seed=5, delay_seconds=60) as running:
        yield running


@pytest.fixture
def shop(postgres: Engine, simulator: Simulator) -> Iterator[Shop]:
    """
    The use cases with the real adapter, on PostgreSQL, in the simulator's time.
    """
    shop = Shop(postgres, simulator)
    yield shop
    shop.close()


@pytest.fixture
def hasty_shop(postgres: Engine, simulator: Simulator) -> Iterator[Shop]:
    """
    The same with little patience, so that a lost answer costs a second.
    """
    shop = Shop(postgres, simulator, patience=1.0)
    yield shop
    shop.close()
