"""
The figures of a service that really runs, in several processes: the sum of all, whoever dies.
"""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.request import urlopen
from uuid import uuid4

import attrs
import psutil  # type: ignore[import-untyped]  # ships no types
import pytest
import requests
import yaml  # type: ignore[import-untyped]  # ships no types
from prometheus_client.parser import text_string_to_metric_families

from scripts.servers.process import free_port
from tests.input.serving import Served, served

PAYMENTS: Final = Path(sys.executable).with_name("payments")
RULES: Final = Path(__file__).parents[2] / "deploy/prometheus/alerts.yml"
LOST: Final = {"amount": "10.00", "currency": "EUR", "paymentMethodId": "pm_card_visa"}
OPEN: Final = "payments_provider_breakers_open{'provider': 'stripe'}"
NAME: Final = re.compile(r"\b(?:payments|http)_[a-z_]+\b")
PATIENCE: Final = 240.0  # seconds, as much as a very busy machine needs to start a process


@attrs.frozen
class Running:
    """
    An API of two processes and a worker, with where their figures are.
    """

    api: Served
    api_port: int
    worker_port: int

    @property
    def processes(self) -> list[psutil.Process]:
        """
        The processes that answer, and not the master that serves their figures.
        """
        children = psutil.Process().children(recursive=True)
        serving = [one for one in children if "payments_http.wsgi" in _command(one)]
        return [one for one in serving if one.ppid() in {other.pid for other in serving}]


def _command(process: psutil.Process) -> str:
    # One that was killed a moment ago has none.
    with suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def figures(port: int) -> dict[str, float]:
    """
    Return each series with its value.
    """
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE) as answer:
        text = answer.read().decode()
    return {
        f"{sample.name}{dict(sorted(sample.labels.items()))}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def names(port: int) -> set[str]:
    """
    Return the names of the series, without labels.
    """
    return {series.partition("{")[0] for series in figures(port)}


def wait_for(reached: Callable[[], bool]) -> None:
    """
    Return when it is so.
    """
    deadline = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@contextmanager
def working(api: Served, port: int, log: Path) -> Iterator[None]:
    """
    Run a worker beside an API until the block ends.
    """
    environ = {**api.environ, "WORKER__METRICS_PORT": str(port)}
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [PAYMENTS, "worker"], env=environ, stdout=output, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            wait_for(lambda: _listens(port))
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


def _listens(port: int) -> bool:
    with suppress(OSError):
        return bool(figures(port))
    return False


def _answers(api: Served) -> bool:
    with suppress(requests.RequestException):
        return api.call("GET", "/health/live").ok
    return False


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """
    The service, with a simulated Stripe that delivers its webhooks.
    """
    folder = tmp_path_factory.mktemp("figures")
    ports = free_port(), free_port()
    settings = {
        "HTTP__WORKERS": "2",
        "HTTP__METRICS_PORT": str(ports[0]),
        # One lost answer opens the breaker of the process that waited for it, for longer than the
        # test; and slowness of this machine is no lost answer.
        "PAYMENT_PROVIDERS__STRIPE__MAX_ATTEMPTS": "1",
        "PAYMENT_PROVIDERS__STRIPE__BREAKER_FAILURES": "1",
        "PAYMENT_PROVIDERS__STRIPE__BREAKER_PAUSE": "600",
        "PAYMENT_PROVIDERS__STRIPE__READ_TIMEOUT": "60",
        "PAYMENT_PROVIDERS__STRIPE__CONNECT_TIMEOUT": "30",
        "PAYMENT_PROVIDERS__STRIPE__DEADLINE": "60",
        "POLICY__LEASE": "10m",
    }
    with served(folder, {}, **settings) as api, working(api, ports[1], folder / "worker.log"):
        yield Running(api, *ports)


@pytest.mark.slow
@pytest.mark.release
def test_rules_ask_for_what_is_told(running: Running) -> None:
    """
    Each metric that an alert names is told by a process that runs.
    """
    told = names(running.api_port) | names(running.worker_port)
    rules = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    asked = {n for g in rules for rule in g["rules"] for n in NAME.findall(rule["expr"])}

    assert asked
    # What has no value while nothing stands is told by its description alone.
    assert {n for n in asked if n not in told and "_newest_age_" not in n} == set()


@pytest.mark.slow
@pytest.mark.release
def test_sums_outlive_their_process(running: Running) -> None:
    """
    Payments count in one sum whichever process took them, also after it was killed; its gauges go.
    """
    answered = "http_requests_total{'method': 'POST', 'route': '/api/payments', 'status': '%d'}"
    pending = "payments_transitions_total{'provider': 'stripe', 'status': 'Pending'}"
    series = (answered % 201, answered % 202, pending, OPEN)

    def told() -> list[float]:
        found = figures(running.api_port)
        return [found.get(name, 0.0) for name in series]

    for _ in range(4):
        running.api.pay()
    running.api.simulator.faults.add(kind="reset", operation="payment_intents.create")
    running.api.call("POST", "/api/payments", LOST | {"orderId": str(uuid4())})
    before = told()
    killed = running.processes
    for process in killed:
        process.send_signal(signal.SIGKILL)
    wait_for(lambda: len(running.processes) == 2 and not {*killed} & {*running.processes})
    wait_for(lambda: told()[-1] == 0)
    after = told()
    wait_for(lambda: _answers(running.api))
    for _ in range(4):
        running.api.pay()

    assert before == [4, 1, 5, 1]
    assert after == [4, 1, 5, 0]
    assert told() == [8, 1, 9, 0]
