"""
Form parameters as Stripe reads them: nested names, typed values, nothing unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from stripe_simulator.errors import invalid_parameter

Json = dict[str, Any]
Raw = str | dict[str, Any]
Parser = Callable[[Raw, str], Any]

INTEGER = re.compile(r"-?[0-9]{1,18}")
LONGEST_TEXT = 5000
METADATA_KEYS, METADATA_KEY_LENGTH, METADATA_VALUE_LENGTH = 50, 40, 500


def decode(pairs: Iterable[tuple[str, str]]) -> Json:
    """
    Nests `a[b][c]=1` and `a[]=1`; lists become mappings with numbered keys.
    """
    tree: Json = {}
    for name, value in pairs:
        first, *rest = name.replace("]", "").split("[")
        node, key = tree, first
        for part in rest:
            child = node.setdefault(key, {})
            if not isinstance(child, dict):
                raise invalid_parameter(f"Invalid object: {name}", name)
            node, key = child, part or str(len(child))
        node[key] = value
    return tree


def _text_of(raw: Raw, name: str, expected: str) -> str:
    if isinstance(raw, dict):
        raise invalid_parameter(f"Invalid {expected}: {name} must not be nested", name)
    return raw


def text(raw: Raw, name: str) -> str | None:
    """
    A string; an empty one unsets.
    """
    value = _text_of(raw, name, "string")
    if len(value) > LONGEST_TEXT:
        raise invalid_parameter(
            f"Invalid string: {name} is longer than {LONGEST_TEXT} characters", name
        )
    return value or None


def identifier(raw: Raw, name: str) -> str:
    """
    A string that cannot be unset.
    """
    value = text(raw, name)
    if value is None:
        raise _empty(name)
    return value


def integer(raw: Raw, name: str) -> int:
    """
    A whole number.
    """
    value = _text_of(raw, name, "integer")
    if not value:
        raise _empty(name)
    if not INTEGER.fullmatch(value):
        raise invalid_parameter(f"Invalid integer: {value}", name, "parameter_invalid_integer")
    return int(value)


def positive(raw: Raw, name: str) -> int:
    """
    A whole number of at least one.
    """
    value = integer(raw, name)
    if value < 1:
        message = "This value must be greater than or equal to 1."
        raise invalid_parameter(message, name, "parameter_invalid_integer")
    return value


def boolean(raw: Raw, name: str) -> bool:
    """
    `true` or `false`.
    """
    value = _text_of(raw, name, "boolean")
    if value.lower() not in {"true", "false"}:
        raise invalid_parameter(f"Invalid boolean: {value}", name)
    return value.lower() == "true"


def choice(*options: str) -> Parser:
    """
    One of a few words.
    """

    def parse(raw: Raw, name: str) -> str:
        value = _text_of(raw, name, "string")
        if value not in options:
            known = (
                ", ".join(options[:-1]) + f", or {options[-1]}" if len(options) > 1 else options[0]
            )
            raise invalid_parameter(f"Invalid {name}: must be one of {known}", name)
        return value

    return parse


def list_of(parser: Parser) -> Parser:
    """
    A list, sent as `name[]=` or `name[0]=`.
    """

    def parse(raw: Raw, name: str) -> list[Any]:
        if raw == "":
            return []
        if not isinstance(raw, dict):
            raise invalid_parameter("Invalid array", name)
        return [parser(value, f"{name}[{key}]") for key, value in raw.items()]

    return parse


def struct(**fields: Parser) -> Parser:
    """
    A nested object with known fields.
    """

    def parse(raw: Raw, name: str) -> Json:
        if not isinstance(raw, dict):
            raise invalid_parameter(f"Invalid object: {name}", name)
        return _fields(raw, fields, lambda key: f"{name}[{key}]")

    return parse


def anything(raw: Raw, _name: str) -> Raw:
    """
    Kept as it came.
    """
    return raw


def metadata(raw: Raw, name: str) -> dict[str, str | None]:
    """
    The caller's own keys; an empty value unsets one, an empty whole unsets all.
    """
    if raw == "":
        return {"": None}
    if not isinstance(raw, dict) or len(raw) > METADATA_KEYS:
        raise invalid_parameter(f"Invalid metadata: a mapping of up to {METADATA_KEYS} keys", name)
    for key, value in raw.items():
        _check_metadata(key, value, name)
    return {key: value or None for key, value in raw.items()}


def _check_metadata(key: str, value: object, name: str) -> None:
    if len(key) > METADATA_KEY_LENGTH:
        message = (
            f"Metadata keys can have up to {METADATA_KEY_LENGTH} characters. Invalid key: {key}"
        )
        raise invalid_parameter(message, name)
    if not isinstance(value, str) or len(value) > METADATA_VALUE_LENGTH:
        message = (
            f"Metadata values can have up to {METADATA_VALUE_LENGTH} characters. Invalid key: {key}"
        )
        raise invalid_parameter(message, f"{name}[{key}]")


def merge_metadata(old: dict[str, str], change: dict[str, str | None]) -> dict[str, str]:
    """
    The metadata after an update.
    """
    if "" in change:
        return {}
    return {key: value for key, value in {**old, **change}.items() if value is not None}


class Parameters:
    """
    The parameters of one operation.

    Args:
        fields: The parser of each name.

        required: Names that must be given.

        unsimulated: Names that Stripe knows and the simulator does not act on; they are refused
            with a plain word instead of being passed over.
    """

    def __init__(
        self,
        fields: Mapping[str, Parser] | None = None,
        *,
        required: tuple[str, ...] = (),
        unsimulated: tuple[str, ...] = (),
    ) -> None:
        self._fields = {"expand": list_of(identifier), **(fields or {})}
        self._required = required
        self._unsimulated = frozenset(unsimulated)

    def parse(self, raw: Json) -> Json:
        """
        Typed values.

        Raises:
            ApiError: A name is unknown or missing, or a value is not of its type.
        """
        for name in raw:
            if name in self._unsimulated:
                raise invalid_parameter(
                    f"stripe-simulator does not simulate the parameter {name}: leave it out.", name
                )
        values = _fields(raw, self._fields, lambda key: key)
        for name in self._required:
            if name not in values:
                raise invalid_parameter(
                    f"Missing required param: {name}.", name, "parameter_missing"
                )
        return values


def _fields(raw: Json, fields: dict[str, Parser], full: Callable[[str], str]) -> Json:
    for key in raw:
        if key not in fields:
            raise invalid_parameter(
                f"Received unknown parameter: {full(key)}", full(key), "parameter_unknown"
            )
    return {key: fields[key](value, full(key)) for key, value in raw.items()}


def _empty(name: str) -> Exception:
    return invalid_parameter(
        f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a"
        f" field; however '{name}' cannot be unset. You should remove '{name}' from your request or"
        " supply a non-empty value.",
        name,
        "parameter_invalid_empty",
    )
