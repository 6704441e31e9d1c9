"""
The relay from the database to the broker, against plain aio-pika with the same bodies.
"""

import asyncio
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from uuid import uuid4

import aio_pika
from sqlalchemy import Engine, text

from payments_core.application.relay_outbox import RelayOutbox
from payments_core.ports.clock import SystemClock
from payments_core.ports.unit_of_work import UnitOfWorkFactory
from payments_core.testing.builders import a_payment
from payments_core.testing.conformance.outbox import a_success
from payments_postgres import SqlAlchemyUnitOfWork
from payments_rabbit import MassTransitSerializer, RabbitEventPublisher, RabbitSettings

EACH = 4
"""
Events of one order.
"""

GATHERED = 100

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


def memory() -> int:
    """
    Return the resident memory of this process in KiB; 0 where it is not told.
    """
    status = Path(f"/proc/{os.getpid()}/statm")
    return (
        int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
        if status.exists()
        else 0
    )


def rounds(
    engine: Engine, url: str, times: int, orders: int
) -> tuple[list[tuple[float, float]], int]:
    """
    Return seconds per event, ours and by hand, for each round, and the growth of memory in KiB.
    """
    settings = RabbitSettings(url=url, payments_namespace=f"Bench{uuid4().hex[:8]}")
    exchange = f"{settings.payments_namespace}:IPaymentSucceeded"
    make_uow = partial(SqlAlchemyUnitOfWork, engine, MassTransitSerializer(settings))
    publisher = RabbitEventPublisher(settings)
    relay = RelayOutbox(make_uow, publisher, SystemClock())
    asyncio.run(declare(url, exchange))
    with engine.begin() as connection:
        # What the other figures wrote has no reader here.
        connection.execute(text("UPDATE outbox SET status = 'released'"))
    body = b"x" * 1400  # as long as an event in its envelope
    pairs: list[tuple[float, float]] = []
    before = 0
    for _ in range(times + 1):
        write(make_uow, orders)
        start = time.perf_counter()
        with ThreadPoolExecutor(RELAYS) as pool:
            sent = sum(pool.map(lambda _: carry(relay), range(RELAYS)))
        ours = time.perf_counter() - start
        theirs = asyncio.run(by_hand(url, exchange, [body] * sent))
        pairs.append((ours / sent, theirs / sent))
        before = before or memory()
    grown = memory() - before
    publisher.stop()
    asyncio.run(remove(url, exchange))
    return pairs[1:], grown
