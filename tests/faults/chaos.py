"""
A shop under load whose API, worker and relay are killed again and again, by a seed.
"""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Mapping
from multiprocessing.process import BaseProcess
from typing import Any, Final
from uuid import UUID

import attrs
import requests
from typing_extensions import override

from tests.faults.chaos_process import Post, run
from tests.faults.evidence import Exchange
from tests.faults.world import FORKED
from tests.http.conftest import Issuer

MOST: Final[Mapping[str, int]] = {"api": 60, "worker": 90, "relay": 30}
"""
How many fault points a process passes at most before it dies.
"""

FAULTS: Final[list[dict[str, Any]]] = [
    {"kind": "effect_then_reset", "operation": "*.create", "probability": 0.05},
    {"kind": "reset", "operation": "*.create", "probability": 0.03},
    {"kind": "effect_then_reset", "operation": "payment_intents.c*", "probability": 0.05},
    {"kind": "error_500_effect", "operation": "payment_intents.create", "probability": 0.02},
    {"kind": "rate_limited", "operation": "*", "probability": 0.02},
    {"kind": "garbage", "operation": "*.retrieve", "probability": 0.02},
    {"kind": "duplicate", "probability": 0.4, "seconds": 0.5},
    {"kind": "drop", "probability": 0.02},
    {"kind": "delay", "probability": 0.05, "seconds": 5.0},
    {"kind": "reorder", "probability": 0.3, "seconds": 1.0},
]
METHODS: Final = ("pm_card_visa",) * 8 + ("pm_card_visa_chargeDeclined",)


@attrs.define
class Supervisor:
    """
    Keeps one process of a role alive, until enough have died.

    Attributes:
        kills: How many have died, which is shared by all roles.
    """

    post: Post
    seed: int
    kills: "Kills"
    process: BaseProcess | None = None

    def keep(self) -> None:
        """
        Start the next process whenever one has died.
        """
        number = 0
        while not self.kills.over:
            chance = random.Random(f"{self.seed}:{self.post.role}:{number}")
            self._start(attrs.evolve(self.post, passes=self.kills.passes(self.post.role, chance)))
            assert self.process is not None
            while self.process.is_alive() and not self.kills.over:
                self.process.join(0.05)
            if not self.process.is_alive():
                self.kills.count(self.post.role, self.process.exitcode)
            number += 1
        self.stop()
        self._start(self.post)

    def stop(self) -> None:
        """
        End the process that runs.
        """
        if self.process and self.process.is_alive():
            self.process.kill()
            self.process.join()

    def _start(self, post: Post) -> None:
        # Another process of the same machine starts at the same moment: one after the other.
        with self.kills.lock:
            self.process = FORKED.Process(target=run, args=(post,), daemon=True)
            self.process.start()


@attrs.define
class Kills:
    """
    How many processes have died, and how many shall.
    """

    wanted: int
    died: Counter[str] = attrs.field(factory=Counter)
    strange: list[tuple[str, int | None]] = attrs.field(factory=list)
    lock: Any = attrs.field(factory=threading.Lock)

    @property
    def over(self) -> bool:
        """
        Whether enough have died.
        """
        return sum(self.died.values()) >= self.wanted or len(self.strange) > 5

    def passes(self, role: str, chance: random.Random) -> int | None:
        """
        Return after how many fault points the next process of a role dies.
        """
        return chance.randint(1, MOST[role])

    def count(self, role: str, code: int | None) -> None:
        """
        Count one that died; an end that nobody ordered is kept apart.
        """
        with self.lock:
            if code == -9:
                self.died[role] += 1
            else:
                self.strange.append((role, code))


@attrs.define
class NoKills(Kills):
    """
    Every process lives until all is over.
    """

    ended: threading.Event = attrs.field(factory=threading.Event)

    @property
    @override
    def over(self) -> bool:
        return self.ended.is_set() or len(self.strange) > 5

    @override
    def passes(self, role: str, chance: random.Random) -> int | None:
        return None


@attrs.define
class Client:
    """
    A buyer who takes payments to their end, and asks again until there is an answer.
    """

    url: str
    issuer: Issuer
    seed: int
    number: int
    kills: Kills
    exchanges: list[Exchange] = attrs.field(factory=list)
    payments: int = 0
    http: requests.Session = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.http = requests.Session()
        self.http.trust_env = False

    def shop(self) -> None:
        """
        Buy until enough have died.
        """
        while not self.kills.over:
            self.buy(random.Random(f"{self.seed}:client:{self.number}:{self.payments}"))
            self.payments += 1

    def buy(self, chance: random.Random) -> None:
        """
        Take one payment, capture it where that is left to do, and perhaps give some back.
        """
        manual = chance.random() < 0.3
        body = {
            "orderId": str(UUID(int=chance.getrandbits(128), version=4)),
            "amount": "10.00",
            "currency": "EUR",
            "customerId": "alice",
            "paymentMethodId": chance.choice(METHODS),
            "captureMethod": "manual" if manual else "automatic",
        }
        made = self.ask("/api/payments", body, f"create-{body['orderId']}")
        if made is None or "paymentId" not in made:
            return
        place = f"/api/payments/{made['paymentId']}"
        if chance.random() < 0.2:
            self.peep(place)
        if manual:
            self.ask(f"{place}/{chance.choice(['capture', 'capture', 'cancel'])}", {}, "end")
        if chance.random() < 0.5:
            amount = chance.choice(["1.00", "4.00", "10.00"])
            self.ask(f"{place}/refund", {"amount": amount}, f"refund-{made['paymentId']}")

    def ask(self, path: str, body: Any, key: str) -> dict[str, Any] | None:
        """
        Send a request under a key until it is answered for good.
        """
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            reply = self._send(path, body, key)
            if reply is not None and reply.status_code not in {202, 409, 429, 503}:
                found: dict[str, Any] = reply.json()
                return found
            time.sleep(0.1)
        return None

    def peep(self, path: str) -> None:
        """
        Look at it as somebody whose it is not.
        """
        token = self.issuer.token("Customer", sub="mallory")
        headers = {"Authorization": f"Bearer {token}"}
        try:
            reply = self.http.get(self.url + path, headers=headers, timeout=10)
        except requests.RequestException:
            return
        self._note("mallory", path, reply, None, may_see=False)

    def _send(self, path: str, body: Any, key: str) -> requests.Response | None:
        token = self.issuer.token("Admin", sub="root")
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
        try:
            reply = self.http.post(self.url + path, json=body, headers=headers, timeout=10)
        except requests.RequestException:
            return None
        self._note("root", path, reply, key, may_see=True, asked=json.dumps(body))
        return reply

    def _note(
        self,
        caller: str,
        path: str,
        reply: requests.Response,
        key: str | None,
        *,
        may_see: bool,
        asked: str = "",
    ) -> None:
        self.exchanges.append(
            Exchange(
                caller=caller,
                route=path,
                status=reply.status_code,
                body=reply.text,
                asked=asked,
                key=key,
                headers=dict(reply.headers),
                down=True,
                may_see=may_see,
            )
        )
