"""
PostgreSQL and SQLite repositories for payments-core.
"""

from payments_postgres.audit import SqlAlchemyAuditQueries
from payments_postgres.backlog import SqlAlchemyBacklogQueries
from payments_postgres.dialects import create_engine
from payments_postgres.heartbeats import SqlAlchemyHeartbeats
from payments_postgres.migrations import is_behind, is_current, migrate
from payments_postgres.queries import SqlAlchemyPaymentQueries
from payments_postgres.reconciliation_queries import SqlAlchemyReconciliationQueries
from payments_postgres.records import SqlAlchemyRecordQueries
from payments_postgres.retention import SqlAlchemyRetention
from payments_postgres.settings import DatabaseSettings
from payments_postgres.unit_of_work import SqlAlchemyUnitOfWork
from payments_postgres.webhook_queries import SqlAlchemyWebhookQueries

__all__ = [
    "DatabaseSettings",
    "SqlAlchemyAuditQueries",
    "SqlAlchemyBacklogQueries",
    "SqlAlchemyHeartbeats",
    "SqlAlchemyPaymentQueries",
    "SqlAlchemyReconciliationQueries",
    "SqlAlchemyRecordQueries",
    "SqlAlchemyRetention",
    "SqlAlchemyUnitOfWork",
    "SqlAlchemyWebhookQueries",
    "create_engine",
    "is_behind",
    "is_current",
    "migrate",
]
