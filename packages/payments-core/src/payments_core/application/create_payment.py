"""
Taking a payment.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

import attrs

from payments_core.application.audit import Asked
from payments_core.application.operations import Operations, commit_intent
from payments_core.domain.actor import EMBEDDING, Actor
from payments_core.domain.errors import (
    ConcurrentUpdate,
    OrderAlreadyHasPayment,
    OrderNotFound,
    OrderUnknown,
)
from payments_core.domain.ids import new_payment_id
from payments_core.domain.money import Money
from payments_core.domain.payment import Payment
from payments_core.domain.requests import CaptureMethod
from payments_core.ports.faults import faultpoint
from payments_core.ports.queries import PaymentView
from payments_core.ports.unit_of_work import IUnitOfWork

_ASKED: Final = ("amount", "provider", "capture_method", "payment_method_id", "return_url")
_TERMS: Final = ("order_id", "customer_id", *_ASKED)


@attrs.frozen(kw_only=True)
class CreatePaymentCommand:
    """
    What is to be paid, by whom, and how.

    Attributes:
        customer_id: The owner of the payment.

        payment_method_id: The provider's token: the payment is confirmed at once. Without
            it the customer's browser confirms, with the client secret.

        return_url: Where the customer comes back to after an approval page.

        actor: Who asks.
    """

    order_id: UUID
    customer_id: str
    amount: Money
    provider: str
    capture_method: CaptureMethod = CaptureMethod.AUTOMATIC
    payment_method_id: str | None = None
    return_url: str | None = None
    actor: Actor = EMBEDDING


@attrs.frozen
class CreatedPayment:
    """
    The payment, and whether this call made it.
    """

    payment: PaymentView
    created: bool


@attrs.frozen
class CreatePayment:
    """
    Takes a payment for an order, at most one that lives.

    Attributes:
        require_known_orders: Take payments only for orders that the Order Service told.
    """

    operations: Operations
    new_id: Callable[[datetime], UUID] = new_payment_id
    require_known_orders: bool = False

    def execute(self, command: CreatePaymentCommand) -> CreatedPayment:
        """
        Record the payment, ask the provider for it, and return what is known then.

        The same command again returns the order's payment as it is now. A decline is a
        payment that is Failed; an answer that did not come leaves it Pending with an
        unresolved operation.

        Raises:
            InvalidMoney: The amount cannot be taken; nothing is recorded.
            UnknownProvider: No such provider is configured.
            OrderAlreadyHasPayment: The order has a live payment that differs.
            OrderNotFound: The order, or its live payment, belongs to somebody else.
            OrderMismatch: The order is known, and costs something else.
            OrderUnknown: The order is not known, and it must be.
        """
        faultpoint("create.begin")
        self.operations.provider(command.provider).check_amount(command.amount)
        payment = self._open(command)
        existing = self._record(payment, command.actor)
        if existing is not None:
            return CreatedPayment(PaymentView.of(_same(existing, payment)), created=False)
        payment = self.operations.perform(payment, payment.operations[0])
        return CreatedPayment(PaymentView.of(payment), created=True)

    def _open(self, command: CreatePaymentCommand) -> Payment:
        now = self.operations.clock.now()
        return Payment.open(
            payment_id=self.new_id(now),
            now=now,
            policy=self.operations.policy,
            **{name: getattr(command, name) for name in _TERMS},
        )

    def _record(self, payment: Payment, actor: Actor) -> Payment | None:
        with self.operations.unit_of_work() as uow:
            self._agree(uow, payment)
            if uow.payments.add(payment):
                asked = Asked(action="create", actor=actor)
                uow.audit.add(asked.entry(payment, payment.operations[0], before=None))
                commit_intent(uow, payment.operations[0])
                return None
            existing = uow.payments.live_payment_of(payment.order_id)
        if existing is None:
            raise ConcurrentUpdate("The order's other payment ended this moment; try again")
        return existing

    def _agree(self, uow: IUnitOfWork, payment: Payment) -> None:
        order = uow.orders.get(payment.order_id)
        if order:
            order.accept(payment.customer_id, payment.amount)
        elif self.require_known_orders:
            raise OrderUnknown("The order is not known yet; try again when it was told")


def _same(existing: Payment, wanted: Payment) -> Payment:
    if existing.customer_id != wanted.customer_id:
        raise OrderNotFound("There is no such order")
    if any(getattr(existing, name) != getattr(wanted, name) for name in _ASKED):
        raise OrderAlreadyHasPayment(
            f"The order has payment {existing.id} for {existing.amount}, which differs from"
            " this request; cancel it first, or repeat the request that made it"
        )
    return existing
