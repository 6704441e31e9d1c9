"""
The API, the worker and the relay as processes that die at a number of passed fault points.
"""

import logging
import os
import signal
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

import attrs
from werkzeug.serving import make_server

from payments_bootstrap import Container
from payments_bootstrap.settings import (
    Environment,
    KeycloakSettings,
    LimitSettings,
    PaymentProviderSettings,
    Settings,
    WorkerSettings,
)
from payments_bootstrap.worker import Part
from payments_core.application.relay_outbox import RelayPolicy
from payments_core.domain.policy import Policy
from payments_core.ports.faults import hooked
from payments_http.app import create_app
from payments_postgres import DatabaseSettings
from payments_rabbit import RabbitSettings
from payments_redis import RedisSettings
from payments_stripe import StripeSettings
from tests.faults.world import KEY

SECOND: Final = timedelta(seconds=1)
LEASE: Final = 3 * SECOND


@attrs.frozen
class Post:
    """
    What a process has to do.

    Attributes:
        passes: After so many passes of fault points it kills itself; None for never.

        keys: The address of the keys with which tokens are signed.

        secret: Signs the provider's deliveries.
    """

    role: str
    database: str
    rabbit: RabbitSettings
    simulator: str
    keys: str
    issuer: str
    port: int
    secret: str
    redis: str = ""
    passes: int | None = None


def settings_of(post: Post) -> Settings:
    """
    Return the settings of an installation that waits for nothing longer than some seconds.
    """
    stripe = StripeSettings(
        api_key=KEY,
        webhook_secrets=(post.secret,),
        api_base=post.simulator,
        connect_timeout=1.0,
        read_timeout=1.5,
        deadline=2.0,
        max_attempts=1,
        breaker_failures=1000,
    )
    policy = Policy(
        lease=LEASE,
        backoff=(SECOND, 2 * SECOND),
        spent_backoff=(0 * SECOND, SECOND),
        proof_after=4 * SECOND,
        proof_gap=SECOND,
        listing_lease=LEASE,
    )
    worker = WorkerSettings(
        webhooks_every=SECOND / 4,
        relay_every=SECOND / 10,
        sweep_every=SECOND / 4,
        sweepers=1,
        relays=1,
    )
    return Settings(
        environment=Environment.DEVELOPMENT,
        database=DatabaseSettings(post.database, idle_in_transaction_timeout_seconds=2.0),
        payment_providers=PaymentProviderSettings(stripe=stripe),
        keycloak=KeycloakSettings(issuer=(post.issuer,), jwks_url=post.keys),
        limits=LimitSettings(enabled=False),
        redis=RedisSettings(url=post.redis),
        rabbitmq=post.rabbit,
        policy=policy,
        relay=RelayPolicy(lease=LEASE, batch=20),
        worker=worker,
    )


class Counter:
    """
    Counts passes, and ends the process at the last.
    """

    def __init__(self, passes: int | None) -> None:
        self._left = passes
        self._lock = threading.Lock()

    def __call__(self, _: str) -> None:
        """
        Hear of a point.
        """
        with self._lock:
            if self._left is None:
                return
            self._left -= 1
            if self._left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)


def container_of(post: Post) -> Container:
    """
    Return the container, in which a claimed webhook is due again soon.
    """
    container = Container(settings=settings_of(post))
    container.process_webhooks.add_kwargs(lease=LEASE)  # type: ignore[attr-defined]  # a factory
    container.receive_webhook.add_kwargs(grace=LEASE)  # type: ignore[attr-defined]  # a factory
    return container


def serve(post: Post, container: Container) -> None:
    """
    Serve the API.
    """
    server = make_server("127.0.0.1", post.port, create_app(container), threaded=True)
    server.serve_forever()


def work(post: Post, container: Container) -> None:
    """
    Do everything of the worker but relay.
    """
    del post
    container.worker(only=(Part.WEBHOOKS, Part.SWEEPER, Part.CONSUMERS)).start()
    threading.Event().wait()


def relay(post: Post, container: Container) -> None:
    """
    Carry messages to the broker.
    """
    del post
    container.worker(only=(Part.RELAY,)).start()
    threading.Event().wait()


ROLES: Final[Mapping[str, Callable[[Post, Container], None]]] = {
    "api": serve,
    "worker": work,
    "relay": relay,
}


def run(post: Post) -> None:
    """
    Do it until the count is over.
    """
    logging.disable(logging.CRITICAL)
    with hooked(Counter(post.passes)):
        ROLES[post.role](post, container_of(post))
