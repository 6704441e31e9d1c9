"""
What happens by itself: jobs, each again and again in a thread of its own.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta

import attrs

_log = logging.getLogger(__name__)


@attrs.frozen
class Job:
    """
    Something to do again and again.

    Attributes:
        run: Does what is due, and returns how much that was; more may be waiting then.

        interval: The pause after a run that found nothing.
    """

    name: str
    run: Callable[[], int]
    interval: timedelta


class Worker:
    """
    Runs jobs until it is stopped; no error of a job ends it.
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.jobs = jobs
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """
        Begin, in threads of its own.
        """
        for job in self.jobs:
            thread = threading.Thread(target=self._repeat, args=(job,), name=job.name)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """
        Let each job finish what it is doing, and return when all have.
        """
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, job: Job) -> None:
        while not self._stopping.is_set():
            if not self._run(job):
                self._stopping.wait(job.interval.total_seconds())

    def _run(self, job: Job) -> int:
        try:
            return job.run()
        except Exception:  # noqa: BLE001 - the next run may go well, whatever went wrong
            _log.exception("The job %s failed; it is tried again", job.name)
            return 0
