"""
Our queues on a real broker: one effect for each message, and a place for each broken one.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from aio_pika.abc import AbstractIncomingMessage
from typing_extensions import override

from payments_core.application.handle_capture import HandleCapture
from payments_core.application.handle_message import HandleMessage, IMessageHandler
from payments_core.application.handle_refund import HandleRefund
from payments_core.application.received import ReceivedMessage
from payments_core.application.record_order import RecordOrder
from payments_core.domain.errors import StorageUnavailable
from payments_core.ports.inbox import InboxStatus
from payments_core.ports.unit_of_work import UnitOfWorkFactory
from payments_core.testing.builders import eur
from payments_core.testing.memory import InMemoryUnitOfWork
from payments_core.testing.memory_queries import InMemoryPaymentQueries
from payments_rabbit import RabbitConsumer, RabbitSettings
from payments_rabbit.names import error_queue, skipped_queue
from tests.core.application.service import Service
from tests.rabbit.peer import WITHIN, Neighbour, an_envelope

SAMPLES = Path(__file__).parents[1] / "core" / "contracts" / "samples"

pytestmark = pytest.mark.rabbit


class Bench:
    """
    The service behind its queues, and the neighbour before them.
    """

    def __init__(self, settings: RabbitSettings, neighbour: Neighbour) -> None:
        self.settings = settings
        self.neighbour = neighbour
        self.service = Service()
        queries = InMemoryPaymentQueries(self.service.database)
        self.handlers: dict[str, IMessageHandler] = {
            "RefundPaymentCommand": HandleRefund(self.service.operations, queries),
            "CapturePaymentCommand": HandleCapture(self.service.operations, queries),
            "IOrderCreated": RecordOrder("EUR"),
        }
        uow = partial(InMemoryUnitOfWork, self.service.database)
        handle = HandleMessage(uow, self.service.clock, self.handlers)
        self.consumer = RabbitConsumer(settings, handle)

    def start(self) -> None:
        """
        Consume, and return when every queue has its consumer.
        """
        self.consumer.start()
        for queue in (
            self.settings.refund_queue,
            self.settings.capture_queue,
            self.settings.order_queue,
        ):
            self.neighbour.await_consumer(queue)

    @property
    def refund_exchange(self) -> str:
        """
        Where .NET publishes refund commands.
        """
        return f"{self.settings.payments_namespace}:RefundPaymentCommand"

    def refund(self, body: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
        """
        Return a refund command in its envelope.
        """
        return an_envelope(f"urn:message:{self.refund_exchange}", body, **changes)

    def send(self, body: bytes | Mapping[str, Any], **more: Any) -> None:
        """
        Send to the refund queue.
        """
        self.neighbour.send(self.settings.refund_queue, body, **more)

    def failed(self) -> AbstractIncomingMessage:
        """
        Return the next message of the refund queue's error queue.
        """
        return self.neighbour.receive(error_queue(self.settings.refund_queue))

    def still_works(self) -> None:
        """
        Return when a refund that is sent now was made: the queue moves on.
        """
        payment = self.service.pay()
        self.send(self.refund({"paymentId": str(payment.id), "amount": "1.00"}))
        until(lambda: self.service.stored(payment.id).refunded == eur("1.00"))


@pytest.fixture
def bench(settings: RabbitSettings, neighbour: Neighbour) -> Iterator[Bench]:
    """
    A service whose consumer is not started yet.
    """
    bench = Bench(settings, neighbour)
    yield bench
    bench.consumer.stop()


def until(true: Callable[[], bool]) -> None:
    """
    Return when something has become true, which must be soon.
    """
    deadline = time.monotonic() + WITHIN
    while not true():
        assert time.monotonic() < deadline, "It did not come true in time"
        time.sleep(0.01)


# ---------------------------------------------------------------- what works


def test_every_way_to_a_queue(bench: Bench) -> None:
    """
    A command that is sent to the queue and one that is published to its type both arrive.
    """
    bench.start()
    payment = bench.service.pay()
    for exchange in (bench.settings.refund_queue, bench.refund_exchange):
        body = bench.refund({"paymentId": str(payment.id), "amount": "1.00"})
        bench.neighbour.send(exchange, body)

    until(lambda: bench.service.stored(payment.id).refunded == eur("2.00"))


def test_round_trip_of_every_message(bench: Bench) -> None:
    """
    Capture, order and refund come in; each has its effect.
    """
    bench.start()
    settings, service = bench.settings, bench.service
    held, order_id = service.pay(manual=True), uuid4()
    capture = f"{settings.payments_namespace}:CapturePaymentCommand"
    bench.neighbour.send(
        capture, an_envelope(f"urn:message:{capture}", {"paymentId": str(held.id), "amount": 4})
    )
    (created,) = settings.order_created
    order = {"orderId": str(order_id), "userId": "alice", "totalAmount": "129.90"}
    bench.neighbour.send(created, an_envelope(f"urn:message:{created}", order))

    until(lambda: service.stored(held.id).captured == eur("4.00"))
    until(lambda: order_id in service.database.tables.orders)


def test_published_class_reaches_us_by_its_interface(bench: Bench) -> None:
    """
    .NET publishes a class to its own exchange, which leads to its interface's and so to us.
    """
    bench.start()
    (created,) = bench.settings.order_created
    order_id, cls = uuid4(), created.replace(":I", ":")
    bench.neighbour.declare(cls, {})
    bench.neighbour.lead(cls, created)
    body = an_envelope(f"urn:message:{cls}", {"orderId": str(order_id), "userId": "alice"})
    body["messageType"].append(f"urn:message:{created}")
    bench.neighbour.send(cls, body)

    until(lambda: order_id in bench.service.database.tables.orders)
    bench.neighbour.delete(cls)


def test_expired_command_is_done(bench: Bench) -> None:
    """
    An envelope's expiration is for information: what the broker delivers is handled.
    """
    bench.start()
    payment = bench.service.pay()
    past = "2020-01-01T00:00:00Z"
    bench.send(bench.refund({"paymentId": str(payment.id)}, expirationTime=past, headers=None))

    until(lambda: bench.service.stored(payment.id).refunded == eur("10.00"))


def test_queue_of_masstransit_is_taken_as_it_is(bench: Bench) -> None:
    """
    When .NET declares the queue first, without arguments, we consume from it and lose nothing.
    """
    payment = bench.service.pay()
    bench.neighbour.listen(bench.settings.refund_queue, bench.refund_exchange)
    bench.send(bench.refund({"paymentId": str(payment.id)}))
    bench.start()

    until(lambda: bench.service.stored(payment.id).refunded == eur("10.00"))


def test_masstransit_may_declare_after_us(bench: Bench) -> None:
    """
    When we declared the queue first, .NET's own declaration is equal and is not refused.
    """
    bench.start()
    bench.neighbour.listen(bench.settings.refund_queue, bench.refund_exchange)
    bench.neighbour.listen(error_queue(bench.settings.refund_queue))

    bench.still_works()


def test_same_message_ten_times_is_one_refund(bench: Bench) -> None:
    """
    Ten copies of a command, at once, make one refund; all of them are acknowledged.
    """
    bench.start()
    payment = bench.service.pay()
    body = bench.refund({"paymentId": str(payment.id), "amount": "1.00"})
    for _ in range(10):
        bench.send(body)
    bench.still_works()
    queue = bench.settings.refund_queue
    until(lambda: bench.neighbour.waiting(queue) == 0)

    assert bench.service.stored(payment.id).refunded == eur("1.00")
    assert bench.service.provider.calls.count("refund") == 2
    assert not bench.neighbour.drain(error_queue(queue))


def test_refused_refund_is_acknowledged(bench: Bench) -> None:
    """
    A refund of too much is told as an event, and is neither tried again nor an error.
    """
    bench.start()
    payment = bench.service.pay()
    bench.send(bench.refund({"paymentId": str(payment.id), "amount": "10.01"}))
    until(lambda: "IRefundFailed" in bench.service.told())
    bench.still_works()

    assert bench.service.told().count("IRefundFailed") == 1
    assert not bench.neighbour.drain(error_queue(bench.settings.refund_queue))
    assert {m.status for m in bench.service.database.tables.inbox.values()} == {InboxStatus.HANDLED}


def test_raw_json_senders_are_served(bench: Bench) -> None:
    """
    A bare body with MassTransit's headers is handled.
    """
    bench.start()
    payment = bench.service.pay()
    headers = {
        "MessageId": str(uuid4()),
        "MT-MessageType": f"urn:message:{bench.refund_exchange}",
    }
    bench.send({"paymentId": str(payment.id)}, content_type="application/json", headers=headers)

    until(lambda: bench.service.stored(payment.id).refunded == eur("10.00"))


# ---------------------------------------------------------------- what does not


@pytest.mark.parametrize(
    "body",
    [b"garbage", b"[]", b"x" * 1_048_576, b"[" * 50_000, b'{"messageType":"x","message":{}}'],
    ids=lambda body: f"{body[:8]!r} {len(body)}",
)
def test_garbage_goes_to_the_error_queue(bench: Bench, body: bytes) -> None:
    """
    The same bytes and properties, with MassTransit's headers and the reason; the queue moves on.
    """
    bench.start()
    bench.send(body, headers={"mine": "é\r\nx"}, message_id="m1", expiration=60)
    moved = bench.failed()
    bench.still_works()
    wanted = json.loads((SAMPLES / "error_queue.headers.json").read_text())["headers"].keys()

    assert moved.body == body
    assert (moved.message_id, moved.headers["mine"]) == ("m1", "é\r\nx")
    assert moved.expiration is None
    assert moved.delivery_mode == 2
    assert moved.headers["MT-Reason"] == "fault"
    assert moved.headers["MT-Fault-ExceptionType"] == "payments_rabbit.reading.Unreadable"
    assert str(moved.headers["MT-Fault-InputAddress"]).endswith(bench.settings.refund_queue)
    unread = {"MT-Fault-ConsumerType", "MT-Fault-MessageType", "publishId"}
    assert wanted - unread <= moved.headers.keys()
    assert all(isinstance(v, str) for v in moved.headers.values())


def test_message_without_ids_goes_to_the_error_queue(bench: Bench) -> None:
    """
    Without an id of its own, or of a payment, a command cannot be handled.
    """
    bench.start()
    bench.send(bench.refund({"amount": "1.00"}))
    nobody = bench.failed()
    bench.send(bench.refund({"paymentId": str(uuid4())}, messageId=None))
    nameless = bench.failed()

    assert nobody.headers["MT-Fault-Message"] == "paymentId is missing"
    assert nobody.headers["MT-Fault-MessageType"] == bench.refund_exchange.replace(":", ".")
    assert "messageId" in str(nameless.headers["MT-Fault-Message"])


def test_unknown_type_is_skipped(bench: Bench) -> None:
    """
    What is for somebody else goes beside the queue, as it came.
    """
    bench.start()
    body = json.dumps(an_envelope("urn:message:Shop:Other", {})).encode()
    bench.send(body)
    moved = bench.neighbour.receive(skipped_queue(bench.settings.refund_queue))
    bench.still_works()

    assert moved.body == body
    assert moved.headers["MT-Reason"] == "dead-letter"
    assert not bench.neighbour.drain(error_queue(bench.settings.refund_queue))


def test_fault_is_published_as_masstransit_does(bench: Bench) -> None:
    """
    Whoever listens for faults of the command hears the reason, its ids and the command itself.
    """
    faults = f"MassTransit:Fault--{bench.refund_exchange}--"
    bench.start()
    bench.neighbour.listen(bench.settings.capture_queue + "-watch", faults)
    correlation, conversation = str(uuid4()), str(uuid4())
    sent = bench.refund({"amount": "1.00"}, correlationId=correlation, conversationId=conversation)
    bench.send(sent)
    got = bench.neighbour.receive(bench.settings.capture_queue + "-watch")
    bench.neighbour.delete(bench.settings.capture_queue + "-watch")
    fault = json.loads(got.body)
    captured = json.loads((SAMPLES / "Fault.received.json").read_text())

    assert fault.keys() == captured.keys()
    assert fault["message"].keys() == captured["message"].keys()
    assert fault["message"]["exceptions"][0].keys() == captured["message"]["exceptions"][0].keys()
    assert fault["messageType"] == [
        f"urn:message:MassTransit:Fault[[{bench.refund_exchange}]]",
        "urn:message:MassTransit:Fault",
    ]
    assert fault["conversationId"] == conversation
    assert fault["correlationId"] == fault["initiatorId"] == correlation
    assert fault["message"]["faultedMessageId"] == sent["messageId"]
    assert fault["message"]["message"] == {"amount": "1.00"}
    assert fault["message"]["exceptions"][0]["message"] == "paymentId is missing"
    bench.failed()


@pytest.mark.parametrize(
    "addresses",
    [
        {"responseAddress": "reply"},
        {"faultAddress": "reply"},
        {"faultAddress": "reply", "responseAddress": "elsewhere"},
    ],
    ids="+".join,
)
def test_fault_goes_where_the_sender_asks(bench: Bench, addresses: dict[str, str]) -> None:
    """
    With an address for faults, or else for answers, they go there, under the id of the request.
    """
    bench.start()
    own, request_id = bench.settings.order_queue, str(uuid4())
    reply = f"{own}-reply"
    bench.neighbour.listen(reply)
    asked = {name: f"rabbitmq://rabbitmq/{own}-{queue}" for name, queue in addresses.items()}
    bench.send(bench.refund({}, requestId=request_id, **asked))
    fault = json.loads(bench.neighbour.receive(reply).body)
    bench.neighbour.delete(reply, f"{own}-elsewhere")

    assert fault["requestId"] == request_id
    bench.failed()


# ---------------------------------------------------------------- later


def test_early_command_is_kept_and_tried_again(bench: Bench) -> None:
    """
    A refund before the capture is acknowledged, kept, and made when the capture was.
    """
    bench.start()
    payment = bench.service.pay(manual=True)
    bench.send(bench.refund({"paymentId": str(payment.id), "amount": "1.00"}))
    until(lambda: bool(bench.service.database.tables.inbox))
    early = bench.consumer.retry()
    bench.service.take(payment)
    bench.service.clock.advance(seconds=6)
    late = bench.consumer.retry()

    assert (early, late) == (0, 1)
    assert bench.service.stored(payment.id).refunded == eur("1.00")


def test_command_that_never_succeeds_ends_in_the_error_queue(bench: Bench) -> None:
    """
    After five more tries the original lies in the error queue, with the number of tries.
    """
    bench.start()
    sent = bench.refund({"paymentId": str(uuid4())})
    bench.send(sent)
    until(lambda: bool(bench.service.database.tables.inbox))
    tries = []
    for _ in range(8):
        bench.service.clock.advance(seconds=1000)
        tries.append(bench.consumer.retry())
    moved = bench.failed()
    (kept,) = bench.service.database.tables.inbox.values()

    assert tries == [1, 1, 1, 1, 1, 0, 0, 0]
    assert json.loads(moved.body) == sent
    assert moved.headers["MT-Fault-RetryCount"] == 5
    assert str(moved.headers["MT-Fault-ExceptionType"]).endswith("PaymentNotFound")
    assert kept.status is InboxStatus.DEAD


class Gate(IMessageHandler):
    """
    A handler that waits for the test.
    """

    def __init__(self, inner: IMessageHandler) -> None:
        self.inner = inner
        self.entered = threading.Semaphore(0)
        self.open = threading.Event()
        self.errors: list[Exception] = []
        self.ids: list[UUID] = []

    @override
    def handle(self, message: ReceivedMessage, effect: UnitOfWorkFactory) -> None:
        self.entered.release()
        self.ids.append(message.id)
        assert self.open.wait(WITHIN)
        if self.errors:
            raise self.errors.pop()
        self.inner.handle(message, effect)


@pytest.fixture
def gate(bench: Bench) -> Gate:
    """
    A gate before the refunds.
    """
    gate = Gate(bench.handlers["RefundPaymentCommand"])
    bench.handlers["RefundPaymentCommand"] = gate
    return gate


def test_stop_finishes_what_it_holds(bench: Bench, gate: Gate) -> None:
    """
    What is being handled when we stop is finished and acknowledged; the rest stays in the queue.
    """
    bench.start()
    payments = [bench.service.pay() for _ in range(12)]
    for payment in payments:
        bench.send(bench.refund({"paymentId": str(payment.id)}))
    for _ in range(8):
        assert gate.entered.acquire(timeout=WITHIN)
    stopping = threading.Thread(target=bench.consumer.stop)
    stopping.start()
    time.sleep(0.1)
    still_running = stopping.is_alive()
    gate.open.set()
    stopping.join(WITHIN)
    done = [p for p in payments if bench.service.stored(p.id).refunded]

    assert still_running
    assert not stopping.is_alive()
    assert len(done) == len(gate.ids) == 8
    assert bench.neighbour.waiting(bench.settings.refund_queue) == 4


def test_database_that_is_away_costs_nothing(bench: Bench, gate: Gate) -> None:
    """
    While nothing can be stored the message is held, and handled when the database is back.
    """
    gate.errors = [StorageUnavailable()]
    gate.open.set()
    bench.start()
    payment = bench.service.pay()
    bench.send(bench.refund({"paymentId": str(payment.id)}))

    until(lambda: bench.service.stored(payment.id).refunded == eur("10.00"))
    assert len(gate.ids) == 2


def test_concurrency_is_bounded(bench: Bench, gate: Gate) -> None:
    """
    No more messages of a queue are handled at once than the setting says.
    """
    bench.start()
    for _ in range(20):
        payment = bench.service.pay()
        bench.send(bench.refund({"paymentId": str(payment.id)}))
    for _ in range(8):
        assert gate.entered.acquire(timeout=WITHIN)
    one_more = gate.entered.acquire(timeout=0.3)
    gate.open.set()
    until(lambda: len(gate.ids) == 20)

    assert not one_more


def test_deleted_queue_comes_back(bench: Bench) -> None:
    """
    When somebody deletes a queue it is declared again, and we consume from it as before.
    """
    bench.start()
    bench.neighbour.delete(bench.settings.refund_queue)
    bench.neighbour.await_consumer(bench.settings.refund_queue)

    bench.still_works()


def test_broker_that_is_not_there_yet() -> None:
    """
    A consumer starts without its broker, waits for it, and stops at once when told to.
    """
    away = RabbitSettings(url="amqp://guest:guest@127.0.0.1:1/")
    service = Service()
    uow = partial(InMemoryUnitOfWork, service.database)
    consumer = RabbitConsumer(away, HandleMessage(uow, service.clock, {}))
    consumer.start()
    time.sleep(0.1)
    started = time.monotonic()
    consumer.stop()

    assert time.monotonic() - started < 2
    assert consumer.retry() == 0
