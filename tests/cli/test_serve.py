"""
What `make run` promises.
"""

import re
import signal
import socket
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import psutil  # type: ignore[import-untyped]  # ships no types
import pytest

Service = Any


def _wait(done: Callable[[], bool], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _family(service: Service) -> list[psutil.Process]:
    return list(psutil.Process(service.process.pid).children(recursive=True))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_payment(service: Service) -> None:
    """
    A payment is taken over real HTTP, from the API to the simulated Stripe and back.
    """
    payment = service.pay()

    assert payment["status"] == "Succeeded"
    assert payment["providerPaymentId"].startswith("pi_")


def test_webhooks_arrive(service: Service) -> None:
    """
    The simulator's signed webhooks reach the service and are processed.
    """
    payment_id = service.pay()["paymentId"]

    def processed() -> bool:
        entries = service.read("show", payment_id)["timeline"]
        return any(e["kind"] == "webhook" and e["state"] == "processed" for e in entries)

    assert _wait(processed)


def test_declined(service: Service) -> None:
    """
    A declined card is a payment that is Failed.
    """
    assert service.pay(paymentMethodId="pm_card_chargeDeclined")["status"] == "Failed"


def test_secrets_are_the_owners(service: Service) -> None:
    """
    Nobody else can read the keys, and the folder is the owner's.
    """
    folder: Path = service.home / "var" / "development"

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in ("issuer.json", "settings.toml"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


def test_no_secret_in_arguments(service: Service) -> None:
    """
    What everybody on the machine can list shows no secret.
    """
    lines = [" ".join(p.cmdline()) for p in _family(service)]

    assert not re.search("whsec_|sk_test_", "\n".join(lines))


def test_port_is_taken(service: Service, tmp_path: Path) -> None:
    """
    A second start says what is wrong and what to do, in one line.
    """
    arguments = ("serve", "--development", "--port", str(service.port))
    ended = attrs.evolve(service, home=tmp_path).cli(*arguments)

    assert ended.returncode == 1
    assert ended.stderr == (
        f"Error: Port {service.port} is taken: stop what listens there,"
        f' or choose another with --port; with make: `make run ARGS="--port {service.port + 2}"`\n'
    )


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGINT,
        pytest.param(signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param(signal.SIGKILL, marks=pytest.mark.slow),
    ],
)
def test_nothing_is_left(start_service: Callable[[], Service], number: int) -> None:
    """
    However it ends, all its processes end within seconds and its ports are free.
    """
    service = start_service()
    family = _family(service)
    began = time.monotonic()
    service.process.send_signal(number)
    service.process.wait(60)

    assert len(family) >= 3
    assert _wait(lambda: not any(p.is_running() for p in family))
    assert not _listens(service.port)
    assert time.monotonic() - began < 45


@pytest.mark.slow
def test_a_part_that_dies(start_service: Callable[[], Service]) -> None:
    """
    When a part ends by itself the whole ends, and says which it was.
    """
    service = start_service()
    simulator = next(p for p in _family(service) if "stripe-simulator" in " ".join(p.cmdline()))
    simulator.kill()
    code = service.process.wait(60)

    assert code == 1
    assert "The Stripe simulator ended by itself" in service.log.read_text()


@pytest.mark.slow
def test_starts_again(start_service: Callable[[], Service]) -> None:
    """
    What was paid is there after a restart, and tokens of before are still good.
    """
    first = start_service()
    payment_id = first.pay()["paymentId"]
    token = first.cli("token", "--role", "Customer", "--sub", "alice").stdout.strip()
    first.process.send_signal(signal.SIGINT)
    first.process.wait(60)
    second = start_service()
    status, payment = second.call("GET", f"/api/payments/{payment_id}", None, token)

    assert (status, payment["status"]) == (200, "Succeeded")
