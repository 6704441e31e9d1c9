"""
Each line of the page about bad input has its tests, and each of those exists.
"""

import re
from pathlib import Path

import pytest

from tests.input.corpus import CORPUS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/bad-input.md"
LINES = 111
"""
How many lines the page has at least: none is lost in passing.
"""


def test_every_line_has_a_test() -> None:
    """
    The page and the list of tests have the same entries, in the same order.
    """
    entries = re.findall(r"^\| ([A-Z]\d\d) \|", PAGE.read_text("utf-8"), re.MULTILINE)

    assert entries == list(CORPUS)
    assert len(entries) >= LINES


def test_every_test_exists(request: pytest.FixtureRequest) -> None:
    """
    What the list names is defined; its cases are among those of this run, if its file is.
    """
    wanted = {name for names in CORPUS.values() for name in names}
    run = {item.nodeid for item in request.session.items}
    ran = {name.partition("[")[0] for name in run}
    undefined = {name for name in wanted if not _is_defined(name)}
    missing = {name for name in wanted - run if "[" in name and name.partition("[")[0] in ran}

    assert not undefined
    assert not missing


def _is_defined(name: str) -> bool:
    file, _, function = name.partition("[")[0].partition("::")
    return f"def {function}(" in (ROOT / file).read_text("utf-8")
