"""
Retention by itself: once for each time that the schedule names, and never too soon.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from typing_extensions import override

from payments_bootstrap.configuration import ConfigurationError, load
from payments_bootstrap.retaining import Retainer
from payments_core.application.apply_retention import ApplyRetention, RetentionPolicy
from payments_core.domain.errors import StorageUnavailable
from payments_core.ports.retention import History, Horizons, IRetention, Removal
from payments_core.testing.clock import ManualClock
from tests.bootstrap.test_container import ENVIRON

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Noting(IRetention):
    """
    Removes nothing, and remembers what it was asked to.
    """

    def __init__(self, *, forbidden: bool = False) -> None:
        self.asked: list[tuple[History, datetime]] = []
        self.runs = 0
        self.forbidden = forbidden

    @override
    def make_ahead(self, now: datetime) -> Sequence[str]:
        self.runs += 1
        if self.forbidden:
            raise StorageUnavailable("The database's user may not do this")
        return ["outbox_2026_12"]

    @override
    def remove(self, history: History, before: datetime, *, dry_run: bool = False) -> Removal:
        self.asked.append((history, before))
        return Removal(history=history, before=before, stays={"outbox_2025_01": "it waits"})

    @override
    def horizons(self) -> Horizons:
        return Horizons()


def retainer(retention: Noting, clock: ManualClock, schedule: str = "0 12 * * *") -> Retainer:
    """
    Return the worker's part.
    """
    return Retainer(ApplyRetention(retention, clock), schedule, clock)


def test_once_for_each_time() -> None:
    """
    When a worker starts, then at each time of the schedule, and not again in between.
    """
    retention, clock = Noting(), ManualClock(NOON)
    job = retainer(retention, clock)
    runs = []
    for hours in (0, 1, 22, 1, 5):
        clock.advance(hours=hours)
        runs.append((job.run(), retention.runs)[1])

    assert runs == [1, 1, 1, 2, 2]


def test_without_a_schedule() -> None:
    """
    An empty schedule is never due.
    """
    retention = Noting()
    retainer(retention, ManualClock(NOON), "").run()

    assert retention.runs == 0


def test_a_user_who_may_not(caplog: pytest.LogCaptureFixture) -> None:
    """
    Whose database user does not own the tables is told once what to do, and the worker goes on.
    """
    retention, clock = Noting(forbidden=True), ManualClock(NOON)
    job = retainer(retention, clock)
    job.run()
    job.run()

    assert retention.runs == 1
    assert "`payments retention`" in caplog.text


def test_each_history_by_its_own_age(caplog: pytest.LogCaptureFixture) -> None:
    """
    Each history goes by its own setting, what is kept for ever is not asked for, and what stays is told.
    """
    retention, clock = Noting(), ManualClock(NOON)
    policy = RetentionPolicy(timedelta(days=100), timedelta(0), timedelta(days=400))
    applied = ApplyRetention(retention, clock, policy).execute()
    dry = ApplyRetention(retention, clock, policy).execute(dry_run=True)

    days = [(history, (NOON - before).days) for history, before in retention.asked]
    assert days == [(History.MESSAGES, 99), (History.AUDIT, 399)] * 2
    assert (applied.made, dry.made) == (["outbox_2026_12"], ())
    assert retention.runs == 1
    assert caplog.text.count("outbox_2025_01 is old enough to go and stays: it waits") == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RETENTION__SCHEDULE", "daily"),
        ("RETENTION__MESSAGES", "61d"),
        ("RETENTION__WEBHOOKS", "30d"),
        ("RETENTION__AUDIT", "90d"),
    ],
)
def test_settings_that_do_not_start(name: str, value: str) -> None:
    """
    What would remove too soon, and a schedule that is none, are told at the start.
    """
    with pytest.raises(ConfigurationError, match=name):
        load(ENVIRON | {name: value})


@pytest.mark.parametrize("value", ["0s", "62d", "400d"])
def test_settings_that_start(value: str) -> None:
    """
    Nothing means for ever, and two months are enough.
    """
    settings = load(ENVIRON | {"RETENTION__MESSAGES": value, "RETENTION__SCHEDULE": ""})

    assert settings.retention.schedule == ""
