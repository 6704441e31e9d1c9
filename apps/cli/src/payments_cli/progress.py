"""
How far long work is, on a terminal only.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click


def tell(text: str) -> None:
    """
    Write a line for a person at the terminal; a log is spared it.
    """
    if sys.stderr.isatty():
        click.echo(text, err=True)


@contextmanager
def progress(label: str, total: Callable[[], int]) -> Iterator[Callable[[int], None]]:
    """
    Show a bar while the block runs, on stderr; nothing where that is no terminal.

    Gives what moves the bar on, by how much.

    Args:
        total: Counts how much there is; asked only if somebody watches.
    """
    hidden = not sys.stderr.isatty()
    length = 0 if hidden else total()
    with click.progressbar(length=length, label=label, file=sys.stderr, hidden=hidden) as bar:
        yield bar.update
