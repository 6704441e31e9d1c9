"""
Removing what is old, from the command line.
"""

import re
from typing import Any

import pytest

Service = Any


@pytest.mark.parametrize(
    ("options", "titles"),
    [
        ((), ["what", "older than, UTC", "removed", "stays"]),
        (("--dry-run",), ["what", "older than, UTC", "would go", "stays"]),
    ],
)
def test_what_went_and_what_would(
    service: Service, options: tuple[str, ...], titles: list[str]
) -> None:
    """
    A dry run says what would go, and never that it went; times are written as everywhere.
    """
    head, *rows = service.on("retention", *options).stdout.splitlines()
    moments = [re.split(r" {2,}", row)[1] for row in rows]

    assert re.split(r" {2,}", head.strip()) == titles
    assert [bool(re.fullmatch(r"[\d-]{10} [\d:]{8}", moment)) for moment in moments] == [True] * 3
