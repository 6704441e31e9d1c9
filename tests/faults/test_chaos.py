"""
Hundreds of processes are killed under load, by a seed; no promise is broken, and all recovers.
"""

import json
import os
import statistics
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

import attrs
import pytest
from joserfc.jwk import KeySet, RSAKey
from sqlalchemy import text
from typing_extensions import override

from payments_core.domain.invariants import Violation
from scripts.servers.process import free_port
from tests.faults.bench import heard_by, listener, place_on, places
from tests.faults.chaos import FAULTS, Client, Kills, NoKills, Supervisor
from tests.faults.chaos_process import LEASE, ROLES, Post
from tests.faults.conftest import Report
from tests.faults.counts import KILLS, RESTARTS
from tests.faults.evidence import Delivery, Evidence, Heard
from tests.faults.private_servers import PrivatePostgres
from tests.faults.world import Place, World
from tests.http.conftest import ISSUER, Issuer
from tests.rabbit.peer import Neighbour
from tests.rabbit.private_broker import PrivateBroker
from tests.redis.conditions import PrivateRedis

pytestmark = [pytest.mark.postgres, pytest.mark.rabbit, pytest.mark.slow, pytest.mark.alone]

SEED: Final = int(os.environ.get("PROOF_SEED", "1"))
CLIENTS: Final = 4
QUIET_WITHIN: Final = 120.0  # seconds for a loaded machine to come to rest
RECOVERY_P99: Final = 15.0  # seconds after the fault and the end of the lease
RECOVERY_MOST: Final = 60.0


@attrs.frozen
class Recovered:
    """
    How long after the end of its first lease each operation took that outlived it, in seconds.
    """

    seconds: Sequence[float]

    def at(self, percent: int) -> float:
        """
        Return how long so many of a hundred took at most.
        """
        if len(self.seconds) < 2:
            return self.most
        return statistics.quantiles(self.seconds, n=100, method="inclusive")[percent - 1]

    @property
    def most(self) -> float:
        """
        How long the last one took.
        """
        return max(self.seconds, default=0.0)

    @override
    def __str__(self) -> str:
        return f"{self.at(50):.1f} / {self.at(99):.1f} / {self.most:.1f} s of {len(self.seconds)}"


@contextmanager
def shop(
    place: Place, keys: Path, key: RSAKey, kills: Kills, redis: str = ""
) -> Iterator[list[Client]]:
    """
    Run processes that die and clients that buy, until that is over.
    """
    keys.write_text(json.dumps(KeySet([key]).as_dict(private=False)))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with World.open(place) as world:
        hook = {"url": f"{url}/api/payments/webhooks/stripe", "enabled_events[]": "*"}
        secret = world.post("webhook_endpoints", **hook)["secret"]
    post = Post(
        "",
        *(place.database, place.rabbit, place.simulator, keys.as_uri(), ISSUER, port, secret),
        redis=redis,
    )
    supervisors = [Supervisor(attrs.evolve(post, role=role), SEED, kills) for role in ROLES]
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


class Server(Protocol):
    """
    A server that is killed and comes back.
    """

    def kill(self) -> None:
        """
        Kill it.
        """

    def start(self) -> None:
        """
        Let it come back.
        """


def deliveries(world: World) -> list[Delivery]:
    """
    Return what the provider was answered with.
    """
    return [
        Delivery(d["event_id"], d["status"])
        for d in world.control("GET", "deliveries")
        if d["status"]
    ]


def accepted(world: World) -> int:
    """
    Return how many webhooks were taken in: a service that refuses them all is healed by asking.
    """
    return sum(delivery.status == 200 for delivery in deliveries(world))


def judged(world: World, clients: Sequence[Client], heard: list[Heard]) -> list[Violation]:
    """
    Return every promise that is broken.
    """
    evidence: Evidence = world.evidence(heard, deliveries(world))
    evidence.exchanges = [e for client in clients for e in client.exchanges]
    return [*world.verify(), *evidence.violations()]


def drained(broker: Neighbour, queue: str) -> list[Heard]:
    """
    Return what the broker handed on.
    """
    return [Heard(str(m.message_id), m.body.decode()) for m in broker.drain(queue)]


def figures(
    clients: Sequence[Client],
    heard: list[Heard],
    found: Sequence[Violation],
    recovered: Recovered,
    seconds: float,
) -> dict[str, object]:
    """
    Return what a run came to.
    """
    requests = sum(len(c.exchanges) for c in clients)
    return {
        "seed": SEED,
        "payments / requests": f"{sum(c.payments for c in clients)} / {requests}",
        "messages heard / of them copies": f"{len(heard)} / {len(heard) - len({h.id for h in heard})}",
        "invariants violated": len(found),
        "recovery after fault and lease p50/p99/max": recovered,
        "took": f"{seconds:.0f} s",
    }


def test_processes_are_killed_under_load(
    postgres_url: str, rabbit_url: str, tmp_path: Path, signing_key: RSAKey, report: Report
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
        heard = drained(broker, queue)
        found, webhooks = judged(world, clients, heard), accepted(world)
        recovered = Recovered(recovery_times(world))
    died = ", ".join(f"{role} {n}" for role, n in sorted(kills.died.items()))
    rows = figures(clients, heard, found, recovered, time.monotonic() - began)
    killed = f"{KILLS.now} ({died})"
    report(
        "processes killed under load",
        {"SIGKILLs": killed, "webhooks taken in": webhooks, **rows},
    )

    assert kills.strange == []
    assert webhooks > 0
    assert found == [], f"again: PROOF_SEED={SEED} make prove ARGS='-k killed_under_load'"
    assert recovered.at(99) <= RECOVERY_P99
    assert recovered.most <= RECOVERY_MOST


def restart(servers: Mapping[str, tuple[Server, int]], kills: NoKills) -> None:
    """
    Kill each server so often and let it come back, one after the other.
    """
    try:
        for number in range(max(times for _, times in servers.values())):
            for server, times in servers.values():
                if number < times:
                    time.sleep(1)
                    server.kill()
                    time.sleep(0.5)
                    server.start()
        time.sleep(1)
    finally:
        kills.ended.set()


def test_servers_are_killed_under_load(tmp_path: Path, signing_key: RSAKey, report: Report) -> None:
    """
    A database, a broker and a cache that die and come back take nothing with them.
    """
    began = time.monotonic()
    kills = NoKills(0)
    with ExitStack() as stack:
        database, cache = PrivatePostgres(), PrivateRedis(tmp_path)
        database.open(stack)
        cache.start()
        stack.callback(cache.kill)
        (tmp_path / "broker").mkdir()
        broker = PrivateBroker(tmp_path / "broker")
        broker.open(stack)
        place = stack.enter_context(place_on(database.url, broker.url))
        peer = Neighbour(broker.url)
        queue, _ = heard_by(peer, place.rabbit)
        peer.close()
        world = stack.enter_context(World.open(place))
        world.prepare()
        servers = {
            "PostgreSQL": (database, RESTARTS.now),
            "RabbitMQ": (broker, min(RESTARTS.now, 30)),
            "Redis": (cache, RESTARTS.now if RESTARTS.now < 50 else 70),
        }
        thread = threading.Thread(target=restart, args=(servers, kills))
        thread.start()
        clients = stack.enter_context(
            shop(place, tmp_path / "keys.json", signing_key, kills, cache.url)
        )
        thread.join()
        until_quiet(world)
        peer = Neighbour(broker.url)
        heard = drained(peer, queue)
        peer.close()
        found, webhooks = judged(world, clients, heard), accepted(world)
        recovered = Recovered(recovery_times(world))
    rows = figures(clients, heard, found, recovered, time.monotonic() - began)
    killed = ", ".join(f"{name} {times}" for name, (_, times) in servers.items())
    report("servers killed under load", {"SIGKILLs": killed, "webhooks taken in": webhooks, **rows})

    assert kills.strange == []
    assert webhooks > 0
    assert found == []


@pytest.fixture(scope="module")
def signing_key() -> RSAKey:
    """
    The issuer's key.
    """
    return RSAKey.generate_key(2048, {"kid": "key-1", "use": "sig", "alg": "RS256"})
