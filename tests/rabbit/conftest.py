"""
Names of its own for each test, on a real broker.
"""

from collections.abc import Iterator
from contextlib import suppress
from uuid import uuid4

import pytest
from aio_pika.exceptions import AMQPError

from payments_rabbit import RabbitEventPublisher, RabbitSettings
from payments_rabbit.names import error_queue, skipped_queue
from payments_rabbit.topology import endpoints
from tests.rabbit.peer import Neighbour

EVENTS = ("IPaymentSucceeded", "IPaymentFailed", "IRefundIssued", "IRefundFailed")


@pytest.fixture
def settings(rabbit_url: str) -> RabbitSettings:
    """
    Settings under which no two tests share a name.
    """
    own = f"T{uuid4().hex[:8]}"
    return RabbitSettings(
        url=rabbit_url,
        payments_namespace=f"{own}.Payments",
        order_created=(f"{own}.Orders:IOrderCreated",),
        refund_queue=f"{own}-refund-payment",
        capture_queue=f"{own}-capture-payment",
        order_queue=f"{own}-order-created",
    )


@pytest.fixture
def neighbour(settings: RabbitSettings) -> Iterator[Neighbour]:
    """
    Another service; what the test declared is deleted at its end.
    """
    peer = Neighbour(settings.url)
    yield peer
    names = [f"{settings.payments_namespace}:{name}" for name in EVENTS]
    for endpoint in endpoints(settings):
        queue = endpoint.queue
        names += [queue, error_queue(queue), skipped_queue(queue)]
        names += [e for kind in endpoint.types for e in (kind.exchange, kind.fault_exchange)]
    with suppress(AMQPError):
        peer.delete(*names)
    peer.close()


@pytest.fixture
def publisher(settings: RabbitSettings) -> Iterator[RabbitEventPublisher]:
    """
    Our publisher.
    """
    publisher = RabbitEventPublisher(settings)
    yield publisher
    publisher.stop()
