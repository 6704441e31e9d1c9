"""
How a provider's refund objects change a payment.
"""

from datetime import datetime
from uuid import UUID

from payments_core.domain.comparison import matching
from payments_core.domain.discrepancy import DiscrepancyKind
from payments_core.domain.events import RefundFailed, RefundIssued
from payments_core.domain.facts import ProviderRefund, ProviderRefundStatus
from payments_core.domain.failure import Failure
from payments_core.domain.ids import child_id
from payments_core.domain.operation import OperationState
from payments_core.domain.payment import Payment
from payments_core.domain.progress import advance, report, tell
from payments_core.domain.refund import STATUS_OF, Refund, RefundStatus
from payments_core.domain.requests import RefundCapture


def settle_refund(payment: Payment, fact: ProviderRefund, now: datetime) -> None:
    """
    Take over what the provider says of a refund, also of one that was made elsewhere.
    """
    if fact.releases_only:
        return
    refund = matching(payment.refunds, fact)
    if not _is_possible(payment, refund, fact, now):
        return
    refund = refund or _made_elsewhere(payment, fact)
    refund.provider_refund_id = fact.id
    _resolve_operation(payment, refund, now)
    if refund.move(STATUS_OF[fact.status], now, fact.failure):
        _tell(payment, refund, now)
        advance(payment, now)


def refuse_refund(payment: Payment, refund_id: UUID, failure: Failure, now: datetime) -> None:
    """
    Fail a refund that the provider refused, and release what it reserved.
    """
    refund = next(r for r in payment.refunds if r.id == refund_id)
    if refund.move(RefundStatus.FAILED, now, failure):
        _tell(payment, refund, now)


def _is_possible(
    payment: Payment, refund: Refund | None, fact: ProviderRefund, now: datetime
) -> bool:
    """
    Return whether the refund is for our amount, or for what can be returned at most.
    """
    captured = payment.captured
    kind, ours = DiscrepancyKind.AMOUNT_MISMATCH, captured
    if fact.amount.currency != captured.currency:
        kind = DiscrepancyKind.CURRENCY_MISMATCH
    elif refund and fact.amount != refund.amount:
        ours = refund.amount
    elif not _takes_money(fact) or _returned(payment, refund) + fact.amount.minor_units <= (
        captured.minor_units
    ):
        return True
    report(payment, kind, now, object_id=fact.id, ours=ours, theirs=fact.amount)
    return False


def _takes_money(fact: ProviderRefund) -> bool:
    return fact.status in {ProviderRefundStatus.PENDING, ProviderRefundStatus.SUCCEEDED}


def _returned(payment: Payment, besides: Refund | None) -> int:
    others = (r for r in payment.refunds if r is not besides)
    return sum(r.amount.minor_units for r in others if r.status is RefundStatus.SUCCEEDED)


def _made_elsewhere(payment: Payment, fact: ProviderRefund) -> Refund:
    refund = Refund(
        id=child_id(payment.id, "provider-refund", fact.id),
        amount=fact.amount,
        created_at=fact.created_at,
    )
    payment.refunds.append(refund)
    return refund


def _resolve_operation(payment: Payment, refund: Refund, now: datetime) -> None:
    for operation in payment.operations:
        request = operation.request
        if isinstance(request, RefundCapture) and request.refund_id == refund.id and operation.open:
            operation.resolve(OperationState.SUCCEEDED, now)


def _tell(payment: Payment, refund: Refund, now: datetime) -> None:
    if payment.closed:
        # The payment is over for everyone; its late money is told as a discrepancy alone.
        if refund.compensates and refund.status is not RefundStatus.SUCCEEDED:
            _report_kept_money(payment, refund, now)
        return
    if refund.status is RefundStatus.SUCCEEDED:
        provider_refund_id = refund.provider_refund_id
        tell(
            payment,
            RefundIssued,
            refund.id,
            now,
            refund_id=refund.id,
            amount=refund.amount,
            provider_refund_id=provider_refund_id,
        )
    else:
        failure = refund.failure or Failure(
            "refund_failed", "The refund did not reach the customer."
        )
        tell(
            payment,
            RefundFailed,
            refund.id,
            now,
            refund_id=refund.id,
            amount=refund.amount,
            failure=failure,
        )


def _report_kept_money(payment: Payment, refund: Refund, now: datetime) -> None:
    """
    Note that late money did not go back: it is sent once, and then a person decides.
    """
    why = refund.failure.code if refund.failure else "refund_failed"
    theirs = f"captured {payment.captured}, {refund.amount} not returned: {why}"
    kind, object_id = DiscrepancyKind.LATE_SUCCESS, payment.object_id
    report(payment, kind, now, object_id=object_id, ours=payment.status, theirs=theirs)
