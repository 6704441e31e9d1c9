"""
Taking messages from our queues, as many at once as settings say, until we are stopped.
"""

import asyncio
import logging
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

import attrs
from aio_pika.abc import AbstractIncomingMessage, AbstractQueue

from payments_core.application.handle_message import HandleMessage
from payments_core.ports.clock import IClock, SystemClock
from payments_core.ports.correlation import correlated
from payments_core.ports.publisher import PublishError
from payments_rabbit.connection import LOST, BrokerConnection, connect
from payments_rabbit.correlation import correlation_of
from payments_rabbit.delivery import Delivery
from payments_rabbit.desk import PAUSES, Desk, Held
from payments_rabbit.host import Host
from payments_rabbit.loop import LoopThread
from payments_rabbit.names import Addresses
from payments_rabbit.outgoing import Outgoing
from payments_rabbit.returning import Returning
from payments_rabbit.settings import RabbitSettings
from payments_rabbit.topology import Endpoint, endpoints, ensure_endpoint, ensure_side_queues

_log = logging.getLogger(__name__)


@attrs.define(eq=False)
class Line:
    """
    One queue while it is consumed.

    Attributes:
        at_work: Messages that are handled now.
    """

    connection: BrokerConnection
    queue: AbstractQueue
    desk: Desk
    stopping: asyncio.Event
    slots: asyncio.Semaphore
    tag: str = ""
    at_work: set[asyncio.Task[None]] = attrs.field(factory=set)

    async def open(self) -> None:
        """
        Begin to receive.
        """
        self.tag = await self.queue.consume(self._receive)

    async def close(self) -> None:
        """
        Receive nothing more, and return when what is handled now is done.
        """
        with suppress(*LOST):
            await self.connection.answer(self.queue.cancel(self.tag))
        await asyncio.gather(*self.at_work)

    async def _receive(self, message: AbstractIncomingMessage) -> None:
        # The library cancels what runs in its callback when the channel is lost.
        task = asyncio.create_task(self._one(message))
        self.at_work.add(task)
        task.add_done_callback(self.at_work.discard)

    async def _one(self, message: AbstractIncomingMessage) -> None:
        async with self.slots:
            if self.stopping.is_set():
                # Without an answer it goes back to the queue when the connection ends.
                return
            with correlated(correlation_of(message.headers, message.message_id)):
                await self._take(message)

    async def _take(self, message: AbstractIncomingMessage) -> None:
        try:
            await self.desk.take(Delivery.of(self.queue.name, message))
        except Held:
            return
        except Exception:  # noqa: BLE001 - whatever went wrong, the message must stay
            _log.exception("A message on %s could not be put away", self.queue.name)
            await self._give_back(message)
            return
        # If the connection was lost meanwhile it comes again, and has no second effect.
        with suppress(*LOST):
            await self.connection.answer(message.ack())

    async def _give_back(self, message: AbstractIncomingMessage) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), PAUSES[2])
        with suppress(*LOST):
            await self.connection.answer(message.nack(requeue=True))


class RabbitConsumer:
    """
    Consumes from start to stop, whatever the broker does in between.
    """

    def __init__(
        self,
        settings: RabbitSettings,
        handle: HandleMessage,
        clock: IClock | None = None,
        host: Host | None = None,
    ) -> None:
        self._settings = settings
        self._handle = handle
        self._clock = clock or SystemClock()
        self._host = host or Host.here()
        self._loop = LoopThread("rabbit-consumer")
        self._running: Future[None] | None = None
        self._desk: Desk | None = None
        self._stopping: asyncio.Event
        self._consuming = False

    @property
    def connected(self) -> bool:
        """
        Whether it receives messages from the broker now.
        """
        return self._consuming

    def start(self) -> None:
        """
        Begin, in threads of its own. The broker need not be there yet.
        """
        self._loop.run(self._prepare())
        self._running = self._loop.start(self._run())

    def take_no_more(self) -> None:
        """
        Begin with no other message, and return at once.
        """
        if self._running:
            self._loop.run(self._ask_to_stop())

    def stop(self) -> None:
        """
        Take no more messages, finish those that are being handled, and return.
        """
        if self._running:
            self.take_no_more()
            self._running.result()
            self._running = None
            self._loop.run(self._outgoing.close())
            self._loop.close()
            self._pool.shutdown()

    def retry(self, limit: int = 20) -> int:
        """
        Handle messages that are due to be tried again, and return how many those were.

        Raises:
            PublishError: One has failed for good and cannot be put away; it stays due.
        """
        return self._loop.run(self._desk.retry(limit)) if self._running and self._desk else 0

    async def _prepare(self) -> None:
        settings = self._settings
        addresses = Addresses.of(settings.url)
        self._stopping = asyncio.Event()
        self._outgoing = Outgoing(settings)
        # One more thread than messages at once, for those that are tried again.
        threads = settings.concurrency * len(endpoints(settings)) + 1
        self._pool = ThreadPoolExecutor(threads, "rabbit-handler")
        returning = Returning(self._outgoing, addresses, self._host, self._clock)
        self._desk = Desk(settings, self._handle, returning, self._pool, self._stopping)

    async def _ask_to_stop(self) -> None:
        self._stopping.set()

    async def _run(self) -> None:
        failures, told = 0, ""
        while not self._stopping.is_set():
            try:
                await self._session()
                failures, told = 0, ""
            except (PublishError, *LOST) as error:
                # Said once for as long as it stays so.
                if told != (told := f"{type(error).__name__}: {error}"):
                    _log.warning("Nothing is consumed: %s; trying again", told)
            except Exception:  # noqa: BLE001 - whatever it was, nobody else would begin again
                _log.exception("Consuming broke off; trying again")
            with suppress(TimeoutError):
                pause = PAUSES[min(failures, len(PAUSES) - 1)]
                await asyncio.wait_for(self._stopping.wait(), pause)
            failures += 1

    async def _session(self) -> None:
        """
        Consume on one connection until it is lost or we are stopped.
        """
        lost = asyncio.Event()
        connection = await connect(self._settings)
        connection.close_callbacks.add(lambda *_: lost.set())
        lines: list[Line] = []
        try:
            for endpoint in endpoints(self._settings):
                line = await connection.answer(self._line(connection, endpoint, lost))
                await connection.answer(line.open())
                lines.append(line)
            _log.info("Consuming from %s", ", ".join(line.queue.name for line in lines))
            self._consuming = True
            await _first_of(self._stopping, lost)
        finally:
            self._consuming = False
            await asyncio.gather(*(line.close() for line in lines))
            await connection.leave()

    async def _line(
        self, connection: BrokerConnection, endpoint: Endpoint, lost: asyncio.Event
    ) -> Line:
        await ensure_endpoint(connection, endpoint)
        await ensure_side_queues(connection, endpoint.queue)
        channel = await connection.channel()
        channel.close_callbacks.add(lambda *_: lost.set())
        # The broker takes a queue's consumers away when somebody deletes the queue.
        raw = await channel.get_underlay_channel()
        raw.on_consumer_cancel_callbacks.add(lambda *_: lost.set())
        await channel.set_qos(prefetch_count=self._settings.prefetch)
        queue = await channel.get_queue(endpoint.queue, ensure=False)
        assert self._desk is not None
        slots = asyncio.Semaphore(self._settings.concurrency)
        return Line(connection, queue, self._desk, self._stopping, slots)


async def _first_of(*events: asyncio.Event) -> None:
    waiting = {asyncio.ensure_future(event.wait()) for event in events}
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
