"""
One transaction with its repositories.
"""

from types import TracebackType
from typing import Self

from sqlalchemy import Engine
from typing_extensions import override

from payments_core.ports.repositories import IDiscrepancyRepository, IPaymentRepository
from payments_core.ports.unit_of_work import IUnitOfWork
from payments_core.ports.webhooks import IWebhookInbox
from payments_postgres.dialects import require_locking
from payments_postgres.repositories import (
    SqlAlchemyDiscrepancyRepository,
    SqlAlchemyPaymentRepository,
)
from payments_postgres.transaction import Transaction
from payments_postgres.webhooks import SqlAlchemyWebhookInbox


class SqlAlchemyUnitOfWork(IUnitOfWork):
    """
    A transaction on an engine of `payments_postgres.create_engine`.

    Raises:
        RuntimeError: The engine does not lock what is read to be changed.
    """

    payments: IPaymentRepository
    webhooks: IWebhookInbox
    discrepancies: IDiscrepancyRepository

    def __init__(self, engine: Engine) -> None:
        require_locking(engine)
        self._engine = engine

    @override
    def __enter__(self) -> Self:
        self._transaction = transaction = Transaction(self._engine)
        self.payments = SqlAlchemyPaymentRepository(transaction)
        self.webhooks = SqlAlchemyWebhookInbox(transaction)
        self.discrepancies = SqlAlchemyDiscrepancyRepository(transaction)
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
