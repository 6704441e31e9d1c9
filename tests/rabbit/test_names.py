"""
Names are MassTransit's, and mistakes in them are found when the service starts.
"""

import pytest

from payments_rabbit.names import (
    Addresses,
    MessageType,
    error_queue,
    exchange_at,
    known_type,
    skipped_queue,
)
from payments_rabbit.settings import RabbitSettings
from payments_rabbit.topology import endpoints

SUCCEEDED = MessageType("BuildingBlocks.Contracts.Payments", "IPaymentSucceeded")


def test_names_of_a_type() -> None:
    """
    Exchange, type name and the fault's names, as MassTransit forms them.
    """
    assert SUCCEEDED.exchange == "BuildingBlocks.Contracts.Payments:IPaymentSucceeded"
    assert SUCCEEDED.urn == f"urn:message:{SUCCEEDED.exchange}"
    assert SUCCEEDED.fault_exchange == f"MassTransit:Fault--{SUCCEEDED.exchange}--"
    assert SUCCEEDED.fault_urns == [
        f"urn:message:MassTransit:Fault[[{SUCCEEDED.exchange}]]",
        "urn:message:MassTransit:Fault",
    ]
    assert MessageType.parse(SUCCEEDED.exchange) == SUCCEEDED


def test_names_of_side_queues() -> None:
    """
    What fails and what nobody knows go to queues beside the queue.
    """
    assert error_queue("refund-payment") == "refund-payment_error"
    assert skipped_queue("refund-payment") == "refund-payment_skipped"


def test_queues_are_those_that_were_agreed() -> None:
    """
    Commands have the agreed addresses; a queue of events carries our name.
    """
    plan = {e.queue: [t.exchange for t in e.types] for e in endpoints(RabbitSettings())}

    assert plan == {
        "refund-payment": ["BuildingBlocks.Contracts.Payments:RefundPaymentCommand"],
        "capture-payment": ["BuildingBlocks.Contracts.Payments:CapturePaymentCommand"],
        "payment-service-order-created": ["OrderService.Contracts:IOrderCreated"],
    }


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("amqp://guest:guest@rabbitmq/", "rabbitmq://rabbitmq/"),
        ("amqp://guest:guest@rabbitmq:5672/%2F", "rabbitmq://rabbitmq/"),
        ("amqps://rabbitmq:5671", "rabbitmq://rabbitmq/"),
        ("amqp://127.0.0.1:5679/", "rabbitmq://127.0.0.1:5679/"),
        ("amqp://rabbitmq/shop", "rabbitmq://rabbitmq/shop/"),
        ("", "rabbitmq://localhost/"),
    ],
)
def test_addresses(url: str, base: str) -> None:
    """
    Default port and default virtual host are left out; user and password never appear.
    """
    assert Addresses.of(url).base == base
    assert Addresses.of(url).to("queue") == f"{base}queue"


@pytest.mark.parametrize(
    ("address", "exchange"),
    [
        ("rabbitmq://127.0.0.1:5679/vm_bus_x?temporary=true", "vm_bus_x"),
        ("rabbitmq://rabbitmq/shop/refund-payment?bind=true", "refund-payment"),
        ("rabbitmq://rabbitmq/a%2Fb", "a/b"),
        ("queue:refund-payment", None),
        ("rabbitmq://rabbitmq/", None),
        (None, None),
        (5, None),
    ],
)
def test_exchange_at_an_address(address: object, exchange: str | None) -> None:
    """
    To answer an address is to publish to the exchange that ends its path.
    """
    assert exchange_at(address) == exchange


def test_type_is_found_among_many() -> None:
    """
    A class is published with its interfaces; the case of a name does not matter.
    """
    urns = ["urn:message:Shop:PaymentSucceeded", SUCCEEDED.urn.upper(), "urn:message:Shop:IEvent"]

    assert known_type(urns, [SUCCEEDED]) is SUCCEEDED
    assert known_type(urns[:1], [SUCCEEDED]) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://rabbitmq"},
        {"url": "rabbitmq"},
        {"order_created": ("IOrderCreated",)},
        {"order_created": (":IOrderCreated",)},
        {"prefetch": 0},
        {"concurrency": 0},
        {"max_message_bytes": 0},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    """
    A service does not start with names or numbers that cannot work.
    """
    with pytest.raises(ValueError, match=r"must|Namespace:Name"):
        RabbitSettings(**wrong)  # type: ignore[arg-type]  # wrong on purpose


def test_address_is_not_shown() -> None:
    """
    The address holds a password, so nothing that prints settings shows it.
    """
    assert "secret" not in repr(RabbitSettings(url="amqp://user:secret@rabbitmq/"))
    assert not RabbitSettings().configured
