"""
How every run of the command line ends: an exit code, and one line or one document.
"""

import errno
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from payments_cli.refusal import ExitCode, Refusal

TRACEBACK: Final = "PAYMENTS_TRACEBACK"


@contextmanager
def ending(*, as_json: bool) -> Iterator[None]:
    """
    Let whatever ends the block end the process: with its code, and in the form asked for.

    SIGTERM ends it as Ctrl-C does, with a code of its own.

    Raises:
        SystemExit: Something ended it before its end.
    """
    with _terminable() as terminated:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever it is, people get a line and a code
            shown = _shown(error, as_json=as_json)
            shown.show()
            interrupted = shown.exit_code == ExitCode.INTERRUPTED
            sys.exit(ExitCode.TERMINATED if interrupted and terminated else shown.exit_code)


@contextmanager
def _terminable() -> Iterator[list[int]]:
    """
    Let the first SIGTERM interrupt the block, and yield a list that it is in then.
    """
    came: list[int] = []

    def interrupt(number: int, _: object) -> None:
        if not came:
            came.append(number)
            raise KeyboardInterrupt

    ours = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, interrupt) if ours else None
    try:
        yield came
    finally:
        if ours:
            signal.signal(signal.SIGTERM, before)


def _shown(error: Exception, *, as_json: bool) -> click.ClickException:
    match error:
        case Refusal():
            return error
        case click.UsageError():
            code, message = error.exit_code, error.format_message()
            return Refusal("usage", message, code, as_json=True) if as_json else error
        case click.ClickException():
            return Refusal("failed", error.format_message(), error.exit_code, as_json=as_json)
        case click.Abort():
            return _aborted(error, as_json=as_json)
        case OSError() if _is_full(error):
            return _unwritten(error)
    return _unexpected(error, as_json=as_json)


def _aborted(error: click.Abort, *, as_json: bool) -> Refusal:
    """
    Tell an interruption from a no; Click keeps which of the two it was in the context.
    """
    if isinstance(error.__cause__ or error.__context__, KeyboardInterrupt):
        if error.__cause__ is None and sys.stderr.isatty():
            # At a question: the terminal has echoed ^C, and Click ends that line elsewhere only.
            click.echo(err=True)
        return Refusal("interrupted", "Interrupted", ExitCode.INTERRUPTED, as_json=as_json)
    return Refusal("aborted", "Nothing was done", ExitCode.FAILED, as_json=as_json)


def _is_full(error: OSError) -> bool:
    # Only what was opened by name has one; standard output has none.
    return error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO} and (
        error.filename is None
    )


def _unwritten(error: OSError) -> Refusal:
    """
    Say that the answer is not where it should be; a document could not be written there either.
    """
    # Python would try again what is left in its buffer, and complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    reason = os.strerror(error.errno or errno.EIO)
    return Refusal("unwritten", f"The answer could not be written: {reason}", ExitCode.FAILED)


def _unexpected(error: Exception, *, as_json: bool) -> Refusal:
    """
    Name a mistake of ours without its message, which may hold anything.
    """
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
    place = traceback.extract_tb(error.__traceback__)[-1]
    message = (
        f"An unexpected {type(error).__name__} in {Path(place.filename).name}, line"
        f" {place.lineno}. This is a mistake of the program; {TRACEBACK}=1 shows all of it"
    )
    return Refusal("unexpected", message, ExitCode.FAILED, as_json=as_json)
