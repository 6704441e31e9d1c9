"""
The tables of the page for the neighbours, against what is written and read.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import attrs
import pytest

from payments_core.contracts.commands import read_capture, read_order, read_refund
from payments_core.contracts.converter import wire
from payments_core.contracts.messages import MESSAGES
from scripts.render_messages import TAKEN, Class, fields_of

VALUES: Mapping[object, Any] = {
    UUID: UUID(int=1),
    str: "a text",
    bool: True,
    int: 1,
    datetime: datetime(2026, 11, 26, tzinfo=UTC),
    Decimal: Decimal("129.90"),
}
READERS: Mapping[str, Callable[[Mapping[str, Any]], attrs.AttrsInstance]] = {
    "RefundPaymentCommand": read_refund,
    "CapturePaymentCommand": read_capture,
    "IOrderCreated": read_order,
}


@pytest.mark.parametrize(("name", "cls"), [*MESSAGES.items(), *TAKEN.items()])
def test_each_field_is_explained(name: str, cls: Class) -> None:
    """
    No field of a message is without a meaning.
    """
    assert [field.name for field in fields_of(name, cls) if not field.meaning] == []


@pytest.mark.parametrize(("name", "cls"), MESSAGES.items())
def test_what_is_told_has_the_fields_of_its_table(name: str, cls: Class) -> None:
    """
    What is written has each field of the table in its order, and no other.
    """
    fields = list(fields_of(name, cls))
    own = [field.name for field in attrs.fields(cls)]
    values = (VALUES[field.kind] for field in fields)
    written = wire().unstructure(cls(**dict(zip(own, values, strict=True))))

    assert list(written) == [field.name for field in fields]


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_taken_is_read_under_the_names_of_its_table(name: str) -> None:
    """
    Each field of the table is read; what has no asterisk may be left out.
    """
    fields = list(fields_of(name, TAKEN[name]))
    values = {field.name: VALUES[field.kind] for field in fields}
    body = {key: str(value) if isinstance(value, UUID) else value for key, value in values.items()}
    read = attrs.asdict(READERS[name](body))
    needed = {field.name for field in fields if not field.nullable} or {"paymentId"}
    bare = attrs.asdict(READERS[name]({key: body[key] for key in needed}))

    assert list(read.values()) == list(values.values())
    assert len([value for value in bare.values() if value is not None]) == len(needed)
