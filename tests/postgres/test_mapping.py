"""
Whatever a payment holds, its rows hold too.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from payments_core.domain.facts import ProviderPaymentStatus
from payments_core.domain.failure import Failure
from payments_core.domain.ids import child_id
from payments_core.domain.money import MAX_MINOR_UNITS, Money
from payments_core.domain.operation import Operation, OperationState
from payments_core.domain.payment import Payment
from payments_core.domain.refund import Refund, RefundStatus
from payments_core.domain.requests import (
    CancelIntent,
    CancelReason,
    CaptureIntent,
    CaptureMethod,
    ConfirmIntent,
    CreateIntent,
    ProviderRequest,
    RefundCapture,
)
from payments_core.domain.status import PaymentStatus
from payments_core.ports.queries import PaymentView
from payments_postgres import (
    DatabaseSettings,
    SqlAlchemyPaymentQueries,
    SqlAlchemyUnitOfWork,
    create_engine,
    migrate,
)

# PostgreSQL has no NUL in text; what is refused and what is replaced has tests of its own.
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
# Hypothesis wants bounds without a zone, and adds it itself.
moments = st.datetimes(
    datetime.fromisoformat("1970-01-01"),
    datetime.fromisoformat("2200-01-01"),
    timezones=st.just(UTC),
)
currencies = st.sampled_from(["EUR", "JPY", "KWD", "CLF", "ISK"])
failures = st.builds(Failure, texts, texts)


def optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """
    Return a strategy for a value that may be missing.
    """
    return st.none() | strategy


def requests(
    payment_id: UUID, money: st.SearchStrategy[Money]
) -> st.SearchStrategy[ProviderRequest]:
    """
    Return a strategy for everything that a provider can be asked.
    """
    owner, uuids = st.just(payment_id), st.uuids()
    method = st.sampled_from(CaptureMethod)
    create = st.builds(
        CreateIntent, owner, uuids, uuids, money, method, optional(texts), optional(texts)
    )
    refund = st.builds(RefundCapture, owner, uuids, uuids, texts, money, optional(texts))
    return st.one_of(
        create,
        st.builds(ConfirmIntent, texts, optional(texts), optional(texts)),
        st.builds(CaptureIntent, texts, money),
        st.builds(CancelIntent, texts, st.sampled_from(CancelReason)),
        refund,
    )


@st.composite
def operations(draw: st.DrawFn, payment_id: UUID, number: int, money: Any) -> Operation:
    """
    Build one operation with any state, consistent or not.
    """
    return Operation(
        id=child_id(payment_id, "operation", number),
        number=number,
        request=draw(requests(payment_id, money)),
        first_sent_at=draw(moments),
        lease_until=draw(moments),
        lease_token=draw(st.uuids()),
        request_key=draw(optional(texts.map(lambda text: f"{number}{text}"))),
        state=draw(st.sampled_from(OperationState)),
        attempts=draw(st.integers(0, 2**31 - 1)),
        last_sent_at=draw(optional(moments)),
        looks=draw(st.integers(0, 2**31 - 1)),
        next_at=draw(optional(moments)),
        key_spent=draw(st.booleans()),
        first_pass_at=draw(optional(moments)),
        second_pass_at=draw(optional(moments)),
        resolved_at=draw(optional(moments)),
        provider_status=draw(optional(texts)),
        failure=draw(optional(failures)),
    )


@st.composite
def refunds(draw: st.DrawFn, payment_id: UUID, number: int, money: Any) -> Refund:
    """
    Build one refund with any state.
    """
    return Refund(
        id=child_id(payment_id, "refund", number),
        amount=draw(money),
        created_at=draw(moments),
        reason=draw(optional(texts)),
        request_key=draw(optional(texts)),
        compensates=draw(st.booleans()),
        status=draw(st.sampled_from(RefundStatus)),
        provider_refund_id=draw(optional(texts.map(lambda text: f"{number}{text}"))),
        failure=draw(optional(failures)),
        completed_at=draw(optional(moments)),
    )


@st.composite
def payments(draw: st.DrawFn, currency: str | None = None) -> Payment:
    """
    Build a closed payment with any content: there the amounts are free.
    """
    # Examples share a database, so each has ids of its own.
    payment_id, currency = uuid4(), currency or draw(currencies)
    positive = st.integers(1, MAX_MINOR_UNITS // 10).map(lambda n: Money.from_minor(n, currency))
    money = positive | st.just(Money.zero(currency))
    return Payment(
        id=payment_id,
        order_id=draw(st.uuids()),
        customer_id=draw(texts),
        amount=draw(positive),
        capture_method=draw(st.sampled_from(CaptureMethod)),
        provider=draw(texts),
        payment_method_id=draw(optional(texts)),
        return_url=draw(optional(texts)),
        created_at=draw(moments),
        updated_at=draw(moments),
        status=draw(st.sampled_from([PaymentStatus.FAILED, PaymentStatus.CANCELED])),
        authorized=draw(money),
        captured=draw(money),
        provider_payment_id=draw(optional(texts.map(lambda text: f"{payment_id}{text}"))),
        provider_status=draw(optional(st.sampled_from(ProviderPaymentStatus))),
        client_secret=draw(optional(texts)),
        redirect_url=draw(optional(texts)),
        failure=draw(optional(failures)),
        cancel_requested=draw(st.booleans()),
        expires_at=draw(optional(moments)),
        version=draw(st.integers(0, 2**31 - 2)),
        operations=[
            draw(operations(payment_id, n + 1, money)) for n in range(draw(st.integers(0, 3)))
        ],
        refunds=[
            draw(refunds(payment_id, n + 1, positive)) for n in range(draw(st.integers(0, 3)))
        ],
    )


@pytest.fixture(scope="module")
def memory() -> Iterator[Engine]:
    """
    A database that all examples share.
    """
    engine = create_engine(DatabaseSettings("sqlite://"))
    migrate(engine)
    yield engine
    engine.dispose()


def keep_and_compare(engine: Engine, payment: Payment) -> None:
    """
    Keep a payment, and compare what comes back with it, as aggregate and as view.
    """
    with SqlAlchemyUnitOfWork(engine) as uow:
        assert uow.payments.add(payment)
        uow.commit()
    with SqlAlchemyUnitOfWork(engine) as uow:
        found = uow.payments.get(payment.id)

    assert found == payment
    assert SqlAlchemyPaymentQueries(engine).get(payment.id) == PaymentView.of(payment)


@given(payment=payments())
def test_round_trip_on_sqlite(memory: Engine, payment: Payment) -> None:
    """
    A payment read is the payment that was written.
    """
    keep_and_compare(memory, payment)


@pytest.mark.postgres
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(payment=payments())
def test_round_trip_on_postgresql(postgres_engine: Engine, payment: Payment) -> None:
    """
    Also on PostgreSQL.
    """
    keep_and_compare(postgres_engine, payment)


PAYMENT = (
    *("status", "authorized", "captured", "provider_payment_id", "provider_status"),
    *("client_secret", "redirect_url", "failure", "cancel_requested", "expires_at"),
)
OPERATION = (
    *("state", "lease_until", "lease_token", "attempts", "last_sent_at", "resolved_at"),
    *("looks", "next_at", "key_spent", "first_pass_at", "second_pass_at"),
    *("provider_status", "failure"),
)
REFUND = ("status", "provider_refund_id", "failure", "completed_at")


def take_over(target: object, source: object, names: Sequence[str]) -> None:
    """
    Copy the fields of these names.
    """
    for name in names:
        setattr(target, name, getattr(source, name))


@given(payment=payments("KWD"), other=payments("KWD"))
def test_a_change_of_everything_is_saved(memory: Engine, payment: Payment, other: Payment) -> None:
    """
    Every field that may change is written by a save.
    """
    with SqlAlchemyUnitOfWork(memory) as uow:
        uow.payments.add(payment)
        take_over(payment, other, PAYMENT)
        for mine, operation in zip(payment.operations, other.operations, strict=False):
            take_over(mine, operation, OPERATION)
        for returned, refund in zip(payment.refunds, other.refunds, strict=False):
            take_over(returned, refund, REFUND)
        uow.payments.save(payment)
        uow.commit()
    with SqlAlchemyUnitOfWork(memory) as uow:
        found = uow.payments.get(payment.id)

    assert found == payment
