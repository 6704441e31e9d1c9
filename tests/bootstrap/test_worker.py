"""
Jobs that repeat.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import attrs
import pytest

from payments_bootstrap.heart import Heart, worker_of
from payments_bootstrap.log_publisher import LogPublisher
from payments_bootstrap.worker import Job, Part, Worker, _Turn
from payments_core.domain.errors import StorageUnavailable
from payments_core.ports.clock import SystemClock
from payments_core.ports.outbox import OutboxMessage
from payments_core.testing.builders import NOW
from payments_core.testing.memory_heartbeats import InMemoryHeartbeats
from tests.conftest import LogLines

NEVER_AGAIN = timedelta(hours=1)
AT_ONCE = timedelta(0)


def _until(reached: threading.Event, run: Callable[[], int], interval: timedelta) -> None:
    worker = Worker([Job("test", run, interval)])
    worker.start()
    try:
        assert reached.wait(60)
    finally:
        worker.stop()


def test_runs_again_while_there_is_work() -> None:
    """
    A job that found something runs again at once.
    """
    left = [3, 2, 1, 0]
    done = threading.Event()

    def run() -> int:
        found = left.pop(0)
        if not left:
            done.set()
        return found

    _until(done, run, NEVER_AGAIN)

    assert left == []


def test_error_does_not_end_it() -> None:
    """
    A job that raises is run again.
    """
    runs: list[None] = []
    twice = threading.Event()

    def run() -> int:
        runs.append(None)
        if len(runs) > 1:
            twice.set()
        raise RuntimeError

    _until(twice, run, AT_ONCE)

    assert len(runs) > 1


def test_stop_waits_for_the_run() -> None:
    """
    Stopping lets the run that is under way finish, and starts no other.
    """
    began, finish = threading.Event(), threading.Event()
    finished: list[None] = []

    def run() -> int:
        began.set()
        finish.wait(60)
        finished.append(None)
        return 1

    worker = Worker([Job("test", run, AT_ONCE)])
    worker.start()
    assert began.wait(60)
    stopping = threading.Thread(target=worker.stop)
    stopping.start()
    finish.set()
    stopping.join(60)

    assert not stopping.is_alive()
    assert len(finished) >= 1


class Recorded:
    """
    A service that notes when it starts and stops.
    """

    connected = True

    def __init__(self, name: str, log: list[str]) -> None:
        self.name = name
        self.log = log

    def start(self) -> None:
        """
        Note the start.
        """
        self.log.append(f"start {self.name}")

    def stop(self) -> None:
        """
        Note the stop.
        """
        self.log.append(f"stop {self.name}")


def test_services_outlive_the_jobs() -> None:
    """
    Services start before the jobs that need them, and stop after the last run, in reverse.
    """
    log: list[str] = []
    ran = threading.Event()

    def run() -> int:
        log.append("run")
        ran.set()
        return 0

    services = [Recorded("a", log), Recorded("b", log)]
    worker = Worker([Job("test", run, NEVER_AGAIN)], services)
    worker.start()
    assert ran.wait(60)
    worker.stop()

    assert log == ["start a", "start b", "run", "stop b", "stop a"]


@pytest.mark.parametrize(
    ("only", "jobs", "services"),
    [
        ((), ["w", "r", "c"], ["start relay", "start consumers"]),
        ((Part.RELAY,), ["r"], ["start relay"]),
        ((Part.CONSUMERS, Part.WEBHOOKS), ["w", "c"], ["start consumers"]),
    ],
)
def test_parts_run_alone(only: tuple[Part, ...], jobs: list[str], services: list[str]) -> None:
    """
    A worker for some parts has their jobs, and makes no service of the others.
    """
    log: list[str] = []

    def make(part: Part) -> Recorded:
        return Recorded(part, log)

    every = [
        Job("w", lambda: 0, NEVER_AGAIN),
        Job("r", lambda: 0, NEVER_AGAIN, Part.RELAY),
        Job("c", lambda: 0, NEVER_AGAIN, Part.CONSUMERS),
    ]
    makers = {part: partial(make, part) for part in (Part.RELAY, Part.CONSUMERS)}
    heart = partial(Heart, InMemoryHeartbeats(), SystemClock(), NEVER_AGAIN)
    worker = worker_of(every, makers, heart, only=only)
    worker.start()
    worker.stop()

    assert [job.name for job in worker.jobs] == [*jobs, "heartbeat"]
    assert [line for line in log if line.startswith("start")] == services


def test_without_a_broker_events_are_lines_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """
    Each message is one readable line, also when the log shows warnings only.
    """
    publisher = LogPublisher()
    body = '{"messageId":"1","message":{"paymentId":"p","reason":"é"},"host":{}}'
    message = OutboxMessage(
        id=UUID(int=1),
        order_id=UUID(int=2),
        payment_id=UUID(int=3),
        sequence=1,
        name="IPaymentFailed",
        destination="x",
        content_type="x",
        body=body,
        created_at=NOW,
    )
    publisher.ping()
    results = publisher.publish([message])

    assert results == [None]
    assert caplog.messages == ['IPaymentFailed {"paymentId": "p", "reason": "é"}']


def test_each_run_has_an_id_of_its_own(log_lines: LogLines) -> None:
    """
    What a run writes has one id, also when it fails, and the next run has another.
    """
    runs: list[int] = []
    enough = threading.Event()

    def run() -> int:
        logging.getLogger("test").info("run")
        runs.append(1)
        if len(runs) > 1:
            enough.set()
        # Another error each time: the same one is told once.
        raise (ValueError, KeyError)[len(runs) % 2]

    worker = Worker([Job("test", run, timedelta(milliseconds=1))])
    worker.start()
    assert enough.wait(60)
    worker.stop()
    ids = [line["correlation_id"] for line in log_lines()]

    assert ids[0] == ids[1] != ids[2] == ids[3]


def test_several_threads_of_one_job() -> None:
    """
    A job that may run several times at once does.
    """
    together = threading.Barrier(3)
    met = threading.Event()

    def run() -> int:
        together.wait(60)
        met.set()
        return 0

    worker = Worker([Job("test", run, NEVER_AGAIN, threads=3)])
    worker.start()
    found = met.wait(60)
    worker.stop()

    assert found


def _log_of(
    errors: list[Exception | None], caplog: pytest.LogCaptureFixture
) -> list[tuple[str, bool]]:
    """
    Return the lines of a job that ends so each time, and whether each has a traceback.
    """
    caplog.set_level(logging.INFO)
    job = Job("test", lambda: 0, AT_ONCE)
    worker = Worker([job])
    for error in errors:
        worker._run(attrs.evolve(job, run=partial(_end_with, error)))
    return [(r.getMessage(), bool(r.exc_info)) for r in caplog.records]


def _end_with(error: Exception | None) -> int:
    if error:
        raise error
    return 0


DOWN = StorageUnavailable("The database is away")
SLOW = StorageUnavailable("The database is slow")
FAILED = "The job test failed and is tried again"
AGAIN = ("The job test works again", False)


@pytest.mark.parametrize(
    ("errors", "lines"),
    [
        ([None, None], []),
        ([DOWN, DOWN, DOWN], [(f"{FAILED}: {DOWN}", False)]),
        ([DOWN, SLOW, SLOW], [(f"{FAILED}: {DOWN}", False), (f"{FAILED}: {SLOW}", False)]),
        ([DOWN, None, None], [(f"{FAILED}: {DOWN}", False), AGAIN]),
        ([ValueError("1"), ValueError("2"), None], [(FAILED, True), AGAIN]),
    ],
)
def test_an_outage_is_told_once(
    errors: list[Exception | None], lines: list[tuple[str, bool]], caplog: pytest.LogCaptureFixture
) -> None:
    """
    A job that fails again and again is a line when it begins, changes and ends; ours need no traceback.
    """
    assert _log_of(errors, caplog) == lines


def test_stuck() -> None:
    """
    A run that takes too long is named, unless it may take any time.
    """
    hang, runs = threading.Event(), threading.Barrier(3)

    def wait() -> int:
        runs.wait(60)
        hang.wait(60)
        return 0

    jobs = [
        Job("hangs", wait, NEVER_AGAIN, patience=AT_ONCE),
        Job("takes long", wait, NEVER_AGAIN, patience=None),
        Job("ended", lambda: 0, NEVER_AGAIN, patience=AT_ONCE),
    ]
    worker = Worker(jobs)
    worker.start()
    runs.wait(60)
    _until_true(lambda: list(worker.stuck) == ["hangs"])
    hang.set()
    worker.stop()


@pytest.mark.parametrize("stuck", [False, True])
def test_alive_file(tmp_path: Path, *, stuck: bool) -> None:
    """
    The file is written while nothing is stuck, and not when a job's thread is gone.
    """
    file = tmp_path / "alive"
    worker = Worker([Job("test", lambda: 0, NEVER_AGAIN)], alive_file=str(file))
    worker._turns.append(_a_turn(stuck=stuck))
    if stuck:
        with pytest.raises(RuntimeError, match="Stuck: other"):
            worker._show_life()
    else:
        worker._show_life()

    assert file.exists() is not stuck


def _a_turn(*, stuck: bool) -> _Turn:
    turn = _Turn(Job("other", lambda: 0, NEVER_AGAIN))
    turn.thread = threading.Thread(target=lambda: None) if stuck else threading.current_thread()
    return turn


def _until_true(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)
