"""
The seam for traces: whoever does something worth a span says so here.

Nothing behind it is imported before the settings ask for it (`TRACING__ENABLED`): then
`payments_bootstrap.spans` puts spans around the ports, and `payments_bootstrap.telemetry` brings them to
a collector.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from enum import StrEnum
from typing import Final, Protocol

from payments_core.application.received import AlreadyHandled
from payments_core.domain.errors import Conflict, DomainError, NotFound, PaymentsError
from payments_core.ports.errors import ProviderDeclined

Attributes = Mapping[str, str | int | bool]


class Kind(StrEnum):
    """
    On which side of which call a span stands, in OpenTelemetry's words.
    """

    INTERNAL = "INTERNAL"
    SERVER = "SERVER"
    CLIENT = "CLIENT"
    PRODUCER = "PRODUCER"
    CONSUMER = "CONSUMER"


class ISpan(Protocol):
    """
    Something that is being done.
    """

    @abstractmethod
    def note(self, attributes: Attributes) -> None:
        """
        Say more of it: words, numbers and ids of ours, and nothing that anybody typed.
        """

    @abstractmethod
    def fail(self, word: str) -> None:
        """
        Mark it as failed.
        """


class ITracer(Protocol):
    """
    Begins spans.
    """

    @abstractmethod
    def span(
        self, name: str, kind: Kind = Kind.INTERNAL, attributes: Attributes | None = None
    ) -> AbstractContextManager[ISpan]:
        """
        Make the block a span below the current one, and itself the current one within it.

        The first has no span above it, and begins a trace. What is raised marks it as failed,
        by a word and never by a text, which may hold anything.
        """


_REFUSALS: Final = (DomainError, NotFound, Conflict, ProviderDeclined, AlreadyHandled)
"""
Answers that are as they should be, also where they are no.
"""


@contextmanager
def ending(span: ISpan) -> Iterator[None]:
    """
    Say of a span how its block ended.
    """
    try:
        yield
    except _REFUSALS as refusal:
        span.note({"payments.refusal": refusal.code})
        raise
    except BaseException as error:
        span.fail(word_of(error))
        raise


def word_of(error: BaseException) -> str:
    """
    Return what a span may say of an error; its text may hold anything.
    """
    return error.code if isinstance(error, PaymentsError) else type(error).__name__
