"""
How every run of the command line ends: an exit code, and one line or one document.
"""

import errno
import os
import sys
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

    Raises:
        SystemExit: Something ended it before its end.
    """
    try:
        yield
    except Refusal as error:
        _end(error)
    except click.UsageError as error:
        _end(
            Refusal("usage", error.format_message(), error.exit_code, as_json=True)
            if as_json
            else error
        )
    except click.ClickException as error:
        _end(Refusal("failed", error.format_message(), error.exit_code, as_json=as_json))
    except click.Abort as error:
        _end(_aborted(error, as_json=as_json))
    except OSError as error:
        _end(_unwritten(error) if _is_full(error) else _unexpected(error, as_json=as_json))
    except Exception as error:  # noqa: BLE001 - whatever it is, people get a line and a code
        _end(_unexpected(error, as_json=as_json))


def _end(error: click.ClickException) -> None:
    error.show()
    sys.exit(error.exit_code)


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
