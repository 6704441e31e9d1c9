"""
A process that is told to end while the provider takes as long as it may.
"""

import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final

import attrs
import pytest
import requests

from payments_bootstrap.serving import WEB_SERVER
from payments_postgres import DatabaseSettings, create_engine, migrate
from payments_rabbit import RabbitSettings
from tests.faults.bench import simulator_process
from tests.faults.standing import PAYMENTS, Standing, environ_of, issuer_in, running, until

pytestmark = [pytest.mark.slow, pytest.mark.release]

WORKER: Final = (PAYMENTS, "worker")
GRACE: Final = 40.0  # seconds that a process may take to end; what deploys it waits longer
PATIENT: Final = {
    "PAYMENT_PROVIDERS__STRIPE__READ_TIMEOUT": "8",
    "PAYMENT_PROVIDERS__STRIPE__DEADLINE": "12",
    "POLICY__LEASE": "46s",
    "WORKER__METRICS_PORT": "0",
}


@attrs.frozen
class Scene:
    """
    A simulated provider, a database, and the settings for processes on them.
    """

    simulator: str
    service: Standing
    environ: Mapping[str, str] = attrs.field(repr=False)

    def slow(self, kind: str, operation: str, seconds: float, times: int = 1) -> None:
        """
        Let the provider take long.
        """
        rule: dict[str, Any] = {
            "kind": kind,
            "operation": operation,
            "seconds": seconds,
            "times": times,
        }
        requests.post(f"{self.simulator}/_simulator/faults", json=rule, timeout=60)

    def is_asked(self) -> bool:
        """
        Return whether the provider is taking long just now.
        """
        return any(r["fired"] for r in self._told("faults"))

    def quick(self) -> None:
        """
        Let it answer at once from now on.
        """
        requests.delete(f"{self.simulator}/_simulator/faults", timeout=60)

    def charges(self, payment_id: str) -> int:
        """
        Return how often money was taken for a payment.
        """
        found = self._told(f"objects/charge?metadata[payment_id]={payment_id}")
        every = found["data"] if isinstance(found, dict) else found
        return sum(charge["status"] == "succeeded" for charge in every)

    def becomes(self, payment_id: str, status: str) -> None:
        """
        Return when a payment has a status.
        """
        now = partial(self.service.status, payment_id)
        until(lambda: now() == status, now)

    def _told(self, path: str) -> Any:
        return requests.get(f"{self.simulator}/_simulator/{path}", timeout=60).json()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """
    Nothing runs but the provider.
    """
    url = f"sqlite:///{tmp_path}/payments.db"
    engine = create_engine(DatabaseSettings(url))
    migrate(engine)
    engine.dispose()
    issuer, keys = issuer_in(tmp_path)
    with simulator_process() as simulator:
        environ = environ_of(url, RabbitSettings(), "", simulator, keys) | PATIENT
        environ = {k: v for k, v in environ.items() if not k.startswith("RABBITMQ__")}
        yield Scene(simulator, Standing(int(environ["HTTP__PORT"]), issuer, environ), environ)


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    """
    What a test starts, until it ends.
    """
    with ExitStack() as stack:
        yield stack


def api(scene: Scene, opened: ExitStack) -> "subprocess.Popen[bytes]":
    """
    Start the API.
    """
    process = opened.enter_context(running(WEB_SERVER, scene.environ))

    def answers() -> bool:
        try:
            return scene.service.get("/health/live").status_code == 200
        except requests.RequestException:
            return False

    until(lambda: answers() or process.poll() is not None)
    assert process.poll() is None, "its messages are above"
    return process


def asked(scene: Scene, opened: ExitStack) -> "Future[requests.Response]":
    """
    Ask for a payment, and return when the provider has heard of it.
    """
    pool = opened.enter_context(ThreadPoolExecutor(1))
    answer = pool.submit(scene.service.pay)
    until(scene.is_asked)
    return answer


def test_api_while_a_payment_is_made(scene: Scene, opened: ExitStack) -> None:
    """
    Who waits for a slow provider is answered, and then the API ends well.
    """
    process = api(scene, opened)
    scene.slow("slow", "payment_intents.create", 7)
    answer = asked(scene, opened)
    process.terminate()
    reply = answer.result().json()

    assert reply["status"] == "Succeeded"
    assert process.wait(GRACE) == 0
    assert scene.charges(reply["paymentId"]) == 1


def test_api_while_nobody_answers(scene: Scene, opened: ExitStack) -> None:
    """
    A provider that took the money and says nothing for as long as it may: it is settled later.
    """
    process = api(scene, opened)
    scene.slow("effect_then_timeout", "payment_intents.*", 60, times=9)
    answer = asked(scene, opened)
    process.terminate()
    reply = answer.result()
    ended = process.wait(GRACE)
    scene.quick()
    api(scene, opened)
    opened.enter_context(running(WORKER, scene.environ))

    assert (reply.status_code, reply.json()["status"], ended) == (202, "Pending", 0)
    scene.becomes(reply.json()["paymentId"], "Succeeded")
    assert scene.charges(reply.json()["paymentId"]) == 1


def test_worker_while_it_looks(scene: Scene, opened: ExitStack) -> None:
    """
    A worker ends in time when its look takes long; the next one settles the payment.
    """
    api(scene, opened)
    scene.slow("effect_then_timeout", "payment_intents.*", 60, times=9)
    reply = asked(scene, opened).result().json()
    scene.quick()
    scene.slow("timeout", "*", 60, times=9)
    with running(WORKER, scene.environ) as worker:
        until(scene.is_asked)
        began = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        ended = worker.wait(GRACE)
        took = time.monotonic() - began
    scene.quick()
    opened.enter_context(running(WORKER, scene.environ))

    assert ended == 0
    assert took < GRACE
    scene.becomes(reply["paymentId"], "Succeeded")
    assert scene.charges(reply["paymentId"]) == 1
