"""
The issuer's public keys, fetched when they are needed and kept while they are good.
"""

import json
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

import requests
from joserfc.jwk import Key, KeySet

_log = logging.getLogger(__name__)

MAX_BYTES: Final = 1024 * 1024

Fetch = Callable[[], Any]
"""
Returns the JWK set as JSON, or raises anything.
"""


class KeysUnavailable(Exception):
    """
    The issuer's keys were never fetched, or too long ago.
    """


def fetcher(url: str) -> Fetch:
    """
    Return what fetches a JWK set from an http, https or file address.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        return lambda: json.loads(Path(url2pathname(parts.path)).read_bytes())
    return lambda: _download(url)


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
            one second as long as there are no keys at all.
    """

    def __init__(
        self,
        fetch: Fetch,
        *,
        fresh: float = 600,
        stale: float = 86_400,
        pause: float = 30,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.fresh, self.stale, self.pause = fresh, stale, pause
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str, Key] = {}
        self._fetched_at = self._tried_at = float("-inf")

    def get(self, kid: str) -> Key | None:
        """
        Return the key of that id, or None if the issuer has none.

        Raises:
            KeysUnavailable: There is nothing to look in.
        """
        age = self._clock() - self._fetched_at
        if age > self.fresh or kid not in self._keys:
            self._refresh()
        if self._clock() - self._fetched_at > self.stale:
            raise KeysUnavailable
        return self._keys.get(kid)

    def _refresh(self) -> None:
        # Whoever has keys to go on with does not wait for another thread's fetch.
        if not self._lock.acquire(blocking=not self._keys):
            return
        try:
            if self._clock() - self._tried_at >= (self.pause if self._keys else 1):
                self._tried_at = self._clock()
                self._load()
        finally:
            self._lock.release()

    def _load(self) -> None:
        try:
            found = KeySet.import_key_set(self._fetch())
        except Exception as error:  # noqa: BLE001 - old keys are good, whatever went wrong
            _log.warning("The issuer's keys could not be fetched: %s", type(error).__name__)
            return
        self._keys = {key.kid: key for key in found.keys if key.kid}
        self._fetched_at = self._clock()
