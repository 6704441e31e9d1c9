"""
Returning captured money.
"""

from uuid import UUID

import attrs

from payments_core.application.operations import Operations, commit_intent, locked
from payments_core.domain import asking
from payments_core.domain.money import Money
from payments_core.domain.operation import Operation, OperationKind
from payments_core.domain.payment import Payment
from payments_core.domain.refund import Refund
from payments_core.domain.requests import RefundCapture
from payments_core.ports.faults import faultpoint
from payments_core.ports.queries import PaymentView, RefundView


@attrs.frozen(kw_only=True)
class RefundPaymentCommand:
    """
    Which payment, how much, and why.

    Attributes:
        amount: None returns all that is left.

        reason: A word or sentence for the record.

        request_key: The caller's idempotency key: the same key is the same refund.
    """

    payment_id: UUID
    request_key: str
    amount: Money | None = None
    reason: str | None = None


@attrs.frozen
class IssuedRefund:
    """
    The refund, its payment, and whether this call made it.
    """

    refund: RefundView
    payment: PaymentView
    created: bool


@attrs.frozen
class RefundPayment:
    """
    Refunds a captured payment, in whole or in parts, never more than was captured.
    """

    operations: Operations

    def execute(self, command: RefundPaymentCommand) -> IssuedRefund:
        """
        Reserve the amount, ask the provider to return it, and return what is known then.

        A refund that the provider refuses is Failed; one without an answer stays Pending
        and keeps its amount reserved.

        Raises:
            PaymentNotFound: There is no such payment.
            InvalidState: Nothing was captured.
            AlreadyRefunded: Nothing is left.
            RefundExceedsCaptured: More than is left.
            AmountNotSupported: The provider cannot return this amount in this currency.
            RequestKeyReused: The key made another refund.
        """
        faultpoint("refund.begin")
        payment, refund_id, operation = self._begin(command)
        if operation:
            payment = self.operations.perform(payment, operation)
        refund = next(r for r in payment.refunds if r.id == refund_id)
        return IssuedRefund(
            refund=RefundView.of(payment, refund),
            payment=PaymentView.of(payment),
            created=operation is not None,
        )

    def _begin(self, command: RefundPaymentCommand) -> tuple[Payment, UUID, Operation | None]:
        with self.operations.unit_of_work() as uow:
            payment = locked(uow, command.payment_id)
            before = _before(payment, command)
            if before:
                return payment, before.refund_id, None
            refund, operation = self._ask(payment, command)
            self.operations.provider(payment.provider).check_amount(refund.amount)
            uow.payments.save(payment)
            commit_intent(uow, operation)
        return payment, refund.id, operation

    def _ask(self, payment: Payment, command: RefundPaymentCommand) -> tuple[Refund, Operation]:
        return asking.refund(
            payment,
            command.amount,
            command.reason,
            self.operations.clock.now(),
            self.operations.policy,
            request_key=command.request_key,
        )


def _before(payment: Payment, command: RefundPaymentCommand) -> RefundCapture | None:
    found = asking.replayed(
        payment,
        OperationKind.REFUND,
        command.request_key,
        amount=command.amount,
        reason=command.reason,
    )
    if found is None:
        return None
    assert isinstance(found.request, RefundCapture)
    return found.request
