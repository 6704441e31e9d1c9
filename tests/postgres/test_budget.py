"""
How many transactions and statements each use case may cost. BEGIN and COMMIT are not counted.
"""

from collections.abc import Callable
from functools import partial
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from payments_core.application.create_payment import CreatePayment, CreatePaymentCommand
from payments_core.application.expire_payments import ExpirePayments
from payments_core.application.operations import Operations
from payments_core.application.process_webhooks import ProcessWebhooks
from payments_core.application.receive_webhook import ReceiveWebhook, ReceiveWebhookCommand
from payments_core.application.refund_payment import RefundPayment, RefundPaymentCommand
from payments_core.application.relay_outbox import RelayOutbox
from payments_core.application.resolve_operations import ResolveOperations
from payments_core.domain.policy import Policy
from payments_core.domain.requests import CaptureMethod
from payments_core.domain.status import PaymentStatus
from payments_core.ports.queries import PaymentFilter, PaymentView
from payments_core.testing.builders import eur
from payments_core.testing.clock import ManualClock
from payments_core.testing.fake_provider import (
    ACTION_METHOD,
    APPROVED_METHOD,
    DECLINED_METHOD,
    FakePaymentProvider,
    Fault,
)
from payments_core.testing.recording_publisher import RecordingPublisher
from payments_postgres import SqlAlchemyPaymentQueries, SqlAlchemyUnitOfWork
from tests.postgres.recorder import Recorder

CREATE = ["SELECT orders", "INSERT payments", "INSERT payment_operations", "INSERT audit_log"]
READ = ["SELECT payments", "SELECT payment_operations"]
WRITE = ["UPDATE payments", "UPDATE payment_operations"]
TELL = ["INSERT orders", "INSERT outbox"]


@pytest.fixture
def provider() -> FakePaymentProvider:
    """
    A provider that answers at once.
    """
    return FakePaymentProvider()


@pytest.fixture
def operations(engine: Engine, provider: FakePaymentProvider) -> Operations:
    """
    What the use cases stand on.
    """
    make_uow = partial(SqlAlchemyUnitOfWork, engine)
    return Operations(make_uow, {provider.name: provider}, ManualClock(), Policy())


Create = Callable[..., PaymentView]


@pytest.fixture
def create(operations: Operations) -> Create:
    """
    Creates a payment of 10.00 EUR with a payment method, perhaps under an idempotency key.
    """

    def create(
        method: str | None, key: str | None = None, order: UUID | None = None
    ) -> PaymentView:
        command = CreatePaymentCommand(
            order_id=order or uuid4(),
            customer_id="alice",
            amount=eur("10.00"),
            provider="fake",
            capture_method=CaptureMethod.AUTOMATIC,
            payment_method_id=method,
            idempotency_key=key,
        )
        return CreatePayment(operations).execute(command).payment

    return create


def test_create(engine: Engine, create: Create) -> None:
    """
    Two transactions and eight statements: the intention with who had it, and the outcome with its event.

    Nothing that was just written is read again.
    """
    with Recorder(engine) as record:
        payment = create(APPROVED_METHOD)

    assert payment.status is PaymentStatus.SUCCEEDED
    assert record.transactions == 2
    assert record.verbs == [*CREATE, *WRITE, *TELL]


def test_create_for_the_browser(engine: Engine, create: Create) -> None:
    """
    Without an event it is six.
    """
    with Recorder(engine) as record:
        payment = create(None)

    assert payment.client_secret is not None
    assert record.transactions == 2
    assert record.verbs == [*CREATE, *WRITE]


def test_create_under_a_key(engine: Engine, create: Create) -> None:
    """
    An idempotency key costs two statements, in the same two transactions: it is taken and answered.
    """
    order = uuid4()
    with Recorder(engine) as record:
        create(APPROVED_METHOD, "k", order)
    with Recorder(engine) as repeated:
        create(APPROVED_METHOD, "k", order)

    keys = "idempotency_keys"
    assert record.transactions == 2
    assert record.verbs == [f"INSERT {keys}", *CREATE, *WRITE, *TELL, f"UPDATE {keys}"]
    assert (repeated.transactions, repeated.verbs) == (1, [f"INSERT {keys}", f"SELECT {keys}"])


def test_decline_under_a_key(engine: Engine, create: Create) -> None:
    """
    The key is answered once, when the cancellation that follows is done too.
    """
    with Recorder(engine) as record:
        create(DECLINED_METHOD, "k")

    assert record.transactions == 3
    assert record.verbs.count("UPDATE idempotency_keys") == 1
    assert record.verbs[-1] == "UPDATE idempotency_keys"


def test_decline(engine: Engine, create: Create) -> None:
    """
    A decline has a third transaction, for the cancellation at the provider.
    """
    with Recorder(engine) as record:
        payment = create(DECLINED_METHOD)

    cancel = ["UPDATE payments", "INSERT payment_operations", "UPDATE payment_operations"]
    assert payment.status is PaymentStatus.FAILED
    assert record.transactions == 3
    assert record.verbs == [*CREATE, *cancel, *WRITE, *TELL]


def test_webhook(
    engine: Engine,
    operations: Operations,
    provider: FakePaymentProvider,
    create: Create,
) -> None:
    """
    Two transactions: the event is stored, then acted on.
    """
    waiting = create(ACTION_METHOD)
    assert waiting.provider_payment_id is not None
    provider.approve(waiting.provider_payment_id)
    payload, headers = provider.webhook(waiting.provider_payment_id)
    receive = ReceiveWebhook(operations, ProcessWebhooks(operations))
    with Recorder(engine) as record:
        receive.execute(ReceiveWebhookCommand(provider="fake", payload=payload, headers=headers))

    after = SqlAlchemyPaymentQueries(engine).get(waiting.id)
    assert after is not None
    assert after.status is PaymentStatus.SUCCEEDED
    assert record.transactions == 2
    assert record.verbs == [
        *("INSERT webhook_events", *READ, *WRITE, *TELL),
        "UPDATE webhook_events",
    ]


def test_refund(engine: Engine, operations: Operations, create: Create) -> None:
    """
    A refund is two transactions; what the first wrote is not read again.
    """
    payment = create(APPROVED_METHOD)
    refund = RefundPayment(operations)
    with Recorder(engine) as record:
        refund.execute(RefundPaymentCommand(payment_id=payment.id, request_key="k1"))

    begun = ["UPDATE payments", "INSERT payment_operations", "INSERT refunds", "INSERT audit_log"]
    assert record.transactions == 2
    assert record.verbs == [*READ, *begun, *WRITE, "UPDATE refunds", *TELL]


def test_get(
    engine: Engine,
    queries: SqlAlchemyPaymentQueries,
    create: Create,
) -> None:
    """
    One payment is one statement, also after the pool was emptied.
    """
    payment = create(APPROVED_METHOD)
    engine.dispose()
    with Recorder(engine) as record:
        queries.get(payment.id)

    assert record.transactions == 1
    assert record.verbs == ["SELECT payments"]


def test_list(
    engine: Engine,
    queries: SqlAlchemyPaymentQueries,
    create: Create,
) -> None:
    """
    A page is one statement, which begins at the cursor instead of counting from the start.
    """
    for _ in range(3):
        create(APPROVED_METHOD)
    first = queries.list(PaymentFilter(), 2, None)
    with Recorder(engine) as record:
        second = queries.list(PaymentFilter(), 2, first.next)

    ((text, parameters),) = record.statements
    assert len(second.items) == 1
    assert record.transactions == 1
    assert "(payments.created_at, payments.id) <" in text
    # SQLAlchemy writes an offset of zero for SQLite.
    assert "OFFSET" not in text or parameters[-1] == 0


def test_timeline(
    engine: Engine,
    queries: SqlAlchemyPaymentQueries,
    create: Create,
) -> None:
    """
    A history is five statements in one transaction, however long it is.
    """
    payment = create(APPROVED_METHOD)
    with Recorder(engine) as record:
        queries.timeline(payment.id)

    assert record.transactions == 1
    assert len(record.statements) == 5


def test_claim(engine: Engine) -> None:
    """
    Claiming due webhooks is one statement.
    """
    clock = ManualClock()
    with Recorder(engine) as record, SqlAlchemyUnitOfWork(engine) as uow:
        uow.webhooks.claim(clock.now(), clock.now(), 50)
        uow.commit()

    assert record.transactions == 1
    assert record.verbs == ["UPDATE webhook_events"]


def test_relay(engine: Engine, create: Create) -> None:
    """
    A batch of messages costs two transactions and two statements, however many it holds.
    """
    for _ in range(5):
        create(APPROVED_METHOD)
    clock = ManualClock()
    clock.advance(seconds=1)
    relay = RelayOutbox(partial(SqlAlchemyUnitOfWork, engine), RecordingPublisher(), clock)
    with Recorder(engine) as record:
        published = relay.execute()

    assert published == 5
    assert record.transactions == 2
    assert record.verbs == ["UPDATE outbox", "UPDATE outbox"]


def test_an_idle_sweep(engine: Engine, operations: Operations) -> None:
    """
    With nothing due the sweeper asks one question, and the expiry another.
    """
    with Recorder(engine) as record:
        ResolveOperations(operations).execute()
        ExpirePayments(operations).execute()

    assert record.transactions == 2
    assert record.verbs == ["UPDATE payment_operations", "SELECT payments"]


def test_a_lost_answer(
    engine: Engine,
    operations: Operations,
    provider: FakePaymentProvider,
    create: Callable[[str | None], PaymentView],
) -> None:
    """
    Claimed, noted as sent again, and settled: three transactions, whatever the table holds.
    """
    provider.faults.append(Fault("create_intent", effect=False))
    payment = create(APPROVED_METHOD)
    assert isinstance(operations.clock, ManualClock)
    operations.clock.advance(seconds=7)
    with Recorder(engine) as record:
        ResolveOperations(operations).execute()

    assert SqlAlchemyPaymentQueries(engine).get(payment.id).status is PaymentStatus.SUCCEEDED  # type: ignore[union-attr]  # it is there
    assert record.transactions == 3
    assert record.verbs == ["UPDATE payment_operations", *READ, *WRITE, *READ, *WRITE, *TELL]
