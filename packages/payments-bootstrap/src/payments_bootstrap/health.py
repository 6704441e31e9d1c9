"""
Whether what this service stands on is there, in words without details.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from enum import StrEnum

import attrs

_log = logging.getLogger(__name__)


class Condition(StrEnum):
    """
    How one thing, or the whole service, is.

    DEGRADED: something that is not required is missing.

    NOT_MIGRATED: the database answers, and its tables are missing or too old.
    """

    OK = "ok"
    DEGRADED = "degraded"
    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"
    NOT_MIGRATED = "not migrated"


Ping = Callable[[], Condition | None]
"""
Returns nothing if the thing is well, its condition if that is known, or raises anything.
"""


@attrs.frozen
class HealthReport:
    """
    The condition of the service, and of each thing that it stands on.
    """

    status: Condition
    checks: Mapping[str, Condition]


def check_all(pings: Mapping[str, Ping], timeout: float = 2.0) -> Mapping[str, Condition]:
    """
    Ask everything at once, and return what answered within the timeout (seconds).
    """
    found = dict.fromkeys(pings, Condition.TIMEOUT)
    threads = [
        threading.Thread(target=_ask, args=(name, ping, found), daemon=True)
        for name, ping in pings.items()
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + timeout
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return dict(found)


def _ask(name: str, ping: Ping, found: dict[str, Condition]) -> None:
    try:
        found[name] = ping() or Condition.OK
    except Exception as error:  # noqa: BLE001 - whatever is raised, it is not there
        _log.warning("%s does not answer: %s", name, type(error).__name__)
        found[name] = Condition.UNAVAILABLE


class Health:
    """
    Answers from a fresh enough report, so that nobody can make it hammer a provider.

    Attributes:
        required: The names without which the service is unavailable.

        fresh: Seconds for which a report is good.
    """

    def __init__(
        self,
        pings: Mapping[str, Ping],
        required: Collection[str],
        timeout: float = 2.0,
        fresh: float = 5.0,
    ) -> None:
        self.pings = pings
        self.required = frozenset(required)
        self.timeout = timeout
        self.fresh = fresh
        self._lock = threading.Lock()
        self._known: tuple[float, HealthReport] | None = None

    def report(self) -> HealthReport:
        """
        Return how things are, or were a few seconds ago.
        """
        with self._lock:
            now = time.monotonic()
            if self._known is None or now - self._known[0] >= self.fresh:
                self._known = (now, self._judge(check_all(self.pings, self.timeout)))
            return self._known[1]

    def _judge(self, checks: Mapping[str, Condition]) -> HealthReport:
        missing = {name for name, condition in checks.items() if condition is not Condition.OK}
        if missing & self.required:
            return HealthReport(Condition.UNAVAILABLE, checks)
        return HealthReport(Condition.DEGRADED if missing else Condition.OK, checks)
