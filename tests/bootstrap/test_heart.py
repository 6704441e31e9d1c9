"""
Signs of life of workers, and what others make of them.
"""

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from typing_extensions import override

from payments_bootstrap.health import Condition
from payments_bootstrap.heart import FORGOTTEN, Heart, own_name
from payments_bootstrap.probes import Workers
from payments_bootstrap.worker import Part
from payments_core.domain.errors import StorageUnavailable
from payments_core.ports.clock import IClock
from payments_core.ports.heartbeats import Heartbeat
from payments_core.testing.builders import NOW
from payments_core.testing.conformance.heartbeats import SECOND, a_heartbeat
from payments_core.testing.memory_heartbeats import InMemoryHeartbeats

EVERY = timedelta(seconds=5)
ALL = tuple(map(str, Part))


class Still(IClock):
    """
    A clock that stands still until it is moved on.
    """

    def __init__(self) -> None:
        self.time = NOW

    @override
    def now(self) -> datetime:
        return self.time


class Wire:
    """
    A way to the broker.
    """

    def __init__(self, *, connected: bool) -> None:
        self.connected = connected

    def start(self) -> None:
        """
        Nothing begins.
        """

    def stop(self) -> None:
        """
        Nothing ends.
        """


class Counted(InMemoryHeartbeats):
    """
    Remembers every beat.
    """

    def __init__(self) -> None:
        super().__init__()
        self.beats: list[Heartbeat] = []

    @override
    def beat(self, heartbeat: Heartbeat) -> None:
        super().beat(heartbeat)
        self.beats.append(heartbeat)


@pytest.fixture
def clock() -> Still:
    """
    The time, which stands still.
    """
    return Still()


def test_what_it_says(clock: Still) -> None:
    """
    Who it is, what it does, when, and that it needs no broker if nothing it does needs one.
    """
    place = Counted()
    Heart(place, clock, EVERY, parts={Part.WEBHOOKS, Part.SWEEPER}).beat()

    assert place.beats == [
        Heartbeat(worker=own_name(), parts=("sweeper", "webhooks"), broker=None, at=NOW)
    ]
    assert own_name().endswith(f"/{os.getpid()}")


def test_now_and_then(clock: Still) -> None:
    """
    It beats when its time has come, and not at each look.
    """
    place = Counted()
    heart = Heart(place, clock, EVERY)
    for _ in range(11):
        heart.beat()
        clock.time += SECOND

    assert [beat.at - NOW for beat in place.beats] == [0 * SECOND, EVERY, 2 * EVERY]


def test_a_change_is_told_at_once(clock: Still) -> None:
    """
    As soon as one way to the broker is lost, or all are back, it says so.
    """
    place = Counted()
    wires = [Wire(connected=True), Wire(connected=True)]
    heart = Heart(place, clock, EVERY, links=wires)
    for connected in (True, False, False, True):
        wires[1].connected = connected
        heart.beat()

    assert [beat.broker for beat in place.beats] == [True, False, True]


def test_a_beat_that_failed_is_due(clock: Still) -> None:
    """
    When the database was away, the next look tells what this one could not.
    """
    place = Counted()

    class Away(InMemoryHeartbeats):
        @override
        def beat(self, heartbeat: Heartbeat) -> None:
            raise StorageUnavailable("away")

    heart = Heart(Away(), clock, EVERY)
    with pytest.raises(StorageUnavailable):
        heart.beat()
    heart.heartbeats = place
    heart.beat()

    assert len(place.beats) == 1


def test_first_and_last(clock: Still) -> None:
    """
    The first beat removes what the dead left long ago; an end removes the worker's own.
    """
    place = Counted()
    place.beat(a_heartbeat("dead", at=NOW - FORGOTTEN - SECOND))
    place.beat(a_heartbeat("other", at=NOW - FORGOTTEN))
    heart = Heart(place, clock, EVERY, worker="own")
    heart.beat()
    during = [beat.worker for beat in place.since(NOW - 2 * FORGOTTEN)]
    heart.stop()
    after = [beat.worker for beat in place.since(NOW - 2 * FORGOTTEN)]

    assert (during, after) == (["other", "own"], ["other"])


def test_known_from_the_start(clock: Still) -> None:
    """
    When a worker has been started, it is known.
    """
    place = Counted()
    Heart(place, clock, EVERY).start()

    assert len(place.beats) == 1


def test_without_the_database(clock: Still) -> None:
    """
    A worker starts and ends although nobody can be told.
    """

    class Away(InMemoryHeartbeats):
        @override
        def beat(self, heartbeat: Heartbeat) -> None:
            raise StorageUnavailable("away")

        @override
        def end(self, worker: str) -> None:
            raise StorageUnavailable("away")

    heart = Heart(Away(), clock, EVERY)
    heart.start()
    heart.stop()


def _workers(beats: Sequence[dict[str, Any]], *, broker: bool = True) -> Workers:
    place = InMemoryHeartbeats()
    for number, changes in enumerate(beats):
        place.beat(a_heartbeat(f"host/{number}", **changes))
    return Workers(place, Still(), timedelta(seconds=30), broker)


OLD = {"at": NOW - 31 * SECOND}


@pytest.mark.parametrize(
    ("beats", "condition", "reason"),
    [
        ([], Condition.AWAY, "none was seen lately; start `payments worker`"),
        ([{"parts": ALL, **OLD}], Condition.AWAY, "none was seen lately; start `payments worker`"),
        ([{"parts": ALL, "at": NOW - 30 * SECOND}], Condition.OK, ""),
        ([{"parts": ALL}, {"parts": ALL, **OLD}], Condition.OK, ""),
        ([{"parts": ("relay",)}, {"parts": ALL[:2]}, {"parts": ALL[3:]}], Condition.OK, ""),
        (
            [{"parts": ("relay", "sweeper")}],
            Condition.DEGRADED,
            "nobody does: consumers, reconciliation, webhooks",
        ),
    ],
)
def test_present(beats: list[dict[str, Any]], condition: Condition, reason: str) -> None:
    """
    All parts count, whichever workers do them; whoever is silent for too long does not.
    """
    answer = _workers(beats).present()

    assert (answer.condition, answer.reason) == (condition, reason)


def test_present_without_a_broker() -> None:
    """
    Where no broker is, nobody has to consume.
    """
    beats = [{"parts": tuple(p for p in ALL if p != "consumers")}]

    assert _workers(beats, broker=False).present().condition is Condition.OK
    assert _workers(beats, broker=True).present().condition is Condition.DEGRADED


@pytest.mark.parametrize(
    ("beats", "condition"),
    [
        ([], Condition.UNKNOWN),
        ([{"broker": None}], Condition.UNKNOWN),
        ([{"broker": True, **OLD}], Condition.UNKNOWN),
        ([{"broker": True}, {"broker": None}], Condition.OK),
        ([{"broker": False}, {"broker": True, **OLD}], Condition.UNAVAILABLE),
        ([{"broker": False}, {"broker": True}], Condition.DEGRADED),
    ],
)
def test_broker(beats: list[dict[str, Any]], condition: Condition) -> None:
    """
    The broker is as those say who work with it; some of them may be cut off.
    """
    assert _workers(beats).reach_broker().condition is condition
