"""
Events written with the payment that they tell of, and what became of them.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import attrs
from sqlalchemy import bindparam, func, insert, or_, select, tuple_, update
from typing_extensions import override

from payments_core.contracts.messages import message_of
from payments_core.domain.events import Event
from payments_core.ports.correlation import Correlation, current
from payments_core.ports.outbox import (
    Cause,
    IMessageSerializer,
    IOutbox,
    OutboxMessage,
    OutboxStatus,
    due_at_once,
)
from payments_postgres.dialects import add_up
from payments_postgres.statements import Fixed, Record
from payments_postgres.tables import BLOCKS, UNSENT, orders, outbox
from payments_postgres.transaction import Transaction

_c: Final = outbox.c
_INSERT: Final = Fixed(insert(outbox))
_BY_ID: Final = Fixed(select(outbox).where(_c.id == bindparam("id")))
_WAITING: Final = (
    select(outbox)
    .where(BLOCKS, _c.created_at < bindparam("before"))
    .order_by(_c.created_at)
    .limit(bindparam("most"))
)


# Rows that another claimer holds are passed over, not waited for. They still come before the
# later rows of their order, since those see them unsent until their claimer commits.
_EARLIER: Final = outbox.alias("earlier")
# A minimum, and not "there is none before it": PostgreSQL would read the whole backlog for that.
_FIRST: Final = (
    select(func.min(_EARLIER.c.sequence))
    .where(_EARLIER.c.order_id == _c.order_id, BLOCKS)
    .scalar_subquery()
)
_DUE: Final = (
    select(_c.id, _c.created_at)
    .where(
        UNSENT,
        _c.next_at <= bindparam("now"),
        # What belongs to no order is always the first.
        # It is never less than the first; asked for equality, PostgreSQL would expect few rows,
        # and read and sort the whole backlog.
        or_(_c.order_id.is_(None), _c.sequence <= _FIRST),
    )
    .order_by(_c.next_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_CLAIM: Final = Fixed(
    update(outbox)
    .where(tuple_(_c.id, _c.created_at).in_(_DUE))
    .values(next_at=bindparam("until"))
    .returning(outbox)
)
# Moments never change; with them PostgreSQL knows the months in which to look.
_SENT: Final = (
    update(outbox)
    .where(
        _c.id.in_(bindparam("ids", expanding=True)),
        _c.created_at.between(bindparam("first"), bindparam("last")),
        _c.published_at.is_(None),
    )
    .values(status=bindparam("to"), published_at=bindparam("at"), next_at=None, error=None)
)
_REPLACE: Final = update(outbox).where(
    _c.id == bindparam("key"),
    _c.created_at == bindparam("of_moment"),
    _c.status == bindparam("was"),
    _c.next_at.is_not_distinct_from(bindparam("was_due", type_=_c.next_at.type)),
)
_SUPERSEDE: Final = Fixed(
    update(outbox)
    .where(
        _c.order_id == bindparam("of_order"),
        _c.payment_id != bindparam("of_payment"),
        _c.name == "IPaymentFailed",
        BLOCKS,
    )
    .values(status=OutboxStatus.SUPERSEDED.value, next_at=None)
)
_SUPERSEDING: Final = frozenset({"IPaymentAuthorized", "IPaymentSucceeded"})
_OUTCOME: Final = ("status", "attempts", "next_at", "error")


class SqlAlchemyOutbox(IOutbox):
    """
    Numbers messages under their order's lock, and claims only the first of each order.
    """

    def __init__(self, transaction: Transaction, serializer: IMessageSerializer) -> None:
        self.cause: Cause | None = None
        self._transaction = transaction
        self._serializer = serializer

    @override
    def add(self, events: Sequence[Event]) -> None:
        ordered = [event for event in events if event.order_id is not None]
        if ordered:
            self._add_in_order(ordered)
        apart = [self._message(event, 1) for event in events if event.order_id is None]
        if apart:
            self._insert(apart)

    def _add_in_order(self, events: Sequence[Event]) -> None:
        # The order's row hands out the numbers and stays locked until the transaction ends. So
        # numbers have no gap, and are committed in their order. It is locked after all else: two
        # transactions that wait for each other there cannot be.
        first = self._last_number(events) - len(events) + 1
        messages = [self._message(event, n) for n, event in enumerate(events, start=first)]
        self._insert(messages)
        if first > 1 and any(m.name in _SUPERSEDING for m in messages):
            key = {"of_order": events[0].order_id, "of_payment": events[0].payment_id}
            self._transaction.change(_SUPERSEDE, key)

    @override
    def claim(self, now: datetime, until: datetime, limit: int) -> Sequence[OutboxMessage]:
        values = {"now": now, "until": until, "most": limit}
        claimed = [to_message(row) for row in self._transaction.rows(_CLAIM, values)]
        return sorted(claimed, key=lambda m: (m.created_at, m.sequence))

    @override
    def sent(self, messages: Collection[OutboxMessage], status: OutboxStatus, at: datetime) -> None:
        if messages:
            moments = sorted(m.created_at for m in messages)
            which = {"ids": [m.id for m in messages], "first": moments[0], "last": moments[-1]}
            self._transaction.change(_SENT, {**which, "to": status.value, "at": at})

    @override
    def replace(self, before: OutboxMessage, after: OutboxMessage) -> bool:
        key = {
            "key": before.id,
            "of_moment": before.created_at,
            "was": before.status.value,
            "was_due": before.next_at,
        }
        outcome = {name: getattr(after, name) for name in _OUTCOME}
        return bool(self._transaction.change(_REPLACE.values(outcome), key))

    @override
    def find(self, message_id: UUID) -> OutboxMessage | None:
        row = self._transaction.row(_BY_ID, {"id": message_id})
        return None if row is None else to_message(row)

    @override
    def waiting(self, before: datetime, limit: int) -> Sequence[OutboxMessage]:
        rows = self._transaction.rows(_WAITING, {"before": before, "most": limit})
        return [to_message(row) for row in rows]

    def _insert(self, messages: Sequence[OutboxMessage]) -> None:
        for message in messages:
            self._transaction.change(_INSERT, _row(message))

    def _last_number(self, events: Sequence[Event]) -> int:
        statement = add_up(self._transaction.dialect, orders, "order_id", "event_seq")
        values = {"order_id": events[0].order_id, "event_seq": len(events)}
        return int(self._transaction.rows(statement, values)[0].event_seq)

    def _message(self, event: Event, sequence: int) -> OutboxMessage:
        message = message_of(event)
        finished = self._serializer.finish(message, sent_at=event.occurred_at, cause=self.cause)
        return OutboxMessage(
            id=message.id,
            order_id=event.order_id,
            payment_id=event.payment_id,
            sequence=sequence,
            name=message.name,
            destination=finished.destination,
            content_type=finished.content_type,
            body=finished.body,
            created_at=event.occurred_at,
            next_at=due_at_once(event.occurred_at),
            correlation=current(),
        )


def to_message(row: Record) -> OutboxMessage:
    """
    Return the message of a row.
    """
    values = row._asdict() | {"status": OutboxStatus(row.status)}
    found, trace = values.pop("correlation_id"), values.pop("traceparent")
    return OutboxMessage(**values, correlation=Correlation(found, trace) if found else None)


def _row(message: OutboxMessage) -> dict[str, Any]:
    values = attrs.asdict(message, recurse=False) | {"status": message.status.value}
    under = values.pop("correlation")
    return values | {
        "correlation_id": under and under.id,
        "traceparent": under and under.traceparent,
    }
