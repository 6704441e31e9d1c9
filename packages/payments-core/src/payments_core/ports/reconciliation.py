"""
What reconciliation keeps, and what it reads of this service: always a bounded batch of rows.
"""

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import attrs

from payments_core.domain.comparison import HeldPayment, HeldRefund
from payments_core.domain.discrepancy import Discrepancy, DiscrepancyKind
from payments_core.domain.reconciliation import ReconciliationRun
from payments_core.ports.outbox import OutboxStatus
from payments_core.ports.provider import WebhookNotice, Window
from payments_core.ports.queries import Cursor
from payments_core.ports.retention import Horizons


class IReconciliationRepository(Protocol):
    """
    Keeps runs; a provider has at most one that has not ended.
    """

    @abstractmethod
    def add(self, run: ReconciliationRun) -> bool:
        """
        Keep a new run; return False, and change nothing, if it is there or another is active.
        """

    @abstractmethod
    def get(self, run_id: UUID) -> ReconciliationRun | None:
        """
        Return a run, or None.
        """

    @abstractmethod
    def active(self, provider: str) -> ReconciliationRun | None:
        """
        Return the provider's run that has not ended, or None.
        """

    @abstractmethod
    def claim(
        self, now: datetime, until: datetime, token: UUID, provider: str | None = None
    ) -> ReconciliationRun | None:
        """
        Return a run that nobody works on, as this claimer's until then; None if there is none.

        That is one that was asked for, or one whose process has died. Two claimers at once
        never get the same.
        """

    @abstractmethod
    def save(self, run: ReconciliationRun) -> bool:
        """
        Write where a run stands; return False, and change nothing, if it is another's by now.
        """


@attrs.frozen
class LocalOperation:
    """
    An operation whose outcome nobody knows; `provider_payment_id` is its payment's object.
    """

    id: UUID
    created_at: datetime
    payment_id: UUID
    provider_payment_id: str | None


@attrs.frozen
class LocalMessage:
    """
    What was written for other services about a payment.
    """

    id: UUID
    created_at: datetime
    payment_id: UUID
    name: str
    status: OutboxStatus


@attrs.frozen(kw_only=True)
class DiscrepancyFilter:
    """
    Which differences to list; what is None does not restrict.

    Attributes:
        ended: Also those that are repaired or closed.
    """

    kind: DiscrepancyKind | None = None
    payment_id: UUID | None = None
    ended: bool = False


@attrs.frozen
class Found:
    """
    A part of a list of differences.

    Attributes:
        next: Where the next part begins; None on the last one.
    """

    items: Sequence[Discrepancy]
    next: Cursor | None


class IReconciliationQueries(Protocol):
    """
    The read side. Each call is one statement that finds its rows by an index and locks none.

    Listings are newest first and begin after a cursor, `limit` rows at a time.
    """

    @abstractmethod
    def by_object(self, provider: str, object_ids: Collection[str]) -> Mapping[str, HeldPayment]:
        """
        Return the payments with these objects at the provider, by the object's id.
        """

    @abstractmethod
    def by_id(self, provider: str, payment_ids: Collection[UUID]) -> Mapping[UUID, HeldPayment]:
        """
        Return the provider's payments of these ids.
        """

    @abstractmethod
    def payments(
        self, provider: str, window: Window, after: Cursor | None, limit: int
    ) -> Sequence[HeldPayment]:
        """
        Return payments that were made in the window.
        """

    @abstractmethod
    def refunds_of(self, payment_ids: Collection[UUID]) -> Sequence[HeldRefund]:
        """
        Return all refunds of these payments.
        """

    @abstractmethod
    def refunds(
        self, provider: str, window: Window, after: Cursor | None, limit: int
    ) -> Sequence[HeldRefund]:
        """
        Return refunds that were made in the window.
        """

    @abstractmethod
    def unresolved(
        self, provider: str, window: Window, after: Cursor | None, limit: int
    ) -> Sequence[LocalOperation]:
        """
        Return operations first sent in the window of which nobody knows the outcome.
        """

    @abstractmethod
    def messages_of(self, payment_ids: Collection[UUID]) -> Sequence[LocalMessage]:
        """
        Return all messages about these payments.
        """

    @abstractmethod
    def unsent(self, window: Window, after: Cursor | None, limit: int) -> Sequence[LocalMessage]:
        """
        Return messages about payments that were written in the window and still wait.
        """

    @abstractmethod
    def horizons(self) -> Horizons:
        """
        Return from which moments on retention has removed nothing.
        """

    @abstractmethod
    def known_events(self, provider: str, notices: Collection[WebhookNotice]) -> Collection[str]:
        """
        Return those of the provider's events that are stored.
        """

    @abstractmethod
    def run(self, run_id: UUID) -> ReconciliationRun | None:
        """
        Return a run, or None.
        """

    @abstractmethod
    def found(self, run_id: UUID, after: Cursor | None, limit: int) -> Found:
        """
        Return differences that a run was the first to find, oldest first.
        """

    @abstractmethod
    def discrepancies(
        self, wanted: DiscrepancyFilter, limit: int, after: Cursor | None = None
    ) -> Found:
        """
        Return differences, whoever found them, the last found first.
        """
