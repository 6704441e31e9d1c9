"""
The issuer's keys: fetched when needed, kept while the issuer is away, never asked for in a flood.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import pytest
from flask import Flask
from joserfc.jwk import Key, OctKey, RSAKey

from payments_bootstrap import Container
from payments_bootstrap.settings import KeycloakSettings
from payments_http.access import EXTENSION, Guard
from payments_http.keys import IssuerKeys, KeysUnavailable, fetcher
from payments_http.tokens import TokenVerifier
from tests.http.key_server import KeyServer, serving_keys

Api = Any


def _key(kid: str) -> OctKey:
    return OctKey.generate_key(parameters={"kid": kid})


class _Fetch:
    """
    An issuer's address that is counted, and can be down or slow.
    """

    def __init__(self, *kids: str) -> None:
        self.keys: list[Any] = [_key(kid).as_dict() for kid in kids]
        self.count = 0
        self.down = False
        self.entered = threading.Event()
        self.open = threading.Event()
        self.open.set()

    def __call__(self) -> Any:
        self.count += 1
        self.entered.set()
        assert self.open.wait(60)
        if self.down:
            raise ConnectionError
        return {"keys": list(self.keys)}


class _Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_keys_are_cached() -> None:
    """
    Keys are fetched once in ten minutes.
    """
    fetch, clock = _Fetch("a"), _Clock()
    keys = IssuerKeys(fetch, clock=clock)
    for _ in range(100):
        assert keys.get("a")
    clock.now += 601
    keys.get("a")

    assert fetch.count == 2


def test_new_key() -> None:
    """
    A key that the issuer made since is fetched when a token asks for it.
    """
    fetch, clock = _Fetch("a"), _Clock()
    keys = IssuerKeys(fetch, clock=clock)
    keys.get("a")
    fetch.keys.append(_key("b").as_dict())
    clock.now += 30

    assert keys.get("b")


def test_withdrawn_key() -> None:
    """
    A key that the issuer withdrew counts until the keys are fetched again, and no longer.
    """
    fetch, clock = _Fetch("a", "b"), _Clock()
    keys = IssuerKeys(fetch, clock=clock)
    keys.get("a")
    del fetch.keys[0]
    clock.now += 600

    assert keys.get("a")
    clock.now += 1
    assert keys.get("a") is None
    assert keys.get("b")


def test_unknown_keys_cannot_flood_the_issuer() -> None:
    """
    A thousand tokens with unknown keys in half a minute cause one fetch.
    """
    fetch, clock = _Fetch("a"), _Clock()
    keys = IssuerKeys(fetch, clock=clock)
    keys.get("a")
    clock.now += 30
    found = [keys.get(f"x{n}") for n in range(1000)]

    assert set(found) == {None}
    assert fetch.count == 2


def test_issuer_is_down() -> None:
    """
    While the issuer is down its old keys are good for a day.
    """
    fetch, clock = _Fetch("a"), _Clock()
    keys = IssuerKeys(fetch, clock=clock)
    keys.get("a")
    fetch.down = True
    clock.now += 86_000

    assert keys.get("a")
    clock.now += 86_000
    with pytest.raises(KeysUnavailable):
        keys.get("a")


def test_down_and_rotated() -> None:
    """
    After twenty minutes without the issuer, which was asked twice a minute, ten new keys count.
    """
    fetch, clock = _Fetch("a"), _Clock()
    keys = IssuerKeys(fetch, clock=clock)
    keys.get("a")
    fetch.down = True
    for _ in range(1200):
        clock.now += 1
        assert keys.get("a")
    fetch.down = False
    assert fetch.count <= 1 + 1200 / 30
    for n in range(10):
        fetch.keys[:] = [_key(f"new-{n}").as_dict()]
        clock.now += 30

        assert keys.get(f"new-{n}")


@pytest.mark.parametrize(
    "odd",
    [
        {"kty": "AKP", "kid": "z", "alg": "ML-DSA-44"},
        {"kty": "EC", "kid": "z", "crv": "P-999", "x": "a", "y": "b"},
        {"kty": "RSA", "kid": "z"},
        {"kty": "OKP", "kid": "z", "crv": "Ed25519", "x": "!!"},
        {"kid": "z"},
        5,
        None,
    ],
)
def test_odd_keys_are_passed_over(odd: object) -> None:
    """
    A key that cannot be read does not take the others with it (RFC 7517, section 5).
    """
    fetch = _Fetch("a")
    fetch.keys.insert(0, odd)
    keys = IssuerKeys(fetch)

    assert keys.get("a")
    assert keys.get("z") is None


@pytest.mark.parametrize("odd", [None, [], {}, {"keys": 5}, "x"])
def test_odd_answers_are_no_keys(odd: object) -> None:
    """
    An answer that is no set of keys is as good as none: the old keys are kept.
    """
    fetch, clock = _Fetch("a"), _Clock()
    answers: list[object] = [{"keys": fetch.keys}, odd]
    keys = IssuerKeys(lambda: answers.pop(0), clock=clock)
    keys.get("a")
    clock.now += 601

    assert keys.get("a")
    assert answers == []


def test_known_keys_do_not_wait() -> None:
    """
    A slow issuer holds up no token with a known key, and makes no other a forged one.
    """
    fetch, clock = _Fetch("a"), _Clock()
    keys = IssuerKeys(fetch, clock=clock, patience=0.05)
    keys.get("a")
    fetch.open.clear()
    fetch.entered.clear()
    clock.now += 30
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(keys.get, "b")
        assert fetch.entered.wait(60)
        try:
            assert keys.get("a")
            with pytest.raises(KeysUnavailable):
                keys.get("b")
        finally:
            fetch.open.set()

        assert slow.result() is None


@pytest.fixture(scope="module")
def new_key() -> RSAKey:
    """
    The key that comes with a rotation.
    """
    return RSAKey.generate_key(2048, {"kid": "key-2", "use": "sig", "alg": "RS256"})


@pytest.fixture
def issuer_door(signing_key: RSAKey) -> Iterator[KeyServer]:
    """
    Where the issuer's keys are, over HTTP.
    """
    with serving_keys(signing_key) as door:
        yield door


@pytest.fixture
def clock(app: Flask, container: Container, issuer_door: KeyServer) -> Iterator[_Clock]:
    """
    The time of the app's cache of keys; the keys come over HTTP.
    """
    state, clock = app.extensions[EXTENSION], _Clock()
    keys = IssuerKeys(fetcher(issuer_door.url), clock=clock, patience=60)
    guard = Guard(TokenVerifier(container.settings().keycloak, keys))
    app.extensions[EXTENSION] = attrs.evolve(state, guard=guard)
    yield clock
    app.extensions[EXTENSION] = state


def _ask(app: Flask, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return app.test_client().get("/api/payments", headers=headers).status_code


def _signed(api: Api, key: Key, kid: str) -> str:
    other = attrs.evolve(api.issuer, key=key)
    return str(other.sign(other.claims(realm_access={"roles": ["Ops"]}), kid=kid))


def test_a_thousand_made_up_keys(
    app: Flask, api: Api, clock: _Clock, issuer_door: KeyServer, signing_key: RSAKey
) -> None:
    """
    A thousand requests with keys that nobody has cause one request to the issuer, and 401 each.
    """
    good = _signed(api, signing_key, "key-1")
    assert _ask(app, good) == 200
    clock.now += 30
    made_up = [_signed(api, signing_key, f"no-{n}") for n in range(20)]
    answers = [_ask(app, made_up[n % 20]) for n in range(1000)]

    assert set(answers) == {401}
    assert issuer_door.asked == ["/certs", "/certs"]
    assert _ask(app, good) == 200


def test_rotation_under_load(
    app: Flask, api: Api, clock: _Clock, issuer_door: KeyServer, new_key: RSAKey
) -> None:
    """
    When 200 requests with a new key come at once, the issuer is asked once and none is refused.
    """
    assert _ask(app, api.of("Ops").token) == 200
    issuer_door.keys.append(new_key)
    clock.now += 30
    token = _signed(api, new_key, "key-2")
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: _ask(app, token), range(200)))

    assert answers == [200] * 200
    assert issuer_door.asked == ["/certs", "/certs"]


def test_issuer_away_over_http(app: Flask, api: Api, clock: _Clock, issuer_door: KeyServer) -> None:
    """
    While the issuer answers with errors, tokens are good for a day; after that, 503 for all.
    """
    token = api.of("Ops").token
    assert _ask(app, token) == 200
    issuer_door.status = 500
    clock.now += 86_400

    assert _ask(app, token) == 200
    clock.now += 1
    assert _ask(app, token) == 503


@pytest.mark.parametrize("change", [{"padding": 2**20}, {"status": 503}, {"status": 404}])
def test_refused_answers(
    app: Flask, api: Api, clock: _Clock, issuer_door: KeyServer, change: dict[str, int]
) -> None:
    """
    Until the issuer gave a set of keys of at most 1 MiB, nobody can be judged: 503.
    """
    good = {name: getattr(issuer_door, name) for name in change}
    for name, value in change.items():
        setattr(issuer_door, name, value)
    assert _ask(app, api.of("Ops").token) == 503
    for name, value in good.items():
        setattr(issuer_door, name, value)
    clock.now += 1

    assert _ask(app, api.of("Ops").token) == 200


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirections_are_not_followed(
    app: Flask, api: Api, issuer_door: KeyServer, status: int
) -> None:
    """
    Keys come from the configured address alone, whatever it says.
    """
    issuer_door.status, issuer_door.location = status, f"{issuer_door.address}/elsewhere"

    assert _ask(app, api.of("Ops").token) == 503
    assert issuer_door.asked == ["/certs"]


def test_the_log_says_where_keys_were_looked_for(caplog: pytest.LogCaptureFixture) -> None:
    """
    Who looks for the cause of 503 reads which address was asked, and no password of it.
    """
    place = "http://me:hidden@127.0.0.1:1/certs?word=hidden"  # pragma: allowlist secret
    keys = IssuerKeys.of(KeycloakSettings(issuer=("https://a.example",), jwks_url=place))
    with pytest.raises(KeysUnavailable):
        keys.get("a")

    assert "from http://127.0.0.1:1/certs: ConnectionError" in caplog.text
    assert "hidden" not in caplog.text
