"""
Empty databases with the newest schema: SQLite as a file, and PostgreSQL as it is.
"""

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from payments_core.ports.unit_of_work import UnitOfWorkFactory
from payments_postgres import (
    DatabaseSettings,
    SqlAlchemyPaymentQueries,
    SqlAlchemyUnitOfWork,
    create_engine,
    migrate,
)
from payments_postgres.tables import metadata
from scripts.servers import SERVERS

POSTGRES = pytest.param("postgresql", marks=pytest.mark.postgres)


@pytest.fixture
def empty_postgres_url(postgres_url: str) -> Iterator[str]:
    """
    The address of a PostgreSQL database without any table.
    """
    server = SERVERS["postgres"]
    with server.room(postgres_url) as variables:
        yield variables[server.variable]


@pytest.fixture(scope="session")
def _shared_postgres(postgres_url: str) -> Iterator[Engine]:
    """
    One PostgreSQL database for this folder's tests, made once because that takes longest.
    """
    server = SERVERS["postgres"]
    with server.room(postgres_url) as variables:
        settings = DatabaseSettings(variables[server.variable], pool_size=20)
        engine = create_engine(settings)
        migrate(engine)
        yield engine
        engine.dispose()


@pytest.fixture
def postgres_engine(_shared_postgres: Engine) -> Engine:
    """
    An empty PostgreSQL database.
    """
    with _shared_postgres.begin() as connection:
        # The audit log refuses this to everybody but its owner, who does it on purpose.
        connection.execute(text("ALTER TABLE audit_log DISABLE TRIGGER USER"))
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
        connection.execute(text("ALTER TABLE audit_log ENABLE TRIGGER USER"))
    return _shared_postgres


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    An empty database file, migrated once; a copy of it is quicker.
    """
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    engine = create_engine(DatabaseSettings(f"sqlite:///{path}"))
    migrate(engine)
    engine.dispose()
    return path


@pytest.fixture
def sqlite_engine(tmp_path: Path, _sqlite_template: Path) -> Iterator[Engine]:
    """
    An empty SQLite database in a file.
    """
    path = shutil.copy(_sqlite_template, tmp_path / "payments.db")
    engine = create_engine(DatabaseSettings(f"sqlite:///{path}", pool_size=20))
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", POSTGRES])
def engine(request: pytest.FixtureRequest) -> Engine:
    """
    Each database in turn.
    """
    name = "postgres_engine" if request.param == "postgresql" else "sqlite_engine"
    found = request.getfixturevalue(name)
    assert isinstance(found, Engine)
    return found


@pytest.fixture
def make_uow(engine: Engine) -> UnitOfWorkFactory:
    """
    What gives a fresh unit of work at each call.
    """
    return partial(SqlAlchemyUnitOfWork, engine)


@pytest.fixture
def queries(engine: Engine) -> SqlAlchemyPaymentQueries:
    """
    The read side.
    """
    return SqlAlchemyPaymentQueries(engine)
