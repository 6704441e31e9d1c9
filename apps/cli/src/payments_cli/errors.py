"""
One line for people or one document for programs, and an exit code, for everything that fails.
"""

import json
from collections.abc import Mapping
from enum import IntEnum
from typing import IO, Any, Final

import click
from typing_extensions import override

from payments_bootstrap.configuration import EXIT_CONFIGURATION
from payments_core.domain.errors import Conflict, DomainError, NotFound, PaymentsError


class ExitCode(IntEnum):
    """
    How a command ended.

    UNKNOWN: the provider did not answer; nobody knows yet whether it did what was asked for.
    """

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    REFUSED = 4
    UNKNOWN = 5
    CONFIGURATION = EXIT_CONFIGURATION


EXIT_CODES: Final[Mapping[type[PaymentsError], ExitCode]] = {
    NotFound: ExitCode.NOT_FOUND,
    DomainError: ExitCode.REFUSED,
    Conflict: ExitCode.REFUSED,
    PaymentsError: ExitCode.FAILED,
}
"""
The exit code of each error; the nearest ancestor in the table counts.
"""


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
            click.echo(json.dumps({**self.details, "error": error}, indent=2, ensure_ascii=False))
        else:
            click.echo(f"Error: {self.message}", err=True)


def refusal_of(error: PaymentsError, *, as_json: bool) -> Refusal:
    """
    Return how a command ends because of an error.
    """
    code = next(EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES)
    return Refusal(error.code, str(error) or error.code, code, as_json=as_json)
