"""
Taking a payment, whatever the provider answers or fails to.
"""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import attrs
import pytest
from typing_extensions import override

from payments_core.application.cancel_payment import CancelPaymentCommand
from payments_core.application.create_payment import CreatePayment, CreatePaymentCommand
from payments_core.domain.errors import (
    AmountNotPositive,
    AmountNotSupported,
    ConcurrentUpdate,
    OrderAlreadyHasPayment,
    OrderNotFound,
    PaymentsError,
    StorageUnavailable,
    UnknownProvider,
)
from payments_core.domain.facts import ProviderPayment
from payments_core.domain.failure import Failure
from payments_core.domain.ids import new_payment_id
from payments_core.domain.money import Money
from payments_core.domain.operation import OperationState
from payments_core.domain.requests import CaptureMethod, CreateIntent
from payments_core.domain.status import PaymentStatus
from payments_core.ports.errors import (
    ProviderError,
    ProviderKeyMismatch,
    ProviderMisconfigured,
    ProviderUnavailable,
)
from payments_core.ports.idempotency import IResultCache, KeyedRequest
from payments_core.testing.builders import eur
from payments_core.testing.fake_provider import FakePaymentProvider, Fault
from payments_core.testing.memory import InMemoryUnitOfWork
from tests.core.application.service import Service

S = PaymentStatus


def a_command() -> CreatePaymentCommand:
    """
    Return a command that takes 10.00 EUR at once.
    """
    return CreatePaymentCommand(
        order_id=uuid4(),
        customer_id="alice",
        amount=eur("10.00"),
        provider="fake",
        payment_method_id="fake_approved",
    )


@pytest.mark.parametrize(
    ("method", "manual", "status", "told"),
    [
        ("fake_approved", False, S.SUCCEEDED, ["IPaymentSucceeded"]),
        ("fake_approved", True, S.AUTHORIZED, ["IPaymentAuthorized"]),
        ("fake_action", False, S.REQUIRES_ACTION, []),
        ("fake_processing", False, S.PENDING, []),
        ("fake_declined", False, S.FAILED, ["IPaymentFailed"]),
        ("fake_unheard_of", False, S.FAILED, ["IPaymentFailed"]),
        (None, False, S.REQUIRES_ACTION, []),
    ],
)
def test_answers(
    service: Service, method: str | None, manual: bool, status: PaymentStatus, told: list[str]
) -> None:
    """
    Each answer of the provider is a state of the payment, and is told where it is an end.
    """
    payment = service.pay(method, manual=manual)

    assert payment.status is status
    assert payment.unresolved_operations == 0
    assert service.told() == told


def test_a_decline_cancels_the_object_before_it_is_failed(service: Service) -> None:
    """
    A declined payment cannot be charged later, since its object is cancelled.
    """
    payment = service.pay("fake_declined")

    assert service.provider.calls == ["create_intent", "cancel"]
    assert payment.failure == Failure("card_declined", "Your card was declined.")
    assert service.provider.retrieve(service.object_of(payment)).status == "canceled"


@pytest.mark.parametrize("effect", [True, False])
def test_a_lost_answer_is_not_a_failure(service: Service, effect: bool) -> None:
    """
    Whether or not the provider did the work: without an answer the payment is Pending.
    """
    service.lose("create_intent", effect=effect)
    payment = service.pay()

    assert payment.status is S.PENDING
    assert payment.unresolved_operations == 1
    assert service.told() == []


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (ProviderUnavailable(Failure("rate_limit", "Slow down."), 2.0), OperationState.UNKNOWN),
        (ProviderMisconfigured(Failure("api_key_expired", "Key.")), OperationState.UNKNOWN),
        (ProviderKeyMismatch(Failure("idempotency_error", "Other.")), OperationState.REVIEW),
    ],
)
def test_faults_that_prove_nothing(
    service: Service, error: ProviderError, state: OperationState
) -> None:
    """
    Outages, refused credentials and mismatched keys leave the payment as it was.
    """
    service.provider.faults.append(Fault("create_intent", effect=False, error=error))
    payment = service.pay()

    assert payment.status is S.PENDING
    assert service.stored(payment.id).operations[0].state is state
    assert service.stored(payment.id).operations[0].failure == (
        None if state is OperationState.REVIEW else error.failure
    )


def test_the_same_command_again_is_the_same_payment(service: Service) -> None:
    """
    Repeating a request returns the order's payment as it is now; nothing is charged again.
    """
    command = a_command()
    first = service.create.execute(command)
    second = service.create.execute(command)

    assert (first.created, second.created) == (True, False)
    assert second.payment == first.payment
    assert service.provider.calls == ["create_intent"]


@pytest.mark.parametrize(
    "difference",
    [
        {"amount": eur("10.01")},
        {"amount": Money.parse("10.00", "USD")},
        {"payment_method_id": "fake_action"},
        {"payment_method_id": None},
        {"capture_method": CaptureMethod.MANUAL},
        {"return_url": "https://shop.example/elsewhere"},
    ],
)
def test_another_payment_for_the_order_is_refused(
    service: Service, difference: dict[str, Any]
) -> None:
    """
    While an order's payment lives, a request that differs is refused.
    """
    command = a_command()
    service.create.execute(command)

    with pytest.raises(OrderAlreadyHasPayment):
        service.create.execute(attrs.evolve(command, **difference))
    assert service.provider.calls == ["create_intent"]


def test_somebody_elses_order_is_not_found(service: Service) -> None:
    """
    Who does not own the order's payment learns nothing of it.
    """
    command = a_command()
    service.create.execute(command)

    with pytest.raises(OrderNotFound):
        service.create.execute(attrs.evolve(command, customer_id="mallory"))


def test_after_a_failure_the_order_may_try_again(service: Service) -> None:
    """
    A failed payment makes room for the next.
    """
    order_id = uuid4()
    service.pay("fake_declined", order_id=order_id)
    payment = service.pay(order_id=order_id)

    assert payment.status is S.SUCCEEDED
    assert [m.sequence for m in service.database.outbox] == [1, 2]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"amount": eur("0.00")}, AmountNotPositive),
        ({"amount": eur("-5.00")}, AmountNotPositive),
        ({"amount": eur("1000000.00")}, AmountNotSupported),
        ({"provider": "unknown"}, UnknownProvider),
    ],
)
def test_bad_commands_leave_nothing(
    service: Service, change: dict[str, Any], error: type[PaymentsError]
) -> None:
    """
    What cannot be taken is refused before any row and any call.
    """
    with pytest.raises(error):
        service.create.execute(attrs.evolve(a_command(), **change))
    assert service.database.tables.payments == {}
    assert service.provider.calls == []


def test_the_operation_is_committed_before_the_call(service: Service) -> None:
    """
    When the provider is called, the log already says what is asked, and no one is locked out.
    """
    seen = []
    create = service.provider.create_intent

    def spy(request: object, *, idempotency_key: str) -> object:
        (payment,) = service.database.tables.payments.values()
        (operation,) = payment.operations
        locked = service.database.lock.locked()
        seen.append((operation.request == request, operation.provider_key, locked))
        return create(request, idempotency_key=idempotency_key)  # type: ignore[arg-type] # as came

    service.provider.create_intent = spy  # type: ignore[assignment, method-assign] # a spy
    payment = service.pay()
    key = service.stored(payment.id).operations[0].provider_key

    assert seen == [(True, key, False)]


def test_a_lease_that_is_over_is_not_sent(service: Service) -> None:
    """
    A sender that was held up too long leaves the operation to recovery.
    """

    def slow_id(now: datetime) -> UUID:
        service.clock.advance(seconds=61)
        return new_payment_id(now)

    slow = CreatePayment(service.operations, slow_id)
    payment = slow.execute(a_command()).payment

    assert service.provider.calls == []
    assert payment.status is S.PENDING
    assert payment.unresolved_operations == 1


def test_an_answer_outlives_a_conflict_in_the_database(service: Service) -> None:
    """
    When another transaction is in the way of settling, the answer is applied again.
    """
    left = [2]

    class Busy(InMemoryUnitOfWork):
        """
        Loses its commit to another transaction twice, once the payment is recorded.
        """

        @override
        def commit(self) -> None:
            if service.provider.calls and left[0]:
                left[0] -= 1
                raise ConcurrentUpdate("Another transaction was first")
            super().commit()

    operations = attrs.evolve(service.operations, unit_of_work=lambda: Busy(service.database))
    payment = CreatePayment(operations).execute(a_command()).payment

    assert payment.status is S.SUCCEEDED
    assert left == [0]


def test_an_answer_joins_what_happened_while_the_provider_was_asked(service: Service) -> None:
    """
    Somebody changed the payment during the call: the answer is applied to it as it is now.
    """
    wanted = attrs.evolve(a_command(), capture_method=CaptureMethod.MANUAL)

    class Slow(FakePaymentProvider):
        """
        Takes so long that the customer thinks better of it.
        """

        @override
        def create_intent(self, request: CreateIntent, *, idempotency_key: str) -> ProviderPayment:
            service.cancel.execute(CancelPaymentCommand(payment_id=request.payment_id))
            return super().create_intent(request, idempotency_key=idempotency_key)

    provider = Slow(clock=service.clock)
    operations = attrs.evolve(service.operations, providers={"fake": provider})
    payment = CreatePayment(operations).execute(wanted).payment

    assert payment.cancel_requested
    assert payment.status is S.CANCELED
    assert provider.calls == ["create_intent", "cancel"]


class Remembers(IResultCache):
    """
    A cache that forgets nothing.
    """

    def __init__(self) -> None:
        self.kept: list[KeyedRequest] = []

    @override
    def find(self, key: str) -> KeyedRequest | None:
        return next((kept for kept in self.kept if kept.key == key), None)

    @override
    def keep(self, request: KeyedRequest, now: datetime) -> None:
        self.kept.append(request)


@pytest.mark.parametrize("key", [None, "a-key"])
@pytest.mark.parametrize("error", [ConcurrentUpdate("Busy"), StorageUnavailable("Gone")])
def test_an_answer_that_cannot_be_stored_is_unknown(
    service: Service, error: PaymentsError, key: str | None
) -> None:
    """
    The customer is charged and the database is gone: nobody is told that nothing happened.

    Neither is anybody told that it is done, now or on a repetition: only what is stored is known.
    """
    cache = Remembers()

    class Gone(InMemoryUnitOfWork):
        """
        Cannot commit any more once the provider has answered.
        """

        @override
        def commit(self) -> None:
            if service.provider.calls:
                raise error
            super().commit()

    operations = attrs.evolve(
        service.operations, unit_of_work=lambda: Gone(service.database), results=cache
    )
    command = attrs.evolve(a_command(), idempotency_key=key)
    payment = CreatePayment(operations).execute(command).payment

    assert payment.status is S.PENDING
    assert payment.unresolved_operations == 1
    assert cache.kept == []

    service.webhook(service.object_of(payment))

    assert service.stored(payment.id).status is S.SUCCEEDED
    assert service.told() == ["IPaymentSucceeded"]
