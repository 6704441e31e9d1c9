"""
Databases full of payments.
"""

import sys
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import attrs
import psycopg
from psycopg import sql

from benchmarks.place import Place, migrated

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
PAUSE: Final = timedelta(seconds=1)
"""
From one payment to the next.
"""

EACH: Final = 20
"""
Payments of one customer, spread over the whole time.
"""

_AT_ONCE: Final = 1_000_000

_FILL: Final = """
    INSERT INTO payments (id, order_id, customer_id, amount, currency, authorized, captured,
        refunded, capture_method, provider, status, provider_payment_id, provider_status,
        cancel_requested, unresolved_operations, refund_count, version, created_at, updated_at)
    SELECT lpad(to_hex(n), 32, '0')::uuid, lpad(to_hex(n), 32, '0')::uuid,
        'customer-' || n %% (%(rows)s / %(each)s), 1000, 'EUR', paid, paid,
        0, 'automatic', 'stripe', CASE paid WHEN 0 THEN 'Failed' ELSE 'Succeeded' END, 'pi_' || n,
        CASE paid WHEN 0 THEN 'canceled' ELSE 'succeeded' END,
        false, 0, 0, 1, made, made
    FROM (
        SELECT n, CASE n %% 10 WHEN 0 THEN 0 ELSE 1000 END AS paid,
            %(start)s + n * %(pause)s AS made
        FROM generate_series(%(first)s::bigint, %(last)s) AS n
    ) AS numbered
"""


def payment_id(number: int) -> UUID:
    """
    Return the id of a payment by its number, which counts from 1; later ones sort later.
    """
    return UUID(int=number)


def paid(number: int) -> bool:
    """
    Return whether the payment of a number was taken; a tenth was declined.
    """
    return number % 10 != 0


def moment(number: int) -> datetime:
    """
    Return when the payment of a number was made.
    """
    return START + number * PAUSE


def filled(place: Place, rows: int) -> Place:
    """
    Return the same place with a database of its own that holds so many payments, made once.
    """
    name = f"filled_{rows}"
    there = attrs.evolve(place, database_url=place.database_url.rpartition("/")[0] + f"/{name}")
    with psycopg.connect(place.database_url, autocommit=True) as connection:
        made = connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone()
        if made is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            migrated(there.database_url)
            _fill(there.database_url, rows)
    return there


def _fill(url: str, rows: int) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for first in range(1, rows + 1, _AT_ONCE):
            last = min(first + _AT_ONCE - 1, rows)
            given = {"rows": rows, "each": EACH, "start": START, "pause": PAUSE}
            connection.execute(_FILL, {**given, "first": first, "last": last})
            print(f"  {last:,} of {rows:,} payments are there", file=sys.stderr, flush=True)
        connection.execute("VACUUM (ANALYZE) payments")
        # Otherwise whoever reads a page writes out one of the filling's first, to have room for it.
        connection.execute("CHECKPOINT")
