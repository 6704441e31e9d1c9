"""
The wiring.
"""

import hmac
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from dependency_injector import providers
from opentelemetry.trace import NoOpTracer
from prometheus_client import generate_latest

from payments_bootstrap import close
from payments_bootstrap.configuration import load
from payments_bootstrap.container import Container
from payments_bootstrap.opening import seal_of
from payments_bootstrap.rules import PROVIDERS
from payments_bootstrap.settings import Check, PaymentProviderSettings
from payments_bootstrap.spans import TracedProvider, trace
from payments_bootstrap.telemetry import OtelTracer
from payments_core.testing.conformance.heartbeats import a_heartbeat
from payments_core.testing.conformance.idempotency import a_keyed_request
from payments_core.testing.fake_provider import FakePaymentProvider
from payments_postgres import migrate
from payments_redis import RedisSettings

ENVIRON = {
    "DATABASE__URL": "sqlite://",
    "PAYMENT_PROVIDERS__STRIPE__API_KEY": "sk_test_abcdef",
    "PAYMENT_PROVIDERS__STRIPE__WEBHOOK_SECRET": "whsec_one",
    "KEYCLOAK__ISSUER": "https://a.example",
}

_PAGE = b'{"object": "list", "data": [], "has_more": false}'
EMPTY_PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(_PAGE), _PAGE)


@pytest.fixture
def container() -> Container:
    """
    The real container with harmless settings; nothing is connected yet.
    """
    return Container(settings=load(ENVIRON))


# There is no tracer unless the settings ask for one.
@pytest.mark.parametrize("name", sorted(Container.providers.keys() - {"tracer"}))
def test_everything_can_be_built(container: Container, name: str) -> None:
    """
    Each provider builds: a misspelt argument or a wrong path in the settings fails here.
    """
    assert container.providers[name]() is not None


def test_names_are_those_of_the_rules(container: Container) -> None:
    """
    What the settings may name is what is wired: providers, and checks for each part there is.
    """
    both = {"RABBITMQ__URL": "amqp://127.0.0.1", "REDIS__URL": "redis://127.0.0.1"}
    probes = Container(settings=load(ENVIRON | both)).probes()

    assert tuple(container.payment_providers.kwargs) == PROVIDERS
    assert {*probes, *PROVIDERS} == set(Check)


@attrs.frozen
class TwoProviders(PaymentProviderSettings):
    """
    The settings of a provider beside Stripe.
    """

    second: str | None = None


@pytest.mark.parametrize("used", [("stripe", "second"), ("second",)])
def test_each_provider_is_traced(used: tuple[str, ...]) -> None:
    """
    A provider that is wired beside Stripe has spans around it too, also in place of it.
    """
    settings = load(ENVIRON)
    stripe = settings.payment_providers.stripe if "stripe" in used else None
    both = TwoProviders(stripe=stripe, second="its settings")
    container = Container(settings=attrs.evolve(settings, payment_providers=both))
    second = providers.Singleton(FakePaymentProvider, name="second")
    container.payment_providers.add_kwargs(second=second.provider)
    trace(container, OtelTracer(NoOpTracer()))
    found = container.payment_providers()

    assert tuple(found) == used
    assert {type(provider) for provider in found.values()} == {TracedProvider}


def test_a_provider_that_is_not_used() -> None:
    """
    It is neither opened, nor asked how it is, nor compared by the schedule.
    """
    unused = attrs.evolve(load(ENVIRON), payment_providers=PaymentProviderSettings())
    container = Container(settings=unused)

    assert container.payment_providers() == {}
    assert Check.STRIPE not in container.probes()
    assert container.reconciler().providers == ()


def test_what_a_worker_tells_prometheus(container: Container) -> None:
    """
    A scrape of a worker reads what waits, and who gave a sign of life.
    """
    migrate(container.engine())
    container.heartbeats().beat(a_heartbeat(parts=("relay",), at=container.clock().now()))
    told = generate_latest(container.worker_metrics().registry).decode()

    assert 'payments_outbox_unsent{status="pending"} 0.0' in told
    assert 'payments_worker_heartbeat_age_seconds{part="relay"} ' in told


def test_units_of_work_are_fresh(container: Container) -> None:
    """
    Each use of the factory gives another unit of work on the same engine.
    """
    make = container.operations().unit_of_work

    assert make() is not make()


def test_close_what_was_opened(container: Container) -> None:
    """
    Closing lets go of the database's pool.
    """
    container.queries().ping()
    before = container.engine().pool
    close(container)

    assert container.engine().pool is not before


def test_close_reaches_the_provider() -> None:
    """
    Closing hangs up on Stripe, whose connection was kept for the next call.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as pool:
        base = f"http://127.0.0.1:{listening.getsockname()[1]}"
        environ = ENVIRON | {"PAYMENT_PROVIDERS__STRIPE__API_BASE": base}
        container = Container(settings=load(environ))
        pinging = pool.submit(container.probes()[Check.STRIPE].ask)
        with listening.accept()[0] as connection:
            connection.settimeout(5)
            connection.recv(65_536)
            connection.sendall(EMPTY_PAGE)
            pinging.result(5)
            close(container)

            assert connection.recv(1) == b""


def test_close_what_was_never_opened(container: Container) -> None:
    """
    Closing opens nothing, and leaves what a test put in.
    """
    container.engine.override(providers.Factory(pytest.fail, "the engine is not ours"))

    close(container)


def test_worker_removes_expired_keys(container: Container) -> None:
    """
    The worker's job removes idempotency keys whose time is over, and only those.
    """
    migrate(container.engine())
    now, day = datetime.now(UTC), timedelta(days=1)
    old, new = (a_keyed_request(expires_at=now + days * day) for days in (-1, 1))
    with container.unit_of_work() as uow:
        assert [uow.idempotency.take(request) for request in (old, new)] == [None, None]
        uow.commit()
    (job,) = (job for job in container.jobs() if job.name == "idempotency keys")
    removed = [job.run(), job.run()]
    close(container)

    assert removed == [1, 0]


def test_results_are_remembered_where_redis_is() -> None:
    """
    With an address of Redis results are cached there, without one nowhere.
    """
    with_redis = Container(settings=load(ENVIRON | {"REDIS__URL": "redis://127.0.0.1"}))
    without = Container(settings=load(ENVIRON))

    assert type(with_redis.operations().results).__name__ == "RedisResultCache"
    assert type(without.operations().results).__name__ == "NoResultCache"
    assert Check.REDIS not in without.probes()


def test_the_seal_of_results_is_of_what_only_processes_know() -> None:
    """
    Redis' own setting seals them where there is one, else Stripe's key; nothing known is no seal.
    """
    url, stripe = "redis://127.0.0.1", load(ENVIRON).payment_providers.stripe
    own = RedisSettings(url=url, seal_key="k" * 32)
    cases = ((own, None), (own, stripe), (RedisSettings(url=url), stripe))
    seals = [seal_of(settings, known) for settings, known in cases]

    assert seals[0] == seals[1] != seals[2]
    # So it was always made: what an earlier release left in Redis is read.
    assert seals[2] == hmac.digest(b"sk_test_abcdef", b"results in redis", "sha256")
    with pytest.raises(ValueError, match="seal_key"):
        seal_of(RedisSettings(url=url), None)


def test_one_engine_for_all_threads(container: Container) -> None:
    """
    Threads that ask at the same moment get the same engine.
    """
    gate = threading.Barrier(8)

    def ask(_: int) -> int:
        gate.wait(60)
        return id(container.engine())

    with ThreadPoolExecutor(8) as pool:
        engines = set(pool.map(ask, range(8)))

    assert len(engines) == 1


def test_stopping_a_job_stops_it_between_steps(container: Container) -> None:
    """
    What the worker tells its jobs reaches the work: with nothing begun, nothing is claimed.
    """
    jobs = {job.name: job for job in container.jobs()}
    for job in jobs.values():
        job.stop()

    # Each would ask a database that has no tables.
    assert jobs["webhooks"].run() == 0
    assert not container.going()()
