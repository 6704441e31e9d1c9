"""
An Order Service that embeds the payment core: it takes and returns money by function calls.

Nothing here knows which provider or which database is behind the use cases; `wiring.py`
chooses them for production, a test chooses fakes.
"""

from uuid import UUID, uuid4

import attrs

from payments_core.application.create_payment import CreatePayment, CreatePaymentCommand
from payments_core.application.refund_payment import RefundPayment, RefundPaymentCommand
from payments_core.domain.money import Money
from payments_core.domain.status import PaymentStatus


@attrs.define
class Order:
    """
    What a customer wants, and what became of paying for it.
    """

    customer_id: str
    total: Money
    id: UUID = attrs.field(factory=uuid4)
    payment_id: UUID | None = None
    state: str = "Placed"


@attrs.frozen
class OrderService:
    """
    Places and returns orders.
    """

    create_payment: CreatePayment
    refund_payment: RefundPayment

    def place(self, order: Order, payment_method: str) -> Order:
        """
        Take the order's total; the order goes on only if the money is taken.
        """
        command = CreatePaymentCommand(
            order_id=order.id,
            customer_id=order.customer_id,
            amount=order.total,
            provider="stripe",
            payment_method_id=payment_method,
        )
        payment = self.create_payment.execute(command).payment
        order.payment_id = payment.id
        match payment.status:
            case PaymentStatus.SUCCEEDED:
                order.state = "Processing"
            case PaymentStatus.FAILED:
                order.state = "PaymentFailed"
            case _:
                # Pending or RequiresAction: the outcome comes by webhook. Never assume a no.
                order.state = "AwaitingPayment"
        return order

    def send_back(self, order: Order, amount: Money | None = None) -> Order:
        """
        Refund an order, in whole or in part. The same return twice is one refund.
        """
        assert order.payment_id is not None
        key = f"return-{order.id}-{amount}"
        command = RefundPaymentCommand(
            payment_id=order.payment_id, amount=amount, request_key=key, reason="returned"
        )
        if self.refund_payment.execute(command).payment.status is PaymentStatus.REFUNDED:
            order.state = "Returned"
        return order
