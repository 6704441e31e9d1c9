"""
Reading the inbox of webhook events.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, Engine, bindparam, select
from typing_extensions import override

from payments_core.ports.webhook_queries import (
    IWebhookQueries,
    WebhookCursor,
    WebhookFilter,
    WebhookPage,
)
from payments_core.ports.webhooks import WebhookEvent
from payments_postgres.dialects import reading
from payments_postgres.paging import below, page
from payments_postgres.statements import Fixed
from payments_postgres.tables import webhook_events
from payments_postgres.transaction import Transaction
from payments_postgres.webhooks import to_event

_c: Final = webhook_events.c
_PLACE: Final = (_c.received_at, _c.provider, _c.event_id)
_NEWEST_FIRST: Final = select(webhook_events).order_by(*(column.desc() for column in _PLACE))
_BY_KEY: Final = Fixed(
    select(webhook_events).where(
        _c.provider == bindparam("provider"), _c.event_id == bindparam("event_id")
    )
)


class SqlAlchemyWebhookQueries(IWebhookQueries):
    """
    Each call is one statement that only reads.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = reading(engine)

    @override
    def list(
        self, wanted: WebhookFilter, limit: int, after: WebhookCursor | None = None
    ) -> WebhookPage:
        statement = _NEWEST_FIRST.where(*_conditions(wanted, after)).limit(limit + 1)
        with Transaction(self._engine) as transaction:
            found = [to_event(row) for row in transaction.rows(statement)]
        shown, last = page(found, limit)
        return WebhookPage(shown, WebhookCursor.of(last) if last else None)

    @override
    def find(self, provider: str, event_id: str) -> WebhookEvent | None:
        with Transaction(self._engine) as transaction:
            row = transaction.row(_BY_KEY, {"provider": provider, "event_id": event_id})
        return None if row is None else to_event(row)


def _conditions(
    wanted: WebhookFilter, after: WebhookCursor | None
) -> Sequence[ColumnElement[bool]]:
    equal = {name: getattr(wanted, name) for name in ("status", "payment_id")}
    found = [_c[name] == value for name, value in equal.items() if value is not None]
    if wanted.since:
        found.append(_c.received_at >= wanted.since)
    if wanted.until:
        found.append(_c.received_at < wanted.until)
    if after:
        found.append(below(_PLACE, after.received_at, after.provider, after.event_id))
    return found
