"""
Counting the runs of the worker's jobs.
"""

from collections.abc import Callable, Sequence

import attrs

from payments_bootstrap.metrics.series import LAST_RUN, RUNS
from payments_bootstrap.worker import Job


def counted(jobs: Sequence[Job]) -> list[Job]:
    """
    Return the same jobs, whose runs are counted.
    """
    return [attrs.evolve(job, run=_counted(job)) for job in jobs]


def _counted(job: Job) -> Callable[[], int]:
    for outcome in ("ok", "error"):
        RUNS.labels(job.name, outcome)
    # From its start on, so that one which never ends well is seen too.
    LAST_RUN.labels(job.name).set_to_current_time()

    def run() -> int:
        try:
            done = job.run()
        except Exception:
            RUNS.labels(job.name, "error").inc()
            raise
        RUNS.labels(job.name, "ok").inc()
        LAST_RUN.labels(job.name).set_to_current_time()
        return done

    return run
