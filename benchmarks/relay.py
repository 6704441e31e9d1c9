"""
The relay from the database to the broker, against plain aio-pika with the same bodies.
"""

import asyncio
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import uuid4

import aio_pika
from sqlalchemy import Engine, text

from benchmarks.place import Place
from benchmarks.rounds import Effort, Found, Sample, in_turn, rate_ratio
from payments_core.application.relay_outbox import RelayOutbox
from payments_core.ports.clock import SystemClock
from payments_core.ports.unit_of_work import UnitOfWorkFactory
from payments_core.testing.builders import a_payment
from payments_core.testing.conformance.outbox import a_success
from payments_postgres import DatabaseSettings, SqlAlchemyUnitOfWork, create_engine
from payments_rabbit import MassTransitSerializer, RabbitEventPublisher, RabbitSettings

EACH = 4
"""
Events of one order.
"""

GATHERED = 100

ORDERS = 300
"""
Orders for each second of a round.
"""

_BODY = b"x" * 1400
"""
As long as an event in its envelope.
"""

RELAYS = 2
"""
As many as a worker has by default.
"""


def write(make_uow: UnitOfWorkFactory, orders: int) -> None:
    """
    Write events for so many orders.
    """
    for _ in range(orders):
        payment = a_payment()
        with make_uow() as uow:
            uow.payments.add(payment)
            uow.outbox.add([a_success(payment) for _ in range(EACH)])
            uow.commit()


async def by_hand(url: str, exchange: str, bodies: Sequence[bytes]) -> float:
    """
    Publish with confirms, so many gathered at a time; return the seconds.
    """
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel(on_return_raises=True)
        target = await channel.get_exchange(exchange, ensure=False)
        persistent = aio_pika.DeliveryMode.PERSISTENT
        start = time.perf_counter()
        for first in range(0, len(bodies), GATHERED):
            part = bodies[first : first + GATHERED]
            messages = (aio_pika.Message(body, delivery_mode=persistent) for body in part)
            await asyncio.gather(*(target.publish(m, "", timeout=5) for m in messages))
        return time.perf_counter() - start


async def declare(url: str, exchange: str) -> None:
    """
    Let somebody listen.
    """
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        target = await channel.declare_exchange(
            exchange, aio_pika.ExchangeType.FANOUT, durable=True
        )
        queue = await channel.declare_queue(exchange, durable=True)
        await queue.bind(target)


async def remove(url: str, exchange: str) -> None:
    """
    Take away what was declared.
    """
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.queue_delete(exchange)
        await channel.exchange_delete(exchange)


def carry(relay: RelayOutbox) -> int:
    """
    Relay until nothing is left for this one; return how many left.
    """
    sent = 0
    while found := relay.execute():
        sent += found
    return sent


class _Sides:
    """
    The relay and the floor, which carry as many events each.
    """

    def __init__(self, engine: Engine, url: str, orders: int) -> None:
        settings = RabbitSettings(url=url, payments_namespace=f"Bench{uuid4().hex[:8]}")
        self.exchange = f"{settings.payments_namespace}:IPaymentSucceeded"
        self.publisher = RabbitEventPublisher(settings)
        self._url = url
        self._orders = orders
        self._make_uow = partial(SqlAlchemyUnitOfWork, engine, MassTransitSerializer(settings))
        self._relay = RelayOutbox(self._make_uow, self.publisher, SystemClock())

    def ours(self) -> Sample:
        """
        Carry what was written for so many orders.
        """
        write(self._make_uow, self._orders)
        start = time.perf_counter()
        with ThreadPoolExecutor(RELAYS) as pool:
            sent = sum(pool.map(lambda _: carry(self._relay), range(RELAYS)))
        return Sample(sent, time.perf_counter() - start)

    def floor(self) -> Sample:
        """
        Publish as many bodies by hand.
        """
        count = self._orders * EACH
        seconds = asyncio.run(by_hand(self._url, self.exchange, [_BODY] * count))
        return Sample(count, seconds)


def measure(place: Place, effort: Effort) -> Found:
    """
    Compare the relay, as a worker runs it, with plain aio-pika.
    """
    url = os.environ["TEST_RABBITMQ_URL"]
    engine = create_engine(DatabaseSettings(place.database_url))
    with engine.begin() as connection:
        # What the other figures wrote has no reader here.
        connection.execute(text("UPDATE outbox SET status = 'released' WHERE status = 'pending'"))
    sides = _Sides(engine, url, round(ORDERS * effort.seconds))
    asyncio.run(declare(url, sides.exchange))
    samples = in_turn({"relay": sides.ours, "aio-pika": sides.floor}, effort.rounds)
    sides.publisher.stop()
    engine.dispose()
    asyncio.run(remove(url, sides.exchange))
    words = {"figure": "relay", "case": f"{EACH} events an order, {RELAYS} relays"}
    ours, theirs = samples["relay"], samples["aio-pika"]
    return Found([rate_ratio(ours, theirs, floor="aio-pika", wanted=">= 0.5", **words)])
