"""
Counting what is not done in memory.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from typing_extensions import override

from payments_core.ports.backlog import UNDONE, Backlog, IBacklogQueries, Waiting, Word
from payments_core.ports.outbox import BLOCKING
from payments_core.testing.memory import InMemoryDatabase


class InMemoryBacklogQueries(IBacklogQueries):
    """
    Looks at what is committed to an `InMemoryDatabase`.
    """

    def __init__(self, database: InMemoryDatabase) -> None:
        self._database = database

    @override
    def count(self) -> Backlog:
        tables = self._database.tables
        operations = (o for p in tables.payments.values() for o in p.operations if o.unresolved)
        return Backlog(
            messages=_counted(
                (m.status, m.created_at) for m in tables.outbox.values() if m.status in BLOCKING
            ),
            operations=_counted((o.state, o.first_sent_at) for o in operations),
            webhooks=_counted(
                (e.status, e.received_at) for e in tables.webhooks.values() if e.status in UNDONE
            ),
            discrepancies=_counted(
                (d.kind, d.found_at) for d in tables.discrepancies.values() if d.state == "open"
            ),
        )


def _counted(found: Iterable[tuple[Word, datetime]]) -> Mapping[Word, Waiting]:
    moments: dict[Word, list[datetime]] = defaultdict(list)
    for word, at in found:
        moments[word].append(at)
    return {word: Waiting(len(ats), min(ats), max(ats)) for word, ats in moments.items()}
