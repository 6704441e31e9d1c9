"""
What is written about the command line is true of it.
"""

import re
from pathlib import Path
from typing import Final

import click
import pytest
from click.testing import CliRunner

from payments_cli.main import COMMANDS, main
from payments_cli.refusal import ExitCode
from payments_core.ports.webhooks import WebhookStatus

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs/cli.md").read_text("utf-8")
README: Final = (ROOT / "apps/cli/README.md").read_text("utf-8")
RUNBOOKS: Final = (ROOT / "docs/operating.md").read_text("utf-8")


def _words() -> list[str]:
    """
    Return each command line of the pages and the README, up to what is optional.
    """
    found = re.findall(
        r"(?:^\$ |`|^)(payments [a-z][^`\n#\[…]*)", PAGE + README + RUNBOOKS, re.MULTILINE
    )
    return sorted({line.strip() for line in found})


@pytest.mark.parametrize("line", _words())
def test_commands_and_options_exist(line: str) -> None:
    """
    Every command and every option that is written exists.
    """
    _, *words = re.sub(r"'[^']*'|\"[^\"]*\"", "x", line).replace("\\", "").split()
    command: click.Command = main
    context = click.Context(main)
    while isinstance(command, click.Group) and words:
        found = command.get_command(context, words.pop(0))
        assert found is not None, line
        command = found
    options = {name for p in command.params for name in [*p.opts, *p.secondary_opts]}

    assert {w for w in words if w.startswith("--")} <= {*options, "--help"}, line


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_written_about(name: str) -> None:
    """
    The page leaves no command out.
    """
    assert f"payments {name}" in PAGE


def test_exit_codes() -> None:
    """
    The table has each code, and the codes are those of the program.
    """
    rows = re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)

    assert [int(row) for row in rows] == [int(code) for code in ExitCode]


def test_states_of_webhooks() -> None:
    """
    Each state of an event is explained.
    """
    assert set(re.findall(r"^\| `([a-z]+)` \|", PAGE, re.MULTILINE)) == set(WebhookStatus)


def test_help_names_the_exit_codes() -> None:
    """
    So does the help of the whole.
    """
    result = CliRunner().invoke(main, ["--help"])

    assert all(re.search(rf"\b{int(code)} ", result.output) for code in ExitCode)
