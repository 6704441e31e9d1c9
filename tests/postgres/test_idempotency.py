"""
Idempotency keys in both databases.
"""

from functools import partial

import pytest
from sqlalchemy import Engine
from typing_extensions import override

from payments_core.ports.unit_of_work import UnitOfWorkFactory
from payments_core.testing.conformance.idempotency import IdempotencyConformance, KeysConformance
from payments_postgres import SqlAlchemyUnitOfWork


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
