"""
Reading the inbox of webhook events in memory.
"""

from datetime import datetime

from typing_extensions import override

from payments_core.ports.webhook_queries import (
    IWebhookQueries,
    WebhookCursor,
    WebhookFilter,
    WebhookPage,
)
from payments_core.ports.webhooks import WebhookEvent
from payments_core.testing.memory import InMemoryDatabase


class InMemoryWebhookQueries(IWebhookQueries):
    """
    Looks at what is committed to an `InMemoryDatabase`.
    """

    def __init__(self, database: InMemoryDatabase) -> None:
        self._database = database

    @override
    def list(
        self, wanted: WebhookFilter, limit: int, after: WebhookCursor | None = None
    ) -> WebhookPage:
        before = _place(after) if after else None
        every = self._database.tables.webhooks.values()
        found = sorted((e for e in every if _matches(e, wanted)), key=_place, reverse=True)
        found = [e for e in found if before is None or _place(e) < before]
        shown = found[:limit]
        more = len(found) > len(shown)
        return WebhookPage(shown, WebhookCursor.of(shown[-1]) if more else None)

    @override
    def find(self, provider: str, event_id: str) -> WebhookEvent | None:
        return self._database.tables.webhooks.get((provider, event_id))


def _place(event: WebhookEvent | WebhookCursor) -> tuple[datetime, str, str]:
    return event.received_at, event.provider, event.event_id


def _matches(event: WebhookEvent, wanted: WebhookFilter) -> bool:
    asked = ("status", "payment_id")
    return (
        all(getattr(wanted, name) in {None, getattr(event, name)} for name in asked)
        and (wanted.since is None or event.received_at >= wanted.since)
        and (wanted.until is None or event.received_at < wanted.until)
    )
