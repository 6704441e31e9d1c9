"""
Record, call, record: how every write reaches a provider and comes back.
"""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final
from uuid import UUID

import attrs

from payments_core.application.audit import Asked
from payments_core.application.once import Once, R, fingerprint
from payments_core.application.results import ChangedPayment
from payments_core.application.send import send
from payments_core.application.settle import keep
from payments_core.domain.errors import (
    ConcurrentUpdate,
    OperationRefused,
    PaymentNotFound,
    StorageUnavailable,
    UnknownProvider,
)
from payments_core.domain.failure import Failure
from payments_core.domain.operation import Operation, OperationState
from payments_core.domain.payment import Payment
from payments_core.domain.policy import Policy
from payments_core.domain.recovery import Step, Visit, resume
from payments_core.domain.settlement import Answer
from payments_core.ports.clock import IClock
from payments_core.ports.faults import faultpoint
from payments_core.ports.idempotency import IResultCache, NoResultCache
from payments_core.ports.provider import IPaymentProvider
from payments_core.ports.queries import PaymentView
from payments_core.ports.unit_of_work import IUnitOfWork, UnitOfWorkFactory

_log = logging.getLogger(__name__)

SETTLE_AGAIN: Final = 2
"""
How often an answer is applied again when another transaction was in the way.
"""

Ask = Callable[[Payment], Operation | None]
"""
Writes what is asked to the payment's log, or finds that nothing is to be done.
"""

AtEnd = Callable[[IUnitOfWork, Payment], None]
"""
What the transaction of the last answer is given besides.
"""

Take = Callable[[IUnitOfWork], Payment]
"""
Brings a payment into a unit of work.
"""


def nothing_more(_: IUnitOfWork, __: Payment) -> None:
    """
    Add nothing.
    """


@attrs.frozen
class Operations:
    """
    Sends operations that are committed, and settles what comes back.

    Attributes:
        unit_of_work: Gives a fresh unit of work at each call.

        providers: Each provider under its name.

        results: Remembers what keyed requests came to, in front of the database.
    """

    unit_of_work: UnitOfWorkFactory
    providers: Mapping[str, IPaymentProvider]
    clock: IClock
    policy: Policy
    results: IResultCache = attrs.field(factory=NoResultCache)

    def provider(self, name: str) -> IPaymentProvider:
        """
        Return the provider of that name.

        Raises:
            UnknownProvider: None is configured under it.
        """
        try:
            return self.providers[name]
        except KeyError:
            raise UnknownProvider(
                f"No provider {name!r} is configured; known: {', '.join(sorted(self.providers))}"
            ) from None

    def once(
        self,
        key: str | None,
        command: attrs.AttrsInstance,
        kind: type[R],
        result_of: Callable[[Payment, Operation | None], R],
    ) -> Once[R]:
        """
        Return the execution of a command, which a repetition with the same key finds again.
        """
        asked = fingerprint(command) if key else ""
        return Once(key, asked, kind, result_of, self.clock, self.policy, self.results)

    def change(self, once: Once[R], payment_id: UUID, ask: Ask, asked: Asked) -> R:
        """
        Ask a payment for an operation, perform it, and return what that came to.

        The operation is committed before anyone sends it. If the payment is changed by the
        asking, the audit log says so in the same transaction.

        Raises:
            PaymentNotFound: There is no such payment.
            RequestKeyReused: The idempotency key was used for another request.
            RequestInProgress: The same request is being done this moment.
            OperationRefused: The provider refused for good.
        """
        if result := once.recall(self.unit_of_work):
            return result
        with self.unit_of_work() as uow:
            if result := once.begin(uow, payment_id):
                return result
            payment, operation = _ask(uow, payment_id, ask, asked)
            if operation is None:
                once.end(uow, payment, None)
            commit_intent(uow, operation)
        return self.finish(once, payment, operation)

    def finish(self, once: Once[R], payment: Payment, operation: Operation | None) -> R:
        """
        Perform an operation that is committed, if there is one, and return the request's result.

        Raises:
            OperationRefused: The provider refused for good.
        """
        if operation:
            at_end = partial(once.end, operation=operation)
            payment = self.perform(payment, operation, at_end)
        return once.result(payment, operation)

    def perform(
        self, payment: Payment, operation: Operation, at_end: AtEnd = nothing_more
    ) -> Payment:
        """
        Send an operation and whatever follows from its answer; return the payment after that.

        An operation whose lease is over is left to recovery, which owns it then. If the
        answer cannot be stored, the payment is returned as it was before the call, with
        the operation unresolved: nobody may be told that nothing happened.

        Args:
            at_end: Adds to the transaction of the last answer.
        """
        provider = self.provider(payment.provider)
        queue = [operation]
        while queue:
            current = queue.pop(0)
            visit = Visit(current.id, current.lease_token, frozenset({Step.SEND}))
            faultpoint(f"{current.kind}.call.before")
            # Nothing comes between this and the call: a process may stand still anywhere.
            if self.clock.now() >= current.lease_until:
                continue
            answer = send(provider, current)
            faultpoint(f"{current.kind}.call.after")
            try:
                payment, _, following = self.resume(
                    payment.id,
                    visit,
                    answer,
                    place=current.kind,
                    at_end=nothing_more if queue else at_end,
                    # As long as the lease lasts nobody else takes the operation up.
                    known=payment if self.clock.now() < current.lease_until else None,
                )
            except (ConcurrentUpdate, StorageUnavailable) as error:
                _log.error("The answer to %s %s is lost: %s", current.kind, current.id, error)
                break
            queue.extend(following)
        return payment

    def resume(
        self,
        payment_id: UUID,
        visit: Visit,
        answer: Answer,
        *,
        place: str,
        at_end: AtEnd = nothing_more,
        known: Payment | None = None,
    ) -> tuple[Payment, Step | None, list[Operation]]:
        """
        Settle what the holder of an operation brings, in one transaction.

        Args:
            place: The first word of the fault points that are passed.

            at_end: Adds to the transaction, if nothing must be sent because of it.

            known: The payment as it was last seen stored. It is tried first, and read if it is
                not so any more; for those whose lease is not over.

        Returns:
            The payment, what the holder does next, and what must be sent because of it.

        Raises:
            ConcurrentUpdate, StorageUnavailable: It could not be stored.
        """
        read = partial(locked, payment_id=payment_id)
        take = partial(attached, payment=known) if known else read
        for _ in range(SETTLE_AGAIN):
            try:
                return self._resume_once(take, visit, answer, place, at_end)
            except ConcurrentUpdate:
                # Nothing was kept, and the answer is as good as before: apply it again.
                take = read
        return self._resume_once(take, visit, answer, place, at_end)

    def _resume_once(
        self, take: Take, visit: Visit, answer: Answer, place: str, at_end: AtEnd
    ) -> tuple[Payment, Step | None, list[Operation]]:
        with self.unit_of_work() as uow:
            payment = take(uow)
            step, following = resume(payment, visit, answer, self.clock.now(), self.policy)
            keep(uow, payment)
            if not following:
                at_end(uow, payment)
            faultpoint(f"{place}.apply.precommit")
            uow.commit()
        faultpoint(f"{place}.apply.commit")
        return payment, step, following


def _ask(
    uow: IUnitOfWork, payment_id: UUID, ask: Ask, asked: Asked
) -> tuple[Payment, Operation | None]:
    payment = locked(uow, payment_id)
    before, version = payment.status, payment.version
    operation = ask(payment)
    uow.payments.save(payment)
    if payment.version != version:
        uow.audit.add(asked.entry(payment, operation, before))
    return payment, operation


def commit_intent(uow: IUnitOfWork, operation: Operation | None) -> None:
    """
    Commit what was asked for, before anyone sends it.
    """
    if operation is None:
        uow.commit()
        return
    faultpoint(f"{operation.kind}.intent.precommit")
    uow.commit()
    faultpoint(f"{operation.kind}.intent.commit")


def locked(uow: IUnitOfWork, payment_id: UUID) -> Payment:
    """
    Return the payment, locked until the unit of work ends.

    Raises:
        PaymentNotFound: There is no such payment.
    """
    payment = uow.payments.get(payment_id)
    if payment is None:
        raise PaymentNotFound(f"There is no payment {payment_id}")
    return payment


def attached(uow: IUnitOfWork, payment: Payment) -> Payment:
    """
    Return a copy of the payment; saving it finds out whether it is still so.
    """
    return uow.payments.attach(payment)


def changed(payment: Payment, operation: Operation | None) -> ChangedPayment:
    """
    Return the payment as an operation left it.

    Raises:
        OperationRefused: The provider refused it for good; the payment is as it was.
    """
    after = payment.operation(operation.id) if operation else None
    if after and after.state is OperationState.DECLINED:
        reason = Failure("provider_rejected", "The provider gave no reason.")
        raise OperationRefused(after.failure or reason)
    return ChangedPayment(payment=PaymentView.of(payment))
