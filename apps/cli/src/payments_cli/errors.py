"""
The exit code of each error that the core may raise.
"""

from collections.abc import Mapping
from typing import Final

from payments_cli.refusal import ExitCode, Refusal
from payments_core.domain.errors import (
    Conflict,
    DomainError,
    NoteInvalid,
    NotFound,
    PaymentsError,
    ReconciliationRunning,
    RequestInProgress,
    WindowInvalid,
)

EXIT_CODES: Final[Mapping[type[PaymentsError], ExitCode]] = {
    NotFound: ExitCode.NOT_FOUND,
    WindowInvalid: ExitCode.USAGE,
    NoteInvalid: ExitCode.USAGE,
    DomainError: ExitCode.REFUSED,
    ReconciliationRunning: ExitCode.ALREADY_RUNNING,
    Conflict: ExitCode.REFUSED,
    RequestInProgress: ExitCode.ALREADY_RUNNING,
    PaymentsError: ExitCode.FAILED,
}
"""
The exit code of each error; the nearest ancestor in the table counts.
"""


def refusal_of(error: PaymentsError, *, as_json: bool) -> Refusal:
    """
    Return how a command ends because of an error.
    """
    code = next(EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES)
    return Refusal(error.code, str(error) or error.code, code, as_json=as_json)
