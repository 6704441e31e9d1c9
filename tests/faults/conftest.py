"""
What the proofs came to, as tables at the end of a run.
"""

from collections.abc import Callable, Mapping
from time import monotonic

import pytest

Rows = Mapping[str, object]
Report = Callable[[str, Rows], None]

_TABLES: pytest.StashKey[list[tuple[str, Rows]]] = pytest.StashKey()


@pytest.fixture(scope="session")
def report(request: pytest.FixtureRequest) -> Report:
    """
    Add a table to those that are shown at the end.
    """
    tables = request.config.stash.setdefault(_TABLES, [])
    return lambda title, rows: tables.append((title, rows))


@pytest.fixture(scope="module")
def stopwatch() -> Callable[[], float]:
    """
    How many seconds the module has taken.
    """
    began = monotonic()
    return lambda: monotonic() - began


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """
    Show the tables.
    """
    for title, rows in terminalreporter.config.stash.get(_TABLES, []):
        terminalreporter.section(f"proof: {title}")
        for name, value in rows.items():
            terminalreporter.write_line(f"{name:<42} {value}")
