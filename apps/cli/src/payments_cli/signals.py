"""
Being told to stop.
"""

import signal
from collections.abc import Callable
from threading import Event


class Stop:
    """
    Listens from now on for Ctrl-C and for the signals that ask a process to end.

    Attributes:
        number: Of the signal that came; None as long as none did.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._asked = Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)

    def wait(self, ended: Callable[[], bool] = lambda: False, every: float = 0.5) -> None:
        """
        Return when the end is asked for, or when `ended` says so.

        Args:
            every: Seconds between two questions.
        """
        while not self._asked.wait(every) and not ended():
            pass

    def _note(self, number: int, _: object) -> None:
        self.number = self.number or number
        self._asked.set()
