"""
A consumer whose broker is killed comes back, and does nothing twice.
"""

from contextlib import ExitStack
from pathlib import Path

import attrs
import pytest

from payments_core.testing.builders import eur
from payments_rabbit import RabbitSettings
from payments_rabbit.names import error_queue
from tests.rabbit.peer import WITHIN, Neighbour
from tests.rabbit.private_broker import PrivateBroker
from tests.rabbit.test_consumer import Bench, Gate

pytestmark = [pytest.mark.rabbit, pytest.mark.slow]


def test_consumer_comes_back(settings: RabbitSettings, tmp_path: Path) -> None:
    """
    Commands that wait, and one that is being handled when the broker dies, are handled once.
    """
    with ExitStack() as stack:
        broker = PrivateBroker(tmp_path)
        broker.open(stack)
        settings = attrs.evolve(settings, url=broker.url)
        peer = Neighbour(broker.url)
        bench = Bench(settings, peer)
        gate = Gate(bench.handlers["RefundPaymentCommand"])
        bench.handlers["RefundPaymentCommand"] = gate
        bench.start()
        stack.callback(bench.consumer.stop)
        payments = [bench.service.pay() for _ in range(20)]
        for payment in payments:
            bench.send(bench.refund({"paymentId": str(payment.id), "amount": "1.00"}))
        assert gate.entered.acquire(timeout=WITHIN)
        broker.kill()
        gate.open.set()
        broker.start()
        peer.close()
        bench.neighbour = peer = Neighbour(broker.url)
        stack.callback(peer.close)
        peer.await_consumer(settings.refund_queue)
        bench.still_works()
        errors = peer.drain(error_queue(settings.refund_queue))

    assert not errors
    assert all(bench.service.stored(p.id).refunded == eur("1.00") for p in payments)
    assert bench.service.provider.calls.count("refund") == 21
