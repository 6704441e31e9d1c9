"""
What happens by itself: jobs, each again and again in a thread of its own.
"""

import logging
import threading
from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

import attrs

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
    """

    name: str
    run: Callable[[], int]
    interval: timedelta
    part: Part = Part.WEBHOOKS
    threads: int = 1
    stop: Callable[[], None] = lambda: None


class Worker:
    """
    Runs jobs and services until it is stopped; no error of a job ends it.
    """

    def __init__(self, jobs: Sequence[Job], services: Sequence[Service] = ()) -> None:
        self.jobs = jobs
        self.services = services
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """
        Begin, in threads of its own.
        """
        with correlated(Correlation.begin()):
            for service in self.services:
                service.start()
        for job in self.jobs:
            for _ in range(job.threads):
                thread = threading.Thread(target=self._repeat, args=(job,), name=job.name)
                thread.start()
                self._threads.append(thread)

    def stop(self) -> None:
        """
        Let each job finish what it is doing, and return when all have.
        """
        self._stopping.set()
        for job in self.jobs:
            job.stop()
        for thread in self._threads:
            thread.join()
        for service in reversed(self.services):
            service.stop()

    def _repeat(self, job: Job) -> None:
        while not self._stopping.is_set():
            if not self._run(job):
                self._stopping.wait(job.interval.total_seconds())

    def _run(self, job: Job) -> int:
        # What a run brings about is found by its id, as what a request does.
        with correlated(Correlation.begin()):
            try:
                return job.run()
            except Exception:  # noqa: BLE001 - the next run may go well, whatever went wrong
                _log.exception("The job %s failed; it is tried again", job.name)
                return 0


def worker_of(
    jobs: Sequence[Job],
    services: Mapping[Part, Callable[[], Service]],
    only: Collection[Part] = (),
) -> Worker:
    """
    Return a worker for these parts; for all of them if none is named.

    Args:
        services: What makes the service of a part, called only if the part runs.
    """
    wanted = set(only or Part)
    made = [make() for part, make in services.items() if part in wanted]
    return Worker([job for job in jobs if job.part in wanted], made)
