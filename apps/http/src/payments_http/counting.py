"""
How often something was done within a moving window: by all processes, or by this one.
"""

import logging
import threading
import time
from collections import deque
from typing import Protocol

from limits import RateLimitItem
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from payments_bootstrap.settings import Settings

_log = logging.getLogger(__name__)


class Counts(Protocol):
    """
    Counts by key.
    """

    def full_until(self, most: RateLimitItem, *key: str) -> float | None:
        """
        Count one more; where it is one too many, return when the next one fits (seconds since 1970).
        """


class OwnCounts:
    """
    Counts of this process.

    What a count costs does not grow with the number of keys. A key that nobody comes back
    to is forgotten within two windows: keys of the window before last go all at once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._new: dict[str, deque[float]] = {}
        self._old: dict[str, deque[float]] = {}
        self._turned_at = 0.0

    def full_until(self, most: RateLimitItem, *key: str) -> float | None:
        """
        Count one more, or return when the next one fits.
        """
        now, window = time.time(), most.get_expiry()
        with self._lock:
            times = self._times(most.key_for(*key), now, window)
            while times and times[0] <= now - window:
                times.popleft()
            if len(times) >= most.amount:
                return times[0] + window
            times.append(now)
        return None

    def _times(self, key: str, now: float, window: float) -> deque[float]:
        if now - self._turned_at >= window:
            self._old, self._new, self._turned_at = self._new, {}, now
        if key not in self._new:
            self._new[key] = self._old.pop(key, deque())
        return self._new[key]


class SharedCounts:
    """
    Counts of all processes in Redis; while that does not answer, each counts for itself.
    """

    def __init__(self, settings: Settings) -> None:
        redis = settings.redis
        patience = redis.timeout.total_seconds()
        storage = storage_from_string(
            redis.url,
            key_prefix=f"{redis.key_prefix}limits",
            socket_connect_timeout=patience,
            socket_timeout=patience,
        )
        self._shared = MovingWindowRateLimiter(storage)
        self._failures = storage.base_exceptions
        self._own = OwnCounts()
        self._pause = redis.pause.total_seconds()
        self._again_at = 0.0

    def full_until(self, most: RateLimitItem, *key: str) -> float | None:
        """
        Count one more, or return when the next one fits.
        """
        if time.monotonic() >= self._again_at:
            try:
                return self._ask(most, *key)
            except self._failures as error:
                self._again_at = time.monotonic() + self._pause
                _log.warning("Redis counts nothing (%s): we do", type(error).__name__)
        return self._own.full_until(most, *key)

    def _ask(self, most: RateLimitItem, *key: str) -> float | None:
        if self._shared.hit(most, *key):
            return None
        return self._shared.get_window_stats(most, *key).reset_time


def counts_of(settings: Settings) -> Counts:
    """
    Return what counts where these settings hold.
    """
    return SharedCounts(settings) if settings.redis.configured else OwnCounts()
