"""
The time, so that tests can set it.
"""

from abc import abstractmethod
from datetime import UTC, datetime
from typing import Protocol

from typing_extensions import override


class IClock(Protocol):
    """
    Tells the time.
    """

    @abstractmethod
    def now(self) -> datetime:
        """
        Return the time now, in UTC and aware of it.
        """


class SystemClock(IClock):
    """
    The machine's clock.
    """

    @override
    def now(self) -> datetime:
        return datetime.now(UTC)
