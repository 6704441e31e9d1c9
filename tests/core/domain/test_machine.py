"""
The aggregate against a simple model: whatever is asked and answered, the money adds up.
"""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from typing_extensions import override

from payments_core.application.send import send
from payments_core.domain import asking
from payments_core.domain.errors import PaymentsError
from payments_core.domain.events import PaymentFailed, PaymentSucceeded, RefundIssued
from payments_core.domain.facts import ProviderPaymentStatus
from payments_core.domain.money import Money
from payments_core.domain.operation import Operation
from payments_core.domain.policy import Policy
from payments_core.domain.requests import CaptureMethod
from payments_core.domain.settlement import Answer, apply
from payments_core.domain.status import TRANSITIONS, PaymentStatus
from payments_core.testing.builders import a_payment
from payments_core.testing.clock import ManualClock
from payments_core.testing.fake_provider import (
    ACTION_METHOD,
    APPROVED_METHOD,
    DECLINED_METHOD,
    PROCESSING_METHOD,
    FakePaymentProvider,
    Fault,
)

P = ProviderPaymentStatus
METHODS = [APPROVED_METHOD, DECLINED_METHOD, ACTION_METHOD, PROCESSING_METHOD]
cents = st.integers(1, 1200)


class PaymentMachine(RuleBasedStateMachine):
    """
    Drives one payment and the fake provider; answers are lost, late, doubled and reordered.

    The model is the provider: what it says it took and gave back is the truth that the
    payment must never contradict.
    """

    @initialize(
        method=st.sampled_from([None, *METHODS]), capture=st.sampled_from(list(CaptureMethod))
    )
    def open(self, method: str | None, capture: CaptureMethod) -> None:
        """
        Open a payment of 10.00 EUR.
        """
        self.clock = ManualClock()
        self.policy = Policy()
        self.provider = FakePaymentProvider(clock=self.clock)
        self.payment = a_payment(payment_method_id=method, capture_method=capture)
        self.unsent: list[Operation] = [self.payment.operations[0]]
        self.undelivered: list[Answer] = []
        self.steps = [self.payment.status]

    # ------------------------------------------------------------ what callers ask

    def ask(self, act: Any) -> None:
        """
        Ask the payment; a refusal must change nothing.
        """
        before = (self.payment.status, len(self.payment.operations), len(self.payment.refunds))
        try:
            asked = act()
        except PaymentsError:
            after = (self.payment.status, len(self.payment.operations), len(self.payment.refunds))
            assert after == before
            return
        operation = asked[1] if isinstance(asked, tuple) else asked
        if operation is not None:
            self.unsent.append(operation)

    @rule(method=st.sampled_from([None, *METHODS]))
    def confirm(self, method: str | None) -> None:
        """
        Confirm, perhaps with another method.
        """
        self.ask(lambda: asking.confirm(self.payment, method, None, self.clock.now(), self.policy))

    @rule(amount=st.none() | cents)
    def capture(self, amount: int | None) -> None:
        """
        Capture all, a part, or too much.
        """
        money = Money.from_minor(amount, "EUR") if amount else None
        self.ask(lambda: asking.capture(self.payment, money, self.clock.now(), self.policy))

    @rule()
    def cancel(self) -> None:
        """
        Cancel.
        """
        self.ask(lambda: asking.cancel(self.payment, self.clock.now(), self.policy))

    @rule(amount=st.none() | cents)
    def refund(self, amount: int | None) -> None:
        """
        Refund all that is left, a part, or too much.
        """
        money = Money.from_minor(amount, "EUR") if amount else None
        self.ask(lambda: asking.refund(self.payment, money, None, self.clock.now(), self.policy))

    # ------------------------------------------------------------ what the network does

    @precondition(lambda self: self.unsent)
    @rule(data=st.data(), fault=st.sampled_from([None, "effect", "nothing"]))
    def send(self, data: st.DataObject, fault: str | None) -> None:
        """
        Send an operation; the call may be lost before or after its effect.
        """
        operation = self.unsent.pop(data.draw(st.integers(0, len(self.unsent) - 1)))
        for method in ("create_intent", "confirm", "capture", "cancel", "refund"):
            if fault:
                self.provider.faults.append(Fault(method, effect=fault == "effect"))
        self.undelivered.append(send(self.provider, operation))
        self.provider.faults.clear()

    @precondition(lambda self: self.undelivered)
    @rule(data=st.data(), again=st.booleans())
    def deliver(self, data: st.DataObject, again: bool) -> None:
        """
        Deliver an answer, in any order, perhaps twice.
        """
        index = data.draw(st.integers(0, len(self.undelivered) - 1))
        answer = self.undelivered[index] if again else self.undelivered.pop(index)
        self.settle(answer)

    @rule()
    def observe(self) -> None:
        """
        Read the provider's objects afresh, as webhooks and recovery do.
        """
        for fact in list(self.provider._payments.values()):
            refunds = self.provider.refunds_of(fact.id)
            self.settle(Answer(payment=self.provider.retrieve(fact.id), refunds=refunds))

    def settle(self, answer: Answer) -> None:
        """
        Apply an answer and note the steps that the payment took.
        """
        self.unsent += apply(self.payment, answer, self.clock.now(), self.policy)
        paid = any(isinstance(e, PaymentSucceeded) for e in self.payment.events)
        if paid and PaymentStatus.SUCCEEDED not in self.steps:
            # One answer may bring the capture and its refund: two steps, the first told.
            self.steps.append(PaymentStatus.SUCCEEDED)
        if self.payment.status is not self.steps[-1]:
            self.steps.append(self.payment.status)

    # ------------------------------------------------------------ what the customer and bank do

    def objects(self, *states: ProviderPaymentStatus) -> list[str]:
        """
        Return the provider's objects in these states.
        """
        return [p.id for p in self.provider._payments.values() if p.status in states]

    @rule(approves=st.booleans())
    def answer_on_the_page(self, approves: bool) -> None:
        """
        The customer approves or refuses.
        """
        for object_id in self.objects(P.REQUIRES_ACTION):
            act = self.provider.approve if approves else self.provider.reject
            act(object_id)

    @rule(method=st.sampled_from(METHODS))
    def pay_in_the_browser(self, method: str) -> None:
        """
        The customer's browser tries a method, if it is the browser that confirms.
        """
        if self.payment.payment_method_id is None:
            for object_id in self.objects(P.REQUIRES_PAYMENT_METHOD):
                self.provider.pay(object_id, method)

    @rule()
    def finish_processing(self) -> None:
        """
        The bank is done.
        """
        for object_id in self.objects(P.PROCESSING):
            self.provider.finish(object_id)

    @rule(amount=cents)
    def refund_elsewhere(self, amount: int) -> None:
        """
        A person refunds on the provider's pages, as much as is left there at most.
        """
        for object_id in self.objects(P.SUCCEEDED):
            left = self.taken() - self.returned()
            if left:
                money = Money.from_minor(min(amount, left), "EUR")
                self.provider.refund_outside(object_id, money)

    # ------------------------------------------------------------ what always holds

    def taken(self) -> int:
        """
        Return what the provider took, in cents.
        """
        return sum(p.captured.minor_units for p in self.provider._payments.values())

    def returned(self) -> int:
        """
        Return what the provider gave back, in cents.
        """
        return sum(
            r.amount.minor_units for r in self.provider._refunds.values() if not r.releases_only
        )

    @invariant()
    def money_is_conserved(self) -> None:
        """
        Refunded ≤ captured ≤ authorised ≤ amount, and never more than the provider did.
        """
        if not hasattr(self, "payment"):
            return
        payment = self.payment
        amounts = (payment.refunded, payment.captured, payment.authorized, payment.amount)
        assert list(amounts) == sorted(amounts, key=lambda m: m.minor_units)
        assert payment.captured.minor_units <= self.taken()
        assert payment.refunded.minor_units <= self.returned() <= self.taken()

    @invariant()
    def one_object_is_made(self) -> None:
        """
        The customer is charged through one object at most, and once.
        """
        if hasattr(self, "payment"):
            assert len(self.provider._payments) <= 1
            assert self.taken() <= self.payment.amount.minor_units

    @invariant()
    def steps_are_allowed(self) -> None:
        """
        Every step is one of the status table.
        """
        if hasattr(self, "payment"):
            for before, after in zip(self.steps, self.steps[1:], strict=False):
                assert after in TRANSITIONS[before]

    @invariant()
    def an_end_is_told_once_and_proven(self) -> None:
        """
        Succeeded, Failed and each refund are told once; Failed and Canceled took no money.
        """
        if not hasattr(self, "payment"):
            return
        payment = self.payment
        told = [type(e) for e in payment.events]
        ends = told.count(PaymentSucceeded) + told.count(PaymentFailed)
        paid = {PaymentStatus.SUCCEEDED, PaymentStatus.REFUNDED}
        assert ends == (1 if payment.closed or payment.status in paid else 0)
        issued = [e.refund_id for e in payment.events if isinstance(e, RefundIssued)]
        assert len(set(issued)) == len(issued)
        if payment.closed:
            assert self.taken() == 0
            assert self.objects(P.REQUIRES_CAPTURE, P.PROCESSING, P.REQUIRES_ACTION) == []

    @override
    def teardown(self) -> None:
        """
        When everything is sent, answered and read, the payment says what the provider says.
        """
        if not hasattr(self, "payment"):
            return
        for _ in range(6):
            while self.unsent:
                self.undelivered.append(send(self.provider, self.unsent.pop(0)))
            while self.undelivered:
                self.settle(self.undelivered.pop(0))
            self.observe()
        self.money_is_conserved()
        self.an_end_is_told_once_and_proven()
        assert self.payment.captured.minor_units == self.taken()
        assert self.payment.refunded.minor_units == self.returned()


PaymentMachine.TestCase.settings = settings(max_examples=1000, stateful_step_count=50)
TestPaymentMachine = PaymentMachine.TestCase
