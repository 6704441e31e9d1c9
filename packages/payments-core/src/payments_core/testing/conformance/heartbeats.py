"""
What every `IHeartbeats` promises.
"""

from abc import abstractmethod
from datetime import timedelta
from typing import Any

import pytest

from payments_core.ports.heartbeats import Heartbeat, IHeartbeats
from payments_core.testing.builders import NOW

SECOND = timedelta(seconds=1)


def a_heartbeat(worker: str = "host/1", **changes: Any) -> Heartbeat:
    """
    Return a sign of life of a worker that reaches the broker.
    """
    fields: dict[str, Any] = {"parts": ("consumers", "relay"), "broker": True, "at": NOW}
    return Heartbeat(worker=worker, **fields | changes)


class HeartbeatsConformance:
    """
    Subclass it and override the fixture, which must return an empty place.
    """

    @pytest.fixture
    @abstractmethod
    def heartbeats(self) -> IHeartbeats:
        """
        Return the place where workers leave their signs of life.
        """

    @pytest.mark.parametrize("broker", [True, False, None])
    def test_kept_as_it_was(self, heartbeats: IHeartbeats, *, broker: bool | None) -> None:
        """
        A heartbeat comes back field by field.
        """
        beat = a_heartbeat(broker=broker)
        heartbeats.beat(beat)

        assert heartbeats.since(NOW) == [beat]

    def test_only_the_last_one_counts(self, heartbeats: IHeartbeats) -> None:
        """
        Each worker has one place, in which its latest word stands.
        """
        other = a_heartbeat("host/2", parts=("sweeper",), broker=None)
        last = a_heartbeat(at=NOW + SECOND, broker=False, parts=("relay",))
        for beat in (a_heartbeat(), other, last):
            heartbeats.beat(beat)

        assert heartbeats.since(NOW) == [last, other]

    def test_only_the_fresh_are_shown(self, heartbeats: IHeartbeats) -> None:
        """
        Whoever was silent since before the moment is left out; at the moment counts.
        """
        old, new = a_heartbeat("old"), a_heartbeat("new", at=NOW + SECOND)
        heartbeats.beat(old)
        heartbeats.beat(new)

        assert heartbeats.since(NOW + SECOND) == [new]
        assert heartbeats.since(NOW + 2 * SECOND) == []

    def test_whoever_ends_is_gone(self, heartbeats: IHeartbeats) -> None:
        """
        An end is known at once, is no news the second time, and touches nobody else.
        """
        heartbeats.beat(a_heartbeat("stays"))
        heartbeats.beat(a_heartbeat("ends"))
        heartbeats.end("ends")
        heartbeats.end("ends")

        assert [beat.worker for beat in heartbeats.since(NOW)] == ["stays"]

    def test_the_silent_are_forgotten(self, heartbeats: IHeartbeats) -> None:
        """
        What was left by workers that did not end in peace is removed, and nothing else.
        """
        heartbeats.beat(a_heartbeat("old"))
        heartbeats.beat(a_heartbeat("new", at=NOW + SECOND))
        forgotten = [heartbeats.forget(NOW + SECOND), heartbeats.forget(NOW + SECOND)]

        assert forgotten == [1, 0]
        assert [beat.worker for beat in heartbeats.since(NOW)] == ["new"]
