"""
The last answer to a question that may hang: whoever wants it waits no longer than they like.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

import attrs

T = TypeVar("T")


@attrs.define(eq=False)
class Latest(Generic[T]):
    """
    Asks in a thread of its own, never twice at once, and no oftener than an answer is good for.

    Attributes:
        fresh: Seconds for which an answer is good.

        began: When it was asked last, on the clock of `time.monotonic`.
    """

    ask: Callable[[], T]
    fresh: float
    began: float = attrs.field(default=0.0, init=False)
    _asked: "Future[T] | None" = attrs.field(default=None, init=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)

    def begin(self) -> None:
        """
        Ask, unless an answer is on its way or the last one is still good.
        """
        with self._lock:
            now = time.monotonic()
            if self._asked and not (self._asked.done() and now - self.began >= self.fresh):
                return
            self._asked, self.began = Future(), now
            threading.Thread(target=self._answer, args=(self._asked,), daemon=True).start()

    def result(self, timeout: float) -> T:
        """
        Return the answer, once `begin` was called, or raise what the question raised.

        Raises:
            TimeoutError: There is none after so many seconds.
        """
        assert self._asked is not None
        return self._asked.result(timeout)

    def _answer(self, asked: "Future[T]") -> None:
        try:
            asked.set_result(self.ask())
        except Exception as error:  # noqa: BLE001 - it is for whoever waits
            asked.set_exception(error)
