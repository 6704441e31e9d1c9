"""
The messages that other services receive.

The fields are the union of what the neighbours' contracts ask for, so one value may stand
under two names (``providerPaymentId`` and ``providerReference``).
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import attrs

from payments_core.contracts.converter import to_json, wire
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


@attrs.frozen(kw_only=True)
class IPaymentSucceeded:
    """
    The amount was captured. `IPaymentAuthorized` has the same fields.
    """

    payment_id: UUID
    order_id: UUID
    amount: str
    currency: str
    provider: str
    provider_payment_id: str
    provider_reference: str
    occurred_at: datetime
    timestamp: datetime


@attrs.frozen(kw_only=True)
class IPaymentFailed:
    """
    The payment failed or was canceled, for good.
    """

    payment_id: UUID
    order_id: UUID
    provider: str
    provider_payment_id: str | None
    error_code: str
    error_message: str
    reason: str
    occurred_at: datetime
    timestamp: datetime


@attrs.frozen(kw_only=True)
class IRefundIssued:
    """
    A refund succeeded.
    """

    payment_id: UUID
    order_id: UUID
    refund_id: UUID
    amount: str
    currency: str
    provider_refund_id: str
    occurred_at: datetime
    timestamp: datetime


@attrs.frozen(kw_only=True)
class IRefundFailed:
    """
    A refund was refused, failed or was reversed.
    """

    payment_id: UUID
    refund_id: UUID | None
    refund_request_id: str | None
    amount: str | None
    currency: str | None
    error_code: str
    reason: str
    occurred_at: datetime


@attrs.frozen(kw_only=True)
class IPaymentDiscrepancyFound:
    """
    The provider and this service do not say the same.
    """

    payment_id: UUID | None
    order_id: UUID | None
    run_id: UUID | None
    kind: str
    provider_object_id: str
    local_value: str
    provider_value: str
    repaired: bool
    occurred_at: datetime


@attrs.frozen(kw_only=True)
class IReconciliationCompleted:
    """
    A comparison with the provider has ended.
    """

    run_id: UUID
    provider: str
    status: str
    window_start: datetime
    window_end: datetime
    checked: int
    found: int
    new: int
    repaired: int
    occurred_at: datetime


@attrs.frozen
class Message:
    """
    A message ready to be put into an envelope.

    Attributes:
        correlation_id: What it is about: the payment, if there is one.

        name: Its type's name without namespace, such as ``IPaymentSucceeded``.

        body: JSON text of its fields.
    """

    id: UUID
    correlation_id: UUID
    name: str
    body: str


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
    Return the message that tells an event; the same event gives the same bytes.
    """
    name, body = _BODIES[type(event)]
    return Message(event.id, event.subject, name, to_json(wire().unstructure(body(event))))
