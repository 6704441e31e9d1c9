"""
Results of keyed requests, remembered in front of the database.
"""

import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from typing_extensions import override

from payments_core.contracts.converter import stored_results, to_json
from payments_core.ports.idempotency import IResultCache, KeyedRequest
from payments_redis.seal import Seal
from payments_redis.settings import RedisSettings
from payments_redis.truce import Truce

if TYPE_CHECKING:
    import redis

T = TypeVar("T")

_log = logging.getLogger(__name__)

MARGIN: Final = timedelta(minutes=5)
"""
How much earlier than in the database a key ends here: by so much clocks may differ.
"""


class RedisResultCache(IResultCache):
    """
    Remembers committed results, and costs no more than a short timeout now and then.

    Safe under threads and after a fork. A Redis that fails is left alone for a pause; what
    it lost, forgot or never had is in the database. What is kept is sealed: whoever can write
    to Redis can make us forget a result, and cannot make one up.

    Args:
        secret: The same in all processes of an installation, and known to nobody else. Under
            another one everything is forgotten.
    """

    def __init__(self, settings: RedisSettings, secret: bytes) -> None:
        self._settings = settings
        self._seal = Seal(secret)
        self._truce = Truce(settings.pause.total_seconds())
        self._client = _client(settings)
        self._failures = _failures()

    def close(self) -> None:
        """
        Close the connections.
        """
        self._client.close()

    def ping(self) -> None:
        """
        Return if Redis answers; raise what the library raises if it does not.
        """
        self._client.ping()

    @override
    def find(self, key: str) -> KeyedRequest | None:
        name = self._name(key)
        found = self._asking(lambda: self._client.get(name))
        text = self._seal.opened(name, found) if isinstance(found, bytes) else None
        if found is not None and text is None:
            _log.warning("Redis holds something under a key of ours that is none of our results")
        return _read(text) if text is not None else None

    @override
    def keep(self, request: KeyedRequest, now: datetime) -> None:
        left = min(self._settings.keep, request.expires_at - now - MARGIN)
        if left > timedelta():
            name = self._name(request.key)
            text = to_json(stored_results().unstructure(request))
            sealed = self._seal.closed(name, text.encode())
            self._asking(lambda: self._client.set(name, sealed, px=left))

    def _name(self, key: str) -> str:
        return f"{self._settings.key_prefix}idempotency:{key}"

    def _asking(self, ask: Callable[[], T]) -> T | None:
        if not self._truce.may_ask():
            return None
        try:
            answer = ask()
        except self._failures as error:
            if self._truce.failed():
                _log.warning("Redis does not answer, and is left alone: %s", type(error).__name__)
            return None
        if self._truce.answered():
            _log.info("Redis answers again")
        return answer


def _client(settings: RedisSettings) -> "redis.Redis":
    # The library takes long to load, and most commands of an installation never need it.
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    seconds = settings.timeout.total_seconds()
    # One try: the library's own three, with waits between them, would take seconds.
    return redis.Redis.from_url(
        settings.url,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
        driver_info=None,
    )


def _failures() -> tuple[type[Exception], ...]:
    import redis

    return redis.RedisError, OSError


def _read(text: bytes) -> KeyedRequest | None:
    try:
        return stored_results().structure(json.loads(text), KeyedRequest)
    except Exception:  # noqa: BLE001 - another release may have written it in another form
        _log.warning("Redis holds a result that this release cannot read")
        return None
