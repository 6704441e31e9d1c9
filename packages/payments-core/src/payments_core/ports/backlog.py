"""
What is not done yet, counted: for those who watch the service.
"""

from abc import abstractmethod
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol, TypeVar

import attrs

from payments_core.domain.discrepancy import DiscrepancyKind
from payments_core.domain.operation import OperationState
from payments_core.ports.outbox import OutboxStatus
from payments_core.ports.webhooks import WebhookStatus

MOST: Final = 100_000
"""
So many of one kind are counted at most, so that looking never costs more than that.
"""

UNDONE: Final = (WebhookStatus.RECEIVED, WebhookStatus.PARKED, WebhookStatus.DEAD)
"""
States of a webhook event that nothing has come of.
"""

Word = TypeVar("Word", bound=StrEnum)


@attrs.frozen
class Waiting:
    """
    How many there are, when the first of them began, and when the last.
    """

    number: int
    oldest: datetime
    newest: datetime


@attrs.frozen(kw_only=True)
class Backlog:
    """
    What is not done, under its state or kind; what there is none of has no entry.

    Attributes:
        messages: Not sent, by when they were written. operations: Without an outcome, by when
            they were first sent. webhooks: `UNDONE`, by when they arrived. discrepancies:
            Neither repaired nor closed, by when they were found.
    """

    messages: Mapping[OutboxStatus, Waiting]
    operations: Mapping[OperationState, Waiting]
    webhooks: Mapping[WebhookStatus, Waiting]
    discrepancies: Mapping[DiscrepancyKind, Waiting]


class IBacklogQueries(Protocol):
    """
    Counts without changing or locking anything.
    """

    @abstractmethod
    def count(self) -> Backlog:
        """
        Return what is not done now; of one kind no more than `MOST` are counted.

        Raises:
            StorageUnavailable: The database is not there.
        """
