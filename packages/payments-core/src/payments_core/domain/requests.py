"""
What may be asked of a provider: stored before it is sent, and re-sent unchanged.
"""

from enum import StrEnum
from uuid import UUID

import attrs

from payments_core.domain.money import Money


class CaptureMethod(StrEnum):
    """
    Whether confirming takes the money at once or only reserves it.
    """

    AUTOMATIC = "automatic"
    MANUAL = "manual"


class CancelReason(StrEnum):
    """
    Why a payment's object is cancelled at the provider.

    Only REQUESTED ends in Canceled; after the others the payment is Failed or stays as it is.
    """

    REQUESTED = "requested"
    DECLINED = "declined"
    EXPIRED = "expired"
    LATE = "late"


@attrs.frozen
class CreateIntent:
    """
    Create a payment object; with a payment method, confirm it in the same call.
    """

    payment_id: UUID
    operation_id: UUID
    order_id: UUID
    amount: Money
    capture_method: CaptureMethod
    payment_method_id: str | None = None
    return_url: str | None = None


@attrs.frozen
class ConfirmIntent:
    """
    Confirm a payment object, with another payment method where one is given.
    """

    provider_payment_id: str
    payment_method_id: str | None = None
    return_url: str | None = None


@attrs.frozen
class CaptureIntent:
    """
    Take all or part of what is authorised; the rest is released.
    """

    provider_payment_id: str
    amount: Money


@attrs.frozen
class CancelIntent:
    """
    Cancel a payment object that has taken no money.
    """

    provider_payment_id: str
    reason: CancelReason


@attrs.frozen
class RefundCapture:
    """
    Return all or part of what was captured.
    """

    payment_id: UUID
    operation_id: UUID
    refund_id: UUID
    provider_payment_id: str
    amount: Money
    reason: str | None = None


ProviderRequest = CreateIntent | ConfirmIntent | CaptureIntent | CancelIntent | RefundCapture
