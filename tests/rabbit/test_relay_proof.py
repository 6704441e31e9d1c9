"""
Nothing is lost and no order is out of order, whatever is killed while events leave.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import attrs
import pytest
from aio_pika.abc import AbstractIncomingMessage
from sqlalchemy import Engine, func, select

from payments_core.application.relay_outbox import RelayOutbox, RelayPolicy
from payments_core.ports.clock import SystemClock
from payments_core.ports.unit_of_work import UnitOfWorkFactory
from payments_core.testing.builders import NOW, a_payment
from payments_core.testing.conformance.outbox import a_success
from payments_postgres import DatabaseSettings, SqlAlchemyUnitOfWork, create_engine, migrate
from payments_postgres.tables import outbox
from payments_rabbit import MassTransitSerializer, RabbitEventPublisher, RabbitSettings
from scripts.servers import SERVERS
from tests.faults.counts import BROKER_KILLS, ORDERS_RELAYED
from tests.rabbit.peer import Neighbour
from tests.rabbit.private_broker import PrivateBroker

pytestmark = [pytest.mark.rabbit, pytest.mark.postgres, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
WITHIN = 120.0  # seconds


@attrs.frozen
class Database:
    """
    An empty PostgreSQL database.
    """

    url: str
    engine: Engine

    def units(self, settings: RabbitSettings) -> UnitOfWorkFactory:
        """
        Return what gives units of work that write MassTransit's envelopes.
        """
        return partial(SqlAlchemyUnitOfWork, self.engine, MassTransitSerializer(settings))

    def write(self, settings: RabbitSettings, orders: int, each: int) -> None:
        """
        Write so many events for so many orders.
        """
        make_uow = self.units(settings)
        for _ in range(orders):
            payment = a_payment()
            with make_uow() as uow:
                uow.payments.add(payment)
                uow.outbox.add([a_success(payment) for _ in range(each)])
                uow.commit()

    def left(self) -> int:
        """
        Return how many events have not left.
        """
        with self.engine.connect() as connection:
            waiting = select(func.count()).where(outbox.c.status != "published")
            return int(connection.execute(waiting).scalar_one())

    def rows(self) -> dict[str, tuple[UUID, int, str]]:
        """
        Return each event's order, sequence and body by its id.
        """
        with self.engine.connect() as connection:
            every = connection.execute(select(outbox)).all()
        return {str(r.id): (r.order_id, r.sequence, r.body) for r in every}


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    """
    A database for one test.
    """
    server = SERVERS["postgres"]
    with server.room(postgres_url) as variables:
        engine = create_engine(DatabaseSettings(variables[server.variable]))
        migrate(engine)
        yield Database(variables[server.variable], engine)
        engine.dispose()


def judge(database: Database, heard: Sequence[AbstractIncomingMessage]) -> Counter[str]:
    """
    Check that every event was heard, first copies in order, copies equal; return the copies.
    """
    rows = database.rows()
    first: dict[UUID, list[int]] = {}
    copies: Counter[str] = Counter()
    for message in heard:
        assert message.message_id is not None
        order_id, sequence, body = rows[message.message_id]
        assert message.body == body.encode()
        copies[message.message_id] += 1
        if copies[message.message_id] == 1:
            first.setdefault(order_id, []).append(sequence)
    lost = rows.keys() - copies.keys()

    assert not lost
    assert all(numbers == sorted(numbers) for numbers in first.values())
    return copies


def until_empty(database: Database) -> None:
    """
    Return when every event has left.
    """
    deadline = time.monotonic() + WITHIN
    while database.left():
        assert time.monotonic() < deadline, f"{database.left()} events have not left"
        time.sleep(0.1)


def test_broker_killed_in_the_middle(database: Database, tmp_path: Path) -> None:
    """
    A broker that dies in the middle of thousands of events, and comes back, loses none of them.
    """
    with ExitStack() as stack:
        broker = PrivateBroker(tmp_path)
        broker.open(stack)
        settings = RabbitSettings(url=broker.url)
        peer = Neighbour(broker.url)
        peer.listen("hears", "BuildingBlocks.Contracts.Payments:IPaymentSucceeded")
        events, kills = 10 * ORDERS_RELAYED.now, BROKER_KILLS.now
        database.write(settings, orders=ORDERS_RELAYED.now, each=10)
        publisher = RabbitEventPublisher(settings)
        stack.callback(publisher.stop)
        relay = RelayOutbox(database.units(settings), publisher, SystemClock())
        stopping = threading.Event()

        def run() -> None:
            while not stopping.is_set():
                if not relay.execute():
                    time.sleep(0.05)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            for number in range(1, kills + 1):
                while database.left() > events - number * events // (kills + 1):
                    time.sleep(0.01)
                broker.kill()
                assert database.left() > 0
                broker.start()
            until_empty(database)
        finally:
            stopping.set()
            thread.join()
        peer.close()
        peer = Neighbour(broker.url)
        heard = peer.drain("hears")
        peer.close()
    copies = judge(database, heard)

    assert len(copies) == events


@contextmanager
def relay_process(database: Database, settings: RabbitSettings) -> Iterator[subprocess.Popen[str]]:
    """
    Run a relay in a process of its own.
    """
    command = (sys.executable, "-m", "tests.rabbit.relay_process")
    arguments = (database.url, settings.url, settings.payments_namespace)
    with subprocess.Popen(
        (*command, *arguments), cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


def test_three_relays_at_once(
    database: Database, settings: RabbitSettings, neighbour: Neighbour
) -> None:
    """
    Three relays carry 3,000 events of 300 orders while one is killed and one stands still.
    """
    queue = f"hears-{uuid4().hex[:8]}"
    exchange = f"{settings.payments_namespace}:IPaymentSucceeded"
    neighbour.listen(queue, exchange)
    database.write(settings, orders=300, each=10)
    with ExitStack() as stack:
        relays = [stack.enter_context(relay_process(database, settings)) for _ in range(3)]
        while database.left() > 2500:
            time.sleep(0.01)
        os.kill(relays[0].pid, signal.SIGKILL)
        os.kill(relays[1].pid, signal.SIGSTOP)
        while database.left() > 1500:
            time.sleep(0.01)
        # Longer than its claim lasts: what it held has left with another when it wakes.
        time.sleep(3)
        os.kill(relays[1].pid, signal.SIGCONT)
        until_empty(database)
    heard = neighbour.drain(queue)
    neighbour.delete(queue)
    copies = judge(database, heard)

    assert len(copies) == 3000


def test_database_drops_the_relays(
    database: Database, settings: RabbitSettings, neighbour: Neighbour
) -> None:
    """
    Connections that the database drops, again and again, lose nothing either.
    """
    queue = f"hears-{uuid4().hex[:8]}"
    neighbour.listen(queue, f"{settings.payments_namespace}:IPaymentSucceeded")
    database.write(settings, orders=100, each=5)
    drop = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(relay_process_that_comes_back(database, settings))
        for _ in range(10):
            with database.engine.connect() as connection:
                connection.exec_driver_sql(drop)
            time.sleep(0.05)
        until_empty(database)
    heard = neighbour.drain(queue)
    neighbour.delete(queue)

    assert len(judge(database, heard)) == 500


@contextmanager
def relay_process_that_comes_back(
    database: Database, settings: RabbitSettings
) -> Iterator[threading.Thread]:
    """
    Run a relay in a thread, as the worker does: an error is the end of one run only.
    """
    publisher = RabbitEventPublisher(settings)
    engine = create_engine(DatabaseSettings(database.url))
    uow = partial(SqlAlchemyUnitOfWork, engine, MassTransitSerializer(settings))
    relay = RelayOutbox(
        uow, publisher, SystemClock(), RelayPolicy(lease=NOW.resolution * 2_000_000)
    )
    stopping = threading.Event()

    def run() -> None:
        while not stopping.is_set():
            try:
                relay.execute()
            except Exception:  # noqa: BLE001 - the worker's rule
                time.sleep(0.05)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield thread
    finally:
        stopping.set()
        thread.join()
        publisher.stop()
        engine.dispose()
