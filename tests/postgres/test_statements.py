"""
Statements that are made once.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, bindparam, event, literal, select, text
from sqlalchemy.sql.compiler import SQLCompiler

from payments_core.application.create_payment import CreatePayment, CreatePaymentCommand
from payments_core.application.operations import Operations
from payments_core.domain.errors import StorageUnavailable
from payments_core.domain.policy import Policy
from payments_core.domain.status import PaymentStatus
from payments_core.testing.builders import eur
from payments_core.testing.clock import ManualClock
from payments_core.testing.fake_provider import APPROVED_METHOD, FakePaymentProvider
from payments_postgres import DatabaseSettings, SqlAlchemyUnitOfWork, create_engine
from payments_postgres.column_types import UtcDateTime
from payments_postgres.statements import Fixed
from payments_postgres.tables import payments
from payments_postgres.transaction import Transaction

NOW = datetime(2026, 11, 26, tzinfo=UTC)

_END_ALL_OTHERS = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.fixture
def listened(postgres_engine: Engine) -> Iterator[Engine]:
    """
    An engine of a test's own, to which it may listen.
    """
    url = postgres_engine.url.render_as_string(hide_password=False)
    engine = create_engine(DatabaseSettings(url))
    yield engine
    engine.dispose()


@pytest.fixture
def take_a_payment(listened: Engine) -> Callable[[], PaymentStatus]:
    """
    Takes a payment under an idempotency key, for an order of its own.
    """
    provider = FakePaymentProvider()
    make_uow = partial(SqlAlchemyUnitOfWork, listened)
    operations = Operations(make_uow, {provider.name: provider}, ManualClock(), Policy())

    def take() -> PaymentStatus:
        command = CreatePaymentCommand(
            order_id=uuid4(),
            customer_id="alice",
            amount=eur("10.00"),
            provider="fake",
            payment_method_id=APPROVED_METHOD,
            idempotency_key=uuid4().hex,
        )
        return CreatePayment(operations).execute(command).payment.status

    return take


@pytest.mark.postgres
def test_taking_a_payment_makes_no_statement_anew(
    listened: Engine,
    take_a_payment: Callable[[], PaymentStatus],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    All that a checkout runs is fixed: the second payment compiles nothing, nor asks SQLAlchemy to.
    """
    take_a_payment()
    anew: list[object] = []
    event.listen(listened, "before_execute", lambda *args: anew.append(args[1]))
    compile_ = SQLCompiler.__init__

    def compiled(*args: Any, **words: Any) -> None:
        anew.append(args)
        compile_(*args, **words)

    monkeypatch.setattr(SQLCompiler, "__init__", compiled)

    assert take_a_payment() is PaymentStatus.SUCCEEDED
    assert anew == []


@pytest.mark.postgres
def test_whoever_listens_hears_of_them(listened: Engine) -> None:
    """
    What traces or counts the statements of an engine sees these as all others, before and after.
    """
    heard: list[tuple[str, str, Any]] = []

    def hear(when: str, *args: Any) -> None:
        heard.append((when, args[2].split()[0], args[3]))

    for when in ("before", "after"):
        event.listen(listened, f"{when}_cursor_execute", partial(hear, when))
    id_ = uuid4()

    with Transaction(listened) as transaction:
        transaction.rows(
            Fixed(select(payments).where(payments.c.id == bindparam("id"))), {"id": id_}
        )

    assert heard == [("before", "SELECT", {"id": id_}), ("after", "SELECT", {"id": id_})]


@pytest.mark.postgres
def test_moments_in_another_zone(postgres_engine: Engine) -> None:
    """
    Values come back as the columns promise, in UTC, whatever zone the connection is in.

    Behind a pooler the server's own zone holds: our limits, and UTC among them, are not sent.
    """
    moment = Fixed(select(literal(NOW, UtcDateTime).label("at")))

    with Transaction(postgres_engine) as transaction:
        transaction.change(text("SET LOCAL TIME ZONE 'Asia/Tokyo'"), {})
        (row,) = transaction.rows(moment)

    assert row.at == NOW
    assert row.at.tzinfo is UTC


@pytest.mark.postgres
def test_sql_that_depends_on_values_is_refused(postgres_engine: Engine) -> None:
    """
    A list in the SQL makes another SQL of it each time, so that must not be taken for a fixed one.
    """
    some = payments.c.id.in_(bindparam("ids", expanding=True))

    with Transaction(postgres_engine) as transaction, pytest.raises(TypeError, match="not fixed"):
        transaction.rows(Fixed(select(payments).where(some)), {"ids": [uuid4()]})


@pytest.mark.postgres
def test_a_connection_that_dies_under_a_fixed_statement(postgres_engine: Engine) -> None:
    """
    It is a StorageUnavailable, and the pool gives out another connection next.
    """
    with SqlAlchemyUnitOfWork(postgres_engine) as uow:
        uow.payments.get(uuid4())
        with Transaction(postgres_engine) as other:
            other.rows(_END_ALL_OTHERS)

        with pytest.raises(StorageUnavailable):
            uow.payments.get(uuid4())

    for _ in range(3):
        with SqlAlchemyUnitOfWork(postgres_engine) as uow:
            assert uow.payments.get(uuid4()) is None
