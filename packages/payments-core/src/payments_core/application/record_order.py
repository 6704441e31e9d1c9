"""
Keeping what the Order Service tells of an order.
"""

import attrs
from typing_extensions import override

from payments_core.application.handle_message import IMessageHandler
from payments_core.application.received import ReceivedMessage
from payments_core.contracts import commands
from payments_core.contracts.commands import MessageInvalid
from payments_core.domain.errors import InvalidMoney
from payments_core.domain.money import Money
from payments_core.domain.order import Order
from payments_core.ports.unit_of_work import UnitOfWorkFactory


@attrs.frozen
class RecordOrder(IMessageHandler):
    """
    Records who ordered and what it costs, for payments to agree with.

    Attributes:
        default_currency: Of totals that come without one; empty to leave those out.
    """

    default_currency: str = ""

    @override
    def handle(self, message: ReceivedMessage, effect: UnitOfWorkFactory) -> None:
        told = commands.read_order(message.body)
        order = Order(id=told.order_id, customer_id=told.customer_id, total=self._total(told))
        with effect() as uow:
            uow.orders.record(order)
            uow.commit()

    def _total(self, told: commands.OrderCreated) -> Money | None:
        currency = told.currency or self.default_currency
        if told.total is None or not currency:
            return None
        try:
            return Money(told.total, currency.upper())
        except InvalidMoney as error:
            raise MessageInvalid(f"The order's total is no amount of money: {error}") from None
