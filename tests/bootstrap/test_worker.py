"""
Jobs that repeat.
"""

import threading
from collections.abc import Callable
from datetime import timedelta

from payments_bootstrap.worker import Job, Worker

NEVER_AGAIN = timedelta(hours=1)
AT_ONCE = timedelta(0)


def _until(reached: threading.Event, run: Callable[[], int], interval: timedelta) -> None:
    worker = Worker([Job("test", run, interval)])
    worker.start()
    try:
        assert reached.wait(5)
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
        finish.wait(5)
        finished.append(None)
        return 1

    worker = Worker([Job("test", run, AT_ONCE)])
    worker.start()
    assert began.wait(5)
    stopping = threading.Thread(target=worker.stop)
    stopping.start()
    finish.set()
    stopping.join(5)

    assert not stopping.is_alive()
    assert len(finished) >= 1
