"""
How requests reach Stripe: bounded in time and size, and sent again where that can help.
"""

import itertools
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

import attrs
import stripe
from typing_extensions import override
from urllib3 import BaseHTTPResponse, HTTPHeaderDict
from urllib3 import exceptions as broken
from urllib3.util import Timeout

from payments_core.domain.failure import Failure
from payments_core.ports.errors import ProviderUnavailable
from payments_stripe.retry import Backoff, Lost, Reply, retry_after
from payments_stripe.settings import StripeSettings
from payments_stripe.sockets import open_pool
from payments_stripe.watch import IStripeWatch, NoStripeWatch

MOST_BYTES: Final = 1024 * 1024
"""
The largest answer that is read; a page of a hundred objects is a third of that.
"""

_SHORTEST_ATTEMPT: Final = 0.25
"""
Seconds that must be left for an attempt to be worth making.
"""

_PACKED: Final = {"Accept-Encoding": "gzip, deflate"}

_BROKEN: Final = (broken.ProtocolError, broken.NewConnectionError, broken.ProxyError)

_until: ContextVar[float] = ContextVar("until")


@attrs.frozen
class Ticking:
    """
    Time and chance, so that tests can set them.
    """

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random


class Transport(stripe.HTTPClient):
    """
    The HTTP client that is given to Stripe's SDK.

    It is the only layer that sends a request again; the SDK is told not to. Several
    threads may use it at once.
    """

    name = "urllib3"

    def __init__(
        self,
        settings: StripeSettings,
        ticking: Ticking | None = None,
        watch: IStripeWatch | None = None,
    ) -> None:
        super().__init__()
        self._watch = watch or NoStripeWatch()
        self._settings = settings
        self._ticking = ticking or Ticking()
        self._backoff = Backoff()
        self._pool = open_pool(settings.api_base)

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """
        Let every request of this block, its repeats and waits, take so many seconds in all.

        Inside another such block the earlier end holds.
        """
        end = self._ticking.clock() + seconds
        token = _until.set(min(end, _until.get(end)))
        try:
            yield
        finally:
            _until.reset(token)

    @override
    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[Any, int, Mapping[str, str]]:
        """
        Send a request, again where that can help, and return the last answer.

        Raises:
            ProviderUnavailable: There was none.
        """
        for attempt in itertools.count(1):
            result = self._attempt(method, url, headers, post_data)
            if not self._again(result, attempt, write=method != "get"):
                break
        if isinstance(result, Lost):
            raise ProviderUnavailable(Failure(result.code, result.message)) from result.error
        return result.body, result.status, result.headers

    @override
    def close(self) -> None:
        """
        Close the connections that are kept open.
        """
        self._pool.clear()

    def _left(self) -> float:
        return _until.get() - self._ticking.clock()

    def _again(self, result: Reply | Lost, attempt: int, *, write: bool) -> bool:
        """
        Wait for the next attempt and return True, or return False at once.
        """
        if attempt >= self._settings.max_attempts or not result.repeats(write=write):
            return False
        asked = retry_after(result.headers) if isinstance(result, Reply) else None
        wait = self._backoff.wait(attempt, asked, self._ticking.chance())
        if wait + _SHORTEST_ATTEMPT > self._left():
            return False
        self._watch.repeats(result.word)
        self._ticking.sleep(wait)
        return True

    def _attempt(
        self, method: str, url: str, headers: Mapping[str, str] | None, data: Any
    ) -> Reply | Lost:
        left = self._left()
        if left <= 0:
            return Lost("timeout", "There was no time left to ask Stripe.", never=True)
        try:
            with self._pool.urlopen(
                method.upper(),
                url,
                body=data,
                headers={**(headers or {}), **_PACKED},
                timeout=self._timeout(left),
                retries=False,
                redirect=False,
                preload_content=False,
            ) as response:
                return _read(response)
        except broken.HTTPError as error:
            return _lost(error)

    def _timeout(self, left: float) -> Timeout:
        limits = self._settings
        return Timeout(left, connect=limits.connect_timeout, read=limits.read_timeout)


def _read(response: BaseHTTPResponse) -> Reply | Lost:
    body = response.read(MOST_BYTES + 1, decode_content=True)
    if len(body) > MOST_BYTES:
        return Lost("answer_too_large", "Stripe's answer was larger than any is.", never=True)
    headers = HTTPHeaderDict(response.headers)
    # The SDK turns this header into a Python warning, which an embedding service may
    # have made an error: a payment must not fail because of a notice.
    headers.discard("Stripe-Notice")
    return Reply(response.status, headers, body)


def _lost(error: broken.HTTPError) -> Lost:
    if isinstance(error, broken.ConnectTimeoutError):
        return Lost("connection_failed", "Stripe could not be reached in time.", error)
    if isinstance(error, broken.TimeoutError):
        return Lost("timeout", "Stripe did not answer in time.", error, reads_only=True)
    if isinstance(error, broken.SSLError):
        text = "No trusted TLS connection to Stripe could be made; see REQUESTS_CA_BUNDLE."
        return Lost("tls_failed", text, error, never=True)
    if isinstance(error, _BROKEN):
        return Lost("connection_failed", "The connection to Stripe broke.", error)
    return Lost("connection_failed", "Stripe could not be asked.", error, never=True)
