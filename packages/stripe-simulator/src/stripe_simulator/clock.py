"""
The simulator's clock: the machine's time plus an offset that only grows.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Clock:
    """
    Tells the time that objects and timers use; it never goes back.
    """

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        self._source = source
        self._offset = 0.0
        self._last = 0.0
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []

    def now(self) -> float:
        """
        Seconds since the epoch; never less than an earlier answer.
        """
        with self._lock:
            self._last = max(self._last, self._source() + self._offset)
            return self._last

    def advance(self, seconds: float) -> float:
        """
        Moves the time forward and lets everything that falls due happen.

        Args:
            seconds: How far; zero or more.
        """
        if seconds < 0:
            raise ValueError("The clock goes forward only: give zero or more seconds.")
        with self._lock:
            self._offset += seconds
        for listener in self._listeners:
            listener()
        return self.now()

    def on_advance(self, listener: Callable[[], None]) -> None:
        """
        Calls `listener` after every step forward.
        """
        self._listeners.append(listener)
