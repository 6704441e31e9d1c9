"""
What the Order Service told about an order.
"""

from uuid import UUID

import attrs

from payments_core.domain.errors import OrderMismatch, OrderNotFound
from payments_core.domain.money import Money


@attrs.frozen(kw_only=True)
class Order:
    """
    The facts of an order that a payment for it must agree with.

    Attributes:
        customer_id: Who ordered; None if that was not told.

        total: What the order costs; None if that was not told.
    """

    id: UUID
    customer_id: str | None = None
    total: Money | None = None

    def accept(self, customer_id: str, amount: Money) -> None:
        """
        Accept a payment that agrees with the order.

        Raises:
            OrderNotFound: The order is somebody else's.
            OrderMismatch: The order costs something else.
        """
        if self.customer_id not in {None, customer_id}:
            raise OrderNotFound("There is no such order")
        if self.total not in {None, amount}:
            raise OrderMismatch(f"The order costs {self.total}, not {amount}")
