"""
Servers of a proof's own: a database, a simulated provider as a process, names on the broker.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

from payments_postgres import DatabaseSettings, create_engine, migrate
from payments_rabbit import RabbitSettings
from scripts.servers import SERVERS
from scripts.servers.process import free_port
from tests.faults.world import EVENTS, KEY, SECRET, Place, new_offset
from tests.rabbit.peer import Neighbour

SIMULATOR = str(Path(sys.executable).with_name("stripe-simulator"))


@contextmanager
def simulator_process(*options: str, port: int = 0) -> Iterator[str]:
    """
    Run a simulator in a process of its own, by default on any free port, and yield its address.
    """
    port = port or free_port()
    command = [SIMULATOR, "--port", str(port), "--api-key", KEY, "--seed", "1"]
    with subprocess.Popen(
        [*command, "--webhook-secret", SECRET, *options], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            first = process.stdout.readline()
            assert re.search(str(port), first), first
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.stdout.read()
            process.wait(30)


def own_names(url: str) -> RabbitSettings:
    """
    Return settings under which nobody else has a name.
    """
    own = f"F{uuid4().hex[:8]}"
    return RabbitSettings(
        url=url,
        payments_namespace=f"{own}.Payments",
        order_created=(f"{own}.Orders:IOrderCreated",),
        refund_queue=f"{own}-refund-payment",
        capture_queue=f"{own}-capture-payment",
        order_queue=f"{own}-order-created",
    )


@contextmanager
def places(postgres_url: str, rabbit_url: str) -> Iterator[Place]:
    """
    Yield where a world can be.
    """
    server = SERVERS["postgres"]
    with ExitStack() as stack:
        database = stack.enter_context(server.room(postgres_url))[server.variable]
        yield stack.enter_context(place_on(database, rabbit_url))


@contextmanager
def place_on(database: str, rabbit_url: str) -> Iterator[Place]:
    """
    Yield a place whose database is empty and has no other user.
    """
    engine = create_engine(DatabaseSettings(database))
    migrate(engine)
    engine.dispose()
    with simulator_process() as simulator:
        yield Place(database, own_names(rabbit_url), simulator, new_offset())


@contextmanager
def listener(place: Place) -> Iterator[tuple[Neighbour, str]]:
    """
    Yield a neighbour with a queue that hears everything that is told.
    """
    peer = Neighbour(place.rabbit.url)
    queue, exchanges = heard_by(peer, place.rabbit)
    try:
        yield peer, queue
    finally:
        peer.delete(queue, *exchanges)
        peer.close()


def heard_by(peer: Neighbour, rabbit: RabbitSettings) -> tuple[str, list[str]]:
    """
    Let a queue hear everything that is told; return it and what it is bound to.
    """
    queue = f"{rabbit.payments_namespace}-heard"
    exchanges = [f"{rabbit.payments_namespace}:{name}" for name in EVENTS]
    peer.listen(queue, *exchanges)
    return queue, exchanges
