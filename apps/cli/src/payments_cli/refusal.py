"""
Ends that are no success: a code for the shell, and a line or a document. Imports next to nothing.
"""

from enum import IntEnum
from typing import IO, Any

import click
from typing_extensions import override

from payments_cli.visible import visible_json, visible_lines


class ExitCode(IntEnum):
    """
    How a command ended.

    UNKNOWN: the provider did not answer; nobody knows yet whether it did what was asked for.

    CONFIGURATION: the settings do not allow a start (EX_CONFIG of sysexits.h).

    INTERRUPTED: by Ctrl-C, as shells count: 128 and the number of the signal. TERMINATED: by SIGTERM.
    """

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    REFUSED = 4
    UNKNOWN = 5
    ALREADY_RUNNING = 6
    CONFIGURATION = 78
    INTERRUPTED = 130
    TERMINATED = 143


class Refusal(click.ClickException):
    """
    Ends a command with a code and a sentence.

    Args:
        details: What else a program is told, by name.
    """

    def __init__(
        self, code: str, message: str, exit_code: int, *, as_json: bool = False, **details: Any
    ) -> None:
        super().__init__(message)
        self.code = code
        self.exit_code = exit_code  # type: ignore[misc]  # click means it to be set so
        self.as_json = as_json
        self.details = details

    @override
    def show(self, file: IO[Any] | None = None) -> None:
        if self.as_json:
            error = {"code": self.code, "message": self.message}
            click.echo(visible_json({**self.details, "error": error}))
        else:
            click.echo(f"Error: {visible_lines(self.message)}", err=True)
