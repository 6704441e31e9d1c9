"""
A relay as a process of its own: ``python -m tests.rabbit.relay_process DATABASE BROKER NAMESPACE``.

It runs until it is told to stop, with short leases so that a test need not wait long.
"""

import signal
import sys
import threading
from datetime import timedelta
from functools import partial

from payments_core.application.relay_outbox import RelayOutbox, RelayPolicy
from payments_core.ports.clock import SystemClock
from payments_postgres import DatabaseSettings, SqlAlchemyUnitOfWork, create_engine
from payments_rabbit import MassTransitSerializer, RabbitEventPublisher, RabbitSettings

POLICY = RelayPolicy(lease=timedelta(seconds=2), batch=20)


def main() -> None:
    """
    Relay until SIGTERM.
    """
    database, broker, namespace = sys.argv[1:]
    settings = RabbitSettings(
        url=broker, payments_namespace=namespace, publish_timeout=timedelta(seconds=1)
    )
    engine = create_engine(DatabaseSettings(database))
    uow = partial(SqlAlchemyUnitOfWork, engine, MassTransitSerializer(settings))
    publisher = RabbitEventPublisher(settings)
    relay = RelayOutbox(uow, publisher, SystemClock(), POLICY)
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    print("ready", flush=True)  # noqa: T201 - the test waits for it
    while not stopping.is_set():
        if not relay.execute():
            stopping.wait(0.05)
    publisher.stop()
    engine.dispose()


if __name__ == "__main__":
    main()
