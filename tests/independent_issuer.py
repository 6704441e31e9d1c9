"""
An OpenID server that is not ours: other code, another library of signatures, over HTTP.

It is nanoidp, which signs with PyJWT; the service checks with joserfc. Its `extra` parameter
gives tokens the claims that Keycloak's have.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import attrs
import requests

from scripts.servers.process import await_port, free_port, running

PASSWORD: Final = "not-a-secret-of-anybody"
CLIENT: Final = "web-shop"
WITHIN: Final = 30.0  # seconds to answer, on a busy machine

_SETTINGS: Final = """
config_version: 1
server: {{host: "127.0.0.1", port: {port}}}
oauth:
  issuer: "http://127.0.0.1:{port}"
  audience: "payment-service"
  token_expiry_minutes: 5
  clients:
    - {{client_id: "web-shop", client_secret: "{password}"}}
    - {{client_id: "payment-service", client_secret: "{password}"}}
jwt: {{max_previous_keys: 1}}
"""
_USERS: Final = """
config_version: 1
users:
  alice: {{password: "{password}", email: "alice@example.org", roles: []}}
  olga: {{password: "{password}", email: "olga@example.org", roles: []}}
"""


@attrs.frozen
class IndependentIssuer:
    """
    The running server.
    """

    url: str

    @property
    def keys_url(self) -> str:
        """
        Where its keys are, by its own word.
        """
        return str(self._discovered["jwks_uri"])

    @property
    def token_url(self) -> str:
        """
        Where it gives out tokens, by its own word.
        """
        return str(self._discovered["token_endpoint"])

    @property
    def _discovered(self) -> dict[str, Any]:
        found = requests.get(f"{self.url}/.well-known/openid-configuration", timeout=WITHIN)
        document: dict[str, Any] = found.json()
        assert document["issuer"] == self.url
        return document

    def tokens(self, user: str, *roles: str) -> dict[str, str]:
        """
        Log a user in, and return all tokens; the access token has Keycloak's claims.
        """
        claims = {"typ": "Bearer", "realm_access": {"roles": list(roles)}}
        form = {"grant_type": "password", "username": user, "password": PASSWORD}
        answer = requests.post(
            self.token_url,
            data=form | {"scope": "openid", "extra": json.dumps(claims)},
            auth=(CLIENT, PASSWORD),
            timeout=WITHIN,
        )
        found: dict[str, str] = answer.json()
        assert answer.status_code == 200, found
        return found

    def rotate(self) -> None:
        """
        Begin to sign with a new key; the one before is published still, those before it not.
        """
        answer = requests.post(f"{self.url}/api/keys/rotate", timeout=WITHIN)
        assert answer.json()["success"] is True


@contextmanager
def independent_issuer(folder: Path) -> Iterator[IndependentIssuer]:
    """
    Run the server until the block ends.
    """
    port = free_port()
    for name, text in (("settings", _SETTINGS), ("users", _USERS)):
        (folder / f"{name}.yaml").write_text(text.format(port=port, password=PASSWORD))
    program = Path(sys.executable).with_name("nanoidp")
    with running((program, "--config", folder), folder) as process:
        await_port(port, process, folder)
        yield IndependentIssuer(f"http://127.0.0.1:{port}")
