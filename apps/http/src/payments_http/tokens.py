"""
Whether a token was issued for this service, and is valid now.
"""

import logging
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import ExpiredTokenError
from joserfc.jwk import GuestProtocol, Key

from payments_bootstrap.settings import KeycloakSettings
from payments_http.keys import IssuerKeys, KeysUnavailable
from payments_http.problems import Problem

_log = logging.getLogger(__name__)

_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer error="invalid_token"'}


class TokenVerifier:
    """
    Believes nothing that the issuer's key did not sign for this service.
    """

    def __init__(
        self,
        settings: KeycloakSettings,
        keys: IssuerKeys,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._keys = keys
        self._claims = jwt.JWTClaimsRegistry(
            now=lambda: int(clock()),
            leeway=int(settings.leeway.total_seconds()),
            iss={"essential": True, "values": list(settings.issuer)},
            aud={"essential": True, "value": settings.audience},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )

    def verify(self, token: str) -> Mapping[str, Any]:
        """
        Return the claims of a good token.

        Raises:
            Problem: The token is not good (401), or the issuer's keys cannot be had (503).
        """
        try:
            return self._verify(token)
        except KeysUnavailable:
            raise _no_keys() from None
        except ExpiredTokenError:
            detail = "The token has expired; get a new one."
            raise Problem(
                HTTPStatus.UNAUTHORIZED, "token_expired", detail, headers=_CHALLENGE
            ) from None
        except Exception as error:  # noqa: BLE001 - libraries raise many things at bad tokens
            _log.info("A token was refused: %s", type(error).__name__)
            detail = "The token is not valid here."
            raise Problem(
                HTTPStatus.UNAUTHORIZED, "token_invalid", detail, headers=_CHALLENGE
            ) from None

    def _verify(self, token: str) -> Mapping[str, Any]:
        decoded = jwt.decode(token, self._key, algorithms=list(self._settings.algorithms))
        claims = decoded.claims
        self._claims.validate(claims)
        if claims["exp"] - claims["iat"] > self._settings.lifetime.total_seconds():
            raise ValueError("The token lives too long")
        # Keycloak says what kind of token it is in the body, RFC 9068 in the header.
        if claims.get("typ") != "Bearer" and decoded.header.get("typ") != "at+jwt":
            raise ValueError("This is no access token")
        return claims

    def _key(self, guest: GuestProtocol) -> Key:
        kid = guest.headers().get("kid")
        key = self._keys.get(kid) if isinstance(kid, str) else None
        if key is None:
            raise ValueError("No key of the issuer has this id")
        return key


def _no_keys() -> Problem:
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "identity_unavailable",
        "The issuer of tokens cannot be reached; try again soon.",
        headers={"Retry-After": "5"},
    )
