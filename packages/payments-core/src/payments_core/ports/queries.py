"""
Reading payments without changing or locking them.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

import attrs

from payments_core.domain.facts import ProviderPaymentStatus
from payments_core.domain.failure import Failure
from payments_core.domain.money import Money
from payments_core.domain.payment import Payment
from payments_core.domain.refund import Refund, RefundStatus
from payments_core.domain.requests import CaptureMethod
from payments_core.domain.status import PaymentStatus


@attrs.frozen(kw_only=True)
class PaymentView:
    """
    A payment as it is shown: one row, one moment.

    Attributes:
        client_secret: For the owner alone, and only while it is needed.
    """

    id: UUID
    order_id: UUID
    customer_id: str
    status: PaymentStatus
    amount: Money
    authorized: Money
    captured: Money
    refunded: Money
    capture_method: CaptureMethod
    provider: str
    provider_payment_id: str | None
    provider_status: ProviderPaymentStatus | None
    client_secret: str | None = attrs.field(repr=False)
    redirect_url: str | None = attrs.field(repr=False)
    failure: Failure | None
    unresolved_operations: int
    cancel_requested: bool
    version: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, payment: Payment) -> "PaymentView":
        """
        Return what is shown of a payment.
        """
        return cls(**{name: getattr(payment, name) for name in _SHOWN})


_SHOWN: Final = tuple(f.name for f in attrs.fields(PaymentView))


@attrs.frozen(kw_only=True)
class RefundView:
    """
    A refund as it is shown.
    """

    id: UUID
    payment_id: UUID
    amount: Money
    status: RefundStatus
    reason: str | None
    provider_refund_id: str | None
    failure: Failure | None
    created_at: datetime
    completed_at: datetime | None

    @classmethod
    def of(cls, payment: Payment, refund: Refund) -> "RefundView":
        """
        Return what is shown of a refund.
        """
        return cls(
            id=refund.id,
            payment_id=payment.id,
            amount=refund.amount,
            status=refund.status,
            reason=refund.reason,
            provider_refund_id=refund.provider_refund_id,
            failure=refund.failure,
            created_at=refund.created_at,
            completed_at=refund.completed_at,
        )


@attrs.frozen(kw_only=True)
class PaymentFilter:
    """
    Which payments to list; what is None does not restrict.

    Attributes:
        provider_payment_id: The provider's own id, which is unique at one: name the provider too.

        created_from: Inclusive. created_to: Exclusive.
    """

    status: PaymentStatus | None = None
    order_id: UUID | None = None
    customer_id: str | None = None
    provider: str | None = None
    provider_payment_id: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None


@attrs.frozen
class Cursor:
    """
    A place in the list: the last payment that was shown.
    """

    created_at: datetime
    payment_id: UUID


@attrs.frozen
class Page:
    """
    A part of the list, newest first.

    Attributes:
        next: Where the next page begins; None on the last one.
    """

    items: Sequence[PaymentView]
    next: Cursor | None


@attrs.frozen(kw_only=True)
class TimelineEntry:
    """
    Something that happened to a payment.

    Attributes:
        kind: ``operation``, ``refund``, ``webhook``, ``event`` or ``discrepancy``.

        name: What it was, in that kind's words (``create``, ``charge.refunded``, …).

        state: What became of it.

        details: What else is known, as text by name; no secret.
    """

    at: datetime
    kind: str
    name: str
    state: str
    id: str
    details: Mapping[str, str]


class IPaymentQueries(Protocol):
    """
    The read side. Each call is one short transaction; none locks or grows with the table.
    """

    @abstractmethod
    def get(self, payment_id: UUID) -> PaymentView | None:
        """
        Return one payment, or None; one statement.
        """

    @abstractmethod
    def list(self, wanted: PaymentFilter, limit: int, after: Cursor | None) -> Page:
        """
        Return up to `limit` payments, newest first, from the cursor on; one statement.
        """

    @abstractmethod
    def timeline(self, payment_id: UUID) -> Sequence[TimelineEntry]:
        """
        Return everything that happened to a payment, oldest first; empty if there is none.
        """

    @abstractmethod
    def ping(self) -> None:
        """
        Return if the database answers.

        Raises:
            StorageUnavailable: It does not.
        """
