"""
What happens when another service asks for a refund by a message.
"""

import attrs
from typing_extensions import override

from payments_core.application.handle_message import IMessageHandler, NotYet
from payments_core.application.operations import Operations
from payments_core.application.queries import GetPayment
from payments_core.application.received import ReceivedMessage, require_currency
from payments_core.application.refund_payment import (
    RefundPayment,
    RefundPaymentCommand,
    refund_request_key,
)
from payments_core.contracts import commands
from payments_core.domain.errors import (
    AlreadyRefunded,
    DomainError,
    InvalidMoney,
    InvalidState,
    RequestKeyReused,
)
from payments_core.domain.events import RefundFailed
from payments_core.domain.failure import Failure
from payments_core.domain.ids import child_id
from payments_core.domain.money import Money
from payments_core.domain.status import AWAITING_CONFIRMATION, PaymentStatus
from payments_core.ports.queries import IPaymentQueries, PaymentView
from payments_core.ports.unit_of_work import UnitOfWorkFactory

EARLY = AWAITING_CONFIRMATION | {PaymentStatus.AUTHORIZED}
"""
States in which nothing is captured yet, and may be soon.
"""


@attrs.frozen
class HandleRefund(IMessageHandler):
    """
    Refunds as `RefundPayment` does for everyone; a refusal is told as `IRefundFailed`.
    """

    operations: Operations
    queries: IPaymentQueries

    @override
    def handle(self, message: ReceivedMessage, effect: UnitOfWorkFactory) -> None:
        asked = commands.read_refund(message.body)
        payment = GetPayment(self.queries).execute(asked.payment_id)
        refund = RefundPayment(attrs.evolve(self.operations, unit_of_work=effect))
        try:
            require_currency(asked.currency, payment)
            refund.execute(_command(asked, message, payment))
        except (DomainError, RequestKeyReused) as refusal:
            if _too_early(refusal, payment):
                raise NotYet(f"Payment {payment.id} is {payment.status}") from refusal
            self._refuse(asked, message, payment, refusal, effect)

    def _refuse(
        self,
        asked: commands.RefundPaymentCommand,
        message: ReceivedMessage,
        payment: PaymentView,
        refusal: DomainError | RequestKeyReused,
        effect: UnitOfWorkFactory,
    ) -> None:
        event = RefundFailed(
            id=child_id(payment.id, "RefundFailed", f"message:{message.id}"),
            payment_id=payment.id,
            order_id=payment.order_id,
            occurred_at=self.operations.clock.now(),
            request_id=asked.refund_request_id or str(message.id),
            amount=_sayable(asked, payment),
            failure=Failure(refusal.code, str(refusal)),
        )
        with effect() as uow:
            uow.outbox.add([event])
            uow.commit()


def _command(
    asked: commands.RefundPaymentCommand, message: ReceivedMessage, payment: PaymentView
) -> RefundPaymentCommand:
    currency = payment.amount.currency
    return RefundPaymentCommand(
        payment_id=asked.payment_id,
        request_key=refund_request_key(asked.refund_request_id or message.id),
        amount=None if asked.amount is None else Money(asked.amount, currency),
        reason=asked.reason,
        actor=message.actor,
    )


def _too_early(refusal: Exception, payment: PaymentView) -> bool:
    state = isinstance(refusal, InvalidState) and not isinstance(refusal, AlreadyRefunded)
    return state and payment.status in EARLY


def _sayable(asked: commands.RefundPaymentCommand, payment: PaymentView) -> Money | None:
    currency = (asked.currency or payment.amount.currency).upper()
    try:
        return None if asked.amount is None else Money(asked.amount, currency)
    except InvalidMoney:
        return None
