"""
The tutorial, word for word, as a reader with an empty folder does it.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from scripts.servers.process import free_port
from tests.docs.terminal import Terminal, steps

pytestmark = [pytest.mark.slow, pytest.mark.release, pytest.mark.rabbit]

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tutorial.md"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """
    What a reader has after `git clone` and `make install`, with nothing of an earlier run.
    """
    for entry in ROOT.iterdir():
        if entry.name not in {"var", ".git"}:
            (tmp_path / entry.name).symlink_to(entry)
    return tmp_path


@pytest.fixture
def page() -> str:
    """
    The page, on a port that is free; nothing else of it is changed.
    """
    port, text = free_port(), PAGE.read_text("utf-8")
    assert "make run\n" in text
    return text.replace("localhost:5004", f"localhost:{port}").replace(
        "make run\n", f'make run ARGS="--port {port}"\n'
    )


@pytest.fixture
def terminals(clone: Path, rabbit_url: str) -> Iterator[dict[int, Terminal]]:
    """
    Three terminals in that folder.
    """
    own = {name: value for name, value in os.environ.items() if "__" not in name}
    environ = {**own, "TEST_RABBITMQ_URL": rabbit_url, "PYTHONUNBUFFERED": "1"}
    with ExitStack() as stack:
        opened = {}
        for number in (1, 2, 3):
            opened[number] = terminal = Terminal.open(clone, environ)
            stack.callback(terminal.close)
        yield opened


def test_the_tutorial_gets_to_its_end(page: str, terminals: dict[int, Terminal]) -> None:
    """
    Each block does what the page says, and shows what the page shows.
    """
    taken = list(steps(page))
    for step in taken:
        terminals[step.terminal].run(step)

    assert len(taken) > 8
    assert {step.terminal for step in taken} == {1, 2, 3}
