"""
Taking in webhooks: signed events, verified, stored, settled.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from benchmarks import flows
from benchmarks.load import load, post
from benchmarks.pgbench import pgbench
from benchmarks.place import BARE, INSTANT, Place
from benchmarks.recording import Recording
from benchmarks.rounds import Effort, Found, Sample, in_turn, rate_ratio

_CLIENTS: Final = 16
_EACH: Final = 4_000
"""
Payments that wait for each second of a side, more than it can settle.
"""


def measure(place: Place, effort: Effort) -> Found:
    """
    Compare the service with a bare route and with pgbench.
    """
    with place.provider() as provider:
        created, received = flows.webhook(place.container(provider))
        with place.served(INSTANT, provider) as ours, place.served(BARE, provider) as bare:
            sides = {
                "service": partial(_delivered, place, created, effort, ours),
                "bare route": partial(_delivered, place, created, effort, bare),
                "pgbench": partial(_by_pgbench, place, created, received, effort),
            }
            samples = in_turn(sides, effort.rounds)
    found = Found()
    for floor, wanted in (("bare route", ">= 0.6"), ("pgbench", "")):
        words = {"figure": "webhook", "case": f"{_CLIENTS} clients, instant provider"}
        ratio = rate_ratio(samples["service"], samples[floor], floor=floor, wanted=wanted, **words)
        found.lines.append(ratio)
    found.curve(f"webhook, {_CLIENTS} clients", samples)
    return found


def _delivered(place: Place, created: flows.Flow, effort: Effort, port: int) -> Sample:
    numbers = iter(_waiting(place, created, effort))
    return load(port, lambda: _delivery(created, next(numbers)), _CLIENTS, effort.seconds)


def _delivery(created: flows.Flow, number: int) -> bytes:
    payload = flows.event(created.recording.id_for(created.named, number))
    head = post("/api/payments/webhooks/stripe", flows.signed(payload))
    return head % len(payload) + payload


def _by_pgbench(place: Place, created: flows.Flow, received: flows.Flow, effort: Effort) -> Sample:
    waiting = _waiting(place, created, effort)
    return pgbench(place, received.recording, _CLIENTS, effort.seconds, waiting)


def _waiting(place: Place, created: flows.Flow, effort: Effort) -> range:
    """
    Write payments that wait for their customers, as the service writes them.
    """
    numbers = place.block(round(_EACH * effort.seconds))
    with psycopg.connect(place.database_url, row_factory=dict_row) as connection:
        for table, key in (("payments", "id"), ("payment_operations", "payment_id")):
            query = f"SELECT * FROM {table} WHERE {key} = %s"  # noqa: S608 - our own words
            row = connection.execute(query.encode(), (created.named,)).fetchone()
            assert row is not None
            connection.execute(_copies(table, row, created.recording, numbers).encode())
    return numbers


def _copies(table: str, row: Mapping[str, Any], recording: Recording, numbers: range) -> str:
    given = {name: value for name, value in row.items() if value is not None}
    values = ", ".join(recording.expression(value, "n") for value in given.values())
    series = f"generate_series({numbers.start}, {numbers.stop - 1}) AS n"
    return f"INSERT INTO {table} ({', '.join(given)}) SELECT {values} FROM {series}"  # noqa: S608 - our own words
