"""
Two who act on one payment at the same moment: one effect, whoever is first.

Each race is run many times on both databases; a barrier lets both sides settle together.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import attrs
import pytest
from sqlalchemy import Engine
from typing_extensions import override

from payments_core.application.create_payment import CreatePayment, CreatePaymentCommand
from payments_core.application.operations import Operations
from payments_core.application.process_webhooks import ProcessWebhooks
from payments_core.application.receive_webhook import ReceiveWebhook, ReceiveWebhookCommand
from payments_core.application.refund_payment import RefundPayment, RefundPaymentCommand
from payments_core.application.resolve_operations import ResolveOperations
from payments_core.domain.operation import OperationState
from payments_core.domain.payment import Payment
from payments_core.domain.policy import Policy
from payments_core.domain.refund import RefundStatus
from payments_core.domain.requests import CaptureMethod
from payments_core.domain.status import PaymentStatus
from payments_core.ports.provider import NoticeTopic
from payments_core.testing.builders import eur
from payments_core.testing.clock import ManualClock
from payments_core.testing.fake_provider import FakePaymentProvider, Fault
from payments_postgres import (
    DatabaseSettings,
    SqlAlchemyPaymentQueries,
    SqlAlchemyUnitOfWork,
    create_engine,
    migrate,
)
from scripts.servers import SERVERS

S = PaymentStatus
POSTGRES = pytest.param("postgresql", marks=pytest.mark.postgres)
LONG = 60
"""
Seconds that one side waits for the other, on a busy machine.
"""


class Meeting(FakePaymentProvider):
    """
    A provider that holds an answer back, after its effect, until somebody else is as far.
    """

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock=clock)
        self.reached = threading.Event()
        self.go = threading.Event()
        self.held: str | None = None

    def hold(self, method: str) -> None:
        """
        Hold the next answer of a method.
        """
        self.reached.clear()
        self.go.clear()
        self.held = method

    @override
    def _once(self, method: str, *args: Any) -> Any:
        answer = super()._once(method, *args)
        if self.held == method:
            self.held = None
            self.reached.set()
            assert self.go.wait(LONG)
        return answer


@attrs.define
class Table:
    """
    The use cases on one database, for races.
    """

    engine: Engine
    clock: ManualClock = attrs.field(factory=ManualClock)
    provider: Meeting = attrs.field(init=False)
    operations: Operations = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.provider = Meeting(self.clock)
        units = partial(SqlAlchemyUnitOfWork, self.engine)
        self.operations = Operations(units, {"fake": self.provider}, self.clock, Policy())

    def pay(self) -> UUID:
        """
        Pay 10.00 EUR, and return the payment's id.
        """
        command = CreatePaymentCommand(
            order_id=uuid4(),
            customer_id="alice",
            amount=eur("10.00"),
            provider="fake",
            capture_method=CaptureMethod.AUTOMATIC,
            payment_method_id="fake_approved",
        )
        return CreatePayment(self.operations).execute(command).payment.id

    def refund(self, payment_id: UUID) -> UUID:
        """
        Return 4.00 EUR.
        """
        command = RefundPaymentCommand(
            payment_id=payment_id, request_key=str(uuid4()), amount=eur("4.00")
        )
        return RefundPayment(self.operations).execute(command).refund.id

    def sweep(self) -> int:
        """
        Sweep once, as a process of its own would.
        """
        return ResolveOperations(self.operations).execute()

    def webhook(self, object_id: str, topic: NoticeTopic = NoticeTopic.PAYMENT) -> None:
        """
        Deliver a genuine event about an object.
        """
        event_id = f"evt_{uuid4().hex}"
        payload, headers = self.provider.webhook(object_id, topic, event_id=event_id)
        command = ReceiveWebhookCommand(provider="fake", payload=payload, headers=headers)
        process = ProcessWebhooks(self.operations)
        ReceiveWebhook(self.operations, process).execute(command)

    def newest_object(self) -> str:
        """
        Return the id of the provider's newest payment object.
        """
        return list(self.provider._payments)[-1]

    def stored(self, payment_id: UUID) -> Payment:
        """
        Return the payment as it is kept.
        """
        with self.operations.unit_of_work() as uow:
            payment = uow.payments.get(payment_id)
        assert payment is not None
        return payment

    def told(self, payment_id: UUID) -> list[str]:
        """
        Return the names of the messages about a payment.
        """
        entries = SqlAlchemyPaymentQueries(self.engine).timeline(payment_id)
        return [entry.name for entry in entries if entry.kind == "event"]


@pytest.fixture(scope="module", params=["sqlite", POSTGRES])
def table(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Table]:
    """
    Each database in turn.
    """
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path_factory.mktemp('races')}/{Path('payments.db')}"
        else:
            server = SERVERS["postgres"]
            url = stack.enter_context(server.room(request.getfixturevalue("postgres_url")))[
                server.variable
            ]
        settings = DatabaseSettings(
            url, pool_size=20, statement_timeout_seconds=30, lock_timeout_seconds=30
        )
        engine = create_engine(settings)
        stack.callback(engine.dispose)
        migrate(engine)
        yield Table(engine)


def together(*acts: Callable[[], object]) -> None:
    """
    Do several things in threads that start at the same moment; an error of one is raised.
    """
    start = threading.Barrier(len(acts))

    def wait_and_act(act: Callable[[], object]) -> object:
        start.wait(LONG)
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        list(pool.map(wait_and_act, acts))


def paid_once(table: Table, payment_id: UUID) -> Payment:
    """
    Return a payment; assert that it was charged once, settled, and told once.
    """
    payment = table.stored(payment_id)
    objects = [p for p in table.provider._payments.values() if p.payment_id == payment_id]

    assert payment.status is S.SUCCEEDED
    assert payment.unresolved_operations == 0
    assert len(objects) == 1
    assert table.told(payment_id).count("IPaymentSucceeded") == 1
    return payment


def two_sweepers(table: Table, trial: int) -> None:
    """
    Both find the same operation, with or without its effect.
    """
    table.provider.faults.append(Fault("create_intent", effect=bool(trial % 2)))
    payment_id = table.pay()
    table.clock.advance(seconds=7)
    calls = len(table.provider.calls)
    together(table.sweep, table.sweep)
    payment = paid_once(table, payment_id)

    assert payment.operations[0].attempts == 2
    assert len(table.provider.calls) == calls + 1


def sweeper_and_slow_request(table: Table, _: int) -> None:
    """
    The live request is slower than its lease: the sweeper sends the same key meanwhile.
    """
    table.provider.hold("create_intent")
    with ThreadPoolExecutor(1) as pool:
        request = pool.submit(table.pay)
        assert table.provider.reached.wait(LONG)
        table.clock.advance(seconds=61)
        together(table.sweep, table.provider.go.set)
        payment_id = request.result(LONG)
    paid_once(table, payment_id)


def webhook_and_reply(table: Table, _: int) -> None:
    """
    The webhook comes at the moment of the reply.
    """
    table.provider.hold("create_intent")
    with ThreadPoolExecutor(1) as pool:
        request = pool.submit(table.pay)
        assert table.provider.reached.wait(LONG)
        object_id = table.newest_object()
        together(lambda: table.webhook(object_id), table.provider.go.set)
        payment_id = request.result(LONG)
    paid_once(table, payment_id)


def refund_and_webhook(table: Table, _: int) -> None:
    """
    The webhook of a refund comes at the moment of its reply.
    """
    payment_id = table.pay()
    object_id = table.newest_object()
    table.provider.hold("refund")
    with ThreadPoolExecutor(1) as pool:
        request = pool.submit(table.refund, payment_id)
        assert table.provider.reached.wait(LONG)
        together(
            lambda: table.webhook(object_id, NoticeTopic.REFUND),
            lambda: table.webhook(object_id, NoticeTopic.REFUND),
            table.provider.go.set,
        )
        refund_id = request.result(LONG)
    payment = paid_once(table, payment_id)

    assert [(r.id, r.status) for r in payment.refunds] == [(refund_id, RefundStatus.SUCCEEDED)]
    assert payment.operations[-1].state is OperationState.SUCCEEDED
    assert payment.refunded == eur("4.00")
    assert table.told(payment_id).count("IRefundIssued") == 1


RACES = [two_sweepers, sweeper_and_slow_request, webhook_and_reply, refund_and_webhook]
Race = Callable[[Table, int], None]


@pytest.mark.parametrize("race", RACES)
def test_race(table: Table, race: Race) -> None:
    """
    A few trials of each in every run of the suite.
    """
    for trial in range(4):
        race(table, trial)


@pytest.mark.slow
@pytest.mark.parametrize("race", RACES)
def test_race_many_times(table: Table, race: Race, scaled: Callable[[int, int], int]) -> None:
    """
    Sixty trials of each; a thousand before a release.
    """
    for trial in range(scaled(60, 1000)):
        race(table, trial)
