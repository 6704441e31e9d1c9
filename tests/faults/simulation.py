"""
The core in a world without a network or a clock of its own: a seed decides everything.

One thread plays clients, customers, bank, provider, workers and failures. Between any two steps
of a use case, at its fault points, somebody else may act, time may pass, or the process may die.
Run one seed again with ``.venv/bin/python -m tests.faults.simulation SEED``.
"""

import argparse
import logging
import random
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

import attrs
from typing_extensions import override

from payments_core.application.cancel_payment import CancelPayment, CancelPaymentCommand
from payments_core.application.capture_payment import CapturePayment, CapturePaymentCommand
from payments_core.application.confirm_payment import ConfirmPayment, ConfirmPaymentCommand
from payments_core.application.create_payment import CreatePayment, CreatePaymentCommand
from payments_core.application.expire_payments import ExpirePayments
from payments_core.application.look_again import LookAgain, LookAgainCommand
from payments_core.application.operations import Operations
from payments_core.application.process_webhooks import ProcessWebhooks
from payments_core.application.receive_webhook import ReceiveWebhook, ReceiveWebhookCommand
from payments_core.application.refund_payment import RefundPayment, RefundPaymentCommand
from payments_core.application.relay_outbox import RelayOutbox
from payments_core.application.resolve_operations import ResolveOperations
from payments_core.application.verification.stored import CHECKS
from payments_core.application.verification.terms import Terms
from payments_core.application.verify_payments import VerifyPayments, VerifyPaymentsCommand
from payments_core.domain.errors import PaymentsError, StorageUnavailable
from payments_core.domain.facts import ProviderPaymentStatus, ProviderRefundStatus
from payments_core.domain.ids import child_id
from payments_core.domain.invariants import Violation
from payments_core.domain.money import Money
from payments_core.domain.operation import OPEN, OperationState
from payments_core.domain.policy import Policy
from payments_core.domain.requests import CaptureMethod, ProviderRequest
from payments_core.ports.faults import hooked
from payments_core.ports.outbox import BLOCKING
from payments_core.ports.provider import NoticeTopic
from payments_core.testing.clock import ManualClock
from payments_core.testing.fake_provider import (
    ACTION_METHOD,
    APPROVED_METHOD,
    DECLINED_METHOD,
    PROCESSING_METHOD,
    FakePaymentProvider,
    Fault,
)
from payments_core.testing.memory import DUE, InMemoryDatabase, InMemoryUnitOfWork
from payments_core.testing.memory_records import InMemoryRecordQueries
from payments_core.testing.recording_publisher import RecordingPublisher
from tests.faults.evidence import Call, Delivery, Evidence, Heard, Version, Written

STEPS: Final = 200
ORDERS: Final = 4
METHODS: Final = (None, APPROVED_METHOD, DECLINED_METHOD, ACTION_METHOD, PROCESSING_METHOD)
WRITES: Final = ("create_intent", "confirm", "capture", "cancel", "refund", "retrieve")
ROOT: Final = UUID(int=7, version=4)
P = ProviderPaymentStatus


class Died(BaseException):
    """
    The process is no more: nothing that was not committed will happen.
    """


class NotedProvider(FakePaymentProvider):
    """
    Notes under which key each write came, and when.
    """

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock=clock)
        self.noted: list[Call] = []

    @override
    def _once(self, method: str, request: ProviderRequest, key: str, act: Any) -> Any:
        self.noted.append(Call(key, self._clock.now()))
        return super()._once(method, request, key, act)


class NotedUnitOfWork(InMemoryUnitOfWork):
    """
    Notes each version of each payment that is committed.
    """

    def __init__(self, database: InMemoryDatabase, history: list[Version]) -> None:
        super().__init__(database)
        self._kept = database
        self._history = history

    @override
    def commit(self) -> None:
        before = self._kept.tables.payments
        super().commit()
        for payment in self._kept.tables.payments.values():
            if payment.id not in before or before[payment.id].version != payment.version:
                self._history.append(
                    Version(
                        payment_id=payment.id,
                        version=payment.version,
                        status=payment.status,
                        amount=payment.amount.minor_units,
                        currency=payment.amount.currency,
                        order_id=payment.order_id,
                        customer_id=payment.customer_id,
                        provider_payment_id=payment.provider_payment_id,
                        updated_at=payment.updated_at,
                    )
                )


@attrs.define
class Simulation:
    """
    One seed's world.

    Attributes:
        depth: How many people are acting, each within a step of the one before.
    """

    seed: int
    chance: random.Random = attrs.field(init=False)
    clock: ManualClock = attrs.field(factory=ManualClock)
    database: InMemoryDatabase = attrs.field(factory=InMemoryDatabase)
    publisher: RecordingPublisher = attrs.field(factory=RecordingPublisher)
    provider: NotedProvider = attrs.field(init=False)
    operations: Operations = attrs.field(init=False)
    evidence: Evidence = attrs.field(factory=Evidence)
    faulty: bool = True
    depth: int = 0
    deliveries: list[tuple[str, NoticeTopic, str]] = attrs.field(factory=list)
    trail: list[str] = attrs.field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.provider = NotedProvider(self.clock)
        units = partial(NotedUnitOfWork, self.database, self.evidence.history)
        self.operations = Operations(units, {"fake": self.provider}, self.clock, Policy())

    # ------------------------------------------------------------ one run

    def run(self, steps: int = STEPS) -> list[Violation]:
        """
        Take so many steps, let everything recover, and return what is broken.
        """
        with hooked(self.strike):
            for number in range(steps):
                self.step()
                if number % 25 == 24 and (found := self.broken_now()):
                    return found
        return self.recover()

    def step(self) -> None:
        """
        Let somebody do something, and perhaps not get to its end.
        """
        actor = self.chance.choices(ACTORS, WEIGHTS)[0]
        self.trail.append(actor.__name__)
        with suppress(PaymentsError, Died):
            actor(self)

    def strike(self, name: str) -> None:
        """
        Decide what happens at a fault point.
        """
        if not self.faulty:
            return
        roll = self.chance.random()
        if roll < 0.02:
            self.trail.append(f"died at {name}")
            raise Died
        if roll < 0.04 and name.endswith("commit"):
            self.trail.append(f"lost the database at {name}")
            raise StorageUnavailable("lost")
        # Within a transaction nobody else can act: it holds the one lock there is.
        inside = name.endswith(("precommit", "intent.commit")) or name == "webhook.settled"
        if roll < 0.12 and not inside and self.depth < 2:
            self.depth += 1
            try:
                self.step()
            finally:
                self.depth -= 1

    # ------------------------------------------------------------ who acts

    def order(self) -> UUID:
        """
        Return one of few orders.
        """
        return child_id(ROOT, "order", self.chance.randrange(ORDERS))

    def payment(self) -> UUID:
        """
        Return a payment that there is.

        Raises:
            PaymentsError: There is none.
        """
        every = list(self.database.tables.payments)
        if not every:
            raise PaymentsError
        return self.chance.choice(every)

    def amount(self) -> Money | None:
        """
        Return all, a part, or too much.
        """
        return self.chance.choice([None, *(Money.from_minor(n, "EUR") for n in (1, 400, 1100))])

    def create(self) -> None:
        """
        A client asks for a payment, one that it may have asked for before.
        """
        command = CreatePaymentCommand(
            order_id=self.order(),
            customer_id="alice",
            amount=Money.from_minor(1000, "EUR"),
            provider="fake",
            capture_method=self.chance.choice(list(CaptureMethod)),
            payment_method_id=self.chance.choice(METHODS),
            idempotency_key=self.chance.choice([None, f"key{self.chance.randrange(6)}"]),
        )
        new_id = partial(self._new_id, len(self.database.tables.payments))
        CreatePayment(self.operations, new_id=new_id).execute(command)

    def _new_id(self, number: int, _: object) -> UUID:
        return child_id(ROOT, "payment", f"{number}:{self.chance.getrandbits(64)}")

    def confirm(self) -> None:
        """
        A client confirms.
        """
        key = self.chance.choice([None, f"confirm{self.chance.randrange(3)}"])
        command = ConfirmPaymentCommand(
            payment_id=self.payment(),
            payment_method_id=self.chance.choice(METHODS),
            request_key=key,
        )
        ConfirmPayment(self.operations).execute(command)

    def capture(self) -> None:
        """
        A client captures.
        """
        key = f"capture{self.chance.randrange(2)}"
        command = CapturePaymentCommand(
            payment_id=self.payment(), amount=self.amount(), idempotency_key=key
        )
        CapturePayment(self.operations).execute(command)

    def cancel(self) -> None:
        """
        A client cancels.
        """
        CancelPayment(self.operations).execute(CancelPaymentCommand(payment_id=self.payment()))

    def refund(self) -> None:
        """
        A client refunds, under a key that it may have used.
        """
        command = RefundPaymentCommand(
            payment_id=self.payment(),
            request_key=f"refund{self.chance.randrange(4)}",
            idempotency_key=self.chance.choice([None, f"key{self.chance.randrange(6)}"]),
            amount=self.amount(),
        )
        RefundPayment(self.operations).execute(command)

    def customer(self) -> None:
        """
        A customer approves, refuses, or pays in the browser; a bank is done.
        """
        every = list(self.provider._payments.values())
        if not every:
            return
        fact = self.chance.choice(every)
        if fact.status is P.REQUIRES_ACTION:
            self.chance.choice([self.provider.approve, self.provider.reject])(fact.id)
        elif fact.status is P.PROCESSING:
            self.provider.finish(fact.id)
        elif fact.status is P.REQUIRES_PAYMENT_METHOD and self._by_browser(fact.payment_id):
            self.provider.pay(fact.id, self.chance.choice(METHODS[1:]) or APPROVED_METHOD)
        self.deliveries.append((fact.id, NoticeTopic.PAYMENT, self._event()))

    def _by_browser(self, payment_id: UUID | None) -> bool:
        payment = self.database.tables.payments.get(payment_id) if payment_id else None
        return payment is not None and payment.payment_method_id is None

    def _event(self) -> str:
        return f"evt_{self.chance.getrandbits(48):x}"

    def elsewhere(self) -> None:
        """
        A person refunds on the provider's pages, or a bank sends a refund back.
        """
        done = [p for p in self.provider._payments.values() if p.status is P.SUCCEEDED]
        if not done:
            return
        fact = self.chance.choice(done)
        gone = sum(r.amount.minor_units for r in self.provider._returned(fact.id))
        left = fact.captured.minor_units - gone
        issued = [
            r
            for r in self.provider._returned(fact.id)
            if r.status is ProviderRefundStatus.SUCCEEDED
        ]
        if left and self.chance.random() < 0.5:
            self.provider.refund_outside(fact.id, Money.from_minor(min(left, 100), "EUR"))
        elif issued:
            self.provider.reverse(self.chance.choice(issued).id)
        self.deliveries.append((fact.id, NoticeTopic.REFUND, self._event()))

    def webhook(self) -> None:
        """
        The provider tells of any of its objects, late, again, or in any order.
        """
        every = list(self.provider._payments)
        if every:
            topic = self.chance.choice([NoticeTopic.PAYMENT, NoticeTopic.REFUND])
            self.deliveries.append((self.chance.choice(every), topic, self._event()))
        if self.deliveries:
            self.deliver(self.chance.choice(self.deliveries))

    def deliver(self, delivery: tuple[str, NoticeTopic, str]) -> None:
        """
        Bring an event.
        """
        object_id, topic, event_id = delivery
        payload, headers = self.provider.webhook(object_id, topic, event_id=event_id)
        command = ReceiveWebhookCommand(provider="fake", payload=payload, headers=headers)
        ReceiveWebhook(self.operations, ProcessWebhooks(self.operations)).execute(command)
        self.evidence.deliveries.append(Delivery(event_id, 200))

    def worker(self) -> None:
        """
        One of the worker's jobs runs once.
        """
        self.chance.choice(self.jobs())()

    def jobs(self) -> list[Callable[[], int]]:
        """
        Return what the worker does.
        """
        operations = self.operations
        relay = RelayOutbox(operations.unit_of_work, self.publisher, self.clock)
        return [
            ProcessWebhooks(operations).execute,
            ResolveOperations(operations).execute,
            ExpirePayments(operations).execute,
            relay.execute,
        ]

    def time(self) -> None:
        """
        Time passes: mostly little, sometimes days.
        """
        self.clock.advance(seconds=self.chance.choice([1, 5, 30, 61, 61, 600, 3700, 90_000]))

    def trouble(self) -> None:
        """
        The provider's next call of a kind goes wrong; the broker goes or comes.
        """
        self.publisher.down = self.chance.random() < 0.3
        fault = Fault(self.chance.choice(WRITES), effect=self.chance.random() < 0.5)
        self.provider.faults.append(fault)

    # ------------------------------------------------------------ the end

    def recover(self) -> list[Violation]:
        """
        Let faults end, and everything go on by itself; return what is broken then.
        """
        self.faulty = self.publisher.down = False
        self.provider.faults.clear()
        if not self.quiet():
            return [Violation("I17", f"seed {self.seed}", "something is open after ten days")]
        for object_id in self.provider._payments:
            for topic in (NoticeTopic.PAYMENT, NoticeTopic.REFUND):
                self.deliver((object_id, topic, self._event()))
        if not self.quiet():
            return [Violation("I17", f"seed {self.seed}", "something is open after ten days")]
        self.clock.advance(seconds=1)
        return self.judge()

    def quiet(self) -> bool:
        """
        Run the worker until nothing is left to do; return whether that came.
        """
        for _ in range(300):
            for job in self.jobs():
                # A job that never has enough is a fault of its own.
                if not any(not job() for _ in range(100)):
                    return False
            if not self.open():
                return True
            self.person()
            self.clock.advance(minutes=48)
        return False

    def person(self) -> None:
        """
        Hand back to recovery what it left to a person, after a week without an outcome.
        """
        for payment in list(self.database.tables.payments.values()):
            for operation in payment.operations:
                if operation.state is OperationState.REVIEW and operation.next_at is None:
                    command = LookAgainCommand(payment_id=payment.id, operation_id=operation.id)
                    LookAgain(self.operations).execute(command)

    def open(self) -> bool:
        """
        Return whether something is left to do that time and the provider alone can end.
        """
        tables = self.database.tables
        for fact in list(self.provider._payments.values()):
            if fact.status is P.PROCESSING:
                self.provider.finish(fact.id)
        return (
            any(o.state in OPEN for p in tables.payments.values() for o in p.operations)
            or any(w.status in DUE for w in tables.webhooks.values())
            or any(m.status in BLOCKING for m in tables.outbox.values())
        )

    def broken_now(self) -> list[Violation]:
        """
        Return what is broken in the middle, where much is still open.
        """
        records = InMemoryRecordQueries(self.database).payments(None, None, 1000)
        terms = Terms(self.clock.now(), grace=timedelta(days=3650))
        always = {name: check for name, check in CHECKS.items() if name not in {"I20", "I22"}}
        return [
            Violation(name, str(record.payment.id), found)
            for record in records
            for name, check in always.items()
            for found in check(record, terms)
        ]

    def judge(self) -> list[Violation]:
        """
        Check everything.
        """
        records = InMemoryRecordQueries(self.database)
        verify = VerifyPayments(records, {"fake": self.provider}, self.clock)
        report = verify.execute(VerifyPaymentsCommand(provider=True, grace=timedelta(0)))
        tables, evidence = self.database.tables, self.evidence
        evidence.calls = self.provider.noted
        for payment in tables.payments.values():
            evidence.intents |= {o.provider_key: o.first_sent_at for o in payment.operations}
        evidence.written = [
            Written(str(m.id), m.order_id, m.sequence, m.body, left=m.published_at is not None)
            for m in tables.outbox.values()
        ]
        evidence.heard = [Heard(str(m.id), m.body) for m in self.publisher.messages]
        evidence.stored = {event_id for _, event_id in tables.webhooks}
        stored = [v for named in report.examples.values() for v in named]
        return [*stored, *evidence.violations()]


S = Simulation
PARTS: Final[Mapping[Callable[[Simulation], None], int]] = {
    S.create: 4,
    S.confirm: 2,
    S.capture: 3,
    S.cancel: 1,
    S.refund: 3,
    S.customer: 4,
    S.elsewhere: 1,
    S.webhook: 4,
    S.worker: 6,
    S.time: 4,
    S.trouble: 3,
}
ACTORS: Final = list(PARTS)
WEIGHTS: Final = list(PARTS.values())


def main() -> None:
    """
    Run one seed, show what happened, and say what broke.
    """
    parser = argparse.ArgumentParser("python -m tests.faults.simulation", description=main.__doc__)
    parser.add_argument("seed", type=int, help="decides everything, so it can be seen again")
    seed: int = parser.parse_args().seed
    simulation = Simulation(seed)
    found = simulation.run()
    steps = len(simulation.trail)
    end = f"Seed {seed}: {steps} steps and failures, {len(found)} violations."
    sys.stdout.write("\n".join([*simulation.trail, *map(str, found), end]) + "\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    main()
