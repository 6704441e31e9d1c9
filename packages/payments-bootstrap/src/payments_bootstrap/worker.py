"""
What happens by itself: jobs, each again and again in a thread of its own.
"""

import logging
import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

import attrs

from payments_core.domain.errors import PaymentsError
from payments_core.ports.correlation import Correlation, correlated

_log = logging.getLogger(__name__)


class Part(StrEnum):
    """
    What can run in a process of its own.
    """

    WEBHOOKS = "webhooks"
    SWEEPER = "sweeper"
    RELAY = "relay"
    CONSUMERS = "consumers"
    RECONCILIATION = "reconciliation"


class Service(Protocol):
    """
    Something that runs by itself between two calls.
    """

    @abstractmethod
    def start(self) -> None:
        """
        Begin.
        """

    @abstractmethod
    def stop(self) -> None:
        """
        Finish what is under way, and end.
        """


class Link(Service, Protocol):
    """
    A service that works over a connection to the broker.
    """

    @property
    @abstractmethod
    def connected(self) -> bool:
        """
        Whether it reaches the broker, as far as it knows.
        """


@attrs.frozen
class Job:
    """
    Something to do again and again.

    Attributes:
        run: Does what is due, and returns how much that was; more may be waiting then.

        interval: The pause after a run that found nothing.

        part: What it belongs to.

        threads: How many run it at once.

        stop: Makes a run that takes long end early.

        patience: A run that takes longer hangs; None where it may take any time.
    """

    name: str
    run: Callable[[], int]
    interval: timedelta
    part: Part = Part.WEBHOOKS
    threads: int = 1
    stop: Callable[[], None] = lambda: None
    patience: timedelta | None = timedelta(minutes=15)


@attrs.define(eq=False)
class _Turn:
    """
    One thread of a job.

    Attributes:
        began: When its present run did, on the clock of `time.monotonic`.
    """

    job: Job
    began: float | None = None
    thread: threading.Thread = attrs.field(init=False)

    @property
    def stuck(self) -> bool:
        """
        Whether it has ended, or has been at the same run for too long.
        """
        return not self.thread.is_alive() or self._hangs()

    def _hangs(self) -> bool:
        began, patience = self.began, self.job.patience
        if began is None or patience is None:
            return False
        return time.monotonic() - began > patience.total_seconds()


class Worker:
    """
    Runs jobs and services until it is stopped; no error of a job ends it.

    Args:
        alive_file: Is touched every second as long as no job is stuck; empty for none.
    """

    def __init__(
        self, jobs: Sequence[Job], services: Sequence[Service] = (), alive_file: str = ""
    ) -> None:
        self.jobs = jobs
        self.services = services
        self._alive_file = alive_file
        self._stopping = threading.Event()
        self._turns: list[_Turn] = []
        self._failing: dict[str, tuple[str, float]] = {}

    def start(self) -> None:
        """
        Begin, in threads of its own.
        """
        with correlated(Correlation.begin()):
            for service in self.services:
                service.start()
        for job in self.jobs:
            for _ in range(job.threads):
                self._begin(job)
        if self._alive_file:
            self._begin(Job("alive", self._show_life, _SECOND))

    def stop(self) -> None:
        """
        Let each job finish what it is doing, and return when all have.
        """
        self._stopping.set()
        for job in self.jobs:
            job.stop()
        for turn in self._turns:
            turn.thread.join()
        for service in reversed(self.services):
            service.stop()

    @property
    def stuck(self) -> Sequence[str]:
        """
        The names of jobs that are not done any more, which only a new process can change.
        """
        return sorted({turn.job.name for turn in self._turns if turn.stuck})

    def _begin(self, job: Job) -> None:
        turn = _Turn(job)
        turn.thread = threading.Thread(target=self._repeat, args=(turn,), name=job.name)
        turn.thread.start()
        self._turns.append(turn)

    def _repeat(self, turn: _Turn) -> None:
        while not self._stopping.is_set():
            turn.began = time.monotonic()
            # What a run brings about is found by its id, as what a request does.
            with correlated(Correlation.begin()):
                pause = self._run(turn.job)
            turn.began = None
            self._stopping.wait(pause.total_seconds())

    def _run(self, job: Job) -> timedelta:
        """
        Run a job once, and return how long to wait until the next time.
        """
        try:
            found = job.run()
        except Exception as error:  # noqa: BLE001 - the next run may go well, whatever went wrong
            self._failed(job.name, error)
            return max(job.interval, _SECOND)
        if self._failing.pop(job.name, None):
            _log.info("The job %s works again", job.name)
        return timedelta(0) if found else job.interval

    def _failed(self, name: str, error: Exception) -> None:
        """
        Write what went wrong when it is new, and now and then as long as it stays so.
        """
        known = isinstance(error, PaymentsError) and error.retryable
        what = str(error) if known else type(error).__name__
        said, at = self._failing.get(name, ("", 0.0))
        if said == what and time.monotonic() - at < _REMIND:
            return
        self._failing[name] = (what, time.monotonic())
        if known:
            _log.error("The job %s failed and is tried again: %s", name, error)
        else:
            _log.error("The job %s failed and is tried again", name, exc_info=error)

    def _show_life(self) -> int:
        if self.stuck:
            raise RuntimeError(f"Stuck: {', '.join(self.stuck)}")
        Path(self._alive_file).touch()
        return 0


_SECOND: Final = timedelta(seconds=1)
_REMIND: Final = 600.0  # seconds
