"""
What must be asked of the provider because of what it said.
"""

from datetime import datetime

from payments_core.domain.facts import ProviderPaymentStatus
from payments_core.domain.operation import Operation, OperationKind, OperationState
from payments_core.domain.payment import Payment
from payments_core.domain.policy import Policy
from payments_core.domain.requests import CancelReason

_OVER = frozenset({None, ProviderPaymentStatus.CANCELED, ProviderPaymentStatus.SUCCEEDED})


def follow_ups(payment: Payment, now: datetime, policy: Policy) -> list[Operation]:
    """
    Begin what follows from the payment's facts; at most one operation, usually none.
    """
    operation = _cancel(payment, now, policy) or _compensate(payment, now, policy)
    return [operation] if operation else []


def _cancel(payment: Payment, now: datetime, policy: Policy) -> Operation | None:
    reason = _reason_to_cancel(payment)
    if reason is None or _just_refused(payment):
        return None
    return payment.begin_cancel(reason, now, policy)


def _just_refused(payment: Payment) -> bool:
    """
    Return whether a cancellation was refused and nothing has happened to the object since.

    Asked again it would only be refused again.
    """
    last = payment.operations[-1]
    refused = last.kind is OperationKind.CANCEL and last.state is OperationState.DECLINED
    return refused and last.provider_status in {None, payment.provider_status}


def _reason_to_cancel(payment: Payment) -> CancelReason | None:
    if payment.provider_status in _OVER or payment.open_operation(OperationKind.CANCEL):
        return None
    if payment.closed:
        return CancelReason.LATE
    if payment.cancel_requested and not payment.open_operation(OperationKind.CAPTURE):
        return CancelReason.REQUESTED
    return CancelReason.DECLINED if payment.declined else None


def _compensate(payment: Payment, now: datetime, policy: Policy) -> Operation | None:
    if not _owes(payment, policy):
        return None
    reason = "late payment"
    return payment.begin_refund(payment.refundable, reason, now, policy, compensates=True)[1]


def _owes(payment: Payment, policy: Policy) -> bool:
    once = not any(r.compensates for r in payment.refunds)
    return payment.closed and bool(payment.refundable) and once and policy.refund_late_money
