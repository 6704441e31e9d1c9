"""
Whether what this service stands on is there, in words without details.
"""

import logging
import time
from collections.abc import Callable, Collection, Mapping
from enum import StrEnum

import attrs

from payments_bootstrap.latest import Latest
from payments_core.domain.errors import PaymentsError

_log = logging.getLogger(__name__)


class Condition(StrEnum):
    """
    How one thing, or the whole service, is.

    DEGRADED: a part of it is missing; of the service, something that is not required.

    NOT_MIGRATED: the database answers, and its tables are missing or too old.

    AWAY: nobody has given a sign of life lately.

    UNKNOWN: whoever could tell is not there.
    """

    OK = "ok"
    DEGRADED = "degraded"
    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"
    NOT_MIGRATED = "not migrated"
    AWAY = "away"
    UNKNOWN = "unknown"


@attrs.frozen
class Answer:
    """
    What was found out about one thing.

    Attributes:
        reason: What was seen, and what to do, where it is not well; without an address.
    """

    condition: Condition = Condition.OK
    reason: str = ""


Ping = Callable[[], Answer | None]
"""
Returns nothing if the thing is well, what is known of it otherwise, or raises anything.
"""


@attrs.frozen
class Probe:
    """
    How one thing is asked.

    Attributes:
        timeout: Seconds that it may take to answer.

        fresh: Seconds for which an answer is good.

        hearsay: Another thing is asked about it, so that no answer says nothing about it.
    """

    ask: Ping
    timeout: float = 2.0
    fresh: float = 5.0
    hearsay: bool = False


@attrs.frozen
class HealthReport:
    """
    The condition of the service, and of each thing that it stands on.

    Attributes:
        reasons: For whoever runs the service: what was seen of each thing that is not well.
    """

    status: Condition
    checks: Mapping[str, Condition]
    reasons: Mapping[str, str] = attrs.field(factory=dict)


class _Watch:
    """
    One thing, with what it answered last.
    """

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self.latest = Latest(self._ask, probe.fresh)

    def answer(self) -> Answer:
        """
        Return what it said, or that it did not within its time.
        """
        left = self.latest.began + self._probe.timeout - time.monotonic()
        try:
            return self.latest.result(max(0.0, left))
        except TimeoutError:
            return self._silence(Condition.TIMEOUT, f"no answer in {self._probe.timeout:g} s")

    def _ask(self) -> Answer:
        try:
            return self._probe.ask() or Answer()
        except Exception as error:  # noqa: BLE001 - whatever is raised, it is not there
            return self._silence(Condition.UNAVAILABLE, _reason(error))

    def _silence(self, condition: Condition, reason: str) -> Answer:
        return Answer(Condition.UNKNOWN if self._probe.hearsay else condition, reason)


def _reason(error: Exception) -> str:
    # The texts of our own errors hold no address; those of a library may hold anything.
    known = isinstance(error, PaymentsError) and str(error)
    return str(error) if known else type(error).__name__


class Health:
    """
    Asks everything at once, each thing within its own time and no oftener than it should be.

    Attributes:
        required: The names without which the service is unavailable.
    """

    def __init__(self, probes: Mapping[str, Probe], required: Collection[str]) -> None:
        self.required = frozenset(required)
        self._watches = {name: _Watch(probe) for name, probe in probes.items()}
        self._told: dict[str, Condition] = {}

    def report(self) -> HealthReport:
        """
        Return how things are, or were a few seconds ago.
        """
        for watch in self._watches.values():
            watch.latest.begin()
        answers = {name: watch.answer() for name, watch in self._watches.items()}
        checks = {name: answer.condition for name, answer in answers.items()}
        reasons = {name: answer.reason for name, answer in answers.items() if answer.reason}
        for name, condition in checks.items():
            self._tell(name, condition, reasons.get(name, ""))
        return HealthReport(self._judge(checks), checks, reasons)

    def _judge(self, checks: Mapping[str, Condition]) -> Condition:
        bad = {name for name, condition in checks.items() if condition is not Condition.OK}
        missing = {name for name in bad if checks[name] is not Condition.DEGRADED}
        if missing & self.required:
            return Condition.UNAVAILABLE
        return Condition.DEGRADED if bad else Condition.OK

    def _tell(self, name: str, condition: Condition, reason: str) -> None:
        """
        Write a line when it has changed, and none each time that somebody asks.
        """
        if self._told.get(name, Condition.OK) is condition:
            return
        self._told[name] = condition
        if condition is Condition.OK:
            _log.info("%s is ok again", name)
        else:
            _log.warning("%s is %s: %s", name, condition, reason)
