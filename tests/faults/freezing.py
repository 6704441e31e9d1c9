"""
Processes that stand still: connections to them stay, and the system takes what is sent.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def family_of(pid: int) -> Iterator[int]:
    """
    Yield a process and all that it and its children started.
    """
    yield pid
    with suppress(FileNotFoundError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                yield from family_of(int(child))


def tell(pid: int, number: int) -> None:
    """
    Give a process and its family a signal.
    """
    for each in list(family_of(pid)):
        with suppress(ProcessLookupError):
            os.kill(each, number)


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """
    Let a process and its family stand still until the block ends.
    """
    tell(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        tell(pid, signal.SIGCONT)
