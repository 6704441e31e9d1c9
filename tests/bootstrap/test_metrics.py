"""
What is counted is what happened, and whatever counts keeps the promises of what it stands before.
"""

import logging
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from urllib.request import urlopen

import attrs
import pytest
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.registry import Collector
from typing_extensions import override

from payments_bootstrap.metrics.backlog import FAMILIES, BacklogCollector
from payments_bootstrap.metrics.heartbeats import HeartbeatCollector
from payments_bootstrap.metrics.jobs import counted
from payments_bootstrap.metrics.provider import CountedProvider
from payments_bootstrap.metrics.series import OPERATIONS, OUTCOMES, VERDICTS, begin
from payments_bootstrap.metrics.serving import MetricsServer, registry_of
from payments_bootstrap.metrics.unit_of_work import CountedUnitOfWork
from payments_bootstrap.worker import Job
from payments_core.domain.discrepancy import DiscrepancyKind, difference
from payments_core.domain.errors import StorageUnavailable
from payments_core.domain.facts import ProviderPayment
from payments_core.domain.failure import Failure
from payments_core.domain.status import PaymentStatus
from payments_core.ports import errors
from payments_core.ports.backlog import Backlog, IBacklogQueries
from payments_core.ports.errors import ProviderError, ProviderUnavailable, WebhookInvalid
from payments_core.ports.heartbeats import Heartbeat
from payments_core.ports.provider import IPaymentProvider, Window
from payments_core.ports.queries import IPaymentQueries
from payments_core.ports.unit_of_work import IUnitOfWork, UnitOfWorkFactory
from payments_core.ports.webhooks import WebhookStatus
from payments_core.testing.builders import NOW, a_payment, answered
from payments_core.testing.clock import ManualClock
from payments_core.testing.conformance.heartbeats import SECOND, a_heartbeat
from payments_core.testing.conformance.provider import ProviderConformance
from payments_core.testing.conformance.recovery import RecoveryConformance
from payments_core.testing.conformance.storage import StorageConformance, an_event
from payments_core.testing.fake_provider import FakePaymentProvider, Fault
from payments_core.testing.memory import InMemoryDatabase, InMemoryUnitOfWork
from payments_core.testing.memory_backlog import InMemoryBacklogQueries
from payments_core.testing.memory_heartbeats import InMemoryHeartbeats
from payments_core.testing.memory_queries import InMemoryPaymentQueries
from scripts.servers.process import free_port

DAY = timedelta(days=1)


def value(series: str, /, **labels: str) -> float:
    """
    Return what a series of this process says now; 0 if it does not exist.
    """
    return REGISTRY.get_sample_value(series, labels) or 0.0


def rise(act: Callable[[], object], series: str, /, **labels: str) -> float:
    """
    Return by how much an action raises a series.
    """
    before = value(series, **labels)
    act()
    return value(series, **labels) - before


class TestCountedStorage(StorageConformance):
    """
    A unit of work that counts is one.
    """

    @pytest.fixture
    def database(self) -> InMemoryDatabase:
        """
        An empty database.
        """
        return InMemoryDatabase()

    @pytest.fixture
    @override
    def make_uow(self, database: InMemoryDatabase) -> UnitOfWorkFactory:
        return lambda: CountedUnitOfWork(InMemoryUnitOfWork(database), ManualClock())

    @pytest.fixture
    @override
    def queries(self, database: InMemoryDatabase) -> IPaymentQueries:
        return InMemoryPaymentQueries(database)


class TestCountedRecovery(RecoveryConformance):
    """
    It hands out operations as the other does.
    """

    @pytest.fixture
    @override
    def make_uow(self) -> UnitOfWorkFactory:
        database = InMemoryDatabase()
        return lambda: CountedUnitOfWork(InMemoryUnitOfWork(database), ManualClock())


class TestCountedProvider(ProviderConformance):
    """
    A provider whose calls are counted is one.
    """

    approved = "fake_approved"
    declined = "fake_declined"
    action = "fake_action"

    @pytest.fixture
    @override
    def provider(self) -> IPaymentProvider:
        self.fake = FakePaymentProvider()
        return CountedProvider(self.fake)

    @override
    def approve(self, payment: ProviderPayment) -> None:
        self.fake.approve(payment.id)

    @override
    def reject(self, payment: ProviderPayment) -> None:
        self.fake.reject(payment.id)

    @override
    def delivery(self, payment: ProviderPayment) -> tuple[bytes, Mapping[str, str]]:
        return self.fake.webhook(payment.id)


@pytest.fixture
def make_uow() -> UnitOfWorkFactory:
    """
    Gives units of work on one empty database that count, at a minute after `NOW`.
    """
    database, clock = InMemoryDatabase(), ManualClock(NOW + timedelta(minutes=1))
    return lambda: CountedUnitOfWork(InMemoryUnitOfWork(database), clock)


def committed(make_uow: UnitOfWorkFactory, act: Callable[[IUnitOfWork], object]) -> None:
    """
    Do something in one transaction.
    """
    with make_uow() as uow:
        act(uow)
        uow.commit()


def test_states_are_counted_when_they_are_committed(make_uow: UnitOfWorkFactory) -> None:
    """
    A payment counts in each state that it comes into, once; what is undone does not count.
    """
    payment = a_payment()

    def settle(uow: IUnitOfWork) -> None:
        stored = uow.payments.get(payment.id)
        assert stored is not None
        uow.payments.save(answered(stored, id="fake_1"))
        uow.payments.save(stored)

    def undone() -> None:
        with make_uow() as uow:
            settle(uow)

    def counted(act: Callable[[], object], status: str) -> float:
        return rise(act, "payments_transitions_total", provider="fake", status=status)

    added = counted(
        lambda: committed(make_uow, lambda uow: uow.payments.add(payment)), PaymentStatus.PENDING
    )
    lost = counted(undone, PaymentStatus.SUCCEEDED)
    paid = [counted(lambda: committed(make_uow, settle), PaymentStatus.SUCCEEDED) for _ in range(2)]

    assert (added, lost, paid) == (1, 0, [1, 0])


def test_a_refused_payment_is_none(make_uow: UnitOfWorkFactory) -> None:
    """
    A payment that was not added, since its order has one, does not count.
    """
    payment = a_payment()
    second = a_payment(order_id=payment.order_id)
    committed(make_uow, lambda uow: uow.payments.add(payment))

    def add() -> None:
        committed(make_uow, lambda uow: uow.payments.add(second))

    assert rise(add, "payments_transitions_total", provider="fake", status="Pending") == 0


def test_differences_count_once(make_uow: UnitOfWorkFactory) -> None:
    """
    A difference counts when it is news.
    """
    found = difference(
        None,
        DiscrepancyKind.MISSING_LOCAL,
        NOW,
        provider_object_id="x",
        local_value="",
        provider_value="y",
    )

    def report() -> None:
        committed(make_uow, lambda uow: uow.discrepancies.add(found))

    risen = [rise(report, "payments_discrepancies_found_total", kind=found.kind) for _ in "ab"]

    assert risen == [1, 0]


@pytest.mark.parametrize(
    ("status", "outcome", "late"),
    [
        (WebhookStatus.PROCESSED, "processed", 60),
        (WebhookStatus.RECEIVED, "failed", 0),
        (WebhookStatus.PARKED, "parked", 0),
        (WebhookStatus.DEAD, "dead", 0),
        (WebhookStatus.IGNORED, "ignored", 0),
    ],
)
def test_what_becomes_of_events(
    make_uow: UnitOfWorkFactory, status: WebhookStatus, outcome: str, late: float
) -> None:
    """
    Each try counts by its end, and an effect by how late it is after the event at the provider.
    """
    event = an_event()
    committed(make_uow, lambda uow: uow.webhooks.add(event))

    def save() -> None:
        committed(make_uow, lambda uow: uow.webhooks.save(attrs.evolve(event, status=status)))

    lag = value("payments_webhook_lag_seconds_sum", provider="fake")
    risen = rise(save, "payments_webhook_events_total", provider="fake", outcome=outcome)

    assert risen == 1
    assert round(value("payments_webhook_lag_seconds_sum", provider="fake") - lag) == late


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, "provider_rejected"),
        (ProviderUnavailable(Failure("timeout", "No answer.")), "provider_unavailable"),
        (errors.ProviderMisconfigured(Failure("x", "No.")), "provider_misconfigured"),
    ],
)
def test_calls_count_by_their_end(error: ProviderError | None, outcome: str) -> None:
    """
    Every call counts, also one that raises, and its time is taken.
    """
    fake = FakePaymentProvider()
    if error:
        fake.faults.append(Fault("retrieve", error=error))
    provider = CountedProvider(fake)

    def retrieve() -> None:
        with pytest.raises(type(error) if error else errors.ProviderRejected):
            provider.retrieve("fake_nothing")

    name = "payments_provider_call_duration_seconds_count"
    timed = value(name, provider="fake", operation="retrieve")
    risen = rise(
        retrieve,
        *("payments_provider_calls_total",),
        provider="fake",
        operation="retrieve",
        outcome=outcome,
    )

    assert risen == 1
    assert value(name, provider="fake", operation="retrieve") - timed == 1


def test_a_listing_is_one_call() -> None:
    """
    However long a listing is, it counts once, at its end.
    """
    provider = CountedProvider(FakePaymentProvider())

    def read() -> None:
        assert list(provider.list_payments(Window(NOW, NOW + DAY))) == []

    labels = {"provider": "fake", "operation": "list_payments", "outcome": "ok"}

    assert rise(read, "payments_provider_calls_total", **labels) == 1


def test_every_label_is_known() -> None:
    """
    What a provider can raise, and what it can be asked, begins at zero: else its first time is not seen.
    """
    begin(["begun"])
    every = [k for k in vars(errors).values() if isinstance(k, type)]
    raised = {k.code for k in every if issubclass(k, ProviderError)} - {ProviderError.code}
    refused = {k.code for k in every if issubclass(k, WebhookInvalid)} - {WebhookInvalid.code}
    asked = {*vars(IPaymentProvider)} - {"name", "check_amount", "parse_webhook"}
    calls = {name for name in asked if not name.startswith("_")}

    assert {*OUTCOMES} == raised | {"ok", "unexpected"}
    assert {*VERDICTS} == refused | {"verified"}
    assert {*OPERATIONS} == {name.removesuffix("_intent") for name in calls}
    for status in PaymentStatus:
        labels = {"provider": "begun", "status": status.value}
        assert REGISTRY.get_sample_value("payments_transitions_total", labels) == 0


def test_jobs_are_counted() -> None:
    """
    Each run counts by its end; the last good one leaves its moment, and the job is the same else.
    """
    found = iter([3])

    def run() -> int:
        try:
            return next(found)
        except StopIteration:
            raise RuntimeError from None

    (job,) = counted([Job("counted", run, DAY, threads=4)])
    good = job.run()
    with pytest.raises(RuntimeError):
        job.run()

    assert (job.name, job.threads, job.interval) == ("counted", 4, DAY)
    assert good == 3
    assert value("payments_worker_runs_total", name="counted", outcome="ok") == 1
    assert value("payments_worker_runs_total", name="counted", outcome="error") == 1
    assert value("payments_worker_last_success_timestamp_seconds", name="counted") > 0


class Scripted(IBacklogQueries):
    """
    Counts when the test lets it, or raises.
    """

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.asked = 0
        self.free = threading.Event()

    @override
    def count(self) -> Backlog:
        self.asked += 1
        if self.error:
            raise self.error
        assert self.free.wait(60)
        return Backlog(messages={}, operations={}, webhooks={}, discrepancies={})


def scraped(collector: Collector) -> str:
    """
    Return what Prometheus reads.
    """
    registry = CollectorRegistry()
    registry.register(collector)
    return generate_latest(registry).decode()


def test_what_is_not_done_is_told() -> None:
    """
    Each state has its number, 0 for none, and the age of the oldest.
    """
    database = InMemoryDatabase()
    with InMemoryUnitOfWork(database) as uow:
        uow.payments.add(a_payment())
        uow.webhooks.add(an_event(status=WebhookStatus.DEAD))
        uow.commit()
    clock = ManualClock(NOW + timedelta(minutes=7))
    told = scraped(BacklogCollector(InMemoryBacklogQueries(database), clock))

    assert "payments_database_up 1.0" in told
    assert 'payments_operations_unresolved{state="sent"} 1.0' in told
    assert 'payments_operations_unresolved_oldest_age_seconds{state="sent"} 420.0' in told
    assert 'payments_operations_unresolved{state="review"} 0.0' in told
    assert 'payments_webhooks_undone{status="dead"} 1.0' in told
    assert 'payments_outbox_unsent{status="pending"} 0.0' in told
    assert "payments_discrepancies_standing_newest_age_seconds{" not in told


def test_a_scrape_does_without_the_database(caplog: pytest.LogCaptureFixture) -> None:
    """
    A database that raises is a figure, and no figure of it is made up.
    """
    told = scraped(BacklogCollector(Scripted(RuntimeError("secret")), ManualClock()))

    assert "payments_database_up 0.0" in told
    assert not [f.name for f in FAMILIES if f"\n{f.name}{{" in told]
    assert "secret" not in caplog.text


def test_a_scrape_does_not_wait_for_a_slow_database() -> None:
    """
    While one count hangs, scrapes go on without it and begin no other; then all is well again.
    """
    slow = Scripted()
    collector = BacklogCollector(slow, ManualClock(), patience=0.01)
    hanging = [scraped(collector) for _ in range(3)]
    asked = slow.asked
    slow.free.set()
    again = BacklogCollector(slow, ManualClock(), patience=60)

    assert all("payments_database_up 0.0" in told for told in hanging)
    assert asked == 1
    assert "payments_database_up 1.0" in scraped(again)


def test_a_count_is_good_for_a_while() -> None:
    """
    Who scrapes often does not count often.
    """
    ready = Scripted()
    ready.free.set()
    collector = BacklogCollector(ready, ManualClock(), patience=60, fresh=3600)
    told = [scraped(collector) for _ in range(3)]

    assert all("payments_database_up 1.0" in one for one in told)
    assert ready.asked == 1


def test_signs_of_life_are_told_by_part() -> None:
    """
    Each part that somebody does has the age of its newest sign of life; others have none.
    """
    place = InMemoryHeartbeats()
    place.beat(a_heartbeat("host/1", parts=("relay", "sweeper"), at=NOW))
    place.beat(a_heartbeat("host/2", parts=("relay", "part to come"), at=NOW + SECOND))
    (family,) = HeartbeatCollector(place, ManualClock(NOW + timedelta(seconds=31))).collect()
    ages = {sample.labels["part"]: round(sample.value) for sample in family.samples}

    assert ages == {"sweeper": 31, "relay": 30}


def test_no_sign_of_life_is_made_up() -> None:
    """
    Without the database a scrape goes on, and tells of no part.
    """

    class Away(InMemoryHeartbeats):
        @override
        def since(self, moment: datetime) -> Sequence[Heartbeat]:
            raise StorageUnavailable("away")

    assert "payments_worker" not in scraped(HeartbeatCollector(Away(), ManualClock()))


def test_served_until_it_stops() -> None:
    """
    The figures of this process are at the port, with what is collected besides, and then nothing is.
    """
    ready = Scripted()
    ready.free.set()
    port = free_port()
    collector = BacklogCollector(ready, ManualClock(), patience=60)
    server = MetricsServer(port, "127.0.0.1", registry_of(None, collector))
    server.start()
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
        told = answer.read().decode()
    server.stop()

    assert "payments_database_up 1.0" in told
    assert "# TYPE payments_transitions_total counter" in told
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), 60):
        pass


def test_a_port_that_is_taken_stops_no_payment(caplog: pytest.LogCaptureFixture) -> None:
    """
    It is a line of the log that says what to do.
    """
    with socket.create_server(("127.0.0.1", 0)) as taken, caplog.at_level(logging.ERROR):
        server = MetricsServer(taken.getsockname()[1], "127.0.0.1", CollectorRegistry())
        server.start()
        server.stop()

    assert caplog.messages[0].startswith("metrics_not_served: port")


def test_port_zero_is_nowhere() -> None:
    """
    Whoever wants no figures gets none.
    """
    server = MetricsServer(0, "127.0.0.1", CollectorRegistry())
    server.start()
    server.stop()
