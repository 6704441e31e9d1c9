"""
What the neighbours read about our messages is what the code does.
"""

import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from types import UnionType
from typing import get_args, get_type_hints
from uuid import UUID

import attrs
import pytest

from payments_core.contracts.commands import CapturePaymentCommand, RefundPaymentCommand
from payments_core.contracts.converter import camel_case
from payments_core.contracts.messages import MESSAGES
from payments_rabbit.settings import RabbitSettings
from payments_rabbit.topology import endpoints
from scripts.render_asyncapi import PAGE, document, rendered

DOCS = PAGE.parent
CONTRACTS = (DOCS / "dotnet" / "Contracts.cs").read_text(encoding="utf-8")
KINDS = {
    UUID: "Guid",
    str: "string",
    bool: "bool",
    int: "int",
    datetime: "DateTime",
    Decimal: "decimal",
}
SHARED: dict[str, type[attrs.AttrsInstance]] = {
    **MESSAGES,
    "RefundPaymentCommand": RefundPaymentCommand,
    "CapturePaymentCommand": CapturePaymentCommand,
}


def test_asyncapi_is_as_the_code_has_it() -> None:
    """
    The page equals what the code renders now.
    """
    assert PAGE.read_text(encoding="utf-8") == rendered(), "Run python -m scripts.render_asyncapi"


def test_asyncapi_refers_to_what_is_there() -> None:
    """
    Every reference leads to something in the document.
    """
    whole = document()
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', rendered()):
        found = whole
        for step in reference.split("/"):
            found = found[step]
        assert found, reference


def csharp(name: str) -> dict[str, str]:
    """
    Return the properties of a C# type with their types.
    """
    body = re.search(rf"(?:interface|record) {name}\n{{(.*?)\n}}", CONTRACTS, re.DOTALL)
    assert body is not None, name
    found = re.findall(r"(?:public )?([\w?]+) (\w+) {", body[1])
    return {property_: kind for kind, property_ in found}


def expected(name: str, cls: type[attrs.AttrsInstance]) -> dict[str, str]:
    """
    Return the properties that a C# type must have.
    """
    hints = get_type_hints(cls)
    wanted = {}
    for field in attrs.fields(cls):
        kind, property_ = hints[field.name], camel_case(field.name)
        optional = isinstance(kind, UnionType)
        inner = get_args(kind)[0] if optional else kind
        word = "decimal" if property_ == "amount" and name in MESSAGES else KINDS[inner]
        wanted[property_[0].upper() + property_[1:]] = word + "?" * optional
    return wanted


@pytest.mark.parametrize("name", sorted(SHARED))
def test_csharp_types_are_ours(name: str) -> None:
    """
    The types to be pasted have our names, types and nullability.
    """
    assert csharp(name) == expected(name, SHARED[name])


def test_csharp_namespace_is_the_default() -> None:
    """
    The namespace is part of the exchange's name.
    """
    assert f"namespace {RabbitSettings().payments_namespace};" in CONTRACTS


@pytest.mark.parametrize("name", ["messages.md"])
def test_page_names_every_message(name: str) -> None:
    """
    The page for the neighbours misses no message and no queue.
    """
    page = Path(DOCS / name).read_text(encoding="utf-8")
    queues = [endpoint.queue for endpoint in endpoints(RabbitSettings())]
    missing = [word for word in (*SHARED, *queues, "IOrderCreated") if f"`{word}`" not in page]

    assert not missing
