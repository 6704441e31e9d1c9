"""
Asking everything that the service stands on.
"""

import logging
import threading
from collections.abc import Callable, Collection, Iterator

import pytest

from payments_bootstrap.health import Answer, Condition, Health, HealthReport, Ping, Probe
from payments_core.domain.errors import StorageUnavailable

Hang = Callable[[], None]


def _fine() -> None:
    return


def _broken() -> None:
    raise ConnectionError("postgresql://app:secret@db")


def _reported(required: Collection[str] = ("database",), **pings: Ping) -> HealthReport:
    return Health({name: Probe(ping) for name, ping in pings.items()}, required).report()


@pytest.fixture
def hang() -> Iterator[Hang]:
    """
    Asks something that gives no answer while the test runs.
    """
    event = threading.Event()

    def hang() -> None:
        event.wait(60)

    yield hang
    event.set()


def test_words() -> None:
    """
    What answers is ok, what raises is unavailable, and no detail is told.
    """
    report = _reported(database=_fine, stripe=_broken)

    assert report.checks == {"database": "ok", "stripe": "unavailable"}
    assert report.reasons == {"stripe": "ConnectionError"}


def test_each_has_its_own_time(hang: Hang) -> None:
    """
    What hangs is reported when its own time is over, and the others in theirs.
    """
    probes = {"stripe": Probe(hang, timeout=0.01), "database": Probe(_fine, timeout=60)}
    report = Health(probes, ["database"]).report()

    assert report.checks == {"stripe": "timeout", "database": "ok"}
    assert report.status is Condition.DEGRADED


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        (Condition.OK, Condition.OK),
        (Condition.DEGRADED, Condition.DEGRADED),
        *((c, Condition.UNAVAILABLE) for c in Condition if c not in {"ok", "degraded"}),
    ],
)
def test_required(condition: Condition, status: Condition) -> None:
    """
    Without all of what is required the service is unavailable; without a part of it, degraded.
    """
    report = _reported(database=lambda: Answer(condition, "for a reason"))

    assert report.status is status
    assert report.checks == {"database": condition}


@pytest.mark.parametrize("condition", [c for c in Condition if c is not Condition.OK])
def test_not_required(condition: Condition) -> None:
    """
    Whatever is wrong with something that is not required: the service is degraded.
    """
    report = _reported(database=_fine, stripe=lambda: Answer(condition))

    assert report.status is Condition.DEGRADED


def test_hearsay(hang: Hang) -> None:
    """
    When whoever is asked about a thing does not answer, nothing is known about that thing.
    """
    probes = {
        "database": Probe(_broken),
        "rabbitmq": Probe(_broken, hearsay=True),
        "worker": Probe(hang, timeout=0.01, hearsay=True),
    }
    report = Health(probes, ["database"]).report()

    assert report.checks == {"database": "unavailable", "rabbitmq": "unknown", "worker": "unknown"}


def test_asked_once_for_many() -> None:
    """
    A hundred questions in a row reach the provider once.
    """
    asked: list[None] = []
    health = Health({"stripe": Probe(lambda: asked.append(None), fresh=60)}, [])
    for _ in range(100):
        health.report()

    assert len(asked) == 1


def test_asked_again() -> None:
    """
    An answer that is too old is replaced by a new one.
    """
    answers = iter([Answer(Condition.UNAVAILABLE), None])
    health = Health({"stripe": Probe(lambda: next(answers), fresh=0)}, [])
    words = [health.report().checks["stripe"] for _ in range(2)]

    assert words == ["unavailable", "ok"]


def test_what_hangs_is_not_asked_twice() -> None:
    """
    As long as an answer is on its way nothing is asked again, however often somebody looks.
    """
    asked: list[None] = []
    answer = threading.Event()

    def slow() -> None:
        asked.append(None)
        answer.wait(60)

    health = Health({"stripe": Probe(slow, timeout=0.01, fresh=0)}, [])
    words = [health.report().checks["stripe"] for _ in range(5)]
    times = len(asked)
    answer.set()

    assert words == ["timeout"] * 5
    assert times == 1


def test_log(caplog: pytest.LogCaptureFixture) -> None:
    """
    A change is a line, with what was seen and without an address; that it stays so is none.
    """
    caplog.set_level(logging.INFO)
    pings: list[Ping] = [_fine, _broken, _broken, _refused, _fine, _fine]
    asked = iter(pings)

    def ask() -> Answer | None:
        return next(asked)()

    health = Health({"database": Probe(ask, fresh=0)}, [])
    for _ in pings:
        health.report()

    assert caplog.messages == [
        "database is unavailable: ConnectionError",
        "database is ok again",
    ]


def _refused() -> None:
    raise StorageUnavailable("The database refuses this user or password")


def test_reason(caplog: pytest.LogCaptureFixture) -> None:
    """
    The text of an error of ours says what to do, and is passed on to whoever runs the service.
    """
    report = _reported(database=_refused)

    assert report.reasons == {"database": "The database refuses this user or password"}
    assert caplog.messages == [
        "database is unavailable: The database refuses this user or password"
    ]
