"""
The doubles of `payments_core.testing` keep the promises of their ports.
"""

from collections.abc import Mapping
from functools import partial

import pytest
from typing_extensions import override

from payments_core.domain.facts import ProviderPayment
from payments_core.ports.audit import IAuditQueries
from payments_core.ports.backlog import IBacklogQueries
from payments_core.ports.heartbeats import IHeartbeats
from payments_core.ports.outbox import IMessageSerializer
from payments_core.ports.provider import IPaymentProvider
from payments_core.ports.queries import IPaymentQueries
from payments_core.ports.reconciliation import IReconciliationQueries
from payments_core.ports.records import IRecordQueries
from payments_core.ports.unit_of_work import UnitOfWorkFactory
from payments_core.ports.webhook_queries import IWebhookQueries
from payments_core.testing.conformance.audit import AuditConformance
from payments_core.testing.conformance.backlog import BacklogConformance
from payments_core.testing.conformance.heartbeats import HeartbeatsConformance
from payments_core.testing.conformance.idempotency import IdempotencyConformance, KeysConformance
from payments_core.testing.conformance.outbox import OutboxConformance
from payments_core.testing.conformance.provider import ProviderConformance
from payments_core.testing.conformance.reconciliation import ReconciliationConformance
from payments_core.testing.conformance.records import RecordsConformance
from payments_core.testing.conformance.recovery import RecoveryConformance
from payments_core.testing.conformance.retention import RetentionConformance, Store
from payments_core.testing.conformance.storage import StorageConformance
from payments_core.testing.conformance.webhooks import WebhooksConformance
from payments_core.testing.fake_provider import FakePaymentProvider
from payments_core.testing.memory import InMemoryDatabase, InMemoryUnitOfWork
from payments_core.testing.memory_backlog import InMemoryBacklogQueries
from payments_core.testing.memory_heartbeats import InMemoryHeartbeats
from payments_core.testing.memory_keys import InMemoryResultCache
from payments_core.testing.memory_queries import InMemoryAuditQueries, InMemoryPaymentQueries
from payments_core.testing.memory_reconciliation import InMemoryReconciliationQueries
from payments_core.testing.memory_records import InMemoryRecordQueries
from payments_core.testing.memory_retention import InMemoryRetention
from payments_core.testing.memory_webhooks import InMemoryWebhookQueries


class TestFakePaymentProvider(ProviderConformance):
    """
    The fake provider is a provider.
    """

    approved = "fake_approved"
    declined = "fake_declined"
    action = "fake_action"

    @pytest.fixture
    @override
    def provider(self) -> IPaymentProvider:
        self.fake = FakePaymentProvider()
        return self.fake

    @override
    def approve(self, payment: ProviderPayment) -> None:
        self.fake.approve(payment.id)

    @override
    def reject(self, payment: ProviderPayment) -> None:
        self.fake.reject(payment.id)

    @override
    def delivery(self, payment: ProviderPayment) -> tuple[bytes, Mapping[str, str]]:
        return self.fake.webhook(payment.id)


class TestInMemoryStorage(StorageConformance):
    """
    The storage in memory is storage.
    """

    @pytest.fixture
    def database(self) -> InMemoryDatabase:
        """
        An empty database.
        """
        return InMemoryDatabase()

    @pytest.fixture
    @override
    def make_uow(self, database: InMemoryDatabase) -> UnitOfWorkFactory:
        return partial(InMemoryUnitOfWork, database)

    @pytest.fixture
    @override
    def queries(self, database: InMemoryDatabase) -> IPaymentQueries:
        return InMemoryPaymentQueries(database)


class TestInMemoryReconciliation(ReconciliationConformance):
    """
    Runs in memory, and what is compared.
    """

    @pytest.fixture
    def database(self) -> InMemoryDatabase:
        """
        An empty database.
        """
        return InMemoryDatabase()

    @pytest.fixture
    @override
    def make_uow(self, database: InMemoryDatabase) -> UnitOfWorkFactory:
        return partial(InMemoryUnitOfWork, database)

    @pytest.fixture
    @override
    def rows(self, database: InMemoryDatabase) -> IReconciliationQueries:
        return InMemoryReconciliationQueries(database)


class TestInMemoryRecovery(RecoveryConformance):
    """
    The storage in memory hands out operations as it must.
    """

    @pytest.fixture
    @override
    def make_uow(self) -> UnitOfWorkFactory:
        return partial(InMemoryUnitOfWork, InMemoryDatabase())


class TestInMemoryOutbox(OutboxConformance):
    """
    The outbox and the inbox in memory keep their promises.
    """

    @pytest.fixture
    @override
    def make_uow(self, serializer: IMessageSerializer) -> UnitOfWorkFactory:
        return partial(InMemoryUnitOfWork, InMemoryDatabase(), serializer)


class TestInMemoryRecords(RecordsConformance):
    """
    The whole store in memory.
    """

    @pytest.fixture
    def database(self) -> InMemoryDatabase:
        """
        An empty database.
        """
        return InMemoryDatabase()

    @pytest.fixture
    @override
    def make_uow(self, database: InMemoryDatabase) -> UnitOfWorkFactory:
        return partial(InMemoryUnitOfWork, database)

    @pytest.fixture
    @override
    def records(self, database: InMemoryDatabase) -> IRecordQueries:
        return InMemoryRecordQueries(database)


class TestInMemoryAudit(AuditConformance):
    """
    The audit log in memory is one.
    """

    @pytest.fixture
    def database(self) -> InMemoryDatabase:
        """
        An empty database.
        """
        return InMemoryDatabase()

    @pytest.fixture
    @override
    def make_uow(self, database: InMemoryDatabase) -> UnitOfWorkFactory:
        return partial(InMemoryUnitOfWork, database)

    @pytest.fixture
    @override
    def audit(self, database: InMemoryDatabase) -> IAuditQueries:
        return InMemoryAuditQueries(database)


class TestInMemoryWebhooks(WebhooksConformance):
    """
    The read side of the inbox in memory.
    """

    @pytest.fixture
    def database(self) -> InMemoryDatabase:
        """
        An empty database.
        """
        return InMemoryDatabase()

    @pytest.fixture
    @override
    def make_uow(self, database: InMemoryDatabase) -> UnitOfWorkFactory:
        return partial(InMemoryUnitOfWork, database)

    @pytest.fixture
    @override
    def webhooks(self, database: InMemoryDatabase) -> IWebhookQueries:
        return InMemoryWebhookQueries(database)


class TestInMemoryKeys(KeysConformance):
    """
    Idempotency keys in memory.
    """

    @pytest.fixture
    @override
    def make_uow(self) -> UnitOfWorkFactory:
        return partial(InMemoryUnitOfWork, InMemoryDatabase())


class TestInMemoryIdempotency(IdempotencyConformance):
    """
    Whole requests on the storage in memory.
    """

    @pytest.fixture
    @override
    def make_uow(self) -> UnitOfWorkFactory:
        return partial(InMemoryUnitOfWork, InMemoryDatabase())


class TestInMemoryIdempotencyWithCache(TestInMemoryIdempotency):
    """
    The same with a cache that keeps everything.
    """

    @pytest.fixture
    @override
    def cache(self) -> InMemoryResultCache:
        self.remembered = InMemoryResultCache()
        return self.remembered


class TestInMemoryIdempotencyWithLossyCache(TestInMemoryIdempotencyWithCache):
    """
    The same with one that forgets everything between two requests.
    """

    @override
    def disturb(self) -> None:
        self.remembered.requests.clear()


class TestInMemoryBacklog(BacklogConformance):
    """
    What is not done in memory.
    """

    @pytest.fixture
    def database(self) -> InMemoryDatabase:
        """
        An empty database.
        """
        return InMemoryDatabase()

    @pytest.fixture
    @override
    def make_uow(self, database: InMemoryDatabase) -> UnitOfWorkFactory:
        return partial(InMemoryUnitOfWork, database)

    @pytest.fixture
    @override
    def backlog(self, database: InMemoryDatabase) -> IBacklogQueries:
        return InMemoryBacklogQueries(database)


class TestInMemoryRetention(RetentionConformance):
    """
    What is old goes from memory too.
    """

    @pytest.fixture
    @override
    def store(self) -> Store:
        database = InMemoryDatabase()
        return Store(
            make_uow=partial(InMemoryUnitOfWork, database),
            retention=InMemoryRetention(database),
            records=InMemoryRecordQueries(database),
            webhooks=InMemoryWebhookQueries(database),
            audit=InMemoryAuditQueries(database),
        )


class TestInMemoryHeartbeats(HeartbeatsConformance):
    """
    Signs of life in memory.
    """

    @pytest.fixture
    @override
    def heartbeats(self) -> IHeartbeats:
        return InMemoryHeartbeats()
