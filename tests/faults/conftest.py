"""
What the proofs came to, as tables at the end of a run.
"""

from collections.abc import Callable, Mapping
from time import monotonic

import pytest

from tests.conftest import PROOF

Rows = Mapping[str, object]
Report = Callable[[str, Rows], None]


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Report:
    """
    Add a table to those that are shown at the end.
    """
    told = request.node.user_properties
    return lambda title, rows: told.append((PROOF + title, {k: str(v) for k, v in rows.items()}))


@pytest.fixture(scope="module")
def stopwatch() -> Callable[[], float]:
    """
    How many seconds the module has taken.
    """
    began = monotonic()
    return lambda: monotonic() - began
