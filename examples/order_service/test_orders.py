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
from payments_core.application.process_webhooks import ProcessWebhooks
from payments_core.application.queries import GetPayment
from payments_core.application.receive_webhook import ReceiveWebhook
from payments_core.application.refund_payment import RefundPayment
from payments_core.domain.money import Money
from payments_core.domain.policy import Policy
from payments_core.testing.clock import ManualClock
from payments_core.testing.fake_provider import FakePaymentProvider, Fault
from payments_core.testing.memory import InMemoryDatabase, InMemoryUnitOfWork
from payments_core.testing.memory_queries import InMemoryPaymentQueries
from stripe_simulator import Simulator


@pytest.fixture
def clock() -> ManualClock:
    """
    The time, which passes when a test says so.
    """
    return ManualClock()


@pytest.fixture
def provider(clock: ManualClock) -> FakePaymentProvider:
    """
    A provider that does as it is told, under the name that the service uses.
    """
    return FakePaymentProvider(name="stripe", clock=clock)


@pytest.fixture
def service(provider: FakePaymentProvider, clock: ManualClock) -> OrderService:
    """
    The Order Service on fakes.
    """
    database = InMemoryDatabase()
    unit_of_work = partial(InMemoryUnitOfWork, database)
    operations = Operations(unit_of_work, {"stripe": provider}, clock, Policy())
    process = ProcessWebhooks(operations)
    return OrderService(
        CreatePayment(operations),
        RefundPayment(operations),
        ReceiveWebhook(operations, process),
        process,
        GetPayment(InMemoryPaymentQueries(database)),
    )


def object_of(service: OrderService, order: Order) -> str:
    """
    Return the provider's name of an order's payment.
    """
    assert order.payment_id is not None
    return str(service.get_payment.execute(order.payment_id).provider_payment_id)


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


def test_an_order_goes_on_when_its_customer_has_approved(
    service: OrderService, provider: FakePaymentProvider
) -> None:
    """
    The webhook after the approval lets a waiting order go on, and it waits no more.
    """
    order = service.place(an_order(), "fake_action")
    paid = provider.approve(object_of(service, order))
    before = order.state
    service.webhooks(*provider.webhook(paid.id))

    assert (before, order.state) == ("AwaitingPayment", "Processing")
    assert service.waiting == []


def test_a_webhook_that_could_not_be_processed_is_caught_up(
    service: OrderService, provider: FakePaymentProvider, clock: ManualClock
) -> None:
    """
    While the provider does not answer the order waits; later it goes on all the same.
    """
    order = service.place(an_order(), "fake_action")
    paid = provider.approve(object_of(service, order))
    provider.faults.append(Fault("retrieve"))
    service.webhooks(*provider.webhook(paid.id))
    before = order.state
    clock.advance(hours=1)
    service.catch_up()

    assert (before, order.state) == ("AwaitingPayment", "Processing")


def test_a_return_is_paid_back_once(service: OrderService, provider: FakePaymentProvider) -> None:
    """
    Sending an order back twice returns its money once.
    """
    order = service.place(an_order(), "fake_approved")
    service.send_back(order, "r1")
    service.send_back(order, "r1")

    assert order.state == "Returned"
    assert provider.calls.count("refund") == 1


def test_two_returns_of_one_amount_are_two(
    service: OrderService, provider: FakePaymentProvider
) -> None:
    """
    A second return of the same amount is paid back too.
    """
    order = service.place(an_order(), "fake_approved")
    service.send_back(order, "r1", Money.parse("64.95", "EUR"))
    service.send_back(order, "r2", Money.parse("64.95", "EUR"))

    assert order.state == "Returned"
    assert provider.calls.count("refund") == 2


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
        states = paid.state, declined.state, service.send_back(paid, "r1").state

    assert states == ("Processing", "PaymentFailed", "Returned")
