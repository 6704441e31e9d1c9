"""
How much one caller may ask for, and what nobody is refused for.
"""

import signal
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from math import floor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from dependency_injector import providers

from payments_bootstrap import Container
from payments_bootstrap.configuration import ConfigurationError, load
from payments_core.testing.fake_provider import FakePaymentProvider
from payments_core.testing.memory import InMemoryDatabase, InMemoryUnitOfWork
from payments_core.testing.memory_queries import InMemoryPaymentQueries
from payments_http.app import create_app
from scripts.servers import SERVERS
from scripts.servers.process import await_port, free_port, running
from scripts.servers.redis import connected
from tests.http.conftest import Api, Issuer, a_body

WEBHOOK = "/api/payments/webhooks/stripe"

Make = Callable[..., Api]


@pytest.fixture
def limited(
    environ: dict[str, str],
    database: InMemoryDatabase,
    provider: FakePaymentProvider,
    issuer: Issuer,
) -> Make:
    """
    Make the app with limits, which are off in development unless someone wants them.
    """

    def make(**settings: str) -> Api:
        container = Container(settings=load(environ | {"LIMITS__ENABLED": "true"} | settings))
        container.unit_of_work.override(providers.Factory(InMemoryUnitOfWork, database))
        container.queries.override(providers.Object(InMemoryPaymentQueries(database)))
        container.payment_providers.override(providers.Object({"stripe": provider}))
        return Api(create_app(container).test_client(), issuer)

    return make


def _pay(api: Api, **changes: Any) -> int:
    return api.post("/api/payments", a_body(**changes)).status_code


def _times(count: int, call: Callable[[], int]) -> list[int]:
    return [call() for _ in range(count)]


def test_creates(limited: Make, provider: FakePaymentProvider) -> None:
    """
    The 61st payment of a customer within a minute is 429, says when to come back, and asks nobody.
    """
    alice = limited().of("Customer", sub="alice")
    taken = _times(60, lambda: _pay(alice))
    calls = len(provider.calls)
    refused = alice.post("/api/payments", a_body())

    assert taken == [201] * 60
    assert refused.status_code == 429
    assert refused.content_type == "application/problem+json"
    assert refused.get_json()["code"] == "rate_limited"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert len(provider.calls) == calls
    assert _pay(alice.of("Customer", sub="bob")) == 201


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.5, 0.9])
def test_never_longer_than_the_window(
    limited: Make, monkeypatch: pytest.MonkeyPatch, fraction: float
) -> None:
    """
    Whoever is refused at once waits out the window of 60 seconds, wherever in a second it began.
    """
    now = floor(time.time()) + fraction
    alice = limited(LIMITS__CREATES="1").of("Customer", sub="alice")
    monkeypatch.setattr(time, "time", lambda: now)
    _pay(alice)
    refused = alice.post("/api/payments", a_body())

    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "60"


def test_services_are_limited_by_the_customer(limited: Make) -> None:
    """
    Another service may take payments of many customers, and no more than others for one of them.
    """
    shop = limited(LIMITS__CREATES="2").of_service("order-service")
    of_many = _times(5, lambda: _pay(shop, customerId=str(uuid4())))
    of_one = _times(3, lambda: _pay(shop, customerId="alice"))
    of_nobody = _times(3, lambda: _pay(shop))

    assert of_many == [201] * 5
    assert of_one == [201, 201, 429]
    assert of_nobody == [201] * 3


def test_payments_for_others_are_counted(limited: Make) -> None:
    """
    A customer who asks for payments of others is refused, and counted before that.
    """
    alice = limited(LIMITS__CREATES="2").of("Customer", sub="alice")

    assert _times(3, lambda: _pay(alice, customerId="bob")) == [422, 422, 429]


def test_refunds(limited: Make) -> None:
    """
    A person gives money back ten times in a minute at most; a service as often as it must.
    """
    api = limited(LIMITS__CREATES="0")
    paid = api.of("Customer").pay()["paymentId"]
    admin, service = api.of("Admin", sub="root"), api.of_service("order-service")

    def refund(who: Api) -> int:
        body = {"amount": "0.10"}
        path = f"/api/payments/{paid}/refund"
        return who.post(path, body, key=str(uuid4())).status_code

    assert _times(11, lambda: refund(admin)) == [201] * 10 + [429]
    assert _times(11, lambda: refund(service)) == [201] * 11


def _deliver(api: Api, payload: bytes, headers: dict[str, str]) -> int:
    answer = api.post(WEBHOOK, data=payload, headers=headers, content_type="application/json")
    return answer.status_code


def _forge(api: Api, **headers: str) -> int:
    return _deliver(api, b"{}", {"fake-signature": "1:x", **headers})


def test_bad_signatures(limited: Make) -> None:
    """
    Of a thousand bad signatures from one address 100 are 400, the rest 429.
    """
    answers = [_forge(api) for api in [limited()] for _ in range(1000)]

    assert answers == [400] * 100 + [429] * 900


def test_a_good_delivery_is_never_refused(limited: Make, provider: FakePaymentProvider) -> None:
    """
    Whoever floods us from the provider's address keeps no event of the provider from us.
    """
    api = limited(LIMITS__BAD_SIGNATURES="2")
    api.of("Customer").pay()
    forged = _times(4, lambda: _forge(api))

    assert forged == [400, 400, 429, 429]
    assert _deliver(api, *provider.webhook("stripe_pi_1")) == 200


def test_bad_tokens(limited: Make) -> None:
    """
    After so many requests without a good token an address hears 429; a good token still works.
    """
    api = limited(LIMITS__BAD_TOKENS="3")

    def look(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return api.get(f"/api/payments/{uuid4()}", headers=headers).status_code

    assert [look(token) for token in ("", "x", "a.b.c", "", "x")] == [401, 401, 401, 429, 429]
    assert look(api.issuer.token("Customer")) == 404


@pytest.mark.parametrize(
    ("proxies", "forwarded", "shared"),
    [
        ("0", ("9.9.9.9", "8.8.8.8"), True),  # whoever calls can write this header
        ("1", ("9.9.9.9", "8.8.8.8"), False),
        ("1", ("1.1.1.1, 9.9.9.9", "2.2.2.2, 9.9.9.9"), True),
        ("2", ("9.9.9.9, 10.0.0.1", "8.8.8.8, 10.0.0.1"), False),
        ("1", ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"), True),  # one network, one customer
        ("1", ("2001:db8:1:2::1", "2001:db8:1:3::1"), False),
        ("1", ("nonsense", "unknown"), True),
    ],
)
def test_addresses(limited: Make, proxies: str, forwarded: tuple[str, str], shared: bool) -> None:
    """
    Behind proxies the address is the one that the outermost trusted proxy saw.
    """
    api = limited(LIMITS__BAD_SIGNATURES="1", HTTP__TRUSTED_PROXIES=proxies)
    first, second = (_forge(api, **{"X-Forwarded-For": address}) for address in forwarded)

    assert (first, second) == (400, 429 if shared else 400)


def test_off(environ: dict[str, str], limited: Make) -> None:
    """
    Nothing is counted where a number is 0, where it is switched off, and in development.
    """
    zero = limited(LIMITS__BAD_SIGNATURES="0")
    off = limited(LIMITS__BAD_SIGNATURES="1", LIMITS__ENABLED="false")
    settings = load(environ | {"LIMITS__BAD_SIGNATURES": "1"})
    development = Api(create_app(Container(settings=settings)).test_client(), zero.issuer)

    for api in (zero, off, development):
        assert _times(3, lambda api=api: _forge(api)) == [400] * 3  # type: ignore[misc]  # bound now


def test_below_nothing(environ: dict[str, str]) -> None:
    """
    A limit below zero starts nothing.
    """
    with pytest.raises(ConfigurationError, match="LIMITS"):
        load(environ | {"LIMITS__CREATES": "-1"})


@pytest.mark.redis
def test_processes_count_together(limited: Make, redis_url: str) -> None:
    """
    With Redis two processes of the API know of each other's counts.
    """
    sub = str(uuid4())
    one, other = (limited(LIMITS__CREATES="3", REDIS__URL=redis_url) for _ in range(2))
    answers = [_pay(api.of("Customer", sub=sub)) for api in (one, other, one, other)]

    assert answers == [201, 201, 201, 429]


@pytest.mark.redis
def test_prefix(limited: Make, redis_url: str, redis_prefix: str) -> None:
    """
    Counts in Redis have the prefix that all keys of this service have.
    """
    prefix = f"{redis_prefix}{uuid4()}:"
    _pay(limited(REDIS__URL=redis_url, REDIS__KEY_PREFIX=prefix).of("Customer"))
    with connected(redis_url) as redis:
        found = redis("KEYS", f"{prefix}limits:*")

    assert found


def test_without_redis_payments_go_on(limited: Make) -> None:
    """
    Where Redis should be and is not, payments are taken, and each process counts for itself.
    """
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    alice = limited(LIMITS__CREATES="3", REDIS__URL=nowhere).of("Customer")

    assert _times(4, lambda: _pay(alice)) == [201, 201, 201, 429]


def test_nobody_waits_for_a_redis_that_hangs(limited: Make) -> None:
    """
    A Redis that takes calls and never answers costs a fifth of a second now and then, no payment.
    """
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        alice = limited(LIMITS__CREATES="3", REDIS__URL=url).of("Customer")
        began = time.monotonic()
        answers = _times(4, lambda: _pay(alice))

    assert answers == [201, 201, 201, 429]
    assert time.monotonic() - began < 20  # without a limit it would be for ever


def test_redis_goes_and_comes_back(limited: Make, tmp_path: Path) -> None:
    """
    Redis dies between two payments: the next one is taken, and Redis is used again when it is back.
    """
    programs = SERVERS["redis"].programs()
    if programs is None:
        pytest.fail("There is no redis-server to start a private one of; install it")
    port = free_port()
    command = (programs / "redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "")
    alice = limited(LIMITS__CREATES="2", REDIS__URL=f"redis://127.0.0.1:{port}/0").of("Customer")
    with ExitStack() as stack:
        process = stack.enter_context(running(command, tmp_path))
        await_port(port, process, tmp_path)
        before = _pay(alice)
        process.send_signal(signal.SIGKILL)
        process.wait()
        while_away = _times(3, lambda: _pay(alice))
        await_port(port, stack.enter_context(running(command, tmp_path)), tmp_path)
        deadline = time.monotonic() + 45
        # Its counts are gone with it, so that it is back when a payment is taken again.
        while (after := _pay(alice)) == 429 and time.monotonic() < deadline:
            time.sleep(0.2)

    assert before == 201
    assert while_away == [201, 201, 429]
    assert after == 201
