"""
The store: objects, events and deliveries in one SQLite database, one writer at a time.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

Json = dict[str, Any]
Row = tuple[Any, ...]

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL UNIQUE, created INTEGER NOT NULL,
    payment_intent TEXT, charge TEXT, customer TEXT, type TEXT, status TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS objects_by_time ON objects (kind, created, seq);
CREATE INDEX IF NOT EXISTS objects_by_intent ON objects (payment_intent, kind, created, seq)
    WHERE payment_intent IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_by_charge ON objects (charge, kind, created, seq)
    WHERE charge IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_by_customer ON objects (customer, kind, created, seq)
    WHERE customer IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_by_type ON objects (type, kind, created, seq)
    WHERE type IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_by_status ON objects (kind, status);
CREATE TABLE IF NOT EXISTS idempotency_keys (
    key TEXT PRIMARY KEY, endpoint TEXT NOT NULL, fingerprint TEXT NOT NULL, status INTEGER NOT NULL,
    body TEXT NOT NULL, request_id TEXT NOT NULL, created REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS idempotency_keys_by_age ON idempotency_keys (created);
CREATE TABLE IF NOT EXISTS timers (
    seq INTEGER PRIMARY KEY, due REAL NOT NULL, name TEXT NOT NULL, object_id TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS timers_by_due ON timers (due);
CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY, event_id TEXT NOT NULL, endpoint_id TEXT NOT NULL, due REAL NOT NULL,
    state TEXT NOT NULL, attempts INTEGER NOT NULL, status INTEGER
);
CREATE INDEX IF NOT EXISTS deliveries_by_due ON deliveries (due, seq) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS deliveries_by_event ON deliveries (event_id);
CREATE TABLE IF NOT EXISTS balances (currency TEXT PRIMARY KEY, amount INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS generations (number INTEGER PRIMARY KEY);
"""
TABLES = ("objects", "idempotency_keys", "timers", "deliveries", "balances")
REFERENCES = ("payment_intent", "charge", "customer", "type")


class Store:
    """
    Keeps everything that the simulator knows, safe under threads.

    One lock lets one transaction run at a time; a crash loses none that ended.
    """

    def __init__(self, path: str = ":memory:") -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(SCHEMA)
        inserted = self._connection.execute("INSERT INTO generations DEFAULT VALUES")
        self.generation = int(inserted.lastrowid or 0)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """
        All or nothing, and nobody else in between.
        """
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def execute(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """
        Runs one statement and gives its rows.
        """
        with self._lock:
            return self._connection.execute(sql, tuple(values)).fetchall()

    def load(self, kind: str, identifier: str) -> Json | None:
        """
        The object with this id, or None.
        """
        rows = self.execute(
            "SELECT body FROM objects WHERE id = ? AND kind = ?", (identifier, kind)
        )
        return json.loads(rows[0][0]) if rows else None

    def save(self, kind: str, obj: Json) -> None:
        """
        Writes an object, new or changed.
        """
        references = [
            obj.get(name) if isinstance(obj.get(name), str) else None for name in REFERENCES
        ]
        status = obj.get("status") or obj.get("type") or "any"
        self.execute(
            "INSERT INTO objects (kind, id, created, payment_intent, charge, customer, type,"
            " status, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET body = excluded.body, status = excluded.status,"
            " customer = excluded.customer",
            (
                kind,
                obj["id"],
                obj["created"],
                *references,
                status,
                json.dumps(obj, separators=(",", ":")),
            ),
        )

    def delete(self, kind: str, identifier: str) -> None:
        """
        Forgets an object.
        """
        self.execute("DELETE FROM objects WHERE id = ? AND kind = ?", (identifier, kind))

    def select(
        self, where: str, values: Sequence[object], *, newest: bool = True, limit: int = -1
    ) -> list[Json]:
        """
        Objects in the order of their creation.

        Args:
            where: The condition; a constant of this package, never what a caller sent.
        """
        order = "DESC" if newest else "ASC"
        sql = (
            f"SELECT body FROM objects WHERE {where} ORDER BY created {order}, seq {order} LIMIT ?"  # noqa: S608 - constants only
        )
        return [json.loads(body) for (body,) in self.execute(sql, (*values, limit))]

    def place(self, kind: str, identifier: str) -> tuple[int, int] | None:
        """
        Where an object stands in the order of its kind: its time and its number.
        """
        rows = self.execute(
            "SELECT created, seq FROM objects WHERE id = ? AND kind = ?", (identifier, kind)
        )
        return (rows[0][0], rows[0][1]) if rows else None

    def clear(self) -> None:
        """
        Forgets everything.
        """
        with self.transaction():
            for table in TABLES:
                self.execute(f"DELETE FROM {table}")  # noqa: S608 - constants only

    def close(self) -> None:
        """
        Closes the database.
        """
        with self._lock:
            self._connection.close()
