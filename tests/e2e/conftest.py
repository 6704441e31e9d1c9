"""
The whole service as `make run` starts it, on SQLite and on PostgreSQL.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import attrs
import psycopg
import pytest
import requests

from payments_bootstrap.development.home import Home
from scripts.servers.process import free_port

BIN: Final = Path(sys.executable).parent
REPOSITORY: Final = Path(__file__).parents[2]


@attrs.frozen
class Reply:
    """
    What the API answered.
    """

    status: int
    headers: Mapping[str, str]
    body: Any


@attrs.frozen
class Service:
    """
    A running service with its simulated Stripe.

    Attributes:
        home: Its folder, in which its printed lines work.

        environ: The environment that it was started in.
    """

    home: Path
    port: int
    printed: str
    environ: Mapping[str, str] = attrs.field(repr=False)

    @property
    def url(self) -> str:
        """
        Where the API is.
        """
        return f"http://localhost:{self.port}"

    @property
    def simulator(self) -> str:
        """
        Where the simulator is.
        """
        found = re.search(r"Simulator +(\S+)", self.printed)
        assert found
        return found[1]

    def token(self, role: str, subject: str) -> str:
        """
        Return a token of this service's own issuer.
        """
        return Home(self.home / "var/development").issuer.token(subject, [role])

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        role: str = "Admin",
        key: str | None = None,
    ) -> Reply:
        """
        Call the API as alice in a role, with a fresh idempotency key if none is given.
        """
        headers = {
            "Authorization": f"Bearer {self.token(role, 'alice')}",
            "Idempotency-Key": key or str(uuid4()),
        }
        url = f"{self.url}/api/payments{path}"
        answer = requests.request(method, url, json=body, headers=headers, timeout=60)
        return Reply(answer.status_code, answer.headers, answer.json())

    def pay(self, method: str | None = "pm_card_visa", **changes: Any) -> Reply:
        """
        Take a payment of 10.00 EUR as the customer alice.
        """
        body = {"orderId": str(uuid4()), "amount": "10.00", "currency": "EUR", **changes}
        if method:
            body["paymentMethodId"] = method
        return self.call("POST", "", body, role="Customer")

    def get(self, payment_id: str) -> Any:
        """
        Return a payment as it is now.
        """
        return self.call("GET", f"/{payment_id}").body

    def timeline(self, payment_id: str) -> Any:
        """
        Return what happened to a payment.
        """
        return self.call("GET", f"/{payment_id}/timeline").body["items"]

    def becomes(self, payment_id: str, status: str, seconds: float = 60) -> Any:
        """
        Return the payment once it has a status; nobody calls for it meanwhile but this.
        """
        wait_for(lambda: self.get(payment_id)["status"] == status, seconds)
        return self.get(payment_id)

    def fault(self, **rule: Any) -> None:
        """
        Let the simulator misbehave once.
        """
        url = f"{self.simulator}/_simulator/faults"
        requests.post(url, json=rule, timeout=60).raise_for_status()

    def charges(self, payment_id: str) -> list[dict[str, Any]]:
        """
        Return the charges that the simulator made for a payment.
        """
        url = f"{self.simulator}/_simulator/objects/charge?metadata[payment_id]={payment_id}"
        answer = requests.get(url, timeout=60).json()
        return list(answer["data"] if isinstance(answer, dict) else answer)


def wait_for(done: Callable[[], bool], seconds: float) -> None:
    """
    Return when it is done, or fail.
    """
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"not done within {seconds} s"
        time.sleep(0.05)


def _environ(database_url: str | None) -> dict[str, str]:
    environ = {k: v for k, v in os.environ.items() if "__" not in k}
    # A short patience, so that a lost answer costs a test three seconds and not eight.
    environ["PAYMENT_PROVIDERS__STRIPE__READ_TIMEOUT"] = "3"
    if database_url:
        environ["DATABASE__URL"] = database_url
    return environ


def _start(home: Path, database_url: str | None) -> Iterator[Service]:
    (home / ".venv").symlink_to(REPOSITORY / ".venv")
    port, log, environ = free_port(), home / "service.log", _environ(database_url)
    with log.open("w") as output:
        process = subprocess.Popen(
            [str(BIN / "payments"), "serve", "--development", "--port", str(port)],
            cwd=home,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(lambda: "payments show" in log.read_text() or process.poll() is not None, 120)
        assert process.poll() is None, log.read_text()
        yield Service(home, port, log.read_text(), environ)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


@pytest.fixture(scope="session")
def own_database(postgres_url: str) -> Iterator[str]:
    """
    A PostgreSQL database that no other test uses.
    """
    name = f"e2e_{uuid4().hex}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield re.sub(r"/[^/?]*($|\?)", rf"/{name}\1", postgres_url, count=1)
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(
    scope="session", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
)
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """
    The service on each database.
    """
    on_postgres = request.param == "postgres"
    url = request.getfixturevalue("own_database") if on_postgres else None
    yield from _start(tmp_path_factory.mktemp(request.param), url)
