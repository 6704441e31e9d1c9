"""
What grows with every payment, and may go when it is old.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

import attrs

CLOCKS: Final = timedelta(hours=1)
"""
How far the clocks of those who write may be apart.
"""


class History(StrEnum):
    """
    What is removed by age.

    MESSAGES: those to other services that have left. WEBHOOKS: those that are over. AUDIT: who
    did what.
    """

    MESSAGES = "messages"
    WEBHOOKS = "webhooks"
    AUDIT = "audit"


@attrs.frozen
class Horizons:
    """
    From which moments on everything is still there; None where nothing was ever removed.
    """

    messages: datetime | None = None
    webhooks: datetime | None = None

    def may_lack_messages(self, written: datetime) -> bool:
        """
        Return whether a message of that time may have been removed.
        """
        return self.messages is not None and written < self.messages + CLOCKS

    def may_lack_webhook(self, created: datetime) -> bool:
        """
        Return whether a webhook event of that time may have been removed.
        """
        return self.webhooks is not None and created < self.webhooks + CLOCKS


@attrs.frozen(kw_only=True)
class Removal:
    """
    What became of everything in a history that is older than a moment.

    Attributes:
        parts: Months that went whole, by name.

        rows: How many went one by one.

        stays: Months that are old enough and stay, by name: why.
    """

    history: History
    before: datetime
    parts: Sequence[str] = ()
    rows: int = 0
    stays: Mapping[str, str] = attrs.field(factory=dict)


class IRetention(Protocol):
    """
    Makes room for what comes, and removes what is old.

    Nobody who writes or reads meanwhile waits for longer than a moment, any number may try at
    once, and whoever dies in the middle leaves nothing half done.
    """

    @abstractmethod
    def make_ahead(self, now: datetime) -> Sequence[str]:
        """
        Make the months that come next, and return the names of those that are new.

        What is written to a month that was not made is kept all the same.
        """

    @abstractmethod
    def remove(self, history: History, before: datetime, *, dry_run: bool = False) -> Removal:
        """
        Remove what is older than that moment and over.

        Messages that have not left, and webhooks that wait or were given up, never go.

        Args:
            dry_run: Only say what would go, whole months alone.
        """

    @abstractmethod
    def horizons(self) -> Horizons:
        """
        Return from which moments on everything is still there.
        """
