"""
What is not done yet, out of the database at the moment of the scrape.
"""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final, Literal

import attrs
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

from payments_bootstrap.latest import Latest
from payments_core.domain.discrepancy import DiscrepancyKind
from payments_core.domain.operation import UNRESOLVED
from payments_core.ports.backlog import MOST, UNDONE, Backlog, IBacklogQueries, Waiting
from payments_core.ports.clock import IClock
from payments_core.ports.outbox import BLOCKING

_log = logging.getLogger(__name__)


@attrs.frozen
class Family:
    """
    One kind of thing that waits.

    Attributes:
        field: Of the backlog. about: What is counted. word: The label; words: its values.

        age: Whose is told, of the oldest or of the newest; the first is 0 if there is none, the
            second has no value then.
    """

    name: str
    field: str
    about: str
    word: str
    words: Collection[str]
    age: Literal["oldest", "newest"] = "oldest"


FAMILIES: Final = (
    Family("payments_outbox_unsent", "messages", "Messages not sent", "status", BLOCKING),
    Family(
        name="payments_operations_unresolved",
        field="operations",
        about="Operations whose outcome nobody knows",
        word="state",
        words=UNRESOLVED,
    ),
    Family(
        name="payments_webhooks_undone",
        field="webhooks",
        about="Events of a provider that nothing has come of",
        word="status",
        words=UNDONE,
    ),
    Family(
        name="payments_discrepancies_standing",
        field="discrepancies",
        about="Differences from a provider that are neither repaired nor closed",
        word="kind",
        words=tuple(DiscrepancyKind),
        age="newest",
    ),
)


class BacklogCollector(Collector):
    """
    Counts when it is asked, but no oftener than every few seconds, and waits for no slow database.

    A scrape never fails for want of the database: `payments_database_up` is 0 then, and what
    would be a guess is left out.

    Args:
        patience: Seconds that a scrape waits. fresh: Seconds for which a count is good.
    """

    def __init__(
        self, queries: IBacklogQueries, clock: IClock, patience: float = 2.0, fresh: float = 5.0
    ) -> None:
        self._clock = clock
        self._patience = patience
        self._latest = Latest(queries.count, fresh)

    @override
    def collect(self) -> Iterator[GaugeMetricFamily]:
        backlog = self._counted()
        yield up(float(backlog is not None))
        if backlog:
            yield from _families(backlog, self._clock.now())

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """
        Return the names and labels alone: whoever registers this asks no database.
        """
        yield up()
        for family in FAMILIES:
            yield from families_of(family)

    def _counted(self) -> Backlog | None:
        self._latest.begin()
        try:
            return self._latest.result(self._patience)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not fail the scrape
            _log.warning("The database could not be counted: %s", type(error).__name__)
            return None


def up(value: float | None = None) -> GaugeMetricFamily:
    """
    Return whether the database could be counted; without a value its name alone.
    """
    about = (
        "Whether the database could be counted for this scrape; if not, what it tells is missing."
    )
    return GaugeMetricFamily("payments_database_up", about, value=value)


def families_of(family: Family) -> tuple[GaugeMetricFamily, GaugeMetricFamily]:
    """
    Return the number and the age of what waits, without values.
    """
    about, labels = family.about, (family.word,)
    return (
        GaugeMetricFamily(family.name, f"{about}, up to {MOST:,}.", labels=labels),
        GaugeMetricFamily(
            f"{family.name}_{family.age}_age_seconds",
            f"{about}: the age of the {family.age}.",
            labels=labels,
        ),
    )


def _families(backlog: Backlog, now: datetime) -> Iterator[GaugeMetricFamily]:
    for family in FAMILIES:
        found: Mapping[str, Waiting] = getattr(backlog, family.field)
        numbers, ages = families_of(family)
        for word in sorted(map(str, family.words)):
            waiting = found.get(word)
            numbers.add_metric([word], waiting.number if waiting else 0)
            if waiting:
                ages.add_metric([word], _seconds(now, getattr(waiting, family.age)))
            elif family.age == "oldest":
                ages.add_metric([word], 0.0)
        yield numbers
        yield ages


def _seconds(now: datetime, then: datetime) -> float:
    # Another machine's clock may be ahead of ours.
    return max(0.0, (now - then).total_seconds())
