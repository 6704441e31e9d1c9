"""
Counts of one process: exact within the window, and forgotten after it.
"""

import time

import pytest
from limits import RateLimitItemPerMinute

from payments_http.counting import OwnCounts

THREE = RateLimitItemPerMinute(3)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """
    A list of one number, which is the time.
    """
    now = [1_000_000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    return now


def test_the_window_moves(clock: list[float]) -> None:
    """
    Three fit into any sixty seconds, and the fourth hears when the first of them is over.
    """
    counts = OwnCounts()
    heard = []
    for at in (0, 30, 59, 59, 60, 61, 90):
        clock[0] = 1_000_000.0 + at
        heard.append(counts.full_until(THREE, "creates", "alice"))

    assert heard == [None, None, None, 1_000_060.0, None, 1_000_090.0, None]


def test_keys_do_not_share(clock: list[float]) -> None:
    """
    Whoever asks too much takes nothing from others, and other limits are counted apart.
    """
    counts = OwnCounts()
    alice = [counts.full_until(THREE, "creates", "alice") is None for _ in range(4)]
    others = [counts.full_until(THREE, *key) for key in (("creates", "bob"), ("refunds", "alice"))]

    assert clock
    assert alice == [True, True, True, False]
    assert others == [None, None]


def test_who_does_not_come_back_is_forgotten(clock: list[float]) -> None:
    """
    Of a thousand keys nothing is kept two windows later, and no count went through them.
    """
    counts = OwnCounts()
    for number in range(1000):
        counts.full_until(THREE, "creates", str(number))
    for _ in range(2):
        clock[0] += 60
        counts.full_until(THREE, "creates", "alice")

    assert list(counts._new) + list(counts._old) == [THREE.key_for("creates", "alice")]
