"""
Tokens of an OpenID server that is not ours, and what a change of its keys does.
"""

import time
from collections.abc import Callable, Iterator, Mapping

import pytest
from flask.testing import FlaskClient

from tests.http.conftest import a_body
from tests.independent_issuer import IndependentIssuer, independent_issuer

PLACE = "/api/payments"
WITHIN = 30.0  # seconds, on a busy machine


ClientWith = Callable[[Mapping[str, str]], FlaskClient]


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IndependentIssuer]:
    """
    The server.
    """
    with independent_issuer(tmp_path_factory.mktemp("issuer")) as running:
        yield running


@pytest.fixture
def client(other: IndependentIssuer, client_with: ClientWith) -> FlaskClient:
    """
    The service, which looks at the server's keys again after a second.
    """
    return client_with(
        {
            "KEYCLOAK__ISSUER": other.url,
            "KEYCLOAK__JWKS_URL": other.keys_url,
            "KEYCLOAK__KEYS_FRESH": "1s",
            "KEYCLOAK__KEYS_PAUSE": "1s",
        }
    )


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _status(client: FlaskClient, token: str) -> int:
    return client.get(PLACE, headers=_bearer(token)).status_code


def _await(client: FlaskClient, token: str, status: int) -> None:
    deadline = time.monotonic() + WITHIN
    while _status(client, token) != status:
        assert time.monotonic() < deadline, f"never {status}"
        time.sleep(0.1)


def test_tokens_of_another_issuer(other: IndependentIssuer, client: FlaskClient) -> None:
    """
    A customer pays, and whoever may look sees it; ID and refresh tokens open nothing.
    """
    alice = other.tokens("alice", "Customer")
    paid = client.post(PLACE, json=a_body(), headers=_bearer(alice["access_token"]))
    olga = _bearer(other.tokens("olga", "Ops")["access_token"])
    listed = client.get(PLACE, headers=olga)

    assert paid.status_code == 201
    assert paid.get_json()["customerId"] == "alice"
    assert [p["customerId"] for p in listed.get_json()["items"]] == ["alice"]
    assert _status(client, alice["access_token"]) == 403
    assert _status(client, alice["id_token"]) == 401
    assert _status(client, alice["refresh_token"]) == 401


def test_rotation_and_withdrawal(other: IndependentIssuer, client: FlaskClient) -> None:
    """
    A new key counts soon, the one before it for as long as it is published, and no longer.
    """
    first = other.tokens("olga", "Ops")["access_token"]
    assert _status(client, first) == 200

    other.rotate()
    second = other.tokens("olga", "Ops")["access_token"]
    _await(client, second, 200)
    assert _status(client, first) == 200

    other.rotate()
    third = other.tokens("olga", "Ops")["access_token"]
    _await(client, first, 401)
    _await(client, third, 200)
    assert _status(client, second) == 200
    assert client.get(PLACE, headers=_bearer(first)).get_json()["code"] == "token_invalid"


@pytest.mark.parametrize("trusted", ["https://issuer.example", "http://127.0.0.1:1"])
def test_who_is_not_trusted(
    other: IndependentIssuer, client_with: ClientWith, trusted: str
) -> None:
    """
    A token of an issuer that the settings do not name opens nothing, whoever made its key.
    """
    settings = {"KEYCLOAK__ISSUER": trusted, "KEYCLOAK__JWKS_URL": other.keys_url}
    token = other.tokens("olga", "Ops", "Admin")["access_token"]

    assert _status(client_with(settings), token) == 401
