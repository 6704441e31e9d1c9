"""
A circuit breaker: a provider that does not answer is left alone for a while.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from payments_core.domain.failure import Failure
from payments_core.ports.errors import ProviderUnavailable
from payments_stripe.watch import IStripeWatch, NoStripeWatch


class CircuitBreaker:
    """
    Lets calls through until several in a row had no answer; then one call a pause tries again.

    Its lock is never held during a call. A refusal by the provider is an answer.

    Args:
        failures: How many calls without an answer open it.

        pause: Seconds between tries while it is open.

        watch: Hears when it opens and when it closes.
    """

    def __init__(
        self,
        failures: int,
        pause: float,
        clock: Callable[[], float] = time.monotonic,
        watch: IStripeWatch | None = None,
    ) -> None:
        self._most = failures
        self._pause = pause
        self._clock = clock
        self._watch = watch or NoStripeWatch()
        self._lock = threading.Lock()
        self._failures = 0
        self._next_try = 0.0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """
        Run a block that calls the provider.

        Raises:
            ProviderUnavailable: It is open; the block did not run. Or the block raised it.
        """
        self._admit()
        try:
            yield
        except ProviderUnavailable:
            self._failed()
            raise
        except Exception:
            self._answered()
            raise
        self._answered()

    def _admit(self) -> None:
        with self._lock:
            if self._failures < self._most:
                return
            left = self._next_try - self._clock()
            if left > 0:
                failure = Failure("circuit_open", "Stripe did not answer lately; try again later.")
                raise ProviderUnavailable(failure, left)
            # This call is the try. If it never comes back, the next pause brings another.
            self._next_try = self._clock() + self._pause

    def _failed(self) -> None:
        with self._lock:
            self._failures += 1
            if self._failures == self._most:
                self._watch.leaves_alone(so=True)
            self._next_try = self._clock() + self._pause

    def _answered(self) -> None:
        with self._lock:
            if self._failures >= self._most:
                self._watch.leaves_alone(so=False)
            self._failures = 0
