"""
What the other services are told, once each, in the past tense.
"""

from datetime import datetime
from uuid import UUID

import attrs

from payments_core.domain.failure import Failure
from payments_core.domain.money import Money


@attrs.frozen(kw_only=True)
class Event:
    """
    Something that happened to a payment.

    Attributes:
        id: The message id; it never changes, however often the event is sent.
    """

    id: UUID
    payment_id: UUID
    order_id: UUID
    occurred_at: datetime


@attrs.frozen(kw_only=True)
class PaymentAuthorized(Event):
    """
    The amount is reserved and can be captured.
    """

    amount: Money
    provider: str
    provider_payment_id: str


@attrs.frozen(kw_only=True)
class PaymentSucceeded(Event):
    """
    The amount was captured.
    """

    amount: Money
    provider: str
    provider_payment_id: str


@attrs.frozen(kw_only=True)
class PaymentFailed(Event):
    """
    The payment is Failed or Canceled, for good and with proof.
    """

    provider: str
    provider_payment_id: str | None
    failure: Failure


@attrs.frozen(kw_only=True)
class RefundIssued(Event):
    """
    The amount is on its way back to the customer.
    """

    refund_id: UUID
    amount: Money
    provider_refund_id: str


@attrs.frozen(kw_only=True)
class RefundFailed(Event):
    """
    A refund was refused, failed, or was reversed by the bank.

    Attributes:
        refund_id: None when it was refused before it existed.

        request_id: What the asking service calls it, if it asked by a message.

        amount: None when all that was left was asked for, and nothing was.
    """

    refund_id: UUID | None = None
    request_id: str | None = None
    amount: Money | None = None
    failure: Failure


@attrs.frozen(kw_only=True)
class PaymentDiscrepancyFound(Event):
    """
    The provider and this service do not say the same.
    """

    kind: str
    provider_object_id: str
    local_value: str
    provider_value: str
