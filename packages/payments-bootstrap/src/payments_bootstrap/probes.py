"""
What is asked when somebody asks how the service is.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Final

import attrs

from payments_bootstrap.health import Answer, Condition, Ping, Probe
from payments_bootstrap.settings import Check, HealthSettings
from payments_bootstrap.worker import Part
from payments_core.ports.clock import IClock
from payments_core.ports.heartbeats import Heartbeat, IHeartbeats
from payments_core.ports.provider import IPaymentProvider
from payments_core.ports.queries import IPaymentQueries


def check_database(queries: IPaymentQueries, behind: Callable[[], bool]) -> Answer:
    """
    Return how the database is that has answered.
    """
    queries.ping()
    return Answer(Condition.NOT_MIGRATED, _MIGRATE) if behind() else Answer()


_MIGRATE: Final = "its tables are missing or too old; run `payments db migrate`"


@attrs.frozen
class Workers:
    """
    What the signs of life of the workers tell.

    Attributes:
        away_after: Who is silent for longer does not count.

        broker: Whether there is one, and so somebody must consume.
    """

    heartbeats: IHeartbeats
    clock: IClock
    away_after: timedelta
    broker: bool

    def present(self) -> Answer:
        """
        Return whether each part is done by somebody.
        """
        done = {part for beat in self._seen() for part in beat.parts}
        needed = set(Part) if self.broker else set(Part) - {Part.CONSUMERS}
        if not done:
            return Answer(Condition.AWAY, "none was seen lately; start `payments worker`")
        missing = ", ".join(sorted(needed - done))
        return Answer(Condition.DEGRADED, f"nobody does: {missing}") if missing else Answer()

    def reach_broker(self) -> Answer:
        """
        Return whether all reach it that need it.
        """
        told = {beat.broker for beat in self._seen() if beat.broker is not None}
        if not told:
            return Answer(Condition.UNKNOWN, "only workers know, and none was seen lately")
        if told == {True}:
            return Answer()
        condition = Condition.DEGRADED if True in told else Condition.UNAVAILABLE
        return Answer(condition, "workers do not reach it")

    def _seen(self) -> Sequence[Heartbeat]:
        return self.heartbeats.since(self.clock.now() - self.away_after)


def probes_of(
    settings: HealthSettings,
    database: Ping,
    providers: Mapping[str, IPaymentProvider],
    workers: Workers,
    redis: Ping | None,
) -> Mapping[str, Probe]:
    """
    Return how each thing is asked; a broker and Redis only where they are configured.
    """
    probe = partial(
        Probe,
        timeout=settings.timeout.total_seconds(),
        fresh=settings.fresh.total_seconds(),
    )
    probes = {
        Check.DATABASE: probe(database),
        **{
            Check(name): probe(provider.ping, fresh=settings.provider_fresh.total_seconds())
            for name, provider in providers.items()
        },
        Check.WORKER: probe(workers.present, hearsay=True),
    }
    if workers.broker:
        probes[Check.RABBITMQ] = probe(workers.reach_broker, hearsay=True)
    if redis:
        probes[Check.REDIS] = probe(redis)
    return {str(name): found for name, found in probes.items()}
