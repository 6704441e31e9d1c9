"""
Asking everything that the service stands on.
"""

import threading
import time
from collections.abc import Iterator

import pytest

from payments_bootstrap.health import Condition, Health, check_all


def _fine() -> None:
    return


def _broken() -> None:
    raise ConnectionError("postgresql://app:secret@db")


def _wait(event: threading.Event) -> None:
    event.wait(60)


@pytest.fixture
def hanging() -> Iterator[threading.Event]:
    """
    Something that never happens while the test runs.
    """
    event = threading.Event()
    yield event
    event.set()


def test_words() -> None:
    """
    What answers is ok, what raises is unavailable, and no detail is told.
    """
    found = check_all({"database": _fine, "stripe": _broken})

    assert found == {"database": "ok", "stripe": "unavailable"}


def test_timeout(hanging: threading.Event) -> None:
    """
    What hangs is reported when the time is over, and holds nothing up.
    """
    started = time.monotonic()
    found = check_all({"database": _fine, "stripe": lambda: _wait(hanging)}, 0.1)
    took = time.monotonic() - started

    assert found == {"database": "ok", "stripe": "timeout"}
    assert took < 30


def test_not_migrated() -> None:
    """
    What answers may still say that it is not well, and then it is missing.
    """
    report = Health({"database": lambda: Condition.NOT_MIGRATED}, ["database"]).report()

    assert report.status is Condition.UNAVAILABLE
    assert report.checks == {"database": "not migrated"}


def test_degraded() -> None:
    """
    Without something that is not required the service is degraded.
    """
    report = Health({"database": _fine, "stripe": _broken}, ["database"]).report()

    assert report.status is Condition.DEGRADED


def test_unavailable() -> None:
    """
    Without something that is required it is unavailable.
    """
    report = Health({"database": _broken, "stripe": _fine}, ["database"]).report()

    assert report.status is Condition.UNAVAILABLE


def test_asked_once_for_many() -> None:
    """
    A hundred questions in a row reach the provider once.
    """
    asked: list[None] = []
    health = Health({"stripe": lambda: asked.append(None)}, [])
    for _ in range(100):
        health.report()

    assert len(asked) == 1
