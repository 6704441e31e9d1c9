"""
Confirming a payment from the server.
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
class ConfirmPaymentCommand:
    """
    Which payment, and with which payment method if not its own.

    Attributes:
        request_key: Who has the same one for this payment means the same attempt.

        idempotency_key: The caller's key, made unique to the caller and the route: the
            same key has the same result, for as long as it is remembered.

        actor: Who asks.
    """

    payment_id: UUID
    payment_method_id: str | None = None
    return_url: str | None = None
    request_key: str | None = None
    idempotency_key: str | None = None
    actor: Actor = EMBEDDING


@attrs.frozen
class ConfirmPayment:
    """
    Tries to charge or authorise a payment that still waits for it.
    """

    operations: Operations

    def execute(self, command: ConfirmPaymentCommand) -> ChangedPayment:
        """
        Confirm, and return the payment after it; one that is confirmed already is returned.

        Raises:
            PaymentNotFound: There is no such payment.
            InvalidState: It is closed or being cancelled.
            OperationRefused: The provider refuses the request for good.
            RequestKeyReused: The key made another attempt.
            RequestInProgress: The same request is being done this moment.
        """
        faultpoint("confirm.begin")
        operations, key = self.operations, command.idempotency_key
        return operations.change(
            operations.once(key, command, ChangedPayment, partial(_result, command)),
            command.payment_id,
            lambda payment: self._ask(payment, command),
            Asked(action="confirm", actor=command.actor),
        )

    def _ask(self, payment: Payment, command: ConfirmPaymentCommand) -> Operation | None:
        if _before(payment, command):
            return None
        return asking.confirm(
            payment,
            command.payment_method_id,
            command.return_url,
            self.operations.clock.now(),
            self.operations.policy,
            request_key=command.request_key or command.idempotency_key,
        )


def _result(
    command: ConfirmPaymentCommand, payment: Payment, operation: Operation | None
) -> ChangedPayment:
    # A decline of the payment method is the payment's failure, and no refusal of the request.
    done = None if payment.failure else operation or _before(payment, command)
    return changed(payment, done)


def _before(payment: Payment, command: ConfirmPaymentCommand) -> Operation | None:
    method = command.payment_method_id
    key = command.request_key or command.idempotency_key
    return asking.replayed(payment, OperationKind.CONFIRM, key, payment_method_id=method)
