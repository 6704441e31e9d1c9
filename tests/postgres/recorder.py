"""
What an engine was asked to run.
"""

from typing import Any, Self

from sqlalchemy import Connection, Engine, event


class Recorder:
    """
    Notes each statement and each transaction of an engine inside a block.

    Attributes:
        statements: The texts with their parameters. BEGIN and COMMIT are not among them.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.statements: list[tuple[str, Any]] = []
        self.transactions = 0

    def __enter__(self) -> Self:
        event.listen(self._engine, "before_cursor_execute", self._statement)
        event.listen(self._engine, "begin", self._transaction)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._statement)
        event.remove(self._engine, "begin", self._transaction)

    @property
    def texts(self) -> list[str]:
        """
        The statements without their parameters.
        """
        return [text for text, _ in self.statements]

    @property
    def verbs(self) -> list[str]:
        """
        What was done to which table, such as ``INSERT outbox``.
        """
        return [_verb(text) for text in self.texts]

    def _statement(
        self,
        _connection: Connection,
        _cursor: object,
        statement: str,
        parameters: object,
        _context: object,
        _many: object,
    ) -> None:
        if not statement.startswith("BEGIN"):
            self.statements.append((statement, parameters))

    def _transaction(self, _connection: Connection) -> None:
        self.transactions += 1


def _verb(text: str) -> str:
    words = text.split()
    behind = {"SELECT": "FROM", "INSERT": "INTO", "UPDATE": "UPDATE"}[words[0]]
    return f"{words[0]} {words[words.index(behind) + 1]}"
