"""
A token in this service's own name, from a real token endpoint.
"""

import base64
import json
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import attrs
import pytest

from payments_bootstrap.client_credentials import ClientCredentials, TokenUnavailable
from payments_bootstrap.settings import KeycloakSettings
from tests.independent_issuer import PASSWORD, IndependentIssuer, independent_issuer

LIFETIME = 300.0  # seconds, as the issuer is set up


@attrs.define
class Counted:
    """
    The issuer, and its log that tells who asked.
    """

    issuer: IndependentIssuer
    log: Path
    before: int = 0

    @property
    def asked(self) -> int:
        """
        How many tokens were given out to clients since the test began.
        """
        text = self.log.read_text(errors="replace")
        return text.count("via client_credentials grant") - self.before


class _Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counted]:
    """
    The issuer, once for all.
    """
    folder = tmp_path_factory.mktemp("issuer")
    with independent_issuer(folder) as issuer:
        yield Counted(issuer, folder / "log")


@pytest.fixture
def issuer(running: Counted) -> Counted:
    """
    The issuer, with a new count.
    """
    running.before += running.asked
    return running


@pytest.fixture
def clock() -> _Clock:
    """
    The time of the credentials.
    """
    return _Clock()


@pytest.fixture
def credentials(issuer: Counted, clock: _Clock) -> Iterator[ClientCredentials]:
    """
    Those of this service.
    """
    url = issuer.issuer.token_url
    credentials = ClientCredentials(url, "payment-service", PASSWORD, clock=clock)
    yield credentials
    credentials.close()


def _claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return found


def test_token_is_this_services(credentials: ClientCredentials) -> None:
    """
    The token is given to this service's client, for itself.
    """
    assert _claims(credentials.token())["client_id"] == "payment-service"


def test_token_is_kept(issuer: Counted, credentials: ClientCredentials, clock: _Clock) -> None:
    """
    A token is used until thirty seconds before its end, and then replaced.
    """
    first = credentials.token()
    clock.now += LIFETIME - 31
    assert credentials.token() == first
    clock.now += 2
    second = credentials.token()

    assert second != first
    assert credentials.token() == second
    assert issuer.asked == 2


def test_one_at_a_time(issuer: Counted, credentials: ClientCredentials, clock: _Clock) -> None:
    """
    Twenty threads at once cause one request, the first time and each time after.
    """
    with ThreadPoolExecutor(20) as pool:
        first = set(pool.map(lambda _: credentials.token(), range(20)))
        clock.now += LIFETIME + 1
        second = set(pool.map(lambda _: credentials.token(), range(20)))

    assert len(first) == len(second) == 1
    assert first != second
    assert issuer.asked == 2


def test_others_do_not_wait(issuer: Counted, clock: _Clock) -> None:
    """
    In the last seconds of a token whoever does not fetch the next goes on with it.
    """
    url = issuer.issuer.token_url
    credentials = ClientCredentials(url, "payment-service", PASSWORD, clock=clock)
    first = credentials.token()
    clock.now += LIFETIME - 10
    with credentials._lock:
        assert credentials.token() == first
    credentials.close()


def test_wrong_secret(issuer: Counted) -> None:
    """
    A refusal says why, and does not show the secret.
    """
    url = issuer.issuer.token_url
    credentials = ClientCredentials(url, "payment-service", "not-the-one-that-it-has")
    with pytest.raises(TokenUnavailable) as refused:
        credentials.token()
    credentials.close()

    assert "invalid_client" in str(refused.value)
    assert "not-the-one" not in "".join(traceback.format_exception(refused.value))


def test_no_secret() -> None:
    """
    Who set no secret is told which setting it is.
    """
    credentials = ClientCredentials.of(KeycloakSettings(issuer=("http://127.0.0.1:9",)))

    with pytest.raises(TokenUnavailable, match="KEYCLOAK__CLIENT_SECRET"):
        credentials.token()


def test_secret_is_not_shown() -> None:
    """
    The settings do not show the secret.
    """
    assert "geheim" not in repr(KeycloakSettings(client_secret="geheim"))


def test_issuer_is_down(issuer: Counted, clock: _Clock) -> None:
    """
    Without the issuer a token is good to its end, though it should be replaced; then there is none.
    """
    url = issuer.issuer.token_url
    credentials = ClientCredentials(url, "payment-service", PASSWORD, clock=clock)
    token = credentials.token()
    credentials._client = ("http://127.0.0.1:9/token", *credentials._client[1:])
    clock.now += LIFETIME - 1
    assert credentials.token() == token
    clock.now += 1
    with pytest.raises(TokenUnavailable, match="ConnectionError"):
        credentials.token()
    credentials.close()
