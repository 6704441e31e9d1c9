"""
A message as the broker hands it over, and as it is kept to be read again.
"""

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import attrs
from aio_pika import Message
from aio_pika.abc import AbstractIncomingMessage, DeliveryMode

from payments_core.masking import mask, mask_tree

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
        Return what came to a queue, without secrets and card numbers.

        What is kept, moved or told of a message comes from here, so nothing of it can hold one.
        """
        given = {name: getattr(message, name) for name in _KEPT}
        return cls(
            queue=queue,
            body=without_secrets(message.body),
            routing_key=mask(message.routing_key or ""),
            headers=mask_tree(dict(message.headers)),
            properties=mask_tree({n: value for n, value in given.items() if value is not None}),
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


def without_secrets(body: bytes) -> bytes:
    """
    Return a body without secrets; one that shows none as it is, byte for byte.
    """
    text = body.decode(errors="surrogateescape")
    if mask(text) == text:
        return body
    try:
        shown = json.dumps(mask_tree(json.loads(text, parse_float=Decimal)), default=str)
    except (ValueError, RecursionError):
        shown = mask(text)
    return shown.encode(errors="replace")


def _plain(value: object) -> str:
    # Headers may be of types that JSON lacks; ours and MassTransit's are not.
    return value.isoformat() if isinstance(value, datetime) else str(value)
