"""
What the proofs came to, as tables at the end of a run.
"""

from collections.abc import Callable, Mapping
from time import monotonic

import pytest

Rows = Mapping[str, object]
Report = Callable[[str, Rows], None]

_TABLE = "proof: "


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Report:
    """
    Add a table to those that are shown at the end.
    """
    told = request.node.user_properties
    return lambda title, rows: told.append((_TABLE + title, {k: str(v) for k, v in rows.items()}))


@pytest.fixture(scope="module")
def stopwatch() -> Callable[[], float]:
    """
    How many seconds the module has taken.
    """
    began = monotonic()
    return lambda: monotonic() - began


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """
    Show the tables, also those that a process of pytest-xdist brought.
    """
    ended = [r for kind in ("passed", "failed") for r in terminalreporter.stats.get(kind, [])]
    for title, rows in (told for r in ended if r.when == "call" for told in r.user_properties):
        if title.startswith(_TABLE):
            terminalreporter.section(title)
            for name, value in rows.items():
                terminalreporter.write_line(f"{name:<42} {value}")
