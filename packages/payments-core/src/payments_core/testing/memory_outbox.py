"""
The outbox and the inbox in memory.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from uuid import UUID

import attrs
from typing_extensions import override

from payments_core.contracts.messages import message_of
from payments_core.domain.errors import ConcurrentUpdate
from payments_core.domain.events import Event
from payments_core.ports.correlation import current
from payments_core.ports.inbox import IInbox, InboxMessage, InboxStatus
from payments_core.ports.outbox import (
    BLOCKING,
    Cause,
    IMessageSerializer,
    IOutbox,
    OutboxMessage,
    OutboxStatus,
    due_at_once,
)

Inbox = dict[tuple[str, UUID], InboxMessage]
Outbox = dict[UUID, OutboxMessage]

SUPERSEDING = frozenset({"IPaymentAuthorized", "IPaymentSucceeded"})


class InMemoryOutbox(IOutbox):
    """
    Messages of one open unit of work.
    """

    def __init__(self, messages: Outbox, serializer: IMessageSerializer) -> None:
        self.cause: Cause | None = None
        self._messages = messages
        self._serializer = serializer

    @override
    def add(self, events: Sequence[Event]) -> None:
        for event in events:
            message = self._message(event)
            if message.id in self._messages:
                raise ConcurrentUpdate(f"Event {message.id} was told before")
            self._messages[message.id] = message
            if message.name in SUPERSEDING:
                self._supersede(message)

    @override
    def claim(self, now: datetime, until: datetime, limit: int) -> Sequence[OutboxMessage]:
        heads = (m for m in self._heads() if m.status is OutboxStatus.PENDING)
        due = [m for m in heads if m.next_at is not None and m.next_at <= now]
        claimed = [attrs.evolve(m, next_at=until) for m in sorted(due, key=_due)[:limit]]
        self._messages.update({m.id: m for m in claimed})
        return claimed

    @override
    def sent(self, messages: Collection[OutboxMessage], status: OutboxStatus, at: datetime) -> None:
        for message in [self._messages[m.id] for m in messages]:
            if message.published_at is None:
                self._messages[message.id] = attrs.evolve(
                    message, status=status, published_at=at, next_at=None, error=None
                )

    @override
    def replace(self, before: OutboxMessage, after: OutboxMessage) -> bool:
        stored = self._messages[before.id]
        if (stored.status, stored.next_at) != (before.status, before.next_at):
            return False
        self._messages[before.id] = after
        return True

    @override
    def find(self, message_id: UUID) -> OutboxMessage | None:
        return self._messages.get(message_id)

    @override
    def waiting(self, before: datetime, limit: int) -> Sequence[OutboxMessage]:
        late = [m for m in self._blocking() if m.created_at < before]
        return sorted(late, key=lambda m: (m.created_at, m.sequence))[:limit]

    def _blocking(self) -> Iterator[OutboxMessage]:
        return (m for m in self._messages.values() if m.status in BLOCKING)

    def _heads(self) -> Collection[OutboxMessage]:
        heads: dict[UUID, OutboxMessage] = {}
        for message in sorted(self._blocking(), key=lambda m: m.sequence):
            heads.setdefault(message.order_id or message.id, message)
        return heads.values()

    def _message(self, event: Event) -> OutboxMessage:
        message = message_of(event)
        finished = self._serializer.finish(message, sent_at=event.occurred_at, cause=self.cause)
        same = (m for m in self._messages.values() if m.order_id == event.order_id)
        before = sum(1 for _ in same) if event.order_id else 0
        return OutboxMessage(
            id=message.id,
            order_id=event.order_id,
            payment_id=event.payment_id,
            sequence=before + 1,
            name=message.name,
            **attrs.asdict(finished),
            created_at=event.occurred_at,
            next_at=due_at_once(event.occurred_at),
            correlation=current(),
        )

    def _supersede(self, by: OutboxMessage) -> None:
        for message in list(self._blocking()):
            told = (message.order_id, message.name) == (by.order_id, "IPaymentFailed")
            if told and message.payment_id != by.payment_id:
                self._messages[message.id] = attrs.evolve(
                    message, status=OutboxStatus.SUPERSEDED, next_at=None
                )


class InMemoryInbox(IInbox):
    """
    Received messages of one open unit of work.
    """

    def __init__(self, messages: Inbox) -> None:
        self._messages = messages

    @override
    def handle(self, endpoint: str, message_id: UUID, at: datetime) -> bool:
        before = self._messages.get((endpoint, message_id))
        if before and before.status is InboxStatus.HANDLED:
            return False
        kept = before or InboxMessage(
            endpoint=endpoint, message_id=message_id, content="", received_at=at
        )
        self._messages[endpoint, message_id] = attrs.evolve(
            kept, status=InboxStatus.HANDLED, content="", next_at=None, error=None
        )
        return True

    @override
    def defer(self, message: InboxMessage) -> bool:
        before = self._messages.get((message.endpoint, message.message_id))
        if before and before.status is InboxStatus.HANDLED:
            return False
        received = before.received_at if before else message.received_at
        self._messages[message.endpoint, message.message_id] = attrs.evolve(
            message, received_at=received
        )
        return True

    @override
    def claim(self, now: datetime, until: datetime, limit: int) -> Sequence[InboxMessage]:
        waiting = (m for m in self._messages.values() if m.status is InboxStatus.WAITING)
        due = [m for m in waiting if m.next_at is not None and m.next_at <= now]
        claimed = [attrs.evolve(m, next_at=until) for m in sorted(due, key=_received)[:limit]]
        self._messages.update({(m.endpoint, m.message_id): m for m in claimed})
        return claimed

    @override
    def forget(self, before: datetime, limit: int) -> int:
        handled = (m for m in self._messages.values() if m.status is InboxStatus.HANDLED)
        old = sorted((m for m in handled if m.received_at < before), key=_received)[:limit]
        for message in old:
            del self._messages[message.endpoint, message.message_id]
        return len(old)


def _due(message: OutboxMessage) -> tuple[datetime, int]:
    assert message.next_at is not None
    return message.next_at, message.sequence


def _received(message: InboxMessage) -> datetime:
    return message.received_at
