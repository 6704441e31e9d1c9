"""
What may be asked of a payment: each function writes an operation to its log, or says no.
"""

from datetime import datetime

from payments_core.domain.errors import (
    AlreadyRefunded,
    CaptureExceedsAuthorized,
    InvalidState,
    OperationInProgress,
    RefundExceedsCaptured,
    RequestKeyReused,
)
from payments_core.domain.money import Money
from payments_core.domain.operation import Operation, OperationKind, OperationState
from payments_core.domain.payment import Payment
from payments_core.domain.policy import Policy
from payments_core.domain.refund import Refund
from payments_core.domain.requests import CancelReason, CaptureIntent, ConfirmIntent, CreateIntent
from payments_core.domain.status import AWAITING_CONFIRMATION, PaymentStatus


def confirm(
    payment: Payment,
    payment_method_id: str | None,
    return_url: str | None,
    now: datetime,
    policy: Policy,
    *,
    request_key: str | None = None,
) -> Operation | None:
    """
    Return the operation that confirms it, or None when there is nothing to do.

    Raises:
        InvalidState: It is closed, or is being cancelled.
    """
    if payment.closed or payment.ending:
        raise InvalidState(
            f"A payment that is {_words(payment)} cannot be confirmed; "
            "make a new payment for the order"
        )
    if payment.status not in AWAITING_CONFIRMATION or _awaits(payment, payment_method_id):
        return None
    request = ConfirmIntent(payment.object_id, payment_method_id, return_url or payment.return_url)
    return payment.begin(request, now, policy, request_key=request_key)


def capture(
    payment: Payment,
    amount: Money | None,
    now: datetime,
    policy: Policy,
    *,
    request_key: str | None = None,
) -> Operation | None:
    """
    Return the operation that captures it, or None when that is done or under way.

    Args:
        amount: None captures all that is authorised.

    Raises:
        InvalidState: It is not authorised, or is being cancelled.
        CaptureExceedsAuthorized: More than is authorised.
        OperationInProgress: A capture of another amount has no answer yet.
    """
    wanted = payment.authorized if amount is None else amount
    if payment.captured and not payment.closed and amount in {None, payment.captured}:
        return None
    if payment.status is not PaymentStatus.AUTHORIZED or payment.ending:
        raise InvalidState(f"A payment that is {_words(payment)} cannot be captured")
    if wanted.require_positive() > payment.authorized:
        raise CaptureExceedsAuthorized(f"Only {payment.authorized} is authorised")
    request = CaptureIntent(payment.object_id, wanted)
    under_way = payment.open_operation(OperationKind.CAPTURE)
    if under_way is None:
        return payment.begin(request, now, policy, request_key=request_key)
    if under_way.request != request:
        raise OperationInProgress("A capture of another amount has no answer yet")
    return None


def cancel(
    payment: Payment, now: datetime, policy: Policy, *, request_key: str | None = None
) -> Operation | None:
    """
    Ask for its end; return the operation that does it, or None when it must wait or is done.

    Raises:
        InvalidState: It has failed, or its money is taken: then refund it.
        OperationInProgress: A capture has no answer yet.
    """
    if payment.status is PaymentStatus.CANCELED:
        return None
    if payment.closed or payment.captured:
        raise InvalidState(f"A payment that is {_words(payment)} cannot be cancelled")
    if payment.open_operation(OperationKind.CAPTURE):
        raise OperationInProgress("A capture has no answer yet; ask again soon")
    payment.cancel_requested, payment.updated_at = True, now
    return payment.begin_cancel(CancelReason.REQUESTED, now, policy, request_key=request_key)


def expire(payment: Payment, now: datetime, policy: Policy) -> Operation | None:
    """
    Return the operation that ends a payment whose customer did not pay in time, if any.

    Only the cancellation at the provider ends it: money that arrives before that wins.
    """
    over = payment.expires_at is not None and now >= payment.expires_at
    if payment.status is not PaymentStatus.REQUIRES_ACTION or not over:
        return None
    payment.expires_at = now + policy.expire_again
    return payment.begin_cancel(CancelReason.EXPIRED, now, policy)


def refund(
    payment: Payment,
    amount: Money | None,
    reason: str | None,
    now: datetime,
    policy: Policy,
    *,
    request_key: str | None = None,
) -> tuple[Refund, Operation]:
    """
    Reserve an amount and return the refund with the operation that sends it.

    Args:
        amount: None refunds all that is left.

    Raises:
        InvalidState: Nothing was captured.
        AlreadyRefunded: Nothing is left.
        RefundExceedsCaptured: More than is left.
    """
    if payment.closed or not payment.captured:
        raise InvalidState(f"A payment that is {_words(payment)} cannot be refunded")
    if not payment.refundable:
        raise AlreadyRefunded("Nothing is left to refund")
    wanted = payment.refundable if amount is None else amount.require_positive()
    if wanted > payment.refundable:
        raise RefundExceedsCaptured(f"Only {payment.refundable} is left to refund")
    return payment.begin_refund(wanted, reason, now, policy, request_key=request_key)


def replayed(
    payment: Payment, kind: OperationKind, request_key: str | None, **asked: object
) -> Operation | None:
    """
    Return the operation that this idempotency key began before, if it did.

    Args:
        asked: What is asked now, by the names of the request; None asks for nothing special.

    Raises:
        RequestKeyReused: The key began another operation, or one of other content.
    """
    found = next(
        (o for o in payment.operations if request_key and o.request_key == request_key), None
    )
    if found and found.kind is not kind:
        raise RequestKeyReused(f"This Idempotency-Key was used for a {found.kind}")
    named = ((name, value) for name, value in asked.items() if value is not None)
    if found and any(getattr(found.request, name) != value for name, value in named):
        raise RequestKeyReused(f"This Idempotency-Key was used for another {found.kind}")
    return found


def _words(payment: Payment) -> str:
    return "being cancelled" if payment.ending and not payment.closed else payment.status


def _awaits(payment: Payment, payment_method_id: str | None) -> bool:
    last = payment.last_attempt
    if last.state is not OperationState.ACTION_REQUIRED:
        return last.open
    assert isinstance(last.request, CreateIntent | ConfirmIntent)
    return payment_method_id in {None, last.request.payment_method_id}
