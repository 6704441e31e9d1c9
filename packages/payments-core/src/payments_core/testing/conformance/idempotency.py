"""
What idempotency keys promise, whatever keeps them and whatever stands in front.

One suite for the keys alone (`KeysConformance`), one for whole requests under a key
(`IdempotencyConformance`): run that with every storage, and with every cache in every condition.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import attrs
import pytest

from payments_core.application.cancel_payment import CancelPayment, CancelPaymentCommand
from payments_core.application.capture_payment import CapturePayment, CapturePaymentCommand
from payments_core.application.confirm_payment import ConfirmPayment, ConfirmPaymentCommand
from payments_core.application.create_payment import CreatePayment, CreatePaymentCommand
from payments_core.application.forget_keys import ForgetKeys
from payments_core.application.operations import Operations
from payments_core.application.process_webhooks import ProcessWebhooks
from payments_core.application.receive_webhook import ReceiveWebhook, ReceiveWebhookCommand
from payments_core.application.refund_payment import RefundPayment, RefundPaymentCommand
from payments_core.application.results import CreatedPayment, Result
from payments_core.domain.errors import (
    OperationRefused,
    RefundExceedsCaptured,
    RequestInProgress,
    RequestKeyReused,
)
from payments_core.domain.failure import Failure
from payments_core.domain.policy import Policy
from payments_core.domain.requests import CaptureMethod
from payments_core.domain.status import PaymentStatus
from payments_core.ports.errors import ProviderRejected
from payments_core.ports.faults import hooked
from payments_core.ports.idempotency import IResultCache, KeyedRequest, NoResultCache
from payments_core.ports.provider import Window
from payments_core.ports.unit_of_work import UnitOfWorkFactory
from payments_core.testing.builders import NOW, eur
from payments_core.testing.clock import ManualClock
from payments_core.testing.conformance.kept import OnUnitsOfWork
from payments_core.testing.fake_provider import (
    ACTION_METHOD,
    APPROVED_METHOD,
    DECLINED_METHOD,
    FakePaymentProvider,
    Fault,
)

R = TypeVar("R", bound=Result)

DAY = timedelta(days=1)


def a_keyed_request(**changes: Any) -> KeyedRequest:
    """
    Return a request that takes a key now, for a day.
    """
    fields: dict[str, Any] = {
        "key": uuid4().hex,
        "fingerprint": "f",
        "payment_id": uuid4(),
        "created_at": NOW,
        "lease_until": NOW + timedelta(seconds=60),
        "expires_at": NOW + DAY,
    }
    return KeyedRequest(**fields | changes)


class KeysConformance(OnUnitsOfWork):
    """
    Subclass it and override `make_uow`.
    """

    def take(self, make_uow: UnitOfWorkFactory, request: KeyedRequest) -> KeyedRequest | None:
        """
        Take a key and commit.
        """
        with make_uow() as uow:
            found = uow.idempotency.take(request)
            uow.commit()
        return found

    def finish(self, make_uow: UnitOfWorkFactory, request: KeyedRequest, result: str) -> str:
        """
        Keep a result and commit.
        """
        with make_uow() as uow:
            kept = uow.idempotency.finish(request.key, request.payment_id, result)
            uow.commit()
        return kept

    def test_first_has_it(self, make_uow: UnitOfWorkFactory) -> None:
        """
        The first takes the key, whoever comes later is shown the first, field by field.
        """
        first = a_keyed_request()
        second = attrs.evolve(first, fingerprint="g", payment_id=uuid4())

        assert self.take(make_uow, first) is None
        assert self.take(make_uow, second) == first
        assert self.take(make_uow, a_keyed_request()) is None

    def test_not_taken_without_commit(self, make_uow: UnitOfWorkFactory) -> None:
        """
        What is undone leaves the key free.
        """
        request = a_keyed_request()
        with make_uow() as uow:
            assert uow.idempotency.take(request) is None

        assert self.take(make_uow, request) is None

    def test_first_result_stays(self, make_uow: UnitOfWorkFactory) -> None:
        """
        A result ends the lease, and a later one changes nothing.
        """
        request = a_keyed_request()
        self.take(make_uow, request)

        assert self.finish(make_uow, request, '{"n":1}') == '{"n":1}'
        assert self.finish(make_uow, request, '{"n":2}') == '{"n":1}'
        done = attrs.evolve(request, lease_until=None, result='{"n":1}')
        assert self.take(make_uow, request) == done

    def test_release(self, make_uow: UnitOfWorkFactory) -> None:
        """
        A release ends the lease, names the payment, and takes no result away.
        """
        request, payment_id = a_keyed_request(), uuid4()
        self.take(make_uow, request)
        with make_uow() as uow:
            uow.idempotency.release(request.key, payment_id)
            uow.commit()

        released = attrs.evolve(request, lease_until=None, payment_id=payment_id)
        assert self.take(make_uow, request) == released
        self.finish(make_uow, released, "{}")
        with make_uow() as uow:
            uow.idempotency.release(request.key, payment_id)
            uow.commit()
        assert self.take(make_uow, request) == attrs.evolve(released, result="{}")

    def test_expiry(self, make_uow: UnitOfWorkFactory) -> None:
        """
        From the moment of its expiry on a key is free, whether it was removed or not.
        """
        request = a_keyed_request()
        self.take(make_uow, request)
        self.finish(make_uow, request, "{}")
        before = attrs.evolve(request, created_at=NOW + DAY - timedelta(microseconds=1))
        at_expiry = attrs.evolve(
            request, created_at=NOW + DAY, expires_at=NOW + 2 * DAY, fingerprint="g"
        )

        assert self.take(make_uow, before) is not None
        assert self.take(make_uow, at_expiry) is None
        assert self.take(make_uow, at_expiry) == at_expiry

    def test_forget(self, make_uow: UnitOfWorkFactory) -> None:
        """
        Expired keys are removed a batch at a time, and no others.
        """
        requests = [a_keyed_request() for _ in range(5)]
        young = a_keyed_request(expires_at=NOW + 2 * DAY)
        for request in [*requests, young]:
            self.take(make_uow, request)
        removed = []
        for _ in range(4):
            with make_uow() as uow:
                removed.append(uow.idempotency.forget(NOW + DAY, 2))
                uow.commit()

        assert removed == [2, 2, 1, 0]
        assert self.take(make_uow, young) == young


class IdempotencyConformance(OnUnitsOfWork):
    """
    Subclass it and override the fixtures: a storage, and perhaps a cache in front.

    A cache that is absent, empty or lost in the middle changes no result; override `disturb`
    to lose it between two requests.
    """

    @pytest.fixture
    def cache(self) -> IResultCache:
        """
        Return what remembers results in front of the database.
        """
        return NoResultCache()

    def disturb(self) -> None:
        """
        Do to the cache what may happen to it at any time.
        """

    @pytest.fixture
    def clock(self) -> ManualClock:
        """
        A time that the tests set.
        """
        return ManualClock()

    @pytest.fixture
    def provider(self, clock: ManualClock) -> FakePaymentProvider:
        """
        A provider that counts what it did.
        """
        return FakePaymentProvider(clock=clock)

    @pytest.fixture
    def operations(
        self,
        make_uow: UnitOfWorkFactory,
        cache: IResultCache,
        clock: ManualClock,
        provider: FakePaymentProvider,
    ) -> Operations:
        """
        What the use cases stand on.
        """
        return Operations(make_uow, {"fake": provider}, clock, Policy(), cache)

    # ------------------------------------------------------------ steps

    def command(self, key: str | None, **changes: Any) -> CreatePaymentCommand:
        """
        Return the command that takes 10.00 EUR.
        """
        fields: dict[str, Any] = {
            "order_id": uuid4(),
            "customer_id": "alice",
            "amount": eur("10.00"),
            "provider": "fake",
            "payment_method_id": APPROVED_METHOD,
            "idempotency_key": key,
        }
        return CreatePaymentCommand(**fields | changes)

    def pay(self, operations: Operations, command: CreatePaymentCommand) -> CreatedPayment:
        """
        Create a payment.
        """
        return CreatePayment(operations).execute(command)

    def twice(self, act: Callable[[], R]) -> R:
        """
        Do something, and again under the same key; return the one result of both.
        """
        first = act()
        self.disturb()
        second = act()
        self.disturb()
        third = act()

        assert (first.replayed, second.replayed, third.replayed) == (False, True, True)
        assert second == attrs.evolve(first, replayed=True)
        assert third == second
        return first

    # ------------------------------------------------------------ the same result

    @pytest.mark.parametrize(
        ("method", "status"),
        [
            (APPROVED_METHOD, PaymentStatus.SUCCEEDED),
            (DECLINED_METHOD, PaymentStatus.FAILED),
            (ACTION_METHOD, PaymentStatus.REQUIRES_ACTION),
            (None, PaymentStatus.REQUIRES_ACTION),
        ],
    )
    def test_create(self, operations: Operations, method: str | None, status: str) -> None:
        """
        The same request is one payment with one answer, declined ones and secrets included.
        """
        command = self.command("k", payment_method_id=method)
        done = self.twice(lambda: self.pay(operations, command))

        assert done.payment.status == status
        assert done.created
        assert (done.payment.client_secret is not None) == (status == "RequiresAction")

    def test_confirm(self, operations: Operations, provider: FakePaymentProvider) -> None:
        """
        A confirmation is one attempt.
        """
        waiting = self.pay(operations, self.command(None, payment_method_id=None)).payment
        command = ConfirmPaymentCommand(
            payment_id=waiting.id, payment_method_id=APPROVED_METHOD, idempotency_key="k"
        )
        done = self.twice(lambda: ConfirmPayment(operations).execute(command))

        assert done.payment.status is PaymentStatus.SUCCEEDED
        assert provider.calls.count("confirm") == 1

    def test_capture(self, operations: Operations, provider: FakePaymentProvider) -> None:
        """
        A capture is one capture, also after the rest was refunded.
        """
        command = self.command(None, capture_method=CaptureMethod.MANUAL)
        payment_id = self.pay(operations, command).payment.id
        asked = CapturePaymentCommand(
            payment_id=payment_id, amount=eur("4.00"), idempotency_key="k"
        )
        done = self.twice(lambda: CapturePayment(operations).execute(asked))
        self.refund(operations, payment_id, "r", None)
        again = CapturePayment(operations).execute(asked)

        assert done.payment.captured == eur("4.00")
        assert again == attrs.evolve(done, replayed=True)
        assert provider.calls.count("capture") == 1

    def test_cancel(self, operations: Operations, provider: FakePaymentProvider) -> None:
        """
        A cancellation is one.
        """
        waiting = self.pay(operations, self.command(None, payment_method_id=None)).payment
        command = CancelPaymentCommand(payment_id=waiting.id, idempotency_key="k")
        done = self.twice(lambda: CancelPayment(operations).execute(command))

        assert done.payment.status is PaymentStatus.CANCELED
        assert provider.calls.count("cancel") == 1

    def refund(self, operations: Operations, payment_id: UUID, key: str, amount: str | None) -> Any:
        """
        Refund an amount.
        """
        return RefundPayment(operations).execute(
            RefundPaymentCommand(
                payment_id=payment_id,
                request_key=key,
                idempotency_key=key,
                amount=eur(amount) if amount else None,
            )
        )

    def test_refund(self, operations: Operations, provider: FakePaymentProvider) -> None:
        """
        A refund is one refund, and its answer stays when more is refunded.
        """
        payment_id = self.pay(operations, self.command(None)).payment.id
        done = self.twice(lambda: self.refund(operations, payment_id, "k", "4.00"))
        self.refund(operations, payment_id, "other", None)

        assert self.refund(operations, payment_id, "k", "4.00") == attrs.evolve(done, replayed=True)
        assert provider.calls.count("refund") == 2

    def test_order_that_is_paid_already(self, operations: Operations) -> None:
        """
        What finds the order's payment has its own answer too, and keeps it.
        """
        first = self.command("k1", capture_method=CaptureMethod.MANUAL)
        payment = self.pay(operations, first).payment
        second = attrs.evolve(first, idempotency_key="k2")
        found = self.pay(operations, second)
        CapturePayment(operations).execute(CapturePaymentCommand(payment_id=payment.id))
        self.disturb()

        assert (found.created, found.replayed) == (False, False)
        assert self.pay(operations, second) == attrs.evolve(found, replayed=True)

    # ------------------------------------------------------------ another request

    def test_other_request(self, operations: Operations, provider: FakePaymentProvider) -> None:
        """
        A key that was used for another request is refused, and nothing is done.
        """
        command = self.command("k")
        payment = self.pay(operations, command).payment
        before = list(provider.calls)
        for other in (
            attrs.evolve(command, amount=eur("10.01")),
            attrs.evolve(command, order_id=uuid4()),
            attrs.evolve(command, customer_id="bob"),
            attrs.evolve(command, return_url="https://shop.example/"),
        ):
            self.disturb()
            with pytest.raises(RequestKeyReused):
                self.pay(operations, other)
        with pytest.raises(RequestKeyReused):
            self.refund(operations, payment.id, "k", "1.00")

        assert provider.calls == before

    def test_refused_requests_leave_the_key_free(self, operations: Operations) -> None:
        """
        What was refused before anything was written may be sent again, corrected.
        """
        payment_id = self.pay(operations, self.command(None)).payment.id
        with pytest.raises(RefundExceedsCaptured):
            self.refund(operations, payment_id, "k", "10.01")

        assert self.refund(operations, payment_id, "k", "10.00").created

    # ------------------------------------------------------------ answers that are missing

    def test_unknown_outcome(self, operations: Operations, provider: FakePaymentProvider) -> None:
        """
        An unknown outcome is no answer: a repeat shows the present, and the first that is known stays.
        """
        command = self.command("k", capture_method=CaptureMethod.MANUAL)
        provider.faults.append(Fault("create_intent", effect=True))
        first = self.pay(operations, command)
        self.disturb()
        second = self.pay(operations, command)
        self.learn(operations, provider, first)
        third = self.pay(operations, command)
        CapturePayment(operations).execute(CapturePaymentCommand(payment_id=first.payment.id))
        self.disturb()
        fourth = self.pay(operations, command)

        assert (first.known, second.known, third.known) == (False, False, True)
        assert {r.payment.id for r in (first, second, third)} == {first.payment.id}
        assert third.payment.status is PaymentStatus.AUTHORIZED
        assert third.created
        assert fourth == third
        assert provider.calls.count("create_intent") == 1

    def learn(
        self, operations: Operations, provider: FakePaymentProvider, lost: CreatedPayment
    ) -> None:
        """
        Let a webhook tell what became of a payment whose answer was lost.
        """
        everything = provider.list_payments(Window(NOW - DAY, NOW + DAY))
        (made,) = (p for p in everything if p.payment_id == lost.payment.id)
        self.deliver(operations, provider, made.id)

    def deliver(
        self, operations: Operations, provider: FakePaymentProvider, object_id: str
    ) -> None:
        """
        Deliver a webhook about the provider's object.
        """
        payload, headers = provider.webhook(object_id)
        ReceiveWebhook(operations, ProcessWebhooks(operations)).execute(
            ReceiveWebhookCommand(provider="fake", payload=payload, headers=headers)
        )

    def test_unknown_refund(self, operations: Operations, provider: FakePaymentProvider) -> None:
        """
        A refund without an answer stays one, however often it is asked for.
        """
        payment_id = self.pay(operations, self.command(None)).payment.id
        provider.faults.append(Fault("refund", effect=True))
        first = self.refund(operations, payment_id, "k", "4.00")
        second = self.refund(operations, payment_id, "k", "4.00")

        assert not first.known
        assert second == attrs.evolve(first, replayed=True, created=False)
        assert provider.calls.count("refund") == 1

    @pytest.mark.parametrize("write", ["capture", "cancel"])
    def test_refusal_by_the_provider(
        self, operations: Operations, provider: FakePaymentProvider, write: str
    ) -> None:
        """
        What the provider refused for good is refused again, without asking it again.
        """
        command = self.command(None, capture_method=CaptureMethod.MANUAL)
        payment_id = self.pay(operations, command).payment.id
        no = ProviderRejected(Failure("not_allowed", "Not allowed."))
        provider.faults.append(Fault(write, effect=False, error=no))
        asked: dict[str, Any] = {"payment_id": payment_id, "idempotency_key": "k"}
        writes: dict[str, Callable[[], Result]] = {
            "capture": lambda: CapturePayment(operations).execute(CapturePaymentCommand(**asked)),
            "cancel": lambda: CancelPayment(operations).execute(CancelPaymentCommand(**asked)),
        }
        for _ in range(3):
            with pytest.raises(OperationRefused):
                writes[write]()
            self.disturb()

        assert provider.calls.count(write) == 1

    @pytest.mark.parametrize(
        "point", ["create.intent.commit", "create.call.before", "create.call.after"]
    )
    def test_death_in_the_middle(
        self,
        operations: Operations,
        provider: FakePaymentProvider,
        clock: ManualClock,
        point: str,
    ) -> None:
        """
        After a death a repeat is asked to wait until the lease is over, and then finds the payment.
        """
        command = self.command("k")
        with hooked(dying_at(point)), pytest.raises(Died):
            self.pay(operations, command)
        with pytest.raises(RequestInProgress):
            self.pay(operations, command)
        with pytest.raises(RequestKeyReused):
            self.pay(operations, attrs.evolve(command, amount=eur("11.00")))
        clock.advance(seconds=60)
        found = self.pay(operations, command)
        again = self.pay(operations, command)

        assert not found.known
        assert found.created
        assert found.payment.id == again.payment.id
        assert provider.calls.count("create_intent") == (point == "create.call.after")

    def test_sender_that_hangs(
        self, operations: Operations, provider: FakePaymentProvider, clock: ManualClock
    ) -> None:
        """
        Whoever hangs for longer than the lease gives the answer that a repeat was given meanwhile.
        """
        command = self.command("k", capture_method=CaptureMethod.MANUAL)
        meanwhile: list[CreatedPayment] = []

        def hang(name: str) -> None:
            if name != "create.call.after" or meanwhile:
                return
            clock.advance(seconds=61)
            (made,) = provider.list_payments(Window(NOW - DAY, NOW + DAY))
            self.deliver(operations, provider, made.id)
            meanwhile.append(self.pay(operations, command))
            assert made.payment_id is not None
            asked = CapturePaymentCommand(payment_id=made.payment_id)
            CapturePayment(operations).execute(asked)

        with hooked(hang):
            late = self.pay(operations, command)

        assert meanwhile[0].payment.status is PaymentStatus.AUTHORIZED
        assert late == attrs.evolve(meanwhile[0], replayed=False)

    def test_death_after_the_answer(
        self, operations: Operations, provider: FakePaymentProvider
    ) -> None:
        """
        An answer that was kept and never sent is there for the repeat.
        """
        command = self.command("k")
        with hooked(dying_at("create.apply.commit")), pytest.raises(Died):
            self.pay(operations, command)
        found = self.pay(operations, command)

        assert (found.payment.status, found.replayed) == (PaymentStatus.SUCCEEDED, True)
        assert provider.calls.count("create_intent") == 1

    def test_death_before_anything(
        self, operations: Operations, provider: FakePaymentProvider
    ) -> None:
        """
        What was not committed is done by the repeat.
        """
        command = self.command("k")
        with hooked(dying_at("create.intent.precommit")), pytest.raises(Died):
            self.pay(operations, command)

        assert self.twice(lambda: self.pay(operations, command)).created
        assert provider.calls.count("create_intent") == 1

    # ------------------------------------------------------------ the end of a key

    def test_after_expiry(
        self, operations: Operations, provider: FakePaymentProvider, clock: ManualClock
    ) -> None:
        """
        An expired key is forgotten; the order has its one payment, and a refund its one effect.
        """
        command = self.command("k")
        payment = self.pay(operations, command).payment
        self.refund(operations, payment.id, "r", "4.00")
        clock.advance(hours=72)
        removed = ForgetKeys(operations.unit_of_work, clock).execute()
        self.disturb()
        again = self.pay(operations, command)
        refunded = self.refund(operations, payment.id, "r", "4.00")

        assert removed == 2
        assert (again.payment.id, again.created, again.replayed) == (payment.id, True, False)
        assert refunded.payment.refunded == eur("4.00")
        assert provider.calls.count("create_intent") == provider.calls.count("refund") == 1


class Died(BaseException):
    """
    The process is no more.
    """


def dying_at(point: str) -> Callable[[str], None]:
    """
    Return a hook that ends everything at a fault point.
    """

    def die(name: str) -> None:
        if name == point:
            raise Died(name)

    return die
