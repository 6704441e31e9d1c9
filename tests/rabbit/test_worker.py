"""
The worker as processes: each part alone, from the database to the broker and back.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from payments_bootstrap import Container, bootstrap
from payments_bootstrap.health import Condition
from payments_bootstrap.serving import migrate_database
from payments_core.domain.order import Order
from payments_core.testing.builders import a_payment, eur
from payments_core.testing.conformance.outbox import a_success
from payments_rabbit import RabbitSettings
from tests.rabbit.peer import WITHIN, Neighbour, an_envelope

pytestmark = pytest.mark.rabbit

PAYMENTS = str(Path(sys.executable).with_name("payments"))


@pytest.fixture
def environ(settings: RabbitSettings, tmp_path: Path) -> dict[str, str]:
    """
    The settings of an installation with SQLite and the tests' broker.
    """
    ours = {
        "DATABASE__URL": f"sqlite:///{tmp_path}/payments.db",
        "PAYMENT_PROVIDERS__STRIPE__API_KEY": "sk_test_abcdef",
        "PAYMENT_PROVIDERS__STRIPE__API_BASE": "http://127.0.0.1:1",
        "PAYMENT_PROVIDERS__STRIPE__WEBHOOK_SECRET": "whsec_one",
        "KEYCLOAK__ISSUER": "https://a.example",
        "RABBITMQ__URL": settings.url,
        "RABBITMQ__PAYMENTS_NAMESPACE": settings.payments_namespace,
        "RABBITMQ__ORDER_CREATED": settings.order_created[0],
        "RABBITMQ__REFUND_QUEUE": settings.refund_queue,
        "RABBITMQ__CAPTURE_QUEUE": settings.capture_queue,
        "RABBITMQ__ORDER_QUEUE": settings.order_queue,
    }
    return {**os.environ, **ours}


@pytest.fixture
def container(environ: dict[str, str]) -> Iterator[Container]:
    """
    The installation, with its tables.
    """
    container = bootstrap(environ)
    migrate_database(container)
    yield container
    container.engine().dispose()


@contextmanager
def worker(environ: dict[str, str], part: str) -> Iterator[subprocess.Popen[bytes]]:
    """
    Run one part of the worker; it must end by itself when it is asked to.
    """
    with subprocess.Popen([PAYMENTS, "worker", "--only", part], env=environ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                code = process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
    assert code == 0


def until(true: Callable[[], bool]) -> None:
    """
    Return when something has become true, which must be soon.
    """
    deadline = time.monotonic() + 2 * WITHIN
    while not true():
        assert time.monotonic() < deadline, "It did not come true in time"
        time.sleep(0.05)


def tell(container: Container) -> UUID:
    """
    Write an event, and return its id.
    """
    payment = a_payment()
    event = a_success(payment)
    with container.unit_of_work() as uow:
        uow.payments.add(payment)
        uow.outbox.add([event])
        uow.commit()
    return event.id


def test_relay_alone(
    environ: dict[str, str], container: Container, settings: RabbitSettings, neighbour: Neighbour
) -> None:
    """
    Before anybody listens nothing is lost; then the event arrives, and nothing waits any more.
    """
    event_id = tell(container)
    with worker(environ, "relay"):
        until(lambda: "unroutable" in (container.manage_outbox().waiting()[0].error or ""))
        exchange = f"{settings.payments_namespace}:IPaymentSucceeded"
        neighbour.listen(settings.refund_queue, exchange)
        got = neighbour.receive(settings.refund_queue)
        until(lambda: not container.manage_outbox().waiting())

    assert got.message_id == str(event_id)


def test_consumers_alone(
    environ: dict[str, str], container: Container, settings: RabbitSettings, neighbour: Neighbour
) -> None:
    """
    An order that is told is recorded; events stay where they are, since no relay runs.
    """
    tell(container)
    order_id = uuid4()
    body = {"orderId": str(order_id), "userId": "alice", "totalAmount": "129.90"}
    wanted = Order(id=order_id, customer_id="alice", total=eur("129.90"))

    def recorded() -> bool:
        with container.unit_of_work() as uow:
            return uow.orders.get(order_id) == wanted

    with worker(environ, "consumers"):
        neighbour.await_consumer(settings.order_queue)
        (exchange,) = settings.order_created
        neighbour.send(exchange, an_envelope(f"urn:message:{exchange}", body))
        until(recorded)

    assert len(container.manage_outbox().waiting()) == 1


def test_health_knows_the_broker(container: Container, environ: dict[str, str]) -> None:
    """
    The worker tells what it knows of the broker, and nobody else has to ask it.
    """
    probe = container.probes()["rabbitmq"]

    def word() -> Condition:
        answer = probe.ask()
        return answer.condition if answer else Condition.OK

    before = word()
    with worker(environ, "consumers"):
        until(lambda: word() is Condition.OK)
    after = word()
    nowhere = {**environ, "RABBITMQ__URL": "amqp://guest:guest@127.0.0.1:1/"}
    with worker(nowhere, "relay"):
        until(lambda: word() is Condition.UNAVAILABLE)

    assert (before, after) == (Condition.UNKNOWN, Condition.UNKNOWN)
