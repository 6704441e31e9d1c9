"""
The same idempotency key is the same request: it has one effect, and one result.
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Final, Generic, TypeVar
from uuid import UUID

import attrs

from payments_core.application.results import Result, result_from_json, result_to_json
from payments_core.contracts.converter import stored, to_json
from payments_core.domain.errors import OperationRefused, RequestInProgress, RequestKeyReused
from payments_core.domain.operation import Operation
from payments_core.domain.payment import Payment
from payments_core.domain.policy import Policy
from payments_core.domain.status import AWAITING_CONFIRMATION
from payments_core.ports.clock import IClock
from payments_core.ports.idempotency import IResultCache, KeyedRequest
from payments_core.ports.unit_of_work import IUnitOfWork, UnitOfWorkFactory

R = TypeVar("R", bound=Result)

_NOT_ASKED: Final = frozenset({"actor", "idempotency_key"})


def fingerprint(command: attrs.AttrsInstance) -> str:
    """
    Return a digest of what a command asks for, whoever asks and under whatever key.

    What is left out does not count, so that a field that is added later changes no digest.
    """
    values = {name: getattr(command, name) for name in _asked(type(command))}
    asked = {name: value for name, value in values.items() if value is not None}
    text = to_json([type(command).__name__, stored().unstructure(asked)])
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def _asked(kind: type[attrs.AttrsInstance]) -> Sequence[str]:
    return sorted({f.name for f in attrs.fields(kind)} - _NOT_ASKED)


@attrs.frozen
class _Ended(Generic[R]):
    """
    What was kept under a key, in the transaction that made this version of the payment.
    """

    version: int
    text: str
    result: R


@attrs.define
class Once(Generic[R]):
    """
    One execution of a request. Without a key nothing is remembered.

    Attributes:
        key: The caller's idempotency key, made unique to the caller and the route.

        kind: The type of the results.

        result_of: What the payment's state means for this request.

        repeated: The payment of an earlier request under this key that has no result yet.
    """

    key: str | None
    fingerprint: str
    kind: type[R]
    result_of: Callable[[Payment, Operation | None], R]
    clock: IClock
    policy: Policy
    cache: IResultCache
    repeated: UUID | None = None
    _request: KeyedRequest | None = None
    _ended: _Ended[R] | None = None

    def recall(self, unit_of_work: UnitOfWorkFactory) -> R | None:
        """
        Return the result if the cache remembers it.

        Raises:
            RequestKeyReused: The key was used for another request.
        """
        found = self.cache.find(self.key) if self.key else None
        if found is None or found.expires_at <= self.clock.now():
            return None
        result = self._replay(found)
        if result and _waits(result):
            with unit_of_work() as uow:
                return _with_secrets(uow, result)
        return result

    def begin(self, uow: IUnitOfWork, payment_id: UUID) -> R | None:
        """
        Take the key before anything is locked; return the result if the request has one.

        Raises:
            RequestKeyReused: The key was used for another request.
            RequestInProgress: The request is being done this moment.
        """
        if self.key is None:
            return None
        now = self.clock.now()
        self._request = self._new(self.key, payment_id, now)
        found = uow.idempotency.take(self._request)
        if found is None:
            return None
        self._request = found
        result = self._replay(found)
        if result:
            return _with_secrets(uow, result)
        if found.lease_until and now < found.lease_until:
            raise RequestInProgress("A request with this Idempotency-Key is being done; ask again")
        self.repeated = found.payment_id
        return None

    def end(self, uow: IUnitOfWork, payment: Payment, operation: Operation | None) -> None:
        """
        Keep the result with the payment's last change; one that is not known yet is not kept.
        """
        if self.key is None:
            return
        try:
            result = self.result_of(payment, operation)
        except OperationRefused:
            # A repeat hears it again from the operation itself.
            result = None
        if result is None or not result.known:
            uow.idempotency.release(self.key, payment.id)
            return
        mine = result_to_json(result)
        kept = uow.idempotency.finish(self.key, payment.id, mine)
        # Otherwise somebody repeated the request meanwhile, and was answered first.
        self._ended = _Ended(payment.version, kept, result if kept == mine else self._read(kept))

    def result(self, payment: Payment, operation: Operation | None) -> R:
        """
        Return what the request came to, once that is committed.

        Args:
            payment: As it is stored. Where its last change was lost, so was what it had kept.

        Raises:
            OperationRefused: The provider refused it for good.
        """
        ended = self._ended
        if ended is None or ended.version != payment.version:
            result = self.result_of(payment, operation)
        else:
            result = ended.result
            self._remember(ended.text)
        return attrs.evolve(result, replayed=True) if self.repeated else result

    def _remember(self, text: str) -> None:
        if self._request:
            done = attrs.evolve(self._request, result=text, lease_until=None)
            self.cache.keep(done, self.clock.now())

    def _new(self, key: str, payment_id: UUID, now: datetime) -> KeyedRequest:
        return KeyedRequest(
            key=key,
            fingerprint=self.fingerprint,
            payment_id=payment_id,
            created_at=now,
            lease_until=now + self.policy.lease,
            expires_at=now + self.policy.keep_keys,
        )

    def _replay(self, found: KeyedRequest) -> R | None:
        if found.fingerprint != self.fingerprint:
            raise RequestKeyReused("This Idempotency-Key was used for another request")
        if found.result is None:
            return None
        return attrs.evolve(self._read(found.result), replayed=True)

    def _read(self, text: str) -> R:
        return result_from_json(self.kind, text)


def _waits(result: Result) -> bool:
    return result.payment.status in AWAITING_CONFIRMATION


def _with_secrets(uow: IUnitOfWork, result: R) -> R:
    """
    Return the result with the payment's secrets of now: they are in no kept result.
    """
    payment = uow.payments.get(result.payment.id) if _waits(result) else None
    if payment is None:
        return result
    shown = attrs.evolve(
        result.payment, client_secret=payment.client_secret, redirect_url=payment.redirect_url
    )
    return attrs.evolve(result, payment=shown)
