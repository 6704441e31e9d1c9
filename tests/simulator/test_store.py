"""
The store: lists stay quick however much it holds, and a crash loses nothing.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stripe_simulator.store import Store

FILLED = 100_000
PAGE = "SELECT body FROM objects WHERE {} ORDER BY created DESC, seq DESC LIMIT 11"
QUERIES = {
    "newest": "kind = ?",
    "by time": "kind = ? AND created >= ? AND created < ?",
    "after a cursor": "kind = ? AND (created, seq) < (?, ?)",
    "by payment": "kind = ? AND payment_intent IN (?)",
    "by charge": "kind = ? AND charge IN (?)",
    "by customer": "kind = ? AND customer IN (?)",
    "by type": "kind = ? AND type IN (?)",
}


@pytest.fixture
def store() -> Iterator[Store]:
    """
    An empty store in memory.
    """
    opened = Store()
    yield opened
    opened.close()


@pytest.mark.parametrize("query", QUERIES)
def test_lists_walk_an_index(store: Store, query: str) -> None:
    """
    Every list reads its page from an index: no scan and no sort, so its cost does not grow.
    """
    where = QUERIES[query]
    values = ("charge", *[1] * (where.count("?") - 1))

    plan = store.execute(f"EXPLAIN QUERY PLAN {PAGE.format(where)}", values)

    steps = " ".join(str(row[3]) for row in plan)
    assert "USING INDEX" in steps
    assert "SCAN" not in steps
    assert "TEMP B-TREE" not in steps


@pytest.mark.parametrize(
    "query",
    [
        "SELECT seq FROM deliveries WHERE state = 'pending' ORDER BY due, seq LIMIT 1",
        "SELECT seq FROM timers ORDER BY due, seq LIMIT 1",
        "DELETE FROM idempotency_keys WHERE created <= 1",
        "SELECT kind, status, count(*) FROM objects GROUP BY kind, status",
    ],
)
def test_background_work_walks_an_index(store: Store, query: str) -> None:
    """
    What runs all the time or counts everything reads indexes, never whole objects.
    """
    plan = store.execute(f"EXPLAIN QUERY PLAN {query}")

    steps = " ".join(str(row[3]) for row in plan)
    assert "INDEX" in steps
    assert "TEMP B-TREE" not in steps


@pytest.mark.slow
def test_pages_of_a_full_store(store: Store) -> None:
    """
    With a hundred thousand payments a page takes about as long as with a hundred.
    """
    fill(store, 0, 100)
    small = seconds_for_pages(store)
    fill(store, 100, FILLED)

    assert seconds_for_pages(store) < small * 5 + 0.05


def fill(store: Store, first: int, last: int) -> None:
    """
    Writes PaymentIntents and their charges.
    """
    with store.transaction():
        for n in range(first, last):
            intent = {
                "id": f"pi_{n}",
                "created": n,
                "customer": f"cus_{n % 50}",
                "padding": "x" * 1000,
            }
            store.save("payment_intent", intent)
            store.save("charge", {"id": f"ch_{n}", "created": n, "payment_intent": f"pi_{n}"})


def seconds_for_pages(store: Store) -> float:
    """
    How much of the processor a hundred pages of different kinds take; others use it too.
    """
    began = time.process_time()
    for n in range(0, 100, 5):
        store.select("kind = ?", ("payment_intent",), limit=11)
        store.select("kind = ? AND created >= ?", ("payment_intent", n), newest=False, limit=11)
        store.select("kind = ? AND (created, seq) < (?, ?)", ("payment_intent", n, n), limit=11)
        store.select("kind = ? AND customer IN (?)", ("payment_intent", "cus_1"), limit=11)
        store.select("kind = ? AND payment_intent IN (?)", ("charge", f"pi_{n}"), limit=11)
    return time.process_time() - began


def test_transaction_is_all_or_nothing(store: Store) -> None:
    """
    An error inside a transaction takes back what it wrote.
    """

    def fails() -> None:
        with store.transaction():
            store.save("charge", {"id": "ch_1", "created": 1})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()

    assert store.load("charge", "ch_1") is None


CRASH = """
import sys, requests
from stripe_simulator import Simulator
simulator = Simulator(seed=1, database=sys.argv[1]).start()
form = {"amount": 1000, "currency": "usd", "confirm": "true", "payment_method": "pm_card_visa",
        "return_url": "http://shop.test"}
while True:
    answer = requests.post(simulator.url + "/v1/payment_intents", data=form, auth=(simulator.api_key, ""))
    print(answer.json()["id"], flush=True)
"""


def test_kill_loses_no_answered_payment(tmp_path: Path) -> None:
    """
    What was answered is in the file, even when the process is killed in the middle.
    """
    database = tmp_path / "simulator.db"
    with subprocess.Popen(
        [sys.executable, "-c", CRASH, str(database)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        answered = [process.stdout.readline().strip() for _ in range(20)]
        os.kill(process.pid, signal.SIGKILL)
        answered += [line.strip() for line in process.stdout if line.endswith("\n")]

    store = Store(str(database))
    kept = {row[0] for row in store.execute("SELECT id FROM objects WHERE kind = 'payment_intent'")}
    store.close()
    assert set(answered) <= kept


def test_file_of_something_else_is_refused(tmp_path: Path) -> None:
    """
    A file that is no database stops the start.
    """
    path = tmp_path / "notes.txt"
    path.write_text("not a database" * 100)

    with pytest.raises(sqlite3.DatabaseError):
        Store(str(path))
