"""
What every `IReconciliationRepository` and `IReconciliationQueries` promise.
"""

import threading
from abc import abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import attrs
import pytest

from payments_core.domain.comparison import HeldPayment, HeldRefund
from payments_core.domain.discrepancy import Discrepancy, DiscrepancyKind, Repair
from payments_core.domain.events import PaymentDiscrepancyFound, ReconciliationCompleted
from payments_core.domain.facts import ProviderPaymentStatus
from payments_core.domain.ids import new_payment_id
from payments_core.domain.operation import OperationState
from payments_core.domain.payment import Payment
from payments_core.domain.policy import Policy
from payments_core.domain.reconciliation import ReconciliationRun, RunStatus
from payments_core.domain.settlement import Answer, apply
from payments_core.ports.provider import NoticeTopic, WebhookNotice, Window
from payments_core.ports.queries import Cursor
from payments_core.ports.reconciliation import DiscrepancyFilter, IReconciliationQueries
from payments_core.ports.unit_of_work import UnitOfWorkFactory
from payments_core.testing.builders import NOW, a_payment, a_refund_fact, answered, eur
from payments_core.testing.conformance.kept import OnUnitsOfWork
from payments_core.testing.conformance.storage import an_event

LATER = NOW + timedelta(minutes=1)
DAY = Window(NOW - timedelta(days=1), NOW + timedelta(days=1))


def a_run(**changes: Any) -> ReconciliationRun:
    """
    Return a run that was asked for.
    """
    fields: dict[str, Any] = {
        "id": uuid4(),
        "provider": "fake",
        "window_start": NOW - timedelta(days=1),
        "window_end": NOW,
        "requested_by": "test",
        "requested_at": NOW,
    }
    return ReconciliationRun(**fields | changes)


def a_difference(**changes: Any) -> Discrepancy:
    """
    Return a difference that belongs to no payment.
    """
    fields: dict[str, Any] = {
        "id": uuid4(),
        "payment_id": None,
        "kind": DiscrepancyKind.MISSING_LOCAL,
        "provider_object_id": "pi_1",
        "local_value": "no such payment",
        "provider_value": "succeeded 10.00 EUR",
        "found_at": NOW,
    }
    return Discrepancy(**fields | changes)


class ReconciliationConformance(OnUnitsOfWork):
    """
    Subclass it and override `make_uow` and `rows`, which must share one empty database.
    """

    @pytest.fixture
    @abstractmethod
    def rows(self) -> IReconciliationQueries:
        """
        Return the read side of the same database.
        """

    # ------------------------------------------------------------ steps

    def ask(self, make_uow: UnitOfWorkFactory, run: ReconciliationRun) -> bool:
        """
        Add a run and commit.
        """
        with make_uow() as uow:
            added = uow.reconciliations.add(run)
            uow.commit()
        return added

    def claim(
        self, make_uow: UnitOfWorkFactory, at: timedelta = timedelta(0), provider: str | None = None
    ) -> ReconciliationRun | None:
        """
        Claim a run for a minute and commit.
        """
        with make_uow() as uow:
            until = NOW + at + timedelta(minutes=1)
            run = uow.reconciliations.claim(NOW + at, until, uuid4(), provider)
            uow.commit()
        return run

    def save(self, make_uow: UnitOfWorkFactory, run: ReconciliationRun) -> bool:
        """
        Save a run and commit.
        """
        with make_uow() as uow:
            saved = uow.reconciliations.save(run)
            uow.commit()
        return saved

    def keep(self, make_uow: UnitOfWorkFactory, *payments: Payment) -> None:
        """
        Add payments and commit.
        """
        with make_uow() as uow:
            for payment in payments:
                assert uow.payments.add(payment)
            uow.commit()

    # ------------------------------------------------------------ runs

    def test_a_run_comes_back(
        self, make_uow: UnitOfWorkFactory, rows: IReconciliationQueries
    ) -> None:
        """
        Everything of a run is kept, also what is set while it runs.
        """
        self.ask(make_uow, a_run(dry_run=True))
        claimed = self.claim(make_uow)
        assert claimed is not None
        grown = attrs.evolve(
            claimed,
            leg="payments",
            cursor=NOW,
            unseen=(uuid4(), uuid4()),
            checked=7,
            found=3,
            fresh=2,
            repaired=1,
            kinds={"missing_local": 3},
            findings=(a_difference(run_id=claimed.id, repair=Repair.SETTLED, repaired_at=NOW),),
            started_at=NOW,
            finished_at=LATER,
            error="é",
        )
        saved = self.save(make_uow, grown)
        with make_uow() as uow:
            found = uow.reconciliations.get(grown.id)

        assert saved
        assert found == grown == rows.run(grown.id)
        assert rows.run(uuid4()) is None

    def test_a_provider_has_one_active_run(self, make_uow: UnitOfWorkFactory) -> None:
        """
        Until a run has ended no other of its provider is kept; the same one is never kept twice.
        """
        run = a_run()
        first = self.ask(make_uow, run)
        second, other = self.ask(make_uow, a_run()), self.ask(make_uow, a_run(provider="other"))
        claimed = self.claim(make_uow, provider="fake")
        assert claimed is not None
        while_it_runs = self.ask(make_uow, a_run())
        self.save(make_uow, attrs.evolve(claimed, status=RunStatus.PARTIAL))
        again, next_one = self.ask(make_uow, run), self.ask(make_uow, a_run())

        assert (first, second, other, while_it_runs) == (True, False, True, False)
        assert (again, next_one) == (False, True)

    def test_the_active_run_is_shown(self, make_uow: UnitOfWorkFactory) -> None:
        """
        Whoever is refused can be told why.
        """
        run = a_run()
        self.ask(make_uow, run)
        with make_uow() as uow:
            found, other = uow.reconciliations.active("fake"), uow.reconciliations.active("x")

        assert (found, other) == (run, None)

    def test_a_run_is_claimed_once(self, make_uow: UnitOfWorkFactory) -> None:
        """
        A run is one process's until its lease is over; then it is taken over.
        """
        self.ask(make_uow, a_run())
        first, second = self.claim(make_uow), self.claim(make_uow, timedelta(seconds=59))
        third = self.claim(make_uow, timedelta(seconds=60))

        assert first is not None
        assert second is None
        assert third is not None
        assert (third.id, third.status) == (first.id, RunStatus.RUNNING)
        assert not self.save(make_uow, first)
        assert self.save(make_uow, third)

    def test_claims_at_once(self, make_uow: UnitOfWorkFactory) -> None:
        """
        Of several that claim at the same moment one gets the run.
        """
        self.ask(make_uow, a_run())
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda _: self.claim(make_uow), range(4)))

        assert sum(run is not None for run in found) == 1

    def test_asking_at_once(self, make_uow: UnitOfWorkFactory) -> None:
        """
        Of several that ask at the same moment one is served.
        """
        with ThreadPoolExecutor(4) as pool:
            added = list(pool.map(lambda _: self.ask(make_uow, a_run()), range(4)))

        assert added.count(True) == 1

    # ------------------------------------------------------------ differences

    def test_differences_of_a_run(
        self, make_uow: UnitOfWorkFactory, rows: IReconciliationQueries
    ) -> None:
        """
        They are shown a page at a time, oldest first, and those of other runs are not.
        """
        run, other = a_run(), a_run(provider="other")
        self.ask(make_uow, run)
        self.ask(make_uow, other)
        made = [a_difference(run_id=run.id, found_at=NOW + timedelta(seconds=n)) for n in range(5)]
        with make_uow() as uow:
            for one in (*made, a_difference(run_id=other.id), a_difference()):
                assert uow.discrepancies.add(one)
            uow.commit()
        seen: list[Discrepancy] = []
        place: Cursor | None = None
        while True:
            page = rows.found(run.id, place, 2)
            seen += page.items
            place = page.next
            if place is None:
                break

        assert seen == made

    def test_a_difference_ends_once(
        self, make_uow: UnitOfWorkFactory, rows: IReconciliationQueries
    ) -> None:
        """
        What stood is marked when it is found again repaired; it stays as it was found.
        """
        run = a_run()
        self.ask(make_uow, run)
        stands = a_difference(run_id=run.id)
        ended = attrs.evolve(stands, repair=Repair.SETTLED, repaired_at=LATER, run_id=None)
        again = attrs.evolve(ended, repair=Repair.BEGUN, repaired_at=NOW)
        with make_uow() as uow:
            news = [uow.discrepancies.add(d) for d in (stands, ended, stands, again)]
            uow.commit()

        assert news == [True, False, False, False]
        assert rows.found(run.id, None, 9).items == [attrs.evolve(ended, run_id=run.id)]

    def test_what_is_closed_stays_closed(self, make_uow: UnitOfWorkFactory) -> None:
        """
        Who closed it, when and with what words is kept, also when it is found or repaired again.
        """
        stands = a_difference()
        closed = stands.close("anna", "refunded on the provider's pages, é", LATER)
        ended = attrs.evolve(stands, repair=Repair.SETTLED, repaired_at=LATER)
        with make_uow() as uow:
            uow.discrepancies.add(stands)
            uow.discrepancies.close(closed)
            uow.commit()
        with make_uow() as uow:
            first = uow.discrepancies.get(stands.id)
            news = [uow.discrepancies.add(d) for d in (stands, ended)]
            uow.commit()
        with make_uow() as uow:
            second, none = (uow.discrepancies.get(id_) for id_ in (stands.id, uuid4()))

        assert first == closed
        assert news == [False, False]
        assert second == attrs.evolve(closed, repair=Repair.SETTLED, repaired_at=LATER)
        assert none is None

    def test_closing_at_once(self, make_uow: UnitOfWorkFactory) -> None:
        """
        A difference that is read stays locked: of two who would close it one sees that it is.
        """
        stands = a_difference()
        with make_uow() as uow:
            uow.discrepancies.add(stands)
            uow.commit()
        inside = threading.Barrier(2, timeout=0.3)

        def close(by: str) -> str:
            with make_uow() as uow:
                found = uow.discrepancies.get(stands.id)
                assert found is not None
                with suppress(threading.BrokenBarrierError):
                    inside.wait()
                uow.discrepancies.close(attrs.evolve(found, closed_at=LATER, closed_by=by))
                uow.commit()
            return found.state

        with ThreadPoolExecutor(2) as pool:
            seen = sorted(pool.map(close, ("anna", "ben")))

        assert seen == ["closed", "open"]

    def test_differences_are_listed(
        self, make_uow: UnitOfWorkFactory, rows: IReconciliationQueries
    ) -> None:
        """
        Pages hold each that stands once, the last found first, also those of the same moment.
        """
        made = [a_difference(found_at=NOW + timedelta(seconds=n // 2)) for n in range(7)]
        with make_uow() as uow:
            for one in made:
                uow.discrepancies.add(one)
            uow.commit()
        seen: list[Discrepancy] = []
        place: Cursor | None = None
        while True:
            page = rows.discrepancies(DiscrepancyFilter(), 3, place)
            seen += page.items
            place = page.next
            if place is None:
                break

        assert seen == sorted(made, key=lambda d: (d.found_at, d.id), reverse=True)

    def test_lists_restrict(
        self, make_uow: UnitOfWorkFactory, rows: IReconciliationQueries
    ) -> None:
        """
        By kind, by payment, by both; what is repaired or closed is shown only to who wants it.
        """
        payment, dispute = a_payment(), DiscrepancyKind.DISPUTE_OPENED
        ended = {"repair": Repair.SETTLED, "repaired_at": LATER}
        mine = a_difference(payment_id=payment.id)
        disputed = a_difference(payment_id=payment.id, kind=dispute)
        others = a_difference(kind=dispute)
        repaired = a_difference(payment_id=payment.id, kind=dispute, **ended)
        closed = a_difference(payment_id=payment.id)
        with make_uow() as uow:
            uow.payments.add(payment)
            for one in (mine, disputed, others, repaired, closed):
                uow.discrepancies.add(one)
            uow.discrepancies.close(closed.close("anna", "done", LATER))
            uow.commit()

        def listed(**wanted: Any) -> set[UUID]:
            found = rows.discrepancies(DiscrepancyFilter(**wanted), 9).items
            return {d.id for d in found}

        stand = {mine.id, disputed.id, others.id}
        assert listed() == stand
        assert listed(ended=True) == {*stand, repaired.id, closed.id}
        assert listed(kind=dispute) == {disputed.id, others.id}
        assert listed(kind=dispute, ended=True) == {disputed.id, others.id, repaired.id}
        assert listed(payment_id=payment.id) == {mine.id, disputed.id}
        assert listed(payment_id=payment.id, kind=dispute) == {disputed.id}
        assert not listed(payment_id=uuid4(), ended=True)

    def test_messages_without_an_order(self, make_uow: UnitOfWorkFactory) -> None:
        """
        They are claimed at once, whatever else waits, and each once.
        """
        run = ReconciliationCompleted(
            id=uuid4(),
            occurred_at=NOW,
            provider="fake",
            status="completed",
            window_start=NOW,
            window_end=NOW,
            checked=1,
            found=0,
            new=0,
            repaired=0,
        )
        difference = PaymentDiscrepancyFound(
            id=uuid4(),
            occurred_at=NOW,
            kind="missing_local",
            provider_object_id="pi_1",
            local_value="",
            provider_value="",
        )
        with make_uow() as uow:
            uow.outbox.add([run])
            uow.outbox.add([difference])
            uow.commit()
        with make_uow() as uow:
            claimed = uow.outbox.claim(LATER, LATER + timedelta(minutes=1), 10)
            again = uow.outbox.claim(LATER, LATER + timedelta(minutes=1), 10)
            uow.commit()

        assert {m.id for m in claimed} == {run.id, difference.id}
        assert not again
        assert {(m.order_id, m.payment_id) for m in claimed} == {(None, None)}

    # ------------------------------------------------------------ rows

    def test_payments_by_their_ids(
        self, make_uow: UnitOfWorkFactory, rows: IReconciliationQueries
    ) -> None:
        """
        A batch is looked up by the provider's ids or by ours, within one provider.
        """
        here, there = answered(a_payment()), answered(a_payment(provider="other"))
        self.keep(make_uow, here, there)
        objects = [str(p.provider_payment_id) for p in (here, there)]

        assert rows.by_object("fake", [*objects, "pi_none"]) == {objects[0]: HeldPayment.of(here)}
        assert rows.by_id("fake", [here.id, there.id]) == {here.id: HeldPayment.of(here)}

    def test_rows_are_paged_backwards(
        self, make_uow: UnitOfWorkFactory, rows: IReconciliationQueries
    ) -> None:
        """
        Payments, refunds and operations of a window come newest first, each once.
        """
        made = [refunded_at(NOW + timedelta(minutes=n // 2)) for n in range(6)]
        self.keep(make_uow, *made, refunded_at(DAY.end), a_payment(provider="other"))
        expected = sorted(made, key=lambda p: (p.created_at, p.id), reverse=True)
        refunds = sorted(
            (r for p in made for r in HeldRefund.all_of(p)),
            key=lambda r: (r.created_at, r.id),
            reverse=True,
        )
        operations = sorted((p.operations[-1] for p in made), key=lambda o: (o.first_sent_at, o.id))

        assert every(rows.payments) == list(map(HeldPayment.of, expected))
        assert every(rows.refunds) == refunds
        assert [o.id for o in every(rows.unresolved)] == [o.id for o in reversed(operations)]

    def test_refunds_of_payments(
        self, make_uow: UnitOfWorkFactory, rows: IReconciliationQueries
    ) -> None:
        """
        All refunds of some payments come together.
        """
        made = [refunded_at(NOW) for _ in range(3)]
        self.keep(make_uow, *made)
        found = rows.refunds_of([p.id for p in made[:2]])

        assert {r.id for r in found} == {r.id for p in made[:2] for r in p.refunds}
        assert not rows.refunds_of([])

    def test_messages_of_payments(
        self, make_uow: UnitOfWorkFactory, rows: IReconciliationQueries
    ) -> None:
        """
        What was written about some payments, and what of it still waits.
        """
        made = [answered(a_payment()) for _ in range(3)]
        self.keep(make_uow, *made)
        found = rows.messages_of([p.id for p in made[:2]])
        waiting = rows.unsent(DAY, None, 10)
        with make_uow() as uow:
            late = uow.outbox.waiting(DAY.end, 10)
            sent = [m for m in late if m.id in {w.id for w in waiting[:2]}]
            uow.outbox.sent(sent, waiting[0].status.PUBLISHED, NOW)
            uow.commit()

        assert {(m.payment_id, m.name) for m in found} == {
            (p.id, "IPaymentSucceeded") for p in made[:2]
        }
        assert len(waiting) == 3
        assert [m.id for m in rows.unsent(DAY, None, 10)] == [waiting[2].id]
        assert not rows.unsent(Window(DAY.end, DAY.end + timedelta(days=1)), None, 10)

    def test_events_that_are_stored(
        self, make_uow: UnitOfWorkFactory, rows: IReconciliationQueries
    ) -> None:
        """
        Of a batch of the provider's events, those that arrived.
        """
        with make_uow() as uow:
            uow.webhooks.add(an_event(event_id="evt_1"))
            uow.webhooks.add(an_event(event_id="evt_2", provider="other"))
            uow.commit()

        listed = [a_notice(f"evt_{number}") for number in (1, 2, 3)]
        assert set(rows.known_events("fake", listed)) == {"evt_1"}
        assert not rows.known_events("fake", [])


def a_notice(event_id: str) -> WebhookNotice:
    """
    Return an event as the provider lists it.
    """
    return WebhookNotice(event_id, "succeeded", NoticeTopic.PAYMENT, None, NOW, "{}")


def refunded_at(moment: Any) -> Payment:
    """
    Return a payment of that moment with a refund, and another whose outcome nobody knows.
    """
    payment = answered(
        a_payment(now=moment, payment_id=new_payment_id(moment)), ProviderPaymentStatus.SUCCEEDED
    )
    fact = a_refund_fact(payment, eur("3.00"), created_at=moment)
    apply(payment, Answer(refunds=(fact,)), moment, Policy())
    _, operation = payment.begin_refund(eur("1.00"), None, moment, Policy())
    operation.resolve(OperationState.UNKNOWN, moment)
    return payment


def every(page: Callable[..., Sequence[Any]]) -> list[Any]:
    """
    Return a whole listing, two rows at a time.
    """
    seen: list[Any] = []
    after: Cursor | None = None
    while found := page("fake", DAY, after, 2):
        seen += found
        last: Any = found[-1]
        after = Cursor(last.created_at, _id(last))
    return seen


def _id(row: Any) -> UUID:
    found = row.id
    assert isinstance(found, UUID)
    return found
