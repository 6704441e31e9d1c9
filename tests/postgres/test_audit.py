"""
The audit log only grows: the database itself refuses everything else.
"""

from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, delete, text, update
from sqlalchemy.exc import DBAPIError
from typing_extensions import override

from payments_core.domain.errors import StorageRefused
from payments_core.ports.audit import AuditFilter, IAuditQueries
from payments_core.ports.unit_of_work import UnitOfWorkFactory
from payments_core.testing.builders import NOW
from payments_core.testing.conformance.audit import AuditConformance, an_entry
from payments_postgres import SqlAlchemyAuditQueries, SqlAlchemyUnitOfWork
from payments_postgres.errors import translated
from payments_postgres.tables import audit_log

_ALL = AuditFilter()
_ROW = {
    "id": uuid4(),
    "at": NOW,
    "channel": "cli",
    "issuer": "",
    "subject": "",
    "client": "",
    "request_id": "",
    "action": "refund",
}


class TestSqlAlchemyAudit(AuditConformance):
    """
    SQLite and PostgreSQL, by the `engine` fixture.
    """

    @pytest.fixture
    @override
    def make_uow(self, engine: Engine) -> UnitOfWorkFactory:
        return partial(SqlAlchemyUnitOfWork, engine)

    @pytest.fixture
    @override
    def audit(self, engine: Engine) -> IAuditQueries:
        return SqlAlchemyAuditQueries(engine)


@pytest.fixture
def kept(engine: Engine) -> Engine:
    """
    Each database with one entry.
    """
    with SqlAlchemyUnitOfWork(engine) as uow:
        uow.audit.add(an_entry())
        uow.commit()
    return engine


@pytest.mark.parametrize(
    "statement",
    [
        update(audit_log).values(subject="somebody else"),
        delete(audit_log),
        text("INSERT INTO audit_log SELECT * FROM audit_log"),
    ],
    ids=["update", "delete", "again"],
)
def test_entries_are_never_changed(kept: Engine, statement: Any) -> None:
    """
    An entry is neither changed nor removed nor added twice, whoever tries, and it is still there.
    """
    with pytest.raises(DBAPIError), kept.begin() as connection:
        connection.execute(statement)

    (record,) = SqlAlchemyAuditQueries(kept).list(_ALL, 10).items
    assert record.entry.actor.subject == "anna"


@pytest.mark.postgres
def test_the_table_is_not_emptied(postgres_engine: Engine) -> None:
    """
    PostgreSQL's TRUNCATE is refused as well, and the core hears of it as of any broken rule.
    """
    with (
        pytest.raises(StorageRefused),
        translated,
        postgres_engine.begin() as connection,
    ):
        connection.execute(text("TRUNCATE audit_log"))


@pytest.mark.postgres
def test_the_service_needs_no_more_than_to_add_and_to_read(postgres_engine: Engine) -> None:
    """
    A user who may SELECT and INSERT, as the README advises, can serve and cannot disarm it.
    """
    with postgres_engine.connect() as connection:
        connection.execute(text("DROP ROLE IF EXISTS audit_writer_of_test"))
        connection.execute(text("CREATE ROLE audit_writer_of_test"))
        connection.execute(text("GRANT SELECT, INSERT ON audit_log TO audit_writer_of_test"))
        connection.execute(text("SET LOCAL ROLE audit_writer_of_test"))
        connection.execute(audit_log.insert(), _ROW)
        for statement in ("ALTER TABLE audit_log DISABLE TRIGGER USER", "DELETE FROM audit_log"):
            with pytest.raises(DBAPIError), connection.begin_nested():
                connection.execute(text(statement))
        connection.rollback()
