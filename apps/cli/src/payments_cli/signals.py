"""
Waiting to be told to stop.
"""

import signal
from collections.abc import Callable
from threading import Event


def until_stopped(ended: Callable[[], bool], every: float = 0.5) -> int | None:
    """
    Return when Ctrl-C or a signal asks for the end, or when `ended` says so.

    Args:
        every: Seconds between two questions.

    Returns:
        The number of the signal; None if there was none.
    """
    stop = Event()
    received: list[int] = []

    def note(number: int, _: object) -> None:
        received.append(number)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, note)
    while not stop.wait(every) and not ended():
        pass
    return next(iter(received), None)
