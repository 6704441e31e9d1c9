"""
Retention in memory.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from typing_extensions import override

from payments_core.ports.outbox import BLOCKING
from payments_core.ports.retention import History, Horizons, IRetention, Removal
from payments_core.ports.webhooks import OVER
from payments_core.testing.memory import InMemoryDatabase


class InMemoryRetention(IRetention):
    """
    Removes from an `InMemoryDatabase`; it knows no months.
    """

    def __init__(self, database: InMemoryDatabase) -> None:
        self._database = database

    @override
    def make_ahead(self, now: datetime) -> Sequence[str]:
        return ()

    @override
    def remove(self, history: History, before: datetime, *, dry_run: bool = False) -> Removal:
        if dry_run:
            return Removal(history=history, before=before)
        with self._database.lock:
            table: dict[Any, Any] = getattr(self._database.tables, _TABLES[history])
            old = [key for key, row in table.items() if _may_go(history, row, before)]
            for key in old:
                del table[key]
            if old:
                self._database.tables.horizons[history] = before
        return Removal(history=history, before=before, rows=len(old))

    @override
    def horizons(self) -> Horizons:
        return horizons_of(self._database)


_TABLES = {History.MESSAGES: "outbox", History.WEBHOOKS: "webhooks", History.AUDIT: "audit"}


def _may_go(history: History, row: Any, before: datetime) -> bool:
    match history:
        case History.MESSAGES:
            return row.created_at < before and row.status not in BLOCKING
        case History.WEBHOOKS:
            return row.created_at < before and row.status in OVER
        case History.AUDIT:
            return bool(row.at < before)


def horizons_of(database: InMemoryDatabase) -> Horizons:
    """
    Return from which moments on everything is still there.
    """
    known = database.tables.horizons
    return Horizons(known.get(History.MESSAGES), known.get(History.WEBHOOKS))
