"""
The outbox's way to RabbitMQ.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final

from aio_pika import Message
from aio_pika.abc import DeliveryMode
from aio_pika.exceptions import ChannelClosed, DeliveryError
from aio_pika.exceptions import PublishError as Returned
from typing_extensions import override

from payments_core.ports.outbox import OutboxMessage
from payments_core.ports.publisher import (
    IEventPublisher,
    MessageRefused,
    PublishError,
    Unroutable,
)
from payments_rabbit.connection import LOST
from payments_rabbit.correlation import headers_of
from payments_rabbit.loop import LoopThread
from payments_rabbit.outgoing import Outgoing
from payments_rabbit.settings import RabbitSettings


class RabbitEventPublisher(IEventPublisher):
    """
    Publishes with confirms, mandatory and persistent; opens the connection when it is needed.
    """

    def __init__(self, settings: RabbitSettings) -> None:
        self._settings = settings
        self._loop = LoopThread("rabbit-publisher")
        self._outgoing: Outgoing | None = None

    @override
    def publish(self, messages: Sequence[OutboxMessage]) -> Sequence[PublishError | None]:
        return self._loop.run(self._publish(messages))

    @override
    def ping(self) -> None:
        self._loop.run(self._ping())

    @property
    def connected(self) -> bool:
        """
        Whether it reaches the broker, as far as it knows.
        """
        return self._outgoing is not None and self._outgoing.connected

    def start(self) -> None:
        """
        Nothing begins before the first message.
        """

    def stop(self) -> None:
        """
        Close the connection and end the thread.
        """
        if self._outgoing:
            self._loop.run(self._outgoing.close())
        self._loop.close()

    async def _ping(self) -> None:
        await self._open().channel()

    def _open(self) -> Outgoing:
        self._outgoing = self._outgoing or Outgoing(self._settings)
        return self._outgoing

    async def _publish(self, messages: Sequence[OutboxMessage]) -> Sequence[PublishError | None]:
        results = await self._send(messages)
        if len(messages) > 1:
            # One message can close the channel for all: only alone it is found out which.
            for number, error in enumerate(results):
                if isinstance(error, _ChannelLost):
                    (results[number],) = await self._send([messages[number]])
        return [_final(error) for error in results]

    async def _send(self, messages: Sequence[OutboxMessage]) -> list[PublishError | None]:
        try:
            errors = await self._open().send_all(
                (m.destination, partial(_amqp, m)) for m in messages
            )
        except PublishError as error:
            return [error] * len(messages)
        found = zip(errors, messages, strict=True)
        return [None if error is None else _meaning(error, m) for error, m in found]


class _ChannelLost(PublishError):
    """
    The broker closed the channel over a message, perhaps another one.
    """


_MEANINGS: Final[Sequence[tuple[type[Exception], type[PublishError], str]]] = (
    (Returned, Unroutable, "No queue is bound to {exchange}"),
    (DeliveryError, MessageRefused, "RabbitMQ refused to keep the message"),
    (ChannelClosed, _ChannelLost, "RabbitMQ closed the channel ({error})"),
    *((kind, PublishError, "No confirm from RabbitMQ ({error})") for kind in LOST),
    (ValueError, MessageRefused, "The message cannot be sent ({error})"),
    (TypeError, MessageRefused, "The message cannot be sent ({error})"),
)
"""
What the library's errors mean; the first that fits counts.
"""


def _meaning(error: Exception, message: OutboxMessage) -> PublishError:
    if isinstance(error, PublishError):
        return error
    for raised, kind, text in _MEANINGS:
        if isinstance(error, raised):
            return kind(text.format(exchange=message.destination, error=type(error).__name__))
    raise error


def _final(error: PublishError | None) -> PublishError | None:
    return MessageRefused(str(error)) if isinstance(error, _ChannelLost) else error


def _amqp(message: OutboxMessage) -> Message:
    return Message(
        message.body.encode(),
        content_type=message.content_type,
        message_id=str(message.id),
        correlation_id=str(message.payment_id or message.id),
        headers=headers_of(message.correlation),
        delivery_mode=DeliveryMode.PERSISTENT,
    )
