"""
``payments completion``.
"""

from typing import Final

import click
from click.shell_completion import get_completion_class

from payments_cli.examples import examples

VARIABLE: Final = "_PAYMENTS_COMPLETE"
"""
Tells Click to complete a line instead of running it; it makes the name of the program's.
"""

TEACHING: Final = examples(
    'eval "$(payments completion bash)"       # in ~/.bashrc',
    'eval "$(payments completion zsh)"        # in ~/.zshrc',
    "payments completion fish > ~/.config/fish/completions/payments.fish",
)


@click.command("completion", epilog=TEACHING)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """
    Print what lets a shell complete commands and options.

    The shell must find `payments`: put .venv/bin on the PATH, or activate the environment.
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(ctx.find_root().command, {}, "payments", VARIABLE).source())
