"""
Payments with everything that is stored about them, for those who check what is stored.
"""

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import attrs

from payments_core.domain.discrepancy import Discrepancy
from payments_core.domain.payment import Payment
from payments_core.ports.outbox import OutboxMessage
from payments_core.ports.queries import Cursor
from payments_core.ports.retention import Horizons
from payments_core.ports.webhooks import WebhookEvent


@attrs.frozen
class OrderSequence:
    """
    How the messages of an order are numbered.

    Attributes:
        handed_out: The last number that its row gave away.

        count: How many messages there are, from `first` to `last`; 0 and 0 without any.

        began_at: When the first payment of the order was made.
    """

    order_id: UUID
    handed_out: int
    count: int
    first: int
    last: int
    began_at: datetime


@attrs.frozen(kw_only=True)
class PaymentRecord:
    """
    A payment as it is stored, all of one moment.

    Attributes:
        messages: What was written to be told about it, by sequence.

        order: None if the order has no row.
    """

    payment: Payment
    messages: Sequence[OutboxMessage]
    discrepancies: Sequence[Discrepancy]
    order: OrderSequence | None


@attrs.frozen
class WebhookPlace:
    """
    The last webhook event that was read.
    """

    provider: str
    event_id: str


class IRecordQueries(Protocol):
    """
    Reads the whole store in pages; nothing is locked, and each page is one moment.
    """

    @abstractmethod
    def count(self, since: datetime | None) -> int:
        """
        Return how many payments were made since then.
        """

    @abstractmethod
    def payments(
        self, since: datetime | None, after: Cursor | None, limit: int
    ) -> Sequence[PaymentRecord]:
        """
        Return a page of payments made since then, oldest first, from the cursor on.
        """

    @abstractmethod
    def by_ids(self, ids: Collection[UUID]) -> Sequence[PaymentRecord]:
        """
        Return those of these payments that there are.
        """

    @abstractmethod
    def by_objects(self, provider: str, ids: Collection[str]) -> Sequence[PaymentRecord]:
        """
        Return the payments that have these objects at a provider.
        """

    @abstractmethod
    def kept(self, provider: str, since: datetime | None, before: datetime) -> Mapping[str, int]:
        """
        Return captured less refunded in minor units by currency.

        Of payments made since then, with no unresolved operation, that did not change since
        `before`.
        """

    @abstractmethod
    def horizons(self) -> Horizons:
        """
        Return from which moments on retention has removed nothing.
        """

    @abstractmethod
    def webhooks(
        self, since: datetime | None, after: WebhookPlace | None, limit: int
    ) -> Sequence[WebhookEvent]:
        """
        Return a page of webhook events received since then, in a fixed order.
        """
