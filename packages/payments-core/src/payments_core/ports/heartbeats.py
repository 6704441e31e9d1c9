"""
Signs of life of the processes that do what happens by itself.
"""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import attrs


@attrs.frozen(kw_only=True)
class Heartbeat:
    """
    What a worker said of itself last.

    Attributes:
        worker: Its name, which it keeps as long as it runs.

        parts: What it does.

        broker: Whether it reaches the broker; None if what it does needs none.
    """

    worker: str
    parts: tuple[str, ...]
    broker: bool | None
    at: datetime


class IHeartbeats(Protocol):
    """
    The last sign of life of each worker. Each call is one short transaction.

    Raises:
        StorageUnavailable: The database is not there.
    """

    @abstractmethod
    def beat(self, heartbeat: Heartbeat) -> None:
        """
        Put it in the place of the worker's last one.
        """

    @abstractmethod
    def since(self, moment: datetime) -> Sequence[Heartbeat]:
        """
        Return the last heartbeat of each worker that gave one then or later, by name.
        """

    @abstractmethod
    def end(self, worker: str) -> None:
        """
        Forget a worker that ends.
        """

    @abstractmethod
    def forget(self, before: datetime) -> int:
        """
        Forget workers that have been silent since before then; return how many those were.
        """
