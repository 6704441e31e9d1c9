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
from joserfc.jwk import Key
from joserfc.jws import extract_compact

from payments_bootstrap.settings import KeycloakSettings
from payments_http.keys import IssuerKeys, KeysUnavailable
from payments_http.problems import Problem

_log = logging.getLogger(__name__)

_REMEMBERED: Final = 1024
"""
How many tokens are remembered whose signature is good; callers send theirs again and again.
"""

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
        self._signed: dict[str, tuple[Key, jwt.Token]] = {}
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
        decoded = self._decoded(token)
        claims = decoded.claims
        if "crit" in decoded.header:
            raise ValueError("Nothing that a header calls critical is understood here")
        self._claims.validate(claims)
        if not _is_name(claims["sub"]):
            raise ValueError("The subject is no name that an issuer may give")
        if claims["exp"] - claims["iat"] > self._settings.lifetime.total_seconds():
            raise ValueError("The token lives too long")
        if not _is_access_token(decoded.header, claims):
            raise ValueError("This is no access token")
        return claims

    def _decoded(self, token: str) -> jwt.Token:
        """
        Return what a token says that the issuer's key signed.

        Only that is remembered, and as long as the key is the issuer's: what changes with time
        is checked each time.
        """
        known, decoded = self._signed.get(token, (None, None))
        key = self._key(decoded.header if decoded else extract_compact(token.encode()).headers())
        if decoded is None or known is not key:
            decoded = jwt.decode(token, key, algorithms=list(self._settings.algorithms))
            if len(self._signed) >= _REMEMBERED:
                self._signed.clear()
            self._signed[token] = (key, decoded)
        return decoded

    def _key(self, header: Mapping[str, Any]) -> Key:
        kid = header.get("kid")
        key = self._keys.get(kid) if isinstance(kid, str) else None
        if key is None:
            raise ValueError("No key of the issuer has this id")
        return key


def _is_access_token(header: Mapping[str, Any], claims: Mapping[str, Any]) -> bool:
    # Keycloak says what kind of token it is in the body, RFC 9068 (section 2.1) in the header.
    if "typ" in claims:
        return bool(claims["typ"] == "Bearer")
    return header.get("typ") in {"at+jwt", "application/at+jwt"}


def _is_name(subject: object) -> bool:
    # OpenID Connect Core (section 2): at most 255 ASCII characters. Others would also not fit
    # into every database's text, as U+0000.
    if not isinstance(subject, str) or len(subject) > 255:  # noqa: PLR2004 - the standard's
        return False
    return subject.isascii() and subject.isprintable()


def _no_keys() -> Problem:
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "identity_unavailable",
        "The issuer of tokens cannot be reached; try again soon.",
        headers={"Retry-After": "5"},
    )
