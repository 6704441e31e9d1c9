"""
What reconciliation reads, in memory.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar
from uuid import UUID

from typing_extensions import override

from payments_core.domain.comparison import HeldPayment, HeldRefund
from payments_core.domain.discrepancy import Discrepancy
from payments_core.domain.payment import Payment
from payments_core.domain.reconciliation import ReconciliationRun
from payments_core.ports.outbox import BLOCKING, OutboxMessage
from payments_core.ports.provider import WebhookNotice, Window
from payments_core.ports.queries import Cursor
from payments_core.ports.reconciliation import (
    DiscrepancyFilter,
    Found,
    IReconciliationQueries,
    LocalMessage,
    LocalOperation,
)
from payments_core.ports.retention import Horizons
from payments_core.testing.memory import InMemoryDatabase
from payments_core.testing.memory_retention import horizons_of

T = TypeVar("T", HeldPayment, HeldRefund, LocalOperation, LocalMessage)


class InMemoryReconciliationQueries(IReconciliationQueries):
    """
    Looks at what is committed to an `InMemoryDatabase`.
    """

    def __init__(self, database: InMemoryDatabase) -> None:
        self._database = database

    def _of(self, provider: str) -> Iterator[Payment]:
        every = list(self._database.tables.payments.values())
        return (p for p in every if p.provider == provider)

    @override
    def by_object(self, provider: str, object_ids: Collection[str]) -> Mapping[str, HeldPayment]:
        found = ((p.provider_payment_id, p) for p in self._of(provider))
        return {key: HeldPayment.of(p) for key, p in found if key is not None and key in object_ids}

    @override
    def by_id(self, provider: str, payment_ids: Collection[UUID]) -> Mapping[UUID, HeldPayment]:
        return {p.id: HeldPayment.of(p) for p in self._of(provider) if p.id in payment_ids}

    @override
    def payments(
        self, provider: str, window: Window, after: Cursor | None, limit: int
    ) -> Sequence[HeldPayment]:
        return _page(map(HeldPayment.of, self._of(provider)), window, after, limit)

    @override
    def refunds_of(self, payment_ids: Collection[UUID]) -> Sequence[HeldRefund]:
        every = self._database.tables.payments.values()
        return [r for p in every if p.id in payment_ids for r in HeldRefund.all_of(p)]

    @override
    def refunds(
        self, provider: str, window: Window, after: Cursor | None, limit: int
    ) -> Sequence[HeldRefund]:
        every = (r for p in self._of(provider) for r in HeldRefund.all_of(p))
        return _page(every, window, after, limit)

    @override
    def unresolved(
        self, provider: str, window: Window, after: Cursor | None, limit: int
    ) -> Sequence[LocalOperation]:
        every = (
            LocalOperation(o.id, o.first_sent_at, p.id, p.provider_payment_id)
            for p in self._of(provider)
            for o in p.operations
            if o.unresolved
        )
        return _page(every, window, after, limit)

    @override
    def messages_of(self, payment_ids: Collection[UUID]) -> Sequence[LocalMessage]:
        every = map(_message, self._database.tables.outbox.values())
        return [m for m in every if m and m.payment_id in payment_ids]

    @override
    def unsent(self, window: Window, after: Cursor | None, limit: int) -> Sequence[LocalMessage]:
        every = map(_message, self._database.tables.outbox.values())
        waits = (m for m in every if m and m.status in BLOCKING)
        return _page(waits, window, after, limit)

    @override
    def horizons(self) -> Horizons:
        return horizons_of(self._database)

    @override
    def known_events(self, provider: str, notices: Collection[WebhookNotice]) -> Collection[str]:
        stored = self._database.tables.webhooks
        return {notice.id for notice in notices if (provider, notice.id) in stored}

    @override
    def run(self, run_id: UUID) -> ReconciliationRun | None:
        return self._database.tables.reconciliations.get(run_id)

    @override
    def found(self, run_id: UUID, after: Cursor | None, limit: int) -> Found:
        place = (after.created_at, after.payment_id) if after else None
        every = (d for d in self._database.tables.discrepancies.values() if d.run_id == run_id)
        items = sorted(every, key=lambda d: (d.found_at, d.id))
        rest = [d for d in items if not place or (d.found_at, d.id) > place]
        shown = rest[:limit]
        more = len(rest) > limit
        return Found(shown, Cursor(shown[-1].found_at, shown[-1].id) if more else None)

    @override
    def discrepancies(
        self, wanted: DiscrepancyFilter, limit: int, after: Cursor | None = None
    ) -> Found:
        place = (after.created_at, after.payment_id) if after else None
        every = (d for d in self._database.tables.discrepancies.values() if _matches(d, wanted))
        items = sorted(every, key=lambda d: (d.found_at, d.id), reverse=True)
        rest = [d for d in items if not place or (d.found_at, d.id) < place]
        shown = rest[:limit]
        more = len(rest) > limit
        return Found(shown, Cursor(shown[-1].found_at, shown[-1].id) if more else None)


def _matches(found: Discrepancy, wanted: DiscrepancyFilter) -> bool:
    return (
        wanted.kind in {None, found.kind}
        and wanted.payment_id in {None, found.payment_id}
        and (wanted.ended or found.state == "open")
    )


def _page(every: Iterable[T], window: Window, after: Cursor | None, limit: int) -> list[T]:
    inside = (x for x in every if window.start <= x.created_at < window.end)
    place = (after.created_at, after.payment_id) if after else None
    rest = (x for x in inside if not place or (x.created_at, x.id) < place)
    return sorted(rest, key=lambda x: (x.created_at, x.id), reverse=True)[:limit]


def _message(m: OutboxMessage) -> LocalMessage | None:
    if m.payment_id is None:
        return None
    return LocalMessage(m.id, m.created_at, m.payment_id, m.name, m.status)
