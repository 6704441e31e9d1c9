"""
An issuer of tokens for a developer's machine, in place of Keycloak.
"""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from payments_bootstrap.development.files import write_private
from payments_bootstrap.rules import DEVELOPMENT_ISSUER


@attrs.frozen
class DevelopmentIssuer:
    """
    Signs tokens that only a service with ENVIRONMENT=development accepts.

    Attributes:
        directory: Where its key pair is; it is made when it is first needed.
    """

    directory: Path

    @property
    def keys_url(self) -> str:
        """
        Where the service finds the public key.
        """
        return self._public.resolve().as_uri()

    def prepare(self) -> None:
        """
        Make the key pair, unless it is there.
        """
        if self._private.exists() and self._public.exists():
            return
        key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
        write_private(self._private, json.dumps(key.as_dict(private=True)))
        write_private(self._public, json.dumps(KeySet([key]).as_dict(private=False)))

    def token(
        self,
        subject: str,
        roles: Sequence[str] = (),
        service: str | None = None,
        lifetime: int = 3600,
    ) -> str:
        """
        Return a token for a person with roles, or for a service.

        Args:
            lifetime: Seconds.
        """
        self.prepare()
        key = RSAKey.import_key(json.loads(self._private.read_text()))
        header = {"alg": "RS256", "kid": key.kid}
        claims = _claims(subject, roles, service, lifetime)
        return jwt.encode(header, claims, key)

    @property
    def _private(self) -> Path:
        return self.directory / "issuer.json"

    @property
    def _public(self) -> Path:
        return self.directory / "jwks.json"


def _claims(
    subject: str, roles: Sequence[str], service: str | None, lifetime: int
) -> dict[str, Any]:
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": DEVELOPMENT_ISSUER,
        "aud": "payment-service",
        "sub": subject,
        "typ": "Bearer",
        "iat": now,
        "exp": now + lifetime,
        "azp": service or "development",
        "realm_access": {"roles": list(roles)},
    }
    if service:
        claims["preferred_username"] = f"service-account-{service}"
    return claims
