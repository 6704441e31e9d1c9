"""
Returning captured money.
"""

from uuid import UUID

import attrs

from payments_core.application.audit import Asked
from payments_core.application.operations import Operations
from payments_core.domain import asking
from payments_core.domain.actor import EMBEDDING, Actor
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

        actor: Who asks.
    """

    payment_id: UUID
    request_key: str
    amount: Money | None = None
    reason: str | None = None
    actor: Actor = EMBEDDING


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
        payment, operation = self.operations.begin(
            command.payment_id,
            lambda payment: self._ask(payment, command),
            Asked(action="refund", actor=command.actor, reason=command.reason),
        )
        if operation:
            payment = self.operations.perform(payment, operation)
        return IssuedRefund(
            refund=RefundView.of(payment, _refund(payment, command)),
            payment=PaymentView.of(payment),
            created=operation is not None,
        )

    def _ask(self, payment: Payment, command: RefundPaymentCommand) -> Operation | None:
        if _before(payment, command):
            return None
        refund, operation = asking.refund(
            payment,
            command.amount,
            command.reason,
            self.operations.clock.now(),
            self.operations.policy,
            request_key=command.request_key,
        )
        self.operations.provider(payment.provider).check_amount(refund.amount)
        return operation


def _before(payment: Payment, command: RefundPaymentCommand) -> Operation | None:
    return asking.replayed(
        payment,
        OperationKind.REFUND,
        command.request_key,
        amount=command.amount,
        reason=command.reason,
    )


def _refund(payment: Payment, command: RefundPaymentCommand) -> Refund:
    made = _before(payment, command)
    assert made is not None
    assert isinstance(made.request, RefundCapture)
    refund_id = made.request.refund_id
    return next(r for r in payment.refunds if r.id == refund_id)
