"""
A whole service in memory: the use cases on fakes.
"""

import json
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import attrs

from payments_core.application.cancel_payment import CancelPayment
from payments_core.application.capture_payment import CapturePayment, CapturePaymentCommand
from payments_core.application.confirm_payment import ConfirmPayment
from payments_core.application.create_payment import CreatePayment, CreatePaymentCommand
from payments_core.application.expire_payments import ExpirePayments
from payments_core.application.operations import Operations
from payments_core.application.process_webhooks import ProcessWebhooks
from payments_core.application.receive_webhook import (
    ReceivedWebhook,
    ReceiveWebhook,
    ReceiveWebhookCommand,
)
from payments_core.application.reconcile_payments import ReconcileCommand, ReconcilePayments
from payments_core.application.refund_payment import RefundPayment, RefundPaymentCommand
from payments_core.application.report_reviews import ReportReviews
from payments_core.application.resolve_operations import ResolveOperations
from payments_core.domain.ids import new_payment_id
from payments_core.domain.payment import Payment
from payments_core.domain.policy import Policy
from payments_core.domain.reconciliation import ReconciliationPolicy, ReconciliationRun
from payments_core.domain.requests import CaptureMethod
from payments_core.ports.provider import NoticeTopic
from payments_core.ports.queries import PaymentView
from payments_core.testing.builders import a_payment, eur
from payments_core.testing.clock import ManualClock
from payments_core.testing.fake_provider import FakePaymentProvider, Fault
from payments_core.testing.memory import InMemoryDatabase, InMemoryUnitOfWork
from payments_core.testing.memory_reconciliation import InMemoryReconciliationQueries

EVERYTHING = ReconciliationPolicy(grace=timedelta(0), stuck_after=timedelta(0), batch=2)
"""
Compares also what happened just now.
"""


@attrs.define
class Service:
    """
    Every use case, on one database and one fake provider.
    """

    clock: ManualClock = attrs.field(factory=ManualClock)
    database: InMemoryDatabase = attrs.field(factory=InMemoryDatabase)
    provider: FakePaymentProvider = attrs.field(init=False)
    operations: Operations = attrs.field(init=False)
    create: CreatePayment = attrs.field(init=False)
    confirm: ConfirmPayment = attrs.field(init=False)
    capture: CapturePayment = attrs.field(init=False)
    cancel: CancelPayment = attrs.field(init=False)
    refund: RefundPayment = attrs.field(init=False)
    process: ProcessWebhooks = attrs.field(init=False)
    receive: ReceiveWebhook = attrs.field(init=False)
    reconcile: ReconcilePayments = attrs.field(init=False)
    resolve: ResolveOperations = attrs.field(init=False)
    expire: ExpirePayments = attrs.field(init=False)
    report: ReportReviews = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.provider = FakePaymentProvider(clock=self.clock)
        self.operations = Operations(
            partial(InMemoryUnitOfWork, self.database),
            {"fake": self.provider},
            self.clock,
            Policy(),
        )
        self.create = CreatePayment(self.operations)
        self.confirm = ConfirmPayment(self.operations)
        self.capture = CapturePayment(self.operations)
        self.cancel = CancelPayment(self.operations)
        self.refund = RefundPayment(self.operations)
        self.process = ProcessWebhooks(self.operations)
        self.receive = ReceiveWebhook(self.operations, self.process)
        self.reconcile = ReconcilePayments(
            self.operations, InMemoryReconciliationQueries(self.database), EVERYTHING
        )
        self.resolve = ResolveOperations(self.operations)
        self.expire = ExpirePayments(self.operations)
        self.report = ReportReviews(self.operations.unit_of_work)

    def pay(
        self,
        method: str | None = "fake_approved",
        *,
        manual: bool = False,
        order_id: UUID | None = None,
    ) -> PaymentView:
        """
        Create a payment of 10.00 EUR.
        """
        command = CreatePaymentCommand(
            order_id=order_id or uuid4(),
            customer_id="alice",
            amount=eur("10.00"),
            provider="fake",
            capture_method=CaptureMethod.MANUAL if manual else CaptureMethod.AUTOMATIC,
            payment_method_id=method,
        )
        return self.create.execute(command).payment

    def leave_unsent(self, method: str | None = "fake_approved") -> PaymentView:
        """
        Record a payment of 10.00 EUR whose process dies before it sends anything.
        """
        now, policy = self.clock.now(), self.operations.policy
        payment = a_payment(
            payment_id=new_payment_id(now), payment_method_id=method, now=now, policy=policy
        )
        with self.operations.unit_of_work() as uow:
            uow.payments.add(payment)
            uow.commit()
        return PaymentView.of(payment)

    def give_back(self, payment: PaymentView, amount: str) -> None:
        """
        Refund an amount.
        """
        command = RefundPaymentCommand(
            payment_id=payment.id, request_key=str(uuid4()), amount=eur(amount)
        )
        self.refund.execute(command)

    def take(self, payment: PaymentView) -> None:
        """
        Capture all of it.
        """
        self.capture.execute(CapturePaymentCommand(payment_id=payment.id))

    def lose(self, method: str, *, effect: bool) -> None:
        """
        Lose the answer to the next call of a provider's method, with or without its effect.
        """
        self.provider.faults.append(Fault(method, effect=effect))

    def stored(self, payment_id: UUID) -> Payment:
        """
        Return the payment as it is kept.
        """
        return self.database.tables.payments[payment_id]

    def webhook(
        self, provider_payment_id: str, topic: NoticeTopic = NoticeTopic.PAYMENT
    ) -> ReceivedWebhook:
        """
        Deliver a genuine webhook about an object.
        """
        return self.deliver(self.provider.webhook(provider_payment_id, topic))

    def deliver(self, delivery: tuple[bytes, dict[str, str]]) -> ReceivedWebhook:
        """
        Deliver these bytes and headers.
        """
        payload, headers = delivery
        return self.receive.execute(
            ReceiveWebhookCommand(provider="fake", payload=payload, headers=headers)
        )

    def compare(self, **changes: Any) -> ReconciliationRun:
        """
        Reconcile the last day, up to this moment.
        """
        self.clock.advance(seconds=1)
        now = self.clock.now()
        fields: dict[str, Any] = {
            "provider": "fake",
            "window_start": now - timedelta(days=1),
            "window_end": now,
        }
        return self.reconcile.execute(ReconcileCommand(**fields | changes))

    def told(self) -> list[str]:
        """
        Return the names of the messages that were written.
        """
        return [message.name for message in self.database.outbox]

    def body_of(self, name: str) -> dict[str, Any]:
        """
        Return the fields of the last message of that name.
        """
        found = [m.body for m in self.database.outbox if m.name == name]
        return dict(json.loads(found[-1]))

    def object_of(self, payment: PaymentView) -> str:
        """
        Return the id of the provider's object of a payment.
        """
        found = (p.id for p in self.provider._payments.values() if p.payment_id == payment.id)
        return next(found)
