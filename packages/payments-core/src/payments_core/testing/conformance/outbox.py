"""
What every `IOutbox`, `IInbox` and `IOrderRepository` of a unit of work promise.
"""

from abc import abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import attrs
import pytest
from typing_extensions import override

from payments_core.application.forget_messages import ForgetMessages
from payments_core.contracts.messages import Message
from payments_core.domain.events import Event, PaymentFailed, PaymentSucceeded
from payments_core.domain.failure import Failure
from payments_core.domain.operation import OperationState
from payments_core.domain.order import Order
from payments_core.domain.payment import Payment
from payments_core.domain.policy import Policy
from payments_core.domain.settlement import Answer, apply
from payments_core.ports.correlation import Correlation, correlated
from payments_core.ports.inbox import InboxMessage, InboxStatus
from payments_core.ports.outbox import (
    Cause,
    Finished,
    IMessageSerializer,
    OutboxMessage,
    OutboxStatus,
)
from payments_core.ports.unit_of_work import UnitOfWorkFactory
from payments_core.testing.builders import NOW, a_payment, eur
from payments_core.testing.clock import ManualClock

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SOON = NOW + timedelta(seconds=30)
LATER = NOW + timedelta(minutes=5)


class MarkingSerializer(IMessageSerializer):
    """
    Writes into the body what it was told.
    """

    @override
    def finish(self, message: Message, *, sent_at: datetime, cause: Cause | None) -> Finished:
        conversation = cause.conversation_id if cause else None
        body = f"{message.id} {message.correlation_id} {sent_at.isoformat()} {conversation} é"
        return Finished(f"to:{message.name}", "text/plain", body)


def a_failure(payment: Payment) -> PaymentFailed:
    """
    Return an event that tells of a failed payment.
    """
    return PaymentFailed(
        id=uuid4(),
        payment_id=payment.id,
        order_id=payment.order_id,
        occurred_at=NOW,
        provider="fake",
        provider_payment_id=None,
        failure=Failure("card_declined", "No."),
    )


def a_success(payment: Payment) -> PaymentSucceeded:
    """
    Return an event that tells of a payment that was captured.
    """
    return PaymentSucceeded(
        id=uuid4(),
        payment_id=payment.id,
        order_id=payment.order_id,
        occurred_at=NOW,
        amount=eur("10.00"),
        provider="fake",
        provider_payment_id="fake_pi",
    )


class OutboxConformance:
    """
    Subclass it and override `make_uow`: an empty database, with the serializer of the fixture.
    """

    @pytest.fixture
    def serializer(self) -> IMessageSerializer:
        """
        Return what must finish the messages.
        """
        return MarkingSerializer()

    @pytest.fixture
    @abstractmethod
    def make_uow(self, serializer: IMessageSerializer) -> UnitOfWorkFactory:
        """
        Return what gives a fresh unit of work at each call.
        """

    # ------------------------------------------------------------ steps

    def keep(self, make_uow: UnitOfWorkFactory, order_id: UUID | None = None) -> Payment:
        """
        Add a payment and commit.
        """
        payment = a_payment(order_id=order_id or uuid4())
        with make_uow() as uow:
            assert uow.payments.add(payment)
            uow.commit()
        return payment

    def refuse(self, make_uow: UnitOfWorkFactory, payment: Payment) -> None:
        """
        Let a payment fail, which tells so.
        """
        refused = Answer(
            operation_id=payment.operations[0].id,
            state=OperationState.DECLINED,
            failure=Failure("provider_rejected", "No."),
        )
        with make_uow() as uow:
            held = uow.payments.get(payment.id)
            assert held is not None
            apply(held, refused, NOW, Policy())
            uow.payments.save(held)
            uow.commit()

    def tell(self, make_uow: UnitOfWorkFactory, *events: Event) -> None:
        """
        Write events and commit.
        """
        with make_uow() as uow:
            for event in events:
                uow.outbox.add([event])
            uow.commit()

    def claim(
        self,
        make_uow: UnitOfWorkFactory,
        now: datetime = NOW,
        until: datetime = SOON,
        limit: int = 100,
    ) -> Sequence[OutboxMessage]:
        """
        Claim and commit.
        """
        with make_uow() as uow:
            claimed = uow.outbox.claim(now, until, limit)
            uow.commit()
        return claimed

    def sent(
        self,
        make_uow: UnitOfWorkFactory,
        messages: Sequence[OutboxMessage],
        status: OutboxStatus = OutboxStatus.PUBLISHED,
    ) -> None:
        """
        Note messages as gone and commit.
        """
        with make_uow() as uow:
            uow.outbox.sent(messages, status, NOW)
            uow.commit()

    def replace(
        self, make_uow: UnitOfWorkFactory, before: OutboxMessage, after: OutboxMessage
    ) -> bool:
        """
        Replace and commit.
        """
        with make_uow() as uow:
            done = uow.outbox.replace(before, after)
            uow.commit()
        return done

    def find(self, make_uow: UnitOfWorkFactory, message_id: UUID) -> OutboxMessage:
        """
        Read a message.
        """
        with make_uow() as uow:
            found = uow.outbox.find(message_id)
        assert found is not None
        return found

    # ------------------------------------------------------------ writing

    def test_messages_are_kept_finished(self, make_uow: UnitOfWorkFactory) -> None:
        """
        The serializer's words are stored as they are, with the cause of the unit of work.
        """
        payment, conversation = self.keep(make_uow), uuid4()
        event = a_success(payment)
        with make_uow() as uow:
            uow.outbox.cause = Cause(conversation)
            uow.outbox.add([event])
            uow.commit()
        (message,) = self.claim(make_uow)

        assert message == OutboxMessage(
            id=event.id,
            order_id=payment.order_id,
            payment_id=payment.id,
            sequence=1,
            name="IPaymentSucceeded",
            destination="to:IPaymentSucceeded",
            content_type="text/plain",
            body=f"{event.id} {payment.id} {NOW.isoformat()} {conversation} é",
            created_at=NOW,
            next_at=SOON,
        )

    @pytest.mark.parametrize("traceparent", [None, TRACEPARENT])
    def test_correlation_is_kept(
        self, make_uow: UnitOfWorkFactory, traceparent: str | None
    ) -> None:
        """
        Each message keeps the ids under which it was written, whoever reads it under which.
        """
        payment, under = self.keep(make_uow), Correlation("checkout-12", traceparent)
        with correlated(under):
            self.tell(make_uow, a_success(payment))
        with correlated(Correlation("the-relay")):
            (message,) = self.claim(make_uow)

        assert message.correlation == under

    def test_a_clock_that_is_ahead(self, make_uow: UnitOfWorkFactory) -> None:
        """
        What a machine told whose clock is nine minutes ahead leaves at once, and its order's next.
        """
        payment = self.keep(make_uow)
        ahead = attrs.evolve(a_failure(payment), occurred_at=NOW + timedelta(minutes=9))
        self.tell(make_uow, ahead)

        assert [m.id for m in self.claim(make_uow)] == [ahead.id]

    def test_without_correlation(self, make_uow: UnitOfWorkFactory) -> None:
        """
        What is written under no ids has none.
        """
        self.tell(make_uow, a_success(self.keep(make_uow)))
        (message,) = self.claim(make_uow)

        assert message.correlation is None

    def test_cause_ends_with_its_unit_of_work(self, make_uow: UnitOfWorkFactory) -> None:
        """
        What the next unit of work tells has no cause of another's.
        """
        with make_uow() as uow:
            uow.outbox.cause = Cause(uuid4())
        with make_uow() as uow:
            cause = uow.outbox.cause

        assert cause is None

    def test_saved_payment_tells_its_events(self, make_uow: UnitOfWorkFactory) -> None:
        """
        Events of a payment are written when it is saved.
        """
        payment = self.keep(make_uow)
        self.refuse(make_uow, payment)

        assert [m.name for m in self.claim(make_uow)] == ["IPaymentFailed"]

    def test_nothing_is_told_without_commit(self, make_uow: UnitOfWorkFactory) -> None:
        """
        An event whose transaction is undone was never told.
        """
        payment = self.keep(make_uow)
        with make_uow() as uow:
            uow.outbox.add([a_success(payment)])

        assert not self.claim(make_uow)

    def test_sequence_has_no_gap(self, make_uow: UnitOfWorkFactory) -> None:
        """
        Many who write events of one order at once number them without gap or double.
        """
        payment = self.keep(make_uow)

        def tell(_: int) -> None:
            self.tell(make_uow, a_success(payment), a_success(payment))

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(tell, range(8)))
        with make_uow() as uow:
            numbers = [m.sequence for m in uow.outbox.waiting(LATER, 100)]

        assert sorted(numbers) == list(range(1, 17))

    # ------------------------------------------------------------ claiming

    def test_only_the_first_of_an_order_is_claimed(self, make_uow: UnitOfWorkFactory) -> None:
        """
        An order's second message waits for its first, another order's does not.
        """
        one, two = self.keep(make_uow), self.keep(make_uow)
        self.tell(make_uow, a_success(one), a_success(one), a_success(two))
        first = self.claim(make_uow)
        self.sent(make_uow, first)
        second = self.claim(make_uow)

        assert {(m.payment_id, m.sequence) for m in first} == {(one.id, 1), (two.id, 1)}
        assert [(m.payment_id, m.sequence) for m in second] == [(one.id, 2)]

    def test_claimers_never_share(self, make_uow: UnitOfWorkFactory) -> None:
        """
        Of many claimers at once, each message has one.
        """
        payments = [self.keep(make_uow) for _ in range(12)]
        self.tell(make_uow, *(a_success(p) for p in payments for _ in range(2)))
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda _: self.claim(make_uow, limit=4), range(12)))
        claimed = [m.id for messages in found for m in messages]

        assert len(claimed) == len(set(claimed)) == len(payments)

    def test_claim_is_bounded_and_oldest_first(self, make_uow: UnitOfWorkFactory) -> None:
        """
        At most so many are claimed, those that have been due longest.
        """
        events = [
            attrs.evolve(a_success(self.keep(make_uow)), occurred_at=NOW - timedelta(seconds=s))
            for s in (1, 3, 2)
        ]
        self.tell(make_uow, *events)

        assert [m.id for m in self.claim(make_uow, limit=2)] == [events[1].id, events[2].id]

    def test_lost_claim_ends(self, make_uow: UnitOfWorkFactory) -> None:
        """
        What a claimer never settled is due again, unchanged, and only then.
        """
        self.tell(make_uow, a_success(self.keep(make_uow)))
        (first,) = self.claim(make_uow)
        meanwhile = self.claim(make_uow, SOON - timedelta(microseconds=1))
        (again,) = self.claim(make_uow, SOON, LATER)

        assert not meanwhile
        assert attrs.evolve(again, next_at=SOON) == first

    def test_gone_is_a_fact(self, make_uow: UnitOfWorkFactory) -> None:
        """
        What was sent stays sent, although its claim was over and somebody holds it now.
        """
        self.tell(make_uow, a_success(self.keep(make_uow)))
        first = self.claim(make_uow)
        self.claim(make_uow, SOON, LATER)
        self.sent(make_uow, first)
        self.sent(make_uow, first, OutboxStatus.UNROUTED)
        found = self.find(make_uow, first[0].id)

        assert (found.status, found.published_at) == (OutboxStatus.PUBLISHED, NOW)
        assert not self.claim(make_uow, LATER, LATER)

    # ------------------------------------------------------------ failing

    def test_replace_writes_how_it_went(self, make_uow: UnitOfWorkFactory) -> None:
        """
        Attempts, error, status and due time are read as they were written.
        """
        self.tell(make_uow, a_success(self.keep(make_uow)))
        (message,) = self.claim(make_uow)
        after = attrs.evolve(message, attempts=3, error="why? ü", next_at=LATER)

        assert self.replace(make_uow, message, after)
        assert self.find(make_uow, message.id) == after
        assert not self.claim(make_uow, SOON)

    def test_replace_respects_others(self, make_uow: UnitOfWorkFactory) -> None:
        """
        Who lost its claim changes nothing.
        """
        self.tell(make_uow, a_success(self.keep(make_uow)))
        (lost,) = self.claim(make_uow)
        (held,) = self.claim(make_uow, SOON, LATER)

        assert not self.replace(make_uow, lost, attrs.evolve(lost, attempts=1, next_at=NOW))
        assert self.find(make_uow, lost.id) == held

    @pytest.mark.parametrize("status", [OutboxStatus.RELEASED, OutboxStatus.SUPERSEDED])
    def test_given_up_messages_hold_nobody_up(
        self, make_uow: UnitOfWorkFactory, status: OutboxStatus
    ) -> None:
        """
        A parked message holds up its order, one that is given up does not.
        """
        payment = self.keep(make_uow)
        self.tell(make_uow, a_success(payment), a_success(payment))
        (message,) = self.claim(make_uow)
        parked = attrs.evolve(message, status=OutboxStatus.PARKED, next_at=None)
        self.replace(make_uow, message, parked)
        blocked = self.claim(make_uow, LATER, LATER)
        self.replace(make_uow, parked, attrs.evolve(parked, status=status))

        assert not blocked
        assert [m.sequence for m in self.claim(make_uow, LATER, LATER)] == [2]

    def test_waiting_shows_what_has_not_left(self, make_uow: UnitOfWorkFactory) -> None:
        """
        Parked and pending messages are shown, oldest first; what left or is new is not.
        """
        payments = [self.keep(make_uow) for _ in range(4)]
        old, parked, gone, new = events = [
            attrs.evolve(a_success(p), occurred_at=NOW + timedelta(seconds=n))
            for n, p in enumerate(payments)
        ]
        self.tell(make_uow, *events)
        claimed = {m.id: m for m in self.claim(make_uow, SOON)}
        self.sent(make_uow, [claimed[gone.id]])
        before = claimed[parked.id]
        self.replace(
            make_uow, before, attrs.evolve(before, status=OutboxStatus.PARKED, next_at=None)
        )
        with make_uow() as uow:
            shown = uow.outbox.waiting(new.occurred_at, 10)

        assert [m.id for m in shown] == [old.id, parked.id]

    def test_what_never_was_is_not_found(self, make_uow: UnitOfWorkFactory) -> None:
        """
        An id that nobody wrote is None.
        """
        with make_uow() as uow:
            found = uow.outbox.find(uuid4())

        assert found is None

    def test_success_supersedes_an_untold_failure(self, make_uow: UnitOfWorkFactory) -> None:
        """
        A failure that waits is not told any more once another payment of the order succeeded.
        """
        failed = self.keep(make_uow)
        self.refuse(make_uow, failed)
        second = self.keep(make_uow, failed.order_id)
        other = self.keep(make_uow)
        self.tell(make_uow, a_failure(other), a_success(second))

        assert sorted((m.payment_id, m.name) for m in self.claim(make_uow)) == sorted(
            [(second.id, "IPaymentSucceeded"), (other.id, "IPaymentFailed")]
        )

    def test_success_does_not_unsay_its_own_failure(self, make_uow: UnitOfWorkFactory) -> None:
        """
        Only failures of the order's other payments are superseded.
        """
        payment = self.keep(make_uow)
        self.tell(make_uow, a_failure(payment), a_success(payment))

        assert [m.name for m in self.claim(make_uow)] == ["IPaymentFailed"]

    # ------------------------------------------------------------ received messages

    def test_one_effect_per_message(self, make_uow: UnitOfWorkFactory) -> None:
        """
        Of many deliveries of a message at once, one has the effect; another queue's is another.
        """
        message_id = uuid4()

        def handle(endpoint: str) -> bool:
            with make_uow() as uow:
                fresh = uow.inbox.handle(endpoint, message_id, NOW)
                uow.commit()
            return fresh

        with ThreadPoolExecutor(4) as pool:
            fresh = list(pool.map(handle, ["refund-payment"] * 10))

        assert fresh.count(True) == 1
        assert handle("capture-payment")

    def test_effect_that_is_undone_was_none(self, make_uow: UnitOfWorkFactory) -> None:
        """
        Without commit the message can be handled again.
        """
        message_id = uuid4()
        with make_uow() as uow:
            uow.inbox.handle("q", message_id, NOW)
        with make_uow() as uow:
            fresh = uow.inbox.handle("q", message_id, NOW)

        assert fresh

    def test_deferred_message_comes_back(self, make_uow: UnitOfWorkFactory) -> None:
        """
        A kept message is due at its time, to one claimer, with everything that was kept.
        """
        kept = self.deferred()
        with make_uow() as uow:
            assert uow.inbox.defer(kept)
            uow.commit()

        def claim(now: datetime, until: datetime) -> Sequence[InboxMessage]:
            with make_uow() as uow:
                claimed = uow.inbox.claim(now, until, 10)
                uow.commit()
            return claimed

        assert not claim(NOW, SOON)
        assert claim(SOON, LATER) == [attrs.evolve(kept, next_at=LATER)]
        assert not claim(SOON, LATER)

    @pytest.mark.parametrize("status", [InboxStatus.HANDLED, InboxStatus.DEAD])
    def test_settled_message_is_not_tried_again(
        self, make_uow: UnitOfWorkFactory, status: InboxStatus
    ) -> None:
        """
        A message that was handled, or given up, is never due.
        """
        kept = self.deferred()
        with make_uow() as uow:
            uow.inbox.defer(kept)
            if status is InboxStatus.DEAD:
                uow.inbox.defer(attrs.evolve(kept, status=status, next_at=None))
            else:
                assert uow.inbox.handle(kept.endpoint, kept.message_id, NOW)
            uow.commit()
        with make_uow() as uow:
            due = uow.inbox.claim(LATER, LATER, 10)

        assert not due

    def test_handled_message_is_not_deferred(self, make_uow: UnitOfWorkFactory) -> None:
        """
        A late wish to try again does not undo that it was handled.
        """
        kept = self.deferred()
        with make_uow() as uow:
            uow.inbox.handle(kept.endpoint, kept.message_id, NOW)
            deferred = uow.inbox.defer(kept)
            again = uow.inbox.handle(kept.endpoint, kept.message_id, NOW)

        assert not deferred
        assert not again

    def test_old_messages_are_forgotten(self, make_uow: UnitOfWorkFactory) -> None:
        """
        What was handled long ago goes, so many at a time; what waits or was given up stays.
        """
        old, young, waits = uuid4(), uuid4(), self.deferred()
        with make_uow() as uow:
            uow.inbox.handle("q", old, NOW - timedelta(days=3))
            uow.inbox.handle("q", uuid4(), NOW - timedelta(days=2))
            uow.inbox.handle("q", young, NOW)
            uow.inbox.defer(attrs.evolve(waits, received_at=NOW - timedelta(days=9)))
            dead = attrs.evolve(self.deferred(), status=InboxStatus.DEAD, next_at=None)
            uow.inbox.defer(attrs.evolve(dead, received_at=NOW - timedelta(days=9)))
            uow.commit()

        removed = []
        for _ in range(3):
            with make_uow() as uow:
                removed.append(uow.inbox.forget(NOW - timedelta(days=1), 1))
                uow.commit()
        with make_uow() as uow:
            again = [uow.inbox.handle("q", message, NOW) for message in (old, young)]
            due = uow.inbox.claim(LATER, LATER, 10)

        assert removed == [1, 1, 0]
        assert again == [True, False]
        assert [message.message_id for message in due] == [waits.message_id]

    def test_forget_messages(self, make_uow: UnitOfWorkFactory) -> None:
        """
        They are kept for as long as is said; nothing is for ever.
        """
        with make_uow() as uow:
            uow.inbox.handle("q", uuid4(), NOW - timedelta(days=2))
            uow.commit()
        kept = [timedelta(0), timedelta(days=3), timedelta(days=1)]

        removed = [ForgetMessages(make_uow, ManualClock(NOW), age).execute() for age in kept]

        assert removed == [0, 0, 1]

    def deferred(self) -> InboxMessage:
        """
        Return a message to be tried again.
        """
        return InboxMessage(
            endpoint="refund-payment",
            message_id=uuid4(),
            content='{"é":1}',
            received_at=NOW,
            attempts=2,
            next_at=SOON,
            error="not_yet: Pending",
        )

    # ------------------------------------------------------------ orders

    def test_order_facts_come_back(self, make_uow: UnitOfWorkFactory) -> None:
        """
        Facts are read as they were told, also of an order that has payments and events.
        """
        payment = self.keep(make_uow)
        self.tell(make_uow, a_success(payment))
        order = Order(id=payment.order_id, customer_id="alice", total=eur("129.90"))
        with make_uow() as uow:
            uow.orders.record(order)
            uow.commit()
        with make_uow() as uow:
            found = uow.orders.get(order.id)

        assert found == order

    def test_first_facts_stay(self, make_uow: UnitOfWorkFactory) -> None:
        """
        What was told first stays; what it left out is added.
        """
        order_id = uuid4()
        with make_uow() as uow:
            uow.orders.record(Order(id=order_id, customer_id="alice"))
            uow.orders.record(Order(id=order_id, customer_id="bob", total=eur("1.00")))
            found = uow.orders.get(order_id)

        assert found == Order(id=order_id, customer_id="alice", total=eur("1.00"))

    def test_untold_order_is_none(self, make_uow: UnitOfWorkFactory) -> None:
        """
        An order that has payments and events, but was never told, is not known.
        """
        payment = self.keep(make_uow)
        self.tell(make_uow, a_success(payment))
        with make_uow() as uow:
            found = uow.orders.get(payment.order_id)

        assert found is None
