"""
Instances are replaced one after the other, under load, and no caller notices.
"""

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from http import HTTPStatus
from http.client import HTTPResponse
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import attrs
import pytest
import requests
from joserfc.jwk import RSAKey

from payments_http.worker import PATIENCE
from tests.deploy.rolling import WITHIN, Instance, environ_of, nginx
from tests.faults.bench import listener, places
from tests.faults.conftest import Report, report
from tests.faults.evidence import Exchange, Heard
from tests.faults.test_chaos import deliveries, drained, until_quiet
from tests.faults.world import World
from tests.http.conftest import Issuer
from tests.http.key_server import serving_keys
from tests.http.test_stopping import Api

__all__ = ("report",)

pytestmark = [pytest.mark.postgres, pytest.mark.rabbit, pytest.mark.slow, pytest.mark.release]

RESTARTS: Final = 5
BUYERS: Final = 4
WEBHOOKS: Final = "/api/payments/webhooks/stripe"
HALF: Final = f"POST {WEBHOOKS} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{{".encode()


@attrs.define
class Buyer:
    """
    Takes payments, looks at them and gives money back, each request sent once.

    Attributes:
        failed: What a caller should not have to see.
    """

    url: str
    issuer: Issuer
    over: threading.Event
    exchanges: list[Exchange] = attrs.field(factory=list)
    failed: list[str] = attrs.field(factory=list)
    http: requests.Session = attrs.field(factory=requests.Session)

    def shop(self) -> None:
        """
        Buy until it is over.
        """
        self.http.trust_env = False
        # A pause, so that the load is the same on every machine that can bear it.
        while not self.over.wait(0.2):
            self.buy()

    def buy(self) -> None:
        """
        Take one payment, look at it, and give a part of it back.
        """
        body = {"orderId": str(uuid4()), "amount": "10.00", "currency": "EUR"}
        more = {"customerId": "alice", "paymentMethodId": "pm_card_visa"}
        made = self._ask("POST", "/api/payments", body | more, HTTPStatus.CREATED)
        if made is not None:
            place = f"/api/payments/{made['paymentId']}"
            self._ask("GET", place, None, HTTPStatus.OK)
            self._ask("POST", f"{place}/refund", {"amount": "1.00"}, HTTPStatus.CREATED)

    def _ask(self, method: str, path: str, body: Any, wanted: HTTPStatus) -> Any:
        token, key = self.issuer.token("Admin", sub="root"), str(uuid4())
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
        try:
            reply = self.http.request(
                method, self.url + path, json=body, headers=headers, timeout=60
            )
        except requests.RequestException as error:
            self.failed.append(f"{method} {type(error).__name__}")
            return None
        kept = Exchange(
            caller="root",
            route=path,
            status=reply.status_code,
            body=reply.text,
            key=key if body else None,
            asked=str(body),
            headers=dict(reply.headers),
        )
        self.exchanges.append(kept)
        if reply.status_code != wanted:
            self.failed.append(f"{method} {reply.status_code}")
            return None
        return reply.json()


@attrs.frozen
class Installation:
    """
    Two APIs behind nginx, and two workers.
    """

    url: str
    apis: Sequence[Instance]
    workers: Sequence[Instance]

    def roll(self) -> None:
        """
        Replace each instance, the next only when the one before is ready.
        """
        for api, worker in zip(self.apis, self.workers, strict=True):
            for instance in (api, worker):
                instance.tell()
            for instance in (api, worker):
                instance.replace()
            api.until_ready()


@contextmanager
def installed(world: World, key: RSAKey) -> Iterator[Installation]:
    """
    Run it all until the block ends.
    """
    apis, workers = ([Instance(c), Instance(c)] for c in ("serve", "worker"))
    with ExitStack() as stack:
        keys = stack.enter_context(serving_keys(key))
        port = stack.enter_context(nginx(*(api.port for api in apis)))
        url = f"http://127.0.0.1:{port}"
        endpoint = {"url": url + WEBHOOKS, "enabled_events[]": "payment_intent.succeeded"}
        secret = world.post("webhook_endpoints", **endpoint)["secret"]
        for instance in (*apis, *workers):
            stack.callback(instance.kill)
            instance.environ = environ_of(world.place, keys.url, secret)
            instance.start()
        for api in apis:
            api.until_ready()
        yield Installation(url, apis, workers)


@contextmanager
def buying(url: str, issuer: Issuer) -> Iterator[list[Buyer]]:
    """
    Let buyers buy until the block ends.
    """
    over = threading.Event()
    buyers = [Buyer(url, issuer, over) for _ in range(BUYERS)]
    threads = [threading.Thread(target=buyer.shop) for buyer in buyers]
    for thread in threads:
        thread.start()
    try:
        yield buyers
    finally:
        over.set()
        for thread in threads:
            thread.join()
        for buyer in buyers:
            buyer.http.close()


def until_brought(world: World) -> list[dict[str, Any]]:
    """
    Return the provider's deliveries when none of them is still to be made.
    """
    deadline = time.monotonic() + WITHIN
    while True:
        brought: list[dict[str, Any]] = world.control("GET", "deliveries")
        if not any(delivery["state"] == "pending" for delivery in brought):
            return brought
        assert time.monotonic() < deadline, "webhooks are still to be brought"
        time.sleep(0.5)


def told_of(heard: Sequence[Heard], name: str) -> Counter[str]:
    """
    Return how often each payment was told of in messages of a name; copies count once.
    """
    bodies = {h.id: h.body for h in heard if f":{name}" in h.body}
    return Counter(_payment(body) for body in bodies.values())


def _payment(body: str) -> str:
    return str(json.loads(body)["message"]["paymentId"])


def test_no_request_fails(postgres_url: str, rabbit_url: str, report: Report) -> None:
    """
    Five rolling restarts of API and worker, and nobody notices.

    Every request is answered, every webhook taken at the first attempt, every event told, and
    every promise of the payments holds.
    """
    key = RSAKey.generate_key(2048, {"kid": "key-1", "use": "sig", "alg": "RS256"})
    began = time.monotonic()
    with ExitStack() as stack:
        place = stack.enter_context(places(postgres_url, rabbit_url))
        broker, queue = stack.enter_context(listener(place))
        world = stack.enter_context(World.open(place))
        world.prepare()
        service = stack.enter_context(installed(world, key))
        with buying(service.url, Issuer(key)) as buyers:
            for _ in range(RESTARTS):
                service.roll()
        brought = until_brought(world)
        until_quiet(world)
        heard = drained(broker, queue)
        evidence = world.evidence(heard, deliveries(world))
        evidence.exchanges = [e for buyer in buyers for e in buyer.exchanges]
        found = [*world.verify(), *evidence.violations()]
    ends = [code for i in (*service.apis, *service.workers) for code in i.ends]
    failed = [problem for buyer in buyers for problem in buyer.failed]
    answered = len(evidence.exchanges)
    report(
        "rolling restarts behind nginx",
        {
            "restarts of API / worker": f"{2 * RESTARTS} / {2 * RESTARTS}",
            "requests / failed": f"{answered} / {len(failed)}",
            "webhooks / not taken at once": f"{len(brought)} / {_again(brought)}",
            "messages heard / of them copies": f"{len(heard)} / {len(heard) - len({h.id for h in heard})}",
            "invariants violated": len(found),
            "took": f"{time.monotonic() - began:.0f} s",
        },
    )
    bought = [e for e in evidence.exchanges if e.route == "/api/payments"]

    assert failed == []
    assert ends == [0] * 4 * RESTARTS
    assert _again(brought) == 0
    assert found == []
    assert len(told_of(heard, "IPaymentSucceeded")) == len(bought)


def test_slow_senders_hold_nobody(tmp_path: Path) -> None:
    """
    120 requests that are half sent hold no thread: each is heard when all of it has come.

    Without nginx each would hold one of 16 for five seconds, and be refused unheard then.
    """
    api = Api(tmp_path)
    with ExitStack() as stack:
        stack.callback(api.process.wait)
        stack.callback(api.process.kill)
        api.until(listens=True)
        port = stack.enter_context(nginx(api.port, api.port))
        slow = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), WITHIN))
            for _ in range(120)
        ]
        for connection in slow:
            connection.sendall(HALF)
        others = [requests.get(f"http://127.0.0.1:{port}/api/payments", timeout=WITHIN)]
        time.sleep(PATIENCE + 1)
        for connection in slow:
            connection.sendall(b"}")
        answers = Counter(_code(connection) for connection in slow)

    assert [other.status_code for other in others] == [HTTPStatus.UNAUTHORIZED]
    assert answers == {"webhook_signature_missing": 120}


def _code(connection: socket.socket) -> str:
    with closing(HTTPResponse(connection)) as response:
        response.begin()
        return str(json.loads(response.read())["code"])


def _again(brought: Sequence[dict[str, Any]]) -> int:
    return sum(1 for d in brought if d["attempts"] != 1 or d["status"] != HTTPStatus.OK)
