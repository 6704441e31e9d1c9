"""
The issuer's public keys, fetched when they are needed and kept while they are good.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit
from urllib.request import url2pathname

import requests
from joserfc.jwk import Key, import_key

from payments_bootstrap.settings import KeycloakSettings

_log = logging.getLogger(__name__)

MAX_BYTES: Final = 1024 * 1024

Fetch = Callable[[], Any]
"""
Returns the JWK set as JSON, or raises anything.
"""


class KeysUnavailable(Exception):
    """
    The issuer's keys were never fetched, or too long ago, or are being fetched for too long.
    """


def fetcher(url: str) -> Fetch:
    """
    Return what fetches a JWK set from an http, https or file address.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        return lambda: json.loads(Path(url2pathname(parts.path)).read_bytes())
    return lambda: _download(url)


def without_login(url: str) -> str:
    """
    Return an address without a user, a password or a query, to be shown.
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _download(url: str) -> Any:
    with requests.get(url, timeout=(3, 5), allow_redirects=False, stream=True) as answer:
        answer.raise_for_status()
        body = answer.raw.read(MAX_BYTES + 1, decode_content=True)
    if answer.is_redirect or len(body) > MAX_BYTES:
        raise ValueError("A JWK set comes without redirects and is at most 1 MiB long")
    return json.loads(body)


class IssuerKeys:
    """
    A cache of public keys that survives the issuer's absence and cannot be used to flood it.

    Attributes:
        fresh: Seconds after which the keys are fetched again.

        stale: Seconds for which old keys are used while fetching fails.

        pause: Seconds between two fetches at least, however many unknown keys are asked for;
            one second at most as long as there are no keys at all.

        patience: Seconds that a token with an unknown key waits for another thread's fetch.

        place: Where they are, for the log.
    """

    def __init__(
        self,
        fetch: Fetch,
        *,
        fresh: float = 600,
        stale: float = 86_400,
        pause: float = 30,
        patience: float = 2,
        place: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.fresh, self.stale, self.pause, self.patience = fresh, stale, pause, patience
        self.place = place
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str, Key] = {}
        self._fetched_at = self._tried_at = float("-inf")

    @classmethod
    def of(cls, settings: KeycloakSettings) -> Self:
        """
        Return the keys of the issuer that the settings name.
        """
        return cls(
            fetcher(settings.keys_url),
            fresh=settings.keys_fresh.total_seconds(),
            stale=settings.keys_stale.total_seconds(),
            pause=settings.keys_pause.total_seconds(),
            place=without_login(settings.keys_url),
        )

    def get(self, kid: str) -> Key | None:
        """
        Return the key of that id, or None if the issuer has none.

        Raises:
            KeysUnavailable: There is nothing to look in.
        """
        known = kid in self._keys
        if not known or self._clock() - self._fetched_at > self.fresh:
            self._refresh(wait=not known)
        if self._clock() - self._fetched_at > self.stale:
            raise KeysUnavailable
        return self._keys.get(kid)

    def _refresh(self, *, wait: bool) -> None:
        # Whoever has the key to go on with does not wait for another thread's fetch. Who has
        # not must: the fetch may bring it, and a new key's token is not to be called forged.
        if not self._lock.acquire(timeout=self.patience if wait else 0):
            if wait:
                raise KeysUnavailable
            return
        try:
            if self._clock() - self._tried_at >= (self.pause if self._keys else min(self.pause, 1)):
                self._tried_at = self._clock()
                self._load()
        finally:
            self._lock.release()

    def _load(self) -> None:
        try:
            listed = list(self._fetch()["keys"])
        except Exception as error:  # noqa: BLE001 - old keys are good, whatever went wrong
            _log.warning(
                "The issuer's keys could not be fetched from %s: %s. See that it can be reached"
                " from here; tokens are refused with 503 when there are no keys",
                self.place,
                type(error).__name__,
            )
            return
        self._keys = dict(_readable(listed))
        self._fetched_at = self._clock()


def _readable(listed: Iterable[Any]) -> Iterator[tuple[str, Key]]:
    """
    Yield the keys that can be read; RFC 7517 (section 5) wants the others passed over.
    """
    for data in listed:
        try:
            key = import_key(data)
        except Exception as error:  # noqa: BLE001 - the library raises many things at odd keys
            _log.info("A key of the issuer was passed over: %s", type(error).__name__)
            continue
        if key.kid:
            yield key.kid, key
