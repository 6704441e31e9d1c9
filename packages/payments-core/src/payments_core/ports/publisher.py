"""
Where messages leave for the other services.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from payments_core.domain.errors import PaymentsError
from payments_core.ports.outbox import OutboxMessage


class PublishError(PaymentsError):
    """
    The broker did not confirm it: it may or may not have it; send the same bytes again.
    """

    code = "publish_failed"
    retryable = True


class Unroutable(PublishError):
    """
    The broker has nobody to give it to, and did not keep it.
    """

    code = "message_unroutable"


class MessageRefused(PublishError):
    """
    The broker refuses this very message; another one may pass.
    """

    code = "message_refused"
    retryable = False


class IEventPublisher(Protocol):
    """
    Hands messages to a broker that keeps them.
    """

    @abstractmethod
    def publish(self, messages: Sequence[OutboxMessage]) -> Sequence[PublishError | None]:
        """
        Send messages of different orders at once; return what became of each, in their order.

        None means that the broker confirmed to have the message and somebody to give it to.
        Everything else is an error, returned and not raised. It ends within its deadline.
        """

    @abstractmethod
    def ping(self) -> None:
        """
        Return if messages can be sent now.

        Raises:
            PublishError: The broker is not there.
        """
