"""
The promises of the outbox and the inbox, held by both databases.
"""

from functools import partial

import pytest
from sqlalchemy import Engine
from typing_extensions import override

from payments_core.ports.outbox import IMessageSerializer
from payments_core.ports.unit_of_work import UnitOfWorkFactory
from payments_core.testing.conformance.outbox import OutboxConformance
from payments_postgres import SqlAlchemyUnitOfWork


class TestSqlAlchemyOutbox(OutboxConformance):
    """
    SQLite and PostgreSQL, by the `engine` fixture.
    """

    @override
    @pytest.fixture
    def make_uow(self, engine: Engine, serializer: IMessageSerializer) -> UnitOfWorkFactory:
        return partial(SqlAlchemyUnitOfWork, engine, serializer)
