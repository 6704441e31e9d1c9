"""
Messages from other services: one effect each, refusals told, the rest tried again.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from typing_extensions import override

from payments_core.application.handle_capture import HandleCapture
from payments_core.application.handle_message import (
    Handled,
    HandleMessage,
    IMessageHandler,
    Outcome,
)
from payments_core.application.handle_refund import HandleRefund
from payments_core.application.received import ReceivedMessage
from payments_core.application.record_order import RecordOrder
from payments_core.contracts.commands import MessageInvalid
from payments_core.domain.errors import (
    CaptureExceedsAuthorized,
    CurrencyMismatch,
    InvalidState,
    PaymentNotFound,
    StorageUnavailable,
)
from payments_core.domain.order import Order
from payments_core.domain.status import PaymentStatus
from payments_core.ports.inbox import InboxStatus
from payments_core.ports.outbox import Cause
from payments_core.ports.queries import PaymentView
from payments_core.ports.unit_of_work import UnitOfWorkFactory
from payments_core.testing.builders import eur
from payments_core.testing.conformance.outbox import MarkingSerializer
from payments_core.testing.memory import InMemoryUnitOfWork
from payments_core.testing.memory_queries import InMemoryPaymentQueries
from tests.core.application.service import Service

REFUND = "RefundPaymentCommand"
CAPTURE = "CapturePaymentCommand"
ORDER = "IOrderCreated"


class Broken(IMessageHandler):
    """
    A handler with a bug, or without a database.
    """

    def __init__(self, error: Exception) -> None:
        self.error = error

    @override
    def handle(self, message: ReceivedMessage, effect: UnitOfWorkFactory) -> None:
        raise self.error


class Queue:
    """
    The service's handlers behind one queue.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        self.unit_of_work = partial(InMemoryUnitOfWork, service.database)
        queries = InMemoryPaymentQueries(service.database)
        self.handlers: dict[str, IMessageHandler] = {
            REFUND: HandleRefund(service.operations, queries),
            CAPTURE: HandleCapture(service.operations, queries),
            ORDER: RecordOrder("EUR"),
        }

    def bring(
        self,
        name: str,
        body: Mapping[str, Any],
        message_id: UUID | None = None,
        *,
        attempts: int = 0,
        cause: Cause | None = None,
    ) -> Handled:
        """
        Deliver a message.
        """
        handle = HandleMessage(self.unit_of_work, self.service.clock, self.handlers)
        message = ReceivedMessage(
            id=message_id or uuid4(),
            endpoint="queue",
            name=name,
            body=body,
            cause=cause or Cause(),
        )
        return handle.execute(message, "content", attempts)

    def refund(self, payment: PaymentView, **fields: Any) -> Outcome:
        """
        Deliver a new refund command.
        """
        return self.bring(REFUND, {"paymentId": str(payment.id), **fields}).outcome

    def capture(self, payment: PaymentView, **fields: Any) -> Handled:
        """
        Deliver a new capture command.
        """
        return self.bring(CAPTURE, {"paymentId": str(payment.id), **fields})


@pytest.fixture
def queue(service: Service) -> Queue:
    """
    A queue into the service.
    """
    return Queue(service)


# ---------------------------------------------------------------- refunds


def test_refund_command_refunds(service: Service, queue: Queue) -> None:
    """
    The amount goes back, in the payment's currency, and is told.
    """
    payment = service.pay()

    assert queue.refund(payment, amount="4.5", reason="damaged") is Outcome.DONE
    assert service.stored(payment.id).refunded == eur("4.50")
    assert service.told() == ["IPaymentSucceeded", "IRefundIssued"]


def test_same_message_ten_times_is_one_refund(service: Service, queue: Queue) -> None:
    """
    Ten deliveries of a message have one effect.
    """
    payment, message_id = service.pay(), uuid4()
    body = {"paymentId": str(payment.id), "amount": "1.00"}
    outcomes = [queue.bring(REFUND, body, message_id).outcome for _ in range(10)]

    assert outcomes == [Outcome.DONE] + [Outcome.DUPLICATE] * 9
    assert service.stored(payment.id).refunded == eur("1.00")
    assert service.provider.calls.count("refund") == 1


def test_same_request_in_new_messages_is_one_refund(service: Service, queue: Queue) -> None:
    """
    A command that is sent anew with its refundRequestId is the same refund.
    """
    payment = service.pay()
    asked = {"amount": "1.00", "refundRequestId": str(uuid4())}
    outcomes = [queue.refund(payment, **asked) for _ in range(3)]

    assert outcomes == [Outcome.DONE] * 3
    assert service.stored(payment.id).refunded == eur("1.00")


def test_refund_without_amount_returns_all(service: Service, queue: Queue) -> None:
    """
    Null, or nothing, means all that is left.
    """
    payment = service.pay()
    queue.refund(payment, amount=None)

    assert service.stored(payment.id).status is PaymentStatus.REFUNDED


@pytest.mark.parametrize(
    ("asked", "code", "amount"),
    [
        ("10.01", "refund_exceeds_captured", "10.01"),
        ("1.001", "amount_precision", None),
        ("0", "amount_not_positive", "0.00"),
        ("-1", "amount_not_positive", "-1.00"),
    ],
)
def test_refused_refund_is_told(
    service: Service, queue: Queue, asked: str, code: str, amount: str | None
) -> None:
    """
    A business no is an event, not a failure: the message is done, and is not tried again.
    """
    payment, request_id = service.pay(), str(uuid4())
    outcome = queue.refund(payment, amount=asked, refundRequestId=request_id)
    told = service.body_of("IRefundFailed")

    assert outcome is Outcome.DONE
    assert told == {
        "paymentId": str(payment.id),
        "refundId": None,
        "refundRequestId": request_id,
        "amount": amount,
        "currency": "EUR" if amount else None,
        "errorCode": code,
        "reason": told["reason"],
        "occurredAt": told["occurredAt"],
    }
    assert not service.database.tables.payments[payment.id].refunds


def test_refund_in_another_currency_is_refused(service: Service, queue: Queue) -> None:
    """
    Who names another currency means another amount: nothing is moved, and they hear what they said.
    """
    payment = service.pay()
    outcome = queue.refund(payment, amount="10.00", currency="usd")
    told = service.body_of("IRefundFailed")

    assert outcome is Outcome.DONE
    assert (told["errorCode"], told["amount"], told["currency"]) == (
        "currency_mismatch",
        "10.00",
        "USD",
    )
    assert queue.refund(payment, amount="10.00", currency="eur") is Outcome.DONE
    assert service.told().count("IRefundIssued") == 1


def test_capture_in_another_currency_fails(service: Service, queue: Queue) -> None:
    """
    It is refused for good, and nothing is taken.
    """
    payment = service.pay(manual=True)
    handled = queue.capture(payment, amount="10.00", currency="USD")

    assert handled.outcome is Outcome.FAILED
    assert isinstance(handled.error, CurrencyMismatch)


def test_refusal_is_told_once(service: Service, queue: Queue) -> None:
    """
    The refused message delivered again tells nothing new.
    """
    payment, message_id = service.pay(), uuid4()
    body = {"paymentId": str(payment.id), "amount": "99"}
    outcomes = [queue.bring(REFUND, body, message_id).outcome for _ in range(3)]

    assert outcomes == [Outcome.DONE, Outcome.DUPLICATE, Outcome.DUPLICATE]
    assert service.told().count("IRefundFailed") == 1


def test_second_full_refund_is_refused(service: Service, queue: Queue) -> None:
    """
    When nothing is left, a new command is refused and told, not tried again.
    """
    payment = service.pay()
    queue.refund(payment)

    assert queue.refund(payment) is Outcome.DONE
    assert service.body_of("IRefundFailed")["errorCode"] == "already_refunded"


def test_refund_that_comes_too_early_is_tried_again(service: Service, queue: Queue) -> None:
    """
    A refund of what is not captured yet waits for the capture.
    """
    payment, message_id = service.pay(manual=True), uuid4()
    body = {"paymentId": str(payment.id), "amount": "1.00"}
    early = queue.bring(REFUND, body, message_id).outcome
    queue.capture(payment)
    service.clock.advance(seconds=5)
    late = queue.bring(REFUND, body, message_id, attempts=1).outcome

    assert (early, late) == (Outcome.DEFERRED, Outcome.DONE)
    assert service.stored(payment.id).refunded == eur("1.00")


def test_refund_of_a_failed_payment_is_refused(service: Service, queue: Queue) -> None:
    """
    What failed never took money: there is nothing to wait for.
    """
    payment = service.pay("fake_declined")

    assert queue.refund(payment) is Outcome.DONE
    assert service.body_of("IRefundFailed")["errorCode"] == "invalid_state"


def test_unanswered_refund_is_not_asked_for_again(service: Service, queue: Queue) -> None:
    """
    When the provider's answer is lost the operation is on record: recovery owns it from there.
    """
    payment, message_id = service.pay(), uuid4()
    service.lose("refund", effect=True)
    body = {"paymentId": str(payment.id)}
    outcomes = [queue.bring(REFUND, body, message_id).outcome for _ in range(2)]

    assert outcomes == [Outcome.DONE, Outcome.DUPLICATE]
    assert service.stored(payment.id).reserved == eur("10.00")
    assert service.provider.calls.count("refund") == 1


def test_events_belong_to_the_conversation(service: Service, queue: Queue) -> None:
    """
    What is told because of a message, also after the provider's answer, names its conversation.
    """
    queue.unit_of_work = partial(InMemoryUnitOfWork, service.database, MarkingSerializer())
    payment, conversation = service.pay(), uuid4()
    queue.bring(REFUND, {"paymentId": str(payment.id)}, cause=Cause(conversation))
    issued = service.database.outbox[-1]

    assert issued.name == "IRefundIssued"
    assert str(conversation) in issued.body


# ---------------------------------------------------------------- captures


def test_capture_command_captures(service: Service, queue: Queue) -> None:
    """
    A part, or all, is taken; the same message again changes nothing.
    """
    payment, message_id = service.pay(manual=True), uuid4()
    body = {"paymentId": str(payment.id), "amount": "4.00"}
    outcomes = [queue.bring(CAPTURE, body, message_id).outcome for _ in range(2)]

    assert outcomes == [Outcome.DONE, Outcome.DUPLICATE]
    assert service.stored(payment.id).captured == eur("4.00")


def test_capture_by_order(service: Service, queue: Queue) -> None:
    """
    An order's newest payment is captured when no payment is named.
    """
    order_id = uuid4()
    service.pay("fake_declined", order_id=order_id)
    service.clock.advance(seconds=1)
    payment = service.pay(manual=True, order_id=order_id)
    done = queue.bring(CAPTURE, {"orderId": str(order_id)})

    assert done.outcome is Outcome.DONE
    assert service.stored(payment.id).status is PaymentStatus.SUCCEEDED


def test_capture_of_what_is_captured_is_done(service: Service, queue: Queue) -> None:
    """
    A second command for the same capture asks for nothing.
    """
    payment = service.pay(manual=True)
    outcomes = [queue.capture(payment).outcome for _ in range(2)]

    assert outcomes == [Outcome.DONE, Outcome.DONE]
    assert service.provider.calls.count("capture") == 1


def test_capture_of_a_failed_payment_is_over(service: Service, queue: Queue) -> None:
    """
    That it failed was told already.
    """
    payment = service.pay("fake_declined")

    assert queue.capture(payment).outcome is Outcome.DONE


def test_capture_that_comes_too_early_is_tried_again(service: Service, queue: Queue) -> None:
    """
    A payment that its customer still approves may be authorised soon.
    """
    payment = service.pay("fake_action", manual=True)

    assert queue.capture(payment).outcome is Outcome.DEFERRED


def test_refused_capture_fails(service: Service, queue: Queue) -> None:
    """
    No event tells of a refused capture, so the message fails where its sender looks.
    """
    payment = service.pay(manual=True)
    too_much = queue.capture(payment, amount="10.01")
    queue.capture(payment, amount="4.00")
    other = queue.capture(payment, amount="5.00")

    assert too_much.outcome is other.outcome is Outcome.FAILED
    assert isinstance(too_much.error, CaptureExceedsAuthorized)
    assert isinstance(other.error, InvalidState)


# ---------------------------------------------------------------- orders


def test_order_is_recorded(service: Service, queue: Queue) -> None:
    """
    The customer and the total are kept, in the default currency if none is told.
    """
    order_id = uuid4()
    body = {"orderId": str(order_id), "userId": "alice", "totalAmount": "129.90"}

    assert queue.bring(ORDER, body).outcome is Outcome.DONE
    assert service.database.tables.orders[order_id] == Order(
        id=order_id, customer_id="alice", total=eur("129.90")
    )


def test_order_with_an_impossible_total_fails(queue: Queue) -> None:
    """
    An amount that is no money is not recorded.
    """
    done = queue.bring(ORDER, {"orderId": str(uuid4()), "totalAmount": "1.001"})

    assert done.outcome is Outcome.FAILED
    assert isinstance(done.error, MessageInvalid)


# ---------------------------------------------------------------- what goes wrong


def test_unknown_payment_is_tried_five_times_more(service: Service, queue: Queue) -> None:
    """
    The command may overtake its payment; after the last try it failed.
    """
    body, message_id = {"paymentId": str(uuid4())}, uuid4()
    outcomes = [queue.bring(REFUND, body, message_id, attempts=n) for n in range(6)]
    (kept,) = service.database.tables.inbox.values()

    assert [o.outcome for o in outcomes] == [Outcome.DEFERRED] * 5 + [Outcome.FAILED]
    assert isinstance(outcomes[-1].error, PaymentNotFound)
    assert (kept.attempts, kept.status, kept.content) == (5, InboxStatus.WAITING, "content")


def test_pauses_grow(service: Service, queue: Queue) -> None:
    """
    Each further try comes later than the one before.
    """
    body, message_id = {"paymentId": str(uuid4())}, uuid4()
    pauses = []
    for attempts in range(5):
        queue.bring(REFUND, body, message_id, attempts=attempts)
        (kept,) = service.database.tables.inbox.values()
        assert kept.next_at is not None
        pauses.append(kept.next_at - service.clock.now())

    assert [round(p / timedelta(seconds=1)) for p in pauses] == [5, 15, 60, 300, 900]


@pytest.mark.parametrize("body", [{}, {"paymentId": str(UUID(int=0))}, {"paymentId": "7"}])
def test_message_that_says_nothing_fails_at_once(queue: Queue, body: dict[str, Any]) -> None:
    """
    What cannot be read now cannot be read later.
    """
    done = queue.bring(REFUND, body)

    assert done.outcome is Outcome.FAILED
    assert isinstance(done.error, MessageInvalid)


def test_bug_is_tried_again(service: Service, queue: Queue) -> None:
    """
    An error that is none of ours may not come again; its text is not kept.
    """
    queue.handlers[REFUND] = Broken(ValueError("4242 4242"))
    outcome = queue.bring(REFUND, {}).outcome
    (kept,) = service.database.tables.inbox.values()

    assert outcome is Outcome.DEFERRED
    assert kept.error == "ValueError"


def test_without_a_database_the_message_is_held(queue: Queue) -> None:
    """
    When nothing can be kept, whoever brings the message must keep it.
    """
    queue.handlers[REFUND] = Broken(StorageUnavailable())

    with pytest.raises(StorageUnavailable):
        queue.bring(REFUND, {})


def test_error_after_the_effect_does_not_undo_it(service: Service, queue: Queue) -> None:
    """
    What fails after the effect was committed is not tried again: the effect stands.
    """
    payment = service.pay()
    inner = queue.handlers[REFUND]

    class FailsLate(IMessageHandler):
        """
        Does its work and then fails.
        """

        @override
        def handle(self, message: ReceivedMessage, effect: UnitOfWorkFactory) -> None:
            inner.handle(message, effect)
            raise RuntimeError

    queue.handlers[REFUND] = FailsLate()

    assert queue.refund(payment, amount="1.00") is Outcome.DUPLICATE
    assert service.stored(payment.id).refunded == eur("1.00")
