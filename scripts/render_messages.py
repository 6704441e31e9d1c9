"""
Render the messages of the code as tables: each field's name on the wire, its kind, and what it means.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from types import UnionType
from typing import get_args, get_type_hints
from uuid import UUID

import attrs

from payments_core.contracts.commands import (
    CapturePaymentCommand,
    OrderCreated,
    RefundPaymentCommand,
)
from payments_core.contracts.converter import camel_case
from payments_core.contracts.messages import MESSAGES
from scripts.docstrings import meanings, promise

Class = type[attrs.AttrsInstance]

TAKEN: Mapping[str, Class] = {
    "RefundPaymentCommand": RefundPaymentCommand,
    "CapturePaymentCommand": CapturePaymentCommand,
    "IOrderCreated": OrderCreated,
}
# As it stands on the wire where our own word differs.
WIRE_NAMES = {("IOrderCreated", "customer_id"): "userId", ("IOrderCreated", "total"): "totalAmount"}
KINDS: Mapping[object, str] = {
    UUID: "UUID",
    str: "text",
    bool: "true or false",
    int: "whole number",
    datetime: "time, UTC",
    Decimal: "decimal (text or number)",
}


@attrs.frozen
class MessageField:
    """
    A field of a message.

    Attributes:
        name: As it stands on the wire.

        nullable: Whether it may be null, or be left out of what is taken.
    """

    name: str
    kind: object
    nullable: bool
    meaning: str


def fields_of(message: str, cls: Class) -> Iterator[MessageField]:
    """
    Yield the fields of a message, in their order.
    """
    hints, said = get_type_hints(cls), meanings(cls)
    for field in attrs.fields(cls):
        hint = hints[field.name]
        inner = [part for part in get_args(hint) if part is not type(None)]
        yield MessageField(
            WIRE_NAMES.get((message, field.name), camel_case(field.name)),
            inner[0] if inner else hint,
            isinstance(hint, UnionType),
            # What is None in the code is null on the wire.
            said.get(field.name, "").replace("None", "null"),
        )


def told() -> str:
    """
    Return a section for each kind of message that is told; those with the same fields share one.
    """
    names: dict[Class, list[str]] = {}
    for name, cls in MESSAGES.items():
        names.setdefault(cls, []).append(name)
    return "\n\n".join(section(cls, *group) for cls, group in names.items())


def taken() -> str:
    """
    Return a section for each message that is taken; * marks what must be there.
    """
    return "\n\n".join(section(cls, name) for name, cls in TAKEN.items())


def section(cls: Class, *names: str) -> str:
    """
    Return what a message is, and its fields.
    """
    head = ["| field | what | about |", "|---|---|---|"]
    rows = [row(field, taken=cls in TAKEN.values()) for field in fields_of(names[0], cls)]
    return "\n".join([f"### {' and '.join(names)}", promise(cls), "", *head, *rows])


def row(field: MessageField, *, taken: bool) -> str:
    """
    Return the line of a field.
    """
    star = "*" if taken and not field.nullable else ""
    null = " or null" if field.nullable else ""
    return f"| `{field.name}`{star} | {KINDS[field.kind]}{null} | {field.meaning} |"
