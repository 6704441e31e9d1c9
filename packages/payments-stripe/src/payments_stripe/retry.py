"""
Which requests are worth sending again, and when.

Sending again is safe by itself: reads change nothing, and a write is sent with the same
bytes under the same idempotency key. What is decided here is whether it can help in time.
Source: https://docs.stripe.com/error-low-level
"""

import re
from collections.abc import Mapping
from typing import Final

import attrs

_WAITS: Final = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?", re.ASCII)

_READ: Final = frozenset({409, 429, 500, 502, 503, 504})
_WRITE: Final = frozenset({409, 429, 503})
"""
Not 500: Stripe keeps it under the key and would only repeat it. Whoever keeps the record
of operations must read the object instead.
"""


@attrs.frozen
class Reply:
    """
    An answer over HTTP, whatever it says.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = attrs.field(repr=False)

    @property
    def word(self) -> str:
        """
        Its status, as one of few words.
        """
        return f"http_{self.status}" if self.status in _READ else "http_other"

    def repeats(self, *, write: bool) -> bool:
        """
        Whether the same request may be answered better if it is sent again.
        """
        advice = self.headers.get("Stripe-Should-Retry", "")
        if advice in {"true", "false"}:
            return advice == "true" and self.status >= 400  # noqa: PLR2004 - HTTP's errors
        return self.status in (_WRITE if write else _READ)


@attrs.frozen
class Lost:
    """
    No answer.

    Attributes:
        code: What happened, as a word.

        reads_only: Whether only a read is worth sending again: the provider may be busy
            with a write still.

        never: Whether it would happen again.
    """

    code: str
    message: str
    error: BaseException | None = attrs.field(default=None, eq=False)
    reads_only: bool = False
    never: bool = False

    @property
    def word(self) -> str:
        """
        What happened, as one of few words.
        """
        return self.code

    def repeats(self, *, write: bool) -> bool:
        """
        Whether the same request may be answered if it is sent again.
        """
        return not (self.never or (self.reads_only and write))


@attrs.frozen
class Backoff:
    """
    How long to wait before sending again: exponential, with full jitter.

    Attributes:
        first: Seconds that the first wait is at most; each next one is twice that.

        most: Seconds that any wait is at most.
    """

    first: float = 0.25
    most: float = 4.0

    def wait(self, attempt: int, asked: float | None, chance: float) -> float:
        """
        Return the seconds to wait after an attempt.

        Args:
            attempt: The number of the attempt that failed, from 1.

            asked: What the provider asks for, which is never undercut.

            chance: A random number from 0 to 1.
        """
        ours = chance * min(self.most, self.first * 2.0 ** (attempt - 1))
        return max(ours, asked or 0.0)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """
    Return the seconds that the provider asks us to wait, where it says so in seconds.
    """
    text = headers.get("Retry-After", "").strip()
    return float(text) if _WAITS.fullmatch(text) else None
