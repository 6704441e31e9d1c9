"""
What happens when another service asks by a message to take what is authorised.
"""

from uuid import UUID

import attrs
from typing_extensions import override

from payments_core.application.capture_payment import CapturePayment, CapturePaymentCommand
from payments_core.application.handle_message import IMessageHandler, NotYet
from payments_core.application.operations import Operations
from payments_core.application.queries import GetPayment
from payments_core.application.received import ReceivedMessage, require_currency
from payments_core.contracts import commands
from payments_core.domain.errors import InvalidState, PaymentNotFound
from payments_core.domain.money import Money
from payments_core.domain.status import AWAITING_CONFIRMATION, CLOSED
from payments_core.ports.queries import IPaymentQueries, PaymentFilter, PaymentView
from payments_core.ports.unit_of_work import UnitOfWorkFactory


@attrs.frozen
class HandleCapture(IMessageHandler):
    """
    Captures as `CapturePayment` does for everyone.

    That a payment failed or was canceled was told already, so its capture is simply over.
    """

    operations: Operations
    queries: IPaymentQueries

    @override
    def handle(self, message: ReceivedMessage, effect: UnitOfWorkFactory) -> None:
        asked = commands.read_capture(message.body)
        payment = self._payment(asked)
        if payment.status in CLOSED:
            return
        require_currency(asked.currency, payment)
        capture = CapturePayment(attrs.evolve(self.operations, unit_of_work=effect))
        try:
            capture.execute(_command(asked, message, payment))
        except InvalidState as refusal:
            if payment.status in AWAITING_CONFIRMATION:
                raise NotYet(f"Payment {payment.id} is {payment.status}") from refusal
            raise

    def _payment(self, asked: commands.CapturePaymentCommand) -> PaymentView:
        if asked.payment_id:
            return GetPayment(self.queries).execute(asked.payment_id)
        assert asked.order_id is not None
        return self._newest(asked.order_id)

    def _newest(self, order_id: UUID) -> PaymentView:
        page = self.queries.list(PaymentFilter(order_id=order_id), 1, None)
        if not page.items:
            raise PaymentNotFound(f"Order {order_id} has no payment")
        return page.items[0]


def _command(
    asked: commands.CapturePaymentCommand, message: ReceivedMessage, payment: PaymentView
) -> CapturePaymentCommand:
    amount = asked.amount
    return CapturePaymentCommand(
        payment_id=payment.id,
        amount=None if amount is None else Money(amount, payment.amount.currency),
        request_key=f"message:{message.id}",
        actor=message.actor,
    )
