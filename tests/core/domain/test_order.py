"""
A payment agrees with what was told of its order.
"""

from uuid import uuid4

import pytest

from payments_core.domain.errors import OrderMismatch, OrderNotFound
from payments_core.domain.order import Order
from payments_core.testing.builders import eur

ORDER = Order(id=uuid4(), customer_id="alice", total=eur("10.00"))


def test_agrees() -> None:
    """
    The same customer and amount agree, and so does anything with facts that were not told.
    """
    ORDER.accept("alice", eur("10.00"))
    Order(id=ORDER.id).accept("bob", eur("1.00"))


def test_somebody_elses_order_is_not_found() -> None:
    """
    Who is not the customer does not learn that the order exists.
    """
    with pytest.raises(OrderNotFound):
        ORDER.accept("bob", eur("10.00"))


def test_another_amount_is_refused() -> None:
    """
    The amount must be the order's total.
    """
    with pytest.raises(OrderMismatch):
        ORDER.accept("alice", eur("9.99"))
