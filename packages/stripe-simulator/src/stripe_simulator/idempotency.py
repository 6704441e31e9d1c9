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


def check_key(key: str) -> None:
    """
    Refuses a key that is too long.
    """
    if len(key) > LONGEST_KEY:
        raise ApiError(
            f"Idempotency keys can have up to {LONGEST_KEY} characters, yours has {len(key)}.",
            executed=False,
        )


def fingerprint(pairs: Iterable[tuple[str, str]]) -> str:
    """
    The same for the same parameters, in whatever order they came.
    """
    return hashlib.sha256(json.dumps(sorted(pairs)).encode()).hexdigest()


def recall(store: Store, key: str, endpoint: str, parameters: str, now: float) -> Stored | None:
    """
    The answer that was given under this key.

    Args:
        endpoint: The path of this request.

        parameters: The fingerprint of this request's parameters.

    Raises:
        ApiError: The key was used for another endpoint or with other parameters.
    """
    rows = store.execute(
        "SELECT endpoint, fingerprint, status, body, request_id FROM idempotency_keys"
        " WHERE key = ? AND created > ?",
        (key, now - KEPT_SECONDS),
    )
    if not rows:
        return None
    first_endpoint, first_parameters, status, body, request_id = rows[0]
    if first_endpoint != endpoint:
        used = f"endpoint they were first used for ('{endpoint}' vs '{first_endpoint}')"
        raise _mismatch(f"for the same {used}", key)
    if first_parameters != parameters:
        raise _mismatch("with the same parameters they were first used with", key)
    return Stored(status, body, request_id)


def remember(store: Store, key: str, endpoint: str, parameters: str, answer: Stored, now: float) -> None:
    """
    Keeps an answer for a day and forgets those that are older.
    """
    store.execute("DELETE FROM idempotency_keys WHERE created <= ?", (now - KEPT_SECONDS,))
    store.execute(
        "INSERT INTO idempotency_keys VALUES (?, ?, ?, ?, ?, ?, ?)",
        (key, endpoint, parameters, answer.status, answer.body, answer.request_id, now),
    )


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
