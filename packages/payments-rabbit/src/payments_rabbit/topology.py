"""
Exchanges and queues as MassTransit declares them, so that either side may come first.

Everything is looked for first and declared only where it is missing: what is there may have
been declared with more arguments than ours, and a second, different declaration is an error
that closes the channel.
"""

from collections.abc import Sequence
from typing import Final

import attrs
from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity

from payments_rabbit.names import MessageType, error_queue, skipped_queue
from payments_rabbit.settings import RabbitSettings

REFUND: Final = "RefundPaymentCommand"
CAPTURE: Final = "CapturePaymentCommand"
ORDER: Final = "IOrderCreated"


@attrs.frozen
class Endpoint:
    """
    A queue of ours, and what comes to it.

    Attributes:
        types: Whose exchanges lead here. name: Under which all of them are handled.
    """

    queue: str
    types: Sequence[MessageType]
    name: str


def endpoints(settings: RabbitSettings) -> Sequence[Endpoint]:
    """
    Return our queues. Queues of events carry our name: whoever shares one, shares its messages.
    """
    ours = settings.payments_namespace
    told = tuple(MessageType.parse(text) for text in settings.order_created)
    return (
        Endpoint(settings.refund_queue, (MessageType(ours, REFUND),), REFUND),
        Endpoint(settings.capture_queue, (MessageType(ours, CAPTURE),), CAPTURE),
        Endpoint(settings.order_queue, told, ORDER),
    )


async def ensure_exchange(connection: AbstractConnection, name: str) -> None:
    """
    See to it that a fanout exchange is there; in a channel of its own, which may close over it.
    """
    try:
        async with connection.channel() as channel:
            await channel.declare_exchange(name, passive=True)
    except ChannelNotFoundEntity:
        async with connection.channel() as channel:
            await channel.declare_exchange(name, ExchangeType.FANOUT, durable=True)


async def ensure_queue(connection: AbstractConnection, name: str) -> None:
    """
    See to it that a queue is there with an exchange of the same name, which leads to it.

    The queue has no arguments: a .NET service that sends to it declares it without any, and
    would be refused for ever by a queue that has some.
    """
    try:
        async with connection.channel() as channel:
            await channel.declare_queue(name, passive=True)
    except ChannelNotFoundEntity:
        async with connection.channel() as channel:
            await channel.declare_queue(name, durable=True)
    await ensure_exchange(connection, name)
    async with connection.channel() as channel:
        queue = await channel.get_queue(name, ensure=False)
        await queue.bind(name, routing_key="")


async def ensure_endpoint(connection: AbstractConnection, endpoint: Endpoint) -> None:
    """
    See to it that an endpoint's messages come to its queue, whether they are sent or published.
    """
    await ensure_queue(connection, endpoint.queue)
    for kind in endpoint.types:
        await ensure_exchange(connection, kind.exchange)
        async with connection.channel() as channel:
            await _bind(channel, endpoint.queue, kind.exchange)


async def ensure_side_queues(connection: AbstractConnection, queue: str) -> None:
    """
    See to it that there is a place for what failed, and for what nobody knows.
    """
    for name in (error_queue(queue), skipped_queue(queue)):
        await ensure_queue(connection, name)


async def _bind(channel: AbstractChannel, exchange: str, source: str) -> None:
    bound = await channel.get_exchange(exchange, ensure=False)
    await bound.bind(source, routing_key="")
