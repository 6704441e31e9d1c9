"""
The ids under which everything is found that one request, message or run brings about.

They travel with the work and not through its arguments: no rule depends on them. Whoever takes
work in binds them; the log, the outbox and whoever calls other services read them.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final
from uuid import uuid4

import attrs

from payments_core.masking import shows_secret

_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")
_TRACEPARENT: Final = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


@attrs.frozen
class Correlation:
    """
    What belongs together.

    Attributes:
        id: The same in every service and every process that works on it.

        traceparent: The span in which it happens, as W3C's Trace Context writes it; None where
            nobody traces.
    """

    id: str
    traceparent: str | None = None

    @property
    def trace_id(self) -> str | None:
        """
        The trace of the span.
        """
        return self.traceparent and self.traceparent[3:35]

    @classmethod
    def begin(
        cls, *given: object, otherwise: str | None = None, traceparent: object = None
    ) -> "Correlation":
        """
        Return the first given id that may be used, with the trace if it is one.

        Args:
            otherwise: The id where none may be used; one of our own. None for a new one.
        """
        found = next(filter(None, map(accepted, given)), otherwise)
        return cls(found or new_id(), _trace(traceparent))


def new_id() -> str:
    """
    Return an id that nothing else has.
    """
    return uuid4().hex


def accepted(given: object) -> str | None:
    """
    Return an id that a stranger gave, or None if it must not be repeated.

    It stands in lines of the log, in headers and in messages: hence few characters, none of
    which could end a line, and nothing that would be masked.
    """
    sane = isinstance(given, str) and _ID.fullmatch(given) and not shows_secret(given)
    return str(given) if sane else None


def current() -> Correlation | None:
    """
    Return the ids of the work that is done here; None outside any.
    """
    return _current.get()


@contextmanager
def correlated(correlation: Correlation | None) -> Iterator[None]:
    """
    Do the work of the block under these ids; None leaves those that hold.
    """
    token = _current.set(correlation or current())
    try:
        yield
    finally:
        _current.reset(token)


_current: Final[ContextVar[Correlation | None]] = ContextVar("correlation", default=None)


def _trace(given: object) -> str | None:
    return given if isinstance(given, str) and _TRACEPARENT.fullmatch(given) else None
