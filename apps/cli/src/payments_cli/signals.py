"""
Waiting to be told to stop.
"""

import signal
from collections.abc import Callable
from threading import Event


def until_stopped(ended: Callable[[], bool], every: float = 0.5) -> None:
    """
    Return when Ctrl-C or a signal asks for the end, or when `ended` says so.

    Args:
        every: Seconds between two questions.
    """
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    while not stop.wait(every) and not ended():
        pass
