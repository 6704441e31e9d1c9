"""
Removing what is old: whole months on PostgreSQL, and rows where there are none.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, text
from typing_extensions import override

from payments_core.domain.errors import ConcurrentUpdate, StorageRefused
from payments_core.ports.retention import History, Horizons, IRetention, Removal
from payments_postgres import months
from payments_postgres.dialects import insert_or_raise, reading, without_guard
from payments_postgres.errors import translated
from payments_postgres.months import SERIES, Series
from payments_postgres.tables import retention
from payments_postgres.transaction import Transaction

_log = logging.getLogger(__name__)

BATCH: Final = 500
"""
How many rows go in one transaction.
"""

_HORIZONS: Final = sa.select(retention)


class SqlAlchemyRetention(IRetention):
    """
    Needs an engine whose user owns the tables, on PostgreSQL.

    Args:
        tries: How often a lock is asked for before that is left to the next run.
    """

    def __init__(self, engine: Engine, tries: int = months.TRIES) -> None:
        self._engine = engine
        self._tries = tries
        self._monthly = engine.dialect.name == "postgresql"

    @override
    def make_ahead(self, now: datetime) -> Sequence[str]:
        if not self._monthly:
            return ()
        return [name for series in SERIES.values() for name in self._made(series, now)]

    def _made(self, series: Series, now: datetime) -> Iterator[str]:
        for month in months.missing(self._engine, series, now):
            try:
                name = months.make(self._engine, series, month, self._tries)
            except StorageRefused:
                _log.warning(
                    "%s has rows of %s in its default part; they are kept there and removed"
                    " row by row. Run `payments retention` once a month at least",
                    *(series.table.name, f"{month:%Y-%m}"),
                )
                continue
            except ConcurrentUpdate:
                _log.warning(
                    "The months of %s could not be made now, since others were using it all the"
                    " time; the next run of `payments retention` makes them",
                    series.table.name,
                )
                return
            if name:
                yield name

    @override
    def remove(self, history: History, before: datetime, *, dry_run: bool = False) -> Removal:
        series = SERIES[history]
        gone: list[str] = []
        stays: dict[str, str] = {}
        for part in months.names(self._engine, series, before) if self._monthly else ():
            held = self._drop(history, part, dry_run=dry_run)
            if held:
                stays[part] = held
            else:
                gone.append(part)
        rows = 0 if dry_run else self._delete_all(history, before)
        return Removal(history=history, before=before, parts=gone, rows=rows, stays=stays)

    @override
    def horizons(self) -> Horizons:
        with Transaction(reading(self._engine)) as transaction:
            return horizons_in(transaction)

    def _drop(self, history: History, part: str, *, dry_run: bool) -> str | None:
        series = SERIES[history]
        if dry_run:
            with translated, self._engine.connect() as connection:
                return months.held_by(connection, series, part)
        end = months.parts_of(self._engine, series).get(part)
        if end is None:
            return None
        try:
            note = partial(_note, history, end)
            return months.drop(self._engine, series, part, note, self._tries)
        except ConcurrentUpdate:
            return "others were using it all the time; the next run tries again"

    def _delete_all(self, history: History, before: datetime) -> int:
        total = 0
        while True:
            with translated, self._engine.begin() as connection:
                number = _delete(connection, history, before)
            total += number
            if number < BATCH:
                return total


def _delete(connection: Connection, history: History, before: datetime) -> int:
    """
    Remove a batch of rows, on PostgreSQL of the part for what has no month.
    """
    series = SERIES[history]
    monthly = connection.dialect.name == "postgresql"
    name = f"{series.table.name}_default" if monthly else series.table.name
    keys = [sa.column(c.name, c.type) for c in series.table.primary_key]
    moment = sa.column(series.moment, series.table.c[series.moment].type)
    rows = sa.table(name, *keys, moment)
    found = sa.select(*keys).select_from(rows).where(moment < before).limit(BATCH)
    if series.stays:
        found = found.where(text(f"NOT ({series.stays[0]})"))
    if not connection.execute(found).first():
        return 0
    with without_guard(connection, name) if series.guard else _open():
        removed = connection.execute(rows.delete().where(sa.tuple_(*keys).in_(found))).rowcount
    _note(history, before, connection)
    return removed


@contextmanager
def _open() -> Iterator[None]:
    yield


def _note(history: History, end: datetime, connection: Connection) -> None:
    statement = insert_or_raise(connection.dialect.name, retention, "history", "removed_before")
    connection.execute(statement, {"history": history.value, "removed_before": end})


def horizons_in(transaction: Transaction) -> Horizons:
    """
    Return from which moments on everything is still there.
    """
    known: dict[str, Any] = {r.history: r.removed_before for r in transaction.rows(_HORIZONS)}
    return Horizons(known.get(History.MESSAGES), known.get(History.WEBHOOKS))
