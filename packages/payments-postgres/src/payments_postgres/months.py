"""
Tables that PostgreSQL keeps by month: which months there are, making one, and letting one go.

What has no month of its own is kept by the part `…_default`, so an insertion never fails for want
of one. Making or dropping a month needs a lock that everybody else's statements wait behind. It is
asked for in short tries, in the order in which the others lock: first the whole, then its part.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

import attrs
from sqlalchemy import Connection, Engine, Table, text

from payments_core.domain.errors import ConcurrentUpdate
from payments_core.ports.retention import History
from payments_postgres.errors import translated
from payments_postgres.tables import BLOCKS, KEPT, audit_log, outbox, webhook_events

T = TypeVar("T")

AHEAD: Final = 2
"""
How many months after the present one are made.
"""

PATIENCE: Final = "250ms"
"""
How long payments may have to wait behind a lock that we ask for.
"""

TRIES: Final = 40
"""
How often a lock is asked for, with a pause after each time, before it is left to the next run.
"""

_PAUSE: Final = 0.25
_END: Final = re.compile(r"TO \('([^']+)'\)")
_PARTS: Final = text(
    "SELECT relname, pg_get_expr(relpartbound, pg_class.oid) AS bounds FROM pg_inherits"
    " JOIN pg_class ON pg_class.oid = inhrelid"
    " WHERE inhparent = to_regclass(:table) ORDER BY relname"
)
_ONE_AT_A_TIME: Final = text("SELECT pg_try_advisory_xact_lock(7021350482016838)")


@attrs.frozen
class Series:
    """
    A history's table.

    Attributes:
        moment: The column that tells the month.

        stays: The predicate of rows that never go, as their index says it, and its words.

        guard: What a part needs besides what it takes over from the whole.
    """

    table: Table
    moment: str
    stays: tuple[str, str] | None = None
    guard: str | None = None


SERIES: Final[Mapping[History, Series]] = {
    History.MESSAGES: Series(outbox, "created_at", (BLOCKS.text, "messages have not left")),
    History.WEBHOOKS: Series(webhook_events, "created_at", (KEPT.text, "webhooks are not over")),
    History.AUDIT: Series(
        audit_log,
        "at",
        guard="CREATE TRIGGER audit_log_not_emptied BEFORE TRUNCATE ON {part}"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_log_refuse()",
    ),
}


def month_of(moment: datetime) -> datetime:
    """
    Return the beginning of a moment's month, in UTC.
    """
    return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def next_month(month: datetime) -> datetime:
    """
    Return the beginning of the month after it.
    """
    return (month + timedelta(days=32)).replace(day=1)


def parts_of(engine: Engine, series: Series) -> Mapping[str, datetime]:
    """
    Return the months by name, oldest first, each with its end; not the part for all else.
    """
    with translated, engine.connect() as connection:
        rows = connection.execute(_PARTS, {"table": series.table.name}).all()
    # Without bounds it was dropped this moment.
    ends = ((row.relname, _END.search(row.bounds or "")) for row in rows)
    found = {name: datetime.fromisoformat(end[1]) for name, end in ends if end}
    return dict(sorted(found.items(), key=lambda part: part[1]))


def missing(engine: Engine, series: Series, now: datetime) -> Iterator[datetime]:
    """
    Yield the months from the present one on that are to be made.
    """
    covered = max(parts_of(engine, series).values(), default=None)
    month = month_of(now)
    for _ in range(AHEAD + 1):
        if covered is None or month >= covered:
            yield month
        month = next_month(month)


def make(engine: Engine, series: Series, month: datetime, tries: int = TRIES) -> str | None:
    """
    Make a month like the part for all else, and return its name; None if somebody else has.

    Attaching it blocks nobody; a short look at that part makes sure that it holds none of its rows.

    Raises:
        StorageRefused: That part holds rows of this month, which stay there.
        ConcurrentUpdate: Nothing could be locked for a while; the next run tries again.
    """
    whole, name = series.table.name, f"{series.table.name}_{month:%Y_%m}"
    bounds = f"FROM ('{month.isoformat()}') TO ('{next_month(month).isoformat()}')"
    statements = [
        f"CREATE TABLE {name} (LIKE {whole}_default INCLUDING ALL)",
        f"ALTER TABLE {whole} ATTACH PARTITION {name} FOR VALUES {bounds}",
    ]
    if series.guard:
        statements.append(series.guard.format(part=name))

    def act(connection: Connection) -> str | None:
        if connection.execute(text(f"SELECT to_regclass('{name}')")).scalar() is not None:
            return None
        for statement in statements:
            connection.execute(text(statement))
        return name

    return patiently(engine, act, tries)


def held_by(connection: Connection, series: Series, part: str) -> str | None:
    """
    Return why a month must stay; None if it may go.
    """
    if series.stays is None:
        return None
    predicate, words = series.stays
    count = text(f"SELECT count(*) FROM {part} WHERE {predicate}")  # noqa: S608 - our own names
    number = connection.execute(count).scalar()
    return f"{number} {words}" if number else None


def drop(
    engine: Engine,
    series: Series,
    part: str,
    note: Callable[[Connection], None],
    tries: int = TRIES,
) -> str | None:
    """
    Drop a month with everything in it, unless something of it must stay; return what, if so.

    Args:
        note: Notes in the same transaction that it is gone.

    Raises:
        ConcurrentUpdate: Nothing could be locked for a while; the next run tries again.
    """

    def act(connection: Connection) -> str | None:
        if connection.execute(text(f"SELECT to_regclass('{part}')")).scalar() is None:
            return None
        if held := held_by(connection, series, part):
            return held
        connection.execute(text(f"LOCK TABLE ONLY {series.table.name} IN ACCESS EXCLUSIVE MODE"))
        # Nobody writes any more: what was looked at before is looked at again.
        if held := held_by(connection, series, part):
            return held
        connection.execute(text(f"DROP TABLE {part}"))
        note(connection)
        return None

    return patiently(engine, act, tries)


def patiently(engine: Engine, act: Callable[[Connection], T], tries: int) -> T:
    """
    Run one transaction whose locks nobody waits behind for long; try until they are free.

    Raises:
        ConcurrentUpdate: They were not, or another process was at this all the time.
    """
    for _ in range(tries - 1):
        with suppress(ConcurrentUpdate):
            return _once(engine, act)
        time.sleep(_PAUSE)
    return _once(engine, act)


def _once(engine: Engine, act: Callable[[Connection], T]) -> T:
    with translated, engine.begin() as connection:
        connection.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE}'"))
        if not connection.execute(_ONE_AT_A_TIME).scalar():
            raise ConcurrentUpdate("Another process makes or drops months just now")
        return act(connection)


def names(engine: Engine, series: Series, before: datetime) -> Sequence[str]:
    """
    Return the months that end before a moment, oldest first.
    """
    return [name for name, end in parts_of(engine, series).items() if end <= before]
