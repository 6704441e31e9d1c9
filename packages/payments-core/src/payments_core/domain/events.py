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
    Something that happened, to a payment or to none.

    Attributes:
        id: The message id; it never changes, however often the event is sent.

        order_id: The order whose other events it must not overtake; None if it has no order.
    """

    id: UUID
    payment_id: UUID | None = None
    order_id: UUID | None = None
    occurred_at: datetime

    @property
    def subject(self) -> UUID:
        """
        What it is about: a payment, or else what it is the only event of.
        """
        return self.payment_id or self.id


@attrs.frozen(kw_only=True)
class PaymentEvent(Event):
    """
    Something that happened to a payment.
    """

    payment_id: UUID
    order_id: UUID


@attrs.frozen(kw_only=True)
class PaymentAuthorized(PaymentEvent):
    """
    The amount is reserved and can be captured.
    """

    amount: Money
    provider: str
    provider_payment_id: str


@attrs.frozen(kw_only=True)
class PaymentSucceeded(PaymentEvent):
    """
    The amount was captured.
    """

    amount: Money
    provider: str
    provider_payment_id: str


@attrs.frozen(kw_only=True)
class PaymentFailed(PaymentEvent):
    """
    The payment is Failed or Canceled, for good and with proof.
    """

    provider: str
    provider_payment_id: str | None
    failure: Failure


@attrs.frozen(kw_only=True)
class RefundIssued(PaymentEvent):
    """
    The amount is on its way back to the customer.
    """

    refund_id: UUID
    amount: Money
    provider_refund_id: str


@attrs.frozen(kw_only=True)
class RefundFailed(PaymentEvent):
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

    Attributes:
        run_id: The reconciliation that found it, if one did.

        repaired: Whether it was gone, or its end had begun, when it was told.
    """

    kind: str
    provider_object_id: str
    local_value: str
    provider_value: str
    run_id: UUID | None = None
    repaired: bool = False


@attrs.frozen(kw_only=True)
class ReconciliationCompleted(Event):
    """
    A comparison with the provider has ended; its id is the run's.

    Attributes:
        status: ``completed``, ``partial`` or ``failed``.

        window_start: Of the time that was compared; window_end: its end, not in it.

        checked: How many things were compared. found: How many differences there are;
            new: of these, so many were not known; repaired: so many are gone now.
    """

    provider: str
    status: str
    window_start: datetime
    window_end: datetime
    checked: int
    found: int
    new: int
    repaired: int
