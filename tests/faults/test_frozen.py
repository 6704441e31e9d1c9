"""
Each thing that the service stands on stands still in turn, which is no refusal, and goes on.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final
from uuid import uuid4

import pytest
import requests

from tests.faults.freezing import frozen
from tests.faults.outages import HEALTHY, Shop, paid, shop_in
from tests.faults.standing import until

pytestmark = [pytest.mark.slow, pytest.mark.release]

AT_ONCE: Final = 24
"""
Requests at the same time, more than the API has threads.
"""

SOON: Final = 40.0
"""
Seconds for all of them on a loaded machine: each may wait twice for ten, and there are two turns.
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """
    PostgreSQL, RabbitMQ, Redis and a simulated Stripe of our own, the API and a worker.
    """
    with shop_in(tmp_path_factory.mktemp("frozen")) as shop:
        yield shop


def many(shop: Shop) -> tuple[list[requests.Response], float]:
    """
    Take payments all at once; return the answers, and how long they took.
    """
    began = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda _: shop.service.pay(str(uuid4())), range(AT_ONCE)))
    return answers, time.monotonic() - began


def test_redis_stands_still(shop: Shop) -> None:
    """
    Payments go on, and a word says what is missing.
    """
    with frozen(shop.cache.pid):
        answers, took = many(shop)
        shop.service.becomes(code=200, redis="unavailable")
    shop.service.becomes(**HEALTHY)

    assert {a.status_code for a in answers} == {201}
    assert took < SOON


def test_broker_stands_still(shop: Shop) -> None:
    """
    Payments go on; what was to be told leaves later, and is told.
    """
    with frozen(shop.broker.pid):
        shop.service.becomes(code=200, rabbitmq="unavailable")
        answers, took = many(shop)
    shop.service.becomes(**HEALTHY)

    assert {a.status_code for a in answers} == {201}
    assert took < SOON
    shop.heard(AT_ONCE)


def test_provider_stands_still(shop: Shop) -> None:
    """
    Payments are taken in with an outcome that nobody knows yet; each is taken once it goes on.
    """
    with frozen(shop.provider.pid):
        answers, took = many(shop)
        shop.service.becomes(code=200, database="ok")
        assert shop.service.health()["stripe"] != "ok"
    shop.service.becomes(**HEALTHY)

    assert {a.status_code for a in answers} == {202}
    assert took < SOON
    for answer in answers:
        assert answer.headers["Retry-After"]
        status = partial(shop.service.status, answer.json()["paymentId"])
        until(lambda: status() == "Succeeded", status)  # noqa: B023 - it is called at once


def test_database_stands_still(shop: Shop) -> None:
    """
    Everybody is told to come again in bounded time, and the payment is taken once when they do.
    """
    paid(shop)
    with frozen(shop.database.pid):
        answers, took = many(shop)
        shop.service.becomes(code=503, stripe="ok", redis="ok", worker="unknown")
        down = shop.service.health()["database"]
        command = shop.service.command()
    shop.service.becomes(**HEALTHY)

    assert {(a.status_code, a.json()["code"]) for a in answers} == {(503, "storage_unavailable")}
    assert all(a.headers["Retry-After"] for a in answers)
    assert took < SOON
    assert down in {"unavailable", "timeout"}
    assert command == 1
    paid(shop)
