"""
What recovery does next: what is known, how old it is, and what was tried; row by row.
"""

from datetime import timedelta
from uuid import uuid4

import attrs
import pytest

from payments_core.domain import asking
from payments_core.domain.errors import InvalidState
from payments_core.domain.facts import ProviderPayment, ProviderPaymentStatus
from payments_core.domain.failure import Failure
from payments_core.domain.money import Money
from payments_core.domain.operation import Operation, OperationKind, OperationState
from payments_core.domain.payment import Payment
from payments_core.domain.policy import Policy
from payments_core.domain.recovery import (
    RULES,
    Step,
    Visit,
    look_again,
    next_step,
    resume,
)
from payments_core.domain.requests import CancelIntent, CancelReason, CaptureMethod
from payments_core.domain.settlement import Answer, Look
from payments_core.domain.status import PaymentStatus
from payments_core.testing.builders import NOW, a_fact, a_payment, answered, eur

P = ProviderPaymentStatus
S = PaymentStatus
O = OperationState  # noqa: E741 - short for the tables
K = OperationKind
POLICY = Policy()
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NOTHING: frozenset[Step] = frozenset()
LOST = Failure("timeout", "No answer.")


def unanswered(kind: OperationKind) -> Payment:
    """
    Return a payment whose newest operation is of this kind and has no answer.
    """
    if kind is K.CREATE:
        return a_payment()
    if kind is K.CONFIRM:
        payment = answered(a_payment(payment_method_id=None), P.REQUIRES_PAYMENT_METHOD)
        asking.confirm(payment, "pm", None, NOW, POLICY)
    elif kind is K.REFUND:
        payment = answered(a_payment())
        asking.refund(payment, eur("4.00"), None, NOW, POLICY)
    else:
        payment = answered(a_payment(capture_method=CaptureMethod.MANUAL), P.REQUIRES_CAPTURE)
        ask = {K.CAPTURE: lambda: asking.capture(payment, None, NOW, POLICY)}
        ask.get(kind, lambda: asking.cancel(payment, NOW, POLICY))()
    assert payment.operations[-1].kind is kind
    return payment


def step(
    payment: Payment, age: timedelta = MINUTE, tried: frozenset[Step] = NOTHING
) -> Step | None:
    """
    Return what is done next with the newest operation, at an age.
    """
    return next_step(payment, payment.operations[-1], NOW + age, POLICY, tried)


# What we know, how old it is: what is done first, and what after a look that found nothing.
ROWS: list[tuple[OperationKind, timedelta, Step | None, Step | None]] = [
    (K.CREATE, MINUTE, Step.SEND, None),
    (K.CREATE, 9 * MINUTE, Step.SEND, None),
    (K.CREATE, 10 * MINUTE, Step.LIST, None),
    (K.CREATE, 23 * HOUR, Step.LIST, None),
    (K.CONFIRM, MINUTE, Step.READ, Step.SEND),
    (K.CONFIRM, 9 * MINUTE, Step.READ, Step.SEND),
    (K.CONFIRM, 10 * MINUTE, Step.READ, None),
    (K.CONFIRM, 23 * HOUR, Step.READ, None),
    *((kind, MINUTE, Step.READ, Step.SEND) for kind in (K.CAPTURE, K.CANCEL, K.REFUND)),
    *((kind, 22 * HOUR, Step.READ, Step.SEND) for kind in (K.CAPTURE, K.CANCEL, K.REFUND)),
    *((kind, 23 * HOUR, Step.READ, None) for kind in (K.CAPTURE, K.CANCEL, K.REFUND)),
]


@pytest.mark.parametrize("state", [O.SENT, O.UNKNOWN])
@pytest.mark.parametrize(("kind", "age", "first", "then"), ROWS)
def test_rows(
    kind: OperationKind,
    age: timedelta,
    first: Step | None,
    then: Step | None,
    state: OperationState,
) -> None:
    """
    A lost answer, or a sender that died: looked for first, sent again only while it may be.
    """
    payment = unanswered(kind)
    payment.operations[-1].state = state

    assert step(payment, age) is first
    if first is not Step.SEND:
        assert first is not None
        assert step(payment, age, frozenset({first})) is then


@pytest.mark.parametrize("kind", list(K))
def test_an_error_that_is_kept_is_never_asked_for_again(kind: OperationKind) -> None:
    """
    A 500: only looks, at any age.
    """
    payment = unanswered(kind)
    payment.operations[-1].key_spent = True
    look = Step.LIST if kind is K.CREATE else Step.READ

    assert step(payment) is look
    assert step(payment, MINUTE, frozenset({look})) is None


@pytest.mark.parametrize("kind", [K.CREATE, K.CONFIRM])
def test_an_attempt_is_not_repeated_after_a_wish_to_cancel(kind: OperationKind) -> None:
    """
    Who wants out is not charged by us any more.
    """
    payment = unanswered(kind)
    asking.cancel(payment, NOW, POLICY)
    look = Step.LIST if kind is K.CREATE else Step.READ

    assert step(payment) is look
    assert step(payment, MINUTE, frozenset({look})) is None


@pytest.mark.parametrize(
    ("state", "first"),
    [
        (O.PENDING, Step.READ),
        (O.ACTION_REQUIRED, Step.READ),
        (O.REVIEW, Step.READ),
        (O.SUCCEEDED, None),
        (O.DECLINED, None),
        (O.ABSENT, None),
    ],
)
def test_what_is_answered_is_never_sent_again(state: OperationState, first: Step | None) -> None:
    """
    It may be read, while it is open; nothing else.
    """
    payment = unanswered(K.CAPTURE)
    payment.operations[-1].state = state

    assert step(payment) is first
    assert step(payment, MINUTE, frozenset({Step.READ})) is None


def test_a_creation_whose_object_is_known_is_read() -> None:
    """
    A webhook may have named the object already: then no listing is needed.
    """
    payment = unanswered(K.CREATE)
    payment.provider_payment_id = "fake_1"

    assert step(payment) is Step.READ
    assert step(payment, MINUTE, frozenset({Step.READ})) is Step.SEND


def test_every_kind_has_a_rule() -> None:
    """
    No operation is left out, and no key outlives the provider's.
    """
    assert set(RULES) == set(K)
    for kind in K:
        payment = unanswered(kind)
        old = attrs.evolve(POLICY, confirm_within=48 * HOUR, key_life=23 * HOUR)
        last = payment.operations[-1]
        seen = {
            next_step(payment, last, NOW + 23 * HOUR, old, tried)
            for tried in (NOTHING, frozenset({Step.READ}), frozenset({Step.LIST}))
        }

        assert Step.SEND not in seen


# ---------------------------------------------------------------- a turn


def visit(operation: Operation, *tried: Step) -> Visit:
    """
    Return a turn under the operation's own lease.
    """
    return Visit(operation.id, operation.lease_token, frozenset(tried))


def looked(operation: Operation, at: timedelta, fact: ProviderPayment | None = None) -> Answer:
    """
    Return a complete look that found nothing new, or this.
    """
    look = Look(operation.lease_token, NOW + at)
    return Answer(payment=fact, operation_id=operation.id, look=look)


def test_sending_again_is_noted_before_it_happens() -> None:
    """
    The moment, the count and a fresh lease are stored; looks before it prove nothing any more.
    """
    payment = unanswered(K.CAPTURE)
    operation = payment.operations[-1]
    at = NOW + 2 * HOUR
    seen = looked(operation, 2 * HOUR, a_fact(payment, P.REQUIRES_CAPTURE))
    step, _ = resume(payment, visit(operation, Step.READ), seen, at, POLICY)

    assert step is Step.SEND
    assert (operation.last_sent_at, operation.attempts) == (at, 2)
    assert (operation.lease_until, operation.next_at) == (at + POLICY.lease, at + POLICY.lease)
    assert operation.first_pass_at is None
    assert operation.first_sent_at == NOW


def test_a_look_that_broke_off_allows_nothing() -> None:
    """
    Without having seen the object nothing is sent again.
    """
    payment = unanswered(K.CAPTURE)
    operation = payment.operations[-1]
    blind = Answer(operation_id=operation.id, state=O.UNKNOWN, failure=LOST)
    step, _ = resume(payment, visit(operation, Step.READ), blind, NOW + MINUTE, POLICY)

    assert step is None
    assert operation.attempts == 1
    assert operation.next_at is not None
    assert operation.next_at > NOW + MINUTE


@pytest.mark.parametrize(
    ("passes", "absent"),
    [
        ([30 * MINUTE, 45 * MINUTE, 59 * MINUTE], False),
        ([60 * MINUTE], False),
        ([60 * MINUTE, 69 * MINUTE], False),
        ([59 * MINUTE, 69 * MINUTE], False),
        ([60 * MINUTE, 70 * MINUTE], True),
        ([60 * MINUTE, 69 * MINUTE, 71 * MINUTE], True),
    ],
)
def test_proof_of_absence(passes: list[timedelta], absent: bool) -> None:
    """
    Two complete looks, ten minutes apart, both an hour after it was last sent.
    """
    payment = a_payment()
    operation = payment.operations[0]
    for at in passes:
        seen = looked(operation, at)
        resume(payment, visit(operation, Step.LIST), seen, NOW + at, POLICY)

    assert (operation.state is O.ABSENT) is absent
    assert (payment.status is S.FAILED) is absent


def test_a_stale_holder_proves_nothing() -> None:
    """
    Looks under a lease that is somebody else's by now do not count, and change no schedule.
    """
    payment = a_payment()
    operation = payment.operations[0]
    stale = visit(operation, Step.LIST)
    looks = [looked(operation, at) for at in (60 * MINUTE, 70 * MINUTE)]
    operation.lease_token, due = uuid4(), operation.next_at
    for seen in looks:
        step, _ = resume(payment, stale, seen, NOW + 2 * HOUR, POLICY)
        assert step is None

    assert operation.state is O.SENT
    assert operation.first_pass_at is None
    assert operation.next_at == due


def test_a_listing_that_a_webhook_overtook_proves_nothing() -> None:
    """
    It found nothing, but meanwhile somebody named the object: that one must be read.
    """
    payment = a_payment()
    operation = payment.operations[0]
    resume(payment, visit(operation, Step.LIST), looked(operation, HOUR), NOW + HOUR, POLICY)
    payment.provider_payment_id = "fake_1"
    late = looked(operation, 2 * HOUR)
    resume(payment, visit(operation, Step.LIST), late, NOW + 2 * HOUR, POLICY)

    assert operation.state is O.SENT
    assert payment.status is S.PENDING


def test_an_unconfirmed_object_of_an_absent_attempt_is_cancelled() -> None:
    """
    It exists and was never confirmed: proven, then cancelled, and only that fails the payment.
    """
    payment = a_payment()
    operation = payment.operations[0]
    fact = a_fact(payment, P.REQUIRES_CONFIRMATION)
    operation.key_spent = True
    following: list[Operation] = []
    for at in (HOUR, 2 * HOUR):
        seen = looked(operation, at, fact)
        _, following = resume(payment, visit(operation, Step.READ), seen, NOW + at, POLICY)
    (cancel,) = following
    before = PaymentStatus(payment.status)
    gone = Answer(payment=a_fact(payment, P.CANCELED), operation_id=cancel.id)
    resume(payment, visit(cancel, Step.SEND), gone, NOW + 2 * HOUR, POLICY)

    assert before is S.REQUIRES_ACTION or before is S.PENDING
    assert cancel.request == CancelIntent(fact.id, CancelReason.DECLINED)
    assert payment.status is S.FAILED
    assert payment.failure is not None
    assert payment.failure.code == "provider_no_record"


def test_a_cancellation_that_the_service_owes_is_begun_anew() -> None:
    """
    Proven absent, the old one is over; what was declined must still not be paid later.
    """
    payment = a_payment()
    no = Failure("card_declined", "No.")
    left = a_fact(payment, P.REQUIRES_PAYMENT_METHOD, failure=no)
    first = payment.operations[0]
    resume(
        payment,
        visit(first, Step.SEND),
        Answer(payment=left, operation_id=first.id, state=O.DECLINED, failure=no),
        NOW,
        POLICY,
    )
    cancel = payment.operations[-1]
    cancel.key_spent = True
    following: list[Operation] = []
    for at in (HOUR, 2 * HOUR):
        seen = looked(cancel, at, left)
        _, following = resume(payment, visit(cancel, Step.READ), seen, NOW + at, POLICY)

    assert cancel.state is O.ABSENT
    assert [o.kind for o in following] == [K.CANCEL]
    assert payment.status is S.PENDING


def test_a_callers_cancellation_is_not_begun_anew() -> None:
    """
    Proven absent, the caller's wish is over: it is theirs to ask again.
    """
    payment = unanswered(K.CANCEL)
    cancel = payment.operations[-1]
    cancel.key_spent = True
    for at in (HOUR, 2 * HOUR):
        seen = looked(cancel, at, a_fact(payment, P.REQUIRES_CAPTURE))
        _, following = resume(payment, visit(cancel, Step.READ), seen, NOW + at, POLICY)
        assert following == []

    assert cancel.state is O.ABSENT
    assert payment.status is S.AUTHORIZED
    assert not payment.cancel_requested


def test_what_its_holder_may_still_do_stays_due() -> None:
    """
    Others may resolve it while it is being sent; it is due until its holder has come back.
    """
    payment = a_payment()
    operation = payment.operations[0]
    answer = Answer(payment=a_fact(payment))
    resume(payment, Visit(operation.id, uuid4()), answer, NOW + MINUTE / 2, POLICY)
    meanwhile = operation.next_at
    resume(payment, visit(operation, Step.SEND), answer, NOW + MINUTE, POLICY)

    assert operation.state is O.SUCCEEDED
    assert meanwhile == NOW + POLICY.lease
    assert operation.next_at is None


# ---------------------------------------------------------------- people


def in_review() -> tuple[Payment, Operation]:
    """
    Return a payment whose creation a person must look at.
    """
    payment = a_payment()
    operation = payment.operations[0]
    review = Answer(operation_id=operation.id, state=O.REVIEW, failure=LOST)
    resume(payment, visit(operation, Step.SEND), review, NOW, POLICY)
    return payment, operation


def test_review_waits_for_a_person() -> None:
    """
    Nothing happens by itself.
    """
    _, operation = in_review()

    assert operation.next_at is None


def test_a_persons_question_is_pursued_to_its_answer() -> None:
    """
    Looked at at once, and until two looks have proven that there is nothing.
    """
    payment, operation = in_review()
    look_again(payment, operation.id, NOW + MINUTE)
    due = [operation.next_at]
    for _ in range(3):
        at = operation.next_at
        assert at is not None
        seen = looked(operation, at - NOW)
        resume(payment, visit(operation, Step.LIST), seen, at, POLICY)
        due.append(operation.next_at)

    assert due == [NOW + MINUTE, NOW + HOUR, NOW + HOUR + 10 * MINUTE, None]
    assert operation.state is O.ABSENT
    assert operation.attempts == 1
    assert payment.status is S.FAILED


def test_only_what_is_in_review_is_handed_back() -> None:
    """
    Other operations have their own schedule.
    """
    payment = a_payment()

    for wrong in (payment.operations[0].id, uuid4()):
        with pytest.raises(InvalidState, match="not in review"):
            look_again(payment, wrong, NOW)


def test_an_object_of_another_amount_ends_when_it_can_take_no_money() -> None:
    """
    A person cancels the odd object at the provider; that end is believed, and told.
    """
    payment = a_payment()
    operation = payment.operations[0]
    odd = a_fact(payment, P.REQUIRES_CAPTURE, amount=Money.parse("9.00", "USD"))
    wrong = Answer(payment=odd, operation_id=operation.id)
    resume(payment, visit(operation, Step.SEND), wrong, NOW, POLICY)
    state = OperationState(operation.state)
    nothing = Money.zero("USD")
    gone = attrs.evolve(odd, status=P.CANCELED, authorized=nothing, captured=nothing)
    look_again(payment, operation.id, NOW + MINUTE)
    seen = looked(operation, MINUTE, gone)
    resume(payment, visit(operation, Step.LIST), seen, NOW + MINUTE, POLICY)

    assert state is O.REVIEW
    assert operation.state is O.DECLINED
    assert payment.status is S.CANCELED
    assert (payment.captured, payment.authorized) == (eur("0.00"), eur("0.00"))


# ---------------------------------------------------------------- customers who do not come


def waiting() -> Payment:
    """
    Return a payment that waits for the customer's browser.
    """
    return answered(a_payment(payment_method_id=None), P.REQUIRES_PAYMENT_METHOD)


def test_it_expires_at_its_time() -> None:
    """
    Not before; then its object is cancelled, and it is asked for again if that is not done.
    """
    payment = waiting()
    end = NOW + POLICY.expire_after
    early = asking.expire(payment, end - MINUTE, POLICY)
    operation = asking.expire(payment, end, POLICY)
    again = asking.expire(payment, end + MINUTE, POLICY)

    assert (early, again) == (None, None)
    assert operation is not None
    assert operation.request == CancelIntent(payment.object_id, CancelReason.EXPIRED)
    assert payment.expires_at == end + POLICY.expire_again


@pytest.mark.parametrize("status", [P.SUCCEEDED, P.PROCESSING, P.CANCELED])
def test_what_does_not_wait_does_not_expire(status: ProviderPaymentStatus) -> None:
    """
    Paid, on its way, or over: nothing is cancelled.
    """
    payment = answered(waiting(), status)

    assert asking.expire(payment, NOW + 48 * HOUR, POLICY) is None


def test_the_reason_is_that_nobody_paid() -> None:
    """
    Also where an attempt had been declined before.
    """
    payment = waiting()
    asking.expire(payment, NOW + POLICY.expire_after, POLICY)
    no = Failure("card_declined", "No.")
    answered(payment, P.CANCELED, failure=no)

    assert payment.status is S.FAILED
    assert payment.failure is not None
    assert payment.failure.code == "expired"
