"""
Being told to stop.
"""

import os
import signal
from collections.abc import Callable
from threading import Event

from payments_cli.refusal import ExitCode


class Stop:
    """
    Listens from now on for Ctrl-C and for the signals that ask a process to end.

    Ctrl-C after any of them ends the process at once: whoever sits there does not want to wait.
    Another signal does not: who sends it twice knows of the first no more than we do.

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
        if self.number is not None and number == signal.SIGINT:
            os._exit(ExitCode.INTERRUPTED)
        self.number = self.number or number
        self._asked.set()
