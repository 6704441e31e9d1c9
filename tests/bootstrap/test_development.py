"""
The folder of a developer's service.
"""

import json
import stat
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from payments_bootstrap.configuration import ConfigurationError, load
from payments_bootstrap.development.home import Home
from payments_bootstrap.development.issuer import DevelopmentIssuer
from payments_bootstrap.development.processes import free_port, listens
from payments_bootstrap.rules import DEVELOPMENT_ISSUER


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """
    A folder in which a service was prepared.
    """
    home = Home(tmp_path / "development")
    home.prepare(port=5004, simulator_port=5005)
    return home


def test_settings(home: Home) -> None:
    """
    The written settings are those of a developer's machine, and load.
    """
    settings = load(home.environ({}))

    assert settings.development
    assert settings.http.port == 5004
    assert settings.keycloak.issuer == (DEVELOPMENT_ISSUER,)
    assert settings.payment_providers.stripe
    assert settings.payment_providers.stripe.api_base == "http://127.0.0.1:5005"


def test_environment_wins(home: Home) -> None:
    """
    What the developer sets wins over the file.
    """
    assert load(home.environ({"LOG__LEVEL": "DEBUG"})).log.level == "DEBUG"


def test_open_to_the_network(home: Home) -> None:
    """
    A developer's service does not start where others could call it.
    """
    with pytest.raises(ConfigurationError, match="HTTP__HOST"):
        load(home.environ({"HTTP__HOST": "0.0.0.0"}))


def test_secret_stays(home: Home) -> None:
    """
    Another start keeps the webhook secret and the key pair, so what was signed stays good.
    """
    before = home.webhook_secret(), home.issuer.keys_url, _keys(home.issuer)
    home.prepare(port=1, simulator_port=2)

    assert (home.webhook_secret(), home.issuer.keys_url, _keys(home.issuer)) == before


def _keys(issuer: DevelopmentIssuer) -> str:
    return (issuer.directory / "jwks.json").read_text()


def test_private_files(home: Home) -> None:
    """
    Only the owner may read the key and the settings.
    """
    for name in ("issuer.json", "settings.toml"):
        assert stat.S_IMODE((home.directory / name).stat().st_mode) == 0o600


def test_public_key_is_public(home: Home) -> None:
    """
    What the service reads holds no private part.
    """
    (key,) = json.loads(_keys(home.issuer))["keys"]

    assert "d" not in key


def test_token(home: Home) -> None:
    """
    A token is signed with the key that the service reads.
    """
    keys = KeySet.import_key_set(json.loads(_keys(home.issuer)))
    token = jwt.decode(home.issuer.token("alice", ["Customer"]), keys, algorithms=["RS256"])

    assert token.claims["sub"] == "alice"
    assert token.claims["realm_access"] == {"roles": ["Customer"]}


def test_never_started(tmp_path: Path) -> None:
    """
    Where no service was started it says how to start one.
    """
    with pytest.raises(ConfigurationError, match="make run"):
        Home(tmp_path).environ({})


def test_free_port() -> None:
    """
    The preferred port is taken if nobody has it.
    """
    port = free_port(0)

    assert free_port(port) == port
    assert not listens(port)
