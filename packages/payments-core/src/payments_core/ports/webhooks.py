"""
The inbox of webhook events: stored first, processed after.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol
from uuid import UUID

import attrs

from payments_core.ports.provider import NoticeTopic, WebhookNotice


class WebhookStatus(StrEnum):
    """
    What became of a stored event.

    PARKED: about a payment of ours that is not there yet; it is tried again.
    IGNORED: not about a payment of ours. DEAD: given up, a person must look.
    """

    RECEIVED = "received"
    PROCESSED = "processed"
    PARKED = "parked"
    IGNORED = "ignored"
    DEAD = "dead"


OVER: Final = frozenset({WebhookStatus.PROCESSED, WebhookStatus.IGNORED})
"""
Nothing remains to be done about these.
"""


@attrs.frozen(kw_only=True)
class WebhookEvent:
    """
    A verified delivery as it is kept for audit.

    Attributes:
        event_id: The provider's id; with the provider's name it is unique.

        sha256: Of the raw bytes, in hex.

        headers: The few that are worth keeping.

        attempts: How often it was processed, also without result.

        next_at: When it is due to be processed (again); None once that is over.

        backfilled: It never arrived: it was found in the provider's own list.
    """

    provider: str
    event_id: str
    type: str
    topic: NoticeTopic
    provider_payment_id: str | None
    created_at: datetime
    received_at: datetime
    payload: str = attrs.field(repr=False)
    sha256: str
    headers: Mapping[str, str]
    status: WebhookStatus = WebhookStatus.RECEIVED
    payment_id: UUID | None = None
    attempts: int = 0
    next_at: datetime | None = None
    error: str | None = None
    backfilled: bool = False

    @classmethod
    def of(
        cls,
        provider: str,
        notice: WebhookNotice,
        *,
        received_at: datetime,
        next_at: datetime | None,
        sha256: str,
        headers: Mapping[str, str],
        status: WebhookStatus,
    ) -> "WebhookEvent":
        """
        Return the event that keeps a verified notice.
        """
        return cls(
            provider=provider,
            event_id=notice.id,
            type=notice.type,
            topic=notice.topic,
            provider_payment_id=notice.provider_payment_id,
            created_at=notice.created_at,
            received_at=received_at,
            payload=notice.payload,
            sha256=sha256,
            headers=headers,
            status=status,
            next_at=next_at,
        )


class IWebhookInbox(Protocol):
    """
    Keeps each event once, whatever its number of deliveries.
    """

    @abstractmethod
    def add(self, event: WebhookEvent) -> bool:
        """
        Keep an event; return False, and change nothing, if it is there already.
        """

    @abstractmethod
    def save(self, event: WebhookEvent) -> None:
        """
        Write what became of an event: status, payment, attempts, next_at and error.
        """

    @abstractmethod
    def claim(self, now: datetime, until: datetime, limit: int) -> Sequence[WebhookEvent]:
        """
        Return events that are due, oldest first, and keep others away from them.

        Each becomes due again at `until`, so that what a dead claimer held is not lost.
        Two claimers at once never get the same event.
        """
