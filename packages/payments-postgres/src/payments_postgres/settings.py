"""
Where the database is, and how long it may take.
"""

from typing import Final

import attrs
from attrs.validators import gt
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

_DRIVERS: Final = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "sqlite": "sqlite+pysqlite",
    "sqlite+pysqlite": "sqlite+pysqlite",
}


def engine_url(url: str) -> URL:
    """
    Return the address with the driver that this package works with.

    Raises:
        ValueError: It is no address of PostgreSQL or SQLite. The text never quotes it.
    """
    try:
        parsed = make_url(url)
        return parsed.set(drivername=_DRIVERS[parsed.drivername])
    except (ArgumentError, KeyError, ValueError):
        raise ValueError(
            "The database URL is not understood; write postgresql://user:password@host/database"
            " or sqlite:///path/to/file"
        ) from None


def _masked(url: str) -> str:
    try:
        parsed = engine_url(url)
    except ValueError:
        return "'***'"
    # The query is left out too: libpq takes a password there as well.
    return repr(parsed.set(query={}).render_as_string(hide_password=True))


def _understood(_: object, __: object, url: str) -> None:
    engine_url(url)


@attrs.frozen
class DatabaseSettings:
    """
    The database's address and limits; durations are seconds.

    Attributes:
        url: ``postgresql://…``, ``sqlite:///path``, or ``sqlite://`` for memory; with a
            password in it, so never printed.

        pooler: A pooler such as PgBouncer stands between, in transaction mode: statements are
            not prepared, and the limits below are those of the role or the database.

        pool_size: Connections that one process may hold at once.

        pool_timeout_seconds: How long to wait for one of them.

        connect_timeout_seconds: How long the server may take to accept a new one.

        statement_timeout_seconds: How long one statement may take; a server that has not
            answered after twice that is given up. On SQLite how long a transaction waits for
            the file.

        lock_timeout_seconds: How long a statement waits for somebody else's row.

        idle_in_transaction_timeout_seconds: When the server takes the locks of a process
            that stopped in the middle of a transaction.
    """

    url: str = attrs.field(repr=_masked, validator=_understood)
    pooler: bool = False
    pool_size: int = attrs.field(default=10, validator=gt(0))
    pool_timeout_seconds: float = attrs.field(default=5.0, validator=gt(0))
    connect_timeout_seconds: int = attrs.field(default=3, validator=gt(0))
    statement_timeout_seconds: float = attrs.field(default=5.0, validator=gt(0))
    lock_timeout_seconds: float = attrs.field(default=2.0, validator=gt(0))
    idle_in_transaction_timeout_seconds: float = attrs.field(default=30.0, validator=gt(0))
