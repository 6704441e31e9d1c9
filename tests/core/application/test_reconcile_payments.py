"""
Reconciliation finds every kind of difference, invents none, and repairs what it may, once.
"""

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

import attrs
import pytest
from typing_extensions import override

from payments_core.application.reconcile_payments import ReconcileCommand, Watch
from payments_core.application.reconciliation.legs import Sources, payments
from payments_core.domain.comparison import HeldPayment
from payments_core.domain.discrepancy import Discrepancy, DiscrepancyKind, Repair
from payments_core.domain.errors import (
    ReconciliationRunning,
    StorageRefused,
    StorageUnavailable,
    UnknownProvider,
    WindowInvalid,
)
from payments_core.domain.facts import ProviderPaymentStatus
from payments_core.domain.money import Money
from payments_core.domain.operation import OperationState
from payments_core.domain.reconciliation import RunStatus
from payments_core.domain.refund import RefundStatus
from payments_core.domain.status import PaymentStatus
from payments_core.ports.faults import hooked
from payments_core.ports.outbox import OutboxStatus
from payments_core.ports.provider import Window
from payments_core.ports.queries import PaymentView
from payments_core.testing.builders import eur
from payments_core.testing.memory_reconciliation import InMemoryReconciliationQueries
from tests.core.application.service import EVERYTHING, Service

K = DiscrepancyKind


@pytest.fixture
def service() -> Service:
    """
    A service whose webhooks all arrived, with healthy payments in every state.
    """
    service = Service()
    service.give_back(service.pay(), "4.00")
    service.give_back(service.pay(), "10.00")
    service.pay("fake_declined")
    service.pay("fake_action")
    service.pay("fake_processing")
    service.pay(None)
    service.pay(manual=True)
    held = service.pay(manual=True)
    service.take(held)
    deliver(service)
    return service


def deliver(service: Service) -> None:
    """
    Let every event of the provider arrive, and every message leave.
    """
    for event in list(service.provider._events.values()):
        assert event.provider_payment_id is not None
        service.deliver(
            service.provider.webhook(event.provider_payment_id, event.topic, event_id=event.id)
        )
    tables = service.database.tables
    for message in list(tables.outbox.values()):
        tables.outbox[message.id] = attrs.evolve(message, status=OutboxStatus.PUBLISHED)


# ---------------------------------------------------------------- what is planted


def object_of_payment_unknown(service: Service) -> None:
    """
    An object that bears the id of a payment that is not here.
    """
    paid = service.pay()
    fact = service.provider.retrieve(service.object_of(paid))
    service.provider.put(attrs.evolve(fact, id="fake_pi_other", payment_id=uuid4()))


def object_of_nobody(service: Service) -> None:
    """
    Money that somebody took on the provider's own pages.
    """
    fact = service.provider.retrieve(service.object_of(service.pay()))
    service.provider.put(attrs.evolve(fact, id="fake_pi_other", payment_id=None))


def create_unanswered(service: Service) -> None:
    """
    The answer to a creation was lost, and no webhook came.
    """
    service.lose("create_intent", effect=True)
    service.pay()
    service.clock.advance(minutes=2)


def object_lost(service: Service) -> None:
    """
    The provider does not know the object of a payment.
    """
    service.provider.forget(service.object_of(service.pay()))


def approved_unheard(service: Service) -> None:
    """
    The customer approved, and nobody told us.
    """
    service.provider.approve(service.object_of(service.pay("fake_action")))


def other_amount(service: Service) -> None:
    """
    The object is for another amount.
    """
    service.provider.change(service.object_of(service.pay()), amount=eur("11.00"))


def captured_more(service: Service) -> None:
    """
    The provider took more than we know.
    """
    held = service.pay(manual=True)
    service.provider.change(service.object_of(held), captured=eur("10.00"))
    found = service.stored(held.id)
    found.status, found.captured = PaymentStatus.SUCCEEDED, eur("9.00")
    found.provider_status = ProviderPaymentStatus.SUCCEEDED
    service.provider.change(service.object_of(held), status=ProviderPaymentStatus.SUCCEEDED)
    write_message(service, held, "IPaymentSucceeded")


def other_currency(service: Service) -> None:
    """
    The object is in another currency.
    """
    dollars = Money.parse("10.00", "USD")
    service.provider.change(
        service.object_of(service.pay()), amount=dollars, captured=dollars, authorized=dollars
    )


def charged_twice(service: Service) -> None:
    """
    A second object bears the payment's id, and took money too.
    """
    fact = service.provider.retrieve(service.object_of(service.pay()))
    service.provider.put(attrs.evolve(fact, id="fake_pi_second"))


def paid_after_the_end(service: Service) -> None:
    """
    The provider took money for a payment that had failed.
    """
    failed = service.pay("fake_declined")
    service.provider.change(
        service.object_of(failed),
        status=ProviderPaymentStatus.SUCCEEDED,
        captured=eur("10.00"),
        authorized=eur("10.00"),
    )


def refunded_elsewhere(service: Service) -> None:
    """
    Somebody refunded on the provider's own pages.
    """
    service.provider.refund_outside(service.object_of(service.pay()), eur("3.00"))


def refund_lost(service: Service) -> None:
    """
    The provider does not know a refund.
    """
    paid = service.pay()
    service.give_back(paid, "3.00")
    (gone,) = service.provider.refunds_of(service.object_of(paid))
    service.provider.forget(gone.id)


def refund_reversed(service: Service) -> None:
    """
    A refund came back, and nobody told us.
    """
    paid = service.pay()
    service.give_back(paid, "3.00")
    (refund,) = service.provider.refunds_of(service.object_of(paid))
    service.provider.reverse(refund.id)


def refund_final(service: Service) -> None:
    """
    The provider says that a refund succeeded which failed here for good.
    """
    paid = service.pay()
    service.give_back(paid, "3.00")
    service.stored(paid.id).refunds[0].status = RefundStatus.FAILED


def disputed(service: Service) -> None:
    """
    The customer disputes the charge.
    """
    service.provider.dispute(service.object_of(service.pay()))


def capture_unanswered(service: Service) -> None:
    """
    The answer to a capture was lost.
    """
    held = service.pay(manual=True)
    service.lose("capture", effect=True)
    service.take(held)
    service.clock.advance(minutes=2)


def capture_lost(service: Service) -> None:
    """
    A capture never arrived, and nobody knows.
    """
    held = service.pay(manual=True)
    service.lose("capture", effect=False)
    service.take(held)
    service.clock.advance(minutes=2)


def create_lost(service: Service) -> None:
    """
    A creation never arrived, and nobody knows.
    """
    service.lose("create_intent", effect=False)
    service.pay()
    service.clock.advance(minutes=2)


def webhook_lost(service: Service) -> None:
    """
    An event about a payment never arrived.
    """
    service.provider.webhook(service.object_of(service.pay()), event_id="evt_lost")


def not_sent(service: Service) -> None:
    """
    A message waits for a broker.
    """
    paid = service.pay()
    write_message(service, paid, "IPaymentSucceeded", OutboxStatus.PARKED)


def not_written(service: Service) -> None:
    """
    A message that a change should have brought is not there.
    """
    paid = service.pay()
    tables = service.database.tables
    for message in [m for m in tables.outbox.values() if m.payment_id == paid.id]:
        del tables.outbox[message.id]


def refund_not_told(service: Service) -> None:
    """
    A refund succeeded, and nobody was told.
    """
    paid = service.pay()
    service.give_back(paid, "3.00")
    tables = service.database.tables
    for message in [m for m in tables.outbox.values() if m.name == "IRefundIssued"]:
        if message.payment_id == paid.id:
            del tables.outbox[message.id]


def told_otherwise(service: Service) -> None:
    """
    The neighbours were told that a payment failed which succeeded.
    """
    paid = service.pay()
    mine = next(m for m in service.database.outbox if m.payment_id == paid.id)
    wrong = attrs.evolve(mine, id=uuid4(), name="IPaymentFailed", sequence=9)
    service.database.tables.outbox[wrong.id] = wrong


def write_message(
    service: Service, payment: PaymentView, name: str, status: OutboxStatus = OutboxStatus.PUBLISHED
) -> None:
    """
    Have a message about a payment in the outbox, in this state.
    """
    tables = service.database.tables
    mine = next(m for m in tables.outbox.values() if m.payment_id == payment.id)
    tables.outbox[mine.id] = attrs.evolve(mine, name=name, status=status)


Plant = Callable[[Service], None]

PLANTED: dict[Plant, tuple[DiscrepancyKind, Repair | None]] = {
    object_of_payment_unknown: (K.MISSING_LOCAL, None),
    object_of_nobody: (K.MISSING_LOCAL, None),
    create_unanswered: (K.MISSING_LOCAL, Repair.SETTLED),
    object_lost: (K.MISSING_PROVIDER, None),
    approved_unheard: (K.STATUS_MISMATCH, Repair.SETTLED),
    other_amount: (K.AMOUNT_MISMATCH, None),
    captured_more: (K.AMOUNT_MISMATCH, Repair.SETTLED),
    other_currency: (K.CURRENCY_MISMATCH, None),
    charged_twice: (K.DUPLICATE_CHARGE, None),
    paid_after_the_end: (K.LATE_SUCCESS, Repair.BEGUN),
    refunded_elsewhere: (K.REFUND_MISSING_LOCAL, Repair.SETTLED),
    refund_lost: (K.REFUND_MISSING_PROVIDER, None),
    refund_reversed: (K.REFUND_STATUS_MISMATCH, Repair.SETTLED),
    refund_final: (K.REFUND_STATUS_MISMATCH, None),
    disputed: (K.DISPUTE_OPENED, None),
    capture_lost: (K.STUCK_OPERATION, None),
    create_lost: (K.STUCK_OPERATION, None),
    webhook_lost: (K.WEBHOOK_GAP, Repair.STORED),
    not_sent: (K.EVENT_NOT_PUBLISHED, None),
    not_written: (K.EVENT_NOT_PUBLISHED, None),
    refund_not_told: (K.EVENT_NOT_PUBLISHED, None),
    told_otherwise: (K.EVENT_STATE_DRIFT, None),
}
WHAT = [
    pytest.param(plant, kind, repair, id=plant.__name__)
    for plant, (kind, repair) in PLANTED.items()
]


def plant_only(service: Service, plant: Plant) -> None:
    """
    Plant one difference, and let all else arrive that belongs to it.
    """
    plant(service)
    arrive(service)


def arrive(service: Service) -> None:
    """
    Let every event arrive but the lost one, and every message leave that is not given up.
    """
    lost = {"evt_lost"}
    for event in list(service.provider._events.values()):
        if event.id not in lost and ("fake", event.id) not in service.database.tables.webhooks:
            note_arrival(service, event.id)
    tables = service.database.tables
    for message in list(tables.outbox.values()):
        if message.status is OutboxStatus.PENDING:
            tables.outbox[message.id] = attrs.evolve(message, status=OutboxStatus.PUBLISHED)


def note_arrival(service: Service, event_id: str) -> None:
    """
    Have an event in the inbox that was processed without effect.
    """
    kept = next(iter(service.database.tables.webhooks.values()))
    event = attrs.evolve(kept, event_id=event_id)
    service.database.tables.webhooks["fake", event_id] = event


def found(service: Service) -> list[Discrepancy]:
    """
    Return the differences that are kept.
    """
    return list(service.database.tables.discrepancies.values())


def test_healthy_payments_differ_in_nothing(service: Service) -> None:
    """
    Whatever state a payment is in, a difference that is none is not found.
    """
    calls = list(service.provider.calls)
    run = service.compare()

    assert (run.status, run.found, dict(run.kinds)) == (RunStatus.COMPLETED, 0, {})
    assert run.checked > 8
    assert service.provider.calls == calls


class Met(InMemoryReconciliationQueries):
    """
    Rows of which none is looked up by its object.
    """

    @override
    def by_object(self, provider: str, object_ids: Collection[str]) -> Mapping[str, HeldPayment]:
        raise AssertionError(f"{object_ids} met no payment")


def test_what_is_read_beside_its_object_is_not_looked_up(service: Service) -> None:
    """
    Where the two lists go back alike, one reading of the payments is enough.
    """
    end = service.clock.now() + timedelta(seconds=1)
    sources = Sources(service.provider, Met(service.database), EVERYTHING, end)
    steps = list(payments(sources, Window(end - timedelta(days=1), end)))

    assert sum(step.checked for step in steps) == len(service.provider._payments)
    assert [(step.suspects, step.unseen) for step in steps if step.suspects or step.unseen] == []


def test_the_payment_of_an_object_is_whose_it_is_here(service: Service) -> None:
    """
    What somebody wrote into an object's metadata makes it no other payment's.
    """
    one, other = service.pay(), service.pay()
    deliver(service)
    service.provider.change(service.object_of(one), payment_id=other.id)

    assert dict(service.compare().kinds) == {K.WEBHOOK_GAP: 1}, "the news of that change"


@pytest.mark.parametrize(("plant", "kind", "repair"), WHAT)
def test_each_difference_is_found_and_ends_as_it_may(
    service: Service, plant: Plant, kind: DiscrepancyKind, repair: Repair | None
) -> None:
    """
    What is planted is found, and nothing else; it is repaired if that is allowed.
    """
    plant_only(service, plant)
    run = service.compare()

    assert [(d.kind, d.repair) for d in found(service)] == [(kind, repair)]
    assert (run.status, run.found, run.fresh) == (RunStatus.COMPLETED, 1, 1)
    assert (run.repaired, dict(run.kinds)) == (int(repair is not None), {kind: 1})


@pytest.mark.parametrize(("plant", "kind", "repair"), WHAT)
def test_a_second_run_changes_nothing(
    service: Service, plant: Plant, kind: DiscrepancyKind, repair: Repair | None
) -> None:
    """
    What one run repaired the next does not find; what stands is no news.
    """
    plant_only(service, plant)
    service.compare()
    service.process.execute()
    arrive(service)
    before = service.database.tables.snapshot()
    again = service.compare()
    after = service.database.tables

    assert (again.fresh, again.repaired) == (0, 0)
    assert again.found == int(repair is None), kind
    assert after.discrepancies == before.discrepancies
    assert after.payments == before.payments
    told = set(after.outbox) - set(before.outbox)
    assert [after.outbox[m].name for m in told] == ["IReconciliationCompleted"]


@pytest.mark.parametrize(("plant", "kind", "repair"), WHAT)
def test_a_dry_run_only_looks(
    service: Service, plant: Plant, kind: DiscrepancyKind, repair: Repair | None
) -> None:
    """
    It shows what would be found and done, keeps nothing, and asks the provider to do nothing.
    """
    plant_only(service, plant)
    before, calls = service.database.tables.snapshot(), list(service.provider.calls)
    shown = service.compare(dry_run=True)

    assert service.database.tables == before
    assert service.provider.calls == calls
    # What would be taken over resolves its operation: not when nothing is taken over.
    stands = [(K.STUCK_OPERATION, None)] if plant is create_unanswered else []
    assert [(d.kind, d.repair) for d in shown.findings] == [(kind, repair), *stands]
    assert (shown.found, shown.repaired) == (1 + len(stands), 0)


def test_an_answer_that_was_lost_is_taken_over(service: Service) -> None:
    """
    An operation whose effect the object shows is resolved by it; what is found is the effect.
    """
    plant_only(service, capture_unanswered)
    service.compare()

    assert [(d.kind, d.repair) for d in found(service)] == [(K.STATUS_MISMATCH, Repair.SETTLED)]
    assert all(not p.unresolved_operations for p in service.database.tables.payments.values())


def test_each_difference_is_told(service: Service) -> None:
    """
    The neighbours hear of it with its run, and of the run's end.
    """
    plant_only(service, approved_unheard)
    plant_only(service, object_of_nobody)
    run = service.compare()
    bodies = [m.body for m in service.database.outbox if m.name == "IPaymentDiscrepancyFound"]
    ended = service.body_of("IReconciliationCompleted")

    assert len(bodies) == 2
    assert all(f'"runId":"{run.id}"' in body for body in bodies)
    assert ['"repaired":true' in body for body in bodies].count(True) == 1
    assert sum('"paymentId":null' in body for body in bodies) == 1
    assert (ended["runId"], ended["status"], ended["found"]) == (str(run.id), "completed", 2)


def test_late_money_is_given_back(service: Service) -> None:
    """
    Repair goes through the aggregate, so what follows from a fact follows here too.
    """
    plant_only(service, paid_after_the_end)
    service.compare()

    assert service.provider.calls[-1] == "refund"


# ---------------------------------------------------------------- what cannot be read


def test_news_of_a_difference_is_no_difference(service: Service) -> None:
    """
    A message about a difference that waits is not reported, or each run would find the last one's.
    """
    plant_only(service, object_lost)
    service.compare()

    assert service.told()[-2:] == ["IPaymentDiscrepancyFound", "IReconciliationCompleted"]
    assert dict(service.compare().kinds) == {K.MISSING_PROVIDER: 1}


@pytest.mark.parametrize("method", ["list_payments", "list_refunds"])
def test_nothing_is_missing_by_half_a_list(service: Service, method: str) -> None:
    """
    A listing that breaks off proves the absence of nothing; what it did show is used.
    """
    service.reconcile = attrs.evolve(service.reconcile, policy=attrs.evolve(EVERYTHING, batch=1))
    service.clock.advance(hours=1)
    object_lost(service)
    plant_only(service, refund_lost)
    if method == "list_payments":
        # Only something listed that is older by more than the skew passes a lost one.
        service.clock.advance(hours=1)
        object_lost(service)
        arrive(service)
    service.lose(method, effect=False)
    run = service.compare()
    missing = {K.MISSING_PROVIDER, K.REFUND_MISSING_PROVIDER}
    of_this_list = K.MISSING_PROVIDER if method == "list_payments" else K.REFUND_MISSING_PROVIDER

    assert run.status is RunStatus.PARTIAL
    assert method.removeprefix("list_") in str(run.error)
    assert of_this_list not in {d.kind for d in found(service)}
    assert missing - {of_this_list} <= {d.kind for d in found(service)}


def test_an_object_that_cannot_be_read_is_left(service: Service) -> None:
    """
    No difference is called one before the object was read afresh.
    """
    plant_only(service, approved_unheard)
    service.lose("retrieve", effect=False)
    run = service.compare()

    assert (run.status, run.found) == (RunStatus.PARTIAL, 0)
    assert service.compare().found == 1


def test_another_account_is_not_a_thousand_differences(service: Service) -> None:
    """
    If more is missing than can be, nothing is said to be missing.
    """
    for fact in list(service.provider._payments.values()):
        service.provider.forget(fact.id)
    service.reconcile = attrs.evolve(
        service.reconcile, policy=attrs.evolve(EVERYTHING, most_missing=3)
    )
    run = service.compare()

    assert (run.status, run.found) == (RunStatus.PARTIAL, 0)
    assert "another account" in str(run.error)


def test_what_is_being_sent_is_left_to_its_sender(service: Service) -> None:
    """
    While a lease holds, a difference may just be an answer that is under way.
    """
    service.lose("create_intent", effect=True)
    operation = service.stored(service.pay().id).operations[0]
    operation.state = OperationState.SENT
    operation.hold(service.clock.now() + timedelta(hours=1))
    arrive(service)
    run = service.compare()

    assert run.kinds.get(K.MISSING_LOCAL, 0) == 0


# ---------------------------------------------------------------- runs


def command(service: Service, **changes: object) -> ReconcileCommand:
    """
    Return a command for the last day.
    """
    now = service.clock.now()
    made = ReconcileCommand(
        provider="fake",
        window_start=now - timedelta(days=1),
        window_end=now,
    )
    return attrs.evolve(made, **changes)  # type: ignore[arg-type]  # evolve checks the names


def test_a_second_run_is_refused(service: Service) -> None:
    """
    A provider has one run at a time, asked for or running.
    """
    service.reconcile.request(command(service))

    with pytest.raises(ReconciliationRunning):
        service.reconcile.request(command(service))


def test_a_worker_takes_what_was_asked_for(service: Service) -> None:
    """
    A run that was asked for is run once.
    """
    run = service.reconcile.request(command(service))
    taken = [service.reconcile.take(), service.reconcile.take()]
    ended = service.database.tables.reconciliations[run.id]

    assert taken == [1, 0]
    assert ended.status is RunStatus.COMPLETED
    assert ended.started_at is not None


@pytest.mark.parametrize(
    "point",
    [
        "reconcile.begin",
        "reconcile.page",
        "reconcile.read.after",
        "reconcile.apply.precommit",
        "reconcile.apply.commit",
        "reconcile.save.commit",
        "reconcile.finish",
    ],
)
@pytest.mark.parametrize("nth", [1, 3])
def test_an_interrupted_run_is_ended_by_the_next(service: Service, point: str, nth: int) -> None:
    """
    Wherever a run dies, the next one goes on, and everything has happened once.
    """
    service.reconcile = attrs.evolve(
        service.reconcile, policy=attrs.evolve(EVERYTHING, save_every=timedelta(0))
    )
    for plant in (approved_unheard, object_lost, refunded_elsewhere, refund_lost):
        plant_only(service, plant)
    passed = 0

    def die(name: str) -> None:
        nonlocal passed
        passed += name == point
        if passed == nth and name == point:
            raise KeyboardInterrupt

    run = command(service)
    with hooked(die), suppress(KeyboardInterrupt):
        service.reconcile.execute(run)
    service.clock.advance(minutes=2)
    service.reconcile.execute(attrs.evolve(run, run_id=uuid4()))
    wanted = [
        K.MISSING_PROVIDER,
        K.REFUND_MISSING_LOCAL,
        K.REFUND_MISSING_PROVIDER,
        K.STATUS_MISMATCH,
    ]

    assert service.database.tables.reconciliations[run.run_id].status is RunStatus.COMPLETED
    assert sorted(d.kind for d in found(service)) == wanted
    assert service.told().count("IPaymentDiscrepancyFound") == len(wanted)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RuntimeError("a mistake"), RunStatus.FAILED),
        (StorageRefused("a rule"), RunStatus.FAILED),
        (StorageUnavailable("away"), RunStatus.RUNNING),
        (KeyboardInterrupt(), RunStatus.RUNNING),
    ],
)
def test_a_mistake_ends_a_run(service: Service, error: BaseException, status: RunStatus) -> None:
    """
    What would go wrong again ends the run, tells so, and lets another begin; all else goes on.
    """
    run = service.reconcile.request(command(service))

    def fail(name: str) -> None:
        if name == "reconcile.page":
            raise error

    service.pay()
    with hooked(fail), pytest.raises(type(error)):
        service.reconcile.take()
    left = service.database.tables.reconciliations[run.id]
    ended = status is RunStatus.FAILED

    assert (left.status, left.finished_at is not None) == (status, ended)
    assert service.told().count("IReconciliationCompleted") == ended
    assert "a mistake" not in str(left.error)
    assert service.reconcile.take() == (not ended)
    service.reconcile.request(command(service))


@pytest.mark.parametrize("point", ["reconcile.save.precommit", "reconcile.save.commit"])
@pytest.mark.parametrize("error", [RuntimeError, StorageUnavailable, KeyboardInterrupt])
def test_the_end_is_told_once(service: Service, point: str, error: type[BaseException]) -> None:
    """
    Whether the end was written or just not when the process fails, it is told, and once.
    """
    run = service.reconcile.request(command(service))
    passed: list[str] = []

    def fail(name: str) -> None:
        if "reconcile.finish" in passed and name == point:
            passed.clear()
            raise error
        passed.append(name)

    with hooked(fail), suppress(error):
        service.reconcile.take()
    service.clock.advance(minutes=2)
    service.reconcile.take()

    assert service.database.tables.reconciliations[run.id].status is RunStatus.COMPLETED
    assert service.told().count("IReconciliationCompleted") == 1


def test_a_process_that_was_stopped_for_long_does_no_more(service: Service) -> None:
    """
    Once another has taken the run over, the first stops at its next sign of life.
    """
    service.reconcile = attrs.evolve(
        service.reconcile, policy=attrs.evolve(EVERYTHING, save_every=timedelta(0))
    )
    first = command(service)
    entered = False

    def overtake(name: str) -> None:
        nonlocal entered
        if name == "reconcile.page" and not entered:
            entered = True
            service.clock.advance(minutes=2)
            service.reconcile.take()

    with hooked(overtake):
        service.reconcile.execute(first)

    assert service.database.tables.reconciliations[first.run_id].status is RunStatus.COMPLETED
    assert service.told().count("IReconciliationCompleted") == 1


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"provider": "other"}, UnknownProvider),
        ({"window_end": timedelta(days=-2)}, WindowInvalid),
        ({"window_start": timedelta(hours=1), "window_end": timedelta(hours=2)}, WindowInvalid),
        ({"window_start": timedelta(days=-31, seconds=-1)}, WindowInvalid),
    ],
)
def test_what_cannot_be_compared_is_refused(
    service: Service, changes: dict[str, object], error: type[Exception]
) -> None:
    """
    A window goes forwards, begins in the past and is not too long; the provider is known.
    """
    asked = command(service)
    moments = {k: asked.window_end + v for k, v in changes.items() if isinstance(v, timedelta)}

    with pytest.raises(error):
        service.reconcile.request(command(service, **{**changes, **moments}))
    assert not service.database.tables.reconciliations


def test_what_is_young_is_left_out(service: Service) -> None:
    """
    What happened just now is not judged: its webhook may be on its way.
    """
    plant_only(service, webhook_lost)
    service.reconcile = attrs.evolve(
        service.reconcile, policy=attrs.evolve(EVERYTHING, grace=timedelta(minutes=5))
    )
    run = service.compare()

    assert run.found == 0
    assert run.window_end <= run.requested_at - timedelta(minutes=5)


def test_progress_goes_forwards(service: Service) -> None:
    """
    Whoever watches sees it grow from 0 to 1, and each difference.
    """
    plant_only(service, approved_unheard)
    seen: list[float] = []
    shown: list[Discrepancy] = []
    watch = Watch(lambda _run, part: seen.append(part), shown.append)
    service.clock.advance(seconds=1)
    service.reconcile.execute(command(service), watch)

    assert seen == sorted(seen)
    assert 0 <= seen[0] < seen[-1] == 1
    assert [d.kind for d in shown] == [K.STATUS_MISMATCH]
