"""
What the front page tells to type.
"""

import logging
import re
import shlex
from pathlib import Path

import pytest
from typed_settings.cls_utils import deep_options

from payments_bootstrap.configuration import load, variable
from payments_bootstrap.settings import Environment, Settings

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
SETTINGS_TABLE = ROOT / "packages/payments-bootstrap/README.md"


def _exports() -> dict[str, str]:
    """
    Return the settings of the production block, with a word in place of each ellipsis.
    """
    (block,) = re.findall(r"```sh\n(export .*?)```", README.read_text("utf-8"), re.DOTALL)
    words = [shlex.split(line, comments=True) for line in block.splitlines()]
    pairs = [rest[0].partition("=") for first, *rest in words if first == "export"]
    return {name: value.replace("…", "abcdef") for name, _, value in pairs}


def test_production_block_starts(caplog: pytest.LogCaptureFixture) -> None:
    """
    Who copies the front page's exports gets a service in production; each name is a setting.
    """
    with caplog.at_level(logging.WARNING):
        settings = load(_exports())

    assert settings.environment is Environment.PRODUCTION
    assert settings.payment_providers.stripe.livemode
    assert caplog.messages == []


def test_defaults_of_the_table() -> None:
    """
    Who sets each setting to the default that the table shows, as it stands there, changes nothing.
    """
    shown: dict[str, str] = {}
    rows = re.findall(
        r"^\| (`[A-Z][^|]+)\|([^|]*)\|", SETTINGS_TABLE.read_text("utf-8"), re.MULTILINE
    )
    for cells in rows:
        names, values = (re.findall(r"`([^`…]+)`", cell) for cell in cells)
        if values:
            shown |= dict(zip(names, values, strict=True))

    assert len(shown) > 50
    assert load(_exports() | shown) == load(_exports())


def test_every_setting_has_a_row() -> None:
    """
    The table names each setting, and no other: by itself, or as one of an adapter's.
    """
    cells = " ".join(re.findall(r"^\| (`[^|]+)", SETTINGS_TABLE.read_text("utf-8"), re.MULTILINE))
    rows = set(re.findall(r"`([A-Z_]+)`", cells))
    groups = tuple(re.findall(r"`([A-Z_]+__)…`", cells))
    known = {variable(option.path) for option in deep_options(Settings)}
    in_the_file_only = {"KEYCLOAK__ROLES", "KEYCLOAK__SERVICES"}

    assert rows <= known
    assert {n for n in known - rows if not n.startswith(groups)} == in_the_file_only
