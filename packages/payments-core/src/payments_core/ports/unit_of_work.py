"""
One transaction.
"""

from abc import abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from payments_core.ports.audit import IAuditLog
from payments_core.ports.idempotency import IIdempotencyKeys
from payments_core.ports.inbox import IInbox
from payments_core.ports.outbox import IOutbox
from payments_core.ports.reconciliation import IReconciliationRepository
from payments_core.ports.repositories import (
    IDiscrepancyRepository,
    IOrderRepository,
    IPaymentRepository,
)
from payments_core.ports.webhooks import IWebhookInbox


class IUnitOfWork(Protocol):
    """
    A transaction as a context manager: nothing is kept without `commit`.

    One instance serves one ``with`` block. No call to a provider is made inside it.

    Raises:
        StorageUnavailable: The database is not there. At `commit` it is then unknown
            whether the changes are kept.
        ConcurrentUpdate: The database gave up this transaction for another; try again.
    """

    payments: IPaymentRepository
    webhooks: IWebhookInbox
    discrepancies: IDiscrepancyRepository
    orders: IOrderRepository
    outbox: IOutbox
    inbox: IInbox
    audit: IAuditLog
    reconciliations: IReconciliationRepository
    idempotency: IIdempotencyKeys

    @abstractmethod
    def __enter__(self) -> Self:
        """
        Begin.
        """

    @abstractmethod
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """
        End; what was not committed is undone.
        """

    @abstractmethod
    def commit(self) -> None:
        """
        Keep everything that was done in the block, or nothing of it.
        """


UnitOfWorkFactory = Callable[[], IUnitOfWork]
