"""
The command ``payments``: each subcommand is imported when it is asked for.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click
from typing_extensions import override

from payments_cli.arguments import refuse_secrets, wants_json
from payments_cli.ending import ending
from payments_cli.examples import examples

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

SECTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "Payments": {
        "list": "List payments, newest first.",
        "show": "Show a payment and everything that happened to it.",
        "explain": "Tell a payment's story, what is open, and what happens next.",
        "capture": "Take what is authorised, in whole or in part.",
        "cancel": "Call a payment off before its money is taken.",
        "refund": "Give captured money back, in whole or in part.",
    },
    "Looking after the service": {
        "webhooks": "Look after what the provider told.",
        "operations": "Look after operations that wait for a person.",
        "reconcile": "Compare a stretch of time with the provider.",
        "discrepancies": "Look after differences from the provider.",
        "outbox": "Look after messages to other services that have not left.",
        "audit": "Show who did what, and check that no promise was broken.",
        "retention": "Remove what is older than it must be kept.",
        "health": "Ask everything that the service stands on.",
        "db": "Bring the database's tables up to date, or see whether they are.",
    },
    "Running it": {
        "serve": "Serve the API.",
        "worker": "Do what happens by itself, until interrupted.",
        "token": "Print a token for trying the API (development only).",
        "completion": "Print what lets a shell complete commands and options.",
    },
}
"""
Each command with what its help begins with: help must not wait for any import.
"""

COMMANDS: Final = {name: about for part in SECTIONS.values() for name, about in part.items()}

TEACHING: Final = examples(
    "payments serve --development            # a whole service, to try things",
    "payments list --development             # in another terminal: what it holds",
    "payments refund PAYMENT --amount 10.00  # asks before money moves",
    more="""
Exit codes:
  0 done   1 failed   2 used wrongly   3 not found   4 refused by state
  5 outcome unknown: look again   6 already running   78 settings
  130 interrupted with Ctrl-C   143 ended by SIGTERM""",
)


class LateCommands(click.Group):
    """
    A group that knows its commands' names, and imports one to run it.
    """

    @override
    def main(  # type: ignore[override]  # always ends by itself, whatever Click offers
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        """
        Run the command that the arguments say, and exit with its code.
        """
        words = list(sys.argv[1:] if args is None else args)
        if os.environ.get("NO_COLOR"):
            extra["color"] = False
        with ending(as_json=wants_json(words)):
            # Completion runs through here as well, with no arguments to look at.
            refuse_secrets(words)
            code = super().main(words, prog_name or "payments", standalone_mode=False, **extra)
        sys.exit(code or 0)

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
    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem[str]]":
        from click.shell_completion import CompletionItem

        # Click would import every command for its help.
        found = [CompletionItem(n, help=h) for n, h in COMMANDS.items() if n.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    @override
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        unknown = args[0] not in COMMANDS and not args[0].startswith("-")
        if unknown and not ctx.resilient_parsing:
            raise click.NoSuchCommand(args[0], possibilities=COMMANDS, ctx=ctx)
        return super().resolve_command(ctx, args)

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, part in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(list(part.items()), col_max=13)


@click.group(
    "payments",
    cls=LateCommands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=TEACHING,
)
@click.version_option(package_name="payments-cli", prog_name="payments")
def main() -> None:
    """
    Runs the payment service, and looks after its payments.

    Settings come from the environment and from the TOML file that SETTINGS_FILE names. With
    --development, those of the service that `make run` starts here.
    """
