"""
Reading the inbox of webhook events without changing or locking it.
"""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import attrs

from payments_core.ports.webhooks import WebhookEvent, WebhookStatus


@attrs.frozen(kw_only=True)
class WebhookFilter:
    """
    Which events to list; what is None does not restrict.

    Attributes:
        since: Received then or later. until: Received before.
    """

    status: WebhookStatus | None = None
    payment_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


@attrs.frozen
class WebhookCursor:
    """
    A place in the list: the last event that was shown.
    """

    received_at: datetime
    provider: str
    event_id: str

    @classmethod
    def of(cls, event: WebhookEvent) -> "WebhookCursor":
        """
        Return the place of an event.
        """
        return cls(event.received_at, event.provider, event.event_id)


@attrs.frozen
class WebhookPage:
    """
    A part of the list, newest first.

    Attributes:
        next: Where the next page begins; None on the last one.
    """

    items: Sequence[WebhookEvent]
    next: WebhookCursor | None = None


class IWebhookQueries(Protocol):
    """
    The read side of the inbox. Each call is one statement that does not grow with the table.
    """

    @abstractmethod
    def list(
        self, wanted: WebhookFilter, limit: int, after: WebhookCursor | None = None
    ) -> WebhookPage:
        """
        Return up to `limit` events, the last received first, from the cursor on.
        """

    @abstractmethod
    def find(self, provider: str, event_id: str) -> WebhookEvent | None:
        """
        Return one event, or None.
        """
