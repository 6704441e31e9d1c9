"""
Idempotency keys in both databases.
"""

from functools import partial

import pytest
from sqlalchemy import Engine
from typing_extensions import override

from payments_core.ports.idempotency import IResultCache
from payments_core.ports.unit_of_work import UnitOfWorkFactory
from payments_core.testing.conformance.idempotency import IdempotencyConformance, KeysConformance
from payments_postgres import SqlAlchemyUnitOfWork
from tests.redis.conditions import Condition


class TestSqlAlchemyKeys(KeysConformance):
    """
    SQLite and PostgreSQL, by the `engine` fixture.
    """

    @pytest.fixture
    @override
    def make_uow(self, engine: Engine) -> UnitOfWorkFactory:
        return partial(SqlAlchemyUnitOfWork, engine)


class TestSqlAlchemyIdempotency(IdempotencyConformance):
    """
    Whole requests, on SQLite and on PostgreSQL.
    """

    @pytest.fixture
    @override
    def make_uow(self, engine: Engine) -> UnitOfWorkFactory:
        return partial(SqlAlchemyUnitOfWork, engine)


@pytest.mark.redis
class TestSqlAlchemyIdempotencyWithRedis(TestSqlAlchemyIdempotency):
    """
    The same with a Redis in front that is alive, wiped, absent or killed.
    """

    @pytest.fixture
    @override
    def cache(self, redis_condition: Condition) -> IResultCache:
        self.condition = redis_condition
        return redis_condition.cache

    @override
    def disturb(self) -> None:
        self.condition.disturb()
