"""
Leaving alone for a while what failed.
"""

import threading
import time
from collections.abc import Callable


class Truce:
    """
    After a failure nobody asks for a pause; then one asks, and if that goes well, all do.

    Its lock is never held while anyone asks.

    Args:
        pause: In seconds.
    """

    def __init__(self, pause: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._pause = pause
        self._clock = clock
        self._lock = threading.Lock()
        self._until: float | None = None

    def may_ask(self) -> bool:
        """
        Return whether to ask now; whoever may ask after a pause begins the next one for others.
        """
        with self._lock:
            if self._until is None:
                return True
            now = self._clock()
            over = now >= self._until
            if over:
                self._until = now + self._pause
            return over

    def failed(self) -> bool:
        """
        Note a failure; return whether it is the first one.
        """
        with self._lock:
            first = self._until is None
            self._until = self._clock() + self._pause
            return first

    def answered(self) -> bool:
        """
        Note an answer; return whether it is the first one after a failure.
        """
        with self._lock:
            again = self._until is not None
            self._until = None
            return again
