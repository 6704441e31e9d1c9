"""
A broker that freezes, connected as before, holds us up for a moment only.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import timedelta

import attrs
import pytest

from payments_core.ports.outbox import OutboxMessage
from payments_core.ports.publisher import PublishError
from payments_rabbit import RabbitEventPublisher, RabbitSettings
from tests.rabbit.peer import WITHIN, Neighbour
from tests.rabbit.silent_wire import SilentWire
from tests.rabbit.test_consumer import Bench, until
from tests.rabbit.test_publisher import some

SOON = timedelta(seconds=2)
OPENING = (0, 1, 2, 3, 4, 9, 40, 120)
"""
Frames that a consumer is told before the broker freezes: in the handshake, and between any two
steps of declaring; an opening that declares nothing new takes about 150.
"""

pytestmark = pytest.mark.rabbit


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """
    What is left at the end of the test.
    """
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def wires(settings: RabbitSettings, stack: ExitStack) -> Sequence[SilentWire]:
    """
    Ways to the broker that freeze in the opening.
    """
    wires = [SilentWire(settings.url, frames) for frames in OPENING]
    for wire in wires:
        stack.callback(wire.close)
    return wires


@pytest.fixture
def wire(settings: RabbitSettings, stack: ExitStack) -> SilentWire:
    """
    A way to the broker that works so far.
    """
    wire = SilentWire(settings.url)
    stack.callback(wire.close)
    return wire


def hasty(settings: RabbitSettings, wire: SilentWire) -> RabbitSettings:
    """
    Return settings that lead through a wire and give up soon.
    """
    return attrs.evolve(settings, url=wire.url, connect_timeout=SOON, publish_timeout=SOON)


def an_event(neighbour: Neighbour, settings: RabbitSettings, size: int) -> OutboxMessage:
    """
    Return an event of so many bytes that somebody listens to.
    """
    (row,) = some(settings, 1)
    neighbour.listen(settings.order_queue, row.destination)
    return attrs.evolve(row, body="x" * size)


def test_consumer_opens_again(
    settings: RabbitSettings, neighbour: Neighbour, wires: Sequence[SilentWire], stack: ExitStack
) -> None:
    """
    Whichever word of the opening was the broker's last, the consumer tries again.
    """
    for wire in wires:
        consumer = Bench(hasty(settings, wire), neighbour).consumer
        consumer.start()
        stack.callback(consumer.stop)

    until(lambda: all(len(wire.told) > 1 for wire in wires))
    for wire in wires:
        wire.frames = None
    neighbour.await_consumer(settings.order_queue, len(wires))


@pytest.mark.slow
def test_consumer_misses_the_heartbeat(
    settings: RabbitSettings, neighbour: Neighbour, wire: SilentWire
) -> None:
    """
    A broker that freezes while we consume is left when its heartbeat stays away.
    """
    bench = Bench(attrs.evolve(hasty(settings, wire), heartbeat=SOON / 2), neighbour)
    bench.start()
    wire.frames = 0
    until(lambda: len(wire.told) > 1)
    wire.frames = None
    bench.still_works()
    bench.consumer.stop()

    assert len(wire.told) > 1


def test_consumer_stops_before_a_frozen_broker(
    settings: RabbitSettings, neighbour: Neighbour, wire: SilentWire
) -> None:
    """
    We stop without the broker's answer.
    """
    bench = Bench(hasty(settings, wire), neighbour)
    bench.start()
    wire.frames = 0
    began = time.monotonic()
    bench.consumer.stop()

    assert time.monotonic() - began < WITHIN


@pytest.mark.parametrize("size", [10, 10_000_000], ids=["told", "half told"])
def test_publisher_returns(
    settings: RabbitSettings, neighbour: Neighbour, wire: SilentWire, size: int
) -> None:
    """
    Events that a frozen broker does not confirm have not left; they leave when it is back.
    """
    event = an_event(neighbour, settings, size)
    publisher = RabbitEventPublisher(hasty(settings, wire))
    healthy = publisher.publish([event])
    wire.frames = 0
    frozen = [publisher.publish([event, event]) for _ in range(2)]
    wire.frames = None
    until(lambda: publisher.publish([event]) == [None])
    publisher.stop()

    assert healthy == [None]
    assert all(isinstance(error, PublishError) for errors in frozen for error in errors)


def test_publisher_stops_before_a_frozen_broker(
    settings: RabbitSettings, neighbour: Neighbour, wire: SilentWire
) -> None:
    """
    We stop without the broker's answer, also when it does not even take what we tell it.
    """
    event = an_event(neighbour, settings, 10_000_000)
    publisher = RabbitEventPublisher(hasty(settings, wire))
    publisher.publish([event])
    wire.frames = 0
    publisher.publish([event])
    began = time.monotonic()
    publisher.stop()

    assert time.monotonic() - began < WITHIN
