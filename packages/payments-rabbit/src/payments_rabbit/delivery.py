"""
A message as the broker hands it over, and as it is kept to be read again.
"""

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs
from aio_pika import Message
from aio_pika.abc import AbstractIncomingMessage, DeliveryMode

_KEPT = (
    "content_type",
    "content_encoding",
    "priority",
    "correlation_id",
    "reply_to",
    "message_id",
    "type",
    "app_id",
)


@attrs.frozen(kw_only=True)
class Delivery:
    """
    The body with its properties.

    Attributes:
        properties: Those that are set, but for what only held for the way to us.
    """

    queue: str
    body: bytes = attrs.field(repr=False)
    routing_key: str = ""
    headers: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    properties: Mapping[str, Any] = attrs.field(factory=dict, repr=False)

    @classmethod
    def of(cls, queue: str, message: AbstractIncomingMessage) -> "Delivery":
        """
        Return what came to a queue.
        """
        return cls(
            queue=queue,
            body=message.body,
            routing_key=message.routing_key or "",
            headers=dict(message.headers),
            properties={
                name: value for name in _KEPT if (value := getattr(message, name)) is not None
            },
        )

    @property
    def media_type(self) -> str:
        """
        The content type without parameters, in lower case; empty if there is none.
        """
        given = self.properties.get("content_type") or ""
        return str(given).partition(";")[0].strip().lower()

    def header(self, name: str) -> str | None:
        """
        Return a header that is a text, or None.
        """
        value = self.headers.get(name)
        return value if isinstance(value, str) and value else None

    def copy(self, headers: Mapping[str, Any]) -> Message:
        """
        Return the same message with more headers, to be put elsewhere; it never expires there.
        """
        return Message(
            self.body,
            headers={**self.headers, **headers},
            delivery_mode=DeliveryMode.PERSISTENT,
            **self.properties,
        )

    def to_json(self) -> str:
        """
        Return it as text, to be kept.
        """
        fields = attrs.asdict(self) | {"body": base64.b64encode(self.body).decode()}
        return json.dumps(fields, default=_plain)

    @classmethod
    def from_json(cls, text: str) -> "Delivery":
        """
        Return what was kept.
        """
        fields = json.loads(text)
        return cls(**fields | {"body": base64.b64decode(fields["body"])})


def _plain(value: object) -> str:
    # Headers may be of types that JSON lacks; ours and MassTransit's are not.
    return value.isoformat() if isinstance(value, datetime) else str(value)
