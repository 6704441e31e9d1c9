"""
Tokens for calls to other services, in this service's own name (RFC 6749, section 4.4).
"""

import threading
import time
from collections.abc import Callable
from typing import Any, Final, Self

import attrs

from payments_bootstrap.settings import KeycloakSettings

_TIMEOUT: Final = (3, 5)
"""
Seconds to connect, and to wait for each part of the answer.
"""


class TokenUnavailable(Exception):
    """
    The issuer gave no token; later it may. The text says why, and shows no secret.
    """


@attrs.frozen
class _Held:
    text: str = attrs.field(repr=False)
    replace_at: float
    ends_at: float


class ClientCredentials:
    """
    Holds a token while it is good; one thread at a time fetches the next.

    Attributes:
        ahead: Seconds before a token's end from which on it is replaced.
    """

    def __init__(
        self,
        token_url: str,
        client_id: str,
        client_secret: str,
        *,
        ahead: float = 30,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ahead = ahead
        self._client = (token_url, client_id, client_secret)
        self._clock = clock
        self._lock = threading.Lock()
        self._session: Any = None
        self._held: _Held | None = None

    @classmethod
    def of(cls, settings: KeycloakSettings) -> Self:
        """
        Return the credentials of the settings' client.
        """
        return cls(settings.tokens_url, settings.client_id, settings.client_secret)

    def token(self) -> str:
        """
        Return a token to send as ``Authorization: Bearer …``.

        In the last seconds of a token the others go on with it while one fetches the next,
        also when that fails.

        Raises:
            TokenUnavailable: There is none, and none can be had.
        """
        held, now = self._held, self._clock()
        if held and now < held.replace_at:
            return held.text
        good = held is not None and now < held.ends_at
        if self._lock.acquire(blocking=not good):
            try:
                self._replace(held)
            except TokenUnavailable:
                if not good:
                    raise
            finally:
                self._lock.release()
        assert self._held is not None
        return self._held.text

    def close(self) -> None:
        """
        Hang up.
        """
        if self._session:
            self._session.close()

    def _replace(self, held: _Held | None) -> None:
        # Another thread may have done it while this one waited.
        if self._held is not held:
            return
        if not self._client[2]:
            raise TokenUnavailable(
                "Set KEYCLOAK__CLIENT_SECRET, the secret of this service's client"
            )
        asked_at = self._clock()
        try:
            answer = self._fetch()
            text, lifetime = str(answer["access_token"]), float(answer.get("expires_in") or 0)
        except Exception as error:  # noqa: BLE001 - libraries raise many things at bad answers
            reason = getattr(error, "error", None) or type(error).__name__
            raise TokenUnavailable(f"The issuer gave no token: {reason}") from None
        ends_at = asked_at + lifetime
        self._held = _Held(text, ends_at - min(self.ahead, lifetime / 2), ends_at)

    def _fetch(self) -> Any:
        token_url, client_id, client_secret = self._client
        if self._session is None:
            # A third of a second to import, for those who ask.
            from authlib.integrations.requests_client import (  # type: ignore[import-untyped]  # ships no types
                OAuth2Session,
            )

            self._session = OAuth2Session(client_id, client_secret)
        return self._session.fetch_token(
            token_url, grant_type="client_credentials", timeout=_TIMEOUT, allow_redirects=False
        )
