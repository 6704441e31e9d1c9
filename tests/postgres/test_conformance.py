"""
The promises of the storage ports, held by both databases.
"""

from functools import partial

import pytest
from sqlalchemy import Engine
from typing_extensions import override

from payments_core.ports.backlog import IBacklogQueries
from payments_core.ports.heartbeats import IHeartbeats
from payments_core.ports.queries import IPaymentQueries
from payments_core.ports.reconciliation import IReconciliationQueries
from payments_core.ports.records import IRecordQueries
from payments_core.ports.unit_of_work import UnitOfWorkFactory
from payments_core.ports.webhook_queries import IWebhookQueries
from payments_core.testing.conformance.backlog import BacklogConformance
from payments_core.testing.conformance.heartbeats import HeartbeatsConformance
from payments_core.testing.conformance.reconciliation import ReconciliationConformance
from payments_core.testing.conformance.records import RecordsConformance
from payments_core.testing.conformance.recovery import RecoveryConformance
from payments_core.testing.conformance.storage import StorageConformance
from payments_core.testing.conformance.webhooks import WebhooksConformance
from payments_postgres import (
    SqlAlchemyBacklogQueries,
    SqlAlchemyHeartbeats,
    SqlAlchemyPaymentQueries,
    SqlAlchemyReconciliationQueries,
    SqlAlchemyRecordQueries,
    SqlAlchemyUnitOfWork,
    SqlAlchemyWebhookQueries,
)


class TestSqlAlchemyStorage(StorageConformance):
    """
    SQLite and PostgreSQL, by the `engine` fixture.
    """

    @override
    @pytest.fixture
    def make_uow(self, engine: Engine) -> UnitOfWorkFactory:
        return partial(SqlAlchemyUnitOfWork, engine)

    @override
    @pytest.fixture
    def queries(self, engine: Engine) -> IPaymentQueries:
        return SqlAlchemyPaymentQueries(engine)


class TestSqlAlchemyRecords(RecordsConformance):
    """
    The whole store on both.
    """

    @override
    @pytest.fixture
    def make_uow(self, engine: Engine) -> UnitOfWorkFactory:
        return partial(SqlAlchemyUnitOfWork, engine)

    @override
    @pytest.fixture
    def records(self, engine: Engine) -> IRecordQueries:
        return SqlAlchemyRecordQueries(engine)


class TestSqlAlchemyReconciliation(ReconciliationConformance):
    """
    Runs, and what is compared, in both databases.
    """

    @override
    @pytest.fixture
    def make_uow(self, engine: Engine) -> UnitOfWorkFactory:
        return partial(SqlAlchemyUnitOfWork, engine)

    @override
    @pytest.fixture
    def rows(self, engine: Engine) -> IReconciliationQueries:
        return SqlAlchemyReconciliationQueries(engine)


class TestSqlAlchemyWebhooks(WebhooksConformance):
    """
    The read side of the inbox on both.
    """

    @override
    @pytest.fixture
    def make_uow(self, engine: Engine) -> UnitOfWorkFactory:
        return partial(SqlAlchemyUnitOfWork, engine)

    @override
    @pytest.fixture
    def webhooks(self, engine: Engine) -> IWebhookQueries:
        return SqlAlchemyWebhookQueries(engine)


class TestSqlAlchemyRecovery(RecoveryConformance):
    """
    Both databases hand out operations as they must.
    """

    @override
    @pytest.fixture
    def make_uow(self, engine: Engine) -> UnitOfWorkFactory:
        return partial(SqlAlchemyUnitOfWork, engine)


class TestSqlAlchemyBacklog(BacklogConformance):
    """
    What is not done in both databases.
    """

    @override
    @pytest.fixture
    def make_uow(self, engine: Engine) -> UnitOfWorkFactory:
        return partial(SqlAlchemyUnitOfWork, engine)

    @override
    @pytest.fixture
    def backlog(self, engine: Engine) -> IBacklogQueries:
        return SqlAlchemyBacklogQueries(engine)


class TestSqlAlchemyHeartbeats(HeartbeatsConformance):
    """
    Signs of life in both databases.
    """

    @override
    @pytest.fixture
    def heartbeats(self, engine: Engine) -> IHeartbeats:
        return SqlAlchemyHeartbeats(engine)
