"""
Statements that never change: their SQL is made once, and psycopg runs them itself.

In a busy worker SQLAlchemy takes more of Python's time than psycopg under it (docs/performance.md).
What it knows is kept, the SQL and how values go in and out; what it does each time is left away.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Final, Protocol, cast

import attrs
from psycopg.rows import RowFactory
from sqlalchemy import Connection, Executable, Select
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.types import TypeEngine

from payments_postgres.column_types import CleanText, ExactText, UtcDateTime
from payments_postgres.silence import PatientConnection

Values = Mapping[str, object]

_Process = Callable[[Any], Any]


class Record(Protocol):
    """
    A row, whose columns are its attributes.
    """

    def __getattr__(self, name: str, /) -> Any: ...

    def __getitem__(self, index: int, /) -> Any: ...

    def _asdict(self) -> dict[str, Any]: ...


@attrs.frozen
class _Made:
    """
    A statement as PostgreSQL gets it.

    Attributes:
        constants: Values that stand in the statement itself.

        given: What becomes of the values that differ each time, where they do not go as they are.

        rows: Makes a row of what comes back, as a row factory of psycopg.
    """

    sql: str
    constants: Values
    given: Sequence[tuple[str, _Process]]
    rows: RowFactory[Record]

    def values(self, values: Values) -> dict[str, Any]:
        """
        Return the parameters of one run.
        """
        found = {**self.constants, **values}
        for name, process in self.given:
            # No type of ours makes anything of NULL.
            if found[name] is not None:
                found[name] = process(found[name])
        return found


class Fixed:
    """
    A statement of which nothing but the values of its parameters ever differs.

    Attributes:
        statement: The same for SQLAlchemy, which runs it on SQLite.
    """

    def __init__(self, statement: Executable) -> None:
        self.statement: Final = statement
        self._made: dict[tuple[str, ...], _Made] = {}

    def made(self, dialect: Dialect, values: Values) -> _Made:
        """
        Return it as it is sent; an INSERT has the columns that it is given values for.
        """
        names = tuple(values)
        if names not in self._made:
            self._made[names] = _make(self.statement, dialect, names)
        return self._made[names]


class Runner:
    """
    Runs fixed statements in the transaction that a connection to PostgreSQL is in.
    """

    def __init__(self, connection: Connection) -> None:
        driver = cast("PatientConnection", connection.connection.driver_connection)
        self._cursor = driver.statements
        self._connection = connection
        # Whoever listens to the engine, to count or to trace, hears of these as of all others.
        listeners = connection.engine.dispatch
        self._before = tuple(listeners.before_cursor_execute)
        self._after = tuple(listeners.after_cursor_execute)

    def rows(self, statement: Fixed, values: Values) -> Sequence[Record]:
        """
        Return every row that comes back.
        """
        made = statement.made(self._connection.dialect, values)
        self._cursor.row_factory = made.rows
        self._send(made, values)
        return self._cursor.fetchall()

    def change(self, statement: Fixed, values: Values) -> int:
        """
        Return how many rows it changed.
        """
        return self._send(statement.made(self._connection.dialect, values), values)

    def _send(self, made: _Made, values: Values) -> int:
        sent, cursor = made.values(values), self._cursor
        if not (self._before or self._after):
            return cursor.execute(made.sql, sent).rowcount
        told = (self._connection, cursor, made.sql, sent, SimpleNamespace(), False)
        for listener in self._before:
            listener(*told)
        cursor.execute(made.sql, sent)
        for listener in self._after:
            listener(*told)
        return cursor.rowcount


def _make(statement: Executable, dialect: Dialect, names: Sequence[str]) -> _Made:
    compiled = cast("UpdateBase", statement).compile(dialect=dialect, column_keys=list(names))
    assert isinstance(compiled, SQLCompiler)
    if compiled.post_compile_params:
        raise TypeError(f"Its SQL depends on its values, so it is not fixed: {compiled}")
    how = {
        name: process
        for name, bind in compiled.binds.items()
        if (process := _sent(bind.type, dialect))
    }
    constants = {n: v for n, v in compiled.params.items() if n not in names}
    constants |= {n: how[n](v) for n, v in constants.items() if n in how and v is not None}
    return _Made(
        sql=compiled.string,
        constants=constants,
        given=[(name, process) for name, process in how.items() if name in names],
        rows=_rows_of(statement, dialect),
    )


def _sent(kind: TypeEngine[Any], dialect: Dialect) -> _Process | None:
    """
    Return what becomes of a value that is not NULL; None if it goes as it is.

    Types of ours say it themselves: SQLAlchemy would go through two functions for each value.
    """
    if isinstance(kind, UtcDateTime | ExactText | CleanText):
        assert kind.impl_instance.dialect_impl(dialect).bind_processor(dialect) is None
        return kind.sent
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _rows_of(statement: Executable, dialect: Dialect) -> RowFactory[Record]:
    columns = list(cast("Select[Any]", statement).exported_columns)
    names = [str(column.key) for column in columns]
    kind = namedtuple("Row", names)  # type: ignore[misc]  # noqa: PYI024 - a class must spell its names out, and these are the statement's
    how = [
        (n, process)
        for n, column in enumerate(columns)
        if (process := column.type.dialect_impl(dialect).result_processor(dialect, None))
    ]

    def row(values: Sequence[Any]) -> Record:
        found = list(values)
        for n, process in how:
            if found[n] is not None:
                found[n] = process(found[n])
        return cast("Record", kind._make(found))

    return lambda _: row
