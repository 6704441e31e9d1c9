"""
The connection on which we publish: confirmed, mandatory, and opened again when it is lost.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable

from aio_pika.abc import AbstractChannel, AbstractMessage
from aio_pika.exceptions import ChannelNotFoundEntity

from payments_core.ports.publisher import PublishError
from payments_rabbit.connection import LOST, BrokerConnection, connect
from payments_rabbit.settings import RabbitSettings
from payments_rabbit.topology import ensure_exchange

_log = logging.getLogger(__name__)

RETRY_AFTER = 1.0  # seconds between two attempts to connect


Made = Callable[[], AbstractMessage]
"""
Makes a message when it is sent, so that one that cannot be made is its own trouble alone.
"""


class Outgoing:
    """
    Publishes on a channel with confirms. Used from one loop only.
    """

    def __init__(self, settings: RabbitSettings) -> None:
        self._settings = settings
        self._seconds = settings.publish_timeout.total_seconds()
        self._connection: BrokerConnection | None = None
        self._channel: AbstractChannel | None = None
        self._exchanges: set[str] = set()
        self._opening = asyncio.Lock()
        self._next_try = 0.0
        self._away = False

    @property
    def connected(self) -> bool:
        """
        Whether a channel is open, as far as is known. May be asked from any thread.
        """
        connection, channel = self._connection, self._channel
        if connection is None or channel is None:
            return False
        return connection.connected.is_set() and not channel.is_closed

    async def channel(self) -> AbstractChannel:
        """
        Return an open channel.

        Raises:
            PublishError: The broker is not there, or was not a moment ago.
        """
        if self._channel is None or self._channel.is_closed:
            async with self._opening:
                if self._channel is None or self._channel.is_closed:
                    self._channel = await self._open_channel()
        return self._channel

    async def send(
        self, exchange: str, message: AbstractMessage, *, mandatory: bool = True
    ) -> None:
        """
        Publish, and return when the broker has it.

        Raises:
            PublishError: The broker is not there.
            aio_pika.exceptions.PublishError: Nobody would get it.
            AMQPError, OSError, TimeoutError, RuntimeError: It is not confirmed.
        """
        (error,) = await self.send_all([(exchange, lambda: message)], mandatory=mandatory)
        if error:
            raise error

    async def send_all(
        self, messages: Iterable[tuple[str, Made]], *, mandatory: bool = True
    ) -> list[Exception | None]:
        """
        Publish to these exchanges, and return when the broker has them: what `send` would raise.

        All are waited for at once: a wait for each costs as much as the publishing.

        Raises:
            PublishError: The broker is not there.
        """
        await self.channel()
        if self._connection is None:
            raise PublishError("RabbitMQ was lost a moment ago")
        works = (
            self._send(exchange, message, mandatory=mandatory) for exchange, message in messages
        )
        return await self._connection.answers(works, self._seconds)

    async def _send(self, exchange: str, made: Made, *, mandatory: bool) -> None:
        channel = await self.channel()
        await self._ensure(exchange)
        target = await channel.get_exchange(exchange, ensure=False)
        try:
            await target.publish(made(), "", mandatory=mandatory)
        except ChannelNotFoundEntity:
            self._exchanges.discard(exchange)
            raise

    async def close(self) -> None:
        """
        Close; the next use opens again.
        """
        connection, self._connection, self._channel = self._connection, None, None
        if connection:
            await connection.leave()

    async def _ensure(self, exchange: str) -> None:
        if exchange in self._exchanges:
            return
        async with self._opening:
            if exchange not in self._exchanges:
                connection = await self._connected()
                await connection.answer(ensure_exchange(connection, exchange), self._seconds)
                self._exchanges.add(exchange)

    async def _open_channel(self) -> AbstractChannel:
        connection = await self._connected()
        channel = connection.channel(publisher_confirms=True, on_return_raises=True)
        try:
            await connection.answer(channel.initialize())
        except LOST as error:
            await self.close()
            raise PublishError(f"RabbitMQ opens no channel ({type(error).__name__})") from None
        return channel

    async def _connected(self) -> BrokerConnection:
        # The library calls a connection closed only when we close it, not when it is lost.
        if self._connection is None or not self._connection.connected.is_set():
            if time.monotonic() < self._next_try:
                raise PublishError("RabbitMQ did not answer a moment ago")
            await self.close()
            try:
                self._connection = await connect(self._settings)
            except PublishError as error:
                self._next_try = time.monotonic() + RETRY_AFTER
                self._tell_away(error)
                raise
            self._away = False
            self._exchanges.clear()
            _log.info("Connected to RabbitMQ for publishing")
        return self._connection

    def _tell_away(self, error: PublishError) -> None:
        """
        Say it once, and not at each attempt.
        """
        if not self._away:
            self._away = True
            _log.warning("Messages wait: %s; trying again", error)
