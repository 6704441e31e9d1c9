"""
Each rule that the database holds by itself, broken once behind the program's back.
"""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import attrs
import pytest
from sqlalchemy import Engine, Table, insert, select, update
from sqlalchemy.exc import IntegrityError

from payments_core.domain import asking
from payments_core.domain.payment import Payment
from payments_core.domain.policy import Policy
from payments_core.testing.builders import NOW, a_payment, a_refund_fact, answered, eur
from payments_core.testing.conformance.storage import an_event
from payments_postgres import SqlAlchemyUnitOfWork
from payments_postgres.dialects import rule_of
from payments_postgres.tables import (
    discrepancies,
    orders,
    outbox,
    payment_operations,
    payments,
    refunds,
    webhook_events,
)

NOTHING = {"authorized": 0, "captured": 0, "refunded": 0}


@pytest.fixture
def paid(engine: Engine) -> Payment:
    """
    A captured payment with a keyed refund and a webhook event.
    """
    payment = answered(a_payment())
    asking.refund(payment, eur("4.00"), None, NOW, Policy(), request_key="k1")
    payment.refunds[0].provider_refund_id = a_refund_fact(payment, eur("4.00")).id
    event = attrs.evolve(an_event(event_id="evt_1"), payment_id=payment.id)
    with SqlAlchemyUnitOfWork(engine) as uow:
        uow.payments.add(payment)
        uow.webhooks.add(event)
        uow.commit()
    return payment


def broken(engine: Engine, statement: Any) -> str:
    """
    Return the rule that a statement breaks.
    """
    with pytest.raises(IntegrityError) as caught, engine.begin() as connection:
        connection.execute(statement)
    return rule_of(caught.value.orig)


def changed(engine: Engine, table: Table, **values: object) -> str:
    """
    Return the rule that changing the table's only row, or rows, breaks.
    """
    return broken(engine, update(table).values(**values))


def copied(engine: Engine, table: Table, **values: object) -> str:
    """
    Return the rule that one more row like the first one breaks.
    """
    with engine.connect() as connection:
        row = connection.execute(select(table)).mappings().first()
    assert row is not None
    return broken(engine, insert(table).values({**row, **values}))


@pytest.mark.parametrize(
    ("table", "values", "rule"),
    [
        (payments, NOTHING | {"amount": 0}, "ck_payments_amount_positive"),
        (payments, NOTHING | {"amount": -1000, "status": "Failed"}, "ck_payments_amount_positive"),
        (payments, {"refunded": -1}, "ck_payments_amounts_not_negative"),
        (payments, {"captured": -1, "refunded": -1}, "ck_payments_amounts_not_negative"),
        (payments, {"status": "Failed", "authorized": -1}, "ck_payments_amounts_not_negative"),
        (payments, {"refunded": 1001}, "ck_payments_refunded_within_captured"),
        (payments, {"captured": 1001}, "ck_payments_captured_within_authorized"),
        (payments, {"authorized": 1001}, "ck_payments_authorized_within_amount"),
        (payments, {"status": "Settled"}, "ck_payments_status_known"),
        (payments, {"capture_method": "later"}, "ck_payments_capture_method_known"),
        (payment_operations, {"kind": "void"}, "ck_payment_operations_kind_known"),
        (payment_operations, {"state": "lost"}, "ck_payment_operations_state_known"),
        (payment_operations, {"number": 0}, "ck_payment_operations_number_positive"),
        (refunds, {"amount": 0}, "ck_refunds_amount_positive"),
        (refunds, {"number": 0}, "ck_refunds_number_positive"),
        (refunds, {"status": "Lost"}, "ck_refunds_status_known"),
        (webhook_events, {"status": "lost"}, "ck_webhook_events_status_known"),
        (webhook_events, {"topic": "weather"}, "ck_webhook_events_topic_known"),
        (orders, {"event_seq": -1}, "ck_orders_event_seq_not_negative"),
        (orders, {"total": -1}, "ck_orders_total_not_negative"),
        (outbox, {"sequence": 0}, "ck_outbox_sequence_positive"),
    ],
)
def test_checks(
    engine: Engine, paid: Payment, table: Table, values: Mapping[str, object], rule: str
) -> None:
    """
    A value outside its rule is refused by the rule's name.
    """
    assert changed(engine, table, **values) == rule
    assert paid.version == 1


@pytest.mark.parametrize("status", ["Failed", "Canceled"])
def test_late_money_is_recorded_as_it_is(engine: Engine, paid: Payment, status: str) -> None:
    """
    On a closed payment the order of the amounts is no rule: facts arrive late there.
    """
    late = {"authorized": 0, "captured": 1000, "refunded": 1100, "status": status}
    with engine.begin() as connection:
        kept = connection.execute(update(payments).values(**late)).rowcount

    assert kept == 1
    assert paid.status == "Succeeded"


@pytest.mark.parametrize(
    ("table", "values", "postgresql", "sqlite"),
    [
        (payments, {"provider_payment_id": None}, "uq_payments_live_order", "payments.order_id"),
        (
            payments,
            {"order_id": uuid4()},
            "uq_payments_provider_payment_id",
            "payments.provider, payments.provider_payment_id",
        ),
        (
            payment_operations,
            {"request_key": None},
            "uq_payment_operations_payment_id_number",
            "payment_operations.payment_id, payment_operations.number",
        ),
        (
            refunds,
            {"number": 2},
            "uq_refunds_provider_refund_id",
            "refunds.payment_id, refunds.provider_refund_id",
        ),
        (
            refunds,
            {"provider_refund_id": None},
            "uq_refunds_payment_id_number",
            "refunds.payment_id, refunds.number",
        ),
        (
            outbox,
            {},
            "outbox_<part>_order_id_sequence_key",
            "outbox.order_id, outbox.sequence",
        ),
        (
            webhook_events,
            {},
            "webhook_events_<part>_pkey",
            "webhook_events.provider, webhook_events.event_id",
        ),
        (orders, {}, "pk_orders", "orders.order_id"),
    ],
)
def test_uniqueness(
    engine: Engine,
    paid: Payment,
    table: Table,
    values: Mapping[str, object],
    postgresql: str,
    sqlite: str,
) -> None:
    """
    What there is once is refused a second time, though its own id is new.
    """
    fresh: dict[str, UUID] = {"id": uuid4()} if "id" in table.c else {}
    rule = copied(engine, table, **fresh, **values)

    # A month's rules have its name, or that of the part for what has no month.
    rule = re.sub(r"_(\d{4}_\d\d|default)_", "_<part>_", rule)
    assert rule == (postgresql if engine.dialect.name == "postgresql" else sqlite)
    assert paid.version == 1


def test_a_request_key_is_used_once_per_payment(engine: Engine, paid: Payment) -> None:
    """
    Two operations of a payment cannot have the same idempotency key of the caller.
    """
    rule = changed(engine, payment_operations, request_key="k1")

    assert "request_key" in rule
    assert [o.request_key for o in paid.operations] == [None, "k1"]


def test_a_closed_payment_makes_room(engine: Engine, paid: Payment) -> None:
    """
    The order's place is free again once its payment is Failed.
    """
    with engine.begin() as connection:
        connection.execute(update(payments).values(status="Failed", provider_payment_id=None))
    with SqlAlchemyUnitOfWork(engine) as uow:
        added = uow.payments.add(a_payment(order_id=paid.order_id))

    assert added


@pytest.mark.parametrize("table", [payment_operations, refunds], ids=lambda table: table.name)
def test_parts_belong_to_a_payment(engine: Engine, paid: Payment, table: Table) -> None:
    """
    Nothing points to a payment that is not there.
    """
    broken(engine, update(table).values(payment_id=uuid4()))

    with engine.connect() as connection:
        owners = connection.execute(select(table.c.payment_id).distinct()).scalars().all()
    assert owners == [paid.id]


def test_a_discrepancy_belongs_to_a_payment(engine: Engine) -> None:
    """
    Nor does a discrepancy.
    """
    row = {
        "id": uuid4(),
        "payment_id": uuid4(),
        "kind": "late_success",
        "provider_object_id": "x",
        "local_value": "1",
        "provider_value": "2",
        "found_at": NOW,
    }

    assert broken(engine, insert(discrepancies).values(row))
