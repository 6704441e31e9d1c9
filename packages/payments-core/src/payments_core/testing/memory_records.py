"""
The store in memory, read whole.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from typing_extensions import override

from payments_core.domain.payment import Payment
from payments_core.ports.queries import Cursor
from payments_core.ports.records import (
    IRecordQueries,
    OrderSequence,
    PaymentRecord,
    WebhookPlace,
)
from payments_core.ports.retention import Horizons
from payments_core.ports.webhooks import WebhookEvent
from payments_core.testing.memory import InMemoryDatabase
from payments_core.testing.memory_retention import horizons_of


class InMemoryRecordQueries(IRecordQueries):
    """
    Looks at what is committed to an `InMemoryDatabase`.
    """

    def __init__(self, database: InMemoryDatabase) -> None:
        self._database = database

    @override
    def count(self, since: datetime | None) -> int:
        return sum(1 for _ in self._since(since))

    @override
    def payments(
        self, since: datetime | None, after: Cursor | None, limit: int
    ) -> Sequence[PaymentRecord]:
        place = (after.created_at, after.payment_id) if after else None
        found = sorted(
            (p for p in self._since(since) if not place or _place(p) > place), key=_place
        )
        return [self._record(p) for p in found[:limit]]

    @override
    def by_ids(self, ids: Collection[UUID]) -> Sequence[PaymentRecord]:
        return self._where(lambda p: p.id in ids)

    @override
    def by_objects(self, provider: str, ids: Collection[str]) -> Sequence[PaymentRecord]:
        return self._where(lambda p: p.provider == provider and p.provider_payment_id in ids)

    @override
    def kept(self, provider: str, since: datetime | None, before: datetime) -> Mapping[str, int]:
        sums: Counter[str] = Counter()
        for payment in self._since(since):
            still = not payment.unresolved_operations and payment.updated_at < before
            if payment.provider == provider and still:
                left = payment.captured.minor_units - payment.refunded.minor_units
                sums[payment.amount.currency] += left
        return sums

    @override
    def horizons(self) -> Horizons:
        return horizons_of(self._database)

    @override
    def webhooks(
        self, since: datetime | None, after: WebhookPlace | None, limit: int
    ) -> Sequence[WebhookEvent]:
        place = (after.provider, after.event_id) if after else ("", "")
        every = sorted(self._database.tables.webhooks.items())
        found = (e for key, e in every if key > place and (not since or e.received_at >= since))
        return list(found)[:limit]

    def _since(self, since: datetime | None) -> Iterator[Payment]:
        every = self._database.tables.payments.values()
        return (p for p in every if since is None or p.created_at >= since)

    def _where(self, wanted: Callable[[Payment], bool]) -> Sequence[PaymentRecord]:
        return [self._record(p) for p in self._since(None) if wanted(p)]

    def _record(self, payment: Payment) -> PaymentRecord:
        tables = self._database.tables
        numbers = [m.sequence for m in tables.outbox.values() if m.order_id == payment.order_id]
        last = max(numbers, default=0)
        mine = (p.created_at for p in tables.payments.values() if p.order_id == payment.order_id)
        order = OrderSequence(
            order_id=payment.order_id,
            handed_out=last,
            count=len(numbers),
            first=min(numbers, default=0),
            last=last,
            began_at=min(mine),
        )
        messages = [m for m in tables.outbox.values() if m.payment_id == payment.id]
        return PaymentRecord(
            payment=payment,
            messages=sorted(messages, key=lambda m: m.sequence),
            discrepancies=[d for d in tables.discrepancies.values() if d.payment_id == payment.id],
            order=order,
        )


def _place(payment: Payment) -> tuple[datetime, UUID]:
    return payment.created_at, payment.id
