"""
Idempotency keys as Stripe defines them.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from stripe_simulator.errors import ApiError
from stripe_simulator.store import Store

LONGEST_KEY = 255
KEPT_SECONDS = 24 * 60 * 60


@dataclass(frozen=True)
class Stored:
    """
    An answer that is given again.
    """

    status: int
    body: str
    request_id: str


class KeysInFlight:
    """
    The keys whose first request still runs.
    """

    def __init__(self) -> None:
        self._keys: set[str] = set()
        self._lock = threading.Lock()

    @contextmanager
    def hold(self, key: str) -> Iterator[None]:
        """
        Holds a key while its request runs.

        Raises:
            ApiError: 409, another request holds it.
        """
        with self._lock:
            if key in self._keys:
                raise _in_use(key)
            self._keys.add(key)
        try:
            yield
        finally:
            with self._lock:
                self._keys.discard(key)


@dataclass(frozen=True)
class Key:
    """
    A key together with what it was sent with.

    Args:
        endpoint: The path of the request.

        fingerprint: The same for the same parameters, in whatever order they came.
    """

    text: str
    endpoint: str
    fingerprint: str


def checked_key(text: str, endpoint: str, pairs: Iterable[tuple[str, str]]) -> Key:
    """
    The key of a request.

    Raises:
        ApiError: It is too long.
    """
    if len(text) > LONGEST_KEY:
        message = (
            f"Idempotency keys can have up to {LONGEST_KEY} characters, yours has {len(text)}."
        )
        raise ApiError(message, executed=False)
    return Key(text, endpoint, hashlib.sha256(json.dumps(sorted(pairs)).encode()).hexdigest())


def recall(store: Store, key: Key, now: float) -> Stored | None:
    """
    The answer that was given under this key.

    Raises:
        ApiError: The key was used for another endpoint or with other parameters.
    """
    rows = store.execute(
        "SELECT endpoint, fingerprint, status, body, request_id FROM idempotency_keys"
        " WHERE key = ? AND created > ?",
        (key.text, now - KEPT_SECONDS),
    )
    if not rows:
        return None
    endpoint, fingerprint, status, body, request_id = rows[0]
    if endpoint != key.endpoint:
        used = f"for the same endpoint they were first used for ('{key.endpoint}' vs '{endpoint}')"
        raise _mismatch(used, key.text)
    if fingerprint != key.fingerprint:
        raise _mismatch("with the same parameters they were first used with", key.text)
    return Stored(status, body, request_id)


def remember(store: Store, key: Key, answer: Stored, now: float) -> None:
    """
    Keeps an answer for a day and forgets those that are older.
    """
    store.execute("DELETE FROM idempotency_keys WHERE created <= ?", (now - KEPT_SECONDS,))
    kept = (key.text, key.endpoint, key.fingerprint, answer.status, answer.body, answer.request_id)
    store.execute("INSERT INTO idempotency_keys VALUES (?, ?, ?, ?, ?, ?, ?)", (*kept, now))


def _mismatch(rule: str, key: str) -> ApiError:
    return ApiError(
        f"Keys for idempotent requests can only be used {rule}. Try using a key other than '{key}'"
        " if you meant to execute a different request.",
        type="idempotency_error",
        executed=False,
        headers={"Stripe-Should-Retry": "false"},
    )


def _in_use(key: str) -> ApiError:
    return ApiError(
        "There is currently another in-progress request using this Idempotent Key (that probably"
        " means you submitted twice, and the other request is still going through):"
        f" {key}. Please try again later.",
        status=409,
        type="idempotency_error",
        code="idempotency_key_in_use",
        executed=False,
        headers={"Stripe-Should-Retry": "true"},
    )
