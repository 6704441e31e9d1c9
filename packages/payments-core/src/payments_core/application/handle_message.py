"""
Bringing a message to its end: its one effect, another try later, or a person.
"""

import logging
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Final, Protocol

import attrs

from payments_core.application.received import AlreadyHandled, Effect, ReceivedMessage
from payments_core.domain.errors import PaymentNotFound, PaymentsError, StorageUnavailable
from payments_core.ports.clock import IClock
from payments_core.ports.faults import faultpoint
from payments_core.ports.inbox import InboxMessage, InboxStatus
from payments_core.ports.unit_of_work import UnitOfWorkFactory

_log = logging.getLogger(__name__)

DELAYS: Final = tuple(timedelta(seconds=s) for s in (5, 15, 60, 300, 900))
"""
The pauses before each further try.
"""


class IMessageHandler(Protocol):
    """
    What is done because of one kind of message.
    """

    @abstractmethod
    def handle(self, message: ReceivedMessage, effect: UnitOfWorkFactory) -> None:
        """
        Do it, in units of work of the effect alone.

        Raises:
            MessageInvalid: The message says nothing that could be done.
            NotYet: It can be done later, perhaps.
        """


class NotYet(PaymentsError):
    """
    The payment is not in the state that the message needs, and may come to be.
    """

    code = "not_yet"
    retryable = True


class Outcome(StrEnum):
    """
    What became of a message.

    DEFERRED: it is kept here, and tried again. FAILED: it will never be done.
    """

    DONE = "done"
    DUPLICATE = "duplicate"
    DEFERRED = "deferred"
    FAILED = "failed"


@attrs.frozen
class Handled:
    """
    What became of a message, and why.
    """

    outcome: Outcome
    error: Exception | None = None


@attrs.frozen
class HandleMessage:
    """
    Gives each message to its handler, once with effect.

    Attributes:
        handlers: By the name of the message.

        delays: The pauses before further tries; when they are used up, it failed.

        lease: How long whoever tries a kept message again has it alone.
    """

    unit_of_work: UnitOfWorkFactory
    clock: IClock
    handlers: Mapping[str, IMessageHandler]
    delays: tuple[timedelta, ...] = DELAYS
    lease: timedelta = timedelta(minutes=2)

    def execute(self, message: ReceivedMessage, content: str, attempts: int = 0) -> Handled:
        """
        Handle a message, or keep it to be tried again later.

        Args:
            content: The message as whoever brought it needs it to bring it again.

            attempts: How often it was tried before.

        Raises:
            StorageUnavailable: Nothing can be done or kept: hold on to the message.
        """
        faultpoint("message.received")
        effect = Effect(self.unit_of_work, message, self.clock)
        try:
            self.handlers[message.name].handle(message, effect)
            effect.finish()
        except AlreadyHandled:
            return Handled(Outcome.DUPLICATE)
        except StorageUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - a bug must not stop the queue behind it
            if attempts >= len(self.delays) or not _may_pass(error):
                return Handled(Outcome.FAILED, error)
            _log.warning("%s %s is tried again: %s", message.name, message.id, _said(error))
            return self._defer(message, content, attempts, error)
        faultpoint("message.handled")
        return Handled(Outcome.DONE)

    def due(self, limit: int) -> Sequence[InboxMessage]:
        """
        Return kept messages that are due, and keep others away from them for a while.
        """
        now = self.clock.now()
        with self.unit_of_work() as uow:
            due = uow.inbox.claim(now, now + self.lease, limit)
            uow.commit()
        return due

    def give_up(self, kept: InboxMessage) -> None:
        """
        Note that a kept message has failed and was put where a person looks.
        """
        with self.unit_of_work() as uow:
            uow.inbox.defer(attrs.evolve(kept, status=InboxStatus.DEAD, content="", next_at=None))
            uow.commit()

    def _defer(
        self, message: ReceivedMessage, content: str, attempts: int, error: Exception
    ) -> Handled:
        now = self.clock.now()
        kept = InboxMessage(
            endpoint=message.endpoint,
            message_id=message.id,
            content=content,
            received_at=now,
            attempts=attempts + 1,
            next_at=now + self.delays[attempts],
            error=_said(error),
        )
        with self.unit_of_work() as uow:
            fresh = uow.inbox.defer(kept)
            faultpoint("message.defer.precommit")
            uow.commit()
        faultpoint("message.defer.commit")
        return Handled(Outcome.DEFERRED if fresh else Outcome.DUPLICATE, error)


def _may_pass(error: Exception) -> bool:
    # What is none of our errors is a bug; another try may meet another moment.
    if not isinstance(error, PaymentsError):
        return True
    return error.retryable or isinstance(error, PaymentNotFound)


def _said(error: Exception) -> str:
    if isinstance(error, PaymentsError):
        return f"{error.code}: {error}"
    # The text of an unknown error may hold anything.
    return type(error).__name__
