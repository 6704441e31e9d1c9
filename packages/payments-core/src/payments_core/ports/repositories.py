"""
Where payments are kept, for those who change them.
"""

from abc import abstractmethod
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import attrs

from payments_core.domain.discrepancy import Discrepancy
from payments_core.domain.operation import Operation
from payments_core.domain.order import Order
from payments_core.domain.payment import Payment


@attrs.frozen
class Claim:
    """
    An operation that its claimer alone works on, until its lease ends.
    """

    provider: str
    payment_id: UUID
    operation_id: UUID


class IPaymentRepository(Protocol):
    """
    Keeps payments whole: operations, refunds and events are saved with their payment.

    A payment that is returned stays locked until the unit of work ends: whoever else
    asks for it waits.
    """

    @abstractmethod
    def add(self, payment: Payment) -> bool:
        """
        Keep a new payment; return False, and change nothing, if its order has a live one.

        An order has at most one payment that is neither Failed nor Canceled.
        """

    @abstractmethod
    def get(self, payment_id: UUID) -> Payment | None:
        """
        Return the payment, locked, or None.
        """

    @abstractmethod
    def find(self, provider: str, provider_payment_id: str) -> Payment | None:
        """
        Return the payment with this object at the provider, locked, or None.
        """

    @abstractmethod
    def live_payment_of(self, order_id: UUID) -> Payment | None:
        """
        Return the order's payment that is neither Failed nor Canceled, locked, or None.
        """

    @abstractmethod
    def attach(self, payment: Payment) -> Payment:
        """
        Return a copy of a payment as an earlier unit of work left it, to be changed and saved here.

        Nothing is read or locked: `save` finds out whether it is still so. A claim is not seen, so
        this is for whoever holds the lease of the operation that is to change.
        """

    @abstractmethod
    def save(self, payment: Payment) -> None:
        """
        Write what changed, and the payment's new events to the outbox, in their order.

        The version grows by one if anything changed; nothing is written otherwise. The
        payment's `events` are empty afterwards.

        Raises:
            ConcurrentUpdate: The stored version is not the one that was read.
        """

    @abstractmethod
    def claim(
        self, token: UUID, now: datetime, until: datetime, limit: int, without: Collection[str] = ()
    ) -> Sequence[Claim]:
        """
        Return operations that are due, longest first, each under a new lease.

        Two claimers at once never get the same operation. A payment that somebody holds
        locked is passed over. Each is due again at `until`, should its claimer die.

        Args:
            token: The lease. until: Its end.

            without: Providers whose operations are left alone.
        """

    @abstractmethod
    def expired(self, now: datetime, limit: int) -> Sequence[UUID]:
        """
        Return payments that still wait for their customer after their time, longest first.
        """

    @abstractmethod
    def in_review(self, limit: int) -> Sequence[tuple[UUID, Operation]]:
        """
        Return operations that wait for a person, each with its payment's id, oldest first.
        """


class IDiscrepancyRepository(Protocol):
    """
    Keeps the differences that were found, each once.
    """

    @abstractmethod
    def add(self, discrepancy: Discrepancy) -> bool:
        """
        Keep a difference; return False if it is there already.

        One that is there and is not repaired is marked as repaired if this one is. One that a
        person closed stays closed.
        """

    @abstractmethod
    def get(self, discrepancy_id: UUID) -> Discrepancy | None:
        """
        Return a difference, locked, or None.
        """

    @abstractmethod
    def close(self, discrepancy: Discrepancy) -> None:
        """
        Write when, by whom and with what note a difference was closed, and nothing else.
        """


class IOrderRepository(Protocol):
    """
    Keeps what is known of orders; payments may come before their order is told.
    """

    @abstractmethod
    def record(self, order: Order) -> None:
        """
        Keep an order's facts; what was told first stays, what it left out is added.
        """

    @abstractmethod
    def get(self, order_id: UUID) -> Order | None:
        """
        Return the facts, or None if the order was not told.
        """
