"""
Reconciliation by itself: once for each time that the schedule names, however many workers run.
"""

from datetime import UTC, datetime, timedelta

import pytest

from payments_bootstrap.configuration import ConfigurationError, load
from payments_bootstrap.reconciling import Reconciler
from payments_bootstrap.schedule import is_schedule, last_due
from payments_bootstrap.settings import ReconcileSettings
from payments_core.application.reconcile_payments import ReconcileCommand
from payments_core.domain.reconciliation import ReconciliationRun, RunStatus
from payments_core.ports.faults import hooked
from tests.bootstrap.test_container import ENVIRON
from tests.core.application.service import Service

AT_NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "now", "due"),
    [
        ("30 3 * * *", AT_NOON, datetime(2026, 11, 22, 3, 30, tzinfo=UTC)),
        ("0 12 * * *", AT_NOON, AT_NOON),
        ("0 12 * * *", AT_NOON + timedelta(seconds=59), AT_NOON),
        ("0 12 * * *", AT_NOON - timedelta(microseconds=1), AT_NOON - timedelta(days=1)),
        ("*/15 * * * *", AT_NOON + timedelta(minutes=44), AT_NOON + timedelta(minutes=30)),
        ("0 0 * * mon", AT_NOON, datetime(2026, 11, 16, tzinfo=UTC)),
    ],
)
def test_last_due(expression: str, now: datetime, due: datetime) -> None:
    """
    The latest moment that the expression names, up to now.
    """
    assert last_due(expression, now) == due


@pytest.mark.parametrize("text", ["", "daily", "@daily", "61 * * * *", "* * * *", "* * * * * *"])
def test_no_schedule(text: str) -> None:
    """
    Five fields within their bounds; nothing else is a schedule.
    """
    assert not is_schedule(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RECONCILE__SCHEDULE", "daily"),
        ("RECONCILE__LOOKBACK", "32d"),
        ("RECONCILE__LOOKBACK", "0s"),
    ],
)
def test_settings_that_do_not_start(name: str, value: str) -> None:
    """
    A schedule that is none, and a window that cannot be, are told at the start.
    """
    with pytest.raises(ConfigurationError, match=name):
        load(ENVIRON | {name: value})


def test_no_schedule_is_allowed() -> None:
    """
    An empty schedule turns it off.
    """
    assert load(ENVIRON | {"RECONCILE__SCHEDULE": ""}).reconcile.schedule == ""


def reconcilers(service: Service, number: int, schedule: str = "0 * * * *") -> list[Reconciler]:
    """
    Return the parts of so many workers on one database.
    """
    settings = ReconcileSettings(schedule=schedule)
    return [
        Reconciler(service.reconcile, settings, ("fake",), service.clock) for _ in range(number)
    ]


def runs(service: Service) -> list[ReconciliationRun]:
    """
    Return the runs that are kept.
    """
    return list(service.database.tables.reconciliations.values())


def test_each_time_is_run_once() -> None:
    """
    Several workers run what is due once each time, whoever comes first.
    """
    service = Service()
    several = reconcilers(service, 3)
    for _ in range(3):
        for reconciler in several:
            reconciler.run()
            reconciler.run()
        service.clock.advance(hours=1)

    assert [run.status for run in runs(service)] == [RunStatus.COMPLETED] * 3
    assert {run.window_end - run.window_start for run in runs(service)} == {timedelta(days=3)}
    assert {run.requested_by for run in runs(service)} == {"schedule"}


def test_a_worker_that_starts_later_repeats_nothing() -> None:
    """
    The runs are in the database, so a restart runs no time again.
    """
    service = Service()
    for reconciler in (*reconcilers(service, 1), *reconcilers(service, 1)):
        reconciler.run()

    assert len(runs(service)) == 1


def test_what_fell_due_meanwhile_waits_for_the_run_before() -> None:
    """
    While one runs, the next is not asked for; after it, it is.
    """
    service = Service()
    (reconciler,) = reconcilers(service, 1)
    now = service.clock.now()
    service.reconcile.request(
        ReconcileCommand(provider="fake", window_start=now - timedelta(hours=1), window_end=now)
    )
    first = [reconciler.run(), len(runs(service))]
    second = [reconciler.run(), len(runs(service))]

    assert (first, second) == ([1, 1], [1, 2])


def test_without_a_schedule_only_what_was_asked_for() -> None:
    """
    An empty schedule asks for nothing by itself.
    """
    service = Service()
    (reconciler,) = reconcilers(service, 1, schedule="")

    assert reconciler.run() == 0
    assert runs(service) == []


def test_stop_leaves_the_run_to_the_next() -> None:
    """
    A worker that ends in the middle of a run leaves it free, at once.
    """
    service = Service()
    service.pay()
    first, second = reconcilers(service, 2)

    with hooked(lambda name: first.stop() if name == "reconcile.begin" else None):
        stopped = first.run()
    (left,) = runs(service)
    again = second.run()
    (ended,) = runs(service)

    assert (stopped, again) == (0, 1)
    assert left.status is RunStatus.RUNNING
    assert left.lease_until is not None
    assert left.lease_until < service.clock.now()
    assert ended.status is RunStatus.COMPLETED
