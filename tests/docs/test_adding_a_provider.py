"""
The steps to add a provider, as somebody who follows them looks for what they name.
"""

import re
from pathlib import Path
from pkgutil import resolve_name

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-provider.md"
NAMES = sorted(set(re.findall(r"`(payments_\w+(?:\.\w+)+)`", PAGE.read_text("utf-8"))))


@pytest.mark.parametrize("name", NAMES)
def test_what_a_step_names_is_there(name: str) -> None:
    """
    Each module, class and attribute of ours that the page names is where it says.
    """
    assert resolve_name(name)


def test_the_registration_is_named_in_full() -> None:
    """
    Where a provider is wired is told by names that can be looked up.
    """
    assert "payments_bootstrap.container.Container.payment_providers" in NAMES
