"""
What may be asked of a payment, in each state.
"""

from collections.abc import Callable
from uuid import UUID

import pytest

from payments_core.domain import asking
from payments_core.domain.errors import (
    AlreadyRefunded,
    AmountNotPositive,
    CaptureExceedsAuthorized,
    CurrencyMismatch,
    InvalidState,
    OperationInProgress,
    PaymentsError,
    RefundExceedsCaptured,
    RequestKeyReused,
)
from payments_core.domain.facts import ProviderPaymentStatus
from payments_core.domain.money import Money
from payments_core.domain.operation import Operation, OperationKind, OperationState
from payments_core.domain.payment import Payment
from payments_core.domain.policy import Policy
from payments_core.domain.requests import (
    CancelIntent,
    CancelReason,
    CaptureIntent,
    CaptureMethod,
    ConfirmIntent,
    CreateIntent,
    RefundCapture,
)
from payments_core.domain.status import PaymentStatus
from payments_core.testing.builders import NOW, a_payment, answered, eur

P = ProviderPaymentStatus
POLICY = Policy()


def pending() -> Payment:
    """
    Return a payment whose creation has no answer yet.
    """
    return a_payment()


def processing() -> Payment:
    """
    Return a payment that the bank still works on.
    """
    return answered(a_payment(), P.PROCESSING)


def waiting() -> Payment:
    """
    Return a payment that the customer's browser must finish.
    """
    return answered(a_payment(payment_method_id=None), P.REQUIRES_PAYMENT_METHOD)


def authorized() -> Payment:
    """
    Return a payment of 10.00 that is reserved.
    """
    return answered(a_payment(capture_method=CaptureMethod.MANUAL), P.REQUIRES_CAPTURE)


def succeeded() -> Payment:
    """
    Return a payment of 10.00 that is captured.
    """
    return answered(a_payment())


def canceled() -> Payment:
    """
    Return a payment that was cancelled.
    """
    payment = waiting()
    asking.cancel(payment, NOW, POLICY)
    return answered(payment, P.CANCELED)


def failed() -> Payment:
    """
    Return a payment whose authorisation expired.
    """
    return answered(authorized(), P.CANCELED, expired=True)


def test_the_examples_are_what_they_say() -> None:
    """
    The payments that the tables below start from are in the states of their names.
    """
    made = (pending, processing, waiting, authorized, succeeded, canceled, failed)

    assert [make().status for make in made] == [
        PaymentStatus.PENDING,
        PaymentStatus.PENDING,
        PaymentStatus.REQUIRES_ACTION,
        PaymentStatus.AUTHORIZED,
        PaymentStatus.SUCCEEDED,
        PaymentStatus.CANCELED,
        PaymentStatus.FAILED,
    ]


# ---------------------------------------------------------------- open


def test_opening_writes_the_creation_first() -> None:
    """
    A new payment has one operation, with all that the provider needs, before any call.
    """
    payment = a_payment()
    (operation,) = payment.operations

    assert operation.request == CreateIntent(
        payment_id=payment.id,
        operation_id=operation.id,
        order_id=payment.order_id,
        amount=eur("10.00"),
        capture_method=CaptureMethod.AUTOMATIC,
        payment_method_id="fake_approved",
    )
    assert payment.unresolved_operations == 1


@pytest.mark.parametrize("amount", ["0", "-1"])
def test_nothing_is_no_payment(amount: str) -> None:
    """
    A payment is for more than nothing.
    """
    with pytest.raises(AmountNotPositive):
        a_payment(amount=eur(amount))


def test_what_a_payment_is_for_never_changes() -> None:
    """
    What a payment, its operation and its refund are, is fixed for ever.
    """
    payment = succeeded()
    refund, operation = payment.begin_refund(eur("1"), None, NOW, POLICY)
    fixed: tuple[tuple[object, str], ...] = (
        (payment, "id order_id customer_id amount provider capture_method"),
        (payment, "payment_method_id return_url created_at"),
        (operation, "id number request first_sent_at"),
        (refund, "id amount created_at"),
    )
    for what, names in fixed:
        for name in names.split():
            with pytest.raises(AttributeError):
                setattr(what, name, None)


# ---------------------------------------------------------------- confirm


def confirm(payment: Payment, method: str | None = "pm") -> Operation | None:
    """
    Ask for a confirmation.
    """
    return asking.confirm(payment, method, None, NOW, POLICY)


def test_confirm_begins_an_attempt() -> None:
    """
    A payment that waits for a payment method gets it.
    """
    payment = waiting()
    operation = confirm(payment)

    assert operation is payment.operations[-1]
    assert operation.request == ConfirmIntent(str(payment.provider_payment_id), "pm", None)


@pytest.mark.parametrize("make", [pending, processing, authorized, succeeded])
def test_confirm_of_what_is_confirmed_does_nothing(make: Callable[[], Payment]) -> None:
    """
    What is confirmed, or may be, is not confirmed again.
    """
    payment = make()

    assert confirm(payment) is None


def test_confirm_twice_is_one_attempt() -> None:
    """
    While the customer approves an attempt, the same one again does nothing; another may.
    """
    payment = waiting()
    confirm(payment)
    answered(payment, P.REQUIRES_ACTION)

    assert confirm(payment) is None
    assert confirm(payment, None) is None
    assert confirm(payment, "another") is not None


@pytest.mark.parametrize("make", [canceled, failed])
def test_confirm_of_a_closed_payment_is_refused(make: Callable[[], Payment]) -> None:
    """
    What is over stays over, and the caller is told what to do instead.
    """
    with pytest.raises(InvalidState, match="make a new payment for the order"):
        confirm(make())


def test_confirm_while_being_cancelled_is_refused() -> None:
    """
    Once somebody wants it cancelled, nobody is charged any more.
    """
    payment = waiting()
    asking.cancel(payment, NOW, POLICY)

    with pytest.raises(InvalidState):
        confirm(payment)


# ---------------------------------------------------------------- capture


def capture(
    payment: Payment, amount: Money | None = None, key: str | None = None
) -> Operation | None:
    """
    Ask for a capture.
    """
    return asking.capture(payment, amount, NOW, POLICY, request_key=key)


@pytest.mark.parametrize(("amount", "expected"), [(None, "10.00"), ("4.00", "4.00")])
def test_capture_takes_all_or_a_part(amount: str | None, expected: str) -> None:
    """
    Without an amount all that is authorised is taken.
    """
    payment = authorized()
    operation = capture(payment, eur(amount) if amount else None)

    assert operation is not None
    assert operation.request == CaptureIntent(str(payment.provider_payment_id), eur(expected))


@pytest.mark.parametrize(
    ("amount", "error"),
    [
        (eur("10.01"), CaptureExceedsAuthorized),
        (eur("0.00"), AmountNotPositive),
        (Money.parse("4.00", "USD"), CurrencyMismatch),
    ],
)
def test_capture_refuses_other_amounts(amount: Money, error: type[PaymentsError]) -> None:
    """
    No more than is authorised, more than nothing, and in the payment's currency.
    """
    with pytest.raises(error):
        capture(authorized(), amount)


@pytest.mark.parametrize("make", [pending, processing, waiting, canceled, failed])
def test_capture_needs_an_authorization(make: Callable[[], Payment]) -> None:
    """
    Only what is reserved can be taken.
    """
    with pytest.raises(InvalidState):
        capture(make())


def test_capture_again_does_nothing() -> None:
    """
    The same capture again is done or under way; another amount has to wait or is refused.
    """
    payment = authorized()
    first = capture(payment, eur("4.00"))

    assert first is not None
    assert capture(payment, eur("4.00")) is None
    with pytest.raises(OperationInProgress):
        capture(payment, eur("5.00"))

    answered(payment, P.SUCCEEDED, captured=eur("4.00"))

    assert capture(payment, eur("4.00")) is None
    assert capture(payment) is None
    with pytest.raises(InvalidState):
        capture(payment, eur("5.00"))


# ---------------------------------------------------------------- cancel


@pytest.mark.parametrize("make", [processing, waiting, authorized])
def test_cancel_begins_at_the_provider(make: Callable[[], Payment]) -> None:
    """
    Only the provider's object can be cancelled; the payment follows it.
    """
    payment = make()
    before = payment.status
    operation = asking.cancel(payment, NOW, POLICY)

    assert operation is not None
    assert operation.request == CancelIntent(
        str(payment.provider_payment_id), CancelReason.REQUESTED
    )
    assert payment.status is before


def test_cancel_waits_for_an_unanswered_attempt() -> None:
    """
    While nobody knows what the provider did, the wish is kept and nothing is sent.
    """
    payment = pending()

    assert asking.cancel(payment, NOW, POLICY) is None
    assert payment.cancel_requested


def test_cancel_twice_is_once() -> None:
    """
    A cancellation that is done or under way is not begun again.
    """
    payment = waiting()
    asking.cancel(payment, NOW, POLICY)

    assert asking.cancel(payment, NOW, POLICY) is None
    assert asking.cancel(canceled(), NOW, POLICY) is None


@pytest.mark.parametrize("make", [succeeded, failed])
def test_cancel_of_taken_money_is_refused(make: Callable[[], Payment]) -> None:
    """
    Taken money is refunded; a failed payment is over.
    """
    with pytest.raises(InvalidState):
        asking.cancel(make(), NOW, POLICY)


def test_cancel_waits_for_a_capture() -> None:
    """
    A capture without an answer decides first.
    """
    payment = authorized()
    capture(payment)

    with pytest.raises(OperationInProgress):
        asking.cancel(payment, NOW, POLICY)


# ---------------------------------------------------------------- refund


def refund(payment: Payment, amount: str | None = None, key: str | None = None) -> Operation:
    """
    Ask for a refund and return its operation.
    """
    money = eur(amount) if amount else None
    return asking.refund(payment, money, "broken", NOW, POLICY, request_key=key)[1]


def test_refund_reserves_before_it_is_sent() -> None:
    """
    The amount is set aside at once, so that no second refund can promise it.
    """
    payment = succeeded()
    operation = refund(payment, "4.00")
    (made,) = payment.refunds

    assert payment.reserved == eur("4.00")
    assert payment.refundable == eur("6.00")
    assert operation.request == RefundCapture(
        payment_id=payment.id,
        operation_id=operation.id,
        refund_id=made.id,
        provider_payment_id=str(payment.provider_payment_id),
        amount=eur("4.00"),
        reason="broken",
    )


def test_refund_without_amount_takes_what_is_left() -> None:
    """
    What is reserved by others is not left.
    """
    payment = succeeded()
    refund(payment, "4.00")
    refund(payment)

    assert [r.amount for r in payment.refunds] == [eur("4.00"), eur("6.00")]
    assert not payment.refundable


def test_refund_never_exceeds_what_was_captured() -> None:
    """
    One cent too much is too much, also after others.
    """
    payment = succeeded()
    refund(payment, "4.00")

    with pytest.raises(RefundExceedsCaptured):
        refund(payment, "6.01")
    refund(payment, "6.00")
    with pytest.raises(AlreadyRefunded):
        refund(payment, "0.01")


@pytest.mark.parametrize("make", [pending, processing, waiting, authorized, canceled, failed])
def test_refund_needs_captured_money(make: Callable[[], Payment]) -> None:
    """
    What was not taken cannot go back.
    """
    with pytest.raises(InvalidState):
        refund(make())


def test_a_request_key_finds_its_operation() -> None:
    """
    The caller's key leads to the operation that it began, and to no other kind.
    """
    payment = succeeded()
    operation = refund(payment, "4.00", key="k1")

    assert asking.replayed(payment, OperationKind.REFUND, "k1") is operation
    assert asking.replayed(payment, OperationKind.REFUND, "k2") is None
    assert asking.replayed(payment, OperationKind.REFUND, None) is None
    with pytest.raises(RequestKeyReused):
        asking.replayed(payment, OperationKind.CAPTURE, "k1")


def test_ids_of_parts_never_repeat() -> None:
    """
    Every operation and refund of a payment has its own id, the same in every replay.
    """
    payment = succeeded()
    for _ in range(3):
        refund(payment, "1.00")
    ids: list[UUID] = [o.id for o in payment.operations] + [r.id for r in payment.refunds]

    assert len(set(ids)) == len(ids)
    assert all(o.state is OperationState.SENT for o in payment.operations[1:])
