"""
What MassTransit calls things: exchanges, message types, queues and addresses.
"""

from collections.abc import Collection
from typing import Final
from urllib.parse import quote, unquote, urlsplit

import attrs

ENVELOPE: Final = "application/vnd.masstransit+json"
"""
The content type that every MassTransit reader accepts, whatever its serializer.
"""

FAULT: Final = "urn:message:MassTransit:Fault"
RECEIVE_FAULT: Final = "MassTransit:ReceiveFault"


@attrs.frozen
class MessageType:
    """
    A .NET type of message; the leading I of an interface belongs to its name.

    Attributes:
        namespace: ``BuildingBlocks.Contracts.Payments``.
    """

    namespace: str
    name: str

    @classmethod
    def parse(cls, text: str) -> "MessageType":
        """
        Read ``OrderService.Contracts:IOrderCreated``.

        Raises:
            ValueError: A namespace or a name is missing.
        """
        namespace, _, name = text.partition(":")
        if not namespace or not name:
            raise ValueError(
                "A message type is Namespace:Name, such as Shop.Contracts:IOrderCreated"
            )
        return cls(namespace, name)

    @property
    def exchange(self) -> str:
        """
        Where it is published.
        """
        return f"{self.namespace}:{self.name}"

    @property
    def urn(self) -> str:
        """
        How an envelope names it.
        """
        return f"urn:message:{self.exchange}"

    @property
    def fault_exchange(self) -> str:
        """
        Where it is published that handling it failed.
        """
        return f"MassTransit:Fault--{self.exchange}--"

    @property
    def fault_urns(self) -> list[str]:
        """
        How an envelope names that.
        """
        return [f"urn:message:MassTransit:Fault[[{self.exchange}]]", FAULT]


def error_queue(queue: str) -> str:
    """
    Return where what failed is put.
    """
    return f"{queue}_error"


def skipped_queue(queue: str) -> str:
    """
    Return where what nobody knows is put.
    """
    return f"{queue}_skipped"


@attrs.frozen
class Addresses:
    """
    Writes the addresses of a broker as MassTransit does.

    Attributes:
        base: ``rabbitmq://host[:port]/[vhost/]``.
    """

    base: str

    @classmethod
    def of(cls, url: str) -> "Addresses":
        """
        Return those of the broker at an amqp address; user and password are left out.
        """
        parts = urlsplit(url)
        host = parts.hostname or "localhost"
        default = {"amqp": 5672, "amqps": 5671}.get(parts.scheme)
        port = "" if parts.port in {None, default} else f":{parts.port}"
        vhost = unquote(parts.path[1:])
        room = "" if vhost in {"", "/"} else f"{quote(vhost, safe='')}/"
        return cls(f"rabbitmq://{host}{port}/{room}")

    def to(self, name: str) -> str:
        """
        Return the address of an exchange or a queue.
        """
        return f"{self.base}{name}"


def exchange_at(address: object) -> str | None:
    """
    Return the exchange that an address names; None if it is no address.
    """
    if not isinstance(address, str) or "://" not in address:
        return None
    return unquote(urlsplit(address).path.rpartition("/")[2]) or None


def known_type(urns: Collection[str], types: Collection[MessageType]) -> MessageType | None:
    """
    Return the first of our types that an envelope names, whatever the case.
    """
    named = {urn.lower() for urn in urns}
    return next((t for t in types if t.urn.lower() in named), None)
