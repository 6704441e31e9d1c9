"""
The sweeper: what was asked and not answered comes to its end, by evidence alone.
"""

import logging
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import attrs
import pytest

from payments_core.application.cancel_payment import CancelPaymentCommand
from payments_core.application.confirm_payment import ConfirmPaymentCommand
from payments_core.application.look_again import LookAgain, LookAgainCommand
from payments_core.application.resolve_operations import ResolveOperations
from payments_core.domain.facts import ProviderPaymentStatus
from payments_core.domain.failure import Failure
from payments_core.domain.operation import Operation, OperationState
from payments_core.domain.refund import RefundStatus
from payments_core.domain.requests import CreateIntent
from payments_core.domain.status import PaymentStatus
from payments_core.ports.errors import (
    ProviderError,
    ProviderFailed,
    ProviderKeyMismatch,
    ProviderMisconfigured,
    ProviderRejected,
    ProviderUnavailable,
)
from payments_core.ports.faults import hooked
from payments_core.ports.queries import PaymentView
from payments_core.testing.builders import eur
from payments_core.testing.fake_provider import LOST, Fault
from tests.core.application.service import Service

S = PaymentStatus
O = OperationState  # noqa: E741 - short for the tables
KEPT = Failure("http_500", "The provider failed.")


def last(service: Service, payment: PaymentView) -> Operation:
    """
    Return the payment's newest operation as it is stored.
    """
    return service.stored(payment.id).operations[-1]


def sweep(service: Service, **later: float) -> int:
    """
    Let time pass, and sweep once.
    """
    service.clock.advance(**later)
    return service.resolve.execute()


def sweep_for(service: Service, *, hours: float) -> None:
    """
    Sweep every minute for so long.
    """
    for _ in range(int(hours * 60)):
        sweep(service, minutes=1)


# ---------------------------------------------------------------- a creation


def test_what_never_reached_the_provider_is_sent_again(service: Service) -> None:
    """
    The request was lost: the same key, the same bytes, once more; then it is paid, once.
    """
    service.lose("create_intent", effect=False)
    payment = service.pay()

    assert sweep(service) == 0
    assert sweep(service, seconds=7) == 1
    assert service.stored(payment.id).status is S.SUCCEEDED
    assert last(service, payment).attempts == 2
    assert service.told() == ["IPaymentSucceeded"]


def test_a_lost_answer_is_heard_again(service: Service) -> None:
    """
    The work was done: the same key brings the same object, and nothing is charged twice.
    """
    service.lose("create_intent", effect=True)
    payment = service.pay()
    sweep(service, seconds=7)

    assert service.stored(payment.id).status is S.SUCCEEDED
    assert len(service.provider._payments) == 1


def test_a_dead_sender_is_waited_for(service: Service) -> None:
    """
    While the lease holds the sender may merely be slow; after it, recovery sends.
    """
    payment = service.leave_unsent()

    assert sweep(service, seconds=59) == 0
    assert sweep(service, seconds=2) == 1
    assert service.stored(payment.id).status is S.SUCCEEDED


def test_a_declined_payment_is_ended_by_the_sweeper(service: Service) -> None:
    """
    What follows from an answer follows also when the sweeper hears it.
    """
    service.lose("create_intent", effect=True)
    payment = service.pay("fake_declined")
    sweep(service, seconds=7)

    assert service.stored(payment.id).status is S.FAILED
    assert service.provider.calls == ["create_intent", "create_intent", "cancel"]


def test_nobody_is_charged_long_after_they_left(service: Service) -> None:
    """
    After `confirm_within` a creation is looked for in listings, and never sent again.
    """
    payment = service.leave_unsent()
    sweep(service, minutes=11)
    sweep_for(service, hours=0.8)

    assert service.provider.calls == []
    assert service.stored(payment.id).status is S.PENDING


def test_a_listing_finds_what_cannot_be_named(service: Service) -> None:
    """
    The object exists and nobody knows its id: its metadata names the operation.
    """
    service.lose("create_intent", effect=True)
    payment = service.pay()
    sweep(service, hours=25)

    assert service.stored(payment.id).status is S.SUCCEEDED
    assert service.provider.calls == ["create_intent"]


def test_two_complete_listings_prove_absence(service: Service) -> None:
    """
    Failed takes two listings an hour after it was sent, ten minutes apart; told once.
    """
    payment = service.leave_unsent()
    service.clock.advance(minutes=11)
    seen = []
    for _ in range(120):
        sweep(service, minutes=1)
        seen.append(service.stored(payment.id).status)
    operation = last(service, payment)

    assert seen[-1] is S.FAILED
    assert operation.state is O.ABSENT
    assert operation.first_pass_at is not None
    assert operation.second_pass_at is not None
    assert operation.first_pass_at - operation.first_sent_at >= timedelta(hours=1)
    assert operation.second_pass_at - operation.first_pass_at >= timedelta(minutes=10)
    assert service.stored(payment.id).failure == Failure(
        "provider_no_record", "The provider has no record of the request."
    )
    assert service.told() == ["IPaymentFailed"]
    assert service.provider.calls == []


def test_a_broken_listing_proves_nothing(service: Service) -> None:
    """
    Listings that break off, for days, leave the payment what it is.
    """
    payment = service.leave_unsent()
    service.clock.advance(minutes=11)
    for _ in range(48):
        service.lose("list_payments", effect=False)
        sweep(service, hours=1)
        service.provider.faults.clear()

    assert service.stored(payment.id).status is S.PENDING
    assert last(service, payment).first_pass_at is None


def test_a_cancelled_wish_is_never_sent(service: Service) -> None:
    """
    After a cancel was asked for, the creation is only looked for; found, it is cancelled.
    """
    service.lose("create_intent", effect=True)
    payment = service.pay("fake_action")
    service.cancel.execute(CancelPaymentCommand(payment_id=payment.id))
    sweep(service, seconds=7)

    assert service.stored(payment.id).status is S.CANCELED
    assert service.provider.calls == ["create_intent", "cancel"]


# ---------------------------------------------------------------- an error that is kept


def spent(service: Service, method: str, *, effect: bool) -> None:
    """
    Let the provider fail at a method, and keep that error under the key.
    """
    service.provider.faults.append(Fault(method, effect=effect, error=ProviderFailed(KEPT)))


def test_a_kept_error_is_not_asked_for_again(service: Service) -> None:
    """
    A 500 with effect: the listing finds the object at once, and nothing is sent again.
    """
    spent(service, "create_intent", effect=True)
    payment = service.pay()
    sweep(service)

    assert service.stored(payment.id).status is S.SUCCEEDED
    assert service.provider.calls == ["create_intent"]


def test_a_kept_error_without_effect_is_proven(service: Service) -> None:
    """
    A 500 without effect: looked at now, after 1 min, 10 min, 1 h; then Failed with proof.
    """
    spent(service, "create_intent", effect=False)
    payment = service.pay()
    looks = []
    for minute in range(100):
        if service.resolve.execute():
            looks.append(minute)
        service.clock.advance(minutes=1)

    # At most a quarter later, so that not all come at once.
    assert looks[0] == 0
    assert 1 <= looks[1] <= 2
    assert 10 <= looks[2] - looks[1] <= 13
    assert service.stored(payment.id).status is S.FAILED
    assert service.provider.calls == ["create_intent"]


# ---------------------------------------------------------------- what names an object


def reserved(service: Service) -> PaymentView:
    """
    Pay with money that is only reserved.
    """
    return service.pay(manual=True)


def capture(service: Service, payment: PaymentView) -> None:
    """
    Capture all of it.
    """
    service.take(payment)


def refund(service: Service, payment: PaymentView) -> None:
    """
    Return a part of it.
    """
    service.give_back(payment, "4.00")


def cancel(service: Service, payment: PaymentView) -> None:
    """
    Call it off.
    """
    service.cancel.execute(CancelPaymentCommand(payment_id=payment.id))


def confirm(service: Service, payment: PaymentView) -> None:
    """
    Confirm it.
    """
    command = ConfirmPaymentCommand(payment_id=payment.id, payment_method_id="fake_approved")
    service.confirm.execute(command)


Begin = Callable[[Service], PaymentView]
Act = Callable[[Service, PaymentView], None]
NAMED: list[tuple[str, Begin, Act]] = [
    ("confirm", lambda s: s.pay(None), confirm),
    ("capture", reserved, capture),
    ("cancel", reserved, cancel),
    ("refund", lambda s: s.pay(), refund),
]


@pytest.mark.parametrize(("method", "begin", "act"), NAMED)
def test_an_effect_is_read_and_not_repeated(
    service: Service, method: str, begin: Begin, act: Act
) -> None:
    """
    The object shows that it was done: it is not sent a second time.
    """
    payment = begin(service)
    service.lose(method, effect=True)
    act(service, payment)
    sweep(service, seconds=7)

    assert last(service, payment).state is O.SUCCEEDED
    assert service.provider.calls.count(method) == 1


@pytest.mark.parametrize(("method", "begin", "act"), NAMED)
def test_without_an_effect_it_is_sent_again(
    service: Service, method: str, begin: Begin, act: Act
) -> None:
    """
    The object shows that nothing happened: the same key, once more.
    """
    payment = begin(service)
    service.lose(method, effect=False)
    act(service, payment)
    sweep(service, seconds=7)

    assert last(service, payment).state is O.SUCCEEDED
    assert last(service, payment).attempts == 2


@pytest.mark.parametrize(("method", "begin", "act"), NAMED)
def test_no_key_is_used_after_its_life(
    service: Service, method: str, begin: Begin, act: Act
) -> None:
    """
    After 23 h only looks are left; two of them prove that it had no effect.
    """
    payment = begin(service)
    service.lose(method, effect=False)
    act(service, payment)
    service.clock.advance(hours=23)
    sweep_for(service, hours=2)
    after = service.stored(payment.id)

    assert service.provider.calls.count(method) == 1
    assert after.operations[-1].state is O.ABSENT
    if method == "refund":
        assert after.refunds[0].status is RefundStatus.FAILED
        assert after.refundable == eur("10.00")
        assert service.told()[-1] == "IRefundFailed"
    else:
        assert (after.status, after.captured) == (payment.status, payment.captured)


@pytest.mark.parametrize(
    "error",
    [
        ProviderUnavailable(LOST),
        ProviderUnavailable(Failure("idempotency_key_in_use", "In use."), 1.0),
        ProviderMisconfigured(Failure("http_401", "Check the key.")),
    ],
)
def test_what_was_not_begun_is_sent_under_the_same_key(
    service: Service, error: ProviderError
) -> None:
    """
    Busy, throttled or refused at the door: nothing was begun, and the key is as good as before.
    """
    service.provider.faults.append(Fault("create_intent", effect=False, error=error))
    payment = service.pay()
    sweep(service, seconds=7)

    assert service.stored(payment.id).status is S.SUCCEEDED


def test_backoff_grows(service: Service) -> None:
    """
    5 s, 15 s, 1 min, 5 min, 30 min, then hourly, a quarter more at most; never silent.
    """
    payment = reserved(service)
    service.lose("capture", effect=False)
    capture(service, payment)
    waits = []
    for _ in range(8):
        operation = last(service, payment)
        assert operation.next_at is not None
        waits.append((operation.next_at - service.clock.now()).total_seconds())
        service.clock.advance(seconds=waits[-1] + 1)
        service.lose("retrieve", effect=False)
        assert service.resolve.execute() == 1
    wanted = [5, 15, 60, 300, 1800, 3600, 3600, 3600]

    proof = waits[5]

    assert all(w * 0.99 <= g <= w * 1.26 for g, w in zip(waits, wanted, strict=True) if g != proof)
    # The first moment at which a look can prove something is not missed.
    assert proof < 3600


# ---------------------------------------------------------------- people


def test_after_a_week_a_person_must_look(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """
    What cannot be found out for seven days goes to review, is reported, and is not forgotten.
    """
    payment = service.leave_unsent()
    for _ in range(8 * 24):
        service.lose("list_payments", effect=False)
        sweep(service, hours=1)
        service.provider.faults.clear()
    with caplog.at_level(logging.ERROR):
        service.report.execute()

    assert last(service, payment).state is O.REVIEW
    assert last(service, payment).next_at is None
    assert service.stored(payment.id).unresolved_operations == 1
    assert any(message.startswith("operation_review: create") for message in caplog.messages)


def test_a_mismatched_key_goes_to_review(service: Service) -> None:
    """
    Other parameters under the same key are a bug: nothing is sent under another one.
    """
    wrong = ProviderKeyMismatch(Failure("idempotency_error", "Other parameters."))
    service.provider.faults.append(Fault("create_intent", effect=False, error=wrong))
    payment = service.pay()
    sweep_for(service, hours=1)

    assert last(service, payment).state is O.REVIEW
    assert service.provider.calls == ["create_intent"]


def test_refused_credentials_pause_the_provider(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """
    One refusal is enough: the others wait, are not judged, and go on when the key is mended.
    """
    payments = [service.leave_unsent() for _ in range(5)]
    refused = ProviderMisconfigured(Failure("http_401", "Check the key."))
    service.provider.faults.append(Fault("create_intent", effect=False, error=refused))
    with caplog.at_level(logging.ERROR):
        sweep(service, seconds=61)

    assert service.provider.calls == ["create_intent"]
    assert any(m.startswith("provider_paused: fake") for m in caplog.messages)
    assert {service.stored(p.id).status for p in payments} == {S.PENDING}

    sweep(service, seconds=5)

    assert service.provider.calls == ["create_intent"]

    sweep(service, seconds=60)

    assert {service.stored(p.id).status for p in payments} == {S.SUCCEEDED}


# ---------------------------------------------------------------- leases


def test_a_stale_holder_changes_no_schedule(service: Service) -> None:
    """
    Stopped past its lease, it wakes and brings what it heard: facts count, its plans do not.
    """
    payment = reserved(service)
    service.lose("capture", effect=False)
    capture(service, payment)
    service.clock.advance(seconds=7)
    retrieve = service.provider.retrieve

    def stopped(provider_payment_id: str) -> object:
        service.provider.retrieve = retrieve  # type: ignore[method-assign] # once
        fact = retrieve(provider_payment_id)
        service.clock.advance(seconds=61)
        assert service.resolve.execute() == 1
        return fact

    service.provider.retrieve = stopped  # type: ignore[method-assign,assignment] # a pause
    service.resolve.execute()

    assert last(service, payment).state is O.SUCCEEDED
    assert last(service, payment).attempts == 2
    assert service.provider.calls.count("capture") == 2
    assert service.stored(payment.id).status is S.SUCCEEDED


def test_nothing_is_sent_after_the_lease(service: Service) -> None:
    """
    Stopped between the commit and the call for longer than its lease, the sweeper sends nothing.
    """
    payment = service.leave_unsent()

    def stop(name: str) -> None:
        if name == "sweeper.ask.before":
            service.clock.advance(seconds=61)

    with hooked(stop):
        sweep(service, seconds=61)

    assert service.provider.calls == []
    assert service.stored(payment.id).status is S.PENDING

    sweep(service, seconds=7)

    assert service.stored(payment.id).status is S.SUCCEEDED


def test_one_operations_trouble_does_not_stop_the_others(service: Service) -> None:
    """
    A bug met with one operation leaves it due after its lease; the rest go on.
    """
    first, second = service.leave_unsent(), service.leave_unsent()
    create = service.provider.create_intent

    def broken(request: object, *, idempotency_key: str) -> object:
        if getattr(request, "payment_id", None) == first.id:
            raise ZeroDivisionError
        return create(request, idempotency_key=idempotency_key)  # type: ignore[arg-type]

    service.provider.create_intent = broken  # type: ignore[method-assign,assignment] # a bug
    sweep(service, seconds=61)
    service.provider.create_intent = create  # type: ignore[method-assign] # mended

    assert service.stored(second.id).status is S.SUCCEEDED

    sweep(service, seconds=61)

    assert service.stored(first.id).status is S.SUCCEEDED


def test_who_is_stopped_begins_with_no_other(service: Service) -> None:
    """
    Stopped after the first of two, the sweeper leaves the other until its lease is over.
    """
    payments = [service.leave_unsent() for _ in range(2)]
    service.clock.advance(seconds=61)
    steps = iter([True, False])
    service.resolve.execute(go_on=lambda: next(steps))
    found = [service.stored(p.id).status for p in payments]

    assert sorted(found) == sorted([S.PENDING, S.SUCCEEDED])

    sweep(service, seconds=61)

    assert [service.stored(p.id).status for p in payments] == [S.SUCCEEDED] * 2


@pytest.mark.parametrize("later", [{"seconds": 61}, {"hours": 1}])
def test_a_provider_that_is_no_longer_there(
    service: Service, later: dict[str, float], caplog: pytest.LogCaptureFixture
) -> None:
    """
    Its operations wait, at every step, and end the sweep of no other.
    """
    service.leave_unsent()
    service.operations = attrs.evolve(service.operations, providers={})
    service.resolve = ResolveOperations(service.operations)

    assert sweep(service, **later) == 1
    assert "must wait: provider_unknown" in caplog.text


def test_what_is_over_is_not_looked_at(service: Service) -> None:
    """
    A payment that went well leaves nothing to do, also days later.
    """
    service.give_back(service.pay(), "10.00")

    assert sweep(service, days=3) == 0


def test_a_payment_that_is_processed_is_read_though_no_webhook_came(service: Service) -> None:
    """
    The bank is done and nobody tells: the sweeper asks.
    """
    payment = service.pay("fake_processing")
    service.provider.finish(service.object_of(payment))

    assert sweep(service, minutes=59) == 0
    assert sweep(service, minutes=2) == 1
    assert service.stored(payment.id).status is S.SUCCEEDED


def test_a_payment_of_another_id_is_not_taken_for_it(service: Service) -> None:
    """
    Listings hold other people's objects: only our operation's id counts.
    """
    payment = service.leave_unsent()
    service.pay()
    sweep(service, minutes=11)

    assert service.stored(payment.id).provider_payment_id is None
    assert uuid4() != payment.id


def test_a_person_hands_an_operation_back(service: Service) -> None:
    """
    They mended what was wrong; the sweeper looks, the provider's truth counts, and it is on record.
    """
    wrong = ProviderKeyMismatch(Failure("idempotency_error", "Other parameters."))
    service.provider.faults.append(Fault("create_intent", effect=True, error=wrong))
    payment = service.pay()
    operation = last(service, payment)
    early = sweep(service, days=1)
    LookAgain(service.operations).execute(
        LookAgainCommand(payment_id=payment.id, operation_id=operation.id, reason="mended")
    )
    sweep(service, seconds=1)
    (entry,) = [
        e for e in service.database.tables.audit.values() if e.action == "operation.look_again"
    ]

    assert early == 0
    assert service.stored(payment.id).status is S.SUCCEEDED
    assert service.provider.calls == ["create_intent"]
    assert (entry.operation_id, entry.reason) == (operation.id, "mended")


# ---------------------------------------------------------------- money of payments that are over


def closed(service: Service) -> tuple[PaymentView, str]:
    """
    Return a payment that is Failed by proof, and an object that turns up for it all the same.
    """
    payment = service.leave_unsent("fake_action")
    service.clock.advance(minutes=11)
    sweep_for(service, hours=2)
    request = service.stored(payment.id).operations[0].request
    assert isinstance(request, CreateIntent)
    made = service.provider.create_intent(request, idempotency_key=str(request.operation_id))
    return payment, made.id


def test_an_object_that_turns_up_unpaid_is_cancelled(service: Service) -> None:
    """
    Nobody shall pay for what is Failed.
    """
    payment, object_id = closed(service)
    service.webhook(object_id)

    assert service.stored(payment.id).status is S.FAILED
    assert service.provider.retrieve(object_id).status is ProviderPaymentStatus.CANCELED
    assert service.told() == ["IPaymentFailed"]


def test_a_cancellation_that_was_refused_is_asked_for_when_things_change(
    service: Service,
) -> None:
    """
    While the bank works on it, it cannot be cancelled; when it waits again, it is.
    """
    payment, object_id = closed(service)
    service.provider.change(object_id, status=ProviderPaymentStatus.PROCESSING)
    service.webhook(object_id)
    refused = last(service, payment).state
    service.provider.change(object_id, status=ProviderPaymentStatus.REQUIRES_PAYMENT_METHOD)
    service.deliver(service.provider.webhook(object_id, event_id="evt_again"))

    assert refused is O.DECLINED
    assert service.provider.retrieve(object_id).status is ProviderPaymentStatus.CANCELED
    assert [o.state for o in service.stored(payment.id).operations[1:]] == [
        O.DECLINED,
        O.SUCCEEDED,
    ]


def test_late_money_that_does_not_go_back_is_reported(service: Service) -> None:
    """
    Sent back once; refused, it is a difference that a person must settle.
    """
    _, object_id = closed(service)
    no = ProviderRejected(Failure("charge_disputed", "The charge is disputed."))
    service.provider.faults.append(Fault("refund", effect=False, error=no))
    service.provider.approve(object_id)
    service.webhook(object_id)
    service.deliver(service.provider.webhook(object_id, event_id="evt_again"))
    found = [d.provider_value for d in service.database.tables.discrepancies.values()]

    assert service.provider.calls.count("refund") == 1
    assert sorted(found) == [
        "captured 10.00 EUR",
        "captured 10.00 EUR, 10.00 EUR not returned: charge_disputed",
    ]
    assert service.told() == ["IPaymentFailed", *["IPaymentDiscrepancyFound"] * 2]


def test_a_compensation_whose_sender_died_is_sent(service: Service) -> None:
    """
    It is in the log with a lease, as everything is that follows from an answer.
    """
    payment, object_id = closed(service)
    service.provider.approve(object_id)
    service.provider.faults.append(Fault("refund", effect=False))
    service.webhook(object_id)
    unanswered = service.stored(payment.id).unresolved_operations
    sweep(service, seconds=7)

    assert unanswered == 1
    assert service.stored(payment.id).refunded == eur("10.00")
    assert service.stored(payment.id).status is S.FAILED
