"""
All that PostgreSQL and SQLite do differently.
"""

import re
import select
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from typing import Any, Final, cast

import psycopg
import sqlalchemy
from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Executable,
    QueuePool,
    Table,
    TextClause,
    event,
    func,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry
from typing_extensions import override

from payments_postgres.settings import DatabaseSettings, engine_url
from payments_postgres.silence import PatientConnection, Silence
from payments_postgres.statements import Fixed

_READING: Final = "payments_reading"

_PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",  # readers do not wait for the writer
    "PRAGMA synchronous = FULL",  # what is committed outlives a loss of power
    "PRAGMA foreign_keys = ON",
)

_CONNECTING: Final = (
    ("3D000", re.compile(r'database ".*" does not exist')),
    ("28P01", re.compile("password authentication failed|no password supplied")),
    ("28000", re.compile(r'role ".*" does not exist|no pg_hba\.conf entry')),
    ("53300", re.compile("too many (clients|connections)|connection slots are reserved")),
    ("57P03", re.compile("the database system is ")),
    ("08001", re.compile("Connection refused|No such file|resolve host|translate host")),
    ("HYT01", re.compile("timeout")),  # ODBC's word for it; SQL has none
)
"""
Words by which a failed connection is known: libpq keeps no SQLSTATE of it, only the text.

Where the server speaks another language, the error is merely less exact.
"""

_TRIGGERS: Final = text(
    "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table"
)

_MIGRATION_LOCK: Final = (
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL lock_timeout = 0",
    "SELECT pg_advisory_xact_lock(7021350482016837)",
    # Waiting for another migration is fine; making payments wait for this one is not.
    "SET LOCAL lock_timeout TO DEFAULT",
)


# ---------------------------------------------------------------- engines


def create_engine(settings: DatabaseSettings) -> Engine:
    """
    Return an engine whose transactions keep what the repositories promise; nothing connects yet.
    """
    url = engine_url(settings.url)
    make = _sqlite_engine if url.get_backend_name() == "sqlite" else _postgresql_engine
    return make(url, settings)


def _postgresql_engine(url: URL, settings: DatabaseSettings) -> Engine:
    engine = sqlalchemy.create_engine(
        url,
        isolation_level="READ COMMITTED",
        hide_parameters=True,
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=settings.pool_timeout_seconds,
        # Few connections that are warm, and not all in turn: plans and caches are each one's own.
        pool_use_lifo=True,
        connect_args={"cursor_factory": _Cursor, **_postgresql_arguments(url, settings)},
    )
    patience = 2 * settings.statement_timeout_seconds
    event.listen(engine, "do_connect", partial(_connect, Silence(), patience))
    event.listen(engine, "checkout", partial(_prepare, patience))
    return engine


def _connect(silence: Silence, patience: float, *told: Any) -> PatientConnection:
    _, _, arguments, parameters = told
    connection = silence.connect(partial(PatientConnection.connect, *arguments, **parameters))
    connection.patience = patience
    return connection


class _Columns(Sequence[psycopg.Column]):
    """
    What a cursor's columns are, found out when somebody looks.
    """

    def __init__(self, cursor: psycopg.Cursor[Any], count: int) -> None:
        self._cursor = cursor
        self._count = count

    @override
    def __len__(self) -> int:
        return self._count

    @override
    def __getitem__(self, index: Any) -> Any:
        return psycopg.Column(self._cursor, range(self._count)[index])


class _Cursor(psycopg.Cursor[Any]):
    """
    A cursor that describes no column before it is looked at.

    SQLAlchemy asks each time whether there are columns, and looks at them the first time.
    """

    @property
    @override
    def description(self) -> Any:
        found = self.pgresult
        return _Columns(self, found.nfields) if found and found.nfields else None


def _prepare(patience: float, connection: DBAPIConnection, *_: object) -> None:
    """
    Let whoever takes it wait so long for each answer, if it is still open.

    A server that ends a connection says so, and nothing else is ever to be read from an idle
    one. So a look at the socket tells what a ping would, without the way there and back; a
    server that vanished silently is noticed by the keepalives.

    Raises:
        InvalidatePoolError: It has; the pool makes a new one.
    """
    poll = select.poll()
    poll.register(cast("PatientConnection", connection).fileno(), select.POLLIN)
    if poll.poll(0):
        raise InvalidatePoolError
    cast("PatientConnection", connection).patience = patience


def _postgresql_arguments(url: URL, settings: DatabaseSettings) -> dict[str, str | int | None]:
    """
    Return libpq's parameters; whoever wrote others into the address wins.

    Limits travel with the connection's start, so that no transaction has to set them. The
    keepalives notice a server that vanished, which no limit of the server itself can.

    A pooler gives each transaction any of its connections, so it takes no limits at a start, and
    what was prepared on one connection would be missing on the next.
    """
    ours: dict[str, str | int | None] = {
        "application_name": "payments",
        "connect_timeout": settings.connect_timeout_seconds,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 2 * _milliseconds(settings.statement_timeout_seconds),
    }
    ours = {name: value for name, value in ours.items() if name not in url.query}
    if settings.pooler:
        return ours | {"prepare_threshold": None}
    theirs = url.query.get("options", "")
    return ours | {"options": f"{_limits(settings)} {theirs}".strip()}


def _limits(settings: DatabaseSettings) -> str:
    limits = {
        "timezone": "UTC",
        # Compiling a claim that looks into many months took a hundred times as long as running it.
        "jit": "off",
        "statement_timeout": _milliseconds(settings.statement_timeout_seconds),
        "lock_timeout": _milliseconds(settings.lock_timeout_seconds),
        "idle_in_transaction_session_timeout": _milliseconds(
            settings.idle_in_transaction_timeout_seconds
        ),
    }
    return " ".join(f"-c {name}={value}" for name, value in limits.items())


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _sqlite_engine(url: URL, settings: DatabaseSettings) -> Engine:
    # A database in memory lives in its connection, so everybody takes turns with one.
    shared = url.database in {None, "", ":memory:"}
    engine = sqlalchemy.create_engine(
        url,
        hide_parameters=True,
        poolclass=QueuePool,
        pool_size=1 if shared else settings.pool_size,
        max_overflow=0,
        pool_timeout=settings.pool_timeout_seconds,
        connect_args={
            "check_same_thread": False,
            "timeout": settings.statement_timeout_seconds,
        },
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    assert isinstance(connection, sqlite3.Connection)
    # Otherwise Python begins transactions, and only at the first write: too late for a lock.
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _begin_sqlite(connection: Connection) -> None:
    """
    Take the file's one write lock first: SQLite has no FOR UPDATE and passes over it silently.
    """
    reading = connection.get_execution_options().get(_READING, False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def require_locking(engine: Engine) -> None:
    """
    Return if the engine's transactions lock what they read to change it.

    Raises:
        RuntimeError: They do not: two refunds at once could exceed what was captured.
    """
    name = engine.dialect.name
    locks = name == "postgresql" or (
        name == "sqlite" and event.contains(engine, "begin", _begin_sqlite)
    )
    if not locks:
        raise RuntimeError(
            f"This {name} engine does not lock payments; make it with payments_postgres"
            ".create_engine(DatabaseSettings(url=...))"
        )


def reading(engine: Engine) -> Engine:
    """
    Return the engine for one statement that only reads: no lock, and on PostgreSQL no BEGIN.
    """
    if engine.dialect.name == "sqlite":
        return engine.execution_options(**{_READING: True})
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def snapshot(engine: Engine) -> Engine:
    """
    Return the engine for several statements that only read, and all see the same moment.
    """
    if engine.dialect.name == "sqlite":
        return reading(engine)
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def lock_schema(connection: Connection) -> None:
    """
    Let one migration run at a time; on SQLite, BEGIN IMMEDIATE has done that already.
    """
    if connection.dialect.name == "postgresql":
        cast("PatientConnection", connection.connection.driver_connection).patience = None
        for statement in _MIGRATION_LOCK:
            connection.exec_driver_sql(statement)


# ---------------------------------------------------------------- statements


def only_where(predicate: TextClause) -> dict[str, Any]:
    """
    Return the arguments that make an index a partial one.
    """
    return {"postgresql_where": predicate, "sqlite_where": predicate}


def _insert(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


@cache
def insert_if_new(
    dialect: str, table: Table, key: Sequence[str], where: TextClause | None = None
) -> Fixed:
    """
    Return an INSERT that passes over a row whose key is taken.

    Args:
        where: The predicate of the key's unique index, if it is a partial one.
    """
    return Fixed(
        _insert(dialect, table).on_conflict_do_nothing(index_elements=key, index_where=where)
    )


@cache
def insert_unless_taken(dialect: str, table: Table) -> Fixed:
    """
    Return an INSERT that passes over a row any of whose keys is taken.
    """
    return Fixed(_insert(dialect, table).on_conflict_do_nothing())


@cache
def add_up(dialect: str, table: Table, key: str, column: str) -> Fixed:
    """
    Return an INSERT that adds to the column of a row that is there, and returns the sum.
    """
    insert = _insert(dialect, table)
    total = table.c[column] + insert.excluded[column]
    adding = insert.on_conflict_do_update(index_elements=[key], set_={column: total})
    return Fixed(adding.returning(table.c[column]))


@cache
def insert_or_change(
    dialect: str,
    table: Table,
    key: Sequence[str],
    columns: Sequence[str],
    where: TextClause | None = None,
) -> Fixed:
    """
    Return an INSERT that overwrites columns of a row that is there.

    Args:
        where: Only if the row is so.
    """
    insert = _insert(dialect, table)
    values = {name: insert.excluded[name] for name in columns}
    return Fixed(insert.on_conflict_do_update(index_elements=key, set_=values, where=where))


@cache
def insert_or_complete(
    dialect: str, table: Table, key: str, columns: Sequence[str], flag: str
) -> Fixed:
    """
    Return an INSERT that fills what is NULL in a row that is there, and sets its flag.
    """
    insert = _insert(dialect, table)
    values = {name: func.coalesce(table.c[name], insert.excluded[name]) for name in columns}
    complete = {**values, flag: True}
    return Fixed(insert.on_conflict_do_update(index_elements=[key], set_=complete))


@cache
def insert_or_raise(dialect: str, table: Table, key: str, column: str) -> Executable:
    """
    Return an INSERT that changes the column of a row that is there, if the new value is greater.
    """
    insert = _insert(dialect, table)
    new = insert.excluded[column]
    return insert.on_conflict_do_update(
        index_elements=[key], set_={column: new}, where=table.c[column] < new
    )


@contextmanager
def without_guard(connection: Connection, table: str) -> Iterator[None]:
    """
    Let rows of a table go that refuses it, until the block ends; whoever else looks sees none of it.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        yield
        connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))
        return
    triggers = connection.execute(_TRIGGERS, {"table": table}).all()
    for trigger in triggers:
        connection.execute(text(f"DROP TRIGGER {trigger.name}"))
    yield
    for trigger in triggers:
        connection.exec_driver_sql(trigger.sql)


# ---------------------------------------------------------------- errors


def code_of(error: BaseException | None) -> str:
    """
    Return the SQLSTATE of PostgreSQL or the error name of SQLite; empty where there is none.
    """
    if isinstance(error, psycopg.Error):
        return error.sqlstate or _code_of_connecting(str(error))
    if isinstance(error, sqlite3.Error):
        # Some errors are Python's own and never reached SQLite.
        return str(getattr(error, "sqlite_errorname", ""))
    return ""


def _code_of_connecting(told: str) -> str:
    return next((code for code, words in _CONNECTING if words.search(told)), "")


def rule_of(error: BaseException | None) -> str:
    """
    Return the name of the constraint that was violated, without any of the row's values.
    """
    if isinstance(error, psycopg.Error):
        return error.diag.constraint_name or error.diag.column_name or "unnamed"
    return str(error).rpartition("failed: ")[2] or "unnamed"
