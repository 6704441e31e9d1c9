"""
What the front page tells to type.
"""

import logging
import re
import shlex
from pathlib import Path

import pytest

from payments_bootstrap.configuration import load
from payments_bootstrap.settings import Environment

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"


def exports() -> dict[str, str]:
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
        settings = load(exports())

    assert settings.environment is Environment.PRODUCTION
    assert settings.payment_providers.stripe
    assert settings.payment_providers.stripe.livemode
    assert caplog.messages == []
