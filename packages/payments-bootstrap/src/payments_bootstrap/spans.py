"""
Spans around the ports: transactions, calls of the provider, messages that leave and that come.

What only passes most calls through is no subclass of its port: it hands everything else on.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import wraps
from types import TracebackType
from typing import Any, Final, Self

import attrs
from dependency_injector import providers
from typing_extensions import override

from payments_bootstrap.container import Container
from payments_bootstrap.tracing import Attributes, ISpan, ITracer, Kind, word_of
from payments_core.application.handle_message import Handled, HandleMessage, Outcome
from payments_core.application.received import ReceivedMessage
from payments_core.ports.correlation import correlated, current
from payments_core.ports.outbox import OutboxMessage
from payments_core.ports.provider import IPaymentProvider
from payments_core.ports.publisher import IEventPublisher, PublishError, Unroutable
from payments_core.ports.unit_of_work import IUnitOfWork

CALLS: Final = frozenset(
    {"create_intent", "confirm", "capture", "cancel", "refund", "retrieve", "refunds_of"}
)
"""
What a provider is asked once. A listing goes on while its reader works, and is no span.
"""


def trace(container: Container, tracer: ITracer) -> None:
    """
    Put spans around the ports of a container, of which nothing was taken yet.
    """
    container.tracer.override(providers.Object(tracer))
    _around(container.unit_of_work, TracedUnitOfWork, tracer)
    for delegate in container.payment_providers.kwargs.values():
        _around(delegate(), TracedProvider, tracer)
    _around(container.publisher, TracedPublisher, tracer)
    _around(container.handle_message, TracedHandling, tracer)


def _around(provider: Any, decorator: Callable[..., Any], tracer: ITracer) -> None:
    # An overridden provider gives what overrides it, also within: hence a copy of it there.
    kind = type(provider)
    inner = provider.last_overriding or kind(provider.provides, *provider.args, **provider.kwargs)
    provider.override(kind(decorator, inner, tracer))


class TracedUnitOfWork(IUnitOfWork):
    """
    A transaction that is a span where something is traced already.

    The worker asks for work several times a second: looking alone begins no trace.
    """

    def __init__(self, inner: IUnitOfWork, tracer: ITracer) -> None:
        self._inner = inner
        self._tracer = tracer
        self._open = ExitStack()
        self._span: ISpan | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    @override
    def __enter__(self) -> Self:
        with ExitStack() as opening:
            here = current()
            if here and here.traceparent:
                self._span = opening.enter_context(self._tracer.span("transaction"))
            opening.enter_context(self._inner)
            self._open = opening.pop_all()
        return self

    @override
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._open.__exit__(exc_type, exc, traceback)

    @override
    def commit(self) -> None:
        self._inner.commit()
        if self._span:
            self._span.note({"payments.committed": True})


@attrs.frozen
class TracedProvider:
    """
    A provider of which each call is a span.
    """

    _inner: IPaymentProvider
    _tracer: ITracer

    def __getattr__(self, name: str) -> Any:
        given = getattr(self._inner, name)
        return self._traced(name, given) if name in CALLS else given

    def _traced(self, operation: str, call: Callable[..., Any]) -> Callable[..., Any]:
        name = f"{self._inner.name} {operation}"
        about: Attributes = {"payments.provider": self._inner.name, "payments.operation": operation}

        @wraps(call)
        def traced(*args: Any, **options: Any) -> Any:
            with self._tracer.span(name, Kind.CLIENT, about):
                return call(*args, **options)

        return traced


@attrs.frozen
class TracedPublisher:
    """
    A publisher that goes on with the trace in which a message was written.

    Its readers go on below the sending: the header says so, and the stored message stays.
    """

    _inner: IEventPublisher
    _tracer: ITracer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def publish(self, messages: Sequence[OutboxMessage]) -> Sequence[PublishError | None]:
        """
        Send them, each in a span of its own.
        """
        with ExitStack() as spans:
            sending = [spans.enter_context(self._sending(message)) for message in messages]
            results = self._inner.publish([message for message, _ in sending])
            for (_, span), error in zip(sending, results, strict=True):
                if span and error:
                    _went_wrong(span, error)
        return results

    @contextmanager
    def _sending(self, message: OutboxMessage) -> Iterator[tuple[OutboxMessage, ISpan | None]]:
        written = message.correlation
        if written is None or written.traceparent is None:
            yield message, None
            return
        about = _about_message(message.destination, str(message.id), "send")
        name = f"send {message.name}"
        with correlated(written), self._tracer.span(name, Kind.PRODUCER, about) as span:
            yield attrs.evolve(message, correlation=current()), span


@attrs.frozen
class TracedHandling:
    """
    The handling of messages from other services, as spans below those of their senders.
    """

    _inner: HandleMessage
    _tracer: ITracer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def execute(self, message: ReceivedMessage, content: str, attempts: int = 0) -> Handled:
        """
        Handle a message.
        """
        about = _about_message(message.endpoint, str(message.id), "process")
        with self._tracer.span(f"process {message.name}", Kind.CONSUMER, about) as span:
            handled = self._inner.execute(message, content, attempts)
            span.note({"payments.outcome": handled.outcome})
            if handled.outcome is Outcome.FAILED and handled.error:
                span.fail(word_of(handled.error))
        return handled


def _about_message(destination: str, message_id: str, operation: str) -> Attributes:
    return {
        "messaging.system": "rabbitmq",
        "messaging.destination.name": destination,
        "messaging.message.id": message_id,
        "messaging.operation.type": operation,
    }


def _went_wrong(span: ISpan, error: PublishError) -> None:
    # Most messages need no reader; the relay knows which do.
    if isinstance(error, Unroutable):
        span.note({"payments.outcome": error.code})
    else:
        span.fail(error.code)
