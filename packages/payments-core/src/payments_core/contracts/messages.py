"""
The messages that other services receive, one for each event.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

import attrs

from payments_core.contracts.bodies import (
    IPaymentDiscrepancyFound,
    IPaymentFailed,
    IPaymentSucceeded,
    IReconciliationCompleted,
    IRefundFailed,
    IRefundIssued,
)
from payments_core.contracts.converter import wire
from payments_core.domain.events import (
    Event,
    PaymentAuthorized,
    PaymentDiscrepancyFound,
    PaymentFailed,
    PaymentSucceeded,
    ReconciliationCompleted,
    RefundFailed,
    RefundIssued,
)


@attrs.frozen
class Message:
    """
    A message ready to be put into an envelope.

    Attributes:
        correlation_id: What it is about: the payment, if there is one.

        name: Its type's name without namespace, such as ``IPaymentSucceeded``.

        fields: What it says, by the names and in the forms that JSON has.
    """

    id: UUID
    correlation_id: UUID
    name: str
    fields: Mapping[str, Any]


def _paid(event: PaymentSucceeded | PaymentAuthorized) -> IPaymentSucceeded:
    return IPaymentSucceeded(
        payment_id=event.payment_id,
        order_id=event.order_id,
        amount=event.amount.text,
        currency=event.amount.currency,
        provider=event.provider,
        provider_payment_id=event.provider_payment_id,
        provider_reference=event.provider_payment_id,
        occurred_at=event.occurred_at,
        timestamp=event.occurred_at,
    )


def _failed(event: PaymentFailed) -> IPaymentFailed:
    return IPaymentFailed(
        payment_id=event.payment_id,
        order_id=event.order_id,
        provider=event.provider,
        provider_payment_id=event.provider_payment_id,
        error_code=event.failure.code,
        error_message=event.failure.message,
        reason=event.failure.message,
        occurred_at=event.occurred_at,
        timestamp=event.occurred_at,
    )


def _refund_issued(event: RefundIssued) -> IRefundIssued:
    return IRefundIssued(
        payment_id=event.payment_id,
        order_id=event.order_id,
        refund_id=event.refund_id,
        amount=event.amount.text,
        currency=event.amount.currency,
        provider_refund_id=event.provider_refund_id,
        occurred_at=event.occurred_at,
        timestamp=event.occurred_at,
    )


def _refund_failed(event: RefundFailed) -> IRefundFailed:
    return IRefundFailed(
        payment_id=event.payment_id,
        refund_id=event.refund_id,
        refund_request_id=event.request_id,
        amount=None if event.amount is None else event.amount.text,
        currency=None if event.amount is None else event.amount.currency,
        error_code=event.failure.code,
        reason=event.failure.message,
        occurred_at=event.occurred_at,
    )


def _discrepancy(event: PaymentDiscrepancyFound) -> IPaymentDiscrepancyFound:
    return IPaymentDiscrepancyFound(
        payment_id=event.payment_id,
        order_id=event.order_id,
        kind=event.kind,
        provider_object_id=event.provider_object_id,
        local_value=event.local_value,
        provider_value=event.provider_value,
        run_id=event.run_id,
        repaired=event.repaired,
        occurred_at=event.occurred_at,
    )


def _reconciled(event: ReconciliationCompleted) -> IReconciliationCompleted:
    return IReconciliationCompleted(
        run_id=event.id,
        provider=event.provider,
        status=event.status,
        window_start=event.window_start,
        window_end=event.window_end,
        checked=event.checked,
        found=event.found,
        new=event.new,
        repaired=event.repaired,
        occurred_at=event.occurred_at,
    )


_BODIES: Final[Mapping[type[Event], tuple[str, Callable[[Any], object]]]] = {
    PaymentSucceeded: ("IPaymentSucceeded", _paid),
    PaymentAuthorized: ("IPaymentAuthorized", _paid),
    PaymentFailed: ("IPaymentFailed", _failed),
    RefundIssued: ("IRefundIssued", _refund_issued),
    RefundFailed: ("IRefundFailed", _refund_failed),
    PaymentDiscrepancyFound: ("IPaymentDiscrepancyFound", _discrepancy),
    ReconciliationCompleted: ("IReconciliationCompleted", _reconciled),
}


MESSAGES: Final[Mapping[str, type[attrs.AttrsInstance]]] = {
    "IPaymentSucceeded": IPaymentSucceeded,
    "IPaymentAuthorized": IPaymentSucceeded,
    "IPaymentFailed": IPaymentFailed,
    "IRefundIssued": IRefundIssued,
    "IRefundFailed": IRefundFailed,
    "IPaymentDiscrepancyFound": IPaymentDiscrepancyFound,
    "IReconciliationCompleted": IReconciliationCompleted,
}
"""
What each message has, by its name.
"""


def message_of(event: Event) -> Message:
    """
    Return the message that tells an event; the same event gives the same message.
    """
    name, body = _BODIES[type(event)]
    return Message(event.id, event.subject, name, wire().unstructure(body(event)))
