"""
Calling a payment off before its money is taken.
"""

from functools import partial
from uuid import UUID

import attrs

from payments_core.application.audit import Asked
from payments_core.application.operations import Operations, changed
from payments_core.application.results import ChangedPayment
from payments_core.domain import asking
from payments_core.domain.actor import EMBEDDING, Actor
from payments_core.domain.operation import Operation, OperationKind
from payments_core.domain.payment import Payment
from payments_core.ports.faults import faultpoint


@attrs.frozen(kw_only=True)
class CancelPaymentCommand:
    """
    Which payment, and why.

    Attributes:
        reason: Words for the record.

        idempotency_key: The caller's key, made unique to the caller and the route: the
            same key has the same result, for as long as it is remembered.

        actor: Who asks.
    """

    payment_id: UUID
    reason: str | None = None
    idempotency_key: str | None = None
    actor: Actor = EMBEDDING


@attrs.frozen
class CancelPayment:
    """
    Cancels a payment at the provider; only then it is Canceled here.
    """

    operations: Operations

    def execute(self, command: CancelPaymentCommand) -> ChangedPayment:
        """
        Cancel, and return the payment after it.

        While an earlier answer is missing the wish is kept, and is carried out with it. If
        that answer shows that the money is taken, the payment is Succeeded and the wish is
        over: refund it then.

        Raises:
            PaymentNotFound: There is no such payment.
            InvalidState: It failed, or its money is taken.
            OperationInProgress: A capture has no answer yet.
            OperationRefused: The provider refuses for good.
            RequestKeyReused: The key was used for another request.
            RequestInProgress: The same request is being done this moment.
        """
        faultpoint("cancel.begin")
        operations, key = self.operations, command.idempotency_key
        return operations.change(
            operations.once(key, command, ChangedPayment, partial(_result, command)),
            command.payment_id,
            lambda payment: self._ask(payment, command),
            Asked(action="cancel", actor=command.actor, reason=command.reason),
        )

    def _ask(self, payment: Payment, command: CancelPaymentCommand) -> Operation | None:
        if _before(payment, command):
            return None
        now, policy = self.operations.clock.now(), self.operations.policy
        return asking.cancel(payment, now, policy, request_key=command.idempotency_key)


def _result(
    command: CancelPaymentCommand, payment: Payment, operation: Operation | None
) -> ChangedPayment:
    return changed(payment, operation or _before(payment, command))


def _before(payment: Payment, command: CancelPaymentCommand) -> Operation | None:
    return asking.replayed(payment, OperationKind.CANCEL, command.idempotency_key)
