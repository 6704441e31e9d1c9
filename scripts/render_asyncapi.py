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
from typing import Any
from uuid import UUID

import attrs

from payments_core.contracts.messages import MESSAGES
from payments_rabbit.correlation import ACTIVITY, CORRELATION
from payments_rabbit.names import ENVELOPE, MessageType
from payments_rabbit.settings import RabbitSettings
from payments_rabbit.topology import Endpoint, endpoints
from scripts.docstrings import promise
from scripts.render_messages import TAKEN, MessageField, fields_of

PAGE = Path(__file__).parent.parent / "docs" / "asyncapi.json"
SETTINGS = RabbitSettings(url="amqp://rabbitmq")
Json = dict[str, Any]

# Its fields are those of another message, whose words do not fit it.
SUMMARIES = {"IPaymentAuthorized": "The amount is reserved, and waits to be captured."}
KINDS: Mapping[object, Json] = {
    UUID: {"type": "string", "format": "uuid"},
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    datetime: {"type": "string", "format": "date-time", "description": "UTC, with Z."},
    Decimal: {"type": ["string", "number"], "examples": ["129.90"]},
}


def schema_of(field: MessageField) -> Json:
    """
    Return the schema of a field.
    """
    found = dict(KINDS[field.kind])
    if field.nullable:
        types = found["type"] if isinstance(found["type"], list) else [found["type"]]
        found["type"] = [*types, "null"]
    about = f"{field.meaning} {found.get('description', '')}".strip()
    return found | {"description": about}


def message_schema(name: str, cls: type[attrs.AttrsInstance]) -> Json:
    """
    Return the schema of a message's own fields.
    """
    fields = list(fields_of(name, cls))
    return {
        "type": "object",
        "required": [field.name for field in fields if not field.nullable],
        "properties": {field.name: schema_of(field) for field in fields},
    }


def message(name: str, cls: type[attrs.AttrsInstance], kind: MessageType) -> Json:
    """
    Return a message in its envelope.
    """
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
    return {
        "name": name,
        "title": kind.urn,
        "summary": SUMMARIES.get(name) or promise(cls),
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
