"""
Taking what is authorised.
"""

from functools import partial
from uuid import UUID

import attrs

from payments_core.application.audit import Asked
from payments_core.application.operations import Operations, changed
from payments_core.application.results import ChangedPayment
from payments_core.domain import asking
from payments_core.domain.actor import EMBEDDING, Actor
from payments_core.domain.money import Money
from payments_core.domain.operation import Operation, OperationKind
from payments_core.domain.payment import Payment
from payments_core.domain.requests import CaptureIntent
from payments_core.ports.faults import faultpoint


@attrs.frozen(kw_only=True)
class CapturePaymentCommand:
    """
    Which payment, and how much.

    Attributes:
        amount: None takes all that is authorised.

        request_key: Who has the same one for this payment means the same capture.

        idempotency_key: The caller's key, made unique to the caller and the route: the
            same key has the same result, for as long as it is remembered.

        actor: Who asks.
    """

    payment_id: UUID
    amount: Money | None = None
    request_key: str | None = None
    idempotency_key: str | None = None
    actor: Actor = EMBEDDING


@attrs.frozen
class CapturePayment:
    """
    Captures an authorised payment, in whole or in part; the rest is released.
    """

    operations: Operations

    def execute(self, command: CapturePaymentCommand) -> ChangedPayment:
        """
        Capture, and return the payment after it; one that is captured so already is returned.

        Raises:
            PaymentNotFound: There is no such payment.
            InvalidState: It is not authorised.
            CaptureExceedsAuthorized: More than is authorised.
            AmountNotSupported: The provider cannot take this amount in this currency.
            RequestKeyReused: The key began another capture.
            RequestInProgress: The same request is being done this moment.
            OperationInProgress: A capture of another amount has no answer yet.
            OperationRefused: The provider refuses for good.
        """
        faultpoint("capture.begin")
        operations, key = self.operations, command.idempotency_key
        return operations.change(
            operations.once(key, command, ChangedPayment, partial(_result, command)),
            command.payment_id,
            lambda payment: self._ask(payment, command),
            Asked(action="capture", actor=command.actor),
        )

    def _ask(self, payment: Payment, command: CapturePaymentCommand) -> Operation | None:
        if _before(payment, command):
            return None
        operation = asking.capture(
            payment,
            command.amount,
            self.operations.clock.now(),
            self.operations.policy,
            request_key=command.request_key or command.idempotency_key,
        )
        if operation and isinstance(operation.request, CaptureIntent):
            provider = self.operations.provider(payment.provider)
            provider.check_amount(operation.request.amount)
        return operation


def _result(
    command: CapturePaymentCommand, payment: Payment, operation: Operation | None
) -> ChangedPayment:
    return changed(payment, operation or _before(payment, command))


def _before(payment: Payment, command: CapturePaymentCommand) -> Operation | None:
    key = command.request_key or command.idempotency_key
    return asking.replayed(payment, OperationKind.CAPTURE, key, amount=command.amount)
