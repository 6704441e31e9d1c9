"""
One transaction on one connection, whose errors are the core's.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import Engine, Executable, Row
from sqlalchemy.exc import SQLAlchemyError

from payments_postgres.errors import translated

Values = Mapping[str, object]

# Without it SQLAlchemy forgets how many rows an INSERT made.
_COUNT: Final = {"preserve_rowcount": True}


class Transaction:
    """
    Runs statements; what is not committed at the end of the block is undone.
    """

    def __init__(self, engine: Engine) -> None:
        self.dialect = engine.dialect.name
        with translated():
            self._connection = engine.connect()
            try:
                self._connection.begin()
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

    def rows(self, statement: Executable, values: Values | None = None) -> Sequence[Row[Any]]:
        """
        Return every row that a statement yields.
        """
        with translated():
            return self._connection.execute(statement, values).all()

    def row(self, statement: Executable, values: Values | None = None) -> Row[Any] | None:
        """
        Return the first row, or None.
        """
        return next(iter(self.rows(statement, values)), None)

    def change(self, statement: Executable, values: Values | Sequence[Values]) -> int:
        """
        Run a statement, once for each set of values, and return how many rows it changed.
        """
        with translated():
            return self._connection.execute(statement, values, execution_options=_COUNT).rowcount

    def commit(self) -> None:
        """
        Keep what was done.
        """
        with translated():
            self._connection.commit()
