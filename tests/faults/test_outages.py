"""
Each thing that the service stands on is taken away in turn, and comes back.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final

import attrs
import pytest

from payments_postgres import DatabaseSettings, create_engine, migrate
from scripts.servers.process import free_port
from tests.faults.bench import heard_by, own_names, simulator_process
from tests.faults.private_servers import PrivatePostgres
from tests.faults.standing import Standing, environ_of, issuer_in, standing, until
from tests.rabbit.peer import Neighbour
from tests.rabbit.private_broker import PrivateBroker
from tests.redis.conditions import PrivateRedis

pytestmark = [pytest.mark.slow, pytest.mark.release]

ALL_OK: Final = dict.fromkeys(("database", "stripe", "worker", "rabbitmq", "redis"), "ok")
HEALTHY: Final = {"code": 200, **ALL_OK}


@attrs.define
class Provider:
    """
    A simulated Stripe that can be taken away; what it knows is in a file.
    """

    folder: Path
    port: int = attrs.field(factory=free_port)
    _running: ExitStack = attrs.field(factory=ExitStack)

    @property
    def url(self) -> str:
        """
        Its address.
        """
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """
        Let it come.
        """
        options = ("--database", str(self.folder / "stripe.db"))
        self._running.enter_context(simulator_process(*options, port=self.port))

    def kill(self) -> None:
        """
        Take it away.
        """
        self._running.close()


@attrs.define
class Shop:
    """
    The service and its servers.
    """

    service: Standing
    database: PrivatePostgres
    broker: PrivateBroker
    cache: PrivateRedis
    provider: Provider
    queue: str

    def heard(self, count: int) -> None:
        """
        Return when so many events were handed to whoever listens.
        """
        found: list[str] = []

        def enough() -> bool:
            peer = Neighbour(self.broker.url)
            found.extend(str(m.message_id) for m in peer.drain(self.queue))
            peer.close()
            return len(set(found)) >= count

        until(enough, lambda: f"{len(set(found))} of {count}")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """
    PostgreSQL, RabbitMQ, Redis and a simulated Stripe of our own, the API and a worker.
    """
    folder = tmp_path_factory.mktemp("outages")
    with ExitStack() as stack:
        database, cache, provider = PrivatePostgres(), PrivateRedis(folder), Provider(folder)
        database.open(stack)
        for server in (cache, provider):
            server.start()
            stack.callback(server.kill)
        (folder / "broker").mkdir()
        broker = PrivateBroker(folder / "broker")
        broker.open(stack)
        rabbit = own_names(broker.url)
        peer = Neighbour(broker.url)
        queue, _ = heard_by(peer, rabbit)
        peer.close()
        engine = create_engine(DatabaseSettings(database.url))
        migrate(engine)
        engine.dispose()
        issuer, keys = issuer_in(folder)
        environ = environ_of(database.url, rabbit, cache.url, provider.url, keys)
        service = stack.enter_context(standing(environ, issuer))
        service.becomes(**HEALTHY)
        yield Shop(service, database, broker, cache, provider, queue)


def paid(shop: Shop) -> None:
    """
    Take a payment, which must succeed at once.
    """
    answer = shop.service.pay()

    assert (answer.status_code, answer.json()["status"]) == (201, "Succeeded"), answer.text


def test_redis_is_away(shop: Shop) -> None:
    """
    Payments go on, and a word says what is missing.
    """
    shop.cache.kill()
    shop.service.becomes(**HEALTHY | {"redis": "unavailable"})
    paid(shop)
    command = shop.service.command()
    shop.cache.start()
    shop.service.becomes(**HEALTHY)

    assert command == 0
    shop.heard(1)


def test_broker_is_away(shop: Shop) -> None:
    """
    Payments go on; the workers tell that they are cut off, and what was to be told leaves later.
    """
    shop.broker.kill()
    shop.service.becomes(**HEALTHY | {"rabbitmq": "unavailable"})
    for _ in range(3):
        paid(shop)
    command = shop.service.command()
    shop.broker.start()
    shop.service.becomes(**HEALTHY)

    assert command == 0
    shop.heard(3)


def test_provider_is_away(shop: Shop) -> None:
    """
    A payment is taken in with an outcome that nobody knows yet; it is taken when Stripe is back.
    """
    shop.provider.kill()
    shop.service.becomes(**HEALTHY | {"stripe": "unavailable"})
    answer = shop.service.pay()
    command = shop.service.command()
    shop.provider.start()
    shop.service.becomes(**HEALTHY)

    assert command == 0
    assert answer.status_code == 202
    assert answer.headers["Retry-After"]
    assert answer.json()["status"] == "Pending"
    status = partial(shop.service.status, answer.json()["paymentId"])
    until(lambda: status() == "Succeeded", status)
    shop.heard(1)


def test_database_is_away(shop: Shop) -> None:
    """
    Not ready, and every request is told to come again; nothing else is said to be missing.
    """
    shop.database.kill()
    away = {"code": 503, "database": "unavailable", "worker": "unknown", "rabbitmq": "unknown"}
    shop.service.becomes(**away | {"stripe": "ok", "redis": "ok"})
    answer = shop.service.pay()
    ready = shop.service.get("/health/ready")
    command = shop.service.command()
    shop.database.start()
    shop.service.becomes(**HEALTHY)

    assert command == 1
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    assert answer.headers["Retry-After"]
    assert ready.headers["Retry-After"]
    paid(shop)
    shop.heard(1)
