"""
Idempotency keys in memory, and a cache of results.
"""

from datetime import datetime
from uuid import UUID

import attrs
from typing_extensions import override

from payments_core.ports.idempotency import IIdempotencyKeys, IResultCache, KeyedRequest

Keys = dict[str, KeyedRequest]


class InMemoryIdempotencyKeys(IIdempotencyKeys):
    """
    Keys of one open unit of work.
    """

    def __init__(self, requests: Keys) -> None:
        self._requests = requests

    @override
    def take(self, request: KeyedRequest) -> KeyedRequest | None:
        found = self._requests.get(request.key)
        if found and found.expires_at > request.created_at:
            return found
        self._requests[request.key] = request
        return None

    @override
    def finish(self, key: str, payment_id: UUID, result: str) -> str:
        kept = self._requests[key].result or result
        self._end(key, payment_id, result=kept)
        return kept

    @override
    def release(self, key: str, payment_id: UUID) -> None:
        self._end(key, payment_id, result=self._requests[key].result)

    @override
    def forget(self, now: datetime, limit: int) -> int:
        expired = [r.key for r in self._requests.values() if r.expires_at <= now][:limit]
        for key in expired:
            del self._requests[key]
        return len(expired)

    def _end(self, key: str, payment_id: UUID, *, result: str | None) -> None:
        self._requests[key] = attrs.evolve(
            self._requests[key], payment_id=payment_id, lease_until=None, result=result
        )


class InMemoryResultCache(IResultCache):
    """
    Remembers until it is told to forget.

    Attributes:
        requests: What is remembered; clear it, and nothing may change.
    """

    def __init__(self) -> None:
        self.requests: Keys = {}

    @override
    def find(self, key: str) -> KeyedRequest | None:
        return self.requests.get(key)

    @override
    def keep(self, request: KeyedRequest, now: datetime) -> None:
        self.requests[request.key] = request
