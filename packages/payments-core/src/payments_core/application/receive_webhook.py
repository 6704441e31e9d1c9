"""
Taking in a webhook: verified, stored, then processed.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import attrs

from payments_core.application.audit import about_webhook
from payments_core.application.operations import Operations
from payments_core.application.process_webhooks import ProcessWebhooks
from payments_core.domain.actor import Actor
from payments_core.ports.faults import faultpoint
from payments_core.ports.provider import NoticeTopic, WebhookNotice
from payments_core.ports.webhooks import WebhookEvent, WebhookStatus

BACKFILL: Final = "webhook.backfill"

KEPT_HEADERS: Final = frozenset({"content-type", "user-agent", "x-request-id"})
"""
Headers worth keeping; the signature is none of them.
"""


@attrs.frozen(kw_only=True)
class ReceiveWebhookCommand:
    """
    A delivery as it came.

    Attributes:
        payload: The raw bytes.

        headers: By lower-case name.
    """

    provider: str
    payload: bytes = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(repr=False)


@attrs.frozen
class ReceivedWebhook:
    """
    What became of a delivery.

    Attributes:
        duplicate: The event was stored before; this delivery changes nothing.
    """

    event_id: str
    status: WebhookStatus
    duplicate: bool


@attrs.frozen
class ReceiveWebhook:
    """
    Stores what the provider tells before anything is done about it.
    """

    operations: Operations
    process: ProcessWebhooks
    grace: timedelta = timedelta(seconds=30)

    def execute(self, command: ReceiveWebhookCommand) -> ReceivedWebhook:
        """
        Verify, store and process a delivery.

        Once it is stored it is safe: if processing fails now, the worker does it later.

        Raises:
            UnknownProvider: No such provider is configured.
            WebhookInvalid: The provider did not sign it for us; nothing is stored.
            StorageUnavailable: It could not be stored; the provider must send it again.
        """
        faultpoint("webhook.read")
        provider = self.operations.provider(command.provider)
        notice = provider.parse_webhook(command.payload, command.headers)
        faultpoint("webhook.verified")
        return self._take(self._event(provider.name, notice, command.payload))

    def backfill(
        self, provider: str, notice: WebhookNotice, actor: Actor | None = None
    ) -> ReceivedWebhook:
        """
        Store and process an event of the provider's own list that never arrived.

        Args:
            actor: Who looked for it; None if the service did by itself.

        Raises:
            StorageUnavailable: It could not be stored.
        """
        return self._take(self._event(provider, notice), actor)

    def _take(self, event: WebhookEvent, actor: Actor | None = None) -> ReceivedWebhook:
        with self.operations.unit_of_work() as uow:
            fresh = uow.webhooks.add(event)
            if fresh and actor:
                uow.audit.add(about_webhook(event, BACKFILL, actor, event.received_at))
            faultpoint("webhook.store.precommit")
            uow.commit()
        faultpoint("webhook.store.commit")
        if fresh and event.status is WebhookStatus.RECEIVED:
            event = self.process.one(event)
        faultpoint("webhook.reply")
        return ReceivedWebhook(event.event_id, event.status, duplicate=not fresh)

    def _event(
        self, provider: str, notice: WebhookNotice, delivered: bytes | None = None
    ) -> WebhookEvent:
        now = self.operations.clock.now()
        return event_of(provider, notice, now, now + self.grace, delivered)


def event_of(
    provider: str,
    notice: WebhookNotice,
    now: datetime,
    due: datetime,
    delivered: bytes | None = None,
) -> WebhookEvent:
    """
    Return the event that keeps a notice.

    Args:
        due: When the worker processes it, if nobody has by then.

        delivered: The raw bytes of a delivery; None for an event of the provider's own list.
    """
    ours = notice.topic is not NoticeTopic.OTHER and notice.provider_payment_id is not None
    raw = notice.payload.encode() if delivered is None else delivered
    event = WebhookEvent.of(
        provider,
        notice,
        received_at=now,
        next_at=due if ours else None,
        sha256=hashlib.sha256(raw).hexdigest(),
        headers={k: v for k, v in notice.headers.items() if k in KEPT_HEADERS},
        status=WebhookStatus.RECEIVED if ours else WebhookStatus.IGNORED,
    )
    return attrs.evolve(event, backfilled=delivered is None)
