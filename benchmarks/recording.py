"""
The statements that the service really runs, to be run again by others under other ids.

Every id of a recording is replaced by one that counts up, so a program that knows a number
knows all ids of its turn: by hand in Python, and as an expression of SQL.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID

import attrs
from psycopg.sql import Literal
from sqlalchemy import Connection, Engine, event

STRIDE: Final = 10**14
"""
How many numbers there are for each id.
"""

Values = Mapping[str, Any]


@attrs.frozen
class Statement:
    """
    A statement with the values that it was run with.
    """

    sql: str
    values: Values


@attrs.define
class Recording:
    """
    What was run, a list of statements for each transaction.

    Attributes:
        ids: Every UUID that was seen among the values, in its order.
    """

    transactions: list[list[Statement]] = attrs.field(factory=list)
    ids: list[UUID] = attrs.field(factory=list)

    def add(self, sql: str, values: Values) -> None:
        """
        Add a statement to the transaction that is open.
        """
        self.transactions[-1].append(Statement(sql, values))
        for value in values.values():
            if isinstance(value, UUID) and value not in self.ids:
                self.ids.append(value)

    def id_for(self, old: UUID, number: int) -> UUID:
        """
        Return what stands in place of an id in the turn of a number.
        """
        return UUID(int=self.ids.index(old) * STRIDE + number)

    def number_of(self, old: UUID, new: UUID) -> int:
        """
        Return the number of the turn in which this id stands in place of an old one.
        """
        return new.int - self.ids.index(old) * STRIDE

    def replay(self) -> Sequence[Sequence[tuple[str, Callable[[int], Values]]]]:
        """
        Return each statement with what makes its values for the turn of a number.
        """
        return [[(s.sql, self._maker(s.values)) for s in t] for t in self.transactions]

    def _maker(self, values: Values) -> Callable[[int], Values]:
        # Only what differs from turn to turn is made for each: the floor must be low.
        varying = {name: how for name, v in values.items() if (how := self._varying(v))}

        def make(number: int) -> Values:
            return {**values, **{name: how(number) for name, how in varying.items()}}

        return make

    def _varying(self, value: Any) -> Callable[[int], Any] | None:
        if isinstance(value, UUID):
            first = self.ids.index(value) * STRIDE
            return lambda number: UUID(int=first + number)
        inside = self._inside(value) if isinstance(value, str) else []
        return (lambda number: self._text(value, inside, number)) if inside else None

    def _inside(self, text: str) -> list[UUID]:
        return [id_ for id_ in self.ids if id_.hex in text or str(id_) in text]

    def _text(self, text: str, inside: Sequence[UUID], number: int) -> str:
        for old in inside:
            new = self.id_for(old, number)
            text = text.replace(old.hex, new.hex).replace(str(old), str(new))
        return text

    def expression(self, value: Any, number: str) -> str:
        """
        Return a value as SQL, for the turn of the number that another expression says.
        """
        if isinstance(value, UUID):
            return f"{self._hex(value, number)}::uuid"
        inside = self._inside(value) if isinstance(value, str) else []
        found = _quoted(value)
        for old in inside:
            new = self._hex(old, number)
            found = found.replace(old.hex, f"' || {new} || E'")
            found = found.replace(str(old), f"' || {new}::uuid || E'")
        return f"({found})" if inside else found

    def _hex(self, old: UUID, number: str) -> str:
        return f"lpad(to_hex({self.ids.index(old) * STRIDE} + {number}), 32, '0')"

    def script(self, number: str) -> str:
        """
        Return all of it as a script for pgbench.
        """
        lines: list[str] = []
        for transaction in self.transactions:
            told = (s.sql % _Told(self, s.values, number) for s in transaction)
            lines += ["BEGIN;", *(f"{' '.join(sql.split())};" for sql in told), "COMMIT;"]
        return "\n".join(lines)


@attrs.frozen
class _Told:
    recording: Recording
    values: Values
    number: str

    def __getitem__(self, name: str) -> str:
        return self.recording.expression(self.values[name], self.number)


def _quoted(value: Any) -> str:
    """
    Return a value as a literal of SQL in which pgbench finds no variable of its own.
    """
    if isinstance(value, str):
        text = value.replace("\\", "\\\\").replace("'", "''").replace(":", "\\x3a")
        return f"E'{text}'"
    if value is None or isinstance(value, bool | int):
        return Literal(value).as_string()
    return f"{_quoted(str(value))}::timestamptz"


@contextmanager
def recorded(engine: Engine, recording: Recording) -> Iterator[Recording]:
    """
    Record what is run on an engine inside the block.
    """

    def begin(_: Connection) -> None:
        recording.transactions.append([])

    def execute(
        _connection: Connection, _cursor: object, sql: str, values: Any, *_: object
    ) -> None:
        for one in values if isinstance(values, list) else [values]:
            recording.add(sql, one)

    event.listen(engine, "begin", begin)
    event.listen(engine, "before_cursor_execute", execute)
    try:
        yield recording
    finally:
        event.remove(engine, "begin", begin)
        event.remove(engine, "before_cursor_execute", execute)
