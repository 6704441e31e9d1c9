"""
A developer's whole service, really running, and its command line.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import attrs
import pytest
from click.testing import CliRunner, Result

from payments_bootstrap.development.home import Home
from payments_cli.main import main
from scripts.servers.process import free_port

PAYMENTS: Final = str(Path(sys.executable).with_name("payments"))

Json = dict[str, Any]


def clean_environ() -> dict[str, str]:
    """
    Return this environment without settings of ours.
    """
    names = {"ENVIRONMENT", "SETTINGS_FILE"}
    return {k: v for k, v in os.environ.items() if "__" not in k and k not in names}


@attrs.frozen
class Service:
    """
    A folder with a developer's service that runs.
    """

    home: Path
    port: int
    process: "subprocess.Popen[bytes]"
    log: Path

    def cli(
        self, *arguments: str, environ: dict[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """
        Run the command line; nobody is there to answer questions.
        """
        return subprocess.run(
            [PAYMENTS, *arguments],
            cwd=self.home,
            env=environ or clean_environ(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def on(self, *arguments: str) -> Result:
        """
        Run a command on this service, in this process: starting one takes a second.
        """
        with contextlib.chdir(self.home):
            return CliRunner().invoke(main, [*arguments, "--development"])

    def read(self, *arguments: str) -> Any:
        """
        Run a command on this service, and return the document that it writes.
        """
        return json.loads(self.on(*arguments, "--output", "json").stdout)

    def call(self, method: str, path: str, body: Json | None, token: str) -> tuple[int, Json]:
        """
        Call the API.
        """
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        headers["Idempotency-Key"] = str(uuid4())
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        found = answer.status, json.loads(answer.read())
        connection.close()
        return found

    def fault(self, **rule: Any) -> None:
        """
        Let the simulator misbehave.
        """
        self._simulator("POST", "/_simulator/faults", rule)

    def behave(self) -> None:
        """
        Let the simulator behave again.
        """
        self._simulator("DELETE", "/_simulator/faults")

    def requests(self) -> list[Json]:
        """
        Return every request that the simulator got.
        """
        return list(self._simulator("GET", "/_simulator/requests"))

    def writes(self) -> int:
        """
        Return how many of them were no reads.
        """
        return sum(request["method"] != "GET" for request in self.requests())

    def _simulator(self, method: str, path: str, body: Json | None = None) -> Any:
        found = re.search(r"Simulator +http://localhost:(\d+)", self.log.read_text())
        assert found
        connection = HTTPConnection("127.0.0.1", int(found[1]), timeout=15)
        headers = {"Content-Type": "application/json"}
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        assert answer.status < 300
        content = answer.read()
        connection.close()
        return json.loads(content) if content else None

    def wait_for_webhooks(self, payment_id: str, count: int) -> None:
        """
        Return once so many events about a payment are processed.
        """
        deadline = time.monotonic() + 60
        while True:
            listed = self.read("webhooks", "list", "--payment", payment_id)["items"]
            if sum(event["status"] == "processed" for event in listed) >= count:
                return
            assert time.monotonic() < deadline, listed
            time.sleep(0.1)

    def pay(self, **changes: Any) -> Json:
        """
        Take a payment as Alice.
        """
        token = Home(self.home / "var/development").issuer.token("alice", ["Customer"])
        body = {"orderId": str(uuid4()), "amount": "10.00", "currency": "EUR"}
        body |= {"paymentMethodId": "pm_card_visa", **changes}
        return self.call("POST", "/api/payments", body, token)[1]


def start(home: Path, port: int) -> Service:
    """
    Start a service and return when it has printed what to try.
    """
    command = [PAYMENTS, "serve", "--development", "--port", str(port)]
    log = home / f"{port}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=home,
            env=clean_environ(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + 120
    while "payments show" not in log.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            pytest.fail(f"The service did not start:\n{log.read_text()}")
        time.sleep(0.05)
    return Service(home, port, process, log)


def stop(service: Service, number: int = signal.SIGINT) -> float:
    """
    Send a signal and return the seconds until it had ended.
    """
    began = time.monotonic()
    service.process.send_signal(number)
    service.process.wait(60)
    return time.monotonic() - began


@pytest.fixture(autouse=True)
def _restore_logging(restored_logging: None) -> None:
    """
    A command runs in the process of the tests, and sets its loggers up.
    """


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """
    A running service, for all tests that only use it.
    """
    service = start(tmp_path_factory.mktemp("service"), free_port())
    yield service
    stop(service)


@pytest.fixture
def impatient(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """
    The service, with a command line that waits a second for an answer.

    What gets none is not resolved by the sweeper while a test looks at it.
    """
    monkeypatch.setenv("PAYMENT_PROVIDERS__STRIPE__READ_TIMEOUT", "1")
    monkeypatch.setenv("POLICY__LEASE", "10m")
    monkeypatch.setenv("POLICY__BACKOFF", "10m")
    yield service
    service.behave()


@pytest.fixture
def start_service(tmp_path: Path) -> Iterator[Any]:
    """
    Start a service of the test's own, which is stopped after it if it still runs.
    """
    started: list[Service] = []

    def make() -> Service:
        started.append(start(tmp_path, free_port()))
        return started[-1]

    yield make
    for service in started:
        if service.process.poll() is None:
            stop(service, signal.SIGKILL)
