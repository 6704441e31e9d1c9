"""
A payment for an order that was told must agree with it.
"""

from uuid import UUID, uuid4

import attrs
import pytest

from payments_core.application.create_payment import CreatePayment, CreatePaymentCommand
from payments_core.domain.errors import OrderMismatch, OrderNotFound, OrderUnknown
from payments_core.domain.order import Order
from payments_core.testing.builders import eur
from tests.core.application.service import Service


def command(
    order_id: UUID, customer_id: str = "alice", amount: str = "10.00"
) -> CreatePaymentCommand:
    """
    Return a request to pay for an order.
    """
    return CreatePaymentCommand(
        order_id=order_id,
        customer_id=customer_id,
        amount=eur(amount),
        provider="fake",
        payment_method_id="fake_approved",
    )


@pytest.fixture
def order(service: Service) -> Order:
    """
    An order of alice's that costs 10.00 EUR.
    """
    order = Order(id=uuid4(), customer_id="alice", total=eur("10.00"))
    service.database.tables.orders[order.id] = order
    return order


def test_payment_that_agrees_is_taken(service: Service, order: Order) -> None:
    """
    The order's customer may pay the order's total.
    """
    assert service.create.execute(command(order.id)).created


def test_payment_that_differs_is_refused(service: Service, order: Order) -> None:
    """
    Another amount, or another customer, is refused before anything is recorded or asked.
    """
    with pytest.raises(OrderMismatch):
        service.create.execute(command(order.id, amount="9.99"))
    with pytest.raises(OrderNotFound):
        service.create.execute(command(order.id, customer_id="bob"))
    assert not service.provider.calls
    assert not service.database.tables.payments


def test_unknown_order(service: Service) -> None:
    """
    Whether an order must have been told is the installation's choice; by default it need not.
    """
    strict = CreatePayment(service.operations, require_known_orders=True)

    assert service.create.execute(command(uuid4())).created
    with pytest.raises(OrderUnknown):
        strict.execute(command(uuid4()))


def test_payment_on_behalf(service: Service, order: Order) -> None:
    """
    Who pays for others and names nobody pays for the order's customer, once that was told.
    """
    shop = attrs.evolve(command(order.id, customer_id="the-shop"), on_behalf=True)
    told = service.create.execute(shop)
    again = service.create.execute(shop)
    not_told = service.create.execute(attrs.evolve(shop, order_id=uuid4()))

    assert told.payment.customer_id == "alice"
    assert (again.payment.id, again.created) == (told.payment.id, False)
    assert not_told.payment.customer_id == "the-shop"


def test_payment_on_behalf_agrees_too(service: Service, order: Order) -> None:
    """
    What the order costs is checked whoever pays.
    """
    with pytest.raises(OrderMismatch):
        service.create.execute(attrs.evolve(command(order.id, amount="9.99"), on_behalf=True))
