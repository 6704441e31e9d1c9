"""
Taking a payment.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

import attrs

from payments_core.application.audit import Asked
from payments_core.application.operations import Operations, commit_intent, locked
from payments_core.application.results import CreatedPayment
from payments_core.domain.actor import EMBEDDING, Actor
from payments_core.domain.errors import (
    ConcurrentUpdate,
    OrderAlreadyHasPayment,
    OrderNotFound,
    OrderUnknown,
)
from payments_core.domain.ids import new_payment_id
from payments_core.domain.money import Money
from payments_core.domain.operation import Operation
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

        on_behalf: The caller pays for others and named no customer: the order's customer is
            the owner instead, if the Order Service told one.

        payment_method_id: The provider's token: the payment is confirmed at once. Without
            it the customer's browser confirms, with the client secret.

        return_url: Where the customer comes back to after an approval page.

        idempotency_key: The caller's key, made unique to the caller and the route: the
            same key has the same result, for as long as it is remembered.

        actor: Who asks.
    """

    order_id: UUID
    customer_id: str
    amount: Money
    provider: str
    capture_method: CaptureMethod = CaptureMethod.AUTOMATIC
    payment_method_id: str | None = None
    return_url: str | None = None
    on_behalf: bool = False
    idempotency_key: str | None = None
    actor: Actor = EMBEDDING


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
            OrderUnknown: The order is not known, and it must be; callers cannot tell the two.
            OrderMismatch: The order is known, and costs something else.
            RequestKeyReused: The idempotency key was used for another request.
            RequestInProgress: The same request is being done this moment.
        """
        faultpoint("create.begin")
        self.operations.provider(command.provider).check_amount(command.amount)
        operations, key = self.operations, command.idempotency_key
        payment = self._open(command)
        result_of = partial(_result, payment.id, key)
        once = operations.once(key, command, CreatedPayment, result_of)
        if result := once.recall(operations.unit_of_work):
            return result
        with operations.unit_of_work() as uow:
            if result := once.begin(uow, payment.id):
                return result
            if not once.repeated:
                payment = self._agreed(uow, payment, on_behalf=command.on_behalf)
            existing = _existing(uow, once.repeated, payment)
            operation = None if existing else _record(uow, payment, command.actor)
            if existing:
                once.end(uow, existing, None)
            commit_intent(uow, operation)
        return operations.finish(once, existing or payment, operation)

    def _open(self, command: CreatePaymentCommand) -> Payment:
        now = self.operations.clock.now()
        return Payment.open(
            payment_id=self.new_id(now),
            now=now,
            policy=self.operations.policy,
            request_key=command.idempotency_key,
            **{name: getattr(command, name) for name in _TERMS},
        )

    def _agreed(self, uow: IUnitOfWork, payment: Payment, *, on_behalf: bool) -> Payment:
        """
        Return the payment as its order allows it.
        """
        order = uow.orders.get(payment.order_id)
        if order is None:
            if self.require_known_orders:
                raise OrderUnknown("The order is not known yet; try again when it was told")
            return payment
        if on_behalf and order.customer_id:
            payment = attrs.evolve(payment, customer_id=order.customer_id)
        order.accept(payment.customer_id, payment.amount)
        return payment


def _existing(uow: IUnitOfWork, repeated: UUID | None, payment: Payment) -> Payment | None:
    """
    Return the payment that is there already; if there is none, the new one is kept.
    """
    if repeated:
        return locked(uow, repeated)
    if uow.payments.add(payment):
        return None
    existing = uow.payments.live_payment_of(payment.order_id)
    if existing is None:
        raise ConcurrentUpdate("The order's other payment ended this moment; try again")
    return _same(existing, payment)


def _record(uow: IUnitOfWork, payment: Payment, actor: Actor) -> Operation:
    operation = payment.operations[0]
    asked = Asked(action="create", actor=actor)
    uow.audit.add(asked.entry(payment, operation, before=None))
    return operation


def _result(new_id: UUID, key: str | None, payment: Payment, _: Operation | None) -> CreatedPayment:
    created = payment.id == new_id or (key is not None and payment.operations[0].request_key == key)
    return CreatedPayment(payment=PaymentView.of(payment), created=created)


def _same(existing: Payment, wanted: Payment) -> Payment:
    if existing.customer_id != wanted.customer_id:
        raise OrderNotFound("There is no such order")
    if any(getattr(existing, name) != getattr(wanted, name) for name in _ASKED):
        raise OrderAlreadyHasPayment(
            f"The order has payment {existing.id} for {existing.amount}, which differs from"
            " this request; cancel it first, or repeat the request that made it"
        )
    return existing
