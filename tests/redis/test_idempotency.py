"""
Redis in front of idempotency keys: the same answers, whatever happens to it.
"""

import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import attrs
import pytest
import redis
from typing_extensions import override

from payments_core.ports.idempotency import IResultCache, KeyedRequest
from payments_core.ports.unit_of_work import UnitOfWorkFactory
from payments_core.testing.builders import NOW
from payments_core.testing.conformance.idempotency import IdempotencyConformance, a_keyed_request
from payments_core.testing.memory import InMemoryDatabase, InMemoryUnitOfWork
from payments_redis import RedisResultCache, RedisSettings
from payments_redis.seal import Seal
from scripts.servers.redis import connected
from tests.redis.conditions import PATIENT, SECRET, Alive, Condition, PrivateRedis

pytestmark = pytest.mark.redis


class TestIdempotencyWithRedis(IdempotencyConformance):
    """
    Whole requests in memory with a Redis in front that is alive, wiped, absent or killed.
    """

    @pytest.fixture
    @override
    def make_uow(self) -> UnitOfWorkFactory:
        return partial(InMemoryUnitOfWork, InMemoryDatabase())

    @pytest.fixture
    @override
    def cache(self, redis_condition: Condition) -> IResultCache:
        self.condition = redis_condition
        return redis_condition.cache

    @override
    def disturb(self) -> None:
        self.condition.disturb()


@pytest.fixture
def alive(redis_url: str, redis_prefix: str) -> Iterator[Alive]:
    """
    A cache whose Redis answers.
    """
    condition = Alive(redis_url, redis_prefix)
    yield condition
    condition.cache.close()


def done(**changes: object) -> KeyedRequest:
    """
    Return a request that has its result.
    """
    fields = {"lease_until": None, "result": '{"n":1}', **changes}
    return a_keyed_request(**fields)


def test_remembers(alive: Alive) -> None:
    """
    What is kept is found again, field by field, and nothing else is.
    """
    request = done()
    alive.cache.keep(request, NOW)

    assert alive.cache.find(request.key) == request
    assert alive.cache.find("another") is None


def test_keys_have_the_prefix_and_an_end(alive: Alive) -> None:
    """
    A key begins with the setting's prefix, and is gone before the database's key is.
    """
    short, long = done(expires_at=NOW + timedelta(hours=1)), done(expires_at=NOW + 9 * DAY)
    late = done(expires_at=NOW + timedelta(minutes=5))
    for request in (short, long, late):
        alive.cache.keep(request, NOW)
    with connected(alive.url) as client:
        names = [alive.name(r.key) for r in (short, long, late)]
        left = [client("TTL", name) for name in names]

    assert isinstance(left[0], int)
    assert isinstance(left[1], int)
    assert 0 < left[0] <= 55 * 60
    assert 0 < left[1] <= 24 * 3600
    assert left[2] == -2  # there is no such key


DAY = timedelta(days=1)


@pytest.mark.parametrize("value", [b"", b"null", b"[]", b'{"key":"k"}', b"{", b"\xff" * 40])
@pytest.mark.parametrize("sealed", [False, True])
def test_what_is_none_of_ours_is_nothing(alive: Alive, value: bytes, sealed: bool) -> None:
    """
    Whatever else stands under a key of ours is not believed, also if another release wrote it.
    """
    request = done()
    put(alive, request.key, alive.seal.closed(alive.name(request.key), value) if sealed else value)

    assert alive.cache.find(request.key) is None


def test_what_a_newer_program_wrote_is_read(alive: Alive) -> None:
    """
    A field that is not known yet does not matter.
    """
    request = done()
    alive.cache.keep(request, NOW)
    name = alive.name(request.key)
    kept = json.loads(alive.seal.opened(name, got(alive, request.key)) or b"")
    put(alive, request.key, alive.seal.closed(name, json.dumps(kept | {"more": 1}).encode()))

    assert alive.cache.find(request.key) == request


def test_a_result_cannot_be_made_up(alive: Alive) -> None:
    """
    Who can write to Redis can neither change a result, nor make one without the secret.
    """
    request = done(result='{"status":"Failed"}')
    alive.cache.keep(request, NOW)
    kept = got(alive, request.key)
    forged = kept.replace(b"Failed", b"Succeeded")
    other = Seal(b"somebody else's").closed(alive.name(request.key), kept[32:])
    found = []
    for value in (forged, other, kept[32:], kept):
        put(alive, request.key, value)
        found.append(alive.cache.find(request.key))

    assert forged != kept
    assert found == [None, None, None, request]


def test_a_result_counts_under_its_own_key_alone(alive: Alive) -> None:
    """
    A result that is copied to another key is not the other request's.
    """
    request = done()
    alive.cache.keep(request, NOW)
    put(alive, "another", got(alive, request.key))

    assert alive.cache.find("another") is None


def put(alive: Alive, key: str, value: bytes) -> None:
    """
    Write to Redis as anyone can who reaches it.
    """
    with redis.Redis.from_url(alive.url) as client:
        client.set(alive.name(key), value, ex=60)


def got(alive: Alive, key: str) -> bytes:
    """
    Return what stands in Redis.
    """
    with redis.Redis.from_url(alive.url) as client:
        found = client.get(alive.name(key))
    assert isinstance(found, bytes)
    return found


def test_costs_one_timeout_a_pause() -> None:
    """
    A Redis that takes calls and never answers costs one timeout, and then nothing for a pause.
    """
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        settings = RedisSettings(url=url, timeout=timedelta(seconds=1), pause=timedelta(minutes=5))
        cache = RedisResultCache(settings, SECRET)
        began = time.monotonic()
        found = [cache.find("k")]
        first = time.monotonic() - began
        for _ in range(1000):
            found.append(cache.find("k"))
            cache.keep(done(), NOW)
        rest = time.monotonic() - began - first
        cache.close()

    assert found == [None] * 1001
    assert first >= 0.9
    assert rest < 0.9  # a single second try would take a second


def test_is_used_again_when_it_is_back(
    private_redis: PrivateRedis, caplog: pytest.LogCaptureFixture
) -> None:
    """
    The log tells once that Redis is gone and once that it is back, without its address.
    """
    caplog.set_level(logging.INFO, "payments_redis")
    pause = timedelta(milliseconds=1)
    settings = RedisSettings(url=private_redis.url, timeout=PATIENT, pause=pause)
    cache = RedisResultCache(settings, SECRET)
    request = done()
    private_redis.kill()
    for _ in range(20):
        cache.keep(request, NOW)
        time.sleep(0.002)
    away = cache.find(request.key)
    private_redis.start()
    deadline = time.monotonic() + 30
    while cache.find(request.key) is None and time.monotonic() < deadline:
        cache.keep(request, NOW)
    back = cache.find(request.key)
    cache.close()

    assert (away, back) == (None, request)
    assert [r.levelname for r in caplog.records] == ["WARNING", "INFO"]
    assert "127.0.0.1" not in caplog.text


def test_threads_share_it(alive: Alive) -> None:
    """
    Many threads at once read and write whole results.
    """
    requests = [done(result=json.dumps(n)) for n in range(16)]
    wrong: list[KeyedRequest | None] = []

    def work(request: KeyedRequest) -> None:
        for _ in range(20):
            alive.cache.keep(request, NOW)
            found = alive.cache.find(request.key)
            if found != request:
                wrong.append(found)

    threads = [threading.Thread(target=work, args=(request,)) for request in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


def test_settings_refuse_and_hide() -> None:
    """
    An address of something else is refused, and a good one is never shown.
    """
    with pytest.raises(ValueError, match="redis://"):
        RedisSettings(url="http://redis")
    with pytest.raises(ValueError, match="above zero"):
        RedisSettings(timeout=timedelta())

    assert "hush" not in repr(RedisSettings(url="redis://:hush@redis/0"))
    assert not attrs.evolve(RedisSettings(), key_prefix="x:").configured
