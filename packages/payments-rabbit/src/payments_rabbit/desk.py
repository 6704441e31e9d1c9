"""
What is done with one message, from its bytes to the moment when the broker may forget it.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextvars import copy_context
from typing import Final, TypeVar

from payments_core.application.handle_message import Handled, HandleMessage, Outcome
from payments_core.domain.errors import StorageUnavailable
from payments_core.ports.correlation import correlated
from payments_core.ports.inbox import InboxMessage
from payments_rabbit.delivery import Delivery
from payments_rabbit.reading import Letter, Reader, Unknown, Unreadable
from payments_rabbit.returning import Returning, said
from payments_rabbit.settings import RabbitSettings
from payments_rabbit.topology import endpoints

T = TypeVar("T")

_log = logging.getLogger(__name__)

PAUSES: Final = (1.0, 2.0, 5.0)
"""
Seconds between attempts to come back to a broker or a database that is away. The last is the
longest that messages wait for nothing once it is back.
"""


class Held(Exception):
    """
    We are stopped before anything could be done: the message goes back to the queue.
    """


class Desk:
    """
    Reads, handles, and puts away what cannot be handled.
    """

    def __init__(
        self,
        settings: RabbitSettings,
        handle: HandleMessage,
        returning: Returning,
        pool: Executor,
        stopping: asyncio.Event,
    ) -> None:
        self._readers = readers(settings)
        self._handle = handle
        self._returning = returning
        self._pool = pool
        self._stopping = stopping

    async def take(self, delivery: Delivery) -> None:
        """
        Bring a message to its end; then the broker may forget it.

        Raises:
            PublishError: It could not be put away: it must be kept.
            Held: Likewise, since we are stopped.
        """
        letter = await self._read(delivery)
        if letter is None:
            return
        with correlated(letter.correlation):
            handled = await self._handled(letter, delivery, 0)
            _log.info("%s %s: %s", letter.received.name, letter.received.id, handled.outcome)
            if handled.outcome is Outcome.FAILED:
                await self._fail(delivery, handled, letter, 0)

    async def retry(self, limit: int) -> int:
        """
        Handle what was kept and is due again; return how many messages that were.

        One is claimed at a time, so that whoever is stopped keeps none from others.
        """
        done = 0
        while done < limit and not self._stopping.is_set():
            due = await self._call(lambda: self._handle.due(1))
            if not due:
                break
            await self._again(due[0])
            done += 1
        return done

    async def _again(self, kept: InboxMessage) -> None:
        delivery = Delivery.from_json(kept.content)
        letter = await self._read(delivery)
        with correlated(letter.correlation if letter else None):
            if letter is not None:
                handled = await self._handled(letter, delivery, kept.attempts)
                if handled.outcome is not Outcome.FAILED:
                    return
                await self._fail(delivery, handled, letter, kept.attempts)
            await self._call(lambda: self._handle.give_up(kept))

    async def _read(self, delivery: Delivery) -> Letter | None:
        try:
            return self._readers[delivery.queue].read(delivery)
        except Unknown as error:
            _log.warning("A message on %s is skipped: %s", delivery.queue, error)
            await self._returning.skip(delivery)
        except Unreadable as error:
            _log.error("A message on %s cannot be read: %s", delivery.queue, error)
            await self._returning.fail(delivery, error, None)
        return None

    async def _handled(self, letter: Letter, delivery: Delivery, attempts: int) -> Handled:
        content = delivery.to_json()
        failures = 0
        while True:
            try:
                return await self._call(
                    lambda: self._handle.execute(letter.received, content, attempts)
                )
            except StorageUnavailable:
                _log.warning("The database is away; %s waits", letter.received.id)
            await self._pause(PAUSES[min(failures, len(PAUSES) - 1)])
            failures += 1

    async def _fail(
        self, delivery: Delivery, handled: Handled, letter: Letter, retries: int
    ) -> None:
        error = handled.error
        assert error is not None
        _log.error("%s %s failed: %s", letter.received.name, letter.received.id, said(error))
        await self._returning.fail(delivery, error, letter, retries)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return
        raise Held

    async def _call(self, work: Callable[[], T]) -> T:
        """
        Do what blocks in a thread of its own, which knows under which ids.
        """
        run = copy_context().run
        return await asyncio.get_running_loop().run_in_executor(self._pool, run, work)


def readers(settings: RabbitSettings) -> Mapping[str, Reader]:
    """
    Return who reads which queue.
    """
    return {
        e.queue: Reader(dict.fromkeys(e.types, e.name), settings.max_message_bytes)
        for e in endpoints(settings)
    }
