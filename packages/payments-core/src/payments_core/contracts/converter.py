"""
How values of the domain are written as JSON.
"""

import json
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Final
from uuid import UUID

import attrs
from cattrs import Converter
from cattrs.gen import make_dict_unstructure_fn, override

from payments_core.domain.money import Money

_COMPACT: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def camel_case(name: str) -> str:
    """
    Return ``payment_id`` as ``paymentId``.
    """
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def timestamp(moment: datetime) -> str:
    """
    Return a moment in UTC with microseconds and ``Z``.

    .NET shifts ``+00:00`` into the server's zone, and takes ``Z`` as it is.
    """
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def _money(value: dict[str, str], _: type[Money]) -> Money:
    return Money(Decimal(value["amount"]), value["currency"])


@cache
def stored() -> Converter:
    """
    Return the converter for what we store: names as they are in Python, nothing unknown.
    """
    return _stored(Converter(forbid_extra_keys=True))


@cache
def stored_results() -> Converter:
    """
    Return the same for results, which a newer program may have written with more in them.
    """
    return _stored(Converter())


def _stored(converter: Converter) -> Converter:
    converter.register_unstructure_hook(UUID, str)
    converter.register_structure_hook(UUID, lambda value, _: UUID(value))
    converter.register_unstructure_hook(datetime, timestamp)
    converter.register_structure_hook(datetime, lambda value, _: datetime.fromisoformat(value))
    converter.register_unstructure_hook(
        Money, lambda money: {"amount": money.text, "currency": money.currency}
    )
    converter.register_structure_hook(Money, _money)
    return converter


def _renamed(cls: type[attrs.AttrsInstance]) -> dict[str, Any]:
    return {f.name: override(rename=camel_case(f.name)) for f in attrs.fields(cls)}


@cache
def wire() -> Converter:
    """
    Return the converter for messages: camelCase, amounts as strings, times with ``Z``.
    """
    converter = Converter()
    converter.register_unstructure_hook(UUID, str)
    converter.register_unstructure_hook(datetime, timestamp)
    converter.register_unstructure_hook_factory(
        attrs.has, lambda cls: make_dict_unstructure_fn(cls, converter, **_renamed(cls))
    )
    return converter


def to_json(value: Any) -> str:
    """
    Return compact JSON, always the same for the same value.
    """
    return _COMPACT.encode(value)
