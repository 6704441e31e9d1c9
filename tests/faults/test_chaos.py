"""
Hundreds of processes are killed under load, by a seed; no promise is broken, and all recovers.
"""

import json
import os
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import attrs
import pytest
from joserfc.jwk import KeySet, RSAKey
from sqlalchemy import text

from scripts.servers.process import free_port
from tests.faults.bench import listener, places
from tests.faults.chaos import FAULTS, Client, Kills, Supervisor
from tests.faults.chaos_process import LEASE, ROLES, Post
from tests.faults.counts import KILLS
from tests.faults.evidence import Delivery, Evidence, Heard
from tests.faults.world import Place, World
from tests.http.conftest import ISSUER, Issuer

pytestmark = [pytest.mark.postgres, pytest.mark.rabbit, pytest.mark.slow]

SEED: Final = int(os.environ.get("PROOF_SEED", "1"))
CLIENTS: Final = 4
QUIET_WITHIN: Final = 120.0  # seconds for a loaded machine to come to rest
RECOVERY_P99: Final = 15.0  # seconds after the fault and the end of the lease
RECOVERY_MOST: Final = 60.0


@attrs.frozen
class Figures:
    """
    What a run came to.
    """

    kills: Kills
    payments: int
    requests: int
    copies: int
    recovery: Sequence[float]
    seconds: float

    def write(self) -> None:
        """
        Print them as a table.
        """
        died = ", ".join(f"{role} {n}" for role, n in sorted(self.kills.died.items()))
        rows = {
            "seed": SEED,
            "SIGKILLs": f"{sum(self.kills.died.values())} ({died})",
            "payments / requests": f"{self.payments} / {self.requests}",
            "messages heard twice": self.copies,
            "operations that recovery ended": len(self.recovery),
            "recovery p50 / p99 / max": f"{self._at(50):.1f} / {self._at(99):.1f}"
            f" / {max(self.recovery, default=0):.1f} s",
            "run": f"{self.seconds:.0f} s",
        }
        lines = (f"  {name:<32}{value}" for name, value in rows.items())
        sys.stdout.write("\nchaos\n" + "\n".join(lines) + "\n")

    def _at(self, percent: int) -> float:
        if len(self.recovery) < 2:
            return max(self.recovery, default=0.0)
        return statistics.quantiles(self.recovery, n=100, method="inclusive")[percent - 1]

    @property
    def p99(self) -> float:
        """
        How long all but one in a hundred took, in seconds.
        """
        return self._at(99)


@contextmanager
def shop(place: Place, keys: Path, key: RSAKey, kills: Kills) -> Iterator[list[Client]]:
    """
    Run processes that die and clients that buy until enough have died.
    """
    keys.write_text(json.dumps(KeySet([key]).as_dict(private=False)))
    port = free_port()
    post = Post("", place.database, place.rabbit, place.simulator, keys.as_uri(), ISSUER, port)
    supervisors = [Supervisor(attrs.evolve(post, role=role), SEED, kills) for role in ROLES]
    url = f"http://127.0.0.1:{port}"
    with World.open(place) as world:
        world.post(
            "webhook_endpoints",
            **{"url": f"{url}/api/payments/webhooks/stripe", "enabled_events[]": "*"},
        )
    issuer = Issuer(key)
    clients = [Client(url, issuer, SEED, number, kills) for number in range(CLIENTS)]
    threads = [threading.Thread(target=s.keep) for s in supervisors]
    threads += [threading.Thread(target=c.shop) for c in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        yield clients
    finally:
        for supervisor in supervisors:
            supervisor.stop()


def until_quiet(world: World) -> None:
    """
    Return when nothing is left to do.
    """
    deadline = time.monotonic() + QUIET_WITHIN
    while True:
        with world.engine.connect() as connection:
            left = connection.execute(text(_LEFT)).mappings().one()
        if not any(left.values()):
            return
        assert time.monotonic() < deadline, dict(left)
        time.sleep(0.2)


_LEFT: Final = """
SELECT (SELECT count(*) FROM payment_operations WHERE state IN ('sent', 'unknown', 'pending'))
        AS operations,
    (SELECT count(*) FROM webhook_events WHERE status IN ('received', 'parked')) AS webhooks,
    (SELECT count(*) FROM outbox WHERE status IN ('pending', 'parked')) AS messages,
    (SELECT count(*) FROM inbox WHERE status = 'waiting') AS commands
"""


def recovery_times(world: World) -> list[float]:
    """
    Return how long after the end of its first lease each operation took that outlived it.
    """
    statement = text(
        "SELECT first_sent_at, resolved_at FROM payment_operations WHERE resolved_at IS NOT NULL"
    )
    with world.engine.connect() as connection:
        rows = connection.execute(statement).all()
    return [t for sent, done in rows if (t := _after_lease(sent, done)) > 0]


def _after_lease(sent: datetime, done: datetime) -> float:
    return (done - sent - LEASE).total_seconds()


def deliveries(world: World) -> list[Delivery]:
    """
    Return what the provider was answered with.
    """
    return [
        Delivery(d["event_id"], d["status"])
        for d in world.control("GET", "deliveries")
        if d["status"]
    ]


def test_processes_are_killed_under_load(
    postgres_url: str, rabbit_url: str, tmp_path: Path, signing_key: RSAKey
) -> None:
    """
    Nothing is lost, done twice or invented, and all is as it should be soon after.
    """
    began = time.monotonic()
    kills = Kills(KILLS.now)
    with ExitStack() as stack:
        place = stack.enter_context(places(postgres_url, rabbit_url))
        broker, queue = stack.enter_context(listener(place))
        world = stack.enter_context(World.open(place))
        world.prepare()
        world.control("POST", "faults", FAULTS)
        clients = stack.enter_context(shop(place, tmp_path / "keys.json", signing_key, kills))
        world.control("DELETE", "faults")
        until_quiet(world)
        heard = [Heard(str(m.message_id), m.body.decode()) for m in broker.drain(queue)]
        evidence: Evidence = world.evidence(heard, deliveries(world))
        evidence.exchanges = [e for client in clients for e in client.exchanges]
        found = [*world.verify(), *evidence.violations()]
        figures = Figures(
            kills=kills,
            payments=sum(c.payments for c in clients),
            requests=len(evidence.exchanges),
            copies=len(heard) - len({h.id for h in heard}),
            recovery=recovery_times(world),
            seconds=time.monotonic() - began,
        )
    figures.write()

    assert kills.strange == []
    assert found == [], f"again: PROOF_SEED={SEED} make prove ARGS='-k killed_under_load'"
    assert figures.p99 <= RECOVERY_P99
    assert max(figures.recovery, default=0.0) <= RECOVERY_MOST


@pytest.fixture(scope="module")
def signing_key() -> RSAKey:
    """
    The issuer's key.
    """
    return RSAKey.generate_key(2048, {"kid": "key-1", "use": "sig", "alg": "RS256"})
