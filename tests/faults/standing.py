"""
The service as it is shipped, on servers of its own that can be taken away.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import attrs
import requests
from joserfc.jwk import KeySet, RSAKey

from payments_bootstrap.serving import WEB_SERVER
from payments_rabbit import RabbitSettings
from scripts.servers.process import free_port
from tests.faults.world import KEY, SECRET
from tests.http.conftest import ISSUER, Issuer

PAYMENTS: Final = str(Path(sys.executable).with_name("payments"))
WITHIN: Final = 300.0  # seconds for a loaded machine to notice

QUICK: Final = {
    "HEALTH__FRESH": "0.1s",
    "HEALTH__PROVIDER_FRESH": "0.1s",
    "HEALTH__AWAY_AFTER": "15s",
    "WORKER__WEBHOOKS_EVERY": "0.5s",
    "WORKER__SWEEP_EVERY": "0.5s",
    "POLICY__BACKOFF": "1s",
    "POLICY__LEASE": "20s",
    "PAYMENT_PROVIDERS__STRIPE__READ_TIMEOUT": "2",
    "PAYMENT_PROVIDERS__STRIPE__DEADLINE": "3",
    "PAYMENT_PROVIDERS__STRIPE__BREAKER_PAUSE": "1",
    "RECONCILE__SCHEDULE": "",
    "LIMITS__ENABLED": "false",
    "LOG__LEVEL": "WARNING",
}
"""
Patience that a proof has not: everything else is as shipped.
"""


@attrs.frozen
class Standing:
    """
    The API (gunicorn with its processes) and a worker.
    """

    port: int
    issuer: Issuer
    environ: Mapping[str, str] = attrs.field(repr=False)

    def get(self, path: str) -> requests.Response:
        """
        Ask the API, as everybody may.
        """
        return requests.get(f"http://127.0.0.1:{self.port}{path}", timeout=WITHIN)

    def pay(self, order_id: str = "") -> requests.Response:
        """
        Take a payment of 10.00 EUR.
        """
        body = {
            "orderId": order_id or str(uuid4()),
            "amount": "10.00",
            "currency": "EUR",
            "customerId": "alice",
            "paymentMethodId": "pm_card_visa",
        }
        token = self.issuer.token("Admin", sub="root")
        headers = {"Authorization": f"Bearer {token}"}
        url = f"http://127.0.0.1:{self.port}/api/payments"
        return requests.post(url, json=body, headers=headers, timeout=WITHIN)

    def status(self, payment_id: str) -> str:
        """
        Return the status of a payment.
        """
        headers = {"Authorization": f"Bearer {self.issuer.token('Admin', sub='root')}"}
        url = f"http://127.0.0.1:{self.port}/api/payments/{payment_id}"
        return str(requests.get(url, headers=headers, timeout=WITHIN).json()["status"])

    def health(self) -> dict[str, Any]:
        """
        Return what readiness says, with its status code; and see that it is alive.
        """
        assert self.get("/health/live").status_code == 200
        answer = self.get("/health/ready")
        return {"code": answer.status_code, **answer.json()["checks"]}

    def becomes(self, **words: Any) -> None:
        """
        Return when readiness says these words.
        """
        until(lambda: words.items() <= self.health().items(), lambda: f"{words}: {self.health()}")

    def command(self) -> int:
        """
        Return how `payments health` ends.
        """
        ended = subprocess.run(
            [PAYMENTS, "health"], env=self.environ, capture_output=True, timeout=WITHIN, check=False
        )
        assert b"Traceback" not in ended.stderr
        return ended.returncode


def until(true: Callable[[], bool], otherwise: Callable[[], str] = lambda: "") -> None:
    """
    Return when something has become true, which must be soon.
    """
    deadline = time.monotonic() + WITHIN
    while not true():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.1)


def environ_of(
    database: str, rabbit: RabbitSettings, redis: str, simulator: str, keys: str
) -> dict[str, str]:
    """
    Return the settings of an installation on these servers.
    """
    clean = {k: v for k, v in os.environ.items() if "__" not in k}
    return clean | {
        "ENVIRONMENT": "development",
        "DATABASE__URL": database,
        "PAYMENT_PROVIDERS__STRIPE__API_KEY": KEY,
        "PAYMENT_PROVIDERS__STRIPE__API_BASE": simulator,
        "PAYMENT_PROVIDERS__STRIPE__WEBHOOK_SECRET": SECRET,
        "KEYCLOAK__ISSUER": ISSUER,
        "KEYCLOAK__JWKS_URL": keys,
        "HTTP__PORT": str(free_port()),
        "HTTP__METRICS_PORT": "0",
        "REDIS__URL": redis,
        "RABBITMQ__URL": rabbit.url,
        "RABBITMQ__PAYMENTS_NAMESPACE": rabbit.payments_namespace,
        "RABBITMQ__ORDER_CREATED": rabbit.order_created[0],
        "RABBITMQ__REFUND_QUEUE": rabbit.refund_queue,
        "RABBITMQ__CAPTURE_QUEUE": rabbit.capture_queue,
        "RABBITMQ__ORDER_QUEUE": rabbit.order_queue,
        **QUICK,
    }


@contextmanager
def standing(environ: Mapping[str, str], issuer: Issuer) -> Iterator[Standing]:
    """
    Run API and worker until the block ends; both must end by themselves when told to.
    """
    service = Standing(int(environ["HTTP__PORT"]), issuer, environ)
    with running(WEB_SERVER, environ) as api, running((PAYMENTS, "worker"), environ):
        until(lambda: _answers(service) or api.poll() is not None)
        assert api.poll() is None, "its messages are above"
        yield service


@contextmanager
def running(
    command: tuple[str, ...], environ: Mapping[str, str]
) -> Iterator["subprocess.Popen[bytes]"]:
    """
    Run a process until the block ends.
    """
    with subprocess.Popen(command, env=environ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
    assert process.returncode == 0


def _answers(service: Standing) -> bool:
    try:
        return service.get("/health/live").status_code == 200
    except requests.RequestException:
        # The port is there before the processes behind it.
        return False


def issuer_in(folder: Path) -> tuple[Issuer, str]:
    """
    Return an issuer of tokens, and where its keys are.
    """
    key = RSAKey.generate_key(2048, {"kid": "key-1", "use": "sig", "alg": "RS256"})
    file = folder / "keys.json"
    file.write_text(json.dumps(KeySet([key]).as_dict(private=False)))
    return Issuer(key), file.as_uri()
