"""
The services of docker-compose.yml take a first payment: their commands, with their environment.

There is no Docker engine here. What Compose itself does (networks, names, the order of starting) and
the images of others are not tried: their servers are those of this machine, and a server of
OpenID that is not ours stands in for Keycloak.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import attrs
import pytest
import requests

from scripts.servers.process import free_port
from tests.deploy.compose import COMPOSE, Carrier, Stack, container, from_venv, moved, words
from tests.independent_issuer import IndependentIssuer, independent_issuer
from tests.rabbit.peer import Neighbour

WITHIN: Final = 180.0  # seconds for something that must happen, on a machine that does much else
SUCCEEDED: Final = "BuildingBlocks.Contracts.Payments:IPaymentSucceeded"


def awaited(condition: Callable[[], bool]) -> bool:
    """
    Return whether something becomes true in time.
    """
    deadline = time.monotonic() + WITHIN
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def status(url: str) -> int:
    """
    Return what an address answers, or 0 while it does not.
    """
    try:
        return requests.get(url, timeout=5).status_code
    except requests.RequestException:
        return 0


@attrs.frozen
class Shop:
    """
    The running services, and who stands around them.
    """

    stack: Stack
    url: str
    stripe: str
    issuer: IndependentIssuer
    neighbour: Neighbour
    queue: str

    def pay(self) -> dict[str, Any]:
        """
        Take a payment as a customer.
        """
        order = {"orderId": str(uuid4()), "amount": "129.90", "currency": "EUR"}
        token = self.issuer.tokens("alice", "Customer")["access_token"]
        answer = requests.post(
            f"{self.url}/api/payments",
            json=order | {"paymentMethodId": "pm_card_visa"},
            headers={"Authorization": f"Bearer {token}"},
            timeout=WITHIN,
        )
        made: dict[str, Any] = answer.json()
        assert answer.status_code == 201, made
        return made


def a_stack(
    carrier: Carrier, folder: Path, issuer: IndependentIssuer, servers: dict[str, str]
) -> Stack:
    """
    Return the services with their neighbours where they are on this machine.
    """
    api, stripe = free_port(), free_port()
    told = COMPOSE["services"]["api"]["environment"]
    places = {
        "http://api:8080": f"http://127.0.0.1:{api}",
        "http://stripe:12111": f"http://127.0.0.1:{stripe}",
        told["KEYCLOAK__JWKS_URL"]: issuer.keys_url,
        told["KEYCLOAK__ISSUER"]: issuer.url,
        # The image has this folder; this machine shall not.
        "/data/": f"{folder}/" if carrier is from_venv else "/data/",
        "12111": str(stripe),
        "0.0.0.0": "127.0.0.1",
    }
    own = {"HTTP__HOST": "127.0.0.1", "HTTP__PORT": str(api), "HTTP__METRICS_PORT": "0"}
    own["WORKER__METRICS_PORT"] = "0"
    if carrier is from_venv:
        own["WORKER__ALIVE_FILE"] = str(folder / "alive")
    return Stack(carrier, folder, places, servers | own)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("venv", marks=(pytest.mark.slow, pytest.mark.release)),
        pytest.param("image", marks=pytest.mark.image),
    ],
)
def carrier(request: pytest.FixtureRequest) -> Iterator[Carrier]:
    """
    What the services run from: this environment, or the image.
    """
    if request.param == "venv":
        yield from_venv
        return
    with container() as image:
        yield image


@pytest.fixture(scope="module")
def shop(
    carrier: Carrier,
    tmp_path_factory: pytest.TempPathFactory,
    postgres_url: str,
    rabbit_url: str,
    redis_url: str,
) -> Iterator[Shop]:
    """
    The services, started in the order of the file, with a neighbour that hears of payments.
    """
    folder, queue = tmp_path_factory.mktemp("shop"), f"order-service-{uuid4().hex}"
    folder.chmod(0o777)
    servers = {
        "DATABASE__URL": postgres_url,
        "RABBITMQ__URL": rabbit_url,
        "REDIS__URL": redis_url,
        "REDIS__KEY_PREFIX": f"payments-test-{uuid4().hex}:",
    }
    with ExitStack() as up:
        issuer = up.enter_context(independent_issuer(tmp_path_factory.mktemp("issuer")))
        stack = a_stack(carrier, folder, issuer, servers)
        api, stripe = (stack.places[name] for name in ("http://api:8080", "http://stripe:12111"))
        neighbour = Neighbour(rabbit_url)
        up.callback(neighbour.close)
        up.callback(neighbour.delete, queue)
        neighbour.listen(queue, SUCCEEDED)
        migrated = stack.run("migrate")
        assert migrated.returncode == 0, migrated.stderr
        for service in ("stripe", "api", "worker"):
            up.enter_context(stack.started(service))
        assert awaited(lambda: status(f"{stripe}/_simulator/state") == 200)
        assert awaited(lambda: status(f"{api}/health/live") == 200)
        yield Shop(stack, api, stripe, issuer, neighbour, queue)


def test_first_payment(shop: Shop) -> None:
    """
    A customer pays; Stripe's webhooks are accepted, and a neighbour hears of it.
    """
    made = shop.pay()
    message = shop.neighbour.receive(shop.queue)

    def deliveries() -> set[str]:
        found = requests.get(f"{shop.stripe}/_simulator/deliveries", timeout=WITHIN).json()
        return {delivery["state"] for delivery in found}

    assert made["status"] == "Succeeded"
    assert made["paymentId"].encode() in message.body
    assert awaited(lambda: deliveries() == {"delivered"}), deliveries()


def test_command_line(shop: Shop) -> None:
    """
    The same image answers on a terminal, with the same settings.
    """
    made = shop.pay()
    shown = shop.stack.run("api", "payments", "show", made["paymentId"])
    health = shop.stack.run("api", "payments", "health")

    assert shown.returncode == 0, shown.stderr
    assert "129.90" in shown.stdout
    assert health.returncode == 0, health.stdout + health.stderr


def test_healthchecks(shop: Shop) -> None:
    """
    Those of the API and of the simulator are well while they run, and not where nobody listens.
    """
    api = words("HEALTHCHECK.*\\n? *CMD")[:]
    stripe = COMPOSE["services"]["stripe"]["healthcheck"]["test"][1:]
    nobody = {**shop.stack.own, "HTTP__PORT": str(free_port())}
    elsewhere = attrs.evolve(shop.stack, own=nobody)

    assert shop.stack.run("api", *api).returncode == 0
    assert elsewhere.run("api", *api).returncode != 0
    assert shop.stack.run("stripe", *(moved(w, shop.stack.places) for w in stripe)).returncode == 0
    assert shop.stack.run("stripe", *(w.replace("12111", "9") for w in stripe)).returncode != 0


@pytest.mark.image
@pytest.mark.parametrize("carrier", ["image"], indirect=True, scope="module")
def test_image_runs_as_nobody(carrier: Carrier, tmp_path: Path) -> None:
    """
    The user has no name, no rights and nothing to write to but what is made for it.
    """
    stack = Stack(carrier, tmp_path, {}, {})
    who = stack.run("api", "id", "-u")
    writes = stack.run("api", "touch", "/opt/payments/x")
    data = stack.run("api", "touch", "/data/x")

    assert who.stdout.strip() == "10001"
    assert writes.returncode != 0
    assert data.returncode == 0
