"""
Render the settings classes as tables: each setting's name, kind, default, and what its class says of it.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Any

import attrs
from typed_settings.types import OptionInfo

from payments_bootstrap.configuration import variable
from payments_bootstrap.reading import every_option
from payments_bootstrap.settings import Settings
from scripts.docstrings import meanings, promise

KINDS = {
    "str": "text",
    "int": "whole number",
    "float": "number",
    "bool": "true or false",
    "timedelta": "duration",
    "tuple[str, ...]": "list",
    "tuple[timedelta, ...]": "list of durations",
}
UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
TABLE_IN_FILE = ("keycloak.roles", "keycloak.services")


def settings() -> str:
    """
    Return a section for each group of settings.
    """
    groups: dict[str, list[OptionInfo]] = {}
    for option in every_option():
        groups.setdefault(option.path.rpartition(".")[0], []).append(option)
    return "\n\n".join(section(path, groups[path]) for path in sorted(groups, key=place))


def place(path: str) -> int:
    """
    Return where a group stands: as its class is, those of the whole installation first.
    """
    names = [field.name for field in attrs.fields(Settings)]
    return names.index(path.partition(".")[0]) if path else -1


def section(path: str, options: list[OptionInfo]) -> str:
    """
    Return one group: its heading, what its class promises, and its table.
    """
    cls = options[0].parent_cls
    heading = f"`{variable(path)}__…`" if path else "The installation"
    words = meanings(cls)
    return "\n".join(
        (
            f"## {heading}",
            promise(cls),
            "",
            "| setting | kind | default | what it does |",
            "|---|---|---|---|",
            *(row(option, words.get(option.name, "")) for option in options),
        )
    )


def row(option: OptionInfo, meaning: str) -> str:
    """
    Return the line of one setting.
    """
    name = variable(option.path)
    if option.path in TABLE_IN_FILE:
        name = f"[{option.path}]"
    return f"| `{name}` | {kind(option)} | {default(option)} | {meaning} |"


def kind(option: OptionInfo) -> str:
    """
    Return what may be written: a form, the unit of a number, and whether it is a secret.
    """
    cls: Any = option.cls
    if isinstance(cls, type) and issubclass(cls, StrEnum):
        return " or ".join(f"`{word}`" for word in cls)
    if option.path in TABLE_IN_FILE:
        return "table, in the file only"
    name = cls.__name__ if isinstance(cls, type) else str(cls)
    word = KINDS[name.replace("datetime.", "").removesuffix(" | None")]
    if word.endswith("number") and (unit := unit_of(option)):
        word = unit
    return f"{word}, secret" if secret(option) else word


def unit_of(option: OptionInfo) -> str:
    """
    Return the unit of a number, where it has one.
    """
    if option.name.endswith("_bytes"):
        return "bytes"
    said = meanings(option.parent_cls).get(option.name, "").startswith("Seconds")
    return "seconds" if said or option.name.endswith("_seconds") else ""


def secret(option: OptionInfo) -> bool:
    """
    Tell whether the class keeps a value out of what it prints.
    """
    return getattr(attrs.fields_dict(option.parent_cls)[option.name], "repr", True) is not True


def default(option: OptionInfo) -> str:
    """
    Return the default as it would be written in the environment.
    """
    if option.has_no_default:
        return "required"
    if option.path in TABLE_IN_FILE:
        return "[the table](identity.md#who-is-who)"
    written = text(option.default)
    return f"`{written}`" if written else "none"


def text(value: Any) -> str:
    """
    Return a value as it is written in the environment.
    """
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case tuple():
            return ",".join(map(text, value))
        case timedelta():
            return duration(value)
        case _:
            return str(value)


def duration(value: timedelta) -> str:
    """
    Return a duration in its largest whole unit; a day is 24h, since so much is easily misread.
    """
    seconds = value.total_seconds()
    for unit, size in UNITS:
        if seconds and seconds % size == 0 and (unit != "d" or seconds >= 3 * size):
            return f"{seconds // size:.0f}{unit}"
    return f"{seconds:g}s"
