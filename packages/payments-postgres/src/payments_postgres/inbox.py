"""
Which messages of other services had their effect, and which are tried again.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import attrs
from sqlalchemy import bindparam, delete, select, text, tuple_, update
from typing_extensions import override

from payments_core.ports.inbox import IInbox, InboxMessage, InboxStatus
from payments_postgres.dialects import insert_or_change
from payments_postgres.statements import Fixed, Record
from payments_postgres.tables import DEFERRED, HANDLED, inbox
from payments_postgres.transaction import Transaction

_c: Final = inbox.c
_KEY: Final = ("endpoint", "message_id")
_OUTCOME: Final = ("content", "status", "attempts", "next_at", "error")
_NOT_HANDLED: Final = text("inbox.status <> 'handled'")

# Rows that another claimer holds are passed over, not waited for.
_DUE: Final = (
    select(_c.endpoint, _c.message_id)
    .where(DEFERRED, _c.next_at <= bindparam("now"))
    .order_by(_c.next_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_CLAIM: Final = Fixed(
    update(inbox)
    .where(tuple_(_c.endpoint, _c.message_id).in_(_DUE))
    .values(next_at=bindparam("until"))
    .returning(inbox)
)
_OLD: Final = (
    select(_c.endpoint, _c.message_id)
    .where(HANDLED, _c.received_at < bindparam("before"))
    .order_by(_c.received_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_FORGET: Final = delete(inbox).where(tuple_(_c.endpoint, _c.message_id).in_(_OLD))


class SqlAlchemyInbox(IInbox):
    """
    Keeps each message once, by its queue and its id.
    """

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @override
    def handle(self, endpoint: str, message_id: UUID, at: datetime) -> bool:
        return self.defer(
            InboxMessage(
                endpoint=endpoint,
                message_id=message_id,
                content="",
                received_at=at,
                status=InboxStatus.HANDLED,
            )
        )

    @override
    def defer(self, message: InboxMessage) -> bool:
        dialect = self._transaction.dialect
        statement = insert_or_change(dialect, inbox, _KEY, _OUTCOME, _NOT_HANDLED)
        row = {**attrs.asdict(message), "status": message.status.value}
        return bool(self._transaction.change(statement, row))

    @override
    def claim(self, now: datetime, until: datetime, limit: int) -> Sequence[InboxMessage]:
        values = {"now": now, "until": until, "most": limit}
        claimed = [_message(row) for row in self._transaction.rows(_CLAIM, values)]
        return sorted(claimed, key=lambda message: message.received_at)

    @override
    def forget(self, before: datetime, limit: int) -> int:
        return self._transaction.change(_FORGET, {"before": before, "most": limit})


def _message(row: Record) -> InboxMessage:
    return InboxMessage(**row._asdict() | {"status": InboxStatus(row.status)})
