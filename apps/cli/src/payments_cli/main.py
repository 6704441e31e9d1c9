"""
The command ``payments``: each subcommand is imported when it is asked for.
"""

from importlib import import_module
from typing import Final

import click
from typing_extensions import override

COMMANDS: Final = {
    "serve": "Serve the API.",
    "worker": "Do what happens by itself, until interrupted.",
    "list": "List payments, newest first.",
    "show": "Show a payment and everything that happened to it.",
    "capture": "Take what is authorised, in whole or in part.",
    "cancel": "Call a payment off before its money is taken.",
    "refund": "Give captured money back, in whole or in part.",
    "outbox": "Look after messages to other services that have not left.",
    "audit": "Check that no promise about payments was broken.",
    "token": "Print a token for trying the API (development only).",
    "db": "Bring the database's tables up to date, or see whether they are.",
    "health": "Ask everything that the service stands on.",
}
"""
Each command with what its help begins with: help must not wait for any import.
"""


class LateCommands(click.Group):
    """
    A group that knows its commands' names, and imports one to run it.
    """

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"payments_cli.commands.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LateCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="payments-cli", prog_name="payments")
def main() -> None:
    """
    Runs the payment service, and looks after its payments.

    Settings come from the environment and from the TOML file that SETTINGS_FILE names. With
    --development, those of the service that `make run` starts here.
    """
