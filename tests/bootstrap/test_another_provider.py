"""
Who takes money through another provider alone needs no setting of Stripe, in no process.
"""

import json
from collections.abc import Iterator
from uuid import uuid4

import pytest

from examples.paper_bank.bank import PaperBank
from payments_bootstrap.configuration import EXIT_CONFIGURATION
from tests.bootstrap.paper_shop import SECRET, PaperShop
from tests.bootstrap.test_configuration import GOOD

STRIPE = "PAYMENT_PROVIDERS__STRIPE"
ALREADY_SET = {name: value for name, value in GOOD.items() if name.startswith(STRIPE)}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> PaperShop:
    """
    The settings of the service.
    """
    return PaperShop.of(tmp_path_factory.mktemp("paper"))


@pytest.fixture(scope="module")
def api(shop: PaperShop) -> Iterator[PaperShop]:
    """
    The same with its API.
    """
    with shop.running("serve", until=lambda: bool(shop.checks())):
        yield shop


def test_a_payment(api: PaperShop) -> None:
    """
    The API takes a payment at the bank and hears its webhook; the command line lists it.
    """
    body = {"orderId": str(uuid4()), "amount": "10.00", "currency": "EUR"}
    paid = api.call("POST", "/api/payments", json=body | {"paymentMethodId": "paper_note"}).json()
    event = {"id": "evt_1", "about": "payment", "payment": paid["providerPaymentId"], "made": 0}
    told = json.dumps(event).encode()
    seal = {"Paper-Seal": PaperBank(SECRET.encode()).seal(told)}
    heard = api.call("POST", "/api/payments/webhooks/paperbank", data=told, headers=seal)
    (listed,) = json.loads(api.run("list", "--output", "json").stdout)["items"]

    assert (paid["provider"], paid["status"]) == ("paperbank", "Succeeded")
    assert (heard.status_code, heard.json()["status"]) == (200, "processed")
    assert listed["paymentId"] == paid["paymentId"]


def test_stripe_is_not_there(api: PaperShop) -> None:
    """
    Health asks the bank and not Stripe, whose webhooks and payments have no place here.
    """
    body = {"orderId": str(uuid4()), "amount": "10.00", "currency": "EUR", "provider": "stripe"}
    checks = api.checks()

    assert checks["paperbank"] == "ok"
    assert "stripe" not in checks
    assert api.call("POST", "/api/payments/webhooks/stripe", data=b"{}").status_code == 404
    assert api.call("POST", "/api/payments", json=body).json()["code"] == "provider_unknown"


def test_the_worker_and_what_it_compares(api: PaperShop) -> None:
    """
    The worker runs and stops in order; a comparison and a check ask the bank alone.
    """
    with api.running("worker", until=lambda: api.checks()["worker"] == "ok"):
        compared = api.run("reconcile", "--since", "2d", "--dry-run", "--output", "json")
        checked = api.run("audit", "verify", "--provider", "--output", "json")

    assert json.loads(compared.stdout)["provider"] == "paperbank"
    assert "stripe" not in compared.stdout + compared.stderr + checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        (
            {"DEFAULT_PROVIDER": "stripe"},
            [
                f"{STRIPE}__API_KEY: it is required while DEFAULT_PROVIDER is stripe",
                f"{STRIPE}__WEBHOOK_SECRET: it is required while DEFAULT_PROVIDER is stripe",
            ],
        ),
        (
            {f"{STRIPE}__DEADLINE": "12"},
            [f"{STRIPE}__API_KEY: it is required", f"{STRIPE}__WEBHOOK_SECRET: it is required"],
        ),
        ({"HEALTH__REQUIRED": "stripe"}, ["HEALTH__REQUIRED: a provider cannot be required"]),
        ({"REDIS__URL": "redis://127.0.0.1"}, ["REDIS__SEAL_KEY: it is required"]),
        ({"REDIS__SEAL_KEY": "short"}, ["REDIS__SEAL_KEY: it must have 32 characters"]),
        ({"DEFAULT_PROVIDER": "gold"}, ["DEFAULT_PROVIDER: no provider of this name"]),
    ],
    ids=str,
)
def test_what_does_not_start(shop: PaperShop, changes: dict[str, str], problems: list[str]) -> None:
    """
    Who is the default, or has one setting, needs the others; what only Stripe gave has a name.
    """
    ended = shop.run("list", **changes)
    _, *told, _ = ended.stderr.splitlines()

    assert ended.returncode == EXIT_CONFIGURATION
    assert [line[: len(start)] for line, start in zip(told, problems, strict=True)] == problems


@pytest.mark.parametrize(
    "changes",
    [
        ALREADY_SET,
        {"REDIS__URL": "redis://127.0.0.1:9", "REDIS__SEAL_KEY": "k" * 32},
        {"REDIS__URL": "redis://127.0.0.1:9", **ALREADY_SET},
        # Stripe's deadline, its way out and its key are not asked for.
        {"POLICY__LEASE": "10s", "HTTPS_PROXY": "socks5://proxy.example:1080"},
    ],
    ids=str,
)
def test_what_starts(shop: PaperShop, changes: dict[str, str]) -> None:
    """
    Stripe may be there beside the bank; without it nothing of Stripe's is asked.
    """
    ended = shop.run("list", **changes)

    assert (ended.returncode, ended.stderr) == (0, "")
