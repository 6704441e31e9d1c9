"""
One transaction with its repositories.
"""

from types import TracebackType
from typing import Self

from sqlalchemy import Engine
from typing_extensions import override

from payments_core.ports.outbox import IMessageSerializer, PlainMessageSerializer
from payments_core.ports.unit_of_work import IUnitOfWork
from payments_postgres.audit import SqlAlchemyAuditLog
from payments_postgres.dialects import require_locking
from payments_postgres.idempotency import SqlAlchemyIdempotencyKeys
from payments_postgres.inbox import SqlAlchemyInbox
from payments_postgres.outbox import SqlAlchemyOutbox
from payments_postgres.reconciliation import SqlAlchemyReconciliationRepository
from payments_postgres.repositories import (
    SqlAlchemyDiscrepancyRepository,
    SqlAlchemyOrderRepository,
    SqlAlchemyPaymentRepository,
)
from payments_postgres.transaction import Transaction
from payments_postgres.webhooks import SqlAlchemyWebhookInbox


class SqlAlchemyUnitOfWork(IUnitOfWork):
    """
    A transaction on an engine of `payments_postgres.create_engine`.

    Args:
        serializer: Finishes what is told; plain JSON without one.

    Raises:
        RuntimeError: The engine does not lock what is read to be changed.
    """

    def __init__(self, engine: Engine, serializer: IMessageSerializer | None = None) -> None:
        require_locking(engine)
        self._engine = engine
        self._serializer = serializer or PlainMessageSerializer()

    @override
    def __enter__(self) -> Self:
        self._transaction = transaction = Transaction(self._engine)
        self.outbox = SqlAlchemyOutbox(transaction, self._serializer)
        self.inbox = SqlAlchemyInbox(transaction)
        self.audit = SqlAlchemyAuditLog(transaction)
        self.idempotency = SqlAlchemyIdempotencyKeys(transaction)
        self.orders = SqlAlchemyOrderRepository(transaction)
        self.payments = SqlAlchemyPaymentRepository(transaction, self.outbox)
        self.webhooks = SqlAlchemyWebhookInbox(transaction)
        self.discrepancies = SqlAlchemyDiscrepancyRepository(transaction)
        self.reconciliations = SqlAlchemyReconciliationRepository(transaction)
        return self

    @override
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._transaction.__exit__(exc_type, exc, traceback)

    @override
    def commit(self) -> None:
        self._transaction.commit()
