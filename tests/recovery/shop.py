"""
The use cases as production has them, with Stripe's part simulated over HTTP and time that jumps.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar
from uuid import UUID, uuid4

import requests
from sqlalchemy import Engine
from typing_extensions import override

from payments_core.application.cancel_payment import CancelPayment, CancelPaymentCommand
from payments_core.application.capture_payment import CapturePayment, CapturePaymentCommand
from payments_core.application.create_payment import CreatePayment, CreatePaymentCommand
from payments_core.application.expire_payments import ExpirePayments
from payments_core.application.operations import Operations
from payments_core.application.refund_payment import RefundPayment, RefundPaymentCommand
from payments_core.application.resolve_operations import ResolveOperations
from payments_core.application.settle import settle
from payments_core.domain.payment import Payment
from payments_core.domain.policy import Policy
from payments_core.domain.requests import CaptureMethod
from payments_core.domain.settlement import Answer
from payments_core.ports.clock import IClock
from payments_core.ports.queries import PaymentView
from payments_core.testing.builders import eur
from payments_postgres import SqlAlchemyPaymentQueries, SqlAlchemyUnitOfWork
from payments_stripe import StripePaymentProvider, StripeSettings
from stripe_simulator import Simulator

T = TypeVar("T")
R = TypeVar("R")

Json = dict[str, Any]


class SimulatedTime(IClock):
    """
    The simulator's clock, so that both sides agree when it jumps.
    """

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    @override
    def now(self) -> datetime:
        return datetime.fromtimestamp(self._simulator.clock.now(), UTC)


class Shop:
    """
    A service whose provider is Stripe's adapter over real HTTP.

    Args:
        patience: Seconds until an answer that does not come counts as lost.
    """

    def __init__(self, engine: Engine, simulator: Simulator, patience: float = 10.0) -> None:
        self.simulator = simulator
        self.provider = StripePaymentProvider(_settings(simulator, patience))
        self.queries = SqlAlchemyPaymentQueries(engine)
        self.operations = Operations(
            partial(SqlAlchemyUnitOfWork, engine),
            {"stripe": self.provider},
            SimulatedTime(simulator),
            Policy(),
        )
        self.resolve = ResolveOperations(self.operations)
        self.expire = ExpirePayments(self.operations)

    def close(self) -> None:
        """
        Close the connections to the simulator.
        """
        self.provider.close()

    # ------------------------------------------------------------ what callers do

    def pay(self, method: str | None = "pm_card_visa", *, manual: bool = False) -> PaymentView:
        """
        Create a payment of 10.00 EUR.
        """
        command = CreatePaymentCommand(
            order_id=uuid4(),
            customer_id="alice",
            amount=eur("10.00"),
            provider="stripe",
            capture_method=CaptureMethod.MANUAL if manual else CaptureMethod.AUTOMATIC,
            payment_method_id=method,
        )
        return CreatePayment(self.operations).execute(command).payment

    def capture(self, payment: PaymentView) -> None:
        """
        Take all of it.
        """
        CapturePayment(self.operations).execute(CapturePaymentCommand(payment_id=payment.id))

    def refund(self, payment: PaymentView) -> None:
        """
        Return a part of it.
        """
        command = RefundPaymentCommand(
            payment_id=payment.id, request_key=str(uuid4()), amount=eur("4.00")
        )
        RefundPayment(self.operations).execute(command)

    def cancel(self, payment: PaymentView) -> None:
        """
        Call it off.
        """
        CancelPayment(self.operations).execute(CancelPaymentCommand(payment_id=payment.id))

    # ------------------------------------------------------------ what goes wrong, and what then

    @contextmanager
    def fault(self, kind: str, operation: str, times: int) -> Iterator[None]:
        """
        Let the next calls of an operation go wrong.
        """
        seconds = 1.5 if kind.endswith("timeout") else 0.0
        self.simulator.faults.add(kind=kind, operation=operation, times=times, seconds=seconds)
        try:
            yield
        finally:
            self.simulator.faults.clear()

    def recover(self, *, hours: float, step: float = 7.0) -> None:
        """
        Let virtual time pass, first in short steps and then in longer ones, and sweep.
        """
        passed = 0.0
        while passed < hours * 3600:
            self.simulator.clock.advance(step)
            passed += step
            step = min(step * 1.5, 600)
            self.sweep()

    def sweep(self) -> None:
        """
        Let two sweepers do what is due.
        """
        with ThreadPoolExecutor(2) as pool:
            for _ in pool.map(lambda _: self._drain(), range(2)):
                pass

    def _drain(self) -> None:
        while self.resolve.execute():
            pass

    def hear(self, object_id: str) -> None:
        """
        Settle what a webhook about an object would bring.
        """
        fact = self.provider.retrieve(object_id)
        assert fact.payment_id is not None
        operations = self.operations
        with operations.unit_of_work() as uow:
            payment = uow.payments.get(fact.payment_id)
            assert payment is not None
            now, policy = operations.clock.now(), operations.policy
            following = settle(uow, payment, Answer(payment=fact), now, policy)
            uow.commit()
        for operation in following:
            operations.perform(payment, operation)

    def browser_pays(self, intent: Json) -> None:
        """
        Let the customer's browser confirm, as Stripe's script does.
        """
        form = {"client_secret": intent["client_secret"], "payment_method": "pm_card_visa"}
        answer = requests.post(
            f"{self.simulator.url}/v1/payment_intents/{intent['id']}/confirm",
            data=form,
            headers={"Authorization": f"Bearer {self.simulator.settings.publishable_key}"},
            timeout=10,
        )
        assert answer.status_code == 200, answer.text

    # ------------------------------------------------------------ what became of it

    def stored(self, payment_id: UUID) -> Payment:
        """
        Return the payment as it is kept.
        """
        with self.operations.unit_of_work() as uow:
            payment = uow.payments.get(payment_id)
        assert payment is not None
        return payment

    def intents(self, payment: PaymentView) -> Sequence[Json]:
        """
        Return what Stripe has for a payment, whatever became of it.
        """
        return self.simulator.with_metadata("payment_intent", "payment_id", str(payment.id))

    def found(self, payment: PaymentView) -> Sequence[str]:
        """
        Return the kinds of the differences that were found.
        """
        return [e.name for e in self.queries.timeline(payment.id) if e.kind == "discrepancy"]

    def told(self, payment: PaymentView) -> Sequence[str]:
        """
        Return the names of the messages about a payment.
        """
        return [e.name for e in self.queries.timeline(payment.id) if e.kind == "event"]


def at_once(act: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """
    Do something with each of many things, eight at a time.
    """
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(act, items))


def _settings(simulator: Simulator, patience: float) -> StripeSettings:
    return StripeSettings(
        api_key=simulator.api_key,
        webhook_secrets=(simulator.webhook_secret,),
        api_base=simulator.url,
        read_timeout=patience,
        deadline=4 * patience,
        # So many calls go wrong on purpose that no breaker may stand in the way.
        breaker_failures=1000,
    )
