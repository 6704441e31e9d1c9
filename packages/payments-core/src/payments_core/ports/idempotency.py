"""
Which requests were sent under an idempotency key, and what they came to.
"""

from abc import abstractmethod
from datetime import datetime
from typing import Protocol
from uuid import UUID

import attrs
from typing_extensions import override


@attrs.frozen(kw_only=True)
class KeyedRequest:
    """
    A request that came with an idempotency key.

    Attributes:
        key: The caller's key, made unique to the caller and the route; a digest.

        fingerprint: A digest of what was asked for.

        payment_id: The payment that it is about.

        lease_until: Until when whoever took the key may be at work; None once that is over.

        expires_at: From then on the key is as if it had never been used.

        result: What the request came to, as text; None until that is known for good.
    """

    key: str
    fingerprint: str
    payment_id: UUID
    created_at: datetime
    lease_until: datetime | None
    expires_at: datetime
    result: str | None = attrs.field(default=None, repr=False)


class IIdempotencyKeys(Protocol):
    """
    Keeps keys in the transaction of what they asked for.
    """

    @abstractmethod
    def take(self, request: KeyedRequest) -> KeyedRequest | None:
        """
        Take a key that is free at the request's `created_at`; return who has it otherwise.

        Whoever takes the same key at the same time waits for the end of this transaction.

        Raises:
            ConcurrentUpdate: The key became free this moment; try again.
        """

    @abstractmethod
    def finish(self, key: str, payment_id: UUID, result: str) -> str:
        """
        Keep what the request came to, and return what is kept: the first result stays.
        """

    @abstractmethod
    def release(self, key: str, payment_id: UUID) -> None:
        """
        End the lease: a repeat may look at what became of the payment.
        """

    @abstractmethod
    def forget(self, now: datetime, limit: int) -> int:
        """
        Remove up to `limit` expired keys, and return how many that were.
        """


class IResultCache(Protocol):
    """
    Remembers results that are committed, in front of the database.

    It may forget anything at any time and never raises: the database has the truth.
    """

    @abstractmethod
    def find(self, key: str) -> KeyedRequest | None:
        """
        Return the request with its result, if it is remembered.
        """

    @abstractmethod
    def keep(self, request: KeyedRequest, now: datetime) -> None:
        """
        Remember a request that has its result, no longer than until it expires.
        """


class NoResultCache(IResultCache):
    """
    Remembers nothing, for installations without one.
    """

    @override
    def find(self, key: str) -> KeyedRequest | None:
        return None

    @override
    def keep(self, request: KeyedRequest, now: datetime) -> None:
        return
