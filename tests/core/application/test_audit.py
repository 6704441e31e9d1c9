"""
Every write by a person or a service is in the audit log, with its change or not at all.
"""

from collections.abc import Callable, Sequence
from functools import partial
from uuid import uuid4

import pytest
from typing_extensions import override

from payments_core.application.audit import ListAudit
from payments_core.application.cancel_payment import CancelPaymentCommand
from payments_core.application.capture_payment import CapturePaymentCommand
from payments_core.application.confirm_payment import ConfirmPaymentCommand
from payments_core.application.create_payment import CreatePaymentCommand
from payments_core.application.handle_capture import HandleCapture
from payments_core.application.handle_message import HandleMessage
from payments_core.application.handle_refund import HandleRefund
from payments_core.application.manage_outbox import ManageOutbox
from payments_core.application.received import ReceivedMessage
from payments_core.application.refund_payment import RefundPaymentCommand
from payments_core.domain.actor import EMBEDDING, Actor, Channel
from payments_core.domain.errors import InvalidState, StorageUnavailable
from payments_core.domain.operation import OperationState
from payments_core.domain.requests import CaptureMethod
from payments_core.ports.audit import AuditEntry, AuditFilter, AuditRecord
from payments_core.ports.queries import PaymentView
from payments_core.testing.builders import eur
from payments_core.testing.conformance.audit import ANNA
from payments_core.testing.memory import InMemoryUnitOfWork
from payments_core.testing.memory_queries import InMemoryAuditQueries, InMemoryPaymentQueries
from tests.core.application.service import Service


@pytest.fixture
def service() -> Service:
    """
    A whole service in memory.
    """
    return Service()


def records(service: Service) -> Sequence[AuditRecord]:
    """
    Return the log, oldest first.
    """
    queries = InMemoryAuditQueries(service.database)
    return list(reversed(ListAudit(queries).execute(AuditFilter(), 100).items))


def entries(service: Service) -> list[AuditEntry]:
    """
    Return its entries without their outcomes.
    """
    return [record.entry for record in records(service)]


def creation(actor: Actor = ANNA, **changes: object) -> CreatePaymentCommand:
    """
    Return the command that takes 10.00 EUR.
    """
    fields = {
        "order_id": uuid4(),
        "customer_id": "alice",
        "amount": eur("10.00"),
        "provider": "fake",
        "payment_method_id": "fake_approved",
    }
    return CreatePaymentCommand(actor=actor, **fields | changes)  # type: ignore[arg-type]  # a test's table


def test_create(service: Service) -> None:
    """
    A creation says who, when, how much, and which operation it began.
    """
    payment = service.create.execute(creation()).payment

    (record,) = records(service)
    entry = record.entry
    operation = service.stored(payment.id).operations[0]
    assert entry.actor == ANNA
    assert (entry.action, entry.payment_id, entry.amount) == ("create", payment.id, eur("10.00"))
    assert (entry.operation_id, record.outcome) == (operation.id, OperationState.SUCCEEDED)
    assert (entry.before, entry.after) == (None, "Pending")
    assert entry.at == operation.first_sent_at


def test_who_is_not_named(service: Service) -> None:
    """
    A program that embeds the core and names nobody is in the log all the same.
    """
    service.pay()

    assert [e.actor for e in entries(service)] == [EMBEDDING]


Write = Callable[[Service], None]


def confirm(service: Service) -> None:
    """
    Confirm a payment that waits.
    """
    waiting = service.pay(None)
    service.confirm.execute(
        ConfirmPaymentCommand(payment_id=waiting.id, payment_method_id="fake_approved", actor=ANNA)
    )


def capture(service: Service) -> None:
    """
    Capture a part.
    """
    payment = service.pay(manual=True)
    service.capture.execute(
        CapturePaymentCommand(payment_id=payment.id, amount=eur("6.00"), actor=ANNA)
    )


def cancel(service: Service) -> None:
    """
    Cancel for a reason.
    """
    payment = service.pay(None)
    service.cancel.execute(
        CancelPaymentCommand(payment_id=payment.id, reason="changed mind", actor=ANNA)
    )


def cancel_while_unanswered(service: Service) -> None:
    """
    Wish a cancellation that has to wait: nothing is sent, and yet something is written.
    """
    service.lose("create_intent", effect=True)
    payment = service.pay(None)
    service.cancel.execute(CancelPaymentCommand(payment_id=payment.id, actor=ANNA))


def refund(service: Service) -> None:
    """
    Refund a part for a reason.
    """
    payment = service.pay()
    service.refund.execute(
        RefundPaymentCommand(
            payment_id=payment.id, request_key="k", amount=eur("4.00"), reason="broken", actor=ANNA
        )
    )


@pytest.mark.parametrize(
    ("act", "action", "amount", "reason", "before"),
    [
        (confirm, "confirm", None, None, "RequiresAction"),
        (capture, "capture", "6.00", None, "Authorized"),
        (cancel, "cancel", None, "changed mind", "RequiresAction"),
        (cancel_while_unanswered, "cancel", None, None, "Pending"),
        (refund, "refund", "4.00", "broken", "Succeeded"),
    ],
)
def test_changes(
    service: Service,
    act: Write,
    action: str,
    amount: str | None,
    reason: str | None,
    before: str,
) -> None:
    """
    Each change of a payment is one entry, with what was asked for and the state it met.
    """
    act(service)

    _, entry = entries(service)
    assert (entry.actor, entry.action, entry.reason) == (ANNA, action, reason)
    assert entry.amount == (eur(amount) if amount else None)
    assert (entry.before, entry.after) == (before, before)
    assert (entry.refund_id is not None) == (action == "refund")


def test_repetitions_and_refusals_are_not_told(service: Service) -> None:
    """
    What changes nothing is no entry: a repeated request, one with nothing to do, a refusal.
    """
    command = creation(capture_method=CaptureMethod.MANUAL)
    payment = service.create.execute(command).payment
    service.create.execute(command)
    asked = CapturePaymentCommand(payment_id=payment.id, actor=ANNA)
    service.capture.execute(asked)
    service.capture.execute(asked)
    with pytest.raises(InvalidState):
        service.cancel.execute(CancelPaymentCommand(payment_id=payment.id, actor=ANNA))

    assert [e.action for e in entries(service)] == ["create", "capture"]


def test_told_with_the_change_or_not_at_all(service: Service) -> None:
    """
    If the change is not kept, neither is the entry; and there is no change without one.
    """

    class Failing(InMemoryUnitOfWork):
        @override
        def commit(self) -> None:
            raise StorageUnavailable("gone")

    payment = service.pay()
    failing = partial(Failing, service.database)
    object.__setattr__(service.operations, "unit_of_work", failing)
    with pytest.raises(StorageUnavailable):
        service.give_back(payment, "1.00")

    assert [e.action for e in entries(service)] == ["create"]
    assert service.stored(payment.id).refunds == []


@pytest.mark.parametrize("name", ["RefundPaymentCommand", "CapturePaymentCommand"])
def test_messages(service: Service, name: str) -> None:
    """
    A command by queue names the sender's address, the queue and the message.
    """
    payment: PaymentView = service.pay(manual=name == "CapturePaymentCommand")
    queries = InMemoryPaymentQueries(service.database)
    message = ReceivedMessage(
        id=uuid4(),
        endpoint="the-queue",
        name=name,
        body={"paymentId": str(payment.id)},
        source="rabbitmq://broker/order-service",
    )
    handlers = {
        "RefundPaymentCommand": HandleRefund(service.operations, queries),
        "CapturePaymentCommand": HandleCapture(service.operations, queries),
    }
    HandleMessage(service.operations.unit_of_work, service.clock, handlers).execute(message, "")

    _, entry = entries(service)
    assert entry.actor == Actor(
        channel=Channel.QUEUE,
        issuer="rabbitmq://broker/order-service",
        subject=str(message.id),
        client="the-queue",
        request_id=str(message.id),
    )


def test_outbox(service: Service) -> None:
    """
    Letting a message go, or sending it again, is told with its payment.
    """
    payment = service.pay()
    (message,) = service.database.outbox
    manage = ManageOutbox(partial(InMemoryUnitOfWork, service.database), service.clock)
    manage.requeue(message.id, ANNA)
    manage.release(message.id, ANNA)

    requeued, released = entries(service)[1:]
    assert (requeued.action, released.action) == ("outbox.requeue", "outbox.release")
    assert (released.before, released.after) == ("pending", "released")
    assert released.payment_id == payment.id
    assert released.about == f"message {message.id}"
