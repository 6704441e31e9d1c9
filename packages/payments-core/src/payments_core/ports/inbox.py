"""
Messages from other services: each has one effect, however often it comes.
"""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import attrs


class InboxStatus(StrEnum):
    """
    What became of a message.

    WAITING: it could not be handled yet and is tried again. DEAD: given up; whoever brought
    it has put it where a person looks.
    """

    WAITING = "waiting"
    HANDLED = "handled"
    DEAD = "dead"


@attrs.frozen(kw_only=True)
class InboxMessage:
    """
    A message that is tried again later.

    Attributes:
        endpoint: Which queue it came to; an id is unique within one.

        content: As whoever brought it needs it to bring it again.

        attempts: How often it was tried.

        next_at: When it is due; None once that is over.
    """

    endpoint: str
    message_id: UUID
    content: str = attrs.field(repr=False)
    received_at: datetime
    status: InboxStatus = InboxStatus.WAITING
    attempts: int = 1
    next_at: datetime | None = None
    error: str | None = None


class IInbox(Protocol):
    """
    Remembers which messages had their effect, in the transaction of that effect.
    """

    @abstractmethod
    def handle(self, endpoint: str, message_id: UUID, at: datetime) -> bool:
        """
        Note that this transaction is the message's effect; return False if it had one before.
        """

    @abstractmethod
    def defer(self, message: InboxMessage) -> bool:
        """
        Keep a message to be tried again, or write how that went.

        Return False, and change nothing, if it was handled meanwhile.
        """

    @abstractmethod
    def claim(self, now: datetime, until: datetime, limit: int) -> Sequence[InboxMessage]:
        """
        Return messages that are due, oldest first, and keep others away until then.
        """

    @abstractmethod
    def forget(self, before: datetime, limit: int) -> int:
        """
        Remove so many messages at most that were handled and came before that moment.

        Return how many went. One of them would have its effect again if it came again, so that
        moment must lie before all that a broker still holds.
        """
