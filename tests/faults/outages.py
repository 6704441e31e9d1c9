"""
A service on servers of its own, each of which can be taken away or made to stand still.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import attrs

from payments_postgres import DatabaseSettings, create_engine, migrate
from scripts.servers.process import free_port
from tests.faults.bench import heard_by, own_names, simulator_process
from tests.faults.freezing import family_of
from tests.faults.private_servers import PrivatePostgres
from tests.faults.standing import Standing, environ_of, issuer_in, standing, until
from tests.rabbit.peer import Neighbour
from tests.rabbit.private_broker import PrivateBroker
from tests.redis.conditions import PrivateRedis

ALL_OK: Final = dict.fromkeys(("database", "stripe", "worker", "rabbitmq", "redis"), "ok")
HEALTHY: Final = {"code": 200, **ALL_OK}


@attrs.define
class Provider:
    """
    A simulated Stripe that can be taken away; what it knows is in a file.
    """

    folder: Path
    port: int = attrs.field(factory=free_port)
    pid: int = 0
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
        before = set(family_of(os.getpid()))
        self._running.enter_context(simulator_process(*options, port=self.port))
        self.pid = min(set(family_of(os.getpid())) - before)

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


@contextmanager
def shop_in(folder: Path) -> Iterator[Shop]:
    """
    PostgreSQL, RabbitMQ, Redis and a simulated Stripe of our own, the API and a worker.
    """
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
