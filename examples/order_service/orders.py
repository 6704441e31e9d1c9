"""
An Order Service that embeds the payment core: it takes and returns money by function calls.

Nothing here knows which provider or which database is behind the use cases; `wiring.py`
chooses them for production, a test chooses fakes.
"""

from collections.abc import Mapping
from uuid import UUID, uuid4

import attrs

from payments_core.application.create_payment import CreatePayment, CreatePaymentCommand
from payments_core.application.process_webhooks import ProcessWebhooks
from payments_core.application.queries import GetPayment
from payments_core.application.receive_webhook import ReceiveWebhook, ReceiveWebhookCommand
from payments_core.application.refund_payment import RefundPayment, RefundPaymentCommand
from payments_core.domain.money import Money
from payments_core.domain.status import PaymentStatus

AWAITING = "AwaitingPayment"


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

    Attributes:
        waiting: Orders whose payment is still open; a real service keeps them in its database.
    """

    create_payment: CreatePayment
    refund_payment: RefundPayment
    receive_webhook: ReceiveWebhook
    process_webhooks: ProcessWebhooks
    get_payment: GetPayment
    waiting: list[Order] = attrs.field(factory=list, init=False)

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
        order.state = _state(payment.status)
        if order.state == AWAITING:
            self.waiting.append(order)
        return order

    def webhooks(self, payload: bytes, headers: Mapping[str, str]) -> None:
        """
        Take in what Stripe has sent, and let the orders that wait for their payment go on.

        Args:
            payload: The raw bytes of the request.

            headers: By lower-case name.
        """
        self.receive_webhook.execute(
            ReceiveWebhookCommand(provider="stripe", payload=payload, headers=headers)
        )
        self._follow()

    def catch_up(self) -> None:
        """
        Do what deliveries left to be done; to be called every few seconds.
        """
        self.process_webhooks.execute()
        self._follow()

    def _follow(self) -> None:
        for order in self.waiting[:]:
            assert order.payment_id is not None
            order.state = _state(self.get_payment.execute(order.payment_id).status)
            if order.state != AWAITING:
                self.waiting.remove(order)

    def send_back(self, order: Order, return_id: str, amount: Money | None = None) -> Order:
        """
        Refund an order, in whole or in part.

        Args:
            return_id: Names this return: the same one twice is one refund, another one is another.
        """
        assert order.payment_id is not None
        key = f"return-{order.id}-{return_id}"
        command = RefundPaymentCommand(
            payment_id=order.payment_id, amount=amount, request_key=key, reason="returned"
        )
        if self.refund_payment.execute(command).payment.status is PaymentStatus.REFUNDED:
            order.state = "Returned"
        return order


def _state(status: PaymentStatus) -> str:
    match status:
        case PaymentStatus.SUCCEEDED:
            return "Processing"
        case PaymentStatus.FAILED | PaymentStatus.CANCELED:
            return "PaymentFailed"
        case _:
            # Pending or RequiresAction: the outcome comes by webhook. Never assume a no.
            return AWAITING
