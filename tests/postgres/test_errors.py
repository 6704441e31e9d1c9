"""
What the database's errors become, and what never leaves with them.
"""

import re
import socket
import struct
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from uuid import uuid4

import attrs
import psycopg
import pytest
from sqlalchemy import Engine, exc, text

from payments_core.domain.errors import (
    ConcurrentUpdate,
    PaymentsError,
    StorageRefused,
    StorageUnavailable,
)
from payments_core.testing.builders import a_payment, eur
from payments_postgres import (
    DatabaseSettings,
    SqlAlchemyPaymentQueries,
    SqlAlchemyUnitOfWork,
    create_engine,
    is_current,
    migrate,
)
from payments_postgres.errors import meaning
from payments_postgres.transaction import Transaction
from tests.faults.freezing import frozen
from tests.faults.private_servers import PrivatePostgres

STATES = [
    ("08006", StorageUnavailable),
    ("22021", StorageRefused),
    ("22P05", StorageRefused),
    ("23505", ConcurrentUpdate),
    ("23502", StorageRefused),
    ("23503", StorageRefused),
    ("23514", StorageRefused),
    ("25006", StorageUnavailable),
    ("25P03", StorageUnavailable),
    ("28P01", StorageUnavailable),
    ("40001", ConcurrentUpdate),
    ("40P01", ConcurrentUpdate),
    ("42501", StorageUnavailable),
    ("42601", StorageRefused),
    ("42703", StorageUnavailable),
    ("42P01", StorageUnavailable),
    ("53300", StorageUnavailable),
    ("55P03", ConcurrentUpdate),
    ("57014", StorageUnavailable),
    ("57P01", StorageUnavailable),
    ("58030", StorageUnavailable),
]


@pytest.mark.parametrize(("sqlstate", "expected"), STATES)
def test_sqlstate(sqlstate: str, expected: type[PaymentsError]) -> None:
    """
    Each SQLSTATE means one error of ours, and says so without the server's text.
    """
    cause = psycopg.errors.lookup(sqlstate)("DETAIL: Failing row contains (pi_1_secret_x)")
    error = meaning(exc.DBAPIError.instance("SELECT 'sql'", {"a": "b"}, cause, psycopg.Error))

    assert type(error) is expected
    assert "secret" not in str(error)
    assert "SELECT" not in str(error)


@contextmanager
def refused(kind: type[PaymentsError], *hidden: str, words: str | None = None) -> Iterator[None]:
    """
    Expect an error of ours that stands alone, says the words and holds none of the hidden ones.
    """
    with pytest.raises(kind, match=words) as caught:
        yield
    printed = "".join(traceback.format_exception_only(caught.value))
    assert type(caught.value) is kind
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert not [word for word in hidden if word in printed]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://payments:s3cr3t@127.0.0.1:1/payments", "Nothing accepts a connection"),
        ("postgresql://payments:s3cr3t@/payments?host=/nowhere", "Nothing accepts a connection"),
        ("sqlite:////nowhere/at/all.db", "does not answer"),
    ],
)
def test_a_database_that_is_not_there(url: str, words: str) -> None:
    """
    A refused connection is a StorageUnavailable that says so, wherever it is noticed.
    """
    engine = create_engine(DatabaseSettings(url))
    for attempt in (
        SqlAlchemyPaymentQueries(engine).ping,
        SqlAlchemyUnitOfWork(engine).__enter__,
        partial(migrate, engine),
        partial(is_current, engine),
    ):
        with refused(StorageUnavailable, "s3cr3t", "nowhere", "127.0.0.1", words=words):
            attempt()
    engine.dispose()


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """
    What SQLite cannot read is a StorageUnavailable, though Python's own driver says it first.
    """
    path = tmp_path / "notes.txt"
    path.write_text("s3cr3t" * 1000)
    engine = create_engine(DatabaseSettings(f"sqlite:///{path}"))

    with refused(StorageUnavailable, "s3cr3t", "notes"):
        SqlAlchemyPaymentQueries(engine).ping()
    engine.dispose()


@pytest.mark.postgres
def test_wrong_database_name(postgres_url: str) -> None:
    """
    A database that does not exist is a StorageUnavailable that says so.
    """
    url = re.sub(r"/[^/?]+(\?|$)", r"/no_such_database\1", postgres_url)
    engine = create_engine(DatabaseSettings(url))

    with refused(StorageUnavailable, "no_such_database", words="no database of that name"):
        SqlAlchemyPaymentQueries(engine).ping()
    engine.dispose()


@pytest.fixture
def refusing() -> Iterator[Callable[[str, str], int]]:
    """
    Start a server that asks for a password and refuses with a SQLSTATE and words; its port.
    """
    with ExitStack() as stack:

        def start(sqlstate: str, words: str) -> int:
            said = b"".join(f"{p}\0".encode() for p in ("SFATAL", f"C{sqlstate}", f"M{words}"))
            server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

            def answer() -> None:
                with server.accept()[0] as client:
                    client.recv(1024)
                    client.sendall(b"R" + struct.pack("!ii", 8, 3))
                    client.recv(1024)
                    client.sendall(b"E" + struct.pack("!i", len(said) + 5) + said + b"\0")

            thread = threading.Thread(target=answer)
            thread.start()
            stack.callback(thread.join)
            port: int = server.getsockname()[1]
            return port

        yield start


@pytest.mark.parametrize(
    ("sqlstate", "said", "words"),
    [
        ("28P01", 'password authentication failed for user "payments"', "user or password"),
        ("28000", 'role "payments" does not exist', "user or password"),
        ("3D000", 'database "payments" does not exist', "no database of that name"),
        ("53300", "sorry, too many clients already", "try again.*53300"),
        ("57P03", "the database system is starting up", "try again.*57P03"),
        ("XX000", "etwas anderes", "try again"),
    ],
)
def test_a_server_that_refuses_the_connection(
    refusing: Callable[[str, str], int], sqlstate: str, said: str, words: str
) -> None:
    """
    What a server says instead of letting us in becomes words of ours, without name or password.
    """
    port = refusing(sqlstate, said)
    url = f"postgresql://payments:s3cr3t@127.0.0.1:{port}/payments?sslmode=disable"
    engine = create_engine(DatabaseSettings(f"{url}&gssencmode=disable"))

    with refused(StorageUnavailable, "s3cr3t", '"payments"', "127.0.0.1", words=words):
        SqlAlchemyPaymentQueries(engine).ping()
    engine.dispose()


def test_a_database_without_tables(tmp_path: Path) -> None:
    """
    A schema that was never made says that it must be migrated.
    """
    engine = create_engine(DatabaseSettings(f"sqlite:///{tmp_path}/empty.db"))

    with pytest.raises(StorageUnavailable, match="migrate the database"):
        SqlAlchemyPaymentQueries(engine).get(uuid4())
    engine.dispose()


@pytest.mark.postgres
def test_an_old_schema(empty_postgres_url: str) -> None:
    """
    On PostgreSQL too.
    """
    engine = create_engine(DatabaseSettings(empty_postgres_url))

    with pytest.raises(StorageUnavailable, match="migrate the database"):
        SqlAlchemyPaymentQueries(engine).get(uuid4())
    engine.dispose()


def test_no_connection_is_free(tmp_path: Path) -> None:
    """
    A pool that is used up is a StorageUnavailable that names the setting.
    """
    settings = DatabaseSettings(f"sqlite:///{tmp_path}/p.db", pool_size=1, pool_timeout_seconds=0.1)
    engine = create_engine(settings)

    with Transaction(engine), pytest.raises(StorageUnavailable, match="pool_size"):
        Transaction(engine)
    engine.dispose()


def test_a_row_that_stays_locked(engine: Engine) -> None:
    """
    Who waits too long for another's payment is told to try again.
    """
    settings = DatabaseSettings(
        engine.url.render_as_string(hide_password=False),
        statement_timeout_seconds=0.5,
        lock_timeout_seconds=0.2,
    )
    impatient = create_engine(settings)
    payment = a_payment()
    with SqlAlchemyUnitOfWork(engine) as uow:
        uow.payments.add(payment)
        uow.commit()

    with SqlAlchemyUnitOfWork(engine) as holder:
        holder.payments.get(payment.id)
        with refused(ConcurrentUpdate), SqlAlchemyUnitOfWork(impatient) as uow:
            uow.payments.get(payment.id)
    impatient.dispose()


@pytest.mark.postgres
def test_a_deadlock_has_one_loser(postgres_engine: Engine) -> None:
    """
    Who takes two payments in opposite order meets a ConcurrentUpdate, not a hang.
    """
    patient = create_engine(
        DatabaseSettings(
            postgres_engine.url.render_as_string(hide_password=False), lock_timeout_seconds=30
        )
    )
    first, second = a_payment(), a_payment()
    with SqlAlchemyUnitOfWork(patient) as uow:
        uow.payments.add(first)
        uow.payments.add(second)
        uow.commit()
    both = threading.Barrier(2)
    lost: list[ConcurrentUpdate] = []

    def take(*payments: object) -> None:
        try:
            with SqlAlchemyUnitOfWork(patient) as uow:
                for payment in payments:
                    uow.payments.get(payment.id)  # type: ignore[attr-defined]  # they are payments
                    if payment is payments[0]:
                        both.wait()
        except ConcurrentUpdate as error:
            lost.append(error)

    threads = [threading.Thread(target=take, args=(first, second))]
    threads += [threading.Thread(target=take, args=(second, first))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(lost) == 1
    patient.dispose()


@pytest.mark.postgres
def test_a_statement_that_takes_too_long(postgres_engine: Engine) -> None:
    """
    The server ends a statement that exceeds its time.
    """
    settings = DatabaseSettings(
        postgres_engine.url.render_as_string(hide_password=False), statement_timeout_seconds=0.1
    )
    engine = create_engine(settings)

    with refused(StorageUnavailable, "pg_sleep"), Transaction(engine) as transaction:
        transaction.rows(text("SELECT pg_sleep(5)"))
    engine.dispose()


@pytest.mark.postgres
def test_a_connection_that_is_lost_inside_a_block(postgres_engine: Engine) -> None:
    """
    It is a StorageUnavailable: nobody can say more.
    """
    terminate = text("SELECT pg_terminate_backend(pg_backend_pid())")

    with refused(StorageUnavailable), Transaction(postgres_engine) as transaction:
        transaction.rows(terminate)


@pytest.fixture
def private() -> Iterator[PrivatePostgres]:
    """
    A server that a test may freeze.
    """
    with ExitStack() as stack:
        server = PrivatePostgres()
        server.open(stack)
        yield server


@pytest.mark.postgres
def test_a_server_that_freezes(private: PrivatePostgres) -> None:
    """
    A server that hears and does not answer holds nobody up, and is met again when it goes on.
    """
    engine = create_engine(DatabaseSettings(private.url, statement_timeout_seconds=0.5))
    migrate(engine)
    queries = SqlAlchemyPaymentQueries(engine)
    payment = a_payment()
    with SqlAlchemyUnitOfWork(engine) as reading, SqlAlchemyUnitOfWork(engine) as writing:
        writing.payments.add(payment)
        queries.ping()
        with frozen(private.pid):
            for attempt in (
                queries.ping,
                writing.commit,
                partial(reading.payments.get, payment.id),
            ):
                with refused(StorageUnavailable, words="not heard of in time"):
                    attempt()
    with SqlAlchemyUnitOfWork(engine) as uow:
        uow.payments.add(a_payment())
        uow.commit()
    engine.dispose()


@pytest.mark.postgres
def test_one_at_a_time_waits_for_a_silent_server(private: PrivatePostgres) -> None:
    """
    When a server was silent once, one waits for it, and the others are free at once.
    """
    settings = DatabaseSettings(private.url, statement_timeout_seconds=0.5)
    engine = create_engine(settings)
    queries = SqlAlchemyPaymentQueries(engine)
    queries.ping()

    def seconds(_: int) -> float:
        began = time.monotonic()
        with refused(StorageUnavailable, words="not heard of in time"):
            queries.ping()
        return time.monotonic() - began

    with ThreadPoolExecutor(8) as pool, frozen(private.pid):
        seconds(0)
        took = sorted(pool.map(seconds, range(8)))
    queries.ping()
    engine.dispose()

    assert took[0] < settings.connect_timeout_seconds / 2
    assert took[-1] >= settings.connect_timeout_seconds / 2
    assert sum(took) < 2 * settings.connect_timeout_seconds


@pytest.mark.postgres
def test_a_server_that_was_restarted(postgres_engine: Engine) -> None:
    """
    Connections that died in the pool are replaced before anybody meets them.
    """
    queries = SqlAlchemyPaymentQueries(postgres_engine)
    queries.ping()
    others = text(
        "SELECT count(pg_terminate_backend(pid, 4000)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    outside = create_engine(
        DatabaseSettings(postgres_engine.url.render_as_string(hide_password=False))
    )
    with Transaction(outside) as transaction:
        ended = transaction.rows(others)[0][0]
    outside.dispose()

    assert ended > 0
    queries.ping()


def test_a_rule_that_the_database_holds(engine: Engine) -> None:
    """
    A broken CHECK is a bug, and its error names the rule and none of the row's values.
    """
    payment = a_payment()
    with SqlAlchemyUnitOfWork(engine) as uow:
        uow.payments.add(payment)
        uow.commit()
        payment.client_secret = "pi_1_secret_x"
        payment.captured = eur("99.00")

    with (
        refused(StorageRefused, "pi_1_secret_x", "UPDATE"),
        SqlAlchemyUnitOfWork(engine) as uow,
    ):
        uow.payments.save(payment)


def test_an_id_that_is_taken(engine: Engine) -> None:
    """
    A second payment with the same id is a conflict, not a second live payment.
    """
    payment = a_payment()
    again = attrs.evolve(payment, order_id=uuid4(), operations=[])
    with SqlAlchemyUnitOfWork(engine) as uow:
        uow.payments.add(payment)
        uow.commit()

    with refused(ConcurrentUpdate), SqlAlchemyUnitOfWork(engine) as uow:
        uow.payments.add(again)
