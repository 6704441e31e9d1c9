"""
What is old goes, and nothing else: whole months on PostgreSQL, rows on SQLite.
"""

from functools import partial

import pytest
from sqlalchemy import Engine
from typing_extensions import override

from payments_core.testing.builders import NOW
from payments_core.testing.conformance.retention import LONG_AGO, RetentionConformance, Store
from payments_postgres import (
    SqlAlchemyAuditQueries,
    SqlAlchemyRecordQueries,
    SqlAlchemyRetention,
    SqlAlchemyUnitOfWork,
    SqlAlchemyWebhookQueries,
)
from tests.postgres.months import months_back_to, no_months


def store_in(engine: Engine) -> Store:
    """
    Return all who look at a database.
    """
    return Store(
        make_uow=partial(SqlAlchemyUnitOfWork, engine),
        retention=SqlAlchemyRetention(engine),
        records=SqlAlchemyRecordQueries(engine),
        webhooks=SqlAlchemyWebhookQueries(engine),
        audit=SqlAlchemyAuditQueries(engine),
    )


class TestOnSqlite(RetentionConformance):
    """
    Rows go one by one.
    """

    @pytest.fixture
    @override
    def store(self, sqlite_engine: Engine) -> Store:
        return store_in(sqlite_engine)


@pytest.mark.postgres
class TestByMonth(RetentionConformance):
    """
    Months go whole.
    """

    @pytest.fixture
    @override
    def store(self, postgres_engine: Engine) -> Store:
        months_back_to(postgres_engine, LONG_AGO, NOW)
        return store_in(postgres_engine)


@pytest.mark.postgres
class TestWithoutMonths(RetentionConformance):
    """
    What has no month goes row by row: nobody made months for a long time.
    """

    @pytest.fixture
    @override
    def store(self, postgres_engine: Engine) -> Store:
        no_months(postgres_engine)
        return store_in(postgres_engine)
