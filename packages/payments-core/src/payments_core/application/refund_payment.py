"""
Returning captured money.
"""

from functools import partial
from uuid import UUID

import attrs
from attrs.converters import optional

from payments_core.application.audit import Asked
from payments_core.application.operations import Operations, locked
from payments_core.application.results import IssuedRefund
from payments_core.domain import asking
from payments_core.domain.actor import EMBEDDING, Actor
from payments_core.domain.errors import CardDataNotAllowed
from payments_core.domain.money import Money
from payments_core.domain.operation import Operation, OperationKind
from payments_core.domain.payment import Payment
from payments_core.domain.refund import Refund
from payments_core.domain.requests import RefundCapture
from payments_core.masking import mask, shows_secret
from payments_core.ports.faults import faultpoint
from payments_core.ports.queries import PaymentView, RefundView


@attrs.frozen(kw_only=True)
class RefundPaymentCommand:
    """
    Which payment, how much, and why.

    Attributes:
        amount: None returns all that is left.

        reason: A word or sentence for the record; a card number in it is masked.

        request_key: Who has the same one for this payment means the same refund, for ever;
            `refund_request_key` makes one that every channel can have.

        idempotency_key: The caller's key, made unique to the caller and the route: the
            same key has the same result, for as long as it is remembered.

        actor: Who asks.
    """

    payment_id: UUID
    request_key: str
    amount: Money | None = None
    reason: str | None = attrs.field(default=None, converter=optional(mask))
    idempotency_key: str | None = None
    actor: Actor = EMBEDDING


def refund_request_key(refund_request_id: object) -> str:
    """
    Return the request key of a refund that its requester named, whatever the channel.

    The prefix is in the operations of earlier versions, and is kept for their sake.

    Raises:
        CardDataNotAllowed: It looks like a card number or a secret, and would be kept.
    """
    if shows_secret(str(refund_request_id)):
        raise CardDataNotAllowed("The refund request's id looks like a card number or a secret")
    return f"message:{refund_request_id}"


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
            RequestInProgress: The same request is being done this moment.
        """
        faultpoint("refund.begin")
        operations, key = self.operations, command.idempotency_key
        return operations.change(
            operations.once(key, command, IssuedRefund, partial(_result, command)),
            command.payment_id,
            lambda payment: self._ask(payment, command),
            Asked(action="refund", actor=command.actor, reason=command.reason),
        )

    def preview(self, command: RefundPaymentCommand) -> Money | None:
        """
        Return how much `execute` would give back now; None if it was asked for before.

        Nothing is written and nobody is asked.

        Raises:
            As of `execute`.
        """
        with self.operations.unit_of_work() as uow:
            payment = locked(uow, command.payment_id)
        # Asked of a copy that is thrown away: the unit of work has ended without a commit.
        operation = self._ask(payment, command)
        return payment.refunds[-1].amount if operation else None

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


def _result(
    command: RefundPaymentCommand, payment: Payment, operation: Operation | None
) -> IssuedRefund:
    return IssuedRefund(
        refund=RefundView.of(payment, _refund(payment, command)),
        payment=PaymentView.of(payment),
        created=operation is not None,
        replayed=operation is None,
    )


def _refund(payment: Payment, command: RefundPaymentCommand) -> Refund:
    made = _before(payment, command)
    assert made is not None
    assert isinstance(made.request, RefundCapture)
    refund_id = made.request.refund_id
    return next(r for r in payment.refunds if r.id == refund_id)
