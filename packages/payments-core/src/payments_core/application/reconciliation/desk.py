"""
Looking at one suspicion: read the object afresh, lock the payment, say what differs, repair it.
"""

import logging
from collections.abc import Callable, Sequence
from uuid import UUID

import attrs

from payments_core.application.operations import Operations
from payments_core.application.settle import keep, tell_discrepancy
from payments_core.domain.comparison import Difference
from payments_core.domain.discrepancy import Discrepancy, DiscrepancyKind, Repair
from payments_core.domain.errors import InvalidTransition
from payments_core.domain.operation import Operation
from payments_core.domain.payment import Payment
from payments_core.domain.reconciliation import (
    ReconciliationRun,
    as_discrepancy,
    note_only,
    reconcile,
)
from payments_core.domain.settlement import Answer
from payments_core.ports.errors import ProviderRejected
from payments_core.ports.faults import faultpoint
from payments_core.ports.unit_of_work import IUnitOfWork

_log = logging.getLogger(__name__)


@attrs.frozen
class Finding:
    """
    A difference, and whether nobody knew of it.
    """

    discrepancy: Discrepancy
    fresh: bool


Extra = Callable[[Payment], Sequence[Discrepancy]]


@attrs.frozen
class Desk:
    """
    Examines suspicions for one run, and repairs what it may.
    """

    operations: Operations
    run: ReconciliationRun

    def examine(
        self, object_id: str, payment_id: UUID | None = None, more: Extra | None = None
    ) -> Sequence[Finding]:
        """
        Compare a payment with its object as both are now.

        Args:
            payment_id: The payment; found by the object's own metadata when not given.

            more: What else to note about the payment, once the object was applied.
        """
        answer = self._read(object_id)
        if answer is None:
            return self._gone(object_id, payment_id)
        fact = answer.payment
        assert fact is not None
        wanted = payment_id or fact.payment_id
        with self.operations.unit_of_work() as uow:
            payment = uow.payments.get(wanted) if wanted else None
            if payment is None or payment.provider != self.run.provider:
                theirs = f"{fact.status} {fact.amount}"
                kind = DiscrepancyKind.MISSING_LOCAL
                found = Difference(kind, fact.id, "no such payment", theirs)
                return self.note(uow, found) if fact.captured or fact.authorized or wanted else ()
            if payment.in_flight(self.operations.clock.now()):
                # Whoever sends it now will settle it.
                return ()
            payment, findings, following = self._apply(uow, payment, answer, more)
        for operation in following:
            self.operations.perform(payment, operation)
        return findings

    def note(
        self, uow: IUnitOfWork, found: Difference, payment: Payment | None = None
    ) -> Sequence[Finding]:
        """
        Keep a difference that nothing is done about, and commit.
        """
        payment_id = payment.id if payment else None
        return self.record(uow, self.discrepancy(payment_id, found), payment)

    def record(
        self,
        uow: IUnitOfWork,
        found: Discrepancy,
        payment: Payment | None = None,
        order_id: UUID | None = None,
    ) -> Sequence[Finding]:
        """
        Keep a difference and tell it if it is news, and commit.
        """
        if self.run.dry_run:
            return [Finding(found, fresh=True)]
        fresh = uow.discrepancies.add(found)
        if fresh:
            order_id = payment.order_id if payment else order_id
            uow.outbox.add([tell_discrepancy(found, order_id)])
        self._commit(uow)
        return [Finding(found, fresh)]

    def discrepancy(
        self, payment_id: UUID | None, found: Difference, repair: Repair | None = None
    ) -> Discrepancy:
        """
        Return a difference as it is kept.
        """
        now = self.operations.clock.now()
        made = as_discrepancy(payment_id, found, now, self.run.id)
        return attrs.evolve(made, repair=repair, repaired_at=now if repair else None)

    def _read(self, object_id: str) -> Answer | None:
        provider = self.operations.provider(self.run.provider)
        faultpoint("reconcile.read.before")
        try:
            payment = provider.retrieve(object_id)
        except ProviderRejected:
            return None
        answer = Answer(payment=payment, refunds=provider.refunds_of(object_id))
        faultpoint("reconcile.read.after")
        return answer

    def _gone(self, object_id: str, payment_id: UUID | None) -> Sequence[Finding]:
        with self.operations.unit_of_work() as uow:
            payment = uow.payments.get(payment_id) if payment_id else None
            if payment is None or payment.provider_payment_id != object_id:
                return ()
            ours = f"{payment.status} {payment.amount}"
            kind = DiscrepancyKind.MISSING_PROVIDER
            return self.note(uow, Difference(kind, object_id, ours, "no such object"), payment)

    def _apply(
        self, uow: IUnitOfWork, payment: Payment, answer: Answer, more: Extra | None
    ) -> tuple[Payment, Sequence[Finding], Sequence[Operation]]:
        payment, following = self._reconciled(uow, payment, answer)
        payment.discrepancies.extend(more(payment) if more else ())
        found = list(payment.discrepancies)
        if self.run.dry_run:
            return payment, [Finding(d, fresh=True) for d in found], ()
        news = {d.id for d in keep(uow, payment)}
        self._commit(uow)
        return payment, [Finding(d, d.id in news) for d in found], following

    def _reconciled(
        self, uow: IUnitOfWork, payment: Payment, answer: Answer
    ) -> tuple[Payment, Sequence[Operation]]:
        operations = self.operations
        now = operations.clock.now()
        try:
            return payment, reconcile(payment, answer, now, operations.policy, self.run.id)
        except InvalidTransition as error:
            _log.warning("Payment %s is left as it is: %s", payment.id, error)
        untouched = uow.payments.get(payment.id)
        assert untouched is not None
        note_only(untouched, answer, now, self.run.id)
        return untouched, ()

    def _commit(self, uow: IUnitOfWork) -> None:
        faultpoint("reconcile.apply.precommit")
        uow.commit()
        faultpoint("reconcile.apply.commit")
