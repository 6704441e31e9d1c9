"""
Runs every figure against its floor, in turn, and prints a table.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from uuid import uuid4

import psycopg
from sqlalchemy import Engine

from benchmarks import floor, relay
from payments_core.application.create_payment import CreatePayment, CreatePaymentCommand
from payments_core.application.operations import Operations
from payments_core.application.queries import GetPayment
from payments_core.domain.money import Money
from payments_core.domain.policy import Policy
from payments_core.ports.clock import SystemClock
from payments_core.testing.fake_provider import FakePaymentProvider
from payments_postgres import (
    DatabaseSettings,
    SqlAlchemyPaymentQueries,
    SqlAlchemyUnitOfWork,
    create_engine,
    migrate,
)

Work = Callable[[], object]


def create_by(engine: Engine) -> Work:
    """
    Return what takes one payment through the use case.
    """
    uow = partial(SqlAlchemyUnitOfWork, engine)
    use_case = CreatePayment(
        Operations(uow, {"fake": FakePaymentProvider()}, SystemClock(), Policy())
    )

    def create() -> object:
        return use_case.execute(
            CreatePaymentCommand(
                order_id=uuid4(),
                customer_id="alice",
                amount=Money.from_minor(1000, "EUR"),
                provider="fake",
                payment_method_id="fake_approved",
            )
        )

    return create


def seconds(work: Work, times: int) -> float:
    """
    Return how long one run of the work takes, over so many runs.
    """
    start = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - start) / times


def compare(work: Work, by_hand: Work, rounds: int, times: int) -> dict[str, float]:
    """
    Measure both in turn; return medians in milliseconds and the ratio's median and spread.
    """
    pairs = [(seconds(work, times), seconds(by_hand, times)) for _ in range(rounds + 1)][1:]
    return summary(pairs)


def summary(pairs: Sequence[tuple[float, float]]) -> dict[str, float]:
    """
    Return the medians of seconds in milliseconds, and the ratio's median and spread.
    """
    ratios = [ours / theirs for ours, theirs in pairs]
    return {
        "ms": round(statistics.median(p[0] for p in pairs) * 1000, 3),
        "floor_ms": round(statistics.median(p[1] for p in pairs) * 1000, 3),
        "ratio": round(statistics.median(ratios), 2),
        "min": round(min(ratios), 2),
        "max": round(max(ratios), 2),
    }


def relayed(engine: Engine, rounds: int) -> dict[str, float]:
    """
    Return the figure of the relay, for each event that it carries.
    """
    pairs, grown = relay.rounds(engine, os.environ["TEST_RABBITMQ_URL"], rounds, orders=500)
    print(f"relay: {1 / statistics.median(p[0] for p in pairs):.0f} events/s, memory {grown:+} KiB")
    return summary(pairs)


def measure(url: str, rounds: int, times: int) -> dict[str, dict[str, float]]:
    """
    Return every figure by its name.
    """
    engine = create_engine(DatabaseSettings(url=url))
    migrate(engine)
    queries = GetPayment(SqlAlchemyPaymentQueries(engine))
    with psycopg.connect(url, autocommit=True) as connection:
        one = floor.create(connection)
        figures = {
            "create": compare(create_by(engine), lambda: floor.create(connection), rounds, times),
            "get": compare(
                lambda: queries.execute(one), lambda: floor.get(connection, one), rounds, times
            ),
            "relay": relayed(engine, rounds),
        }
    engine.dispose()
    return figures


def main() -> None:
    """
    Measure and print; the ratio is ours to the floor's, so 1 is as fast as by hand.
    """
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--times", type=int, default=50, help="runs in a round")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    figures = measure(os.environ["TEST_DATABASE_URL"], options.rounds, options.times)
    print(f"{'figure':10}{'ms':>9}{'floor ms':>10}{'ratio':>8}{'min':>7}{'max':>7}")
    for name, f in figures.items():
        print(f"{name:10}{f['ms']:9}{f['floor_ms']:10}{f['ratio']:8}{f['min']:7}{f['max']:7}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
