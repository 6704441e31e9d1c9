"""
How long ago each part of the worker gave a sign of life, whichever process does it.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

from payments_bootstrap.heart import FORGOTTEN
from payments_bootstrap.latest import Latest
from payments_bootstrap.worker import Part
from payments_core.ports.clock import IClock
from payments_core.ports.heartbeats import Heartbeat, IHeartbeats


class HeartbeatCollector(Collector):
    """
    Reads when it is asked, but no oftener than every few seconds, and waits for no slow database.

    Of a part that nobody does, and while the database is not there, nothing is told.

    Args:
        patience: Seconds that a scrape waits. fresh: Seconds for which what was read is good.
    """

    def __init__(
        self, heartbeats: IHeartbeats, clock: IClock, patience: float = 2.0, fresh: float = 5.0
    ) -> None:
        self._clock = clock
        self._patience = patience
        self._latest = Latest(lambda: heartbeats.since(clock.now() - FORGOTTEN), fresh)

    @override
    def collect(self) -> Iterator[GaugeMetricFamily]:
        self._latest.begin()
        try:
            beats = self._latest.result(self._patience)
        except Exception:  # noqa: BLE001 - `payments_database_up` tells of it, and the scrape goes on
            return
        yield _told(beats, self._clock.now())

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """
        Return the name and label alone: whoever registers this asks no database.
        """
        return [ages()]


def ages() -> GaugeMetricFamily:
    """
    Return the age of the last sign of life by part, without values.
    """
    about = "Signs of life of the worker's parts: the age of the newest; of a part that nobody does there is none."
    return GaugeMetricFamily("payments_worker_heartbeat_age_seconds", about, labels=["part"])


def _told(beats: Sequence[Heartbeat], now: datetime) -> GaugeMetricFamily:
    family = ages()
    for part in Part:
        newest = max((beat.at for beat in beats if part in beat.parts), default=None)
        if newest is not None:
            # Another machine's clock may be ahead of ours.
            family.add_metric([part], max(0.0, (now - newest).total_seconds()))
    return family
