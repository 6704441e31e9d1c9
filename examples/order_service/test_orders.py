"""
The Order Service's own tests: a fake provider, memory for a database, no server at all.
"""

from functools import partial
from pathlib import Path

import pytest

from examples.order_service.orders import Order, OrderService
from examples.order_service.wiring import production
from payments_core.application.create_payment import CreatePayment
from payments_core.application.operations import Operations
from payments_core.application.refund_payment import RefundPayment
from payments_core.domain.money import Money
from payments_core.domain.policy import Policy
from payments_core.testing.clock import ManualClock
from payments_core.testing.fake_provider import FakePaymentProvider, Fault
from payments_core.testing.memory import InMemoryDatabase, InMemoryUnitOfWork
from stripe_simulator import Simulator


@pytest.fixture
def provider() -> FakePaymentProvider:
    """
    A provider that does as it is told, under the name that the service uses.
    """
    return FakePaymentProvider(name="stripe", clock=ManualClock())


@pytest.fixture
def service(provider: FakePaymentProvider) -> OrderService:
    """
    The Order Service on fakes.
    """
    unit_of_work = partial(InMemoryUnitOfWork, InMemoryDatabase())
    operations = Operations(unit_of_work, {"stripe": provider}, ManualClock(), Policy())
    return OrderService(CreatePayment(operations), RefundPayment(operations))


def an_order() -> Order:
    """
    Return an order of 129.90 EUR.
    """
    return Order("alice", Money.parse("129.90", "EUR"))


@pytest.mark.parametrize(
    ("method", "state"),
    [
        ("fake_approved", "Processing"),
        ("fake_declined", "PaymentFailed"),
        ("fake_action", "AwaitingPayment"),
    ],
)
def test_an_order_follows_its_payment(service: OrderService, method: str, state: str) -> None:
    """
    Paid orders go on, declined ones do not, and what is open waits.
    """
    assert service.place(an_order(), method).state == state


def test_a_lost_answer_is_no_refusal(service: OrderService, provider: FakePaymentProvider) -> None:
    """
    The provider took the money and its answer was lost: the order waits for the truth.
    """
    provider.faults.append(Fault("create_intent", effect=True))

    assert service.place(an_order(), "fake_approved").state == "AwaitingPayment"


def test_a_return_is_paid_back_once(service: OrderService, provider: FakePaymentProvider) -> None:
    """
    Sending an order back twice returns its money once.
    """
    order = service.place(an_order(), "fake_approved")
    service.send_back(order)
    service.send_back(order)

    assert order.state == "Returned"
    assert provider.calls.count("refund") == 1


def test_production_wiring_takes_and_returns_money(tmp_path: Path) -> None:
    """
    The same service on Stripe's SDK and a database, against the simulator.
    """
    with Simulator(api_key="sk_test_example") as stripe:
        service = production(
            {
                "STRIPE_API_KEY": "sk_test_example",
                "STRIPE_WEBHOOK_SECRET": "whsec_example",
                "STRIPE_API_BASE": stripe.url,
                "DATABASE_URL": f"sqlite:///{tmp_path / 'orders.db'}",
            }
        )
        paid = service.place(an_order(), "pm_card_visa")
        declined = service.place(an_order(), "pm_card_visa_chargeDeclined")
        states = paid.state, declined.state, service.send_back(paid).state

    assert states == ("Processing", "PaymentFailed", "Returned")
