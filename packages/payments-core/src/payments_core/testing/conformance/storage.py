"""
What every `IUnitOfWork` and `IPaymentQueries` promise, repositories and inbox included.
"""

import threading
from abc import abstractmethod
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import attrs
import pytest

from payments_core.domain import asking
from payments_core.domain.discrepancy import Discrepancy, DiscrepancyKind
from payments_core.domain.errors import ConcurrentUpdate
from payments_core.domain.facts import ProviderPaymentStatus, ProviderRefundStatus
from payments_core.domain.failure import Failure
from payments_core.domain.ids import new_payment_id
from payments_core.domain.operation import OperationState
from payments_core.domain.payment import Payment
from payments_core.domain.policy import Policy
from payments_core.domain.settlement import Answer, apply
from payments_core.domain.status import PaymentStatus
from payments_core.ports.provider import NoticeTopic
from payments_core.ports.queries import (
    Cursor,
    IPaymentQueries,
    PaymentFilter,
    PaymentView,
    TimelineEntry,
)
from payments_core.ports.unit_of_work import UnitOfWorkFactory
from payments_core.ports.webhooks import WebhookEvent, WebhookStatus
from payments_core.testing.builders import NOW, a_payment, a_refund_fact, answered, eur
from payments_core.testing.conformance.kept import OnPayments

LATER = NOW + timedelta(minutes=1)


def an_event(**changes: Any) -> WebhookEvent:
    """
    Return a stored webhook event that is due now.
    """
    fields: dict[str, Any] = {
        "provider": "fake",
        "event_id": f"evt_{uuid4().hex}",
        "type": "payment.updated",
        "topic": NoticeTopic.PAYMENT,
        "provider_payment_id": "fake_pi_1",
        "created_at": NOW,
        "received_at": NOW,
        "payload": '{"id":"é"}',
        "sha256": "0" * 64,
        "headers": {"content-type": "application/json"},
        "next_at": NOW,
    }
    return WebhookEvent(**fields | changes)


class StorageConformance(OnPayments):
    """
    Subclass it and override `make_uow` and `queries`, which must share one empty database.
    """

    @pytest.fixture
    @abstractmethod
    def queries(self) -> IPaymentQueries:
        """
        Return the read side of the same database.
        """

    # ------------------------------------------------------------ steps

    def read(self, make_uow: UnitOfWorkFactory, payment_id: UUID) -> Payment:
        """
        Read a payment.
        """
        with make_uow() as uow:
            payment = uow.payments.get(payment_id)
        assert payment is not None
        return payment

    def events(self, queries: IPaymentQueries, payment_id: UUID) -> list[TimelineEntry]:
        """
        Return the messages that were written for a payment.
        """
        return [e for e in queries.timeline(payment_id) if e.kind == "event"]

    # ------------------------------------------------------------ transactions

    def test_commit_keeps(self, make_uow: UnitOfWorkFactory) -> None:
        """
        What is committed is there for the next unit of work, field by field.
        """
        payment = self.keep(make_uow, a_payment(return_url="https://shop.example/é"))

        assert self.read(make_uow, payment.id) == payment

    def test_nothing_is_kept_without_commit(self, make_uow: UnitOfWorkFactory) -> None:
        """
        Leaving the block without commit leaves nothing.
        """
        payment = a_payment()
        with make_uow() as uow:
            uow.payments.add(payment)
        with make_uow() as uow:
            found = uow.payments.get(payment.id)

        assert found is None

    def test_an_error_undoes(self, make_uow: UnitOfWorkFactory, queries: IPaymentQueries) -> None:
        """
        An error inside the block undoes the change and its messages, and passes on.
        """
        payment = self.keep(make_uow, a_payment())

        def fail() -> None:
            with make_uow() as uow:
                held = uow.payments.get(payment.id)
                assert held is not None
                uow.payments.save(answered(held))
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail()
        assert self.read(make_uow, payment.id).status is PaymentStatus.PENDING
        assert not self.events(queries, payment.id)

    def test_reading_locks(self, make_uow: UnitOfWorkFactory) -> None:
        """
        Two who change the same payment at once do it one after the other.
        """
        payment = self.keep(make_uow, a_payment())
        self.change(make_uow, payment.id, answered)
        inside = threading.Barrier(2, timeout=0.3)

        def refund() -> bool:
            with make_uow() as uow:
                held = uow.payments.get(payment.id)
                assert held is not None
                try:
                    inside.wait()
                except threading.BrokenBarrierError:
                    pass
                else:
                    return False
                asking.refund(held, eur("1.00"), None, NOW, Policy(), request_key=str(uuid4()))
                uow.payments.save(held)
                uow.commit()
            return True

        with ThreadPoolExecutor(2) as pool:
            alone = list(pool.map(lambda _: refund(), range(2)))

        assert alone == [True, True]
        assert self.read(make_uow, payment.id).reserved == eur("2.00")

    # ------------------------------------------------------------ payments

    def test_an_order_has_one_live_payment(self, make_uow: UnitOfWorkFactory) -> None:
        """
        A second live payment of an order is not kept; the first is found instead.
        """
        first = self.keep(make_uow, a_payment())
        with make_uow() as uow:
            added = uow.payments.add(a_payment(order_id=first.order_id))
            live = uow.payments.live_payment_of(first.order_id)

        assert not added
        assert live == first

    def test_a_closed_payment_makes_room(self, make_uow: UnitOfWorkFactory) -> None:
        """
        After a payment failed, its order may have another.
        """
        first = self.keep(make_uow, a_payment())
        refused = Answer(
            operation_id=first.operations[0].id,
            state=OperationState.DECLINED,
            failure=Failure("provider_rejected", "No."),
        )
        self.change(make_uow, first.id, lambda p: apply(p, refused, NOW, Policy()))
        second = self.keep(make_uow, a_payment(order_id=first.order_id))
        with make_uow() as uow:
            live = uow.payments.live_payment_of(first.order_id)

        assert live is not None
        assert live.id == second.id

    def test_many_at_once_make_one(self, make_uow: UnitOfWorkFactory) -> None:
        """
        Of many payments for one order at the same time, one is kept.
        """
        order_id = uuid4()

        def add() -> bool:
            with make_uow() as uow:
                added = uow.payments.add(a_payment(order_id=order_id))
                uow.commit()
            return added

        with ThreadPoolExecutor(4) as pool:
            kept = list(pool.map(lambda _: add(), range(8)))

        assert kept.count(True) == 1

    def test_everything_comes_back(self, make_uow: UnitOfWorkFactory) -> None:
        """
        Operations, refunds, failures and secrets are read as they were written.
        """
        payment = self.keep(make_uow, a_payment(payment_method_id=None))
        waits = ProviderPaymentStatus.REQUIRES_ACTION
        failure = Failure("card_declined", "Nein, ünïcode")
        url = "https://bank.example/approve"
        self.change(
            make_uow,
            payment.id,
            lambda p: answered(p, waits, redirect_url=url, failure=failure),
        )
        self.change(make_uow, payment.id, lambda p: asking.confirm(p, "pm", None, NOW, Policy()))
        waiting = self.change(make_uow, payment.id, lambda p: asking.cancel(p, NOW, Policy()))

        assert self.read(make_uow, payment.id) == waiting

        self.change(make_uow, payment.id, answered)
        self.change(
            make_uow,
            payment.id,
            lambda p: asking.refund(p, eur("4.00"), "broken", NOW, Policy(), request_key="k1"),
        )

        def return_money(p: Payment) -> None:
            fact = a_refund_fact(p, eur("4.00"), refund_id=p.refunds[0].id)
            apply(p, Answer(refunds=(fact,)), LATER, Policy())

        paid = self.change(make_uow, payment.id, return_money)

        assert self.read(make_uow, payment.id) == paid
        assert paid.refunded == eur("4.00")

    def test_found_by_the_providers_id(self, make_uow: UnitOfWorkFactory) -> None:
        """
        A payment is found by the provider's name and its object's id, and by no other.
        """
        payment = self.keep(make_uow, a_payment())
        after = self.change(make_uow, payment.id, answered)
        assert after.provider_payment_id is not None
        with make_uow() as uow:
            found = uow.payments.find("fake", after.provider_payment_id)
            other = uow.payments.find("other", after.provider_payment_id)

        assert found == after
        assert other is None

    def test_version_grows_by_one_with_each_change(self, make_uow: UnitOfWorkFactory) -> None:
        """
        A change is one version more; a save without a change is none.
        """
        payment = self.keep(make_uow, a_payment())
        first = self.read(make_uow, payment.id).version
        same = self.change(make_uow, payment.id, lambda _: None).version
        second = self.change(make_uow, payment.id, answered).version

        assert same == first
        assert second == first + 1
        assert self.read(make_uow, payment.id).version == second

    def test_a_stale_copy_cannot_be_saved(self, make_uow: UnitOfWorkFactory) -> None:
        """
        Who saves what was changed meanwhile is refused.
        """
        payment = self.keep(make_uow, a_payment())
        stale = self.read(make_uow, payment.id)
        self.change(make_uow, payment.id, answered)

        with pytest.raises(ConcurrentUpdate), make_uow() as uow:
            uow.payments.save(answered(stale))

    def test_an_attached_payment_is_saved_like_one_that_was_read(
        self, make_uow: UnitOfWorkFactory
    ) -> None:
        """
        What changed is written, whatever becomes of the copy that was attached.
        """
        kept = self.keep(make_uow, a_payment())
        before = kept.copy()
        with make_uow() as uow:
            payment = answered(uow.payments.attach(kept))
            uow.payments.save(payment)
            uow.commit()

        assert self.read(make_uow, kept.id) == payment
        assert payment.version == before.version + 1
        assert kept == before

    def test_an_attached_payment_that_was_changed_meanwhile_cannot_be_saved(
        self, make_uow: UnitOfWorkFactory
    ) -> None:
        """
        Nothing is locked, so somebody else may be first; then nothing of it is written.
        """
        kept = self.keep(make_uow, a_payment())
        changed = self.change(make_uow, kept.id, answered)

        with make_uow() as uow:
            payment = answered(uow.payments.attach(kept))
            with pytest.raises(ConcurrentUpdate):
                uow.payments.save(payment)
        assert self.read(make_uow, kept.id) == changed

    # ------------------------------------------------------------ messages

    def test_messages_are_saved_with_their_payment(
        self, make_uow: UnitOfWorkFactory, queries: IPaymentQueries
    ) -> None:
        """
        An event is written once with the change that it tells, and forgotten by the payment.
        """
        payment = self.keep(make_uow, a_payment())
        after = self.change(make_uow, payment.id, answered)
        self.change(make_uow, payment.id, lambda _: None)

        assert [e.name for e in self.events(queries, payment.id)] == ["IPaymentSucceeded"]
        assert after.events == []

    # ------------------------------------------------------------ webhooks and discrepancies

    def test_an_event_is_kept_once(self, make_uow: UnitOfWorkFactory) -> None:
        """
        The same event again changes nothing, also from many deliveries at once.
        """
        event = an_event()

        def add() -> bool:
            with make_uow() as uow:
                fresh = uow.webhooks.add(event)
                uow.commit()
            return fresh

        with ThreadPoolExecutor(4) as pool:
            kept = list(pool.map(lambda _: add(), range(8)))

        assert kept.count(True) == 1

    def test_due_events_are_claimed_once(self, make_uow: UnitOfWorkFactory) -> None:
        """
        What is due goes to one claimer, oldest first, and is due again after the claim.
        """
        old = an_event(received_at=NOW - timedelta(minutes=5), status=WebhookStatus.PARKED)
        new = an_event()
        future = an_event(next_at=LATER + timedelta(hours=1))
        done = an_event(status=WebhookStatus.PROCESSED, next_at=None)
        with make_uow() as uow:
            for event in (new, old, future, done):
                uow.webhooks.add(event)
            uow.commit()

        def claim(at: Any) -> list[str]:
            with make_uow() as uow:
                claimed = uow.webhooks.claim(at, at + timedelta(seconds=60), 10)
                uow.commit()
            return [event.event_id for event in claimed]

        assert claim(NOW) == [old.event_id, new.event_id]
        assert claim(NOW) == []
        assert claim(NOW + timedelta(seconds=61)) == [old.event_id, new.event_id]

    def test_what_became_of_an_event_is_kept(self, make_uow: UnitOfWorkFactory) -> None:
        """
        Status, attempts, error and due time are read as they were saved, nothing else moves.
        """
        event = an_event()
        tried = attrs.evolve(
            event, status=WebhookStatus.PARKED, attempts=3, error="why? ü", next_at=LATER
        )
        with make_uow() as uow:
            uow.webhooks.add(event)
            uow.webhooks.save(tried)
            uow.commit()
        with make_uow() as uow:
            (claimed,) = uow.webhooks.claim(LATER, LATER, 10)

        assert claimed == tried

    def test_a_discrepancy_is_news_once(self, make_uow: UnitOfWorkFactory) -> None:
        """
        The same difference again is no news.
        """
        payment = self.keep(make_uow, a_payment())
        found = Discrepancy(
            id=uuid4(),
            payment_id=payment.id,
            kind=DiscrepancyKind.AMOUNT_MISMATCH,
            provider_object_id="fake_pi_1",
            local_value="10.00 EUR",
            provider_value="11.00 EUR",
            found_at=NOW,
        )
        news = []
        for _ in range(2):
            with make_uow() as uow:
                news.append(uow.discrepancies.add(found))
                uow.commit()

        assert news == [True, False]

    # ------------------------------------------------------------ reading

    def test_view_of_one(self, make_uow: UnitOfWorkFactory, queries: IPaymentQueries) -> None:
        """
        The view of a payment is what the payment says of itself; of none it is None.
        """
        payment = self.keep(make_uow, a_payment())
        paid = self.change(make_uow, payment.id, answered)
        self.change(
            make_uow, payment.id, lambda p: asking.refund(p, eur("1.00"), None, NOW, Policy())
        )
        current = self.read(make_uow, payment.id)

        assert paid.version < current.version
        assert queries.get(payment.id) == PaymentView.of(current)
        assert queries.get(uuid4()) is None

    def test_list_pages_through_everything_once(
        self, make_uow: UnitOfWorkFactory, queries: IPaymentQueries
    ) -> None:
        """
        Pages are newest first, and together hold each payment exactly once, also equal times.
        """
        made = []
        for number in range(7):
            at = NOW + timedelta(seconds=number // 2)
            made.append(self.keep(make_uow, a_payment(payment_id=new_payment_id(at), now=at)))
        seen: list[PaymentView] = []
        cursor: Cursor | None = None
        while True:
            page = queries.list(PaymentFilter(), 3, cursor)
            seen += page.items
            cursor = page.next
            if cursor is None:
                break

        places = [(p.created_at, p.id) for p in seen]
        assert places == sorted(places, reverse=True)
        assert {p.id for p in seen} == {p.id for p in made}
        assert len(seen) == len(made)

    def test_list_restricts(self, make_uow: UnitOfWorkFactory, queries: IPaymentQueries) -> None:
        """
        Each part of the filter leaves out what does not match it.
        """
        mine = self.keep(make_uow, a_payment(customer_id="bob", now=LATER))
        self.keep(make_uow, a_payment())
        paid = self.change(make_uow, mine.id, answered)

        for wanted in (
            PaymentFilter(status=PaymentStatus.SUCCEEDED),
            PaymentFilter(customer_id="bob"),
            PaymentFilter(order_id=mine.order_id),
            PaymentFilter(created_from=LATER),
            PaymentFilter(created_from=LATER, created_to=LATER + timedelta(seconds=1)),
            PaymentFilter(provider="fake", customer_id="bob"),
            PaymentFilter(provider="fake", provider_payment_id=paid.provider_payment_id),
        ):
            assert [p.id for p in queries.list(wanted, 10, None).items] == [paid.id], wanted
        for wanted in (
            PaymentFilter(provider="other"),
            PaymentFilter(provider="other", provider_payment_id=paid.provider_payment_id),
            PaymentFilter(provider="fake", provider_payment_id="fake_pi_nobodys"),
            PaymentFilter(created_to=NOW),
        ):
            assert not queries.list(wanted, 10, None).items, wanted

    def test_timeline_tells_what_happened(
        self, make_uow: UnitOfWorkFactory, queries: IPaymentQueries
    ) -> None:
        """
        Operations, refunds, webhooks, messages and discrepancies appear, in time order.
        """
        payment = self.keep(make_uow, a_payment())
        self.change(make_uow, payment.id, answered)

        def refund(p: Payment) -> None:
            asking.refund(p, eur("4.00"), "broken", LATER, Policy(), request_key="k1")
            status = ProviderRefundStatus.SUCCEEDED
            fact = a_refund_fact(p, eur("4.00"), status, refund_id=p.refunds[0].id)
            apply(p, Answer(refunds=(fact,)), LATER, Policy())

        self.change(make_uow, payment.id, refund)
        with make_uow() as uow:
            event = an_event(payment_id=None)
            uow.webhooks.add(event)
            done = WebhookStatus.PROCESSED
            uow.webhooks.save(attrs.evolve(event, status=done, payment_id=payment.id))
            for kind in (DiscrepancyKind.AMOUNT_MISMATCH, DiscrepancyKind.DUPLICATE_CHARGE):
                found = Discrepancy(uuid4(), payment.id, kind, "fake_pi_1", "1", "2", LATER)
                uow.discrepancies.add(found)
            uow.discrepancies.close(found.close("anna", "refunded", LATER))
            uow.commit()
        entries = queries.timeline(payment.id)

        assert [e.at for e in entries] == sorted(e.at for e in entries)
        assert sorted((e.kind, e.name, e.state) for e in entries) == [
            ("discrepancy", "amount_mismatch", "open"),
            ("discrepancy", "duplicate_charge", "closed"),
            ("event", "IPaymentSucceeded", "pending"),
            ("event", "IRefundIssued", "pending"),
            ("operation", "create", "succeeded"),
            ("operation", "refund", "succeeded"),
            ("refund", "broken", "Succeeded"),
            ("webhook", "payment.updated", "processed"),
        ]

    def test_timeline_of_nothing_is_empty(self, queries: IPaymentQueries) -> None:
        """
        What does not exist has no history.
        """
        assert not queries.timeline(uuid4())

    def test_database_answers(self, queries: IPaymentQueries) -> None:
        """
        A database that is there is silent.
        """
        queries.ping()
