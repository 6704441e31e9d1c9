"""
The read side in memory.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

from typing_extensions import override

from payments_core.domain.operation import Operation, OperationState
from payments_core.domain.payment import Payment
from payments_core.ports.audit import (
    AuditCursor,
    AuditEntry,
    AuditFilter,
    AuditPage,
    AuditRecord,
    IAuditQueries,
)
from payments_core.ports.queries import (
    Cursor,
    IPaymentQueries,
    Page,
    PaymentFilter,
    PaymentView,
    TimelineEntry,
)
from payments_core.testing.memory import InMemoryDatabase


class InMemoryPaymentQueries(IPaymentQueries):
    """
    Looks at what is committed to an `InMemoryDatabase`.
    """

    def __init__(self, database: InMemoryDatabase) -> None:
        self._database = database

    @override
    def get(self, payment_id: UUID) -> PaymentView | None:
        payment = self._database.tables.payments.get(payment_id)
        return PaymentView.of(payment) if payment else None

    @override
    def list(self, wanted: PaymentFilter, limit: int, after: Cursor | None) -> Page:
        before = (after.created_at, after.payment_id) if after else None
        every = self._database.tables.payments.values()
        found = sorted(
            (p for p in every if _matches(p, wanted) and (not before or _place(p) < before)),
            key=_place,
            reverse=True,
        )
        items = [PaymentView.of(p) for p in found[:limit]]
        more = len(found) > limit
        return Page(items, Cursor(items[-1].created_at, items[-1].id) if more else None)

    @override
    def timeline(self, payment_id: UUID) -> Sequence[TimelineEntry]:
        payment = self._database.tables.payments.get(payment_id)
        return sorted(self._entries(payment), key=lambda e: e.at) if payment else ()

    @override
    def ping(self) -> None:
        return

    def _entries(self, payment: Payment) -> Iterator[TimelineEntry]:
        tables = self._database.tables
        yield from (_operation(o) for o in payment.operations)
        for r in payment.refunds:
            yield _entry("refund", r.created_at, r.reason or "", r.status, str(r.id))
        for w in tables.webhooks.values():
            if w.payment_id == payment.id:
                yield _entry("webhook", w.received_at, w.type, w.status, w.event_id)
        for m in tables.outbox.values():
            if m.payment_id == payment.id:
                yield _entry("event", m.created_at, m.name, m.status, str(m.id))
        for d in tables.discrepancies.values():
            if d.payment_id == payment.id:
                yield _entry("discrepancy", d.found_at, d.kind, d.state, str(d.id))


class InMemoryAuditQueries(IAuditQueries):
    """
    Looks at who did what on an `InMemoryDatabase`.
    """

    def __init__(self, database: InMemoryDatabase) -> None:
        self._database = database

    @override
    def list(self, wanted: AuditFilter, limit: int, after: AuditCursor | None = None) -> AuditPage:
        before = (after.at, after.id) if after else None
        found = sorted(
            (e for e in self._matching(wanted) if before is None or _audit_place(e) < before),
            key=_audit_place,
            reverse=True,
        )
        shown = [AuditRecord(e, self._outcome(e)) for e in found[:limit]]
        more = len(found) > limit
        last = found[limit - 1] if more else None
        return AuditPage(shown, AuditCursor(last.at, last.id) if last else None)

    def _matching(self, wanted: AuditFilter) -> Iterator[AuditEntry]:
        for entry in self._database.tables.audit.values():
            actor = entry.actor
            pairs = (
                (wanted.payment_id, entry.payment_id),
                (wanted.subject, actor.subject),
                (wanted.channel, actor.channel),
            )
            if all(asked in {None, found} for asked, found in pairs) and _within(wanted, entry.at):
                yield entry

    def _outcome(self, entry: AuditEntry) -> OperationState | None:
        if entry.operation_id is None or entry.payment_id is None:
            return None
        payment = self._database.tables.payments[entry.payment_id]
        return payment.operation(entry.operation_id).state


def _place(payment: Payment) -> tuple[datetime, UUID]:
    return payment.created_at, payment.id


def _matches(payment: Payment, wanted: PaymentFilter) -> bool:
    asked = ("status", "order_id", "customer_id", "provider", "provider_payment_id")
    since, until = wanted.created_from, wanted.created_to
    return (
        all(getattr(wanted, name) in {None, getattr(payment, name)} for name in asked)
        and (since is None or payment.created_at >= since)
        and (until is None or payment.created_at < until)
    )


def _operation(operation: Operation) -> TimelineEntry:
    at, kind, state = operation.first_sent_at, operation.kind, operation.state
    return _entry("operation", at, kind, state, str(operation.id))


def _entry(kind: str, at: datetime, name: str, state: str, entry_id: str) -> TimelineEntry:
    return TimelineEntry(at=at, kind=kind, name=name, state=state, id=entry_id, details={})


def _audit_place(entry: AuditEntry) -> tuple[datetime, UUID]:
    return entry.at, entry.id


def _within(wanted: AuditFilter, at: datetime) -> bool:
    since, until = wanted.since, wanted.until
    return (since is None or at >= since) and (until is None or at < until)
