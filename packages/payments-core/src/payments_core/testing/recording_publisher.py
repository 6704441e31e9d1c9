"""
A broker that remembers what it was given, and does as it is told.
"""

from collections.abc import Callable, Sequence

from typing_extensions import override

from payments_core.ports.outbox import OutboxMessage
from payments_core.ports.publisher import IEventPublisher, PublishError

Judge = Callable[[OutboxMessage], PublishError | None]


class RecordingPublisher(IEventPublisher):
    """
    Keeps every message that it confirmed, in order, copies included.

    Attributes:
        judge: What becomes of a message; by default everything is confirmed.

        down: Whether it can be reached.
    """

    def __init__(self, judge: Judge = lambda _: None) -> None:
        self.messages: list[OutboxMessage] = []
        self.judge = judge
        self.down = False

    @override
    def publish(self, messages: Sequence[OutboxMessage]) -> Sequence[PublishError | None]:
        return [self._one(message) for message in messages]

    @override
    def ping(self) -> None:
        if self.down:
            raise PublishError("The broker is not there")

    def _one(self, message: OutboxMessage) -> PublishError | None:
        error = PublishError("The broker is not there") if self.down else self.judge(message)
        if error is None:
            self.messages.append(message)
        return error
