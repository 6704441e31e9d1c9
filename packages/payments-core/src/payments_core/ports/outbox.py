"""
Messages that were written with the payment, and wait to be sent.
"""

from abc import abstractmethod
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol
from uuid import UUID

import attrs
from typing_extensions import override

from payments_core.contracts.converter import to_json
from payments_core.contracts.messages import Message
from payments_core.domain.events import Event
from payments_core.ports.correlation import Correlation


class OutboxStatus(StrEnum):
    """
    What became of a message.

    UNROUTED: sent, and nobody listened. SUPERSEDED: not sent, since a later payment of the
    order made it untrue for its readers. PARKED: given up, a person must look. RELEASED: a
    person let the order go on without it.
    """

    PENDING = "pending"
    PUBLISHED = "published"
    UNROUTED = "unrouted"
    SUPERSEDED = "superseded"
    PARKED = "parked"
    RELEASED = "released"


BLOCKING: Final = frozenset({OutboxStatus.PENDING, OutboxStatus.PARKED})
"""
While one of its messages is in these states, an order's later ones wait.
"""


def due_at_once(created_at: datetime) -> datetime:
    """
    Return when a new message is due, also by clocks that are behind its writer's.
    """
    return created_at - _CLOCKS_DIFFER


_CLOCKS_DIFFER: Final = timedelta(minutes=10)
"""
By so much the clocks of writers and relays may differ, and no message waits for it.
"""


@attrs.frozen
class Cause:
    """
    The message from outside that made something happen; what is told because of it says so.

    Attributes:
        conversation_id: Of the whole exchange of messages. initiator_id: Of its cause.
    """

    conversation_id: UUID | None = None
    initiator_id: UUID | None = None


@attrs.frozen
class Finished:
    """
    A message in the form in which it leaves, byte for byte, however often it is sent.

    Attributes:
        destination: Where the broker takes it.

        body: Sent as UTF-8.
    """

    destination: str
    content_type: str
    body: str


class IMessageSerializer(Protocol):
    """
    Brings a message into the form that its readers expect.
    """

    @abstractmethod
    def finish(self, message: Message, *, sent_at: datetime, cause: Cause | None) -> Finished:
        """
        Return the finished form; it is stored, and never made again.
        """


class PlainMessageSerializer(IMessageSerializer):
    """
    The fields as JSON, for those who run without a broker.
    """

    @override
    def finish(self, message: Message, *, sent_at: datetime, cause: Cause | None) -> Finished:
        return Finished(message.name, "application/json", to_json(message.fields))


@attrs.frozen(kw_only=True)
class OutboxMessage:
    """
    A message to other services, kept in the transaction of what it tells.

    Attributes:
        order_id: None if it belongs to no order: then it waits for no other message.

        sequence: Its place among the messages of its order, from 1 without gaps.

        name: The message type without namespace, such as ``IPaymentSucceeded``.

        attempts: How often the broker refused this very message.

        next_at: When it is due; while it is claimed, when the claim ends. None once settled.

        published_at: When the broker confirmed it.

        correlation: Under which it was written, and is sent; None where nobody said.
    """

    id: UUID
    order_id: UUID | None
    payment_id: UUID | None
    sequence: int
    name: str
    destination: str
    content_type: str
    body: str = attrs.field(repr=False)
    created_at: datetime
    status: OutboxStatus = OutboxStatus.PENDING
    attempts: int = 0
    next_at: datetime | None = None
    published_at: datetime | None = None
    error: str | None = None
    correlation: Correlation | None = None


class IOutbox(Protocol):
    """
    Keeps what must be told until it is told, in the order of each order.

    Attributes:
        cause: What the messages of this unit of work answer, if it was a message.
    """

    cause: Cause | None

    @abstractmethod
    def add(self, events: Sequence[Event]) -> None:
        """
        Put events of one payment behind those of its order, in this order.

        Events that belong to no order leave when they are due, whatever else waits.

        An authorisation or a success supersedes what waits to tell the order's readers
        that an earlier payment of the order failed. Each message keeps the `Correlation`
        under which it is added.
        """

    @abstractmethod
    def claim(self, now: datetime, until: datetime, limit: int) -> Sequence[OutboxMessage]:
        """
        Return due messages that are the first of their order to wait, and keep others away.

        Each becomes due again at `until`, so that what a dead claimer held is not lost.
        Two claimers at once never get the same message, nor two of the same order.
        """

    @abstractmethod
    def sent(self, messages: Collection[OutboxMessage], status: OutboxStatus, at: datetime) -> None:
        """
        Note messages as gone (PUBLISHED or UNROUTED): a fact, whoever claimed them since.
        """

    @abstractmethod
    def replace(self, before: OutboxMessage, after: OutboxMessage) -> bool:
        """
        Write status, attempts, next_at and error; return False if `before` is no longer so.

        What somebody else claimed or settled meanwhile stays as they left it.
        """

    @abstractmethod
    def find(self, message_id: UUID) -> OutboxMessage | None:
        """
        Return a message, or None.
        """

    @abstractmethod
    def waiting(self, before: datetime, limit: int) -> Sequence[OutboxMessage]:
        """
        Return what was written before that moment and has not left, oldest first.
        """
