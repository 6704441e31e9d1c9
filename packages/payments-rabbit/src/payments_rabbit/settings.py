"""
Where the broker is, and what things are called there.
"""

from datetime import timedelta
from urllib.parse import urlsplit

import attrs

from payments_rabbit.names import MessageType


def _amqp(_: object, __: object, url: str) -> None:
    if url and (urlsplit(url).scheme not in {"amqp", "amqps"} or not urlsplit(url).hostname):
        raise ValueError("it must look like amqp://user:password@host/vhost")


def _types(_: object, __: object, values: tuple[str, ...]) -> None:
    for value in values:
        MessageType.parse(value)


def _positive(_: object, attribute: "attrs.Attribute[int]", value: int) -> None:
    if value < 1:
        raise ValueError(f"{attribute.name} must be at least 1")


@attrs.frozen(kw_only=True)
class RabbitSettings:
    """
    The broker, and the names that were agreed with the neighbours.

    Attributes:
        url: ``amqp://user:password@host/vhost``; empty for no broker.

        service_name: Of this service in addresses.

        payments_namespace: Of the events that we tell and the commands that we take.

        order_created: Types that tell of a new order; several while a name changes.

        refund_queue: Where refunds are ordered. capture_queue: Where captures are.
        order_queue: Where new orders are told.

        prefetch: Messages that one queue may hand out before they are acknowledged.

        concurrency: Messages of one queue that are handled at once.

        max_message_bytes: Larger ones go to the error queue unread.

        connect_timeout: For each answer of the broker while a connection opens or closes.

        publish_timeout: For the broker's confirm of a batch.

        heartbeat: Without a sign of life for three times as long, a connection is lost.
    """

    url: str = attrs.field(default="", repr=False, validator=_amqp)
    service_name: str = "payment-service"
    payments_namespace: str = "BuildingBlocks.Contracts.Payments"
    order_created: tuple[str, ...] = attrs.field(
        default=("OrderService.Contracts:IOrderCreated",), validator=_types
    )
    refund_queue: str = "refund-payment"
    capture_queue: str = "capture-payment"
    order_queue: str = "payment-service-order-created"
    prefetch: int = attrs.field(default=16, validator=_positive)
    concurrency: int = attrs.field(default=8, validator=_positive)
    max_message_bytes: int = attrs.field(default=262_144, validator=_positive)
    connect_timeout: timedelta = timedelta(seconds=5)
    publish_timeout: timedelta = timedelta(seconds=5)
    heartbeat: timedelta = timedelta(seconds=30)

    @property
    def configured(self) -> bool:
        """
        Whether there is a broker.
        """
        return bool(self.url)
