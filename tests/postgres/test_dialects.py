"""
How connections are set up: limits, zones, locks.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy import Engine, text

from payments_core.testing.builders import a_payment
from payments_postgres import (
    DatabaseSettings,
    SqlAlchemyPaymentQueries,
    SqlAlchemyUnitOfWork,
    create_engine,
    migrate,
)
from payments_postgres.dialects import reading, snapshot
from payments_postgres.transaction import Transaction


def shown(engine: Engine, statement: str) -> str:
    """
    Return the one value that a statement yields.
    """
    with engine.connect() as connection:
        return str(connection.execute(text(statement)).scalar_one())


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timezone", "UTC"),
        ("statement_timeout", "5s"),
        ("lock_timeout", "2s"),
        ("idle_in_transaction_session_timeout", "30s"),
        ("application_name", "payments"),
        ("transaction_isolation", "read committed"),
        ("transaction_read_only", "off"),
    ],
)
def test_postgresql_session(postgres_engine: Engine, name: str, value: str) -> None:
    """
    Each session has its limits from the start, without a statement for them.
    """
    assert shown(postgres_engine, f"SHOW {name}") == value


@pytest.mark.postgres
def test_the_address_may_say_otherwise(postgres_url: str) -> None:
    """
    What an operator writes into the address wins over the settings.
    """
    mark = "&" if "?" in postgres_url else "?"
    query = "application_name=theirs&options=-c%20statement_timeout%3D1234"
    engine = create_engine(DatabaseSettings(f"{postgres_url}{mark}{query}"))

    assert shown(engine, "SHOW application_name") == "theirs"
    assert shown(engine, "SHOW statement_timeout") == "1234ms"
    assert shown(engine, "SHOW lock_timeout") == "2s"
    engine.dispose()


@pytest.mark.postgres
def test_behind_a_pooler_nothing_stays_on_a_connection(postgres_url: str) -> None:
    """
    No statement is prepared however often it runs, and the limits are those of the server.
    """
    engine = create_engine(DatabaseSettings(postgres_url, pooler=True))
    with engine.connect() as connection:
        for _ in range(10):
            connection.execute(text("SELECT 1"))
        prepared = connection.execute(text("SELECT count(*) FROM pg_prepared_statements"))
        limit = connection.execute(
            text("SELECT source FROM pg_settings WHERE name = 'lock_timeout'")
        )

    assert prepared.scalar_one() == 0
    assert limit.scalar_one() != "client"
    engine.dispose()


@pytest.mark.postgres
def test_a_snapshot_is_one_moment_on_postgresql(postgres_engine: Engine) -> None:
    """
    Several queries see one moment and cannot write; the next user of the connection can.
    """
    engine = snapshot(postgres_engine)

    assert shown(engine, "SHOW transaction_read_only") == "on"
    assert shown(engine, "SHOW transaction_isolation") == "repeatable read"
    assert shown(postgres_engine, "SHOW transaction_read_only") == "off"
    assert shown(postgres_engine, "SHOW transaction_isolation") == "read committed"


@pytest.mark.postgres
def test_reading_once_needs_no_transaction(postgres_engine: Engine) -> None:
    """
    A single query spends no round trip on BEGIN and its end; the next user does begin one.
    """
    began = text("SELECT now()")

    def beginnings(engine: Engine) -> set[object]:
        with engine.connect() as connection:
            return {connection.execute(began).scalar_one() for _ in range(2)}

    assert len(beginnings(reading(postgres_engine))) == 2
    assert len(beginnings(postgres_engine)) == 1


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", "2"),
        ("foreign_keys", "1"),
        ("busy_timeout", "5000"),
    ],
)
def test_sqlite_session(sqlite_engine: Engine, pragma: str, value: str) -> None:
    """
    SQLite is durable, holds references, and waits for the file instead of failing at once.
    """
    assert shown(sqlite_engine, f"PRAGMA {pragma}") == value


def test_sqlite_reads_do_not_wait_for_a_writer(sqlite_engine: Engine) -> None:
    """
    While a unit of work holds the file's lock, queries go on and see what is committed.
    """
    payment = a_payment()
    with SqlAlchemyUnitOfWork(sqlite_engine) as uow:
        uow.payments.add(payment)
        during = SqlAlchemyPaymentQueries(sqlite_engine).get(payment.id)
        uow.commit()
    after = SqlAlchemyPaymentQueries(sqlite_engine).get(payment.id)

    assert during is None
    assert after is not None


def test_memory_is_one_database_for_all_threads() -> None:
    """
    A database in memory is shared: threads take turns, and see what the others did.
    """
    engine = create_engine(DatabaseSettings("sqlite://"))
    migrate(engine)
    payments = [a_payment() for _ in range(8)]

    def keep(number: int) -> bool:
        with SqlAlchemyUnitOfWork(engine) as uow:
            added = uow.payments.add(payments[number])
            uow.commit()
        return added

    with ThreadPoolExecutor(4) as pool:
        added = list(pool.map(keep, range(8)))
    queries = SqlAlchemyPaymentQueries(engine)

    assert added == [True] * 8
    assert all(queries.get(payment.id) for payment in payments)
    engine.dispose()


@pytest.mark.parametrize("url", ["sqlite://", "mysql+mysqldb://"])
def test_an_engine_that_does_not_lock_is_refused(url: str, tmp_path: Path) -> None:
    """
    SQLite passes over FOR UPDATE silently, so a foreign engine is refused at once.
    """
    if url.startswith("sqlite"):
        engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path}/foreign.db")
    else:
        engine = sqlalchemy.create_mock_engine(url, executor=print)  # type: ignore[assignment]  # no driver

    with pytest.raises(RuntimeError, match=r"payments_postgres\.create_engine"):
        SqlAlchemyUnitOfWork(engine)


def test_a_unit_of_work_gives_its_connection_back(engine: Engine) -> None:
    """
    However a block ends, its connection returns to the pool without a transaction.
    """

    def fail() -> None:
        with SqlAlchemyUnitOfWork(engine) as uow:
            uow.payments.add(a_payment())
            raise ZeroDivisionError

    for _ in range(50):
        with pytest.raises(ZeroDivisionError):
            fail()
    with Transaction(engine) as transaction:
        rows = transaction.rows(text("SELECT id FROM payments"))

    assert not rows
    assert isinstance(engine.pool, sqlalchemy.QueuePool)
    assert engine.pool.checkedout() == 0


def test_make_uow_is_a_factory(engine: Engine) -> None:
    """
    Each unit of work is a transaction of its own.
    """
    make = partial(SqlAlchemyUnitOfWork, engine)
    payment = a_payment()
    with make() as uow:
        uow.payments.add(payment)
    with make() as uow:
        found = uow.payments.get(payment.id)

    assert found is None
