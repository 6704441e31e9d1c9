"""
Confirming a payment from the server.
"""

from uuid import UUID

import attrs

from payments_core.application.operations import Operations, require_done
from payments_core.domain import asking
from payments_core.ports.queries import PaymentView


@attrs.frozen(kw_only=True)
class ConfirmPaymentCommand:
    """
    Which payment, and with which payment method if not its own.
    """

    payment_id: UUID
    payment_method_id: str | None = None
    return_url: str | None = None


@attrs.frozen
class ConfirmPayment:
    """
    Tries to charge or authorise a payment that still waits for it.
    """

    operations: Operations

    def execute(self, command: ConfirmPaymentCommand) -> PaymentView:
        """
        Confirm, and return the payment after it; one that is confirmed already is returned.

        Raises:
            PaymentNotFound: There is no such payment.
            InvalidState: It is closed or being cancelled.
        """
        operations = self.operations
        payment, operation = operations.begin(
            command.payment_id,
            lambda payment: asking.confirm(
                payment,
                command.payment_method_id,
                command.return_url,
                operations.clock.now(),
                operations.policy,
            ),
        )
        if operation:
            payment = operations.perform(payment, operation)
            if payment.failure is None:
                require_done(payment, operation)
        return PaymentView.of(payment)
