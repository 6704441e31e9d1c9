"""
How answers change a payment: late, twice, out of order, and never against proof.
"""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from payments_core.domain import asking
from payments_core.domain.discrepancy import DiscrepancyKind
from payments_core.domain.events import (
    Event,
    PaymentAuthorized,
    PaymentFailed,
    PaymentSucceeded,
    RefundFailed,
    RefundIssued,
)
from payments_core.domain.facts import (
    ProviderPayment,
    ProviderPaymentStatus,
    ProviderRefundStatus,
)
from payments_core.domain.failure import Failure
from payments_core.domain.money import Money
from payments_core.domain.operation import Operation, OperationState
from payments_core.domain.payment import Payment
from payments_core.domain.policy import Policy
from payments_core.domain.refund import RefundStatus
from payments_core.domain.requests import CancelIntent, CancelReason, CaptureMethod, RefundCapture
from payments_core.domain.settlement import Answer, apply
from payments_core.domain.status import PaymentStatus
from payments_core.testing.builders import NOW, a_fact, a_payment, a_refund_fact, answered, eur

P = ProviderPaymentStatus
S = PaymentStatus
O = OperationState  # noqa: E741 - short for the tables
POLICY = Policy()
NO = Failure("card_declined", "Your card was declined.")


def reply(payment: Payment, fact: ProviderPayment | None = None, **said: Any) -> list[Operation]:
    """
    Answer the newest operation.
    """
    answer = Answer(payment=fact, operation_id=payment.operations[-1].id, **said)
    return apply(payment, answer, NOW, POLICY)


def tell(payment: Payment, *facts: ProviderPayment) -> list[Operation]:
    """
    Bring facts that answer no operation, as webhooks do.
    """
    following = []
    for fact in facts:
        following += apply(payment, Answer(payment=fact), NOW, POLICY)
    return following


def state_of(payment: Payment) -> PaymentStatus:
    """
    Return its status; a call, since mypy takes an attribute that was asserted as unchanged.
    """
    return payment.status


def kinds(payment: Payment) -> list[type[Event]]:
    """
    Return the kinds of the events that the payment told.
    """
    return [type(event) for event in payment.events]


def client_confirmed() -> Payment:
    """
    Return a payment that the customer's browser confirms.
    """
    return answered(a_payment(payment_method_id=None), P.REQUIRES_PAYMENT_METHOD)


def reserved() -> Payment:
    """
    Return a payment whose money is authorised.
    """
    return answered(a_payment(capture_method=CaptureMethod.MANUAL), P.REQUIRES_CAPTURE)


# ---------------------------------------------------------------- the reply to a creation


@pytest.mark.parametrize(
    ("method", "fact", "status", "operation", "events"),
    [
        ("pm", P.SUCCEEDED, S.SUCCEEDED, O.SUCCEEDED, [PaymentSucceeded]),
        ("pm", P.REQUIRES_CAPTURE, S.AUTHORIZED, O.SUCCEEDED, [PaymentAuthorized]),
        ("pm", P.REQUIRES_ACTION, S.REQUIRES_ACTION, O.ACTION_REQUIRED, []),
        ("pm", P.PROCESSING, S.PENDING, O.PENDING, []),
        (None, P.REQUIRES_PAYMENT_METHOD, S.REQUIRES_ACTION, O.SUCCEEDED, []),
        (None, P.REQUIRES_CONFIRMATION, S.REQUIRES_ACTION, O.SUCCEEDED, []),
    ],
)
def test_reply_to_a_creation(
    method: str | None,
    fact: ProviderPaymentStatus,
    status: PaymentStatus,
    operation: OperationState,
    events: list[type[Event]],
) -> None:
    """
    The provider's object decides the payment's state, the operation's, and what is told.
    """
    payment = answered(a_payment(payment_method_id=method), fact)

    assert state_of(payment) is status
    assert payment.operations[0].state is operation
    assert kinds(payment) == events


def test_no_answer_changes_nothing_but_the_log() -> None:
    """
    A lost answer is an unknown outcome: never Failed, never retried under another key.
    """
    payment = a_payment()
    following = reply(payment, state=O.UNKNOWN, failure=Failure("timeout", "No answer."))

    assert state_of(payment) is S.PENDING
    assert payment.operations[0].state is O.UNKNOWN
    assert payment.unresolved_operations == 1
    assert following == []
    assert payment.events == []


def test_a_rejected_creation_is_failed() -> None:
    """
    A request that the provider refuses for good, with nothing made, ends the payment.
    """
    payment = a_payment()
    reply(payment, state=O.DECLINED, failure=Failure("parameter_invalid", "No."))

    assert state_of(payment) is S.FAILED
    assert payment.failure == Failure("parameter_invalid", "No.")
    assert kinds(payment) == [PaymentFailed]


def test_a_key_that_does_not_match_goes_to_a_person() -> None:
    """
    Whatever a mismatched key means, it is looked at, not guessed.
    """
    payment = a_payment()
    reply(payment, state=O.REVIEW, failure=Failure("idempotency_error", "Other parameters."))

    assert state_of(payment) is S.PENDING
    assert payment.operations[0].state is O.REVIEW
    assert payment.unresolved_operations == 1


# ---------------------------------------------------------------- declines


def test_a_server_confirmed_decline_cancels_first_and_fails_then() -> None:
    """
    After a decline the object could still be paid: only its cancellation proves the failure.
    """
    payment = a_payment()
    left = a_fact(payment, P.REQUIRES_PAYMENT_METHOD, failure=NO)
    (cancel,) = reply(payment, left, state=O.DECLINED, failure=NO)

    assert state_of(payment) is S.PENDING
    assert payment.operations[0].state is O.DECLINED
    assert cancel.request == CancelIntent(left.id, CancelReason.DECLINED)
    assert payment.events == []

    reply(payment, a_fact(payment, P.CANCELED, failure=NO))

    assert state_of(payment) is S.FAILED
    assert payment.failure == NO
    assert kinds(payment) == [PaymentFailed]


def test_the_reason_of_a_decline_outlives_its_cancellation() -> None:
    """
    A cancelled object that no longer names the decline does not take the reason away.
    """
    payment = a_payment()
    left = a_fact(payment, P.REQUIRES_PAYMENT_METHOD, failure=NO)
    reply(payment, left, state=O.DECLINED, failure=NO)
    reply(payment, a_fact(payment, P.CANCELED))

    assert (payment.status, payment.failure) == (S.FAILED, NO)


def test_a_lost_cancellation_leaves_it_unresolved() -> None:
    """
    Without the proof of the cancellation the payment is not Failed.
    """
    payment = a_payment()
    reply(payment, a_fact(payment, P.REQUIRES_PAYMENT_METHOD, failure=NO), state=O.DECLINED)
    reply(payment, state=O.UNKNOWN, failure=Failure("timeout", "No answer."))

    assert state_of(payment) is S.PENDING
    assert payment.unresolved_operations == 1

    tell(payment, a_fact(payment, P.CANCELED, failure=NO))

    assert state_of(payment) is S.FAILED
    assert payment.unresolved_operations == 0


def test_a_client_confirmed_decline_stays_open() -> None:
    """
    In the customer's browser another card may follow: the payment waits, and says why.
    """
    payment = client_confirmed()
    following = tell(payment, a_fact(payment, P.REQUIRES_PAYMENT_METHOD, failure=NO))

    assert following == []
    assert state_of(payment) is S.REQUIRES_ACTION
    assert (payment.failure, payment.client_secret) == (NO, "fake_secret")

    tell(payment, a_fact(payment))

    assert state_of(payment) is S.SUCCEEDED
    assert (payment.failure, payment.client_secret) == (None, None)


def test_a_refused_approval_of_a_server_confirmed_payment_fails_it() -> None:
    """
    The customer says no on the bank's page: the one attempt is over.
    """
    payment = answered(a_payment(), P.REQUIRES_ACTION, redirect_url="https://bank.example")
    (cancel,) = tell(payment, a_fact(payment, P.REQUIRES_PAYMENT_METHOD, failure=NO))

    assert payment.operations[0].state is O.DECLINED
    assert isinstance(cancel.request, CancelIntent)

    reply(payment, a_fact(payment, P.CANCELED, failure=NO))

    assert state_of(payment) is S.FAILED


def test_an_older_failure_says_nothing_of_an_unanswered_confirmation() -> None:
    """
    The object may still show the decline before: the operation stays unresolved.
    """
    payment = client_confirmed()
    tell(payment, a_fact(payment, P.REQUIRES_PAYMENT_METHOD, failure=NO))
    asking.confirm(payment, "pm", None, NOW, POLICY)
    tell(payment, a_fact(payment, P.REQUIRES_PAYMENT_METHOD, failure=NO))

    assert payment.operations[-1].state is O.SENT


# ---------------------------------------------------------------- out of order, twice


def test_the_webhook_may_come_before_the_reply() -> None:
    """
    Whoever comes first settles; the other changes nothing and tells nothing twice.
    """
    payment = a_payment()
    tell(payment, a_fact(payment))
    reply(payment, state=O.UNKNOWN, failure=Failure("timeout", "No answer."))
    reply(payment, a_fact(payment))

    assert state_of(payment) is S.SUCCEEDED
    assert payment.operations[0].state is O.SUCCEEDED
    assert kinds(payment) == [PaymentSucceeded]


def test_a_half_made_object_proves_nothing_of_a_confirmation() -> None:
    """
    Read between creation and confirmation, the object does not resolve the operation.
    """
    payment = a_payment()
    tell(payment, a_fact(payment, P.REQUIRES_CONFIRMATION))

    assert payment.operations[0].state is O.SENT


FLOWS = {
    "paid": (
        "automatic",
        [P.PROCESSING, P.REQUIRES_ACTION, P.SUCCEEDED],
        S.SUCCEEDED,
        {PaymentSucceeded},
    ),
    "captured": (
        "manual",
        [P.REQUIRES_ACTION, P.REQUIRES_CAPTURE, P.SUCCEEDED],
        S.SUCCEEDED,
        {PaymentSucceeded},
    ),
    "canceled": (
        "manual",
        [P.REQUIRES_ACTION, P.PROCESSING, P.CANCELED],
        S.CANCELED,
        {PaymentFailed},
    ),
}


@pytest.mark.parametrize("flow", FLOWS)
def test_every_order_of_the_same_facts_ends_the_same(flow: str) -> None:
    """
    Any permutation, each fact twice, gives one final state and tells its end once.
    """
    method, states, status, told = FLOWS[flow]
    for order in permutations(states * 2):
        payment = a_payment(capture_method=CaptureMethod(method), payment_method_id=None)
        tell(payment, *[a_fact(payment, state) for state in order])
        ends = [kind for kind in kinds(payment) if kind is not PaymentAuthorized]

        assert state_of(payment) is status, order
        assert set(ends) == told, order
        assert len(ends) == 1, order


def test_stale_news_takes_nothing_back() -> None:
    """
    What was read before the money was taken does not undo that it was.
    """
    payment = answered(a_payment())
    tell(payment, a_fact(payment, P.REQUIRES_ACTION), a_fact(payment, P.PROCESSING))

    assert state_of(payment) is S.SUCCEEDED
    assert payment.provider_status is P.SUCCEEDED


def test_a_secret_that_is_useless_stays_forgotten() -> None:
    """
    News of a paid payment does not bring the browser's secret back.
    """
    payment = answered(a_payment())
    tell(payment, a_fact(payment))

    assert payment.client_secret is None


# ---------------------------------------------------------------- capture and cancel


def test_a_captured_part_is_what_was_captured() -> None:
    """
    The rest is released; what was authorised stays on record.
    """
    payment = reserved()
    payment.events.clear()
    asking.capture(payment, eur("4.00"), NOW, POLICY)
    answered(payment, captured=eur("4.00"))

    assert state_of(payment) is S.SUCCEEDED
    assert (payment.authorized, payment.captured) == (eur("10.00"), eur("4.00"))
    (event,) = payment.events
    assert isinstance(event, PaymentSucceeded)
    assert event.amount == eur("4.00")


def test_an_expired_authorization_is_failed() -> None:
    """
    The provider let the reservation lapse: Failed, with that reason.
    """
    payment = answered(reserved(), P.CANCELED, expired=True)

    assert state_of(payment) is S.FAILED
    assert payment.failure is not None
    assert payment.failure.code == "authorization_expired"


def test_a_capture_after_expiry_is_refused() -> None:
    """
    The capture's operation ends as declined, the payment as Failed.
    """
    payment = reserved()
    asking.capture(payment, None, NOW, POLICY)
    reply(payment, a_fact(payment, P.CANCELED, expired=True), state=O.DECLINED, failure=NO)

    assert payment.operations[-1].state is O.DECLINED
    assert state_of(payment) is S.FAILED


def test_cancelled_by_somebody_at_the_provider() -> None:
    """
    A cancellation that we did not ask for is still one.
    """
    payment = client_confirmed()
    tell(payment, a_fact(payment, P.CANCELED))

    assert state_of(payment) is S.CANCELED
    assert kinds(payment) == [PaymentFailed]


def test_a_wish_to_cancel_is_carried_out_when_the_attempt_is_answered() -> None:
    """
    Cancel during an unanswered creation: the answer brings the object, then it is cancelled.
    """
    payment = a_payment()
    asking.cancel(payment, NOW, POLICY)
    (cancel,) = reply(payment, a_fact(payment, P.REQUIRES_ACTION))

    assert cancel.request == CancelIntent(str(payment.provider_payment_id), CancelReason.REQUESTED)

    reply(payment, a_fact(payment, P.CANCELED))

    assert state_of(payment) is S.CANCELED


def test_a_wish_to_cancel_loses_against_taken_money() -> None:
    """
    If the unanswered creation took the money, the payment succeeded.
    """
    payment = a_payment()
    asking.cancel(payment, NOW, POLICY)

    assert reply(payment, a_fact(payment)) == []
    assert state_of(payment) is S.SUCCEEDED
    assert not payment.cancel_requested


def test_a_refused_cancellation_is_not_repeated_for_ever() -> None:
    """
    When the provider refuses to cancel, the wish is answered: no new operation follows.
    """
    payment = answered(a_payment(), P.PROCESSING)
    asking.cancel(payment, NOW, POLICY)
    following = reply(payment, a_fact(payment, P.PROCESSING), state=O.DECLINED, failure=NO)

    assert following == []
    assert not payment.cancel_requested


# ---------------------------------------------------------------- refunds


def refunding(amount: str = "4.00") -> Payment:
    """
    Return a payment of 10.00 with a refund that was sent.
    """
    payment = answered(a_payment())
    asking.refund(payment, eur(amount), "broken", NOW, POLICY)
    payment.events.clear()
    return payment


def told(payment: Payment, status: ProviderRefundStatus, **changes: Any) -> None:
    """
    Bring what the provider says of the payment's one refund.
    """
    (refund,) = payment.refunds
    fact = a_refund_fact(payment, refund.amount, status, refund_id=refund.id, **changes)
    apply(payment, Answer(refunds=(fact,)), NOW, POLICY)


def test_a_refund_that_succeeds_is_told_once() -> None:
    """
    Partial: the payment stays Succeeded and says how much went back.
    """
    payment = refunding()
    for _ in range(2):
        told(payment, ProviderRefundStatus.SUCCEEDED)

    assert state_of(payment) is S.SUCCEEDED
    assert payment.refunded == eur("4.00")
    assert payment.operations[-1].state is O.SUCCEEDED
    assert kinds(payment) == [RefundIssued]


def test_all_money_back_is_refunded() -> None:
    """
    When all that was captured went back, the payment is Refunded.
    """
    payment = refunding("10.00")
    told(payment, ProviderRefundStatus.SUCCEEDED)

    assert state_of(payment) is S.REFUNDED


def test_a_pending_refund_keeps_its_amount() -> None:
    """
    Until the provider says otherwise the money is on its way.
    """
    payment = refunding()
    told(payment, ProviderRefundStatus.PENDING)

    assert payment.reserved == eur("4.00")
    assert payment.operations[-1].state is O.SUCCEEDED
    assert payment.events == []


@pytest.mark.parametrize("status", [ProviderRefundStatus.FAILED, ProviderRefundStatus.CANCELED])
def test_a_failed_refund_releases_its_amount(status: ProviderRefundStatus) -> None:
    """
    What did not go back can be refunded again.
    """
    payment = refunding()
    told(payment, status, failure=NO)

    assert payment.refundable == eur("10.00")
    assert kinds(payment) == [RefundFailed]


def test_a_reversed_refund_takes_the_payment_back() -> None:
    """
    Refunded → Succeeded when the bank sends the money back; the success is not told again.
    """
    payment = refunding("10.00")
    told(payment, ProviderRefundStatus.SUCCEEDED)
    told(payment, ProviderRefundStatus.FAILED, failure=NO)
    told(payment, ProviderRefundStatus.SUCCEEDED)

    assert state_of(payment) is S.SUCCEEDED
    assert payment.refunds[0].status is RefundStatus.FAILED
    assert kinds(payment) == [RefundIssued, RefundFailed]


def test_a_refused_refund_fails() -> None:
    """
    A refund that the provider refuses for good releases what it reserved.
    """
    payment = refunding()
    reply(payment, state=O.DECLINED, failure=NO)

    assert payment.refunds[0].status is RefundStatus.FAILED
    assert payment.refunds[0].failure == NO
    assert payment.refundable == eur("10.00")
    assert kinds(payment) == [RefundFailed]


def test_a_lost_refund_keeps_its_amount() -> None:
    """
    Without an answer the refund may have happened.
    """
    payment = refunding()
    reply(payment, state=O.UNKNOWN, failure=NO)

    assert payment.refunds[0].status is RefundStatus.PENDING
    assert payment.refundable == eur("6.00")


def test_a_refund_made_elsewhere_is_taken_over() -> None:
    """
    A refund from the provider's own pages counts like ours, once.
    """
    payment = answered(a_payment())
    fact = a_refund_fact(payment, eur("3.00"))
    for _ in range(2):
        apply(payment, Answer(refunds=(fact,)), NOW, POLICY)

    assert payment.refunded == eur("3.00")
    assert kinds(payment) == [PaymentSucceeded, RefundIssued]


def test_a_release_is_no_refund() -> None:
    """
    What was never captured cannot go back, whatever objects the provider makes of it.
    """
    payment = answered(a_payment())
    fact = a_refund_fact(payment, eur("3.00"), releases_only=True)
    apply(payment, Answer(refunds=(fact,)), NOW, POLICY)

    assert payment.refunds == []


# ---------------------------------------------------------------- discrepancies


@pytest.mark.parametrize(
    ("amount", "kind"),
    [
        (eur("10.01"), DiscrepancyKind.AMOUNT_MISMATCH),
        (Money.parse("10.00", "USD"), DiscrepancyKind.CURRENCY_MISMATCH),
    ],
)
def test_another_amount_is_a_discrepancy_and_no_step(amount: Money, kind: DiscrepancyKind) -> None:
    """
    If the provider's object is for something else, nothing of it is believed.
    """
    payment = a_payment()
    reply(payment, a_fact(payment, amount=amount))
    (found,) = payment.discrepancies

    assert state_of(payment) is S.PENDING
    assert payment.operations[0].state is O.REVIEW
    assert found.kind is kind
    assert (found.local_value, found.provider_value) == ("10.00 EUR", str(amount))
    assert payment.events == []


def test_a_refund_of_another_amount_is_a_discrepancy() -> None:
    """
    A refund object that says another amount than ours is reported, not believed.
    """
    payment = refunding("4.00")
    (refund,) = payment.refunds
    fact = a_refund_fact(payment, eur("5.00"), refund_id=refund.id)
    apply(payment, Answer(refunds=(fact,)), NOW, POLICY)

    assert refund.status is RefundStatus.PENDING
    assert [d.kind for d in payment.discrepancies] == [DiscrepancyKind.AMOUNT_MISMATCH]


@pytest.mark.parametrize(
    ("amount", "kind"),
    [
        (eur("10.01"), DiscrepancyKind.AMOUNT_MISMATCH),
        (Money.parse("3.00", "USD"), DiscrepancyKind.CURRENCY_MISMATCH),
    ],
)
def test_a_refund_that_cannot_be_is_reported(amount: Money, kind: DiscrepancyKind) -> None:
    """
    A refund made elsewhere of more than was taken, or in other money, is not believed.
    """
    payment = answered(a_payment())
    apply(payment, Answer(refunds=(a_refund_fact(payment, amount),)), NOW, POLICY)

    assert payment.refunds == []
    assert [d.kind for d in payment.discrepancies] == [kind]


def test_a_failed_refund_made_elsewhere_is_no_anomaly() -> None:
    """
    Only refunds that take money count against what was captured, in whatever order they come.
    """
    payment = answered(a_payment())
    failed = a_refund_fact(payment, eur("10.00"), ProviderRefundStatus.FAILED)
    done = a_refund_fact(payment, eur("10.00"))
    apply(payment, Answer(refunds=(done, failed)), NOW, POLICY)

    assert payment.discrepancies == []
    assert payment.status is S.REFUNDED


def test_what_follows_belongs_to_the_sender() -> None:
    """
    While an attempt is being sent, others settle its facts but begin nothing.
    """
    payment = a_payment()
    left = a_fact(payment, P.REQUIRES_PAYMENT_METHOD, failure=NO)

    assert tell(payment, left) == []
    assert payment.operations[0].state is O.DECLINED

    (cancel,) = reply(payment, left, state=O.DECLINED, failure=NO)

    assert isinstance(cancel.request, CancelIntent)


def test_what_a_dead_sender_left_is_begun_by_others() -> None:
    """
    After the lease nobody waits for the sender any more.
    """
    payment = a_payment()
    left = a_fact(payment, P.REQUIRES_PAYMENT_METHOD, failure=NO)
    (cancel,) = apply(payment, Answer(payment=left), NOW + timedelta(seconds=60), POLICY)

    assert isinstance(cancel.request, CancelIntent)


def test_a_second_object_that_holds_money_is_a_discrepancy() -> None:
    """
    One payment, one object: another that took money for it is reported, not believed.
    """
    payment = answered(a_payment())
    tell(payment, a_fact(payment, id="another"))

    assert [d.kind for d in payment.discrepancies] == [DiscrepancyKind.DUPLICATE_CHARGE]
    assert payment.provider_payment_id != "another"


def closed_without_object() -> Payment:
    """
    Return a Failed payment of which the provider had nothing.
    """
    payment = a_payment()
    reply(payment, state=O.DECLINED, failure=NO)
    payment.events.clear()
    return payment


def test_late_money_goes_back_and_the_state_stays() -> None:
    """
    Charged after Failed: recorded, reported, refunded by policy; told as a discrepancy only.
    """
    payment = closed_without_object()
    (refund,) = tell(payment, a_fact(payment))

    assert state_of(payment) is S.FAILED
    assert payment.captured == eur("10.00")
    assert [d.kind for d in payment.discrepancies] == [DiscrepancyKind.LATE_SUCCESS]
    assert isinstance(refund.request, RefundCapture)
    assert refund.request.amount == eur("10.00")
    assert payment.events == []

    told(payment, ProviderRefundStatus.SUCCEEDED)

    assert payment.refunded == eur("10.00")
    assert state_of(payment) is S.FAILED
    assert payment.events == []
    assert tell(payment, a_fact(payment)) == []


def test_a_compensation_that_fails_is_not_sent_for_ever() -> None:
    """
    Late money is sent back once; if that fails, a person decides.
    """
    payment = closed_without_object()
    tell(payment, a_fact(payment))
    told(payment, ProviderRefundStatus.FAILED, failure=NO)

    assert tell(payment, a_fact(payment)) == []
    assert len(payment.refunds) == 1


def test_a_refused_cancellation_of_a_decline_waits_for_news() -> None:
    """
    The provider would not cancel: asking again at once would only be refused again.
    """
    payment = a_payment()
    left = a_fact(payment, P.REQUIRES_PAYMENT_METHOD, failure=NO)
    reply(payment, left, state=O.DECLINED, failure=NO)
    following = reply(payment, left, state=O.DECLINED, failure=Failure("locked", "No."))

    assert following == []
    assert [o.kind.value for o in payment.operations] == ["create", "cancel"]


def test_late_money_stays_by_policy() -> None:
    """
    An installation may decide to keep it and let a person look.
    """
    payment = closed_without_object()
    answer = Answer(payment=a_fact(payment))

    assert apply(payment, answer, NOW, Policy(refund_late_money=False)) == []
    assert payment.captured == eur("10.00")


@pytest.mark.parametrize(
    "state", [P.REQUIRES_PAYMENT_METHOD, P.REQUIRES_ACTION, P.REQUIRES_CAPTURE]
)
def test_a_late_object_is_cancelled(state: ProviderPaymentStatus) -> None:
    """
    An object of a closed payment that could still take money is cancelled.
    """
    payment = closed_without_object()
    (cancel,) = tell(payment, a_fact(payment, state))

    assert isinstance(cancel.request, CancelIntent)
    assert cancel.request.reason is CancelReason.LATE

    reply(payment, a_fact(payment, P.CANCELED))

    assert state_of(payment) is S.FAILED
    assert payment.events == []
