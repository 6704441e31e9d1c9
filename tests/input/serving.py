"""
The API as it ships: gunicorn in a process of its own, with a database and a simulated Stripe.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from uuid import uuid4

import attrs
import requests
from joserfc.jwk import KeySet, RSAKey

from payments_bootstrap import Container, close
from payments_bootstrap.configuration import load
from payments_bootstrap.serving import WEB_SERVER, migrate_database
from scripts.servers.process import free_port
from stripe_simulator import Simulator
from tests.http.conftest import ISSUER, Issuer

START_WITHIN = 240.0  # seconds

Json = dict[str, Any]


@attrs.frozen
class Served:
    """
    A running API.

    Attributes:
        log: What its processes write.
    """

    port: int
    simulator: Simulator
    issuer: Issuer
    environ: Mapping[str, str] = attrs.field(repr=False)
    log: Path

    @property
    def url(self) -> str:
        """
        Where it listens.
        """
        return f"http://127.0.0.1:{self.port}"

    def call(
        self, method: str, path: str, body: Any = None, *, token: str | None = None
    ) -> requests.Response:
        """
        Call it as an administrator, or with a given token.
        """
        headers = {
            "Authorization": f"Bearer {token or self.issuer.token('Admin', sub='root')}",
            "Idempotency-Key": str(uuid4()),
        }
        return requests.request(method, self.url + path, json=body, headers=headers, timeout=30)

    def pay(self, method: str | None = "pm_card_visa", **changes: Any) -> Json:
        """
        Take 10.00 EUR.
        """
        body = {"orderId": str(uuid4()), "amount": "10.00", "currency": "EUR", **changes}
        answer = self.call(
            "POST", "/api/payments", body | ({"paymentMethodId": method} if method else {})
        )
        assert answer.status_code in {200, 201}, answer.text
        found: Json = answer.json()
        return found


@contextmanager
def served(
    folder: Path, simulated: Mapping[str, Any] | None = None, **settings: str
) -> Iterator[Served]:
    """
    Start the API in a folder of its own, with further settings, until the block ends.

    Args:
        simulated: Of the simulated Stripe, which delivers its webhooks only if this is given.
    """
    key = RSAKey.generate_key(2048, {"kid": "key-1", "use": "sig", "alg": "RS256"})
    keys = folder / "jwks.json"
    keys.write_text(json.dumps(KeySet([key]).as_dict(private=False)))
    port, log = free_port(), folder / "api.log"
    at = f"http://127.0.0.1:{port}/api/payments/webhooks/stripe"
    told = {} if simulated is None else {"webhook_url": at, **simulated}
    with Simulator(seed=1, **told) as simulator:
        usual = {
            "ENVIRONMENT": "development",
            "DATABASE__URL": f"sqlite:///{folder / 'payments.db'}",
            "PAYMENT_PROVIDERS__STRIPE__API_KEY": simulator.api_key,
            "PAYMENT_PROVIDERS__STRIPE__API_BASE": simulator.url,
            "PAYMENT_PROVIDERS__STRIPE__WEBHOOK_SECRET": simulator.webhook_secret,
            "KEYCLOAK__ISSUER": ISSUER,
            "KEYCLOAK__JWKS_URL": keys.as_uri(),
            "HTTP__PORT": str(port),
            "HTTP__METRICS_PORT": "0",
            "HTTP__ALLOWED_RETURN_URLS": "shop.example",
            "LOG__LEVEL": "DEBUG",
        } | settings
        environ = {k: v for k, v in os.environ.items() if "__" not in k} | usual
        container = Container(settings=load(environ))
        migrate_database(container)
        close(container)
        with (
            log.open("wb") as output,
            subprocess.Popen(
                WEB_SERVER, env=environ, stdout=output, stderr=subprocess.STDOUT
            ) as process,
        ):
            try:
                _await(port, process, log)
                yield Served(port, simulator, Issuer(key), environ, log)
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(START_WITHIN)


def _await(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_WITHIN
    while not _lives(port):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def _lives(port: int) -> bool:
    with closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        try:
            connection.request("GET", "/health/live")
            return connection.getresponse().status == 200
        except OSError:
            return False
