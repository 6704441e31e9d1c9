"""
A connection to the broker that no silence of the broker can hold open.
"""

import asyncio
from collections.abc import Awaitable, Iterable
from contextlib import suppress
from typing import Any, TypeVar

import aio_pika
from aio_pika.connection import make_url
from aio_pika.exceptions import AMQPError
from aiormq import TransportFactory
from aiormq.connection import TCPTransportFactory, TLSTransportFactory
from typing_extensions import override
from yarl import URL

from payments_core.ports.publisher import PublishError
from payments_rabbit.loop import outcomes, within
from payments_rabbit.settings import RabbitSettings

T = TypeVar("T")

LOST = (AMQPError, OSError, TimeoutError, RuntimeError)
"""
What the library raises when a connection or a channel is not there or breaks.
"""


class BrokerConnection(aio_pika.Connection):
    """
    The library's connection, which waits for a broker no longer than settings say.
    """

    def __init__(self, settings: RabbitSettings) -> None:
        super().__init__(
            make_url(settings.url, heartbeat=int(settings.heartbeat.total_seconds())),
            client_properties={"connection_name": settings.service_name},
        )
        self._patience = settings.connect_timeout.total_seconds()
        self._socket = self.kwargs["transport_factory"] = _Socket()

    async def answer(self, work: Awaitable[T], seconds: float | None = None) -> T:
        """
        Return what work returns that waits for the broker, as `answers` does.

        Raises:
            TimeoutError: It was silent.
        """
        (outcome,) = await self.answers([work], seconds)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def answers(
        self, works: Iterable[Awaitable[T]], seconds: float | None = None
    ) -> list[T | Exception]:
        """
        Return what each work returns or raises that waits for the broker.

        A broker that is silent for so long, by default the timeout for connecting, would be so
        to the next question too: the connection is cut, and a `TimeoutError` among the rest.
        """
        found = await outcomes(self._patience if seconds is None else seconds, works)
        if any(isinstance(outcome, TimeoutError) for outcome in found):
            self._socket.cut()
        return found

    async def leave(self) -> None:
        """
        Tell the broker that we go, and go, whether or not it listens.
        """
        leaving = asyncio.ensure_future(self.close())
        await asyncio.wait({leaving}, timeout=self._patience)
        self._socket.cut()
        with suppress(*LOST):
            await within(self._patience, leaving)


async def connect(settings: RabbitSettings) -> BrokerConnection:
    """
    Return an open connection.

    Raises:
        PublishError: The broker is not there; its address is not repeated.
    """
    connection = BrokerConnection(settings)
    try:
        await connection.answer(connection.connect())
    except LOST as error:
        # Also one that never opened has to be closed, or the library complains of it later.
        await connection.leave()
        raise PublishError(f"RabbitMQ does not answer ({type(error).__name__})") from None
    return connection


class _Socket(TransportFactory):
    """
    Opens a socket as the library does, and keeps hold of it.

    The library closes a socket when all that was written to it has left, which never happens
    before a peer that stopped reading.
    """

    def __init__(self) -> None:
        self._writer: asyncio.StreamWriter | None = None

    @override
    async def create(
        self, url: URL, **kwargs: Any
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        factory = TLSTransportFactory() if url.scheme == "amqps" else TCPTransportFactory()
        reader, self._writer = await factory.create(url, **kwargs)
        return reader, self._writer

    def cut(self) -> None:
        """
        Close it now.
        """
        if self._writer:
            self._writer.transport.abort()
