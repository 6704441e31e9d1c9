"""
A neighbour on the broker: declares, sends and reads as a MassTransit service does.
"""

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import uuid4

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aio_pika.exceptions import ChannelNotFoundEntity

from payments_rabbit.loop import LoopThread
from payments_rabbit.names import ENVELOPE

WITHIN = 60.0  # seconds for something that must happen, on a machine that does much else


def an_envelope(urn: str, told: Mapping[str, Any], /, **changes: Any) -> dict[str, Any]:
    """
    Return an envelope as MassTransit's default serializer writes it.
    """
    fields: dict[str, Any] = {
        "messageId": str(uuid4()),
        "requestId": None,
        "correlationId": None,
        "conversationId": str(uuid4()),
        "initiatorId": None,
        "sourceAddress": "rabbitmq://rabbitmq/vm_bus?temporary=true",
        "destinationAddress": "rabbitmq://rabbitmq/somewhere",
        "responseAddress": None,
        "faultAddress": None,
        "messageType": [urn],
        "message": dict(told),
        "expirationTime": None,
        "sentTime": "2026-11-22T22:36:35.228626Z",
        "headers": {},
        "host": {"machineName": "vm", "processId": 1},
    }
    return fields | changes


class Neighbour:
    """
    Another service on the same broker.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._loop = LoopThread("neighbour")
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None

    def close(self) -> None:
        """
        Leave.
        """
        if self._connection:
            self._loop.run(self._connection.close())
        self._loop.close()

    def listen(self, queue: str, *exchanges: str) -> None:
        """
        Declare a receive endpoint that hears these exchanges, in MassTransit's way.
        """
        self._loop.run(self._listen(queue, exchanges))

    def declare(self, exchange: str, arguments: Mapping[str, Any]) -> None:
        """
        Declare a fanout exchange with arguments.
        """
        self._loop.run(self._declare(exchange, dict(arguments)))

    def bind(self, queue: str, exchange: str) -> None:
        """
        Let an exchange lead to a queue, whatever arguments either has.
        """
        self._loop.run(self._bind(queue, exchange))

    def lead(self, source: str, exchange: str) -> None:
        """
        Let one exchange lead to another, as a class of .NET leads to its interfaces.
        """
        self._loop.run(self._lead(source, exchange))

    def send(
        self,
        exchange: str,
        body: bytes | Mapping[str, Any],
        *,
        content_type: str | None = ENVELOPE,
        headers: Mapping[str, Any] | None = None,
        **properties: Any,
    ) -> None:
        """
        Publish to an exchange, confirmed.
        """
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        message = aio_pika.Message(
            raw,
            content_type=content_type,
            headers=dict(headers or {}),
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            **properties,
        )
        self._loop.run(self._send(exchange, message))

    def receive(self, queue: str) -> AbstractIncomingMessage:
        """
        Return the next message of a queue, which must come soon.
        """
        deadline = time.monotonic() + WITHIN
        while time.monotonic() < deadline:
            if message := self.poll(queue):
                return message
            time.sleep(0.02)
        raise AssertionError(f"Nothing came to {queue}")

    def poll(self, queue: str) -> AbstractIncomingMessage | None:
        """
        Return the next message of a queue, or None.
        """
        return self._loop.run(self._get(queue))

    def drain(self, queue: str) -> list[AbstractIncomingMessage]:
        """
        Return everything that is in a queue.
        """
        found = []
        while message := self.poll(queue):
            found.append(message)
        return found

    def waiting(self, queue: str) -> int:
        """
        Return how many messages a queue holds that nobody was given yet.
        """
        return self._loop.run(self._count(queue))

    def await_consumer(self, queue: str, least: int = 1) -> None:
        """
        Return when so many consume from a queue, which must come soon.
        """
        deadline = time.monotonic() + WITHIN
        while time.monotonic() < deadline:
            with suppress(ChannelNotFoundEntity):
                if self._loop.run(self._consumers(queue)) >= least:
                    return
            time.sleep(0.02)
        raise AssertionError(f"Fewer than {least} consume from {queue}")

    def delete(self, *names: str) -> None:
        """
        Delete queues and exchanges.
        """
        self._loop.run(self._delete(names))

    async def _open(self) -> AbstractChannel:
        if self._connection is None or self._connection.is_closed:
            self._connection = await aio_pika.connect(self._url)
        if self._channel is None or self._channel.is_closed:
            self._channel = await self._connection.channel(on_return_raises=True)
        return self._channel

    async def _listen(self, name: str, exchanges: Sequence[str]) -> None:
        channel = await self._open()
        fanout = aio_pika.ExchangeType.FANOUT
        queue = await channel.declare_queue(name, durable=True)
        own = await channel.declare_exchange(name, fanout, durable=True)
        await queue.bind(own, "")
        for exchange in exchanges:
            await own.bind(await channel.declare_exchange(exchange, fanout, durable=True), "")

    async def _declare(self, exchange: str, arguments: dict[str, Any]) -> None:
        fanout = aio_pika.ExchangeType.FANOUT
        channel = await self._open()
        await channel.declare_exchange(exchange, fanout, durable=True, arguments=arguments)

    async def _bind(self, queue: str, exchange: str) -> None:
        target = await (await self._open()).get_queue(queue, ensure=False)
        await target.bind(exchange, "")

    async def _lead(self, source: str, exchange: str) -> None:
        target = await (await self._open()).get_exchange(exchange, ensure=False)
        await target.bind(source, "")

    async def _send(self, exchange: str, message: aio_pika.Message) -> None:
        target = await (await self._open()).get_exchange(exchange, ensure=False)
        await target.publish(message, "")

    async def _get(self, name: str) -> AbstractIncomingMessage | None:
        queue = await (await self._open()).get_queue(name, ensure=False)
        return await queue.get(no_ack=True, fail=False)

    async def _count(self, name: str) -> int:
        queue = await (await self._open()).declare_queue(name, passive=True)
        return queue.declaration_result.message_count or 0

    async def _consumers(self, name: str) -> int:
        queue = await (await self._open()).declare_queue(name, passive=True)
        return queue.declaration_result.consumer_count or 0

    async def _delete(self, names: Sequence[str]) -> None:
        for name in names:
            channel = await self._open()
            await channel.queue_delete(name)
            await channel.exchange_delete(name)
