"""
One transaction on one connection, whose errors are the core's.
"""

from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from sqlalchemy import Engine, Executable
from sqlalchemy.exc import SQLAlchemyError

from payments_postgres.errors import translated
from payments_postgres.statements import Fixed, Record, Runner, Values

Statement = Executable | Fixed

# Without it SQLAlchemy forgets how many rows an INSERT made.
_COUNT: Final = {"preserve_rowcount": True}


class Transaction:
    """
    Runs statements; what is not committed at the end of the block is undone.
    """

    def __init__(self, engine: Engine) -> None:
        self.dialect = engine.dialect.name
        with translated:
            self._connection = engine.connect()
            try:
                self._connection.begin()
                fast = self.dialect == "postgresql"
                self._runner = Runner(self._connection) if fast else None
            except BaseException:
                self._connection.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # A connection that is lost cannot roll back, and need not: the server has done it.
        with suppress(SQLAlchemyError):
            self._connection.rollback()
        self._connection.close()

    def rows(self, statement: Statement, values: Values | None = None) -> Sequence[Record]:
        """
        Return every row that a statement yields.
        """
        with translated:
            if self._runner and isinstance(statement, Fixed):
                return self._runner.rows(statement, values or {})
            return self._connection.execute(_plain(statement), values).all()

    def row(self, statement: Statement, values: Values | None = None) -> Record | None:
        """
        Return the first row, or None.
        """
        return next(iter(self.rows(statement, values)), None)

    def change(self, statement: Statement, values: Values) -> int:
        """
        Run a statement, and return how many rows it changed.
        """
        with translated:
            if self._runner and isinstance(statement, Fixed):
                return self._runner.change(statement, values)
            found = self._connection.execute(_plain(statement), values, execution_options=_COUNT)
            return found.rowcount

    def commit(self) -> None:
        """
        Keep what was done.
        """
        with translated:
            self._connection.commit()


def _plain(statement: Statement) -> Executable:
    return statement.statement if isinstance(statement, Fixed) else statement
