"""
What a provider says about its own objects, in this service's words.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import attrs

from payments_core.domain.failure import Failure
from payments_core.domain.money import Money


class ProviderPaymentStatus(StrEnum):
    """
    Where a provider's payment object stands; an adapter maps what it does not know to PROCESSING.
    """

    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_CONFIRMATION = "requires_confirmation"
    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    REQUIRES_CAPTURE = "requires_capture"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"


class ProviderRefundStatus(StrEnum):
    """
    Where a provider's refund object stands.
    """

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


@attrs.frozen
class ProviderPayment:
    """
    A provider's payment object at one moment.

    Attributes:
        amount: What the object is for. Checked against ours before anything else is believed.

        authorized: Reserved on the customer's account at most, captured or not; zero before.

        captured: Taken so far; refunds do not lower it.

        client_secret: Lets the customer's browser finish the payment. Secret.

        redirect_url: Where the customer must go to approve, while that is needed.

        failure: Why the last attempt failed, if it did.

        expired: The provider itself cancelled an authorisation that ran out.

        payment_id: Our payment's id, from the metadata that we set; None for objects not ours.

        operation_id: Likewise, the operation that created the object.
    """

    id: str
    status: ProviderPaymentStatus
    amount: Money
    authorized: Money
    captured: Money
    created_at: datetime
    client_secret: str | None = attrs.field(default=None, repr=False)
    redirect_url: str | None = attrs.field(default=None, repr=False)
    failure: Failure | None = None
    expired: bool = False
    payment_id: UUID | None = None
    operation_id: UUID | None = None


@attrs.frozen
class ProviderRefund:
    """
    A provider's refund object at one moment.

    Attributes:
        releases_only: It moved no money: it only released what was never captured.

        refund_id: Our refund's id, from the metadata that we set; None for refunds not ours.
    """

    id: str
    provider_payment_id: str
    status: ProviderRefundStatus
    amount: Money
    created_at: datetime
    failure: Failure | None = None
    releases_only: bool = False
    refund_id: UUID | None = None


@attrs.frozen
class ProviderDispute:
    """
    A customer's claim against a charge, as the provider shows it.

    Attributes:
        amount: What is claimed back.

        reason: The provider's word for it.
    """

    id: str
    provider_payment_id: str
    amount: Money
    reason: str
    status: str
    created_at: datetime
