"""
Counting what units of work keep: nothing counts that was not committed.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self
from uuid import UUID

from typing_extensions import override

from payments_bootstrap.metrics.series import DISCREPANCIES, EVENTS, LAG, TRANSITIONS
from payments_core.domain.discrepancy import Discrepancy
from payments_core.domain.operation import Operation
from payments_core.domain.payment import Payment
from payments_core.domain.status import PaymentStatus
from payments_core.ports.clock import IClock
from payments_core.ports.repositories import Claim, IDiscrepancyRepository, IPaymentRepository
from payments_core.ports.unit_of_work import IUnitOfWork
from payments_core.ports.webhooks import IWebhookInbox, WebhookEvent, WebhookStatus

Note = Callable[[Callable[[], None]], None]
"""
Takes what is to be counted once it is committed.
"""


class CountedUnitOfWork(IUnitOfWork):
    """
    A unit of work that counts, after its commit, what was kept.

    Where the commit fails nothing is counted, also if the database may have kept it.
    """

    def __init__(self, counted: IUnitOfWork, clock: IClock) -> None:
        self._counted = counted
        self._clock = clock
        self._noted: list[Callable[[], None]] = []

    @override
    def __enter__(self) -> Self:
        inner = self._counted.__enter__()
        self.orders, self.outbox, self.inbox = inner.orders, inner.outbox, inner.inbox
        self.audit, self.idempotency = inner.audit, inner.idempotency
        self.reconciliations = inner.reconciliations
        note = self._noted.append
        self.payments = CountedPayments(inner.payments, note)
        self.webhooks = CountedWebhooks(inner.webhooks, note, self._clock)
        self.discrepancies = CountedDiscrepancies(inner.discrepancies, note)
        return self

    @override
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._counted.__exit__(exc_type, exc, traceback)

    @override
    def commit(self) -> None:
        self._counted.commit()
        while self._noted:
            self._noted.pop()()


class CountedPayments(IPaymentRepository):
    """
    Remembers in which state payments were when they were read.
    """

    def __init__(self, counted: IPaymentRepository, note: Note) -> None:
        self._counted = counted
        self._note = note
        self._states: dict[UUID, PaymentStatus] = {}

    @override
    def add(self, payment: Payment) -> bool:
        added = self._counted.add(payment)
        if added:
            self._moved(payment)
        return added

    @override
    def get(self, payment_id: UUID) -> Payment | None:
        return self._read(self._counted.get(payment_id))

    @override
    def find(self, provider: str, provider_payment_id: str) -> Payment | None:
        return self._read(self._counted.find(provider, provider_payment_id))

    @override
    def live_payment_of(self, order_id: UUID) -> Payment | None:
        return self._read(self._counted.live_payment_of(order_id))

    @override
    def attach(self, payment: Payment) -> Payment:
        attached = self._counted.attach(payment)
        self._states[payment.id] = payment.status
        return attached

    @override
    def save(self, payment: Payment) -> None:
        self._counted.save(payment)
        if self._states.get(payment.id, payment.status) is not payment.status:
            self._moved(payment)

    @override
    def claim(
        self, token: UUID, now: datetime, until: datetime, limit: int, without: Collection[str] = ()
    ) -> Sequence[Claim]:
        return self._counted.claim(token, now, until, limit, without)

    @override
    def expired(self, now: datetime, limit: int) -> Sequence[UUID]:
        return self._counted.expired(now, limit)

    @override
    def in_review(self, limit: int) -> Sequence[tuple[UUID, Operation]]:
        return self._counted.in_review(limit)

    def _read(self, payment: Payment | None) -> Payment | None:
        if payment:
            self._states[payment.id] = payment.status
        return payment

    def _moved(self, payment: Payment) -> None:
        self._states[payment.id] = payment.status
        self._note(TRANSITIONS.labels(payment.provider, payment.status).inc)


class CountedDiscrepancies(IDiscrepancyRepository):
    """
    Counts the differences that were not known.
    """

    def __init__(self, counted: IDiscrepancyRepository, note: Note) -> None:
        self._counted = counted
        self._note = note

    @override
    def add(self, discrepancy: Discrepancy) -> bool:
        news = self._counted.add(discrepancy)
        if news:
            self._note(DISCREPANCIES.labels(discrepancy.kind).inc)
        return news

    @override
    def get(self, discrepancy_id: UUID) -> Discrepancy | None:
        return self._counted.get(discrepancy_id)

    @override
    def close(self, discrepancy: Discrepancy) -> None:
        self._counted.close(discrepancy)


class CountedWebhooks(IWebhookInbox):
    """
    Counts what becomes of events, and how late those are that have an effect.
    """

    def __init__(self, counted: IWebhookInbox, note: Note, clock: IClock) -> None:
        self._counted = counted
        self._note = note
        self._clock = clock

    @override
    def add(self, event: WebhookEvent) -> bool:
        fresh = self._counted.add(event)
        if fresh and event.status is WebhookStatus.IGNORED:
            self._ended(event)
        return fresh

    @override
    def save(self, event: WebhookEvent) -> None:
        self._counted.save(event)
        self._ended(event)

    @override
    def claim(self, now: datetime, until: datetime, limit: int) -> Sequence[WebhookEvent]:
        return self._counted.claim(now, until, limit)

    def _ended(self, event: WebhookEvent) -> None:
        # What is still RECEIVED after a try could not be processed, and is tried again.
        failed = event.status is WebhookStatus.RECEIVED
        outcome = "failed" if failed else str(event.status)
        self._note(EVENTS.labels(event.provider, outcome).inc)
        if event.status is WebhookStatus.PROCESSED:
            late = (self._clock.now() - event.created_at).total_seconds()
            self._note(lambda: LAG.labels(event.provider).observe(max(0.0, late)))
