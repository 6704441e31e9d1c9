"""
The inbox of webhook events, kept in a table.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import attrs
from sqlalchemy import bindparam, select, tuple_, update
from typing_extensions import override

from payments_core.contracts.converter import to_json
from payments_core.ports.provider import NoticeTopic
from payments_core.ports.webhooks import IWebhookInbox, WebhookEvent, WebhookStatus
from payments_postgres.dialects import insert_unless_taken
from payments_postgres.statements import Fixed, Record, Values
from payments_postgres.tables import WAITING, webhook_events
from payments_postgres.transaction import Transaction

_c: Final = webhook_events.c
_OUTCOME: Final = ("status", "payment_id", "attempts", "next_at", "error")

# The moment never changes; with it PostgreSQL knows the month in which to look.
_SAVE: Final = Fixed(
    update(webhook_events).where(
        _c.provider == bindparam("of_provider"),
        _c.event_id == bindparam("of_event_id"),
        _c.created_at == bindparam("of_created_at"),
    )
)

# Rows that another claimer holds are passed over, not waited for.
_DUE: Final = (
    select(_c.provider, _c.event_id, _c.created_at)
    .where(WAITING, _c.next_at <= bindparam("now"))
    .order_by(_c.next_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_CLAIM: Final = Fixed(
    update(webhook_events)
    .where(tuple_(_c.provider, _c.event_id, _c.created_at).in_(_DUE))
    .values(next_at=bindparam("until"))
    .returning(webhook_events)
)


class SqlAlchemyWebhookInbox(IWebhookInbox):
    """
    Keeps each event once, by its provider and the provider's id.
    """

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @override
    def add(self, event: WebhookEvent) -> bool:
        # No key is named: in months it is unique in each, and none spans the whole.
        statement = insert_unless_taken(self._transaction.dialect, webhook_events)
        return bool(self._transaction.change(statement, _row(event)))

    @override
    def save(self, event: WebhookEvent) -> None:
        key = {
            "of_provider": event.provider,
            "of_event_id": event.event_id,
            "of_created_at": event.created_at,
        }
        outcome = {name: getattr(event, name) for name in _OUTCOME}
        self._transaction.change(_SAVE, {**key, **outcome})

    @override
    def claim(self, now: datetime, until: datetime, limit: int) -> Sequence[WebhookEvent]:
        values = {"now": now, "until": until, "most": limit}
        claimed = [to_event(row) for row in self._transaction.rows(_CLAIM, values)]
        return sorted(claimed, key=lambda event: (event.received_at, event.event_id))


def _row(event: WebhookEvent) -> Values:
    fields = attrs.asdict(event, recurse=False)
    return fields | {"headers": to_json(dict(event.headers))}


def to_event(row: Record) -> WebhookEvent:
    """
    Return the event of a row.
    """
    values = row._asdict()
    values["topic"] = NoticeTopic(row.topic)
    values["status"] = WebhookStatus(row.status)
    values["headers"] = json.loads(row.headers)
    return WebhookEvent(**values)
