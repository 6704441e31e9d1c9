"""
Calling a payment off before its money is taken.
"""

from uuid import UUID

import attrs

from payments_core.application.audit import Asked
from payments_core.application.operations import Operations, require_done
from payments_core.domain import asking
from payments_core.domain.actor import EMBEDDING, Actor
from payments_core.ports.faults import faultpoint
from payments_core.ports.queries import PaymentView


@attrs.frozen(kw_only=True)
class CancelPaymentCommand:
    """
    Which payment, and why.

    Attributes:
        reason: Words for the record.

        actor: Who asks.
    """

    payment_id: UUID
    reason: str | None = None
    actor: Actor = EMBEDDING


@attrs.frozen
class CancelPayment:
    """
    Cancels a payment at the provider; only then it is Canceled here.
    """

    operations: Operations

    def execute(self, command: CancelPaymentCommand) -> PaymentView:
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
        """
        operations = self.operations
        faultpoint("cancel.begin")
        payment, operation = operations.begin(
            command.payment_id,
            lambda payment: asking.cancel(payment, operations.clock.now(), operations.policy),
            Asked(action="cancel", actor=command.actor, reason=command.reason),
        )
        if operation:
            payment = operations.perform(payment, operation)
            require_done(payment, operation)
        return PaymentView.of(payment)
