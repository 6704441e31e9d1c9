"""
Each thing that the service stands on is taken away in turn, and comes back.
"""

from collections.abc import Iterator
from functools import partial

import pytest

from tests.faults.outages import HEALTHY, Shop, paid, shop_in
from tests.faults.standing import until

pytestmark = [pytest.mark.slow, pytest.mark.release]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """
    PostgreSQL, RabbitMQ, Redis and a simulated Stripe of our own, the API and a worker.
    """
    with shop_in(tmp_path_factory.mktemp("outages")) as shop:
        yield shop


def test_redis_is_away(shop: Shop) -> None:
    """
    Payments go on, and a word says what is missing.
    """
    shop.cache.kill()
    shop.service.becomes(**HEALTHY | {"redis": "unavailable"})
    paid(shop)
    command = shop.service.command()
    shop.cache.start()
    shop.service.becomes(**HEALTHY)

    assert command == 0
    shop.heard(1)


def test_broker_is_away(shop: Shop) -> None:
    """
    Payments go on; the workers tell that they are cut off, and what was to be told leaves later.
    """
    shop.broker.kill()
    shop.service.becomes(**HEALTHY | {"rabbitmq": "unavailable"})
    for _ in range(3):
        paid(shop)
    command = shop.service.command()
    shop.broker.start()
    shop.service.becomes(**HEALTHY)

    assert command == 0
    shop.heard(3)


def test_provider_is_away(shop: Shop) -> None:
    """
    A payment is taken in with an outcome that nobody knows yet; it is taken when Stripe is back.
    """
    shop.provider.kill()
    shop.service.becomes(**HEALTHY | {"stripe": "unavailable"})
    answer = shop.service.pay()
    command = shop.service.command()
    shop.provider.start()
    shop.service.becomes(**HEALTHY)

    assert command == 0
    assert answer.status_code == 202
    assert answer.headers["Retry-After"]
    assert answer.json()["status"] == "Pending"
    status = partial(shop.service.status, answer.json()["paymentId"])
    until(lambda: status() == "Succeeded", status)
    shop.heard(1)


def test_database_is_away(shop: Shop) -> None:
    """
    Not ready, and every request is told to come again; nothing else is said to be missing.
    """
    shop.database.kill()
    away = {"code": 503, "database": "unavailable", "worker": "unknown", "rabbitmq": "unknown"}
    shop.service.becomes(**away | {"stripe": "ok", "redis": "ok"})
    answer = shop.service.pay()
    ready = shop.service.get("/health/ready")
    command = shop.service.command()
    shop.database.start()
    shop.service.becomes(**HEALTHY)

    assert command == 1
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    assert answer.headers["Retry-After"]
    assert ready.headers["Retry-After"]
    paid(shop)
    shop.heard(1)
