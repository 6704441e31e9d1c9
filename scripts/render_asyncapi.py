"""
Render the messages of the code into docs/asyncapi.json; `--check` only compares.

Names are those of the default settings.
"""

import json
import sys
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_type_hints
from uuid import UUID

import attrs

from payments_core.contracts.commands import (
    CapturePaymentCommand,
    OrderCreated,
    RefundPaymentCommand,
)
from payments_core.contracts.converter import camel_case
from payments_core.contracts.messages import MESSAGES
from payments_rabbit.correlation import ACTIVITY, CORRELATION
from payments_rabbit.names import ENVELOPE, MessageType
from payments_rabbit.settings import RabbitSettings
from payments_rabbit.topology import Endpoint, endpoints

PAGE = Path(__file__).parent.parent / "docs" / "asyncapi.json"
SETTINGS = RabbitSettings(url="amqp://rabbitmq")
Json = dict[str, Any]

TAKEN: Mapping[str, type[attrs.AttrsInstance]] = {
    "RefundPaymentCommand": RefundPaymentCommand,
    "CapturePaymentCommand": CapturePaymentCommand,
    "IOrderCreated": OrderCreated,
}
# As it stands on the wire where our own word differs.
WIRE_NAMES = {("IOrderCreated", "customer_id"): "userId", ("IOrderCreated", "total"): "totalAmount"}
ALSO = {
    "IOrderCreated": "`customerId` is read where `userId` is missing, `amount` where `totalAmount`"
    " is; a total without a currency is in the configured default currency.",
    "CapturePaymentCommand": "Names the payment, or the order whose newest payment is meant.",
    "RefundPaymentCommand": "Without an amount all that is left is refunded. The same"
    " `refundRequestId` is the same refund; without one the message id is the key.",
    "IPaymentAuthorized": "The amount is reserved, and waits to be captured.",
}
KINDS: Mapping[object, Json] = {
    UUID: {"type": "string", "format": "uuid"},
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    datetime: {"type": "string", "format": "date-time", "description": "UTC, with Z."},
    Decimal: {"type": ["string", "number"], "examples": ["129.90"]},
}


def schema_of(kind: object) -> Json:
    """
    Return the schema of a field's type.
    """
    if not isinstance(kind, UnionType):
        return dict(KINDS[kind])
    (inner,) = [part for part in get_args(kind) if part is not type(None)]
    found = schema_of(inner)
    types = found["type"] if isinstance(found["type"], list) else [found["type"]]
    return found | {"type": [*types, "null"]}


def message_schema(name: str, cls: type[attrs.AttrsInstance]) -> Json:
    """
    Return the schema of a message's own fields.
    """
    hints = get_type_hints(cls)
    fields = {
        WIRE_NAMES.get((name, f.name), camel_case(f.name)): hints[f.name] for f in attrs.fields(cls)
    }
    needed = [n for n, kind in fields.items() if not isinstance(kind, UnionType)]
    properties = {n: schema_of(kind) for n, kind in fields.items()}
    if "amount" in properties:
        about = 'A decimal such as "129.90", in the currency of the payment.'
        properties["amount"] |= {"description": about}
    return {"type": "object", "required": needed, "properties": properties}


def message(name: str, cls: type[attrs.AttrsInstance], kind: MessageType) -> Json:
    """
    Return a message in its envelope.
    """
    about = " ".join((cls.__doc__ or "").split("Attributes:")[0].split())
    envelope = {
        "allOf": [
            {"$ref": "#/components/schemas/Envelope"},
            {
                "type": "object",
                "properties": {
                    "messageType": {"contains": {"const": kind.urn}},
                    "message": {"$ref": f"#/components/schemas/{name}"},
                },
            },
        ]
    }
    if name == "IPaymentAuthorized":
        about = ""
    return {
        "name": name,
        "title": kind.urn,
        "summary": f"{about} {ALSO.get(name, '')}".strip(),
        "contentType": ENVELOPE,
        "headers": {"$ref": "#/components/schemas/Headers"},
        "payload": envelope,
    }


def event_channel(kind: MessageType) -> Json:
    """
    Return the exchange that a type is published to.
    """
    exchange = {"name": kind.exchange, "type": "fanout", "durable": True, "autoDelete": False}
    return {
        "address": kind.exchange,
        "messages": {kind.name: {"$ref": f"#/components/messages/{kind.name}"}},
        "bindings": {"amqp": {"is": "routingKey", "exchange": exchange, "bindingVersion": "0.3.0"}},
    }


def queue_channel(endpoint: Endpoint) -> Json:
    """
    Return a queue that we consume.
    """
    queue = {"name": endpoint.queue, "durable": True, "exclusive": False, "autoDelete": False}
    bound = ", ".join(f"`{kind.exchange}`" for kind in endpoint.types)
    return {
        "address": endpoint.queue,
        "description": f"Send to the exchange of the same name, or publish to {bound}.",
        "messages": {endpoint.name: {"$ref": f"#/components/messages/{endpoint.name}"}},
        "bindings": {"amqp": {"is": "queue", "queue": queue, "bindingVersion": "0.3.0"}},
    }


def operation(action: str, channel: str, name: str) -> Json:
    """
    Return what we do with a channel.
    """
    reference = f"#/channels/{channel}"
    return {
        "action": action,
        "channel": {"$ref": reference},
        "messages": [{"$ref": f"{reference}/messages/{name}"}],
    }


def envelope_schema() -> Json:
    """
    Return MassTransit's envelope.
    """
    guid: Json = {"type": ["string", "null"], "format": "uuid"}
    address: Json = {"type": ["string", "null"], "format": "uri"}
    return {
        "type": "object",
        "required": ["messageId", "messageType", "message"],
        "properties": {
            "messageId": KINDS[UUID],
            **dict.fromkeys(("requestId", "correlationId", "conversationId", "initiatorId"), guid),
            **dict.fromkeys(
                ("sourceAddress", "destinationAddress", "responseAddress", "faultAddress"), address
            ),
            "messageType": {"type": "array", "items": {"type": "string"}},
            "message": {"type": "object"},
            "expirationTime": {"type": ["string", "null"], "format": "date-time"},
            "sentTime": {"type": ["string", "null"], "format": "date-time"},
            "headers": {"type": ["object", "null"]},
            "host": {"type": ["object", "null"]},
        },
    }


def headers_schema() -> Json:
    """
    Return the headers of the transport, of which none is required.
    """
    return {
        "type": "object",
        "properties": {
            CORRELATION: {
                "type": "string",
                "description": "The id under which every service finds what belongs together;"
                " in the headers of the envelope too.",
                "pattern": "^[A-Za-z0-9._-]{8,64}$",
            },
            ACTIVITY: {
                "type": "string",
                "description": "The span in which it was sent (W3C Trace Context), where there"
                " is a trace. MassTransit reads and writes it.",
                "pattern": "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
            },
        },
    }


def document() -> Json:
    """
    Return the whole description.
    """
    told = {name: MessageType(SETTINGS.payments_namespace, name) for name in MESSAGES}
    taken = {e.name: e for e in endpoints(SETTINGS)}
    every = {**MESSAGES, **TAKEN}
    kinds = told | {name: e.types[0] for name, e in taken.items()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Payment service",
            "version": "1.0.0",
            "description": "Messages in MassTransit's envelope over RabbitMQ; docs/messages.md"
            " says when each is sent. Names are settings, these are the defaults.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": ENVELOPE,
        "servers": {"rabbitmq": {"host": "rabbitmq:5672", "protocol": "amqp"}},
        "channels": {
            **{name: event_channel(kind) for name, kind in told.items()},
            **{name: queue_channel(endpoint) for name, endpoint in taken.items()},
        },
        "operations": {
            **{f"tell{name}": operation("send", name, name) for name in told},
            **{f"take{name}": operation("receive", name, name) for name in taken},
        },
        "components": {
            "messages": {name: message(name, cls, kinds[name]) for name, cls in every.items()},
            "schemas": {
                "Headers": headers_schema(),
                "Envelope": envelope_schema(),
                **{name: message_schema(name, cls) for name, cls in every.items()},
            },
        },
    }


def rendered() -> str:
    """
    Return the page as the code has it now.
    """
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """
    Write the page, or tell whether it is as it should be.
    """
    if "--check" in sys.argv:
        return 0 if PAGE.read_text(encoding="utf-8") == rendered() else 1
    PAGE.write_text(rendered(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
