"""
What every `IRecordQueries` promises.
"""

from abc import abstractmethod
from datetime import timedelta
from uuid import uuid4

import pytest

from payments_core.domain.discrepancy import DiscrepancyKind
from payments_core.domain.payment import Payment
from payments_core.domain.progress import report
from payments_core.domain.refunding import settle_refund
from payments_core.ports.queries import Cursor
from payments_core.ports.records import IRecordQueries, OrderSequence, WebhookPlace
from payments_core.ports.unit_of_work import UnitOfWorkFactory
from payments_core.testing.builders import NOW, a_payment, a_refund_fact, answered, eur
from payments_core.testing.conformance.kept import OnUnitsOfWork
from payments_core.testing.conformance.storage import an_event

LATER = NOW + timedelta(minutes=1)


class RecordsConformance(OnUnitsOfWork):
    """
    Inherit it, and give a unit of work and the queries of one empty store.
    """

    @abstractmethod
    @pytest.fixture
    def records(self) -> IRecordQueries:
        """
        Return what is tested.
        """

    def paid(self, make_uow: UnitOfWorkFactory, number: int = 0) -> Payment:
        """
        Keep a payment that succeeded, so many seconds later than the first.
        """
        at = NOW + timedelta(seconds=number)
        payment = answered(a_payment(now=at), id=f"fake_pi_{number}")
        with make_uow() as uow:
            uow.payments.add(payment)
            uow.commit()
        return payment

    def test_a_record_is_whole(self, make_uow: UnitOfWorkFactory, records: IRecordQueries) -> None:
        """
        A payment comes with its operations, refunds, messages, discrepancies and numbers.
        """
        payment = self.paid(make_uow)
        with make_uow() as uow:
            kept = uow.payments.get(payment.id)
            assert kept is not None
            report(kept, DiscrepancyKind.LATE_SUCCESS, NOW, object_id="x", ours="a", theirs="b")
            difference = kept.discrepancies[0]
            uow.discrepancies.add(difference)
            uow.commit()
        (record,) = records.payments(None, None, 10)

        assert record.payment == payment
        assert [(m.name, m.sequence) for m in record.messages] == [("IPaymentSucceeded", 1)]
        assert list(record.discrepancies) == [difference]
        assert record.order == OrderSequence(payment.order_id, 1, 1, 1, 1, payment.created_at)

    def test_an_order_without_messages(
        self, make_uow: UnitOfWorkFactory, records: IRecordQueries
    ) -> None:
        """
        A payment of which nothing was told has no messages, and no numbers.
        """
        with make_uow() as uow:
            uow.payments.add(a_payment())
            uow.commit()
        (record,) = records.payments(None, None, 10)

        assert record.messages == []
        assert record.order is None or record.order.count == 0

    def test_pages(self, make_uow: UnitOfWorkFactory, records: IRecordQueries) -> None:
        """
        Pages give each payment once, oldest first, and only those made since the moment.
        """
        made = [self.paid(make_uow, number) for number in (2, 0, 3, 1)]
        found: list[Payment] = []
        after: Cursor | None = None
        while page := records.payments(NOW + timedelta(seconds=1), after, 2):
            found += [r.payment for r in page]
            after = Cursor(found[-1].created_at, found[-1].id)

        assert [p.id for p in found] == [made[n].id for n in (3, 0, 2)]
        assert records.count(NOW + timedelta(seconds=1)) == 3
        assert records.count(None) == 4

    def test_by_ids_and_objects(self, make_uow: UnitOfWorkFactory, records: IRecordQueries) -> None:
        """
        Those that there are come, by their own id or by their object's.
        """
        payment, _ = self.paid(make_uow), self.paid(make_uow, 1)

        assert [r.payment.id for r in records.by_ids({payment.id, uuid4()})] == [payment.id]
        found = records.by_objects("fake", {"fake_pi_0", "fake_pi_9"})
        assert [r.payment.id for r in found] == [payment.id]
        assert not records.by_objects("other", {"fake_pi_0"})

    def test_kept(self, make_uow: UnitOfWorkFactory, records: IRecordQueries) -> None:
        """
        What is kept is captured less refunded, of payments that stand still.
        """
        payment, _ = self.paid(make_uow), self.paid(make_uow, 1)
        with make_uow() as uow:
            uow.payments.add(a_payment())
            uow.commit()
        with make_uow() as uow:
            kept = uow.payments.get(payment.id)
            assert kept is not None
            settle_refund(kept, a_refund_fact(kept, eur("4.00")), NOW)
            uow.payments.save(kept)
            uow.commit()

        assert records.kept("fake", None, LATER) == {"EUR": 1600}
        assert records.kept("fake", NOW + timedelta(seconds=1), LATER) == {"EUR": 1000}
        assert records.kept("other", None, LATER) == {}
        assert sum(records.kept("fake", None, NOW).values()) == 0

    def test_webhooks(self, make_uow: UnitOfWorkFactory, records: IRecordQueries) -> None:
        """
        Pages give each event once, in a fixed order, and only those received since the moment.
        """
        with make_uow() as uow:
            for number in (2, 0, 1):
                uow.webhooks.add(an_event(event_id=f"evt_{number}", received_at=NOW))
            uow.webhooks.add(an_event(received_at=NOW - timedelta(days=1)))
            uow.commit()
        first = records.webhooks(NOW, None, 2)
        rest = records.webhooks(NOW, WebhookPlace("fake", first[-1].event_id), 2)

        assert [e.event_id for e in [*first, *rest]] == ["evt_0", "evt_1", "evt_2"]
