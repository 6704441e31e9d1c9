"""
The publisher on a real broker: confirmed means kept, everything else is said.
"""

import json
import socket
import time
from typing import Any
from uuid import UUID, uuid4

import attrs
import pytest
from aio_pika.exceptions import AMQPError

from payments_core.contracts.converter import camel_case
from payments_core.contracts.messages import MESSAGES, message_of
from payments_core.domain.events import (
    Event,
    PaymentAuthorized,
    PaymentDiscrepancyFound,
    PaymentFailed,
    PaymentSucceeded,
    ReconciliationCompleted,
    RefundFailed,
    RefundIssued,
)
from payments_core.domain.failure import Failure
from payments_core.ports.outbox import IMessageSerializer, OutboxMessage
from payments_core.ports.publisher import MessageRefused, PublishError, Unroutable
from payments_core.testing.builders import NOW, a_payment, eur
from payments_core.testing.conformance.outbox import a_failure, a_success
from payments_rabbit import MassTransitSerializer, RabbitEventPublisher, RabbitSettings
from payments_rabbit.names import ENVELOPE
from tests.rabbit.peer import Neighbour

pytestmark = pytest.mark.rabbit


def written(settings: RabbitSettings, event: Event) -> OutboxMessage:
    """
    Return the outbox row of an event.
    """
    serializer: IMessageSerializer = MassTransitSerializer(settings)
    message = message_of(event)
    finished = serializer.finish(message, sent_at=NOW, cause=None)
    return OutboxMessage(
        id=message.id,
        order_id=event.order_id,
        payment_id=event.payment_id,
        sequence=1,
        name=message.name,
        **attrs.asdict(finished),
        created_at=NOW,
    )


def some(settings: RabbitSettings, number: int) -> list[OutboxMessage]:
    """
    Return rows of so many successes.
    """
    return [written(settings, a_success(a_payment())) for _ in range(number)]


def test_reader_gets_the_stored_bytes(
    settings: RabbitSettings, publisher: RabbitEventPublisher, neighbour: Neighbour
) -> None:
    """
    The bytes are those of the row, persistent, under the row's id and MassTransit's type.
    """
    (row,) = some(settings, 1)
    neighbour.listen(settings.refund_queue, row.destination)
    results = publisher.publish([row])
    got = neighbour.receive(settings.refund_queue)

    assert results == [None]
    assert got.body == row.body.encode()
    assert got.content_type == ENVELOPE
    assert (got.message_id, got.correlation_id) == (str(row.id), str(row.payment_id))
    assert got.delivery_mode == 2
    assert got.exchange == row.destination
    assert got.routing_key == ""
    assert got.expiration is None
    assert dict(got.headers) == {}


KINDS = (
    PaymentSucceeded,
    PaymentAuthorized,
    PaymentFailed,
    RefundIssued,
    RefundFailed,
    PaymentDiscrepancyFound,
    ReconciliationCompleted,
)
FIELDS: dict[str, Any] = {
    "occurred_at": NOW,
    "amount": eur("129.90"),
    "provider": "stripe",
    "provider_payment_id": "pi_1",
    "provider_refund_id": "re_1",
    "refund_id": UUID(int=7),
    "failure": Failure("card_declined", "No."),
    "kind": "amount_mismatch",
    "provider_object_id": "pi_1",
    "local_value": "10.00 EUR",
    "provider_value": "11.00 EUR",
    "status": "completed",
    "window_start": NOW,
    "window_end": NOW,
    "checked": 3,
    "found": 2,
    "new": 1,
    "repaired": 0,
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_message_reaches_its_readers(
    kind: type[Event],
    settings: RabbitSettings,
    publisher: RabbitEventPublisher,
    neighbour: Neighbour,
) -> None:
    """
    Whoever is bound to a message's type gets it, as it is stored and as the type is described.
    """
    told = {f.name: FIELDS[f.name] for f in attrs.fields(kind) if f.name in FIELDS}
    row = written(settings, kind(id=uuid4(), payment_id=uuid4(), order_id=uuid4(), **told))
    neighbour.listen(settings.refund_queue, f"{settings.payments_namespace}:{row.name}")
    results = publisher.publish([row])
    got = neighbour.receive(settings.refund_queue)
    neighbour.delete(row.destination)
    envelope = json.loads(got.body)

    assert results == [None]
    assert got.body == row.body.encode()
    assert envelope["messageType"] == [f"urn:message:{settings.payments_namespace}:{row.name}"]
    assert envelope["message"].keys() == {
        camel_case(field.name) for field in attrs.fields(MESSAGES[row.name])
    }


def test_no_message_is_left_out() -> None:
    """
    The messages that are sent in these tests are all that there are.
    """
    assert len(KINDS) == len(MESSAGES)


def test_same_row_twice_is_the_same_message(
    settings: RabbitSettings, publisher: RabbitEventPublisher, neighbour: Neighbour
) -> None:
    """
    A row that is sent again has equal bytes and an equal id.
    """
    rows = some(settings, 1)
    neighbour.listen(settings.refund_queue, rows[0].destination)
    for _ in range(2):
        publisher.publish(rows)
    one, two = (neighbour.receive(settings.refund_queue) for _ in range(2))

    assert (one.body, one.message_id) == (two.body, two.message_id)


def test_without_a_reader_it_is_not_sent(
    settings: RabbitSettings, publisher: RabbitEventPublisher, neighbour: Neighbour
) -> None:
    """
    An exchange that leads nowhere is no success; once somebody listens it is.
    """
    rows = some(settings, 1)
    (before,) = publisher.publish(rows)
    neighbour.listen(settings.refund_queue, rows[0].destination)
    (after,) = publisher.publish(rows)

    assert isinstance(before, Unroutable)
    assert after is None
    assert neighbour.waiting(settings.refund_queue) == 1


def test_batch_tells_each_apart(
    settings: RabbitSettings, publisher: RabbitEventPublisher, neighbour: Neighbour
) -> None:
    """
    In one batch those with a reader arrive, and those without are named.
    """
    heard, lost = some(settings, 20), [written(settings, a_failure(a_payment()))]
    neighbour.listen(settings.refund_queue, heard[0].destination)
    results = publisher.publish([*heard[:10], *lost, *heard[10:]])

    assert [type(e) for e in results] == [type(None)] * 10 + [Unroutable] + [type(None)] * 10
    assert neighbour.waiting(settings.refund_queue) == 20


def test_exchange_that_is_there_is_taken_as_it_is(
    settings: RabbitSettings, publisher: RabbitEventPublisher, neighbour: Neighbour
) -> None:
    """
    An exchange that .NET declared with arguments of its own is not declared again.
    """
    (row,) = some(settings, 1)
    neighbour.declare(row.destination, {"alternate-exchange": "amq.fanout"})
    neighbour.listen(settings.refund_queue)
    neighbour.bind(settings.refund_queue, row.destination)

    assert publisher.publish([row]) == [None]


def test_deleted_exchange_is_declared_again(
    settings: RabbitSettings, publisher: RabbitEventPublisher, neighbour: Neighbour
) -> None:
    """
    An exchange that somebody deletes comes back with the next message.
    """
    rows = some(settings, 3)
    neighbour.listen(settings.refund_queue, rows[0].destination)
    publisher.publish(rows)
    neighbour.delete(settings.refund_queue, rows[0].destination)
    first = publisher.publish(rows)
    neighbour.listen(settings.refund_queue, rows[0].destination)
    again = publisher.publish(rows)

    assert all(isinstance(e, PublishError) for e in first)
    assert again == [None] * 3


def test_poison_does_not_spoil_its_batch(
    settings: RabbitSettings, publisher: RabbitEventPublisher, neighbour: Neighbour
) -> None:
    """
    A message that closes the channel is refused, alone; the others of its batch arrive.
    """
    rows = some(settings, 4)
    neighbour.listen(settings.refund_queue, rows[0].destination)
    poison = attrs.evolve(rows[1], destination="amq.direct.not-there/../x", id=uuid4())
    internal = attrs.evolve(rows[2], destination="amq.rabbitmq.trace", id=uuid4())
    unsayable = attrs.evolve(rows[3], body="\ud800")
    results = publisher.publish([rows[0], poison, internal, unsayable])

    assert results[0] is None
    assert all(isinstance(e, PublishError) for e in results[1:])
    assert isinstance(results[3], MessageRefused)
    assert publisher.publish(rows) == [None] * 4


def test_broker_that_is_away() -> None:
    """
    Without a broker nothing is sent and that is said at once, without its address.
    """
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = f"amqp://guest:secret-word@127.0.0.1:{port}/"
    settings = RabbitSettings(url=url)
    publisher = RabbitEventPublisher(settings)
    started = time.monotonic()
    (error,) = publisher.publish(some(settings, 1))
    with pytest.raises(PublishError):
        publisher.ping()
    took = time.monotonic() - started
    publisher.stop()

    assert type(error) is PublishError
    assert "secret-word" not in str(error)
    assert took < 20


def test_broker_that_says_nothing() -> None:
    """
    A server that accepts and keeps silent costs no more than the deadline.
    """
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        settings = RabbitSettings(
            url=f"amqp://guest:guest@127.0.0.1:{port}/",
            connect_timeout=NOW.resolution * 300_000,
        )
        publisher = RabbitEventPublisher(settings)
        started = time.monotonic()
        (error,) = publisher.publish(some(settings, 1))
        took = time.monotonic() - started
        publisher.stop()

    assert type(error) is PublishError
    assert took < 20


def test_nothing_reached_the_wrong_place(neighbour: Neighbour) -> None:
    """
    The tests' own neighbour notices a missing exchange, so that its silence means something.
    """
    with pytest.raises(AMQPError):
        neighbour.send(f"nowhere-{uuid4()}", b"{}")
