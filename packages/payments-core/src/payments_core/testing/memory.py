"""
The ports' storage in memory: full behaviour, one transaction at a time.
"""

import threading
from collections.abc import Collection, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self
from uuid import UUID

import attrs
from typing_extensions import override

from payments_core.domain.discrepancy import Discrepancy
from payments_core.domain.errors import ConcurrentUpdate
from payments_core.domain.operation import Operation, OperationState
from payments_core.domain.order import Order
from payments_core.domain.payment import Payment
from payments_core.domain.reconciliation import ReconciliationRun
from payments_core.domain.status import PaymentStatus
from payments_core.ports.outbox import (
    IMessageSerializer,
    IOutbox,
    OutboxMessage,
    PlainMessageSerializer,
)
from payments_core.ports.repositories import (
    Claim,
    IDiscrepancyRepository,
    IOrderRepository,
    IPaymentRepository,
)
from payments_core.ports.retention import History
from payments_core.ports.unit_of_work import IUnitOfWork
from payments_core.ports.webhooks import IWebhookInbox, WebhookEvent, WebhookStatus
from payments_core.testing.memory_audit import Audit, InMemoryAuditLog
from payments_core.testing.memory_keys import InMemoryIdempotencyKeys, Keys
from payments_core.testing.memory_outbox import Inbox, InMemoryInbox, InMemoryOutbox, Outbox
from payments_core.testing.memory_runs import InMemoryReconciliationRepository

DUE = frozenset({WebhookStatus.RECEIVED, WebhookStatus.PARKED})


@attrs.define
class Tables:
    """
    Everything that is stored.
    """

    payments: dict[UUID, Payment] = attrs.field(factory=dict)
    webhooks: dict[tuple[str, str], WebhookEvent] = attrs.field(factory=dict)
    discrepancies: dict[UUID, Discrepancy] = attrs.field(factory=dict)
    orders: dict[UUID, Order] = attrs.field(factory=dict)
    outbox: Outbox = attrs.field(factory=dict)
    inbox: Inbox = attrs.field(factory=dict)
    audit: Audit = attrs.field(factory=dict)
    reconciliations: dict[UUID, ReconciliationRun] = attrs.field(factory=dict)
    keys: Keys = attrs.field(factory=dict)
    horizons: dict[History, datetime] = attrs.field(factory=dict)

    def snapshot(self) -> "Tables":
        """
        Return a copy to work on; what the tables hold is replaced, never changed in place.
        """
        return Tables(**{f.name: dict(getattr(self, f.name)) for f in attrs.fields(Tables)})


class InMemoryDatabase:
    """
    What the units of work of one test share.

    Attributes:
        tables: What is committed. Look, do not touch.
    """

    def __init__(self) -> None:
        self.tables = Tables()
        self.lock = threading.Lock()

    @property
    def outbox(self) -> Sequence[OutboxMessage]:
        """
        The messages that were written, in order.
        """
        return list(self.tables.outbox.values())


class InMemoryPaymentRepository(IPaymentRepository):
    """
    Payments of one open unit of work.
    """

    def __init__(self, tables: Tables, outbox: IOutbox) -> None:
        self._tables = tables
        self._outbox = outbox

    @override
    def add(self, payment: Payment) -> bool:
        if self._live(payment.order_id):
            return False
        self._write(payment)
        return True

    @override
    def get(self, payment_id: UUID) -> Payment | None:
        return _copy(self._tables.payments.get(payment_id))

    @override
    def find(self, provider: str, provider_payment_id: str) -> Payment | None:
        wanted = (provider, provider_payment_id)
        every = self._tables.payments.values()
        found = (p for p in every if (p.provider, p.provider_payment_id) == wanted)
        return _copy(next(found, None))

    @override
    def live_payment_of(self, order_id: UUID) -> Payment | None:
        return _copy(self._live(order_id))

    @override
    def attach(self, payment: Payment) -> Payment:
        return payment.copy()

    @override
    def save(self, payment: Payment) -> None:
        stored = self._tables.payments.get(payment.id)
        if stored is None or stored.version != payment.version:
            raise ConcurrentUpdate(f"Payment {payment.id} was changed meanwhile; read it again")
        if _content(stored) != _content(payment) or payment.events:
            self._write(payment)

    @override
    def claim(
        self, token: UUID, now: datetime, until: datetime, limit: int, without: Collection[str] = ()
    ) -> Sequence[Claim]:
        due = [
            (operation.next_at, payment, operation)
            for payment in self._tables.payments.values()
            for operation in payment.operations
            if operation.next_at and operation.next_at <= now and payment.provider not in without
        ]
        claimed = sorted(due, key=lambda row: row[0])[:limit]
        for _, payment, operation in claimed:
            changed = self._tables.payments[payment.id].copy()
            held = changed.operation(operation.id)
            held.lease_token = token
            held.hold(until)
            self._tables.payments[payment.id] = changed
        return [Claim(payment.provider, payment.id, o.id) for _, payment, o in claimed]

    @override
    def expired(self, now: datetime, limit: int) -> Sequence[UUID]:
        waiting = (
            (p.expires_at, p.id)
            for p in self._tables.payments.values()
            if p.status is PaymentStatus.REQUIRES_ACTION and p.expires_at and p.expires_at <= now
        )
        return [payment_id for _, payment_id in sorted(waiting)[:limit]]

    @override
    def in_review(self, limit: int) -> Sequence[tuple[UUID, Operation]]:
        waiting = [
            (payment.id, operation)
            for payment in self._tables.payments.values()
            for operation in payment.operations
            if operation.state is OperationState.REVIEW
        ]
        return sorted(waiting, key=lambda row: row[1].first_sent_at)[:limit]

    def _live(self, order_id: UUID) -> Payment | None:
        every = self._tables.payments.values()
        return next((p for p in every if p.order_id == order_id and not p.closed), None)

    def _write(self, payment: Payment) -> None:
        payment.version += 1
        self._outbox.add(payment.events)
        payment.events.clear()
        self._tables.payments[payment.id] = payment.copy()


class InMemoryWebhookInbox(IWebhookInbox):
    """
    Webhook events of one open unit of work.
    """

    def __init__(self, tables: Tables) -> None:
        self._events = tables.webhooks

    @override
    def add(self, event: WebhookEvent) -> bool:
        key = (event.provider, event.event_id)
        if key in self._events:
            return False
        self._events[key] = event
        return True

    @override
    def save(self, event: WebhookEvent) -> None:
        self._events[event.provider, event.event_id] = event

    @override
    def claim(self, now: datetime, until: datetime, limit: int) -> Sequence[WebhookEvent]:
        due = [
            attrs.evolve(e, next_at=until)
            for e in sorted(self._events.values(), key=lambda e: e.received_at)
            if e.status in DUE and e.next_at is not None and e.next_at <= now
        ][:limit]
        for event in due:
            self.save(event)
        return due


class InMemoryDiscrepancyRepository(IDiscrepancyRepository):
    """
    Discrepancies of one open unit of work.
    """

    def __init__(self, tables: Tables) -> None:
        self._found = tables.discrepancies

    @override
    def add(self, discrepancy: Discrepancy) -> bool:
        before = self._found.get(discrepancy.id)
        if before is None:
            self._found[discrepancy.id] = discrepancy
        elif discrepancy.repair and not before.repair:
            repair, at = discrepancy.repair, discrepancy.repaired_at
            self._found[discrepancy.id] = attrs.evolve(before, repair=repair, repaired_at=at)
        return before is None

    @override
    def get(self, discrepancy_id: UUID) -> Discrepancy | None:
        return self._found.get(discrepancy_id)

    @override
    def close(self, discrepancy: Discrepancy) -> None:
        self._found[discrepancy.id] = attrs.evolve(
            self._found[discrepancy.id],
            closed_at=discrepancy.closed_at,
            closed_by=discrepancy.closed_by,
            note=discrepancy.note,
        )


class InMemoryOrderRepository(IOrderRepository):
    """
    Orders of one open unit of work.
    """

    def __init__(self, tables: Tables) -> None:
        self._orders = tables.orders

    @override
    def record(self, order: Order) -> None:
        before = self._orders.get(order.id, order)
        self._orders[order.id] = Order(
            id=order.id,
            customer_id=before.customer_id or order.customer_id,
            total=order.total if before.total is None else before.total,
        )

    @override
    def get(self, order_id: UUID) -> Order | None:
        return self._orders.get(order_id)


class InMemoryUnitOfWork(IUnitOfWork):
    """
    A transaction on an `InMemoryDatabase`; a second one waits until the first ends.
    """

    def __init__(
        self, database: InMemoryDatabase, serializer: IMessageSerializer | None = None
    ) -> None:
        self._database = database
        self._serializer = serializer or PlainMessageSerializer()

    @override
    def __enter__(self) -> Self:
        self._database.lock.acquire()
        self._tables = self._database.tables.snapshot()
        self.outbox = InMemoryOutbox(self._tables.outbox, self._serializer)
        self.inbox = InMemoryInbox(self._tables.inbox)
        self.audit = InMemoryAuditLog(self._tables.audit)
        self.idempotency = InMemoryIdempotencyKeys(self._tables.keys)
        self.orders = InMemoryOrderRepository(self._tables)
        self.payments = InMemoryPaymentRepository(self._tables, self.outbox)
        self.webhooks = InMemoryWebhookInbox(self._tables)
        self.discrepancies = InMemoryDiscrepancyRepository(self._tables)
        self.reconciliations = InMemoryReconciliationRepository(self._tables.reconciliations)
        return self

    @override
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._database.lock.release()

    @override
    def commit(self) -> None:
        self._database.tables = self._tables.snapshot()


def _content(payment: Payment) -> Payment:
    return attrs.evolve(payment, version=0, updated_at=payment.created_at)


def _copy(payment: Payment | None) -> Payment | None:
    return None if payment is None else payment.copy()
