"""
Looking at payments.
"""

from collections.abc import Sequence
from uuid import UUID

import attrs

from payments_core.domain.errors import PaymentNotFound
from payments_core.masking import mask
from payments_core.ports.queries import (
    Cursor,
    IPaymentQueries,
    Page,
    PaymentFilter,
    PaymentView,
    TimelineEntry,
)


@attrs.frozen
class GetPayment:
    """
    Shows one payment.
    """

    queries: IPaymentQueries

    def execute(self, payment_id: UUID) -> PaymentView:
        """
        Return the payment.

        Raises:
            PaymentNotFound: There is no such payment.
        """
        payment = self.queries.get(payment_id)
        if payment is None:
            raise PaymentNotFound(f"There is no payment {payment_id}")
        return payment


@attrs.frozen
class FindPayment:
    """
    Shows the payment that a provider knows by an id of its own.
    """

    queries: IPaymentQueries

    def execute(self, provider: str, provider_payment_id: str) -> PaymentView:
        """
        Return the payment.

        Raises:
            PaymentNotFound: There is no such payment.
        """
        wanted = PaymentFilter(provider=provider, provider_payment_id=provider_payment_id)
        found = self.queries.list(wanted, 1, None).items
        if not found:
            raise PaymentNotFound(f"There is no payment {mask(provider_payment_id)} of {provider}")
        return found[0]


@attrs.frozen
class ListPayments:
    """
    Shows payments, newest first, a page at a time.
    """

    queries: IPaymentQueries

    def execute(self, wanted: PaymentFilter, limit: int, after: Cursor | None = None) -> Page:
        """
        Return up to `limit` payments from the cursor on.
        """
        return self.queries.list(wanted, limit, after)


@attrs.frozen
class ShowTimeline:
    """
    Shows everything that happened to a payment.
    """

    queries: IPaymentQueries

    def execute(self, payment_id: UUID) -> Sequence[TimelineEntry]:
        """
        Return what happened, oldest first.

        Raises:
            PaymentNotFound: There is no such payment.
        """
        entries = self.queries.timeline(payment_id)
        if not entries:
            raise PaymentNotFound(f"There is no payment {payment_id}")
        return entries
